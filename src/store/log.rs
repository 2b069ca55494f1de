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
use std::io::{BufReader, Read};
use std::path::Path;

use crc32fast::Hasher;

use crate::error::{CallerError, Error, Result};

const MAGIC: &[u8; 7] = b"mqttrs\0";
const VERSION: u8 = 1;
/// The size of the header.
pub(super) const HEADER: u64 = 16;
const FRAME_HEADER: usize = 12;

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
        let mut hasher = Hasher::new_with_initial(self.salt);
        hasher.update(bytes);
        hasher.finalize()
    }

    /// The length and the checksum that a frame's header gives, if it is one.
    fn frame_header(self, header: &[u8]) -> Option<(usize, u32)> {
        let (numbers, checksum) = header.split_at_checked(FRAME_HEADER - 4)?;
        let valid = self.checksum(numbers) == number(checksum)?;
        valid.then_some((number(numbers)? as usize, number(&numbers[4..])?))
    }

    /// Whether there is a whole frame anywhere in these bytes.
    fn has_frame(self, bytes: &[u8]) -> bool {
        (0..bytes.len()).any(|at| {
            let rest = &bytes[at..];
            let Some((len, checksum)) = self.frame_header(rest.get(..FRAME_HEADER).unwrap_or(&[]))
            else {
                return false;
            };
            let body = rest[FRAME_HEADER..].get(..len);
            body.is_some_and(|body| self.checksum(body) == checksum)
        })
    }
}

/// Reads a log of `size` bytes; gives how long it is without a tail that was never completed.
pub(super) fn read(
    path: &Path,
    log: &File,
    size: u64,
    apply: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<(Format, u64)> {
    let mut reader = BufReader::with_capacity(64 * 1024, log);
    let io = |error| Error::io("store", &error);
    let refuse = |at: u64, what: &str| {
        let text = format!("{}: {what} at byte {at}", path.display());
        Err(Error::Caller(CallerError::Store(text)))
    };
    let mut header = [0; HEADER as usize];
    if size < HEADER {
        return refuse(0, "not a log");
    }
    reader.read_exact(&mut header).map_err(io)?;
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
    let mut frame = Vec::new();
    loop {
        let rest = size - at;
        let head = FRAME_HEADER.min(rest as usize);
        frame.resize(head, 0);
        reader.read_exact(&mut frame).map_err(io)?;
        if let Some((len, checksum)) = format.frame_header(&frame) {
            if len as u64 <= rest - head as u64 {
                frame.resize(head + len, 0);
                reader.read_exact(&mut frame[head..]).map_err(io)?;
                if format.checksum(&frame[head..]) == checksum {
                    if let Err(error) = apply(&frame[head..]) {
                        return refuse(at, &error.to_string());
                    }
                    at += frame.len() as u64;
                    continue;
                }
            }
        }
        // A write that was never completed is the last one.
        reader.read_to_end(&mut frame).map_err(io)?;
        if format.has_frame(frame.get(1..).unwrap_or_default()) {
            return refuse(at, "damaged");
        }
        return Ok((format, at));
    }
}

/// The big-endian number that these bytes begin with.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
