//! The queue of outgoing messages as the program sees it: its limits, what became of each message,
//! and waiting: for room, for the outcomes, for the end of the connection.

use std::sync::atomic::Ordering;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::deliver::thread_token;
use super::{Client, Guard, Link, Outcome, Publication, QueueOptions, State};
use crate::codec::Properties;
use crate::error::{CallerError, Result};
use crate::session::{DrainMark, SessionEvent, State as SessionState};
use crate::types::ReasonCode;

/// How long a thread that is reading or writing is waited for, so that DISCONNECT can be written.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a wait for the outcomes stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// All messages have theirs.
    Yes,
    /// Not yet, and somebody runs the loop.
    Wait,
    /// Not yet, and the caller has to run the loop.
    RunLoop,
}

impl Client {
    /// Sets how much may wait, see [`crate::session::Session::set_queue`].
    pub fn set_queue(&self, options: Option<QueueOptions>) {
        let mut st = self.lock();
        st.session.set_queue(options);
        self.notify(&mut st); // who waits for room may have some
    }

    /// Sets what messages may take where there are no such options, see
    /// [`crate::session::Session::set_memory`].
    pub fn set_memory(&self, bytes: usize) {
        self.lock().session.set_memory(bytes);
    }

    /// Whether [`super::Handler::outcome`] is called; for messages accepted from now on.
    pub fn set_outcomes(&self, on: bool) {
        self.lock().session.set_outcomes(on);
    }

    /// Drops all messages that were never sent.
    pub fn clear_queue(&self) {
        let mut st = self.lock();
        st.session.clear_queue();
        self.notify(&mut st);
        self.kick(st);
    }

    /// All messages end here, as the client does or is made anew; tells the program of those
    /// without an outcome, if it wants to know.
    pub fn end_messages(&self) {
        let mut st = self.lock();
        let me = thread_token();
        st.waiting += 1;
        while st.dispatcher.is_some_and(|thread| thread != me) {
            st = self
                .changed
                .wait(st)
                .unwrap_or_else(PoisonError::into_inner);
        }
        st.waiting -= 1;
        let right = st.dispatcher.is_none();
        let right = right.then(|| self.take_dispatch(&mut st));
        st = self.say_goodbye(st);
        // Nothing is sent or acknowledged behind an outcome.
        st.abandon_link();
        let (mut told, mut done) = (Vec::new(), Vec::new());
        while st.session.has_events() {
            match st.session.poll_event(Instant::now()) {
                Some(SessionEvent::Outcome {
                    packet_id,
                    outcome,
                    reason,
                    ..
                }) => told.push((packet_id, outcome, reason)),
                Some(SessionEvent::Done(event)) => done.push(event),
                _ => {}
            }
        }
        let left = st.session.take_all().into_iter();
        told.extend(left.map(|id| (id, Outcome::Cleared, ReasonCode::SUCCESS)));
        drop(st);
        for (packet_id, outcome, reason) in told {
            self.handler
                .outcome(packet_id, outcome, reason, Properties::EMPTY);
        }
        for event in done {
            self.tell_done(&event);
        }
        self.end_all_requests();
        if right.is_some() {
            self.release_dispatch(&mut self.lock());
        }
    }

    /// Waits for a change until `deadline`, unless `is_done` says that there is no need. Where nobody
    /// runs the loop, [`Drained::RunLoop`] says so at once.
    ///
    /// # Errors
    ///
    /// `TimedOut` after the deadline; `NotConnected` when nobody is going to connect any more.
    pub fn wait_until(&self, is_done: &dyn Fn() -> bool, deadline: Instant) -> Result<Drained> {
        let mut st = self.lock();
        loop {
            if is_done() {
                return Ok(Drained::Yes);
            }
            if Instant::now() >= deadline {
                return Err(CallerError::TimedOut("it is not done yet").into());
            }
            if !st.hosted && !st.closed {
                return Ok(Drained::RunLoop);
            }
            st.check_prospect()?;
            st = self.wait_for_change(st, deadline);
        }
    }

    /// Up to where messages were accepted, for [`Client::drained`].
    pub fn drain_mark(&self) -> DrainMark {
        self.lock().session.drain_mark()
    }

    /// Whether all messages that were accepted before the mark have their outcome and the
    /// program was told. Where somebody runs the loop, waits for a change until `deadline`.
    ///
    /// # Errors
    ///
    /// `TimedOut` after the deadline; `NotConnected` when nobody is going to connect any more.
    pub fn drained(&self, mark: &mut DrainMark, deadline: Instant) -> Result<Drained> {
        let mut st = self.lock();
        loop {
            // What was taken last may still be with the program.
            if st.session.is_drained(mark) && st.dispatcher.is_none() || st.closed {
                return Ok(Drained::Yes);
            }
            if Instant::now() >= deadline {
                return Err(CallerError::TimedOut("messages are left without an outcome").into());
            }
            if !st.hosted {
                return Ok(Drained::RunLoop);
            }
            st.check_prospect()?;
            st = self.wait_for_change(st, deadline);
        }
    }

    /// How long a publishing thread may wait for room.
    pub fn queue_wait(&self) -> Duration {
        self.lock().session.queue_wait()
    }

    /// Waits until there is room for a message; `false` after the deadline.
    pub fn wait_for_room(&self, message: &Publication<'_>, deadline: Instant) -> bool {
        let mut st = self.lock();
        loop {
            if st.session.has_room(message) && !st.closed {
                return true;
            }
            if Instant::now() >= deadline || st.closed {
                return false;
            }
            st = self.wait_for_change(st, deadline);
        }
    }

    /// Waits until the connection that was to be ended has ended; after `deadline` it is ended
    /// whatever the network does. Whether it ended by itself.
    pub fn wait_for_end(&self, deadline: Instant) -> bool {
        let mut st = self.lock();
        while st.session.state() == SessionState::Closing && st.hosted {
            if Instant::now() >= deadline {
                break;
            }
            st = self.wait_for_change(st, deadline);
        }
        st.session.state() != SessionState::Closing
    }

    /// A DISCONNECT that the program has asked for goes out if the network takes it now, as the
    /// connection is about to be abandoned.
    pub(super) fn say_goodbye<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        // Another thread may be reading or writing, which is soon over: it does not wait for the
        // network. If it is not, the system is too busy to be waited for.
        let deadline = Instant::now() + GOODBYE;
        while st.session.state() == SessionState::Closing
            && st.is_in_use()
            && Instant::now() < deadline
        {
            st = self.wait_for_change(st, deadline);
        }
        match st.session.state() {
            SessionState::Closing => self.flush_all(st),
            _ => st,
        }
    }

    /// Ends the connection, or the attempt to get one, now.
    pub fn cut(&self) {
        let mut st = self.lock();
        self.goodbyes.fetch_add(1, Ordering::Relaxed);
        st.lifecycle.end();
        if matches!(st.link, Link::Down) {
            return self.kick(st);
        }
        // DISCONNECT goes out if the network takes it now.
        st = self.flush(st);
        match st.session.state() {
            SessionState::Offline => st.abandon_link(),
            _ => st.end_link(None),
        }
        let st = self.kick_keep(st);
        if !st.hosted && !st.parked {
            drop(self.dispatch(st));
        }
    }

    fn wait_for_change<'a>(&'a self, mut st: Guard<'a>, deadline: Instant) -> Guard<'a> {
        let left = deadline.saturating_duration_since(Instant::now());
        st.waiting += 1;
        (st, _) = self
            .changed
            .wait_timeout(st, left)
            .unwrap_or_else(PoisonError::into_inner);
        st.waiting -= 1;
        st
    }
}

impl State {
    /// Whether a client whose loop somebody runs has a connection, or will have. Where it never
    /// was to have one, the program is about to say so.
    fn check_prospect(&self) -> Result<()> {
        let is_over = matches!(self.link, Link::Down)
            && self.target.is_some()
            && !self.lifecycle.wanted
            && self.blocking_attempts == 0
            && self.dispatcher.is_none()
            && !self.session.has_events();
        match is_over {
            true => Err(CallerError::NotConnected.into()),
            false => Ok(()),
        }
    }
}
