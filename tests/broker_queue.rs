//! The limits of the outgoing queue through the C API, and the one outcome of each message.

#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

mod support;

use std::collections::HashMap;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use support::prop::*;
use support::queue::*;
use support::*;
use Version::{V311, V5};

fn offline(options: QueueOptions) -> Client {
    let client = Client::new(V311, Some("t"), true);
    client.queue(options);
    client.hear_outcomes();
    client
}

/// One connection more for the client, up to on_connect.
#[track_caller]
fn accept(broker: &Broker, client: &mut Client, version: Version, props: &[Prop]) -> Peer {
    client.connect(broker.port(), 60).unwrap();
    client.last = MOSQ_ERR_SUCCESS;
    let mut peer = broker.accept();
    peer.take_packet();
    peer.send(&connack(version, false, 0, props));
    client.expect_event(Event::ConnectV5(0, 0, props.to_vec()));
    peer
}

fn all_of(mids: &[u16], outcome: i32) -> Vec<Told> {
    mids.iter().map(|mid| (*mid, outcome, 0)).collect()
}

#[test]
fn one_too_many_is_refused_and_has_no_outcome() {
    let client = offline(QueueOptions::new(2, 0, REFUSE));
    let first = client.publish("a", b"1", 1).unwrap();
    let second = client.publish("a", b"2", 0).unwrap();
    for qos in 0..3 {
        assert_eq!(client.publish("a", b"3", qos), Err(MOSQ_ERR_QUOTA_EXCEEDED));
    }
    client.queue_clear();
    let handle = *client;
    drop(client);
    assert_eq!(handle.told(), all_of(&[first, second], CLEARED));
}

#[test]
fn bytes_are_limited_too() {
    // Topic with its length, packet identifier, payload.
    let mut client = offline(QueueOptions::new(0, 3 + 2 + 1000, REFUSE));
    client.publish("a", &[0; 1000], 1).unwrap();
    assert_eq!(client.publish("a", b"", 1), Err(MOSQ_ERR_QUOTA_EXCEEDED));
    client.queue_clear();
    client.await_outcomes(1);
    let too_large = client.publish("a", &[0; 1001], 1);
    assert_eq!(too_large, Err(MOSQ_ERR_QUOTA_EXCEEDED));
    client.publish("a", &[0; 1000], 1).unwrap();
}

#[test]
fn the_oldest_makes_room_and_is_told_so() {
    let mut client = offline(QueueOptions::new(2, 0, DROP_OLDEST));
    let mids: Vec<u16> = (0..5)
        .map(|n| client.publish("a", &[n], i32::from(n % 3)).unwrap())
        .collect();
    assert_eq!(client.await_outcomes(3), all_of(&mids[..3], OVERFLOW));
    let broker = Broker::start();
    let mut peer = accept(&broker, &mut client, V311, &[]);
    let kept = [
        publish("a", &[3]).bytes(V311),
        publish("a", &[4]).qos(1, mids[4]).bytes(V311),
    ];
    peer.expect_while(&kept.concat(), |_| client.step(Duration::from_millis(5)));
    peer.send(&puback(mids[4]));
    let mut told = client.await_outcomes(2);
    told.sort_unstable();
    assert_eq!(told, [(mids[3], SENT, 0), (mids[4], ACKNOWLEDGED, 0)]);
}

#[test]
fn qos_0_makes_room_before_older_messages_of_qos_1() {
    let mut client = offline(QueueOptions::new(3, 0, DROP_QOS0));
    let mids: Vec<u16> = [1, 0, 1, 1, 1]
        .iter()
        .map(|qos| client.publish("a", b"", *qos).unwrap())
        .collect();
    let told = client.await_outcomes(2);
    assert_eq!(told, all_of(&[mids[1], mids[0]], OVERFLOW));
}

#[test]
fn what_is_in_flight_is_never_dropped() {
    let mut w = Setup::new(V311)
        .configure(|client| client.queue(QueueOptions::new(1, 0, DROP_OLDEST)))
        .open();
    w.client.hear_outcomes();
    let first = w.client.publish("a", b"1", 1).unwrap();
    w.expect(&publish("a", b"1").qos(1, first).bytes(V311));
    let second = w.client.publish("a", b"2", 1);
    assert_eq!(second, Err(MOSQ_ERR_QUOTA_EXCEEDED));
    w.send(&puback(first));
    assert_eq!(w.client.await_outcomes(1), all_of(&[first], ACKNOWLEDGED));
}

#[test]
fn who_waits_for_room_in_vain_is_refused_when_the_time_is_over() {
    let client = offline(QueueOptions::new(1, 0, WAIT).wait_ms(50));
    client.publish("a", b"", 1).unwrap();
    let start = Instant::now();
    assert_eq!(client.publish("a", b"", 1), Err(MOSQ_ERR_QUOTA_EXCEEDED));
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(client.told().is_empty());
}

#[test]
fn who_waits_for_room_goes_on_when_there_is_some() {
    const HOUR: u32 = 3_600_000;
    let mut w = Setup::new(V311)
        .drive(Drive::Thread)
        .configure(|client| client.queue(QueueOptions::new(1, 0, WAIT).wait_ms(HOUR)))
        .open();
    let first = w.client.publish("a", b"1", 1).unwrap();
    w.expect(&publish("a", b"1").qos(1, first).bytes(V311));
    let handle = *w.client;
    let (done, published) = channel();
    let waiting = thread::spawn(move || done.send(handle.publish("a", b"2", 1)).unwrap());
    // Without waiting it would have been refused, as nothing has made room.
    w.send(&puback(first));
    let second = published.recv_timeout(DEADLINE).unwrap().unwrap();
    waiting.join().unwrap();
    w.expect(&publish("a", b"2").qos(1, second).bytes(V311));
}

#[test]
fn who_waits_for_room_goes_on_when_the_queue_is_cleared_or_the_limit_lifted() {
    const HOUR: u32 = 3_600_000;
    let lift: fn(Handle) = |client| client.queue(QueueOptions::new(0, 0, REFUSE));
    for make_room in [Handle::queue_clear as fn(Handle), lift] {
        let client = offline(QueueOptions::new(1, 0, WAIT).wait_ms(HOUR));
        client.publish("a", b"", 1).unwrap();
        let handle = *client;
        let (done, published) = channel();
        let waiting = thread::spawn(move || done.send(handle.publish("a", b"2", 1)).unwrap());
        make_room(handle);
        published.recv_timeout(DEADLINE).unwrap().unwrap();
        waiting.join().unwrap();
    }
}

#[test]
fn who_waits_for_room_is_refused_when_the_client_is_destroyed() {
    const HOUR: u32 = 3_600_000;
    let client = offline(QueueOptions::new(1, 0, WAIT).wait_ms(HOUR));
    client.publish("a", b"", 1).unwrap();
    let handle = *client;
    let (done, published) = channel();
    let waiting = thread::spawn(move || done.send(handle.publish("a", b"2", 1)).unwrap());
    drop(client);
    // It waited, or came to a handle that was destroyed already.
    let refused = published.recv_timeout(DEADLINE).unwrap().unwrap_err();
    assert!([MOSQ_ERR_QUOTA_EXCEEDED, MOSQ_ERR_INVAL].contains(&refused));
    waiting.join().unwrap();
}

#[test]
fn inside_a_callback_nobody_waits_for_room() {
    const HOUR: u32 = 3_600_000;
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let mut w = Setup::new(V311)
            .drive(drive)
            .configure(|client| client.queue(QueueOptions::new(1, 0, WAIT).wait_ms(HOUR)))
            .open();
        let first = w.client.publish("a", b"1", 1).unwrap();
        w.expect(&publish("a", b"1").qos(1, first).bytes(V311));
        let (refused, result) = channel();
        w.client.on_event(move |client, event| {
            if matches!(event, Event::MessageV5(..)) {
                refused.send(client.publish("a", b"2", 1)).unwrap();
            }
        });
        w.send(&publish("b", b"").bytes(V311));
        w.event(Event::MessageV5(Message::new("b", b""), vec![]));
        let result = result.recv_timeout(DEADLINE).unwrap();
        assert_eq!(result, Err(MOSQ_ERR_QUOTA_EXCEEDED));
    }
}

/// Accepts messages that come to every end, and gives how many of each there were.
#[test]
fn each_message_has_one_outcome_that_says_how_it_ended() {
    let broker = Broker::start();
    let mut client = Client::new(V5, Some("t"), true);
    let mut options = QueueOptions::new(0, 0, DROP_OLDEST);
    options.queue_qos0 = false;
    client.queue(options);
    client.hear_outcomes();
    let mut expected = HashMap::new();
    let mut expect = |mid: u16, outcome, reason| {
        assert_eq!(expected.insert(mid, (outcome, reason)), None);
        mid
    };
    let mut peer = accept(&broker, &mut client, V5, &[]);
    expect(client.publish("a", b"0", 0).unwrap(), SENT, 0);
    let fine = expect(client.publish("a", b"1", 1).unwrap(), ACKNOWLEDGED, 0);
    let refused = expect(client.publish("a", b"2", 1).unwrap(), ACKNOWLEDGED, 0x87);
    let unheard = expect(client.publish("a", b"3", 2).unwrap(), SESSION_LOST, 0);
    let told_no = expect(client.publish("a", b"4", 2).unwrap(), ACKNOWLEDGED, 0x97);
    for _ in 0..5 {
        peer.take_packet_while(|_| client.step(Duration::from_millis(5)));
    }
    peer.send(&puback(fine));
    peer.send(&ack(0x40, refused, 0x87, &[]));
    peer.send(&pubrec(unheard));
    peer.send(&ack(0x50, told_no, 0x97, &[]));
    let mut told = client.await_outcomes(4);
    peer.take_packet_while(|_| client.step(Duration::from_millis(5))); // PUBREL
    peer.close();
    assert_eq!(client.run_until_error(), MOSQ_ERR_CONN_LOST);
    while client.try_event().is_some() {}
    // Without a connection.
    let expiry = [Prop::U32(MESSAGE_EXPIRY_INTERVAL, 0)];
    let expired = client.publish_v5("a", b"5", 1, &expiry).unwrap();
    expect(expired, EXPIRED, 0x83);
    expect(client.publish("a", &[6; 200], 1).unwrap(), TOO_LARGE, 0x95);
    expect(
        client.publish("a", b"7", 2).unwrap(),
        QOS_NOT_SUPPORTED,
        0x9b,
    );
    let limits = [Prop::U32(39, 100), Prop::Byte(36, 1)];
    let _second = accept(&broker, &mut client, V5, &limits);
    told.extend(client.await_outcomes(4));
    drop(_second);
    assert_eq!(client.run_until_error(), MOSQ_ERR_CONN_LOST);
    expect(client.publish("a", b"8", 1).unwrap(), CLEARED, 0);
    client.queue_clear();
    told.extend(client.await_outcomes(1));
    client.queue(QueueOptions::new(1, 0, DROP_OLDEST));
    expect(client.publish("a", b"9", 1).unwrap(), OVERFLOW, 0);
    expect(client.publish("a", b"10", 1).unwrap(), CLEARED, 0);
    told.extend(client.await_outcomes(1));
    let handle = *client;
    drop(client);
    told.extend(handle.told());
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (mid, outcome, reason) in told {
        assert_eq!(expected.remove(&mid), Some((outcome, reason)), "{mid}");
    }
}

#[test]
fn qos_0_that_the_network_has_not_taken_is_told_when_the_connection_is_lost() {
    let mut w = Setup::new(V311).narrow().open();
    w.client.hear_outcomes();
    // More than the socket and the broker's side hold.
    let mids: Vec<u16> = (0..200)
        .map(|_| w.client.publish("a", &[0; 50_000], 0).unwrap())
        .collect();
    assert!(w.client.want_write(), "the network took everything");
    w.peer.reset();
    w.client.run_until_error();
    let told = w.client.await_outcomes(mids.len());
    let sent = told.iter().take_while(|told| told.1 == SENT).count();
    assert!(sent < mids.len());
    let mut expected = all_of(&mids[..sent], SENT);
    expected.extend(all_of(&mids[sent..], CONNECTION_LOST));
    assert_eq!(told, expected);
}

/// What is in flight, what waits, and what was acknowledged and not told yet.
fn with_messages_at_every_stage() -> (Wire, Vec<u16>) {
    let mut w = Setup::new(V311)
        .configure(|client| client.inflight_maximum(3))
        .open();
    w.client.hear_outcomes();
    let mids: Vec<u16> = [1, 2, 2, 1, 2, 0]
        .iter()
        .map(|qos| w.client.publish("a", b"", *qos).unwrap())
        .collect();
    for _ in 0..4 {
        w.take_packet();
    }
    w.send(&pubrec(mids[1]));
    assert_eq!(w.take_packet(), pubrel(mids[1]));
    (w, mids)
}

#[test]
fn destroy_tells_of_every_message_that_is_left_once() {
    let (w, mids) = with_messages_at_every_stage();
    let handle = *w.client;
    drop(w);
    let mut told = handle.told();
    told.sort_unstable();
    let mut expected = all_of(&mids[..5], CLEARED);
    expected.push((mids[5], SENT, 0));
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn reinitialise_tells_of_every_message_that_is_left_once() {
    let (w, mids) = with_messages_at_every_stage();
    let rc =
        unsafe { mosquitto_reinitialise(w.client.0, c"t".as_ptr(), true, std::ptr::null_mut()) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    let told = w.client.told();
    assert_eq!(told.len(), mids.len(), "{told:?}");
    assert!(mids
        .iter()
        .all(|mid| told.iter().any(|told| told.0 == *mid)));
    // And is anew.
    assert_eq!(w.client.publish("a", b"", 0), Err(MOSQ_ERR_NO_CONN));
    w.client.hear_outcomes();
    let mid = w.client.publish("a", b"", 1).unwrap();
    let handle = *w.client;
    drop(w);
    assert_eq!(handle.told(), all_of(&[mid], CLEARED));
}

#[test]
fn a_connection_that_is_lost_ends_no_message_of_qos_1_or_2() {
    let mut w = Setup::new(V311).clean(false).open();
    w.client.hear_outcomes();
    let mids = [1, 2].map(|qos| w.client.publish("a", b"", qos).unwrap());
    w.take_packet();
    w.take_packet();
    w.lose();
    assert_eq!(w.client.told(), []);
    w.reconnect();
    w.accept_session(true, &[]);
    w.take_packet();
    w.take_packet();
    w.send(&[puback(mids[0]), pubrec(mids[1])].concat());
    assert_eq!(w.take_packet(), pubrel(mids[1]));
    w.send(&pubcomp(mids[1]));
    assert_eq!(w.client.await_outcomes(2), all_of(&mids, ACKNOWLEDGED));
}
