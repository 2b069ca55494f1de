//! MQTT 5.0: DISCONNECT, AUTH, errors and the transport (sections 3.14, 3.15, 4.2, 4.12
//! and 4.13).

mod conformance_support;
mod session_support;
mod support;

use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;

use conformance_support::read::packet_type;
use conformance_support::*;
use mqttrs::codec::Properties;
use mqttrs::error::{Error, PeerError};
use mqttrs::session::State;
use mqttrs::types::ReasonCode;
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

const PROTOCOL: u8 = 0x82;

/// The reason codes of DISCONNECT.
const OF_DISCONNECT: [u8; 30] = [
    0, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94,
    0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2,
];

fn method(name: &str) -> Prop {
    prop::text(AUTHENTICATION_METHOD, name)
}

fn data(bytes: &[u8]) -> Prop {
    Prop::Binary(AUTHENTICATION_DATA, bytes.into())
}

/// CONNECT with method `M` was sent.
fn authenticating() -> Bench {
    let setup = Options {
        props: vec![method("M")],
        ..Options::default()
    };
    let mut bench = Bench::with(V5, setup);
    bench.connect();
    bench
}

/// The same, accepted.
fn authenticated() -> Bench {
    let mut bench = authenticating();
    bench.accept(false, &[method("M")]);
    bench
}

fn authenticate(bench: &mut Bench, name: &str, bytes: &[u8]) -> mqttrs::error::Result<()> {
    bench
        .session
        .authenticate(name, Some(bytes), Properties::EMPTY)
}

#[test]
fn disconnect_is_sent_with_one_of_its_reason_codes() {
    for code in 0..=255 {
        let mut bench = Bench::open(V5);
        let outcome = bench.disconnect(ReasonCode(code), &[]);
        let sent = bench.sent();
        let right = if code == 0 {
            sent == [DISCONNECT]
        } else if OF_DISCONNECT.contains(&code) {
            sent == [disconnect_reason(code)]
        } else {
            outcome.is_err() && sent.is_empty()
        };
        proves!(
            V5,
            "MQTT-3.14.2-1",
            right,
            "{code:#x}: {outcome:?}, {sent:02x?}"
        );
    }
    let mut w = Wire::open(V5);
    for code in [0x01, 0x10, 0x7F, 0x84, 0xA3, 0xFF] {
        let outcome = w.client.disconnect_v5(code, &[]);
        let refused = outcome == Err(MOSQ_ERR_INVAL);
        proves!(V5, "MQTT-3.14.2-1", refused, "{code:#x}: {outcome:?}");
    }
    w.expect_silence();
    w.finish();
}

#[test]
fn disconnect_is_taken_with_one_of_its_reason_codes() {
    for code in 0..=255 {
        for packet in [disconnect_reason(code), disconnect_props(code, &[])] {
            let mut bench = Bench::open(V5);
            let right = if OF_DISCONNECT.contains(&code) {
                let outcome = bench.receive(&packet);
                outcome == Err(Error::Peer(PeerError::Disconnected(ReasonCode(code))))
                    && bench.sent().is_empty()
            } else {
                refuses(&mut bench, &packet, PROTOCOL)
            };
            proves!(V5, "MQTT-3.14.2-1", right, "{packet:02x?}");
        }
    }
}

#[test]
fn disconnect_with_reserved_bits_set_is_malformed() {
    for flags in 1..16 {
        for body in [&[][..], &[0], &[0x8B], &[0x8B, 0]] {
            let mut bench = Bench::open(V5);
            let refused = refuses(&mut bench, &packet(0xE0 | flags, body), 0x81);
            proves!(V5, "MQTT-3.14.1-1", refused, "{flags:#x}, {body:02x?}");
        }
    }
    // What we send has none.
    let mut bench = Bench::open(V5);
    bench.disconnect(ReasonCode(4), &[]).unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-3.14.1-1", sent[0][0] == 0xE0, "{sent:02x?}");
}

/// Everything that would make a client send something, done to one that should not.
fn provoke(bench: &mut Bench) {
    let calls = [
        bench.publish("a", b"x", 0).map(drop),
        bench.subscribe("a", 0).map(drop),
        bench.unsubscribe("a").map(drop),
        bench.disconnect(ReasonCode(4), &[]),
        authenticate(bench, "M", b"x"),
    ];
    assert!(calls.iter().all(Result::is_err), "{calls:?}");
    bench.publish("a", b"x", 1).unwrap();
    bench.publish("a", b"x", 2).unwrap();
    for input in [
        publish("a", b"x").qos(1, 7).bytes(V5),
        publish("a", b"x").qos(2, 8).bytes(V5),
        pubrel(9),
        pubrec(9),
        puback(1),
        vec![0xD1, 0],
        auth(0x18, &[method("M")]),
        disconnect_reason(0x8B),
    ] {
        bench.accept_input(&input);
    }
    // The timer there is ends a connection that nobody closes.
    bench.pass(Duration::from_secs(3600)).unwrap_err();
}

#[test]
fn disconnect_is_the_last_packet_of_its_sender() {
    for code in [0, 4, 0x80] {
        let mut bench = authenticated();
        bench.publish("a", b"before", 1).unwrap();
        bench.disconnect(ReasonCode(code), &[]).unwrap();
        let types: Vec<_> = bench.sent().iter().map(|p| packet_type(p)).collect();
        assert_eq!(types, [3, 14]);
        provoke(&mut bench);
        let sent = bench.sent();
        proves!(V5, "MQTT-3.14.4-1", sent.is_empty(), "{sent:02x?}");
        let closing = bench.session.state() == State::Closing;
        proves!(V5, "MQTT-3.14.4-2", closing, "{:?}", bench.session.state());
        let seen = bench.seen();
        let messages = seen.iter().any(|seen| matches!(seen, Seen::Message(_)));
        assert!(!messages, "{seen:?}");
    }
    // The same where the session itself says goodbye.
    let mut bench = authenticated();
    assert!(refuses(&mut bench, &[0xD1, 0], 0x81));
    provoke(&mut bench);
    let sent = bench.sent();
    proves!(V5, "MQTT-3.14.4-1", sent.is_empty(), "{sent:02x?}");
    // And where the server does: nothing is sent or taken behind its DISCONNECT.
    let mut bench = authenticated();
    let outcome = bench.receive(&disconnect_reason(0x8B));
    assert!(outcome.is_err());
    provoke(&mut bench);
    let (seen, sent) = (bench.seen(), bench.sent());
    let silent = seen.is_empty() && sent.is_empty();
    proves!(V5, "MQTT-3.14.4-1", silent, "{seen:?}, {sent:02x?}");
}

#[test]
fn who_has_sent_disconnect_closes_the_connection() {
    for code in [0, 4, 0x80] {
        let mut w = Wire::open(V5);
        w.client.disconnect_v5(code, &[]).unwrap();
        let sent = w.take_packet();
        proves!(V5, "MQTT-3.14.4-1", sent[0] == 0xE0, "{sent:02x?}");
        // Without another byte, and though the server does not close.
        w.expect_close();
        w.event(Event::DisconnectV5(0, Vec::new()));
        let socket = w.client.socket();
        proves!(V5, "MQTT-3.14.4-2", socket == -1, "{socket}");
    }
}

#[test]
fn a_code_that_tells_of_an_error_ends_the_connection() {
    for code in OF_DISCONNECT.into_iter().filter(|code| *code >= 0x80) {
        // The server's.
        let mut bench = Bench::open(V5);
        let outcome = bench.receive(&disconnect_reason(code));
        let closed =
            outcome.is_err() && bench.sent().is_empty() && bench.session.state() == State::Closing;
        proves!(V5, "MQTT-4.13.2-1", closed, "{code:#x}: {outcome:?}");
        // The program's.
        let mut bench = Bench::open(V5);
        bench.disconnect(ReasonCode(code), &[]).unwrap();
        let sent = bench.sent();
        let closed = sent == [disconnect_reason(code)] && bench.session.state() == State::Closing;
        proves!(V5, "MQTT-4.13.2-1", closed, "{code:#x}: {sent:02x?}");
    }
    // Those of the library, with the socket closed behind them.
    let aliases = [Prop::U16(TOPIC_ALIAS_MAXIMUM, 1)];
    let limits = [Prop::U32(MAXIMUM_PACKET_SIZE, 100)];
    let window = [Prop::U16(RECEIVE_MAXIMUM, 1)];
    for (props, packet, code) in [
        (&[][..], vec![0xD1, 0], 0x81),
        (&[], connack(V5, false, 0, &[]), 0x82),
        (
            &aliases,
            publish("a", b"")
                .props(&[Prop::U16(TOPIC_ALIAS, 2)])
                .bytes(V5),
            0x94,
        ),
        (&limits, publish("a", &[0; 100]).bytes(V5), 0x95),
        (
            &window,
            [
                publish("a", b"").qos(2, 1).bytes(V5),
                publish("a", b"").qos(2, 2).bytes(V5),
            ]
            .concat(),
            0x93,
        ),
    ] {
        let announces = props == window;
        let mut w = Setup::new(V5)
            .props(props)
            .receive_maximum((!announces).then_some(20))
            .open();
        w.send(&packet);
        if announces {
            w.expect(&pubrec(1));
        }
        let sent = w.take_packet();
        w.expect_close();
        let told = sent == disconnect_reason(code);
        proves!(V5, "MQTT-4.13.2-1", told, "{code:#x}: {sent:02x?}");
        let code = w.client.run_until_error();
        assert_ne!(code, MOSQ_ERR_SUCCESS);
        proves!(V5, "MQTT-4.13.2-1", w.client.socket() == -1);
    }
}

#[test]
fn auth_with_flags_set_is_malformed() {
    for flags in 1..16 {
        for connected in [false, true] {
            let mut bench = if connected {
                let mut bench = authenticated();
                authenticate(&mut bench, "M", b"again").unwrap();
                bench.sent();
                bench
            } else {
                authenticating()
            };
            let mut packet = auth(0x18, &[method("M")]);
            packet[0] |= flags;
            let refused = refuses(&mut bench, &packet, 0x81);
            proves!(V5, "MQTT-3.15.1-1", refused, "{packet:02x?}");
        }
    }
    let mut bench = authenticated();
    authenticate(&mut bench, "M", b"again").unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-3.15.1-1", sent[0][0] == 0xF0, "{sent:02x?}");
}

#[test]
fn auth_has_one_of_its_reason_codes() {
    for code in 0..=255 {
        // While a re-authentication goes on, 0x18 and 0x00 are due; 0x19 is a client's.
        let mut bench = authenticated();
        authenticate(&mut bench, "M", b"again").unwrap();
        let sent = bench.sent();
        let ours = sent == [auth(0x19, &[method("M"), data(b"again")])];
        proves!(V5, "MQTT-3.15.2-1", ours, "{sent:02x?}");
        let packet = auth(code, &[method("M")]);
        let right = match code {
            0 | 0x18 => bench.receive(&packet).is_ok() && bench.sent().is_empty(),
            _ => refuses(&mut bench, &packet, PROTOCOL),
        };
        proves!(V5, "MQTT-3.15.2-1", right, "{packet:02x?}");
    }
}

#[test]
fn an_answer_to_auth_says_continue() {
    let mut bench = authenticating();
    for round in 0..5 {
        bench.accept_input(&auth(0x18, &[method("M"), data(&[round])]));
        authenticate(&mut bench, "M", &[round]).unwrap();
        let sent = bench.sent();
        let right = sent == [auth(0x18, &[method("M"), data(&[round])])];
        proves!(V5, "MQTT-4.12.0-3", right, "{sent:02x?}");
        proves!(V5, "MQTT-3.15.2-1", right, "{sent:02x?}");
    }
    bench.seen();
    bench.accept(false, &[method("M")]);
    authenticate(&mut bench, "M", b"again").unwrap();
    bench.sent();
    for round in 0..5 {
        bench.accept_input(&auth(0x18, &[method("M"), data(&[round])]));
        authenticate(&mut bench, "M", &[round]).unwrap();
        let sent = bench.sent();
        let right = sent == [auth(0x18, &[method("M"), data(&[round])])];
        proves!(V5, "MQTT-4.12.0-3", right, "{sent:02x?}");
    }
}

#[test]
fn auth_and_connack_repeat_the_method_of_connect() {
    // Ours.
    let mut bench = authenticating();
    for name in ["", "m", "MM", "other"] {
        let outcome = authenticate(&mut bench, name, b"x");
        let kept = outcome.is_err() && bench.sent().is_empty();
        proves!(V5, "MQTT-4.12.0-5", kept, "{name}: {outcome:?}");
    }
    bench.accept_input(&auth(0x18, &[method("M")]));
    authenticate(&mut bench, "M", b"x").unwrap();
    let sent = bench.sent();
    let right = sent == [auth(0x18, &[method("M"), data(b"x")])];
    proves!(V5, "MQTT-4.12.0-5", right, "{sent:02x?}");
    // The server's.
    for wrong in [
        auth(0x18, &[]),
        auth(0x18, &[data(b"x")]),
        auth(0x18, &[method("m")]),
        auth(0x18, &[method("")]),
        connack(V5, false, 0, &[]),
        connack(V5, false, 0, &[method("other")]),
    ] {
        let mut bench = authenticating();
        let refused = refuses(&mut bench, &wrong, PROTOCOL);
        proves!(V5, "MQTT-4.12.0-5", refused, "{wrong:02x?}");
        bench.expect_seen(&[]);
    }
    for wrong in [auth(0, &[]), auth(0, &[method("m")]), vec![0xF0, 0]] {
        let mut bench = authenticated();
        authenticate(&mut bench, "M", b"again").unwrap();
        bench.sent();
        let refused = refuses(&mut bench, &wrong, PROTOCOL);
        proves!(V5, "MQTT-4.12.0-5", refused, "{wrong:02x?}");
    }
}

#[test]
fn a_client_without_a_method_sends_no_auth() {
    let mut bench = Bench::new(V5);
    bench.connect();
    for connected in [false, true] {
        if connected {
            bench.accept(false, &[]);
        }
        for name in ["", "M"] {
            let outcome = authenticate(&mut bench, name, b"x");
            let kept = outcome.is_err() && bench.sent().is_empty();
            proves!(V5, "MQTT-4.12.0-7", kept, "{name}: {outcome:?}");
        }
    }
    // Not even when it is asked.
    for connected in [false, true] {
        let mut bench = Bench::new(V5);
        bench.connect();
        if connected {
            bench.accept(false, &[]);
        }
        let packet = auth(0x18, &[method("M"), data(b"x")]);
        let refused = refuses(&mut bench, &packet, PROTOCOL);
        proves!(V5, "MQTT-4.12.0-7", refused, "connected: {connected}");
    }
}

#[test]
fn a_re_authentication_keeps_the_original_method() {
    let mut bench = authenticated();
    for _ in 0..2 {
        for name in ["", "m", "N"] {
            let outcome = authenticate(&mut bench, name, b"again");
            let kept = outcome.is_err() && bench.sent().is_empty();
            proves!(V5, "MQTT-4.12.1-1", kept, "{name}: {outcome:?}");
        }
        authenticate(&mut bench, "M", b"again").unwrap();
        let sent = bench.sent();
        let right = sent == [auth(0x19, &[method("M"), data(b"again")])];
        proves!(V5, "MQTT-4.12.1-1", right, "{sent:02x?}");
        bench.accept_input(&auth(0, &[method("M")]));
    }
}

/// Refuses every step of the server.
unsafe extern "C" fn give_up(
    _: *mut mosquitto,
    _: *mut c_void,
    _: *const c_char,
    _: u16,
    _: *const c_void,
    _: *const mosquitto_property,
) -> c_int {
    MOSQ_ERR_AUTH
}

#[test]
fn a_failed_re_authentication_closes_the_connection() {
    // The program finds that the server is not who it says.
    let mut w = Setup::new(V5)
        .props(&[method("M")])
        .connack_props(&[method("M")])
        .open();
    // SAFETY: a client, and a function of the callback's type.
    unsafe { mosquitto_ext_auth_callback_set(w.client.0, Some(give_up)) };
    // SAFETY: a client and a C string.
    let code = unsafe {
        let name = c"M".as_ptr();
        mosquitto_ext_auth_continue(w.client.0, name, 0, std::ptr::null(), std::ptr::null())
    };
    assert_eq!(code, MOSQ_ERR_SUCCESS);
    w.expect(&auth(0x19, &[method("M")]));
    w.send(&auth(0x18, &[method("M"), data(b"wrong")]));
    let goodbye = w.take_packet();
    w.expect_close();
    let told = goodbye == disconnect_reason(0x87);
    proves!(V5, "MQTT-4.12.1-2", told, "{goodbye:02x?}");
    let code = w.client.run_until_error();
    proves!(V5, "MQTT-4.12.1-2", code != MOSQ_ERR_SUCCESS, "{code}");

    // The server refuses, or does not keep to the method.
    let again = || {
        let mut bench = authenticated();
        authenticate(&mut bench, "M", b"again").unwrap();
        bench.sent();
        bench
    };
    let mut bench = again();
    let outcome = bench.receive(&disconnect_reason(0x87));
    let closed = outcome.is_err() && bench.session.state() == State::Closing;
    proves!(V5, "MQTT-4.12.1-2", closed, "{outcome:?}");
    let refused = refuses(&mut again(), &auth(0x18, &[method("N")]), PROTOCOL);
    proves!(V5, "MQTT-4.12.1-2", refused);
}

#[test]
fn packets_go_in_order_and_without_loss_over_a_byte_stream() {
    let mut w = Wire::open(V5);
    // Ours, small and large.
    let payload = |n: u8| vec![n; 1 << (n % 18)];
    let mut sent = Vec::new();
    for n in 0..60 {
        w.client.publish("a/b", &payload(n), 0).unwrap();
        sent.push(publish("a/b", &payload(n)).bytes(V5));
    }
    for packet in &sent {
        let arrived = w.take_packet();
        proves!(
            V5,
            "MQTT-4.2-1",
            arrived == *packet,
            "{:02x?}",
            &arrived[..8]
        );
    }
    for n in 0..60 {
        let mid = c_int::from(n) + 1;
        w.event(Event::PublishV5(mid, 0, Vec::new()));
    }
    // The server's, in one piece and byte by byte.
    let all: Vec<u8> = sent.concat();
    w.send(&all);
    for byte in publish("a/b", b"in pieces").bytes(V5) {
        w.send(&[byte]);
    }
    for n in 0..60 {
        let event = w.client.next_event();
        let message = Message::new("a/b", &payload(n));
        let arrived = event == Event::MessageV5(message, Vec::new());
        proves!(V5, "MQTT-4.2-1", arrived, "message {n}");
    }
    let event = w.client.next_event();
    let message = Message::new("a/b", b"in pieces");
    let arrived = event == Event::MessageV5(message, Vec::new());
    proves!(V5, "MQTT-4.2-1", arrived, "{event:?}");
    w.finish();
}
