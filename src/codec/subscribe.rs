//! SUBSCRIBE (MQTT 5.0 section 3.8).

use super::connect::read_properties;
use super::frame::{put_packet, PacketType};
use super::primitive::{put_string, Reader};
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{PacketId, ProtocolVersion};

/// The subscription options byte (MQTT 5.0 section 3.8.3.1): QoS in bits 0 and 1, No Local,
/// Retain As Published, Retain Handling. Below MQTT 5 only the QoS may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionOptions(u8);

impl SubscriptionOptions {
    /// The options in this byte; `None` for QoS 3, Retain Handling 3 or reserved bits.
    pub const fn new(byte: u8) -> Option<Self> {
        if byte & 3 == 3 || byte & 0x30 == 0x30 || byte & 0xc0 != 0 {
            None
        } else {
            Some(SubscriptionOptions(byte))
        }
    }

    /// The QoS alone, as before MQTT 5.
    pub const fn without_flags(self) -> Self {
        SubscriptionOptions(self.qos())
    }

    /// The byte on the wire.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// The largest QoS wanted, 0 to 2.
    pub const fn qos(self) -> u8 {
        self.0 & 3
    }

    /// Whether our own messages shall not come back to us.
    pub const fn no_local(self) -> bool {
        self.0 & 4 != 0
    }
}

/// SUBSCRIBE: asks for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// The packet identifier.
    pub packet_id: PacketId,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// Topic filters, each with its options.
    pub filters: Vec<(&'a str, SubscriptionOptions)>,
}

impl<'a> Subscribe<'a> {
    /// Reads the body of a SUBSCRIBE.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let properties = read_properties(&mut reader, version, Place::Subscribe)?;
        let mut filters = Vec::new();
        while !reader.is_empty() {
            let filter = reader.string()?;
            let byte = reader.u8()?;
            let options = SubscriptionOptions::new(byte)
                .filter(|_| version.has_properties() || byte < 3)
                .ok_or_else(|| Error::malformed("subscription options are invalid"))?;
            filters.push((filter, options));
        }
        if filters.is_empty() {
            return Err(Error::protocol("SUBSCRIBE without a topic filter"));
        }
        Ok(Subscribe {
            packet_id,
            properties,
            filters,
        })
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        put_packet(out, PacketType::Subscribe, 2, |out| {
            out.extend_from_slice(&self.packet_id.number().to_be_bytes());
            if version.has_properties() {
                self.properties.put(out);
            }
            for (filter, options) in &self.filters {
                put_string(out, filter);
                out.push(options.byte());
            }
        });
    }
}
