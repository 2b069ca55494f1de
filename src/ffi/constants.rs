//! Constants, structures and callback types of `mosquitto.h`.

use std::ffi::{c_int, c_uint};

pub mod callback_types;
pub mod mqtt_protocol;
pub mod structures;

pub use structures::{libmosquitto_auth, libmosquitto_tls, libmosquitto_will, mosquitto_message};

/// Major version of the libmosquitto whose interface this is.
pub const LIBMOSQUITTO_MAJOR: c_int = 2;
/// Minor version of the libmosquitto whose interface this is.
pub const LIBMOSQUITTO_MINOR: c_int = 1;
/// Revision of the libmosquitto whose interface this is.
pub const LIBMOSQUITTO_REVISION: c_int = 2;
/// The version in one number: 2001002 for 2.1.2.
pub const LIBMOSQUITTO_VERSION_NUMBER: c_int =
    LIBMOSQUITTO_MAJOR * 1000000 + LIBMOSQUITTO_MINOR * 1000 + LIBMOSQUITTO_REVISION;

/// No log lines.
pub const MOSQ_LOG_NONE: c_int = 0;
/// Log line: information.
pub const MOSQ_LOG_INFO: c_int = 1;
/// Log line: worth noticing.
pub const MOSQ_LOG_NOTICE: c_int = 2;
/// Log line: something may be wrong.
pub const MOSQ_LOG_WARNING: c_int = 4;
/// Log line: something is wrong.
pub const MOSQ_LOG_ERR: c_int = 8;
/// Log line: every packet.
pub const MOSQ_LOG_DEBUG: c_int = 16;
/// Log line of a broker: subscriptions.
pub const MOSQ_LOG_SUBSCRIBE: c_int = 32;
/// Log line of a broker: subscriptions that end.
pub const MOSQ_LOG_UNSUBSCRIBE: c_int = 64;
/// Log line of a broker: WebSockets.
pub const MOSQ_LOG_WEBSOCKETS: c_int = 128;
/// Log line of a broker: its own workings.
pub const MOSQ_LOG_INTERNAL: c_uint = 2147483648u32;
/// Every kind of log line.
pub const MOSQ_LOG_ALL: c_uint = 4294967295u32;

/// The longest client identifier that MQTT 3.1 allows, in characters.
pub const MOSQ_MQTT_ID_MAX_LENGTH: c_int = 23;

/// `MOSQ_OPT_PROTOCOL_VERSION`: MQTT 3.1.
pub const MQTT_PROTOCOL_V31: c_int = 3;
/// `MOSQ_OPT_PROTOCOL_VERSION`: MQTT 3.1.1.
pub const MQTT_PROTOCOL_V311: c_int = 4;
/// `MOSQ_OPT_PROTOCOL_VERSION`: MQTT 5.0.
pub const MQTT_PROTOCOL_V5: c_int = 5;

/// What the functions return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)] // the names are the interface's
pub enum mosq_err_t {
    MOSQ_ERR_QUOTA_EXCEEDED = -6,
    MOSQ_ERR_AUTH_DELAYED = -5,
    MOSQ_ERR_AUTH_CONTINUE = -4,
    MOSQ_ERR_NO_SUBSCRIBERS = -3,
    MOSQ_ERR_SUB_EXISTS = -2,
    MOSQ_ERR_CONN_PENDING = -1,
    /// No error.
    MOSQ_ERR_SUCCESS = 0,
    /// Memory ran out.
    MOSQ_ERR_NOMEM = 1,
    /// The peer or a property list broke a rule of MQTT.
    MOSQ_ERR_PROTOCOL = 2,
    /// An argument is not allowed.
    MOSQ_ERR_INVAL = 3,
    /// There is no connection.
    MOSQ_ERR_NO_CONN = 4,
    /// The server refused the connection.
    MOSQ_ERR_CONN_REFUSED = 5,
    MOSQ_ERR_NOT_FOUND = 6,
    /// The connection ended without a DISCONNECT.
    MOSQ_ERR_CONN_LOST = 7,
    /// TLS failed.
    MOSQ_ERR_TLS = 8,
    /// The payload is longer than MQTT can carry.
    MOSQ_ERR_PAYLOAD_SIZE = 9,
    /// This library, or the protocol version in use, lacks the feature.
    MOSQ_ERR_NOT_SUPPORTED = 10,
    MOSQ_ERR_AUTH = 11,
    MOSQ_ERR_ACL_DENIED = 12,
    MOSQ_ERR_UNKNOWN = 13,
    /// The operating system reported an error: see `errno`.
    MOSQ_ERR_ERRNO = 14,
    /// The host name could not be resolved.
    MOSQ_ERR_EAI = 15,
    /// The proxy refused.
    MOSQ_ERR_PROXY = 16,
    MOSQ_ERR_PLUGIN_DEFER = 17,
    /// A string is not UTF-8 as MQTT wants it.
    MOSQ_ERR_MALFORMED_UTF8 = 18,
    /// Nothing came from the server within the keep alive interval.
    MOSQ_ERR_KEEPALIVE = 19,
    MOSQ_ERR_LOOKUP = 20,
    /// The server sent bytes that are no MQTT packet.
    MOSQ_ERR_MALFORMED_PACKET = 21,
    /// A property that may occur once occurs twice.
    MOSQ_ERR_DUPLICATE_PROPERTY = 22,
    MOSQ_ERR_TLS_HANDSHAKE = 23,
    /// The QoS is above what the server allows.
    MOSQ_ERR_QOS_NOT_SUPPORTED = 24,
    /// The packet is larger than the server allows.
    MOSQ_ERR_OVERSIZE_PACKET = 25,
    MOSQ_ERR_OCSP = 26,
    MOSQ_ERR_TIMEOUT = 27,
    MOSQ_ERR_ALREADY_EXISTS = 31,
    MOSQ_ERR_PLUGIN_IGNORE = 32,
    MOSQ_ERR_HTTP_BAD_ORIGIN = 33,
    MOSQ_ERR_UNSPECIFIED = 128,
    MOSQ_ERR_IMPLEMENTATION_SPECIFIC = 131,
    MOSQ_ERR_UNSUPPORTED_PROTOCOL_VERSION = 132,
    MOSQ_ERR_CLIENT_IDENTIFIER_NOT_VALID = 133,
    MOSQ_ERR_BAD_USERNAME_OR_PASSWORD = 134,
    MOSQ_ERR_SERVER_UNAVAILABLE = 136,
    MOSQ_ERR_SERVER_BUSY = 137,
    MOSQ_ERR_BANNED = 138,
    MOSQ_ERR_SERVER_SHUTTING_DOWN = 139,
    MOSQ_ERR_BAD_AUTHENTICATION_METHOD = 140,
    MOSQ_ERR_SESSION_TAKEN_OVER = 142,
    MOSQ_ERR_TOPIC_FILTER_INVALID = 143,
    MOSQ_ERR_TOPIC_NAME_INVALID = 144,
    MOSQ_ERR_PACKET_ID_IN_USE = 145,
    MOSQ_ERR_PACKET_ID_NOT_FOUND = 146,
    MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED = 147,
    MOSQ_ERR_TOPIC_ALIAS_INVALID = 148,
    MOSQ_ERR_MESSAGE_RATE_TOO_HIGH = 150,
    MOSQ_ERR_ADMINISTRATIVE_ACTION = 152,
    MOSQ_ERR_PAYLOAD_FORMAT_INVALID = 153,
    MOSQ_ERR_RETAIN_NOT_SUPPORTED = 154,
    MOSQ_ERR_USE_ANOTHER_SERVER = 156,
    MOSQ_ERR_SERVER_MOVED = 157,
    MOSQ_ERR_SHARED_SUBS_NOT_SUPPORTED = 158,
    MOSQ_ERR_CONNECTION_RATE_EXCEEDED = 159,
    MOSQ_ERR_MAXIMUM_CONNECT_TIME = 160,
    MOSQ_ERR_SUBSCRIPTION_IDS_NOT_SUPPORTED = 161,
    MOSQ_ERR_WILDCARD_SUBS_NOT_SUPPORTED = 162,
}

impl mosq_err_t {
    /// The number C gets.
    pub const fn code(self) -> c_int {
        self as c_int
    }
}

/// Options for `mosquitto_int_option`, `mosquitto_string_option` and `mosquitto_void_option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)] // the names are the interface's
pub enum mosq_opt_t {
    MOSQ_OPT_PROTOCOL_VERSION = 1,
    MOSQ_OPT_SSL_CTX = 2,
    MOSQ_OPT_SSL_CTX_WITH_DEFAULTS = 3,
    MOSQ_OPT_RECEIVE_MAXIMUM = 4,
    MOSQ_OPT_SEND_MAXIMUM = 5,
    MOSQ_OPT_TLS_KEYFORM = 6,
    MOSQ_OPT_TLS_ENGINE = 7,
    MOSQ_OPT_TLS_ENGINE_KPASS_SHA1 = 8,
    MOSQ_OPT_TLS_OCSP_REQUIRED = 9,
    MOSQ_OPT_TLS_ALPN = 10,
    MOSQ_OPT_TCP_NODELAY = 11,
    MOSQ_OPT_BIND_ADDRESS = 12,
    MOSQ_OPT_TLS_USE_OS_CERTS = 13,
    MOSQ_OPT_DISABLE_SOCKETPAIR = 14,
    MOSQ_OPT_TRANSPORT = 15,
    MOSQ_OPT_HTTP_PATH = 16,
    MOSQ_OPT_HTTP_HEADER_SIZE = 17,
}

/// An option as C passes it: an `enum mosq_opt_t` in the header, but any number here, since
/// a C enum is not bound to the values it names.
pub type mosq_opt_arg = c_uint;

/// Values of `MOSQ_OPT_TRANSPORT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)] // the names are the interface's
pub enum mosq_transport_t {
    MOSQ_T_TCP = 1,
    MOSQ_T_WEBSOCKETS = 2,
}
