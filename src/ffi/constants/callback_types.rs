//! Types of the callbacks a program can set.
//!
//! `obj` is the user data given to `mosquitto_new`. Whatever else a callback gets a pointer
//! to belongs to the library and lives until the callback returns. `props` is NULL when
//! there are no properties, and always below MQTT 5.

use std::ffi::{c_char, c_int, c_void};

use super::structures::mosquitto_message;
use crate::ffi::handle::mosquitto;
use crate::ffi::property::mosquitto_property;

/// Runs before each attempt to connect.
pub type LIBMOSQ_CB_pre_connect =
    Option<unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void)>;

/// Runs when CONNACK arrived; `rc` is its return code or reason code.
pub type LIBMOSQ_CB_connect =
    Option<unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, rc: c_int)>;

/// `LIBMOSQ_CB_connect` with CONNACK's flags: bit 0 is session present.
pub type LIBMOSQ_CB_connect_with_flags =
    Option<unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, rc: c_int, flags: c_int)>;

/// `LIBMOSQ_CB_connect_with_flags` with CONNACK's properties.
pub type LIBMOSQ_CB_connect_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        rc: c_int,
        flags: c_int,
        props: *const mosquitto_property,
    ),
>;

/// Runs when the connection ended; `rc` is 0 when the program asked for it.
pub type LIBMOSQ_CB_disconnect =
    Option<unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, rc: c_int)>;

/// `LIBMOSQ_CB_disconnect` with the properties of the server's DISCONNECT.
pub type LIBMOSQ_CB_disconnect_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        rc: c_int,
        props: *const mosquitto_property,
    ),
>;

/// Runs when the message with the identifier `mid` is done with: QoS 0 when it was written,
/// QoS 1 on PUBACK, QoS 2 on PUBCOMP.
pub type LIBMOSQ_CB_publish =
    Option<unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, mid: c_int)>;

/// `LIBMOSQ_CB_publish` with the acknowledgement's reason code and properties.
pub type LIBMOSQ_CB_publish_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        mid: c_int,
        reason_code: c_int,
        props: *const mosquitto_property,
    ),
>;

/// Runs for each message that arrives.
pub type LIBMOSQ_CB_message = Option<
    unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, message: *const mosquitto_message),
>;

/// `LIBMOSQ_CB_message` with the message's properties.
pub type LIBMOSQ_CB_message_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        message: *const mosquitto_message,
        props: *const mosquitto_property,
    ),
>;

/// Runs when SUBACK arrived; `granted_qos` holds one code for each filter asked for, 128 and
/// above being refusals.
pub type LIBMOSQ_CB_subscribe = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        mid: c_int,
        qos_count: c_int,
        granted_qos: *const c_int,
    ),
>;

/// `LIBMOSQ_CB_subscribe` with SUBACK's properties.
pub type LIBMOSQ_CB_subscribe_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        mid: c_int,
        qos_count: c_int,
        granted_qos: *const c_int,
        props: *const mosquitto_property,
    ),
>;

/// Runs when UNSUBACK arrived.
pub type LIBMOSQ_CB_unsubscribe =
    Option<unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, mid: c_int)>;

/// `LIBMOSQ_CB_unsubscribe` with UNSUBACK's properties.
pub type LIBMOSQ_CB_unsubscribe_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        mid: c_int,
        props: *const mosquitto_property,
    ),
>;

/// `LIBMOSQ_CB_unsubscribe_v5` with one reason code for each filter, which only MQTT 5 has.
pub type LIBMOSQ_CB_unsubscribe2_v5 = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        mid: c_int,
        reason_code_count: c_int,
        reason_codes: *const c_int,
        props: *const mosquitto_property,
    ),
>;

/// Runs when the server's AUTH arrived. The answer is given by `mosquitto_ext_auth_continue`;
/// a result other than `MOSQ_ERR_SUCCESS` ends the connection.
pub type LIBMOSQ_CB_ext_auth = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        auth_method: *const c_char,
        auth_data_len: u16,
        auth_data: *const c_void,
        props: *const mosquitto_property,
    ) -> c_int,
>;

/// Runs for each log line; `level` is one of `MOSQ_LOG_*`.
pub type LIBMOSQ_CB_log = Option<
    unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, level: c_int, str: *const c_char),
>;
