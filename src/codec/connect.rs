//! CONNECT (MQTT 5.0 section 3.1).

use super::frame::{put_packet, PacketType};
use super::primitive::{put_binary, put_string, Reader};
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{ProtocolVersion, QoS};

/// CONNECT: the first packet of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Protocol level and name.
    pub version: ProtocolVersion,
    /// Clean Start (MQTT 5), Clean Session before.
    pub clean_start: bool,
    /// Keep alive in seconds, 0 for none.
    pub keep_alive: u16,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// The client identifier, maybe empty.
    pub client_id: &'a str,
    /// The last will.
    pub will: Option<Will<'a>>,
    /// User name.
    pub username: Option<&'a str>,
    /// Password.
    pub password: Option<&'a [u8]>,
}

/// The last will, published by the server when the connection ends without DISCONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Payload, at most 65535 bytes.
    pub payload: &'a [u8],
    /// QoS.
    pub qos: QoS,
    /// Whether the server retains it.
    pub retain: bool,
    /// MQTT 5 will properties.
    pub properties: Properties<'a>,
}

const CLEAN_START: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USERNAME: u8 = 0x80;

impl<'a> Connect<'a> {
    /// Reads the body of a CONNECT.
    pub fn decode(body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let name = reader.string()?;
        let version = ProtocolVersion::new(reader.u8()? & 0x7f)
            .filter(|version| version.name() == name)
            .ok_or_else(|| Error::protocol("unknown protocol name or level"))?;
        let flags = reader.u8()?;
        if flags & 1 != 0 {
            return Err(Error::malformed("reserved connect flag is set"));
        }
        let keep_alive = reader.u16()?;
        let properties = read_properties(&mut reader, version, Place::Connect)?;
        let client_id = reader.string()?;
        let will = if flags & WILL != 0 {
            let properties = read_properties(&mut reader, version, Place::Will)?;
            Some(Will {
                topic: reader.string()?,
                payload: reader.binary()?,
                qos: QoS::new(flags >> 3 & 3).ok_or_else(|| Error::malformed("will QoS is 3"))?,
                retain: flags & WILL_RETAIN != 0,
                properties,
            })
        } else if flags & (0x18 | WILL_RETAIN) != 0 {
            return Err(Error::malformed("will flags without a will"));
        } else {
            None
        };
        let username = (flags & USERNAME != 0)
            .then(|| reader.string())
            .transpose()?;
        let password = (flags & PASSWORD != 0)
            .then(|| reader.binary())
            .transpose()?;
        if !reader.is_empty() {
            return Err(Error::malformed("bytes behind the packet's fields"));
        }
        Ok(Connect {
            version,
            clean_start: flags & CLEAN_START != 0,
            keep_alive,
            properties,
            client_id,
            will,
            username,
            password,
        })
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::Connect, 0, |out| {
            put_string(out, self.version.name());
            out.push(self.version.level());
            out.push(self.flags());
            out.extend_from_slice(&self.keep_alive.to_be_bytes());
            if self.version.has_properties() {
                self.properties.put(out);
            }
            put_string(out, self.client_id);
            if let Some(will) = &self.will {
                if self.version.has_properties() {
                    will.properties.put(out);
                }
                put_string(out, will.topic);
                put_binary(out, will.payload);
            }
            if let Some(username) = self.username {
                put_string(out, username);
            }
            if let Some(password) = self.password {
                put_binary(out, password);
            }
        });
    }

    fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.clean_start {
            flags |= CLEAN_START;
        }
        if let Some(will) = &self.will {
            flags |= WILL | will.qos.number() << 3;
            if will.retain {
                flags |= WILL_RETAIN;
            }
        }
        if self.password.is_some() {
            flags |= PASSWORD;
        }
        if self.username.is_some() {
            flags |= USERNAME;
        }
        flags
    }
}

/// Properties where the version has them.
pub(super) fn read_properties<'a>(
    reader: &mut Reader<'a>,
    version: ProtocolVersion,
    place: Place,
) -> Result<Properties<'a>> {
    if version.has_properties() {
        Properties::read(reader, place)
    } else {
        Ok(Properties::EMPTY)
    }
}
