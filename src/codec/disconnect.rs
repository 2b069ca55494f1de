//! DISCONNECT (MQTT 5.0 section 3.14).

use super::frame::{put_packet, PacketType};
use super::primitive::Reader;
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{ProtocolVersion, ReasonCode};

/// DISCONNECT: the last packet of a connection, from a server only in MQTT 5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// The reason code.
    pub reason: ReasonCode,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
}

impl<'a> Disconnect<'a> {
    /// Reads the body of a DISCONNECT.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let mut packet = Disconnect {
            reason: ReasonCode::SUCCESS,
            properties: Properties::EMPTY,
        };
        if reader.is_empty() {
            return Ok(packet);
        }
        if !version.has_properties() {
            return Err(Error::malformed("bytes behind the packet's fields"));
        }
        packet.reason = ReasonCode(reader.u8()?);
        if !packet
            .reason
            .allowed_in(crate::types::reason_packets::DISCONNECT)
        {
            return Err(Error::protocol("reason code not allowed in this packet"));
        }
        if !reader.is_empty() {
            packet.properties = Properties::read(&mut reader, Place::Disconnect)?;
            if !reader.is_empty() {
                return Err(Error::malformed("bytes behind the packet's fields"));
            }
        }
        Ok(packet)
    }

    /// Appends the packet, in its shortest form.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        put_packet(out, PacketType::Disconnect, 0, |out| {
            if !version.has_properties()
                || (self.reason == ReasonCode::SUCCESS && self.properties.is_empty())
            {
                return;
            }
            out.push(self.reason.value());
            if !self.properties.is_empty() {
                self.properties.put(out);
            }
        });
    }
}
