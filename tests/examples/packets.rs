//! The broker packet by packet, where Mosquitto's tools cannot show what it does.

use super::demo_broker::DemoBroker;
use mqttrs::codec::{
    Ack, AckKind, Connect, Frame, Packet, Properties, PropertyBuf, PropertyId, Publish, Subscribe,
    SubscriptionOptions, Value, Will,
};
use mqttrs::types::{PacketId, ProtocolVersion, QoS, ReasonCode};
use std::io::{Read, Write};
use std::net::TcpStream;

const V5: ProtocolVersion = ProtocolVersion::V5;

/// A client made of packets.
struct Peer {
    stream: TcpStream,
    bytes: Vec<u8>,
    version: ProtocolVersion,
}

impl Peer {
    fn new(broker: &DemoBroker, version: ProtocolVersion) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", broker.port)).unwrap();
        Peer {
            stream,
            bytes: Vec::new(),
            version,
        }
    }

    /// Connects with MQTT 5 and says whether a session was present.
    fn connect(broker: &DemoBroker, connect: Connect<'_>) -> (Self, bool) {
        let mut peer = Peer::new(broker, connect.version);
        peer.send(&Packet::Connect(connect));
        let present = peer.expect(|packet| match packet {
            Packet::Connack(connack) => {
                assert_eq!(connack.code, 0);
                connack.session_present
            }
            other => panic!("not CONNACK: {other:?}"),
        });
        (peer, present)
    }

    fn send(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes, self.version);
        self.stream.write_all(&bytes).unwrap();
    }

    /// Subscribes to one filter and waits for SUBACK.
    fn subscribe(&mut self, filter: &str, options: u8, properties: Properties<'_>) {
        let options = SubscriptionOptions::new(options).unwrap();
        let filters = vec![(filter, options)];
        self.send(&Packet::Subscribe(Subscribe {
            packet_id: id(100),
            properties,
            filters,
        }));
        self.expect(|packet| assert!(matches!(packet, Packet::Suback(_)), "{packet:?}"));
    }

    fn acknowledge(&mut self, kind: AckKind, number: u16) {
        self.send(&Packet::Ack(Ack::new(
            kind,
            id(number),
            ReasonCode::SUCCESS,
        )));
    }

    fn expect_ack(&mut self, kind: AckKind, number: u16) {
        self.expect(|packet| match packet {
            Packet::Ack(ack) => assert_eq!((ack.kind, ack.packet_id), (kind, id(number))),
            other => panic!("not {}: {other:?}", kind.name()),
        });
    }

    /// The payload, packet identifier and DUP of the next packet, a PUBLISH.
    fn expect_publish(&mut self) -> (String, u16, bool) {
        self.expect(|packet| match packet {
            Packet::Publish(publish) => (
                String::from_utf8(publish.payload.to_vec()).unwrap(),
                publish.packet_id.map_or(0, PacketId::number),
                publish.dup,
            ),
            other => panic!("not PUBLISH: {other:?}"),
        })
    }

    /// Nothing but the answer to a PINGREQ comes.
    fn expect_silence(&mut self) {
        self.send(&Packet::Pingreq);
        self.expect(|packet| assert_eq!(*packet, Packet::Pingresp));
    }

    fn expect_disconnect(&mut self, reason: ReasonCode) {
        self.expect(|packet| match packet {
            Packet::Disconnect(disconnect) => assert_eq!(disconnect.reason, reason),
            other => panic!("not DISCONNECT: {other:?}"),
        });
        self.expect_close();
    }

    fn expect_close(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty() && self.bytes.is_empty());
    }

    /// Hands the next packet to `judge`.
    fn expect<T>(&mut self, judge: impl FnOnce(&Packet<'_>) -> T) -> T {
        let mut chunk = [0; 4096];
        loop {
            if let Some(frame) = Frame::parse(&self.bytes, 1 << 20).unwrap() {
                let len = frame.len;
                let judged = judge(&Packet::decode(&frame, self.version).unwrap());
                self.bytes.drain(..len);
                return judged;
            }
            let len = self.stream.read(&mut chunk).unwrap();
            assert_ne!(len, 0, "the broker closed the connection");
            self.bytes.extend_from_slice(&chunk[..len]);
        }
    }
}

fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

fn connect(client_id: &str, clean_start: bool) -> Connect<'_> {
    Connect {
        version: V5,
        clean_start,
        keep_alive: 0,
        properties: Properties::EMPTY,
        client_id,
        will: None,
        username: None,
        password: None,
    }
}

fn publish<'a>(topic: &'a str, payload: &'a str, qos: QoS, number: u16) -> Publish<'a> {
    Publish {
        dup: false,
        qos,
        retain: false,
        topic,
        packet_id: PacketId::new(number),
        properties: Properties::EMPTY,
        payload: payload.as_bytes(),
    }
}

fn properties(list: &[(PropertyId, Value<'_>)]) -> PropertyBuf {
    let mut buf = PropertyBuf::new();
    for &(id, value) in list {
        buf.push(id, value).unwrap();
    }
    buf
}

#[test]
fn a_version_from_the_future_is_answered_with_return_code_1() {
    let broker = DemoBroker::start();
    let mut peer = Peer::new(&broker, ProtocolVersion::V311);
    peer.stream
        .write_all(b"\x10\x0c\x00\x04MQTT\x06\x02\x00\x00\x00\x00")
        .unwrap();
    peer.expect(|packet| match packet {
        Packet::Connack(connack) => assert_eq!(connack.code, 1),
        other => panic!("not CONNACK: {other:?}"),
    });
    peer.expect_close();
}

#[test]
fn silence_beyond_the_keep_alive_ends_the_connection() {
    let broker = DemoBroker::start();
    let quiet = Connect {
        keep_alive: 1,
        ..connect("quiet", true)
    };
    Peer::connect(&broker, quiet.clone())
        .0
        .expect_disconnect(ReasonCode::KEEP_ALIVE_TIMEOUT);
    let quiet = Connect {
        version: ProtocolVersion::V311,
        ..quiet
    };
    Peer::connect(&broker, quiet).0.expect_close();
}

#[test]
fn a_malformed_packet_ends_the_connection_with_a_reason() {
    let broker = DemoBroker::start();
    let (mut peer, _) = Peer::connect(&broker, connect("bad", true));
    peer.stream.write_all(&[0x36, 0]).unwrap();
    peer.expect_disconnect(ReasonCode::MALFORMED_PACKET);
}

#[test]
fn a_second_connection_takes_the_session_over() {
    let broker = DemoBroker::start();
    let (mut first, _) = Peer::connect(&broker, connect("one", true));
    let (mut second, _) = Peer::connect(&broker, connect("one", true));
    first.expect_disconnect(ReasonCode::SESSION_TAKEN_OVER);
    second.expect_silence();
}

#[test]
fn unacknowledged_messages_come_again_in_order_in_the_resumed_session() {
    let broker = DemoBroker::start();
    let lasting = properties(&[(PropertyId::SessionExpiryInterval, Value::U32(3600))]);
    let lasting = |clean| Connect {
        properties: lasting.as_properties(),
        ..connect("lasting", clean)
    };
    let (mut peer, present) = Peer::connect(&broker, lasting(true));
    assert!(!present);
    peer.subscribe("a", 2, Properties::EMPTY);
    let (mut publisher, _) = Peer::connect(&broker, connect("", true));
    for (number, qos) in [
        (1, QoS::AtLeastOnce),
        (2, QoS::ExactlyOnce),
        (3, QoS::ExactlyOnce),
    ] {
        publisher.send(&Packet::Publish(publish(
            "a",
            &number.to_string(),
            qos,
            number,
        )));
        assert_eq!(peer.expect_publish(), (number.to_string(), number, false));
    }
    peer.acknowledge(AckKind::Pubrec, 2);
    peer.expect_ack(AckKind::Pubrel, 2);

    let (mut peer, present) = Peer::connect(&broker, lasting(false));
    assert!(present);
    assert_eq!(peer.expect_publish(), ("1".to_owned(), 1, true));
    peer.expect_ack(AckKind::Pubrel, 2);
    assert_eq!(peer.expect_publish(), ("3".to_owned(), 3, true));
    peer.expect_silence();

    let (mut peer, present) = Peer::connect(&broker, lasting(true));
    assert!(!present);
    peer.expect_silence();
}

#[test]
fn a_repeated_qos_2_message_is_passed_on_once() {
    let broker = DemoBroker::start();
    let (mut peer, _) = Peer::connect(&broker, connect("", true));
    peer.subscribe("a", 0, Properties::EMPTY);
    let message = publish("a", "x", QoS::ExactlyOnce, 7);
    peer.send(&Packet::Publish(message.clone()));
    peer.expect_publish();
    peer.expect_ack(AckKind::Pubrec, 7);
    peer.send(&Packet::Publish(Publish {
        dup: true,
        ..message.clone()
    }));
    peer.expect_ack(AckKind::Pubrec, 7);
    peer.acknowledge(AckKind::Pubrel, 7);
    peer.expect_ack(AckKind::Pubcomp, 7);
    peer.send(&Packet::Publish(message));
    peer.expect_publish();
}

#[test]
fn no_more_messages_are_under_way_than_the_receive_maximum() {
    let broker = DemoBroker::start();
    let limit = properties(&[(PropertyId::ReceiveMaximum, Value::U16(2))]);
    let narrow = Connect {
        properties: limit.as_properties(),
        ..connect("", true)
    };
    let (mut peer, _) = Peer::connect(&broker, narrow);
    peer.subscribe("a", 1, Properties::EMPTY);
    let (mut publisher, _) = Peer::connect(&broker, connect("", true));
    for number in 1..=4 {
        publisher.send(&Packet::Publish(publish(
            "a",
            "x",
            QoS::AtLeastOnce,
            number,
        )));
        publisher.expect_ack(AckKind::Puback, number);
    }
    assert_eq!(peer.expect_publish().1, 1);
    assert_eq!(peer.expect_publish().1, 2);
    peer.expect_silence();
    peer.acknowledge(AckKind::Puback, 1);
    assert_eq!(peer.expect_publish().1, 3);
    peer.expect_silence();
}

#[test]
fn a_topic_alias_stands_for_its_topic_and_an_unknown_one_is_an_error() {
    let broker = DemoBroker::start();
    let (mut peer, _) = Peer::connect(&broker, connect("", true));
    peer.subscribe("a", 0, Properties::EMPTY);
    let alias = properties(&[(PropertyId::TopicAlias, Value::U16(3))]);
    for topic in ["a", ""] {
        let message = publish(topic, "x", QoS::AtMostOnce, 0);
        peer.send(&Packet::Publish(Publish {
            properties: alias.as_properties(),
            ..message
        }));
        peer.expect(|packet| match packet {
            Packet::Publish(publish) => {
                assert_eq!((publish.topic, publish.properties.is_empty()), ("a", true));
            }
            other => panic!("not PUBLISH: {other:?}"),
        });
    }
    let unknown = properties(&[(PropertyId::TopicAlias, Value::U16(4))]);
    let message = publish("", "x", QoS::AtMostOnce, 0);
    peer.send(&Packet::Publish(Publish {
        properties: unknown.as_properties(),
        ..message
    }));
    peer.expect_disconnect(ReasonCode::TOPIC_ALIAS_INVALID);
}

#[test]
fn properties_pass_and_the_subscription_adds_its_identifier() {
    let broker = DemoBroker::start();
    let (mut peer, _) = Peer::connect(&broker, connect("", true));
    let subscription = properties(&[(PropertyId::SubscriptionIdentifier, Value::VarInt(300))]);
    peer.subscribe("a", 0, subscription.as_properties());
    let sent = properties(&[
        (PropertyId::MessageExpiryInterval, Value::U32(3600)),
        (PropertyId::UserProperty, Value::Pair("name", "value")),
        (PropertyId::ContentType, Value::String("text/plain")),
    ]);
    let message = publish("a", "x", QoS::AtMostOnce, 0);
    peer.send(&Packet::Publish(Publish {
        properties: sent.as_properties(),
        ..message
    }));
    peer.expect(|packet| {
        let Packet::Publish(publish) = packet else {
            panic!("not PUBLISH: {packet:?}")
        };
        let received: Vec<_> = publish.properties.iter().collect();
        assert_eq!(
            received[..2],
            [
                (PropertyId::UserProperty, Value::Pair("name", "value")),
                (PropertyId::ContentType, Value::String("text/plain")),
            ]
        );
        let expiry = publish.properties.number(PropertyId::MessageExpiryInterval);
        assert!(
            expiry.is_some_and(|seconds| (1..=3600).contains(&seconds)),
            "{expiry:?}"
        );
        assert_eq!(
            publish
                .properties
                .number(PropertyId::SubscriptionIdentifier),
            Some(300)
        );
    });
}

#[test]
fn a_subscription_with_no_local_hears_only_others() {
    let broker = DemoBroker::start();
    let (mut peer, _) = Peer::connect(&broker, connect("", true));
    let (mut other, _) = Peer::connect(&broker, connect("", true));
    peer.subscribe("a", 0x04, Properties::EMPTY);
    peer.send(&Packet::Publish(publish("a", "own", QoS::AtMostOnce, 0)));
    peer.expect_silence();
    other.send(&Packet::Publish(publish(
        "a",
        "other's",
        QoS::AtMostOnce,
        0,
    )));
    assert_eq!(peer.expect_publish().0, "other's");
}

#[test]
fn a_delayed_will_goes_out_when_the_session_ends_and_not_when_it_is_resumed() {
    let broker = DemoBroker::start();
    let (mut heir, _) = Peer::connect(&broker, connect("", true));
    heir.subscribe("will", 0, Properties::EMPTY);
    let lasting = properties(&[(PropertyId::SessionExpiryInterval, Value::U32(3600))]);
    let delay = properties(&[(PropertyId::WillDelayInterval, Value::U32(3600))]);
    let mortal = |clean| Connect {
        properties: lasting.as_properties(),
        will: Some(Will {
            topic: "will",
            payload: b"gone",
            qos: QoS::AtMostOnce,
            retain: false,
            properties: delay.as_properties(),
        }),
        ..connect("mortal", clean)
    };
    let _first = Peer::connect(&broker, mortal(true));
    let _resumed = Peer::connect(&broker, mortal(false));
    heir.expect_silence();
    let _new = Peer::connect(&broker, mortal(true));
    assert_eq!(heir.expect_publish().0, "gone");
}
