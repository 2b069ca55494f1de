//! The functions of the C API that say how to connect.

use std::ffi::{c_char, c_int, c_uint, c_void, CString};
use std::ptr;

use super::super::support::*;

/// `MOSQ_T_WEBSOCKETS`.
const WEBSOCKETS: c_int = 2;

type Password = unsafe extern "C" fn(*mut c_char, c_int, c_int, *mut c_void) -> c_int;

extern "C" {
    fn mosquitto_tls_set(
        mosq: *mut mosquitto,
        cafile: *const c_char,
        capath: *const c_char,
        certfile: *const c_char,
        keyfile: *const c_char,
        pw_callback: Option<Password>,
    ) -> c_int;
    fn mosquitto_tls_insecure_set(mosq: *mut mosquitto, value: bool) -> c_int;
    fn mosquitto_socks5_set(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        username: *const c_char,
        password: *const c_char,
    ) -> c_int;
    fn mqttrs_http_proxy_set(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        username: *const c_char,
        password: *const c_char,
    ) -> c_int;
    fn mqttrs_websocket_header_add(
        mosq: *mut mosquitto,
        name: *const c_char,
        value: *const c_char,
    ) -> c_int;
    fn mqttrs_connect_timeout_set(mosq: *mut mosquitto, milliseconds: c_uint) -> c_int;
    fn mqttrs_last_error(mosq: *mut mosquitto, buffer: *mut c_char, size: usize) -> usize;
}

/// A user name and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub name: String,
    pub password: String,
}

/// What a test sets on a client before it connects; each call must succeed.
pub trait Settings {
    /// TLS with the certificates of this authority only.
    fn tls(&self, ca_file: &str);
    /// The same with a client certificate.
    fn tls_with_certificate(&self, ca_file: &str, certificate: &str, key: &str);
    /// TLS without a look at the host name.
    fn tls_insecure(&self);
    fn alpn(&self, name: &str);
    fn websocket(&self, path: &str);
    fn websocket_header(&self, name: &str, value: &str);
    fn socks5(&self, port: u16, login: Option<&Login>);
    fn http_proxy(&self, port: u16, login: Option<&Login>);
    fn connect_timeout(&self, milliseconds: u32);
    fn last_error(&self) -> String;
    /// `mosquitto_connect_bind_v5`, which takes properties and blocks.
    fn connect_to(&self, host: &str, port: u16, keep_alive: u16, props: &[Prop]) -> c_int;
    fn connect_async_to(&self, host: &str, port: u16, keep_alive: u16) -> c_int;
}

impl Login {
    pub fn new(name: &str, password: &str) -> Login {
        Login {
            name: name.to_owned(),
            password: password.to_owned(),
        }
    }

    /// As a value of `Proxy-Authorization` (RFC 7617).
    pub fn basic(&self) -> String {
        let text = format!("{}:{}", self.name, self.password);
        format!("Basic {}", base64(text.as_bytes()))
    }
}

impl Settings for Handle {
    fn tls(&self, ca_file: &str) {
        let ca_file = c(ca_file);
        let no = ptr::null();
        ok(unsafe { mosquitto_tls_set(self.0, ca_file.as_ptr(), no, no, no, None) });
    }

    fn tls_with_certificate(&self, ca_file: &str, certificate: &str, key: &str) {
        let (ca_file, certificate, key) = (c(ca_file), c(certificate), c(key));
        ok(unsafe {
            mosquitto_tls_set(
                self.0,
                ca_file.as_ptr(),
                ptr::null(),
                certificate.as_ptr(),
                key.as_ptr(),
                None,
            )
        });
    }

    fn tls_insecure(&self) {
        ok(unsafe { mosquitto_tls_insecure_set(self.0, true) });
    }

    fn alpn(&self, name: &str) {
        ok(unsafe { mosquitto_string_option(self.0, MOSQ_OPT_TLS_ALPN, c(name).as_ptr()) });
    }

    fn websocket(&self, path: &str) {
        self.int_option(MOSQ_OPT_TRANSPORT, WEBSOCKETS).unwrap();
        ok(unsafe { mosquitto_string_option(self.0, MOSQ_OPT_HTTP_PATH, c(path).as_ptr()) });
    }

    fn websocket_header(&self, name: &str, value: &str) {
        ok(unsafe { mqttrs_websocket_header_add(self.0, c(name).as_ptr(), c(value).as_ptr()) });
    }

    fn socks5(&self, port: u16, login: Option<&Login>) {
        self.proxy(mosquitto_socks5_set, port, login);
    }

    fn http_proxy(&self, port: u16, login: Option<&Login>) {
        self.proxy(mqttrs_http_proxy_set, port, login);
    }

    fn connect_timeout(&self, milliseconds: u32) {
        ok(unsafe { mqttrs_connect_timeout_set(self.0, milliseconds) });
    }

    fn last_error(&self) -> String {
        let mut text = vec![0_u8; 1024];
        let len = unsafe { mqttrs_last_error(self.0, text.as_mut_ptr().cast(), text.len()) };
        assert!(len < text.len());
        text.truncate(len);
        String::from_utf8(text).unwrap()
    }

    fn connect_to(&self, host: &str, port: u16, keep_alive: u16, props: &[Prop]) -> c_int {
        unsafe {
            mosquitto_connect_bind_v5(
                self.0,
                c(host).as_ptr(),
                port.into(),
                keep_alive.into(),
                ptr::null(),
                prop::List::new(props).0,
            )
        }
    }

    fn connect_async_to(&self, host: &str, port: u16, keep_alive: u16) -> c_int {
        unsafe { mosquitto_connect_async(self.0, c(host).as_ptr(), port.into(), keep_alive.into()) }
    }
}

type SetProxy = unsafe extern "C" fn(
    *mut mosquitto,
    *const c_char,
    c_int,
    *const c_char,
    *const c_char,
) -> c_int;

impl Handle {
    fn proxy(self, set: SetProxy, port: u16, login: Option<&Login>) {
        let host = c("127.0.0.1");
        let (name, password) = (login.map(|l| c(&l.name)), login.map(|l| c(&l.password)));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |t| t.as_ptr());
        ok(unsafe {
            set(
                self.0,
                host.as_ptr(),
                port.into(),
                pointer(&name),
                pointer(&password),
            )
        });
    }
}

#[track_caller]
fn ok(code: c_int) {
    assert_eq!(code, MOSQ_ERR_SUCCESS);
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            out.push(match at <= chunk.len() {
                true => char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]),
                false => '=',
            });
        }
    }
    out
}
