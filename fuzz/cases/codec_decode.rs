//! Any bytes as a packet of each version: reading never panics, what was read is read again
//! from what it is written as, and what has one way to be written is written as it came.

use mqttrs::codec::{Ack, AckKind, Frame, Packet};
use mqttrs::types::{ProtocolVersion, ReasonCode};

const LIMIT: usize = 1 << 20;

const VERSIONS: [ProtocolVersion; 3] = [
    ProtocolVersion::V31,
    ProtocolVersion::V311,
    ProtocolVersion::V5,
];

pub fn run(bytes: &[u8]) {
    for version in VERSIONS {
        let frame = match Frame::parse(bytes, LIMIT) {
            Ok(Some(frame)) => frame,
            other => {
                assert!(AckKind::parse_success(bytes).is_none(), "{other:?}");
                return;
            }
        };
        assert!(frame.len <= bytes.len());
        assert!(matches!(
            Frame::parse(&bytes[..frame.len - 1], LIMIT),
            Ok(None)
        ));
        let packet = Packet::decode(&frame, version);
        if let Some((kind, id)) = AckKind::parse_success(bytes) {
            let ack = Packet::Ack(Ack::new(kind, id, ReasonCode::SUCCESS));
            assert_eq!(packet.as_ref(), Ok(&ack));
        }
        let Ok(packet) = packet else {
            continue;
        };
        let mut written = Vec::new();
        packet.encode(&mut written, version);
        let again = Frame::parse(&written, LIMIT).unwrap().unwrap();
        assert_eq!(again.len, written.len());
        assert_eq!(Packet::decode(&again, version).unwrap(), packet);
        let came = &bytes[..frame.len];
        if may_be_written_in_one_way(&packet, version) {
            assert_eq!(written, came);
        } else if matches!(packet, Packet::Ack(_) | Packet::Disconnect(_)) {
            assert!(written.len() <= came.len());
        }
    }
}

/// Others may have a reason code or an empty list of properties that says nothing, or are the
/// refusal of a server that does not know MQTT 5.
fn may_be_written_in_one_way(packet: &Packet<'_>, version: ProtocolVersion) -> bool {
    // Below there are flags that nobody looks at.
    let strict = version == ProtocolVersion::V5;
    match packet {
        Packet::Publish(_) => true,
        Packet::Suback(_) | Packet::Unsuback(_) | Packet::Pingreq | Packet::Pingresp => strict,
        Packet::Subscribe(_) | Packet::Unsubscribe(_) => strict,
        // It carries a version of its own, and a bit that bridges set.
        Packet::Connect(_) => false,
        Packet::Connack(_) | Packet::Ack(_) | Packet::Disconnect(_) | Packet::Auth(_) => false,
    }
}
