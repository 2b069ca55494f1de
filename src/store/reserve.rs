//! Room that is taken while there is some, for when there is none: what becomes of stored messages
//! has to be written down even on a full disk, or they could never leave it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::log::PIECE;

const RESERVE: &str = "reserve";

/// A file full of zeros.
#[derive(Debug)]
pub(super) struct Reserve {
    file: File,
    len: u64,
}

impl Reserve {
    pub(super) fn open(folder: &Path) -> io::Result<Reserve> {
        let file = super::open(folder, RESERVE)?;
        let len = file.metadata()?.len();
        Ok(Reserve { file, len })
    }

    /// Makes it as large as a log of `log` bytes needs it.
    pub(super) fn fill(&mut self, log: u64) -> io::Result<()> {
        // A message of 100 bytes has two or three changes of 3 bytes to come, and a part of their
        // frames.
        let size = PIECE as u64 + log / 8;
        while self.len < size {
            if let Err(error) = self.file.write_all(&vec![0; PIECE]) {
                // What was written of it is more, which does no harm.
                let _ = self.file.set_len(self.len);
                return Err(error);
            }
            self.len += PIECE as u64;
        }
        if self.len > size + 16 * PIECE as u64 {
            self.file.set_len(size)?;
            self.len = size;
        }
        Ok(())
    }

    /// Gives the room back; whether there was any.
    pub(super) fn free(&mut self) -> bool {
        let freed = self.len > 0 && self.file.set_len(0).is_ok();
        if freed {
            self.len = 0;
        }
        freed
    }
}
