//! What survives a lost connection, and how the next one comes about.

mod support;

use support::prop::*;
use support::*;
use Version::{V31, V311, V5};

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

fn message_qos(topic: &str, payload: &[u8], qos: i32, mid: u16) -> Event {
    Event::MessageV5(Message::new(topic, payload).qos(qos, mid), vec![])
}

/// A client with a persistent session; in MQTT 5 one that outlives its connection.
fn persistent(v: Version) -> Setup {
    let setup = Setup::new(v).clean(false);
    if v.is_v5() {
        setup.props(&[Prop::U32(SESSION_EXPIRY_INTERVAL, 3600)])
    } else {
        setup
    }
}

/// Loses the connection and opens the next one, where the broker still has the session.
fn resume(w: &mut Wire) {
    w.lose();
    w.reconnect();
    w.accept_session(true, &[]);
}

/// The same, where the broker has lost the session. MQTT 3.1 cannot say so.
fn restart(w: &mut Wire) {
    w.lose();
    w.reconnect();
    w.accept_session(false, &[]);
}

fn an_unacknowledged_qos_1_message_is_sent_again_with_dup(v: Version) {
    let mut w = persistent(v).open();
    let mid = w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, mid).bytes(v));
    resume(&mut w);
    w.expect(&publish("a", b"x").qos(1, mid).dup().bytes(v));
    w.send(&puback(mid));
    w.event(published(mid));
    w.finish();
}

fn an_unacknowledged_qos_2_message_is_sent_again_with_dup(v: Version) {
    let mut w = persistent(v).open();
    let mid = w.client.publish_retain("a", b"x", 2, true).unwrap();
    w.expect(&publish("a", b"x").qos(2, mid).retain().bytes(v));
    resume(&mut w);
    w.expect(&publish("a", b"x").qos(2, mid).retain().dup().bytes(v));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    w.send(&pubcomp(mid));
    w.event(published(mid));
    w.finish();
}

fn a_pubrel_without_pubcomp_is_sent_again(v: Version) {
    let mut w = persistent(v).open();
    let mid = w.client.publish("a", b"x", 2).unwrap();
    w.expect(&publish("a", b"x").qos(2, mid).bytes(v));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    resume(&mut w);
    w.expect(&pubrel(mid));
    w.send(&pubcomp(mid));
    w.event(published(mid));
    w.finish();
}

fn acknowledged_messages_are_not_sent_again(v: Version) {
    let mut w = persistent(v).open();
    for qos in [1, 2] {
        let mid = w.client.publish("a", b"x", qos.into()).unwrap();
        w.expect(&publish("a", b"x").qos(qos, mid).bytes(v));
        if qos == 1 {
            w.send(&puback(mid));
        } else {
            w.send(&pubrec(mid));
            w.expect(&pubrel(mid));
            w.send(&pubcomp(mid));
        }
        w.event(published(mid));
    }
    resume(&mut w);
    w.finish();
}

fn messages_are_sent_again_in_their_order(v: Version) {
    let mut w = persistent(v).open();
    for (mid, qos) in [(1, 1), (2, 2), (3, 1), (4, 2)] {
        assert_eq!(w.client.publish("a", &[mid as u8], qos), Ok(mid));
        w.expect(&publish("a", &[mid as u8]).qos(qos as u8, mid).bytes(v));
    }
    // The second is past PUBREC, the third is done.
    w.send(&pubrec(2));
    w.expect(&pubrel(2));
    w.send(&puback(3));
    w.event(published(3));
    resume(&mut w);
    w.expect_all(&[
        publish("a", &[1]).qos(1, 1).dup().bytes(v),
        pubrel(2),
        publish("a", &[4]).qos(2, 4).dup().bytes(v),
    ]);
    w.expect_silence();
}

fn waiting_messages_follow_the_repeated_ones_without_dup(v: Version) {
    let mut w = persistent(v)
        .configure(|client| client.inflight_maximum(2))
        .open();
    for mid in 1..=4 {
        assert_eq!(w.client.publish("a", &[mid as u8], 1), Ok(mid));
    }
    w.expect(&publish("a", &[1]).qos(1, 1).bytes(v));
    w.expect(&publish("a", &[2]).qos(1, 2).bytes(v));
    resume(&mut w);
    w.expect(&publish("a", &[1]).qos(1, 1).dup().bytes(v));
    w.expect(&publish("a", &[2]).qos(1, 2).dup().bytes(v));
    w.expect_silence();
    w.send(&[puback(1), puback(2)].concat());
    w.event(published(1));
    w.event(published(2));
    w.expect(&publish("a", &[3]).qos(1, 3).bytes(v));
    w.expect(&publish("a", &[4]).qos(1, 4).bytes(v));
}

fn messages_published_while_offline_are_sent_after_connack(v: Version) {
    let mut w = persistent(v).open();
    w.lose();
    assert_eq!(w.client.publish("a", b"1", 1), Ok(1));
    assert_eq!(w.client.publish("a", b"2", 2), Ok(2));
    assert_eq!(w.client.publish("a", b"0", 0), Err(MOSQ_ERR_NO_CONN));
    w.reconnect();
    w.accept_session(true, &[]);
    w.expect(&publish("a", b"1").qos(1, 1).bytes(v));
    w.expect(&publish("a", b"2").qos(2, 2).bytes(v));
    w.expect_silence();
}

fn messages_published_in_on_connect_come_behind_the_repeated_ones(v: Version) {
    let mut w = persistent(v).open();
    w.client.publish("old", b"", 1).unwrap();
    w.expect(&publish("old", b"").qos(1, 1).bytes(v));
    w.client.on_event(|handle, event| {
        if matches!(event, Event::ConnectV5(..)) {
            handle.publish("new", b"", 1).unwrap();
        }
    });
    resume(&mut w);
    w.expect(&publish("old", b"").qos(1, 1).dup().bytes(v));
    w.expect(&publish("new", b"").qos(1, 2).bytes(v));
}

fn identifiers_of_repeated_messages_are_not_handed_out_again(v: Version) {
    let mut w = persistent(v).open();
    assert_eq!(w.client.publish("a", b"", 1), Ok(1));
    w.expect(&publish("a", b"").qos(1, 1).bytes(v));
    resume(&mut w);
    w.expect(&publish("a", b"").qos(1, 1).dup().bytes(v));
    assert_ne!(w.client.publish("b", b"", 0), Ok(1));
}

fn a_message_is_repeated_on_every_connection_until_acknowledged(v: Version) {
    let mut w = persistent(v).open();
    w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, 1).bytes(v));
    for _ in 0..3 {
        resume(&mut w);
        w.expect(&publish("a", b"x").qos(1, 1).dup().bytes(v));
    }
    w.send(&puback(1));
    w.event(published(1));
    resume(&mut w);
    w.finish();
}

fn a_repeated_qos_2_message_is_not_delivered_again_after_resuming(v: Version) {
    let mut w = persistent(v).open();
    w.send(&publish("a", b"x").qos(2, 7).bytes(v));
    w.expect(&pubrec(7));
    w.event(message_qos("a", b"x", 2, 7));
    resume(&mut w);
    w.send(&publish("a", b"x").qos(2, 7).dup().bytes(v));
    w.expect(&pubrec(7));
    w.send(&pubrel(7));
    w.expect(&pubcomp(7));
    w.finish();
}

fn a_pubrel_after_resuming_completes_the_flow(v: Version) {
    let mut w = persistent(v).open();
    w.send(&publish("a", b"x").qos(2, 7).bytes(v));
    w.expect(&pubrec(7));
    w.event(message_qos("a", b"x", 2, 7));
    resume(&mut w);
    w.send(&pubrel(7));
    w.expect(&pubcomp(7));
    w.finish();
}

fn reconnecting_inside_on_disconnect_repeats_what_was_under_way(v: Version) {
    let mut w = persistent(v).open();
    w.client.publish("a", b"1", 1).unwrap();
    w.client.publish("a", b"2", 2).unwrap();
    w.expect(&publish("a", b"1").qos(1, 1).bytes(v));
    w.expect(&publish("a", b"2").qos(2, 2).bytes(v));
    w.send(&pubrec(2));
    w.expect(&pubrel(2));
    w.client.on_event(|handle, event| {
        if matches!(event, Event::DisconnectV5(code, _) if *code != 0) {
            handle.reconnect().unwrap();
        }
    });
    w.peer.close();
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, vec![]));
    w.client.last = MOSQ_ERR_SUCCESS;
    w.accept_again();
    // The lost connection may still be the loop's return value; the new one goes on.
    w.client.last = MOSQ_ERR_SUCCESS;
    w.accept_session(true, &[]);
    w.client.last = MOSQ_ERR_SUCCESS;
    w.expect(&publish("a", b"1").qos(1, 1).dup().bytes(v));
    w.expect(&pubrel(2));
    w.send(&[puback(1), pubcomp(2)].concat());
    w.event(published(1));
    w.event(published(2));
}

fn a_half_received_packet_does_not_reach_into_the_next_connection(v: Version) {
    let mut w = persistent(v).open();
    let packet = publish("a", b"whole").bytes(v);
    w.send(&packet[..6]);
    w.client.step(std::time::Duration::from_millis(50));
    resume(&mut w);
    w.send(&packet);
    w.event(Event::MessageV5(Message::new("a", b"whole"), vec![]));
    w.finish();
}

fn reconnecting_while_connected_replaces_the_connection(v: Version) {
    let mut w = Wire::open(v);
    w.client.reconnect().unwrap();
    w.expect_close();
    w.accept_again();
    w.send(&connack(v, false, 0, &[]));
    let mut events = Vec::new();
    while !matches!(events.last(), Some(Event::ConnectV5(..))) {
        events.push(w.client.next_event());
    }
    assert_eq!(events.last(), Some(&Event::ConnectV5(0, 0, vec![])));
    w.finish();
}

each_version!(
    an_unacknowledged_qos_1_message_is_sent_again_with_dup,
    an_unacknowledged_qos_2_message_is_sent_again_with_dup,
    a_pubrel_without_pubcomp_is_sent_again,
    acknowledged_messages_are_not_sent_again,
    messages_are_sent_again_in_their_order,
    waiting_messages_follow_the_repeated_ones_without_dup,
    messages_published_while_offline_are_sent_after_connack,
    messages_published_in_on_connect_come_behind_the_repeated_ones,
    identifiers_of_repeated_messages_are_not_handed_out_again,
    a_message_is_repeated_on_every_connection_until_acknowledged,
    a_repeated_qos_2_message_is_not_delivered_again_after_resuming,
    a_pubrel_after_resuming_completes_the_flow,
    reconnecting_inside_on_disconnect_repeats_what_was_under_way,
    a_half_received_packet_does_not_reach_into_the_next_connection,
    reconnecting_while_connected_replaces_the_connection,
);

fn in_a_lost_session_a_message_is_sent_anew_without_dup(v: Version) {
    let mut w = persistent(v).open();
    for qos in [1, 2] {
        let mid = w.client.publish("a", b"x", qos.into()).unwrap();
        w.expect(&publish("a", b"x").qos(qos, mid).bytes(v));
    }
    restart(&mut w);
    w.expect(&publish("a", b"x").qos(1, 1).bytes(v));
    w.expect(&publish("a", b"x").qos(2, 2).bytes(v));
    w.expect_silence();
}

/// The broker had taken the message over; to send it anew would deliver it twice.
fn in_a_lost_session_a_released_message_is_complete(v: Version) {
    let mut w = persistent(v).open();
    let mid = w.client.publish("a", b"x", 2).unwrap();
    w.expect(&publish("a", b"x").qos(2, mid).bytes(v));
    w.send(&pubrec(mid));
    w.expect(&pubrel(mid));
    restart(&mut w);
    w.event(published(mid));
    w.finish();
}

fn in_a_lost_session_an_inbound_identifier_is_new(v: Version) {
    let mut w = persistent(v).open();
    w.send(&publish("a", b"old").qos(2, 7).bytes(v));
    w.expect(&pubrec(7));
    w.event(message_qos("a", b"old", 2, 7));
    restart(&mut w);
    w.send(&publish("a", b"new").qos(2, 7).bytes(v));
    w.expect(&pubrec(7));
    w.event(message_qos("a", b"new", 2, 7));
}

fn after_a_clean_start_messages_are_sent_anew_without_dup(v: Version) {
    let mut w = Wire::open(v);
    w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, 1).bytes(v));
    restart(&mut w);
    w.expect(&publish("a", b"x").qos(1, 1).bytes(v));
    w.send(&puback(1));
    w.event(published(1));
    w.finish();
}

macro_rules! since_3_1_1 {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn mqtt_3_1_1() {
                super::$name(super::V311);
            }
            #[test]
            fn mqtt_5() {
                super::$name(super::V5);
            }
        })*
    };
}

since_3_1_1!(
    in_a_lost_session_a_message_is_sent_anew_without_dup,
    in_a_lost_session_a_released_message_is_complete,
    in_a_lost_session_an_inbound_identifier_is_new,
    after_a_clean_start_messages_are_sent_anew_without_dup,
);

/// MQTT 3.1 has no flag for a session present: a persistent one is taken for kept.
#[test]
fn mqtt_3_1_repeats_with_dup_whatever_connack_says() {
    let mut w = persistent(V31).open();
    w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, 1).bytes(V31));
    restart(&mut w);
    w.expect(&publish("a", b"x").qos(1, 1).dup().bytes(V31));
}

#[test]
fn a_receive_maximum_in_the_next_connack_bounds_the_repeated_messages() {
    let mut w = persistent(V5).open();
    for mid in 1..=3 {
        assert_eq!(w.client.publish("a", b"x", 1), Ok(mid));
        w.expect(&publish("a", b"x").qos(1, mid).bytes(V5));
    }
    w.lose();
    w.reconnect();
    w.accept_session(true, &[Prop::U16(RECEIVE_MAXIMUM, 1)]);
    for mid in 1..=3 {
        w.expect(&publish("a", b"x").qos(1, mid).dup().bytes(V5));
        w.expect_silence();
        w.send(&puback(mid));
        w.event(published(mid));
    }
}

#[test]
fn limits_of_one_connack_end_with_its_connection() {
    let mut w = Setup::new(V5)
        .connack_props(&[Prop::Byte(MAXIMUM_QOS, 0), Prop::Byte(RETAIN_AVAILABLE, 0)])
        .open();
    assert_eq!(
        w.client.publish("a", b"", 1),
        Err(MOSQ_ERR_QOS_NOT_SUPPORTED)
    );
    w.lose();
    w.reconnect();
    w.accept_session(false, &[]);
    let mid = w.client.publish_retain("a", b"", 1, true).unwrap();
    w.expect(&publish("a", b"").qos(1, mid).retain().bytes(V5));
}

#[test]
fn properties_of_a_repeated_message_are_repeated() {
    let mut w = persistent(V5).open();
    let props = [user("b", "2"), text(CONTENT_TYPE, "t"), user("a", "1")];
    let mid = w.client.publish_v5("a", b"x", 1, &props).unwrap();
    w.expect(&publish("a", b"x").qos(1, mid).props(&props).bytes(V5));
    resume(&mut w);
    w.expect(&publish("a", b"x").qos(1, mid).props(&props).dup().bytes(V5));
}

fn loop_start_reconnects_by_itself_and_repeats(v: Version) {
    let mut w = persistent(v)
        .drive(Drive::Thread)
        .configure(|client| client.reconnect_delay(1, 1))
        .open();
    let mid = w.client.publish("a", b"x", 1).unwrap();
    w.expect(&publish("a", b"x").qos(1, mid).bytes(v));
    w.lose();
    w.accept_again();
    w.accept_session(true, &[]);
    w.expect(&publish("a", b"x").qos(1, mid).dup().bytes(v));
    w.send(&puback(mid));
    w.event(published(mid));
    w.finish();
}

fn loop_forever_reconnects_by_itself_and_ends_with_disconnect(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| client.reconnect_delay(1, 1))
        .open();
    w.client.drive = Drive::Thread;
    let handle = *w.client;
    let thread = std::thread::spawn(move || handle.loop_forever());
    w.lose();
    w.accept_again();
    w.accept_session(false, &[]);
    w.end();
    assert_eq!(thread.join().unwrap(), MOSQ_ERR_SUCCESS);
}

fn check_refusal_is_tried_again(v: Version) {
    let mut w = Setup::new(v)
        .configure(|client| client.reconnect_delay(1, 1))
        .connecting();
    w.client.drive = Drive::Thread;
    let handle = *w.client;
    let thread = std::thread::spawn(move || handle.loop_forever());
    w.send(&connack(v, false, 3, &[]));
    w.event(Event::ConnectV5(3, 0, vec![]));
    w.event(Event::DisconnectV5(MOSQ_ERR_CONN_REFUSED, vec![]));
    w.accept_again();
    w.accept_session(false, &[]);
    w.end();
    assert_eq!(thread.join().unwrap(), MOSQ_ERR_SUCCESS);
}

#[test]
fn loop_forever_tries_again_after_a_refusal_in_mqtt_3_1() {
    check_refusal_is_tried_again(V31);
}

#[test]
fn loop_forever_tries_again_after_a_refusal_in_mqtt_3_1_1() {
    check_refusal_is_tried_again(V311);
}

/// There a refusal is a protocol error, which no repetition makes better.
#[test]
fn loop_forever_ends_with_a_refusal_in_mqtt_5() {
    let mut w = Setup::new(V5).connecting();
    w.client.drive = Drive::Thread;
    let handle = *w.client;
    let thread = std::thread::spawn(move || handle.loop_forever());
    w.send(&connack(V5, false, 0x87, &[]));
    w.event(Event::ConnectV5(0x87, 0, vec![]));
    assert_eq!(thread.join().unwrap(), MOSQ_ERR_PROTOCOL);
}

fn a_thread_keeps_trying_until_the_broker_listens_again(v: Version) {
    let mut w = Setup::new(v)
        .drive(Drive::Thread)
        .configure(|client| client.reconnect_delay(1, 1))
        .open();
    let port = w.broker.port();
    // The broker goes away altogether.
    w.broker = Broker::start();
    w.lose();
    w.broker = Broker::start_on(port);
    w.accept_again();
    w.accept_session(false, &[]);
    w.finish();
}

fn after_disconnect_a_thread_does_not_reconnect(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    w.client.disconnect().unwrap();
    w.expect(&DISCONNECT);
    w.event(Event::DisconnectV5(0, vec![]));
    // The thread has nothing left to do, and this call to wait for.
    w.client.loop_stop(false).unwrap();
    assert!(w.broker.try_accept().is_none());
}

each_version!(
    loop_start_reconnects_by_itself_and_repeats,
    loop_forever_reconnects_by_itself_and_ends_with_disconnect,
    a_thread_keeps_trying_until_the_broker_listens_again,
    after_disconnect_a_thread_does_not_reconnect,
);

#[test]
fn pre_connect_runs_before_each_attempt() {
    let mut w = Setup::new(V311)
        .configure(|client| client.pre_connect_callback())
        .connecting();
    w.event(Event::PreConnect);
    w.accept_session(false, &[]);
    w.lose();
    w.reconnect();
    w.event(Event::PreConnect);
    w.accept_session(false, &[]);
    w.finish();
}

#[test]
fn credentials_set_between_connections_count_for_the_next() {
    let mut w = Wire::open(V311);
    w.lose();
    w.client
        .username_password(Some("ada"), Some("new"))
        .unwrap();
    w.client.will("w", b"gone", 1, false).unwrap();
    w.connect = connect(V311, "t")
        .will("w", b"gone", 1, false)
        .username("ada")
        .password(b"new")
        .bytes();
    w.reconnect();
    w.accept_session(false, &[]);
    w.finish();
}

#[test]
fn properties_of_connect_are_repeated_on_the_next_connection() {
    let mut w = Setup::new(V5)
        .props(&[
            user("b", "1"),
            Prop::U32(SESSION_EXPIRY_INTERVAL, 7),
            user("a", "2"),
        ])
        .open();
    w.lose();
    w.reconnect();
    w.accept_session(false, &[]);
    w.finish();
}
