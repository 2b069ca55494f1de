//! MQTT 5.0: how a connection begins, the session it resumes or not, and keep alive
//! (sections 3.1, 3.2 and 4.1).

mod conformance_support;
mod session_support;
mod support;

use std::time::Duration;

use conformance_support::read::{packet_type, ConnectFields, PublishFields};
use conformance_support::*;
use mqttrs::codec::{Properties, Will};
use mqttrs::error::{Error, PeerError};
use mqttrs::session::{ConnectRequest, Session, SessionEvent, State, TransmitBuf};
use mqttrs::types::{ProtocolVersion, QoS, ReasonCode};
use session_support::*;
use support::prop::*;
use support::*;
use Version::V5;

const SECOND: Duration = Duration::from_secs(1);
const PROTOCOL: u8 = 0x82;

/// What a program may put into CONNECT.
#[derive(Debug, Clone, Copy)]
struct Given {
    client_id: Option<&'static str>,
    clean: bool,
    /// QoS and retain.
    will: Option<(u8, bool)>,
    username: Option<&'static str>,
    password: Option<&'static [u8]>,
}

const NOTHING: Given = Given {
    client_id: Some("c"),
    clean: true,
    will: None,
    username: None,
    password: None,
};

fn will_props() -> [Prop; 3] {
    [
        Prop::U32(WILL_DELAY_INTERVAL, 5),
        prop::text(CONTENT_TYPE, "t"),
        user("a", "b"),
    ]
}

/// The CONNECT that comes of it.
fn connect_of(given: &Given) -> Vec<u8> {
    let bench = Bench::new(V5);
    let mut session = Session::new(given.client_id.map(str::to_owned), bench.now);
    let (properties, of_will) = (buf(&[]), buf(&will_props()));
    let request = ConnectRequest {
        version: ProtocolVersion::V5,
        clean_start: given.clean,
        keep_alive: 30,
        properties: &properties,
        will: given.will.map(|(qos, retain)| Will {
            topic: "gone/ü",
            payload: b"bye",
            qos: QoS::new(qos).unwrap(),
            retain,
            properties: of_will.as_properties(),
        }),
        username: given.username,
        password: given.password,
        receive_maximum: 20,
    };
    session.connect(&request, bench.now).unwrap();
    let mut out = TransmitBuf::default();
    session.poll_transmit(&mut out);
    out.to_vec()
}

/// Every mixture of fields.
fn mixtures() -> Vec<Given> {
    let mut all = Vec::new();
    let wills = (0..3).flat_map(|qos| [Some((qos, false)), Some((qos, true))]);
    for will in wills.chain([None]) {
        for username in [None, Some(""), Some("jürgen")] {
            for password in [None, Some(&b""[..]), Some(b"\xFF\0secret")] {
                for client_id in [None, Some("c")] {
                    for clean in [true, false] {
                        all.push(Given {
                            client_id,
                            clean,
                            will,
                            username,
                            password,
                        });
                    }
                }
            }
        }
    }
    all
}

#[test]
fn connect_carries_the_fields_its_flags_announce_and_no_others() {
    for given in mixtures() {
        let packet = connect_of(&given);
        // `read` goes by the flags, and finds no byte too few or too many.
        let fields = ConnectFields::read(&packet);
        assert!(fields.is_some(), "{given:?}: {packet:02x?}");
        let fields = fields.unwrap();
        let (flags, text) = (fields.flags, format!("{given:?}: {fields:?}"));
        let named = fields.name == b"MQTT" && fields.level == 5;
        proves!(V5, "MQTT-3.1.2-1", named, "{text}");
        assert_eq!(flags & 1, 0, "the reserved flag");
        assert_eq!(flags & 2 != 0, given.clean);

        let will = fields.will.as_ref();
        if let Some((qos, retain)) = given.will {
            let whole = will.is_some_and(|will| {
                will.properties == encode(&will_props())[1..]
                    && will.topic == "gone/ü".as_bytes()
                    && will.payload == b"bye"
            });
            proves!(V5, "MQTT-3.1.2-9", flags & 4 != 0 && whole, "{text}");
            let allowed = fields.will_qos() == qos && fields.will_qos() < 3;
            proves!(V5, "MQTT-3.1.2-12", allowed, "{text}");
            assert_eq!(fields.will_retain(), retain);
            let topic = will.map(|will| std::str::from_utf8(&will.topic));
            proves!(V5, "MQTT-3.1.3-11", topic == Some(Ok("gone/ü")), "{text}");
        } else {
            assert!(flags & 4 == 0 && will.is_none(), "{text}");
            proves!(V5, "MQTT-3.1.2-11", fields.will_qos() == 0, "{text}");
            proves!(V5, "MQTT-3.1.2-13", !fields.will_retain(), "{text}");
        }

        let username = fields.username.as_deref();
        if let Some(name) = given.username {
            let whole = flags & 0x80 != 0 && username == Some(name.as_bytes());
            proves!(V5, "MQTT-3.1.2-17", whole, "{text}");
            let utf8 = username.map(std::str::from_utf8);
            proves!(V5, "MQTT-3.1.3-12", utf8 == Some(Ok(name)), "{text}");
        } else {
            let none = flags & 0x80 == 0 && username.is_none();
            proves!(V5, "MQTT-3.1.2-16", none, "{text}");
        }
        let password = fields.password.as_deref();
        if given.password.is_some() {
            // In MQTT 5 with or without a user name.
            let whole = flags & 0x40 != 0 && password == given.password;
            proves!(V5, "MQTT-3.1.2-19", whole, "{text}");
        } else {
            let none = flags & 0x40 == 0 && password.is_none();
            proves!(V5, "MQTT-3.1.2-18", none, "{text}");
        }

        let id = given.client_id.unwrap_or_default().as_bytes();
        proves!(V5, "MQTT-3.1.3-3", fields.client_id == id, "{text}");
    }
}

#[test]
fn connect_is_these_bytes_in_this_order() {
    let packet = connect_of(&Given {
        client_id: Some("id"),
        clean: true,
        will: Some((1, true)),
        username: Some("me"),
        password: Some(b"pw"),
    });
    // Name, level, flags, keep alive, properties; then client identifier, will properties,
    // will topic, will payload, user name and password.
    let wanted = [
        &b"\x10\x39\0\x04MQTT\x05\xEE\0\x1E\x03\x21\0\x14\0\x02id"[..],
        b"\x10\x18\0\0\0\x05\x03\0\x01t\x26\0\x01a\0\x01b",
        b"\0\x07gone/\xC3\xBC\0\x03bye\0\x02me\0\x02pw",
    ]
    .concat();
    proves!(V5, "MQTT-3.1.3-1", packet == wanted, "{packet:02x?}");

    // The client identifier is first, also when it is empty.
    let packet = connect_of(&Given {
        client_id: None,
        username: Some("me"),
        ..NOTHING
    });
    let wanted = b"\x10\x14\0\x04MQTT\x05\x82\0\x1E\x03\x21\0\x14\0\0\0\x02me";
    proves!(V5, "MQTT-3.1.3-3", packet == wanted, "{packet:02x?}");
}

#[test]
fn a_will_has_no_qos_3() {
    let client = Client::new(V5, Some("t"), true);
    for qos in [3, -1, 4] {
        let code = raw::will(*client, b"gone", qos);
        proves!(V5, "MQTT-3.1.2-12", code == MOSQ_ERR_INVAL, "{qos}: {code}");
    }
}

#[test]
fn identifiers_names_and_will_topics_are_utf_8() {
    let client = Client::new(V5, Some("t"), true);
    for text in raw::ILL_FORMED {
        let taken = raw::takes_client_id(text);
        proves!(V5, "MQTT-3.1.3-4", !taken, "{text:02x?}");
        let code = raw::will(*client, text, 0);
        let refused = code == MOSQ_ERR_MALFORMED_UTF8;
        proves!(V5, "MQTT-3.1.3-11", refused, "{text:02x?}: {code}");
        let code = raw::username(*client, text);
        let refused = code == MOSQ_ERR_MALFORMED_UTF8;
        proves!(V5, "MQTT-3.1.3-12", refused, "{text:02x?}: {code}");
    }
    // A client identifier beyond ASCII goes out as it is.
    let given = Given {
        client_id: Some("žluťoučký kůň"),
        ..NOTHING
    };
    let fields = ConnectFields::read(&connect_of(&given)).unwrap();
    let id = std::str::from_utf8(&fields.client_id);
    proves!(V5, "MQTT-3.1.3-4", id == Ok("žluťoučký kůň"), "{id:?}");
}

#[test]
fn connect_is_the_first_packet_of_each_connection() {
    let mut bench = Bench::new(V5);
    for round in 0..3 {
        // All a program can do before it connects.
        let early = [
            bench.publish("a", b"x", 0),
            bench.subscribe("a", 0),
            bench.unsubscribe("a"),
        ];
        assert!(early.iter().all(Result::is_err), "{early:?}");
        let auth = bench.session.authenticate("m", None, Properties::EMPTY);
        assert!(auth.is_err() && bench.disconnect(ReasonCode::SUCCESS, &[]).is_err());
        bench.publish("a", b"1", 1).unwrap();
        bench.publish("a", b"2", 2).unwrap();
        bench.pass(100 * SECOND).unwrap();
        let sent = bench.sent();
        proves!(V5, "MQTT-3.1.0-1", sent.is_empty(), "{round}: {sent:02x?}");

        bench.begin().unwrap();
        let sent = bench.sent();
        let first = sent.len() == 1 && packet_type(&sent[0]) == 1;
        proves!(V5, "MQTT-3.1.0-1", first, "{round}: {sent:02x?}");
        bench.accept(round > 0, &[]);
        let sent = bench.sent();
        let others = !sent.is_empty() && sent.iter().all(|packet| packet_type(packet) != 1);
        proves!(V5, "MQTT-3.1.0-1", others, "{round}: {sent:02x?}");
        bench.lose();
    }
}

#[test]
fn every_refusal_of_a_server_closes_the_connection() {
    let codes = [
        0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
        0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
    ];
    for code in codes {
        let mut bench = Bench::new(V5);
        bench.connect();
        let outcome = bench.receive(&connack(V5, false, code, &[]));
        let closed = outcome == Err(Error::Peer(PeerError::ConnectionRefused(code)))
            && bench.session.state() == State::Closing
            && bench.sent().is_empty();
        proves!(V5, "MQTT-4.13.2-1", closed, "{code:#x}: {outcome:?}");
        if code == 0x84 {
            proves!(V5, "MQTT-3.1.2-1", closed, "{outcome:?}");
        }
        let seen = bench.seen();
        let told = matches!(
            &seen[..],
            [Seen::Event(SessionEvent::Connected { code: told, .. })] if *told == code
        );
        assert!(told, "{seen:?}");
    }
    // A client of the C API closes its socket.
    let mut w = Setup::new(V5).connecting();
    w.send(&connack(V5, false, 0x84, &[]));
    w.expect_close();
    let end = w.client.run_until_error();
    proves!(V5, "MQTT-4.13.2-1", end != MOSQ_ERR_SUCCESS, "{end}");
    proves!(V5, "MQTT-3.1.2-1", w.client.socket() == -1);
}

/// A session with something of each kind: messages 1 (QoS 1), 2 (QoS 2) and 3 (past
/// PUBREC) of ours, message 7 of the server, delivered and not released.
fn busy(setup: Options) -> Bench {
    let mut bench = Bench::open_with(V5, setup, &[]);
    assert_eq!(bench.publish("a", b"1", 1), Ok(1));
    assert_eq!(bench.publish("a", b"2", 2), Ok(2));
    assert_eq!(bench.publish("a", b"3", 2), Ok(3));
    bench.accept_input(&pubrec(3));
    bench.accept_input(&publish("s", b"7").qos(2, 7).bytes(V5));
    bench.sent();
    bench.seen();
    bench
}

/// What a client sends again when the session of [`busy`] goes on.
fn resent() -> [Vec<u8>; 3] {
    [
        publish("a", b"1").qos(1, 1).dup().bytes(V5),
        publish("a", b"2").qos(2, 2).dup().bytes(V5),
        pubrel(3),
    ]
}

/// Whether nothing of the session of [`busy`] is left: what is sent is new, and a message
/// with the identifier of one delivered before is a new one.
fn has_forgotten(bench: &mut Bench) -> bool {
    let sent = bench.sent();
    let nothing_old = sent
        .iter()
        .all(|packet| PublishFields::read(packet, true).is_some_and(|publish| !publish.dup));
    bench.accept_input(&publish("s", b"new").qos(2, 7).dup().bytes(V5));
    let seen = bench.seen();
    let delivered = seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Message(message) if message.payload == b"new"))
        .count();
    if !nothing_old || delivered != 1 {
        eprintln!("sent {sent:02x?}, seen {seen:?}");
    }
    nothing_old && delivered == 1
}

#[test]
fn clean_start_drops_the_old_session() {
    let mut bench = busy(Options::default());
    bench.lose();
    bench.setup.clean = true;
    bench.begin().unwrap();
    let sent = bench.sent();
    let fields = ConnectFields::read(&sent[0]).unwrap();
    proves!(V5, "MQTT-3.1.2-4", fields.flags & 2 != 0, "{sent:02x?}");
    bench.accept(false, &[]);
    proves!(V5, "MQTT-3.1.2-4", has_forgotten(&mut bench));
}

#[test]
fn a_client_without_a_session_closes_when_the_server_claims_one() {
    let mut bench = Bench::with(
        V5,
        Options {
            clean: true,
            ..Options::default()
        },
    );
    bench.connect();
    let refused = refuses(&mut bench, &connack(V5, true, 0, &[]), PROTOCOL);
    proves!(V5, "MQTT-3.2.2-4", refused);
    bench.expect_seen(&[]);

    let wire = Setup::new(V5).connecting();
    let (mut wire, packet) = (wire, connack(V5, true, 0, &[]));
    wire.send(&packet);
    let goodbye = wire.take_packet();
    wire.expect_close();
    proves!(
        V5,
        "MQTT-3.2.2-4",
        goodbye == disconnect_reason(PROTOCOL),
        "{goodbye:02x?}"
    );
}

#[test]
fn a_session_the_server_has_lost_is_dropped() {
    let mut bench = busy(Options::default());
    bench.lose();
    bench.reconnect(false, &[]);
    proves!(V5, "MQTT-3.2.2-5", has_forgotten(&mut bench));

    // While one that it kept goes on.
    let mut bench = busy(Options::default());
    bench.lose();
    bench.reconnect(true, &[]);
    let sent = bench.sent();
    proves!(V5, "MQTT-3.2.2-5", sent == resent(), "{sent:02x?}");
}

#[test]
fn a_session_with_an_expiry_interval_outlives_its_connection() {
    for goodbye in [false, true] {
        for interval in [1000, u32::MAX] {
            let mut bench = busy(Options {
                props: vec![Prop::U32(SESSION_EXPIRY_INTERVAL, interval)],
                ..Options::default()
            });
            if goodbye {
                bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
                bench.sent();
                bench.session.handle_closed(None);
                bench.seen();
            } else {
                bench.lose();
            }
            bench.pass(999 * SECOND).unwrap();
            bench.reconnect(true, &[]);
            let sent = bench.sent();
            proves!(V5, "MQTT-3.1.2-23", sent == resent(), "{sent:02x?}");
            // The server's message is known, too.
            bench.accept_input(&publish("s", b"7").qos(2, 7).dup().bytes(V5));
            let (seen, sent) = (bench.seen(), bench.sent());
            let known = seen.is_empty() && sent == [pubrec(7)];
            proves!(V5, "MQTT-3.1.2-23", known, "{seen:?}, {sent:02x?}");
        }
    }
}

#[test]
fn the_session_is_kept_while_the_connection_is_open() {
    // Longer than the session would outlive its connection.
    let mut bench = busy(Options {
        props: vec![Prop::U32(SESSION_EXPIRY_INTERVAL, 10)],
        ..Options::default()
    });
    for _ in 0..100 {
        bench.pass(60 * SECOND).unwrap();
        bench.expect(&[PINGREQ.to_vec()]);
        bench.accept_input(&PINGRESP);
    }
    bench.accept_input(&publish("s", b"7").qos(2, 7).dup().bytes(V5));
    let (seen, sent) = (bench.seen(), bench.sent());
    let known = seen.is_empty() && sent == [pubrec(7)];
    proves!(V5, "MQTT-4.1.0-1", known, "{seen:?}, {sent:02x?}");
    bench.accept_input(&puback(1));
    bench.accept_input(&pubrec(2));
    bench.accept_input(&pubcomp(2));
    bench.accept_input(&pubcomp(3));
    let (seen, sent) = (bench.seen(), bench.sent());
    let ended = [1, 2, 3].map(|mid| published(mid, ReasonCode::SUCCESS));
    proves!(V5, "MQTT-4.1.0-1", seen == ended, "{seen:?}");
    proves!(V5, "MQTT-4.1.0-1", sent == [pubrel(2)], "{sent:02x?}");
}

#[test]
fn the_session_is_that_of_the_client_identifier() {
    // Each connection of a session names the same client.
    let mut bench = busy(Options::default());
    for _ in 0..3 {
        bench.lose();
        bench.begin().unwrap();
        let sent = bench.sent();
        let fields = ConnectFields::read(&sent[0]).unwrap();
        proves!(V5, "MQTT-3.1.3-2", fields.client_id == b"t", "{fields:?}");
        bench.accept(true, &[]);
        let sent = bench.sent();
        proves!(V5, "MQTT-3.1.3-2", sent == resent(), "{sent:02x?}");
    }
    // A client that left its name to the server goes on under the name it got.
    let mut bench = Bench::new(V5);
    bench.session = Session::new(None, bench.now);
    bench.begin().unwrap();
    let sent = bench.sent();
    let fields = ConnectFields::read(&sent[0]).unwrap();
    assert!(fields.client_id.is_empty());
    bench.accept(false, &[prop::text(ASSIGNED_CLIENT_IDENTIFIER, "srv-1")]);
    bench.publish("a", b"1", 1).unwrap();
    bench.sent();
    bench.lose();
    bench.begin().unwrap();
    let sent = bench.sent();
    let fields = ConnectFields::read(&sent[0]).unwrap();
    let named = fields.client_id == b"srv-1";
    proves!(V5, "MQTT-3.1.3-2", named, "{fields:?}");
    bench.accept(true, &[]);
    bench.expect(&[publish("a", b"1").qos(1, 1).dup().bytes(V5)]);
}

#[test]
fn an_idle_client_sends_pingreq_within_each_keep_alive() {
    for seconds in [1u16, 2, 60, 65_535] {
        let mut bench = Bench::open_with(
            V5,
            Options {
                keep_alive: seconds,
                ..Options::default()
            },
            &[],
        );
        let interval = Duration::from_secs(seconds.into());
        for _ in 0..5 {
            bench.pass(interval - SECOND / 1000).unwrap();
            bench.expect(&[]);
            bench.pass(SECOND / 1000).unwrap();
            let sent = bench.sent();
            proves!(V5, "MQTT-3.1.2-20", sent == [PINGREQ], "{sent:02x?}");
            bench.accept_input(&PINGRESP);
        }
        // A server that only talks hears from its client all the same.
        for _ in 0..6 {
            bench.pass(interval / 2).unwrap();
            bench.accept_input(&publish("a", b"x").bytes(V5));
        }
        let sent = bench.sent();
        let pings = sent == [PINGREQ; 3] || sent == [PINGREQ; 2];
        proves!(V5, "MQTT-3.1.2-20", pings, "{seconds} s: {sent:02x?}");
    }
    // With 0 there is nothing to keep alive.
    let mut bench = Bench::open_with(
        V5,
        Options {
            keep_alive: 0,
            ..Options::default()
        },
        &[],
    );
    bench.pass(1_000_000 * SECOND).unwrap();
    bench.expect(&[]);
}

#[test]
fn the_servers_keep_alive_replaces_that_of_the_client() {
    for (own, servers) in [(60u16, 10u16), (10, 60), (0, 5), (65_535, 1)] {
        let mut bench = Bench::open_with(
            V5,
            Options {
                keep_alive: own,
                ..Options::default()
            },
            &[Prop::U16(SERVER_KEEP_ALIVE, servers)],
        );
        let interval = Duration::from_secs(servers.into());
        for _ in 0..3 {
            bench.pass(interval - SECOND / 1000).unwrap();
            let early = bench.sent();
            bench.pass(SECOND / 1000).unwrap();
            let sent = bench.sent();
            let adopted = early.is_empty() && sent == [PINGREQ];
            proves!(
                V5,
                "MQTT-3.1.2-21",
                adopted,
                "{own}, {servers}: {sent:02x?}"
            );
            proves!(
                V5,
                "MQTT-3.2.2-21",
                adopted,
                "{own}, {servers}: {sent:02x?}"
            );
            bench.accept_input(&PINGRESP);
        }
    }
    let mut bench = Bench::open_with(V5, Options::default(), &[Prop::U16(SERVER_KEEP_ALIVE, 0)]);
    bench.pass(1_000_000 * SECOND).unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-3.1.2-21", sent.is_empty(), "{sent:02x?}");
    proves!(V5, "MQTT-3.2.2-21", sent.is_empty(), "{sent:02x?}");
    // The next connection asks for its own again.
    bench.lose();
    bench.reconnect(true, &[]);
    bench.pass(60 * SECOND).unwrap();
    bench.expect(&[PINGREQ.to_vec()]);
}

#[test]
fn while_connects_authentication_goes_on_only_auth_and_disconnect_are_sent() {
    let method = prop::text(AUTHENTICATION_METHOD, "m");
    let begin = || {
        let mut bench = Bench::with(
            V5,
            Options {
                props: vec![method.clone()],
                ..Options::default()
            },
        );
        bench.publish("a", b"waiting", 2).unwrap();
        bench.connect();
        bench
    };
    let mut bench = begin();
    for _ in 0..3 {
        let calls = [
            bench.publish("a", b"x", 0),
            bench.subscribe("a", 0),
            bench.unsubscribe("a"),
        ];
        assert!(calls.iter().all(Result::is_err), "{calls:?}");
        bench.publish("a", b"waiting", 1).unwrap();
        bench.pass(59 * SECOND).unwrap();
        let sent = bench.sent();
        proves!(V5, "MQTT-3.1.2-30", sent.is_empty(), "{sent:02x?}");

        bench.accept_input(&auth(0x18, std::slice::from_ref(&method)));
        bench.seen();
        let data = Some(&b"d"[..]);
        let outcome = bench.session.authenticate("m", data, Properties::EMPTY);
        outcome.unwrap();
        let sent = bench.sent();
        let only_auth = sent.len() == 1 && packet_type(&sent[0]) == 15;
        proves!(V5, "MQTT-3.1.2-30", only_auth, "{sent:02x?}");
    }
    bench.accept(false, std::slice::from_ref(&method));
    let types: Vec<_> = bench.sent().iter().map(|p| packet_type(p)).collect();
    proves!(V5, "MQTT-3.1.2-30", types == [3; 4], "{types:?}");

    let mut bench = begin();
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    let sent = bench.sent();
    proves!(V5, "MQTT-3.1.2-30", sent == [DISCONNECT], "{sent:02x?}");
}
