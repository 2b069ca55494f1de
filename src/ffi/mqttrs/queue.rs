//! The queue of outgoing messages: its limits, and what became of each message.

use std::ffi::{c_int, c_uint, c_void};
use std::time::{Duration, Instant};

use mqttrs_overflow_t::*;

use crate::client::{Outcome, Overflow, QueueOptions};
use crate::error::{Error, Result};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::ffi::property::mosquitto_property;

/// What happens to a message for which there is no room; see `mqttrs_queue_set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum mqttrs_overflow_t {
    /// It is not accepted: publishing returns MOSQ_ERR_QUOTA_EXCEEDED.
    MQTTRS_OVERFLOW_REFUSE = 0,
    /// The thread that publishes waits for room, at most `wait_ms`; then it is not accepted.
    MQTTRS_OVERFLOW_WAIT = 1,
    /// The oldest message that was never sent is dropped.
    MQTTRS_OVERFLOW_DROP_OLDEST = 2,
    /// The oldest message of QoS 0 that was never sent is dropped, and where there is none, the
    /// oldest that was never sent.
    MQTTRS_OVERFLOW_DROP_QOS0 = 3,
}

/// What became of a message that was accepted; see `mqttrs_outcome_callback_set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum mqttrs_outcome_t {
    /// QoS 0: it was handed to the network.
    MQTTRS_OUTCOME_SENT = 0,
    /// The server has answered; `reason_code` says what, 128 or more that it refused.
    MQTTRS_OUTCOME_ACKNOWLEDGED = 1,
    /// It waited longer than its message expiry interval.
    MQTTRS_OUTCOME_EXPIRED = 2,
    /// It made room for a newer one.
    MQTTRS_OUTCOME_OVERFLOW = 3,
    /// The program dropped it, or the client with it.
    MQTTRS_OUTCOME_CLEARED = 4,
    /// It is larger than the server takes to which the client is connected now.
    MQTTRS_OUTCOME_TOO_LARGE = 5,
    /// Its QoS is higher than that server takes.
    MQTTRS_OUTCOME_QOS_NOT_SUPPORTED = 6,
    /// QoS 0: the connection ended before it was handed to the network as a whole.
    MQTTRS_OUTCOME_CONNECTION_LOST = 7,
    /// Unknown: the server had taken it over (QoS 2) and lost the session before the end.
    MQTTRS_OUTCOME_SESSION_LOST = 8,
}

/// How much may wait; for `mqttrs_queue_set`.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_queue_options {
    /// `sizeof(struct mqttrs_queue_options)`: the structure may grow.
    pub size: usize,
    /// How many messages may wait or be in flight, 0 for no limit.
    pub max_messages: usize,
    /// How many bytes of these, as they are sent, 0 for no limit.
    pub max_bytes: usize,
    /// An `enum mqttrs_overflow_t`: what happens to a message for which there is no room.
    pub overflow: c_int,
    /// With MQTTRS_OVERFLOW_WAIT: how long in milliseconds.
    pub wait_ms: c_uint,
    /// Messages of QoS 0 wait while there is no connection, in order with the others, instead
    /// of being refused with MOSQ_ERR_NO_CONN.
    pub queue_qos0: bool,
}

/// Runs once for each message that was accepted, when it is known what became of it: `outcome`
/// is an `enum mqttrs_outcome_t`.
pub type MQTTRS_CB_outcome = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        mid: c_int,
        outcome: c_int,
        reason_code: c_int,
        props: *const mosquitto_property,
    ),
>;

/// Sets how many messages, and how many bytes of them, may wait to be sent or for their
/// acknowledgement, and what happens to one more.
///
/// `options` is copied; NULL for the defaults: QoS 0 needs a connection, as with libmosquitto, and
/// what waits is bounded only so far that a long outage does not take the machine with it. When
/// messages take about a quarter of its memory, or 1 GiB where that is less, publishing returns
/// MOSQ_ERR_QUOTA_EXCEEDED. Options with both limits 0 lift that too. Those of QoS 1 and 2 count until they are acknowledged, those of QoS 0 until the
/// network has taken them; what waits already stays. A message larger than `max_bytes` is
/// refused, and so is one for which nothing that was never sent can make room: what is in flight
/// is never dropped. Inside callbacks, and on the thread of a shared loop,
/// MQTTRS_OVERFLOW_WAIT does not wait. It waits in vain where nobody else runs the loop. What was
/// dropped is told by the loop too: with an outcome callback, let one run.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a `size` that is smaller than
/// the structure, and an unknown `overflow`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `options` is NULL or has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_queue_set(
    mosq: *mut mosquitto,
    options: *const mqttrs_queue_options,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let options = unsafe { queue_options(options) }?;
            contents.client().set_queue(options);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Drops all messages that were never sent. What was sent and is not acknowledged stays, as the
/// server may have it.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_queue_clear(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let clear = |contents: &Contents| {
            contents.client().clear_queue();
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, clear) }
    })
}

/// Sets what is called with what became of each message.
///
/// Set it before anything is published: every message that is accepted from then on has exactly one
/// call. `mid` is what publishing gave, `outcome` an `enum mqttrs_outcome_t`, `reason_code` the
/// server's, 0 where there is none; `props` are those of the acknowledgement, NULL for none, and
/// live until the callback returns. The publish callbacks are called as ever, before this one. A
/// connection that is lost ends no message of QoS 1 or 2: they wait for the next one.
/// `mosquitto_destroy` and `mosquitto_reinitialise` call it, before they return, for messages
/// that are left.
///
/// Any thread, any callback; NULL removes it.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_outcome` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_outcome_callback_set(
    mosq: *mut mosquitto,
    on_outcome: MQTTRS_CB_outcome,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents.callbacks.outcome.set(on_outcome);
            contents.client().set_outcomes(on_outcome.is_some());
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Waits until every message that was accepted before this call has its outcome and the
/// callbacks were told, at most `timeout_ms` milliseconds; of those accepted meanwhile some may
/// be waited for too.
///
/// Where nobody runs the client's loop, this call does. Any thread, but not inside a callback of the
/// client, nor on the thread of a shared loop.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_TIMEOUT when messages are left; MOSQ_ERR_NO_CONN when they are and
/// the program has ended the connection, or its loop has given up; MOSQ_ERR_INVAL for `mosq` NULL or
/// destroyed, and in a callback; where this call runs the loop, also what `mosquitto_loop`
/// returns when the connection ends.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_drain(mosq: *mut mosquitto, timeout_ms: c_uint) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let drain = |contents: &Contents| contents.runner.drain(deadline(timeout_ms));
        // SAFETY: the caller's promise.
        unsafe { call(mosq, drain) }
    })
}

/// Disconnects within `timeout_ms` milliseconds, whatever the network does: waits as
/// `mqttrs_drain` does, sends DISCONNECT, and ends the connection, or the attempt to get one, when
/// the time is over.
///
/// Messages that are left stay in the queue. Any thread, but not inside a callback of the client,
/// nor on the thread of a shared loop.
///
/// Returns MOSQ_ERR_SUCCESS when every message had its outcome and DISCONNECT went out;
/// MOSQ_ERR_TIMEOUT when not; MOSQ_ERR_NO_CONN when there was no connection; MOSQ_ERR_INVAL for
/// `mosq` NULL or destroyed, and in a callback.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_disconnect_timeout(
    mosq: *mut mosquitto,
    timeout_ms: c_uint,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let end = |contents: &Contents| contents.runner.disconnect_within(deadline(timeout_ms));
        // SAFETY: the caller's promise.
        unsafe { call(mosq, end) }
    })
}

/// What messages may take in a client without options.
pub(in crate::ffi) fn queue_memory() -> usize {
    const MOST: usize = 1 << 30;
    // SAFETY: both only tell a number, -1 where there is none.
    let (pages, size) = unsafe {
        (
            libc::sysconf(libc::_SC_PHYS_PAGES),
            libc::sysconf(libc::_SC_PAGESIZE),
        )
    };
    match (usize::try_from(pages), usize::try_from(size)) {
        (Ok(pages), Ok(size)) => (pages / 4).saturating_mul(size).min(MOST),
        _ => MOST,
    }
}

fn deadline(timeout_ms: c_uint) -> Instant {
    Instant::now() + Duration::from_millis(timeout_ms.into())
}

/// The options; none for NULL.
///
/// # Safety
/// `options` is NULL or has as many bytes as its `size` says.
unsafe fn queue_options(options: *const mqttrs_queue_options) -> Result<Option<QueueOptions>> {
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the size is there in any case.
    if unsafe { (*options).size } < size_of::<mqttrs_queue_options>() {
        return Err(Error::invalid(
            "size is not that of struct mqttrs_queue_options",
        ));
    }
    // SAFETY: all of it is there.
    let options = unsafe { &*options };
    const POLICIES: [(mqttrs_overflow_t, Overflow); 4] = [
        (MQTTRS_OVERFLOW_REFUSE, Overflow::Refuse),
        (MQTTRS_OVERFLOW_WAIT, Overflow::Refuse),
        (MQTTRS_OVERFLOW_DROP_OLDEST, Overflow::DropOldest),
        (MQTTRS_OVERFLOW_DROP_QOS0, Overflow::DropAtMostOnce),
    ];
    let policy = POLICIES
        .iter()
        .find(|(number, _)| *number as c_int == options.overflow);
    let Some((number, overflow)) = policy.copied() else {
        return Err(Error::invalid("overflow is no mqttrs_overflow_t"));
    };
    let wait_ms = match number {
        MQTTRS_OVERFLOW_WAIT => options.wait_ms,
        _ => 0,
    };
    Ok(Some(QueueOptions {
        max_messages: options.max_messages,
        max_bytes: options.max_bytes,
        overflow,
        keep_at_most_once: options.queue_qos0,
        wait: Duration::from_millis(wait_ms.into()),
    }))
}

/// The number C gets.
pub(in crate::ffi) fn outcome_code(outcome: Outcome) -> c_int {
    use mqttrs_outcome_t::*;
    let code = match outcome {
        Outcome::Sent => MQTTRS_OUTCOME_SENT,
        Outcome::Acknowledged => MQTTRS_OUTCOME_ACKNOWLEDGED,
        Outcome::Expired => MQTTRS_OUTCOME_EXPIRED,
        Outcome::Overflow => MQTTRS_OUTCOME_OVERFLOW,
        Outcome::Cleared => MQTTRS_OUTCOME_CLEARED,
        Outcome::TooLarge => MQTTRS_OUTCOME_TOO_LARGE,
        Outcome::QosNotSupported => MQTTRS_OUTCOME_QOS_NOT_SUPPORTED,
        Outcome::ConnectionLost => MQTTRS_OUTCOME_CONNECTION_LOST,
        Outcome::SessionLost => MQTTRS_OUTCOME_SESSION_LOST,
    };
    code as c_int
}
