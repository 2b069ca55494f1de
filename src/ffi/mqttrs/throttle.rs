//! How fast messages come and go.

use std::ffi::{c_char, c_int, c_uint};
use std::time::Instant;

use mqttrs_excess_t::*;

use super::message::{lent, CarriesSize};
use crate::client::{Excess, ThrottleOptions};
use crate::error::{Error, Result};
use crate::ffi::arguments;
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, enter, mosquitto, Contents};
use crate::types::topic;

/// What happens to a message beyond a limit of speed; see `mqttrs_throttle_set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum mqttrs_excess_t {
    /// It waits, within the limits of `mqttrs_queue_set`.
    MQTTRS_EXCESS_WAIT = 0,
    /// It is not accepted: publishing returns MOSQ_ERR_QUOTA_EXCEEDED.
    MQTTRS_EXCESS_REFUSE = 1,
    /// It is accepted and dropped: its outcome is MQTTRS_OUTCOME_OVERFLOW.
    MQTTRS_EXCESS_DROP = 2,
    /// What waits because of the limit is dropped, with the same outcome, and it waits itself: no
    /// more than one message does, the newest.
    MQTTRS_EXCESS_DROP_OLDEST = 3,
}

/// A limit of speed. Fill it with zeros first, then set `size`.
///
/// It is a bucket of tokens: it begins full, each message takes its tokens out, and they come back
/// evenly. So in any t seconds no more goes than the burst and t times the rate. A message that is
/// larger than the burst goes when the bucket is full, and the next ones wait until all it took
/// has come back.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_throttle {
    /// `sizeof(struct mqttrs_throttle)`: the structure may grow.
    pub size: usize,
    /// Messages a second, also fractions of one; 0 for no such limit.
    pub messages_per_second: f64,
    /// Bytes a second, counted in PUBLISH packets with their whole topic names; 0 for no such limit.
    pub bytes_per_second: f64,
    /// How many messages may go at once after a pause; 0 for 1.
    pub burst_messages: c_uint,
    /// How many bytes may go at once after a pause; 0 for those of one second.
    pub burst_bytes: usize,
    /// An `enum mqttrs_excess_t`: what happens to a message beyond the limit.
    pub excess: c_int,
}

// SAFETY: its first field is `size`.
unsafe impl CarriesSize for mqttrs_throttle {}

/// Limits how fast messages are sent: those to the topics that `filter`, a topic filter in UTF-8,
/// matches, or with `filter` NULL all of the client.
///
/// Both arguments are copied. A filter that has a limit gets the new one, with a full bucket;
/// `throttle` NULL, or one with both rates 0, takes the limit away, and what waited for it goes on
/// at once.
///
/// Messages of every QoS wait in order. With a limit for a filter only those that it matches do;
/// others pass them by, and the messages of one topic never change places. A message that several
/// filters match takes from the limits of all, and waits in the place of the one that was set
/// first; if it is beyond several limits, it is refused if one of them says so, or else dropped if
/// one does. Each message is compared with each filter, so they should not be many. The limit for
/// all counts what is sent again after a reconnect too. While there is no connection a message waits
/// for that, not for a limit: none is refused or dropped because of one, except that
/// MQTTRS_EXCESS_DROP_OLDEST keeps no more than the newest then too. Messages of QoS 0 are refused
/// with MOSQ_ERR_NO_CONN then, unless `mqttrs_queue_set` lets them wait.
///
/// No timer runs while nothing waits. Who runs the client's loop sends what waits, when it is
/// time; a wake-up that comes late by up to a tenth of a second is made up for. A loop of the
/// program's own calls `mosquitto_loop_misc` then: `mqttrs_misc_timeout` says when.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a `filter` that is none, a
/// `size` that is smaller than the structure, a rate that is negative or no number, and an unknown
/// `excess`; MOSQ_ERR_MALFORMED_UTF8.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `filter` is NULL or a C string; `throttle` is NULL
/// or has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_throttle_set(
    mosq: *mut mosquitto,
    filter: *const c_char,
    throttle: *const mqttrs_throttle,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let (filter, options) = unsafe { (arguments::mqtt_text(filter)?, options(throttle)?) };
            if filter.is_some_and(|filter| !topic::is_filter(filter)) {
                return Err(Error::invalid("topic filter"));
            }
            contents.client().set_throttle(filter, options.as_ref());
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Limits how fast received messages come to the program.
///
/// With MQTTRS_EXCESS_WAIT nothing more is taken in until it may be: TCP and, for QoS 1 and 2, the
/// Receive Maximum hold the server back. Everything else that comes, acknowledgements and the end of
/// the connection too, waits behind. With MQTTRS_EXCESS_DROP, messages of QoS 0 beyond the limit
/// are dropped and counted (`received_dropped` of `mqttrs_stats`), and those of QoS 1 and 2 wait. The
/// keep alive does not give up a server because its answer waits. `throttle` is copied; NULL, or one
/// with both rates 0, takes the limit away.
///
/// A program with a loop of its own polls the descriptor for reading only while `mqttrs_want_read`
/// says so, and calls `mosquitto_loop_misc` when `mqttrs_misc_timeout` is over.
///
/// Any thread, any callback. It concerns the messages that are not with the program yet.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a `size` that is smaller
/// than the structure, a rate that is negative or no number, and another `excess`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `throttle` is NULL or has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_receive_throttle_set(
    mosq: *mut mosquitto,
    throttle: *const mqttrs_throttle,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let options = unsafe { options(throttle) }?;
            let excess = options.map_or(Excess::Wait, |options| options.excess);
            if !matches!(excess, Excess::Wait | Excess::Drop) {
                return Err(Error::invalid("excess is none for received messages"));
            }
            contents.client().set_receive_throttle(options.as_ref());
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Whether a loop of the program's own should look whether the descriptor of `mosquitto_socket` is
/// readable: there is a connection, or an attempt to get one, and no limit of
/// `mqttrs_receive_throttle_set` holds back what comes.
///
/// Without such a limit that is always so while there is a descriptor. Who polls all the same while
/// it is held back only finds the descriptor readable again and again. When it is true again the
/// program calls `mosquitto_loop_misc` first, since what was read before may wait inside.
///
/// Any thread, any callback. Returns false for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_want_read(mosq: *const mosquitto) -> bool {
    guard(false, || {
        // SAFETY: the caller's promise.
        let contents = unsafe { enter(mosq) };
        contents.is_some_and(|contents| contents.client().wants_read())
    })
}

/// The time until `mosquitto_loop_misc` has something to do, in milliseconds, rounded up: send what
/// waits for a limit of speed, take in what does, keep the connection alive. For loops of
/// the program's own, which may then sleep that long.
///
/// Any call for the client, and what comes from the network, may change it.
///
/// Any thread, any callback. Returns 0 where it is time, and -1 where there is nothing to wait for, or
/// for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_misc_timeout(mosq: *const mosquitto) -> c_int {
    guard(-1, || {
        // SAFETY: the caller's promise.
        let contents = unsafe { enter(mosq) };
        let due = contents.and_then(|contents| contents.client().next_timeout());
        due.map_or(-1, |due| {
            let left = due.saturating_duration_since(Instant::now());
            c_int::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
        })
    })
}

/// The limit; none for NULL.
///
/// # Safety
/// `throttle` is NULL or has as many bytes as its `size` says.
unsafe fn options(throttle: *const mqttrs_throttle) -> Result<Option<ThrottleOptions>> {
    const MODES: [(mqttrs_excess_t, Excess); 4] = [
        (MQTTRS_EXCESS_WAIT, Excess::Wait),
        (MQTTRS_EXCESS_REFUSE, Excess::Refuse),
        (MQTTRS_EXCESS_DROP, Excess::Drop),
        (MQTTRS_EXCESS_DROP_OLDEST, Excess::DropOldest),
    ];
    if throttle.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let throttle = unsafe { lent(throttle) }?;
    let (messages, bytes) = (throttle.messages_per_second, throttle.bytes_per_second);
    let is_rate = |rate: f64| rate >= 0.0 && rate.is_finite();
    let mode = MODES
        .iter()
        .find(|(number, _)| *number as c_int == throttle.excess);
    let (Some((_, excess)), true) = (mode, is_rate(messages) && is_rate(bytes)) else {
        return Err(Error::invalid(
            "excess is no mqttrs_excess_t, or a rate is none",
        ));
    };
    let options = ThrottleOptions {
        messages_per_second: messages,
        bytes_per_second: bytes,
        burst_messages: throttle.burst_messages,
        burst_bytes: throttle.burst_bytes,
        excess: *excess,
    };
    Ok((messages > 0.0 || bytes > 0.0).then_some(options))
}
