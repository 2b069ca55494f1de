//! Arguments from C, as Rust values or as the caller's error.

use std::ffi::{c_char, c_int, c_void, CStr};

use super::property::{handed_on, mosquitto_property, to_wire};
use crate::client::Client;
use crate::codec::{Place, PropertyBuf};
use crate::error::{CallerError, Error, Result};
use crate::types::{topic, utf8, PacketId, QoS};

const MALFORMED_UTF8: Error = Error::Caller(CallerError::MalformedUtf8);

/// The largest payload MQTT can carry: the largest remaining length.
const MAX_PAYLOAD: usize = 268_435_455;

/// The bytes of a C string before its NUL; `None` for NULL.
///
/// # Safety
/// `text` is NULL or a C string that stays unchanged for `'a`.
pub(super) unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller's promise.
    Some(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A C string as a string; `None` for NULL. `what` is the error for other bytes than UTF-8.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn text<'a>(text: *const c_char, what: &'static str) -> Result<Option<&'a str>> {
    // SAFETY: the caller's promise.
    match unsafe { bytes(text) } {
        None => Ok(None),
        Some(bytes) => std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Error::invalid(what)),
    }
}

/// A string that stands in a packet: UTF-8 as MQTT wants it, at most 65535 bytes.
///
/// # Safety
/// As for [`bytes`].
#[inline]
pub(super) unsafe fn mqtt_text<'a>(text: *const c_char) -> Result<Option<&'a str>> {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { bytes(text) }) else {
        return Ok(None);
    };
    // Nearly all strings are printable ASCII, which takes no decoding to see.
    let printable = |byte: &u8| (0x20..0x7f).contains(byte);
    let text = if bytes.iter().all(printable) {
        // SAFETY: ASCII is UTF-8.
        unsafe { std::str::from_utf8_unchecked(bytes) }
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| MALFORMED_UTF8)?;
        if !utf8::is_sendable(text) {
            return Err(MALFORMED_UTF8);
        }
        text
    };
    if text.len() > usize::from(u16::MAX) {
        return Err(Error::invalid("string longer than 65535 bytes"));
    }
    Ok(Some(text))
}

/// A topic name in printable ASCII, as nearly all are; `None` for others, good or bad.
///
/// # Safety
/// As for [`bytes`].
#[inline(always)]
pub(super) unsafe fn plain_topic<'a>(name: *const c_char) -> Option<&'a str> {
    // SAFETY: the caller's promise.
    let name = unsafe { bytes(name) }?;
    let plain = |byte: &u8| (0x20..0x7f).contains(byte) && *byte != b'+' && *byte != b'#';
    if name.is_empty() || name.len() > topic::MAX_LEN || !name.iter().all(plain) {
        return None;
    }
    // SAFETY: ASCII is UTF-8.
    Some(unsafe { std::str::from_utf8_unchecked(name) })
}

/// A topic name.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn topic_name<'a>(name: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let name = unsafe { mqtt_text(name) }?.unwrap_or_default();
    if topic::is_name(name) {
        Ok(name)
    } else {
        Err(Error::invalid("topic is empty or has a wildcard"))
    }
}

/// A topic filter.
///
/// # Safety
/// As for [`bytes`].
pub(super) unsafe fn topic_filter<'a>(filter: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    let filter = unsafe { mqtt_text(filter) }?.unwrap_or_default();
    if topic::is_filter(filter) {
        Ok(filter)
    } else {
        Err(Error::invalid("topic filter is empty or malformed"))
    }
}

/// The strings of an array of `count`, at least one.
///
/// # Safety
/// `array` is NULL or has `count` pointers, each for [`topic_filter`].
pub(super) unsafe fn topic_filters<'a>(
    array: *const *mut c_char,
    count: c_int,
) -> Result<Vec<&'a str>> {
    let count = usize::try_from(count).unwrap_or(0);
    if array.is_null() || count == 0 {
        return Err(Error::invalid("no topic filters"));
    }
    // SAFETY: the caller's promise.
    unsafe {
        (0..count)
            .map(|index| topic_filter(*array.add(index)))
            .collect()
    }
}

/// A payload with C's length; NULL is right for an empty one.
///
/// # Safety
/// `payload` is NULL or has `len` readable bytes that stay unchanged for `'a`.
#[inline]
pub(super) unsafe fn payload<'a>(payload: *const c_void, len: c_int) -> Result<&'a [u8]> {
    match usize::try_from(len) {
        Ok(0) => Ok(&[]),
        Ok(len) if len > MAX_PAYLOAD => Err(Error::Caller(CallerError::PayloadTooLarge)),
        Ok(_) if payload.is_null() => Err(Error::invalid("payload is NULL and not empty")),
        // SAFETY: not NULL, and the caller's promise.
        Ok(len) => Ok(unsafe { std::slice::from_raw_parts(payload.cast(), len) }),
        Err(_) => Err(Error::Caller(CallerError::PayloadTooLarge)),
    }
}

/// A QoS.
#[inline]
pub(super) fn qos(qos: c_int) -> Result<QoS> {
    u8::try_from(qos)
        .ok()
        .and_then(QoS::new)
        .ok_or_else(|| Error::invalid("QoS is not 0, 1 or 2"))
}

/// A number that has 16 bits.
pub(super) fn u16(value: impl TryInto<u16>, what: &'static str) -> Result<u16> {
    value.try_into().map_err(|_| Error::invalid(what))
}

/// A property list for a packet of `client`; none for NULL.
///
/// # Safety
/// `list` is NULL or a valid list.
#[inline]
pub(super) unsafe fn properties(
    client: &Client,
    list: *const mosquitto_property,
    place: Place,
) -> Result<PropertyBuf> {
    if list.is_null() {
        return Ok(PropertyBuf::new());
    }
    may_have_properties(client)?;
    // SAFETY: the caller's promise.
    let properties = unsafe { to_wire(list) }?;
    properties.check(place)?;
    Ok(properties)
}

/// As [`properties`], for a message: of a list that a callback was given only the first.
///
/// # Safety
/// As for [`properties`].
#[inline]
pub(super) unsafe fn publish_properties(
    client: &Client,
    list: *const mosquitto_property,
) -> Result<PropertyBuf> {
    if list.is_null() {
        return Ok(PropertyBuf::new());
    }
    may_have_properties(client)?;
    // SAFETY: the caller's promise.
    let properties = unsafe { handed_on(list) }?;
    properties.check(Place::Publish)?;
    Ok(properties)
}

fn may_have_properties(client: &Client) -> Result<()> {
    let version = client.options(|options| options.protocol_version);
    match version.has_properties() {
        true => Ok(()),
        false => Err(Error::Caller(CallerError::NotSupported(
            "properties below MQTT 5",
        ))),
    }
}

/// What writes a packet identifier where C wants it, if anywhere.
///
/// # Safety
/// `mid` is NULL or may be written to until the result is dropped.
#[inline]
pub(super) unsafe fn write_mid(mid: *mut c_int) -> impl FnOnce(PacketId) {
    move |packet_id| {
        if !mid.is_null() {
            // SAFETY: not NULL, and the caller's promise.
            unsafe { *mid = c_int::from(packet_id.number()) };
        }
    }
}
