//! PUBLISH (MQTT 5.0 section 3.3).

use super::connect::read_properties;
use super::frame::{put_fixed_header, PacketType, LONGEST_FIXED_HEADER};
use super::primitive::{put_string, Reader};
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{PacketId, ProtocolVersion, QoS};

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
