//! One loop for many clients, `mqttrs_loop_*`, with a broker that does what the test says.

#![cfg(all(feature = "tls", feature = "websocket"))]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;
mod transport_support;

use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::{Duration, Instant};

use support::*;
use transport_support::script::{converse, finish_connecting};
use transport_support::{Host, Link, Route, Settings, Through};
use Version::{V311, V5};

#[repr(C)]
struct mqttrs_loop {
    _opaque: [u8; 0],
}

extern "C" {
    fn mqttrs_loop_new() -> *mut mqttrs_loop;
    fn mqttrs_loop_destroy(shared: *mut mqttrs_loop);
    fn mqttrs_loop_add(shared: *mut mqttrs_loop, mosq: *mut mosquitto) -> c_int;
    fn mqttrs_loop_remove(shared: *mut mqttrs_loop, mosq: *mut mosquitto) -> c_int;
    fn mqttrs_loop_run(shared: *mut mqttrs_loop) -> c_int;
    fn mqttrs_loop_run_once(shared: *mut mqttrs_loop, timeout: c_int) -> c_int;
    fn mqttrs_loop_start(shared: *mut mqttrs_loop) -> c_int;
    fn mqttrs_loop_stop(shared: *mut mqttrs_loop) -> c_int;
    fn mqttrs_loop_socket(shared: *mut mqttrs_loop) -> c_int;
    fn mqttrs_loop_timeout(shared: *mut mqttrs_loop) -> c_int;
}

/// A shared loop that any thread and any callback may use.
#[derive(Clone, Copy)]
struct Shared(*mut mqttrs_loop);

unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    fn new() -> Shared {
        let shared = unsafe { mqttrs_loop_new() };
        assert!(!shared.is_null());
        Shared(shared)
    }

    fn started() -> Shared {
        let shared = Shared::new();
        assert_eq!(shared.start(), MOSQ_ERR_SUCCESS);
        shared
    }

    fn add(self, client: Handle) -> c_int {
        unsafe { mqttrs_loop_add(self.0, client.0) }
    }

    fn remove(self, client: Handle) -> c_int {
        unsafe { mqttrs_loop_remove(self.0, client.0) }
    }

    fn run(self) -> c_int {
        unsafe { mqttrs_loop_run(self.0) }
    }

    fn run_once(self, timeout: c_int) -> c_int {
        unsafe { mqttrs_loop_run_once(self.0, timeout) }
    }

    fn start(self) -> c_int {
        unsafe { mqttrs_loop_start(self.0) }
    }

    fn stop(self) -> c_int {
        unsafe { mqttrs_loop_stop(self.0) }
    }

    fn timeout(self) -> c_int {
        unsafe { mqttrs_loop_timeout(self.0) }
    }

    fn destroy(self) {
        unsafe { mqttrs_loop_destroy(self.0) }
    }

    /// Whether the loop's descriptor becomes readable within so many milliseconds.
    fn is_readable_within(self, timeout: c_int) -> bool {
        is_readable(unsafe { mqttrs_loop_socket(self.0) }, timeout)
    }

    /// What a foreign loop does: waits as it is told, and lets the loop turn.
    fn foreign_turn(self) {
        let limit = DEADLINE.as_millis() as c_int;
        let timeout = match self.timeout() {
            -1 => limit,
            timeout => timeout.min(limit),
        };
        self.is_readable_within(timeout);
        assert_eq!(self.run_once(0), MOSQ_ERR_SUCCESS);
    }

    /// Turns in this thread until `done`.
    fn turn_until(self, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + DEADLINE;
        while !done() {
            assert!(Instant::now() < end, "the loop does not get there");
            assert_eq!(self.run_once(10), MOSQ_ERR_SUCCESS);
        }
    }
}

fn is_readable(fd: c_int, timeout: c_int) -> bool {
    assert!(fd >= 0);
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    unsafe { libc::poll(&mut poll, 1, timeout) == 1 }
}

/// A client in the loop that has begun to connect, and the broker's end.
fn begin(shared: Shared, v: Version, keep_alive: u16) -> (Broker, Client) {
    let broker = Broker::start();
    let mut client = Client::new(v, Some("t"), true);
    client.drive = Drive::Thread;
    assert_eq!(shared.add(*client), MOSQ_ERR_SUCCESS);
    client.connect_async(broker.port(), keep_alive).unwrap();
    (broker, client)
}

/// A connected client of a loop that runs in another thread.
fn open(shared: Shared, v: Version) -> Wire {
    let (broker, client) = begin(shared, v, 60);
    let peer = broker.accept();
    let mut wire = wire(broker, client, peer, v, 60);
    wire.accept_session(false, &[]);
    wire
}

fn wire(broker: Broker, client: Client, peer: Peer, version: Version, keep_alive: u16) -> Wire {
    let connect = connect(version, "t").keep_alive(keep_alive).bytes();
    let mut wire = Wire {
        version,
        client,
        broker,
        peer,
        connect: connect.clone(),
    };
    wire.expect(&connect);
    wire
}

/// A connected client of a loop that this thread turns.
fn open_here(shared: Shared, v: Version) -> Wire {
    let (broker, client) = begin(shared, v, 60);
    let mut peer = None;
    shared.turn_until(|| {
        peer = peer.take().or_else(|| broker.try_accept());
        client.socket() >= 0 && peer.is_some()
    });
    let mut peer = peer.unwrap();
    peer.send(&connack(v, false, 0, &[]));
    let mut wire = wire_here(shared, broker, client, peer, v);
    let event = next_event_here(shared, &mut wire.client);
    assert_eq!(event, Event::ConnectV5(0, 0, vec![]));
    wire
}

fn wire_here(shared: Shared, broker: Broker, client: Client, peer: Peer, v: Version) -> Wire {
    let connect = connect(v, "t").bytes();
    let mut wire = Wire {
        version: v,
        client,
        broker,
        peer,
        connect: connect.clone(),
    };
    wire.peer.expect_while(&connect, |_| {
        assert_eq!(shared.run_once(1), MOSQ_ERR_SUCCESS);
    });
    wire
}

fn next_event_here(shared: Shared, client: &mut Client) -> Event {
    let mut event = None;
    shared.turn_until(|| {
        event = client.try_event();
        event.is_some()
    });
    event.unwrap()
}

fn every_flow_works_in_a_loop_thread(v: Version) {
    let shared = Shared::started();
    let mut wires: Vec<Wire> = (0..3).map(|_| open(shared, v)).collect();
    for wire in &mut wires {
        converse(wire, true);
    }
    wires.into_iter().for_each(Wire::finish);
    assert_eq!(shared.stop(), MOSQ_ERR_SUCCESS);
    shared.destroy();
}

each_version!(every_flow_works_in_a_loop_thread);

/// Messages that come at once, more than a share of them, behind a layer that keeps bytes
/// inside, while nothing more arrives.
fn check_burst(link: Link) {
    let shared = Shared::started();
    let path = Route::new(link, Through::Nothing, Host::V4).start();
    let mut client = Client::new(V5, Some("t"), true);
    client.drive = Drive::Thread;
    path.configure(&client);
    let begun = client.connect_async_to(&path.host, path.port, 60);
    assert_eq!(begun, MOSQ_ERR_SUCCESS);
    assert_eq!(shared.add(*client), MOSQ_ERR_SUCCESS);
    let (_path, mut w) = finish_connecting(path, client, V5, 60);
    converse(&mut w, true);
    for _ in 0..3 {
        let packets: Vec<u8> = (0..1000u32)
            .flat_map(|number| publish("in/a", &number.to_be_bytes().repeat(20)).bytes(V5))
            .collect();
        w.send(&packets);
        for number in 0..1000u32 {
            let message = Message::new("in/a", &number.to_be_bytes().repeat(20));
            w.event(Event::MessageV5(message, vec![]));
        }
    }
    w.end();
    drop(w);
    shared.destroy();
}

#[test]
fn what_tls_keeps_inside_is_delivered() {
    check_burst(Link::Tls);
}

#[test]
fn what_websocket_keeps_inside_is_delivered() {
    check_burst(Link::Ws);
}

#[test]
fn what_websocket_over_tls_keeps_inside_is_delivered() {
    check_burst(Link::Wss);
}

#[test]
fn a_connection_that_the_broker_cuts_is_made_again_after_the_delay() {
    let shared = Shared::started();
    let mut wires: Vec<Wire> = (0..3).map(|_| open(shared, V311)).collect();
    let cut = Instant::now();
    for wire in &mut wires {
        wire.lose();
    }
    for wire in &mut wires {
        wire.accept_again();
        assert!(cut.elapsed() >= Duration::from_secs(1), "before the delay");
        wire.accept_session(false, &[]);
        converse(wire, false);
    }
    wires.into_iter().for_each(Wire::finish);
    shared.destroy();
}

#[test]
fn a_client_beside_one_that_is_flooded_gets_its_turn_each_round() {
    /// Two shares of a turn, in bytes.
    const TWO_SHARES: usize = 2 * 16 * 1024;
    let shared = Shared::new();
    let (mut flooded, mut quiet) = (open_here(shared, V311), open_here(shared, V311));
    let flood = publish("f", &[0; 57]).bytes(V311);
    let call = publish("q", b"quiet").bytes(V311);
    for _ in 0..20 {
        // More than any share, in the socket before the loop gets to look at it.
        flooded.peer.send(&flood.repeat(2000));
        quiet.peer.send(&call);
        assert!(is_readable(flooded.client.socket(), 10_000));
        assert!(is_readable(quiet.client.socket(), 10_000));
        let mut before = 0;
        loop {
            assert_eq!(shared.run_once(0), MOSQ_ERR_SUCCESS);
            while flooded.client.try_event().is_some() {
                before += 1;
            }
            if let Some(event) = quiet.client.try_event() {
                assert_eq!(event, Event::MessageV5(Message::new("q", b"quiet"), vec![]));
                break;
            }
        }
        assert!(before * flood.len() <= TWO_SHARES, "{before} messages");
        let mut rest = 2000 - before;
        shared.turn_until(|| {
            while flooded.client.try_event().is_some() {
                rest -= 1;
            }
            rest == 0
        });
    }
    shared.destroy();
}

#[test]
fn a_foreign_loop_has_one_descriptor_that_tells_of_everything_and_of_nothing_else() {
    let shared = Shared::new();
    assert_eq!(shared.timeout(), -1);
    assert!(!shared.is_readable_within(0));
    let (broker, mut client) = begin(shared, V311, 60);
    // A client that was added, whose connection is to be made.
    assert!(shared.is_readable_within(10_000));
    let peer = loop {
        shared.foreign_turn();
        if let Some(peer) = broker.try_accept() {
            break peer;
        }
    };
    client.drive = Drive::Thread;
    let mut w = wire_here(shared, broker, client, peer, V311);
    w.send(&connack(V311, false, 0, &[]));
    while w.client.try_event().is_none() {
        shared.foreign_turn();
    }
    for round in 0..5 {
        // At rest: not readable, and nothing due but the keep alive.
        while shared.is_readable_within(0) {
            assert_eq!(shared.run_once(0), MOSQ_ERR_SUCCESS);
        }
        let timeout = shared.timeout();
        assert!((1000..=60_000).contains(&timeout), "{timeout}");
        // From another thread.
        let handle = *w.client;
        let publisher = thread::spawn(move || handle.publish("out", b"x", 1).unwrap());
        let mid = publisher.join().unwrap();
        assert!(w.client.try_event().is_none());
        w.peer
            .expect_while(&publish("out", b"x").qos(1, mid).bytes(V311), |_| {
                shared.foreign_turn();
            });
        w.send(&puback(mid));
        assert!(shared.is_readable_within(10_000), "round {round}");
        while w.client.try_event().is_none() {
            shared.foreign_turn();
        }
    }
    // A deadline that moves to now.
    w.client.reconnect_async().unwrap();
    assert!(shared.is_readable_within(10_000));
    shared.foreign_turn();
    shared.destroy();
}

#[test]
fn the_keep_alive_is_sent_when_a_foreign_loop_waits_as_long_as_it_is_told() {
    let shared = Shared::new();
    let (broker, client) = begin(shared, V311, 5);
    let peer = loop {
        shared.foreign_turn();
        if let Some(peer) = broker.try_accept() {
            break peer;
        }
    };
    let mut w = Wire {
        version: V311,
        client,
        broker,
        peer,
        connect: connect(V311, "t").keep_alive(5).bytes(),
    };
    let connect = w.connect.clone();
    w.peer.expect_while(&connect, |_| shared.foreign_turn());
    w.send(&connack(V311, false, 0, &[]));
    let begun = Instant::now();
    let mut turns = 0;
    w.peer.expect_while(&PINGREQ, |_| {
        shared.foreign_turn();
        turns += 1;
    });
    assert!(begun.elapsed() > Duration::from_secs(1));
    assert!(turns < 20, "{turns} turns for one PINGREQ");
    shared.destroy();
}

#[test]
fn what_was_accepted_before_a_disconnect_is_sent_though_the_loop_is_stopped_at_once() {
    let shared = Shared::new();
    let mut w = open_here(shared, V311);
    let mut expected = Vec::new();
    for number in 0..500u32 {
        w.client.publish("out", &number.to_be_bytes(), 0).unwrap();
        expected.extend(publish("out", &number.to_be_bytes()).bytes(V311));
    }
    w.client.disconnect().unwrap();
    expected.extend(DISCONNECT);
    assert_eq!(shared.start(), MOSQ_ERR_SUCCESS);
    assert_eq!(shared.stop(), MOSQ_ERR_SUCCESS);
    w.peer.expect(&expected);
    w.peer.expect_close();
    shared.destroy();
}

#[test]
fn a_callback_stops_the_loop_of_the_calling_thread() {
    let shared = Shared::new();
    assert_eq!(shared.stop(), MOSQ_ERR_INVAL, "nobody runs it");
    let mut w = open_here(shared, V311);
    let inside = Arc::new(AtomicBool::new(false));
    let seen = inside.clone();
    w.client.on_event(move |_, _| {
        assert_eq!(shared.run_once(0), MOSQ_ERR_INVAL, "it runs already");
        assert_eq!(shared.start(), MOSQ_ERR_INVAL);
        assert_eq!(shared.stop(), MOSQ_ERR_SUCCESS);
        seen.store(true, Ordering::SeqCst);
    });
    for _ in 0..3 {
        w.send(&publish("in", b"stop").bytes(V311));
        assert_eq!(shared.run(), MOSQ_ERR_SUCCESS);
        assert!(inside.swap(false, Ordering::SeqCst));
    }
    shared.destroy();
}

#[test]
fn a_stop_from_another_thread_ends_every_kind_of_run() {
    let shared = Shared::new();
    for run in [Shared::run, |shared: Shared| shared.run_once(-1)] {
        thread::scope(|scope| {
            let runner = scope.spawn(move || run(shared));
            // Refused until it runs.
            while shared.stop() == MOSQ_ERR_INVAL {
                thread::yield_now();
            }
            assert_eq!(runner.join().unwrap(), MOSQ_ERR_SUCCESS);
        });
        assert_eq!(shared.stop(), MOSQ_ERR_INVAL, "it has ended");
    }
    // With a client, and its timer, and without.
    let client = Client::new(V311, Some("t"), true);
    let broker = Broker::start();
    for round in 0..200 {
        if round == 100 {
            client.connect_async(broker.port(), 60).unwrap();
            assert_eq!(shared.add(*client), MOSQ_ERR_SUCCESS);
        }
        assert_eq!(shared.start(), MOSQ_ERR_SUCCESS);
        assert_eq!(shared.start(), MOSQ_ERR_INVAL);
        assert_eq!(shared.stop(), MOSQ_ERR_SUCCESS);
    }
    shared.destroy();
}

#[test]
fn a_client_has_one_loop_at_a_time() {
    let (shared, other) = (Shared::new(), Shared::new());
    let client = Client::new(V311, Some("t"), true);
    client.loop_start().unwrap();
    assert_eq!(shared.add(*client), MOSQ_ERR_INVAL, "it has a thread");
    client.loop_stop(true).unwrap();
    assert_eq!(shared.add(*client), MOSQ_ERR_SUCCESS);
    assert_eq!(shared.add(*client), MOSQ_ERR_INVAL, "it is in");
    assert_eq!(other.add(*client), MOSQ_ERR_INVAL);
    assert_eq!(other.remove(*client), MOSQ_ERR_INVAL);
    assert_eq!(client.run_loop(0, 1), MOSQ_ERR_INVAL);
    assert_eq!(
        unsafe { mosquitto_loop_forever(client.0, -1, 1) },
        MOSQ_ERR_INVAL
    );
    assert_eq!(client.loop_start(), Err(MOSQ_ERR_INVAL));
    assert_eq!(shared.remove(*client), MOSQ_ERR_SUCCESS);
    assert_eq!(shared.remove(*client), MOSQ_ERR_INVAL);
    assert_eq!(other.add(*client), MOSQ_ERR_SUCCESS);
    other.destroy();
    assert_eq!(client.run_loop(0, 1), MOSQ_ERR_NO_CONN);
    shared.destroy();
}

#[test]
fn a_client_goes_from_loop_to_loop_with_its_connection() {
    let (shared, other) = (Shared::started(), Shared::started());
    let mut w = open(shared, V5);
    for _ in 0..3 {
        assert_eq!(shared.remove(*w.client), MOSQ_ERR_SUCCESS);
        w.client.drive = Drive::Loop;
        converse(&mut w, false);
        w.client.drive = Drive::Thread;
        assert_eq!(other.add(*w.client), MOSQ_ERR_SUCCESS);
        converse(&mut w, false);
        assert_eq!(other.remove(*w.client), MOSQ_ERR_SUCCESS);
        w.client.loop_start().unwrap();
        converse(&mut w, false);
        w.client.loop_stop(true).unwrap();
        assert_eq!(shared.add(*w.client), MOSQ_ERR_SUCCESS);
        converse(&mut w, false);
    }
    // Its loop goes, it stays.
    shared.destroy();
    assert_eq!(other.add(*w.client), MOSQ_ERR_SUCCESS);
    converse(&mut w, false);
    w.finish();
    other.destroy();
}

#[test]
fn a_client_that_connects_before_it_is_added_is_driven_all_the_same() {
    let shared = Shared::started();
    for blocking in [true, false] {
        let broker = Broker::start();
        let mut client = Client::new(V311, Some("t"), true);
        client.drive = Drive::Thread;
        match blocking {
            true => client.connect(broker.port(), 60).unwrap(),
            false => client.connect_async(broker.port(), 60).unwrap(),
        }
        assert_eq!(shared.add(*client), MOSQ_ERR_SUCCESS);
        let peer = broker.accept();
        let mut w = wire(broker, client, peer, V311, 60);
        w.accept_session(false, &[]);
        converse(&mut w, false);
        w.finish();
    }
    shared.destroy();
}

#[test]
fn a_client_that_is_added_while_it_begins_to_connect_connects_once() {
    let shared = Shared::started();
    let broker = Broker::start();
    let mut client = Client::new(V311, Some("t"), true);
    client.drive = Drive::Thread;
    client.pre_connect_callback();
    client.on_event(move |client, event| {
        if matches!(event, Event::PreConnect) {
            assert_eq!(shared.add(client), MOSQ_ERR_SUCCESS);
        }
    });
    client.connect_async(broker.port(), 60).unwrap();
    client.expect_event(Event::PreConnect);
    let peer = broker.accept();
    let mut w = wire(broker, client, peer, V311, 60);
    w.accept_session(false, &[]);
    converse(&mut w, false);
    assert!(w.broker.try_accept().is_none());
    w.finish();
    shared.destroy();
}

#[test]
fn removing_a_client_waits_for_its_callback_in_another_thread() {
    let shared = Shared::started();
    for destroys in [false, true] {
        let mut w = open(shared, V311);
        let (entered, has_entered) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        let done = Arc::new(AtomicBool::new(false));
        let finished = done.clone();
        w.client.on_event(move |_, _| {
            entered.send(()).unwrap();
            may_leave.recv().unwrap();
            for _ in 0..1000 {
                thread::yield_now();
            }
            finished.store(true, Ordering::SeqCst);
        });
        w.send(&publish("in", b"x").bytes(V311));
        has_entered.recv().unwrap();
        leave.send(()).unwrap();
        if destroys {
            drop(w);
        } else {
            assert_eq!(shared.remove(*w.client), MOSQ_ERR_SUCCESS);
        }
        assert!(done.load(Ordering::SeqCst), "the callback still runs");
    }
    shared.destroy();
}

#[test]
fn reinitialising_takes_a_client_out_of_its_loop() {
    let shared = Shared::started();
    let mut w = open(shared, V311);
    let id = c"again";
    let rc = unsafe { mosquitto_reinitialise(w.client.0, id.as_ptr(), true, ptr::null_mut()) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    w.peer.expect_close();
    assert_eq!(shared.remove(*w.client), MOSQ_ERR_INVAL);
    assert_eq!(shared.add(*w.client), MOSQ_ERR_SUCCESS);
    shared.destroy();
}

#[test]
fn a_loop_that_is_null_or_destroyed_is_answered_with_errors() {
    let client = Client::new(V311, Some("t"), true);
    let gone = Shared::started();
    assert_eq!(gone.add(*client), MOSQ_ERR_SUCCESS);
    gone.destroy();
    for shared in [Shared(ptr::null_mut()), gone] {
        assert_eq!(shared.add(*client), MOSQ_ERR_INVAL);
        assert_eq!(shared.remove(*client), MOSQ_ERR_INVAL);
        assert_eq!(shared.run(), MOSQ_ERR_INVAL);
        assert_eq!(shared.run_once(0), MOSQ_ERR_INVAL);
        assert_eq!(shared.start(), MOSQ_ERR_INVAL);
        assert_eq!(shared.stop(), MOSQ_ERR_INVAL);
        assert_eq!(unsafe { mqttrs_loop_socket(shared.0) }, -1);
        assert_eq!(shared.timeout(), -1);
        shared.destroy();
    }
    client.loop_start().unwrap();
}
