//! Any bytes as the log of a store, or frames with any operations in a log that is well formed,
//! and damage to it: it is refused and keeps what was completed, or opened; then the same messages are
//! there each time, with those that were published meanwhile, and what is sent of them are
//! packets that a client may send.

use std::ffi::{c_int, CString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;

use mqttrs::codec::{Connack, Packet, Properties};
use mqttrs::types::ProtocolVersion;

use super::c_connection::{accept, port, Peer};
use super::capi::*;
use super::mqttrs_api::{mqttrs_stats, mqttrs_store_open, StoreOptions, STATS};
use super::script::Script;

/// Where `queued_messages` stands in `struct mqttrs_stats`.
const QUEUED_MESSAGES: usize = 21;

const VERSIONS: [ProtocolVersion; 3] = [
    ProtocolVersion::V31,
    ProtocolVersion::V311,
    ProtocolVersion::V5,
];

pub fn run(input: &[u8]) {
    let mut script = Script::new(input);
    let flags = script.byte();
    let version = VERSIONS[usize::from(flags & 3) % 3];
    let log = if flags & 4 == 0 {
        script.rest.to_vec()
    } else {
        made_log(&mut script)
    };
    let folder = Folder::new(&log);
    let Some(first) = Opened::open(&folder.0, version) else {
        // But for a tail that was never completed.
        let left = fs::read(folder.0.join("log")).unwrap();
        assert!(log.starts_with(&left), "a log that is refused was changed");
        assert!(Opened::open(&folder.0, version).is_none());
        return;
    };
    let messages = first.messages();
    let published = flags & 8 != 0 && first.publish();
    drop(first);
    let again = Opened::open(&folder.0, version).expect("what was opened is opened again");
    assert_eq!(again.messages(), messages + u64::from(published));
    if flags & 16 != 0 {
        again.connect(version);
    }
}

/// A log of frames whose checksums are right, before what is done to it.
fn made_log(s: &mut Script<'_>) -> Vec<u8> {
    let salt = u32::from(s.byte());
    let mut log = b"mqttrs\0\x01".to_vec();
    log.extend(salt.to_be_bytes());
    log.extend(crc32(salt, &log).to_be_bytes());
    // How many bytes are missing at the end, and which one is another.
    let (missing, place, change) = (s.byte(), s.u16(), s.byte());
    while !s.is_empty() {
        let len = usize::from(s.u16() % 1024).min(s.rest.len());
        let (operations, rest) = s.rest.split_at(len);
        s.rest = rest;
        let mut header = (len as u32).to_be_bytes().to_vec();
        header.extend(crc32(salt, operations).to_be_bytes());
        header.extend(crc32(salt, &header).to_be_bytes());
        log.extend(header);
        log.extend(operations);
    }
    if missing < 128 {
        log.truncate(log.len() - usize::from(missing).min(log.len()));
    } else {
        // As where a file system has not written all of a file.
        log.resize(log.len() + usize::from(missing), 0);
    }
    if let Some(byte) = log.get_mut(usize::from(place)) {
        *byte ^= change;
    }
    log
}

/// CRC-32, bit by bit, begun with another checksum.
fn crc32(begun: u32, bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    !bytes
        .iter()
        .fold(!begun, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}

/// A folder with a log, in memory where there is such a place.
struct Folder(PathBuf);

impl Folder {
    fn new(log: &[u8]) -> Folder {
        let base = PathBuf::from("/dev/shm");
        let base = if base.is_dir() {
            base
        } else {
            std::env::temp_dir()
        };
        let folder = base.join(format!("mqttrs-fuzz-store-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("log"), log).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client that has the folder.
struct Opened(*mut mosquitto);

impl Opened {
    fn open(folder: &Path, version: ProtocolVersion) -> Option<Opened> {
        let path = CString::new(folder.as_os_str().as_bytes()).unwrap();
        let options = StoreOptions {
            size: size_of::<StoreOptions>(),
            durability: 0,
            sync_interval: 0,
            maximum_bytes: 0,
        };
        // SAFETY: the handle is new, the strings end in NUL.
        unsafe {
            let opened = Opened(mosquitto_new(c"fuzz".as_ptr(), false, ptr::null_mut()));
            let level = c_int::from(version.level());
            mosquitto_int_option(opened.0, MOSQ_OPT_PROTOCOL_VERSION, level);
            let rc = mqttrs_store_open(opened.0, path.as_ptr(), &options);
            (rc == MOSQ_ERR_SUCCESS).then_some(opened)
        }
    }

    fn messages(&self) -> u64 {
        let mut stats = [0; STATS];
        stats[0] = STATS as u64 * 8;
        // SAFETY: there are as many bytes as the size says.
        let rc = unsafe { mqttrs_stats(self.0, stats.as_mut_ptr()) };
        assert_eq!(rc, MOSQ_ERR_SUCCESS);
        stats[QUEUED_MESSAGES]
    }

    /// Whether the message was accepted.
    fn publish(&self) -> bool {
        let (topic, payload) = (c"a/b".as_ptr(), b"x".as_ptr().cast());
        // SAFETY: a string and a payload of one byte.
        let rc = unsafe { mosquitto_publish(self.0, ptr::null_mut(), topic, 1, payload, 1, false) };
        rc != MOSQ_ERR_INVAL && rc != MOSQ_ERR_ERRNO
    }

    /// Sends what there is to a server that has the session.
    fn connect(&self, version: ProtocolVersion) {
        let host = c"127.0.0.1".as_ptr();
        // SAFETY: the handle is live, the host a string.
        unsafe {
            let rc = mosquitto_connect(self.0, host, port().into(), 60);
            assert_eq!(rc, MOSQ_ERR_SUCCESS);
            let mut peer: Vec<Peer> = Vec::new();
            while peer.is_empty() {
                accept(&mut peer);
            }
            let mut connack = Vec::new();
            let packet = Connack {
                session_present: true,
                code: 0,
                properties: Properties::EMPTY,
            };
            Packet::Connack(packet).encode(&mut connack, version);
            peer[0].send(&connack);
            for _ in 0..3 {
                mosquitto_loop(self.0, 0, 1);
                peer[0].look();
            }
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: live, and not used again.
        unsafe { mosquitto_destroy(self.0) };
    }
}
