//! Bytes to packets and back, for MQTT 3.1, 3.1.1 and 5.0 together.
//!
//! [`Frame::parse`] cuts one packet out of a byte stream; [`Packet::decode`] reads
//! it, borrowing every string and payload from the stream. Each packet has a
//! file of its own with its fields, `decode` and `encode`. Both directions are
//! here (what a client sends and what a server sends): the tests and the
//! demonstration broker use the server's half.

mod ack;
mod auth;
mod connack;
mod connect;
mod disconnect;
mod frame;
pub mod primitive;
pub mod properties;
mod publish;
mod suback;
mod subscribe;
mod unsuback;
mod unsubscribe;

pub use ack::{Ack, AckKind};
pub use auth::Auth;
pub use connack::Connack;
pub use connect::{Connect, Will};
pub use disconnect::Disconnect;
pub use frame::{put_fixed_header, Frame, PacketType};
pub use properties::{Place, Properties, PropertyBuf, PropertyId, Value};
pub use publish::{put_plain, Publish, PLAIN_BODY_LEN};
pub use suback::Suback;
pub use subscribe::{Subscribe, SubscriptionOptions};
pub use unsuback::Unsuback;
pub use unsubscribe::Unsubscribe;

use crate::error::Result;
use crate::types::ProtocolVersion;

/// One packet, borrowing from the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the specification's
pub enum Packet<'a> {
    Connect(Connect<'a>),
    Connack(Connack<'a>),
    Publish(Publish<'a>),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    Ack(Ack<'a>),
    Subscribe(Subscribe<'a>),
    Suback(Suback<'a>),
    Unsubscribe(Unsubscribe<'a>),
    Unsuback(Unsuback<'a>),
    Pingreq,
    Pingresp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Reads the packet inside `frame`.
    ///
    /// The version is the connection's; a CONNECT carries its own.
    pub fn decode(frame: &Frame<'a>, version: ProtocolVersion) -> Result<Self> {
        frame.check_flags(version)?;
        Ok(match frame.packet_type {
            PacketType::Connect => Packet::Connect(Connect::decode(frame.body)?),
            PacketType::Connack => Packet::Connack(Connack::decode(frame.body, version)?),
            PacketType::Publish => {
                Packet::Publish(Publish::decode(frame.flags, frame.body, version)?)
            }
            PacketType::Puback => Packet::Ack(Ack::decode(AckKind::Puback, frame.body, version)?),
            PacketType::Pubrec => Packet::Ack(Ack::decode(AckKind::Pubrec, frame.body, version)?),
            PacketType::Pubrel => Packet::Ack(Ack::decode(AckKind::Pubrel, frame.body, version)?),
            PacketType::Pubcomp => Packet::Ack(Ack::decode(AckKind::Pubcomp, frame.body, version)?),
            PacketType::Subscribe => Packet::Subscribe(Subscribe::decode(frame.body, version)?),
            PacketType::Suback => Packet::Suback(Suback::decode(frame.body, version)?),
            PacketType::Unsubscribe => {
                Packet::Unsubscribe(Unsubscribe::decode(frame.body, version)?)
            }
            PacketType::Unsuback => Packet::Unsuback(Unsuback::decode(frame.body, version)?),
            PacketType::Pingreq => {
                frame.check_empty()?;
                Packet::Pingreq
            }
            PacketType::Pingresp => {
                frame.check_empty()?;
                Packet::Pingresp
            }
            PacketType::Disconnect => Packet::Disconnect(Disconnect::decode(frame.body, version)?),
            PacketType::Auth => Packet::Auth(Auth::decode(frame.body, version)?),
        })
    }

    /// Appends the packet's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        match self {
            Packet::Connect(packet) => packet.encode(out),
            Packet::Connack(packet) => packet.encode(out, version),
            Packet::Publish(packet) => packet.encode(out, version),
            Packet::Ack(packet) => packet.encode(out, version),
            Packet::Subscribe(packet) => packet.encode(out, version),
            Packet::Suback(packet) => packet.encode(out, version),
            Packet::Unsubscribe(packet) => packet.encode(out, version),
            Packet::Unsuback(packet) => packet.encode(out, version),
            Packet::Pingreq => put_fixed_header(out, PacketType::Pingreq, 0, 0),
            Packet::Pingresp => put_fixed_header(out, PacketType::Pingresp, 0, 0),
            Packet::Disconnect(packet) => packet.encode(out, version),
            Packet::Auth(packet) => packet.encode(out),
        }
    }
}
