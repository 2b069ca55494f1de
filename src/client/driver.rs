//! The pump between session and stream. It knows neither polling nor threads: the
//! reactor calls it, and so do the C API's `mosquitto_loop_read` and its kin.

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::attempt::Patience;
use super::deliver::thread_token;
use super::lock::is_single_core;
use super::{Client, Guard, Io, Link, State};
use crate::error::{CallerError, Error, PeerError, Result};
use crate::session::State as SessionState;
use crate::transport::stream_error;

/// Moves a thread that waits for the network.
pub trait Wake: Send + Sync {
    /// Wakes the waiting thread; may be called from any thread, and too often.
    fn wake(&self);
}

/// What a thread that polls for this client has to wait for.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// The descriptor, with a number that changes with every socket.
    pub fd: Option<(RawFd, u64)>,
    /// There is something to do at once.
    pub ready: bool,
    /// There is no connection, no prospect of one, and nothing to tell.
    pub idle: bool,
    /// When there is something to do at the latest.
    pub deadline: Option<Instant>,
    /// What there is to do is to write what a stream of messages has left since the last write;
    /// who has only this client had better let more gather for [`PAUSE`](super::PAUSE).
    pub gathers: bool,
}

/// How much of what has arrived one call takes.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// How many reads.
    pub reads: usize,
    /// How many bytes, after which nothing more is read; one large packet may have more.
    pub bytes: usize,
}

impl Share {
    /// What a client gets that is alone with its thread.
    pub const WHOLE: Share = Share {
        reads: READS,
        bytes: usize::MAX,
    };
    /// Nothing is read.
    pub const NO_READS: Share = Share { reads: 0, bytes: 0 };
}

/// How many slices one write gathers.
const SLICES: usize = 64;
/// And how many where there is not much.
const FEW_SLICES: usize = 4;
/// How many reads one call makes before others get their turn.
const READS: usize = 16;
/// Room for a read that only the rest of a large packet makes.
const LARGE_READ: usize = 65 * 1024;
/// What is missing of a packet is waited for as a whole if it is at least this.
const LARGE_REST: usize = 64 * 1024;
/// And at most so much of it.
const LARGEST_LOW_WATER: usize = 512 * 1024;
/// How many times one call of a loop thread fetches and writes what is queued.
const WRITES: usize = 4;
/// How long after the last message that was not collected with others one counts as alone.
const LONE: Duration = Duration::from_micros(20);

impl Client {
    /// Reads what has arrived and delivers it. Takes everything one read yields: what
    /// has arrived and is not delivered is still in the socket, whose descriptor says so.
    ///
    /// # Errors
    ///
    /// Why the connection ended, once; `NotConnected` without one; `InvalidArgument`
    /// inside an event handler.
    pub fn handle_readable(&self) -> Result<()> {
        self.end_if_owed_much();
        self.drive(
            |st| {
                st.readable = true;
                st.reports += 1;
            },
            Share {
                reads: 1,
                ..Share::WHOLE
            },
        )
    }

    /// Writes what waits, completes a pending connection, delivers events.
    pub fn handle_writable(&self) -> Result<()> {
        self.drive(
            |st| {
                st.write_blocked = false;
                st.reports += 1;
            },
            Share::NO_READS,
        )
    }

    /// Does what is due by time, such as keep alive; to be called about every second
    /// where nobody honours [`Wait::deadline`].
    pub fn handle_timeout(&self) -> Result<()> {
        self.drive(|st| st.write_blocked = false, Share::NO_READS)
    }

    /// Everything at once, for a host that polls: `readable` and `writable` say what the
    /// descriptor is, `read_closed` that the peer ended its side, perhaps behind bytes
    /// that are still to be read.
    pub fn handle_ready(&self, readable: bool, writable: bool, read_closed: bool) -> Result<()> {
        self.handle_share(readable, writable, read_closed, Share::WHOLE)
    }

    /// As [`Client::handle_ready`], for a host that has others to serve: no more than a
    /// share. What is left [`Client::prepare_wait`] calls ready.
    pub fn handle_share(
        &self,
        readable: bool,
        writable: bool,
        read_closed: bool,
        share: Share,
    ) -> Result<()> {
        self.drive(
            |st| {
                st.parked = false;
                st.readable |= readable || read_closed;
                st.read_closed |= read_closed;
                st.reports += u64::from(readable || read_closed || writable);
                if writable {
                    st.write_blocked = false;
                }
            },
            share,
        )
    }

    /// What to wait for; after this, [`Wake::wake`] is called when it changes, until the
    /// next [`Client::handle_ready`].
    pub fn prepare_wait(&self) -> Wait {
        self.lock().prepare_wait()
    }

    /// As [`Client::prepare_wait`], unless another host than `wake`'s has the client now.
    pub fn prepare_wait_of(&self, wake: &dyn Wake) -> Option<Wait> {
        let mut st = self.lock();
        let own = st.wake.as_ref().map(Arc::as_ptr);
        let is_ours = own.is_some_and(|own| std::ptr::addr_eq(own, wake));
        is_ours.then(|| st.prepare_wait())
    }

    /// Lends the descriptor with this number, if the client still has it, which it keeps
    /// until `forget` returns: for a host that polls for it no longer.
    pub fn forget_fd(&self, number: u64, forget: impl FnOnce(RawFd)) {
        let st = self.lock();
        if let (Some(fd), true) = (st.fd(), st.fd_serial == number) {
            forget(fd);
        }
    }

    /// Whether there is no connection, no attempt, and nothing left to tell.
    pub fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    /// Whether the program asked for a connection and not for its end.
    pub fn is_wanted(&self) -> bool {
        self.lock().lifecycle.wanted
    }

    /// Whether the program asked for the end of the connection after it last asked for one.
    pub fn is_ended(&self) -> bool {
        self.lock().lifecycle.ended
    }

    /// Whether [`Client::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Whether DISCONNECT waits to be sent.
    pub fn is_closing(&self) -> bool {
        self.lock().session.state() == SessionState::Closing
    }

    /// Whether this thread is inside an event handler of this client.
    pub fn is_in_handler(&self) -> bool {
        self.lock().dispatcher == Some(thread_token())
    }

    /// Who waits for this client is woken by `wake` from now on.
    pub fn set_wake(&self, wake: Option<Arc<dyn Wake>>) {
        let mut st = self.lock();
        st.wake = wake;
        st.parked = false;
    }

    /// Somebody runs the loop for the client from now on, and reconnects it, or does no
    /// longer. A connection that is wanted and not there is attempted at once.
    pub fn set_hosted(&self, hosted: bool) {
        let mut st = self.lock();
        st.hosted = hosted;
        self.notify(&mut st); // who waits may have to run the loop
        st.set_low_water();
        if !hosted && st.lifecycle.pause() {
            st.tell(None);
        }
        let missing =
            matches!(st.link, Link::Down) && st.lifecycle.wanted && st.blocking_attempts == 0;
        if hosted && missing && st.lifecycle.next_attempt.is_none() {
            let now = Instant::now();
            let error = st.failure.as_deref().cloned();
            let delay = st.options.reconnect_delay;
            st.lifecycle.resume(error.is_some(), &delay, now);
            if error.is_some() {
                st.tell(error.as_ref());
            }
        }
    }

    /// The one turn of the pump: note what the host saw, read as much as `share` says, do
    /// what is due, write, deliver.
    fn drive(&self, note: impl FnOnce(&mut State), share: Share) -> Result<()> {
        let mut st = self.lock();
        if share.reads > 0 && st.dispatcher == Some(thread_token()) {
            return Err(Error::invalid("the loop cannot run inside a callback"));
        }
        let idle = st.is_idle();
        // The time of requests runs out without a connection too.
        if idle && st.request_deadline().is_none() {
            return Err(CallerError::NotConnected.into());
        }
        note(&mut st);
        st.pace.turn();
        st.advance_dial();
        if share.reads > 0 && st.has_low_water() && st.is_timer_due(Instant::now()) {
            st.readable = true; // part of a packet is a sign of life too
        }
        if st.session.input_held_until().is_some() && st.dispatcher.is_none() {
            st = self.take_held(st, share);
        }
        // Before the timers: an answer that waited while the program was busy counts.
        if share.reads > 0 && st.readable && st.dispatcher.is_none() {
            st = self.read_and_deliver(st, share);
        }
        st = self.do_what_is_due(st);
        st = self.flush(st);
        st = self.dispatch(st);
        // Callbacks may have queued more.
        st = self.flush(st);
        st = self.dispatch(st);
        match st.failure.take() {
            Some(error) => Err(*error),
            None if idle && st.is_idle() => Err(CallerError::NotConnected.into()),
            None => Ok(()),
        }
    }

    fn do_what_is_due<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        let now = Instant::now();
        st.clock = now;
        if st.is_timer_due(now) && !st.session.is_throttled() {
            // A time of silence: what was kept for much to do goes.
            st.received.shrink();
            st.session.shrink();
            if let Some(io) = &mut st.io {
                io.pending.shrink();
            }
        }
        if let Err(error) = st.session.handle_timeout(now) {
            st = self.flush(st);
            st.end_link(Some(error));
        }
        st.remind_of_requests(now);
        if st.attempt_deadline.is_some_and(|deadline| deadline <= now) {
            st.attempt_deadline = None;
            st.attempt_timed_out();
        }
        let due = st.lifecycle.next_attempt.is_some_and(|due| due <= now);
        if st.may_attempt() && due {
            st.lifecycle.next_attempt = None;
            drop(st);
            let begun = self.begin_attempt(Patience::Later);
            st = self.lock();
            if let Err(error) = begun {
                // A callback may have asked for another attempt, or for none, meanwhile.
                let overtaken = !st.lifecycle.wanted || st.lifecycle.next_attempt.is_some();
                if matches!(st.link, Link::Down) && st.failure.is_none() && !overtaken {
                    st.attempt_failed(error);
                }
            }
        }
        st
    }

    /// A server that sends and takes no answers is not read from. Where the program polls, the
    /// descriptor would stay readable, and it would call us again and again: there the
    /// connection ends.
    fn end_if_owed_much(&self) {
        let mut st = self.lock();
        if st.session.owes_much() {
            st = self.flush(st);
            if st.session.owes_much() && st.io.is_some() {
                st.end_link(Some(Error::Peer(PeerError::ConnectionLost)));
            }
        }
    }

    /// Reads a share, and delivers what each read brought.
    pub(super) fn read_and_deliver<'a>(&'a self, mut st: Guard<'a>, share: Share) -> Guard<'a> {
        let _right = self.take_dispatch(&mut st);
        let mut left = share.bytes;
        for done in 0.. {
            let inside_only = done >= share.reads || left == 0;
            let held = st.session.input_held_until().is_some();
            if !st.readable || held || st.session.owes_much() {
                break;
            }
            // What is inside a buffering stream makes no descriptor readable, so that much
            // is read to the end even for a host that asked for one read.
            if inside_only && !st.io.as_ref().is_some_and(|io| io.stream.buffers()) {
                break;
            }
            let count;
            (st, count) = self.read(st, inside_only, left);
            if count == 0 {
                break;
            }
            left = left.saturating_sub(count);
            st = self.take_packets(st);
        }
        st.set_low_water();
        st.received.rest();
        self.release_dispatch(&mut st);
        st
    }

    /// One read into the receive buffer, perhaps only of what a buffering stream has
    /// inside, of at most `most` bytes; 0 when there was nothing.
    fn read<'a>(&'a self, mut st: Guard<'a>, inside_only: bool, most: usize) -> (Guard<'a>, usize) {
        let Some(mut io) = st.io.take() else {
            return (st, 0);
        };
        let (generation, reports) = (st.generation, st.reports);
        let mut received = std::mem::take(&mut st.received);
        drop(st);
        let mut space = received.space();
        // A share is about the time of others, which a large packet takes little of.
        if !inside_only && space.len() > most && space.len() < LARGE_READ {
            space = &mut space[..most];
        }
        let room = space.len();
        if inside_only {
            io.stream.hold(true);
        }
        let outcome = loop {
            if room == 0 {
                break Err(io::ErrorKind::OutOfMemory.into());
            }
            match io.stream.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome,
            }
        };
        if inside_only {
            io.stream.hold(false);
        }
        if let Ok(count) = outcome {
            received.filled(count);
        }
        st = self.lock();
        if st.generation != generation {
            return (st, 0); // the stream was replaced meanwhile
        }
        let io_buffers = io.stream.buffers();
        if io_buffers {
            // Reading may have been what writing waited for: a handshake.
            st.write_blocked = false;
        }
        if st.attempt_deadline.is_some() && !io.stream.is_handshaking() {
            st.handshakes_done(&mut io);
        }
        st.io = Some(io);
        self.notify(&mut st);
        st.received = received;
        if let Ok(count) = outcome {
            st.session.count_received(count);
        }
        match outcome {
            Ok(0) => {
                st.end_link(Some(Error::Peer(PeerError::ConnectionLost)));
                (st, 0)
            }
            Ok(count) => {
                // A short read has emptied the socket. Where the end was announced with
                // the bytes it is not announced again.
                let emptied = count < room && !st.read_closed && !io_buffers;
                st.readable = !emptied || st.reports != reports;
                (st, count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                st.readable = inside_only || st.reports != reports;
                (st, 0)
            }
            Err(error) => {
                st.end_link(Some(stream_error("read or write", &error)));
                (st, 0)
            }
        }
    }

    /// Writes what waits as far as the network takes it, and closes the connection once
    /// its DISCONNECT is out.
    pub(super) fn flush<'a>(&'a self, st: Guard<'a>) -> Guard<'a> {
        // A loop thread comes back to what is left after it has read, so that a program
        // that publishes without pause does not keep it from reading. Without one, who
        // has the stream writes all, since nobody else may come.
        let rounds = st.hosted.then_some(WRITES);
        self.flush_within(st, rounds)
    }

    /// Writes all that waits, as far as the network takes it, as [`Client::flush`] does.
    pub(super) fn flush_all<'a>(&'a self, st: Guard<'a>) -> Guard<'a> {
        self.flush_within(st, None)
    }

    fn flush_within<'a>(&'a self, mut st: Guard<'a>, rounds: Option<usize>) -> Guard<'a> {
        let mut rounds_left = rounds.unwrap_or(usize::MAX);
        while st.has_output() && !st.write_blocked && rounds_left > 0 {
            rounds_left -= 1;
            if rounds.is_some() && st.pace.is_too_fast() {
                break;
            }
            if let Err(error) = st.store_first() {
                st.end_link(Some(error));
                return st;
            }
            let Some(io) = st.io.take() else {
                return st; // who has it writes this too
            };
            let connected;
            (st, connected) = self.write(st, io, &[]);
            if !connected {
                return st;
            }
        }
        if st.is_flushed_and_closing() && !st.lifecycle.wanted && st.failure.is_none() {
            st.end_link(None);
        }
        st
    }

    /// Sends what waits and then the payload of [`Session::publish_lent`], of which only that is
    /// copied which the network does not take at once.
    ///
    /// [`Session::publish_lent`]: crate::session::Session::publish_lent
    pub(super) fn send_lent<'a>(&'a self, mut st: Guard<'a>, payload: &[u8]) -> Guard<'a> {
        match st.io.take() {
            Some(io) if !st.write_blocked && !st.session.must_store() => {
                self.write(st, io, payload).0
            }
            io => {
                st.io = io;
                st.session.append_lent(payload);
                st
            }
        }
    }

    /// Writes what waits, and `lent` behind it; whether the connection is still the same.
    fn write<'a>(&'a self, mut st: Guard<'a>, mut io: Box<Io>, lent: &[u8]) -> (Guard<'a>, bool) {
        let (generation, reports) = (st.generation, st.reports);
        st.session.poll_transmit(&mut io.pending);
        let len = io.pending.len();
        drop(st);
        let (sent, outcome) = io.write(lent);
        st = self.lock();
        if st.generation != generation {
            return (st, false); // the stream was replaced meanwhile
        }
        if st.attempt_deadline.is_some() && !io.stream.is_handshaking() {
            st.handshakes_done(&mut io);
        }
        let gone = io.stream.is_gone();
        st.io = Some(io);
        self.notify(&mut st);
        let now = Instant::now();
        st.session.transmitted(sent, now);
        st.pace.written(len, reports, now);
        match outcome {
            Ok(blocked) => st.write_blocked = blocked && st.reports == reports,
            Err(error) => match stream_error("read or write", &error) {
                // The server may have said why before it closed: that is still to be
                // read, and so is the end.
                Error::Peer(PeerError::ConnectionLost) if !gone => {
                    st.write_blocked = true;
                    st.readable = true;
                }
                error => {
                    st.end_link(Some(error));
                    return (st, false);
                }
            },
        }
        (st, true)
    }

    /// After a call of the program changed something: gets it on its way.
    pub(super) fn kick<'a>(&'a self, st: Guard<'a>) {
        let st = self.kick_keep(st);
        self.dispatch_logs(st);
    }

    pub(super) fn kick_keep<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        if st.dispatcher.is_some_and(|thread| thread == thread_token()) {
            return st; // the loop around this callback goes on with it
        }
        if !st.hosted {
            st = self.flush(st);
        }
        // A thread in `mosquitto_loop` has to deliver what the flush brought about.
        let news = st.session.has_events() || st.session.has_earlier_timeout();
        if st.hosted || news || st.write_blocked || st.closed {
            self.wake(&mut st);
        }
        st
    }

    /// As [`Client::kick`], after a call that can have brought nothing but something to send.
    /// To a loop thread that is awake, or where nothing may be sent now, there is nothing to do.
    #[inline(always)]
    pub(super) fn kick_output<'a>(&'a self, st: Guard<'a>) {
        if st.hosted && !st.logging.is_on() && !st.parked {
            if st.session.is_far_ahead() {
                make_way(st);
            }
            return;
        }
        self.kick_sleeping(st);
    }

    #[inline(never)]
    fn kick_sleeping<'a>(&'a self, mut st: Guard<'a>) {
        let waits = st.hosted && st.parked && !st.logging.is_on();
        if !waits {
            return self.kick(st);
        }
        let earlier = st.session.has_earlier_timeout();
        if !st.session.has_transmit() && !st.session.has_events() && !earlier {
            return; // the window is full, or there is no connection
        }
        // A lone message is written here and now, which is sooner than another thread can wake
        // up and costs less. Of many in a row, the second wakes the thread that collects
        // what follows in large writes.
        let now = Instant::now();
        let lone = now.saturating_duration_since(st.stirred) >= LONE;
        if lone && !earlier && !st.write_blocked {
            st.stirred = now;
            st = self.flush(st);
            if st.session.has_only_published() && !self.handler.hears_published() {
                st.session.poll_published(); // not worth waking a thread for
            }
            if !st.parked || !(st.session.has_transmit() || st.session.has_events()) {
                return;
            }
        }
        st.stirred = now;
        self.wake(&mut st);
    }

    /// Wakes the thread that waits for the network, if one does.
    pub(super) fn wake(&self, st: &mut Guard<'_>) {
        if st.parked {
            if let Some(wake) = &st.wake {
                wake.wake();
                st.parked = false;
            }
        }
    }
}

/// Several publishers on one core leave the thread that sends little time of it: what they add meanwhile is memory that
/// was never touched before, which costs more than the messages do.
#[cold]
fn make_way(st: Guard<'_>) {
    let sends = !st.write_blocked;
    drop(st);
    if sends && is_single_core() {
        thread::yield_now();
    }
}

impl State {
    /// Lets the thread that polls sleep until much of a large packet has come. Where the program
    /// polls we cannot look at what has come when a timer is due, as its life sign.
    fn set_low_water(&mut self) {
        let missing = self.received.missing();
        let bytes = match missing {
            LARGE_REST.. if self.hosted => missing.min(LARGEST_LOW_WATER) as i32,
            _ => 1,
        };
        if let Some(io) = self.io.as_mut().filter(|io| io.low_water != bytes) {
            io.low_water = bytes;
            io.stream.set_low_water(bytes);
        }
    }

    fn has_low_water(&self) -> bool {
        self.io.as_ref().is_some_and(|io| io.low_water > 1)
    }

    fn is_timer_due(&self, now: Instant) -> bool {
        self.session.poll_timeout().is_some_and(|due| due <= now)
    }

    /// When there is something to do at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let attempt = self.lifecycle.next_attempt.filter(|_| self.may_attempt());
        let dial_deadline = match &self.link {
            Link::Dialing(dial) => dial.deadline(),
            _ => None,
        };
        // That of an attempt in a blocking call is the call's own.
        let attempt_deadline = match self.link {
            Link::Down => None,
            _ => self.attempt_deadline,
        };
        [
            self.session.poll_timeout(),
            dial_deadline,
            attempt,
            attempt_deadline,
            self.request_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What [`Client::prepare_wait`] says.
    fn prepare_wait(&mut self) -> Wait {
        let foreign_dispatcher = self.dispatcher.is_some();
        let up = matches!(self.link, Link::Up(_));
        let more_than_output = self.failure.is_some()
            || (self.session.has_events() && !foreign_dispatcher)
            || (up
                && self.readable
                && !foreign_dispatcher
                && self.session.input_held_until().is_none()
                && !self.session.owes_much())
            || self.is_flushed_and_closing();
        let output = up && self.io.is_some() && self.has_output() && !self.write_blocked;
        let ready = more_than_output || output;
        self.parked = !ready;
        self.session.has_earlier_timeout(); // it is told now
        if !output {
            self.pace.rest();
        }
        let deadline = self.deadline();
        Wait {
            fd: self.fd().map(|fd| (fd, self.fd_serial)),
            ready,
            idle: self.is_idle(),
            deadline,
            gathers: output && !more_than_output && self.hosted && self.pace.is_too_fast(),
        }
    }
}

impl Io {
    /// Writes what waits, and then `lent`, until all is out (`Ok(false)`) or the stream takes no
    /// more (`Ok(true)`); also tells how much went out. What is left of `lent` is copied.
    fn write(&mut self, mut lent: &[u8]) -> (usize, io::Result<bool>) {
        let mut sent = 0;
        let outcome = loop {
            if self.pending.is_empty() && lent.is_empty() {
                break self.stream.flush();
            }
            match self.write_once(lent) {
                Ok(written) => {
                    sent += written;
                    let waited = written.min(self.pending.len());
                    self.pending.advance(waited);
                    lent = &lent[written - waited..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if !lent.is_empty() {
            self.pending.append_shared(Arc::new(lent.to_vec()));
        }
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (sent, Ok(true)),
            outcome => (sent, outcome.map(|()| false)),
        }
    }

    fn write_once(&mut self, lent: &[u8]) -> io::Result<usize> {
        if self.pending.pieces() < FEW_SLICES {
            self.write_pieces::<FEW_SLICES>(lent)
        } else {
            self.write_pieces::<SLICES>(lent)
        }
    }

    fn write_pieces<const MOST: usize>(&mut self, lent: &[u8]) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); MOST];
        let mut count = self.pending.fill(&mut slices);
        if !lent.is_empty() && count < MOST {
            slices[count] = IoSlice::new(lent);
            count += 1;
        }
        self.stream.write_vectored(&slices[..count])
    }
}
