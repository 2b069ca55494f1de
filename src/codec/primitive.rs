//! The data types packets are made of (MQTT 5.0 section 1.5): a reader that
//! cannot over-read, and the writers that go with it.

use crate::error::{Error, PeerError, Result};
use crate::types::{utf8, PacketId};

/// The largest value a variable byte integer can hold (MQTT 5.0 section 1.5.5).
pub const VARINT_MAX: u32 = 268_435_455;

/// A cursor over the bytes of one packet.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// The bytes not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether every byte was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `len` bytes.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(Error::malformed("packet ends too early")),
        }
    }

    /// One byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    /// A two byte integer.
    #[inline]
    pub fn u16(&mut self) -> Result<u16> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A four byte integer.
    pub fn u32(&mut self) -> Result<u32> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// A variable byte integer; an encoding longer than needed is malformed (MQTT-1.5.5-1).
    pub fn varint(&mut self) -> Result<u32> {
        let mut value = 0;
        for index in 0..4 {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                if byte == 0 && index > 0 {
                    return Err(Error::malformed("variable byte integer is not minimal"));
                }
                return Ok(value);
            }
        }
        Err(Error::malformed(
            "variable byte integer longer than 4 bytes",
        ))
    }

    /// Binary data with a two byte length.
    #[inline]
    pub fn binary(&mut self) -> Result<&'a [u8]> {
        let len = self.u16()?;
        self.bytes(usize::from(len))
    }

    /// A UTF-8 string with a two byte length.
    #[inline]
    pub fn string(&mut self) -> Result<&'a str> {
        match utf8::from_wire(self.binary()?) {
            Some(text) => Ok(text),
            None => Err(Error::Peer(PeerError::MalformedUtf8)),
        }
    }

    /// A topic name, which has no wildcards (MQTT-3.3.2-2).
    #[inline]
    pub fn topic_name(&mut self) -> Result<&'a str> {
        let bytes = self.binary()?;
        // One look for both.
        let suspect = bytes.iter().any(|byte| matches!(byte, 0 | b'+' | b'#'));
        match std::str::from_utf8(bytes) {
            Ok(topic) if !suspect => Ok(topic),
            Ok(topic) if !topic.contains('\0') => Err(Error::malformed("wildcard in a topic name")),
            _ => Err(Error::Peer(PeerError::MalformedUtf8)),
        }
    }

    /// A packet identifier, which is never 0.
    #[inline]
    pub fn packet_id(&mut self) -> Result<PacketId> {
        PacketId::new(self.u16()?).ok_or_else(|| Error::malformed("packet identifier is 0"))
    }
}

/// The number of bytes `value` takes as a variable byte integer.
#[inline]
pub const fn varint_len(value: u32) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}

/// Appends a variable byte integer; `value` is at most [`VARINT_MAX`].
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    debug_assert!(value <= VARINT_MAX);
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends binary data with its two byte length.
///
/// Callers have checked that `bytes` is at most 65535 long; a longer slice is a
/// bug here and is cut rather than allowed to corrupt the stream.
#[inline]
pub fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    debug_assert!(bytes.len() <= usize::from(u16::MAX));
    let len = bytes.len().min(usize::from(u16::MAX));
    out.extend_from_slice(&(len as u16).to_be_bytes());
    out.extend_from_slice(&bytes[..len]);
}

/// Appends a UTF-8 string with its two byte length.
#[inline]
pub fn put_string(out: &mut Vec<u8>, text: &str) {
    put_binary(out, text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varint_uses_the_shortest_encoding_and_reads_back() {
        for (value, len) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (16_383, 2),
            (16_384, 3),
            (2_097_151, 3),
            (2_097_152, 4),
            (VARINT_MAX, 4),
        ] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out.len(), len);
            assert_eq!(varint_len(value), len);
            assert_eq!(Reader::new(&out).varint(), Ok(value));
        }
    }

    #[test]
    fn overlong_varints_are_malformed() {
        for bytes in [&[0x80, 0x00][..], &[0xff, 0xff, 0xff, 0xff, 0x01], &[0x80]] {
            assert!(matches!(
                Reader::new(bytes).varint(),
                Err(Error::Peer(PeerError::Malformed(_)))
            ));
        }
    }
}
