//! The log, cut and bent everywhere.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::{Durability, Store};
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
        store.append(part, 1).unwrap();
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
            store.append(&[round; 5], 1).unwrap();
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
        store.append(b"more", 1).unwrap();
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

#[test]
fn a_log_written_anew_takes_the_place_of_the_old_one_or_changes_nothing() {
    let (folder, ..) = three();
    let (mut store, ..) = folder.open().unwrap();
    let failing = store.rewrite(5, &mut |write| {
        write(b"half")?;
        Err(crate::error::Error::invalid("no more"))
    });
    assert!(failing.is_err());
    store.append(b"four", 6).unwrap();
    drop(store);
    let (mut store, _, found) = folder.open().unwrap();
    assert_eq!(found.len(), 4);
    store.rewrite(7, &mut |write| write(b"all")).unwrap();
    store.append(b"and more", 8).unwrap();
    drop(store);
    assert_eq!(
        folder.open().unwrap().2,
        [b"all".to_vec(), b"and more".to_vec()]
    );
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
