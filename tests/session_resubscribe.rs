//! Subscriptions that come back when the server has lost the session, on the protocol machine
//! alone.

mod session_support;
mod support;

use std::time::Duration;

use mqttrs::codec::SubscriptionOptions;
use mqttrs::error::{CallerError, Error, PeerError};
use session_support::*;
use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

each_version!(
    what_was_accepted_is_asked_for_again_in_one_packet,
    nothing_is_asked_for_again_unless_it_was_switched_on,
    refused_and_ended_subscriptions_do_not_come_back,
    the_last_options_of_a_filter_come_back,
    a_subscription_without_an_answer_does_not_come_back,
    an_answer_that_comes_after_unsubscribe_brings_nothing_back,
    subscriptions_come_before_messages_that_wait,
    what_the_program_asks_for_itself_is_not_asked_for_twice,
    a_repetition_cut_off_by_a_lost_connection_is_repeated,
    a_repetition_that_is_refused_is_the_last,
    switched_off_it_forgets,
);

fn bench(v: Version) -> Bench {
    let mut bench = Bench::open(v);
    bench.session.set_resubscribe(true);
    bench
}

/// Subscribes to filters with options bytes and properties in one packet, answered by `codes`.
#[track_caller]
fn subscribe_as(b: &mut Bench, filters: &[(&str, u8)], props: &[Prop], codes: &[u8]) {
    let mid = ask(b, filters, props);
    b.accept_input(&suback(b.version, mid, &[], codes));
    b.seen();
}

fn ask(b: &mut Bench, filters: &[(&str, u8)], props: &[Prop]) -> u16 {
    let with_options: Vec<_> = filters
        .iter()
        .map(|(filter, byte)| (*filter, SubscriptionOptions::new(*byte).unwrap()))
        .collect();
    let props = buf(props);
    let mid = b
        .session
        .subscribe(&with_options, props.as_properties(), |_| ())
        .unwrap();
    b.sent();
    mid.number()
}

fn sub(b: &mut Bench, filter: &str, qos: u8) {
    subscribe_as(b, &[(filter, qos)], &[], &[qos]);
}

fn unsub(b: &mut Bench, filter: &str) {
    let mid = b.unsubscribe(filter).unwrap();
    b.sent();
    b.accept_input(&unsuback(b.version, mid, &[], &[0]));
    b.seen();
}

/// The topic filters and options in SUBSCRIBE packets, and their packet identifiers.
fn read(v: Version, packets: &[Vec<u8>]) -> Vec<(u16, Vec<(String, u8)>)> {
    let one = |packet: &Vec<u8>| {
        assert_eq!(packet[0], 0x82, "{packet:02x?}");
        let start = 1 + packet[1..].iter().position(|b| b & 0x80 == 0).unwrap() + 1;
        let mut body = &packet[start..];
        let mid = u16::from_be_bytes([body[0], body[1]]);
        body = &body[2..];
        if v.is_v5() {
            assert!(body[0] < 0x80, "few properties only");
            body = &body[1 + usize::from(body[0])..];
        }
        let mut filters = Vec::new();
        while !body.is_empty() {
            let len = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let filter = String::from_utf8(body[2..2 + len].to_vec()).unwrap();
            filters.push((filter, body[2 + len]));
            body = &body[3 + len..];
        }
        (mid, filters)
    };
    packets.iter().map(one).collect()
}

/// Connects anew to a server without the session; what is asked for, without identifiers.
#[track_caller]
fn again(b: &mut Bench) -> Vec<Vec<(String, u8)>> {
    b.lose();
    b.reconnect(false, &[]);
    let sent = b.sent();
    let asked = read(b.version, &sent);
    for (mid, filters) in &asked {
        let codes: Vec<u8> = filters.iter().map(|(_, options)| options & 3).collect();
        b.accept_input(&suback(b.version, *mid, &[], &codes));
    }
    b.seen();
    asked.into_iter().map(|(_, filters)| filters).collect()
}

fn owned(filters: &[(&str, u8)]) -> Vec<(String, u8)> {
    let own = |(filter, options): &(&str, u8)| ((*filter).to_owned(), *options);
    filters.iter().map(own).collect()
}

fn what_was_accepted_is_asked_for_again_in_one_packet(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "z", 1);
    subscribe_as(&mut b, &[("a/+", 2), ("b/#", 0)], &[], &[2, 0]);
    let expected = owned(&[("z", 1), ("a/+", 2), ("b/#", 0)]);
    assert_eq!(again(&mut b), std::slice::from_ref(&expected));
    assert_eq!(again(&mut b), [expected], "and once more");
}

fn nothing_is_asked_for_again_unless_it_was_switched_on(v: Version) {
    let mut b = Bench::open(v);
    sub(&mut b, "a", 1);
    assert_eq!(again(&mut b), Vec::<Vec<_>>::new());
}

fn refused_and_ended_subscriptions_do_not_come_back(v: Version) {
    let mut b = bench(v);
    subscribe_as(
        &mut b,
        &[("yes", 1), ("no", 1), ("ended", 0)],
        &[],
        &[1, 0x80, 0],
    );
    unsub(&mut b, "ended");
    assert_eq!(again(&mut b), [owned(&[("yes", 1)])]);
}

fn the_last_options_of_a_filter_come_back(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "a", 0);
    sub(&mut b, "a", 2);
    // A change that is refused leaves what there was.
    subscribe_as(&mut b, &[("a", 1)], &[], &[0x80]);
    assert_eq!(again(&mut b), [owned(&[("a", 2)])]);
}

fn a_subscription_without_an_answer_does_not_come_back(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "known", 1);
    ask(&mut b, &[("unknown", 1), ("known", 2)], &[]);
    assert_eq!(again(&mut b), [owned(&[("known", 1)])]);
}

fn an_answer_that_comes_after_unsubscribe_brings_nothing_back(v: Version) {
    let mut b = bench(v);
    let first = ask(&mut b, &[("a", 1)], &[]);
    let end = b.unsubscribe("a").unwrap();
    let second = ask(&mut b, &[("a", 2)], &[]);
    b.accept_input(&suback(v, first, &[], &[1]));
    b.accept_input(&unsuback(v, end, &[], &[0]));
    b.accept_input(&suback(v, second, &[], &[0x80]));
    b.seen();
    b.sent();
    assert_eq!(again(&mut b), Vec::<Vec<_>>::new());
}

fn subscriptions_come_before_messages_that_wait(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "a", 1);
    b.lose();
    let mid = b.publish("t", b"x", 1).unwrap();
    b.reconnect(false, &[]);
    let sent = b.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(read(v, &sent[..1])[0].1, owned(&[("a", 1)]));
    assert_eq!(sent[1], publish("t", b"x").qos(1, mid).bytes(v));
}

fn what_the_program_asks_for_itself_is_not_asked_for_twice(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "a", 1);
    sub(&mut b, "b", 1);
    b.lose();
    b.connect();
    // As in its connect callback: the event is out, and nothing was polled since.
    b.session
        .handle_input(&connack(v, false, 0, &[]), b.now)
        .unwrap();
    b.session.poll_event(b.now).expect("the connection");
    let own = b.subscribe("a", 2).unwrap();
    let sent = b.sent();
    let asked = read(v, &sent);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], (own, owned(&[("a", 2)])));
    assert_eq!(asked[1].1, owned(&[("b", 1)]));
}

fn a_repetition_cut_off_by_a_lost_connection_is_repeated(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "a", 1);
    b.lose();
    b.reconnect(false, &[]);
    assert_eq!(b.sent().len(), 1);
    assert_eq!(again(&mut b), [owned(&[("a", 1)])]);
}

fn a_repetition_that_is_refused_is_the_last(v: Version) {
    let mut b = bench(v);
    subscribe_as(&mut b, &[("a", 1), ("b", 1)], &[], &[1, 1]);
    b.lose();
    b.reconnect(false, &[]);
    let sent = b.sent();
    let mid = read(v, &sent)[0].0;
    b.accept_input(&suback(v, mid, &[], &[0x80, 1]));
    b.seen();
    assert_eq!(again(&mut b), [owned(&[("b", 1)])]);
}

fn switched_off_it_forgets(v: Version) {
    let mut b = bench(v);
    sub(&mut b, "a", 1);
    b.session.set_resubscribe(false);
    b.session.set_resubscribe(true);
    sub(&mut b, "b", 1);
    assert_eq!(again(&mut b), [owned(&[("b", 1)])]);
}

#[test]
fn a_session_that_is_there_needs_nothing() {
    for v in [V311, V5] {
        let mut b = bench(v);
        sub(&mut b, "a", 1);
        b.lose();
        b.reconnect(true, &[]);
        assert!(b.sent().is_empty());
        // It is not forgotten for that.
        assert_eq!(again(&mut b), [owned(&[("a", 1)])]);
    }
}

#[test]
fn mqtt_3_1_does_not_know_whether_the_session_is_there_and_asks() {
    let mut b = bench(V31);
    assert!(!b.setup.clean);
    sub(&mut b, "a", 1);
    assert_eq!(again(&mut b), [owned(&[("a", 1)])]);
}

#[test]
fn options_and_subscription_identifiers_come_back_with_their_filters() {
    let mut b = bench(V5);
    let seven = [Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 7)];
    let nine = [
        Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 9),
        Prop::Pair("a".into(), "b".into()),
    ];
    // QoS 1 with No Local, Retain As Published and Retain Handling 2; a shared one.
    subscribe_as(&mut b, &[("a", 0x2d)], &seven, &[1]);
    subscribe_as(&mut b, &[("$share/g/b", 0x1a)], &nine, &[2]);
    subscribe_as(&mut b, &[("c", 1)], &[], &[1]);
    subscribe_as(&mut b, &[("d", 2)], &seven, &[0]);
    b.lose();
    b.reconnect(false, &[]);
    let sent = b.sent();
    let mids: Vec<u16> = read(V5, &sent).iter().map(|(mid, _)| *mid).collect();
    assert_eq!(
        sent,
        [
            subscribe(V5, mids[0], &seven, &[("a", 0x2d), ("d", 2)]),
            subscribe(V5, mids[1], &nine, &[("$share/g/b", 0x1a)]),
            subscribe(V5, mids[2], &[], &[("c", 1)]),
        ]
    );
}

#[test]
fn packets_are_as_large_as_the_server_takes_them_and_no_larger() {
    let mut b = bench(V5);
    let names: Vec<String> = (0..100).map(|n| format!("filter/{n:03}")).collect();
    for name in &names {
        sub(&mut b, name, 1);
    }
    // Too long for the server that comes next.
    sub(&mut b, &"x".repeat(200), 1);
    b.lose();
    b.reconnect(false, &[Prop::U32(MAXIMUM_PACKET_SIZE, 150)]);
    let sent = b.sent();
    assert!(sent.iter().all(|packet| packet.len() <= 150));
    // 13 bytes a filter, 10 for the rest: ten in a packet.
    assert_eq!(sent.len(), 10);
    let asked = read(V5, &sent);
    let filters = asked.into_iter().flat_map(|(_, filters)| filters);
    let filters: Vec<String> = filters.map(|(filter, _)| filter).collect();
    assert_eq!(filters, names);
}

#[test]
fn ten_thousand_subscriptions_fit_one_packet() {
    let mut b = bench(V311);
    let names: Vec<String> = (0..10_000).map(|n| format!("f/{n:05}")).collect();
    let filters: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    subscribe_as(&mut b, &filters, &[], &vec![0; filters.len()]);
    assert_eq!(again(&mut b), [owned(&filters)]);
}

#[test]
fn properties_stay_behind_when_the_next_connection_is_below_mqtt_5() {
    let mut b = bench(V5);
    let props = [Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 7)];
    subscribe_as(&mut b, &[("a", 0x2d)], &props, &[1]);
    b.lose();
    b.version = V311;
    b.reconnect(false, &[]);
    let sent = b.sent();
    assert_eq!(read(V311, &sent)[0].1, owned(&[("a", 1)]));
}

#[test]
fn a_probe_that_is_not_answered_ends_the_connection() {
    let patience = Duration::from_secs(3);
    let mut b = Bench::open(V311);
    b.session.probe(patience, b.now).unwrap();
    b.expect(&[PINGREQ.to_vec()]);
    b.accept_input(&PINGRESP);
    b.pass(2 * patience).unwrap();
    b.session.probe(patience, b.now).unwrap();
    b.expect(&[PINGREQ.to_vec()]);
    let error = b.pass(2 * patience).unwrap_err();
    assert_eq!(error, Error::Peer(PeerError::KeepAliveTimeout));
    b.session.handle_closed(Some(error));
    let offline = b.session.probe(patience, b.now);
    assert_eq!(offline, Err(Error::Caller(CallerError::NotConnected)));
}
