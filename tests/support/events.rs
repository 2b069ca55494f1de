//! The callbacks of the C API: each keeps what it was given.

use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::{Condvar, Mutex};

use super::capi::*;
use super::client::Handle;
use super::prop::{self, Prop};

/// A callback, with all it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    PreConnect,
    Connect(c_int),
    ConnectFlags(c_int, c_int),
    /// Code, flags, properties.
    ConnectV5(c_int, c_int, Vec<Prop>),
    Disconnect(c_int),
    DisconnectV5(c_int, Vec<Prop>),
    Publish(c_int),
    /// Packet identifier, reason code, properties.
    PublishV5(c_int, c_int, Vec<Prop>),
    Message(Message),
    MessageV5(Message, Vec<Prop>),
    Subscribe(c_int, Vec<c_int>),
    SubscribeV5(c_int, Vec<c_int>, Vec<Prop>),
    Unsubscribe(c_int),
    UnsubscribeV5(c_int, Vec<Prop>),
    Unsubscribe2(c_int, Vec<c_int>, Vec<Prop>),
    ExtAuth(String, Vec<u8>, Vec<Prop>),
}

/// A copy of a `mosquitto_message`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub mid: c_int,
    pub topic: String,
    /// `None` where the pointer was NULL.
    pub payload: Option<Vec<u8>>,
    /// The byte behind the payload.
    pub behind: Option<u8>,
    pub qos: c_int,
    pub retain: bool,
}

impl Message {
    /// A message with QoS 0.
    pub fn new(topic: &str, payload: &[u8]) -> Message {
        let some = !payload.is_empty();
        Message {
            mid: 0,
            topic: topic.into(),
            payload: some.then(|| payload.to_vec()),
            behind: some.then_some(0),
            qos: 0,
            retain: false,
        }
    }

    /// The same with QoS and packet identifier.
    pub fn qos(mut self, qos: c_int, mid: u16) -> Message {
        self.qos = qos;
        self.mid = mid.into();
        self
    }

    /// The same, retained.
    pub fn retained(mut self) -> Message {
        self.retain = true;
        self
    }

    unsafe fn copy(message: *const mosquitto_message) -> Message {
        unsafe {
            let message = &*message;
            let len = usize::try_from(message.payloadlen).unwrap();
            let bytes = (!message.payload.is_null())
                .then(|| std::slice::from_raw_parts(message.payload.cast::<u8>(), len + 1));
            Message {
                mid: message.mid,
                topic: CStr::from_ptr(message.topic).to_str().unwrap().into(),
                payload: bytes.map(|bytes| bytes[..len].to_vec()),
                behind: bytes.map(|bytes| bytes[len]),
                qos: message.qos,
                retain: message.retain,
            }
        }
    }
}

pub(super) type Hook = Box<dyn FnMut(Handle, &Event) + Send>;

/// What the callbacks of one client keep.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) events: Mutex<VecDeque<Event>>,
    pub(super) arrived: Condvar,
    pub(super) hook: Mutex<Option<Hook>>,
}

unsafe fn keep(m: *mut mosquitto, data: *mut c_void, event: Event) {
    let shared = unsafe { &*data.cast::<Shared>() };
    // Taken out while it runs, so that it may set another.
    let hook = shared.hook.lock().unwrap().take();
    if let Some(mut hook) = hook {
        shared.events.lock().unwrap().push_back(event.clone());
        hook(Handle(m), &event);
        shared.hook.lock().unwrap().get_or_insert(hook);
    } else {
        shared.events.lock().unwrap().push_back(event);
    }
    shared.arrived.notify_all();
}

unsafe fn codes(count: c_int, codes: *const c_int) -> Vec<c_int> {
    if codes.is_null() {
        assert_eq!(count, 0, "a count without codes");
        return Vec::new();
    }
    unsafe { std::slice::from_raw_parts(codes, usize::try_from(count).unwrap()).to_vec() }
}

type Props = *const mosquitto_property;

pub(super) unsafe extern "C" fn on_pre_connect(m: *mut mosquitto, data: *mut c_void) {
    unsafe { keep(m, data, Event::PreConnect) };
}

pub(super) unsafe extern "C" fn on_connect(m: *mut mosquitto, data: *mut c_void, rc: c_int) {
    unsafe { keep(m, data, Event::Connect(rc)) };
}

pub(super) unsafe extern "C" fn on_connect_with_flags(
    m: *mut mosquitto,
    data: *mut c_void,
    rc: c_int,
    flags: c_int,
) {
    unsafe { keep(m, data, Event::ConnectFlags(rc, flags)) };
}

pub(super) unsafe extern "C" fn on_connect_v5(
    m: *mut mosquitto,
    data: *mut c_void,
    rc: c_int,
    flags: c_int,
    props: Props,
) {
    unsafe { keep(m, data, Event::ConnectV5(rc, flags, prop::read(props))) };
}

pub(super) unsafe extern "C" fn on_disconnect(m: *mut mosquitto, data: *mut c_void, rc: c_int) {
    unsafe { keep(m, data, Event::Disconnect(rc)) };
}

pub(super) unsafe extern "C" fn on_disconnect_v5(
    m: *mut mosquitto,
    data: *mut c_void,
    rc: c_int,
    props: Props,
) {
    unsafe { keep(m, data, Event::DisconnectV5(rc, prop::read(props))) };
}

pub(super) unsafe extern "C" fn on_publish(m: *mut mosquitto, data: *mut c_void, mid: c_int) {
    unsafe { keep(m, data, Event::Publish(mid)) };
}

pub(super) unsafe extern "C" fn on_publish_v5(
    m: *mut mosquitto,
    data: *mut c_void,
    mid: c_int,
    reason: c_int,
    props: Props,
) {
    unsafe { keep(m, data, Event::PublishV5(mid, reason, prop::read(props))) };
}

pub(super) unsafe extern "C" fn on_message(
    m: *mut mosquitto,
    data: *mut c_void,
    message: *const mosquitto_message,
) {
    unsafe { keep(m, data, Event::Message(Message::copy(message))) };
}

pub(super) unsafe extern "C" fn on_message_v5(
    m: *mut mosquitto,
    data: *mut c_void,
    message: *const mosquitto_message,
    props: Props,
) {
    unsafe {
        keep(
            m,
            data,
            Event::MessageV5(Message::copy(message), prop::read(props)),
        )
    };
}

pub(super) unsafe extern "C" fn on_subscribe(
    m: *mut mosquitto,
    data: *mut c_void,
    mid: c_int,
    count: c_int,
    granted: *const c_int,
) {
    unsafe { keep(m, data, Event::Subscribe(mid, codes(count, granted))) };
}

pub(super) unsafe extern "C" fn on_subscribe_v5(
    m: *mut mosquitto,
    data: *mut c_void,
    mid: c_int,
    count: c_int,
    granted: *const c_int,
    props: Props,
) {
    unsafe {
        keep(
            m,
            data,
            Event::SubscribeV5(mid, codes(count, granted), prop::read(props)),
        )
    };
}

pub(super) unsafe extern "C" fn on_unsubscribe(m: *mut mosquitto, data: *mut c_void, mid: c_int) {
    unsafe { keep(m, data, Event::Unsubscribe(mid)) };
}

pub(super) unsafe extern "C" fn on_unsubscribe_v5(
    m: *mut mosquitto,
    data: *mut c_void,
    mid: c_int,
    props: Props,
) {
    unsafe { keep(m, data, Event::UnsubscribeV5(mid, prop::read(props))) };
}

pub(super) unsafe extern "C" fn on_unsubscribe2(
    m: *mut mosquitto,
    data: *mut c_void,
    mid: c_int,
    count: c_int,
    reasons: *const c_int,
    props: Props,
) {
    unsafe {
        keep(
            m,
            data,
            Event::Unsubscribe2(mid, codes(count, reasons), prop::read(props)),
        )
    };
}

pub(super) unsafe extern "C" fn on_ext_auth(
    m: *mut mosquitto,
    data: *mut c_void,
    method: *const c_char,
    len: u16,
    bytes: *const c_void,
    props: Props,
) -> c_int {
    unsafe {
        let method = CStr::from_ptr(method).to_str().unwrap().to_owned();
        let bytes = if bytes.is_null() {
            Vec::new()
        } else {
            std::slice::from_raw_parts(bytes.cast::<u8>(), len.into()).to_vec()
        };
        keep(m, data, Event::ExtAuth(method, bytes, prop::read(props)));
    }
    MOSQ_ERR_SUCCESS
}
