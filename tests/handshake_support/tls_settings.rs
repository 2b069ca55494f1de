//! The functions of the C API that say how TLS is to be.

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr;

use super::super::support::*;
use super::certificates::certificates;

pub type Password = unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int;

extern "C" {
    fn mosquitto_tls_set(
        mosq: *mut mosquitto,
        cafile: *const c_char,
        capath: *const c_char,
        certfile: *const c_char,
        keyfile: *const c_char,
        pw_callback: Option<Password>,
    ) -> c_int;
    fn mosquitto_tls_opts_set(
        mosq: *mut mosquitto,
        cert_reqs: c_int,
        tls_version: *const c_char,
        ciphers: *const c_char,
    ) -> c_int;
    fn mosquitto_tls_insecure_set(mosq: *mut mosquitto, value: bool) -> c_int;
    fn mosquitto_tls_psk_set(
        mosq: *mut mosquitto,
        psk: *const c_char,
        identity: *const c_char,
        ciphers: *const c_char,
    ) -> c_int;
    pub fn mqttrs_tls_ca_set(mosq: *mut mosquitto, data: *const c_void, size: usize) -> c_int;
    fn mqttrs_tls_certificate_set(
        mosq: *mut mosquitto,
        cert: *const c_void,
        cert_size: usize,
        key: *const c_void,
        key_size: usize,
    ) -> c_int;
    pub fn mqttrs_tls_crl_set(mosq: *mut mosquitto, data: *const c_void, size: usize) -> c_int;
    pub fn mqttrs_tls_crl_file_set(mosq: *mut mosquitto, path: *const c_char) -> c_int;
    pub fn mqttrs_tls_keylog_set(mosq: *mut mosquitto, path: *const c_char) -> c_int;
    pub fn mqttrs_tls_pins_set(mosq: *mut mosquitto, pins: *const c_char) -> c_int;
    fn mqttrs_tls_alpn_set(
        mosq: *mut mosquitto,
        names: *const *const c_char,
        count: usize,
    ) -> c_int;
}

/// Makes up for every setting of this file.
pub fn make_good(m: Handle) {
    let no = ptr::null::<c_char>();
    good(m);
    for code in unsafe {
        [
            mqttrs_tls_ca_set(m.0, no.cast(), 0),
            mqttrs_tls_certificate_set(m.0, no.cast(), 0, no.cast(), 0),
            mqttrs_tls_crl_set(m.0, no.cast(), 0),
            mqttrs_tls_crl_file_set(m.0, no),
            mqttrs_tls_keylog_set(m.0, no),
            mqttrs_tls_pins_set(m.0, no),
            mqttrs_tls_alpn_set(m.0, ptr::null(), 0),
            insecure(m, false),
            opts(m, 1, None, None),
            good(m),
        ]
    } {
        assert_eq!(code, MOSQ_ERR_SUCCESS);
    }
    m.int_option(MOSQ_OPT_TLS_OCSP_REQUIRED, 0).unwrap();
}

pub fn insecure(m: Handle, value: bool) -> c_int {
    unsafe { mosquitto_tls_insecure_set(m.0, value) }
}

/// Trusts the authority of the right server.
pub fn good(m: Handle) -> c_int {
    files(m, ca(&file("ca.crt")), None, None)
}

pub fn ca(file: &str) -> Option<&str> {
    Some(file)
}

pub fn file(name: &str) -> String {
    certificates().text(name)
}

pub fn empty_folder() -> String {
    let path = certificates().dir().join("empty");
    std::fs::create_dir_all(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(certificates().path(name)).unwrap()
}

pub fn files(m: Handle, ca: Option<&str>, certificate: Option<&str>, key: Option<&str>) -> c_int {
    tls_set(m, [ca, None, certificate, key], None)
}

pub fn folder(m: Handle, path: &str) -> c_int {
    tls_set(m, [None, Some(path), None, None], None)
}

pub fn pair(m: Handle, certificate: &str, key: &str) -> c_int {
    files(m, ca(&file("ca.crt")), Some(certificate), Some(key))
}

pub fn pair_with(m: Handle, key: &str, password: Option<Password>) -> c_int {
    let (authority, certificate, key) = (file("ca.crt"), file("client.crt"), file(key));
    let paths = [Some(&*authority), None, Some(&*certificate), Some(&*key)];
    tls_set(m, paths, password)
}

pub fn tls_set(m: Handle, paths: [Option<&str>; 4], password: Option<Password>) -> c_int {
    let paths = paths.map(|path| path.map(|path| CString::new(path).unwrap()));
    let [ca, folder, certificate, key] = paths.each_ref().map(pointer);
    unsafe { mosquitto_tls_set(m.0, ca, folder, certificate, key, password) }
}

pub fn opts(m: Handle, verify: c_int, version: Option<&str>, ciphers: Option<&str>) -> c_int {
    let [version, ciphers] = [version, ciphers].map(|text| text.map(|t| CString::new(t).unwrap()));
    unsafe { mosquitto_tls_opts_set(m.0, verify, pointer(&version), pointer(&ciphers)) }
}

pub fn psk(m: Handle, key: &str) -> c_int {
    let key = CString::new(key).unwrap();
    unsafe { mosquitto_tls_psk_set(m.0, key.as_ptr(), c"identity".as_ptr(), ptr::null()) }
}

pub fn string(m: Handle, option: c_int, value: &str) -> c_int {
    let value = CString::new(value).unwrap();
    unsafe { mosquitto_string_option(m.0, option, value.as_ptr()) }
}

pub fn text(
    set: unsafe extern "C" fn(*mut mosquitto, *const c_char) -> c_int,
    m: Handle,
    text: &str,
) -> c_int {
    let text = CString::new(text).unwrap();
    unsafe { set(m.0, text.as_ptr()) }
}

pub fn memory(
    set: unsafe extern "C" fn(*mut mosquitto, *const c_void, usize) -> c_int,
    m: Handle,
    bytes: &[u8],
) -> c_int {
    unsafe { set(m.0, bytes.as_ptr().cast(), bytes.len()) }
}

pub fn certificate(m: Handle, chain: &[u8], key: &[u8]) -> c_int {
    good(m);
    let (chain, size) = (chain.as_ptr().cast(), chain.len());
    unsafe { mqttrs_tls_certificate_set(m.0, chain, size, key.as_ptr().cast(), key.len()) }
}

pub fn alpn(m: Handle, names: &[&CStr]) -> c_int {
    let names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    unsafe { mqttrs_tls_alpn_set(m.0, names.as_ptr(), names.len()) }
}

fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

pub unsafe extern "C" fn no_password(_: *mut c_char, _: c_int, _: c_int, _: *mut c_void) -> c_int {
    0
}

pub unsafe extern "C" fn wrong_password(
    buffer: *mut c_char,
    size: c_int,
    _: c_int,
    _: *mut c_void,
) -> c_int {
    assert!(size > 5);
    unsafe { ptr::copy_nonoverlapping(c"wrong".as_ptr(), buffer, 5) };
    5
}
