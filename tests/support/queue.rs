//! The queue of outgoing messages: its functions as C sees them, and what became of each message.

use std::collections::{HashMap, VecDeque};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::capi::{mosquitto, mosquitto_property};
use super::{Client, Handle, DEADLINE};

pub const REFUSE: c_int = 0;
pub const WAIT: c_int = 1;
pub const DROP_OLDEST: c_int = 2;
pub const DROP_QOS0: c_int = 3;

pub const SENT: c_int = 0;
pub const ACKNOWLEDGED: c_int = 1;
pub const EXPIRED: c_int = 2;
pub const OVERFLOW: c_int = 3;
pub const CLEARED: c_int = 4;
pub const TOO_LARGE: c_int = 5;
pub const QOS_NOT_SUPPORTED: c_int = 6;
pub const CONNECTION_LOST: c_int = 7;
pub const SESSION_LOST: c_int = 8;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct QueueOptions {
    pub size: usize,
    pub max_messages: usize,
    pub max_bytes: usize,
    pub overflow: c_int,
    pub wait_ms: c_uint,
    pub queue_qos0: bool,
}

type OnOutcome = unsafe extern "C" fn(
    *mut mosquitto,
    *mut c_void,
    c_int,
    c_int,
    c_int,
    *const mosquitto_property,
);

extern "C" {
    fn mqttrs_queue_set(mosq: *mut mosquitto, options: *const QueueOptions) -> c_int;
    fn mqttrs_queue_clear(mosq: *mut mosquitto) -> c_int;
    fn mqttrs_outcome_callback_set(mosq: *mut mosquitto, on_outcome: Option<OnOutcome>) -> c_int;
    fn mqttrs_drain(mosq: *mut mosquitto, timeout_ms: c_uint) -> c_int;
    fn mqttrs_disconnect_timeout(mosq: *mut mosquitto, timeout_ms: c_uint) -> c_int;
}

/// Packet identifier, outcome, reason code.
pub type Told = (u16, c_int, c_int);

static TOLD: Mutex<Option<HashMap<usize, VecDeque<Told>>>> = Mutex::new(None);
static NEWS: Condvar = Condvar::new();

unsafe extern "C" fn keep_outcome(
    m: *mut mosquitto,
    _: *mut c_void,
    mid: c_int,
    outcome: c_int,
    reason: c_int,
    _: *const mosquitto_property,
) {
    let mid = u16::try_from(mid).unwrap();
    let mut all = TOLD.lock().unwrap();
    let own = all.get_or_insert_default().entry(m as usize).or_default();
    own.push_back((mid, outcome, reason));
    NEWS.notify_all();
}

impl QueueOptions {
    /// Limits of number and bytes, each 0 for none; QoS 0 waits too.
    pub fn new(max_messages: usize, max_bytes: usize, overflow: c_int) -> QueueOptions {
        QueueOptions {
            size: size_of::<QueueOptions>(),
            max_messages,
            max_bytes,
            overflow,
            wait_ms: 0,
            queue_qos0: true,
        }
    }

    pub fn wait_ms(mut self, milliseconds: u32) -> QueueOptions {
        self.wait_ms = milliseconds;
        self
    }
}

impl Handle {
    #[track_caller]
    pub fn queue(self, options: QueueOptions) {
        assert_eq!(unsafe { mqttrs_queue_set(self.0, &options) }, 0);
    }

    #[track_caller]
    pub fn queue_clear(self) {
        assert_eq!(unsafe { mqttrs_queue_clear(self.0) }, 0);
    }

    pub fn drain(self, milliseconds: u32) -> c_int {
        unsafe { mqttrs_drain(self.0, milliseconds) }
    }

    pub fn disconnect_timeout(self, milliseconds: u32) -> c_int {
        unsafe { mqttrs_disconnect_timeout(self.0, milliseconds) }
    }

    /// Keeps the outcomes from now on.
    #[track_caller]
    pub fn hear_outcomes(self) {
        let mut all = TOLD.lock().unwrap();
        all.get_or_insert_default().remove(&(self.0 as usize));
        drop(all);
        let set = unsafe { mqttrs_outcome_callback_set(self.0, Some(keep_outcome)) };
        assert_eq!(set, 0);
    }

    /// The outcomes that came since the last call.
    pub fn told(self) -> Vec<Told> {
        let mut all = TOLD.lock().unwrap();
        let own = all.get_or_insert_default().entry(self.0 as usize);
        own.or_default().drain(..).collect()
    }
}

impl Client {
    /// The next outcomes, this many, working and waiting for them.
    #[track_caller]
    pub fn await_outcomes(&mut self, number: usize) -> Vec<Told> {
        let end = Instant::now() + DEADLINE;
        let mut told = self.told();
        while told.len() < number {
            assert!(Instant::now() < end, "only these outcomes came: {told:?}");
            // Without a connection the loop says so, and tells of what happened all the same.
            self.last = 0;
            self.step(Duration::from_millis(5));
            let all = TOLD.lock().unwrap();
            drop(NEWS.wait_timeout(all, Duration::from_millis(5)).unwrap());
            told.extend(self.told());
        }
        assert_eq!(told.len(), number, "{told:?}");
        told
    }
}
