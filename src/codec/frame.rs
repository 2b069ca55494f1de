//! The fixed header (MQTT 5.0 section 2.1): cutting packets out of a stream.

use super::primitive::put_varint;
use crate::error::{Error, PeerError, Result};
use crate::types::ProtocolVersion;

/// A packet type, the high nibble of the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // the names are the specification's
pub enum PacketType {
    Connect = 1,
    Connack = 2,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Suback = 9,
    Unsubscribe = 10,
    Unsuback = 11,
    Pingreq = 12,
    Pingresp = 13,
    Disconnect = 14,
    Auth = 15,
}

impl PacketType {
    const fn new(nibble: u8) -> Option<Self> {
        Some(match nibble {
            1 => PacketType::Connect,
            2 => PacketType::Connack,
            3 => PacketType::Publish,
            4 => PacketType::Puback,
            5 => PacketType::Pubrec,
            6 => PacketType::Pubrel,
            7 => PacketType::Pubcomp,
            8 => PacketType::Subscribe,
            9 => PacketType::Suback,
            10 => PacketType::Unsubscribe,
            11 => PacketType::Unsuback,
            12 => PacketType::Pingreq,
            13 => PacketType::Pingresp,
            14 => PacketType::Disconnect,
            15 => PacketType::Auth,
            _ => return None,
        })
    }
}

/// One whole packet, cut but not read.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The packet type.
    pub packet_type: PacketType,
    /// The low nibble of the first byte.
    pub flags: u8,
    /// Everything behind the fixed header.
    pub body: &'a [u8],
    /// The packet's length with its fixed header.
    pub len: usize,
}

impl<'a> Frame<'a> {
    /// Cuts the first packet from `bytes`; `None` when it is not complete yet.
    ///
    /// A packet whose announced length, fixed header included, is above `limit`
    /// fails before any of it needs to be kept.
    #[inline]
    pub fn parse(bytes: &'a [u8], limit: usize) -> Result<Option<Self>> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let packet_type = PacketType::new(first >> 4)
            .ok_or_else(|| Error::malformed("packet type 0 is reserved"))?;
        let Some((body_len, length_bytes)) = remaining_length(rest)? else {
            return Ok(None);
        };
        let header = 1 + length_bytes;
        let len = header + body_len;
        if len > limit {
            return Err(Error::Peer(PeerError::PacketTooLarge));
        }
        Ok(bytes.get(header..len).map(|body| Frame {
            packet_type,
            flags: first & 0x0f,
            body,
            len,
        }))
    }

    /// The length of the packet at the start of `bytes` with its fixed header, as soon
    /// as the header is there; `None` before that or when it is malformed.
    #[inline]
    pub fn announced_len(bytes: &[u8]) -> Option<usize> {
        let (body_len, length_bytes) = remaining_length(bytes.get(1..)?).ok()??;
        Some(1 + length_bytes + body_len)
    }

    /// The reserved flags must have their fixed values (MQTT-2.1.3-1). MQTT 3.1 left
    /// them undefined for packets of ours to ignore.
    pub(super) fn check_flags(&self, version: ProtocolVersion) -> Result<()> {
        let expected = match self.packet_type {
            PacketType::Publish => return Ok(()),
            PacketType::Pubrel | PacketType::Subscribe | PacketType::Unsubscribe => 2,
            _ => 0,
        };
        if self.flags != expected && version != ProtocolVersion::V31 {
            return Err(Error::malformed(
                "reserved flags of the fixed header are set",
            ));
        }
        Ok(())
    }

    pub(super) fn check_empty(&self) -> Result<()> {
        if self.body.is_empty() {
            Ok(())
        } else {
            Err(Error::malformed("packet has a body where none may be"))
        }
    }
}

/// The remaining length at the start of `bytes` and how many bytes it took.
#[inline]
fn remaining_length(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut value = 0usize;
    for index in 0..4 {
        let Some(&byte) = bytes.get(index) else {
            return Ok(None);
        };
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                return Err(Error::malformed("remaining length is not minimal"));
            }
            return Ok(Some((value, index + 1)));
        }
    }
    Err(Error::malformed("remaining length longer than 4 bytes"))
}

/// The length of the longest fixed header.
pub const LONGEST_FIXED_HEADER: usize = 5;

/// Appends a fixed header for a body of `body_len` bytes.
#[inline]
pub fn put_fixed_header(out: &mut Vec<u8>, packet_type: PacketType, flags: u8, body_len: usize) {
    let first = (packet_type as u8) << 4 | flags;
    if body_len < 128 {
        out.extend_from_slice(&[first, body_len as u8]);
        return;
    }
    out.push(first);
    put_varint(out, body_len as u32);
}

/// Appends a packet whose body `write` produces, with the right length in front.
pub(super) fn put_packet(
    out: &mut Vec<u8>,
    packet_type: PacketType,
    flags: u8,
    write: impl FnOnce(&mut Vec<u8>),
) {
    let mut body = Vec::new();
    write(&mut body);
    put_fixed_header(out, packet_type, flags, body.len());
    out.extend_from_slice(&body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_cut_only_when_it_is_whole() {
        let bytes = [0xD0, 0x00, 0x40];
        let frame = Frame::parse(&bytes, 100).unwrap().unwrap();
        assert_eq!((frame.packet_type, frame.len), (PacketType::Pingresp, 2));
        assert!(Frame::parse(&bytes[..1], 100).unwrap().is_none());
        assert!(Frame::parse(&[0x30, 0x05, 0, 1], 100).unwrap().is_none());
    }

    #[test]
    fn the_limit_counts_the_fixed_header_and_needs_no_body() {
        assert!(Frame::parse(&[0x30, 0x0A], 12).unwrap().is_none());
        assert_eq!(
            Frame::parse(&[0x30, 0x0A], 11).unwrap_err(),
            Error::Peer(PeerError::PacketTooLarge)
        );
    }

    #[test]
    fn bad_lengths_and_type_zero_are_malformed() {
        for bytes in [
            &[0x00, 0x00][..],
            &[0x30, 0x80, 0x00],
            &[0x30, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            assert!(Frame::parse(bytes, usize::MAX).is_err());
        }
    }
}
