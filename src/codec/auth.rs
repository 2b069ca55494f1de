//! AUTH (MQTT 5.0 section 3.15).

use super::frame::{put_packet, PacketType};
use super::primitive::Reader;
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{ProtocolVersion, ReasonCode};

/// AUTH: one step of enhanced authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth<'a> {
    /// The reason code.
    pub reason: ReasonCode,
    /// Properties, among them the authentication method and data.
    pub properties: Properties<'a>,
}

impl<'a> Auth<'a> {
    /// Reads the body of an AUTH.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        if !version.has_properties() {
            return Err(Error::protocol("AUTH below MQTT 5"));
        }
        let mut reader = Reader::new(body);
        let mut packet = Auth {
            reason: ReasonCode::SUCCESS,
            properties: Properties::EMPTY,
        };
        if reader.is_empty() {
            return Ok(packet);
        }
        packet.reason = ReasonCode(reader.u8()?);
        if !packet.reason.allowed_in(crate::types::reason_packets::AUTH) {
            return Err(Error::protocol("reason code not allowed in this packet"));
        }
        if !reader.is_empty() {
            packet.properties = Properties::read(&mut reader, Place::Auth)?;
            if !reader.is_empty() {
                return Err(Error::malformed("bytes behind the packet's fields"));
            }
        }
        Ok(packet)
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::Auth, 0, |out| {
            if self.reason == ReasonCode::SUCCESS && self.properties.is_empty() {
                return;
            }
            out.push(self.reason.value());
            self.properties.put(out);
        });
    }
}
