//! The format of the log.
//!
//! | part | bytes |
//! |---|---|
//! | header | `mqttrs` `0x00` `version`, salt (4), checksum of these (4) |
//! | frame | length of the operations (4), their checksum (4), checksum of these two (4), operations |
//!
//! Numbers are big-endian, checksums CRC-32 begun with the salt: a message that carries a log
//! can never look like a part of this one.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::crc::crc32;
use crate::error::{CallerError, Error, Result};

const MAGIC: &[u8; 7] = b"mqttrs\0";
const VERSION: u8 = 1;
/// The size of the header.
pub(super) const HEADER: u64 = 16;
const FRAME_HEADER: usize = 12;
/// So much is read at once, or one frame that is larger.
pub(super) const PIECE: usize = 64 * 1024;

/// The format of one log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    salt: u32,
}

impl Format {
    /// That of a new log, and its header.
    pub(super) fn fresh() -> (Format, Vec<u8>) {
        let salt = RandomState::new().hash_one(0u8) as u32;
        let format = Format { salt };
        let mut header = MAGIC.to_vec();
        header.push(VERSION);
        header.extend_from_slice(&salt.to_be_bytes());
        let checksum = format.checksum(&header);
        header.extend_from_slice(&checksum.to_be_bytes());
        (format, header)
    }

    /// Makes `frame` the frame of these operations.
    pub(super) fn frame(self, operations: &[u8], frame: &mut Vec<u8>) {
        frame.clear();
        frame.extend_from_slice(&(operations.len() as u32).to_be_bytes());
        frame.extend_from_slice(&self.checksum(operations).to_be_bytes());
        let checksum = self.checksum(frame);
        frame.extend_from_slice(&checksum.to_be_bytes());
        frame.extend_from_slice(operations);
    }

    fn checksum(self, bytes: &[u8]) -> u32 {
        crc32(self.salt, bytes)
    }

    /// The length and the checksum that a frame's header gives, if it is one.
    fn frame_header(self, header: &[u8]) -> Option<(usize, u32)> {
        let (numbers, checksum) = header.split_at_checked(FRAME_HEADER - 4)?;
        let valid = self.checksum(numbers) == number(checksum)?;
        valid.then_some((number(numbers)? as usize, number(&numbers[4..])?))
    }

    /// The operations of the frame that these bytes begin with, if they do, and the rest.
    fn split(self, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let (header, rest) = bytes.split_at_checked(FRAME_HEADER)?;
        let (len, checksum) = self.frame_header(header)?;
        let (operations, rest) = rest.split_at_checked(len)?;
        (self.checksum(operations) == checksum).then_some((operations, rest))
    }

    /// Reads a piece of the frames between `at` and `end`, and hands their operations to `apply`;
    /// moves `at` behind each that was taken. Where no frame is, nothing happens.
    pub(super) fn read(
        self,
        log: &File,
        at: &mut u64,
        end: u64,
        apply: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut piece = Vec::new();
        let mut size = PIECE;
        let left = usize::try_from(end - *at).unwrap_or(usize::MAX);
        loop {
            piece.resize(size.min(left), 0);
            let read = log.read_exact_at(&mut piece, *at);
            read.map_err(|error| Error::io("store", &error))?;
            let header = piece.get(..FRAME_HEADER).unwrap_or_default();
            match self.frame_header(header) {
                // Nothing is believed that is not there.
                Some((len, _)) if len <= left && FRAME_HEADER + len > piece.len() => {
                    if piece.len() == left {
                        return Ok(());
                    }
                    size = FRAME_HEADER + len;
                }
                _ => break,
            }
        }
        let mut rest = &piece[..];
        while let Some((operations, next)) = self.split(rest) {
            apply(operations)?;
            *at += (FRAME_HEADER + operations.len()) as u64;
            rest = next;
        }
        Ok(())
    }
}

/// Reads a log of `size` bytes; gives how long it is without a tail that was never completed.
pub(super) fn read(
    path: &Path,
    log: &File,
    size: u64,
    apply: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<(Format, u64)> {
    let io = |error| Error::io("store", &error);
    let refuse = |at: u64, what: &str| {
        let text = format!("{}: {what} at byte {at}", path.to_string_lossy());
        Err(Error::Caller(CallerError::Store(text)))
    };
    let mut header = [0; HEADER as usize];
    if size < HEADER {
        return refuse(0, "not a log");
    }
    log.read_exact_at(&mut header, 0).map_err(io)?;
    let (start, checksum) = header.split_at(HEADER as usize - 4);
    let format = Format {
        salt: number(&start[8..]).unwrap_or(0),
    };
    if start[..7] != *MAGIC {
        return refuse(0, "not a log");
    }
    if start[7] != VERSION {
        return refuse(7, "a version of the format that this library does not know");
    }
    if number(checksum) != Some(format.checksum(start)) {
        return refuse(8, "damaged");
    }
    let mut at = HEADER;
    loop {
        let before = at;
        match format.read(log, &mut at, size, apply) {
            Ok(()) if at > before => {}
            Ok(()) => break,
            Err(error @ Error::Io(_)) => return Err(error),
            Err(error) => return refuse(at, &error.to_string()),
        }
    }
    // A write that was never completed is the last one: no frame is behind it.
    let mut tail = vec![0; (size - at) as usize];
    log.read_exact_at(&mut tail, at).map_err(io)?;
    if (1..tail.len()).any(|from| format.split(&tail[from..]).is_some()) {
        return refuse(at, "damaged");
    }
    Ok((format, at))
}

/// The big-endian number that these bytes begin with.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
