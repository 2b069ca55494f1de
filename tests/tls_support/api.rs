//! The functions of the C API about TLS, declared by hand.

use std::ffi::{c_char, c_int, c_void};

use crate::support::mosquitto;

pub const MOSQ_OPT_SSL_CTX: c_int = 2;
pub const MOSQ_OPT_TLS_KEYFORM: c_int = 6;
pub const MOSQ_OPT_TLS_OCSP_REQUIRED: c_int = 9;

pub type PasswordCallback = unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int;

extern "C" {
    pub fn mosquitto_tls_set(
        mosq: *mut mosquitto,
        cafile: *const c_char,
        capath: *const c_char,
        certfile: *const c_char,
        keyfile: *const c_char,
        pw_callback: Option<PasswordCallback>,
    ) -> c_int;
    pub fn mosquitto_tls_opts_set(
        mosq: *mut mosquitto,
        cert_reqs: c_int,
        tls_version: *const c_char,
        ciphers: *const c_char,
    ) -> c_int;
    pub fn mosquitto_tls_psk_set(
        mosq: *mut mosquitto,
        psk: *const c_char,
        identity: *const c_char,
        ciphers: *const c_char,
    ) -> c_int;
    pub fn mosquitto_void_option(mosq: *mut mosquitto, option: c_int, value: *mut c_void) -> c_int;
    pub fn mqttrs_tls_ca_set(mosq: *mut mosquitto, data: *const c_void, size: usize) -> c_int;
    pub fn mqttrs_tls_crl_set(mosq: *mut mosquitto, data: *const c_void, size: usize) -> c_int;
    pub fn mqttrs_tls_certificate_set(
        mosq: *mut mosquitto,
        cert: *const c_void,
        cert_size: usize,
        key: *const c_void,
        key_size: usize,
    ) -> c_int;
    pub fn mqttrs_tls_password_callback_set(
        mosq: *mut mosquitto,
        pw_callback: Option<PasswordCallback>,
    ) -> c_int;
    pub fn mqttrs_tls_crl_file_set(mosq: *mut mosquitto, path: *const c_char) -> c_int;
    pub fn mqttrs_tls_keylog_set(mosq: *mut mosquitto, path: *const c_char) -> c_int;
    pub fn mqttrs_tls_pins_set(mosq: *mut mosquitto, pins: *const c_char) -> c_int;
    pub fn mqttrs_tls_alpn_set(
        mosq: *mut mosquitto,
        names: *const *const c_char,
        count: usize,
    ) -> c_int;
    pub fn mqttrs_last_error(mosq: *mut mosquitto, buffer: *mut c_char, size: usize) -> usize;
}
