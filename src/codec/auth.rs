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
        // Unlike in the other packets, the reason code and the length of the properties are left
        // out together or not at all (section 3.15.2.1).
        packet.properties = Properties::read(&mut reader, Place::Auth)?;
        if !reader.is_empty() {
            return Err(Error::malformed("bytes behind the packet's fields"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_code_and_the_length_of_the_properties_are_left_out_together_or_not_at_all() {
        fn decode(body: &[u8]) -> Result<Auth<'_>> {
            Auth::decode(body, ProtocolVersion::V5)
        }
        let success = decode(&[]).unwrap();
        assert_eq!(success.reason, ReasonCode::SUCCESS);
        assert_eq!(decode(&[0, 0]).unwrap(), success);
        assert!(decode(&[0x18, 0]).is_ok());
        for reason in [0, 0x18, 0x19] {
            assert!(decode(&[reason]).is_err(), "{reason:#x} without a length");
        }
    }
}
