//! Where a journal is kept on the disk: one log in a folder of its own.
//!
//! The log is written from its front to its end and never in between, so a process that dies in
//! the middle of a write leaves a tail that is cut off, and nothing else can go wrong with it.
//! When more than half of it is superfluous it is written anew beside itself, a piece with every
//! few writes, and put in its place.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | the folder: its lock, opening, appending, what to do when that fails |
//! | `log` | the format, and what a crash may have left of it |
//! | `crc` | its checksums |
//! | `compact` | writing it anew |
//! | `reserve` | room for when the disk is full |
//! | `sync` | when what was written has to be on the medium |

mod compact;
mod crc;
mod log;
mod reserve;
mod sync;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, IoError, Result};
use crate::transport::lock_file;
use compact::Compaction;
pub use compact::Condense;
use log::{Format, PIECE};
use reserve::Reserve;
pub use sync::Syncer;

/// A log of up to this size is not written anew.
const SMALL: u64 = 1024 * 1024;
/// While the log is written anew, so many bytes of it are looked at for each that is appended: it
/// is read twice and half of it written, so it grows by little more than a quarter meanwhile.
const PACE: u64 = 8;
/// So many pieces at once when there is no room otherwise.
const PIECES_IN_NEED: usize = 128;
/// What is superfluous has to take so much for that.
const WORTHWHILE: u64 = 4096;

/// `errno` of what is not there, the same number on all systems.
const ENOENT: i32 = 2;

const LOG: &str = "log";
const NEW_LOG: &str = "log.new";
const LOCK: &str = "lock";

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
    compaction: Option<Box<Compaction>>,
    /// The log before this one, and how much of it is left: to give back all of a large file at once
    /// takes its time.
    retired: Option<(Arc<File>, u64)>,
    /// How many bytes of work it is behind, and how many it has done.
    owed: u64,
    worked: u64,
    /// It is of no use to look for room while more than so many bytes are needed.
    hopeful_up_to: u64,
    reserve: Reserve,
    durability: Durability,
    syncer: Arc<Syncer>,
    /// The number of the last operation written.
    number: u64,
    frame: Vec<u8>,
    /// A torn frame is at the end and could not be taken off: nothing more can be written.
    broken: Option<Error>,
    /// This is the copy of it that a fork left in the child.
    inherited: bool,
    lock: File,
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
        let files = Files::open(folder).map_err(|error| failed(folder, &error))?;
        let (log, found) = (files.log, files.len);
        let (format, len) = log::read(&folder.join(LOG), &log, found, apply)?;
        let made_whole = || {
            if len < found {
                log.set_len(len)?;
            }
            match durability {
                Durability::ProcessCrash => Ok(()),
                _ => log.sync_data().and_then(|()| sync_folder(folder)),
            }
        };
        made_whole().map_err(|error| failed(folder, &error))?;
        let log = Arc::new(log);
        let syncer = Syncer::start(&log, durability);
        let store = Store {
            folder: folder.to_owned(),
            log,
            format,
            len,
            compact_from: SMALL,
            compaction: None,
            retired: None,
            owed: 0,
            worked: 0,
            hopeful_up_to: u64::MAX,
            reserve: files.reserve,
            durability,
            syncer,
            number: 0,
            frame: Vec::new(),
            broken: None,
            inherited: false,
            lock: files.lock,
        };
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

    /// Appends operations up to the one with `number`, which are written all or not at all. Those
    /// with a `message` leave the reserve to the others.
    pub fn append(&mut self, operations: &[u8], number: u64, message: bool) -> Result<()> {
        if let Some(error) = self.broken.clone().or_else(|| self.syncer.error()) {
            return Err(error);
        }
        self.format.frame(operations, &mut self.frame);
        let mut written = match message {
            true => self.reserve.fill(self.len),
            false => Ok(()),
        };
        if written.is_ok() {
            written = self.write_frame();
        }
        if written.is_err() && !message && self.broken.is_none() && self.reserve.free() {
            written = self.write_frame();
        }
        written.map_err(|error| failed(&self.folder, &error))?;
        let size = self.frame.len() as u64;
        self.len += size;
        self.number = number;
        if self.frame.capacity() > SMALL as usize {
            self.frame = Vec::new();
        }
        if message {
            self.hopeful_up_to = u64::MAX;
        }
        self.syncer.wrote(number);
        if let Some((old, len)) = &mut self.retired {
            *len = len.saturating_sub(SMALL);
            if old.set_len(*len).is_err() || *len == 0 {
                self.retired = None;
            }
        }
        if self.compaction.is_some() {
            self.owed += PACE * size;
            while self.owed >= PIECE as u64 && self.compaction.is_some() {
                self.owed -= PIECE as u64;
                // It can stay as it is for now.
                let _ = self.step();
            }
        }
        Ok(())
    }

    /// Begins to write the log anew when it is worth it, `needed` bytes of it being of use; it
    /// goes on whenever something is appended.
    pub fn condense(&mut self, needed: u64, how: fn() -> Box<dyn Condense>) {
        if self.compaction.is_none() && self.len > self.compact_from && self.len / 2 > needed {
            self.compaction = Some(Compaction::new(how(), self.len));
            self.owed = 0;
        }
    }

    /// After a failure to append: writes the log anew, if that may help. Whether to try again; where
    /// there is much of it that takes some calls.
    pub fn make_room(&mut self, needed: u64, how: fn() -> Box<dyn Condense>) -> bool {
        let lost = self.broken.is_some() || is_removed(&self.log);
        if self.retired.take().is_some() && !lost {
            return true; // what was left of the log before this one has gone at once
        }
        let waste = self.len.saturating_sub(needed);
        if !lost && (waste < WORTHWHILE || needed > self.hopeful_up_to) {
            return false;
        }
        if lost && self.take_folder_again().is_err() {
            return false;
        }
        self.reserve.free();
        let compaction = || Compaction::new(how(), self.len);
        self.compaction = Some(self.compaction.take().unwrap_or_else(compaction));
        for _ in 0..if lost { usize::MAX } else { PIECES_IN_NEED } {
            match self.step() {
                Ok(false) => {}
                Ok(true) => {
                    self.retired = None;
                    return true;
                }
                Err(_) => {
                    self.hopeful_up_to = needed - needed / 8;
                    return false;
                }
            }
        }
        false
    }

    /// The size of the log in bytes.
    pub fn size(&self) -> u64 {
        self.len
    }

    /// How many bytes were read and written so far to write the log anew.
    pub fn worked(&self) -> u64 {
        self.worked
    }

    /// Lets go of the files in the child of a fork, where they are the parent's.
    pub fn inherit(mut self) {
        self.inherited = true;
    }

    fn write_frame(&mut self) -> io::Result<()> {
        let mut written = (&*self.log).write_all(&self.frame);
        if written.is_ok() && is_removed(&self.log) {
            written = Err(io::Error::from_raw_os_error(ENOENT));
        }
        if let Err(error) = &written {
            if self.log.set_len(self.len).is_err() {
                self.broken = Some(failed(&self.folder, error));
            }
        }
        written
    }

    /// Writes the log anew a little further; whether that is done. After an error everything is as
    /// it was.
    fn step(&mut self) -> Result<bool> {
        let Some(mut compaction) = self.compaction.take() else {
            return Ok(true);
        };
        let old = (&*self.log, self.format, self.len);
        let sync = self.durability != Durability::ProcessCrash;
        let stepped = compaction.step(&self.folder, old, sync, &mut self.worked);
        let outcome = match stepped {
            Ok(false) => {
                self.compaction = Some(compaction);
                return Ok(false);
            }
            Ok(true) => self.replace(*compaction),
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            let _ = fs::remove_file(self.folder.join(NEW_LOG));
            // Not again with each message.
            self.compact_from = self.len + SMALL.max(self.len / 4);
        }
        outcome.map(|()| true)
    }

    /// Puts the new log in the place of the old one.
    fn replace(&mut self, compaction: Compaction) -> Result<()> {
        let path = self.folder.join(LOG);
        let moved = match path.exists() && !is_same(&self.log, &path) {
            true => Err(io::ErrorKind::WouldBlock.into()), // it is another client's
            false => fs::rename(self.folder.join(NEW_LOG), path),
        };
        moved.map_err(|error| failed(&self.folder, &error))?;
        if let Some(new) = compaction.into_new() {
            let old = std::mem::replace(&mut self.log, Arc::new(new.file));
            self.retired = Some((old, self.len));
            self.format = new.format;
            self.len = new.len;
        }
        self.compact_from = SMALL;
        self.broken = None;
        self.syncer.replaced(&self.log, self.number);
        if self.durability != Durability::ProcessCrash {
            if let Err(error) = sync_folder(&self.folder) {
                // Which of the two logs is there after a power failure, nobody can tell.
                self.broken = Some(failed(&self.folder, &error));
            }
        }
        Ok(())
    }

    /// Makes the folder again that somebody has removed.
    fn take_folder_again(&mut self) -> io::Result<()> {
        if !is_same(&self.lock, &self.folder.join(LOCK)) {
            self.lock = lock_folder(&self.folder)?;
        }
        self.reserve = Reserve::open(&self.folder)?;
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.inherited {
            return self.syncer.inherit();
        }
        self.syncer.stop();
        if self.compaction.is_some() {
            let _ = fs::remove_file(self.folder.join(NEW_LOG));
        }
    }
}

/// What a folder has.
struct Files {
    lock: File,
    log: File,
    len: u64,
    reserve: Reserve,
}

impl Files {
    fn open(folder: &Path) -> io::Result<Files> {
        let lock = lock_folder(folder)?;
        let (new, path) = (folder.join(NEW_LOG), folder.join(LOG));
        // What a process left that died while it wrote the log anew.
        let _ = fs::remove_file(&new);
        if !path.exists() {
            begin_log(folder)?;
            fs::rename(new, path)?;
        }
        let log = open(folder, LOG)?;
        Ok(Files {
            lock,
            len: log.metadata()?.len(),
            log,
            reserve: Reserve::open(folder)?,
        })
    }
}

/// Takes a folder, which is made where there is none.
#[inline(never)]
fn lock_folder(folder: &Path) -> io::Result<File> {
    if !folder.is_dir() {
        DirBuilder::new().mode(0o700).create(folder)?;
    }
    let lock = open(folder, LOCK)?;
    lock_file(&lock)?;
    Ok(lock)
}

/// A log with nothing in it, not yet in its place.
#[inline(never)]
fn begin_log(folder: &Path) -> io::Result<(File, Format)> {
    let mut log = open(folder, NEW_LOG)?;
    let (format, header) = Format::fresh();
    log.write_all(&header)?;
    Ok((log, format))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Whether the file has no name any more.
fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
}

/// Whether the file has this name.
fn is_same(file: &File, path: &Path) -> bool {
    let number = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(there)) => number(own) == number(there),
        _ => false,
    }
}

/// Opens a file to append to it, and makes it where there is none.
#[inline(never)]
fn open(folder: &Path, name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Messages are nobody else's business.
    options.read(true).append(true).create(true).mode(0o600);
    options.open(folder.join(name))
}

#[cold]
fn failed(folder: &Path, error: &io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::WouldBlock => "in use by another client".to_owned(),
        _ => error.to_string(),
    };
    Error::Io(IoError {
        operation: "store",
        errno: error.raw_os_error().unwrap_or(0),
        message: format!("{}: {what}", folder.to_string_lossy()),
    })
}

#[cfg(test)]
mod tests;
