//! Client options.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::time::Duration;

use super::arguments::{text, u16};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::constants::{mosq_opt_arg, mosq_opt_t, mosq_transport_t};
use super::guard::guard;
use super::handle::{call, enter, mosquitto, Contents};
use super::tls::change;
use crate::client::{LogValue, Options, Proxy, ProxyKind, ReconnectDelay, TlsPart, TransportKind};
use crate::error::{CallerError, Error, Result};
use crate::types::ProtocolVersion;

/// Sets an option by a pointer to its value. Older than `mosquitto_int_option` and
/// `mosquitto_void_option`, which say the same more directly.
///
/// `option` is MOSQ_OPT_PROTOCOL_VERSION or MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, with `value` pointing to
/// an int, or MOSQ_OPT_SSL_CTX. The value is copied. Any thread, any callback.
///
/// Returns what `mosquitto_int_option` and `mosquitto_void_option` return for these options;
/// MOSQ_ERR_INVAL for others, for `mosq` NULL or destroyed and `value` NULL.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `value` is NULL or points to what the option takes.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_opts_set(
    mosq: *mut mosquitto,
    option: mosq_opt_arg,
    value: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            if value.is_null() {
                return Err(Error::invalid("option value is NULL"));
            }
            match number(option) {
                PROTOCOL_VERSION | SSL_CTX_WITH_DEFAULTS => {
                    // SAFETY: not NULL, and the caller's promise: an int.
                    set_int(contents, option, unsafe { *value.cast() })
                }
                SSL_CTX => openssl(contents, "MOSQ_OPT_SSL_CTX"),
                _ => Err(UNKNOWN),
            }
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets an option that is a number.
///
/// | option | values | meaning |
/// |---|---|---|
/// | MOSQ_OPT_PROTOCOL_VERSION | MQTT_PROTOCOL_V31, _V311 (default), _V5 | version of MQTT |
/// | MOSQ_OPT_RECEIVE_MAXIMUM | 0 to 65535, 20 by default, 0 for 65535 | QoS 1 and 2 messages the server may send unacknowledged |
/// | MOSQ_OPT_SEND_MAXIMUM | 0 to 65535, 20 by default, 0 for no limit but 32767, half of the packet identifiers | QoS 1 and 2 messages the client sends unacknowledged |
/// | MOSQ_OPT_TCP_NODELAY | 0 (default) or not 0 | send small packets at once |
/// | MOSQ_OPT_TLS_USE_OS_CERTS | 0 (default) or not 0 | use TLS and trust the system's certificates |
/// | MOSQ_OPT_TLS_OCSP_REQUIRED | 0 (default) or not 0 | demand a stapled OCSP answer, which is not supported: connecting fails with MOSQ_ERR_NOT_SUPPORTED |
/// | MOSQ_OPT_TRANSPORT | MOSQ_T_TCP (default), MOSQ_T_WEBSOCKETS | what carries MQTT |
/// | MOSQ_OPT_HTTP_HEADER_SIZE | 100 to 65535 | accepted; headers are not limited by it |
/// | MOSQ_OPT_DISABLE_SOCKETPAIR | any | accepted; there is no socket pair |
/// | MOSQ_OPT_SSL_CTX_WITH_DEFAULTS | | not supported: for OpenSSL |
///
/// MOSQ_OPT_SEND_MAXIMUM takes effect at once, the others with the next connect. Any thread, any
/// callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, an option that is not in the
/// table and a value out of range; MOSQ_ERR_NOT_SUPPORTED, with a line in the log, and then
/// connecting fails until `mosquitto_tls_set` or the like succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_int_option(
    mosq: *mut mosquitto,
    option: mosq_opt_arg,
    value: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| set_int(contents, option, value)) }
    })
}

/// Sets an option that is a string, which is copied.
///
/// | option | values | meaning |
/// |---|---|---|
/// | MOSQ_OPT_BIND_ADDRESS | an address or name, NULL for any (default) | local interface to connect from |
/// | MOSQ_OPT_TLS_ALPN | a protocol name, NULL for none (default) | application protocol to offer in TLS |
/// | MOSQ_OPT_HTTP_PATH | a path, NULL for "/mqtt" (default) | path of the WebSocket endpoint |
/// | MOSQ_OPT_TLS_KEYFORM | "pem" (default); "engine" is not supported | where the private key is |
/// | MOSQ_OPT_TLS_ENGINE | | not supported: for OpenSSL |
/// | MOSQ_OPT_TLS_ENGINE_KPASS_SHA1 | | not supported: for OpenSSL |
///
/// Takes effect with the next connect. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, an option that is not in the
/// table, NULL where the table does not have it, and a string that is not UTF-8;
/// MOSQ_ERR_NOT_SUPPORTED, with a line in the log, and then connecting fails until
/// `mosquitto_tls_set` or the like succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `value` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_string_option(
    mosq: *mut mosquitto,
    option: mosq_opt_arg,
    value: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let value = unsafe { text(value, "option value is not UTF-8") }?;
            set_text(contents, option, value)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets an option that is a pointer. The only one is MOSQ_OPT_SSL_CTX, an OpenSSL object, which
/// this library cannot use: its TLS is not OpenSSL's.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_NOT_SUPPORTED, with a line in the log, for MOSQ_OPT_SSL_CTX; MOSQ_ERR_INVAL for
/// `value` NULL, for other options and for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`. `value` is not read.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_void_option(
    mosq: *mut mosquitto,
    option: mosq_opt_arg,
    value: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| match number(option) {
            SSL_CTX if !value.is_null() => openssl(contents, "MOSQ_OPT_SSL_CTX"),
            SSL_CTX => Err(Error::invalid("option value is NULL")),
            _ => Err(UNKNOWN),
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets how long `mosquitto_loop_forever` and the thread of `mosquitto_loop_start` wait before
/// they connect again.
///
/// The first wait is `reconnect_delay` seconds, where 0 means 1. Each further one is longer by
/// as much, or twice as long with `reconnect_exponential_backoff`, but never longer than
/// `reconnect_delay_max` seconds; a maximum below the delay counts as the delay. The
/// default is 1 second each time.
///
/// Takes effect with the next lost connection. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_reconnect_delay_set(
    mosq: *mut mosquitto,
    reconnect_delay: c_uint,
    reconnect_delay_max: c_uint,
    reconnect_exponential_backoff: bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            let min = reconnect_delay.max(1);
            let delay = ReconnectDelay {
                min: Duration::from_secs(min.into()),
                max: Duration::from_secs(reconnect_delay_max.max(min).into()),
                exponential: reconnect_exponential_backoff,
            };
            contents
                .client()
                .options(|options| options.reconnect_delay = delay);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets how many QoS 1 and 2 messages the client sends unacknowledged: the same as
/// MOSQ_OPT_SEND_MAXIMUM of `mosquitto_int_option`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_max_inflight_messages_set(
    mosq: *mut mosquitto,
    max_inflight_messages: c_uint,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| set_send_maximum(contents, max_inflight_messages);
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Does nothing: messages are sent again when a connection is made again, and at no other
/// time (MQTT 5.0 section 4.4).
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_message_retry_set(mosq: *mut mosquitto, message_retry: c_uint) {
    guard((), || {
        let _ = message_retry;
        // SAFETY: the caller's promise.
        drop(unsafe { enter(mosq) });
    })
}

/// Connects through a SOCKS5 proxy from the next connect on.
///
/// `host` is the proxy's name or address, at most 255 bytes, and `port` its port, 1 to 65535.
/// `username` NULL means no authentication; `password` may be NULL and is ignored without a user
/// name. Both have at most 255 bytes (RFC 1929). All are copied.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `host` NULL, `port` out of
/// range, and strings that are too long or not UTF-8.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_socks5_set(
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
                    short_text(host)?,
                    short_text(username)?,
                    short_text(password)?,
                )
            };
            let port = u16(port, "port is not 1 to 65535")?;
            if port == 0 {
                return Err(Error::invalid("port is not 1 to 65535"));
            }
            let proxy = Proxy {
                kind: ProxyKind::Socks5,
                host: host.ok_or(Error::invalid("host is NULL"))?,
                port,
                credentials: username.map(|name| (name, password.unwrap_or_default())),
            };
            contents
                .client()
                .options(|options| options.route_mut().proxy = Some(proxy));
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Says in the log and to the caller that a setting is OpenSSL's and cannot be used here. The
/// program wanted TLS in a way that is not to be had: it gets no connection without.
pub(super) fn openssl(contents: &Contents, what: &'static str) -> Result<()> {
    let line = format!("{what} is not supported: this library does not use OpenSSL.");
    let client = contents.client();
    client.log_refusal(LogValue::Text(&line));
    client.options(|options| options.route_mut().tls.refuse(TlsPart::Trust, line));
    Err(Error::Caller(CallerError::NotSupported(what)))
}

const PROTOCOL_VERSION: c_int = mosq_opt_t::MOSQ_OPT_PROTOCOL_VERSION as c_int;
const SSL_CTX: c_int = mosq_opt_t::MOSQ_OPT_SSL_CTX as c_int;
const SSL_CTX_WITH_DEFAULTS: c_int = mosq_opt_t::MOSQ_OPT_SSL_CTX_WITH_DEFAULTS as c_int;
const RECEIVE_MAXIMUM: c_int = mosq_opt_t::MOSQ_OPT_RECEIVE_MAXIMUM as c_int;
const SEND_MAXIMUM: c_int = mosq_opt_t::MOSQ_OPT_SEND_MAXIMUM as c_int;
const TLS_KEYFORM: c_int = mosq_opt_t::MOSQ_OPT_TLS_KEYFORM as c_int;
const TLS_ENGINE: c_int = mosq_opt_t::MOSQ_OPT_TLS_ENGINE as c_int;
const TLS_ENGINE_KPASS_SHA1: c_int = mosq_opt_t::MOSQ_OPT_TLS_ENGINE_KPASS_SHA1 as c_int;
const TLS_OCSP_REQUIRED: c_int = mosq_opt_t::MOSQ_OPT_TLS_OCSP_REQUIRED as c_int;
const TLS_ALPN: c_int = mosq_opt_t::MOSQ_OPT_TLS_ALPN as c_int;
const TCP_NODELAY: c_int = mosq_opt_t::MOSQ_OPT_TCP_NODELAY as c_int;
const BIND_ADDRESS: c_int = mosq_opt_t::MOSQ_OPT_BIND_ADDRESS as c_int;
const TLS_USE_OS_CERTS: c_int = mosq_opt_t::MOSQ_OPT_TLS_USE_OS_CERTS as c_int;
const DISABLE_SOCKETPAIR: c_int = mosq_opt_t::MOSQ_OPT_DISABLE_SOCKETPAIR as c_int;
const TRANSPORT: c_int = mosq_opt_t::MOSQ_OPT_TRANSPORT as c_int;
const HTTP_PATH: c_int = mosq_opt_t::MOSQ_OPT_HTTP_PATH as c_int;
const HTTP_HEADER_SIZE: c_int = mosq_opt_t::MOSQ_OPT_HTTP_HEADER_SIZE as c_int;
const T_TCP: c_int = mosq_transport_t::MOSQ_T_TCP as c_int;
const T_WEBSOCKETS: c_int = mosq_transport_t::MOSQ_T_WEBSOCKETS as c_int;

const UNKNOWN: Error = Error::invalid("option does not exist or has another type");
const OUT_OF_RANGE: &str = "option value is out of range";

/// The option's number; what C's enumeration cannot hold is no option's.
fn number(option: mosq_opt_arg) -> c_int {
    c_int::try_from(option).unwrap_or(-1)
}

fn set_int(contents: &Contents, option: mosq_opt_arg, value: c_int) -> Result<()> {
    let set = |change: &dyn Fn(&mut Options)| {
        contents.client().options(|options| change(options));
        Ok(())
    };
    match number(option) {
        PROTOCOL_VERSION => {
            let version = u8::try_from(value).ok().and_then(ProtocolVersion::new);
            let version = version.ok_or(Error::invalid(OUT_OF_RANGE))?;
            set(&|options| options.protocol_version = version)
        }
        RECEIVE_MAXIMUM => {
            let maximum = match u16(value, OUT_OF_RANGE)? {
                0 => u16::MAX,
                maximum => maximum,
            };
            set(&|options| options.receive_maximum = maximum)
        }
        SEND_MAXIMUM => set_send_maximum(contents, value),
        TCP_NODELAY => set(&|options| options.tcp_nodelay = value != 0),
        TLS_USE_OS_CERTS => set(&|options| options.route_mut().tls.set_os_certs(value != 0)),
        TLS_OCSP_REQUIRED => set(&|options| options.route_mut().tls.ocsp_required = value != 0),
        TRANSPORT => match value {
            T_TCP => set(&|options| options.route_mut().transport = TransportKind::Tcp),
            T_WEBSOCKETS => {
                set(&|options| options.route_mut().transport = TransportKind::WebSocket)
            }
            _ => Err(Error::invalid(OUT_OF_RANGE)),
        },
        HTTP_HEADER_SIZE if (100..=65535).contains(&value) => Ok(()),
        HTTP_HEADER_SIZE => Err(Error::invalid(OUT_OF_RANGE)),
        DISABLE_SOCKETPAIR => Ok(()),
        // This is how it is without the program's doing.
        SSL_CTX_WITH_DEFAULTS if value == 0 => Err(Error::Caller(CallerError::NotSupported(
            "MOSQ_OPT_SSL_CTX_WITH_DEFAULTS",
        ))),
        SSL_CTX_WITH_DEFAULTS => openssl(contents, "MOSQ_OPT_SSL_CTX_WITH_DEFAULTS"),
        _ => Err(UNKNOWN),
    }
}

fn set_text(contents: &Contents, option: mosq_opt_arg, value: Option<&str>) -> Result<()> {
    let owned = value.map(str::to_owned);
    let client = contents.client();
    match (number(option), value) {
        (BIND_ADDRESS, _) => client.options(|options| options.route_mut().bind_address = owned),
        (TLS_ALPN, _) => return change(contents, |tls| tls.set_alpn(owned.into_iter().collect())),
        (HTTP_PATH, _) => client.options(|options| options.route_mut().http_path = owned),
        (TLS_KEYFORM, Some("pem")) => {}
        (TLS_KEYFORM, Some("engine")) => return openssl(contents, "MOSQ_OPT_TLS_KEYFORM engine"),
        (TLS_ENGINE, Some(_)) => return openssl(contents, "MOSQ_OPT_TLS_ENGINE"),
        (TLS_ENGINE_KPASS_SHA1, Some(_)) => {
            return openssl(contents, "MOSQ_OPT_TLS_ENGINE_KPASS_SHA1")
        }
        (TLS_KEYFORM | TLS_ENGINE | TLS_ENGINE_KPASS_SHA1, _) => {
            return Err(Error::invalid(OUT_OF_RANGE))
        }
        _ => return Err(UNKNOWN),
    }
    Ok(())
}

fn set_send_maximum(contents: &Contents, value: impl TryInto<u16>) -> Result<()> {
    contents
        .client()
        .set_send_maximum(u16(value, OUT_OF_RANGE)?);
    Ok(())
}

/// A string of at most 255 bytes, as SOCKS5 has them.
///
/// # Safety
/// `value` is NULL or a C string.
unsafe fn short_text(value: *const c_char) -> Result<Option<String>> {
    // SAFETY: the caller's promise.
    match unsafe { text(value, "string is not UTF-8") }? {
        Some(value) if value.len() > 255 => Err(Error::invalid("string longer than 255 bytes")),
        value => Ok(value.map(str::to_owned)),
    }
}
