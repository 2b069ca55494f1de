//! Where a journal is kept on the disk: one log in a folder of its own.
//!
//! The log is written from its front to its end and never in between, so a process that dies in
//! the middle of a write leaves a tail that is cut off, and nothing else can go wrong with it.
//! When more than half of it is superfluous it is written anew beside itself and put in its
//! place, which costs as much as it frees.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | the folder: its lock, opening, appending, writing anew |
//! | `log` | the format, and what a crash may have left of it |
//! | `sync` | when what was written has to be on the medium |

mod log;
mod sync;

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, IoError, Result};
use crate::transport::lock_file;
use log::Format;
pub use sync::Syncer;

/// A log of up to this size is not written anew.
const SMALL: u64 = 1024 * 1024;

const LOG: &str = "log";
const NEW_LOG: &str = "log.new";
const LOCK: &str = "lock";

/// What takes operations that belong together.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// What a stored message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, in whatever way. A power failure may take the last seconds.
    ProcessCrash,
    /// A power failure takes no more than what came within this time.
    SyncGroups(Duration),
    /// A power failure takes nothing.
    SyncEvery,
}

/// A folder that this process has to itself.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    log: Arc<File>,
    format: Format,
    /// The size of the log, of whole frames.
    len: u64,
    /// The size from which on it is looked at whether to write it anew.
    compact_from: u64,
    durability: Durability,
    syncer: Arc<Syncer>,
    frame: Vec<u8>,
    /// A torn frame is at the end and could not be taken off: nothing more can be written.
    broken: Option<Error>,
    /// This is the copy of it that a fork left in the child.
    inherited: bool,
    _lock: File,
}

impl Store {
    /// Opens a folder, which is made where there is none, and hands what was written to `apply`,
    /// oldest first. Also gives how many bytes at the end of the log were cut off, since a
    /// write of them was never completed.
    pub fn open(
        folder: &Path,
        durability: Durability,
        apply: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<(Store, u64)> {
        let of_folder = |error: io::Error| failed(folder, &error);
        if !folder.is_dir() {
            DirBuilder::new()
                .mode(0o700)
                .create(folder)
                .map_err(of_folder)?;
        }
        let lock = options().create(true).open(folder.join(LOCK));
        let lock = lock.map_err(of_folder)?;
        lock_file(&lock).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => trouble(folder, "is in use by another client", &error),
            _ => of_folder(error),
        })?;
        // What a process left that died while it wrote the log anew.
        let _ = fs::remove_file(folder.join(NEW_LOG));
        let path = folder.join(LOG);
        if !path.exists() {
            Self::begin_log(folder)?;
            let renamed = fs::rename(folder.join(NEW_LOG), &path);
            renamed.map_err(of_folder)?;
        }
        let log = options().append(true).open(&path).map_err(of_folder)?;
        let found = log.metadata().map_err(of_folder)?.len();
        let (format, len) = log::read(&path, &log, found, apply)?;
        if len < found {
            log.set_len(len).map_err(of_folder)?;
        }
        let log = Arc::new(log);
        let syncer = Syncer::start(&log, durability);
        let mut store = Store {
            folder: folder.to_owned(),
            log,
            format,
            len,
            compact_from: SMALL,
            durability,
            syncer,
            frame: Vec::new(),
            broken: None,
            inherited: false,
            _lock: lock,
        };
        if durability != Durability::ProcessCrash {
            store
                .log
                .sync_data()
                .map_err(|error| store.failed(&error))?;
            store.sync_folder()?;
        }
        store.frame.shrink_to_fit();
        Ok((store, found - len))
    }

    /// Who sees to it that what was written is on the medium.
    pub fn syncer(&self) -> &Arc<Syncer> {
        &self.syncer
    }

    /// Whether a message is not stored before it was synchronised.
    pub fn syncs_every(&self) -> bool {
        self.durability == Durability::SyncEvery
    }

    /// Appends operations up to the one with `number`, which are written all or not at all.
    pub fn append(&mut self, operations: &[u8], number: u64) -> Result<()> {
        if let Some(error) = self.broken.clone().or_else(|| self.syncer.error()) {
            return Err(error);
        }
        self.format.frame(operations, &mut self.frame);
        if let Err(error) = (&*self.log).write_all(&self.frame) {
            let error = self.failed(&error);
            if self.log.set_len(self.len).is_err() {
                self.broken = Some(error.clone());
            }
            return Err(error);
        }
        self.len += self.frame.len() as u64;
        if self.frame.capacity() > SMALL as usize {
            self.frame = Vec::new();
        }
        self.syncer.wrote(number);
        Ok(())
    }

    /// Whether the log should be written anew, `needed` bytes of it being of use.
    pub fn is_wasteful(&self, needed: u64) -> bool {
        self.len > self.compact_from && self.len / 2 > needed
    }

    /// The size of the log in bytes.
    pub fn size(&self) -> u64 {
        self.len
    }

    /// Writes the log anew, with what `write` hands to its argument, and whose last operation has
    /// `number`. After an error everything is as it was.
    pub fn rewrite(
        &mut self,
        number: u64,
        write: &mut dyn FnMut(Sink<'_>) -> Result<()>,
    ) -> Result<()> {
        let outcome = self.write_new(write);
        if outcome.is_err() {
            let _ = fs::remove_file(self.folder.join(NEW_LOG));
            // Not again with each message.
            self.compact_from = self.len + SMALL;
        }
        let (log, format, len) = outcome?;
        self.log = Arc::new(log);
        self.format = format;
        self.len = len;
        self.compact_from = SMALL;
        self.broken = None;
        self.syncer.replaced(&self.log, number);
        Ok(())
    }

    /// Lets go of the files in the child of a fork, where they are the parent's.
    pub fn inherit(mut self) {
        self.inherited = true;
    }

    fn write_new(
        &mut self,
        write: &mut dyn FnMut(Sink<'_>) -> Result<()>,
    ) -> Result<(File, Format, u64)> {
        let (log, format) = Self::begin_log(&self.folder)?;
        let mut len = log::HEADER;
        let (frame, folder) = (&mut self.frame, &self.folder);
        write(&mut |operations| {
            format.frame(operations, frame);
            len += frame.len() as u64;
            let written = (&log).write_all(frame);
            written.map_err(|error| failed(folder, &error))
        })?;
        if self.durability != Durability::ProcessCrash {
            log.sync_data().map_err(|error| self.failed(&error))?;
        }
        let renamed = fs::rename(self.folder.join(NEW_LOG), self.folder.join(LOG));
        renamed.map_err(|error| self.failed(&error))?;
        if self.durability != Durability::ProcessCrash {
            self.sync_folder()?;
        }
        Ok((log, format, len))
    }

    fn begin_log(folder: &Path) -> Result<(File, Format)> {
        let path = folder.join(NEW_LOG);
        let begun = options().append(true).create(true).open(path);
        let begun = begun.and_then(|log| {
            let (format, header) = Format::fresh();
            (&log).write_all(&header)?;
            Ok((log, format))
        });
        begun.map_err(|error| failed(folder, &error))
    }

    fn sync_folder(&self) -> Result<()> {
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        failed(&self.folder, error)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        match self.inherited {
            true => self.syncer.inherit(),
            false => self.syncer.stop(),
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Messages are nobody else's business.
    options.read(true).write(true).mode(0o600);
    options
}

fn failed(folder: &Path, error: &io::Error) -> Error {
    trouble(folder, error, error)
}

fn trouble(folder: &Path, what: impl Display, error: &io::Error) -> Error {
    Error::Io(IoError {
        operation: "store",
        errno: error.raw_os_error().unwrap_or(0),
        message: format!("{}: {what}", folder.display()),
    })
}

#[cfg(test)]
mod tests;
