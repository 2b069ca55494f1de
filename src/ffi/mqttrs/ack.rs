//! Who acknowledges received messages.

use std::ffi::c_int;

use mqttrs_ack_mode_t::*;

use crate::client::AckMode;
use crate::error::{CallerError, Error};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::types::{PacketId, ReasonCode};

/// Who acknowledges received messages of QoS 1 and 2, and when; see `mqttrs_ack_mode_set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum mqttrs_ack_mode_t {
    /// The library, as soon as a message has come: the default, and what libmosquitto does.
    MQTTRS_ACK_AUTOMATIC = 0,
    /// The library, when the message callbacks have returned: a message that the process did not
    /// survive comes again.
    MQTTRS_ACK_AFTER_CALLBACK = 1,
    /// The program, by `mqttrs_ack`.
    MQTTRS_ACK_MANUAL = 2,
}

/// Sets who acknowledges messages of QoS 1 and 2 that come from now on; those that have come keep
/// the mode they came with.
///
/// `mode` is an `enum mqttrs_ack_mode_t`. What is not acknowledged fills the receive window: with
/// MQTT 5 the server sends no more than Receive Maximum messages (MOSQ_OPT_RECEIVE_MAXIMUM) ahead of
/// the acknowledgements (MQTT 5.0 section 4.9), and one that sends more is borne with; below MQTT 5
/// many servers have a limit of their own.
/// Acknowledgements are sent in the order in which the messages came, those of QoS 1 and those of
/// QoS 2 each (MQTT 5.0 section 4.6): one that is given early waits for those before it. Neither
/// disconnecting nor `mosquitto_destroy` acknowledges.
///
/// Where the server keeps the session over a lost connection, a message that was delivered and not
/// acknowledged stays the program's: it is not delivered again, may be acknowledged at any time, and
/// the server gets that once it has sent the message again. Without DUP, or with another topic or
/// payload, a message of QoS 1 is a new one and takes the place of an older one with its packet
/// identifier. Where the session is lost, all are forgotten, and what the server sends then is new.
/// A message of QoS 1 whose acknowledgement was lost with the connection comes again as ever. In the next
/// process everything comes again that was not acknowledged, and with a store of
/// `mqttrs_store_open` no message of QoS 2 that was.
///
/// With MQTTRS_ACK_AFTER_CALLBACK a callback that disconnects and wants its message acknowledged
/// calls `mqttrs_ack` first, since nothing can follow DISCONNECT. `mosquitto_reinitialise` sets
/// MQTTRS_ACK_AUTOMATIC.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and an unknown `mode`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_ack_mode_set(mosq: *mut mosquitto, mode: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            const MODES: [(mqttrs_ack_mode_t, AckMode); 3] = [
                (MQTTRS_ACK_AUTOMATIC, AckMode::Automatic),
                (MQTTRS_ACK_AFTER_CALLBACK, AckMode::AfterCallback),
                (MQTTRS_ACK_MANUAL, AckMode::Manual),
            ];
            let Some((_, mode)) = MODES.iter().find(|(number, _)| *number as c_int == mode) else {
                return Err(Error::invalid("mode is no mqttrs_ack_mode_t"));
            };
            contents.client().set_ack_mode(*mode);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Acknowledges a message of QoS 1 (PUBACK) or QoS 2 (PUBREC) that came in another mode than
/// MQTTRS_ACK_AUTOMATIC; the library does the rest of QoS 2.
///
/// `mid` is the one in `struct mosquitto_message`. `reason_code` is 0, or for MQTT 5 one that PUBACK
/// and PUBREC may have (MQTT 5.0 sections 3.4.2.1 and 3.5.2.1): with 128 or more the message is
/// refused. Messages may be acknowledged in any order. Inside a callback the acknowledgement leaves
/// when the callback has returned; without a connection it is remembered as long as the session is kept.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_NOT_FOUND where no message with this `mid` awaits an
/// acknowledgement, because it has one, or the session was lost; MOSQ_ERR_INVAL for `mosq` NULL
/// or destroyed, and a `reason_code` that is not for it; MOSQ_ERR_ERRNO where the store of
/// `mqttrs_store_open` cannot be written.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_ack(mosq: *mut mosquitto, mid: c_int, reason_code: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let acknowledge = |contents: &Contents| {
            let Ok(reason) = u8::try_from(reason_code) else {
                return Err(Error::invalid("reason code is none"));
            };
            let Some(packet_id) = u16::try_from(mid).ok().and_then(PacketId::new) else {
                return Err(CallerError::NotFound("a message with this mid").into());
            };
            contents.client().acknowledge(packet_id, ReasonCode(reason))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, acknowledge) }
    })
}
