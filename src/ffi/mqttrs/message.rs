//! A message and a subscription as programs describe them to the functions of `mqttrs.h`.

use std::ffi::{c_char, c_int, c_void};

use crate::error::{Error, Result};
use crate::ffi::property::mosquitto_property;

/// A message to publish. Fill it with zeros first, then set `size`. What it points to stays the
/// program's, and is read only until the function returns that is given it.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_message {
    /// `sizeof(struct mqttrs_message)`: the structure may grow.
    pub size: usize,
    /// Topic name, a C string in UTF-8 without wildcards.
    pub topic: *const c_char,
    /// `payloadlen` bytes; NULL where that is 0.
    pub payload: *const c_void,
    /// The length of `payload` in bytes, at most 268,435,455.
    pub payloadlen: usize,
    /// 0, 1 or 2.
    pub qos: c_int,
    /// Whether the server keeps it for who subscribes later.
    pub retain: bool,
    /// MQTT 5 properties for PUBLISH, NULL for none.
    pub properties: *const mosquitto_property,
}

/// A subscription. Fill it with zeros first, then set `size`.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_subscription {
    /// `sizeof(struct mqttrs_subscription)`: the structure may grow.
    pub size: usize,
    /// Topic filter, a C string in UTF-8.
    pub filter: *const c_char,
    /// The highest QoS in which messages shall come: 0, 1 or 2.
    pub qos: c_int,
    /// Options of `enum mqtt5_sub_options`, or-ed (MQTT 5.0 section 3.8.3.1); without effect below
    /// MQTT 5.
    pub options: c_int,
}

/// A structure that carries its size first.
///
/// # Safety
/// The first field is a `usize`, its size in the caller's version.
pub(super) unsafe trait CarriesSize {}

// SAFETY: their first field is `size`.
unsafe impl CarriesSize for mqttrs_message {}
// SAFETY: as above.
unsafe impl CarriesSize for mqttrs_subscription {}

/// What a pointer to a structure with its size in front leads to.
///
/// # Errors
///
/// For NULL and for a structure that is smaller than it was ever.
///
/// # Safety
/// `pointer` is NULL or leads to as many bytes as the structure's first field says, which stay
/// unchanged for `'a`.
pub(super) unsafe fn lent<'a, T: CarriesSize>(pointer: *const T) -> Result<&'a T> {
    // SAFETY: the caller's promise; the size stands first.
    if pointer.is_null() || unsafe { *pointer.cast::<usize>() } < size_of::<T>() {
        return Err(Error::invalid("a structure is NULL or its size too small"));
    }
    // SAFETY: as above.
    Ok(unsafe { &*pointer })
}

/// The structures of an array of `count`, which lie as far from each other as the first one's
/// size says.
///
/// # Safety
/// `first` is NULL or leads to `count` structures for [`lent`].
pub(super) unsafe fn lent_all<'a, T: CarriesSize>(
    first: *const T,
    count: usize,
) -> Result<Vec<&'a T>> {
    if first.is_null() || count == 0 {
        return Err(Error::invalid("an array is NULL or empty"));
    }
    // SAFETY: the caller's promise.
    let distance = unsafe { *first.cast::<usize>() };
    // SAFETY: as above.
    (0..count)
        .map(|index| unsafe { lent(first.byte_add(index * distance)) })
        .collect()
}
