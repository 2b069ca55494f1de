//! Adding to lists.

use std::ffi::{c_char, c_int, c_void};

use super::{free_nodes, mosquitto_property, new_node};
use crate::codec::primitive::VARINT_MAX;
use crate::codec::{PropertyId, Value};
use crate::ffi::arguments;
use crate::ffi::constants::mosq_err_t::{
    MOSQ_ERR_INVAL, MOSQ_ERR_MALFORMED_UTF8, MOSQ_ERR_NOMEM, MOSQ_ERR_SUCCESS, MOSQ_ERR_UNKNOWN,
};
use crate::ffi::guard::guard;
use crate::ffi::strings;

/// Appends a property of type `MQTT_PROP_TYPE_BYTE` to a list; `*proplist` NULL starts one.
///
/// The list is the program's: `mosquitto_property_free_all` frees it. Whether the property
/// suits the packet it will be used for is not looked at: see `mosquitto_property_check_all`.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where `proplist` is NULL or `identifier` is
/// none of this type; `MOSQ_ERR_NOMEM`. On an error the list is left as it was.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_byte(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: u8,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::Byte(value)) }
    })
}

/// Appends a property of type `MQTT_PROP_TYPE_INT16`; otherwise as
/// `mosquitto_property_add_byte`.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_int16(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: u16,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::U16(value)) }
    })
}

/// Appends a property of type `MQTT_PROP_TYPE_INT32`; otherwise as
/// `mosquitto_property_add_byte`.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_int32(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: u32,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::U32(value)) }
    })
}

/// Appends a property of type `MQTT_PROP_TYPE_VARINT`; otherwise as
/// `mosquitto_property_add_byte`.
///
/// `MOSQ_ERR_INVAL` also for a value above 268435455, the largest of this encoding.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_varint(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: u32,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        if value > VARINT_MAX {
            return MOSQ_ERR_INVAL as c_int;
        }
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::VarInt(value)) }
    })
}

/// Appends a property of type `MQTT_PROP_TYPE_BINARY`; otherwise as
/// `mosquitto_property_add_byte`.
///
/// `value` is copied; it may be NULL when `len` is 0, otherwise that is `MOSQ_ERR_INVAL`.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own; `value` is NULL or
/// has `len` bytes.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_binary(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: *const c_void,
    len: u16,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let bytes = match (value.is_null(), len) {
            (_, 0) => &[],
            (true, _) => return MOSQ_ERR_INVAL as c_int,
            // SAFETY: the caller's promise.
            (false, _) => unsafe {
                std::slice::from_raw_parts(value.cast::<u8>(), usize::from(len))
            },
        };
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::Binary(bytes)) }
    })
}

/// Appends a property of type `MQTT_PROP_TYPE_STRING`; otherwise as
/// `mosquitto_property_add_byte`.
///
/// `value` is copied. `MOSQ_ERR_INVAL` also where it is NULL; `MOSQ_ERR_MALFORMED_UTF8`
/// where it is not UTF-8 as MQTT wants it, or longer than 65535 bytes.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own; `value` is NULL or a
/// C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_string(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        let value = match unsafe { text(value) } {
            Ok(value) => value,
            Err(code) => return code,
        };
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::String(value)) }
    })
}

/// Appends a property of type `MQTT_PROP_TYPE_STRING_PAIR`; otherwise as
/// `mosquitto_property_add_string`, for the name as for the value.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own; `name` and `value`
/// are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_add_string_pair(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    name: *const c_char,
    value: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        let (name, value) = match unsafe { (text(name), text(value)) } {
            (Ok(name), Ok(value)) => (name, value),
            (Err(code), _) | (_, Err(code)) => return code,
        };
        // SAFETY: the caller's promise.
        unsafe { append(proplist, identifier, Value::Pair(name, value)) }
    })
}

/// A string for a property, or the error code.
///
/// # Safety
/// `value` is NULL or a C string.
unsafe fn text<'a>(value: *const c_char) -> Result<&'a str, c_int> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { arguments::bytes(value) }.ok_or(MOSQ_ERR_INVAL as c_int)?;
    let fits = bytes.len() <= usize::from(u16::MAX);
    match std::str::from_utf8(bytes) {
        Ok(text) if fits && strings::is_sendable(bytes) => Ok(text),
        _ => Err(MOSQ_ERR_MALFORMED_UTF8 as c_int),
    }
}

/// # Safety
/// `proplist` is NULL or leads to a property list.
unsafe fn append(
    proplist: *mut *mut mosquitto_property,
    identifier: c_int,
    value: Value<'_>,
) -> c_int {
    let id = u32::try_from(identifier).ok().and_then(PropertyId::new);
    let id = id.filter(|id| id.info().value_type == value.value_type());
    let (Some(id), false) = (id, proplist.is_null()) else {
        return MOSQ_ERR_INVAL as c_int;
    };
    let Some(node) = new_node(id, true) else {
        return MOSQ_ERR_NOMEM as c_int;
    };
    // SAFETY: the node is new and in no list before its value is stored; the rest is the
    // caller's promise.
    unsafe {
        if !(*node).store(value) {
            free_nodes(node);
            return MOSQ_ERR_NOMEM as c_int;
        }
        let mut end = proplist;
        while let Some(property) = (*end).as_mut() {
            end = &mut property.next;
        }
        *end = node;
    }
    MOSQ_ERR_SUCCESS as c_int
}

#[cfg(test)]
mod tests {
    use super::super::list::mosquitto_property_free_all;
    use super::super::{to_wire, EMPTY};
    use super::*;
    use crate::codec::properties::{ValueType, TABLE};
    use crate::codec::PropertyBuf;
    use crate::ffi::alloc::shortage;
    use std::ffi::CString;
    use std::ptr::{null, null_mut};

    /// Adds a property by the function for `value_type`.
    ///
    /// # Safety
    /// As for that function.
    unsafe fn add(list: *mut *mut mosquitto_property, id: c_int, value_type: ValueType) -> c_int {
        // SAFETY: the caller's promise.
        unsafe {
            match value_type {
                ValueType::Byte => mosquitto_property_add_byte(list, id, 1),
                ValueType::U16 => mosquitto_property_add_int16(list, id, 2),
                ValueType::U32 => mosquitto_property_add_int32(list, id, 3),
                ValueType::VarInt => mosquitto_property_add_varint(list, id, 4),
                ValueType::Binary => {
                    mosquitto_property_add_binary(list, id, c"bin".as_ptr().cast(), 3)
                }
                ValueType::String => mosquitto_property_add_string(list, id, c"text".as_ptr()),
                ValueType::Pair => {
                    mosquitto_property_add_string_pair(list, id, c"n".as_ptr(), c"v".as_ptr())
                }
            }
        }
    }

    const TYPES: [(ValueType, Value<'_>); 7] = [
        (ValueType::Byte, Value::Byte(1)),
        (ValueType::U16, Value::U16(2)),
        (ValueType::U32, Value::U32(3)),
        (ValueType::VarInt, Value::VarInt(4)),
        (ValueType::Binary, Value::Binary(b"bin")),
        (ValueType::String, Value::String("text")),
        (ValueType::Pair, Value::Pair("n", "v")),
    ];

    #[test]
    fn every_identifier_is_taken_by_the_function_of_its_type_alone() {
        for identifier in -1..300 {
            let info = TABLE.iter().find(|row| row.id as c_int == identifier);
            for (value_type, value) in TYPES {
                let mut list = EMPTY;
                // SAFETY: valid pointers.
                unsafe {
                    let rc = add(&mut list, identifier, value_type);
                    match info {
                        Some(info) if info.value_type == value_type => {
                            assert_eq!(rc, 0, "{}", info.name);
                            let mut expected = PropertyBuf::new();
                            expected.push(info.id, value).expect("the right type");
                            assert_eq!(to_wire(list), Ok(expected));
                        }
                        _ => {
                            assert_eq!(rc, MOSQ_ERR_INVAL as c_int, "{identifier}");
                            assert!(list.is_null());
                        }
                    }
                    mosquitto_property_free_all(&mut list);
                }
            }
        }
    }

    #[test]
    fn new_properties_go_to_the_end() {
        let mut list = EMPTY;
        let mut expected = PropertyBuf::new();
        // SAFETY: valid pointers.
        unsafe {
            for (name, text) in [(c"b", "b"), (c"a", "a"), (c"b", "b")] {
                let value = c"v".as_ptr();
                let rc = mosquitto_property_add_string_pair(&mut list, 38, name.as_ptr(), value);
                assert_eq!(rc, 0);
                let pair = Value::Pair(text, "v");
                expected
                    .push(PropertyId::UserProperty, pair)
                    .expect("the right type");
            }
            assert_eq!(to_wire(list), Ok(expected));
            mosquitto_property_free_all(&mut list);
        }
    }

    #[test]
    fn missing_pointers_are_invalid() {
        let mut list = EMPTY;
        // SAFETY: NULL or valid pointers.
        unsafe {
            for (value_type, id) in TYPES.iter().zip([1, 33, 2, 11, 9, 3, 38]) {
                assert_eq!(add(null_mut(), id, value_type.0), MOSQ_ERR_INVAL as c_int);
            }
            let text = c"x".as_ptr();
            let results = [
                mosquitto_property_add_binary(&mut list, 9, null(), 1),
                mosquitto_property_add_string(&mut list, 3, null()),
                mosquitto_property_add_string_pair(&mut list, 38, null(), text),
                mosquitto_property_add_string_pair(&mut list, 38, text, null()),
            ];
            assert_eq!(results, [MOSQ_ERR_INVAL as c_int; 4]);
        }
        assert!(list.is_null());
    }

    #[test]
    fn empty_values_are_allowed() {
        let mut list = EMPTY;
        let empty = c"".as_ptr();
        // SAFETY: valid pointers.
        unsafe {
            assert_eq!(mosquitto_property_add_binary(&mut list, 9, null(), 0), 0);
            assert_eq!(mosquitto_property_add_string(&mut list, 3, empty), 0);
            assert_eq!(
                mosquitto_property_add_string_pair(&mut list, 38, empty, empty),
                0
            );
            let wire = to_wire(list).expect("good properties");
            assert_eq!(
                wire.as_properties().as_bytes(),
                [9, 0, 0, 3, 0, 0, 38, 0, 0, 0, 0]
            );
            mosquitto_property_free_all(&mut list);
        }
    }

    #[test]
    fn malformed_and_overlong_strings_are_refused() {
        let mut list = EMPTY;
        let good = c"x".as_ptr();
        let longest = CString::new(vec![b'a'; 65535]).expect("no NUL");
        let too_long = CString::new(vec![b'a'; 65536]).expect("no NUL");
        // SAFETY: valid pointers.
        unsafe {
            for bad in [c"\xff", c"\x01", c"\xed\xa0\x80", too_long.as_c_str()] {
                let bad = bad.as_ptr();
                let results = [
                    mosquitto_property_add_string(&mut list, 3, bad),
                    mosquitto_property_add_string_pair(&mut list, 38, bad, good),
                    mosquitto_property_add_string_pair(&mut list, 38, good, bad),
                ];
                assert_eq!(results, [MOSQ_ERR_MALFORMED_UTF8 as c_int; 3]);
            }
            assert!(list.is_null());
            assert_eq!(
                mosquitto_property_add_string(&mut list, 3, longest.as_ptr()),
                0
            );
            mosquitto_property_free_all(&mut list);
        }
    }

    #[test]
    fn varints_have_a_maximum() {
        let mut list = EMPTY;
        // SAFETY: valid pointers.
        unsafe {
            let too_large = mosquitto_property_add_varint(&mut list, 11, VARINT_MAX + 1);
            assert_eq!(too_large, MOSQ_ERR_INVAL as c_int);
            assert_eq!(mosquitto_property_add_varint(&mut list, 11, VARINT_MAX), 0);
            mosquitto_property_free_all(&mut list);
        }
    }

    #[test]
    fn list_is_left_as_it_was_when_memory_runs_out() {
        let mut list = EMPTY;
        // SAFETY: valid pointers.
        unsafe {
            assert_eq!(mosquitto_property_add_byte(&mut list, 1, 1), 0);
            let before = to_wire(list);
            for allocations in 0..3 {
                let rc = shortage::after(allocations, || add(&mut list, 38, ValueType::Pair));
                assert_eq!(rc, MOSQ_ERR_NOMEM as c_int);
                assert_eq!(to_wire(list), before);
            }
            mosquitto_property_free_all(&mut list);
        }
    }
}
