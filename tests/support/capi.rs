//! The C API, declared by hand from its published prototypes and values.

#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_int, c_uint, c_void};

// Links the library whose functions are declared here.
use mqttrs as _;

/// The client handle.
#[repr(C)]
pub struct mosquitto {
    _opaque: [u8; 0],
}

/// A list of MQTT 5 properties.
#[repr(C)]
pub struct mosquitto_property {
    _opaque: [u8; 0],
}

/// A message as a callback gets it.
#[repr(C)]
pub struct mosquitto_message {
    pub mid: c_int,
    pub topic: *mut c_char,
    pub payload: *mut c_void,
    pub payloadlen: c_int,
    pub qos: c_int,
    pub retain: bool,
}

type Props = *const mosquitto_property;

pub type CB_connect = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int);
pub type CB_connect_with_flags = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, c_int);
pub type CB_connect_v5 = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, c_int, Props);
pub type CB_pre_connect = unsafe extern "C" fn(*mut mosquitto, *mut c_void);
pub type CB_disconnect = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int);
pub type CB_disconnect_v5 = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, Props);
pub type CB_publish = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int);
pub type CB_publish_v5 = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, c_int, Props);
pub type CB_message = unsafe extern "C" fn(*mut mosquitto, *mut c_void, *const mosquitto_message);
pub type CB_message_v5 =
    unsafe extern "C" fn(*mut mosquitto, *mut c_void, *const mosquitto_message, Props);
pub type CB_subscribe =
    unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, c_int, *const c_int);
pub type CB_subscribe_v5 =
    unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, c_int, *const c_int, Props);
pub type CB_unsubscribe = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int);
pub type CB_unsubscribe_v5 = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, Props);
pub type CB_unsubscribe2_v5 =
    unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, c_int, *const c_int, Props);
pub type CB_log = unsafe extern "C" fn(*mut mosquitto, *mut c_void, c_int, *const c_char);
pub type CB_ext_auth = unsafe extern "C" fn(
    *mut mosquitto,
    *mut c_void,
    *const c_char,
    u16,
    *const c_void,
    Props,
) -> c_int;

extern "C" {
    pub fn mosquitto_connect(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        keepalive: c_int,
    ) -> c_int;
    pub fn mosquitto_connect_async(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        keepalive: c_int,
    ) -> c_int;
    pub fn mosquitto_connect_bind(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        keepalive: c_int,
        bind_address: *const c_char,
    ) -> c_int;
    pub fn mosquitto_connect_bind_async(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        keepalive: c_int,
        bind_address: *const c_char,
    ) -> c_int;
    pub fn mosquitto_connect_bind_v5(
        mosq: *mut mosquitto,
        host: *const c_char,
        port: c_int,
        keepalive: c_int,
        bind_address: *const c_char,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_connect_callback_set(mosq: *mut mosquitto, on_connect: Option<CB_connect>);
    pub fn mosquitto_connect_with_flags_callback_set(
        mosq: *mut mosquitto,
        on_connect: Option<CB_connect_with_flags>,
    );
    pub fn mosquitto_connect_v5_callback_set(
        mosq: *mut mosquitto,
        on_connect: Option<CB_connect_v5>,
    );
    pub fn mosquitto_destroy(mosq: *mut mosquitto);
    pub fn mosquitto_disconnect(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_disconnect_v5(
        mosq: *mut mosquitto,
        reason_code: c_int,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_disconnect_callback_set(
        mosq: *mut mosquitto,
        on_disconnect: Option<CB_disconnect>,
    );
    pub fn mosquitto_disconnect_v5_callback_set(
        mosq: *mut mosquitto,
        on_disconnect: Option<CB_disconnect_v5>,
    );
    pub fn mosquitto_lib_init() -> c_int;
    pub fn mosquitto_lib_cleanup() -> c_int;
    pub fn mosquitto_log_callback_set(mosq: *mut mosquitto, on_log: Option<CB_log>);
    pub fn mosquitto_loop(mosq: *mut mosquitto, timeout: c_int, max_packets: c_int) -> c_int;
    pub fn mosquitto_loop_misc(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_loop_read(mosq: *mut mosquitto, max_packets: c_int) -> c_int;
    pub fn mosquitto_loop_write(mosq: *mut mosquitto, max_packets: c_int) -> c_int;
    pub fn mosquitto_loop_start(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_loop_stop(mosq: *mut mosquitto, force: bool) -> c_int;
    pub fn mosquitto_loop_forever(
        mosq: *mut mosquitto,
        timeout: c_int,
        max_packets: c_int,
    ) -> c_int;
    pub fn mosquitto_message_callback_set(mosq: *mut mosquitto, on_message: Option<CB_message>);
    pub fn mosquitto_message_v5_callback_set(
        mosq: *mut mosquitto,
        on_message: Option<CB_message_v5>,
    );
    pub fn mosquitto_new(
        id: *const c_char,
        clean_session: bool,
        obj: *mut c_void,
    ) -> *mut mosquitto;
    pub fn mosquitto_publish(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        topic: *const c_char,
        payloadlen: c_int,
        payload: *const c_void,
        qos: c_int,
        retain: bool,
    ) -> c_int;
    pub fn mosquitto_publish_v5(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        topic: *const c_char,
        payloadlen: c_int,
        payload: *const c_void,
        qos: c_int,
        retain: bool,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_publish_callback_set(mosq: *mut mosquitto, on_publish: Option<CB_publish>);
    pub fn mosquitto_publish_v5_callback_set(
        mosq: *mut mosquitto,
        on_publish: Option<CB_publish_v5>,
    );
    pub fn mosquitto_reconnect(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_reconnect_async(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_reinitialise(
        mosq: *mut mosquitto,
        id: *const c_char,
        clean_session: bool,
        obj: *mut c_void,
    ) -> c_int;
    pub fn mosquitto_socket(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_subscribe(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        sub: *const c_char,
        qos: c_int,
    ) -> c_int;
    pub fn mosquitto_subscribe_v5(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        sub: *const c_char,
        qos: c_int,
        options: c_int,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_subscribe_multiple(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        sub_count: c_int,
        sub: *const *mut c_char,
        qos: c_int,
        options: c_int,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_subscribe_callback_set(
        mosq: *mut mosquitto,
        on_subscribe: Option<CB_subscribe>,
    );
    pub fn mosquitto_subscribe_v5_callback_set(
        mosq: *mut mosquitto,
        on_subscribe: Option<CB_subscribe_v5>,
    );
    pub fn mosquitto_unsubscribe(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        sub: *const c_char,
    ) -> c_int;
    pub fn mosquitto_unsubscribe_v5(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        sub: *const c_char,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_unsubscribe_multiple(
        mosq: *mut mosquitto,
        mid: *mut c_int,
        sub_count: c_int,
        sub: *const *mut c_char,
        properties: *const mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_unsubscribe_callback_set(
        mosq: *mut mosquitto,
        on_unsubscribe: Option<CB_unsubscribe>,
    );
    pub fn mosquitto_unsubscribe_v5_callback_set(
        mosq: *mut mosquitto,
        on_unsubscribe: Option<CB_unsubscribe_v5>,
    );
    pub fn mosquitto_unsubscribe2_v5_callback_set(
        mosq: *mut mosquitto,
        on_unsubscribe: Option<CB_unsubscribe2_v5>,
    );
    pub fn mosquitto_pre_connect_callback_set(
        mosq: *mut mosquitto,
        on_pre_connect: Option<CB_pre_connect>,
    );
    pub fn mosquitto_user_data_set(mosq: *mut mosquitto, obj: *mut c_void);
    pub fn mosquitto_userdata(mosq: *mut mosquitto) -> *mut c_void;
    pub fn mosquitto_username_pw_set(
        mosq: *mut mosquitto,
        username: *const c_char,
        password: *const c_char,
    ) -> c_int;
    pub fn mosquitto_want_write(mosq: *mut mosquitto) -> bool;
    pub fn mosquitto_will_clear(mosq: *mut mosquitto) -> c_int;
    pub fn mosquitto_will_set(
        mosq: *mut mosquitto,
        topic: *const c_char,
        payloadlen: c_int,
        payload: *const c_void,
        qos: c_int,
        retain: bool,
    ) -> c_int;
    pub fn mosquitto_will_set_v5(
        mosq: *mut mosquitto,
        topic: *const c_char,
        payloadlen: c_int,
        payload: *const c_void,
        qos: c_int,
        retain: bool,
        properties: *mut mosquitto_property,
    ) -> c_int;
    pub fn mosquitto_max_inflight_messages_set(
        mosq: *mut mosquitto,
        max_inflight_messages: c_uint,
    ) -> c_int;
    pub fn mosquitto_reconnect_delay_set(
        mosq: *mut mosquitto,
        reconnect_delay: c_uint,
        reconnect_delay_max: c_uint,
        reconnect_exponential_backoff: bool,
    ) -> c_int;
    pub fn mosquitto_opts_set(mosq: *mut mosquitto, option: c_int, value: *mut c_void) -> c_int;
    pub fn mosquitto_int_option(mosq: *mut mosquitto, option: c_int, value: c_int) -> c_int;
    pub fn mosquitto_string_option(
        mosq: *mut mosquitto,
        option: c_int,
        value: *const c_char,
    ) -> c_int;
    pub fn mosquitto_threaded_set(mosq: *mut mosquitto, threaded: bool) -> c_int;
    pub fn mosquitto_property_add_binary(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        value: *const c_void,
        len: u16,
    ) -> c_int;
    pub fn mosquitto_property_add_byte(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        value: u8,
    ) -> c_int;
    pub fn mosquitto_property_add_int16(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        value: u16,
    ) -> c_int;
    pub fn mosquitto_property_add_int32(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        value: u32,
    ) -> c_int;
    pub fn mosquitto_property_add_string(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        value: *const c_char,
    ) -> c_int;
    pub fn mosquitto_property_add_string_pair(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        name: *const c_char,
        value: *const c_char,
    ) -> c_int;
    pub fn mosquitto_property_add_varint(
        proplist: *mut *mut mosquitto_property,
        identifier: c_int,
        value: u32,
    ) -> c_int;
    pub fn mosquitto_property_free_all(properties: *mut *mut mosquitto_property);
    pub fn mosquitto_property_read_binary(
        proplist: *const mosquitto_property,
        identifier: c_int,
        value: *mut *mut c_void,
        len: *mut u16,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_read_byte(
        proplist: *const mosquitto_property,
        identifier: c_int,
        value: *mut u8,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_read_int16(
        proplist: *const mosquitto_property,
        identifier: c_int,
        value: *mut u16,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_read_int32(
        proplist: *const mosquitto_property,
        identifier: c_int,
        value: *mut u32,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_read_string(
        proplist: *const mosquitto_property,
        identifier: c_int,
        value: *mut *mut c_char,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_read_string_pair(
        proplist: *const mosquitto_property,
        identifier: c_int,
        name: *mut *mut c_char,
        value: *mut *mut c_char,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_read_varint(
        proplist: *const mosquitto_property,
        identifier: c_int,
        value: *mut u32,
        skip_first: bool,
    ) -> *const mosquitto_property;
    pub fn mosquitto_property_identifier(property: *const mosquitto_property) -> c_int;
    pub fn mosquitto_property_next(proplist: *const mosquitto_property) -> *mut mosquitto_property;
    pub fn mosquitto_ext_auth_callback_set(mosq: *mut mosquitto, on_ext_auth: Option<CB_ext_auth>);
    pub fn mosquitto_ext_auth_continue(
        context: *mut mosquitto,
        auth_method: *const c_char,
        auth_data_len: u16,
        auth_data: *const c_void,
        props: *const mosquitto_property,
    ) -> c_int;
}

pub const MQTT_SUB_OPT_NO_LOCAL: c_int = 4;
pub const MQTT_SUB_OPT_RETAIN_AS_PUBLISHED: c_int = 8;
pub const MQTT_SUB_OPT_SEND_RETAIN_ALWAYS: c_int = 0;
pub const MQTT_SUB_OPT_SEND_RETAIN_NEW: c_int = 16;
pub const MQTT_SUB_OPT_SEND_RETAIN_NEVER: c_int = 32;
pub const MOSQ_ERR_QUOTA_EXCEEDED: c_int = -6;
pub const MOSQ_ERR_AUTH_DELAYED: c_int = -5;
pub const MOSQ_ERR_AUTH_CONTINUE: c_int = -4;
pub const MOSQ_ERR_NO_SUBSCRIBERS: c_int = -3;
pub const MOSQ_ERR_SUB_EXISTS: c_int = -2;
pub const MOSQ_ERR_CONN_PENDING: c_int = -1;
pub const MOSQ_ERR_SUCCESS: c_int = 0;
pub const MOSQ_ERR_NOMEM: c_int = 1;
pub const MOSQ_ERR_PROTOCOL: c_int = 2;
pub const MOSQ_ERR_INVAL: c_int = 3;
pub const MOSQ_ERR_NO_CONN: c_int = 4;
pub const MOSQ_ERR_CONN_REFUSED: c_int = 5;
pub const MOSQ_ERR_NOT_FOUND: c_int = 6;
pub const MOSQ_ERR_CONN_LOST: c_int = 7;
pub const MOSQ_ERR_TLS: c_int = 8;
pub const MOSQ_ERR_PAYLOAD_SIZE: c_int = 9;
pub const MOSQ_ERR_NOT_SUPPORTED: c_int = 10;
pub const MOSQ_ERR_AUTH: c_int = 11;
pub const MOSQ_ERR_ACL_DENIED: c_int = 12;
pub const MOSQ_ERR_UNKNOWN: c_int = 13;
pub const MOSQ_ERR_ERRNO: c_int = 14;
pub const MOSQ_ERR_EAI: c_int = 15;
pub const MOSQ_ERR_PROXY: c_int = 16;
pub const MOSQ_ERR_PLUGIN_DEFER: c_int = 17;
pub const MOSQ_ERR_MALFORMED_UTF8: c_int = 18;
pub const MOSQ_ERR_KEEPALIVE: c_int = 19;
pub const MOSQ_ERR_LOOKUP: c_int = 20;
pub const MOSQ_ERR_MALFORMED_PACKET: c_int = 21;
pub const MOSQ_ERR_DUPLICATE_PROPERTY: c_int = 22;
pub const MOSQ_ERR_TLS_HANDSHAKE: c_int = 23;
pub const MOSQ_ERR_QOS_NOT_SUPPORTED: c_int = 24;
pub const MOSQ_ERR_OVERSIZE_PACKET: c_int = 25;
pub const MOSQ_ERR_OCSP: c_int = 26;
pub const MOSQ_ERR_TIMEOUT: c_int = 27;
pub const MOSQ_ERR_ALREADY_EXISTS: c_int = 31;
pub const MOSQ_ERR_PLUGIN_IGNORE: c_int = 32;
pub const MOSQ_ERR_HTTP_BAD_ORIGIN: c_int = 33;
pub const MOSQ_ERR_UNSPECIFIED: c_int = 128;
pub const MOSQ_ERR_IMPLEMENTATION_SPECIFIC: c_int = 131;
pub const MOSQ_ERR_UNSUPPORTED_PROTOCOL_VERSION: c_int = 132;
pub const MOSQ_ERR_CLIENT_IDENTIFIER_NOT_VALID: c_int = 133;
pub const MOSQ_ERR_BAD_USERNAME_OR_PASSWORD: c_int = 134;
pub const MOSQ_ERR_SERVER_UNAVAILABLE: c_int = 136;
pub const MOSQ_ERR_SERVER_BUSY: c_int = 137;
pub const MOSQ_ERR_BANNED: c_int = 138;
pub const MOSQ_ERR_SERVER_SHUTTING_DOWN: c_int = 139;
pub const MOSQ_ERR_BAD_AUTHENTICATION_METHOD: c_int = 140;
pub const MOSQ_ERR_SESSION_TAKEN_OVER: c_int = 142;
pub const MOSQ_ERR_TOPIC_FILTER_INVALID: c_int = 143;
pub const MOSQ_ERR_TOPIC_NAME_INVALID: c_int = 144;
pub const MOSQ_ERR_PACKET_ID_IN_USE: c_int = 145;
pub const MOSQ_ERR_PACKET_ID_NOT_FOUND: c_int = 146;
pub const MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED: c_int = 147;
pub const MOSQ_ERR_TOPIC_ALIAS_INVALID: c_int = 148;
pub const MOSQ_ERR_MESSAGE_RATE_TOO_HIGH: c_int = 150;
pub const MOSQ_ERR_ADMINISTRATIVE_ACTION: c_int = 152;
pub const MOSQ_ERR_PAYLOAD_FORMAT_INVALID: c_int = 153;
pub const MOSQ_ERR_RETAIN_NOT_SUPPORTED: c_int = 154;
pub const MOSQ_ERR_USE_ANOTHER_SERVER: c_int = 156;
pub const MOSQ_ERR_SERVER_MOVED: c_int = 157;
pub const MOSQ_ERR_SHARED_SUBS_NOT_SUPPORTED: c_int = 158;
pub const MOSQ_ERR_CONNECTION_RATE_EXCEEDED: c_int = 159;
pub const MOSQ_ERR_MAXIMUM_CONNECT_TIME: c_int = 160;
pub const MOSQ_ERR_SUBSCRIPTION_IDS_NOT_SUPPORTED: c_int = 161;
pub const MOSQ_ERR_WILDCARD_SUBS_NOT_SUPPORTED: c_int = 162;
pub const MOSQ_OPT_PROTOCOL_VERSION: c_int = 1;
pub const MOSQ_OPT_SSL_CTX: c_int = 2;
pub const MOSQ_OPT_SSL_CTX_WITH_DEFAULTS: c_int = 3;
pub const MOSQ_OPT_RECEIVE_MAXIMUM: c_int = 4;
pub const MOSQ_OPT_SEND_MAXIMUM: c_int = 5;
pub const MOSQ_OPT_TLS_KEYFORM: c_int = 6;
pub const MOSQ_OPT_TLS_ENGINE: c_int = 7;
pub const MOSQ_OPT_TLS_ENGINE_KPASS_SHA1: c_int = 8;
pub const MOSQ_OPT_TLS_OCSP_REQUIRED: c_int = 9;
pub const MOSQ_OPT_TLS_ALPN: c_int = 10;
pub const MOSQ_OPT_TCP_NODELAY: c_int = 11;
pub const MOSQ_OPT_BIND_ADDRESS: c_int = 12;
pub const MOSQ_OPT_TLS_USE_OS_CERTS: c_int = 13;
pub const MOSQ_OPT_DISABLE_SOCKETPAIR: c_int = 14;
pub const MOSQ_OPT_TRANSPORT: c_int = 15;
pub const MOSQ_OPT_HTTP_PATH: c_int = 16;
pub const MOSQ_OPT_HTTP_HEADER_SIZE: c_int = 17;
