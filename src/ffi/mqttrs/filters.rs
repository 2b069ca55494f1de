//! Callbacks of topic filters: what arrives goes where its topic says.

use std::ffi::{c_char, c_int, c_void};

use crate::error::{CallerError, Error};
use crate::ffi::arguments::topic_filter;
use crate::ffi::constants::mosq_err_t::{MOSQ_ERR_INVAL, MOSQ_ERR_UNKNOWN};
use crate::ffi::constants::structures::mosquitto_message;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::ffi::property::mosquitto_property;
use crate::types::topic::is_share_complete;

/// [`MQTTRS_CB_message`] without NULL.
pub(in crate::ffi) type MessageCallback = unsafe extern "C" fn(
    mosq: *mut mosquitto,
    userdata: *mut c_void,
    message: *const mosquitto_message,
    props: *const mosquitto_property,
);

/// Runs with a message that has arrived. `message`, all it points to and `props` belong to the
/// library and live until the callback returns, as in `mosquitto_message_v5_callback_set`.
pub type MQTTRS_CB_message = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        userdata: *mut c_void,
        message: *const mosquitto_message,
        props: *const mosquitto_property,
    ),
>;

/// Adds a callback for the messages whose topics match `filter`, or replaces the one that `filter`
/// has.
///
/// A message goes to every callback whose filter matches its topic (MQTT 5.0 section 4.7), and to
/// those of `mosquitto_message_callback_set` and `_v5` only where none does. Its cost does not
/// depend on how many filters there are. Nothing is subscribed to by this call, and what the
/// server sends does not depend on it. `$share/{name}/{filter}` stands for what `filter` matches,
/// since nothing in a message says by which subscription it comes; it is another filter than that
/// one, and with both, both are called. A filter that begins with a wildcard does not match topics
/// that begin with `$`.
///
/// The order is that of the first level in which two filters differ: `a` is called before `a/#`, and
/// a name before `+` before `#`; a filter is called before the same one in shares, of which the
/// latest comes first.
///
/// `filter` is copied. `userdata` is what the callback gets, NULL allowed; it belongs to the program
/// and has to live until the callback was removed, or replaced, and runs no more.
///
/// Any thread, any callback. A message that is being delivered in the meantime does not go to a
/// callback that is added, and goes to the new one where its turn comes after it was replaced.
/// Callbacks of one client run one at a time, with no lock held, on the thread that runs its
/// loop. `mosquitto_destroy` and `mosquitto_reinitialise` remove all.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `on_message` NULL, `filter` NULL
/// or not a topic filter; MOSQ_ERR_MALFORMED_UTF8 for a `filter` that is not UTF-8.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `filter` is NULL or a C string; `on_message` is NULL or a
/// function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_message_callback_add(
    mosq: *mut mosquitto,
    filter: *const c_char,
    on_message: MQTTRS_CB_message,
    userdata: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let Some(on_message) = on_message else {
            return MOSQ_ERR_INVAL as c_int;
        };
        // SAFETY: the caller's promise.
        unsafe { change(mosq, filter, Some((on_message, userdata))) }
    })
}

/// Removes the callback of `filter`, which is the text that it was added with.
///
/// Any thread, any callback, that of `filter` itself included: its call goes on. A message that is
/// being delivered does not go to it any more.
///
/// This does not wait. Called inside a callback of the client, or on the thread that runs its loop, it
/// leaves no call of the removed callback but the one that it may have come from. Where
/// another thread runs the loop, that one may be inside the callback or about to enter it.
/// It is not any more when the loop has ended for this client: where a thread of the library runs
/// it, when `mosquitto_loop_stop`, `mqttrs_loop_remove` or `mosquitto_destroy` has returned, called
/// outside callbacks; else when the program's thread is back from it. Until then the user data
/// has to live.
///
/// Nothing is unsubscribed from by this call.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_NOT_FOUND where the filter has no callback; MOSQ_ERR_INVAL for
/// `mosq` NULL or destroyed, `filter` NULL or not a topic filter; MOSQ_ERR_MALFORMED_UTF8 for a `filter`
/// that is not UTF-8.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `filter` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_message_callback_remove(
    mosq: *mut mosquitto,
    filter: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { change(mosq, filter, None) }
    })
}

/// Sets or removes the callback of a filter.
///
/// # Safety
/// As the caller of [`mqttrs_message_callback_add`] promises.
unsafe fn change(
    mosq: *mut mosquitto,
    filter: *const c_char,
    to: Option<(MessageCallback, *mut c_void)>,
) -> c_int {
    let change = |contents: &Contents| {
        // SAFETY: the caller's promise.
        let filter = unsafe { topic_filter(filter) }?;
        if !is_share_complete(filter) {
            return Err(Error::invalid("a share without its name or filter"));
        }
        let filters = &contents.callbacks.filters;
        match to {
            Some((on_message, userdata)) => filters.set(filter, on_message, userdata),
            None if filters.remove(filter) => {}
            None => return Err(CallerError::NotFound("a callback of this filter").into()),
        }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(mosq, change) }
}
