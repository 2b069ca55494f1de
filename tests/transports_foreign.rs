//! A program's own event loop over every transport: what `mosquitto_socket`,
//! `mosquitto_want_write` and `mosquitto_loop_read` promise where layers hold bytes back.

#![cfg(all(feature = "tls", feature = "websocket"))]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "poll() is called with a descriptor that lives through the call"
)]

mod support;
mod transport_support;

use std::time::{Duration, Instant};

use support::*;
use transport_support::route::Path;
use transport_support::script::{converse, finish_connecting, open};
use transport_support::stages::each_stage;
use transport_support::{Framing, Host, Link, Route, Rules, Stage, Through, WebSocketSide};

const V: Version = Version::V5;

/// A connection over `link`, for a foreign loop.
fn connected(link: Link, framing: Framing) -> (Path, Wire) {
    let websocket = WebSocketSide {
        framing,
        ..WebSocketSide::default()
    };
    let rules = Rules {
        websocket,
        ..Rules::default()
    };
    let path = Route::new(link, Through::Nothing, Host::V4).start_with(rules);
    open(path, V, Drive::Foreign, false, 60)
}

/// What poll() says of the client's descriptor, asked as a program asks it.
fn poll(client: &Client, timeout: Duration) -> i16 {
    let mut events = libc::POLLIN;
    if client.want_write() {
        events |= libc::POLLOUT;
    }
    let mut poll = libc::pollfd {
        fd: client.socket(),
        events,
        revents: 0,
    };
    assert!(poll.fd >= 0, "there is no descriptor");
    unsafe { libc::poll(&mut poll, 1, timeout.as_millis() as i32) };
    poll.revents
}

/// Both of two small packets that the server sends at once, and is silent after, are delivered
/// by one `loop_read`.
fn check_two_packets_at_once(link: Link, framing: Framing) {
    let (_path, mut w) = connected(link, framing);
    for _ in 0..3 {
        let packets = [publish("a", b"first"), publish("a", b"second")];
        w.send(&packets.map(|packet| packet.bytes(V)).concat());
        assert_eq!(poll(&w.client, DEADLINE), libc::POLLIN);
        assert_eq!(w.client.loop_read(), MOSQ_ERR_SUCCESS);
        for payload in [&b"first"[..], b"second"] {
            let message = Event::MessageV5(Message::new("a", payload), vec![]);
            assert_eq!(w.client.try_event(), Some(message));
        }
    }
    w.end();
}

/// One frame for both packets.
const WHOLE: Framing = Framing {
    frame: None,
    continuation: false,
    pings: false,
};
/// A frame for each; PUBLISH with topic `a` and payload `first` has 11 bytes.
const APART: Framing = Framing {
    frame: Some(11),
    ..WHOLE
};
/// Frames that end anywhere.
const SMALL: Framing = Framing {
    frame: Some(3),
    ..WHOLE
};
/// One message in frames that end anywhere.
const FRAGMENTS: Framing = Framing {
    frame: Some(3),
    continuation: true,
    pings: false,
};
const FRAGMENTS_AND_PINGS: Framing = Framing {
    frame: Some(3),
    continuation: true,
    pings: true,
};

#[test]
fn two_packets_in_one_segment_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Tcp, WHOLE);
}

#[test]
fn two_packets_in_one_tls_record_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Tls, WHOLE);
}

#[test]
fn two_packets_in_one_frame_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Ws, WHOLE);
}

#[test]
fn two_packets_in_a_frame_each_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Ws, APART);
}

#[test]
fn two_packets_in_small_frames_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Ws, SMALL);
}

#[test]
fn two_packets_in_one_fragmented_message_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Ws, FRAGMENTS);
}

#[test]
fn two_packets_in_one_frame_on_tls_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Wss, WHOLE);
}

#[test]
fn two_packets_in_a_frame_each_on_tls_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Wss, APART);
}

#[test]
fn two_packets_among_pings_are_delivered_by_one_loop_read() {
    check_two_packets_at_once(Link::Wss, FRAGMENTS_AND_PINGS);
}

/// However much arrives: what one `loop_read` leaves, the descriptor announces.
fn check_many_packets(link: Link, framing: Framing) {
    let (_path, mut w) = connected(link, framing);
    let count = 3000;
    let texts: Vec<_> = (0..count)
        .map(|number| format!("{number:0200}").into_bytes())
        .collect();
    let all: Vec<u8> = texts
        .iter()
        .flat_map(|text| publish("a", text).bytes(V))
        .collect();
    let (peer, client) = (&mut w.peer, &w.client);
    std::thread::scope(|scope| {
        scope.spawn(move || peer.send(&all));
        let mut delivered = 0;
        while delivered < count {
            let events = poll(client, DEADLINE);
            assert!(events != 0, "{delivered} of {count} messages came");
            assert_eq!(client.loop_read(), MOSQ_ERR_SUCCESS);
            // As programs do; also what pings ask for.
            if client.want_write() {
                assert_eq!(client.loop_write(), MOSQ_ERR_SUCCESS);
            }
            while let Some(event) = client.try_event() {
                let message = Message::new("a", &texts[delivered]);
                assert_eq!(event, Event::MessageV5(message, vec![]));
                delivered += 1;
            }
        }
    });
    w.end();
}

#[test]
fn loop_read_leaves_nothing_behind_a_silent_descriptor_of_tls() {
    check_many_packets(Link::Tls, WHOLE);
}

#[test]
fn loop_read_leaves_nothing_behind_a_silent_descriptor_of_websocket() {
    check_many_packets(Link::Ws, WHOLE);
    check_many_packets(Link::Ws, FRAGMENTS_AND_PINGS);
}

#[test]
fn loop_read_leaves_nothing_behind_a_silent_descriptor_of_secure_websocket() {
    check_many_packets(Link::Wss, WHOLE);
    check_many_packets(Link::Wss, FRAGMENTS_AND_PINGS);
}

/// One turn of a program's own event loop, without waiting; whether there was anything to do.
fn turn(client: &mut Client) -> bool {
    let events = poll(client, Duration::ZERO);
    if events == 0 {
        return false;
    }
    if events & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0 {
        client.last = client.loop_read();
    }
    if client.last == MOSQ_ERR_SUCCESS && events & libc::POLLOUT != 0 {
        client.last = client.loop_write();
    }
    assert_eq!(client.last, MOSQ_ERR_SUCCESS);
    true
}

/// Runs the client until the silent server has all that the client can say.
fn reach(client: &mut Client, gate: &transport_support::Gate) {
    let end = Instant::now() + DEADLINE;
    while !gate.is_reached() {
        assert!(Instant::now() < end, "the server was not reached");
        client.step(Duration::from_millis(2));
        assert_eq!(client.last, MOSQ_ERR_SUCCESS);
    }
}

/// Writing is asked for as long as there is something to write, and no longer; so the loop
/// sleeps while the server is silent.
fn a_foreign_loop_sleeps(stage: Stage, link: Link, through: Through) {
    let (path, gate, mut client) = stage.connecting(link, through, Drive::Foreign);
    // There is a socket as soon as the call that begins returns.
    assert!(client.socket() >= 0);
    reach(&mut client, &gate);
    let socket = client.socket();
    let turns = (0..10).take_while(|_| turn(&mut client)).count();
    assert!(turns < 10, "there is something to do again and again");
    for _ in 0..3 {
        assert!(!client.want_write());
        assert_eq!(client.loop_misc(), MOSQ_ERR_SUCCESS);
        assert_eq!(poll(&client, Duration::ZERO), 0);
    }
    gate.open();
    let (_path, mut w) = finish_connecting(path, client, V, 60);
    assert_eq!(w.client.socket(), socket);
    converse(&mut w, false);
    assert_eq!(w.client.socket(), socket);
    w.end();
}

/// The library's own waiting does not wake up for nothing either. (That it waits long enough
/// is judged, never that it is quick.)
fn mosquitto_loop_sleeps(stage: Stage, link: Link, through: Through) {
    let (path, gate, mut client) = stage.connecting(link, through, Drive::Loop);
    reach(&mut client, &gate);
    let (timeout, calls) = (Duration::from_millis(50), 5);
    let begun = Instant::now();
    for _ in 0..calls {
        client.step(timeout);
        assert_eq!(client.last, MOSQ_ERR_SUCCESS);
    }
    // One of them may have had something to do still.
    assert!(begun.elapsed() >= timeout * (calls - 1));
    gate.open();
    let (_path, mut w) = finish_connecting(path, client, V, 60);
    w.end();
}

each_stage!(a_foreign_loop_sleeps, mosquitto_loop_sleeps);

/// While the network takes nothing, writing is asked for and nothing is done; then all goes
/// out.
fn check_backlog(link: Link) {
    let (path, mut w) = connected(link, WHOLE);
    assert!(!w.client.want_write());
    path.front.gate.close();
    let payload = vec![7; 1 << 20];
    let mut count = 0;
    while !w.client.want_write() {
        assert!(count < 64, "the network takes 64 MiB");
        w.client.publish("a", &payload, 0).unwrap();
        count += 1;
        while turn(&mut w.client) {}
    }
    // Blocked: the descriptor is not writable, so that the loop sleeps.
    while turn(&mut w.client) {}
    assert!(w.client.want_write());
    path.front.gate.open();
    let packet = publish("a", &payload).bytes(V);
    for _ in 0..count {
        w.expect(&packet);
    }
    for _ in 0..count {
        assert!(matches!(w.client.next_event(), Event::PublishV5(_, 0, _)));
    }
    while turn(&mut w.client) {}
    assert!(!w.client.want_write());
    w.end();
}

#[test]
fn want_write_lasts_as_long_as_a_backlog_over_tcp() {
    check_backlog(Link::Tcp);
}

#[test]
fn want_write_lasts_as_long_as_a_backlog_over_tls() {
    check_backlog(Link::Tls);
}

#[test]
fn want_write_lasts_as_long_as_a_backlog_over_websocket() {
    check_backlog(Link::Ws);
}

#[test]
fn want_write_lasts_as_long_as_a_backlog_over_secure_websocket() {
    check_backlog(Link::Wss);
}

/// A ping is answered although MQTT has nothing to say.
fn check_pong(link: Link) {
    let pings = Framing {
        pings: true,
        ..WHOLE
    };
    let (path, mut w) = connected(link, pings);
    for number in 1..=3 {
        w.send(&publish("a", b"x").bytes(V));
        w.event(Event::MessageV5(Message::new("a", b"x"), vec![]));
        // One came with CONNACK.
        let end = Instant::now() + DEADLINE;
        while path.front.pongs() <= number {
            assert!(Instant::now() < end, "{} pongs", path.front.pongs());
            w.client.step(Duration::from_millis(2));
        }
    }
    w.end();
}

#[test]
fn a_ping_is_answered_over_websocket() {
    check_pong(Link::Ws);
}

#[test]
fn a_ping_is_answered_over_secure_websocket() {
    check_pong(Link::Wss);
}

/// The whole conversation, with the server's frames cut in this way.
fn check_framing(framing: Framing, large: bool) {
    for link in [Link::Ws, Link::Wss] {
        let (_path, mut w) = connected(link, framing);
        converse(&mut w, large);
        w.end();
    }
}

#[test]
fn frames_of_one_byte_make_a_conversation() {
    let one = Framing {
        frame: Some(1),
        ..WHOLE
    };
    check_framing(one, false);
}

#[test]
fn fragments_of_one_byte_with_pings_between_make_a_conversation() {
    let one = Framing {
        frame: Some(1),
        continuation: true,
        pings: true,
    };
    check_framing(one, false);
}

#[test]
fn fragments_with_pings_between_carry_a_large_message() {
    let some = Framing {
        frame: Some(5000),
        continuation: true,
        pings: true,
    };
    check_framing(some, true);
}
