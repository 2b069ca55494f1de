//! Keep alive. The interval is 2 s, the shortest there is; what is awaited comes or the
//! test fails, and no duration is measured but by the order of packets.

mod support;

use std::time::Duration;

use support::prop::*;
use support::*;
use Version::{V311, V5};

fn every_2_seconds(v: Version) -> Setup {
    Setup::new(v).keep_alive(2)
}

fn an_idle_client_pings(v: Version) {
    let mut w = every_2_seconds(v).open();
    for _ in 0..2 {
        w.expect(&PINGREQ);
        w.send(&PINGRESP);
    }
    w.finish();
}

fn a_foreign_loop_pings_by_loop_misc(v: Version) {
    let mut w = every_2_seconds(v).drive(Drive::Foreign).open();
    w.expect(&PINGREQ);
    w.send(&PINGRESP);
    w.finish();
}

fn the_library_s_thread_pings(v: Version) {
    let mut w = every_2_seconds(v).drive(Drive::Thread).open();
    w.expect(&PINGREQ);
    w.send(&PINGRESP);
    w.finish();
}

fn a_missing_pingresp_ends_the_connection(v: Version) {
    let mut w = every_2_seconds(v).open();
    w.expect(&PINGREQ);
    w.expect_failure(MOSQ_ERR_KEEPALIVE, 0x8D);
}

fn a_missing_connack_ends_the_connection(v: Version) {
    let mut w = every_2_seconds(v).connecting();
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_KEEPALIVE);
    w.event(Event::DisconnectV5(MOSQ_ERR_KEEPALIVE, vec![]));
    assert_eq!(w.client.socket(), -1);
}

/// The broker talks all the time and is never talked to: only PINGREQ can tell it that
/// the client is alive.
fn messages_of_the_broker_do_not_replace_pingreq(v: Version) {
    let mut w = every_2_seconds(v).open();
    let message = publish("a", b"x").bytes(v);
    let packet = {
        let client = &mut w.client;
        w.peer.take_packet_while(|peer| {
            peer.send(&message);
            client.expect_event(Event::MessageV5(Message::new("a", b"x"), vec![]));
            peer.wait(Duration::from_millis(50));
        })
    };
    assert_eq!(packet, PINGREQ);
}

fn a_lost_pingresp_is_followed_by_a_reconnect_of_the_thread(v: Version) {
    let mut w = every_2_seconds(v)
        .drive(Drive::Thread)
        .configure(|client| client.reconnect_delay(1, 1))
        .open();
    w.expect(&PINGREQ);
    w.event(Event::DisconnectV5(MOSQ_ERR_KEEPALIVE, vec![]));
    w.accept_again();
    w.accept_session(false, &[]);
    w.finish();
}

fn a_pingresp_nobody_asked_for_is_ignored(v: Version) {
    let mut w = Wire::open(v);
    w.send(&PINGRESP);
    w.expect_silence();
    w.finish();
}

each_version!(
    an_idle_client_pings,
    a_foreign_loop_pings_by_loop_misc,
    the_library_s_thread_pings,
    a_missing_pingresp_ends_the_connection,
    a_missing_connack_ends_the_connection,
    messages_of_the_broker_do_not_replace_pingreq,
    a_lost_pingresp_is_followed_by_a_reconnect_of_the_thread,
    a_pingresp_nobody_asked_for_is_ignored,
);

#[test]
fn the_server_s_keep_alive_replaces_ours() {
    let mut w = Setup::new(V5)
        .keep_alive(600)
        .connack_props(&[Prop::U16(SERVER_KEEP_ALIVE, 2)])
        .open();
    w.expect(&PINGREQ);
    w.send(&PINGRESP);
    w.finish();
}

#[test]
fn the_server_s_keep_alive_ends_with_its_connection() {
    let mut w = Setup::new(V5)
        .keep_alive(600)
        .connack_props(&[Prop::U16(SERVER_KEEP_ALIVE, 2)])
        .open();
    w.lose();
    // CONNECT carries the program's own value again.
    w.reconnect();
    w.accept_session(false, &[]);
    w.finish();
}

/// A second client with an interval of 2 s is the clock: both are idle for the same
/// time, and only one may ping.
fn check_no_ping_while_another_client_pings_twice(quiet: Setup) {
    let mut clock = every_2_seconds(V311).open();
    let mut quiet = quiet.open();
    for _ in 0..2 {
        let (client, idle) = (&mut clock.client, &mut quiet.client);
        clock.peer.expect_while(&PINGREQ, |_| {
            client.step(Duration::from_millis(5));
            idle.step(Duration::from_millis(5));
        });
        clock.send(&PINGRESP);
    }
    quiet.finish();
}

#[test]
fn a_keep_alive_of_0_never_pings() {
    check_no_ping_while_another_client_pings_twice(Setup::new(V311).keep_alive(0));
}

#[test]
fn a_server_keep_alive_of_0_switches_pings_off() {
    let quiet = Setup::new(V5)
        .keep_alive(2)
        .connack_props(&[Prop::U16(SERVER_KEEP_ALIVE, 0)]);
    check_no_ping_while_another_client_pings_twice(quiet);
}

#[test]
fn a_longer_server_keep_alive_puts_pings_off() {
    let quiet = Setup::new(V5)
        .keep_alive(2)
        .connack_props(&[Prop::U16(SERVER_KEEP_ALIVE, 600)]);
    check_no_ping_while_another_client_pings_twice(quiet);
}

/// A program that was busy for longer than the interval finds the answer in its socket.
#[test]
fn an_answer_that_waited_to_be_read_counts() {
    let mut stalled = every_2_seconds(V311).open();
    stalled.expect(&PINGREQ);
    stalled.send(&PINGRESP);
    // Nobody runs its loop while another client pings twice, 2 s apart.
    let mut clock = every_2_seconds(V311).open();
    for _ in 0..2 {
        clock.expect(&PINGREQ);
        clock.send(&PINGRESP);
    }
    stalled.expect(&PINGREQ);
    stalled.send(&PINGRESP);
    stalled.finish();
}

/// The thread sleeps until much of a large packet has come, and still sees that it comes.
#[test]
fn a_large_packet_that_comes_slowly_is_a_sign_of_life() {
    let mut w = every_2_seconds(V311).drive(Drive::Thread).open();
    let mut clock = every_2_seconds(V311).drive(Drive::Thread).open();
    let payload = vec![b'x'; 1 << 20];
    let packet = publish("a", &payload).bytes(V311);
    let mut sent = 300 * 1024;
    w.send(&packet[..sent]);
    let mut trickle = |peer: &mut Peer| {
        peer.send(&packet[sent..sent + 10]);
        sent += 10;
        peer.wait(Duration::from_millis(50));
    };
    assert_eq!(w.peer.take_packet_while(&mut trickle), PINGREQ);
    // Twice the interval without an answer, which is behind the packet.
    for _ in 0..2 {
        let ping = clock.peer.take_packet_while(|_| trickle(&mut w.peer));
        assert_eq!(ping, PINGREQ);
        clock.send(&PINGRESP);
    }
    w.send(&packet[sent..]);
    w.send(&PINGRESP);
    w.event(Event::MessageV5(Message::new("a", &payload), vec![]));
    clock.finish();
}
