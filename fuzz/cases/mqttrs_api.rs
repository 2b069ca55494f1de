//! Calls of the functions that are the library's own, with any argument, for the targets of the
//! C API.

use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::mem::size_of;
use std::ptr;

use super::capi::*;
use super::script::Script;

pub type Lifecycle = unsafe extern "C" fn(*mut mosquitto, *mut c_void, *const LifecycleEvent);
pub type OnOutcome = unsafe extern "C" fn(
    *mut mosquitto,
    *mut c_void,
    c_int,
    c_int,
    c_int,
    *const mosquitto_property,
);

#[repr(C)]
pub struct LifecycleEvent {
    pub size: usize,
    pub state: c_int,
    pub cause: c_int,
    pub error: *const c_char,
    pub host: *const c_char,
    pub port: c_int,
    pub attempt: c_uint,
    pub delay: c_uint,
}

#[repr(C)]
pub struct ReconnectOptions {
    pub size: usize,
    pub delay_min: c_uint,
    pub delay_max: c_uint,
    pub doubling: bool,
    pub jitter: bool,
    pub off: bool,
    pub follow_references: bool,
    pub stable: c_uint,
    pub attempts: c_uint,
}

#[repr(C)]
pub struct ServerEntry {
    pub size: usize,
    pub host: *const c_char,
    pub port: c_int,
    pub priority: c_int,
}

#[repr(C)]
pub struct QueueOptions {
    pub size: usize,
    pub max_messages: usize,
    pub max_bytes: usize,
    pub overflow: c_int,
    pub wait_ms: c_uint,
    pub queue_qos0: bool,
}

#[repr(C)]
pub struct StoreOptions {
    pub size: usize,
    pub durability: c_int,
    pub sync_interval: c_uint,
    pub maximum_bytes: u64,
}

extern "C" {
    pub fn mqttrs_loop_new() -> *mut c_void;
    pub fn mqttrs_loop_destroy(group: *mut c_void);
    pub fn mqttrs_loop_add(group: *mut c_void, mosq: *mut mosquitto) -> c_int;
    pub fn mqttrs_loop_remove(group: *mut c_void, mosq: *mut mosquitto) -> c_int;
    pub fn mqttrs_loop_run_once(group: *mut c_void, timeout: c_int) -> c_int;
    pub fn mqttrs_loop_timeout(group: *mut c_void) -> c_int;
    pub fn mqttrs_loop_socket(group: *mut c_void) -> c_int;
    pub fn mqttrs_loop_stop(group: *mut c_void) -> c_int;
    pub fn mqttrs_automatic_topic_aliases_set(mosq: *mut mosquitto, on: bool) -> c_int;
    pub fn mqttrs_connect_timeout_set(mosq: *mut mosquitto, milliseconds: c_uint) -> c_int;
    pub fn mqttrs_http_proxy_set(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        username: *const c_char,
        password: *const c_char,
    ) -> c_int;
    pub fn mqttrs_websocket_header_add(
        mosq: *mut mosquitto,
        name: *const c_char,
        value: *const c_char,
    ) -> c_int;
    pub fn mqttrs_last_error(mosq: *mut mosquitto, buffer: *mut c_char, size: usize) -> usize;
    pub fn mqttrs_reconnect_set(mosq: *mut mosquitto, options: *const ReconnectOptions) -> c_int;
    pub fn mqttrs_reconnect_now(mosq: *mut mosquitto, patience: c_uint) -> c_int;
    pub fn mqttrs_servers_set(
        mosq: *mut mosquitto,
        servers: *const ServerEntry,
        count: usize,
        order: c_int,
    ) -> c_int;
    pub fn mqttrs_connect(
        mosq: *mut mosquitto,
        keepalive: c_int,
        props: *const mosquitto_property,
    ) -> c_int;
    pub fn mqttrs_resubscribe_set(mosq: *mut mosquitto, on: bool) -> c_int;
    pub fn mqttrs_lifecycle_callback_set(
        mosq: *mut mosquitto,
        callback: Option<Lifecycle>,
    ) -> c_int;
    pub fn mqttrs_queue_set(mosq: *mut mosquitto, options: *const QueueOptions) -> c_int;
    pub fn mqttrs_queue_clear(mosq: *mut mosquitto) -> c_int;
    pub fn mqttrs_outcome_callback_set(mosq: *mut mosquitto, callback: Option<OnOutcome>) -> c_int;
    pub fn mqttrs_drain(mosq: *mut mosquitto, timeout_ms: c_uint) -> c_int;
    pub fn mqttrs_disconnect_timeout(mosq: *mut mosquitto, timeout_ms: c_uint) -> c_int;
    pub fn mqttrs_stats(mosq: *mut mosquitto, stats: *mut u64) -> c_int;
    pub fn mqttrs_store_open(
        mosq: *mut mosquitto,
        folder: *const c_char,
        options: *const StoreOptions,
    ) -> c_int;
    fn mqttrs_tls_ca_set(mosq: *mut mosquitto, data: *const c_void, size: usize) -> c_int;
    fn mqttrs_tls_certificate_set(
        mosq: *mut mosquitto,
        certificate: *const c_void,
        certificate_size: usize,
        key: *const c_void,
        key_size: usize,
    ) -> c_int;
    fn mqttrs_tls_crl_set(mosq: *mut mosquitto, data: *const c_void, size: usize) -> c_int;
    fn mqttrs_tls_crl_file_set(mosq: *mut mosquitto, path: *const c_char) -> c_int;
    fn mqttrs_tls_keylog_set(mosq: *mut mosquitto, path: *const c_char) -> c_int;
    fn mqttrs_tls_pins_set(mosq: *mut mosquitto, pins: *const c_char) -> c_int;
    fn mqttrs_tls_alpn_set(
        mosq: *mut mosquitto,
        names: *const *const c_char,
        count: usize,
    ) -> c_int;
}

/// A call that any thread may make at any moment and that changes nothing about where a client
/// connects to.
///
/// # Safety
/// `m` is NULL or was made by the library.
pub unsafe fn call(m: *mut mosquitto, s: &mut Script<'_>) {
    // SAFETY: the caller's promise; strings end in NUL and sizes are true or too small.
    unsafe {
        match s.byte() % 12 {
            0 | 1 => queue_set(m, s),
            2 => {
                mqttrs_queue_clear(m);
            }
            3 => {
                mqttrs_drain(m, 0);
            }
            4 => {
                mqttrs_disconnect_timeout(m, 0);
            }
            5 => stats(m, s),
            6 => last_error(m, s),
            7 => reconnect_set(m, s),
            8 => {
                mqttrs_reconnect_now(m, s.int() as c_uint);
            }
            9 => {
                mqttrs_resubscribe_set(m, s.flag());
            }
            10 => {
                mqttrs_automatic_topic_aliases_set(m, s.flag());
            }
            _ => {
                // Nothing here takes a second.
                mqttrs_connect_timeout_set(m, s.int().clamp(0, 1) as c_uint * 60_000);
            }
        }
    }
}

/// A setting of where and how a client connects.
///
/// # Safety
/// As `call`.
pub unsafe fn set_route(m: *mut mosquitto, s: &mut Script<'_>) {
    // SAFETY: the caller's promise; strings end in NUL and sizes are true.
    unsafe {
        match s.byte() % 10 {
            0 => {
                let (host, name, word) = (host(s), s.c_text(), s.c_text());
                mqttrs_http_proxy_set(m, pointer(&host), s.int(), pointer(&name), pointer(&word));
            }
            1 => {
                let (name, value) = (field(s), field(s));
                mqttrs_websocket_header_add(m, pointer(&name), pointer(&value));
            }
            2 => servers_set(m, s),
            3 => {
                let data = s.bytes();
                mqttrs_tls_ca_set(m, data_pointer(data), data.len());
            }
            4 => {
                let (certificate, key) = (s.bytes(), s.bytes());
                mqttrs_tls_certificate_set(
                    m,
                    data_pointer(certificate),
                    certificate.len(),
                    data_pointer(key),
                    key.len(),
                );
            }
            5 => {
                let data = s.bytes();
                mqttrs_tls_crl_set(m, data_pointer(data), data.len());
            }
            6 => {
                let path = s.flag().then_some(c"/nonexistent/list");
                mqttrs_tls_crl_file_set(m, path.map_or(ptr::null(), CStr::as_ptr));
            }
            7 => {
                let path = s.flag().then_some(c"/nonexistent/log");
                mqttrs_tls_keylog_set(m, path.map_or(ptr::null(), CStr::as_ptr));
            }
            8 => {
                let pins = s.c_text();
                mqttrs_tls_pins_set(m, pointer(&pins));
            }
            _ => {
                let (one, two) = (s.c_text(), s.c_text());
                let names = [pointer(&one), pointer(&two)];
                mqttrs_tls_alpn_set(m, names.as_ptr(), usize::from(s.byte() % 3));
            }
        }
    }
}

pub fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// `struct mqttrs_stats` as numbers of 64 bits, which all but one of its members are.
pub const STATS: usize = 35;

unsafe fn queue_set(m: *mut mosquitto, s: &mut Script<'_>) {
    let size = size_of::<QueueOptions>();
    let options = QueueOptions {
        size: if s.byte() == 0 { size - 1 } else { size },
        max_messages: usize::from(s.byte() % 8),
        max_bytes: usize::from(s.byte()) * usize::from(s.byte()),
        overflow: s.int(),
        // Nobody else makes room here.
        wait_ms: c_uint::from(s.byte() % 2),
        queue_qos0: s.flag(),
    };
    let options = match s.byte() {
        0..=20 => ptr::null(),
        _ => &raw const options,
    };
    // SAFETY: the caller's promise.
    unsafe { mqttrs_queue_set(m, options) };
}

unsafe fn reconnect_set(m: *mut mosquitto, s: &mut Script<'_>) {
    let size = size_of::<ReconnectOptions>();
    let options = ReconnectOptions {
        size: if s.byte() == 0 { size - 1 } else { size },
        delay_min: s.int() as c_uint,
        delay_max: s.int() as c_uint,
        doubling: s.flag(),
        jitter: s.flag(),
        off: s.flag(),
        // Names that come from a server would be looked up.
        follow_references: false,
        stable: s.int() as c_uint,
        attempts: s.int() as c_uint,
    };
    let options = match s.byte() {
        0..=20 => ptr::null(),
        _ => &raw const options,
    };
    // SAFETY: the caller's promise.
    unsafe { mqttrs_reconnect_set(m, options) };
}

unsafe fn servers_set(m: *mut mosquitto, s: &mut Script<'_>) {
    let hosts: Vec<_> = (0..s.byte() % 4).map(|_| host(s)).collect();
    let server = |host: &Option<CString>| ServerEntry {
        size: size_of::<ServerEntry>() - usize::from(s.byte() == 0),
        host: pointer(host),
        port: s.int(),
        priority: s.int(),
    };
    let servers: Vec<_> = hosts.iter().map(server).collect();
    let list = match s.byte() {
        0..=20 => ptr::null(),
        _ => servers.as_ptr(),
    };
    // SAFETY: the caller's promise.
    unsafe { mqttrs_servers_set(m, list, servers.len(), s.int()) };
}

unsafe fn stats(m: *mut mosquitto, s: &mut Script<'_>) {
    // Behind what the size says nothing may be written.
    let mut stats = [0xA5A5_u64; STATS + 8];
    let size = match s.byte() {
        0..=100 => STATS * 8,
        n => usize::from(n) % (STATS * 8 + 32),
    };
    stats[0] = size as u64;
    // SAFETY: the caller's promise; there are more than `size` bytes.
    let rc = unsafe { mqttrs_stats(m, stats.as_mut_ptr()) };
    let kept = if rc == MOSQ_ERR_SUCCESS {
        size.div_ceil(8)
    } else {
        1
    };
    assert!(stats[kept..].iter().all(|number| *number == 0xA5A5));
}

unsafe fn last_error(m: *mut mosquitto, s: &mut Script<'_>) {
    let mut buffer = [0x55_u8; 300];
    let size = usize::from(s.byte());
    // SAFETY: the caller's promise; there are more than `size` bytes.
    let whole = unsafe { mqttrs_last_error(m, buffer.as_mut_ptr().cast(), size) };
    assert!(buffer[size..].iter().all(|byte| *byte == 0x55));
    if size > 0 {
        let text = CStr::from_bytes_until_nul(&buffer[..size]).unwrap();
        assert!(text.count_bytes() <= whole);
        assert!(text.to_str().is_ok(), "{text:?}");
    }
}

/// A host that no name server is asked for.
fn host(s: &mut Script<'_>) -> Option<CString> {
    const HOSTS: [&CStr; 6] = [c"127.0.0.1", c"::1", c"", c"\xff", c"0.0.0.0", c"fe80::1"];
    let which = usize::from(s.byte());
    HOSTS.get(which % 7).map(|host| (*host).to_owned())
}

/// A header's field name or value.
fn field(s: &mut Script<'_>) -> Option<CString> {
    const FIELDS: [&CStr; 5] = [c"Authorization", c"Host", c"a\r\nb: c", c"x y", c"Upgrade"];
    match s.byte() {
        n @ 0..=99 => Some(FIELDS[usize::from(n) % 5].to_owned()),
        _ => s.c_text(),
    }
}

fn data_pointer(data: &[u8]) -> *const c_void {
    match data {
        [] => ptr::null(),
        data => data.as_ptr().cast(),
    }
}
