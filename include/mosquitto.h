/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * Made from the sources in src/ffi by `make headers`: not to be edited. */

#ifndef MOSQUITTO_H
#define MOSQUITTO_H

#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

#include "mqtt_protocol.h"

/* Programs and headers written for libmosquitto may use these; here they say nothing. */
#ifndef libmosq_EXPORT
#define libmosq_EXPORT
#endif
#ifndef libcommon_EXPORT
#define libcommon_EXPORT
#endif
#ifndef mosq_EXPORT
#define mosq_EXPORT
#endif

/* A property list is the pointer to its first property; NULL is the empty list. */
struct mqtt5__property;
typedef struct mqtt5__property mosquitto_property;

/**
 * Major version of the libmosquitto whose interface this is.
 */
#define LIBMOSQUITTO_MAJOR 2

/**
 * Minor version of the libmosquitto whose interface this is.
 */
#define LIBMOSQUITTO_MINOR 1

/**
 * Revision of the libmosquitto whose interface this is.
 */
#define LIBMOSQUITTO_REVISION 2

/**
 * The version in one number: 2001002 for 2.1.2.
 */
#define LIBMOSQUITTO_VERSION_NUMBER (((LIBMOSQUITTO_MAJOR * 1000000) + (LIBMOSQUITTO_MINOR * 1000)) + LIBMOSQUITTO_REVISION)

/**
 * No log lines.
 */
#define MOSQ_LOG_NONE 0

/**
 * Log line: information.
 */
#define MOSQ_LOG_INFO 1

/**
 * Log line: worth noticing.
 */
#define MOSQ_LOG_NOTICE 2

/**
 * Log line: something may be wrong.
 */
#define MOSQ_LOG_WARNING 4

/**
 * Log line: something is wrong.
 */
#define MOSQ_LOG_ERR 8

/**
 * Log line: every packet.
 */
#define MOSQ_LOG_DEBUG 16

/**
 * Log line of a broker: subscriptions.
 */
#define MOSQ_LOG_SUBSCRIBE 32

/**
 * Log line of a broker: subscriptions that end.
 */
#define MOSQ_LOG_UNSUBSCRIBE 64

/**
 * Log line of a broker: WebSockets.
 */
#define MOSQ_LOG_WEBSOCKETS 128

/**
 * Log line of a broker: its own workings.
 */
#define MOSQ_LOG_INTERNAL 2147483648u

/**
 * Every kind of log line.
 */
#define MOSQ_LOG_ALL 4294967295u

/**
 * The longest client identifier that MQTT 3.1 allows, in characters.
 */
#define MOSQ_MQTT_ID_MAX_LENGTH 23

/**
 * `MOSQ_OPT_PROTOCOL_VERSION`: MQTT 3.1.
 */
#define MQTT_PROTOCOL_V31 3

/**
 * `MOSQ_OPT_PROTOCOL_VERSION`: MQTT 3.1.1.
 */
#define MQTT_PROTOCOL_V311 4

/**
 * `MOSQ_OPT_PROTOCOL_VERSION`: MQTT 5.0.
 */
#define MQTT_PROTOCOL_V5 5

/**
 * What the functions return.
 */
enum mosq_err_t {
    MOSQ_ERR_QUOTA_EXCEEDED = -6,
    MOSQ_ERR_AUTH_DELAYED = -5,
    MOSQ_ERR_AUTH_CONTINUE = -4,
    MOSQ_ERR_NO_SUBSCRIBERS = -3,
    MOSQ_ERR_SUB_EXISTS = -2,
    MOSQ_ERR_CONN_PENDING = -1,
    /**
     * No error.
     */
    MOSQ_ERR_SUCCESS = 0,
    /**
     * Memory ran out.
     */
    MOSQ_ERR_NOMEM = 1,
    /**
     * The peer or a property list broke a rule of MQTT.
     */
    MOSQ_ERR_PROTOCOL = 2,
    /**
     * An argument is not allowed.
     */
    MOSQ_ERR_INVAL = 3,
    /**
     * There is no connection.
     */
    MOSQ_ERR_NO_CONN = 4,
    /**
     * The server refused the connection.
     */
    MOSQ_ERR_CONN_REFUSED = 5,
    MOSQ_ERR_NOT_FOUND = 6,
    /**
     * The connection ended without a DISCONNECT.
     */
    MOSQ_ERR_CONN_LOST = 7,
    /**
     * TLS failed.
     */
    MOSQ_ERR_TLS = 8,
    /**
     * The payload is longer than MQTT can carry.
     */
    MOSQ_ERR_PAYLOAD_SIZE = 9,
    /**
     * This library, or the protocol version in use, lacks the feature.
     */
    MOSQ_ERR_NOT_SUPPORTED = 10,
    MOSQ_ERR_AUTH = 11,
    MOSQ_ERR_ACL_DENIED = 12,
    MOSQ_ERR_UNKNOWN = 13,
    /**
     * The operating system reported an error: see `errno`.
     */
    MOSQ_ERR_ERRNO = 14,
    /**
     * The host name could not be resolved.
     */
    MOSQ_ERR_EAI = 15,
    /**
     * The proxy refused.
     */
    MOSQ_ERR_PROXY = 16,
    MOSQ_ERR_PLUGIN_DEFER = 17,
    /**
     * A string is not UTF-8 as MQTT wants it.
     */
    MOSQ_ERR_MALFORMED_UTF8 = 18,
    /**
     * Nothing came from the server within the keep alive interval.
     */
    MOSQ_ERR_KEEPALIVE = 19,
    MOSQ_ERR_LOOKUP = 20,
    /**
     * The server sent bytes that are no MQTT packet.
     */
    MOSQ_ERR_MALFORMED_PACKET = 21,
    /**
     * A property that may occur once occurs twice.
     */
    MOSQ_ERR_DUPLICATE_PROPERTY = 22,
    MOSQ_ERR_TLS_HANDSHAKE = 23,
    /**
     * The QoS is above what the server allows.
     */
    MOSQ_ERR_QOS_NOT_SUPPORTED = 24,
    /**
     * The packet is larger than the server allows.
     */
    MOSQ_ERR_OVERSIZE_PACKET = 25,
    MOSQ_ERR_OCSP = 26,
    MOSQ_ERR_TIMEOUT = 27,
    MOSQ_ERR_ALREADY_EXISTS = 31,
    MOSQ_ERR_PLUGIN_IGNORE = 32,
    MOSQ_ERR_HTTP_BAD_ORIGIN = 33,
    MOSQ_ERR_UNSPECIFIED = 128,
    MOSQ_ERR_IMPLEMENTATION_SPECIFIC = 131,
    MOSQ_ERR_UNSUPPORTED_PROTOCOL_VERSION = 132,
    MOSQ_ERR_CLIENT_IDENTIFIER_NOT_VALID = 133,
    MOSQ_ERR_BAD_USERNAME_OR_PASSWORD = 134,
    MOSQ_ERR_SERVER_UNAVAILABLE = 136,
    MOSQ_ERR_SERVER_BUSY = 137,
    MOSQ_ERR_BANNED = 138,
    MOSQ_ERR_SERVER_SHUTTING_DOWN = 139,
    MOSQ_ERR_BAD_AUTHENTICATION_METHOD = 140,
    MOSQ_ERR_SESSION_TAKEN_OVER = 142,
    MOSQ_ERR_TOPIC_FILTER_INVALID = 143,
    MOSQ_ERR_TOPIC_NAME_INVALID = 144,
    MOSQ_ERR_PACKET_ID_IN_USE = 145,
    MOSQ_ERR_PACKET_ID_NOT_FOUND = 146,
    MOSQ_ERR_RECEIVE_MAXIMUM_EXCEEDED = 147,
    MOSQ_ERR_TOPIC_ALIAS_INVALID = 148,
    MOSQ_ERR_MESSAGE_RATE_TOO_HIGH = 150,
    MOSQ_ERR_ADMINISTRATIVE_ACTION = 152,
    MOSQ_ERR_PAYLOAD_FORMAT_INVALID = 153,
    MOSQ_ERR_RETAIN_NOT_SUPPORTED = 154,
    MOSQ_ERR_USE_ANOTHER_SERVER = 156,
    MOSQ_ERR_SERVER_MOVED = 157,
    MOSQ_ERR_SHARED_SUBS_NOT_SUPPORTED = 158,
    MOSQ_ERR_CONNECTION_RATE_EXCEEDED = 159,
    MOSQ_ERR_MAXIMUM_CONNECT_TIME = 160,
    MOSQ_ERR_SUBSCRIPTION_IDS_NOT_SUPPORTED = 161,
    MOSQ_ERR_WILDCARD_SUBS_NOT_SUPPORTED = 162,
};

/**
 * Options for `mosquitto_int_option`, `mosquitto_string_option` and `mosquitto_void_option`.
 */
enum mosq_opt_t {
    MOSQ_OPT_PROTOCOL_VERSION = 1,
    MOSQ_OPT_SSL_CTX = 2,
    MOSQ_OPT_SSL_CTX_WITH_DEFAULTS = 3,
    MOSQ_OPT_RECEIVE_MAXIMUM = 4,
    MOSQ_OPT_SEND_MAXIMUM = 5,
    MOSQ_OPT_TLS_KEYFORM = 6,
    MOSQ_OPT_TLS_ENGINE = 7,
    MOSQ_OPT_TLS_ENGINE_KPASS_SHA1 = 8,
    MOSQ_OPT_TLS_OCSP_REQUIRED = 9,
    MOSQ_OPT_TLS_ALPN = 10,
    MOSQ_OPT_TCP_NODELAY = 11,
    MOSQ_OPT_BIND_ADDRESS = 12,
    MOSQ_OPT_TLS_USE_OS_CERTS = 13,
    MOSQ_OPT_DISABLE_SOCKETPAIR = 14,
    MOSQ_OPT_TRANSPORT = 15,
    MOSQ_OPT_HTTP_PATH = 16,
    MOSQ_OPT_HTTP_HEADER_SIZE = 17,
};

/**
 * Values of `MOSQ_OPT_TRANSPORT`.
 */
enum mosq_transport_t {
    MOSQ_T_TCP = 1,
    MOSQ_T_WEBSOCKETS = 2,
};

/**
 * An MQTT client. Programs hold pointers to it and know nothing of its inside.
 */
struct mosquitto;

/**
 * Runs when CONNACK arrived; `rc` is its return code or reason code.
 */
typedef void (*LIBMOSQ_CB_connect)(struct mosquitto *mosq, void *obj, int rc);

/**
 * `LIBMOSQ_CB_connect` with CONNACK's flags: bit 0 is session present.
 */
typedef void (*LIBMOSQ_CB_connect_with_flags)(struct mosquitto *mosq, void *obj, int rc, int flags);

/**
 * `LIBMOSQ_CB_connect_with_flags` with CONNACK's properties.
 */
typedef void (*LIBMOSQ_CB_connect_v5)(struct mosquitto *mosq,
                                      void *obj,
                                      int rc,
                                      int flags,
                                      const mosquitto_property *props);

/**
 * Runs before each attempt to connect.
 */
typedef void (*LIBMOSQ_CB_pre_connect)(struct mosquitto *mosq, void *obj);

/**
 * Runs when the connection ended; `rc` is 0 when the program asked for it.
 */
typedef void (*LIBMOSQ_CB_disconnect)(struct mosquitto *mosq, void *obj, int rc);

/**
 * `LIBMOSQ_CB_disconnect` with the properties of the server's DISCONNECT.
 */
typedef void (*LIBMOSQ_CB_disconnect_v5)(struct mosquitto *mosq,
                                         void *obj,
                                         int rc,
                                         const mosquitto_property *props);

/**
 * Runs when the message with the identifier `mid` is done with: QoS 0 when it was written,
 * QoS 1 on PUBACK, QoS 2 on PUBCOMP.
 */
typedef void (*LIBMOSQ_CB_publish)(struct mosquitto *mosq, void *obj, int mid);

/**
 * `LIBMOSQ_CB_publish` with the acknowledgement's reason code and properties.
 */
typedef void (*LIBMOSQ_CB_publish_v5)(struct mosquitto *mosq,
                                      void *obj,
                                      int mid,
                                      int reason_code,
                                      const mosquitto_property *props);

/**
 * A message, as callbacks lend it and `mosquitto_message_copy` copies it.
 */
struct mosquitto_message {
    /**
     * The packet identifier; 0 for QoS 0.
     */
    int mid;
    /**
     * The topic name.
     */
    char *topic;
    /**
     * The payload, with a NUL behind its last byte; NULL when it is empty.
     */
    void *payload;
    /**
     * The payload's length in bytes, without the NUL.
     */
    int payloadlen;
    /**
     * Quality of service: 0, 1 or 2.
     */
    int qos;
    /**
     * Whether the server had kept the message.
     */
    bool retain;
};

/**
 * Runs for each message that arrives.
 */
typedef void (*LIBMOSQ_CB_message)(struct mosquitto *mosq,
                                   void *obj,
                                   const struct mosquitto_message *message);

/**
 * `LIBMOSQ_CB_message` with the message's properties.
 */
typedef void (*LIBMOSQ_CB_message_v5)(struct mosquitto *mosq,
                                      void *obj,
                                      const struct mosquitto_message *message,
                                      const mosquitto_property *props);

/**
 * Runs when SUBACK arrived; `granted_qos` holds one code for each filter asked for, 128 and
 * above being refusals.
 */
typedef void (*LIBMOSQ_CB_subscribe)(struct mosquitto *mosq,
                                     void *obj,
                                     int mid,
                                     int qos_count,
                                     const int *granted_qos);

/**
 * `LIBMOSQ_CB_subscribe` with SUBACK's properties.
 */
typedef void (*LIBMOSQ_CB_subscribe_v5)(struct mosquitto *mosq,
                                        void *obj,
                                        int mid,
                                        int qos_count,
                                        const int *granted_qos,
                                        const mosquitto_property *props);

/**
 * Runs when UNSUBACK arrived.
 */
typedef void (*LIBMOSQ_CB_unsubscribe)(struct mosquitto *mosq, void *obj, int mid);

/**
 * `LIBMOSQ_CB_unsubscribe` with UNSUBACK's properties.
 */
typedef void (*LIBMOSQ_CB_unsubscribe_v5)(struct mosquitto *mosq,
                                          void *obj,
                                          int mid,
                                          const mosquitto_property *props);

/**
 * `LIBMOSQ_CB_unsubscribe_v5` with one reason code for each filter, which only MQTT 5 has.
 */
typedef void (*LIBMOSQ_CB_unsubscribe2_v5)(struct mosquitto *mosq,
                                           void *obj,
                                           int mid,
                                           int reason_code_count,
                                           const int *reason_codes,
                                           const mosquitto_property *props);

/**
 * Runs when the server's AUTH arrived. The answer is given by `mosquitto_ext_auth_continue`;
 * a result other than `MOSQ_ERR_SUCCESS` ends the connection.
 */
typedef int (*LIBMOSQ_CB_ext_auth)(struct mosquitto *mosq,
                                   void *obj,
                                   const char *auth_method,
                                   uint16_t auth_data_len,
                                   const void *auth_data,
                                   const mosquitto_property *props);

/**
 * Runs for each log line; `level` is one of `MOSQ_LOG_*`.
 */
typedef void (*LIBMOSQ_CB_log)(struct mosquitto *mosq, void *obj, int level, const char *str);

/**
 * A last will for `mosquitto_subscribe_simple` and `mosquitto_subscribe_callback`.
 */
struct libmosquitto_will {
    /**
     * The topic name.
     */
    char *topic;
    /**
     * The payload; may be NULL when `payloadlen` is 0.
     */
    void *payload;
    /**
     * The payload's length in bytes.
     */
    int payloadlen;
    /**
     * Quality of service: 0, 1 or 2.
     */
    int qos;
    /**
     * Whether the server shall keep the message.
     */
    bool retain;
};

/**
 * TLS settings for `mosquitto_subscribe_simple` and `mosquitto_subscribe_callback`; see
 * `mosquitto_tls_set` and `mosquitto_tls_opts_set` for the meaning of each.
 */
struct libmosquitto_tls {
    /**
     * File with trusted certificates, or NULL.
     */
    char *cafile;
    /**
     * Folder with trusted certificates, or NULL.
     */
    char *capath;
    /**
     * File with the client's certificate, or NULL.
     */
    char *certfile;
    /**
     * File with the client's private key, or NULL.
     */
    char *keyfile;
    /**
     * Ciphers to use, or NULL.
     */
    char *ciphers;
    /**
     * TLS version to use, or NULL.
     */
    char *tls_version;
    /**
     * Asks for the password of an encrypted private key, or NULL.
     */
    int (*pw_callback)(char *buf, int size, int rwflag, void *userdata);
    /**
     * 0: the server's certificate is not verified; 1: it is.
     */
    int cert_reqs;
};

/**
 * A user name and a password.
 */
struct libmosquitto_auth {
    /**
     * The user name.
     */
    char *username;
    /**
     * The password.
     */
    char *password;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Sends AUTH: the program's next step of enhanced authentication, as an answer to what the
 * callback of `mosquitto_ext_auth_callback_set` was told.
 *
 * `auth_method` is the authentication method, the same as in CONNECT. `auth_data` has
 * `auth_data_len` bytes and may be NULL where there are none. `props` are further properties of
 * AUTH, without method and data, and may be NULL. All are copied and stay the program's.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `context` NULL or destroyed, `auth_method` NULL, and
 * `auth_data` NULL with a length; MOSQ_ERR_MALFORMED_UTF8; MOSQ_ERR_NO_CONN without a connection;
 * MOSQ_ERR_NOT_SUPPORTED below MQTT 5; MOSQ_ERR_PROTOCOL for a property that does not belong in
 * AUTH and when no authentication is going on; MOSQ_ERR_DUPLICATE_PROPERTY;
 * MOSQ_ERR_OVERSIZE_PACKET.
 *
 * The caller promises:
 * `context` is NULL or came from `mosquitto_new`; `auth_method` is NULL or a C string;
 * `auth_data` is NULL or has `auth_data_len` bytes; `props` is NULL or a valid list.
 */
libmosq_EXPORT
int mosquitto_ext_auth_continue(struct mosquitto *context,
                                const char *auth_method,
                                uint16_t auth_data_len,
                                const void *auth_data,
                                const mosquitto_property *props);

/**
 * Sets what is called when the server has answered CONNECT.
 *
 * The callback gets `rc`: 0 when the server accepted, else the CONNACK return code (MQTT
 * 3.1.1 section 3.2.2.3) or reason code (MQTT 5.0 section 3.2.2.2) of its refusal, for
 * `mosquitto_connack_string` or `mosquitto_reason_string`. After a reconnect it is called again.
 * Where several connect callbacks are set, all are called: this one, `_with_flags`, `_v5`.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_connect` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_connect_callback_set(struct mosquitto *mosq,
                                    LIBMOSQ_CB_connect on_connect);

/**
 * Sets what is called when the server has answered CONNECT, with the flags of CONNACK.
 *
 * As `mosquitto_connect_callback_set`; bit 0 of `flags` says that the server kept the session of
 * this client (MQTT 3.1.1 section 3.2.2.2).
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_connect` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_connect_with_flags_callback_set(struct mosquitto *mosq,
                                               LIBMOSQ_CB_connect_with_flags on_connect);

/**
 * Sets what is called when the server has answered CONNECT, with the flags and properties
 * of CONNACK.
 *
 * As `mosquitto_connect_with_flags_callback_set`; `props` is NULL where there are none and below
 * MQTT 5, and otherwise belongs to the library and lives until the callback returns.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_connect` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_connect_v5_callback_set(struct mosquitto *mosq,
                                       LIBMOSQ_CB_connect_v5 on_connect);

/**
 * Sets what is called before each attempt to connect, the automatic ones included.
 *
 * The callback may set the user name, password, TLS and other options, which this attempt
 * then uses.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_pre_connect` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_pre_connect_callback_set(struct mosquitto *mosq,
                                        LIBMOSQ_CB_pre_connect on_pre_connect);

/**
 * Sets what is called when a connection has ended.
 *
 * The callback gets `rc`: 0 when the program had called `mosquitto_disconnect`, the reason code
 * when an MQTT 5 server sent DISCONNECT, else the MOSQ_ERR_* value of what went wrong. It may call
 * `mosquitto_reconnect`. Where both are set, this one is called before `_v5`.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_disconnect` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_disconnect_callback_set(struct mosquitto *mosq,
                                       LIBMOSQ_CB_disconnect on_disconnect);

/**
 * Sets what is called when a connection has ended, with the properties of the server's
 * DISCONNECT.
 *
 * As `mosquitto_disconnect_callback_set`; `props` is NULL where there are none, and otherwise
 * belongs to the library and lives until the callback returns.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_disconnect` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_disconnect_v5_callback_set(struct mosquitto *mosq,
                                          LIBMOSQ_CB_disconnect_v5 on_disconnect);

/**
 * Sets what is called when a message has reached the end of its way.
 *
 * The callback gets the `mid` that `mosquitto_publish` gave: for QoS 0 when the message was
 * written out, for QoS 1 on PUBACK, for QoS 2 on PUBCOMP or a PUBREC that refuses it. Where both
 * are set, this one is called before `_v5`.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_publish` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_publish_callback_set(struct mosquitto *mosq,
                                    LIBMOSQ_CB_publish on_publish);

/**
 * Sets what is called when a message has reached the end of its way, with the server's
 * reason code and properties.
 *
 * As `mosquitto_publish_callback_set`; `reason_code` is 0 for QoS 0 and below MQTT 5, and 128 or
 * more where the server refused the message. `props` is NULL where there are none, and otherwise
 * belongs to the library and lives until the callback returns.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_publish` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_publish_v5_callback_set(struct mosquitto *mosq,
                                       LIBMOSQ_CB_publish_v5 on_publish);

/**
 * Sets what is called when a message has arrived.
 *
 * `message` and all it points to belong to the library and live until the callback returns;
 * `mosquitto_message_copy` keeps a copy. `topic` ends with NUL. `payload` is NULL when it is
 * empty; otherwise a NUL follows the `payloadlen` bytes, so that text can be read in place. `mid`
 * is 0 for QoS 0. Where both are set, this one is called before `_v5`, and neither for a message
 * that a callback of `mqttrs_message_callback_add` gets.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_message` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_message_callback_set(struct mosquitto *mosq,
                                    LIBMOSQ_CB_message on_message);

/**
 * Sets what is called when a message has arrived, with its properties.
 *
 * As `mosquitto_message_callback_set`; `props` is NULL where there are none and below MQTT 5, and
 * otherwise belongs to the library and lives until the callback returns.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_message` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_message_v5_callback_set(struct mosquitto *mosq,
                                       LIBMOSQ_CB_message_v5 on_message);

/**
 * Sets what is called when the server has answered a SUBSCRIBE.
 *
 * The callback gets the `mid` that `mosquitto_subscribe` gave and, for each topic filter in order,
 * the QoS granted, or a code of 128 or more where the server refused it. `granted_qos` has
 * `qos_count` entries, at least one, and lives until the callback returns. Where both are set,
 * this one is called before `_v5`.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_subscribe` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_subscribe_callback_set(struct mosquitto *mosq,
                                      LIBMOSQ_CB_subscribe on_subscribe);

/**
 * Sets what is called when the server has answered a SUBSCRIBE, with the properties of
 * SUBACK.
 *
 * As `mosquitto_subscribe_callback_set`; `props` is NULL where there are none and below MQTT 5, and
 * otherwise belongs to the library and lives until the callback returns.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_subscribe` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_subscribe_v5_callback_set(struct mosquitto *mosq,
                                         LIBMOSQ_CB_subscribe_v5 on_subscribe);

/**
 * Sets what is called when the server has answered an UNSUBSCRIBE.
 *
 * The callback gets the `mid` that `mosquitto_unsubscribe` gave. Where several unsubscribe
 * callbacks are set, all are called: this one, `_v5`, `unsubscribe2_v5`.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_unsubscribe` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_unsubscribe_callback_set(struct mosquitto *mosq,
                                        LIBMOSQ_CB_unsubscribe on_unsubscribe);

/**
 * Sets what is called when the server has answered an UNSUBSCRIBE, with the properties of
 * UNSUBACK.
 *
 * As `mosquitto_unsubscribe_callback_set`; `props` is NULL where there are none and below MQTT 5,
 * and otherwise belongs to the library and lives until the callback returns.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_unsubscribe` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_unsubscribe_v5_callback_set(struct mosquitto *mosq,
                                           LIBMOSQ_CB_unsubscribe_v5 on_unsubscribe);

/**
 * Sets what is called when the server has answered an UNSUBSCRIBE, with a reason code for
 * each topic filter and the properties of UNSUBACK.
 *
 * As `mosquitto_unsubscribe_v5_callback_set`; `reason_codes` has `reason_code_count` entries and
 * lives until the callback returns. Below MQTT 5 an UNSUBACK has no codes: then the count is 0
 * and `reason_codes` NULL.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_unsubscribe` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_unsubscribe2_v5_callback_set(struct mosquitto *mosq,
                                            LIBMOSQ_CB_unsubscribe2_v5 on_unsubscribe);

/**
 * Sets what is called when the server sends AUTH: a step of enhanced authentication (MQTT 5.0
 * section 4.12).
 *
 * The callback gets the authentication method, ending with NUL, the `auth_data_len` bytes of
 * authentication data, NULL where there are none and otherwise followed by a NUL, and the
 * properties of AUTH. All belong to the library and live until the callback returns. It answers
 * with `mosquitto_ext_auth_continue`, at once or later, and returns 0; another value ends the
 * connection. Without this callback an AUTH ends the connection.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_ext_auth` is NULL or a function of this type.
 */
libmosq_EXPORT
void mosquitto_ext_auth_callback_set(struct mosquitto *mosq,
                                     LIBMOSQ_CB_ext_auth on_ext_auth);

/**
 * Sets what is called with each line the library has to log.
 *
 * `level` is one of MOSQ_LOG_INFO, _NOTICE, _WARNING, _ERR and _DEBUG. `str` ends with NUL, has no
 * line break, belongs to the library and lives until the callback returns. Without this
 * callback no line is made.
 *
 * May be called at any time from any thread, inside callbacks too; NULL removes the
 * callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `on_log` is NULL or a function of this type.
 */
libmosq_EXPORT void mosquitto_log_callback_set(struct mosquitto *mosq, LIBMOSQ_CB_log on_log);

/**
 * Connects to a server: resolves `host`, opens the connection, sends CONNECT, and returns
 * without waiting for the answer, which arrives in the loop and reaches the connect
 * callbacks.
 *
 * `host` is a name, an address, or with port 0 the path of a Unix socket; it is copied and
 * used for reconnects. `port` is 0 to 65535, usually 1883. `keepalive` is the longest silence
 * in seconds before the client sends PINGREQ: 0 for never, or 2 to 65535 (MQTT 5.0
 * section 3.1.2.10).
 *
 * Blocks until the network connection stands or cannot be made. A proxy and the handshakes of
 * TLS and WebSocket are the loop's: what fails there the loop functions return, MOSQ_ERR_TLS
 * for TLS. Settings of TLS that cannot be, such as a key that does not fit its certificate,
 * are this function's MOSQ_ERR_TLS. Any thread; in a callback it holds up the loop meanwhile. A connection that is open is closed first.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `host` NULL, `port` or
 * `keepalive` out of range; MOSQ_ERR_EAI when `host` cannot be resolved; MOSQ_ERR_ERRNO, with
 * `errno` set, when the system or the server's host refused; MOSQ_ERR_NOT_SUPPORTED when the
 * options ask for what this build lacks.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `host` is NULL or a C string.
 */
libmosq_EXPORT
int mosquitto_connect(struct mosquitto *mosq,
                      const char *host,
                      int port,
                      int keepalive);

/**
 * Connects to a server from a chosen local address.
 *
 * As `mosquitto_connect`; `bind_address` is the address or name of the local interface,
 * copied and kept as MOSQ_OPT_BIND_ADDRESS. NULL leaves that option as it is.
 *
 * The caller promises:
 * As `mosquitto_connect`; `bind_address` is NULL or a C string.
 */
libmosq_EXPORT
int mosquitto_connect_bind(struct mosquitto *mosq,
                           const char *host,
                           int port,
                           int keepalive,
                           const char *bind_address);

/**
 * Connects to a server from a chosen local address, with properties for CONNECT.
 *
 * As `mosquitto_connect_bind`; `properties` is copied, stays the program's, may be NULL,
 * and is sent again with each reconnect (MQTT 5.0 section 3.1.2.11). The properties of the
 * will go to `mosquitto_will_set_v5`.
 *
 * Returns what `mosquitto_connect` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
 * MOSQ_ERR_PROTOCOL for one that does not belong in CONNECT; MOSQ_ERR_DUPLICATE_PROPERTY.
 *
 * The caller promises:
 * As `mosquitto_connect_bind`; `properties` is NULL or a valid list.
 */
libmosq_EXPORT
int mosquitto_connect_bind_v5(struct mosquitto *mosq,
                              const char *host,
                              int port,
                              int keepalive,
                              const char *bind_address,
                              const mosquitto_property *properties);

/**
 * Begins to connect to a server and returns at once. The loop does the rest: it resolves
 * `host`, opens the connection and sends CONNECT, tries again after the reconnect delay where
 * that fails, and reports to the connect callbacks.
 *
 * Arguments as for `mosquitto_connect`. Made for `mosquitto_loop_start`, before or after it.
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL as `mosquitto_connect`; MOSQ_ERR_NOT_SUPPORTED when the
 * options ask for what this build lacks.
 *
 * The caller promises:
 * As `mosquitto_connect`.
 */
libmosq_EXPORT
int mosquitto_connect_async(struct mosquitto *mosq,
                            const char *host,
                            int port,
                            int keepalive);

/**
 * Begins to connect to a server from a chosen local address and returns at once.
 *
 * As `mosquitto_connect_async`, with `bind_address` as for `mosquitto_connect_bind`.
 *
 * The caller promises:
 * As `mosquitto_connect_bind`.
 */
libmosq_EXPORT
int mosquitto_connect_bind_async(struct mosquitto *mosq,
                                 const char *host,
                                 int port,
                                 int keepalive,
                                 const char *bind_address);

/**
 * Begins to connect to a server that the DNS SRV records of a domain name, and returns at
 * once.
 *
 * `host` is the domain: the records are those of `_mqtt._tcp.` and the domain, with TLS
 * `_secure-mqtt._tcp.`. The servers are tried in the order of their priority and, where that is
 * equal, by chance according to their weight (RFC 2782), until one takes the connection. The
 * records are asked for anew for each attempt, and an attempt that follows a failed one begins
 * with the next server. `keepalive` and `bind_address` are as for `mosquitto_connect_bind`, the
 * rest is as for `mosquitto_connect_async`. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `host` NULL or no domain
 * name, `keepalive` out of range; MOSQ_ERR_NOT_SUPPORTED when the library was built without SRV
 * look-ups. A domain without such records is for the loop to report, with MOSQ_ERR_EAI.
 *
 * The caller promises:
 * As `mosquitto_connect_bind`.
 */
libmosq_EXPORT
int mosquitto_connect_srv(struct mosquitto *mosq,
                          const char *host,
                          int keepalive,
                          const char *bind_address);

/**
 * Connects again to the server of the last connect call, with the options as they are now.
 *
 * Messages that were not acknowledged are sent again where the session is still there
 * (MQTT 5.0 section 4.4). Blocks as `mosquitto_connect` does. Any thread; in a callback, the
 * disconnect callback for instance, it holds up the loop meanwhile.
 *
 * Returns what `mosquitto_connect` returns, and MOSQ_ERR_INVAL when none was called before.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_reconnect(struct mosquitto *mosq);

/**
 * Begins to connect again to the server of the last connect call and returns at once; the
 * loop does the rest, as for `mosquitto_connect_async`.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed
 * and when no connect call came before; MOSQ_ERR_NOT_SUPPORTED when the options ask for what
 * this build lacks.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_reconnect_async(struct mosquitto *mosq);

/**
 * Ends the connection: sends DISCONNECT behind what is queued, after which the server
 * forgets the will, and closes. The disconnect callbacks get 0, loops return
 * MOSQ_ERR_SUCCESS, and no automatic reconnect follows.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed; MOSQ_ERR_NO_CONN when there
 * was no connection, and then too no reconnect follows.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mosquitto_disconnect(struct mosquitto *mosq);

/**
 * Ends the connection with a reason code and properties for DISCONNECT.
 *
 * As `mosquitto_disconnect`; `reason_code` is one of DISCONNECT's (MQTT 5.0 section 3.14.2.1; 4
 * asks for the will) and not sent below MQTT 5. `properties` is copied, stays the program's and
 * may be NULL.
 *
 * Returns what `mosquitto_disconnect` returns; MOSQ_ERR_INVAL for any other `reason_code`;
 * MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5; MOSQ_ERR_PROTOCOL for one that does not
 * belong in DISCONNECT; MOSQ_ERR_DUPLICATE_PROPERTY; MOSQ_ERR_MALFORMED_UTF8.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `properties` is NULL or a valid list.
 */
libmosq_EXPORT
int mosquitto_disconnect_v5(struct mosquitto *mosq,
                            int reason_code,
                            const mosquitto_property *properties);

/**
 * Connects, subscribes, waits for messages, disconnects, and returns the messages.
 *
 * `*messages` becomes an array of `msg_count` messages, at least 1. It is the program's:
 * `mosquitto_message_free_contents` for each element and then `free` for the array, or, for one
 * message, `mosquitto_message_free`. After an error it is NULL. `want_retained` false
 * leaves out messages the server had retained.
 *
 * `topic` is a topic filter, `qos` 0, 1 or 2; `host`, `port` and `keepalive` are as for
 * `mosquitto_connect`, `clientid` and `clean_session` as for `mosquitto_new`. `username` and
 * `password` may be NULL, and so may `will` and `tls`, whose fields are the arguments of
 * `mosquitto_will_set`, `mosquitto_tls_set` and `mosquitto_tls_opts_set`. Nothing is kept.
 *
 * Blocks until the messages are there; lost connections are made again. Any thread, any callback
 * of another client.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `messages` or `topic` NULL, `msg_count` below 1, and
 * other arguments the functions above refuse; MOSQ_ERR_CONN_REFUSED when the server refuses the
 * connection; a value of 128 or more when it refuses the subscription; MOSQ_ERR_NOMEM;
 * otherwise what `mosquitto_connect` and `mosquitto_loop_forever` return.
 *
 * The caller promises:
 * `messages` is NULL or may be written to; each string is NULL or a C string; `will` and `tls`
 * are NULL or point to such structures.
 */
libmosq_EXPORT
int mosquitto_subscribe_simple(struct mosquitto_message **messages,
                               int msg_count,
                               bool want_retained,
                               const char *topic,
                               int qos,
                               const char *host,
                               int port,
                               const char *clientid,
                               int keepalive,
                               bool clean_session,
                               const char *username,
                               const char *password,
                               const struct libmosquitto_will *will,
                               const struct libmosquitto_tls *tls);

/**
 * Connects, subscribes, and hands each message to `callback` until it returns something
 * other than 0; then disconnects and returns.
 *
 * `callback` gets a client that it may use but not destroy, `userdata`, and the message, which
 * lives until it returns. The other arguments are those of `mosquitto_subscribe_simple`.
 *
 * Blocks until the callback ends it; lost connections are made again. Any thread, any callback
 * of another client.
 *
 * Returns what `mosquitto_subscribe_simple` returns, with MOSQ_ERR_INVAL for `callback` NULL.
 *
 * The caller promises:
 * `callback` is NULL or a function of this type; the others as for `mosquitto_subscribe_simple`.
 */
libmosq_EXPORT
int mosquitto_subscribe_callback(int (*callback)(struct mosquitto *mosq,
                                                 void *obj,
                                                 const struct mosquitto_message *message),
                                 void *userdata,
                                 const char *topic,
                                 int qos,
                                 const char *host,
                                 int port,
                                 const char *clientid,
                                 int keepalive,
                                 bool clean_session,
                                 const char *username,
                                 const char *password,
                                 const struct libmosquitto_will *will,
                                 const struct libmosquitto_tls *tls);

/**
 * Makes a client.
 *
 * `id` is the client identifier, copied; NULL lets the library (MQTT 3.1) or the server
 * (MQTT 3.1.1 and 5) choose one, and needs `clean_session`. `clean_session` false asks
 * the server to keep subscriptions and messages while the client is away (MQTT 5.0
 * section 3.1.2.4). `obj` is handed to every callback and never touched; where it is
 * NULL, callbacks get the client itself.
 *
 * The client speaks MQTT 3.1.1 until MOSQ_OPT_PROTOCOL_VERSION says otherwise. It
 * belongs to the program, which ends it with `mosquitto_destroy`. Any thread, any callback.
 *
 * After `fork`, a client that has had a connection, an attempt at one or a loop is the
 * parent's, where it goes on undisturbed. In the child its descriptors were closed without a
 * word to the server, `mosquitto_destroy` does nothing on it, and every other function answers
 * with MOSQ_ERR_INVAL, or not at all. A client without any of these is a client of its own
 * in both processes. The child may make new ones. After `vfork` and functions like it nothing
 * may be called, as POSIX says.
 *
 * Returns the client, or NULL with `errno` EINVAL when `id` is NULL without
 * `clean_session`, empty, not UTF-8 or longer than 65535 bytes.
 *
 * The caller promises:
 * `id` is NULL or a C string.
 */
libmosq_EXPORT struct mosquitto *mosquitto_new(const char *id, bool clean_session, void *obj);

/**
 * Ends a client and frees what it has. NULL is allowed and does nothing.
 *
 * An open connection is closed without DISCONNECT, so that the server publishes the
 * will; call `mosquitto_disconnect` first where that is not wanted. A thread made by
 * `mosquitto_loop_start` is stopped; from a `mqttrs_loop` the client is removed. No callback
 * begins after this call.
 *
 * Any thread; inside a callback too, and while other threads are inside calls on the
 * same client: these return soon, with an error, and one that is connecting does within the
 * connect timeout. `mosq` must not be used afterwards;
 * where that happens by mistake, functions answer with MOSQ_ERR_INVAL for as long as
 * the library can tell, which is until 64 other clients have been destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT void mosquitto_destroy(struct mosquitto *mosq);

/**
 * Makes a client as new: closes its connection, stops its thread, takes it out of its
 * `mqttrs_loop`, forgets messages, options and callbacks, and takes `id`, `clean_session`
 * and `obj` as `mosquitto_new` does.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and for `id` NULL
 * without `clean_session`, empty or too long; MOSQ_ERR_MALFORMED_UTF8 for an `id` that
 * is not UTF-8. After an error the client is as it was.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `id` is NULL or a C string.
 */
libmosq_EXPORT
int mosquitto_reinitialise(struct mosquitto *mosq,
                           const char *id,
                           bool clean_session,
                           void *obj);

/**
 * Sets the pointer that every callback gets as `obj`. It takes effect with the next
 * callback; NULL is handed on as NULL.
 *
 * Any thread, any callback. Does nothing for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT void mosquitto_user_data_set(struct mosquitto *mosq, void *obj);

/**
 * The pointer that callbacks get as `obj`: the one last given to `mosquitto_new`,
 * `mosquitto_reinitialise` or `mosquitto_user_data_set`, and the client itself where the first
 * two were given NULL.
 *
 * Any thread, any callback. Returns NULL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT void *mosquitto_userdata(struct mosquitto *mosq);

/**
 * Reports the version of libmosquitto's API that this library implements.
 *
 * Each of `major`, `minor` and `revision` may be NULL; the others are written to. Any
 * thread, any callback, before `mosquitto_lib_init` too.
 *
 * Returns LIBMOSQUITTO_VERSION_NUMBER as it was when the library was built:
 * major * 1000000 + minor * 1000 + revision.
 *
 * The caller promises:
 * Each pointer is NULL or may be written to.
 */
libmosq_EXPORT int mosquitto_lib_version(int *major, int *minor, int *revision);

/**
 * Prepares the library. Nothing has to be prepared here, so programs that forget this
 * call, or make it from several threads, work all the same.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS.
 *
 * The caller promises:
 * None of its own.
 */
libmosq_EXPORT int mosquitto_lib_init(void);

/**
 * Says that the program is done with the library. Clients that still exist stay usable
 * and are the program's to destroy.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS.
 *
 * The caller promises:
 * None of its own.
 */
libmosq_EXPORT int mosquitto_lib_cleanup(void);

/**
 * Waits for the network for a while, does what there is to do, and returns.
 *
 * Reads, writes, keeps the connection alive and calls callbacks. `timeout` is the longest
 * wait in milliseconds, 0 for none, negative for 1000. `max_packets` is at least 1 and has no
 * other meaning. Call it again and again; after an error, call `mosquitto_reconnect`.
 *
 * Any thread, one at a time, not inside a callback of the same client: there it returns
 * MOSQ_ERR_INVAL.
 *
 * Returns MOSQ_ERR_SUCCESS, also when the program ended the connection; MOSQ_ERR_INVAL for `mosq`
 * NULL or destroyed and `max_packets` below 1; MOSQ_ERR_NO_CONN without a connection. When the
 * connection ends, the reason, once: MOSQ_ERR_CONN_LOST, MOSQ_ERR_CONN_REFUSED,
 * MOSQ_ERR_KEEPALIVE, MOSQ_ERR_PROTOCOL, MOSQ_ERR_MALFORMED_PACKET, MOSQ_ERR_OVERSIZE_PACKET, the
 * reason code of an MQTT 5 server's DISCONNECT that has a MOSQ_ERR_* value, or MOSQ_ERR_ERRNO with
 * `errno` set.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_loop(struct mosquitto *mosq, int timeout, int max_packets);

/**
 * Runs the client until the program disconnects it, and reconnects after the delay of
 * `mosquitto_reconnect_delay_set` whenever the connection ends otherwise.
 *
 * Arguments as for `mosquitto_loop`. Any thread, one at a time, not inside a callback of the
 * same client.
 *
 * Returns MOSQ_ERR_SUCCESS after `mosquitto_disconnect`; MOSQ_ERR_INVAL for `mosq` NULL or destroyed,
 * `max_packets` below 1, in a callback and when another thread runs the loop;
 * MOSQ_ERR_NO_CONN when no connect call came before; and errors that another attempt would
 * only repeat:
 * MOSQ_ERR_NOMEM, _PROTOCOL, _INVAL, _NOT_FOUND, _TLS, _PAYLOAD_SIZE, _NOT_SUPPORTED, _AUTH,
 * _ACL_DENIED, _UNKNOWN, _EAI, _PROXY.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mosquitto_loop_forever(struct mosquitto *mosq,
                           int timeout,
                           int max_packets);

/**
 * Starts a thread that runs the client, as `mosquitto_loop_forever` would, and returns.
 *
 * May come before a connect call: the thread waits for it. All callbacks are then called
 * in that thread. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed and when the thread runs
 * already; MOSQ_ERR_ERRNO, with `errno` set, when the system gives no thread.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_loop_start(struct mosquitto *mosq);

/**
 * Stops the thread of `mosquitto_loop_start` and waits until it has ended.
 *
 * With `force` false the thread ends when the client is disconnected, so call
 * `mosquitto_disconnect` first; with `force` true it ends after the callback it is in. Any
 * thread; inside a callback, on the thread itself, it does not wait.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed and when no thread runs.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_loop_stop(struct mosquitto *mosq, bool force);

/**
 * Reads what the network has for the client and calls callbacks: for a program's own event
 * loop, when the descriptor of `mosquitto_socket` is readable. Does not block.
 *
 * `max_packets` as for `mosquitto_loop`. Any thread, one at a time.
 *
 * Returns what `mosquitto_loop` returns.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_loop_read(struct mosquitto *mosq, int max_packets);

/**
 * Writes what the client has for the network: for a program's own event loop, when
 * `mosquitto_want_write` says so and the descriptor of `mosquitto_socket` is writable. Does
 * not block.
 *
 * `max_packets` as for `mosquitto_loop`. Any thread, one at a time.
 *
 * Returns what `mosquitto_loop` returns.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_loop_write(struct mosquitto *mosq, int max_packets);

/**
 * Does what has come due, keep alive above all: for a program's own event loop, about once
 * a second. Does not block.
 *
 * Any thread, one at a time. Returns what `mosquitto_loop` returns.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_loop_misc(struct mosquitto *mosq);

/**
 * The descriptor to watch in a program's own event loop: readable means that
 * `mosquitto_loop_read` has work. It stays the same for the life of a connection and belongs
 * to the library: do not read, write or close it.
 *
 * Any thread, any callback. Returns -1 without a connection, and for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_socket(struct mosquitto *mosq);

/**
 * Whether bytes wait for the network, and so for `mosquitto_loop_write`.
 *
 * Any thread, any callback. Returns false for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT bool mosquitto_want_write(struct mosquitto *mosq);

/**
 * Says that the program uses the client from several threads. Here it always may, so this
 * changes nothing.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_threaded_set(struct mosquitto *mosq, bool threaded);

/**
 * Copies a message, for instance one lent to a message callback.
 *
 * `dst` gets a topic and a payload of its own, the payload with a NUL behind it; whatever
 * its fields held before is overwritten, not freed. The program frees the copy with
 * `mosquitto_message_free_contents`, or with `mosquitto_message_free` when `dst` itself
 * came from `malloc`. May be called in any thread and any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where a pointer or the topic is NULL, or the
 * payload's length negative; `MOSQ_ERR_NOMEM`. On an error `dst` is left as it was.
 *
 * The caller promises:
 * `dst` points to a `mosquitto_message` that may be written, `src` to a message as
 * callbacks get it.
 */
libmosq_EXPORT
int mosquitto_message_copy(struct mosquitto_message *dst,
                           const struct mosquitto_message *src);

/**
 * Frees a message, its contents included, and sets the pointer to NULL.
 *
 * Nothing happens where `message` or the pointer it leads to is NULL. Messages lent to a
 * callback belong to the library and must not be freed. May be called in any thread and
 * any callback.
 *
 * The caller promises:
 * `*message` came from `malloc`, and so did its contents, as `mosquitto_message_copy`
 * makes them.
 */
libmosq_EXPORT void mosquitto_message_free(struct mosquitto_message **message);

/**
 * Frees the topic and the payload of a message, but not the structure itself.
 *
 * The two pointers are NULL afterwards. Nothing happens where `message` is NULL. May be
 * called in any thread and any callback.
 *
 * The caller promises:
 * The contents came from `malloc`, as `mosquitto_message_copy` makes them.
 */
libmosq_EXPORT void mosquitto_message_free_contents(struct mosquitto_message *message);

/**
 * Sets an option by a pointer to its value. Older than `mosquitto_int_option` and
 * `mosquitto_void_option`, which say the same more directly.
 *
 * `option` is MOSQ_OPT_PROTOCOL_VERSION or MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, with `value` pointing to
 * an int, or MOSQ_OPT_SSL_CTX. The value is copied. Any thread, any callback.
 *
 * Returns what `mosquitto_int_option` and `mosquitto_void_option` return for these options;
 * MOSQ_ERR_INVAL for others, for `mosq` NULL or destroyed and `value` NULL.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `value` is NULL or points to what the option takes.
 */
libmosq_EXPORT int mosquitto_opts_set(struct mosquitto *mosq, enum mosq_opt_t option, void *value);

/**
 * Sets an option that is a number.
 *
 * | option | values | meaning |
 * |---|---|---|
 * | MOSQ_OPT_PROTOCOL_VERSION | MQTT_PROTOCOL_V31, _V311 (default), _V5 | version of MQTT |
 * | MOSQ_OPT_RECEIVE_MAXIMUM | 0 to 65535, 20 by default, 0 for 65535 | QoS 1 and 2 messages the server may send unacknowledged |
 * | MOSQ_OPT_SEND_MAXIMUM | 0 to 65535, 20 by default, 0 for no limit but 32767, half of the packet identifiers | QoS 1 and 2 messages the client sends unacknowledged |
 * | MOSQ_OPT_TCP_NODELAY | 0 (default) or not 0 | send small packets at once |
 * | MOSQ_OPT_TLS_USE_OS_CERTS | 0 (default) or not 0 | use TLS and trust the system's certificates |
 * | MOSQ_OPT_TLS_OCSP_REQUIRED | 0 (default) or not 0 | demand a stapled OCSP answer, which is not supported: connecting fails with MOSQ_ERR_NOT_SUPPORTED |
 * | MOSQ_OPT_TRANSPORT | MOSQ_T_TCP (default), MOSQ_T_WEBSOCKETS | what carries MQTT |
 * | MOSQ_OPT_HTTP_HEADER_SIZE | 100 to 65535 | accepted; headers are not limited by it |
 * | MOSQ_OPT_DISABLE_SOCKETPAIR | any | accepted; there is no socket pair |
 * | MOSQ_OPT_SSL_CTX_WITH_DEFAULTS | | not supported: for OpenSSL |
 *
 * MOSQ_OPT_SEND_MAXIMUM takes effect at once, the others with the next connect. Any thread, any
 * callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, an option that is not in the
 * table and a value out of range; MOSQ_ERR_NOT_SUPPORTED, with a line in the log, and then
 * connecting fails until `mosquitto_tls_set` or the like succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mosquitto_int_option(struct mosquitto *mosq,
                         enum mosq_opt_t option,
                         int value);

/**
 * Sets an option that is a string, which is copied.
 *
 * | option | values | meaning |
 * |---|---|---|
 * | MOSQ_OPT_BIND_ADDRESS | an address or name, NULL for any (default) | local interface to connect from |
 * | MOSQ_OPT_TLS_ALPN | a protocol name, NULL for none (default) | application protocol to offer in TLS |
 * | MOSQ_OPT_HTTP_PATH | a path, NULL for "/mqtt" (default) | path of the WebSocket endpoint |
 * | MOSQ_OPT_TLS_KEYFORM | "pem" (default); "engine" is not supported | where the private key is |
 * | MOSQ_OPT_TLS_ENGINE | | not supported: for OpenSSL |
 * | MOSQ_OPT_TLS_ENGINE_KPASS_SHA1 | | not supported: for OpenSSL |
 *
 * Takes effect with the next connect. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, an option that is not in the
 * table, NULL where the table does not have it, and a string that is not UTF-8;
 * MOSQ_ERR_NOT_SUPPORTED, with a line in the log, and then connecting fails until
 * `mosquitto_tls_set` or the like succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `value` is NULL or a C string.
 */
libmosq_EXPORT
int mosquitto_string_option(struct mosquitto *mosq,
                            enum mosq_opt_t option,
                            const char *value);

/**
 * Sets an option that is a pointer. The only one is MOSQ_OPT_SSL_CTX, an OpenSSL object, which
 * this library cannot use: its TLS is not OpenSSL's.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_NOT_SUPPORTED, with a line in the log, for MOSQ_OPT_SSL_CTX; MOSQ_ERR_INVAL for
 * `value` NULL, for other options and for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`. `value` is not read.
 */
libmosq_EXPORT
int mosquitto_void_option(struct mosquitto *mosq,
                          enum mosq_opt_t option,
                          void *value);

/**
 * Sets how long `mosquitto_loop_forever` and the thread of `mosquitto_loop_start` wait before
 * they connect again.
 *
 * The first wait is `reconnect_delay` seconds, where 0 means 1. Each further one is longer by
 * as much, or twice as long with `reconnect_exponential_backoff`, but never longer than
 * `reconnect_delay_max` seconds; a maximum below the delay counts as the delay. The
 * default is 1 second each time.
 *
 * Takes effect with the next lost connection. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mosquitto_reconnect_delay_set(struct mosquitto *mosq,
                                  unsigned int reconnect_delay,
                                  unsigned int reconnect_delay_max,
                                  bool reconnect_exponential_backoff);

/**
 * Sets how many QoS 1 and 2 messages the client sends unacknowledged: the same as
 * MOSQ_OPT_SEND_MAXIMUM of `mosquitto_int_option`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT
int mosquitto_max_inflight_messages_set(struct mosquitto *mosq,
                                        unsigned int max_inflight_messages);

/**
 * Does nothing: messages are sent again when a connection is made again, and at no other
 * time (MQTT 5.0 section 4.4).
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT void mosquitto_message_retry_set(struct mosquitto *mosq, unsigned int message_retry);

/**
 * Connects through a SOCKS5 proxy from the next connect on.
 *
 * `host` is the proxy's name or address, at most 255 bytes, and `port` its port, 1 to 65535.
 * `username` NULL means no authentication; `password` may be NULL and is ignored without a user
 * name. Both have at most 255 bytes (RFC 1929). All are copied.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `host` NULL, `port` out of
 * range, and strings that are too long or not UTF-8.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings.
 */
libmosq_EXPORT
int mosquitto_socks5_set(struct mosquitto *mosq,
                         const char *host,
                         int port,
                         const char *username,
                         const char *password);

/**
 * Appends a property of type `MQTT_PROP_TYPE_BYTE` to a list; `*proplist` NULL starts one.
 *
 * The list is the program's: `mosquitto_property_free_all` frees it. Whether the property
 * suits the packet it will be used for is not looked at: see `mosquitto_property_check_all`.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where `proplist` is NULL or `identifier` is
 * none of this type; `MOSQ_ERR_NOMEM`. On an error the list is left as it was.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own.
 */
libmosq_EXPORT
int mosquitto_property_add_byte(mosquitto_property **proplist,
                                int identifier,
                                uint8_t value);

/**
 * Appends a property of type `MQTT_PROP_TYPE_INT16`; otherwise as
 * `mosquitto_property_add_byte`.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own.
 */
libmosq_EXPORT
int mosquitto_property_add_int16(mosquitto_property **proplist,
                                 int identifier,
                                 uint16_t value);

/**
 * Appends a property of type `MQTT_PROP_TYPE_INT32`; otherwise as
 * `mosquitto_property_add_byte`.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own.
 */
libmosq_EXPORT
int mosquitto_property_add_int32(mosquitto_property **proplist,
                                 int identifier,
                                 uint32_t value);

/**
 * Appends a property of type `MQTT_PROP_TYPE_VARINT`; otherwise as
 * `mosquitto_property_add_byte`.
 *
 * `MOSQ_ERR_INVAL` also for a value above 268435455, the largest of this encoding.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own.
 */
libmosq_EXPORT
int mosquitto_property_add_varint(mosquitto_property **proplist,
                                  int identifier,
                                  uint32_t value);

/**
 * Appends a property of type `MQTT_PROP_TYPE_BINARY`; otherwise as
 * `mosquitto_property_add_byte`.
 *
 * `value` is copied; it may be NULL when `len` is 0, otherwise that is `MOSQ_ERR_INVAL`.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own; `value` is NULL or
 * has `len` bytes.
 */
libmosq_EXPORT
int mosquitto_property_add_binary(mosquitto_property **proplist,
                                  int identifier,
                                  const void *value,
                                  uint16_t len);

/**
 * Appends a property of type `MQTT_PROP_TYPE_STRING`; otherwise as
 * `mosquitto_property_add_byte`.
 *
 * `value` is copied. `MOSQ_ERR_INVAL` also where it is NULL; `MOSQ_ERR_MALFORMED_UTF8`
 * where it is not UTF-8 as MQTT wants it, or longer than 65535 bytes.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own; `value` is NULL or a
 * C string.
 */
libmosq_EXPORT
int mosquitto_property_add_string(mosquitto_property **proplist,
                                  int identifier,
                                  const char *value);

/**
 * Appends a property of type `MQTT_PROP_TYPE_STRING_PAIR`; otherwise as
 * `mosquitto_property_add_string`, for the name as for the value.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own; `name` and `value`
 * are NULL or C strings.
 */
libmosq_EXPORT
int mosquitto_property_add_string_pair(mosquitto_property **proplist,
                                       int identifier,
                                       const char *name,
                                       const char *value);

/**
 * Whether a property may stand in a packet (MQTT 5.0 section 2.2.2.2).
 *
 * `command` is the packet type as `CMD_*`; `CMD_WILL` stands for the will's properties
 * inside a CONNECT.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_PROTOCOL` where it may not, and for an identifier or
 * a packet type that is unknown or has no properties.
 */
libmosq_EXPORT int mosquitto_property_check_command(int command, int identifier);

/**
 * Whether all properties of a list may stand together in a packet, with these values.
 *
 * `command` is as for `mosquitto_property_check_command`. The functions that take property
 * lists make the same check.
 *
 * Returns `MOSQ_ERR_SUCCESS`, for NULL always; `MOSQ_ERR_DUPLICATE_PROPERTY` where a
 * property occurs twice that must not; `MOSQ_ERR_PROTOCOL` for all else.
 *
 * The caller promises:
 * `properties` is NULL or a property list.
 */
libmosq_EXPORT int mosquitto_property_check_all(int command, const mosquitto_property *properties);

/**
 * The name of a property as the MQTT specification has it, in lower case and with dashes:
 * `payload-format-indicator`.
 *
 * The text is static; NULL for an unknown identifier.
 */
libmosq_EXPORT const char *mosquitto_property_identifier_to_string(int identifier);

/**
 * Identifier (`MQTT_PROP_*`) and type (`MQTT_PROP_TYPE_*`) of the property with this name,
 * in any case.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where an argument is NULL or the name
 * unknown, and then nothing is written.
 *
 * The caller promises:
 * `propname` is NULL or a C string; `identifier` and `type` are NULL or may be written.
 */
libmosq_EXPORT
int mosquitto_string_to_property_info(const char *propname,
                                      int *identifier,
                                      int *type);

/**
 * The property behind `proplist`; NULL at the end of the list and for NULL.
 *
 * It belongs to the list. May be called in any thread that has the list to itself, and in
 * any callback; so may all functions for properties.
 *
 * The caller promises:
 * `proplist` is NULL or a property list.
 */
libmosq_EXPORT mosquitto_property *mosquitto_property_next(const mosquitto_property *proplist);

/**
 * The identifier of one property (`MQTT_PROP_*`); 0 for NULL.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT int mosquitto_property_identifier(const mosquitto_property *property);

/**
 * How the value of one property is encoded (`MQTT_PROP_TYPE_*`); 0 for NULL.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT int mosquitto_property_type(const mosquitto_property *property);

/**
 * The value of one property of type `MQTT_PROP_TYPE_BYTE`; 0 for other types and NULL.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint8_t mosquitto_property_byte_value(const mosquitto_property *property);

/**
 * The value of one property of type `MQTT_PROP_TYPE_INT16`; 0 for other types and NULL.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint16_t mosquitto_property_int16_value(const mosquitto_property *property);

/**
 * The value of one property of type `MQTT_PROP_TYPE_INT32`; 0 for other types and NULL.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint32_t mosquitto_property_int32_value(const mosquitto_property *property);

/**
 * The value of one property of type `MQTT_PROP_TYPE_VARINT`; 0 for other types and NULL.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint32_t mosquitto_property_varint_value(const mosquitto_property *property);

/**
 * The value of one property of type `MQTT_PROP_TYPE_BINARY`; NULL when it is empty, for
 * other types and for NULL.
 *
 * It belongs to the property.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT const void *mosquitto_property_binary_value(const mosquitto_property *property);

/**
 * The length in bytes of what `mosquitto_property_binary_value` returns.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint16_t mosquitto_property_binary_value_length(const mosquitto_property *property);

/**
 * The value of one property of type `MQTT_PROP_TYPE_STRING` or `MQTT_PROP_TYPE_STRING_PAIR`;
 * NULL when it is empty, for other types and for NULL.
 *
 * It ends in NUL and belongs to the property.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT const char *mosquitto_property_string_value(const mosquitto_property *property);

/**
 * The length in bytes of what `mosquitto_property_string_value` returns.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint16_t mosquitto_property_string_value_length(const mosquitto_property *property);

/**
 * The name in one property of type `MQTT_PROP_TYPE_STRING_PAIR`; NULL when it is empty, for
 * other types and for NULL.
 *
 * It ends in NUL and belongs to the property.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT const char *mosquitto_property_string_name(const mosquitto_property *property);

/**
 * The length in bytes of what `mosquitto_property_string_name` returns.
 *
 * The caller promises:
 * `property` is NULL or a property.
 */
libmosq_EXPORT uint16_t mosquitto_property_string_name_length(const mosquitto_property *property);

/**
 * Frees a list and all it holds, and sets the pointer to NULL.
 *
 * Nothing happens where `properties` or the pointer it leads to is NULL. Lists lent to a
 * callback belong to the library and must not be freed.
 *
 * The caller promises:
 * `*properties` is NULL or a property list of the program's own.
 */
libmosq_EXPORT void mosquitto_property_free_all(mosquitto_property **properties);

/**
 * Copies a list. The copy is the program's: `mosquitto_property_free_all` frees it.
 *
 * A list that was in `*dest` is overwritten, not freed. The copy of NULL is NULL.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` for `dest` NULL; `MOSQ_ERR_NOMEM`, and then
 * `*dest` is NULL.
 *
 * The caller promises:
 * `dest` is NULL or may be written; `src` is NULL or a property list.
 */
libmosq_EXPORT
int mosquitto_property_copy_all(mosquitto_property **dest,
                                const mosquitto_property *src);

/**
 * Takes one property out of a list, without freeing it.
 *
 * The property then is a list of its own, which `mosquitto_property_free_all` frees.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where an argument is NULL;
 * `MOSQ_ERR_NOT_FOUND` where the property is not in the list.
 *
 * The caller promises:
 * `proplist` is NULL or leads to a property list of the program's own.
 */
libmosq_EXPORT
int mosquitto_property_remove(mosquitto_property **proplist,
                              const mosquitto_property *property);

/**
 * Finds a property of type `MQTT_PROP_TYPE_BYTE` in a list and reads its value.
 *
 * Where `skip_first` is true the first property with this identifier is passed over: called
 * again with what the call before returned, this walks through properties that occur more
 * than once.
 *
 * Returns the property found, which belongs to the list; NULL where there is none, or
 * `identifier` is of another type, and then `*value` is left as it was. `value` may be NULL.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `value` is NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_byte(const mosquitto_property *proplist,
                                                       int identifier,
                                                       uint8_t *value,
                                                       bool skip_first);

/**
 * Finds a property of type `MQTT_PROP_TYPE_INT16` in a list and reads its value; otherwise
 * as `mosquitto_property_read_byte`.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `value` is NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_int16(const mosquitto_property *proplist,
                                                        int identifier,
                                                        uint16_t *value,
                                                        bool skip_first);

/**
 * Finds a property of type `MQTT_PROP_TYPE_INT32` in a list and reads its value; otherwise
 * as `mosquitto_property_read_byte`.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `value` is NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_int32(const mosquitto_property *proplist,
                                                        int identifier,
                                                        uint32_t *value,
                                                        bool skip_first);

/**
 * Finds a property of type `MQTT_PROP_TYPE_VARINT` in a list and reads its value; otherwise
 * as `mosquitto_property_read_byte`.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `value` is NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_varint(const mosquitto_property *proplist,
                                                         int identifier,
                                                         uint32_t *value,
                                                         bool skip_first);

/**
 * Finds a property of type `MQTT_PROP_TYPE_BINARY` in a list and copies its value; otherwise
 * as `mosquitto_property_read_byte`.
 *
 * `*value` gets a copy that the program frees with `free`, or NULL where the value is empty
 * or no property was found; `*len` gets its length when a property was found. Both pointers
 * may be NULL. NULL is returned also when memory ran out.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `value` and `len` are NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_binary(const mosquitto_property *proplist,
                                                         int identifier,
                                                         void **value,
                                                         uint16_t *len,
                                                         bool skip_first);

/**
 * Finds a property of type `MQTT_PROP_TYPE_STRING` in a list and copies its value; otherwise
 * as `mosquitto_property_read_byte`.
 *
 * `*value` gets a copy that the program frees with `free`, or NULL where the string is
 * empty. NULL is returned also when memory ran out.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `value` is NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_string(const mosquitto_property *proplist,
                                                         int identifier,
                                                         char **value,
                                                         bool skip_first);

/**
 * Finds a property of type `MQTT_PROP_TYPE_STRING_PAIR` in a list and copies its name and
 * value; otherwise as `mosquitto_property_read_byte`.
 *
 * `*name` and `*value` get copies that the program frees with `free`, or NULL where the
 * string is empty or no property was found. Both pointers may be NULL. NULL is returned
 * also when memory ran out.
 *
 * The caller promises:
 * `proplist` is NULL or a property list; `name` and `value` are NULL or may be written.
 */
libmosq_EXPORT
const mosquitto_property *mosquitto_property_read_string_pair(const mosquitto_property *proplist,
                                                              int identifier,
                                                              char **name,
                                                              char **value,
                                                              bool skip_first);

/**
 * Publishes a message.
 *
 * `mid` may be NULL; otherwise the message's identifier, 1 to 65535, is written there before
 * anything is sent, for QoS 0 too, and the publish callbacks get it when the message has
 * reached the end of its way. `topic` is the topic name, without wildcards. `payload` has
 * `payloadlen` bytes, 0 to 268435455, and may be NULL where `payloadlen` is 0. `qos` is 0, 1
 * or 2. `retain` asks the server to keep the message for later subscribers; it is
 * dropped where an MQTT 5 server said that it cannot. Topic and payload are copied.
 *
 * Does not block: what the connection does not take at once, the loop writes later. Without
 * a connection, messages of QoS 1 and 2 are kept and sent after the next connect. Any
 * thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS when the message was sent or kept; MOSQ_ERR_INVAL for `mosq` NULL or
 * destroyed, a topic NULL, empty, longer than 65535 bytes or with a wildcard, a `payload` NULL
 * with a length, and `qos` out of range; MOSQ_ERR_MALFORMED_UTF8 for a topic that is not UTF-8 as
 * MQTT wants it (MQTT 5.0 section 1.5.4); MOSQ_ERR_PAYLOAD_SIZE for a length that is negative or
 * too large; MOSQ_ERR_NO_CONN for QoS 0 without a connection; MOSQ_ERR_QOS_NOT_SUPPORTED and
 * MOSQ_ERR_OVERSIZE_PACKET for more than the server said it takes; MOSQ_ERR_NOMEM when all
 * message identifiers are in use; MOSQ_ERR_QUOTA_EXCEEDED when the queue is full, see
 * `mqttrs_queue_set`.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `mid` is NULL or may be written to; `topic` is
 * NULL or a C string; `payload` is NULL or has `payloadlen` bytes.
 */
libmosq_EXPORT
int mosquitto_publish(struct mosquitto *mosq,
                      int *mid,
                      const char *topic,
                      int payloadlen,
                      const void *payload,
                      int qos,
                      bool retain);

/**
 * Publishes a message with properties.
 *
 * As `mosquitto_publish`; `properties` is copied, stays the program's and may be NULL. With
 * a topic alias among them, `topic` may be NULL or empty (MQTT 5.0 section 3.3.2.3.4). A property
 * that a callback was given goes alone, without those behind it in its list: so the correlation
 * data of a request, as `mosquitto_property_read_binary` finds it, makes a response. To hand on
 * more, make a list.
 *
 * Returns what `mosquitto_publish` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
 * MOSQ_ERR_PROTOCOL for one that does not belong in PUBLISH; MOSQ_ERR_DUPLICATE_PROPERTY.
 *
 * The caller promises:
 * As `mosquitto_publish`; `properties` is NULL or a valid list.
 */
libmosq_EXPORT
int mosquitto_publish_v5(struct mosquitto *mosq,
                         int *mid,
                         const char *topic,
                         int payloadlen,
                         const void *payload,
                         int qos,
                         bool retain,
                         const mosquitto_property *properties);

/**
 * What a `mosq_err_t` means, in English.
 *
 * For `MOSQ_ERR_ERRNO` it is the system's text for the `errno` of this thread, which lives
 * until the next such call; all others are static. Never NULL. May be called in any thread
 * and any callback.
 */
libmosq_EXPORT const char *mosquitto_strerror(int mosq_errno);

/**
 * What a CONNACK return code of MQTT 3.1 and 3.1.1 means, in English.
 *
 * For MQTT 5 there is `mosquitto_reason_string`. The text is static and never NULL. May be
 * called in any thread and any callback.
 */
libmosq_EXPORT const char *mosquitto_connack_string(int connack_code);

/**
 * The name of a reason code of MQTT 5 (MQTT 5.0 section 2.4).
 *
 * The text is static and never NULL. May be called in any thread and any callback.
 */
libmosq_EXPORT const char *mosquitto_reason_string(int reason_code);

/**
 * The `CMD_*` value of a packet type's name, in any case, as `connect`; `will` is
 * `CMD_WILL`.
 *
 * Types whose packets have no properties, PINGREQ and PINGRESP, are not known. May be
 * called in any thread and any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where a pointer is NULL or the name unknown,
 * and then `*cmd` is left as it was.
 *
 * The caller promises:
 * `str` is NULL or a C string, `cmd` is NULL or points to an `int`.
 */
libmosq_EXPORT int mosquitto_string_to_command(const char *str, int *cmd);

/**
 * Checks that a string is UTF-8 as MQTT wants it (MQTT 5.0 section 1.5.4), without U+0000,
 * control characters and non-characters, which MQTT discourages.
 *
 * `len` is the string's length in bytes; it needs no NUL at its end. May be called in any
 * thread and any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` for `str` NULL and for `len` negative or
 * above 65536; `MOSQ_ERR_MALFORMED_UTF8`.
 *
 * The caller promises:
 * `str` is NULL or has `len` bytes.
 */
libmosq_EXPORT int mosquitto_validate_utf8(const char *str, int len);

/**
 * Subscribes to a topic filter.
 *
 * `mid` may be NULL; otherwise the identifier of the SUBSCRIBE is written there before it is
 * sent, and the subscribe callbacks get it with the answer. `sub` is the topic filter,
 * copied. `qos` is the highest QoS wanted, 0, 1 or 2.
 *
 * Does not block. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a filter NULL, empty, longer
 * than 65535 bytes or with a misplaced wildcard (MQTT 5.0 section 4.7.1), and `qos` out of range;
 * MOSQ_ERR_MALFORMED_UTF8; MOSQ_ERR_NO_CONN without a connection; MOSQ_ERR_OVERSIZE_PACKET for more
 * than the server said it takes; MOSQ_ERR_NOMEM when all message identifiers are in use.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `mid` is NULL or may be written to; `sub` is
 * NULL or a C string.
 */
libmosq_EXPORT
int mosquitto_subscribe(struct mosquitto *mosq,
                        int *mid,
                        const char *sub,
                        int qos);

/**
 * Subscribes to a topic filter with options and properties.
 *
 * As `mosquitto_subscribe`; `options` is 0 or an OR of MQTT_SUB_OPT_* values (MQTT 5.0 section
 * 3.8.3.1), which below MQTT 5 are not sent. `properties` is copied, stays the program's and
 * may be NULL.
 *
 * Returns what `mosquitto_subscribe` returns; MOSQ_ERR_INVAL for options that do not exist;
 * MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5; MOSQ_ERR_PROTOCOL for one that does not
 * belong in SUBSCRIBE; MOSQ_ERR_DUPLICATE_PROPERTY.
 *
 * The caller promises:
 * As `mosquitto_subscribe`; `properties` is NULL or a valid list.
 */
libmosq_EXPORT
int mosquitto_subscribe_v5(struct mosquitto *mosq,
                           int *mid,
                           const char *sub,
                           int qos,
                           int options,
                           const mosquitto_property *properties);

/**
 * Subscribes to several topic filters with one SUBSCRIBE.
 *
 * As `mosquitto_subscribe_v5`; `sub` is an array of `sub_count` topic filters, at least one,
 * which all get the same `qos` and `options`. The subscribe callbacks get one answer for each
 * in the same order.
 *
 * Returns what `mosquitto_subscribe_v5` returns; MOSQ_ERR_INVAL for `sub` NULL and `sub_count`
 * below 1 too.
 *
 * The caller promises:
 * As `mosquitto_subscribe_v5`; `sub` is NULL or has `sub_count` entries, each NULL or a C string.
 */
libmosq_EXPORT
int mosquitto_subscribe_multiple(struct mosquitto *mosq,
                                 int *mid,
                                 int sub_count,
                                 char *const *sub,
                                 int qos,
                                 int options,
                                 const mosquitto_property *properties);

/**
 * Ends a subscription.
 *
 * `mid` may be NULL; otherwise the identifier of the UNSUBSCRIBE is written there before it is
 * sent, and the unsubscribe callbacks get it with the answer. `sub` is the topic filter as
 * it was subscribed to, copied.
 *
 * Does not block. Any thread, any callback.
 *
 * Returns what `mosquitto_subscribe` returns.
 *
 * The caller promises:
 * As `mosquitto_subscribe`.
 */
libmosq_EXPORT int mosquitto_unsubscribe(struct mosquitto *mosq, int *mid, const char *sub);

/**
 * Ends a subscription, with properties for UNSUBSCRIBE.
 *
 * As `mosquitto_unsubscribe`; `properties` is copied, stays the program's and may be NULL.
 *
 * Returns what `mosquitto_unsubscribe` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
 * MOSQ_ERR_PROTOCOL for one that does not belong in UNSUBSCRIBE; MOSQ_ERR_DUPLICATE_PROPERTY.
 *
 * The caller promises:
 * As `mosquitto_unsubscribe`; `properties` is NULL or a valid list.
 */
libmosq_EXPORT
int mosquitto_unsubscribe_v5(struct mosquitto *mosq,
                             int *mid,
                             const char *sub,
                             const mosquitto_property *properties);

/**
 * Ends several subscriptions with one UNSUBSCRIBE.
 *
 * As `mosquitto_unsubscribe_v5`; `sub` is an array of `sub_count` topic filters, at least one.
 *
 * Returns what `mosquitto_unsubscribe_v5` returns; MOSQ_ERR_INVAL for `sub` NULL and `sub_count`
 * below 1 too.
 *
 * The caller promises:
 * As `mosquitto_unsubscribe_v5`; `sub` is NULL or has `sub_count` entries, each NULL or a C
 * string.
 */
libmosq_EXPORT
int mosquitto_unsubscribe_multiple(struct mosquitto *mosq,
                                   int *mid,
                                   int sub_count,
                                   char *const *sub,
                                   const mosquitto_property *properties);

/**
 * Makes the client use TLS from the next connect on, and says whom to trust.
 *
 * `cafile` is a file with trusted certificates, PEM, and `capath` a folder with such files;
 * one of them may be NULL. `certfile` and `keyfile` are the client's certificate chain and
 * private key, PEM; both are NULL or neither is. Files must be readable now; a folder need
 * not exist while `cafile` serves. All strings are copied.
 *
 * `pw_callback` may be NULL. Where the key is encrypted, the library calls it during a connect:
 * it writes the password into `buf`, of `size` bytes, and returns its length; `rwflag` is 0 and
 * `userdata` the client. Without a callback the password is asked for on the terminal, or read
 * from standard input where the process has none, as with OpenSSL.
 *
 * Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `cafile` and `capath` both
 * NULL, one of `certfile` and `keyfile` without the other, and a file that cannot be opened.
 * After an error other than for NULL alone, connecting fails until this function, or another
 * that says whom to trust, succeeds: there is no connection without TLS by mistake.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings; `pw_callback` is
 * NULL or a function of this type.
 */
libmosq_EXPORT
int mosquitto_tls_set(struct mosquitto *mosq,
                      const char *cafile,
                      const char *capath,
                      const char *certfile,
                      const char *keyfile,
                      int (*pw_callback)(char *buf, int size, int rwflag, void *userdata));

/**
 * Switches off the comparison of the host name with the server's certificate.
 *
 * With `value` true the certificate must still come from someone trusted, but may be for
 * another host: for tests only. Takes effect with the next connect. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_tls_insecure_set(struct mosquitto *mosq, bool value);

/**
 * Sets how TLS is spoken.
 *
 * `cert_reqs` is 1 (the default) to check the server's certificate and 0 to accept any, which
 * protects from nobody. `tls_version` is the least version to speak, in any case: "tlsv1.3",
 * "tlsv1.2", or "tlsv1.1", which means 1.2 too since nothing older is spoken; NULL is 1.2.
 * `ciphers` is a list of cipher names, NULL for the defaults. Strings are copied.
 *
 * Takes effect with the next connect that uses TLS. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed and other values than these.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings.
 */
libmosq_EXPORT
int mosquitto_tls_opts_set(struct mosquitto *mosq,
                           int cert_reqs,
                           const char *tls_version,
                           const char *ciphers);

/**
 * Sets a pre-shared key for TLS, which this library does not support.
 *
 * `psk` is the key in hexadecimal digits, `identity` who has it, `ciphers` may be NULL. Any thread, any
 * callback.
 *
 * Returns MOSQ_ERR_NOT_SUPPORTED, with a line in the log; MOSQ_ERR_INVAL for `mosq` NULL or destroyed,
 * `psk` or `identity` NULL, and other characters in `psk`. Afterwards connecting fails, unless it
 * was for NULL, until `mosquitto_tls_set` or the like succeeds.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings.
 */
libmosq_EXPORT
int mosquitto_tls_psk_set(struct mosquitto *mosq,
                          const char *psk,
                          const char *identity,
                          const char *ciphers);

/**
 * The OpenSSL object of the connection, which does not exist here: always NULL.
 *
 * Any thread, any callback.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT void *mosquitto_ssl_get(struct mosquitto *mosq);

/**
 * Whether a message to `topic` goes to a subscription to `sub` (MQTT 5.0 section 4.7).
 *
 * `sport/tennis` goes to `sport/#` and `+/tennis`, not to `sport/+/+`. Topics that begin
 * with `$` go to no filter that begins with a wildcard. May be called in any thread and any
 * callback.
 *
 * Returns `MOSQ_ERR_SUCCESS` with the answer in `*result`; `MOSQ_ERR_INVAL` where a pointer
 * is NULL, a string empty, `sub` no filter or `topic` has a wildcard, and then the answer is
 * false.
 *
 * The caller promises:
 * `sub` and `topic` are NULL or C strings; `result` is NULL or may be written.
 */
libmosq_EXPORT int mosquitto_topic_matches_sub(const char *sub, const char *topic, bool *result);

/**
 * `mosquitto_topic_matches_sub` for strings with a length.
 *
 * The caller promises:
 * `sub` and `topic` are NULL, or have as many bytes as said, or end in NUL before; `result`
 * is NULL or may be written.
 */
libmosq_EXPORT
int mosquitto_topic_matches_sub2(const char *sub,
                                 size_t sublen,
                                 const char *topic,
                                 size_t topiclen,
                                 bool *result);

/**
 * `mosquitto_topic_matches_sub` for a filter with patterns: a level of `sub` that is exactly
 * `%c` or `%u` stands for `clientid` or `username`.
 *
 * Where that is NULL the level matches nothing.
 *
 * The caller promises:
 * The strings are NULL or C strings; `result` is NULL or may be written.
 */
libmosq_EXPORT
int mosquitto_topic_matches_sub_with_pattern(const char *sub,
                                             const char *topic,
                                             const char *clientid,
                                             const char *username,
                                             bool *result);

/**
 * Whether everything a subscription to `sub` receives is allowed by `acl`, which is a filter
 * too.
 *
 * `$SYS/#` allows `$SYS/broker/#`; `$SYS/broker/uptime` does not. May be called in any
 * thread and any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS` with the answer in `*result`; `MOSQ_ERR_INVAL` where a pointer
 * is NULL, a string empty or no filter, and then the answer is false.
 *
 * The caller promises:
 * `acl` and `sub` are NULL or C strings; `result` is NULL or may be written.
 */
libmosq_EXPORT int mosquitto_sub_matches_acl(const char *acl, const char *sub, bool *result);

/**
 * `mosquitto_sub_matches_acl` for an `acl` with patterns: a level that is exactly `%c` or
 * `%u` stands for `clientid` or `username`.
 *
 * Where that is NULL the level allows nothing. It never allows a wildcard, whatever the
 * client calls itself.
 *
 * The caller promises:
 * The strings are NULL or C strings; `result` is NULL or may be written.
 */
libmosq_EXPORT
int mosquitto_sub_matches_acl_with_pattern(const char *acl,
                                           const char *sub,
                                           const char *clientid,
                                           const char *username,
                                           bool *result);

/**
 * Whether `topic` can be published to: it has no `+` or `#` and at most 65535 bytes.
 *
 * An empty topic passes, as MQTT 5 allows it together with a topic alias. May be called in
 * any thread and any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL`, also for NULL; `MOSQ_ERR_MALFORMED_UTF8`.
 *
 * The caller promises:
 * `topic` is NULL or a C string.
 */
libmosq_EXPORT int mosquitto_pub_topic_check(const char *topic);

/**
 * `mosquitto_pub_topic_check` for a string with a length.
 *
 * The caller promises:
 * `topic` is NULL, or has `topiclen` bytes, or ends in NUL before.
 */
libmosq_EXPORT int mosquitto_pub_topic_check2(const char *topic, size_t topiclen);

/**
 * Whether `topic` can be subscribed to: `+` is a whole level, `#` the whole last level, and
 * it has at most 65535 bytes.
 *
 * An empty filter passes here, though not in `mosquitto_subscribe`. May be called in any
 * thread and any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL`, also for NULL; `MOSQ_ERR_MALFORMED_UTF8`.
 *
 * The caller promises:
 * `topic` is NULL or a C string.
 */
libmosq_EXPORT int mosquitto_sub_topic_check(const char *topic);

/**
 * `mosquitto_sub_topic_check` for a string with a length.
 *
 * The caller promises:
 * `topic` is NULL, or has `topiclen` bytes, or ends in NUL before.
 */
libmosq_EXPORT int mosquitto_sub_topic_check2(const char *topic, size_t topiclen);

/**
 * Cuts a topic or filter into its levels.
 *
 * `*topics` gets an array of `*count` strings, which `mosquitto_sub_topic_tokens_free` frees;
 * an empty level is NULL: `/a//b` is NULL, `a`, NULL, `b`. May be called in any thread and
 * any callback.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where a pointer is NULL or the string longer
 * than 65535 bytes; `MOSQ_ERR_MALFORMED_UTF8`; `MOSQ_ERR_NOMEM`. On an error nothing is
 * written.
 *
 * The caller promises:
 * `subtopic` is NULL or a C string; `topics` and `count` are NULL or may be written.
 */
libmosq_EXPORT int mosquitto_sub_topic_tokenise(const char *subtopic, char ***topics, int *count);

/**
 * Frees what `mosquitto_sub_topic_tokenise` made, and sets the pointer to NULL.
 *
 * Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where `topics` or the pointer it leads to is
 * NULL, or `count` is below 1.
 *
 * The caller promises:
 * `*topics` and `count` come from `mosquitto_sub_topic_tokenise`.
 */
libmosq_EXPORT int mosquitto_sub_topic_tokens_free(char ***topics, int count);

/**
 * Sets the last will: the message the server publishes when the connection ends without
 * `mosquitto_disconnect`.
 *
 * `topic` is a topic name, without wildcards. `payload` has `payloadlen` bytes, 0 to 65535
 * (MQTT 5.0 section 3.1.3.4), and may be NULL where `payloadlen` is 0. `qos` is 0, 1 or 2.
 * `retain` makes the will a retained message. Topic and payload are copied.
 *
 * Takes effect with the next connect. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a topic NULL, empty, longer
 * than 65535 bytes or with a wildcard, a `payload` NULL with a length, and `qos` out of range;
 * MOSQ_ERR_MALFORMED_UTF8; MOSQ_ERR_PAYLOAD_SIZE for a length that is negative or too large.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `topic` is NULL or a C string; `payload` is
 * NULL or has `payloadlen` bytes.
 */
libmosq_EXPORT
int mosquitto_will_set(struct mosquitto *mosq,
                       const char *topic,
                       int payloadlen,
                       const void *payload,
                       int qos,
                       bool retain);

/**
 * Sets the last will with properties.
 *
 * As `mosquitto_will_set`; `properties` may be NULL. On success the list becomes the
 * library's, which frees it; after an error it is still the program's.
 *
 * Returns what `mosquitto_will_set` returns; MOSQ_ERR_NOT_SUPPORTED for properties below MQTT 5;
 * MOSQ_ERR_PROTOCOL for one that does not belong in a will; MOSQ_ERR_DUPLICATE_PROPERTY.
 *
 * The caller promises:
 * As `mosquitto_will_set`; `properties` is NULL or a valid list that is not used after success.
 */
libmosq_EXPORT
int mosquitto_will_set_v5(struct mosquitto *mosq,
                          const char *topic,
                          int payloadlen,
                          const void *payload,
                          int qos,
                          bool retain,
                          mosquitto_property *properties);

/**
 * Removes the last will. Takes effect with the next connect.
 *
 * Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mosquitto_will_clear(struct mosquitto *mosq);

/**
 * Sets the user name and password for CONNECT.
 *
 * `username` NULL sends no user name; `password` NULL sends no password. A password without a
 * user name needs MQTT 5 (MQTT 5.0 section 3.1.2.9). Both are copied, at most 65535 bytes.
 *
 * Takes effect with the next connect. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, a string that is too long, and
 * below MQTT 5 a password without a user name; MOSQ_ERR_MALFORMED_UTF8 for a user name that is
 * not UTF-8. After an error the settings are as they were.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`; `username` and `password` are NULL or C strings.
 */
libmosq_EXPORT
int mosquitto_username_pw_set(struct mosquitto *mosq,
                              const char *username,
                              const char *password);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MOSQUITTO_H */
