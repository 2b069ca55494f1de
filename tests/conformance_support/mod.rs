//! What the conformance tests share: `proves!`, which ties an assertion to a statement
//! of the specification, and the verdict on what a server may not send.

#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "each test binary uses its own part"
)]

pub mod raw;
pub mod read;
#[cfg(feature = "websocket")]
pub mod websocket;

use std::fs::OpenOptions;
use std::io::Write;

use mqttrs::error::{Error, PeerError};
use mqttrs::session::State;

use super::session_support::Bench;
use super::support::packet::disconnect_reason;

/// Asserts what a statement says, and records that it was proven:
/// `proves!(V311, "MQTT-3.1.0-1", condition, "message {}", ..)`; `V5` for MQTT 5.0.
///
/// It stands directly in a `#[test]` function, with the identifier as a literal, so that
/// `tests/conformance.rs` can read from the sources which test proves what. With
/// `MQTTRS_CONFORMANCE_LOG` set, each proof that held is a line of that file: version,
/// identifier, test, file.
macro_rules! proves {
    (V311, $id:literal, $condition:expr $(, $($message:tt)*)?) => {
        $crate::conformance_support::proves!(@ "3.1.1", $id, $condition $(, $($message)*)?)
    };
    (V5, $id:literal, $condition:expr $(, $($message:tt)*)?) => {
        $crate::conformance_support::proves!(@ "5.0", $id, $condition $(, $($message)*)?)
    };
    (@ $version:literal, $id:literal, $condition:expr $(, $($message:tt)*)?) => {{
        fn here() {}
        let condition: bool = $condition;
        assert!(
            condition,
            "{} of MQTT {} does not hold: {}{}",
            $id,
            $version,
            stringify!($condition),
            $crate::conformance_support::message!($($($message)*)?),
        );
        $crate::conformance_support::record($version, $id, std::any::type_name_of_val(&here), file!());
    }};
}
pub(crate) use proves;

macro_rules! message {
    () => {
        ""
    };
    ($($message:tt)*) => {
        format_args!(" ({})", format_args!($($message)*))
    };
}
pub(crate) use message;

/// Appends a proof to the log, if there is one. `here` is the path of a function inside
/// the test; the thread's name would not do, as tests may all run on the main one.
pub fn record(version: &str, id: &str, here: &str, file: &str) {
    let Some(path) = std::env::var_os("MQTTRS_CONFORMANCE_LOG") else {
        return;
    };
    let test = here.trim_end_matches("::here").replace("::{{closure}}", "");
    // The first part is the name of the test binary, which the file tells too.
    let test = test.split_once("::").map_or(&*test, |(_, test)| test);
    let line = format!("{version}\t{id}\t{test}\t{file}\n");
    // One write of one line: tests of several processes append to the same file.
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut log| log.write_all(line.as_bytes()))
        .expect("the conformance log takes a line");
}

/// Whether the client ends the connection because of these bytes: it takes no more and
/// says nothing more, but for an MQTT 5 DISCONNECT with this reason code. (`reason` does
/// not matter below MQTT 5.)
pub fn refuses(bench: &mut Bench, bytes: &[u8], reason: u8) -> bool {
    refuses_with_one_of(bench, bytes, &[reason])
}

/// As [`refuses`], where the specification leaves the choice of the reason.
pub fn refuses_with_one_of(bench: &mut Bench, bytes: &[u8], reasons: &[u8]) -> bool {
    assert_eq!(
        bench.sent(),
        <Vec<Vec<u8>>>::new(),
        "read what was sent first"
    );
    let outcome = bench.receive(bytes);
    let sent = bench.sent();
    let told = if bench.version.is_v5() {
        reasons
            .iter()
            .any(|&reason| sent == [disconnect_reason(reason)])
    } else {
        sent.is_empty()
    };
    let closed = matches!(outcome, Err(Error::Peer(_))) && bench.session.state() == State::Closing;
    if !(told && closed) {
        eprintln!("{bytes:02x?} led to {outcome:?}, sent {sent:02x?}");
    }
    told && closed
}
