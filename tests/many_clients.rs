//! Many clients in one process, each with a thread of the library: what they take from the
//! system, and that each works as it would alone.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use support::*;
use Version::{V31, V311, V5};

/// So many clients have an epoll each; those behind them share one.
const FIRST: usize = 16;

/// What the process has of descriptors and threads, for one test at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Resources {
    sockets: usize,
    polls: usize,
    /// What wakes a poll.
    eventfds: usize,
    others: usize,
    loops: usize,
    hubs: usize,
}

fn resources() -> Resources {
    let mut all = Resources {
        sockets: 0,
        polls: 0,
        eventfds: 0,
        others: 0,
        loops: 0,
        hubs: 0,
    };
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let link = fs::read_link(entry.unwrap().path());
        let link = link.map(|path| path.to_string_lossy().into_owned());
        *match link.as_deref() {
            Ok(link) if link.starts_with("socket:") => &mut all.sockets,
            Ok("anon_inode:[eventpoll]") => &mut all.polls,
            Ok("anon_inode:[eventfd]") => &mut all.eventfds,
            _ => &mut all.others,
        } += 1;
    }
    for entry in fs::read_dir("/proc/self/task").unwrap() {
        // A thread may end meanwhile.
        match fs::read_to_string(entry.unwrap().path().join("comm")).as_deref() {
            Ok("mqttrs-loop\n") => all.loops += 1,
            Ok("mqttrs-hub\n") => all.hubs += 1,
            _ => {}
        }
    }
    all
}

/// The same as `before` once threads that were joined have left the list of threads.
fn expect_resources(before: &Resources) {
    let end = Instant::now() + DEADLINE;
    loop {
        let now = resources();
        if now == *before {
            return;
        }
        assert!(Instant::now() < end, "{now:?} instead of {before:?}");
        std::thread::yield_now();
    }
}

/// Only one of these tests runs at a time, since what they count is the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    alone
}

struct Pair {
    version: Version,
    id: String,
    client: Client,
    peer: Peer,
}

/// Clients with loop threads, connected one after the other.
fn connected(broker: &Broker, count: usize) -> Vec<Pair> {
    (0..count)
        .map(|number| {
            let version = [V31, V311, V5][number % 3];
            let id = number.to_string();
            let mut client = Client::new(version, Some(&id), true);
            client.drive = Drive::Thread;
            // Both orders occur in programs.
            if number % 2 == 0 {
                client.loop_start().unwrap();
                client.connect_async(broker.port(), 60).unwrap();
            } else {
                client.connect(broker.port(), 60).unwrap();
                client.loop_start().unwrap();
            }
            let mut pair = Pair {
                version,
                id,
                client,
                peer: broker.accept(),
            };
            pair.greet();
            pair
        })
        .collect()
}

impl Pair {
    fn greet(&mut self) {
        let hello = connect(self.version, &self.id);
        self.peer.expect(&hello.bytes());
        self.peer.send(&connack(self.version, false, 0, &[]));
        self.client.expect_event(Event::ConnectV5(0, 0, vec![]));
    }

    fn acknowledge_published(&mut self, mid: u16) {
        let expected = publish("out", self.id.as_bytes()).qos(1, mid);
        self.peer.expect(&expected.bytes(self.version));
        self.peer.send(&puback(mid));
    }

    fn expect_message(&mut self) {
        let message = Message::new("in", self.id.as_bytes()).qos(1, 9);
        self.client.expect_event(Event::MessageV5(message, vec![]));
        self.peer.expect(&puback(9));
    }
}

/// Messages of QoS 1 from all and to all, with all on their way at the same time.
fn exchange(pairs: &mut [Pair]) {
    let mids: Vec<_> = pairs
        .iter()
        .map(|pair| pair.client.publish("out", pair.id.as_bytes(), 1).unwrap())
        .collect();
    for (pair, mid) in pairs.iter_mut().zip(&mids) {
        pair.acknowledge_published(*mid);
    }
    for (pair, mid) in pairs.iter_mut().zip(&mids) {
        pair.client
            .expect_event(Event::PublishV5((*mid).into(), 0, vec![]));
    }
    for pair in &mut *pairs {
        let message = publish("in", pair.id.as_bytes()).qos(1, 9);
        pair.peer.send(&message.bytes(pair.version));
    }
    for pair in &mut *pairs {
        pair.expect_message();
    }
}

fn disconnect_and_stop(pairs: &mut [Pair]) {
    for pair in &mut *pairs {
        pair.client.disconnect().unwrap();
    }
    for pair in &mut *pairs {
        pair.peer.expect(&DISCONNECT);
        pair.peer.expect_close();
        pair.client.expect_event(Event::DisconnectV5(0, vec![]));
        pair.client.loop_stop(false).unwrap();
    }
}

#[test]
fn a_client_among_many_takes_one_descriptor_and_one_thread_and_gives_them_back() {
    let _alone = alone();
    let broker = Broker::start();
    let before = resources();
    assert_eq!((before.loops, before.hubs), (0, 0));
    const COUNT: usize = 300;
    let mut pairs = connected(&broker, COUNT);
    let alive = resources();
    let expected = Resources {
        // The broker's ends are in this process too.
        sockets: before.sockets + 2 * COUNT,
        // The hub's poll has two descriptors.
        polls: before.polls + FIRST + 2,
        eventfds: before.eventfds + FIRST + 1,
        others: before.others,
        loops: COUNT,
        hubs: 1,
    };
    assert_eq!(alive, expected);
    exchange(&mut pairs);
    exchange(&mut pairs);
    assert_eq!(resources(), expected);
    disconnect_and_stop(&mut pairs);
    drop(pairs);
    expect_resources(&before);
}

#[test]
fn clients_among_many_reconnect_when_their_connections_were_cut() {
    let _alone = alone();
    let broker = Broker::start();
    let before = resources();
    let mut pairs = connected(&broker, 2 * FIRST);
    for pair in &pairs {
        pair.client.reconnect_delay(0, 0);
    }
    for round in 0..3 {
        // The descriptors' numbers change hands.
        for pair in &mut pairs {
            match round {
                1 => pair.peer.reset(),
                _ => pair.peer.close(),
            }
            let reason = MOSQ_ERR_CONN_LOST;
            pair.client
                .expect_event(Event::DisconnectV5(reason, vec![]));
        }
        // They come back in any order.
        let mut peers: Vec<_> = (pairs.iter())
            .map(|_| {
                let mut peer = broker.accept();
                (peer.take_packet(), peer)
            })
            .collect();
        for pair in &mut pairs {
            let hello = connect(pair.version, &pair.id).bytes();
            let index = peers.iter().position(|(packet, _)| *packet == hello);
            pair.peer = peers.swap_remove(index.unwrap()).1;
            pair.peer.send(&connack(pair.version, false, 0, &[]));
            pair.client.expect_event(Event::ConnectV5(0, 0, vec![]));
        }
        exchange(&mut pairs);
    }
    disconnect_and_stop(&mut pairs);
    drop(pairs);
    expect_resources(&before);
}

#[test]
fn a_callback_of_one_client_that_takes_its_time_holds_up_no_other() {
    let _alone = alone();
    let broker = Broker::start();
    let mut pairs = connected(&broker, 2 * FIRST);
    let mut busy = pairs.pop().unwrap();
    let (entered_tx, entered) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    busy.client.on_event(move |_, event| {
        if matches!(event, Event::MessageV5(..)) {
            entered_tx.send(()).unwrap();
            goes_on.recv_timeout(Duration::from_secs(60)).unwrap();
        }
    });
    let message = publish("in", busy.id.as_bytes()).qos(1, 9);
    busy.peer.send(&message.bytes(busy.version));
    entered.recv_timeout(DEADLINE).unwrap();
    exchange(&mut pairs);
    go_on.send(()).unwrap();
    busy.expect_message();
    pairs.push(busy);
    disconnect_and_stop(&mut pairs);
}

#[test]
fn mosquitto_loop_drives_a_client_among_many() {
    let _alone = alone();
    let before = resources();
    let idle: Vec<_> = (0..FIRST).map(|_| idle_client()).collect();
    let mut wire = Setup::new(V311).open();
    assert_eq!(resources().hubs, 1);
    for _ in 0..3 {
        let mid = wire.client.publish("a", b"x", 1).unwrap();
        wire.expect(&publish("a", b"x").qos(1, mid).bytes(V311));
        wire.send(&puback(mid));
        wire.event(Event::PublishV5(mid.into(), 0, vec![]));
        wire.send(&publish("b", b"y").qos(1, 7).bytes(V311));
        wire.expect(&puback(7));
        wire.event(Event::MessageV5(Message::new("b", b"y").qos(1, 7), vec![]));
    }
    wire.finish();
    drop(idle);
    expect_resources(&before);
}

/// Runs a loop, and so has one of the first polls.
fn idle_client() -> Client {
    let client = Client::new(V311, None, true);
    assert_eq!(client.run_loop(0, 1), MOSQ_ERR_NO_CONN);
    client
}
