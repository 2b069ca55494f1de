//! The program's callbacks.
//!
//! Callbacks of one client are called one at a time, in the thread that runs its loop, with
//! no lock held: a callback may call any function on any client, `mosquitto_destroy` and the
//! setters here included.

use super::constants::callback_types::*;
use super::guard::guard;
use super::handle::{enter, mosquitto};

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
/// is 0 for QoS 0. Where both are set, this one is called before `_v5`, and neither for a message
/// that a callback of `mqttrs_message_callback_add` gets.
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
            let wanted = || contents.callbacks.logging();
            contents.client().set_logging(wanted);
        }
    })
}
