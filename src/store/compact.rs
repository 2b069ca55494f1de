//! Writing the log anew without what is superfluous, in small steps, so that no call waits for
//! more than one of them.
//!
//! The old log is read twice, up to where it ended when this began: once to find out what is needed,
//! once to copy that. What was written meanwhile is copied as it is, until nothing is left.

use std::fmt::{self, Debug, Formatter};
use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::log::{Format, HEADER};
use super::{begin_log, failed};
use crate::error::{CallerError, Error, Result};

/// So much is synchronised at once.
const SYNC_FROM: u64 = 1024 * 1024;

/// Tells operations that are needed from others. All are shown to it twice, in the same order.
pub trait Condense: Send {
    /// The first time.
    fn note(&mut self, operations: &[u8]) -> Result<()>;
    /// The second time: what is needed of them is appended to `out`.
    fn keep(&mut self, operations: &[u8], out: &mut Vec<u8>) -> Result<()>;
}

/// A log that takes the place of another.
#[derive(Debug)]
pub(super) struct NewLog {
    pub(super) file: File,
    pub(super) format: Format,
    pub(super) len: u64,
}

pub(super) struct Compaction {
    condense: Box<dyn Condense>,
    /// How far the old log was read.
    at: u64,
    /// Up to where it is condensed.
    end: u64,
    /// There is one from the second reading on.
    new: Option<NewLog>,
    unsynced: u64,
}

impl Debug for Compaction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Compaction")
    }
}

impl Compaction {
    pub(super) fn new(condense: Box<dyn Condense>, end: u64) -> Box<Compaction> {
        Box::new(Compaction {
            condense,
            at: HEADER,
            end,
            new: None,
            unsynced: 0,
        })
    }

    /// Goes on by a piece of the old log, of which `len` bytes are valid; counts in `worked` the
    /// bytes read and written. Whether the new one has it all.
    pub(super) fn step(
        &mut self,
        folder: &Path,
        (old, format, len): (&File, Format, u64),
        sync: bool,
        worked: &mut u64,
    ) -> Result<bool> {
        let before = self.at;
        let condensing = self.at < self.end;
        let end = if condensing { self.end } else { len };
        let (condense, first) = (&mut self.condense, self.new.is_none());
        let mut out = Vec::new();
        format.read(old, &mut self.at, end, &mut |operations| {
            match (first, condensing) {
                (true, _) => condense.note(operations)?,
                (_, true) => condense.keep(operations, &mut out)?,
                _ => out.extend_from_slice(operations),
            }
            Ok(())
        })?;
        *worked += self.at - before;
        if self.at == before && before < end {
            let text = "the log was damaged meanwhile".to_owned();
            return Err(Error::Caller(CallerError::Store(text)));
        }
        let Some(new) = &mut self.new else {
            if self.at == self.end {
                let begun = begin_log(folder);
                let (file, format) = begun.map_err(|error| failed(folder, &error))?;
                let len = HEADER;
                self.new = Some(NewLog { file, format, len });
                self.at = HEADER;
            }
            return Ok(false);
        };
        let mut frame = Vec::new();
        if !out.is_empty() {
            new.format.frame(&out, &mut frame);
        }
        let size = frame.len() as u64;
        new.len += size;
        *worked += size;
        self.unsynced += size;
        let done = self.at == len;
        let mut written = new.file.write_all(&frame);
        if written.is_ok() && sync && (done || self.unsynced >= SYNC_FROM) {
            self.unsynced = 0;
            written = new.file.sync_data();
        }
        match written {
            Ok(()) => Ok(done),
            Err(error) => Err(failed(folder, &error)),
        }
    }

    /// What [`Compaction::step`] has made, once that was done.
    pub(super) fn into_new(self) -> Option<NewLog> {
        self.new
    }
}
