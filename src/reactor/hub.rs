//! One epoll for many waiting threads: a client beyond the first few needs no descriptor
//! but its socket.
//!
//! The [`Hub`] is a thread with a `mio::Poll` that all seats register their sockets in. A
//! client's own thread waits on the condition variable of its [`Seat`]; the hub notes there
//! what the socket has become and wakes it. So callbacks run where they always do, and no
//! client can hold another up: the hub runs nothing of the program's. Waking a seat from
//! another thread takes no descriptor either.
//!
//! The hub comes with the first seat and goes with the last.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Poll, Registry, Token};

use super::poller::{add_or_modify, Ready};
use super::threads;

/// Where a hub is found while it has seats.
#[derive(Debug)]
pub(super) struct Hubs(Mutex<Option<Arc<Hub>>>);

/// The process's.
pub(super) static HUBS: Hubs = Hubs::new();

/// A place to wait in for one thread at a time.
#[derive(Debug)]
pub(super) struct Seat {
    hub: Arc<Hub>,
    hubs: &'static Hubs,
    place: Arc<Place>,
    /// The descriptor that is registered for this seat.
    claim: Option<RawFd>,
}

/// What a thread in a seat shares with those that wake it.
#[derive(Debug, Default)]
pub(super) struct Place {
    state: Mutex<PlaceState>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct PlaceState {
    /// What the socket has become since the last wait.
    ready: Ready,
    /// The wait is to end, or the next one is not to begin.
    wake: bool,
    /// A thread waits and nobody has woken it yet.
    waiting: bool,
}

/// The thread that polls, and what it knows.
#[derive(Debug)]
pub(super) struct Hub {
    registry: Registry,
    waker: mio::Waker,
    claims: Mutex<Claims>,
    ends: AtomicBool,
    /// The error that polling ended with, 0 for none: from then on no seat can wait.
    failed: AtomicI32,
    tenure: Mutex<Tenure>,
}

/// Changes only with [`Hubs`] locked.
#[derive(Debug, Default)]
struct Tenure {
    seats: usize,
    thread: Option<JoinHandle<()>>,
}

/// Which seats wait for which descriptor.
#[derive(Debug, Default)]
struct Claims {
    /// By descriptor.
    slots: Vec<Slot>,
    /// Further seats that claim a descriptor. A number is used anew as soon as it is closed,
    /// so a thread that has yet to learn that its connection was replaced may claim what is
    /// another client's by now. Both are told then: too many reports do no harm, and the
    /// claim that is behind the times goes with its seat's next wait.
    others: Vec<(RawFd, Arc<Place>)>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Counts registrations, so that reports of sockets that are gone are known by the
    /// token they bear.
    serial: u32,
    seat: Option<Arc<Place>>,
}

/// Ends the thread's polling; no descriptor.
const WAKE: Token = Token(usize::MAX);

/// How many reports are fetched at once.
const EVENTS: usize = 256;

impl Hubs {
    pub(super) const fn new() -> Self {
        Hubs(Mutex::new(None))
    }

    /// Keeps the hub for this thread.
    pub(super) fn freeze(&'static self) -> MutexGuard<'static, Option<Arc<Hub>>> {
        lock(&self.0)
    }

    /// A seat of the hub, which begins with it if there is none.
    pub(super) fn seat(&'static self) -> io::Result<Seat> {
        let mut present = lock(&self.0);
        let hub = match &*present {
            // One that cannot poll any more keeps the seats it has.
            Some(hub) if hub.failed.load(Ordering::Relaxed) == 0 => Arc::clone(hub),
            _ => Arc::clone(present.insert(Hub::begin()?)),
        };
        lock(&hub.tenure).seats += 1;
        Ok(Seat {
            hub,
            hubs: self,
            place: Arc::default(),
            claim: None,
        })
    }

    /// Ends the hub if this was its last seat.
    fn leave(&self, hub: &Arc<Hub>) {
        let mut present = lock(&self.0);
        let thread = {
            let mut tenure = lock(&hub.tenure);
            tenure.seats -= 1;
            if tenure.seats > 0 {
                return;
            }
            tenure.thread.take()
        };
        if present
            .as_ref()
            .is_some_and(|other| Arc::ptr_eq(other, hub))
        {
            *present = None;
        }
        // From here on another hub may begin.
        drop(present);
        hub.ends.store(true, Ordering::Relaxed);
        // Fails only when the counter is full, and then the thread wakes anyway.
        let _ = hub.waker.wake();
        if let Some(thread) = thread {
            // It takes no lock for longer than a moment, so this does not either.
            let _ = thread.join();
        }
    }
}

impl Seat {
    pub(super) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.place)
    }

    /// Reports are about this descriptor from now on; its present state is reported first.
    /// What is left of reports about the one before may still come: too many do no harm.
    pub(super) fn claim(&mut self, fd: Option<RawFd>) -> io::Result<()> {
        let mut claims = lock(&self.hub.claims);
        if let Some(former) = self.claim.take() {
            claims.remove(former, &self.place);
        }
        lock(&self.place.state).ready = Ready::default();
        let Some(fd) = fd else { return Ok(()) };
        // Registered with the claims locked, so that the token in the poll is that of the
        // last claim.
        let token = claims.add(fd, &self.place)?;
        let registered = add_or_modify(&self.hub.registry, fd, token);
        match registered {
            Ok(()) => self.claim = Some(fd),
            Err(_) => claims.remove(fd, &self.place),
        }
        registered
    }

    /// Waits for a report or a wake-up, at most `timeout`, and takes what was reported.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Ready> {
        let mut state = lock(&self.place.state);
        let nothing = !state.wake && state.ready == Ready::default();
        if nothing && timeout != Some(Duration::ZERO) && !self.has_failed() {
            state.waiting = true;
            state = match timeout {
                None => (self.place.woken.wait(state)).unwrap_or_else(PoisonError::into_inner),
                Some(timeout) => {
                    (self.place.woken.wait_timeout(state, timeout))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
            state.waiting = false;
        }
        state.wake = false;
        let ready = std::mem::take(&mut state.ready);
        match self.hub.failed.load(Ordering::Relaxed) {
            0 => Ok(ready),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    fn has_failed(&self) -> bool {
        self.hub.failed.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(fd) = self.claim.take() {
            lock(&self.hub.claims).remove(fd, &self.place);
        }
        self.hubs.leave(&self.hub);
    }
}

impl Place {
    /// Ends the wait; one that has not begun yet ends at once.
    pub(super) fn wake(&self) {
        self.notify(|state| state.wake = true);
    }

    fn report(&self, ready: Ready) {
        self.notify(|state| state.ready |= ready);
    }

    fn notify(&self, note: impl FnOnce(&mut PlaceState)) {
        let mut state = lock(&self.state);
        note(&mut state);
        let waiting = std::mem::take(&mut state.waiting);
        // Released first, so that the woken thread does not run into it.
        drop(state);
        if waiting {
            self.woken.notify_one();
        }
    }
}

impl Hub {
    fn begin() -> io::Result<Arc<Hub>> {
        let poll = Poll::new()?;
        let hub = Arc::new(Hub {
            registry: poll.registry().try_clone()?,
            waker: mio::Waker::new(poll.registry(), WAKE)?,
            claims: Mutex::default(),
            ends: AtomicBool::new(false),
            failed: AtomicI32::new(0),
            tenure: Mutex::default(),
        });
        let polling = Arc::clone(&hub);
        let thread = threads::spawn("mqttrs-hub", Box::new(move || polling.run(poll)))?;
        lock(&hub.tenure).thread = Some(thread);
        Ok(hub)
    }

    fn run(&self, mut poll: Poll) {
        let mut events = Events::with_capacity(EVENTS);
        let mut reports = Vec::new();
        while !self.ends.load(Ordering::Relaxed) {
            match poll.poll(&mut events, None) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Always one of the system's.
                    self.fail(error.raw_os_error().unwrap_or(i32::MAX));
                    return;
                }
            }
            let claims = lock(&self.claims);
            for event in &events {
                claims.resolve(&self.registry, event, &mut reports);
            }
            drop(claims);
            for (place, ready) in reports.drain(..) {
                place.report(ready);
            }
        }
    }

    /// Wakes everybody for bad news. A seat without a socket hears it when it next wakes.
    fn fail(&self, code: i32) {
        self.failed.store(code, Ordering::Relaxed);
        let claims = lock(&self.claims);
        let first = claims.slots.iter().filter_map(|slot| slot.seat.as_ref());
        for place in first.chain(claims.others.iter().map(|(_, place)| place)) {
            place.wake();
        }
    }
}

impl Claims {
    /// The token to register the descriptor with.
    fn add(&mut self, fd: RawFd, place: &Arc<Place>) -> io::Result<Token> {
        // A negative number is no descriptor.
        let index = usize::try_from(fd).map_err(|_| io::ErrorKind::InvalidInput)?;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        let slot = &mut self.slots[index];
        slot.serial = slot.serial.wrapping_add(1);
        if let Some(before) = slot.seat.replace(Arc::clone(place)) {
            self.others.push((fd, before));
        }
        Ok(token(fd, slot.serial))
    }

    fn remove(&mut self, fd: RawFd, place: &Arc<Place>) {
        let Some(slot) = (usize::try_from(fd).ok()).and_then(|index| self.slots.get_mut(index))
        else {
            return;
        };
        let is_first = slot
            .seat
            .as_ref()
            .is_some_and(|seat| Arc::ptr_eq(seat, place));
        let other = self
            .others
            .iter()
            .position(|(number, other)| *number == fd && (is_first || Arc::ptr_eq(other, place)));
        let other = other.map(|index| self.others.swap_remove(index).1);
        if is_first {
            slot.seat = other;
        }
    }

    /// Adds whom the event concerns.
    fn resolve(
        &self,
        registry: &Registry,
        event: &mio::event::Event,
        reports: &mut Vec<(Arc<Place>, Ready)>,
    ) {
        let number = event.token().0 & u32::MAX as usize;
        let Some(slot) = self.slots.get(number) else {
            return; // the waker
        };
        let fd = number as RawFd;
        if event.token() != token(fd, slot.serial) {
            return; // of a socket whose number another has now
        }
        let Some(place) = &slot.seat else {
            // Still open, but not what anybody here waits for; where it was closed
            // meanwhile there is nothing to be done.
            let _ = registry.deregister(&mut SourceFd(&fd));
            return;
        };
        let ready = Ready::of(event);
        reports.push((Arc::clone(place), ready));
        let others = self.others.iter().filter(|(number, _)| *number == fd);
        reports.extend(others.map(|(_, other)| (Arc::clone(other), ready)));
    }
}

/// Where a word has 32 bits the serial is lost, and reports of sockets that are gone are
/// told to whoever has the number: that is one report too many.
fn token(fd: RawFd, serial: u32) -> Token {
    Token((u64::from(serial) << 32 | u64::from(fd as u32)) as usize)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    const NEVER: Option<Duration> = None;
    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

    /// A socket in a seat, and its peer.
    struct Pair {
        near: UnixStream,
        far: UnixStream,
    }

    impl Pair {
        fn new() -> Self {
            let (near, far) = UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            Pair { near, far }
        }

        fn fd(&self) -> RawFd {
            self.near.as_raw_fd()
        }

        fn send(&mut self) {
            self.far.write_all(b"x").unwrap();
        }

        /// Takes what was sent.
        fn receive(&mut self) {
            let mut byte = [0];
            assert_eq!(self.near.read(&mut byte).unwrap(), 1);
        }
    }

    /// A seat at the socket whose first report, that it can be written, has been taken.
    fn seat_at(hubs: &'static Hubs, pair: &Pair) -> Seat {
        let mut seat = hubs.seat().unwrap();
        seat.claim(Some(pair.fd())).unwrap();
        assert!(seat.wait(NEVER).unwrap().writable);
        seat
    }

    fn wait_readable(seat: &mut Seat) {
        while !seat.wait(NEVER).unwrap().readable {}
    }

    /// Whether the hub's thread has seen all that happened before: what happens to a socket
    /// is reported in order.
    fn catch_up(hubs: &'static Hubs) {
        let mut pair = Pair::new();
        let mut seat = seat_at(hubs, &pair);
        pair.send();
        wait_readable(&mut seat);
    }

    #[test]
    fn what_happens_during_a_wait_ends_it() {
        static HUBS: Hubs = Hubs::new();
        let mut pair = Pair::new();
        let mut seat = seat_at(&HUBS, &pair);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| wait_readable(&mut seat));
            pair.send();
            waiting.join().unwrap();
        });
    }

    #[test]
    fn what_happens_between_two_waits_is_seen_by_the_next_and_by_no_further_one() {
        static HUBS: Hubs = Hubs::new();
        let mut pair = Pair::new();
        let mut seat = seat_at(&HUBS, &pair);
        for _ in 0..100 {
            pair.send();
            catch_up(&HUBS);
            let ready = seat.wait(AT_ONCE).unwrap();
            assert!(ready.readable && !ready.read_closed);
            assert_eq!(seat.wait(AT_ONCE).unwrap(), Ready::default());
            pair.receive();
        }
        drop(pair.far);
        catch_up(&HUBS);
        assert!(seat.wait(AT_ONCE).unwrap().read_closed);
    }

    #[test]
    fn a_wake_up_before_a_wait_ends_that_one_alone() {
        static HUBS: Hubs = Hubs::new();
        let mut seat = HUBS.seat().unwrap();
        let place = seat.place();
        place.wake();
        place.wake();
        assert_eq!(seat.wait(NEVER).unwrap(), Ready::default());
        assert!(!lock(&place.state).wake);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| seat.wait(NEVER).unwrap());
            place.wake();
            assert_eq!(waiting.join().unwrap(), Ready::default());
        });
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        static HUBS: Hubs = Hubs::new();
        let mut seat = HUBS.seat().unwrap();
        let ready = seat.wait(Some(Duration::from_millis(1))).unwrap();
        assert_eq!(ready, Ready::default());
    }

    #[test]
    fn each_seat_hears_of_its_own_socket() {
        static HUBS: Hubs = Hubs::new();
        let mut pairs: Vec<_> = (0..40).map(|_| Pair::new()).collect();
        let mut seats: Vec<_> = pairs.iter().map(|pair| seat_at(&HUBS, pair)).collect();
        for pair in pairs.iter_mut().step_by(2) {
            pair.send();
        }
        catch_up(&HUBS);
        for (number, seat) in seats.iter_mut().enumerate() {
            let ready = seat.wait(AT_ONCE).unwrap();
            assert_eq!(ready.readable, number % 2 == 0, "seat {number}");
        }
    }

    #[test]
    fn a_socket_with_the_number_of_one_that_was_closed_is_a_new_one() {
        static HUBS: Hubs = Hubs::new();
        let mut seat = HUBS.seat().unwrap();
        for _ in 0..50 {
            let mut pair = Pair::new();
            pair.send();
            seat.claim(Some(pair.fd())).unwrap();
            wait_readable(&mut seat);
            drop(pair.near);
        }
    }

    #[test]
    fn a_socket_is_reported_anew_to_whoever_claims_it_again() {
        static HUBS: Hubs = Hubs::new();
        let mut pair = Pair::new();
        let mut seat = seat_at(&HUBS, &pair);
        pair.send();
        wait_readable(&mut seat);
        seat.claim(Some(pair.fd())).unwrap();
        wait_readable(&mut seat);
        drop(seat);
        let mut other = HUBS.seat().unwrap();
        other.claim(Some(pair.fd())).unwrap();
        wait_readable(&mut other);
    }

    #[test]
    fn a_seat_without_a_claim_hears_nothing() {
        static HUBS: Hubs = Hubs::new();
        let mut pair = Pair::new();
        let mut seat = seat_at(&HUBS, &pair);
        seat.claim(None).unwrap();
        pair.send();
        catch_up(&HUBS);
        assert_eq!(seat.wait(AT_ONCE).unwrap(), Ready::default());
        assert!(lock(&seat.hub.claims).slots[pair.fd() as usize]
            .seat
            .is_none());
    }

    #[test]
    fn a_claim_behind_the_times_takes_nothing_from_the_rightful_one() {
        static HUBS: Hubs = Hubs::new();
        let mut pair = Pair::new();
        let mut rightful = seat_at(&HUBS, &pair);
        let mut late = seat_at(&HUBS, &pair);
        pair.send();
        wait_readable(&mut rightful);
        wait_readable(&mut late);
        late.claim(None).unwrap();
        pair.send();
        wait_readable(&mut rightful);

        // The other way round, the seats being dropped.
        let early = rightful;
        let mut rightful = seat_at(&HUBS, &pair);
        drop(early);
        pair.send();
        wait_readable(&mut rightful);
        let hub = Arc::clone(&rightful.hub);
        assert!(lock(&hub.claims).others.is_empty());
        drop(rightful);
        assert!(lock(&hub.claims)
            .slots
            .iter()
            .all(|slot| slot.seat.is_none()));
    }

    #[test]
    fn what_is_no_open_descriptor_cannot_be_claimed_and_the_seat_stays_good() {
        static HUBS: Hubs = Hubs::new();
        let mut seat = HUBS.seat().unwrap();
        assert!(seat.claim(Some(-1)).is_err());
        assert!(seat.claim(Some(50_000)).is_err());
        let file = fs::File::open("/").unwrap();
        assert!(seat.claim(Some(file.as_raw_fd())).is_err());
        assert!(seat.claim.is_none());
        let mut pair = Pair::new();
        pair.send();
        seat.claim(Some(pair.fd())).unwrap();
        wait_readable(&mut seat);
    }

    #[test]
    fn a_seat_is_told_that_the_hub_cannot_poll() {
        static HUBS: Hubs = Hubs::new();
        let pair = Pair::new();
        let mut seat = seat_at(&HUBS, &pair);
        let hub = Arc::clone(&seat.hub);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| loop {
                if let Err(error) = seat.wait(NEVER) {
                    return error.raw_os_error();
                }
            });
            hub.fail(9);
            assert_eq!(waiting.join().unwrap(), Some(9));
        });
        // Those that come later have another.
        let other = seat_at(&HUBS, &pair);
        assert!(!Arc::ptr_eq(&other.hub, &hub));
        drop(seat);
        assert!(lock(&HUBS.0).is_some());
        drop(other);
        assert!(lock(&HUBS.0).is_none());
    }

    #[test]
    fn the_hub_goes_with_its_last_seat_and_comes_with_the_next_whatever_thread_that_is_on() {
        static HUBS: Hubs = Hubs::new();
        let together = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        together.wait();
                        let mut pair = Pair::new();
                        let mut seat = seat_at(&HUBS, &pair);
                        pair.send();
                        wait_readable(&mut seat);
                        let hub = Arc::clone(&seat.hub);
                        drop(seat);
                        // All seats of this round are gone only when all threads are here.
                        together.wait();
                        assert_eq!(lock(&hub.tenure).seats, 0);
                        assert!(lock(&hub.tenure).thread.is_none());
                        assert!(hub.ends.load(Ordering::Relaxed));
                    }
                });
            }
        });
        assert!(lock(&HUBS.0).is_none());
    }
}
