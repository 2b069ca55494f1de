//! UNSUBSCRIBE (MQTT 5.0 section 3.10).

use super::connect::read_properties;
use super::frame::{put_packet, PacketType};
use super::primitive::{put_string, Reader};
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{PacketId, ProtocolVersion};

/// UNSUBSCRIBE: ends subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// The packet identifier.
    pub packet_id: PacketId,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// Topic filters.
    pub filters: Vec<&'a str>,
}

impl<'a> Unsubscribe<'a> {
    /// Reads the body of an UNSUBSCRIBE.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Place::Unsubscribe)?;
        let mut filters = Vec::new();
        while !reader.is_empty() {
            filters.push(reader.string()?);
        }
        if filters.is_empty() {
            return Err(Error::protocol("UNSUBSCRIBE without a topic filter"));
        }
        Ok(Unsubscribe {
            packet_id,
            properties,
            filters,
        })
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        put_packet(out, PacketType::Unsubscribe, 2, |out| {
            out.extend_from_slice(&self.packet_id.number().to_be_bytes());
            if version.has_properties() {
                self.properties.put(out);
            }
            for filter in &self.filters {
                put_string(out, filter);
            }
        });
    }
}
