//! A client with settings of TLS, a server of TLS and MQTT in a thread, and certificates.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::undocumented_unsafe_blocks
)]

pub mod api;
mod pki;
mod server;

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::fs;
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::support::{
    mosquitto, mosquitto_connect, mosquitto_connect_callback_set, mosquitto_destroy,
    mosquitto_disconnect, mosquitto_loop, mosquitto_new, MOSQ_ERR_SUCCESS,
};
use api::*;
pub use pki::{certificate, pin, Ca, Pair};
pub use server::Server;

/// A client of the C API, driven by `mosquitto_loop`.
pub struct Client {
    mosq: *mut mosquitto,
    /// What CONNACK said, or -1.
    connected: Box<AtomicI32>,
}

impl Client {
    pub fn new() -> Client {
        let connected = Box::new(AtomicI32::new(-1));
        let obj = ptr::from_ref(&*connected).cast_mut().cast();
        let mosq = unsafe { mosquitto_new(ptr::null(), true, obj) };
        assert!(!mosq.is_null());
        unsafe { mosquitto_connect_callback_set(mosq, Some(on_connect)) };
        Client { mosq, connected }
    }

    /// One that trusts `ca`, by memory.
    pub fn trusting(ca: &Ca) -> Client {
        let client = Client::new();
        let set = client.set(mqttrs_tls_ca_set, &ca.pem());
        assert_eq!(set, MOSQ_ERR_SUCCESS);
        client
    }

    pub fn mosq(&self) -> *mut mosquitto {
        self.mosq
    }

    pub fn set(
        &self,
        setter: unsafe extern "C" fn(*mut mosquitto, *const c_void, usize) -> c_int,
        data: &[u8],
    ) -> c_int {
        unsafe { setter(self.mosq, data.as_ptr().cast(), data.len()) }
    }

    pub fn set_text(
        &self,
        setter: unsafe extern "C" fn(*mut mosquitto, *const c_char) -> c_int,
        text: &str,
    ) -> c_int {
        let text = CString::new(text).unwrap();
        unsafe { setter(self.mosq, text.as_ptr()) }
    }

    /// `mosquitto_tls_set` with CA file, CA folder, certificate and key.
    pub fn set_files(&self, paths: [Option<&CStr>; 4]) -> c_int {
        let [a, b, c, d] = paths.map(|path| path.map_or(ptr::null(), CStr::as_ptr));
        unsafe { mosquitto_tls_set(self.mosq, a, b, c, d, None) }
    }

    pub fn set_psk(&self, psk: &CStr, identity: &CStr) -> c_int {
        let (psk, identity) = (psk.as_ptr(), identity.as_ptr());
        unsafe { mosquitto_tls_psk_set(self.mosq, psk, identity, ptr::null()) }
    }

    pub fn set_certificate(&self, cert: &[u8], key: &[u8]) -> c_int {
        let (cert_at, key_at) = (cert.as_ptr().cast(), key.as_ptr().cast());
        unsafe { mqttrs_tls_certificate_set(self.mosq, cert_at, cert.len(), key_at, key.len()) }
    }

    pub fn set_alpn(&self, names: &[&str]) -> c_int {
        let owned: Vec<CString> = names.iter().map(|n| CString::new(*n).unwrap()).collect();
        let pointers: Vec<*const c_char> = owned.iter().map(|name| name.as_ptr()).collect();
        unsafe { mqttrs_tls_alpn_set(self.mosq, pointers.as_ptr(), pointers.len()) }
    }

    pub fn set_password(&self, callback: PasswordCallback) {
        let set = unsafe { mqttrs_tls_password_callback_set(self.mosq, Some(callback)) };
        assert_eq!(set, MOSQ_ERR_SUCCESS);
    }

    /// Connects to the server and, if that worked, leaves: or the error and its words.
    pub fn connect(&self, server: &mut Server) -> Result<(), (c_int, String)> {
        self.connect_to(server.port())
    }

    pub fn connect_to(&self, port: u16) -> Result<(), (c_int, String)> {
        self.connected.store(-1, Ordering::SeqCst);
        let failed = |code| Err((code, self.last_error()));
        let host = c"127.0.0.1".as_ptr();
        let code = unsafe { mosquitto_connect(self.mosq, host, port.into(), 60) };
        if code != MOSQ_ERR_SUCCESS {
            return failed(code);
        }
        // Each turn waits for something to happen; a server that never answers ends this.
        for _ in 0..30 {
            let code = unsafe { mosquitto_loop(self.mosq, 1000, 1) };
            if code != MOSQ_ERR_SUCCESS {
                return failed(code);
            }
            if self.connected.load(Ordering::SeqCst) == 0 {
                let left = unsafe { mosquitto_disconnect(self.mosq) };
                assert_eq!(left, MOSQ_ERR_SUCCESS);
                return Ok(());
            }
        }
        panic!("neither connected nor failed");
    }

    pub fn last_error(&self) -> String {
        let mut text = [0_u8; 1024];
        let len = unsafe { mqttrs_last_error(self.mosq, text.as_mut_ptr().cast(), text.len()) };
        String::from_utf8(text[..len.min(text.len() - 1)].to_vec()).unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        unsafe { mosquitto_destroy(self.mosq) };
    }
}

unsafe extern "C" fn on_connect(_mosq: *mut mosquitto, obj: *mut c_void, code: c_int) {
    let connected = unsafe { &*obj.cast::<AtomicI32>() };
    connected.store(code, Ordering::SeqCst);
}

/// A folder that goes away.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Folder {
        let name = format!("mqttrs-tls-settings-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Left by a process that had the same number.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    /// Writes a file; its path.
    pub fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
