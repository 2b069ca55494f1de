//! Errors as C sees them: `mosq_err_t`, and `errno` where that says more.

use std::ffi::c_int;

use super::constants::mosq_err_t::{self, *};
use crate::error::{CallerError, Error, PeerError, ProxyError, Result};
use crate::types::ReasonCode;

/// The `mosq_err_t` for a result; sets `errno` where the value is `MOSQ_ERR_ERRNO`.
#[inline(always)]
pub(super) fn answer(result: Result<()>) -> c_int {
    match result {
        Ok(()) => MOSQ_ERR_SUCCESS as c_int,
        Err(error) => fail(&error),
    }
}

/// The `mosq_err_t` for an error; sets `errno` where the value is `MOSQ_ERR_ERRNO`.
#[cold]
pub(super) fn fail(error: &Error) -> c_int {
    if let Error::Io(io) = error {
        // An error the system gave no number to must not read as success.
        set_errno(if io.errno == 0 { libc::EIO } else { io.errno });
    }
    if let Error::Tls(_) | Error::TlsCut | Error::TlsRefused(_) = error {
        // Programs tell by it that it was TLS, as with libmosquitto.
        set_errno(libc::EPROTO);
    }
    code(error)
}

/// The `mosq_err_t` for an error.
pub(super) fn code(error: &Error) -> c_int {
    let code = match error {
        Error::Caller(error) => match error {
            CallerError::InvalidArgument(_)
            | CallerError::TlsSetting(_)
            | CallerError::Store(_) => MOSQ_ERR_INVAL,
            CallerError::NotConnected => MOSQ_ERR_NO_CONN,
            CallerError::NotSupported(_) => MOSQ_ERR_NOT_SUPPORTED,
            CallerError::PayloadTooLarge => MOSQ_ERR_PAYLOAD_SIZE,
            CallerError::MalformedUtf8 => MOSQ_ERR_MALFORMED_UTF8,
            CallerError::OversizePacket => MOSQ_ERR_OVERSIZE_PACKET,
            CallerError::QosNotSupported => MOSQ_ERR_QOS_NOT_SUPPORTED,
            CallerError::DuplicateProperty => MOSQ_ERR_DUPLICATE_PROPERTY,
            CallerError::InvalidProperty(_) => MOSQ_ERR_PROTOCOL,
            CallerError::NoPacketIds => MOSQ_ERR_NOMEM,
            CallerError::QueueFull | CallerError::Throttled => MOSQ_ERR_QUOTA_EXCEEDED,
            CallerError::NotFound(_) => MOSQ_ERR_NOT_FOUND,
            CallerError::TimedOut(_) => MOSQ_ERR_TIMEOUT,
            CallerError::AuthenticationAborted => MOSQ_ERR_AUTH,
        },
        Error::Peer(error) => match error {
            PeerError::Malformed(_) => MOSQ_ERR_MALFORMED_PACKET,
            PeerError::Protocol(_) => MOSQ_ERR_PROTOCOL,
            PeerError::MalformedUtf8 => MOSQ_ERR_MALFORMED_UTF8,
            PeerError::PacketTooLarge => MOSQ_ERR_OVERSIZE_PACKET,
            PeerError::ReceiveMaximumExceeded => MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED,
            PeerError::TopicAliasInvalid => MOSQ_ERR_TOPIC_ALIAS_INVALID,
            // The return codes of MQTT 3.1.1 section 3.2.2.3.
            PeerError::ConnectionRefused(1..=5) => MOSQ_ERR_CONN_REFUSED,
            PeerError::ConnectionRefused(_) => MOSQ_ERR_PROTOCOL,
            PeerError::Disconnected(reason) => return reason_code(*reason, MOSQ_ERR_CONN_LOST),
            PeerError::ConnectionLost => MOSQ_ERR_CONN_LOST,
            PeerError::KeepAliveTimeout => MOSQ_ERR_KEEPALIVE,
        },
        Error::Io(_) => MOSQ_ERR_ERRNO,
        Error::Tls(_) | Error::TlsCut => MOSQ_ERR_TLS,
        // To libmosquitto's programs the connection stood already.
        Error::TlsRefused(_) => MOSQ_ERR_CONN_LOST,
        Error::WebSocket(_) => MOSQ_ERR_PROTOCOL,
        Error::Proxy(ProxyError::NotAllowed(_)) => MOSQ_ERR_AUTH,
        Error::Proxy(ProxyError::Unreachable(_)) => MOSQ_ERR_NO_CONN,
        Error::Proxy(ProxyError::Failed(_)) => MOSQ_ERR_PROXY,
        Error::Resolver(_) => MOSQ_ERR_EAI,
    };
    code as c_int
}

/// What the life cycle callback is told: as [`code`], and whether a server that refused has named
/// another one for now or for good.
pub(super) fn cause(error: &Error) -> c_int {
    match error {
        Error::Peer(PeerError::ConnectionRefused(reason @ (0x9c | 0x9d))) => c_int::from(*reason),
        error => code(error),
    }
}

/// What a disconnect callback is told: 0 when the program asked for the end, else why;
/// the reason code as it is where the server sent DISCONNECT.
pub(super) fn disconnect_code(error: Option<&Error>) -> c_int {
    match error {
        None => MOSQ_ERR_SUCCESS as c_int,
        // To the program this end is never a success: it did not ask for it.
        Some(Error::Peer(PeerError::Disconnected(ReasonCode(0)))) => MOSQ_ERR_CONN_LOST as c_int,
        Some(Error::Peer(PeerError::Disconnected(reason))) => c_int::from(reason.value()),
        Some(error) => code(error),
    }
}

/// The member of `mosq_err_t` with a reason code's number, and `otherwise` where there is none.
pub(super) fn reason_code(reason: ReasonCode, otherwise: mosq_err_t) -> c_int {
    let has_member = match reason {
        // Failures that C knows by an older number or not at all.
        ReasonCode::MALFORMED_PACKET
        | ReasonCode::PROTOCOL_ERROR
        | ReasonCode::NOT_AUTHORIZED
        | ReasonCode::KEEP_ALIVE_TIMEOUT
        | ReasonCode::PACKET_TOO_LARGE
        | ReasonCode::QUOTA_EXCEEDED
        | ReasonCode::QOS_NOT_SUPPORTED => false,
        _ => reason.is_error() && reason.name().is_some(),
    };
    if has_member {
        c_int::from(reason.value())
    } else {
        otherwise as c_int
    }
}

/// C's `errno` of this thread.
#[inline(always)]
pub(super) fn errno() -> c_int {
    // SAFETY: the C library's own address of this thread's errno, valid while the thread runs.
    unsafe { *errno_location() }
}

/// Sets C's `errno` of this thread.
#[inline(always)]
pub(super) fn set_errno(value: c_int) {
    // SAFETY: as in `errno`.
    unsafe { *errno_location() = value };
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as errno_location;
#[cfg(any(target_os = "linux", target_os = "emscripten", target_os = "redox"))]
use libc::__errno_location as errno_location;
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly"
))]
use libc::__error as errno_location;
