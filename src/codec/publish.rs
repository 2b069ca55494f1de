//! PUBLISH (MQTT 5.0 section 3.3).

use super::connect::read_properties;
use super::frame::{put_fixed_header, PacketType, LONGEST_FIXED_HEADER};
use super::primitive::{put_string, Reader};
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{PacketId, ProtocolVersion, QoS};

/// Bodies below this size have a length of one or two bytes.
pub const PLAIN_BODY_LEN: usize = 128 * 128;

/// Appends a PUBLISH of QoS 0 without properties, with less than [`PLAIN_BODY_LEN`] bytes
/// behind the fixed header: as [`Publish::encode`], for the case that most messages are.
#[inline(always)]
pub fn put_plain(
    out: &mut Vec<u8>,
    flags: u8,
    topic: &str,
    with_properties: bool,
    payload: &[u8],
    body_len: usize,
) {
    const LONGEST_HEADER: usize = 5;
    if out.capacity() - out.len() < LONGEST_HEADER + body_len {
        out.reserve(LONGEST_HEADER + body_len);
    }
    out.push((PacketType::Publish as u8) << 4 | flags);
    if body_len < 128 {
        out.push(body_len as u8);
    } else {
        out.push(body_len as u8 | 0x80);
        out.push((body_len >> 7) as u8);
    }
    let [high, low] = (topic.len() as u16).to_be_bytes();
    out.push(high);
    out.push(low);
    out.extend_from_slice(topic.as_bytes());
    if with_properties {
        out.push(0);
    }
    out.extend_from_slice(payload);
}

/// PUBLISH: an application message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish<'a> {
    /// This is a re-delivery.
    pub dup: bool,
    /// QoS.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// Topic name; empty in MQTT 5 when a topic alias stands for it.
    pub topic: &'a str,
    /// The packet identifier, present for QoS 1 and 2.
    pub packet_id: Option<PacketId>,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    /// Reads the body of a PUBLISH whose first byte has `flags` in its low nibble.
    #[inline]
    pub fn decode(flags: u8, body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let qos = QoS::new(flags >> 1 & 3).ok_or_else(|| Error::malformed("QoS is 3"))?;
        let dup = flags & 8 != 0;
        // MQTT-3.3.1-2; MQTT 3.1 does not say so.
        if dup && qos == QoS::AtMostOnce && version != ProtocolVersion::V31 {
            return Err(Error::malformed("DUP is set on a QoS 0 message"));
        }
        let mut reader = Reader::new(body);
        let topic = reader.topic_name()?;
        let packet_id = match qos {
            QoS::AtMostOnce => None,
            _ => Some(reader.packet_id()?),
        };
        let properties = read_properties(&mut reader, version, Place::Publish)?;
        Ok(Publish {
            dup,
            qos,
            retain: flags & 1 != 0,
            topic,
            packet_id,
            properties,
            payload: reader.rest(),
        })
    }

    /// Appends the packet.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        self.encode_header(out, version);
        out.extend_from_slice(self.payload);
    }

    /// Appends everything but the payload.
    #[inline(always)]
    pub fn encode_header(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let body_len = self.body_len(version);
        out.reserve(LONGEST_FIXED_HEADER + body_len);
        put_fixed_header(out, PacketType::Publish, self.flags(), body_len);
        put_string(out, self.topic);
        if let Some(id) = self.packet_id {
            out.extend_from_slice(&id.number().to_be_bytes());
        }
        if version.has_properties() {
            self.properties.put(out);
        }
    }

    /// The low nibble of the first byte.
    #[inline]
    pub fn flags(&self) -> u8 {
        u8::from(self.dup) << 3 | self.qos.number() << 1 | u8::from(self.retain)
    }

    /// The remaining length.
    #[inline]
    pub fn body_len(&self, version: ProtocolVersion) -> usize {
        let properties = if version.has_properties() {
            self.properties.encoded_len()
        } else {
            0
        };
        2 + self.topic.len()
            + 2 * usize::from(self.packet_id.is_some())
            + properties
            + self.payload.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_publish_is_encoded_as_any_other() {
        for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
            for len in [0, 1, 120, 121, 122, 123, 124, 125, 126, 200, 16_000] {
                let packet = Publish {
                    dup: false,
                    qos: QoS::AtMostOnce,
                    retain: len % 2 == 0,
                    topic: "t/1",
                    packet_id: None,
                    properties: Properties::EMPTY,
                    payload: &vec![7; len],
                };
                let (mut expected, mut plain) = (Vec::new(), vec![1]);
                packet.encode(&mut expected, version);
                let (flags, body_len) = (packet.flags(), packet.body_len(version));
                assert!(body_len < PLAIN_BODY_LEN);
                let with_properties = version.has_properties();
                let payload = packet.payload;
                put_plain(&mut plain, flags, "t/1", with_properties, payload, body_len);
                assert_eq!(plain[1..], expected, "{version:?}, {len}");
            }
        }
    }
}
