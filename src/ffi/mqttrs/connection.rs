//! How connections are made, and why they fail.

use std::ffi::{c_char, c_int, c_uint};
use std::ptr::copy_nonoverlapping;
use std::time::Duration;

use crate::client::{Proxy, ProxyKind};
use crate::error::{Error, Result};
use crate::ffi::arguments::{text, u16};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, enter, mosquitto, why_disowned, Contents};

/// Sets how long an attempt to connect may take: the look-up of the name, the addresses of
/// the server, the proxy, and the handshakes of TLS and WebSocket together. An attempt that
/// takes longer fails, with MOSQ_ERR_EAI while the name was being looked up, otherwise with
/// MOSQ_ERR_ERRNO and `errno` ETIMEDOUT. Whether CONNACK comes is the keep alive's to judge, and
/// with a keep alive of 0 part of the attempt.
///
/// `milliseconds` is 1 to 4294967295; 30000 is the default. It also bounds `mosquitto_connect`
/// and the other calls that block. Takes effect with the next attempt. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, or 0 milliseconds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_connect_timeout_set(
    mosq: *mut mosquitto,
    milliseconds: c_uint,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            if milliseconds == 0 {
                return Err(Error::invalid("the connect timeout is 0"));
            }
            let timeout = Duration::from_millis(milliseconds.into());
            contents
                .client()
                .options(|options| options.route_mut().connect_timeout = timeout);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets whether the next connections begin with a new session, in place of what `mosquitto_new` was
/// told: Clean Start in MQTT 5 (MQTT 5.0 section 3.1.2.4), Clean Session below.
///
/// `on` true has the server forget what it has of the client, false has it go on with that. In MQTT
/// 5 the property Session Expiry Interval says how long it keeps it, so that a client may begin anew
/// with its first connection and go on with those that follow. Messages that wait here stay in any case.
///
/// Takes effect with the next attempt. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and with `on` for a client
/// with a store of `mqttrs_store_open`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_clean_start_set(mosq: *mut mosquitto, on: bool) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.client().set_clean_session(on)) }
    })
}

/// Connects through an HTTP proxy, by the method CONNECT (RFC 9110 section 9.3.6), and not
/// through a SOCKS5 proxy any more; `mosquitto_socks5_set` is the reverse.
///
/// `host` is the proxy's name or address, NULL for no proxy of any kind; `port` is 1 to
/// 65535. The server's name is handed to the proxy as it is and resolved there. `username`
/// and `password` are for basic authentication (RFC 7617), NULL for none; a colon cannot be
/// part of `username`. All are copied. Unix sockets are reached without the proxy.
///
/// Where the proxy refuses, connecting fails with MOSQ_ERR_AUTH (its rules or the
/// credentials), MOSQ_ERR_NO_CONN (it cannot reach the server) or MOSQ_ERR_PROXY;
/// `mqttrs_last_error` has its words.
///
/// Takes effect with the next attempt. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `port` out of range, a
/// string that is not UTF-8, or a `password` without `username`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; the others are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_http_proxy_set(
    mosq: *mut mosquitto,
    host: *const c_char,
    port: c_int,
    username: *const c_char,
    password: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise, for all in this block.
            let (host, username, password) = unsafe {
                (
                    text(host, "host is not UTF-8")?,
                    text(username, "username is not UTF-8")?,
                    text(password, "password is not UTF-8")?,
                )
            };
            let proxy = match host {
                Some(host) => Some(http_proxy(host, port, username, password)?),
                None => None,
            };
            contents
                .client()
                .options(|options| options.route_mut().proxy = proxy);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Adds a header field to the request that begins a WebSocket connection (RFC 6455 section
/// 4.1), for instance `Authorization` or `Origin`.
///
/// `name` and `value` are copied. A name may be added several times. `Host` and
/// `Sec-WebSocket-Protocol` take the place of the library's own fields. NULL for `name` removes
/// all fields added before.
///
/// Takes effect with the next attempt. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `value` NULL with a
/// `name`, a name or value that HTTP does not allow (RFC 9110 section 5), or a field that the
/// upgrade itself needs: `Connection`, `Upgrade`, `Sec-WebSocket-Key` and
/// `Sec-WebSocket-Version`; MOSQ_ERR_NOT_SUPPORTED when the library was built without WebSocket.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; the others are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_websocket_header_add(
    mosq: *mut mosquitto,
    name: *const c_char,
    value: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let add = |contents: &Contents| {
            // SAFETY: the caller's promise, for both.
            let (name, value) = unsafe {
                (
                    text(name, "header name is not UTF-8")?,
                    text(value, "header value is not UTF-8")?,
                )
            };
            let Some(name) = name else {
                contents
                    .client()
                    .options(|options| options.route_mut().http_headers.clear());
                return Ok(());
            };
            let value = value.ok_or(Error::invalid("header value is NULL"))?;
            contents.client().add_http_header(name, value)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, add) }
    })
}

/// Tells in words what went wrong last with a client: in a call that returned an error, in
/// an attempt to connect, or why a connection ended. It names the file, the certificate, the
/// address or the answer of the peer that was to blame, for a person to read; programs
/// decide by error codes.
///
/// `buffer` gets the text in UTF-8 with a NUL byte at its end, cut to `size` bytes; it may be
/// NULL when `size` is 0. Any thread, any callback; the text is that of the client, not of the
/// calling thread.
///
/// Returns the length of the whole text in bytes without the NUL, 0 when nothing went wrong
/// so far and for `mosq` NULL or destroyed; in a process that inherited `mosq` by `fork`, that
/// this is so.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `buffer` has room for `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_last_error(
    mosq: *mut mosquitto,
    buffer: *mut c_char,
    size: usize,
) -> usize {
    guard(0, || {
        // SAFETY: the caller's promise.
        let entered = unsafe { enter(mosq) };
        let error = entered.and_then(|contents| contents.client().last_error());
        let text = match error {
            Some(error) => error.to_string(),
            // SAFETY: the caller's promise.
            None => unsafe { why_disowned(mosq) }.unwrap_or_default().to_owned(),
        };
        // SAFETY: the caller's promise.
        unsafe { write_text(&text, buffer, size) };
        text.len()
    })
}

/// Writes a text where C wants it, with a NUL and cut to `size` bytes, if anywhere.
///
/// # Safety
/// `buffer` is NULL or has room for `size` bytes.
pub(super) unsafe fn write_text(text: &str, buffer: *mut c_char, size: usize) {
    if buffer.is_null() || size == 0 {
        return;
    }
    let mut count = text.len().min(size - 1);
    while !text.is_char_boundary(count) {
        count -= 1;
    }
    // SAFETY: the caller's promise: `size` bytes, of which `count + 1` are written.
    unsafe {
        copy_nonoverlapping(text.as_ptr().cast(), buffer, count);
        *buffer.add(count) = 0;
    }
}

fn http_proxy(
    host: &str,
    port: c_int,
    username: Option<&str>,
    password: Option<&str>,
) -> Result<Proxy> {
    let port = u16(port, "port is not 1 to 65535")?;
    if port == 0 {
        return Err(Error::invalid("port is not 1 to 65535"));
    }
    let credentials = match (username, password) {
        (Some(name), _) if name.contains(':') => {
            return Err(Error::invalid("a colon in the user name"))
        }
        (Some(name), password) => Some((name.to_owned(), password.unwrap_or_default().to_owned())),
        (None, Some(_)) => return Err(Error::invalid("password without user name")),
        (None, None) => None,
    };
    Ok(Proxy {
        kind: ProxyKind::HttpConnect,
        host: host.to_owned(),
        port,
        credentials,
    })
}
