//! MQTT 5 properties: as bytes, and as the C API's lists.

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr;

use super::capi::*;

/// One property: identifier and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prop {
    Byte(u8, u8),
    U16(u8, u16),
    U32(u8, u32),
    VarInt(u8, u32),
    Binary(u8, Vec<u8>),
    Str(u8, String),
    Pair(String, String),
}

pub const PAYLOAD_FORMAT_INDICATOR: u8 = 1;
pub const MESSAGE_EXPIRY_INTERVAL: u8 = 2;
pub const CONTENT_TYPE: u8 = 3;
pub const RESPONSE_TOPIC: u8 = 8;
pub const CORRELATION_DATA: u8 = 9;
pub const SUBSCRIPTION_IDENTIFIER: u8 = 11;
pub const SESSION_EXPIRY_INTERVAL: u8 = 17;
pub const ASSIGNED_CLIENT_IDENTIFIER: u8 = 18;
pub const SERVER_KEEP_ALIVE: u8 = 19;
pub const AUTHENTICATION_METHOD: u8 = 21;
pub const AUTHENTICATION_DATA: u8 = 22;
pub const REQUEST_PROBLEM_INFORMATION: u8 = 23;
pub const WILL_DELAY_INTERVAL: u8 = 24;
pub const REQUEST_RESPONSE_INFORMATION: u8 = 25;
pub const RESPONSE_INFORMATION: u8 = 26;
pub const SERVER_REFERENCE: u8 = 28;
pub const REASON_STRING: u8 = 31;
pub const RECEIVE_MAXIMUM: u8 = 33;
pub const TOPIC_ALIAS_MAXIMUM: u8 = 34;
pub const TOPIC_ALIAS: u8 = 35;
pub const MAXIMUM_QOS: u8 = 36;
pub const RETAIN_AVAILABLE: u8 = 37;
pub const USER_PROPERTY: u8 = 38;
pub const MAXIMUM_PACKET_SIZE: u8 = 39;
pub const WILDCARD_SUB_AVAILABLE: u8 = 40;
pub const SUBSCRIPTION_ID_AVAILABLE: u8 = 41;
pub const SHARED_SUB_AVAILABLE: u8 = 42;

/// A user property.
pub fn user(name: &str, value: &str) -> Prop {
    Prop::Pair(name.into(), value.into())
}

/// A string property.
pub fn text(id: u8, value: &str) -> Prop {
    Prop::Str(id, value.into())
}

impl Prop {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Prop::Byte(id, value) => out.extend([*id, *value]),
            Prop::U16(id, value) => {
                out.push(*id);
                out.extend(value.to_be_bytes());
            }
            Prop::U32(id, value) => {
                out.push(*id);
                out.extend(value.to_be_bytes());
            }
            Prop::VarInt(id, value) => {
                out.push(*id);
                out.extend(varint(*value as usize));
            }
            Prop::Binary(id, value) => {
                out.push(*id);
                out.extend(binary(value));
            }
            Prop::Str(id, value) => {
                out.push(*id);
                out.extend(binary(value.as_bytes()));
            }
            Prop::Pair(name, value) => {
                out.push(USER_PROPERTY);
                out.extend(binary(name.as_bytes()));
                out.extend(binary(value.as_bytes()));
            }
        }
    }
}

/// The property length and the properties, as they stand in a packet.
pub fn encode(props: &[Prop]) -> Vec<u8> {
    let mut body = Vec::new();
    for prop in props {
        prop.put(&mut body);
    }
    let mut out = varint(body.len());
    out.extend(body);
    out
}

/// A variable byte integer.
pub fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value % 128) as u8;
        value /= 128;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// Two bytes of length and the bytes.
pub fn binary(bytes: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

/// A property list of the C API, freed when dropped.
pub struct List(pub *mut mosquitto_property);

impl List {
    /// Adds `props` one after the other; every call must succeed.
    pub fn new(props: &[Prop]) -> List {
        let mut list = List(ptr::null_mut());
        for prop in props {
            let rc = unsafe { add(&mut list.0, prop) };
            assert_eq!(rc, MOSQ_ERR_SUCCESS, "adding {prop:?}");
        }
        list
    }

    /// Gives the list away, to a function that takes ownership.
    pub fn into_raw(mut self) -> *mut mosquitto_property {
        std::mem::replace(&mut self.0, ptr::null_mut())
    }
}

impl Drop for List {
    fn drop(&mut self) {
        unsafe { mosquitto_property_free_all(&mut self.0) };
    }
}

unsafe fn add(list: &mut *mut mosquitto_property, prop: &Prop) -> c_int {
    let c = |value: &str| CString::new(value).unwrap();
    unsafe {
        match prop {
            Prop::Byte(id, value) => mosquitto_property_add_byte(list, (*id).into(), *value),
            Prop::U16(id, value) => mosquitto_property_add_int16(list, (*id).into(), *value),
            Prop::U32(id, value) => mosquitto_property_add_int32(list, (*id).into(), *value),
            Prop::VarInt(id, value) => mosquitto_property_add_varint(list, (*id).into(), *value),
            Prop::Binary(id, value) => mosquitto_property_add_binary(
                list,
                (*id).into(),
                value.as_ptr().cast(),
                value.len() as u16,
            ),
            Prop::Str(id, value) => {
                mosquitto_property_add_string(list, (*id).into(), c(value).as_ptr())
            }
            Prop::Pair(name, value) => mosquitto_property_add_string_pair(
                list,
                USER_PROPERTY.into(),
                c(name).as_ptr(),
                c(value).as_ptr(),
            ),
        }
    }
}

/// Reads a list that the library lent to a callback.
///
/// # Safety
/// `list` is NULL or a list that lives during the call.
pub unsafe fn read(mut list: *const mosquitto_property) -> Vec<Prop> {
    let mut props = Vec::new();
    while !list.is_null() {
        props.push(unsafe { read_one(list) });
        list = unsafe { mosquitto_property_next(list) };
    }
    props
}

unsafe fn read_one(at: *const mosquitto_property) -> Prop {
    let c_id = unsafe { mosquitto_property_identifier(at) };
    let id = u8::try_from(c_id).unwrap();
    unsafe {
        match id {
            PAYLOAD_FORMAT_INDICATOR
            | REQUEST_PROBLEM_INFORMATION
            | REQUEST_RESPONSE_INFORMATION
            | MAXIMUM_QOS
            | RETAIN_AVAILABLE
            | WILDCARD_SUB_AVAILABLE
            | SUBSCRIPTION_ID_AVAILABLE
            | SHARED_SUB_AVAILABLE => {
                let mut value = 0;
                assert!(!mosquitto_property_read_byte(at, c_id, &mut value, false).is_null());
                Prop::Byte(id, value)
            }
            SERVER_KEEP_ALIVE | RECEIVE_MAXIMUM | TOPIC_ALIAS_MAXIMUM | TOPIC_ALIAS => {
                let mut value = 0;
                assert!(!mosquitto_property_read_int16(at, c_id, &mut value, false).is_null());
                Prop::U16(id, value)
            }
            MESSAGE_EXPIRY_INTERVAL
            | SESSION_EXPIRY_INTERVAL
            | WILL_DELAY_INTERVAL
            | MAXIMUM_PACKET_SIZE => {
                let mut value = 0;
                assert!(!mosquitto_property_read_int32(at, c_id, &mut value, false).is_null());
                Prop::U32(id, value)
            }
            SUBSCRIPTION_IDENTIFIER => {
                let mut value = 0;
                assert!(!mosquitto_property_read_varint(at, c_id, &mut value, false).is_null());
                Prop::VarInt(id, value)
            }
            CORRELATION_DATA | AUTHENTICATION_DATA => {
                let mut value: *mut c_void = ptr::null_mut();
                let mut len = 0;
                assert!(
                    !mosquitto_property_read_binary(at, c_id, &mut value, &mut len, false)
                        .is_null()
                );
                let bytes = if value.is_null() {
                    Vec::new()
                } else {
                    std::slice::from_raw_parts(value.cast::<u8>(), len.into()).to_vec()
                };
                libc::free(value);
                Prop::Binary(id, bytes)
            }
            USER_PROPERTY => {
                let mut name: *mut c_char = ptr::null_mut();
                let mut value: *mut c_char = ptr::null_mut();
                assert!(!mosquitto_property_read_string_pair(
                    at, c_id, &mut name, &mut value, false
                )
                .is_null());
                Prop::Pair(take_string(name), take_string(value))
            }
            _ => {
                let mut value: *mut c_char = ptr::null_mut();
                assert!(!mosquitto_property_read_string(at, c_id, &mut value, false).is_null());
                Prop::Str(id, take_string(value))
            }
        }
    }
}

unsafe fn take_string(text: *mut c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    unsafe {
        let copy = CStr::from_ptr(text).to_str().unwrap().to_owned();
        libc::free(text.cast());
        copy
    }
}
