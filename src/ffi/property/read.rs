//! Finding a property in a list and reading it.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use super::{iter, mosquitto_property, Stored};
use crate::ffi::alloc;
use crate::ffi::guard::guard;

/// Finds a property of type `MQTT_PROP_TYPE_BYTE` in a list and reads its value.
///
/// Where `skip_first` is true the first property with this identifier is passed over: called
/// again with what the call before returned, this walks through properties that occur more
/// than once.
///
/// Returns the property found, which belongs to the list; NULL where there is none, or
/// `identifier` is of another type, and then `*value` is left as it was. `value` may be NULL.
///
/// # Safety
/// `proplist` is NULL or a property list; `value` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_byte(
    proplist: *const mosquitto_property,
    identifier: c_int,
    value: *mut u8,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::Byte(byte))) => {
                set(value, byte);
                property
            }
            _ => null(),
        }
    })
}

/// Finds a property of type `MQTT_PROP_TYPE_INT16` in a list and reads its value; otherwise
/// as `mosquitto_property_read_byte`.
///
/// # Safety
/// `proplist` is NULL or a property list; `value` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_int16(
    proplist: *const mosquitto_property,
    identifier: c_int,
    value: *mut u16,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::Int16(int16))) => {
                set(value, int16);
                property
            }
            _ => null(),
        }
    })
}

/// Finds a property of type `MQTT_PROP_TYPE_INT32` in a list and reads its value; otherwise
/// as `mosquitto_property_read_byte`.
///
/// # Safety
/// `proplist` is NULL or a property list; `value` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_int32(
    proplist: *const mosquitto_property,
    identifier: c_int,
    value: *mut u32,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::Int32(int32))) => {
                set(value, int32);
                property
            }
            _ => null(),
        }
    })
}

/// Finds a property of type `MQTT_PROP_TYPE_VARINT` in a list and reads its value; otherwise
/// as `mosquitto_property_read_byte`.
///
/// # Safety
/// `proplist` is NULL or a property list; `value` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_varint(
    proplist: *const mosquitto_property,
    identifier: c_int,
    value: *mut u32,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::VarInt(varint))) => {
                set(value, varint);
                property
            }
            _ => null(),
        }
    })
}

/// Finds a property of type `MQTT_PROP_TYPE_BINARY` in a list and copies its value; otherwise
/// as `mosquitto_property_read_byte`.
///
/// `*value` gets a copy that the program frees with `free`, or NULL where the value is empty
/// or no property was found; `*len` gets its length when a property was found. Both pointers
/// may be NULL. NULL is returned also when memory ran out.
///
/// # Safety
/// `proplist` is NULL or a property list; `value` and `len` are NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_binary(
    proplist: *const mosquitto_property,
    identifier: c_int,
    value: *mut *mut c_void,
    len: *mut u16,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        if !proplist.is_null() {
            set(value, null_mut());
        }
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::Binary(bytes))) if copy(bytes, value.cast()) => {
                set(len, bytes.len() as u16);
                property
            }
            _ => null(),
        }
    })
}

/// Finds a property of type `MQTT_PROP_TYPE_STRING` in a list and copies its value; otherwise
/// as `mosquitto_property_read_byte`.
///
/// `*value` gets a copy that the program frees with `free`, or NULL where the string is
/// empty. NULL is returned also when memory ran out.
///
/// # Safety
/// `proplist` is NULL or a property list; `value` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_string(
    proplist: *const mosquitto_property,
    identifier: c_int,
    value: *mut *mut c_char,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::String(bytes))) if copy(bytes, value) => property,
            _ => null(),
        }
    })
}

/// Finds a property of type `MQTT_PROP_TYPE_STRING_PAIR` in a list and copies its name and
/// value; otherwise as `mosquitto_property_read_byte`.
///
/// `*name` and `*value` get copies that the program frees with `free`, or NULL where the
/// string is empty or no property was found. Both pointers may be NULL. NULL is returned
/// also when memory ran out.
///
/// # Safety
/// `proplist` is NULL or a property list; `name` and `value` are NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_read_string_pair(
    proplist: *const mosquitto_property,
    identifier: c_int,
    name: *mut *mut c_char,
    value: *mut *mut c_char,
    skip_first: bool,
) -> *const mosquitto_property {
    // SAFETY: the caller's promise.
    guard(null(), || unsafe {
        if !proplist.is_null() {
            set(name, null_mut());
            set(value, null_mut());
        }
        match find(proplist, identifier, skip_first) {
            Some((property, Stored::Pair(first, second))) => {
                if !copy(first, name) {
                    return null();
                }
                if !copy(second, value) {
                    if let Some(name) = name.as_mut() {
                        alloc::free(std::mem::replace(name, null_mut()));
                    }
                    return null();
                }
                property
            }
            _ => null(),
        }
    })
}

/// The first property with this identifier, or the second.
///
/// # Safety
/// `list` is NULL or a property list that stays unchanged for `'a`.
unsafe fn find<'a>(
    list: *const mosquitto_property,
    identifier: c_int,
    skip_first: bool,
) -> Option<(&'a mosquitto_property, Stored<'a>)> {
    // SAFETY: the caller's promise.
    let property = unsafe { iter(list) }
        .filter(|property| property.identifier == identifier)
        .nth(usize::from(skip_first))?;
    let (_, stored) = property.stored()?;
    Some((property, stored))
}

/// # Safety
/// `target` is NULL or may be written.
unsafe fn set<T>(target: *mut T, value: T) {
    if !target.is_null() {
        // SAFETY: not NULL, and the caller's promise.
        unsafe { target.write(value) };
    }
}

/// Gives C a copy, or NULL for no bytes; false when memory ran out.
///
/// # Safety
/// `target` is NULL, and then nothing is copied, or may be written.
unsafe fn copy(bytes: &[u8], target: *mut *mut c_char) -> bool {
    if target.is_null() {
        return true;
    }
    let copy = if bytes.is_empty() {
        null_mut()
    } else {
        match alloc::copy_with_nul(bytes) {
            Some(copy) => copy.as_ptr(),
            None => return false,
        }
    };
    // SAFETY: not NULL, and the caller's promise.
    unsafe { target.write(copy) };
    true
}

#[cfg(test)]
mod tests {
    use super::super::OwnedList;
    use super::*;
    use crate::codec::{PropertyBuf, PropertyId, Value};
    use crate::ffi::alloc::shortage;
    use std::ffi::CStr;
    use std::ptr::dangling_mut;

    fn list(properties: &[(PropertyId, Value<'_>)]) -> OwnedList {
        let mut buf = PropertyBuf::new();
        for (id, value) in properties {
            buf.push(*id, *value).expect("the right type");
        }
        OwnedList::from_wire(buf.as_properties()).expect("memory")
    }

    fn sample() -> OwnedList {
        list(&[
            (PropertyId::UserProperty, Value::Pair("a", "1")),
            (PropertyId::PayloadFormatIndicator, Value::Byte(1)),
            (PropertyId::ReceiveMaximum, Value::U16(2)),
            (PropertyId::MessageExpiryInterval, Value::U32(3)),
            (PropertyId::SubscriptionIdentifier, Value::VarInt(4)),
            (PropertyId::CorrelationData, Value::Binary(b"\0x")),
            (PropertyId::ContentType, Value::String("text")),
            (PropertyId::UserProperty, Value::Pair("a", "2")),
        ])
    }

    /// What C got, freed.
    fn taken(text: *mut c_char) -> Option<String> {
        if text.is_null() {
            return None;
        }
        // SAFETY: a C string from malloc.
        unsafe {
            let string = CStr::from_ptr(text).to_str().expect("UTF-8").to_owned();
            alloc::free(text);
            Some(string)
        }
    }

    #[test]
    fn numbers_are_read() {
        let list = sample();
        let list = list.as_ptr();
        let (mut byte, mut int16, mut int32, mut varint) = (0, 0, 0, 0);
        // SAFETY: valid pointers.
        unsafe {
            assert!(!mosquitto_property_read_byte(list, 1, &mut byte, false).is_null());
            assert!(!mosquitto_property_read_int16(list, 33, &mut int16, false).is_null());
            assert!(!mosquitto_property_read_int32(list, 2, &mut int32, false).is_null());
            assert!(!mosquitto_property_read_varint(list, 11, &mut varint, false).is_null());
        }
        assert_eq!((byte, int16, int32, varint), (1, 2, 3, 4));
    }

    #[test]
    fn strings_and_binaries_are_copied_for_free() {
        let list = sample();
        let list = list.as_ptr();
        let (mut text, mut name, mut value) = (null_mut(), null_mut(), null_mut());
        let (mut binary, mut len) = (null_mut(), 0);
        // SAFETY: valid pointers.
        unsafe {
            assert!(!mosquitto_property_read_string(list, 3, &mut text, false).is_null());
            assert_eq!(taken(text).as_deref(), Some("text"));

            let pair = mosquitto_property_read_string_pair(list, 38, &mut name, &mut value, false);
            assert!(std::ptr::eq(pair, list));
            assert_eq!(taken(name).as_deref(), Some("a"));
            assert_eq!(taken(value).as_deref(), Some("1"));

            let found = mosquitto_property_read_binary(list, 9, &mut binary, &mut len, false);
            assert!(!found.is_null());
            assert_eq!(std::slice::from_raw_parts(binary.cast::<u8>(), 3), b"\0x\0");
            assert_eq!(len, 2);
            alloc::free(binary);
        }
    }

    #[test]
    fn repeated_properties_are_walked_with_skip_first() {
        let list = sample();
        let mut value = null_mut();
        let mut found = Vec::new();
        let mut from = list.as_ptr();
        let mut skip_first = false;
        // SAFETY: valid pointers.
        unsafe {
            loop {
                let name = null_mut();
                from = mosquitto_property_read_string_pair(from, 38, name, &mut value, skip_first);
                if from.is_null() {
                    break;
                }
                found.extend(taken(value));
                skip_first = true;
            }
        }
        assert_eq!(found, ["1", "2"]);
    }

    #[test]
    fn skip_first_passes_over_the_first_match_wherever_the_search_begins() {
        let list = sample();
        // SAFETY: valid pointers.
        unsafe {
            let second = super::super::list::mosquitto_property_next(list.as_ptr());
            let last =
                mosquitto_property_read_string_pair(second, 38, null_mut(), null_mut(), false);
            assert!(!last.is_null());
            let none =
                mosquitto_property_read_string_pair(second, 38, null_mut(), null_mut(), true);
            assert!(none.is_null());
        }
    }

    #[test]
    fn empty_strings_and_binaries_are_null() {
        let list = list(&[
            (PropertyId::CorrelationData, Value::Binary(b"")),
            (PropertyId::ContentType, Value::String("")),
            (PropertyId::UserProperty, Value::Pair("", "")),
        ]);
        let list = list.as_ptr();
        let (mut text, mut name, mut value) = (dangling_mut(), dangling_mut(), dangling_mut());
        let (mut binary, mut len) = (dangling_mut(), 1);
        // SAFETY: valid pointers.
        unsafe {
            assert!(!mosquitto_property_read_string(list, 3, &mut text, false).is_null());
            let pair = mosquitto_property_read_string_pair(list, 38, &mut name, &mut value, false);
            assert!(!pair.is_null());
            let found = mosquitto_property_read_binary(list, 9, &mut binary, &mut len, false);
            assert!(!found.is_null());
        }
        assert!(text.is_null() && name.is_null() && value.is_null() && binary.is_null());
        assert_eq!(len, 0);
    }

    #[test]
    fn defaults_survive_when_the_property_is_missing() {
        let list = list(&[(PropertyId::ContentType, Value::String("x"))]);
        let (mut byte, mut int16, mut int32, mut varint) = (91, 92, 93, 94);
        let mut text = dangling_mut();
        // SAFETY: valid pointers.
        unsafe {
            for list in [list.as_ptr(), null()] {
                assert!(mosquitto_property_read_byte(list, 1, &mut byte, false).is_null());
                assert!(mosquitto_property_read_int16(list, 33, &mut int16, false).is_null());
                assert!(mosquitto_property_read_int32(list, 2, &mut int32, false).is_null());
                assert!(mosquitto_property_read_varint(list, 11, &mut varint, false).is_null());
                assert!(mosquitto_property_read_string(list, 8, &mut text, false).is_null());
            }
        }
        assert_eq!((byte, int16, int32, varint), (91, 92, 93, 94));
        assert_eq!(text, dangling_mut());
    }

    #[test]
    fn missing_pairs_and_binaries_are_null() {
        let list = list(&[(PropertyId::ContentType, Value::String("x"))]);
        let list = list.as_ptr();
        let (mut name, mut value) = (dangling_mut(), dangling_mut());
        let (mut binary, mut len) = (dangling_mut(), 95);
        // SAFETY: valid pointers.
        unsafe {
            let pair = mosquitto_property_read_string_pair(list, 38, &mut name, &mut value, false);
            assert!(pair.is_null());
            let found = mosquitto_property_read_binary(list, 9, &mut binary, &mut len, false);
            assert!(found.is_null());
        }
        assert!(name.is_null() && value.is_null() && binary.is_null());
        assert_eq!(len, 95);
    }

    #[test]
    fn function_for_another_type_finds_nothing() {
        let list = sample();
        let list = list.as_ptr();
        // SAFETY: valid pointers.
        unsafe {
            assert!(mosquitto_property_read_byte(list, 33, null_mut(), false).is_null());
            assert!(mosquitto_property_read_int16(list, 1, null_mut(), false).is_null());
            assert!(mosquitto_property_read_int32(list, 11, null_mut(), false).is_null());
            assert!(mosquitto_property_read_varint(list, 2, null_mut(), false).is_null());
            assert!(mosquitto_property_read_string(list, 9, null_mut(), false).is_null());
            let binary = mosquitto_property_read_binary(list, 3, null_mut(), null_mut(), false);
            assert!(binary.is_null());
            let pair = mosquitto_property_read_string_pair(list, 3, null_mut(), null_mut(), false);
            assert!(pair.is_null());
        }
    }

    #[test]
    fn results_need_not_be_asked_for() {
        let list = sample();
        let list = list.as_ptr();
        // SAFETY: valid pointers.
        unsafe {
            assert!(!mosquitto_property_read_byte(list, 1, null_mut(), false).is_null());
            assert!(!mosquitto_property_read_string(list, 3, null_mut(), false).is_null());
            let binary = mosquitto_property_read_binary(list, 9, null_mut(), null_mut(), false);
            assert!(!binary.is_null());
            let pair = mosquitto_property_read_string_pair(list, 38, null_mut(), null_mut(), false);
            assert!(!pair.is_null());
        }
    }

    #[test]
    fn nothing_is_found_when_memory_runs_out() {
        let list = sample();
        let list = list.as_ptr();
        let (mut text, mut name, mut value) = (null_mut(), null_mut(), null_mut());
        let (mut binary, mut len) = (null_mut(), 0);
        // SAFETY: valid pointers.
        unsafe {
            shortage::after(0, || {
                assert!(mosquitto_property_read_string(list, 3, &mut text, false).is_null());
                let found = mosquitto_property_read_binary(list, 9, &mut binary, &mut len, false);
                assert!(found.is_null());
            });
            for allocations in 0..2 {
                let pair = shortage::after(allocations, || {
                    mosquitto_property_read_string_pair(list, 38, &mut name, &mut value, false)
                });
                assert!(pair.is_null() && name.is_null() && value.is_null());
            }
        }
        assert!(text.is_null() && binary.is_null());
    }
}
