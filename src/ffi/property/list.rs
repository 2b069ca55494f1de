//! Walking, copying and freeing lists, and looking at one property.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};

use super::{free_nodes, iter, mosquitto_property, OwnedList, Stored, Text};
use crate::ffi::alloc;
use crate::ffi::constants::mosq_err_t::{
    MOSQ_ERR_INVAL, MOSQ_ERR_NOMEM, MOSQ_ERR_NOT_FOUND, MOSQ_ERR_SUCCESS, MOSQ_ERR_UNKNOWN,
};
use crate::ffi::guard::guard;

/// The property behind `proplist`; NULL at the end of the list and for NULL.
///
/// It belongs to the list. May be called in any thread that has the list to itself, and in
/// any callback; so may all functions for properties.
///
/// # Safety
/// `proplist` is NULL or a property list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_next(
    proplist: *const mosquitto_property,
) -> *mut mosquitto_property {
    guard(null_mut(), || {
        // SAFETY: the caller's promise.
        unsafe { proplist.as_ref() }.map_or(null_mut(), |property| property.next)
    })
}

/// The identifier of one property (`MQTT_PROP_*`); 0 for NULL.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_identifier(
    property: *const mosquitto_property,
) -> c_int {
    guard(0, || {
        // SAFETY: the caller's promise.
        unsafe { property.as_ref() }.map_or(0, |property| property.identifier)
    })
}

/// How the value of one property is encoded (`MQTT_PROP_TYPE_*`); 0 for NULL.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_type(property: *const mosquitto_property) -> c_int {
    guard(0, || {
        // SAFETY: the caller's promise.
        unsafe { property.as_ref() }.map_or(0, |property| c_int::from(property.property_type))
    })
}

/// The value of one property of type `MQTT_PROP_TYPE_BYTE`; 0 for other types and NULL.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_byte_value(property: *const mosquitto_property) -> u8 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::Byte(value)) => value,
        _ => 0,
    })
}

/// The value of one property of type `MQTT_PROP_TYPE_INT16`; 0 for other types and NULL.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_int16_value(
    property: *const mosquitto_property,
) -> u16 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::Int16(value)) => value,
        _ => 0,
    })
}

/// The value of one property of type `MQTT_PROP_TYPE_INT32`; 0 for other types and NULL.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_int32_value(
    property: *const mosquitto_property,
) -> u32 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::Int32(value)) => value,
        _ => 0,
    })
}

/// The value of one property of type `MQTT_PROP_TYPE_VARINT`; 0 for other types and NULL.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_varint_value(
    property: *const mosquitto_property,
) -> u32 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::VarInt(value)) => value,
        _ => 0,
    })
}

/// The value of one property of type `MQTT_PROP_TYPE_BINARY`; NULL when it is empty, for
/// other types and for NULL.
///
/// It belongs to the property.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_binary_value(
    property: *const mosquitto_property,
) -> *const c_void {
    // SAFETY: the caller's promise.
    guard(null(), || match unsafe { stored(property) } {
        Some(Stored::Binary(bytes)) => start(bytes).cast(),
        _ => null(),
    })
}

/// The length in bytes of what `mosquitto_property_binary_value` returns.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_binary_value_length(
    property: *const mosquitto_property,
) -> u16 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::Binary(bytes)) => bytes.len() as u16,
        _ => 0,
    })
}

/// The value of one property of type `MQTT_PROP_TYPE_STRING` or `MQTT_PROP_TYPE_STRING_PAIR`;
/// NULL when it is empty, for other types and for NULL.
///
/// It ends in NUL and belongs to the property.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_string_value(
    property: *const mosquitto_property,
) -> *const c_char {
    // SAFETY: the caller's promise.
    guard(null(), || match unsafe { stored(property) } {
        Some(Stored::String(bytes) | Stored::Pair(_, bytes)) => start(bytes).cast(),
        _ => null(),
    })
}

/// The length in bytes of what `mosquitto_property_string_value` returns.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_string_value_length(
    property: *const mosquitto_property,
) -> u16 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::String(bytes) | Stored::Pair(_, bytes)) => bytes.len() as u16,
        _ => 0,
    })
}

/// The name in one property of type `MQTT_PROP_TYPE_STRING_PAIR`; NULL when it is empty, for
/// other types and for NULL.
///
/// It ends in NUL and belongs to the property.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_string_name(
    property: *const mosquitto_property,
) -> *const c_char {
    // SAFETY: the caller's promise.
    guard(null(), || match unsafe { stored(property) } {
        Some(Stored::Pair(name, _)) => start(name).cast(),
        _ => null(),
    })
}

/// The length in bytes of what `mosquitto_property_string_name` returns.
///
/// # Safety
/// `property` is NULL or a property.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_string_name_length(
    property: *const mosquitto_property,
) -> u16 {
    // SAFETY: the caller's promise.
    guard(0, || match unsafe { stored(property) } {
        Some(Stored::Pair(name, _)) => name.len() as u16,
        _ => 0,
    })
}

/// Frees a list and all it holds, and sets the pointer to NULL.
///
/// Nothing happens where `properties` or the pointer it leads to is NULL. Lists lent to a
/// callback belong to the library and must not be freed.
///
/// # Safety
/// `*properties` is NULL or a property list of the program's own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_free_all(properties: *mut *mut mosquitto_property) {
    guard((), || {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(list) = properties.as_mut() {
                free_nodes(std::mem::replace(list, null_mut()));
            }
        }
    })
}

/// Copies a list. The copy is the program's: `mosquitto_property_free_all` frees it.
///
/// A list that was in `*dest` is overwritten, not freed. The copy of NULL is NULL.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` for `dest` NULL; `MOSQ_ERR_NOMEM`, and then
/// `*dest` is NULL.
///
/// # Safety
/// `dest` is NULL or may be written; `src` is NULL or a property list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_copy_all(
    dest: *mut *mut mosquitto_property,
    src: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        if dest.is_null() {
            return MOSQ_ERR_INVAL as c_int;
        }
        // SAFETY: the caller's promise.
        let copy = unsafe { copy(src) };
        let first = copy.as_ref().map_or(null_mut(), |list| list.first);
        // SAFETY: not NULL, and the caller's promise.
        unsafe { dest.write(first) };
        match copy {
            Some(copy) => {
                // C owns the nodes now.
                std::mem::forget(copy);
                MOSQ_ERR_SUCCESS as c_int
            }
            None => MOSQ_ERR_NOMEM as c_int,
        }
    })
}

/// Takes one property out of a list, without freeing it.
///
/// The property then is a list of its own, which `mosquitto_property_free_all` frees.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where an argument is NULL;
/// `MOSQ_ERR_NOT_FOUND` where the property is not in the list.
///
/// # Safety
/// `proplist` is NULL or leads to a property list of the program's own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_remove(
    proplist: *mut *mut mosquitto_property,
    property: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        if proplist.is_null() || property.is_null() {
            return MOSQ_ERR_INVAL as c_int;
        }
        // SAFETY: the caller's promise; `link` is a pointer inside the list or to its start.
        unsafe {
            let mut link = proplist;
            while let Some(found) = (*link).as_mut() {
                if std::ptr::eq(found, property) {
                    *link = std::mem::replace(&mut found.next, null_mut());
                    return MOSQ_ERR_SUCCESS as c_int;
                }
                link = &mut found.next;
            }
        }
        MOSQ_ERR_NOT_FOUND as c_int
    })
}

/// A copy of a list, node by node; `None` when memory ran out.
///
/// # Safety
/// `src` is NULL or a property list.
unsafe fn copy(src: *const mosquitto_property) -> Option<OwnedList> {
    let mut list = OwnedList { first: null_mut() };
    let mut end: *mut *mut mosquitto_property = &mut list.first;
    // SAFETY: the caller's promise; `end` is the copy's own last pointer.
    unsafe {
        for property in iter(src) {
            let node = alloc::zeroed::<mosquitto_property>()?.as_ptr();
            *end = node;
            end = &mut (*node).next;
            (*node).identifier = property.identifier;
            (*node).property_type = property.property_type;
            (*node).client_generated = property.client_generated;
            (*node).name = Text::copy(property.name.bytes())?;
            if property.has_text() {
                (*node).value.text = Text::copy(property.value.text.bytes())?;
            } else {
                (*node).value = property.value;
            }
        }
    }
    Some(list)
}

/// # Safety
/// `property` is NULL or a property that stays unchanged for `'a`.
unsafe fn stored<'a>(property: *const mosquitto_property) -> Option<Stored<'a>> {
    // SAFETY: the caller's promise.
    let (_, stored) = unsafe { property.as_ref() }?.stored()?;
    Some(stored)
}

fn start(bytes: &[u8]) -> *const u8 {
    if bytes.is_empty() {
        null()
    } else {
        bytes.as_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::super::add::*;
    use super::super::{to_wire, EMPTY};
    use super::*;
    use std::ffi::CStr;

    /// A list with a property of each type, and a function that gets it.
    fn with_sample(test: impl FnOnce(&mut *mut mosquitto_property)) {
        let mut list = EMPTY;
        // SAFETY: valid pointers.
        unsafe {
            let data = b"\0\x01";
            let results = [
                mosquitto_property_add_byte(&mut list, 1, 1),
                mosquitto_property_add_int16(&mut list, 33, 2),
                mosquitto_property_add_int32(&mut list, 2, 3),
                mosquitto_property_add_varint(&mut list, 11, 4),
                mosquitto_property_add_binary(&mut list, 9, data.as_ptr().cast(), 2),
                mosquitto_property_add_string(&mut list, 3, c"text".as_ptr()),
                mosquitto_property_add_string_pair(&mut list, 38, c"n".as_ptr(), c"vv".as_ptr()),
            ];
            assert_eq!(results, [0; 7]);
            test(&mut list);
            mosquitto_property_free_all(&mut list);
        }
        assert!(list.is_null());
    }

    fn all(list: *const mosquitto_property) -> Vec<*const mosquitto_property> {
        // SAFETY: a list.
        unsafe { iter(list).map(std::ptr::from_ref).collect() }
    }

    fn identifiers(mut list: *const mosquitto_property) -> Vec<c_int> {
        let mut found = Vec::new();
        while !list.is_null() {
            // SAFETY: a property.
            unsafe {
                found.push(mosquitto_property_identifier(list));
                list = mosquitto_property_next(list);
            }
        }
        found
    }

    #[test]
    fn list_is_walked_in_the_order_of_adding() {
        with_sample(|list| assert_eq!(identifiers(*list), [1, 33, 2, 11, 9, 3, 38]));
    }

    #[test]
    fn each_value_is_seen_through_the_function_for_its_type_alone() {
        with_sample(|list| {
            let properties = all(*list);
            for (index, property) in properties.into_iter().enumerate() {
                // SAFETY: a property, with strings that end in NUL.
                unsafe {
                    assert_eq!(mosquitto_property_type(property), index as c_int + 1);
                    let if_type =
                        |number: usize, value| if index + 1 == number { value } else { 0 };
                    assert_eq!(
                        u32::from(mosquitto_property_byte_value(property)),
                        if_type(1, 1)
                    );
                    assert_eq!(
                        u32::from(mosquitto_property_int16_value(property)),
                        if_type(2, 2)
                    );
                    assert_eq!(mosquitto_property_int32_value(property), if_type(3, 3));
                    assert_eq!(mosquitto_property_varint_value(property), if_type(4, 4));

                    let binary = mosquitto_property_binary_value(property);
                    assert_eq!(binary.is_null(), index != 4);
                    let len = mosquitto_property_binary_value_length(property);
                    assert_eq!(u32::from(len), if_type(5, 2));
                    if !binary.is_null() {
                        assert_eq!(
                            std::slice::from_raw_parts(binary.cast::<u8>(), 2),
                            b"\0\x01"
                        );
                    }

                    let string = mosquitto_property_string_value(property);
                    let len = mosquitto_property_string_value_length(property);
                    match index {
                        5 => assert_eq!((CStr::from_ptr(string), len), (c"text", 4)),
                        6 => assert_eq!((CStr::from_ptr(string), len), (c"vv", 2)),
                        _ => assert!(string.is_null() && len == 0),
                    }
                    let name = mosquitto_property_string_name(property);
                    let len = mosquitto_property_string_name_length(property);
                    match index {
                        6 => assert_eq!((CStr::from_ptr(name), len), (c"n", 1)),
                        _ => assert!(name.is_null() && len == 0),
                    }
                }
            }
        });
    }

    #[test]
    fn no_property_has_no_value() {
        // SAFETY: NULL.
        unsafe {
            assert!(mosquitto_property_next(null()).is_null());
            assert_eq!(mosquitto_property_identifier(null()), 0);
            assert_eq!(mosquitto_property_type(null()), 0);
            assert_eq!(mosquitto_property_byte_value(null()), 0);
            assert_eq!(mosquitto_property_int16_value(null()), 0);
            assert_eq!(mosquitto_property_int32_value(null()), 0);
            assert_eq!(mosquitto_property_varint_value(null()), 0);
            assert!(mosquitto_property_binary_value(null()).is_null());
            assert_eq!(mosquitto_property_binary_value_length(null()), 0);
            assert!(mosquitto_property_string_value(null()).is_null());
            assert_eq!(mosquitto_property_string_value_length(null()), 0);
            assert!(mosquitto_property_string_name(null()).is_null());
            assert_eq!(mosquitto_property_string_name_length(null()), 0);
            mosquitto_property_free_all(null_mut());
        }
    }

    #[test]
    fn copy_is_equal_and_has_memory_of_its_own() {
        with_sample(|list| {
            let mut copy = EMPTY;
            // SAFETY: valid pointers.
            unsafe {
                assert_eq!(mosquitto_property_copy_all(&mut copy, *list), 0);
                assert_eq!(to_wire(copy), to_wire(*list));
                for (ours, theirs) in all(*list).into_iter().zip(all(copy)) {
                    assert_ne!(ours, theirs);
                    let strings = [ours, theirs].map(|p| mosquitto_property_string_value(p));
                    assert!(strings[0].is_null() || strings[0] != strings[1]);
                }
                mosquitto_property_free_all(&mut copy);
            }
        });
    }

    #[test]
    fn copy_of_nothing_is_nothing() {
        let mut copy = std::ptr::dangling_mut();
        // SAFETY: NULL or valid pointers.
        unsafe {
            assert_eq!(mosquitto_property_copy_all(&mut copy, null()), 0);
            assert_eq!(mosquitto_property_copy_all(null_mut(), null()), 3);
        }
        assert!(copy.is_null());
    }

    #[test]
    fn copy_without_memory_is_null() {
        with_sample(|list| {
            for allocations in 0..7 + 4 {
                let mut copy = std::ptr::dangling_mut();
                // SAFETY: valid pointers.
                let rc = alloc::shortage::after(allocations, || unsafe {
                    mosquitto_property_copy_all(&mut copy, *list)
                });
                assert_eq!(rc, MOSQ_ERR_NOMEM as c_int);
                assert!(copy.is_null());
            }
        });
    }

    #[test]
    fn removed_property_is_a_list_of_its_own() {
        with_sample(|list| {
            let properties = all(*list);
            for (index, left) in [
                (0, vec![33, 2, 11, 9, 3, 38]),
                (3, vec![33, 2, 9, 3, 38]),
                (6, vec![33, 2, 9, 3]),
            ] {
                let property = properties[index];
                // SAFETY: a property of the list.
                unsafe {
                    assert_eq!(mosquitto_property_remove(list, property), 0);
                    assert_eq!(identifiers(*list), left);
                    assert_eq!(identifiers(property).len(), 1);
                    let again = mosquitto_property_remove(list, property);
                    assert_eq!(again, MOSQ_ERR_NOT_FOUND as c_int);
                    mosquitto_property_free_all(&mut property.cast_mut());
                }
            }
        });
    }

    #[test]
    fn nothing_is_removed_from_nowhere() {
        let mut list = EMPTY;
        with_sample(|other| {
            // SAFETY: NULL or valid pointers.
            unsafe {
                assert_eq!(mosquitto_property_remove(null_mut(), *other), 3);
                assert_eq!(mosquitto_property_remove(other, null()), 3);
                let rc = mosquitto_property_remove(&mut list, *other);
                assert_eq!(rc, MOSQ_ERR_NOT_FOUND as c_int);
            }
        });
    }
}
