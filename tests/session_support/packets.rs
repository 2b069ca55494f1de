//! Packets to do harm with.

use super::super::support::packet::*;
use super::super::support::prop::*;

/// One of each packet: a server's, under identifiers that a session with some flows
/// has in use, and those that only a client may send.
pub fn every_packet(v: Version) -> Vec<Vec<u8>> {
    let mut all = vec![
        connack(v, false, 0, &[]),
        connack(v, true, 0, &[]),
        connack(v, false, if v.is_v5() { 0x87 } else { 5 }, &[]),
        publish("a/b", b"payload").bytes(v),
        publish("a/b", b"payload").qos(1, 1).retain().bytes(v),
        publish("a/b", b"payload").qos(2, 2).dup().bytes(v),
        publish("a/b", b"payload").qos(2, 10).bytes(v),
        puback(1),
        pubrec(2),
        pubcomp(3),
        pubrel(10),
        pubrel(99),
        suback(v, 4, &[], &[1]),
        unsuback(v, 5, &[], &[0]),
        PINGRESP.to_vec(),
        DISCONNECT.to_vec(),
        connect(v, "t").bytes(),
        subscribe(v, 1, &[], &[("a", 0)]),
        unsubscribe(v, 1, &[], &["a"]),
        PINGREQ.to_vec(),
    ];
    if v.is_v5() {
        all.extend([
            connack(
                v,
                false,
                0,
                &[
                    Prop::U32(SESSION_EXPIRY_INTERVAL, 9),
                    Prop::U16(RECEIVE_MAXIMUM, 2),
                    Prop::Byte(MAXIMUM_QOS, 1),
                    Prop::Byte(RETAIN_AVAILABLE, 0),
                    Prop::U32(MAXIMUM_PACKET_SIZE, 100),
                    text(ASSIGNED_CLIENT_IDENTIFIER, "id"),
                    Prop::U16(TOPIC_ALIAS_MAXIMUM, 2),
                    text(REASON_STRING, "why"),
                    user("a", "b"),
                    Prop::U16(SERVER_KEEP_ALIVE, 7),
                ],
            ),
            publish("a/b", b"payload")
                .qos(1, 7)
                .props(&[
                    Prop::Byte(PAYLOAD_FORMAT_INDICATOR, 1),
                    Prop::U32(MESSAGE_EXPIRY_INTERVAL, 9),
                    Prop::U16(TOPIC_ALIAS, 2),
                    text(RESPONSE_TOPIC, "r"),
                    Prop::Binary(CORRELATION_DATA, vec![1, 2]),
                    user("a", "b"),
                    Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 200),
                    text(CONTENT_TYPE, "t"),
                ])
                .bytes(v),
            ack(0x40, 1, 0x10, &[text(REASON_STRING, "why")]),
            ack(0x50, 2, 0x97, &[user("a", "b")]),
            ack(0x62, 11, 0x92, &[user("a", "b")]),
            ack(0x70, 3, 0x92, &[user("a", "b")]),
            suback(v, 4, &[text(REASON_STRING, "why")], &[0x8F]),
            unsuback(v, 5, &[user("a", "b")], &[0x11]),
            disconnect_props(0x9C, &[text(SERVER_REFERENCE, "other")]),
            auth(0x18, &[text(AUTHENTICATION_METHOD, "M")]),
        ]);
    }
    all
}
