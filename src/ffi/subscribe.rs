//! Subscribing and unsubscribing.

use std::ffi::{c_char, c_int};
use std::ptr::null;

use super::arguments::{self, topic_filters, write_mid};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, mosquitto, Contents};
use super::property::mosquitto_property;
use crate::client::Token;
use crate::codec::{Place, SubscriptionOptions};
use crate::error::{Error, Result};

/// Subscribes to a topic filter.
///
/// `mid` may be NULL; otherwise the identifier of the SUBSCRIBE is written there before it is
/// sent, and the subscribe callbacks get it with the answer. `sub` is the topic filter,
/// copied. `qos` is the highest QoS wanted, 0, 1 or 2.
///
/// Does not block. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a filter NULL, empty, longer
/// than 65535 bytes or with a misplaced wildcard (MQTT 5.0 section 4.7.1), and `qos` out of range;
/// MOSQ_ERR_MALFORMED_UTF8; MOSQ_ERR_NO_CONN without a connection; MOSQ_ERR_OVERSIZE_PACKET for more
/// than the server said it takes; MOSQ_ERR_NOMEM when all message identifiers are in use.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `mid` is NULL or may be written to; `sub` is
/// NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub: *const c_char,
    qos: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise; one filter.
        unsafe { subscribe(mosq, mid, 1, &sub.cast_mut(), qos, 0, null()) }
    })
}

/// Subscribes to a topic filter with options and properties.
///
/// As `mosquitto_subscribe`; `options` is 0 or an OR of MQTT_SUB_OPT_* values (MQTT 5.0 section
/// 3.8.3.1), which below MQTT 5 are not sent. `properties` is copied, stays the program's and
/// may be NULL.
///
/// Returns what `mosquitto_subscribe` returns; MOSQ_ERR_INVAL for options that do not exist;
/// MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5; MOSQ_ERR_PROTOCOL for one that does not
/// belong in SUBSCRIBE; MOSQ_ERR_DUPLICATE_PROPERTY.
///
/// # Safety
/// As `mosquitto_subscribe`; `properties` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe_v5(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub: *const c_char,
    qos: c_int,
    options: c_int,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise; one filter.
        unsafe { subscribe(mosq, mid, 1, &sub.cast_mut(), qos, options, properties) }
    })
}

/// Subscribes to several topic filters with one SUBSCRIBE.
///
/// As `mosquitto_subscribe_v5`; `sub` is an array of `sub_count` topic filters, at least one,
/// which all get the same `qos` and `options`. The subscribe callbacks get one answer for each
/// in the same order.
///
/// Returns what `mosquitto_subscribe_v5` returns; MOSQ_ERR_INVAL for `sub` NULL and `sub_count`
/// below 1 too.
///
/// # Safety
/// As `mosquitto_subscribe_v5`; `sub` is NULL or has `sub_count` entries, each NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe_multiple(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub_count: c_int,
    sub: *const *mut c_char,
    qos: c_int,
    options: c_int,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { subscribe(mosq, mid, sub_count, sub, qos, options, properties) }
    })
}

/// Ends a subscription.
///
/// `mid` may be NULL; otherwise the identifier of the UNSUBSCRIBE is written there before it is
/// sent, and the unsubscribe callbacks get it with the answer. `sub` is the topic filter as
/// it was subscribed to, copied.
///
/// Does not block. Any thread, any callback.
///
/// Returns what `mosquitto_subscribe` returns.
///
/// # Safety
/// As `mosquitto_subscribe`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_unsubscribe(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise; one filter.
        unsafe { unsubscribe(mosq, mid, 1, &sub.cast_mut(), null()) }
    })
}

/// Ends a subscription, with properties for UNSUBSCRIBE.
///
/// As `mosquitto_unsubscribe`; `properties` is copied, stays the program's and may be NULL.
///
/// Returns what `mosquitto_unsubscribe` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
/// MOSQ_ERR_PROTOCOL for one that does not belong in UNSUBSCRIBE; MOSQ_ERR_DUPLICATE_PROPERTY.
///
/// # Safety
/// As `mosquitto_unsubscribe`; `properties` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_unsubscribe_v5(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub: *const c_char,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise; one filter.
        unsafe { unsubscribe(mosq, mid, 1, &sub.cast_mut(), properties) }
    })
}

/// Ends several subscriptions with one UNSUBSCRIBE.
///
/// As `mosquitto_unsubscribe_v5`; `sub` is an array of `sub_count` topic filters, at least one.
///
/// Returns what `mosquitto_unsubscribe_v5` returns; MOSQ_ERR_INVAL for `sub` NULL and `sub_count`
/// below 1 too.
///
/// # Safety
/// As `mosquitto_unsubscribe_v5`; `sub` is NULL or has `sub_count` entries, each NULL or a C
/// string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_unsubscribe_multiple(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub_count: c_int,
    sub: *const *mut c_char,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { unsubscribe(mosq, mid, sub_count, sub, properties) }
    })
}

/// # Safety
/// As `mosquitto_subscribe_multiple`.
unsafe fn subscribe(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub_count: c_int,
    sub: *const *mut c_char,
    qos: c_int,
    options: c_int,
    properties: *const mosquitto_property,
) -> c_int {
    let subscribe = |contents: &Contents| {
        let client = contents.client();
        let mut options = subscription_options(qos, options)?;
        if !client
            .options(|options| options.protocol_version)
            .has_properties()
        {
            options = subscription_options(qos, 0)?;
        }
        // SAFETY: the caller's promise.
        let properties = unsafe { arguments::properties(client, properties, Place::Subscribe) }?;
        // SAFETY: the caller's promise.
        let filters = unsafe { topic_filters(sub, sub_count) }?;
        let filters: Vec<_> = filters
            .into_iter()
            .map(|filter| (filter, options))
            .collect();
        // SAFETY: the caller's promise.
        let on_id = unsafe { write_mid(mid) };
        client
            .subscribe(&filters, properties.as_properties(), Token::NONE, on_id)
            .map(drop)
    };
    // SAFETY: the caller's promise.
    unsafe { call(mosq, subscribe) }
}

/// # Safety
/// As `mosquitto_unsubscribe_multiple`.
unsafe fn unsubscribe(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    sub_count: c_int,
    sub: *const *mut c_char,
    properties: *const mosquitto_property,
) -> c_int {
    let unsubscribe = |contents: &Contents| {
        let client = contents.client();
        // SAFETY: the caller's promise.
        let properties = unsafe { arguments::properties(client, properties, Place::Unsubscribe) }?;
        // SAFETY: the caller's promise.
        let filters = unsafe { topic_filters(sub, sub_count) }?;
        // SAFETY: the caller's promise.
        let on_id = unsafe { write_mid(mid) };
        client
            .unsubscribe(&filters, properties.as_properties(), Token::NONE, on_id)
            .map(drop)
    };
    // SAFETY: the caller's promise.
    unsafe { call(mosq, unsubscribe) }
}

/// The options byte of a subscription; `options` must leave the QoS to `qos`.
pub(super) fn subscription_options(qos: c_int, options: c_int) -> Result<SubscriptionOptions> {
    let qos = arguments::qos(qos)?.number();
    u8::try_from(options)
        .ok()
        .filter(|options| options & 3 == 0)
        .and_then(|options| SubscriptionOptions::new(options | qos))
        .ok_or(Error::invalid("subscription options do not exist"))
}
