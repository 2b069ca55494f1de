//! Connecting, reconnecting, disconnecting.

use std::ffi::{c_char, c_int};

use super::arguments::{properties, text, u16};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, mosquitto, Contents};
use super::property::mosquitto_property;
use crate::client::{Client, Server, Target};
use crate::codec::{Place, PropertyBuf};
use crate::error::{Error, Result};
use crate::types::ReasonCode;

/// Connects to a server: resolves `host`, opens the connection, sends CONNECT, and returns
/// without waiting for the answer, which arrives in the loop and reaches the connect
/// callbacks.
///
/// `host` is a name, an address, or with port 0 the path of a Unix socket; it is copied and
/// used for reconnects. `port` is 0 to 65535, usually 1883. `keepalive` is the longest silence
/// in seconds before the client sends PINGREQ: 0 for never, or 2 to 65535 (MQTT 5.0
/// section 3.1.2.10).
///
/// Blocks until the network connection stands or cannot be made. A proxy and the handshakes of
/// TLS and WebSocket are the loop's: what fails there the loop functions return, MOSQ_ERR_TLS
/// for TLS. Settings of TLS that cannot be, such as a key that does not fit its certificate,
/// are this function's MOSQ_ERR_TLS. Any thread; in a callback it holds up the loop meanwhile. A connection that is open is closed first.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `host` NULL, `port` or
/// `keepalive` out of range; MOSQ_ERR_EAI when `host` cannot be resolved; MOSQ_ERR_ERRNO, with
/// `errno` set, when the system or the server's host refused; MOSQ_ERR_NOT_SUPPORTED when the
/// options ask for what this build lacks.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `host` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect(
    mosq: *mut mosquitto,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let target = unsafe { target(host, port, keepalive) }?;
            contents.client().connect(target)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Connects to a server from a chosen local address.
///
/// As `mosquitto_connect`; `bind_address` is the address or name of the local interface,
/// copied and kept as MOSQ_OPT_BIND_ADDRESS. NULL leaves that option as it is.
///
/// # Safety
/// As `mosquitto_connect`; `bind_address` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_bind(
    mosq: *mut mosquitto,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let target = unsafe { target(host, port, keepalive) }?;
            // SAFETY: the caller's promise.
            unsafe { bind(contents.client(), bind_address) }?;
            contents.client().connect(target)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Connects to a server from a chosen local address, with properties for CONNECT.
///
/// As `mosquitto_connect_bind`; `properties` is copied, stays the program's, may be NULL,
/// and is sent again with each reconnect (MQTT 5.0 section 3.1.2.11). The properties of the
/// will go to `mosquitto_will_set_v5`.
///
/// Returns what `mosquitto_connect` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
/// MOSQ_ERR_PROTOCOL for one that does not belong in CONNECT; MOSQ_ERR_DUPLICATE_PROPERTY.
///
/// # Safety
/// As `mosquitto_connect_bind`; `properties` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_bind_v5(
    mosq: *mut mosquitto,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
    bind_address: *const c_char,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            let client = contents.client();
            // SAFETY: the caller's promise.
            let mut target = unsafe { target(host, port, keepalive) }?;
            // SAFETY: the caller's promise.
            target.properties = unsafe { self::properties(client, properties, Place::Connect) }?;
            // SAFETY: the caller's promise.
            unsafe { bind(client, bind_address) }?;
            client.connect(target)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Begins to connect to a server and returns at once. The loop does the rest: it resolves
/// `host`, opens the connection and sends CONNECT, tries again after the reconnect delay where
/// that fails, and reports to the connect callbacks.
///
/// Arguments as for `mosquitto_connect`. Made for `mosquitto_loop_start`, before or after it.
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL as `mosquitto_connect`; MOSQ_ERR_NOT_SUPPORTED when the
/// options ask for what this build lacks.
///
/// # Safety
/// As `mosquitto_connect`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_async(
    mosq: *mut mosquitto,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let target = unsafe { target(host, port, keepalive) }?;
            contents.client().connect_async(target)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Begins to connect to a server from a chosen local address and returns at once.
///
/// As `mosquitto_connect_async`, with `bind_address` as for `mosquitto_connect_bind`.
///
/// # Safety
/// As `mosquitto_connect_bind`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_bind_async(
    mosq: *mut mosquitto,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let target = unsafe { target(host, port, keepalive) }?;
            // SAFETY: the caller's promise.
            unsafe { bind(contents.client(), bind_address) }?;
            contents.client().connect_async(target)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Begins to connect to a server that the DNS SRV records of a domain name, and returns at
/// once.
///
/// `host` is the domain: the records are those of `_mqtt._tcp.` and the domain, with TLS
/// `_secure-mqtt._tcp.`. The servers are tried in the order of their priority and, where that is
/// equal, by chance according to their weight (RFC 2782), until one takes the connection. The
/// records are asked for anew for each attempt, and an attempt that follows a failed one begins
/// with the next server. `keepalive` and `bind_address` are as for `mosquitto_connect_bind`, the
/// rest is as for `mosquitto_connect_async`. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `host` NULL or no domain
/// name, `keepalive` out of range; MOSQ_ERR_NOT_SUPPORTED when the library was built without SRV
/// look-ups. A domain without such records is for the loop to report, with MOSQ_ERR_EAI.
///
/// # Safety
/// As `mosquitto_connect_bind`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_srv(
    mosq: *mut mosquitto,
    host: *const c_char,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let mut target = unsafe { target(host, 0, keepalive) }?;
            if let Server::Host(domain, _) = target.server {
                target.server = Server::domain(domain)?;
            }
            // SAFETY: the caller's promise.
            unsafe { bind(contents.client(), bind_address) }?;
            contents.client().connect_async(target)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Connects again to the server of the last connect call, with the options as they are now.
///
/// Messages that were not acknowledged are sent again where the session is still there
/// (MQTT 5.0 section 4.4). Blocks as `mosquitto_connect` does. Any thread; in a callback, the
/// disconnect callback for instance, it holds up the loop meanwhile.
///
/// Returns what `mosquitto_connect` returns, and MOSQ_ERR_INVAL when none was called before.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_reconnect(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.client().reconnect()) }
    })
}

/// Begins to connect again to the server of the last connect call and returns at once; the
/// loop does the rest, as for `mosquitto_connect_async`.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed
/// and when no connect call came before; MOSQ_ERR_NOT_SUPPORTED when the options ask for what
/// this build lacks.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_reconnect_async(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.client().reconnect_async()) }
    })
}

/// Ends the connection: sends DISCONNECT behind what is queued, after which the server
/// forgets the will, and closes. The disconnect callbacks get 0, loops return
/// MOSQ_ERR_SUCCESS, and no automatic reconnect follows.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed; MOSQ_ERR_NO_CONN when there
/// was no connection, and then too no reconnect follows.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_disconnect(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let disconnect =
            |contents: &Contents| contents.client().disconnect(ReasonCode::SUCCESS, None);
        // SAFETY: the caller's promise.
        unsafe { call(mosq, disconnect) }
    })
}

/// Ends the connection with a reason code and properties for DISCONNECT.
///
/// As `mosquitto_disconnect`; `reason_code` is one of DISCONNECT's (MQTT 5.0 section 3.14.2.1; 4
/// asks for the will) and not sent below MQTT 5. `properties` is copied, stays the program's and
/// may be NULL.
///
/// Returns what `mosquitto_disconnect` returns; MOSQ_ERR_INVAL for any other `reason_code`;
/// MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5; MOSQ_ERR_PROTOCOL for one that does not
/// belong in DISCONNECT; MOSQ_ERR_DUPLICATE_PROPERTY; MOSQ_ERR_MALFORMED_UTF8.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `properties` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_disconnect_v5(
    mosq: *mut mosquitto,
    reason_code: c_int,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let disconnect = |contents: &Contents| {
            let client = contents.client();
            // SAFETY: the caller's promise.
            let properties = unsafe { self::properties(client, properties, Place::Disconnect) }?;
            let reason = u8::try_from(reason_code)
                .map_err(|_| Error::invalid("reason code is not 0 to 255"))?;
            client.disconnect(ReasonCode(reason), Some(&properties))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, disconnect) }
    })
}

/// Where to connect, without properties.
///
/// # Safety
/// `host` is NULL or a C string.
pub(super) unsafe fn target(host: *const c_char, port: c_int, keepalive: c_int) -> Result<Target> {
    // SAFETY: the caller's promise.
    let host = unsafe { text(host, "host is not UTF-8") }?;
    let keep_alive = u16(keepalive, "keep alive is not 0 or 2 to 65535")?;
    if keep_alive == 1 {
        return Err(Error::invalid("keep alive is not 0 or 2 to 65535"));
    }
    let host = host.ok_or(Error::invalid("host is NULL"))?;
    Ok(Target {
        server: Server::Host(host.to_owned(), u16(port, "port is not 0 to 65535")?),
        keep_alive,
        properties: PropertyBuf::new(),
    })
}

/// Sets the address to connect from, unless it is NULL.
///
/// # Safety
/// `address` is NULL or a C string.
unsafe fn bind(client: &Client, address: *const c_char) -> Result<()> {
    // SAFETY: the caller's promise.
    if let Some(address) = unsafe { text(address, "bind_address is not UTF-8") }? {
        client.options(|options| options.route_mut().bind_address = Some(address.to_owned()));
    }
    Ok(())
}
