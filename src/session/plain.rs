//! Received messages of the kind that most are: they can be read without touching the session,
//! which is told of those that it has to acknowledge.

use super::{Delivery, Resume, Session, State};
use crate::codec::{AckKind, Frame, PacketType};
use crate::types::{PacketId, ProtocolVersion, QoS};

/// Takes plain messages out of received bytes: QoS 0 or 1, not repeated, without properties. It
/// is valid until the connection ends, and sees nothing of the session.
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
            && self.resume == Resume::Running
            && !self.throttles_input()
            && self.outstanding < i32::from(self.receive_maximum);
        possible.then_some(PlainReader {
            version: self.version,
            limit: self.maximum_packet_size,
        })
    }
}

impl Session {
    /// Acknowledges the plain messages of QoS 1 at the start of `input`, at most `limit`, which
    /// the host takes and delivers then; gives their number. Where others acknowledge, there are none.
    #[inline(always)]
    pub fn acknowledge_plain(&mut self, reader: PlainReader, input: &[u8], limit: usize) -> usize {
        let (mut count, mut taken) = (0, 0);
        if self.manual_ack.is_some() {
            return 0;
        }
        // Gathered, as appending costs more than the few bytes themselves.
        let mut acks = [0; 16 * AckKind::SUCCESS_LEN];
        let mut filled = 0;
        while count < limit {
            let Some((len, delivery)) = reader.take::<AT_LEAST_ONCE>(&input[taken..]) else {
                break;
            };
            if let Some(packet_id) = delivery.packet_id {
                if filled == acks.len() {
                    self.queue_acks(&acks);
                    filled = 0;
                }
                acks[filled..filled + AckKind::SUCCESS_LEN]
                    .copy_from_slice(&AckKind::Puback.success(packet_id));
                filled += AckKind::SUCCESS_LEN;
            }
            taken += len;
            count += 1;
        }
        self.queue_acks(&acks[..filled]);
        self.count_taken(QoS::AtLeastOnce, count, taken);
        count
    }
}

/// The QoS that [`PlainReader::take`] takes.
pub const AT_MOST_ONCE: u8 = 0;
/// The QoS that [`PlainReader::take`] takes.
pub const AT_LEAST_ONCE: u8 = 1;

impl PlainReader {
    /// The packet at the start of `input`, if it is a whole and well-formed plain message of
    /// this QoS: its length and the message. Anything else is for [`Session::handle_input`].
    #[inline(always)]
    pub fn take<const QOS: u8>(&self, input: &[u8]) -> Option<(usize, Delivery)> {
        const RETAIN: u8 = 1;
        const LONGEST_LENGTH: usize = 4;
        let first = *input.first()?;
        if first & !RETAIN != (PacketType::Publish as u8) << 4 | QOS << 1 {
            return None;
        }
        // The fixed header ends with the length's last byte.
        let (mut body_len, mut header) = (usize::from(*input.get(1)?), 2);
        if body_len & 0x80 != 0 {
            let more = input[1..].iter().take(LONGEST_LENGTH);
            header += more.take_while(|byte| **byte & 0x80 != 0).count();
            body_len = Frame::announced_len(input)?.checked_sub(header)?;
        }
        let len = header + body_len;
        if len > self.limit {
            return None;
        }
        let packet = input.get(..len)?;
        let topic_len = match packet.get(header..header + 2)? {
            &[high, low] => usize::from(u16::from_be_bytes([high, low])),
            _ => return None,
        };
        let topic = header + 2..header + 2 + topic_len;
        let mut payload = topic.end;
        let mut packet_id = None;
        if QOS == AT_LEAST_ONCE {
            let &[high, low] = packet.get(payload..payload + 2)? else {
                return None;
            };
            packet_id = Some(PacketId::new(u16::from_be_bytes([high, low]))?);
            payload += 2;
        }
        if self.version.has_properties() {
            if *packet.get(payload)? != 0 {
                return None;
            }
            payload += 1;
        }
        if topic_len == 0 || !is_plain_name(packet.get(topic.clone())?) {
            return None;
        }
        let delivery = Delivery {
            topic,
            alias_topic: None,
            properties: 0..0,
            payload: payload..len,
            packet_id,
            qos: match QOS {
                AT_MOST_ONCE => QoS::AtMostOnce,
                _ => QoS::AtLeastOnce,
            },
            retain: first & RETAIN != 0,
            dup: false,
            ack_due: false,
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
            flags in prop_oneof![Just(0x30u8), Just(0x31), Just(0x32), Just(0x33), any::<u8>()],
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
            let taken = match flags & 6 {
                2 => reader(version).take::<AT_LEAST_ONCE>(&input),
                _ => reader(version).take::<AT_MOST_ONCE>(&input),
            };
            if let Some((taken, delivery)) = taken {
                prop_assert_eq!(taken, len);
                let packet = Publish::decode(flags & 0xf, &input[header..len], version).unwrap();
                prop_assert_eq!(&input[delivery.topic], packet.topic.as_bytes());
                prop_assert_eq!(&input[delivery.payload], packet.payload);
                prop_assert_eq!(delivery.retain, packet.retain);
                prop_assert!(packet.properties.is_empty());
                prop_assert!(!packet.dup);
                prop_assert_eq!((delivery.qos, delivery.packet_id), (packet.qos, packet.packet_id));
            }
        }
    }

    #[test]
    fn it_takes_what_is_plain_and_leaves_the_rest() {
        let v311 = reader(ProtocolVersion::V311);
        let (len, delivery) = v311.take::<AT_MOST_ONCE>(b"\x31\x05\x00\x01txyz").unwrap();
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
            assert!(v311.take::<AT_MOST_ONCE>(input).is_none(), "{input:?}");
        }
        let v5 = reader(ProtocolVersion::V5);
        assert!(v5
            .take::<AT_MOST_ONCE>(b"\x30\x06\x00\x01t\x02\x01\x00")
            .is_none());
        assert!(v5.take::<AT_MOST_ONCE>(b"\x30\x03\x00\x01t").is_none());
        let (_, delivery) = v5.take::<AT_MOST_ONCE>(b"\x30\x05\x00\x01t\x00x").unwrap();
        assert_eq!(delivery.payload, 6..7);
    }

    #[test]
    fn of_qos_1_it_takes_what_is_new_and_has_an_identifier() {
        let v311 = reader(ProtocolVersion::V311);
        let (len, delivery) = v311
            .take::<AT_LEAST_ONCE>(b"\x32\x06\x00\x01t\x01\x02x?")
            .unwrap();
        assert_eq!((len, delivery.payload), (8, 7..8));
        assert_eq!(delivery.packet_id, PacketId::new(0x102));
        let left: [&[u8]; 4] = [
            b"\x32\x05\x00\x01t\x00\x00", // the identifier is 0
            b"\x3a\x05\x00\x01t\x00\x01", // DUP
            b"\x32\x04\x00\x01t\x00",     // cut inside
            b"\x30\x05\x00\x01t\x00\x01", // QoS 0
        ];
        for input in left {
            assert!(v311.take::<AT_LEAST_ONCE>(input).is_none(), "{input:?}");
        }
        let v5 = reader(ProtocolVersion::V5);
        let with_property = b"\x32\x08\x00\x01t\x00\x01\x02\x01\x00";
        assert!(v5.take::<AT_LEAST_ONCE>(with_property).is_none());
    }
}
