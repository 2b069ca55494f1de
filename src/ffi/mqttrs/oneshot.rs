//! One call for all: connects, publishes or receives, disconnects.

mod description;
mod run;
mod watch;
mod work;

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;

use super::message::{mqttrs_message, mqttrs_subscription, CarriesSize};
use crate::ffi::alloc;
use crate::ffi::constants::mosq_err_t::{MOSQ_ERR_INVAL, MOSQ_ERR_UNKNOWN};
use crate::ffi::constants::structures::mosquitto_message;
use crate::ffi::guard::guard;
use crate::ffi::handle::mosquitto;
use crate::ffi::message::mosquitto_message_free_contents;
use crate::ffi::property::list::mosquitto_property_free_all;
use crate::ffi::property::mosquitto_property;
use run::once;
use watch::Sink;
use work::Work;

/// `proxy` of `struct mqttrs_connection`: none.
pub const MQTTRS_PROXY_NONE: c_int = 0;
/// `proxy` of `struct mqttrs_connection`: as for `mosquitto_socks5_set`.
pub const MQTTRS_PROXY_SOCKS5: c_int = 1;
/// `proxy` of `struct mqttrs_connection`: as for `mqttrs_http_proxy_set`.
pub const MQTTRS_PROXY_HTTP: c_int = 2;

/// `tls` of `struct mqttrs_connection`: TLS, trusting whom the system trusts.
pub const MQTTRS_TLS_OS_CERTS: c_int = 1;
/// `tls` of `struct mqttrs_connection`: the certificate may be for another host; for tests only.
pub const MQTTRS_TLS_INSECURE: c_int = 2;

/// A connection for `mqttrs_publish_once`, `mqttrs_receive_once` and `mqttrs_receive_each`. Fill it
/// with zeros first, then set `size` and `host`; what stays zero or NULL has its default. It stays
/// the program's with all that it points to, and is read only until the function returns.
#[repr(C)]
pub struct mqttrs_connection {
    /// `sizeof(struct mqttrs_connection)`: the structure may grow.
    pub size: usize,
    /// Name or address of the server, or the path of a Unix socket, beginning with "/".
    pub host: *const c_char,
    /// 1 to 65535; by default 1883, with TLS 8883, with WebSocket 80, with both 443.
    pub port: c_int,
    /// An `enum mosq_transport_t`; MOSQ_T_TCP by default.
    pub transport: c_int,
    /// The path of the WebSocket endpoint; "/mqtt" by default.
    pub http_path: *const c_char,
    /// MQTT_PROTOCOL_V31, MQTT_PROTOCOL_V311 (default) or MQTT_PROTOCOL_V5.
    pub protocol_version: c_int,
    /// The client identifier; by default one is made up.
    pub client_id: *const c_char,
    /// The session is continued and kept; needs `client_id`. By default it is a clean one.
    pub keep_session: bool,
    /// Seconds, 2 to 65535; 60 by default.
    pub keepalive: c_int,
    /// Milliseconds for everything up to the outcome; 30000 by default.
    pub timeout_ms: c_uint,
    /// User name.
    pub username: *const c_char,
    /// Password.
    pub password: *const c_char,
    /// MQTTRS_TLS_OS_CERTS and MQTTRS_TLS_INSECURE, or-ed.
    pub tls: c_int,
    /// A file of trusted certificates, as for `mosquitto_tls_set`; switches TLS on.
    pub cafile: *const c_char,
    /// A folder of such files; switches TLS on.
    pub capath: *const c_char,
    /// A file with the client's certificate chain.
    pub certfile: *const c_char,
    /// A file with its private key.
    pub keyfile: *const c_char,
    /// The application protocol to offer in TLS.
    pub alpn: *const c_char,
    /// MQTTRS_PROXY_NONE (default), MQTTRS_PROXY_SOCKS5 or MQTTRS_PROXY_HTTP.
    pub proxy: c_int,
    /// Name or address of the proxy.
    pub proxy_host: *const c_char,
    /// Its port, 1 to 65535.
    pub proxy_port: c_int,
    /// User name for the proxy.
    pub proxy_username: *const c_char,
    /// Password for the proxy.
    pub proxy_password: *const c_char,
    /// The last will; its payload has at most 65535 bytes.
    pub will: *const mqttrs_message,
    /// MQTT 5 properties for CONNECT.
    pub properties: *const mosquitto_property,
    /// Called with the client once all of the above was set, before it connects: any function may
    /// set more of it, callbacks included, which get `userdata` as their `obj`. It may not destroy
    /// or reinitialise the client or run its loop. What it returns, unless MOSQ_ERR_SUCCESS, is
    /// what the call returns. The client lives until the call returns; `mosquitto_disconnect` from
    /// another thread or a callback ends the call.
    pub prepare: Option<unsafe extern "C" fn(mosq: *mut mosquitto, userdata: *mut c_void) -> c_int>,
    /// For `prepare` and the callbacks that it sets.
    pub userdata: *mut c_void,
    /// Gets in words what went wrong, in UTF-8 with a NUL byte at its end, cut to `error_size`
    /// bytes; empty after a success.
    pub error: *mut c_char,
    /// The room in `error`.
    pub error_size: usize,
}

/// A message that `mqttrs_receive_once` received, and the one behind it.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_received {
    /// The size of this structure in bytes: later versions may have more behind the last member.
    pub size: usize,
    /// The message that came next; NULL for none.
    pub next: *mut mqttrs_received,
    /// The message; a NUL follows the bytes of its payload, which is NULL where it is empty.
    pub message: mosquitto_message,
    /// Its properties; NULL for none and below MQTT 5.
    pub properties: *mut mosquitto_property,
}

/// Runs for each message; `message` and `props`, NULL for none, live until it returns. `false`
/// ends the call.
pub type MQTTRS_CB_received = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        message: *const mosquitto_message,
        props: *const mosquitto_property,
    ) -> bool,
>;

// SAFETY: its first field is `size`.
unsafe impl CarriesSize for mqttrs_connection {}

/// Connects, publishes messages, waits until the server has acknowledged them, and disconnects.
///
/// `messages` has `count` messages, at least one, for any topics, which are sent in this order. QoS 1
/// and 2 have come to their end with the last acknowledgement, QoS 0 when the network has taken the
/// message. One that is refused does not keep the others back. A connection that is lost is made
/// again while there is time, up to the third on which nothing is acknowledged; what was not
/// acknowledged is then sent again (MQTT 5.0 section 4.4), and of QoS 0 only what the network had not
/// taken as a whole.
///
/// `results` is NULL or has room for `count` numbers, which say what became of each message:
/// MOSQ_ERR_SUCCESS, a reason code of 128 or more with which the server refused it (MQTT 5.0 section
/// 2.4, see `mosquitto_reason_string`), what `mosquitto_publish_v5` returns for it, or why it was not
/// sent or not acknowledged.
///
/// Blocks, at most for the time in `connection`; a name that is being looked up then goes on being
/// looked up by a thread that ends by itself. Any thread, any callback, which it holds up; it shares
/// nothing with other clients.
///
/// Returns MOSQ_ERR_SUCCESS when all messages have it as their result, otherwise the first other
/// result; MOSQ_ERR_INVAL for `connection` or `messages` NULL, a `count` of 0 or above 4194304, a
/// `size` that is smaller than its structure, and a value in the connection that `mosquitto_connect` or
/// the functions that set such options do not take, or what else these return;
/// MOSQ_ERR_CONN_REFUSED when the server refuses the connection; MOSQ_ERR_TIMEOUT; otherwise why
/// there was no connection, as `mosquitto_loop` has it, with MOSQ_ERR_ERRNO and `errno` for errors of
/// the system. The words are in the `error` of the connection.
///
/// # Safety
/// `connection` is NULL or leads to such a structure, whose pointers are NULL or lead to what it says;
/// `messages` is NULL or has `count` messages of one size; `results` is NULL or has `count` numbers.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_publish_once(
    connection: *const mqttrs_connection,
    messages: *const mqttrs_message,
    count: usize,
    results: *mut c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let work = Work::Publish {
            messages,
            count,
            next: 0,
        };
        // SAFETY: the caller's promise.
        let (rc, watch) = unsafe { once(connection, Sink::None, work) };
        if !results.is_null() {
            let told = watch.map(|watch| watch.results()).unwrap_or_default();
            for index in 0..count {
                let result = told.get(index).copied().flatten().unwrap_or(rc);
                // SAFETY: the caller's promise.
                unsafe { *results.add(index) = result };
            }
        }
        rc
    })
}

/// Connects, subscribes, waits for messages, and disconnects.
///
/// `subscriptions` has `count` of them, at least one, for which one SUBSCRIBE asks. The call ends with
/// message number `wanted`, at least 1. Without `retained_too` those that the server had retained do not
/// count and are left out: those with the retain flag, which with the option Retain As Published (MQTT 5.0 section
/// 3.8.3.1) new ones may have too. A connection that is lost is made and subscribed on again, as for
/// `mqttrs_publish_once`; the server then sends its retained messages anew.
///
/// `*received` becomes the first message, whose `next` leads to the others in the order in which
/// they came, also where the call ends with MOSQ_ERR_TIMEOUT or another error and fewer came, and NULL
/// where none came. The messages are the program's, which ends them with `mqttrs_received_free`.
///
/// Blocks, at most for the time in `connection`. Any thread, any callback, which it holds up.
///
/// Returns MOSQ_ERR_SUCCESS with as many as were `wanted`; the reason code of 128 or more with which the
/// server refused a subscription; MOSQ_ERR_NO_CONN when the program disconnected; for the rest what
/// `mqttrs_publish_once` returns, with `mosquitto_subscribe_v5` in the place of
/// `mosquitto_publish_v5`.
///
/// # Safety
/// `connection` is as for `mqttrs_publish_once`; `subscriptions` is NULL or has `count` subscriptions of
/// one size; `received` is NULL or may be written to.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_receive_once(
    connection: *const mqttrs_connection,
    subscriptions: *const mqttrs_subscription,
    count: usize,
    wanted: usize,
    retained_too: bool,
    received: *mut *mut mqttrs_received,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        if received.is_null() {
            return MOSQ_ERR_INVAL as c_int;
        }
        let work = Work::receive(subscriptions, count, false);
        let sink = Sink::Collect {
            wanted,
            retained_too,
        };
        // SAFETY: the caller's promise.
        let (rc, watch) = unsafe { once(connection, sink, work) };
        let first = watch.map_or(null_mut(), |watch| watch.take_received());
        // SAFETY: the caller's promise.
        unsafe { *received = first };
        rc
    })
}

/// Connects, subscribes, and hands each message to `on_message` until that returns `false`; then
/// disconnects.
///
/// `subscriptions` has `count` of them, at least one, for which one SUBSCRIBE asks. `on_message` gets
/// `userdata`, runs in this thread, and may call anything. The time in `connection` is for the way to
/// the subscriptions, and anew when the connection is lost and made and subscribed on again; in
/// between the call waits for messages without an end. `mosquitto_disconnect` on the client that
/// `prepare` was given ends it too.
///
/// Any thread, any callback, which it holds up.
///
/// Returns MOSQ_ERR_SUCCESS when `on_message` or the program has ended it; MOSQ_ERR_INVAL for
/// `on_message` NULL; for the rest what `mqttrs_receive_once` returns.
///
/// # Safety
/// `connection` and `subscriptions` are as for `mqttrs_receive_once`; `on_message` is NULL or a
/// function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_receive_each(
    connection: *const mqttrs_connection,
    subscriptions: *const mqttrs_subscription,
    count: usize,
    on_message: MQTTRS_CB_received,
    userdata: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let sink = Sink::Each {
            on_message,
            userdata,
        };
        let work = Work::receive(subscriptions, count, true);
        // SAFETY: the caller's promise.
        unsafe { once(connection, sink, work) }.0
    })
}

/// Frees what `mqttrs_receive_once` has received: this message and all behind it. NULL is allowed and
/// does nothing. Any thread, any callback.
///
/// # Safety
/// `received` is NULL or came from `mqttrs_receive_once`, and was not freed before.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_received_free(received: *mut mqttrs_received) {
    guard((), || {
        let mut next = received;
        while !next.is_null() {
            let this = next;
            // SAFETY: the caller's promise: ours, and nobody else uses it.
            unsafe {
                next = (*this).next;
                mosquitto_message_free_contents(&mut (*this).message);
                mosquitto_property_free_all(&mut (*this).properties);
                alloc::free(this);
            }
        }
    })
}
