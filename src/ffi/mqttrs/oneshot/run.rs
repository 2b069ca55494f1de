//! The run of a one-shot call: a client is made, driven until the work is done or cannot be done, and
//! destroyed.

use std::ffi::{c_int, c_uint};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::description::{set_up, target};
use super::mqttrs_connection;
use super::watch::{Sink, Watch};
use super::work::Work;
use crate::client::Client;
use crate::error::{CallerError, Error, PeerError};
use crate::ffi::constants::mosq_err_t::*;
use crate::ffi::errno::{fail, set_errno};
use crate::ffi::handle::{enter, mosquitto, Contents};
use crate::ffi::instance::{client_id, make, mosquitto_destroy};
use crate::ffi::mqttrs::connection::write_text;
use crate::ffi::mqttrs::message::lent;
use crate::types::ReasonCode;

const DEFAULT_TIMEOUT_MS: c_uint = 30_000;

/// How many connections in a row may be lost without anything coming to its end on them.
const FRUITLESS: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Makes a client, has it do the work, and destroys it; the result for C, and what happened, where
/// there was a client.
///
/// # Safety
/// As for `mqttrs_publish_once`.
pub(super) unsafe fn once(
    connection: *const mqttrs_connection,
    sink: Sink,
    mut work: Work<'_>,
) -> (c_int, Option<Arc<Watch>>) {
    // SAFETY: the caller's promise.
    let described = match unsafe { lent(connection) } {
        Ok(described) => described,
        Err(error) => return (fail(&error), None),
    };
    let tell = |text: &str| {
        // SAFETY: the caller's promise.
        unsafe { write_text(text, described.error, described.error_size) }
    };
    // SAFETY: the caller's promise.
    let id = match unsafe { client_id(described.client_id, !described.keep_session) } {
        Ok(id) => id,
        Err(error) => {
            tell(&error.to_string());
            return (fail(&error), None);
        }
    };
    let (mut watch, mut sink) = (None, Some(sink));
    let clean_session = !described.keep_session;
    let mosq = make(id, clean_session, described.userdata, &mut |callbacks| {
        let sink = sink.take().unwrap_or(Sink::None);
        watch.insert(Arc::new(Watch::new(callbacks, sink))).clone()
    });
    let _destroys = Destroys(mosq);
    // SAFETY: a new handle.
    let (Some(contents), Some(watch)) = (unsafe { enter(mosq) }, watch) else {
        return (MOSQ_ERR_UNKNOWN as c_int, None);
    };
    let timeout_ms = match described.timeout_ms {
        0 => DEFAULT_TIMEOUT_MS,
        milliseconds => milliseconds,
    };
    let timeout = Duration::from_millis(timeout_ms.into());
    let mut deadline = Some(Instant::now() + timeout);
    // SAFETY: the caller's promise.
    let done = unsafe {
        let begun = set_up(described, mosq, &contents, &watch, timeout_ms);
        begun.and_then(|()| {
            drive(
                described,
                &contents,
                &watch,
                &mut work,
                timeout,
                &mut deadline,
            )
        })
    };
    // Leaving may change errno, which says more where the result is MOSQ_ERR_ERRNO.
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    match done {
        Ok(()) => tell(""),
        Err(_) => {
            let last = || {
                contents
                    .client()
                    .last_error()
                    .map(|error| error.to_string())
            };
            let text = watch.seen().text.take().or_else(last);
            tell(&text.unwrap_or_default());
        }
    }
    leave(
        &contents,
        deadline.unwrap_or_else(|| Instant::now() + timeout),
    );
    drop(contents);
    drop(_destroys);
    set_errno(errno);
    (done.err().unwrap_or(0), Some(watch))
}

/// The number for C; the client keeps the words.
pub(super) fn failed(client: &Client, error: &Error) -> c_int {
    client.note_error(error);
    match is_refusal(error) {
        true => MOSQ_ERR_CONN_REFUSED as c_int,
        false => fail(error),
    }
}

/// Destroys the client, whatever happens.
struct Destroys(*mut mosquitto);

impl Drop for Destroys {
    fn drop(&mut self) {
        // SAFETY: a client.
        unsafe { mosquitto_destroy(self.0) };
    }
}

/// Runs the client until the work is done; connects it again where that may help.
///
/// # Safety
/// As for `mqttrs_publish_once`.
unsafe fn drive(
    described: &mqttrs_connection,
    contents: &Contents,
    watch: &Watch,
    work: &mut Work<'_>,
    timeout: Duration,
    deadline: &mut Option<Instant>,
) -> Result<(), c_int> {
    let client = contents.client();
    // SAFETY: the caller's promise.
    let target = unsafe {
        work.begin(contents, watch)
            .and_then(|()| target(described, client))
    };
    let target = target.map_err(|error| failed(client, &error))?;
    let mut turn = client.connect_async(target);
    let (mut pause, mut fruitless) = (Duration::ZERO, 0);
    loop {
        // SAFETY: the caller's promise.
        if unsafe { work.step(contents, watch) }? {
            return work.verdict(watch);
        }
        if work.is_unlimited(watch) {
            *deadline = None;
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| deadline <= now) {
            let last = client
                .last_error()
                .map(|error| format!("; before: {error}"));
            let text = "the time is over".to_owned() + &last.unwrap_or_default();
            watch.seen().text = Some(text);
            return Err(MOSQ_ERR_TIMEOUT as c_int);
        }
        let Err(error) = turn else {
            let left = deadline.map(|deadline| deadline - now);
            turn = contents.runner.run_once(left);
            continue;
        };
        if client.is_ended() {
            return work.when_disconnected();
        }
        let gone = matches!(error, Error::Caller(CallerError::NotConnected));
        let mut seen = watch.seen();
        let hopeless = !seen.was_up || is_refusal(&error) || (error.is_final() && !gone);
        if std::mem::take(&mut seen.progress) {
            (pause, fruitless) = (Duration::ZERO, 0);
        } else if seen.lost {
            fruitless += 1;
        }
        seen.lost = false;
        drop(seen);
        if hopeless || fruitless == FRUITLESS {
            return Err(failed(client, &error));
        }
        let deadline = *deadline.get_or_insert(now + timeout);
        thread::sleep(pause.min(deadline - now));
        pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        turn = client.reconnect_async();
    }
}

/// Sends DISCONNECT and ends the connection, at the latest at the deadline.
fn leave(contents: &Contents, deadline: Instant) {
    let client = contents.client();
    if client.disconnect(ReasonCode::SUCCESS, None).is_ok() {
        while client.is_closing() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // Its error is why the connection ended, which it was to.
            let _ = contents.runner.run_once(Some(left));
        }
    }
    client.cut();
}

fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Peer(PeerError::ConnectionRefused(_)))
}
