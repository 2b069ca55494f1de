//! Received QoS 0 messages that concern nobody but the program: most are of this kind, and
//! they can be taken without touching the session.

use super::{Delivery, Resume, Session, State};
use crate::codec::Frame;
use crate::types::{ProtocolVersion, QoS};

/// Takes plain messages out of received bytes: QoS 0, without properties. It is valid until
/// the connection ends, and sees nothing of the session.
#[derive(Debug, Clone, Copy)]
pub struct PlainReader {
    version: ProtocolVersion,
    limit: usize,
}

impl Session {
    /// What takes plain messages at this moment, if nothing has to come before them and
    /// nothing has to be noted about them. [`Session::received`] tells the session of them.
    pub fn plain_reader(&self) -> Option<PlainReader> {
        let possible = self.state == State::Connected
            && !self.logging
            && self.events.is_empty()
            && self.resume == Resume::Running;
        possible.then_some(PlainReader {
            version: self.version,
            limit: self.maximum_packet_size,
        })
    }
}

impl PlainReader {
    /// The packet at the start of `input`, if it is a whole and well-formed plain message:
    /// its length and the message. Anything else is for [`Session::handle_input`].
    #[inline]
    pub fn take(&self, input: &[u8]) -> Option<(usize, Delivery)> {
        const PUBLISH: u8 = 0x30;
        const RETAIN: u8 = 1;
        let first = *input.first()?;
        if first & !RETAIN != PUBLISH {
            return None;
        }
        let len = Frame::announced_len(input)?;
        if len > self.limit || len > input.len() {
            return None;
        }
        // The fixed header ends where the body's length leaves off.
        let header = 1 + input[1..].iter().position(|byte| byte & 0x80 == 0)? + 1;
        let body = input.get(header..len)?;
        let topic_len = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
        let topic = body.get(2..2 + topic_len)?;
        if topic.is_empty() || !is_plain_name(topic) {
            return None;
        }
        let mut payload = header + 2 + topic_len;
        if self.version.has_properties() {
            if *input[..len].get(payload)? != 0 {
                return None;
            }
            payload += 1;
        }
        let delivery = Delivery {
            topic: header + 2..header + 2 + topic_len,
            alias_topic: None,
            properties: 0..0,
            payload: payload..len,
            packet_id: None,
            qos: QoS::AtMostOnce,
            retain: first & RETAIN != 0,
            dup: false,
        };
        Some((len, delivery))
    }
}

/// Whether these bytes are a topic name.
#[inline(always)]
fn is_plain_name(topic: &[u8]) -> bool {
    let forbidden = |byte: u8| matches!(byte, 0 | b'+' | b'#');
    let mut ascii = true;
    for byte in topic {
        if forbidden(*byte) {
            return false;
        }
        ascii &= byte.is_ascii();
    }
    ascii || std::str::from_utf8(topic).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Publish;
    use proptest::prelude::*;

    fn reader(version: ProtocolVersion) -> PlainReader {
        PlainReader {
            version,
            limit: 1000,
        }
    }

    proptest! {
        /// What it takes, the codec takes too and reads in the same way.
        #[test]
        fn it_agrees_with_the_codec(
            flags in prop_oneof![Just(0x30u8), Just(0x31), any::<u8>()],
            body in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(b'+'), any::<u8>()], 0..200),
            rest in prop::collection::vec(any::<u8>(), 0..5),
            v5 in any::<bool>(),
        ) {
            let version = if v5 { ProtocolVersion::V5 } else { ProtocolVersion::V311 };
            let mut input = vec![flags];
            crate::codec::primitive::put_varint(&mut input, body.len() as u32);
            let header = input.len();
            input.extend(&body);
            let len = input.len();
            input.extend(rest);
            if let Some((taken, delivery)) = reader(version).take(&input) {
                prop_assert_eq!(taken, len);
                let packet = Publish::decode(flags & 0xf, &input[header..len], version).unwrap();
                prop_assert_eq!(&input[delivery.topic], packet.topic.as_bytes());
                prop_assert_eq!(&input[delivery.payload], packet.payload);
                prop_assert_eq!(delivery.retain, packet.retain);
                prop_assert!(packet.properties.is_empty());
                prop_assert!(!packet.dup && packet.packet_id.is_none());
            }
        }
    }

    #[test]
    fn it_takes_what_is_plain_and_leaves_the_rest() {
        let v311 = reader(ProtocolVersion::V311);
        let (len, delivery) = v311.take(b"\x31\x05\x00\x01txyz").unwrap();
        assert_eq!((len, delivery.retain), (7, true));
        assert_eq!((delivery.topic, delivery.payload), (4..5, 5..7));
        let left: [&[u8]; 9] = [
            b"",
            b"\x30",
            b"\x30\x05\x00\x01tx",        // not whole
            b"\x32\x05\x00\x01t\x00\x01", // QoS 1
            b"\x38\x05\x00\x01txy",       // DUP
            b"\x30\x02\x00\x00",          // no topic
            b"\x30\x03\x00\x01#",         // a wildcard
            b"\x30\x03\x00\x02t",         // cut inside
            b"\x30\x83\x00\x00\x01t",     // a length that is not minimal
        ];
        for input in left {
            assert!(v311.take(input).is_none(), "{input:?}");
        }
        let v5 = reader(ProtocolVersion::V5);
        assert!(v5.take(b"\x30\x06\x00\x01t\x02\x01\x00").is_none());
        assert!(v5.take(b"\x30\x03\x00\x01t").is_none());
        let (_, delivery) = v5.take(b"\x30\x05\x00\x01t\x00x").unwrap();
        assert_eq!(delivery.payload, 6..7);
    }
}
