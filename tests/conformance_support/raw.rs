//! The C API with strings that need not be UTF-8: what a C program may hand in by mistake.

#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

use std::ffi::{c_int, CString};
use std::ptr;

use super::super::support::capi::*;
use super::super::support::Handle;

/// Byte strings that are not well-formed UTF-8, surrogates among them. None contains a
/// NUL, which a C string cannot hold.
pub const ILL_FORMED: [&[u8]; 8] = [
    &[0xED, 0xA0, 0x80],                   // U+D800, a surrogate
    &[0xED, 0xBF, 0xBF],                   // U+DFFF, the last surrogate
    &[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80], // a pair of surrogates
    &[0xC0, 0x80],                         // U+0000 in two bytes
    &[0xC3],                               // cut short
    &[0x80],                               // a continuation without a start
    &[0xF4, 0x90, 0x80, 0x80],             // above U+10FFFF
    &[b'a', 0xFF],                         // never in UTF-8
];

/// Whether `mosquitto_new` takes this client identifier.
pub fn takes_client_id(id: &[u8]) -> bool {
    let client = unsafe { mosquitto_new(c(id).as_ptr(), true, ptr::null_mut()) };
    unsafe { mosquitto_destroy(client) };
    !client.is_null()
}

/// Whether `mosquitto_new` takes NULL for an identifier.
pub fn takes_no_client_id(clean_session: bool) -> bool {
    let client = unsafe { mosquitto_new(ptr::null(), clean_session, ptr::null_mut()) };
    unsafe { mosquitto_destroy(client) };
    !client.is_null()
}

/// `mosquitto_reinitialise` for a session that is kept.
pub fn reinitialise(client: Handle, id: &str) -> c_int {
    unsafe { mosquitto_reinitialise(client.0, c(id.as_bytes()).as_ptr(), false, ptr::null_mut()) }
}

pub fn publish(client: Handle, topic: &[u8], qos: c_int) -> c_int {
    unsafe {
        mosquitto_publish(
            client.0,
            ptr::null_mut(),
            c(topic).as_ptr(),
            1,
            b"x".as_ptr().cast(),
            qos,
            false,
        )
    }
}

pub fn subscribe(client: Handle, filter: &[u8], qos: c_int) -> c_int {
    unsafe { mosquitto_subscribe(client.0, ptr::null_mut(), c(filter).as_ptr(), qos) }
}

pub fn unsubscribe(client: Handle, filter: &[u8]) -> c_int {
    unsafe { mosquitto_unsubscribe(client.0, ptr::null_mut(), c(filter).as_ptr()) }
}

pub fn will(client: Handle, topic: &[u8], qos: c_int) -> c_int {
    let payload = b"x".as_ptr().cast();
    unsafe { mosquitto_will_set(client.0, c(topic).as_ptr(), 1, payload, qos, false) }
}

pub fn username(client: Handle, name: &[u8]) -> c_int {
    unsafe { mosquitto_username_pw_set(client.0, c(name).as_ptr(), ptr::null()) }
}

fn c(bytes: &[u8]) -> CString {
    CString::new(bytes).unwrap()
}
