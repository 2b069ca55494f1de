//! The last will, user name and password.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::arguments::{self, bytes, mqtt_text, topic_name};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, mosquitto, Contents};
use super::property::list::mosquitto_property_free_all;
use super::property::mosquitto_property;
use crate::client::WillMessage;
use crate::codec::Place;
use crate::error::{CallerError, Error};

/// Sets the last will: the message the server publishes when the connection ends without
/// `mosquitto_disconnect`.
///
/// `topic` is a topic name, without wildcards. `payload` has `payloadlen` bytes, 0 to 65535
/// (MQTT 5.0 section 3.1.3.4), and may be NULL where `payloadlen` is 0. `qos` is 0, 1 or 2.
/// `retain` makes the will a retained message. Topic and payload are copied.
///
/// Takes effect with the next connect. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a topic NULL, empty, longer
/// than 65535 bytes or with a wildcard, a `payload` NULL with a length, and `qos` out of range;
/// MOSQ_ERR_MALFORMED_UTF8; MOSQ_ERR_PAYLOAD_SIZE for a length that is negative or too large.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `topic` is NULL or a C string; `payload` is
/// NULL or has `payloadlen` bytes.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_will_set(
    mosq: *mut mosquitto,
    topic: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retain: bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { will_set(mosq, topic, payloadlen, payload, qos, retain, null_mut()) }
    })
}

/// Sets the last will with properties.
///
/// As `mosquitto_will_set`; `properties` may be NULL. On success the list becomes the
/// library's, which frees it; after an error it is still the program's.
///
/// Returns what `mosquitto_will_set` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
/// MOSQ_ERR_PROTOCOL for one that does not belong in a will; MOSQ_ERR_DUPLICATE_PROPERTY.
///
/// # Safety
/// As `mosquitto_will_set`; `properties` is NULL or a valid list that is not used after success.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_will_set_v5(
    mosq: *mut mosquitto,
    topic: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retain: bool,
    properties: *mut mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { will_set(mosq, topic, payloadlen, payload, qos, retain, properties) }
    })
}

/// Removes the last will. Takes effect with the next connect.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_will_clear(mosq: *mut mosquitto) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let clear = |contents: &Contents| {
            contents.client().options(|options| options.will = None);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, clear) }
    })
}

/// Sets the user name and password for CONNECT.
///
/// `username` NULL sends no user name; `password` NULL sends no password. A password without a
/// user name needs MQTT 5 (MQTT 5.0 section 3.1.2.9). Both are copied, at most 65535 bytes.
///
/// Takes effect with the next connect. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a string that is too long, and
/// below MQTT 5 a password without a user name; MOSQ_ERR_MALFORMED_UTF8 for a user name that is
/// not UTF-8. After an error the settings are as they were.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `username` and `password` are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_username_pw_set(
    mosq: *mut mosquitto,
    username: *const c_char,
    password: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let (username, password) = unsafe { (mqtt_text(username)?, bytes(password)) };
            if password.is_some_and(|password| password.len() > usize::from(u16::MAX)) {
                return Err(Error::invalid("password longer than 65535 bytes"));
            }
            contents.client().options(|options| {
                if username.is_none()
                    && password.is_some()
                    && !options.protocol_version.has_properties()
                {
                    return Err(Error::invalid("password without a user name below MQTT 5"));
                }
                options.username = username.map(str::to_owned);
                options.password = password.map(<[u8]>::to_vec);
                Ok(())
            })
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// # Safety
/// As `mosquitto_will_set_v5`.
unsafe fn will_set(
    mosq: *mut mosquitto,
    topic: *const c_char,
    payloadlen: c_int,
    payload: *const c_void,
    qos: c_int,
    retain: bool,
    properties: *mut mosquitto_property,
) -> c_int {
    let set = |contents: &Contents| {
        let client = contents.client();
        // SAFETY: the caller's promise, for all in this block.
        let (owned, payload, topic) = unsafe {
            (
                arguments::properties(client, properties, Place::Will)?,
                arguments::payload(payload, payloadlen)?,
                topic_name(topic)?,
            )
        };
        if payload.len() > usize::from(u16::MAX) {
            return Err(Error::Caller(CallerError::PayloadTooLarge));
        }
        let will = WillMessage {
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            qos: arguments::qos(qos)?,
            retain,
            properties: owned,
        };
        client.options(|options| options.will = Some(Box::new(will)));
        let mut list = properties;
        // SAFETY: the caller's promise: NULL or a valid list, and ours from now on.
        unsafe { mosquitto_property_free_all(&mut list) };
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { call(mosq, set) }
}
