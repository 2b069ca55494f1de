//! The life of a connection through the C API: lists of servers, references, delays and the end
//! of attempts, with brokers that do what the test says.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::collections::{HashMap, VecDeque};
use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use support::prop::*;
use support::*;
use Version::{V311, V5};

#[repr(C)]
struct ReconnectOptions {
    size: usize,
    delay_min: c_uint,
    delay_max: c_uint,
    doubling: bool,
    jitter: bool,
    off: bool,
    follow_references: bool,
    stable: c_uint,
    attempts: c_uint,
}

#[repr(C)]
struct Server {
    size: usize,
    host: *const c_char,
    port: c_int,
    priority: c_int,
}

#[repr(C)]
struct LifecycleEvent {
    size: usize,
    state: c_int,
    cause: c_int,
    error: *const c_char,
    host: *const c_char,
    port: c_int,
    attempt: c_uint,
    delay: c_uint,
}

type Callback = unsafe extern "C" fn(*mut mosquitto, *mut c_void, *const LifecycleEvent);

extern "C" {
    fn mqttrs_reconnect_set(mosq: *mut mosquitto, options: *const ReconnectOptions) -> c_int;
    fn mqttrs_reconnect_now(mosq: *mut mosquitto, patience: c_uint) -> c_int;
    fn mqttrs_servers_set(
        mosq: *mut mosquitto,
        servers: *const Server,
        count: usize,
        order: c_int,
    ) -> c_int;
    fn mqttrs_connect(mosq: *mut mosquitto, keepalive: c_int, props: *const c_void) -> c_int;
    fn mqttrs_connect_timeout_set(mosq: *mut mosquitto, milliseconds: c_uint) -> c_int;
    fn mqttrs_resubscribe_set(mosq: *mut mosquitto, on: bool) -> c_int;
    fn mqttrs_lifecycle_callback_set(mosq: *mut mosquitto, callback: Option<Callback>) -> c_int;
}

const PRIORITY: c_int = 0;
const ROUND_ROBIN: c_int = 1;

/// State, cause, port, attempt, delay.
type Seen = (c_int, c_int, u16, u32, u32);

static SEEN: Mutex<Option<HashMap<usize, VecDeque<Seen>>>> = Mutex::new(None);
static NEWS: Condvar = Condvar::new();

unsafe extern "C" fn on_lifecycle(m: *mut mosquitto, _: *mut c_void, event: *const LifecycleEvent) {
    let event = unsafe { &*event };
    assert_eq!(event.size, size_of::<LifecycleEvent>());
    assert_eq!(event.error.is_null(), event.cause == 0);
    if !event.host.is_null() {
        assert_eq!(unsafe { CStr::from_ptr(event.host) }, c"127.0.0.1");
    }
    let port = event.port as u16;
    let seen = (event.state, event.cause, port, event.attempt, event.delay);
    let mut all = SEEN.lock().unwrap();
    let all = all.get_or_insert_default();
    all.entry(m as usize).or_default().push_back(seen);
    NEWS.notify_all();
}

fn observe(client: &Client) {
    SEEN.lock()
        .unwrap()
        .get_or_insert_default()
        .remove(&(client.0 as usize));
    let set = unsafe { mqttrs_lifecycle_callback_set(client.0, Some(on_lifecycle)) };
    assert_eq!(set, 0);
}

#[track_caller]
fn next(client: &Client) -> Seen {
    let end = Instant::now() + DEADLINE;
    let mut all = SEEN.lock().unwrap();
    loop {
        let own = all.get_or_insert_default().entry(client.0 as usize);
        if let Some(seen) = own.or_default().pop_front() {
            return seen;
        }
        assert!(Instant::now() < end, "no event of the life cycle came");
        all = NEWS.wait_timeout(all, DEADLINE).unwrap().0;
    }
}

fn options() -> ReconnectOptions {
    ReconnectOptions {
        size: size_of::<ReconnectOptions>(),
        delay_min: 3_600_000,
        delay_max: 3_600_000,
        doubling: false,
        jitter: false,
        off: false,
        follow_references: false,
        stable: 0,
        attempts: 0,
    }
}

fn reconnect(client: &Client, options: &ReconnectOptions) {
    assert_eq!(unsafe { mqttrs_reconnect_set(client.0, options) }, 0);
}

fn servers(client: &Client, ports: &[(u16, c_int)], order: c_int) {
    let list: Vec<Server> = ports
        .iter()
        .map(|(port, priority)| Server {
            size: size_of::<Server>(),
            host: c"127.0.0.1".as_ptr(),
            port: (*port).into(),
            priority: *priority,
        })
        .collect();
    let set = unsafe { mqttrs_servers_set(client.0, list.as_ptr(), list.len(), order) };
    assert_eq!(set, 0);
}

/// A client of `loop_start`, whose delays are an hour.
fn client(version: Version) -> Client {
    let mut client = Client::new(version, Some("t"), true);
    client.drive = Drive::Thread;
    reconnect(&client, &options());
    client
}

fn connect_list(client: &Client, keep_alive: c_int) {
    client.loop_start().unwrap();
    let begun = unsafe { mqttrs_connect(client.0, keep_alive, std::ptr::null()) };
    assert_eq!(begun, 0);
}

/// A port where nobody listens.
fn closed_port() -> u16 {
    Broker::start().port()
}

/// Accepts the connection up to on_connect.
#[track_caller]
fn accept(broker: &Broker, client: &mut Client, version: Version) -> Peer {
    let mut peer = broker.accept();
    peer.take_packet();
    peer.send(&connack(version, false, 0, &[]));
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
    peer
}

#[test]
fn a_list_goes_on_from_a_closed_port_a_refusal_and_silence_to_a_server_that_accepts() {
    let (refusing, silent, good) = (Broker::start(), Broker::start(), Broker::start());
    let mut client = client(V311);
    let ports = [
        (good.port(), 4),
        (silent.port(), 3),
        (refusing.port(), 2),
        (closed_port(), 1),
    ];
    servers(&client, &ports, PRIORITY);
    // Silence is judged by the keep alive.
    connect_list(&client, 2);
    let mut peer = refusing.accept();
    peer.take_packet();
    peer.send(&connack(V311, false, 3, &[]));
    client.expect_event(Event::ConnectV5(3, 0, vec![]));
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_REFUSED, vec![]));
    let mut mute = silent.accept();
    mute.take_packet();
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_KEEPALIVE, vec![]));
    accept(&good, &mut client, V311);
}

#[test]
fn a_refusal_that_is_final_for_one_server_is_not_for_the_list() {
    let (first, second) = (Broker::start(), Broker::start());
    let mut client = client(V5);
    servers(&client, &[(first.port(), 0), (second.port(), 0)], PRIORITY);
    connect_list(&client, 60);
    let mut peer = first.accept();
    peer.take_packet();
    peer.send(&connack(V5, false, 0x87, &[]));
    let event = client.next_event();
    assert!(matches!(event, Event::ConnectV5(0x87, ..)), "{event:?}");
    let event = client.next_event();
    assert!(matches!(event, Event::DisconnectV5(..)), "{event:?}");
    accept(&second, &mut client, V5);
}

#[test]
fn after_a_loss_the_best_server_has_the_next_chance() {
    let (best, other) = (Broker::start(), Broker::start());
    let port = best.port();
    let mut client = client(V311);
    let mut short = options();
    (short.delay_min, short.delay_max) = (1, 1);
    reconnect(&client, &short);
    drop(best);
    servers(&client, &[(other.port(), 9), (port, 1)], PRIORITY);
    connect_list(&client, 60);
    let mut peer = accept(&other, &mut client, V311);
    let best = Broker::start_on(port);
    peer.close();
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    accept(&best, &mut client, V311);
}

#[test]
fn round_robin_goes_on_to_the_next_server_after_a_loss() {
    let brokers = [Broker::start(), Broker::start()];
    let mut client = client(V311);
    let mut short = options();
    (short.delay_min, short.delay_max) = (1, 1);
    reconnect(&client, &short);
    let ports = [(brokers[0].port(), 0), (brokers[1].port(), 0)];
    servers(&client, &ports, ROUND_ROBIN);
    connect_list(&client, 60);
    for turn in 0..4 {
        let mut peer = accept(&brokers[turn % 2], &mut client, V311);
        peer.close();
        client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    }
}

#[test]
fn a_server_reference_is_followed_in_connack_and_in_disconnect() {
    let (first, second, third) = (Broker::start(), Broker::start(), Broker::start());
    let mut client = client(V5);
    let mut follow = options();
    follow.follow_references = true;
    reconnect(&client, &follow);
    client.loop_start().unwrap();
    client.connect_async(first.port(), 60).unwrap();
    let mut peer = first.accept();
    peer.take_packet();
    let to_second = format!("127.0.0.1:{} 127.0.0.1:{}", closed_port(), second.port());
    let props = [Prop::Str(SERVER_REFERENCE, to_second)];
    peer.send(&connack(V5, false, 0x9c, &props));
    client.expect_event(Event::ConnectV5(0x9c, 0, props.to_vec()));
    client.next_event();
    let mut peer = accept(&second, &mut client, V5);
    // At once, and once: the second reference waits for the delay, which is an hour.
    let props = [Prop::Str(
        SERVER_REFERENCE,
        format!("127.0.0.1:{}", third.port()),
    )];
    observe(&client);
    peer.send(&disconnect_props(0x9d, &props));
    client.expect_event(Event::DisconnectV5(0x9d, props.to_vec()));
    assert_eq!(next(&client).0, 3, "it waits");
    assert_eq!(unsafe { mqttrs_reconnect_now(client.0, 0) }, 0);
    let mut peer = accept(&first, &mut client, V5);
    peer.send(&disconnect_props(0x9d, &props));
    client.expect_event(Event::DisconnectV5(0x9d, props.to_vec()));
    // The delay, though cut short, has made room for another reference.
    accept(&third, &mut client, V5);
}

#[test]
fn a_server_that_sends_clients_away_says_whether_for_good() {
    for reason in [0x9c, 0x9d] {
        let broker = Broker::start();
        let client = client(V5);
        observe(&client);
        client.loop_start().unwrap();
        client.connect_async(broker.port(), 60).unwrap();
        let mut peer = broker.accept();
        peer.take_packet();
        peer.send(&connack(V5, false, reason, &[]));
        assert_eq!(next(&client).0, 1);
        let (state, cause, ..) = next(&client);
        assert_eq!((state, cause), (4, c_int::from(reason)));
        // The same while connected, where another attempt may find the server back.
        while client.try_event().is_some() {}
        client.connect_async(broker.port(), 60).unwrap();
        let mut peer = broker.accept();
        peer.take_packet();
        peer.send(&connack(V5, false, 0, &[]));
        assert_eq!((next(&client).0, next(&client).0), (1, 2));
        peer.send(&disconnect_reason(reason));
        let (state, cause, ..) = next(&client);
        assert_eq!((state, cause), (3, c_int::from(reason)));
    }
}

#[test]
fn without_a_keep_alive_silence_instead_of_connack_ends_with_the_connect_timeout() {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let broker = Broker::start();
        let mut client = client(V311);
        client.drive = drive;
        assert_eq!(unsafe { mqttrs_connect_timeout_set(client.0, 100) }, 0);
        if drive == Drive::Thread {
            client.loop_start().unwrap();
        }
        client.connect_async(broker.port(), 0).unwrap();
        let mut mute = broker.accept();
        client.expect_event(Event::DisconnectV5(MOSQ_ERR_ERRNO, vec![]));
        mute.take_packet();
        mute.expect_close();
        // Once CONNACK is there, nothing ends the connection.
        client.last = MOSQ_ERR_SUCCESS;
        client.connect_async(broker.port(), 0).unwrap();
        let mut peer = broker.accept();
        peer.take_packet_while(|_| client.step(Duration::from_millis(1)));
        peer.send(&connack(V311, false, 0, &[]));
        client.expect_event(Event::ConnectV5(0, 0, vec![]));
        let late = Instant::now() + Duration::from_millis(200);
        while Instant::now() < late {
            client.step(Duration::from_millis(10));
        }
        assert_eq!(client.try_event(), None);
        assert_ne!(client.socket(), -1);
    }
}

#[test]
fn reinitialise_ends_an_attempt_and_the_client_connects_anew() {
    let (mute, good) = (Broker::start(), Broker::start());
    for blocking in [false, true] {
        let mut client = client(V311);
        client.drive = Drive::Loop;
        let connect = match blocking {
            false => Handle::connect_async,
            true => Handle::connect,
        };
        connect(*client, mute.port(), 60).unwrap();
        let mut peer = mute.accept();
        let anew = || unsafe {
            mosquitto_reinitialise(client.0, c"u".as_ptr(), true, std::ptr::null_mut())
        };
        assert_eq!(anew(), MOSQ_ERR_SUCCESS);
        peer.take_packet();
        peer.expect_close();
        assert_eq!(client.reconnect(), Err(MOSQ_ERR_INVAL), "it has no server");
        client.connect(good.port(), 60).unwrap();
        assert_eq!(good.accept().take_packet()[0], 0x10);
    }
}

#[test]
fn reinitialise_in_the_pre_connect_callback_overtakes_the_attempt() {
    unsafe extern "C" fn anew(m: *mut mosquitto, _: *mut c_void) {
        let rc = unsafe { mosquitto_reinitialise(m, c"u".as_ptr(), true, std::ptr::null_mut()) };
        assert_eq!(rc, MOSQ_ERR_SUCCESS);
    }
    let broker = Broker::start();
    let client = client(V311);
    unsafe { mosquitto_pre_connect_callback_set(client.0, Some(anew)) };
    assert_eq!(client.connect(broker.port(), 60), Err(MOSQ_ERR_INVAL));
    assert!(broker.try_accept().is_none());
    client.connect(broker.port(), 60).unwrap();
    broker.accept().take_packet();
}

#[test]
fn events_tell_each_step_in_order() {
    let broker = Broker::start();
    let port = broker.port();
    let mut client = client(V311);
    observe(&client);
    client.loop_start().unwrap();
    client.connect_async(port, 60).unwrap();
    let mut peer = accept(&broker, &mut client, V311);
    assert_eq!(next(&client), (1, 0, port, 1, 0));
    assert_eq!(next(&client), (2, 0, port, 1, 0));
    peer.close();
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    let (state, cause, at, _, delay) = next(&client);
    assert_eq!((state, cause, at), (3, MOSQ_ERR_CONN_LOST, port));
    assert!((3_590_000..=3_600_000).contains(&delay), "{delay}");
    assert_eq!(unsafe { mqttrs_reconnect_now(client.0, 0) }, 0);
    assert_eq!(next(&client), (3, 0, port, 0, 0));
    assert_eq!(next(&client).0, 1);
    let mut peer = accept(&broker, &mut client, V311);
    assert_eq!(next(&client).0, 2);
    client.disconnect().unwrap();
    peer.expect(&DISCONNECT);
    assert_eq!(next(&client), (0, 0, port, 1, 0));
}

#[test]
fn a_long_wait_ends_when_the_network_has_changed() {
    let broker = Broker::start();
    let mut client = client(V311);
    assert_eq!(
        unsafe { mqttrs_reconnect_now(client.0, 0) },
        MOSQ_ERR_NO_CONN
    );
    client.loop_start().unwrap();
    client.connect_async(broker.port(), 60).unwrap();
    for _ in 0..2 {
        let mut peer = accept(&broker, &mut client, V311);
        // A connection that stands is not harmed, nor without an answer asked for.
        assert_eq!(unsafe { mqttrs_reconnect_now(client.0, 0) }, 0);
        peer.close();
        client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
        assert_eq!(unsafe { mqttrs_reconnect_now(client.0, 0) }, 0);
    }
    accept(&broker, &mut client, V311);
}

#[test]
fn a_server_that_does_not_answer_is_given_up_in_the_time_the_program_says() {
    let broker = Broker::start();
    let mut client = client(V311);
    client.loop_start().unwrap();
    client.connect_async(broker.port(), 0).unwrap();
    let mut peer = accept(&broker, &mut client, V311);
    assert_eq!(unsafe { mqttrs_reconnect_now(client.0, 5000) }, 0);
    peer.expect(&PINGREQ);
    // Once the message is there, so is the answer.
    peer.send(&[&PINGRESP[..], &publish("a", b"x").bytes(V311)].concat());
    client.expect_event(Event::MessageV5(Message::new("a", b"x"), vec![]));
    assert_eq!(unsafe { mqttrs_reconnect_now(client.0, 50) }, 0);
    peer.expect(&PINGREQ);
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_KEEPALIVE, vec![]));
}

#[test]
fn switched_off_loop_forever_ends_with_the_loss() {
    let broker = Broker::start();
    let mut client = client(V311);
    let mut off = options();
    off.off = true;
    reconnect(&client, &off);
    observe(&client);
    client.connect(broker.port(), 60).unwrap();
    let handle = *client;
    let forever = thread::spawn(move || handle.loop_forever());
    accept(&broker, &mut client, V311).close();
    assert_eq!(forever.join().unwrap(), MOSQ_ERR_CONN_LOST);
    let states = [1, 2, 4].map(|state| (next(&client).0, state));
    assert!(
        states.iter().all(|(seen, state)| seen == state),
        "{states:?}"
    );
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
}

#[test]
fn after_so_many_attempts_loop_forever_returns_why() {
    let client = client(V311);
    let mut few = options();
    (few.delay_min, few.delay_max, few.attempts) = (1, 1, 3);
    few.jitter = true;
    reconnect(&client, &few);
    observe(&client);
    client.connect_async(closed_port(), 60).unwrap();
    assert_eq!(client.loop_forever(), MOSQ_ERR_ERRNO);
    let mut last = next(&client);
    while last.0 != 4 {
        last = next(&client);
    }
    assert_eq!((last.1, last.3), (MOSQ_ERR_ERRNO, 3));
}

fn subscriptions_come_back_when_the_session_is_gone(v: Version) {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let configure = |client: &Client| {
            client.reconnect_delay(1, 1);
            assert_eq!(unsafe { mqttrs_resubscribe_set(client.0, true) }, 0);
        };
        let mut w = Setup::new(v).drive(drive).configure(configure).open();
        let (props, byte) = match v.is_v5() {
            true => (vec![Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 5)], 0x0d),
            false => (vec![], 1),
        };
        let options = c_int::from(byte & 0xfc);
        let mid = w.client.subscribe_v5("a/#", 1, options, &props).unwrap();
        w.expect(&subscribe(v, mid, &props, &[("a/#", byte)]));
        w.send(&suback(v, mid, &[], &[1]));
        w.event(Event::SubscribeV5(mid.into(), vec![1], vec![]));
        w.lose();
        match drive {
            Drive::Thread => w.accept_again(),
            _ => w.reconnect(),
        }
        w.accept_session(false, &[]);
        let again = w.take_packet();
        let body = again.len() - usize::from(again[1]);
        let mid = u16::from_be_bytes([again[body], again[body + 1]]);
        assert_eq!(again, subscribe(v, mid, &props, &[("a/#", byte)]));
        w.send(&suback(v, mid, &[], &[1]));
        w.event(Event::SubscribeV5(mid.into(), vec![1], vec![]));
        w.finish();
    }
}

each_version!(subscriptions_come_back_when_the_session_is_gone);

#[test]
fn every_function_may_be_called_in_the_callback() {
    unsafe extern "C" fn all(m: *mut mosquitto, obj: *mut c_void, event: *const LifecycleEvent) {
        unsafe {
            let list = [Server {
                size: size_of::<Server>(),
                host: c"127.0.0.1".as_ptr(),
                port: (*event).port,
                priority: 0,
            }];
            assert_eq!(mqttrs_servers_set(m, list.as_ptr(), 1, ROUND_ROBIN), 0);
            assert_eq!(mqttrs_reconnect_set(m, &options()), 0);
            assert_eq!(mqttrs_resubscribe_set(m, true), 0);
            assert_eq!(mqttrs_lifecycle_callback_set(m, Some(all)), 0);
            match (*event).state {
                2 => assert_eq!(mqttrs_reconnect_now(m, 0), 0),
                3 if (*event).delay > 0 => assert_eq!(mqttrs_connect(m, 60, std::ptr::null()), 0),
                0 => mosquitto_destroy(m),
                _ => {}
            }
            // Last: the test may go on, and destroy the client, as soon as it is told.
            on_lifecycle(m, obj, event);
        }
    }
    let broker = Broker::start();
    let mut client = client(V311);
    observe(&client);
    let set = unsafe { mqttrs_lifecycle_callback_set(client.0, Some(all)) };
    assert_eq!(set, 0);
    client.loop_start().unwrap();
    client.connect_async(broker.port(), 60).unwrap();
    accept(&broker, &mut client, V311).close();
    client.expect_event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    let _peer = accept(&broker, &mut client, V311);
    client.disconnect().unwrap();
    while next(&client).0 != 0 {}
}
