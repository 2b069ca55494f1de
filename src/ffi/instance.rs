//! Making and destroying a client.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

use super::arguments::mqtt_text;
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::errno::set_errno;
use super::guard::guard;
use super::handle::{call, enter, mosquitto, open, Contents};
use super::handler::Callbacks;
use super::mqttrs::queue::queue_memory;
use crate::client::{Client, Handler, Logging};
use crate::error::{Error, Result};
use crate::reactor::Runner;

/// Makes a client.
///
/// `id` is the client identifier, copied; NULL lets the library (MQTT 3.1) or the server
/// (MQTT 3.1.1 and 5) choose one, and needs `clean_session`. `clean_session` false asks
/// the server to keep subscriptions and messages while the client is away (MQTT 5.0
/// section 3.1.2.4). `obj` is handed to every callback and never touched; where it is
/// NULL, callbacks get the client itself.
///
/// The client speaks MQTT 3.1.1 until MOSQ_OPT_PROTOCOL_VERSION says otherwise. It
/// belongs to the program, which ends it with `mosquitto_destroy`. Any thread, any callback.
///
/// After `fork`, a client that has had a connection, an attempt at one or a loop is the
/// parent's, where it goes on undisturbed. In the child its descriptors were closed without a
/// word to the server, `mosquitto_destroy` does nothing on it, and every other function answers
/// with MOSQ_ERR_INVAL, or not at all. A client without any of these is a client of its own
/// in both processes. The child may make new ones. After `vfork` and functions like it nothing
/// may be called, as POSIX says.
///
/// Returns the client, or NULL with `errno` EINVAL when `id` is NULL without
/// `clean_session`, empty, not UTF-8 or longer than 65535 bytes.
///
/// # Safety
/// `id` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_new(
    id: *const c_char,
    clean_session: bool,
    obj: *mut c_void,
) -> *mut mosquitto {
    guard(null_mut(), || {
        // SAFETY: the caller's promise.
        let Ok(id) = (unsafe { client_id(id, clean_session) }) else {
            set_errno(libc::EINVAL);
            return null_mut();
        };
        make(id, clean_session, obj, &mut |callbacks| callbacks)
    })
}

/// A new client, which tells `handler` of what happens to it: the callbacks, or what passes it on to
/// them.
pub(super) fn make(
    id: Option<String>,
    clean_session: bool,
    obj: *mut c_void,
    handler: &mut dyn FnMut(Arc<Callbacks>) -> Arc<dyn Handler>,
) -> *mut mosquitto {
    open(|slot| {
        let callbacks = Arc::new(Callbacks::new(slot, obj));
        let client = Client::new(id, clean_session, handler(callbacks.clone()));
        client.set_memory(queue_memory());
        Contents {
            runner: Runner::new(client),
            callbacks,
        }
    })
}

/// Ends a client and frees what it has. NULL is allowed and does nothing.
///
/// An open connection is closed without DISCONNECT, so that the server publishes the
/// will; call `mosquitto_disconnect` first where that is not wanted. A thread made by
/// `mosquitto_loop_start` is stopped; from a `mqttrs_loop` the client is removed. No callback
/// begins after this call.
///
/// Any thread; inside a callback too, and while other threads are inside calls on the
/// same client: these return soon, with an error, and one that is connecting does within the
/// connect timeout. `mosq` must not be used afterwards;
/// where that happens by mistake, functions answer with MOSQ_ERR_INVAL for as long as
/// the library can tell, which is until 64 other clients have been destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_destroy(mosq: *mut mosquitto) {
    guard((), || {
        // SAFETY: the caller's promise.
        let Some(contents) = (unsafe { enter(mosq) }) else {
            return;
        };
        if contents.close() {
            end_messages(&contents);
            contents.callbacks.clear();
            contents.runner.shut_down();
        }
    })
}

/// Makes a client as new: closes its connection, stops its thread, takes it out of its
/// `mqttrs_loop`, forgets messages, options and callbacks, and takes `id`, `clean_session`
/// and `obj` as `mosquitto_new` does.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and for `id` NULL
/// without `clean_session`, empty or too long; MOSQ_ERR_MALFORMED_UTF8 for an `id` that
/// is not UTF-8. After an error the client is as it was.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `id` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_reinitialise(
    mosq: *mut mosquitto,
    id: *const c_char,
    clean_session: bool,
    obj: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let reinitialise = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let id = unsafe { client_id(id, clean_session) }?;
            contents.runner.halt();
            end_messages(contents);
            contents.callbacks.clear();
            contents.callbacks.set_obj_or_handle(obj);
            contents.client().set_logging(|| Logging::Off);
            contents.client().reinitialise(id, clean_session)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, reinitialise) }
    })
}

/// Sets the pointer that every callback gets as `obj`. It takes effect with the next
/// callback; NULL is handed on as NULL.
///
/// Any thread, any callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_user_data_set(mosq: *mut mosquitto, obj: *mut c_void) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.set_obj(obj);
        }
    })
}

/// The pointer that callbacks get as `obj`: the one last given to `mosquitto_new`,
/// `mosquitto_reinitialise` or `mosquitto_user_data_set`, and the client itself where the first
/// two were given NULL.
///
/// Any thread, any callback. Returns NULL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_userdata(mosq: *mut mosquitto) -> *mut c_void {
    guard(null_mut(), || {
        // SAFETY: the caller's promise.
        let contents = unsafe { enter(mosq) };
        contents.map_or(null_mut(), |contents| contents.callbacks.obj())
    })
}

/// Tells the program of the messages that end with the client, if it wants to know, and of the
/// requests.
fn end_messages(contents: &Contents) {
    let requests_are_left = contents.client().refuse_requests();
    if contents.callbacks.wants_outcomes() || requests_are_left {
        contents.runner.halt();
        contents.client().end_messages();
        contents.callbacks.end_waiting();
    }
}

/// A client identifier; `None` where the library or the server chooses it.
///
/// # Safety
/// `id` is NULL or a C string.
pub(super) unsafe fn client_id(id: *const c_char, clean_session: bool) -> Result<Option<String>> {
    // SAFETY: the caller's promise.
    match unsafe { mqtt_text(id) }? {
        None if !clean_session => Err(Error::invalid("a kept session needs a client id")),
        Some("") => Err(Error::invalid("client id is empty")),
        id => Ok(id.map(str::to_owned)),
    }
}
