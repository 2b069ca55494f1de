//! A broker that does not read: what waits, what is told meanwhile, and how it ends.

mod support;

use support::*;

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

/// A client that published until the network took no more, because the broker does not
/// read: the identifiers, and the packet that each became.
fn fill_the_network(v: Version, drive: Drive) -> (Wire, Vec<u16>, Vec<u8>) {
    let w = Setup::new(v).drive(drive).narrow().open();
    let payload = vec![b'x'; 1 << 20];
    let mut mids = Vec::new();
    while !w.client.want_write() {
        mids.push(w.client.publish("big", &payload, 0).unwrap());
        assert!(mids.len() < 200, "the network takes everything");
    }
    // More than a sending buffer may grow by.
    for _ in 0..12 {
        mids.push(w.client.publish("big", &payload, 0).unwrap());
    }
    (w, mids, publish("big", &payload).bytes(v))
}

fn on_publish_waits_until_a_qos_0_message_is_written_out(v: Version) {
    let (mut w, mids, packet) = fill_the_network(v, Drive::Foreign);
    let (last, written) = mids.split_last().unwrap();
    let mut told = Vec::new();
    for _ in 0..50 {
        w.client.step(std::time::Duration::from_millis(1));
        told.extend(std::iter::from_fn(|| w.client.try_event()));
    }
    assert!(!told.contains(&published(*last)));
    for _ in &mids {
        w.expect(&packet);
    }
    while told.len() < mids.len() {
        told.push(w.client.next_event());
    }
    let expected: Vec<_> = written
        .iter()
        .chain([last])
        .map(|mid| published(*mid))
        .collect();
    assert_eq!(told, expected);
    w.finish();
}

fn check_disconnect_flushes(v: Version, drive: Drive) {
    let (mut w, mids, packet) = fill_the_network(v, drive);
    w.client.disconnect().unwrap();
    for _ in &mids {
        w.expect(&packet);
    }
    w.expect(&DISCONNECT);
    w.expect_close();
    for mid in mids {
        w.event(published(mid));
    }
    w.event(Event::DisconnectV5(0, vec![]));
}

fn disconnect_waits_until_everything_is_written_by_mosquitto_loop(v: Version) {
    check_disconnect_flushes(v, Drive::Loop);
}

fn disconnect_waits_until_everything_is_written_by_a_foreign_loop(v: Version) {
    check_disconnect_flushes(v, Drive::Foreign);
}

fn a_broker_that_reads_slowly_is_read_from_meanwhile(v: Version) {
    let (mut w, mids, packet) = fill_the_network(v, Drive::Loop);
    w.send(&publish("in", b"x").bytes(v));
    let mut told = Vec::new();
    let message = Event::MessageV5(Message::new("in", b"x"), vec![]);
    while told.last() != Some(&message) {
        told.push(w.client.next_event());
    }
    for _ in &mids {
        w.expect(&packet);
    }
}

/// How many times [`many`] are sent to a client at most: far more than it may take.
const FLOOD: usize = 400;

/// Many messages of QoS 2 that were delivered before.
fn many(v: Version) -> (Vec<u8>, usize) {
    let message = publish("a", b"").qos(2, 1).dup().bytes(v);
    (message.repeat(16 * 1024), message.len())
}

fn a_broker_that_takes_no_answers_is_not_read_from_until_it_does(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).narrow().open();
    let (messages, len) = many(v);
    let sent = w.peer.flood(&messages, FLOOD);
    assert!(sent < FLOOD * messages.len(), "all is read");
    // It goes on, nothing is missing, and the connection is as before.
    w.expect(&pubrec(1).repeat(sent / len));
    w.send(&messages[sent % len..len]);
    w.expect(&pubrec(1));
    w.event(Event::MessageV5(Message::new("a", b"").qos(2, 1), vec![]));
    w.finish();
}

fn a_broker_that_takes_no_answers_loses_a_client_in_a_foreign_loop(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Foreign).narrow().open();
    let (messages, _) = many(v);
    let Wire { client, peer, .. } = &mut w;
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| peer.flood(&messages, FLOOD));
        let lost = |event| matches!(event, Event::DisconnectV5(MOSQ_ERR_CONN_LOST, _));
        while !client.try_event().is_some_and(lost) {
            assert!(!flood.is_finished() || client.socket() < 0, "all is read");
            client.step(std::time::Duration::from_millis(1));
        }
        assert!(flood.join().unwrap() < FLOOD * messages.len());
    });
}

each_version!(
    a_broker_that_takes_no_answers_is_not_read_from_until_it_does,
    a_broker_that_takes_no_answers_loses_a_client_in_a_foreign_loop,
    on_publish_waits_until_a_qos_0_message_is_written_out,
    disconnect_waits_until_everything_is_written_by_mosquitto_loop,
    disconnect_waits_until_everything_is_written_by_a_foreign_loop,
    a_broker_that_reads_slowly_is_read_from_meanwhile,
);
