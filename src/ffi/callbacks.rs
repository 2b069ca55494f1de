//! The program's callbacks.
//!
//! Callbacks of one client are called one at a time, in the thread that runs its loop, with
//! no lock held: a callback may call any function on any client, `mosquitto_destroy` and the
//! setters here included.

use std::ffi::{c_char, c_int, c_void, CString};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::constants::callback_types::*;
use super::constants::structures::mosquitto_message;
use super::errno::disconnect_code;
use super::guard::guard;
use super::handle::{address, enter, mosquitto, HandleSlot};
use super::property::{mosquitto_property, OwnedList};
use crate::client::{Event, Handler, LogLevel, Message};
use crate::codec::Properties;
use crate::error::{CallerError, Error, Result};

/// Sets what is called when the server has answered CONNECT.
///
/// The callback gets `rc`: 0 when the server accepted, else the CONNACK return code (MQTT
/// 3.1.1 section 3.2.2.3) or reason code (MQTT 5.0 section 3.2.2.2) of its refusal, for
/// `mosquitto_connack_string` or `mosquitto_reason_string`. After a reconnect it is called again.
/// Where several connect callbacks are set, all are called: this one, `_with_flags`, `_v5`.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_connect` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_callback_set(
    mosq: *mut mosquitto,
    on_connect: LIBMOSQ_CB_connect,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.connect.set(on_connect);
        }
    })
}

/// Sets what is called when the server has answered CONNECT, with the flags of CONNACK.
///
/// As `mosquitto_connect_callback_set`; bit 0 of `flags` says that the server kept the session of
/// this client (MQTT 3.1.1 section 3.2.2.2).
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_connect` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_with_flags_callback_set(
    mosq: *mut mosquitto,
    on_connect: LIBMOSQ_CB_connect_with_flags,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.connect_with_flags.set(on_connect);
        }
    })
}

/// Sets what is called when the server has answered CONNECT, with the flags and properties
/// of CONNACK.
///
/// As `mosquitto_connect_with_flags_callback_set`; `props` is NULL where there are none and below
/// MQTT 5, and otherwise belongs to the library and lives until the callback returns.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_connect` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_connect_v5_callback_set(
    mosq: *mut mosquitto,
    on_connect: LIBMOSQ_CB_connect_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.connect_v5.set(on_connect);
        }
    })
}

/// Sets what is called before each attempt to connect, the automatic ones included.
///
/// The callback may set the user name, password, TLS and other options, which this attempt
/// then uses.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_pre_connect` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_pre_connect_callback_set(
    mosq: *mut mosquitto,
    on_pre_connect: LIBMOSQ_CB_pre_connect,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.pre_connect.set(on_pre_connect);
        }
    })
}

/// Sets what is called when a connection has ended.
///
/// The callback gets `rc`: 0 when the program had called `mosquitto_disconnect`, the reason code
/// when an MQTT 5 server sent DISCONNECT, else the MOSQ_ERR_* value of what went wrong. It may call
/// `mosquitto_reconnect`. Where both are set, this one is called before `_v5`.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_disconnect` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_disconnect_callback_set(
    mosq: *mut mosquitto,
    on_disconnect: LIBMOSQ_CB_disconnect,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.disconnect.set(on_disconnect);
        }
    })
}

/// Sets what is called when a connection has ended, with the properties of the server's
/// DISCONNECT.
///
/// As `mosquitto_disconnect_callback_set`; `props` is NULL where there are none, and otherwise
/// belongs to the library and lives until the callback returns.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_disconnect` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_disconnect_v5_callback_set(
    mosq: *mut mosquitto,
    on_disconnect: LIBMOSQ_CB_disconnect_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.disconnect_v5.set(on_disconnect);
        }
    })
}

/// Sets what is called when a message has reached the end of its way.
///
/// The callback gets the `mid` that `mosquitto_publish` gave: for QoS 0 when the message was
/// written out, for QoS 1 on PUBACK, for QoS 2 on PUBCOMP or a PUBREC that refuses it. Where both
/// are set, this one is called before `_v5`.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_publish` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_publish_callback_set(
    mosq: *mut mosquitto,
    on_publish: LIBMOSQ_CB_publish,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.publish.set(on_publish);
        }
    })
}

/// Sets what is called when a message has reached the end of its way, with the server's
/// reason code and properties.
///
/// As `mosquitto_publish_callback_set`; `reason_code` is 0 for QoS 0 and below MQTT 5, and 128 or
/// more where the server refused the message. `props` is NULL where there are none, and otherwise
/// belongs to the library and lives until the callback returns.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_publish` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_publish_v5_callback_set(
    mosq: *mut mosquitto,
    on_publish: LIBMOSQ_CB_publish_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.publish_v5.set(on_publish);
        }
    })
}

/// Sets what is called when a message has arrived.
///
/// `message` and all it points to belong to the library and live until the callback returns;
/// `mosquitto_message_copy` keeps a copy. `topic` ends with NUL. `payload` is NULL when it is
/// empty; otherwise a NUL follows the `payloadlen` bytes, so that text can be read in place. `mid`
/// is 0 for QoS 0. Where both are set, this one is called before `_v5`.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_message` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_message_callback_set(
    mosq: *mut mosquitto,
    on_message: LIBMOSQ_CB_message,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.message.set(on_message);
        }
    })
}

/// Sets what is called when a message has arrived, with its properties.
///
/// As `mosquitto_message_callback_set`; `props` is NULL where there are none and below MQTT 5, and
/// otherwise belongs to the library and lives until the callback returns.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_message` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_message_v5_callback_set(
    mosq: *mut mosquitto,
    on_message: LIBMOSQ_CB_message_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.message_v5.set(on_message);
        }
    })
}

/// Sets what is called when the server has answered a SUBSCRIBE.
///
/// The callback gets the `mid` that `mosquitto_subscribe` gave and, for each topic filter in order,
/// the QoS granted, or a code of 128 or more where the server refused it. `granted_qos` has
/// `qos_count` entries, at least one, and lives until the callback returns. Where both are set,
/// this one is called before `_v5`.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_subscribe` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe_callback_set(
    mosq: *mut mosquitto,
    on_subscribe: LIBMOSQ_CB_subscribe,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.subscribe.set(on_subscribe);
        }
    })
}

/// Sets what is called when the server has answered a SUBSCRIBE, with the properties of
/// SUBACK.
///
/// As `mosquitto_subscribe_callback_set`; `props` is NULL where there are none and below MQTT 5, and
/// otherwise belongs to the library and lives until the callback returns.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_subscribe` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_subscribe_v5_callback_set(
    mosq: *mut mosquitto,
    on_subscribe: LIBMOSQ_CB_subscribe_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.subscribe_v5.set(on_subscribe);
        }
    })
}

/// Sets what is called when the server has answered an UNSUBSCRIBE.
///
/// The callback gets the `mid` that `mosquitto_unsubscribe` gave. Where several unsubscribe
/// callbacks are set, all are called: this one, `_v5`, `unsubscribe2_v5`.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_unsubscribe` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_unsubscribe_callback_set(
    mosq: *mut mosquitto,
    on_unsubscribe: LIBMOSQ_CB_unsubscribe,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.unsubscribe.set(on_unsubscribe);
        }
    })
}

/// Sets what is called when the server has answered an UNSUBSCRIBE, with the properties of
/// UNSUBACK.
///
/// As `mosquitto_unsubscribe_callback_set`; `props` is NULL where there are none and below MQTT 5,
/// and otherwise belongs to the library and lives until the callback returns.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_unsubscribe` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_unsubscribe_v5_callback_set(
    mosq: *mut mosquitto,
    on_unsubscribe: LIBMOSQ_CB_unsubscribe_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.unsubscribe_v5.set(on_unsubscribe);
        }
    })
}

/// Sets what is called when the server has answered an UNSUBSCRIBE, with a reason code for
/// each topic filter and the properties of UNSUBACK.
///
/// As `mosquitto_unsubscribe_v5_callback_set`; `reason_codes` has `reason_code_count` entries and
/// lives until the callback returns. Below MQTT 5 an UNSUBACK has no codes: then the count is 0
/// and `reason_codes` NULL.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_unsubscribe` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_unsubscribe2_v5_callback_set(
    mosq: *mut mosquitto,
    on_unsubscribe: LIBMOSQ_CB_unsubscribe2_v5,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.unsubscribe2_v5.set(on_unsubscribe);
        }
    })
}

/// Sets what is called when the server sends AUTH: a step of enhanced authentication (MQTT 5.0
/// section 4.12).
///
/// The callback gets the authentication method, ending with NUL, the `auth_data_len` bytes of
/// authentication data, NULL where there are none and otherwise followed by a NUL, and the
/// properties of AUTH. All belong to the library and live until the callback returns. It answers
/// with `mosquitto_ext_auth_continue`, at once or later, and returns 0; another value ends the
/// connection. Without this callback an AUTH ends the connection.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_ext_auth` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_ext_auth_callback_set(
    mosq: *mut mosquitto,
    on_ext_auth: LIBMOSQ_CB_ext_auth,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.ext_auth.set(on_ext_auth);
        }
    })
}

/// Sets what is called with each line the library has to log.
///
/// `level` is one of MOSQ_LOG_INFO, _NOTICE, _WARNING, _ERR and _DEBUG. `str` ends with NUL, has no
/// line break, belongs to the library and lives until the callback returns. Without this
/// callback no line is made.
///
/// May be called at any time from any thread, inside callbacks too; NULL removes the
/// callback. Does nothing for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_log` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_log_callback_set(mosq: *mut mosquitto, on_log: LIBMOSQ_CB_log) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(contents) = unsafe { enter(mosq) } {
            contents.callbacks.log.set(on_log);
            contents.client().set_logging(on_log.is_some());
        }
    })
}

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
struct Cell<F>(AtomicPtr<c_void>, PhantomData<F>);

impl<F: Copy> Cell<F> {
    /// `F` is an optional function pointer, of which this file has no others than those above.
    const IS_POINTER: () = assert!(size_of::<F>() == size_of::<*mut c_void>());

    const fn new() -> Self {
        Cell(AtomicPtr::new(std::ptr::null_mut()), PhantomData)
    }

    fn set(&self, callback: F) {
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
    connect: Cell<LIBMOSQ_CB_connect>,
    connect_with_flags: Cell<LIBMOSQ_CB_connect_with_flags>,
    connect_v5: Cell<LIBMOSQ_CB_connect_v5>,
    pre_connect: Cell<LIBMOSQ_CB_pre_connect>,
    disconnect: Cell<LIBMOSQ_CB_disconnect>,
    disconnect_v5: Cell<LIBMOSQ_CB_disconnect_v5>,
    publish: Cell<LIBMOSQ_CB_publish>,
    publish_v5: Cell<LIBMOSQ_CB_publish_v5>,
    message: Cell<LIBMOSQ_CB_message>,
    message_v5: Cell<LIBMOSQ_CB_message_v5>,
    subscribe: Cell<LIBMOSQ_CB_subscribe>,
    subscribe_v5: Cell<LIBMOSQ_CB_subscribe_v5>,
    unsubscribe: Cell<LIBMOSQ_CB_unsubscribe>,
    unsubscribe_v5: Cell<LIBMOSQ_CB_unsubscribe_v5>,
    unsubscribe2_v5: Cell<LIBMOSQ_CB_unsubscribe2_v5>,
    ext_auth: Cell<LIBMOSQ_CB_ext_auth>,
    log: Cell<LIBMOSQ_CB_log>,
    key_password: Cell<PasswordCallback>,
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
            key_password: Cell::new(),
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
        self.key_password.clear();
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

    fn logged(&self, level: LogLevel, text: &str) {
        let Some(log) = self.log.get() else { return };
        let line = c_string(text.as_bytes());
        // SAFETY: the program's function with the type it was set with.
        unsafe { log(self.mosq(), self.obj(), level as c_int, line.as_ptr()) };
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

    fn published(&self, mid: c_int, reason_code: u8, properties: Properties<'_>) {
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

    fn message(&self, message: Message<'_>) {
        let mosq = self.mosq();
        let payload = message.payload();
        let lent = mosquitto_message {
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
        };
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
                self.published(c_int::from(packet_id.number()), reason.value(), properties);
            }
            Event::Message(message) => self.message(message),
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
            Event::Log { level, text } => self.logged(level, text),
        }
    }

    fn key_password(&self) -> Option<Vec<u8>> {
        let ask = self.key_password.get()?;
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

/// A property list for the time of a call; none for no properties.
struct Lent(Option<OwnedList>);

impl Lent {
    fn new(properties: Properties<'_>) -> Self {
        Lent(if properties.is_empty() {
            None
        } else {
            OwnedList::from_wire(properties)
        })
    }

    fn as_ptr(&self) -> *const mosquitto_property {
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
