//! A session and its store together, without a network.

#![cfg(feature = "store")] // `make store-test`

mod session_support;
mod support;

use std::fs;
use std::path::PathBuf;

use mqttrs::session::{Journal, Replay, WallClock};
use mqttrs::store::{Durability, Store};
use session_support::*;
use support::*;

/// A bench whose session is stored in a folder of its own.
struct Stored {
    bench: Bench,
    store: Store,
    folder: PathBuf,
    /// The largest size of the folder so far.
    largest: u64,
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
        }
    }

    fn write(&mut self) -> u64 {
        let session = &mut self.bench.session;
        let (operations, number) = session.unwritten();
        self.store.append(operations, number).unwrap();
        session.written();
        self.largest = self.largest.max(self.store.size());
        if self.store.is_wasteful(session.stored_size()) {
            let rewritten = self
                .store
                .rewrite(number, &mut |write| session.snapshot(write));
            rewritten.unwrap();
        }
        session.stored(number);
        number
    }

    fn publish(&mut self) -> u16 {
        let mid = self.bench.publish("a", &[7; 20], 1).unwrap();
        let number = self.write();
        self.bench.session.accept(number, self.bench.now);
        mid
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_million_messages_through_a_window_leave_the_log_small() {
    const WINDOW: usize = 20;
    let mut stored = Stored::new("million");
    stored.bench.reconnect(false, &[]);
    let mut window = std::collections::VecDeque::new();
    for _ in 0..1_000_000 {
        window.push_back(stored.publish());
        if window.len() == WINDOW {
            stored
                .bench
                .accept_input(&puback(window.pop_front().unwrap()));
            stored.bench.seen();
            stored.bench.sent();
        }
    }
    stored.write();
    // What may gather before it is worth while to write the log anew, and a little.
    assert!(stored.largest > 1024 * 1024, "nothing was ever superfluous");
    assert!(
        stored.largest < 1024 * 1024 + 64 * 1024,
        "{}",
        stored.largest
    );
    let on_disk = fs::metadata(stored.folder.join("log")).unwrap().len();
    assert_eq!(on_disk, stored.store.size());
    let folder = std::mem::take(&mut stored.folder);
    stored.folder = folder.with_extension("none");
    drop(stored);
    let next = Stored::open(folder);
    let mut kept = 0;
    next.bench
        .session
        .snapshot(&mut |part| {
            // A record has the payload in it once.
            kept += part.windows(20).filter(|bytes| *bytes == [7; 20]).count();
            Ok(())
        })
        .unwrap();
    assert_eq!(kept, WINDOW - 1);
}
