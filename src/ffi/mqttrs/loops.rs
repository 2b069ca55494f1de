//! One loop for many clients.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::errno;
use crate::ffi::fork::prepare_for_forks;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto};
use crate::ffi::slots::{Entered, Pool, Slot};
use crate::ffi::stack;
use crate::reactor::SharedLoop;

/// A loop that any number of clients share. Programs hold pointers to it and know nothing of
/// its inside.
pub struct mqttrs_loop {
    // C's name for the address of a `Slot<SharedLoop>`; there is never a value of this type.
    _never: std::convert::Infallible,
}

/// All loops, as the handles of the clients are kept.
pub(in crate::ffi) static LOOPS: Pool<SharedLoop> = Pool::new();

/// Makes a loop, without clients, that nobody runs yet: one thread that does what
/// `mosquitto_loop_start` needs a thread a client for.
///
/// It belongs to the program, which ends it with `mqttrs_loop_destroy`. `mqttrs_loop_add` puts
/// clients in. It is run by `mqttrs_loop_run`, `mqttrs_loop_start` or `mqttrs_loop_run_once`.
/// Any thread, any callback.
///
/// Returns the loop, or NULL, with `errno` set, when the system has no descriptors left: a
/// loop takes three, and its clients one each.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_new() -> *mut mqttrs_loop {
    guard(null_mut(), || match SharedLoop::new() {
        Ok(made) => {
            prepare_for_forks();
            std::ptr::from_ref(LOOPS.open(|_| made)).cast_mut().cast()
        }
        Err(error) => {
            errno::fail(&error);
            null_mut()
        }
    })
}

/// Ends a loop. NULL is allowed and does nothing.
///
/// A run is stopped as by `mqttrs_loop_stop`. The clients are removed as by
/// `mqttrs_loop_remove`, and live on, with their connections.
///
/// Any thread, any callback. `loop` must not be used afterwards; where that happens by mistake,
/// functions answer with MOSQ_ERR_INVAL until 64 other loops have been destroyed.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_destroy(r#loop: *mut mqttrs_loop) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(shared) = unsafe { enter(r#loop) } {
            if shared.close() {
                shared.shut_down();
            }
        }
    })
}

/// Puts a client into a loop, which drives it from now on, reconnects it, and calls its
/// callbacks, in the thread that runs the loop: as the thread of `mosquitto_loop_start` would.
///
/// May come before or after a connect call; `mosquitto_connect_async` is the one that does not
/// hold up the others when called in a callback. Meanwhile `mosquitto_loop`,
/// `mosquitto_loop_forever` and `mosquitto_loop_start` on the client return MOSQ_ERR_INVAL.
/// `mqttrs_loop_remove` takes the client out again, and so do `mosquitto_destroy`,
/// `mosquitto_reinitialise` and `mqttrs_loop_destroy`.
///
/// Any thread, any callback, whether the loop runs or not.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` or `mosq` NULL or destroyed, and when the
/// client is in a loop already, has a thread of its own, or is in `mosquitto_loop` or
/// `mosquitto_loop_forever` at the moment.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`; `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_add(r#loop: *mut mqttrs_loop, mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| entered(r#loop)?.add(&contents.runner)) }
    })
}

/// Takes a client out of a loop. Its connection stays, and nobody drives it any more: the
/// program may call `mosquitto_loop` or put it into another loop.
///
/// When this returns, no callback of the client runs in the loop, or will: it waits for one
/// that runs in another thread, so hold no lock that callback wants. Inside a callback of the
/// client itself nothing is waited for, and this callback is the last. Two loops whose callbacks remove
/// each other's clients at the same time wait for each other.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` or `mosq` NULL or destroyed, and when the
/// client is not in this loop.
///
/// # Safety
/// As `mqttrs_loop_add`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_remove(
    r#loop: *mut mqttrs_loop,
    mosq: *mut mosquitto,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| entered(r#loop)?.remove(&contents.runner)) }
    })
}

/// Runs a loop in the calling thread until `mqttrs_loop_stop` or `mqttrs_loop_destroy`, also
/// while there is no client in it.
///
/// Any thread, one at a time; inside a callback only for a loop that is not running.
///
/// Returns MOSQ_ERR_SUCCESS when it was stopped; MOSQ_ERR_INVAL for `loop` NULL or destroyed and
/// when the loop runs already; MOSQ_ERR_ERRNO, with `errno` set, when the system does not poll.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_run(r#loop: *mut mqttrs_loop) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { on(r#loop, SharedLoop::run) }
    })
}

/// Runs one turn of a loop: waits until there is something to do, gives every client that
/// has something a share of the time, and returns.
///
/// `timeout` is the longest wait in milliseconds, 0 for none and negative for no limit. (That is
/// not the 1000 of `mosquitto_loop`: nothing is missed while it waits.) One turn does not read
/// all that a busy client has; call this again and again. For a program's own event loop see
/// `mqttrs_loop_socket`. `mqttrs_loop_stop` ends the wait.
///
/// Any thread, one at a time; inside a callback only for a loop that is not running.
///
/// Returns what `mqttrs_loop_run` returns. What happens to clients is for their callbacks.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_run_once(r#loop: *mut mqttrs_loop, timeout: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let limit = u64::try_from(timeout).ok().map(Duration::from_millis);
        // SAFETY: the caller's promise.
        unsafe { on(r#loop, |shared| shared.run_once(limit)) }
    })
}

/// Starts a thread that runs a loop until `mqttrs_loop_stop` or `mqttrs_loop_destroy`, and
/// returns.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` NULL or destroyed and when the loop runs
/// already; MOSQ_ERR_ERRNO, with `errno` set, when the system gives no thread.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_start(r#loop: *mut mqttrs_loop) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        stack::follow_system();
        // SAFETY: the caller's promise.
        unsafe { on(r#loop, SharedLoop::start) }
    })
}

/// Ends the run of a loop, whichever thread it is in, after the callback it is in, and waits
/// until it has ended.
///
/// What clients have to send and the network takes at once is sent, a DISCONNECT of
/// `mosquitto_disconnect` too; nothing is waited for. The clients stay in the loop and have
/// their connections, but nobody drives them until the loop is run again.
///
/// Any thread. In callbacks of clients that are in a loop, this or another, it does not wait.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `loop` NULL or destroyed and when the loop does not run:
/// a run that begins later is not stopped.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_stop(r#loop: *mut mqttrs_loop) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { on(r#loop, SharedLoop::stop) }
    })
}

/// The one descriptor to watch for all clients of a loop, in a program's own event loop:
/// readable means that `mqttrs_loop_run_once` with timeout 0 has something to do.
///
/// Watch it for reading, as long as `mqttrs_loop_timeout` says; then call
/// `mqttrs_loop_run_once(loop, 0)`, whether it was readable or the time was over. Whatever comes
/// up in between makes it readable, such as a message published by another thread or a client
/// added. It stays the same for the life of the loop and belongs to the library: do not read,
/// write or close it.
///
/// Any thread, any callback. Returns -1 for `loop` NULL or destroyed.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_socket(r#loop: *mut mqttrs_loop) -> c_int {
    guard(-1, || {
        // SAFETY: the caller's promise.
        unsafe { enter(r#loop) }.map_or(-1, |shared| shared.fd())
    })
}

/// In how many milliseconds `mqttrs_loop_run_once` has something to do at the latest, though
/// the descriptor of `mqttrs_loop_socket` be not readable: a keep alive or an attempt to connect,
/// for instance. It fits the last argument of poll().
///
/// Any thread, any callback; ask again after each turn.
///
/// Returns 0 for at once, -1 for never, and for `loop` NULL or destroyed.
///
/// # Safety
/// `loop` is NULL or came from `mqttrs_loop_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_loop_timeout(r#loop: *mut mqttrs_loop) -> c_int {
    guard(-1, || {
        // SAFETY: the caller's promise.
        let shared = unsafe { enter(r#loop) };
        shared
            .and_then(|shared| shared.timeout())
            .map_or(-1, milliseconds)
    })
}

/// Enters a call on a loop; `None` for NULL and for a destroyed one.
///
/// # Safety
/// `shared` is NULL or came from `mqttrs_loop_new`, however long ago.
unsafe fn enter(shared: *const mqttrs_loop) -> Option<Entered<SharedLoop>> {
    if shared.is_null() {
        return None;
    }
    // SAFETY: addresses from `mqttrs_loop_new` are those of slots, which live as long as the
    // process.
    let slot: &'static Slot<SharedLoop> = unsafe { &*shared.cast::<Slot<SharedLoop>>() };
    slot.enter()
}

/// As [`enter`], with the error for a loop that is not there.
///
/// # Safety
/// As for [`enter`].
unsafe fn entered(shared: *const mqttrs_loop) -> Result<Entered<SharedLoop>> {
    // SAFETY: the caller's promise.
    unsafe { enter(shared) }.ok_or(Error::invalid("no loop, or one that was destroyed"))
}

/// Runs the body of an exported function on a loop, as `handle::call` does on a client.
///
/// # Safety
/// As for [`enter`].
unsafe fn on(shared: *const mqttrs_loop, body: impl FnOnce(&SharedLoop) -> Result<()>) -> c_int {
    // SAFETY: the caller's promise.
    let done = unsafe { entered(shared) }.and_then(|shared| body(&shared));
    errno::answer(done)
}

/// Rounded up, so that who waits so long does not come too early, again and again.
fn milliseconds(wait: Duration) -> c_int {
    c_int::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}
