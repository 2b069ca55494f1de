//! The one error type of the library, sorted by whose fault it was.
//!
//! An [`Error`] names one cause with enough detail for a person to act on.
//! Two maps leave this type: [`Error::reason_code`] says which MQTT 5 reason
//! code a DISCONNECT carries when the error ends a connection, and
//! `ffi::errno` turns it into the C API's `mosq_err_t`.

use std::fmt;
use std::io;

use crate::types::ReasonCode;

/// What went wrong, and whose fault it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The program that uses this library passed or asked for something impossible.
    Caller(CallerError),
    /// The peer (an MQTT server or something that pretends to be one) broke a rule,
    /// refused us, or went away.
    Peer(PeerError),
    /// The operating system refused an operation.
    Io(IoError),
    /// TLS could not be set up, or the handshake failed.
    Tls(String),
    /// The server ended the connection in the middle of the TLS handshake.
    TlsCut,
    /// TLS failed behind the handshake. That is also where a server of TLS 1.3 says that it
    /// does not take our certificate.
    TlsRefused(String),
    /// The server does not speak WebSocket as it should.
    WebSocket(String),
    /// A proxy did not lead to the server.
    Proxy(ProxyError),
    /// A host name could not be resolved.
    Resolver(String),
}

/// How a proxy failed us; the text is its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyError {
    /// Its rules, or our credentials, do not allow the connection.
    NotAllowed(String),
    /// It cannot reach the server, which may change.
    Unreachable(String),
    /// Anything else.
    Failed(String),
}

/// Mistakes of the calling program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallerError {
    /// An argument is outside its range; the text says which and why.
    InvalidArgument(&'static str),
    /// A setting of TLS that cannot be; the text says which and why.
    TlsSetting(String),
    /// The folder of a store cannot serve this client; the text says which and why.
    Store(String),
    /// There is no connection, and this call needs one.
    NotConnected,
    /// The negotiated protocol version, or this build, lacks the feature named.
    NotSupported(&'static str),
    /// The payload is longer than MQTT can carry (268 435 455 bytes).
    PayloadTooLarge,
    /// A string is not UTF-8 as MQTT wants it (MQTT 5.0 section 1.5.4).
    MalformedUtf8,
    /// The packet would exceed the server's Maximum Packet Size.
    OversizePacket,
    /// The server's Maximum QoS is lower than the QoS asked for.
    QosNotSupported,
    /// A property that may occur once was given twice.
    DuplicateProperty,
    /// A property does not belong in this packet, or its value is not allowed there.
    InvalidProperty(&'static str),
    /// Every packet identifier is in use.
    NoPacketIds,
    /// As much waits as the program allows.
    QueueFull,
    /// There is no such thing; the text says what.
    NotFound(&'static str),
    /// It would go beyond a limit of speed.
    Throttled,
    /// The time that the program gave is over; the text says for what.
    TimedOut(&'static str),
    /// The program ended enhanced authentication with an error of its own.
    AuthenticationAborted,
}

/// What a peer did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerError {
    /// Bytes that are no MQTT packet; the text says why.
    Malformed(&'static str),
    /// A packet that may not be sent, or not at this moment; the text says why.
    Protocol(&'static str),
    /// A string inside a packet is not UTF-8 as MQTT wants it.
    MalformedUtf8,
    /// A packet larger than the limit this client holds to.
    PacketTooLarge,
    /// More unacknowledged QoS 1 and 2 messages than our Receive Maximum allows.
    ReceiveMaximumExceeded,
    /// A Topic Alias of 0, above our maximum, or never introduced.
    TopicAliasInvalid,
    /// CONNACK refused the connection. Below MQTT 5 the code is the CONNACK
    /// return code (1 to 5), in MQTT 5 a reason code of 0x80 or more.
    ConnectionRefused(u8),
    /// The server ended the connection with an MQTT 5 DISCONNECT.
    Disconnected(ReasonCode),
    /// The network connection closed without a DISCONNECT.
    ConnectionLost,
    /// Nothing was heard from the peer within the keep alive interval.
    KeepAliveTimeout,
}

/// An operating system error during a named operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoError {
    /// What was attempted, for instance `connect`.
    pub operation: &'static str,
    /// The `errno` value, 0 when the system gave none.
    pub errno: i32,
    /// The system's own description, with the peer's address where known.
    pub message: String,
}

/// Shorthand used throughout the crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An I/O error with the operation that met it.
    pub fn io(operation: &'static str, error: &io::Error) -> Self {
        Error::Io(IoError {
            operation,
            errno: error.raw_os_error().unwrap_or(0),
            message: error.to_string(),
        })
    }

    /// A bad argument; `what` completes the sentence "invalid argument: ...".
    pub const fn invalid(what: &'static str) -> Self {
        Error::Caller(CallerError::InvalidArgument(what))
    }

    /// A packet that cannot be parsed.
    pub const fn malformed(what: &'static str) -> Self {
        Error::Peer(PeerError::Malformed(what))
    }

    /// A packet that is well formed and not allowed.
    pub const fn protocol(what: &'static str) -> Self {
        Error::Peer(PeerError::Protocol(what))
    }

    /// Whether another attempt to connect cannot fare better, so that an automatic
    /// reconnect gives up.
    pub fn is_final(&self) -> bool {
        match self {
            Error::Peer(PeerError::Protocol(_))
            | Error::Caller(_)
            | Error::Tls(_)
            | Error::TlsCut
            | Error::TlsRefused(_)
            | Error::Proxy(ProxyError::NotAllowed(_) | ProxyError::Failed(_))
            | Error::Resolver(_) => true,
            // Below MQTT 5 the codes 1 to 5 are refusals that may pass; libmosquitto's
            // programs expect every other one to end the loop.
            Error::Peer(PeerError::ConnectionRefused(code)) => !(1..=5).contains(code),
            Error::Peer(_)
            | Error::Io(_)
            | Error::WebSocket(_)
            | Error::Proxy(ProxyError::Unreachable(_)) => false,
        }
    }

    /// The reason code for the DISCONNECT that an MQTT 5 client sends before it
    /// closes the connection because of this error (MQTT 5.0 section 4.13);
    /// `None` when the peer is gone or must not be answered.
    pub fn reason_code(&self) -> Option<ReasonCode> {
        match self {
            Error::Peer(peer) => match peer {
                PeerError::Malformed(_) | PeerError::MalformedUtf8 => {
                    Some(ReasonCode::MALFORMED_PACKET)
                }
                PeerError::Protocol(_) => Some(ReasonCode::PROTOCOL_ERROR),
                PeerError::PacketTooLarge => Some(ReasonCode::PACKET_TOO_LARGE),
                PeerError::ReceiveMaximumExceeded => Some(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED),
                PeerError::TopicAliasInvalid => Some(ReasonCode::TOPIC_ALIAS_INVALID),
                PeerError::KeepAliveTimeout => Some(ReasonCode::KEEP_ALIVE_TIMEOUT),
                PeerError::ConnectionRefused(_)
                | PeerError::Disconnected(_)
                | PeerError::ConnectionLost => None,
            },
            Error::Caller(CallerError::AuthenticationAborted) => Some(ReasonCode::NOT_AUTHORIZED),
            Error::Caller(_) => Some(ReasonCode::IMPLEMENTATION_SPECIFIC),
            Error::Io(_)
            | Error::Tls(_)
            | Error::TlsCut
            | Error::TlsRefused(_)
            | Error::WebSocket(_)
            | Error::Proxy(_)
            | Error::Resolver(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Caller(error) => error.fmt(f),
            Error::Peer(error) => error.fmt(f),
            Error::Io(error) => write!(f, "{}: {}", error.operation, error.message),
            Error::Tls(message) | Error::TlsRefused(message) => write!(f, "TLS: {message}"),
            Error::TlsCut => f.write_str(
                "TLS: the server closed the connection during the handshake (no TLS on this port?)",
            ),
            Error::WebSocket(message) => write!(f, "WebSocket: {message}"),
            Error::Proxy(
                ProxyError::NotAllowed(answer)
                | ProxyError::Unreachable(answer)
                | ProxyError::Failed(answer),
            ) => write!(f, "proxy refused: {answer}"),
            Error::Resolver(message) => write!(f, "name resolution failed: {message}"),
        }
    }
}

impl fmt::Display for CallerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallerError::InvalidArgument(what) => write!(f, "invalid argument: {what}"),
            CallerError::TlsSetting(why) => write!(f, "TLS setting refused: {why}"),
            CallerError::Store(why) => f.write_str(why),
            CallerError::NotConnected => f.write_str("not connected"),
            CallerError::NotSupported(what) => write!(f, "not supported: {what}"),
            CallerError::PayloadTooLarge => f.write_str("payload larger than 268435455 bytes"),
            CallerError::MalformedUtf8 => f.write_str("string is not valid UTF-8"),
            CallerError::OversizePacket => {
                f.write_str("packet exceeds the server's maximum packet size")
            }
            CallerError::QosNotSupported => f.write_str("QoS above the server's maximum"),
            CallerError::DuplicateProperty => f.write_str("property given twice"),
            CallerError::InvalidProperty(what) => write!(f, "invalid property: {what}"),
            CallerError::NoPacketIds => f.write_str("every packet identifier is in use"),
            CallerError::QueueFull => {
                f.write_str("the queue of outgoing messages is full: see mqttrs_queue_set")
            }
            CallerError::NotFound(what) => write!(f, "not found: {what}"),
            CallerError::Throttled => {
                f.write_str("beyond the limit of speed: see mqttrs_throttle_set")
            }
            CallerError::TimedOut(what) => write!(f, "the time is over: {what}"),
            CallerError::AuthenticationAborted => {
                f.write_str("authentication aborted by the program")
            }
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerError::Malformed(what) => write!(f, "malformed packet: {what}"),
            PeerError::Protocol(what) => write!(f, "protocol error: {what}"),
            PeerError::MalformedUtf8 => f.write_str("malformed packet: string is not valid UTF-8"),
            PeerError::PacketTooLarge => f.write_str("packet larger than the maximum packet size"),
            PeerError::ReceiveMaximumExceeded => f.write_str("receive maximum exceeded"),
            PeerError::TopicAliasInvalid => f.write_str("topic alias invalid"),
            PeerError::ConnectionRefused(code) => write!(f, "connection refused (code {code})"),
            PeerError::Disconnected(reason) => write!(f, "server sent DISCONNECT ({reason})"),
            PeerError::ConnectionLost => f.write_str("connection lost"),
            PeerError::KeepAliveTimeout => f.write_str("no answer within the keep alive interval"),
        }
    }
}

impl std::error::Error for Error {}
