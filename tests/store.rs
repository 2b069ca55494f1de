//! A session and its store together, without a network.

mod session_support;
// The library has it as a feature.
#[allow(dead_code, unreachable_pub)]
#[path = "../src/store/mod.rs"]
mod store;
mod support;

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;

// What the store stands on.
use mqttrs::{error, transport};

use mqttrs::session::{Journal, Replay, WallClock};
use session_support::*;
use store::{Condense, Durability, Store};
use support::*;

/// A bench whose session is stored in a folder of its own.
struct Stored {
    bench: Bench,
    store: Store,
    folder: PathBuf,
    /// The largest size of the log so far.
    largest: u64,
    /// The most work that one write has done to write the log anew.
    longest: u64,
}

/// As the client does it.
struct Condenser(Replay);

impl Condense for Condenser {
    fn note(&mut self, operations: &[u8]) -> error::Result<()> {
        self.0.apply(operations)
    }

    fn keep(&mut self, operations: &[u8], out: &mut Vec<u8>) -> error::Result<()> {
        self.0.keep(operations, out)
    }
}

impl Stored {
    fn new(name: &str) -> Stored {
        let folder = std::env::temp_dir().join(format!("mqttrs-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Stored::open(folder)
    }

    fn open(folder: PathBuf) -> Stored {
        let mut bench = Bench::new(Version::V311);
        let mut replay = Replay::default();
        let mut apply = |part: &[u8]| replay.apply(part);
        let (store, _) = Store::open(&folder, Durability::ProcessCrash, &mut apply).unwrap();
        let wall = WallClock {
            instant: bench.now,
            unix_ms: 0,
        };
        let journal = Journal::new(wall, 1 << 30);
        bench.session.restore(replay, journal).unwrap();
        Stored {
            bench,
            store,
            folder,
            largest: 0,
            longest: 0,
        }
    }

    fn write(&mut self, message: bool) -> u64 {
        let session = &mut self.bench.session;
        let (operations, number) = session.unwritten();
        let before = self.store.worked();
        self.store.append(operations, number, message).unwrap();
        session.written();
        self.store.condense(session.stored_size(), || {
            Box::new(Condenser(Replay::without_bodies()))
        });
        self.largest = self.largest.max(self.store.size());
        self.longest = self.longest.max(self.store.worked() - before);
        session.stored(number);
        number
    }

    fn publish(&mut self) -> u16 {
        let mid = self.bench.publish("a", &[7; 20], 1).unwrap();
        let number = self.write(true);
        self.bench.session.accept(number, self.bench.now);
        mid
    }

    fn acknowledge(&mut self, mid: u16) {
        self.bench.accept_input(&puback(mid));
        self.bench.seen();
        self.bench.sent();
    }

    /// The process dies, and another one takes its place.
    fn dies(mut self) -> Stored {
        let folder = std::mem::take(&mut self.folder);
        drop(self);
        Stored::open(folder)
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        if self.folder.as_os_str().is_empty() {
            return; // the next process has it
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_million_messages_through_a_window_leave_the_log_small() {
    const WINDOW: usize = 20;
    let mut stored = Stored::new("million");
    stored.bench.reconnect(false, &[]);
    let mut window = VecDeque::new();
    for _ in 0..1_000_000 {
        window.push_back(stored.publish());
        if window.len() == WINDOW {
            stored.acknowledge(window.pop_front().unwrap());
        }
    }
    stored.write(false);
    // What may gather before it is worth while to write the log anew, and while that is done.
    let bound = 1024 * 1024 * 3 / 2;
    assert!(stored.largest > 1024 * 1024, "nothing was ever superfluous");
    assert!(stored.largest < bound, "{}", stored.largest);
    let on_disk = fs::metadata(stored.folder.join("log")).unwrap().len();
    assert_eq!(on_disk, stored.store.size());
    let folder: u64 = fs::read_dir(&stored.folder)
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(folder < 2 * bound, "{folder}");
    let mut next = stored.dies();
    next.bench.reconnect(true, &[]);
    assert_eq!(next.bench.sent().len(), WINDOW - 1);
}

#[test]
fn no_write_waits_for_long_while_a_log_with_400000_messages_is_written_anew() {
    const WAITING: usize = 400_000;
    let mut stored = Stored::new("pauses");
    stored.bench.reconnect(false, &[]);
    stored.bench.sent();
    let mut window = VecDeque::new();
    let mut sizes = (0, 0);
    while window.len() < WAITING {
        window.push_back(stored.publish());
    }
    // From here on as many come as go, until more than half of the log has gone.
    for _ in 0..2 * WAITING {
        stored.acknowledge(window.pop_front().unwrap());
        window.push_back(stored.publish());
        sizes.0 = sizes.0.max(stored.store.size());
        if stored.store.size() < sizes.0 {
            sizes.1 = stored.store.size();
            break;
        }
    }
    assert!(sizes.1 > 0, "the log was not written anew");
    assert!(sizes.1 < sizes.0 * 3 / 4, "{sizes:?}");
    let total = stored.store.worked();
    assert!(total > 2 * sizes.1, "{total}");
    // Two pieces of 64 KiB: one that is read, and what is needed of it.
    assert!(stored.longest <= 2 * 64 * 1024 + 100, "{}", stored.longest);
    assert_eq!(window.len(), WAITING);
    let mut next = stored.dies();
    next.bench.reconnect(true, &[]);
    let mut kept = 0;
    while let Some(mid) = window.pop_front() {
        kept += next.bench.sent().len();
        next.bench.accept_input(&puback(mid));
        next.bench.seen();
    }
    assert_eq!(kept + next.bench.sent().len(), WAITING);
}
