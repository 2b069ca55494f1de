/* Every function that takes a client, as a table: what to call, and what comes of it. */
#ifndef EVERY_CALL_H
#define EVERY_CALL_H

#include "check.h"
#include "every_mqttrs_call.h"

/* Where the result depends on the moment. */
#define ANY (-1000)

/* The host and port that the calls connect to. */
static int call_port = 1;
#define CALL_HOST "127.0.0.1"

/* What the calls of setters set. */
static struct {
    LIBMOSQ_CB_connect connect;
    LIBMOSQ_CB_connect_with_flags connect_with_flags;
    LIBMOSQ_CB_connect_v5 connect_v5;
    LIBMOSQ_CB_pre_connect pre_connect;
    LIBMOSQ_CB_disconnect disconnect;
    LIBMOSQ_CB_disconnect_v5 disconnect_v5;
    LIBMOSQ_CB_publish publish;
    LIBMOSQ_CB_publish_v5 publish_v5;
    LIBMOSQ_CB_message message;
    LIBMOSQ_CB_message_v5 message_v5;
    LIBMOSQ_CB_subscribe subscribe;
    LIBMOSQ_CB_subscribe_v5 subscribe_v5;
    LIBMOSQ_CB_unsubscribe unsubscribe;
    LIBMOSQ_CB_unsubscribe_v5 unsubscribe_v5;
    LIBMOSQ_CB_unsubscribe2_v5 unsubscribe2_v5;
    LIBMOSQ_CB_ext_auth ext_auth;
    LIBMOSQ_CB_log log;
    MQTTRS_CB_message filtered;
    mqttrs_log_callback log_record;
} setters;

static char *const call_filters[] = { "side/+", "side/#" };
static int call_version = MQTT_PROTOCOL_V5;
static int call_token;

#define OK MOSQ_ERR_SUCCESS
#define INVAL MOSQ_ERR_INVAL
#define NO_CONN MOSQ_ERR_NO_CONN
#define UNSUPPORTED MOSQ_ERR_NOT_SUPPORTED

/* X(name, call, result for NULL and for a destroyed client,
 *   result in a callback of a client that is connected or connecting,
 *   result in one of a client that is not)
 * These leave the connection and the client as they are. Files and ports that do not exist
 * keep the settings of TLS and SOCKS5 from being made. */
#define ORDINARY_CALLS(X)                                                                     \
    X(setters_connect, (mosquitto_connect_callback_set(m, setters.connect), 0), 0, 0, 0)      \
    X(setters_connect_with_flags,                                                             \
        (mosquitto_connect_with_flags_callback_set(m, setters.connect_with_flags), 0), 0, 0, 0) \
    X(setters_connect_v5, (mosquitto_connect_v5_callback_set(m, setters.connect_v5), 0), 0, 0, 0) \
    X(setters_pre_connect,                                                                    \
        (mosquitto_pre_connect_callback_set(m, setters.pre_connect), 0), 0, 0, 0)             \
    X(setters_disconnect, (mosquitto_disconnect_callback_set(m, setters.disconnect), 0), 0, 0, 0) \
    X(setters_disconnect_v5,                                                                  \
        (mosquitto_disconnect_v5_callback_set(m, setters.disconnect_v5), 0), 0, 0, 0)         \
    X(setters_publish, (mosquitto_publish_callback_set(m, setters.publish), 0), 0, 0, 0)      \
    X(setters_publish_v5, (mosquitto_publish_v5_callback_set(m, setters.publish_v5), 0), 0, 0, 0) \
    X(setters_message, (mosquitto_message_callback_set(m, setters.message), 0), 0, 0, 0)      \
    X(setters_message_v5, (mosquitto_message_v5_callback_set(m, setters.message_v5), 0), 0, 0, 0) \
    X(setters_subscribe, (mosquitto_subscribe_callback_set(m, setters.subscribe), 0), 0, 0, 0) \
    X(setters_subscribe_v5,                                                                   \
        (mosquitto_subscribe_v5_callback_set(m, setters.subscribe_v5), 0), 0, 0, 0)           \
    X(setters_unsubscribe,                                                                    \
        (mosquitto_unsubscribe_callback_set(m, setters.unsubscribe), 0), 0, 0, 0)             \
    X(setters_unsubscribe_v5,                                                                 \
        (mosquitto_unsubscribe_v5_callback_set(m, setters.unsubscribe_v5), 0), 0, 0, 0)       \
    X(setters_unsubscribe2_v5,                                                                \
        (mosquitto_unsubscribe2_v5_callback_set(m, setters.unsubscribe2_v5), 0), 0, 0, 0)     \
    X(setters_ext_auth, (mosquitto_ext_auth_callback_set(m, setters.ext_auth), 0), 0, 0, 0)   \
    X(setters_log, (mosquitto_log_callback_set(m, setters.log), 0), 0, 0, 0)                  \
    X(user_data_set, (mosquitto_user_data_set(m, &call_token), 0), 0, 0, 0)                   \
    X(userdata, mosquitto_userdata(m) == &call_token, 0, 1, 1)                                \
    X(ssl_get, mosquitto_ssl_get(m) != NULL, 0, 0, 0)                                         \
    X(message_retry_set, (mosquitto_message_retry_set(m, 5), 0), 0, 0, 0)                     \
    X(opts_set, mosquitto_opts_set(m, MOSQ_OPT_PROTOCOL_VERSION, &call_version), INVAL, OK, OK) \
    X(int_option, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5), INVAL, OK, OK) \
    X(string_option, mosquitto_string_option(m, MOSQ_OPT_BIND_ADDRESS, NULL), INVAL, OK, OK)  \
    X(void_option, mosquitto_void_option(m, MOSQ_OPT_SSL_CTX, NULL), INVAL, INVAL, INVAL)     \
    X(reconnect_delay_set, mosquitto_reconnect_delay_set(m, 1, 1, false), INVAL, OK, OK)      \
    X(max_inflight_messages_set, mosquitto_max_inflight_messages_set(m, 20), INVAL, OK, OK)   \
    X(threaded_set, mosquitto_threaded_set(m, true), INVAL, OK, OK)                           \
    X(socks5_set, mosquitto_socks5_set(m, CALL_HOST, 0, NULL, NULL), INVAL, INVAL, INVAL)     \
    X(tls_set, mosquitto_tls_set(m, NULL, NULL, NULL, NULL, NULL), INVAL, INVAL, INVAL)       \
    X(tls_insecure_set, mosquitto_tls_insecure_set(m, false), INVAL, OK, OK)                  \
    X(tls_opts_set, mosquitto_tls_opts_set(m, 1, NULL, NULL), INVAL, OK, OK)                  \
    X(tls_psk_set, mosquitto_tls_psk_set(m, NULL, "me", NULL), INVAL, INVAL, INVAL)           \
    X(username_pw_set, mosquitto_username_pw_set(m, "name", "password"), INVAL, OK, OK)       \
    X(will_set, mosquitto_will_set(m, "will", 1, "x", 0, false), INVAL, OK, OK)               \
    X(will_set_v5, mosquitto_will_set_v5(m, "will", 1, "x", 1, false, NULL), INVAL, OK, OK)   \
    X(will_clear, mosquitto_will_clear(m), INVAL, OK, OK)                                     \
    X(publish, mosquitto_publish(m, NULL, "side/0", 1, "x", 0, false), INVAL, OK, NO_CONN)    \
    X(publish_v5, mosquitto_publish_v5(m, NULL, "side/1", 1, "x", 1, false, NULL), INVAL, OK, OK) \
    X(subscribe, mosquitto_subscribe(m, NULL, "side/+", 0), INVAL, OK, NO_CONN)               \
    X(subscribe_v5, mosquitto_subscribe_v5(m, NULL, "side/+", 1, 0, NULL), INVAL, OK, NO_CONN) \
    X(subscribe_multiple,                                                                     \
        mosquitto_subscribe_multiple(m, NULL, 2, call_filters, 2, 0, NULL), INVAL, OK, NO_CONN) \
    X(unsubscribe, mosquitto_unsubscribe(m, NULL, "side/+"), INVAL, OK, NO_CONN)              \
    X(unsubscribe_v5, mosquitto_unsubscribe_v5(m, NULL, "side/+", NULL), INVAL, OK, NO_CONN)  \
    X(unsubscribe_multiple,                                                                   \
        mosquitto_unsubscribe_multiple(m, NULL, 2, call_filters, NULL), INVAL, OK, NO_CONN)   \
    X(ext_auth_continue, mosquitto_ext_auth_continue(m, "steps", 4, "step", NULL), INVAL, OK, NO_CONN) \
    X(socket, mosquitto_socket(m), -1, ANY, -1)                                               \
    X(want_write, mosquitto_want_write(m), 0, ANY, 0)                                         \
    X(loop, mosquitto_loop(m, 0, 1), INVAL, INVAL, INVAL)                                     \
    X(loop_forever, mosquitto_loop_forever(m, 0, 1), INVAL, INVAL, INVAL)                     \
    X(loop_read, mosquitto_loop_read(m, 1), INVAL, INVAL, INVAL)                              \
    X(loop_write, mosquitto_loop_write(m, 1), INVAL, OK, NO_CONN)                             \
    X(loop_misc, mosquitto_loop_misc(m), INVAL, OK, NO_CONN)                                  \
    X(connect_srv, mosquitto_connect_srv(m, "no domain", 60, NULL), INVAL, INVAL, INVAL)

/* These change what is going on. The results in a callback are the program's to know. */
#define DISTURBING_CALLS(X)                                                                   \
    X(connect, mosquitto_connect(m, CALL_HOST, call_port, 60), INVAL, ANY, ANY)               \
    X(connect_bind, mosquitto_connect_bind(m, CALL_HOST, call_port, 60, NULL), INVAL, ANY, ANY) \
    X(connect_bind_v5,                                                                        \
        mosquitto_connect_bind_v5(m, CALL_HOST, call_port, 60, NULL, NULL), INVAL, ANY, ANY)  \
    X(connect_async, mosquitto_connect_async(m, CALL_HOST, call_port, 60), INVAL, ANY, ANY)   \
    X(connect_bind_async,                                                                     \
        mosquitto_connect_bind_async(m, CALL_HOST, call_port, 60, NULL), INVAL, ANY, ANY)     \
    X(reconnect, mosquitto_reconnect(m), INVAL, ANY, ANY)                                     \
    X(reconnect_async, mosquitto_reconnect_async(m), INVAL, ANY, ANY)                         \
    X(disconnect, mosquitto_disconnect(m), INVAL, ANY, ANY)                                   \
    X(disconnect_v5, mosquitto_disconnect_v5(m, 0, NULL), INVAL, ANY, ANY)                    \
    X(loop_start, mosquitto_loop_start(m), INVAL, ANY, ANY)                                   \
    X(loop_stop, mosquitto_loop_stop(m, false), INVAL, ANY, ANY)                              \
    X(loop_stop_force, mosquitto_loop_stop(m, true), INVAL, ANY, ANY)                         \
    X(reinitialise, mosquitto_reinitialise(m, "again", true, NULL), INVAL, ANY, ANY)          \
    X(destroy, (mosquitto_destroy(m), 0), 0, 0, 0)

struct call {
    const char *name;
    int (*make)(struct mosquitto *m);
    int dead;
    int online;
    int offline;
};

#define AS_FUNCTION(name, call, dead, online, offline)                                        \
    static int call_##name(struct mosquitto *m)                                               \
    {                                                                                         \
        return call;                                                                          \
    }
#define AS_ENTRY(name, call, dead, online, offline) { #name, call_##name, dead, online, offline },

ORDINARY_CALLS(AS_FUNCTION)
MQTTRS_CALLS(AS_FUNCTION)
MQTTRS_SETTINGS(AS_FUNCTION)
DISTURBING_CALLS(AS_FUNCTION)

static const struct call ordinary_calls[] = { ORDINARY_CALLS(AS_ENTRY) MQTTRS_CALLS(AS_ENTRY) MQTTRS_SETTINGS(AS_ENTRY) };
static const struct call disturbing_calls[] = { DISTURBING_CALLS(AS_ENTRY) };

#undef OK
#undef INVAL
#undef NO_CONN
#undef UNSUPPORTED

static inline void check_call(const struct call *call, struct mosquitto *m, int expected)
{
    int got = call->make(m);
    if (expected != ANY && got != expected) {
        fprintf(stderr, "%s gives %d, not %d (%s)\n", call->name, got, expected, watched);
        _exit(1);
    }
}

/* Every function, on a client that is not there: each says so. */
static inline void check_dead(struct mosquitto *m)
{
    for (size_t i = 0; i < COUNT_OF(ordinary_calls); i++) {
        check_call(&ordinary_calls[i], m, ordinary_calls[i].dead);
    }
    for (size_t i = 0; i < COUNT_OF(disturbing_calls); i++) {
        check_call(&disturbing_calls[i], m, disturbing_calls[i].dead);
    }
}

#endif
