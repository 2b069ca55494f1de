//! Subscribing in one call: a client is made, run and destroyed inside it.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::alloc;
use super::callbacks::{
    mosquitto_connect_callback_set, mosquitto_message_callback_set,
    mosquitto_subscribe_callback_set,
};
use super::connect::{mosquitto_connect, mosquitto_disconnect};
use super::constants::mosq_err_t::{
    MOSQ_ERR_CONN_REFUSED, MOSQ_ERR_INVAL, MOSQ_ERR_NOMEM, MOSQ_ERR_SUCCESS, MOSQ_ERR_UNKNOWN,
    MOSQ_ERR_UNSPECIFIED,
};
use super::constants::structures::{libmosquitto_tls, libmosquitto_will, mosquitto_message};
use super::errno::reason_code;
use super::guard::guard;
use super::handle::mosquitto;
use super::instance::{mosquitto_destroy, mosquitto_new};
use super::loops::mosquitto_loop_forever;
use super::message::{mosquitto_message_copy, mosquitto_message_free_contents};
use super::subscribe::mosquitto_subscribe;
use super::tls::{mosquitto_tls_opts_set, mosquitto_tls_set};
use super::will::{mosquitto_username_pw_set, mosquitto_will_set};
use crate::types::ReasonCode;

type MessageCallback = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        message: *const mosquitto_message,
    ) -> c_int,
>;

/// Connects, subscribes, waits for messages, disconnects, and returns the messages.
///
/// `*messages` becomes an array of `msg_count` messages, at least 1. It is the program's:
/// `mosquitto_message_free_contents` for each element and then `free` for the array, or, for one
/// message, `mosquitto_message_free`. After an error it is NULL. `want_retained` false
/// leaves out messages the server had retained.
///
/// `topic` is a topic filter, `qos` 0, 1 or 2; `host`, `port` and `keepalive` are as for
/// `mosquitto_connect`, `clientid` and `clean_session` as for `mosquitto_new`. `username` and
/// `password` may be NULL, and so may `will` and `tls`, whose fields are the arguments of
/// `mosquitto_will_set`, `mosquitto_tls_set` and `mosquitto_tls_opts_set`. Nothing is kept.
///
/// Blocks until the messages are there; lost connections are made again. Any thread, any callback
/// of another client.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `messages` or `topic` NULL, `msg_count` below 1, and
/// other arguments the functions above refuse; MOSQ_ERR_CONN_REFUSED when the server refuses the
/// connection; a value of 128 or more when it refuses the subscription; MOSQ_ERR_NOMEM;
/// otherwise what `mosquitto_connect` and `mosquitto_loop_forever` return.
///
/// # Safety
/// `messages` is NULL or may be written to; each string is NULL or a C string; `will` and `tls`
/// are NULL or point to such structures.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe_simple(
    messages: *mut *mut mosquitto_message,
    msg_count: c_int,
    want_retained: bool,
    topic: *const c_char,
    qos: c_int,
    host: *const c_char,
    port: c_int,
    clientid: *const c_char,
    keepalive: c_int,
    clean_session: bool,
    username: *const c_char,
    password: *const c_char,
    will: *const libmosquitto_will,
    tls: *const libmosquitto_tls,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let count = usize::try_from(msg_count).unwrap_or(0);
        if messages.is_null() || count == 0 {
            return MOSQ_ERR_INVAL as c_int;
        }
        let Some(array) = alloc::zeroed_array::<mosquitto_message>(count) else {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { *messages = null_mut() };
            return MOSQ_ERR_NOMEM as c_int;
        };
        let mut collected = Collected {
            messages: array.as_ptr(),
            count,
            len: 0,
            want_retained,
            rc: MOSQ_ERR_SUCCESS as c_int,
        };
        // SAFETY: the caller's promise; `collected` is what `collect` takes and outlives the call.
        unsafe {
            *messages = null_mut();
            let rc = subscribe_callback(
                Some(collect),
                (&raw mut collected).cast(),
                topic,
                qos,
                host,
                port,
                clientid,
                keepalive,
                clean_session,
                username,
                password,
                will,
                tls,
            );
            collected.hand_over(rc, messages)
        }
    })
}

/// Connects, subscribes, and hands each message to `callback` until it returns something
/// other than 0; then disconnects and returns.
///
/// `callback` gets a client that it may use but not destroy, `userdata`, and the message, which
/// lives until it returns. The other arguments are those of `mosquitto_subscribe_simple`.
///
/// Blocks until the callback ends it; lost connections are made again. Any thread, any callback
/// of another client.
///
/// Returns what `mosquitto_subscribe_simple` returns, with MOSQ_ERR_INVAL for `callback` NULL.
///
/// # Safety
/// `callback` is NULL or a function of this type; the others as for `mosquitto_subscribe_simple`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe_callback(
    callback: Option<
        unsafe extern "C" fn(
            mosq: *mut mosquitto,
            obj: *mut c_void,
            message: *const mosquitto_message,
        ) -> c_int,
    >,
    userdata: *mut c_void,
    topic: *const c_char,
    qos: c_int,
    host: *const c_char,
    port: c_int,
    clientid: *const c_char,
    keepalive: c_int,
    clean_session: bool,
    username: *const c_char,
    password: *const c_char,
    will: *const libmosquitto_will,
    tls: *const libmosquitto_tls,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            subscribe_callback(
                callback,
                userdata,
                topic,
                qos,
                host,
                port,
                clientid,
                keepalive,
                clean_session,
                username,
                password,
                will,
                tls,
            )
        }
    })
}

/// What the callbacks of a helper's client need; their `obj`.
struct Subscription {
    callback: MessageCallback,
    userdata: *mut c_void,
    topic: *const c_char,
    qos: c_int,
    /// The callback has said that it is enough.
    done: bool,
    /// Why it ended otherwise.
    rc: c_int,
}

/// # Safety
/// As `mosquitto_subscribe_callback`.
#[allow(clippy::too_many_arguments)] // the C function's
unsafe fn subscribe_callback(
    callback: MessageCallback,
    userdata: *mut c_void,
    topic: *const c_char,
    qos: c_int,
    host: *const c_char,
    port: c_int,
    clientid: *const c_char,
    keepalive: c_int,
    clean_session: bool,
    username: *const c_char,
    password: *const c_char,
    will: *const libmosquitto_will,
    tls: *const libmosquitto_tls,
) -> c_int {
    if callback.is_none() || topic.is_null() {
        return MOSQ_ERR_INVAL as c_int;
    }
    let mut subscription = Subscription {
        callback,
        userdata,
        topic,
        qos,
        done: false,
        rc: MOSQ_ERR_SUCCESS as c_int,
    };
    // SAFETY: the caller's promise; `subscription` outlives the client that is told of it.
    unsafe {
        let mosq = mosquitto_new(clientid, clean_session, (&raw mut subscription).cast());
        if mosq.is_null() {
            return MOSQ_ERR_INVAL as c_int;
        }
        mosquitto_connect_callback_set(mosq, Some(on_connect));
        mosquitto_subscribe_callback_set(mosq, Some(on_subscribe));
        mosquitto_message_callback_set(mosq, Some(on_message));
        let mut rc = set_up(mosq, username, password, will, tls);
        if rc == MOSQ_ERR_SUCCESS as c_int {
            rc = mosquitto_connect(mosq, host, port, keepalive);
        }
        if rc == MOSQ_ERR_SUCCESS as c_int {
            rc = mosquitto_loop_forever(mosq, -1, 1);
        }
        // Destroying may change errno, which says more where the result is MOSQ_ERR_ERRNO.
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        mosquitto_destroy(mosq);
        super::errno::set_errno(errno);
        // The client is gone, and with it everyone else who knew of `subscription`.
        let subscription = (&raw const subscription).read();
        if subscription.rc != MOSQ_ERR_SUCCESS as c_int {
            subscription.rc
        } else if subscription.done {
            MOSQ_ERR_SUCCESS as c_int
        } else {
            rc
        }
    }
}

/// Gives a new client what it needs to connect.
///
/// # Safety
/// As `mosquitto_subscribe_callback`; `mosq` is a client.
unsafe fn set_up(
    mosq: *mut mosquitto,
    username: *const c_char,
    password: *const c_char,
    will: *const libmosquitto_will,
    tls: *const libmosquitto_tls,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(will) = will.as_ref() {
            let (topic, payload) = (will.topic, will.payload);
            let rc =
                mosquitto_will_set(mosq, topic, will.payloadlen, payload, will.qos, will.retain);
            if rc != MOSQ_ERR_SUCCESS as c_int {
                return rc;
            }
        }
        if !username.is_null() {
            let rc = mosquitto_username_pw_set(mosq, username, password);
            if rc != MOSQ_ERR_SUCCESS as c_int {
                return rc;
            }
        }
        if let Some(tls) = tls.as_ref() {
            let rc = mosquitto_tls_set(
                mosq,
                tls.cafile,
                tls.capath,
                tls.certfile,
                tls.keyfile,
                tls.pw_callback,
            );
            if rc != MOSQ_ERR_SUCCESS as c_int {
                return rc;
            }
            return mosquitto_tls_opts_set(mosq, tls.cert_reqs, tls.tls_version, tls.ciphers);
        }
        MOSQ_ERR_SUCCESS as c_int
    }
}

/// # Safety
/// `obj` is a `Subscription`.
unsafe extern "C" fn on_connect(mosq: *mut mosquitto, obj: *mut c_void, rc: c_int) {
    guard((), || {
        let subscription: *mut Subscription = obj.cast();
        // SAFETY: the caller's promise; callbacks never overlap.
        unsafe {
            let rc = match rc {
                0 => {
                    let (topic, qos) = ((*subscription).topic, (*subscription).qos);
                    mosquitto_subscribe(mosq, null_mut(), topic, qos)
                }
                _ => MOSQ_ERR_CONN_REFUSED as c_int,
            };
            if rc != MOSQ_ERR_SUCCESS as c_int {
                end(mosq, subscription, rc);
            }
        }
    })
}

/// # Safety
/// `obj` is a `Subscription`; `granted_qos` has `qos_count` numbers.
unsafe extern "C" fn on_subscribe(
    mosq: *mut mosquitto,
    obj: *mut c_void,
    _mid: c_int,
    qos_count: c_int,
    granted_qos: *const c_int,
) {
    guard((), || {
        if qos_count < 1 || granted_qos.is_null() {
            return;
        }
        // SAFETY: the caller's promise; there is a first number.
        let reason = ReasonCode(u8::try_from(unsafe { *granted_qos }).unwrap_or(0));
        if reason.is_error() {
            // SAFETY: the caller's promise; callbacks never overlap.
            unsafe { end(mosq, obj.cast(), reason_code(reason, MOSQ_ERR_UNSPECIFIED)) };
        }
    })
}

/// # Safety
/// `obj` is a `Subscription`; `message` is a message.
unsafe extern "C" fn on_message(
    mosq: *mut mosquitto,
    obj: *mut c_void,
    message: *const mosquitto_message,
) {
    guard((), || {
        let subscription: *mut Subscription = obj.cast();
        // SAFETY: the caller's promise; callbacks never overlap, and the program's own is
        // of the type it was given with.
        unsafe {
            let Some(callback) = (*subscription).callback else {
                return;
            };
            // What arrives between the last message and the disconnect is too late.
            if !(*subscription).done && callback(mosq, (*subscription).userdata, message) != 0 {
                (*subscription).done = true;
                mosquitto_disconnect(mosq);
            }
        }
    })
}

/// Ends a helper with an error.
///
/// # Safety
/// `mosq` is a client, `subscription` its `Subscription`.
unsafe fn end(mosq: *mut mosquitto, subscription: *mut Subscription, rc: c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        (*subscription).rc = rc;
        mosquitto_disconnect(mosq);
    }
}

/// Messages on their way into the program's array.
struct Collected {
    /// Zeroed memory from the C allocator for `count` messages, `len` of them there.
    messages: *mut mosquitto_message,
    count: usize,
    len: usize,
    want_retained: bool,
    rc: c_int,
}

/// # Safety
/// `obj` is a `Collected`; `message` is a message.
unsafe extern "C" fn collect(
    _mosq: *mut mosquitto,
    obj: *mut c_void,
    message: *const mosquitto_message,
) -> c_int {
    guard(1, || {
        let collected: *mut Collected = obj.cast();
        // SAFETY: the caller's promise; callbacks never overlap, so there is one reference.
        let (collected, retained) = unsafe { (&mut *collected, (*message).retain) };
        if retained && !collected.want_retained {
            return 0;
        }
        // SAFETY: `len` is below `count`: at `count` this returned 1 and was not called again.
        collected.rc =
            unsafe { mosquitto_message_copy(collected.messages.add(collected.len), message) };
        if collected.rc != MOSQ_ERR_SUCCESS as c_int {
            return 1;
        }
        collected.len += 1;
        c_int::from(collected.len == collected.count)
    })
}

impl Collected {
    /// Gives the messages to C, or frees them where they are not all there.
    ///
    /// # Safety
    /// `messages` may be written to.
    unsafe fn hand_over(self, rc: c_int, messages: *mut *mut mosquitto_message) -> c_int {
        let failure = if rc == MOSQ_ERR_SUCCESS as c_int {
            self.rc
        } else {
            rc
        };
        if failure == MOSQ_ERR_SUCCESS as c_int && self.len == self.count {
            // SAFETY: the caller's promise.
            unsafe { *messages = self.messages };
            return failure;
        }
        for index in 0..self.len {
            // SAFETY: the first `len` messages are there and nobody else's.
            unsafe { mosquitto_message_free_contents(self.messages.add(index)) };
        }
        // SAFETY: from the C allocator, and not used again.
        unsafe { alloc::free(self.messages) };
        if failure == MOSQ_ERR_SUCCESS as c_int {
            // Ended from outside before the messages were there.
            return MOSQ_ERR_UNKNOWN as c_int;
        }
        failure
    }
}
