//! Publishing.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null;

use super::arguments;
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard_panic;
use super::handle::{call, mosquitto, Contents};
use super::property::mosquitto_property;
use crate::client::Publication;
use crate::error::{CallerError, Error};

/// Publishes a message.
///
/// `mid` may be NULL; otherwise the message's identifier, 1 to 65535, is written there before
/// anything is sent, for QoS 0 too, and the publish callbacks get it when the message has
/// reached the end of its way. `topic` is the topic name, without wildcards. `payload` has
/// `payloadlen` bytes, 0 to 268435455, and may be NULL where `payloadlen` is 0. `qos` is 0, 1
/// or 2. `retain` asks the server to keep the message for later subscribers; it is
/// dropped where an MQTT 5 server said that it cannot. Topic and payload are copied.
///
/// Does not block: what the connection does not take at once, the loop writes later. Without
/// a connection, messages of QoS 1 and 2 are kept and sent after the next connect. Any
/// thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS when the message was sent or kept; MOSQ_ERR_INVAL for `mosq` NULL or
/// destroyed, a topic NULL, empty, longer than 65535 bytes or with a wildcard, a `payload` NULL
/// with a length, and `qos` out of range; MOSQ_ERR_MALFORMED_UTF8 for a topic that is not UTF-8 as
/// MQTT wants it (MQTT 5.0 section 1.5.4); MOSQ_ERR_PAYLOAD_SIZE for a length that is negative or
/// too large; MOSQ_ERR_NO_CONN for QoS 0 without a connection; MOSQ_ERR_QOS_NOT_SUPPORTED and
/// MOSQ_ERR_OVERSIZE_PACKET for more than the server said it takes; MOSQ_ERR_NOMEM when all
/// message identifiers are in use; MOSQ_ERR_QUOTA_EXCEEDED when the queue is full, see
/// `mqttrs_queue_set`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `mid` is NULL or may be written to; `topic` is
/// NULL or a C string; `payload` is NULL or has `payloadlen` bytes.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_publish(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    topic: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retain: bool,
) -> c_int {
    guard_panic(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { publish(mosq, mid, topic, payloadlen, payload, qos, retain, null()) }
    })
}

/// Publishes a message with properties.
///
/// As `mosquitto_publish`; `properties` is copied, stays the program's and may be NULL. With
/// a topic alias among them, `topic` may be NULL or empty (MQTT 5.0 section 3.3.2.3.4). A property
/// that a callback was given goes alone, without those behind it in its list: so the correlation
/// data of a request, as `mosquitto_property_read_binary` finds it, makes a response. To hand on
/// more, make a list.
///
/// Returns what `mosquitto_publish` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
/// MOSQ_ERR_PROTOCOL for one that does not belong in PUBLISH; MOSQ_ERR_DUPLICATE_PROPERTY.
///
/// # Safety
/// As `mosquitto_publish`; `properties` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_publish_v5(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    topic: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retain: bool,
    properties: *const mosquitto_property,
) -> c_int {
    guard_panic(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            publish(
                mosq, mid, topic, payloadlen, payload, qos, retain, properties,
            )
        }
    })
}

/// # Safety
/// As `mosquitto_publish_v5`.
#[allow(clippy::too_many_arguments)] // the C function's
#[inline]
unsafe fn publish(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    topic: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retain: bool,
    properties: *const mosquitto_property,
) -> c_int {
    let publish = |contents: &Contents| {
        let client = contents.client();
        let qos = arguments::qos(qos)?;
        // SAFETY: the caller's promise, for all in this block.
        let (payload, on_id) = unsafe {
            (
                arguments::payload(payload, payloadlen)?,
                arguments::write_mid(mid),
            )
        };
        if properties.is_null() {
            // SAFETY: the caller's promise.
            if let Some(topic) = unsafe { arguments::plain_topic(topic) } {
                if client
                    .publish_plain(topic, payload, qos, retain, on_id)
                    .is_some()
                {
                    return Ok(());
                }
            }
        }
        // SAFETY: the caller's promise.
        let (topic, properties) = unsafe {
            (
                arguments::mqtt_text(topic),
                arguments::publish_properties(client, properties)?,
            )
        };
        let message = Publication {
            // Whether it is a topic name is the session's to say.
            topic: topic?.unwrap_or_default(),
            payload,
            qos,
            retain,
            properties: properties.as_properties(),
        };
        let publish = || {
            // SAFETY: the caller's promise.
            let on_id = unsafe { arguments::write_mid(mid) };
            client.publish(&message, on_id).map(drop)
        };
        match publish() {
            Err(Error::Caller(CallerError::QueueFull)) => {
                contents.runner.publish_in_time(&message, &publish)
            }
            done => done,
        }
    };
    // SAFETY: the caller's promise.
    unsafe { call(mosq, publish) }
}
