//! SUBACK (MQTT 5.0 section 3.9).

use super::connect::read_properties;
use super::frame::{put_packet, PacketType};
use super::primitive::Reader;
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{reason_packets, PacketId, ProtocolVersion, ReasonCode};

/// SUBACK: one code for each topic filter of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suback<'a> {
    /// The packet identifier of the SUBSCRIBE.
    pub packet_id: PacketId,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// Granted QoS, or a failure of 0x80 and above; never empty.
    pub codes: &'a [u8],
}

impl<'a> Suback<'a> {
    /// Reads the body of a SUBACK.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Place::Suback)?;
        let codes = reader.rest();
        if codes.is_empty() {
            return Err(Error::protocol("SUBACK without a code"));
        }
        let known = |code: &u8| match version {
            ProtocolVersion::V5 => ReasonCode(*code).allowed_in(reason_packets::SUBACK),
            _ => matches!(code, 0..=2 | 0x80), // MQTT-3.9.3-2
        };
        if !codes.iter().all(known) {
            return Err(Error::protocol("SUBACK with a reserved code"));
        }
        Ok(Suback {
            packet_id,
            properties,
            codes,
        })
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        put_packet(out, PacketType::Suback, 0, |out| {
            out.extend_from_slice(&self.packet_id.number().to_be_bytes());
            if version.has_properties() {
                self.properties.put(out);
            }
            out.extend_from_slice(self.codes);
        });
    }
}
