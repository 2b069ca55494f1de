//! What the library tells its log.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::{Condvar, Mutex};

use super::super::support::*;

/// The log lines of one client.
pub struct Log(usize);

static LINES: Mutex<Vec<(usize, String)>> = Mutex::new(Vec::new());
static LINE: Condvar = Condvar::new();

impl Log {
    pub fn of(client: &Client) -> Log {
        let log = Log(client.0 as usize);
        LINES.lock().unwrap().retain(|(handle, _)| *handle != log.0);
        unsafe { mosquitto_log_callback_set(client.0, Some(on_log)) };
        log
    }

    /// Waits for a line with this text in it.
    pub fn wait_for(&self, text: &str) {
        let missing = |lines: &mut Vec<(usize, String)>| {
            let found = |(handle, line): &(usize, String)| *handle == self.0 && line.contains(text);
            !lines.iter().any(found)
        };
        let lines = LINES.lock().unwrap();
        let (lines, waited) = LINE.wait_timeout_while(lines, DEADLINE, missing).unwrap();
        drop(lines);
        assert!(!waited.timed_out(), "no line with {text}");
    }
}

unsafe extern "C" fn on_log(m: *mut mosquitto, _: *mut c_void, _: c_int, line: *const c_char) {
    let line = unsafe { CStr::from_ptr(line) };
    let line = line.to_string_lossy().into_owned();
    LINES.lock().unwrap().push((m as usize, line));
    LINE.notify_all();
}
