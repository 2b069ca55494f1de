//! UNSUBACK (MQTT 5.0 section 3.11).

use super::connect::read_properties;
use super::frame::{put_packet, PacketType};
use super::primitive::Reader;
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{reason_packets, PacketId, ProtocolVersion, ReasonCode};

/// UNSUBACK: the answer to an UNSUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuback<'a> {
    /// The packet identifier of the UNSUBSCRIBE.
    pub packet_id: PacketId,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// A reason code for each topic filter; empty below MQTT 5.
    pub codes: &'a [u8],
}

impl<'a> Unsuback<'a> {
    /// Reads the body of an UNSUBACK.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Place::Unsuback)?;
        let codes = reader.rest();
        match (version.has_properties(), codes.is_empty()) {
            (true, true) => return Err(Error::protocol("UNSUBACK without a reason code")),
            (false, false) => return Err(Error::malformed("bytes behind the packet's fields")),
            _ => {}
        }
        if !codes
            .iter()
            .all(|code| ReasonCode(*code).allowed_in(reason_packets::UNSUBACK))
        {
            return Err(Error::protocol("UNSUBACK with a reserved code"));
        }
        Ok(Unsuback {
            packet_id,
            properties,
            codes,
        })
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        put_packet(out, PacketType::Unsuback, 0, |out| {
            out.extend_from_slice(&self.packet_id.number().to_be_bytes());
            if version.has_properties() {
                self.properties.put(out);
                out.extend_from_slice(self.codes);
            }
        });
    }
}
