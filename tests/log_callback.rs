//! What the log callback may do.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

use support::*;

static LINES: AtomicU32 = AtomicU32::new(0);

/// Publishes each line, as a program does that collects its log by MQTT.
extern "C" fn publish_line(
    mosq: *mut mosquitto,
    _obj: *mut c_void,
    _level: c_int,
    _line: *const c_char,
) {
    // Lines for ever would only hang the test.
    if LINES.fetch_add(1, Ordering::SeqCst) < 100 {
        unsafe { mosquitto_publish(mosq, null_mut(), c"log".as_ptr(), 0, null(), 1, false) };
    }
}

#[test]
fn publishing_in_the_log_callback_makes_no_further_lines() {
    let broker = Broker::start();
    unsafe {
        let mosq = mosquitto_new(c"t".as_ptr(), true, null_mut());
        mosquitto_log_callback_set(mosq, Some(publish_line));
        let rc = mosquitto_connect(mosq, c"127.0.0.1".as_ptr(), broker.port().into(), 60);
        assert_eq!(rc, MOSQ_ERR_SUCCESS);
        mosquitto_destroy(mosq);
    }
    // One line, about CONNECT.
    assert_eq!(LINES.load(Ordering::SeqCst), 1);
}
