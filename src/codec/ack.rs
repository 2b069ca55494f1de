//! PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5.0 sections 3.4 to 3.7).

use super::frame::{put_fixed_header, PacketType};
use super::primitive::Reader;
use super::properties::{Place, Properties};
use crate::error::{Error, Result};
use crate::types::{PacketId, ProtocolVersion, ReasonCode};

/// Which of the four acknowledgements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the specification's
pub enum AckKind {
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
}

impl AckKind {
    const fn packet_type(self) -> PacketType {
        match self {
            AckKind::Puback => PacketType::Puback,
            AckKind::Pubrec => PacketType::Pubrec,
            AckKind::Pubrel => PacketType::Pubrel,
            AckKind::Pubcomp => PacketType::Pubcomp,
        }
    }

    const fn place(self) -> Place {
        match self {
            AckKind::Puback => Place::Puback,
            AckKind::Pubrec => Place::Pubrec,
            AckKind::Pubrel => Place::Pubrel,
            AckKind::Pubcomp => Place::Pubcomp,
        }
    }

    /// The size of an acknowledgement that says no more than success.
    pub const SUCCESS_LEN: usize = 4;

    /// The whole packet, in any version, that says no more than success.
    #[inline(always)]
    pub const fn success(self, packet_id: PacketId) -> [u8; Self::SUCCESS_LEN] {
        let [high, low] = packet_id.number().to_be_bytes();
        [self.first_byte(), 2, high, low]
    }

    /// The packet at the start of `input`, if it is one of [`AckKind::success`].
    #[inline(always)]
    pub fn parse_success(input: &[u8]) -> Option<(Self, PacketId)> {
        let &[first, 2, high, low, ..] = input else {
            return None;
        };
        let all = [
            AckKind::Puback,
            AckKind::Pubrec,
            AckKind::Pubrel,
            AckKind::Pubcomp,
        ];
        let kind = all.into_iter().find(|kind| kind.first_byte() == first)?;
        Some((kind, PacketId::new(u16::from_be_bytes([high, low]))?))
    }

    /// The low nibble of the first byte.
    const fn flags(self) -> u8 {
        match self {
            AckKind::Pubrel => 2,
            _ => 0,
        }
    }

    const fn first_byte(self) -> u8 {
        (self.packet_type() as u8) << 4 | self.flags()
    }

    /// The specification's name.
    pub const fn name(self) -> &'static str {
        match self {
            AckKind::Puback => "PUBACK",
            AckKind::Pubrec => "PUBREC",
            AckKind::Pubrel => "PUBREL",
            AckKind::Pubcomp => "PUBCOMP",
        }
    }
}

/// One of the four acknowledgements of a PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Which one.
    pub kind: AckKind,
    /// The packet identifier of the PUBLISH.
    pub packet_id: PacketId,
    /// The reason code; success below MQTT 5.
    pub reason: ReasonCode,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// An acknowledgement without properties.
    pub const fn new(kind: AckKind, packet_id: PacketId, reason: ReasonCode) -> Self {
        Ack {
            kind,
            packet_id,
            reason,
            properties: Properties::EMPTY,
        }
    }

    /// Reads the body of an acknowledgement.
    #[inline]
    pub fn decode(kind: AckKind, body: &'a [u8], version: ProtocolVersion) -> Result<Self> {
        let mut reader = Reader::new(body);
        let mut ack = Ack::new(kind, reader.packet_id()?, ReasonCode::SUCCESS);
        if reader.is_empty() {
            return Ok(ack);
        }
        if !version.has_properties() {
            return Err(Error::malformed("bytes behind the packet's fields"));
        }
        ack.reason = ReasonCode(reader.u8()?);
        if !ack.reason.allowed_in(1 << kind.packet_type() as u16) {
            return Err(Error::protocol("reason code not allowed in this packet"));
        }
        if !reader.is_empty() {
            ack.properties = Properties::read(&mut reader, kind.place())?;
            if !reader.is_empty() {
                return Err(Error::malformed("bytes behind the packet's fields"));
            }
        }
        Ok(ack)
    }

    /// Appends the packet, in its shortest form.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let long = version.has_properties()
            && (self.reason != ReasonCode::SUCCESS || !self.properties.is_empty());
        let properties = if long && !self.properties.is_empty() {
            self.properties.encoded_len()
        } else {
            0
        };
        let body_len = 2 + usize::from(long) + properties;
        put_fixed_header(out, self.kind.packet_type(), self.kind.flags(), body_len);
        out.extend_from_slice(&self.packet_id.number().to_be_bytes());
        if long {
            out.push(self.reason.value());
        }
        if properties > 0 {
            self.properties.put(out);
        }
    }
}
