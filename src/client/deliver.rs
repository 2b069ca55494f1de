//! Events to the program: one at a time, in order, with no lock held.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::PoisonError;
use std::time::Instant;

use super::{Client, Event, Guard};
use crate::codec::PropertyId;
use crate::error::{CallerError, Error};
use crate::session::SessionEvent;
use crate::types::PacketId;

impl Client {
    /// Delivers every event that waits, if nobody else is at it; otherwise that one does.
    pub(super) fn dispatch<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        if st.dispatcher.is_some() {
            return st;
        }
        let _right = self.take_dispatch(&mut st);
        st = self.deliver_waiting(st);
        self.release_dispatch(&mut st);
        st
    }

    /// Delivers every event that waits; this thread has the right to.
    pub(super) fn deliver_waiting<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        while st.session.has_events() && !st.closed {
            if let Some(ids) = st.session.poll_published() {
                st = self.deliver_published(st, ids);
                continue;
            }
            // `None` too is progress: the session had to be asked to go on.
            if let Some(event) = st.session.poll_event(Instant::now()) {
                st = self.deliver(st, event);
            }
        }
        st
    }

    /// Delivers the log lines at the front of the queue: a program may call us without
    /// ever running a loop, and still wants its log.
    #[inline]
    pub(super) fn dispatch_logs<'a>(&'a self, st: Guard<'a>) {
        if st.logging.is_on() && !st.hosted && st.session.next_is_log() && st.dispatcher.is_none() {
            self.deliver_logs(st);
        }
    }

    fn deliver_logs<'a>(&'a self, mut st: Guard<'a>) {
        let _right = self.take_dispatch(&mut st);
        while st.session.next_is_log() && !st.closed {
            match st.session.poll_event(Instant::now()) {
                Some(event) => st = self.deliver(st, event),
                None => break,
            }
        }
        self.release_dispatch(&mut st);
    }

    /// Delivers one event now, ahead of what waits, waiting for the right to do so unless
    /// this thread has it.
    pub(super) fn deliver_now<'a>(&'a self, mut st: Guard<'a>, event: Event<'_>) -> Guard<'a> {
        let me = thread_token();
        st.waiting += 1;
        while st.dispatcher.is_some_and(|thread| thread != me) {
            st = self
                .changed
                .wait(st)
                .unwrap_or_else(PoisonError::into_inner);
        }
        st.waiting -= 1;
        let nested = st.dispatcher.is_some();
        let right = (!nested).then(|| self.take_dispatch(&mut st));
        drop(st);
        self.handler.event(event);
        let mut st = self.lock();
        if right.is_some() {
            self.release_dispatch(&mut st);
        }
        st
    }

    /// Whether this thread is inside a log handler of this client.
    pub(super) fn is_in_log_handler(&self) -> bool {
        std::ptr::eq(LOG_HANDLER_OF.get(), self)
    }

    /// Takes the right to deliver events, which is free.
    pub(super) fn take_dispatch(&self, st: &mut Guard<'_>) -> DispatchRight<'_> {
        st.dispatcher = Some(thread_token());
        DispatchRight(self)
    }

    /// Gives it back. A thread that polls has left to us what came meanwhile, and is not
    /// told of it again: now it is its turn.
    pub(super) fn release_dispatch(&self, st: &mut Guard<'_>) {
        st.dispatcher = None;
        self.notify(st);
        if st.readable || st.session.has_events() || st.lifecycle.next_attempt.is_some() {
            self.wake(st);
        }
    }

    /// Wakes who waits for a change, if anybody does.
    pub(super) fn notify(&self, st: &mut Guard<'_>) {
        if st.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn deliver_published<'a>(&'a self, st: Guard<'a>, mut ids: VecDeque<PacketId>) -> Guard<'a> {
        let epoch = self.epoch.load(Ordering::Relaxed);
        drop(st);
        let go_on = || self.epoch.load(Ordering::Relaxed) == epoch;
        self.handler.published(ids.make_contiguous(), &go_on);
        self.lock()
    }

    fn deliver<'a>(&'a self, mut st: Guard<'a>, event: SessionEvent) -> Guard<'a> {
        let mut lifecycle = None;
        match &event {
            SessionEvent::Connected {
                code: 0,
                properties,
                ..
            } => {
                st.listen_again(properties.as_properties());
                let now = Instant::now();
                st.lifecycle.accepted(now);
                lifecycle = st.lifecycle.describe(None, now);
                st.attempts = 0;
                st.attempt_deadline = None;
            }
            SessionEvent::Connected { properties, .. } => {
                let properties = properties.as_properties();
                st.refer(properties.string(PropertyId::ServerReference));
            }
            SessionEvent::Mark => lifecycle = st.lifecycle.poll_untold(),
            SessionEvent::Reminder => return self.end_late_requests(st),
            SessionEvent::Subscribed {
                packet_id, codes, ..
            }
            | SessionEvent::Unsubscribed {
                packet_id, codes, ..
            } => {
                let own;
                (st, own) = self.is_own_answer(st, *packet_id, codes);
                if own {
                    return st;
                }
            }
            _ => {}
        }
        drop(st);
        if let Some(lifecycle) = &lifecycle {
            self.handler.event(Event::Lifecycle(lifecycle));
        }
        match &event {
            SessionEvent::Connected {
                code,
                session_present,
                properties,
            } => {
                self.handler.event(Event::Connected {
                    code: *code,
                    session_present: *session_present,
                    properties: properties.as_properties(),
                });
            }
            SessionEvent::Disconnected { error, properties } => {
                self.handler.event(Event::Disconnected {
                    error: error.as_ref(),
                    properties: properties.as_properties(),
                });
            }
            SessionEvent::Published {
                packet_id,
                reason,
                properties,
            } => {
                self.handler.event(Event::Published {
                    packet_id: *packet_id,
                    reason: *reason,
                    properties: properties.as_properties(),
                });
            }
            SessionEvent::Outcome {
                packet_id,
                outcome,
                reason,
                properties,
            } => {
                self.handler
                    .outcome(*packet_id, *outcome, *reason, properties.as_properties());
            }
            SessionEvent::Done(done) => {
                self.tell_done(done);
                let mut st = self.lock();
                self.notify(&mut st); // who waits for it
                return st;
            }
            SessionEvent::Subscribed {
                packet_id,
                codes,
                properties,
            } => {
                self.handler.event(Event::Subscribed {
                    packet_id: *packet_id,
                    codes,
                    properties: properties.as_properties(),
                });
            }
            SessionEvent::Unsubscribed {
                packet_id,
                codes,
                properties,
            } => {
                self.handler.event(Event::Unsubscribed {
                    packet_id: *packet_id,
                    codes,
                    properties: properties.as_properties(),
                });
            }
            SessionEvent::Mark | SessionEvent::Reminder => {}
            SessionEvent::Log(record) => {
                let outer = LOG_HANDLER_OF.replace(std::ptr::from_ref(self));
                let _restore = RestoreLogHandler(outer);
                self.handler.event(Event::Log(record));
            }
            SessionEvent::Authenticate {
                method,
                data,
                properties,
            } => {
                let answer =
                    self.handler
                        .authenticate(method, data.as_deref(), properties.as_properties());
                if answer.is_err() {
                    let mut st = self.lock();
                    let error = st
                        .session
                        .fail(Error::Caller(CallerError::AuthenticationAborted));
                    let mut st = self.flush(st);
                    st.end_link(Some(error));
                    return st;
                }
            }
        }
        self.lock()
    }
}

thread_local! {
    /// The client whose log handler this thread is in; NULL for none.
    static LOG_HANDLER_OF: Cell<*const Client> = const { Cell::new(std::ptr::null()) };
}

/// Puts the thread's mark back, also should the handler panic.
struct RestoreLogHandler(*const Client);

impl Drop for RestoreLogHandler {
    fn drop(&mut self) {
        LOG_HANDLER_OF.set(self.0);
    }
}

/// Gives the right to deliver events back should a handler panic.
pub(super) struct DispatchRight<'a>(&'a Client);

impl Drop for DispatchRight<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Where the panic came with the mutex held, `Client::lock` does it.
            if let Ok(mut st) = self.0.state.try_lock() {
                st.dispatcher = None;
            }
        }
    }
}

/// A number that differs between threads alive at the same time.
pub(super) fn thread_token() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark) as usize)
}
