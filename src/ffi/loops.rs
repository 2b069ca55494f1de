//! Running a client: by the library, or in a program's own event loop.

use std::ffi::c_int;
use std::time::Duration;

use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, enter, mosquitto, Contents};
use super::stack;
use crate::error::{Error, Result};

/// Waits for the network for a while, does what there is to do, and returns.
///
/// Reads, writes, keeps the connection alive and calls callbacks. `timeout` is the longest
/// wait in milliseconds, 0 for none, negative for 1000. `max_packets` is at least 1 and has no
/// other meaning. Call it again and again; after an error, call `mosquitto_reconnect`.
///
/// Any thread, one at a time, not inside a callback of the same client: there it returns
/// MOSQ_ERR_INVAL.
///
/// Returns MOSQ_ERR_SUCCESS, also when the program ended the connection; MOSQ_ERR_INVAL for `mosq`
/// NULL or destroyed and `max_packets` below 1; MOSQ_ERR_NO_CONN without a connection. When the
/// connection ends, the reason, once: MOSQ_ERR_CONN_LOST, MOSQ_ERR_CONN_REFUSED,
/// MOSQ_ERR_KEEPALIVE, MOSQ_ERR_PROTOCOL, MOSQ_ERR_MALFORMED_PACKET, MOSQ_ERR_OVERSIZE_PACKET, the
/// reason code of an MQTT 5 server's DISCONNECT that has a MOSQ_ERR_* value, or MOSQ_ERR_ERRNO with
/// `errno` set.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop(
    mosq: *mut mosquitto,
    timeout: c_int,
    max_packets: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let run = |contents: &Contents| {
            at_least_one(max_packets)?;
            contents.runner.run_once(wait(timeout))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, run) }
    })
}

/// Runs the client until the program disconnects it, and reconnects after the delay of
/// `mosquitto_reconnect_delay_set` whenever the connection ends otherwise.
///
/// Arguments as for `mosquitto_loop`. Any thread, one at a time, not inside a callback of the
/// same client.
///
/// Returns MOSQ_ERR_SUCCESS after `mosquitto_disconnect`; MOSQ_ERR_INVAL for `mosq` NULL or destroyed,
/// `max_packets` below 1, in a callback and when another thread runs the loop;
/// MOSQ_ERR_NO_CONN when no connect call came before; and errors that another attempt would
/// only repeat:
/// MOSQ_ERR_NOMEM, _PROTOCOL, _INVAL, _NOT_FOUND, _TLS, _PAYLOAD_SIZE, _NOT_SUPPORTED, _AUTH,
/// _ACL_DENIED, _UNKNOWN, _EAI, _PROXY.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop_forever(
    mosq: *mut mosquitto,
    timeout: c_int,
    max_packets: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // The wait has no limit: there is always something that ends it when there is
        // something to do, and waking up for nothing costs a battery.
        let _ = timeout;
        let run = |contents: &Contents| {
            at_least_one(max_packets)?;
            contents.runner.run_forever()
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, run) }
    })
}

/// Starts a thread that runs the client, as `mosquitto_loop_forever` would, and returns.
///
/// May come before a connect call: the thread waits for it. All callbacks are then called
/// in that thread. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed and when the thread runs
/// already; MOSQ_ERR_ERRNO, with `errno` set, when the system gives no thread.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop_start(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        stack::follow_system();
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.runner.start()) }
    })
}

/// Stops the thread of `mosquitto_loop_start` and waits until it has ended.
///
/// With `force` false the thread ends when the client is disconnected, so call
/// `mosquitto_disconnect` first; with `force` true it ends after the callback it is in. Any
/// thread; inside a callback, on the thread itself, it does not wait.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed and when no thread runs.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop_stop(mosq: *mut mosquitto, force: bool) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.runner.stop(force)) }
    })
}

/// Reads what the network has for the client and calls callbacks: for a program's own event
/// loop, when the descriptor of `mosquitto_socket` is readable. Does not block.
///
/// `max_packets` as for `mosquitto_loop`. Any thread, one at a time.
///
/// Returns what `mosquitto_loop` returns.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop_read(mosq: *mut mosquitto, max_packets: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let read = |contents: &Contents| {
            at_least_one(max_packets)?;
            contents.client().handle_readable()
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, read) }
    })
}

/// Writes what the client has for the network: for a program's own event loop, when
/// `mosquitto_want_write` says so and the descriptor of `mosquitto_socket` is writable. Does
/// not block.
///
/// `max_packets` as for `mosquitto_loop`. Any thread, one at a time.
///
/// Returns what `mosquitto_loop` returns.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop_write(mosq: *mut mosquitto, max_packets: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let write = |contents: &Contents| {
            at_least_one(max_packets)?;
            contents.client().handle_writable()
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, write) }
    })
}

/// Does what has come due, keep alive above all: for a program's own event loop, about once
/// a second. Does not block.
///
/// Any thread, one at a time. Returns what `mosquitto_loop` returns.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_loop_misc(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.client().handle_timeout()) }
    })
}

/// The descriptor to watch in a program's own event loop: readable means that
/// `mosquitto_loop_read` has work. It stays the same for the life of a connection and belongs
/// to the library: do not read, write or close it.
///
/// Any thread, any callback. Returns -1 without a connection, and for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_socket(mosq: *mut mosquitto) -> c_int {
    guard(-1, || {
        // SAFETY: the caller's promise.
        let contents = unsafe { enter(mosq) };
        contents
            .and_then(|contents| contents.client().fd())
            .unwrap_or(-1)
    })
}

/// Whether bytes wait for the network, and so for `mosquitto_loop_write`.
///
/// Any thread, any callback. Returns false for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_want_write(mosq: *mut mosquitto) -> bool {
    guard(false, || {
        // SAFETY: the caller's promise.
        let contents = unsafe { enter(mosq) };
        contents.is_some_and(|contents| contents.client().wants_write())
    })
}

/// Says that the program uses the client from several threads. Here it always may, so this
/// changes nothing.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_threaded_set(mosq: *mut mosquitto, threaded: bool) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let _ = threaded;
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |_| Ok(())) }
    })
}

/// A timeout in milliseconds, 1000 where it is negative.
fn wait(timeout: c_int) -> Option<Duration> {
    Some(Duration::from_millis(
        u64::try_from(timeout).unwrap_or(1000),
    ))
}

fn at_least_one(max_packets: c_int) -> Result<()> {
    if max_packets < 1 {
        return Err(Error::invalid("max_packets is below 1"));
    }
    Ok(())
}
