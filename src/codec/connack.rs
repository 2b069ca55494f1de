//! CONNACK (MQTT 5.0 section 3.2).

use super::frame::{put_packet, PacketType};
use super::primitive::Reader;
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{reason_packets, ProtocolVersion, ReasonCode};

const V3_UNACCEPTABLE_PROTOCOL_VERSION: u8 = 1;

/// CONNACK: the server's answer to CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connack<'a> {
    /// The server kept a session for this client.
    pub session_present: bool,
    /// The reason code in MQTT 5, the return code (0 to 5) before.
    pub code: u8,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
}

impl<'a> Connack<'a> {
    /// Reads the body of a CONNACK.
    ///
    /// A server that does not know MQTT 5 answers a CONNECT of that version with the
    /// two bytes of MQTT 3.1.1 and return code 1; that is read as Unsupported Protocol Version.
    pub fn decode(body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let flags = reader.u8()?;
        if flags & 0xfe != 0 && version != ProtocolVersion::V31 {
            return Err(Error::malformed(
                "reserved connect acknowledge flags are set",
            ));
        }
        let code = reader.u8()?;
        let v3_refusal = reader.is_empty() && code == V3_UNACCEPTABLE_PROTOCOL_VERSION;
        let code = if version.has_properties() && v3_refusal {
            ReasonCode::UNSUPPORTED_PROTOCOL_VERSION.value()
        } else {
            code
        };
        let known = match version {
            ProtocolVersion::V5 => ReasonCode(code).allowed_in(reason_packets::CONNACK),
            _ => true, // a refusal by any number is still a refusal
        };
        if !known {
            return Err(Error::protocol("reason code not allowed in this packet"));
        }
        let properties = if version.has_properties() && !v3_refusal {
            Properties::read(&mut reader, Place::Connack)?
        } else {
            Properties::EMPTY
        };
        if !reader.is_empty() {
            return Err(Error::malformed("bytes behind the packet's fields"));
        }
        Ok(Connack {
            // MQTT 3.1 had no such flag.
            session_present: flags & 1 != 0 && version != ProtocolVersion::V31,
            code,
            properties,
        })
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        put_packet(out, PacketType::Connack, 0, |out| {
            out.extend_from_slice(&[u8::from(self.session_present), self.code]);
            if version.has_properties() {
                self.properties.put(out);
            }
        });
    }
}
