//! Structures whose fields C programs use.

use std::ffi::{c_char, c_int, c_void};

/// A message, as callbacks lend it and `mosquitto_message_copy` copies it.
#[derive(Debug)]
#[repr(C)]
pub struct mosquitto_message {
    /// The packet identifier; 0 for QoS 0.
    pub mid: c_int,
    /// The topic name.
    pub topic: *mut c_char,
    /// The payload, with a NUL behind its last byte; NULL when it is empty.
    pub payload: *mut c_void,
    /// The payload's length in bytes, without the NUL.
    pub payloadlen: c_int,
    /// Quality of service: 0, 1 or 2.
    pub qos: c_int,
    /// Whether the server had kept the message.
    pub retain: bool,
}

/// A last will for `mosquitto_subscribe_simple` and `mosquitto_subscribe_callback`.
#[derive(Debug)]
#[repr(C)]
pub struct libmosquitto_will {
    /// The topic name.
    pub topic: *mut c_char,
    /// The payload; may be NULL when `payloadlen` is 0.
    pub payload: *mut c_void,
    /// The payload's length in bytes.
    pub payloadlen: c_int,
    /// Quality of service: 0, 1 or 2.
    pub qos: c_int,
    /// Whether the server shall keep the message.
    pub retain: bool,
}

/// A user name and a password.
#[derive(Debug)]
#[repr(C)]
pub struct libmosquitto_auth {
    /// The user name.
    pub username: *mut c_char,
    /// The password.
    pub password: *mut c_char,
}

/// TLS settings for `mosquitto_subscribe_simple` and `mosquitto_subscribe_callback`; see
/// `mosquitto_tls_set` and `mosquitto_tls_opts_set` for the meaning of each.
#[derive(Debug)]
#[repr(C)]
pub struct libmosquitto_tls {
    /// File with trusted certificates, or NULL.
    pub cafile: *mut c_char,
    /// Folder with trusted certificates, or NULL.
    pub capath: *mut c_char,
    /// File with the client's certificate, or NULL.
    pub certfile: *mut c_char,
    /// File with the client's private key, or NULL.
    pub keyfile: *mut c_char,
    /// Ciphers to use, or NULL.
    pub ciphers: *mut c_char,
    /// TLS version to use, or NULL.
    pub tls_version: *mut c_char,
    /// Asks for the password of an encrypted private key, or NULL.
    pub pw_callback: Option<
        unsafe extern "C" fn(
            buf: *mut c_char,
            size: c_int,
            rwflag: c_int,
            userdata: *mut c_void,
        ) -> c_int,
    >,
    /// 0: the server's certificate is not verified; 1: it is.
    pub cert_reqs: c_int,
}
