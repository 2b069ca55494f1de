//! The log, cut and bent everywhere.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::{Condense, Durability, Store, PIECE, SMALL};
use crate::error::Result;

/// A folder that goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mqttrs-store-{}-{number}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    fn open(&self) -> Result<(Store, u64, Vec<Vec<u8>>)> {
        self.open_as(Durability::ProcessCrash)
    }

    fn open_as(&self, durability: Durability) -> Result<(Store, u64, Vec<Vec<u8>>)> {
        let mut found = Vec::new();
        let (store, cut) = Store::open(&self.0, durability, &mut |part| {
            found.push(part.to_vec());
            Ok(())
        })?;
        Ok((store, cut, found))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn three() -> (Folder, Vec<Vec<u8>>, Vec<u8>) {
    let folder = Folder::new();
    let parts = vec![b"one".to_vec(), vec![0; 40], b"the last of three".to_vec()];
    let (mut store, _, found) = folder.open().unwrap();
    assert!(found.is_empty());
    for part in &parts {
        store.append(part, 1, true).unwrap();
    }
    drop(store);
    let log = fs::read(folder.log()).unwrap();
    (folder, parts, log)
}

#[test]
fn what_was_appended_is_there_again_and_can_be_appended_to() {
    for durability in [
        Durability::ProcessCrash,
        Durability::SyncEvery,
        Durability::SyncGroups(std::time::Duration::from_millis(1)),
    ] {
        let folder = Folder::new();
        for round in 0..3u8 {
            let (mut store, cut, found) = folder.open_as(durability).unwrap();
            assert_eq!((cut, found.len()), (0, usize::from(round)));
            store.append(&[round; 5], 1, true).unwrap();
            store.syncer().sync(1).unwrap();
        }
    }
}

#[test]
fn a_tail_cut_at_any_byte_leaves_the_whole_frames_before_it() {
    let (folder, parts, log) = three();
    let mut ends = vec![16];
    for part in &parts {
        ends.push(ends[ends.len() - 1] + 12 + part.len());
    }
    for len in 16..=log.len() {
        fs::write(folder.log(), &log[..len]).unwrap();
        let (mut store, cut, found) = folder.open().unwrap();
        let whole = ends.iter().filter(|end| **end <= len).count() - 1;
        assert_eq!(found, parts[..whole]);
        assert_eq!(cut, (len - ends[whole]) as u64);
        store.append(b"more", 1, true).unwrap();
        drop(store);
        assert_eq!(folder.open().unwrap().2.len(), whole + 1);
    }
}

#[test]
fn a_bent_bit_is_an_error_that_says_where_but_in_the_last_frame() {
    let (folder, parts, log) = three();
    let last = log.len() - parts[2].len() - 12;
    for bit in 0..log.len() * 8 {
        let mut bent = log.clone();
        bent[bit / 8] ^= 1 << (bit % 8);
        fs::write(folder.log(), &bent).unwrap();
        match folder.open() {
            Ok((_, cut, found)) => {
                assert!(bit / 8 >= last, "bit {bit} passed");
                assert!(cut > 0);
                assert_eq!(found, parts[..2]);
            }
            Err(error) => {
                assert!(bit / 8 < last, "bit {bit}: {error}");
                assert!(error.to_string().contains("at byte"), "{error}");
            }
        }
        assert_eq!(
            fs::read(folder.log()).unwrap().len(),
            if bit / 8 < last { log.len() } else { last }
        );
    }
}

#[test]
fn an_unknown_version_is_refused_and_left_alone() {
    let (folder, _, mut log) = three();
    log[7] = 2;
    fs::write(folder.log(), &log).unwrap();
    let error = folder.open().unwrap_err().to_string();
    assert!(error.contains("version"), "{error}");
    assert_eq!(fs::read(folder.log()).unwrap(), log);
}

#[test]
fn a_folder_has_one_user_at_a_time_and_the_error_names_it() {
    let folder = Folder::new();
    let (first, ..) = folder.open().unwrap();
    let error = folder.open().unwrap_err().to_string();
    assert!(
        error.contains("in use") && error.contains(folder.0.to_str().unwrap()),
        "{error}"
    );
    drop(first);
    folder.open().unwrap();
}

/// Keeps what does not begin with `x`, and fails where it sees `!`.
struct NoX;

impl Condense for NoX {
    fn note(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn keep(&mut self, operations: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if operations[0] == b'!' {
            return Err(crate::error::Error::invalid("no more"));
        }
        if operations[0] != b'x' {
            out.extend_from_slice(operations);
        }
        Ok(())
    }
}

fn no_x() -> Box<dyn Condense> {
    Box::new(NoX)
}

/// A store whose log is worth to be written anew, of frames of 1000 bytes after the `first`.
fn wasteful(first: &[u8]) -> (Folder, Store) {
    let folder = Folder::new();
    let (mut store, ..) = folder.open().unwrap();
    store.append(first, 1, true).unwrap();
    while store.size() <= SMALL {
        store.append(&[b'x'; 1000], 1, true).unwrap();
    }
    store.condense(10, no_x);
    (folder, store)
}

#[test]
fn a_log_written_anew_has_what_was_kept_and_what_came_meanwhile() {
    let (folder, mut store) = wasteful(b"first");
    let large = store.size();
    let mut came = b"first".to_vec();
    let mut rounds = 0u32;
    while store.size() > large / 2 {
        let text = rounds.to_be_bytes();
        came.extend_from_slice(&text);
        store.append(&text, 1, false).unwrap();
        rounds += 1;
        assert!(rounds < 100_000, "it is never done");
    }
    assert!(store.size() < 2 * (came.len() as u64 + 16 * 1024));
    assert!(!folder.0.join("log.new").exists());
    store.append(b"behind", 1, false).unwrap();
    came.extend_from_slice(b"behind");
    drop(store);
    assert_eq!(folder.open().unwrap().2.concat(), came);
}

#[test]
fn each_append_does_a_piece_of_the_work_at_most() {
    let (_folder, mut store) = wasteful(b"first");
    let mut most = 0;
    let large = store.size();
    while store.size() > large / 2 {
        let before = store.worked();
        store.append(b"more", 1, true).unwrap();
        most = most.max(store.worked() - before);
    }
    assert!(store.worked() > 2 * large);
    assert!(most <= 2 * PIECE as u64 + 100, "{most}");
}

#[test]
fn a_log_that_cannot_be_written_anew_stays_as_it_is() {
    let (folder, mut store) = wasteful(b"!first");
    let before = store.size();
    for _ in 0..1000 {
        store.append(&[b'x'; 1000], 1, true).unwrap();
    }
    assert_eq!(store.size(), before + 1000 * 1012);
    assert!(!folder.0.join("log.new").exists());
    let size = store.size();
    drop(store);
    assert_eq!(fs::metadata(folder.log()).unwrap().len(), size);
    assert_eq!(folder.open().unwrap().2[0], b"!first");
}

#[test]
fn a_process_that_ends_while_it_writes_the_log_anew_leaves_the_old_one() {
    let (folder, mut store) = wasteful(b"first");
    for _ in 0..10_000 {
        store.append(b"another", 1, false).unwrap();
    }
    let size = store.size();
    assert!(
        folder.0.join("log.new").exists(),
        "it has not begun, or is done"
    );
    // As after SIGKILL: nothing is tidied up.
    store.inherit();
    let (store, cut, found) = folder.open().unwrap();
    assert_eq!((store.size(), cut), (size, 0));
    assert_eq!(
        found[found.len() - 10_000..],
        vec![b"another".to_vec(); 10_000]
    );
    assert!(!folder.0.join("log.new").exists());
}

#[test]
fn a_removed_folder_is_noticed_and_made_again_with_all_that_was_in_it() {
    let (folder, ..) = three();
    let (mut store, ..) = folder.open().unwrap();
    fs::remove_dir_all(&folder.0).unwrap();
    store.append(b"four", 2, true).unwrap_err();
    assert!(store.make_room(1000, no_x));
    store.append(b"four", 2, true).unwrap();
    assert!(folder.open().is_err(), "it is locked again");
    drop(store);
    let found = folder.open().unwrap().2.concat();
    assert!(found.starts_with(b"one\0"));
    assert!(found.ends_with(b"the last of threefour"));
}

#[test]
fn a_folder_that_another_client_has_made_in_the_place_of_a_removed_one_is_left_alone() {
    let (folder, ..) = three();
    let (mut store, ..) = folder.open().unwrap();
    fs::remove_dir_all(&folder.0).unwrap();
    let (mut other, ..) = folder.open().unwrap();
    other.append(b"other", 1, true).unwrap();
    assert!(store.append(b"four", 2, true).is_err());
    assert!(!store.make_room(1000, no_x));
    drop((store, other));
    assert_eq!(folder.open().unwrap().2, [b"other".to_vec()]);
}

proptest! {
    #[test]
    fn no_log_however_bent_is_read_as_what_nobody_wrote(
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..30),
    ) {
        let (folder, parts, mut log) = three();
        let at = at.index(log.len());
        for (place, byte) in log[at..].iter_mut().zip(&bytes) {
            *place = *byte;
        }
        fs::write(folder.log(), &log).unwrap();
        if let Ok((_, _, found)) = folder.open() {
            prop_assert!(parts.starts_with(&found));
        }
    }
}
