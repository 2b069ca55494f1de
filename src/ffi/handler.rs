//! How what happens to a client becomes calls of the program's callbacks.

use std::ffi::{c_char, c_int, c_void, CString};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::constants::callback_types::*;
use super::constants::structures::mosquitto_message;
use super::errno::{cause, disconnect_code};
use super::filter_callbacks::FilterCallbacks;
use super::handle::{address, mosquitto, HandleSlot};
use super::mqttrs::lifecycle::{
    lifecycle_state, mqttrs_lifecycle_callback, mqttrs_lifecycle_event,
};
use super::mqttrs::log::{lend_record, mqttrs_log_callback};
use super::mqttrs::queue::{outcome_code, MQTTRS_CB_outcome};
use super::property::{mosquitto_property, OwnedList};
use super::terminal::ask_password;
use super::waiters::{Finished, Waiters};
use crate::client::{Done, Event, Handler, LifecycleEvent, LogRecord, Logging, Message, Outcome};
use crate::codec::Properties;
use crate::error::{CallerError, Error, Result};
use crate::types::{PacketId, ReasonCode};

/// The room a program gets for the password of a private key.
const KEY_PASSWORD_MAX: usize = 1024;

/// What supplies the password of a private key; see `mosquitto_tls_set`.
pub(super) type PasswordCallback = Option<
    unsafe extern "C" fn(
        buf: *mut c_char,
        size: c_int,
        rwflag: c_int,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// A callback that is set, replaced and removed while it may be called.
pub(super) struct Cell<F>(AtomicPtr<c_void>, PhantomData<F>);

impl<F: Copy> Cell<F> {
    /// `F` is an optional function pointer, of which this file has no others than those above.
    const IS_POINTER: () = assert!(size_of::<F>() == size_of::<*mut c_void>());

    const fn new() -> Self {
        Cell(AtomicPtr::new(std::ptr::null_mut()), PhantomData)
    }

    pub(super) fn set(&self, callback: F) {
        let () = Self::IS_POINTER;
        // SAFETY: an optional function pointer is a pointer, NULL for none.
        let pointer = unsafe { std::mem::transmute_copy::<F, *mut c_void>(&callback) };
        self.0.store(pointer, Ordering::Release);
    }

    fn get(&self) -> F {
        let () = Self::IS_POINTER;
        let pointer = self.0.load(Ordering::Acquire);
        // SAFETY: NULL or a pointer that `set` made from an `F`.
        unsafe { std::mem::transmute_copy::<*mut c_void, F>(&pointer) }
    }

    fn clear(&self) {
        self.0.store(std::ptr::null_mut(), Ordering::Release);
    }
}

/// The callbacks of one client, and how events become calls of them.
pub(super) struct Callbacks {
    handle: HandleSlot,
    obj: AtomicPtr<c_void>,
    pub(super) connect: Cell<LIBMOSQ_CB_connect>,
    pub(super) connect_with_flags: Cell<LIBMOSQ_CB_connect_with_flags>,
    pub(super) connect_v5: Cell<LIBMOSQ_CB_connect_v5>,
    pub(super) pre_connect: Cell<LIBMOSQ_CB_pre_connect>,
    pub(super) disconnect: Cell<LIBMOSQ_CB_disconnect>,
    pub(super) disconnect_v5: Cell<LIBMOSQ_CB_disconnect_v5>,
    pub(super) publish: Cell<LIBMOSQ_CB_publish>,
    pub(super) publish_v5: Cell<LIBMOSQ_CB_publish_v5>,
    pub(super) message: Cell<LIBMOSQ_CB_message>,
    pub(super) message_v5: Cell<LIBMOSQ_CB_message_v5>,
    pub(super) subscribe: Cell<LIBMOSQ_CB_subscribe>,
    pub(super) subscribe_v5: Cell<LIBMOSQ_CB_subscribe_v5>,
    pub(super) unsubscribe: Cell<LIBMOSQ_CB_unsubscribe>,
    pub(super) unsubscribe_v5: Cell<LIBMOSQ_CB_unsubscribe_v5>,
    pub(super) unsubscribe2_v5: Cell<LIBMOSQ_CB_unsubscribe2_v5>,
    pub(super) ext_auth: Cell<LIBMOSQ_CB_ext_auth>,
    pub(super) log: Cell<LIBMOSQ_CB_log>,
    pub(super) log_record: Cell<mqttrs_log_callback>,
    pub(super) lifecycle: Cell<mqttrs_lifecycle_callback>,
    pub(super) key_password: Cell<PasswordCallback>,
    pub(super) outcome: Cell<MQTTRS_CB_outcome>,
    pub(super) waiters: Waiters,
    /// Of messages whose topics match.
    pub(super) filters: FilterCallbacks,
}

impl Callbacks {
    /// No callbacks for the client with this handle.
    pub(super) fn new(handle: HandleSlot, obj: *mut c_void) -> Self {
        let callbacks = Callbacks {
            handle,
            obj: AtomicPtr::new(obj),
            connect: Cell::new(),
            connect_with_flags: Cell::new(),
            connect_v5: Cell::new(),
            pre_connect: Cell::new(),
            disconnect: Cell::new(),
            disconnect_v5: Cell::new(),
            publish: Cell::new(),
            publish_v5: Cell::new(),
            message: Cell::new(),
            message_v5: Cell::new(),
            subscribe: Cell::new(),
            subscribe_v5: Cell::new(),
            unsubscribe: Cell::new(),
            unsubscribe_v5: Cell::new(),
            unsubscribe2_v5: Cell::new(),
            ext_auth: Cell::new(),
            log: Cell::new(),
            log_record: Cell::new(),
            lifecycle: Cell::new(),
            key_password: Cell::new(),
            outcome: Cell::new(),
            waiters: Waiters::default(),
            filters: FilterCallbacks::new(),
        };
        callbacks.set_obj_or_handle(obj);
        callbacks
    }

    /// Removes all callbacks.
    pub(super) fn clear(&self) {
        self.connect.clear();
        self.connect_with_flags.clear();
        self.connect_v5.clear();
        self.pre_connect.clear();
        self.disconnect.clear();
        self.disconnect_v5.clear();
        self.publish.clear();
        self.publish_v5.clear();
        self.message.clear();
        self.message_v5.clear();
        self.subscribe.clear();
        self.subscribe_v5.clear();
        self.unsubscribe.clear();
        self.unsubscribe_v5.clear();
        self.unsubscribe2_v5.clear();
        self.ext_auth.clear();
        self.log.clear();
        self.log_record.clear();
        self.lifecycle.clear();
        self.key_password.clear();
        self.outcome.clear();
        self.filters.clear();
    }

    /// Whether the program wants to know what became of messages.
    pub(super) fn wants_outcomes(&self) -> bool {
        self.outcome.get().is_some() || self.waiters.are_there()
    }

    /// Tells who waits for what ends with the client.
    pub(super) fn end_waiting(&self) {
        self.waiters.end(self.handle);
    }

    /// What callbacks get as `obj`.
    pub(super) fn obj(&self) -> *mut c_void {
        self.obj.load(Ordering::Acquire)
    }

    /// Sets what callbacks get as `obj`.
    pub(super) fn set_obj(&self, obj: *mut c_void) {
        self.obj.store(obj, Ordering::Release);
    }

    /// Sets what callbacks get as `obj`: the handle itself for NULL.
    pub(super) fn set_obj_or_handle(&self, obj: *mut c_void) {
        self.set_obj(if obj.is_null() {
            self.mosq().cast()
        } else {
            obj
        });
    }

    /// Sets what supplies the password of the client's private key.
    pub(super) fn set_key_password(&self, callback: PasswordCallback) {
        self.key_password.set(callback);
    }

    /// What of the log the program wants.
    pub(super) fn logging(&self) -> Logging {
        match (self.log_record.get(), self.log.get()) {
            (Some(_), _) => Logging::Records,
            (None, Some(_)) => Logging::Lines,
            (None, None) => Logging::Off,
        }
    }

    fn logged(&self, record: &LogRecord) {
        let (mosq, level) = (self.mosq(), record.level() as c_int);
        if let (Some(log), true) = (self.log.get(), record.event().is_line) {
            // SAFETY: the program's function with the type it was set with; the line ends
            // with NUL.
            unsafe { log(mosq, self.obj(), level, record.text_nul().as_ptr().cast()) };
        }
        if let Some(log) = self.second(&self.log_record) {
            lend_record(record, |record| {
                // SAFETY: as above; the record lives until after the call.
                unsafe { log(mosq, self.obj(), record) };
            });
        }
    }

    fn lived(&self, event: &LifecycleEvent) {
        let Some(lifecycle) = self.lifecycle.get() else {
            return;
        };
        let words = event.error.as_ref().map(ToString::to_string);
        let words = words.map(|words| c_string(words.as_bytes()));
        let server = event.server.as_ref();
        let host = server.map(|(host, _)| c_string(host.as_bytes()));
        let pointer =
            |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |t| t.as_ptr());
        let lent = mqttrs_lifecycle_event {
            size: size_of::<mqttrs_lifecycle_event>(),
            state: lifecycle_state(event.phase),
            cause: event.error.as_ref().map_or(0, cause),
            error: pointer(&words),
            host: pointer(&host),
            port: server.map_or(0, |(_, port)| c_int::from(*port)),
            attempt: event.attempt,
            delay: event.delay.as_millis().try_into().unwrap_or(u32::MAX),
        };
        // SAFETY: the program's function with the type it was set with; the event and its
        // strings live until after the call.
        unsafe { lifecycle(self.mosq(), self.obj(), &lent) };
    }

    fn mosq(&self) -> *mut mosquitto {
        address(self.handle)
    }

    /// The callback, unless one that was called before it for the same event has
    /// destroyed the handle, and maybe what the user data points to.
    fn second<F: Copy>(&self, callback: &Cell<Option<F>>) -> Option<F> {
        callback.get().filter(|_| self.handle.enter().is_some())
    }

    fn connected(&self, code: u8, session_present: bool, properties: Properties<'_>) {
        let (mosq, rc, flags) = (self.mosq(), c_int::from(code), c_int::from(session_present));
        if let Some(connect) = self.connect.get() {
            // SAFETY: the program's function with the type it was set with.
            unsafe { connect(mosq, self.obj(), rc) };
        }
        if let Some(connect) = self.second(&self.connect_with_flags) {
            // SAFETY: as above.
            unsafe { connect(mosq, self.obj(), rc, flags) };
        }
        if let Some(connect) = self.second(&self.connect_v5) {
            let list = Lent::new(properties);
            // SAFETY: as above; the list lives until after the call.
            unsafe { connect(mosq, self.obj(), rc, flags, list.as_ptr()) };
        }
    }

    fn disconnected(&self, error: Option<&Error>, properties: Properties<'_>) {
        let (mosq, rc) = (self.mosq(), disconnect_code(error));
        if let Some(disconnect) = self.disconnect.get() {
            // SAFETY: the program's function with the type it was set with.
            unsafe { disconnect(mosq, self.obj(), rc) };
        }
        if let Some(disconnect) = self.second(&self.disconnect_v5) {
            let list = Lent::new(properties);
            // SAFETY: as above; the list lives until after the call.
            unsafe { disconnect(mosq, self.obj(), rc, list.as_ptr()) };
        }
    }

    #[inline(always)]
    fn published_one(&self, mid: c_int, reason_code: u8, properties: Properties<'_>) {
        let mosq = self.mosq();
        if let Some(publish) = self.publish.get() {
            // SAFETY: the program's function with the type it was set with.
            unsafe { publish(mosq, self.obj(), mid) };
        }
        if let Some(publish) = self.second(&self.publish_v5) {
            let list = Lent::new(properties);
            // SAFETY: as above; the list lives until after the call.
            unsafe {
                publish(
                    mosq,
                    self.obj(),
                    mid,
                    c_int::from(reason_code),
                    list.as_ptr(),
                )
            };
        }
    }

    #[inline(always)]
    fn arrived(&self, message: &Message<'_>) {
        let mosq = self.mosq();
        let lent = lent_message(message);
        if self.filters.are_there() && self.filtered(&lent, message) {
            return;
        }
        if let Some(on_message) = self.message.get() {
            // SAFETY: the program's function with the type it was set with; the message
            // lives until after the call.
            unsafe { on_message(mosq, self.obj(), &lent) };
        }
        if let Some(on_message) = self.second(&self.message_v5) {
            let list = Lent::new(message.properties);
            // SAFETY: as above; so does the list.
            unsafe { on_message(mosq, self.obj(), &lent, list.as_ptr()) };
        }
    }

    /// Gives a message to the callbacks whose filters match; whether there was one.
    #[inline(never)]
    fn filtered(&self, lent: &mosquitto_message, message: &Message<'_>) -> bool {
        let topic = message.topic_c();
        let mut list = None;
        self.filters
            .call(&topic[..topic.len() - 1], &mut |on_message, userdata| {
                let list = list.get_or_insert_with(|| Lent::new(message.properties));
                // SAFETY: the program's function with the type and the user data it was added
                // with; message and list live until after the call.
                unsafe { on_message(self.mosq(), userdata, lent, list.as_ptr()) };
            })
    }

    fn subscribed(&self, mid: c_int, codes: &[u8], properties: Properties<'_>) {
        let mosq = self.mosq();
        let granted: Vec<c_int> = codes.iter().copied().map(c_int::from).collect();
        // As many as topic filters in one packet.
        let count = c_int::try_from(granted.len()).unwrap_or(c_int::MAX);
        if let Some(subscribe) = self.subscribe.get() {
            // SAFETY: the program's function with the type it was set with; the array
            // lives until after the call.
            unsafe { subscribe(mosq, self.obj(), mid, count, granted.as_ptr()) };
        }
        if let Some(subscribe) = self.second(&self.subscribe_v5) {
            let list = Lent::new(properties);
            // SAFETY: as above; so does the list.
            unsafe {
                subscribe(
                    mosq,
                    self.obj(),
                    mid,
                    count,
                    granted.as_ptr(),
                    list.as_ptr(),
                )
            };
        }
    }

    fn unsubscribed(&self, mid: c_int, codes: &[u8], properties: Properties<'_>) {
        let mosq = self.mosq();
        if let Some(unsubscribe) = self.unsubscribe.get() {
            // SAFETY: the program's function with the type it was set with.
            unsafe { unsubscribe(mosq, self.obj(), mid) };
        }
        if let Some(unsubscribe) = self.second(&self.unsubscribe_v5) {
            let list = Lent::new(properties);
            // SAFETY: as above; the list lives until after the call.
            unsafe { unsubscribe(mosq, self.obj(), mid, list.as_ptr()) };
        }
        if let Some(unsubscribe) = self.second(&self.unsubscribe2_v5) {
            let codes: Vec<c_int> = codes.iter().copied().map(c_int::from).collect();
            let count = c_int::try_from(codes.len()).unwrap_or(c_int::MAX);
            let first = if codes.is_empty() {
                std::ptr::null()
            } else {
                codes.as_ptr()
            };
            let list = Lent::new(properties);
            // SAFETY: as above; so does the array.
            unsafe { unsubscribe(mosq, self.obj(), mid, count, first, list.as_ptr()) };
        }
    }
}

impl Handler for Callbacks {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::PreConnect => {
                if let Some(pre_connect) = self.pre_connect.get() {
                    // SAFETY: the program's function with the type it was set with.
                    unsafe { pre_connect(self.mosq(), self.obj()) };
                }
            }
            Event::Connected {
                code,
                session_present,
                properties,
            } => {
                self.connected(code, session_present, properties);
            }
            Event::Disconnected { error, properties } => self.disconnected(error, properties),
            Event::Published {
                packet_id,
                reason,
                properties,
            } => {
                self.published_one(c_int::from(packet_id.number()), reason.value(), properties);
            }
            Event::Message(message) => self.arrived(&message),
            Event::Subscribed {
                packet_id,
                codes,
                properties,
            } => {
                self.subscribed(c_int::from(packet_id.number()), codes, properties);
            }
            Event::Unsubscribed {
                packet_id,
                codes,
                properties,
            } => {
                self.unsubscribed(c_int::from(packet_id.number()), codes, properties);
            }
            Event::Lifecycle(event) => self.lived(event),
            Event::Log(record) => self.logged(record),
        }
    }

    fn message(&self, message: &Message<'_>) {
        self.arrived(message);
    }

    fn hears_pre_connect(&self) -> bool {
        self.pre_connect.get().is_some()
    }

    fn hears_published(&self) -> bool {
        self.publish.get().is_some() || self.publish_v5.get().is_some()
    }

    fn published(&self, packet_ids: &[PacketId], go_on: &dyn Fn() -> bool) {
        for packet_id in packet_ids {
            if !go_on() {
                return;
            }
            self.published_one(c_int::from(packet_id.number()), 0, Properties::EMPTY);
        }
    }

    fn outcome(
        &self,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: Properties<'_>,
    ) {
        let Some(on_outcome) = self.outcome.get() else {
            return;
        };
        let list = Lent::new(properties);
        let mid = c_int::from(packet_id.number());
        let (outcome, reason) = (outcome_code(outcome), c_int::from(reason.value()));
        // SAFETY: the program's function with the type it was set with; the list lives until
        // after the call.
        unsafe { on_outcome(self.mosq(), self.obj(), mid, outcome, reason, list.as_ptr()) };
    }

    fn done(&self, done: &Done) {
        if let Some(waiter) = self.waiters.take(done.token) {
            waiter.tell(self.handle, Finished::new(done));
        }
    }

    fn key_password(&self, from_file: bool) -> Option<Vec<u8>> {
        let Some(ask) = self.key_password.get() else {
            // Command line tools name files; who has keys in memory has passwords too.
            return from_file.then(ask_password).flatten();
        };
        let mut buffer = [0u8; KEY_PASSWORD_MAX];
        // SAFETY: the program's function with the type it was set with; it may write as
        // many bytes as it is told.
        let len = unsafe {
            ask(
                buffer.as_mut_ptr().cast(),
                KEY_PASSWORD_MAX as c_int,
                0,
                self.mosq().cast(),
            )
        };
        let len = usize::try_from(len).ok()?.min(KEY_PASSWORD_MAX);
        Some(buffer[..len].to_vec())
    }

    fn authenticate(
        &self,
        method: &str,
        data: Option<&[u8]>,
        properties: Properties<'_>,
    ) -> Result<()> {
        const ABORTED: Error = Error::Caller(CallerError::AuthenticationAborted);
        let ext_auth = self.ext_auth.get().ok_or(ABORTED)?;
        let method = c_string(method.as_bytes());
        // With the NUL that callers may rely on; the length does not count it.
        let data = data
            .filter(|data| !data.is_empty())
            .map(|data| [data, &[0]].concat());
        let (pointer, len) = match &data {
            Some(data) => (data.as_ptr(), data.len() - 1),
            None => (std::ptr::null(), 0),
        };
        // Binary data in a packet has a length of 16 bits.
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        let list = Lent::new(properties);
        // SAFETY: the program's function with the type it was set with; method, data and
        // list live until after the call.
        let rc = unsafe {
            ext_auth(
                self.mosq(),
                self.obj(),
                method.as_ptr(),
                len,
                pointer.cast(),
                list.as_ptr(),
            )
        };
        if rc == 0 {
            Ok(())
        } else {
            Err(ABORTED)
        }
    }
}

/// Lends a message and its properties to a function of the program.
pub(super) fn lend(
    message: &Message<'_>,
    to: &mut dyn FnMut(*const mosquitto_message, *const mosquitto_property),
) {
    let list = Lent::new(message.properties);
    to(&lent_message(message), list.as_ptr());
}

/// A message for the time of a call.
#[inline(always)]
pub(super) fn lent_message(message: &Message<'_>) -> mosquitto_message {
    let payload = message.payload();
    mosquitto_message {
        mid: message.packet_id.map_or(0, |id| c_int::from(id.number())),
        topic: message.topic_c().as_ptr().cast_mut().cast(),
        payload: if payload.is_empty() {
            std::ptr::null_mut()
        } else {
            message.payload_c().as_ptr().cast_mut().cast()
        },
        // A packet is shorter than 256 MiB, so this is never cut.
        payloadlen: c_int::try_from(payload.len()).unwrap_or(c_int::MAX),
        qos: c_int::from(message.qos.number()),
        retain: message.retain,
    }
}

/// A property list for the time of a call; none for no properties, and where there is no memory
/// for all of them.
pub(super) struct Lent(Option<OwnedList>);

impl Lent {
    pub(super) fn new(properties: Properties<'_>) -> Self {
        Lent(if properties.is_empty() {
            None
        } else {
            OwnedList::from_wire(properties)
        })
    }

    pub(super) fn as_ptr(&self) -> *const mosquitto_property {
        self.0.as_ref().map_or(std::ptr::null(), OwnedList::as_ptr)
    }
}

/// Text as a C string, as far as the first NUL inside it.
fn c_string(text: &[u8]) -> CString {
    let end = text
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}
