//! A TCP proxy that breaks connections in ways that a network has.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::rng::Rng;

/// What happens to a connection after so many bytes, both directions counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ends in order (FIN), in the middle of whatever was on its way.
    Cut,
    /// It is reset (RST), on both sides.
    Reset,
    /// Nothing passes for a while; after some of these it is reset, else it goes on.
    Stall,
    /// What one side or both send is swallowed, and nobody is told.
    HalfOpen,
    /// Bytes pass one by one for a while.
    Slow,
}

/// A proxy in front of a port of this machine; it ends when this is dropped.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    target: u16,
    kinds: Vec<Fault>,
    state: Mutex<State>,
    changed: Condvar,
    stop: AtomicBool,
}

struct State {
    rng: Rng,
    /// How many faults may still happen.
    left: usize,
    injected: usize,
    /// Weak: a socket closes as soon as its own threads let go of it.
    open: Vec<Weak<Connection>>,
}

impl Proxy {
    /// Listens, and passes everything on to `target` until [`Proxy::inject`].
    pub(crate) fn start(target: u16, kinds: &[Fault], rng: Rng) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            target,
            kinds: kinds.to_vec(),
            state: Mutex::new(State {
                rng,
                left: 0,
                injected: 0,
                open: Vec::new(),
            }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let thread = thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Proxy {
            port,
            shared,
            thread: Some(thread),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// So many faults happen from now on, to connections that are there and to new ones.
    pub(crate) fn inject(&self, faults: usize) {
        let mut state = self.shared.state.lock().unwrap();
        state.left += faults;
        for connection in state.open.clone().iter().filter_map(Weak::upgrade) {
            connection
                .flow
                .lock()
                .unwrap()
                .plan(&mut state.rng, &self.shared.kinds);
        }
    }

    /// Waits until all of them have happened; how many did when the time is over instead.
    pub(crate) fn wait_for_faults(&self, patience: Duration) -> Result<(), usize> {
        let state = self.shared.state.lock().unwrap();
        let (state, result) = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| state.left > 0)
            .unwrap();
        match result.timed_out() {
            true => Err(state.injected),
            false => Ok(()),
        }
    }

    pub(crate) fn injected(&self) -> usize {
        self.shared.state.lock().unwrap().injected
    }

    /// Resets all connections at once.
    pub(crate) fn reset_all(&self) {
        let open = self.shared.state.lock().unwrap().open.clone();
        for connection in open.iter().filter_map(Weak::upgrade) {
            connection.end(true);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Moves the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// One connection, as its two directions share it.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    flow: Mutex<Flow>,
    ended: AtomicBool,
}

/// What its bytes go through.
struct Flow {
    passed: usize,
    /// The fault that comes when so many have passed.
    next: Option<(usize, Fault)>,
    stalled_until: Option<Instant>,
    /// It is reset when the stall is over.
    then_reset: bool,
    /// Up to here they pass one by one.
    slow_until: usize,
    swallow: [bool; 2],
}

/// What is done with the next bytes.
enum Step {
    Pass(usize),
    /// One byte, then a short rest.
    Drip,
    Swallow,
    Wait(Duration),
    End {
        reset: bool,
    },
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for client in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            break;
        }
        let client = client.unwrap();
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.target)) else {
            continue; // the broker is just being started again
        };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let connection = {
            let mut state = shared.state.lock().unwrap();
            let mut flow = Flow {
                passed: 0,
                next: None,
                stalled_until: None,
                then_reset: false,
                slow_until: 0,
                swallow: [false; 2],
            };
            if state.left > 0 {
                flow.plan(&mut state.rng, &shared.kinds);
            }
            let connection = Arc::new(Connection {
                client,
                server,
                flow: Mutex::new(flow),
                ended: AtomicBool::new(false),
            });
            state
                .open
                .retain(|connection| connection.strong_count() > 0);
            state.open.push(Arc::downgrade(&connection));
            connection
        };
        threads.retain(|thread: &JoinHandle<()>| !thread.is_finished());
        for direction in [Direction::ToServer, Direction::ToClient] {
            let (connection, shared) = (connection.clone(), shared.clone());
            threads.push(thread::spawn(move || {
                connection.carry(direction, &shared);
            }));
        }
    }
    let open = shared.state.lock().unwrap().open.clone();
    for connection in open.iter().filter_map(Weak::upgrade) {
        connection.end(true);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

impl Connection {
    /// Carries bytes until either side ends.
    fn carry(&self, direction: Direction, shared: &Shared) {
        let (mut from, mut to) = match direction {
            Direction::ToServer => (&self.client, &self.server),
            Direction::ToClient => (&self.server, &self.client),
        };
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let mut rest = &chunk[..count];
            while !rest.is_empty() {
                let step = self.step(direction, rest.len(), shared);
                let taken = match step {
                    Step::Pass(count) => count,
                    Step::Drip => 1,
                    Step::Swallow => {
                        rest = &[];
                        continue;
                    }
                    Step::Wait(time) => {
                        thread::sleep(time);
                        continue;
                    }
                    Step::End { reset } => return self.end(reset),
                };
                if to.write_all(&rest[..taken]).is_err() {
                    return self.end(false);
                }
                rest = &rest[taken..];
                if matches!(step, Step::Drip) {
                    thread::sleep(Duration::from_micros(50));
                }
            }
        }
        // Where the ends have lost each other, one is not told that the other has gone; it
        // finds out by itself, and then its own direction ends here.
        let half_open = self.flow.lock().unwrap().swallow.contains(&true);
        if half_open && !self.ended.load(Ordering::SeqCst) {
            self.flow.lock().unwrap().swallow = [true; 2];
            let _ = from.shutdown(Shutdown::Both);
        } else {
            self.end(false);
        }
    }

    /// What is to be done with `waiting` bytes; a fault that is due happens here.
    fn step(&self, direction: Direction, waiting: usize, shared: &Shared) -> Step {
        let mut state = shared.state.lock().unwrap();
        let mut flow = self.flow.lock().unwrap();
        if flow.swallow[direction as usize] {
            return Step::Swallow;
        }
        if let Some(until) = flow.stalled_until {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Step::Wait(left);
            }
            flow.stalled_until = None;
            if flow.then_reset {
                return Step::End { reset: true };
            }
        }
        if let Some((at, fault)) = flow.next.filter(|_| state.left > 0) {
            if flow.passed < at {
                let count = waiting.min(at - flow.passed);
                return flow.pass(count);
            }
            flow.next = None;
            state.left -= 1;
            state.injected += 1;
            shared.changed.notify_all();
            return flow.suffer(fault, direction, &mut state.rng, &shared.kinds);
        }
        flow.pass(waiting)
    }

    /// Ends both sides; the sockets close when both directions have ended.
    fn end(&self, reset: bool) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        for side in [&self.client, &self.server] {
            if reset {
                // Closing it is a reset then; fails only for a side that has gone.
                let _ = SockRef::from(side).set_linger(Some(Duration::ZERO));
                let _ = side.shutdown(Shutdown::Read);
            } else {
                let _ = side.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Flow {
    /// Chooses the next fault: often within the handshake, mostly within some messages.
    fn plan(&mut self, rng: &mut Rng, kinds: &[Fault]) {
        if kinds.is_empty() {
            return;
        }
        let distance = match rng.below(4) {
            0 => rng.below(100),
            1 => rng.below(2000),
            _ => rng.below(40_000),
        };
        self.next = Some((self.passed + distance, kinds[rng.below(kinds.len())]));
    }

    fn pass(&mut self, count: usize) -> Step {
        if self.passed < self.slow_until {
            self.passed += 1;
            return Step::Drip;
        }
        self.passed += count;
        Step::Pass(count)
    }

    fn suffer(
        &mut self,
        fault: Fault,
        direction: Direction,
        rng: &mut Rng,
        kinds: &[Fault],
    ) -> Step {
        match fault {
            Fault::Cut => return Step::End { reset: false },
            Fault::Reset => return Step::End { reset: true },
            Fault::Stall => {
                let time = Duration::from_millis(5 + rng.below(200) as u64);
                self.stalled_until = Some(Instant::now() + time);
                self.then_reset = rng.below(3) == 0;
                self.plan(rng, kinds);
                return Step::Wait(time);
            }
            Fault::HalfOpen => match rng.below(3) {
                0 => self.swallow = [true; 2],
                _ => self.swallow[direction as usize] = true,
            },
            Fault::Slow => {
                self.slow_until = self.passed + 50 + rng.below(1000);
                self.plan(rng, kinds);
            }
        }
        if self.swallow[direction as usize] {
            return Step::Swallow;
        }
        Step::Wait(Duration::ZERO)
    }
}
