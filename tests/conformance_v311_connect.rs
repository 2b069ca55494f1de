//! MQTT 3.1.1: how a connection begins and ends, and keep alive (sections 3.1, 3.14, 4.1).

mod conformance_support;
mod session_support;
mod support;

use std::time::Duration;

use conformance_support::read::{packet_type, ConnectFields};
use conformance_support::*;
use mqttrs::codec::Will;
use mqttrs::session::{ConnectRequest, Session, TransmitBuf};
use mqttrs::types::{ProtocolVersion, QoS, ReasonCode};
use session_support::*;
use support::*;
use Version::V311;

const SECOND: Duration = Duration::from_secs(1);

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

/// The CONNECT that comes of it, `None` if the session takes no such request.
fn connect_of(given: &Given) -> Option<Vec<u8>> {
    let bench = Bench::new(V311);
    let mut session = Session::new(given.client_id.map(str::to_owned), bench.now);
    let properties = buf(&[]);
    let request = ConnectRequest {
        version: ProtocolVersion::V311,
        clean_start: given.clean,
        keep_alive: 30,
        properties: &properties,
        will: given.will.map(|(qos, retain)| Will {
            topic: "gone/ü",
            payload: b"bye",
            qos: QoS::new(qos).unwrap(),
            retain,
            properties: properties.as_properties(),
        }),
        username: given.username,
        password: given.password,
        receive_maximum: 20,
    };
    session.connect(&request, bench.now).ok()?;
    let mut out = TransmitBuf::default();
    session.poll_transmit(&mut out);
    Some(out.to_vec())
}

/// Every mixture of fields.
fn mixtures() -> Vec<Given> {
    let mut all = Vec::new();
    let wills = (0..3).flat_map(|qos| [Some((qos, false)), Some((qos, true))]);
    for will in wills.chain([None]) {
        for username in [None, Some(""), Some("jürgen")] {
            for password in [None, Some(&b""[..]), Some(b"\xFF\0secret")] {
                for (client_id, clean) in [(None, true), (Some("c"), true), (Some("c"), false)] {
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
    all
}

#[test]
fn connect_carries_the_fields_its_flags_announce_and_no_others() {
    let mut sent = 0;
    for given in mixtures() {
        let Some(packet) = connect_of(&given) else {
            let nameless = given.username.is_none() && given.password.is_some();
            assert!(nameless, "{given:?} was refused");
            continue;
        };
        sent += 1;
        // `read` goes by the flags, and finds no byte too few or too many.
        let fields = ConnectFields::read(&packet);
        assert!(fields.is_some(), "{given:?}: {packet:02x?}");
        let fields = fields.unwrap();
        let (flags, text) = (fields.flags, format!("{given:?}: {fields:?}"));

        let will = fields
            .will
            .as_ref()
            .map(|will| (&will.topic[..], &will.payload[..]));
        if let Some((qos, retain)) = given.will {
            let whole = will == Some(("gone/ü".as_bytes(), b"bye"));
            proves!(V311, "MQTT-3.1.2-9", flags & 4 != 0 && whole, "{text}");
            let qos_is_right = fields.will_qos() == qos && fields.will_qos() != 3;
            proves!(V311, "MQTT-3.1.2-14", qos_is_right, "{text}");
            assert_eq!(fields.will_retain(), retain);
            let topic = std::str::from_utf8(&fields.will.as_ref().unwrap().topic);
            proves!(V311, "MQTT-3.1.3-10", topic == Ok("gone/ü"), "{text}");
        } else {
            let nothing = flags & 0x3C == 0 && will.is_none();
            proves!(V311, "MQTT-3.1.2-11", nothing, "{text}");
            proves!(V311, "MQTT-3.1.2-13", fields.will_qos() == 0, "{text}");
            proves!(V311, "MQTT-3.1.2-15", !fields.will_retain(), "{text}");
        }

        let username = fields.username.as_deref();
        if let Some(name) = given.username {
            let whole = flags & 0x80 != 0 && username == Some(name.as_bytes());
            proves!(V311, "MQTT-3.1.2-19", whole, "{text}");
            let utf8 = username.map(std::str::from_utf8);
            proves!(V311, "MQTT-3.1.3-11", utf8 == Some(Ok(name)), "{text}");
        } else {
            let none = flags & 0x80 == 0 && username.is_none();
            proves!(V311, "MQTT-3.1.2-18", none, "{text}");
            proves!(V311, "MQTT-3.1.2-22", flags & 0x40 == 0, "{text}");
        }
        if let Some(password) = given.password {
            let whole = flags & 0x40 != 0 && fields.password.as_deref() == Some(password);
            proves!(V311, "MQTT-3.1.2-21", whole, "{text}");
        } else {
            let none = flags & 0x40 == 0 && fields.password.is_none();
            proves!(V311, "MQTT-3.1.2-20", none, "{text}");
        }

        let id = given.client_id.unwrap_or_default();
        proves!(
            V311,
            "MQTT-3.1.3-3",
            fields.client_id == id.as_bytes(),
            "{text}"
        );
        assert_eq!(flags & 1, 0, "the reserved flag");
        assert_eq!(flags & 2 != 0, given.clean);
    }
    assert_eq!(sent, 7 * 3 * (9 - 2));
}

#[test]
fn connect_is_these_bytes_in_this_order() {
    let given = Given {
        client_id: Some("id"),
        clean: true,
        will: Some((1, true)),
        username: Some("me"),
        password: Some(b"pw"),
    };
    let packet = connect_of(&given).unwrap();
    // Name, level, flags, keep alive; then client identifier, will topic, will message,
    // user name and password.
    let wanted =
        b"\x10\x24\0\x04MQTT\x04\xEE\0\x1E\0\x02id\0\x07gone/\xC3\xBC\0\x03bye\0\x02me\0\x02pw";
    proves!(V311, "MQTT-3.1.3-1", packet == wanted, "{packet:02x?}");
}

#[test]
fn a_password_needs_a_user_name() {
    let given = Given {
        client_id: Some("c"),
        clean: true,
        will: None,
        username: None,
        password: Some(b"secret"),
    };
    proves!(V311, "MQTT-3.1.2-22", connect_of(&given).is_none());

    let client = Client::new(V311, Some("t"), true);
    let outcome = client.username_password(None, Some("secret"));
    proves!(
        V311,
        "MQTT-3.1.2-22",
        outcome == Err(MOSQ_ERR_INVAL),
        "{outcome:?}"
    );
}

#[test]
fn a_will_has_no_qos_3() {
    let client = Client::new(V311, Some("t"), true);
    for qos in [3, -1, 4] {
        let code = raw::will(*client, b"gone", qos);
        proves!(
            V311,
            "MQTT-3.1.2-14",
            code == MOSQ_ERR_INVAL,
            "{qos}: {code}"
        );
    }
}

#[test]
fn identifiers_names_and_will_topics_are_utf_8() {
    let client = Client::new(V311, Some("t"), true);
    for text in raw::ILL_FORMED {
        proves!(
            V311,
            "MQTT-3.1.3-4",
            !raw::takes_client_id(text),
            "{text:02x?}"
        );
        let code = raw::will(*client, text, 0);
        proves!(
            V311,
            "MQTT-3.1.3-10",
            code == MOSQ_ERR_MALFORMED_UTF8,
            "{text:02x?}: {code}"
        );
        let code = raw::username(*client, text);
        proves!(
            V311,
            "MQTT-3.1.3-11",
            code == MOSQ_ERR_MALFORMED_UTF8,
            "{text:02x?}: {code}"
        );
    }
    // A client identifier beyond ASCII goes out as it is.
    let given = Given {
        client_id: Some("žluťoučký kůň"),
        clean: false,
        will: None,
        username: None,
        password: None,
    };
    let fields = ConnectFields::read(&connect_of(&given).unwrap()).unwrap();
    let id = std::str::from_utf8(&fields.client_id);
    proves!(V311, "MQTT-3.1.3-4", id == Ok("žluťoučký kůň"), "{id:?}");
}

#[test]
fn an_empty_client_identifier_comes_with_clean_session_only() {
    let mut given = Given {
        client_id: None,
        clean: true,
        will: None,
        username: None,
        password: None,
    };
    let packet = connect_of(&given).unwrap();
    let fields = ConnectFields::read(&packet).unwrap();
    let clean = fields.client_id.is_empty() && fields.flags & 2 != 0;
    proves!(V311, "MQTT-3.1.3-7", clean, "{packet:02x?}");
    proves!(
        V311,
        "MQTT-3.1.3-3",
        packet[12..] == [0, 0],
        "{packet:02x?}"
    );

    for id in [None, Some("")] {
        given.client_id = id;
        given.clean = false;
        let packet = connect_of(&given);
        proves!(
            V311,
            "MQTT-3.1.3-7",
            packet.is_none(),
            "{id:?}: {packet:02x?}"
        );
    }
    proves!(V311, "MQTT-3.1.3-7", !raw::takes_no_client_id(false));
    assert!(raw::takes_no_client_id(true));
}

#[test]
fn connect_is_the_first_packet_of_each_connection() {
    let mut bench = Bench::new(V311);
    for round in 0..3 {
        // All a program can do before it connects.
        let early = [
            bench.publish("a", b"x", 0),
            bench.subscribe("a", 0),
            bench.unsubscribe("a"),
        ];
        assert!(early.iter().all(Result::is_err), "{early:?}");
        bench.publish("a", b"1", 1).unwrap();
        bench.publish("a", b"2", 2).unwrap();
        bench.pass(100 * SECOND).unwrap();
        let sent = bench.sent();
        proves!(
            V311,
            "MQTT-3.1.0-1",
            sent.is_empty(),
            "round {round}: {sent:02x?}"
        );

        bench.begin().unwrap();
        let sent = bench.sent();
        proves!(
            V311,
            "MQTT-3.1.0-1",
            sent.len() == 1 && packet_type(&sent[0]) == 1,
            "round {round}: {sent:02x?}"
        );
        bench.accept(round > 0, &[]);
        let sent = bench.sent();
        proves!(
            V311,
            "MQTT-3.1.0-1",
            !sent.is_empty() && sent.iter().all(|packet| packet_type(packet) != 1),
            "round {round}: {sent:02x?}"
        );
        bench.lose();
    }
}

#[test]
fn connect_is_what_a_server_reads_first() {
    // Over a real connection, with a message that has waited for it.
    let mut client = Client::new(V311, Some("t"), false);
    client.publish("a", b"1", 1).unwrap();
    let broker = Broker::start();
    client.connect(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    let first = peer.take_packet_while(|_| client.step(SECOND / 1000));
    let wanted = connect(V311, "t").clean(false).bytes();
    proves!(V311, "MQTT-3.1.0-1", first == wanted, "{first:02x?}");
    peer.send(&connack(V311, false, 0, &[]));
    let second = peer.take_packet_while(|_| client.step(SECOND / 1000));
    let wanted = publish("a", b"1").qos(1, 1).bytes(V311);
    proves!(V311, "MQTT-3.1.0-1", second == wanted, "{second:02x?}");
}

#[test]
fn a_kept_session_is_resumed() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.publish("a", b"3", 2).unwrap();
    bench.accept_input(&pubrec(3));
    bench.accept_input(&publish("b", b"x").qos(2, 9).bytes(V311));
    bench.lose();
    bench.sent();
    bench.seen();
    bench.pass(1_000_000 * SECOND).unwrap();

    bench.begin().unwrap();
    let sent = bench.sent();
    let asks = ConnectFields::read(&sent[0]).unwrap().flags & 2 == 0;
    proves!(V311, "MQTT-3.1.2-4", asks, "{sent:02x?}");
    bench.accept(true, &[]);
    let sent = bench.sent();
    let rest = [
        publish("a", b"1").qos(1, 1).dup().bytes(V311),
        publish("a", b"2").qos(2, 2).dup().bytes(V311),
        pubrel(3),
    ];
    proves!(V311, "MQTT-3.1.2-4", sent == rest, "{sent:02x?}");
    proves!(V311, "MQTT-4.1.0-1", sent == rest, "{sent:02x?}");
    // And what was received before is still known.
    bench.accept_input(&publish("b", b"x").qos(2, 9).dup().bytes(V311));
    let seen = bench.seen();
    proves!(V311, "MQTT-3.1.2-4", seen.is_empty(), "{seen:?}");
    proves!(V311, "MQTT-4.1.0-1", seen.is_empty(), "{seen:?}");
}

#[test]
fn a_session_is_begun_where_there_was_none() {
    let mut bench = Bench::new(V311);
    bench.connect();
    bench.accept(false, &[]);
    bench.publish("a", b"1", 2).unwrap();
    bench.sent();
    bench.lose();
    bench.reconnect(true, &[]);
    let sent = bench.sent();
    let again = [publish("a", b"1").qos(2, 1).dup().bytes(V311)];
    proves!(V311, "MQTT-3.1.2-4", sent == again, "{sent:02x?}");
}

#[test]
fn a_clean_session_knows_nothing_of_the_one_before() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.publish("a", b"3", 2).unwrap();
    bench.accept_input(&pubrec(3));
    bench.accept_input(&publish("b", b"x").qos(2, 9).bytes(V311));
    bench.lose();
    bench.sent();
    bench.seen();

    bench.setup.clean = true;
    bench.connect();
    bench.accept(false, &[]);
    // Messages that never arrived are not lost, but they are new ones in this session:
    // no DUP, no PUBREL.
    let sent = bench.sent();
    let anew = [
        publish("a", b"1").qos(1, 1).bytes(V311),
        publish("a", b"2").qos(2, 2).bytes(V311),
    ];
    proves!(V311, "MQTT-3.1.2-6", sent == anew, "{sent:02x?}");
    bench.seen();
    // The server's identifier 9 is free again.
    bench.accept_input(&publish("b", b"y").qos(2, 9).bytes(V311));
    let seen = bench.seen();
    proves!(
        V311,
        "MQTT-3.1.2-6",
        seen == [received("b", b"y", 2, 9)],
        "{seen:?}"
    );

    // It lasts as long as the connection: the next one knows nothing of it.
    bench.lose();
    bench.sent();
    bench.connect();
    bench.accept(false, &[]);
    let sent = bench.sent();
    proves!(V311, "MQTT-3.1.2-6", sent == anew, "{sent:02x?}");
    bench.accept_input(&publish("b", b"z").qos(2, 9).bytes(V311));
    let seen = bench.seen();
    proves!(
        V311,
        "MQTT-3.1.2-6",
        seen == [received("b", b"z", 2, 9)],
        "{seen:?}"
    );
}

#[test]
fn a_session_present_that_a_clean_session_did_not_ask_for_closes_the_connection() {
    let setup = Options {
        clean: true,
        ..Options::default()
    };
    let mut bench = Bench::with(V311, setup);
    bench.connect();
    let refused = refuses(&mut bench, &connack(V311, true, 0, &[]), 0);
    proves!(V311, "MQTT-3.1.2-6", refused);
}

#[test]
fn a_session_lives_as_long_as_its_connection() {
    for clean in [false, true] {
        let setup = Options {
            clean,
            ..Options::default()
        };
        let mut bench = Bench::open_with(V311, setup, &[]);
        bench.publish("a", b"1", 1).unwrap();
        bench.publish("a", b"2", 2).unwrap();
        bench.accept_input(&pubrec(2));
        bench.subscribe("s", 0).unwrap();
        bench.accept_input(&publish("b", b"x").qos(2, 9).bytes(V311));
        bench.sent();
        bench.seen();
        // A week with nothing but pings.
        for _ in 0..7 * 24 * 60 {
            bench.pass(60 * SECOND).unwrap();
            bench.expect(&[PINGREQ.to_vec()]);
            bench.accept_input(&PINGRESP);
        }
        bench.accept_input(&publish("b", b"x").qos(2, 9).dup().bytes(V311));
        let seen = bench.seen();
        proves!(V311, "MQTT-4.1.0-2", seen.is_empty(), "{seen:?}");
        bench.expect(&[pubrec(9)]);
        bench.accept_input(&puback(1));
        bench.accept_input(&pubcomp(2));
        bench.accept_input(&suback(V311, 3, &[], &[0]));
        let seen = bench.seen();
        let ended = [
            published(1, ReasonCode::SUCCESS),
            published(2, ReasonCode::SUCCESS),
        ];
        proves!(
            V311,
            "MQTT-4.1.0-2",
            seen.len() == 3 && seen[..2] == ended,
            "{seen:?}"
        );
    }
}

#[test]
fn the_state_of_a_session_outlives_any_number_of_connections() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.publish("a", b"2", 2).unwrap();
    bench.accept_input(&pubrec(2));
    bench.accept_input(&publish("b", b"x").qos(2, 9).bytes(V311));
    bench.sent();
    bench.seen();
    for round in 0..20 {
        bench.lose();
        bench.pass(Duration::from_secs(86_400)).unwrap();
        bench.reconnect(true, &[]);
        let sent = bench.sent();
        let rest = [publish("a", b"1").qos(1, 1).dup().bytes(V311), pubrel(2)];
        proves!(
            V311,
            "MQTT-4.1.0-1",
            sent == rest,
            "round {round}: {sent:02x?}"
        );
        bench.accept_input(&publish("b", b"x").qos(2, 9).dup().bytes(V311));
        let seen = bench.seen();
        proves!(
            V311,
            "MQTT-4.1.0-1",
            seen.is_empty(),
            "round {round}: {seen:?}"
        );
        bench.expect(&[pubrec(9)]);
    }
}

#[test]
fn the_state_of_a_session_belongs_to_its_client_identifier() {
    let mut w = Setup::new(V311).clean(false).open();
    w.client.publish("a", b"1", 1).unwrap();
    w.expect(&publish("a", b"1").qos(1, 1).bytes(V311));
    w.lose();
    // The same identifier, and its message.
    w.reconnect();
    w.accept_session(true, &[]);
    let sent = w.take_packet();
    let again = publish("a", b"1").qos(1, 1).dup().bytes(V311);
    proves!(V311, "MQTT-3.1.3-2", sent == again, "{sent:02x?}");
    w.lose();

    // Another identifier: another session, in which nothing waits.
    let code = raw::reinitialise(*w.client, "other");
    assert_eq!(code, MOSQ_ERR_SUCCESS);
    w.client.last = MOSQ_ERR_SUCCESS;
    w.client.connect(w.broker.port(), 60).unwrap();
    w.peer = w.broker.accept();
    let packet = w.take_packet();
    let id = ConnectFields::read(&packet).unwrap().client_id;
    proves!(V311, "MQTT-3.1.3-2", id == b"other", "{packet:02x?}");
    w.send(&connack(V311, true, 0, &[]));
    // The next packet answers this, so nothing was sent before it.
    w.send(&publish("b", b"?").qos(1, 77).bytes(V311));
    let sent = w.take_packet();
    proves!(V311, "MQTT-3.1.3-2", sent == puback(77), "{sent:02x?}");
}

#[test]
fn an_idle_client_pings_within_the_keep_alive() {
    for seconds in [1, 2, 60, 65535] {
        let setup = Options {
            keep_alive: seconds,
            ..Options::default()
        };
        let mut bench = Bench::open_with(V311, setup, &[]);
        let interval = u32::from(seconds) * SECOND;
        for _ in 0..5 {
            bench.pass(interval).unwrap();
            let sent = bench.sent();
            proves!(
                V311,
                "MQTT-3.1.2-23",
                sent == [PINGREQ],
                "{seconds} s: {sent:02x?}"
            );
            bench.accept_input(&PINGRESP);
        }
    }
}

#[test]
fn no_gap_between_packets_is_longer_than_the_keep_alive() {
    const KEEP_ALIVE: Duration = Duration::from_secs(10);
    let tick = SECOND / 4;
    // Who talks how often, in ticks: the client, the server; and whether the server
    // answers PINGREQ, or goes on sending without.
    for own in [1, 7, 39, 40, 41, 1000] {
        for server in [1, 7, 39, 1000] {
            for answers in [true, false] {
                if !answers && server == 1000 {
                    continue; // then it is given up as dead
                }
                let setup = Options {
                    keep_alive: 10,
                    ..Options::default()
                };
                let mut bench = Bench::open_with(V311, setup, &[]);
                let mut last = bench.now;
                for at in 1..2000 {
                    if at % own == 0 {
                        bench.publish("a", b"x", 0).unwrap();
                    }
                    if at % server == 0 {
                        bench.accept_input(&publish("b", b"y").bytes(V311));
                    }
                    bench.pass(tick).unwrap();
                    let sent = bench.sent();
                    if !sent.is_empty() {
                        last = bench.now;
                    }
                    if answers && sent.contains(&PINGREQ.to_vec()) {
                        bench.accept_input(&PINGRESP);
                    }
                    let gap = bench.now - last;
                    proves!(
                        V311,
                        "MQTT-3.1.2-23",
                        gap < KEEP_ALIVE,
                        "{gap:?} with own {own}, server {server}, answers {answers}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_client_closes_after_disconnect() {
    let mut w = Wire::open(V311);
    w.client.disconnect().unwrap();
    let last = w.take_packet();
    assert_eq!(last, DISCONNECT);
    // Fails unless the end of the stream comes, and before another byte.
    w.expect_close();
    let open = w.client.socket() != -1;
    proves!(V311, "MQTT-3.14.4-1", !open);
    proves!(V311, "MQTT-3.14.4-2", !w.peer.has_bytes());
}

#[test]
fn nothing_is_sent_behind_disconnect() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 1).unwrap();
    bench.sent();
    bench.disconnect(ReasonCode::SUCCESS, &[]).unwrap();
    bench.expect(&[DISCONNECT.to_vec()]);

    // Neither for the program,
    let calls = [
        bench.publish("a", b"0", 0),
        bench.subscribe("a", 0),
        bench.unsubscribe("a"),
        bench.disconnect(ReasonCode::SUCCESS, &[]).map(|()| 0),
    ];
    assert!(calls.iter().all(Result::is_err), "{calls:?}");
    bench.publish("a", b"1", 1).unwrap();
    // nor in answer to the server,
    for packet in [
        publish("a", b"x").qos(1, 5).bytes(V311),
        publish("a", b"x").qos(2, 6).bytes(V311),
        pubrel(6),
        puback(1),
        vec![0x00, 0x00],
    ] {
        bench.accept_input(&packet);
    }
    // nor by a timer; the one there is ends a connection that nobody closes.
    bench.pass(1000 * SECOND).unwrap_err();
    let sent = bench.sent();
    proves!(V311, "MQTT-3.14.4-2", sent.is_empty(), "{sent:02x?}");
    bench.session.handle_closed(None);
    let sent = bench.sent();
    proves!(V311, "MQTT-3.14.4-2", sent.is_empty(), "{sent:02x?}");
}
