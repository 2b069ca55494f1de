/* null_arguments: NULL, numbers out of range and bytes that are not UTF-8, to every function,
 * on a client that is there. Each is answered by an error code. */
#include <limits.h>
#include <stdint.h>

#include <mqttrs.h>

#include "check.h"

static const char bad[] = "a\xff\xfe";
static const char control[] = "a\x01" "b";
static const char *const not_utf8[] = { "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf5\x80\x80\x80" };
static const int not_qos[] = { -1, 3, 255, INT_MIN, INT_MAX };
static char *too_long; /* 65536 bytes */

#define INVAL MOSQ_ERR_INVAL
#define UTF8 MOSQ_ERR_MALFORMED_UTF8

static struct mosquitto *fresh(int version)
{
    struct mosquitto *m = mosquitto_new("arguments", true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version));
    return m;
}

static void new_clients(void)
{
    static const char *const ids[] = { "", bad, control, NULL };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        errno = 0;
        CHECK(mosquitto_new(ids[i], false, NULL) == NULL);
        CHECK_INT(EINVAL, errno);
    }
    CHECK(mosquitto_new(too_long, true, NULL) == NULL);
    struct mosquitto *m = fresh(4);
    CHECK(mosquitto_userdata(m) == m);
    CHECK_INT(INVAL, mosquitto_reinitialise(m, NULL, false, NULL));
    CHECK_INT(INVAL, mosquitto_reinitialise(m, "", true, NULL));
    CHECK_INT(UTF8, mosquitto_reinitialise(m, bad, true, NULL));
    mosquitto_user_data_set(m, NULL);
    CHECK(mosquitto_userdata(m) == NULL);
    CHECK_INT(0, mosquitto_reinitialise(m, NULL, true, NULL));
    CHECK(mosquitto_userdata(m) == m);
    mosquitto_destroy(m);
    CHECK_INT(LIBMOSQUITTO_VERSION_NUMBER, mosquitto_lib_version(NULL, NULL, NULL));
    CHECK_INT(0, mosquitto_lib_init());
    CHECK_INT(0, mosquitto_lib_cleanup());
}

static void connecting(void)
{
    struct mosquitto *m = fresh(5);
    static const int bad_ports[] = { -1, 65536, INT_MIN, INT_MAX };
    static const int bad_keep_alives[] = { -1, 1, 65536, INT_MIN, INT_MAX };
    static const char host[] = "127.0.0.1";
    CHECK_INT(INVAL, mosquitto_connect(m, NULL, 1883, 60));
    CHECK_INT(INVAL, mosquitto_connect(m, bad, 1883, 60));
    CHECK_INT(INVAL, mosquitto_connect_bind(m, NULL, 1883, 60, NULL));
    CHECK_INT(INVAL, mosquitto_connect_bind(m, host, 1883, 60, bad));
    CHECK_INT(INVAL, mosquitto_connect_bind_async(m, NULL, 1883, 60, NULL));
    CHECK_INT(INVAL, mosquitto_connect_bind_async(m, host, 1883, 60, bad));
    CHECK_INT(INVAL, mosquitto_connect_bind_v5(m, NULL, 1883, 60, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_connect_bind_v5(m, host, 1883, 60, bad, NULL));
    CHECK_INT(INVAL, mosquitto_connect_async(m, NULL, 1883, 60));
    CHECK_INT(INVAL, mosquitto_connect_srv(m, NULL, 60, NULL));
    CHECK_INT(INVAL, mosquitto_connect_srv(m, "", 60, NULL));
    CHECK_INT(INVAL, mosquitto_connect_srv(m, "no domain", 60, NULL));
    CHECK_INT(INVAL, mosquitto_connect_srv(m, host, 1, NULL));
    CHECK_INT(INVAL, mosquitto_connect_srv(m, host, 60, bad));
    for (size_t i = 0; i < COUNT_OF(bad_ports); i++) {
        int port = bad_ports[i];
        CHECK_INT(INVAL, mosquitto_connect(m, host, port, 60));
        CHECK_INT(INVAL, mosquitto_connect_bind(m, host, port, 60, NULL));
        CHECK_INT(INVAL, mosquitto_connect_bind_async(m, host, port, 60, NULL));
        CHECK_INT(INVAL, mosquitto_connect_bind_v5(m, host, port, 60, NULL, NULL));
        CHECK_INT(INVAL, mosquitto_connect_async(m, host, port, 60));
    }
    for (size_t i = 0; i < COUNT_OF(bad_keep_alives); i++) {
        int keep_alive = bad_keep_alives[i];
        CHECK_INT(INVAL, mosquitto_connect(m, host, 1883, keep_alive));
        CHECK_INT(INVAL, mosquitto_connect_bind(m, host, 1883, keep_alive, NULL));
        CHECK_INT(INVAL, mosquitto_connect_bind_async(m, host, 1883, keep_alive, NULL));
        CHECK_INT(INVAL, mosquitto_connect_bind_v5(m, host, 1883, keep_alive, NULL, NULL));
        CHECK_INT(INVAL, mosquitto_connect_async(m, host, 1883, keep_alive));
        CHECK_INT(INVAL, mosquitto_connect_srv(m, host, keep_alive, NULL));
    }
    CHECK_INT(INVAL, mosquitto_reconnect(m));
    CHECK_INT(INVAL, mosquitto_reconnect_async(m));
    static const int bad_reasons[] = { -1, 256, INT_MIN, INT_MAX };
    for (size_t i = 0; i < COUNT_OF(bad_reasons); i++) {
        CHECK_INT(INVAL, mosquitto_disconnect_v5(m, bad_reasons[i], NULL));
    }
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_disconnect(m));

    mosquitto_property *topic_alias = NULL;
    CHECK_INT(0, mosquitto_property_add_int16(&topic_alias, MQTT_PROP_TOPIC_ALIAS, 1));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_connect_bind_v5(m, host, 1883, 60, NULL, topic_alias));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_disconnect_v5(m, 0, topic_alias));
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, 4));
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED,
        mosquitto_connect_bind_v5(m, host, 1883, 60, NULL, topic_alias));
    mosquitto_property_free_all(&topic_alias);
    mosquitto_destroy(m);
}

static void loops(void)
{
    struct mosquitto *m = fresh(4);
    static const int not_counts[] = { 0, -1, INT_MIN };
    for (size_t i = 0; i < COUNT_OF(not_counts); i++) {
        CHECK_INT(INVAL, mosquitto_loop(m, 0, not_counts[i]));
        CHECK_INT(INVAL, mosquitto_loop_forever(m, 0, not_counts[i]));
        CHECK_INT(INVAL, mosquitto_loop_read(m, not_counts[i]));
        CHECK_INT(INVAL, mosquitto_loop_write(m, not_counts[i]));
    }
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop(m, INT_MIN, 1));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop(m, INT_MAX, INT_MAX));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop_forever(m, INT_MIN, 1));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop_read(m, 1));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop_write(m, 1));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop_misc(m));
    CHECK_INT(INVAL, mosquitto_loop_stop(m, true));
    CHECK_INT(0, mosquitto_loop_start(m));
    CHECK_INT(INVAL, mosquitto_loop_start(m));
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    CHECK_INT(INVAL, mosquitto_loop_stop(m, false));
    CHECK_INT(-1, mosquitto_socket(m));
    CHECK(!mosquitto_want_write(m));
    CHECK_INT(0, mosquitto_threaded_set(m, false));
    CHECK(mosquitto_ssl_get(m) == NULL);
    mosquitto_destroy(m);
}

static void callbacks(void)
{
    struct mosquitto *m = fresh(4);
    mosquitto_connect_callback_set(m, NULL);
    mosquitto_connect_with_flags_callback_set(m, NULL);
    mosquitto_connect_v5_callback_set(m, NULL);
    mosquitto_pre_connect_callback_set(m, NULL);
    mosquitto_disconnect_callback_set(m, NULL);
    mosquitto_disconnect_v5_callback_set(m, NULL);
    mosquitto_publish_callback_set(m, NULL);
    mosquitto_publish_v5_callback_set(m, NULL);
    mosquitto_message_callback_set(m, NULL);
    mosquitto_message_v5_callback_set(m, NULL);
    mosquitto_subscribe_callback_set(m, NULL);
    mosquitto_subscribe_v5_callback_set(m, NULL);
    mosquitto_unsubscribe_callback_set(m, NULL);
    mosquitto_unsubscribe_v5_callback_set(m, NULL);
    mosquitto_unsubscribe2_v5_callback_set(m, NULL);
    mosquitto_ext_auth_callback_set(m, NULL);
    mosquitto_log_callback_set(m, NULL);
    mosquitto_destroy(m);
}

static void on_filtered(struct mosquitto *m, void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)m, (void)userdata, (void)message, (void)props;
}

static void filter_callbacks(void)
{
    static const char *const not_filters[] = {
        NULL, "", "a#", "#/a", "a/+b", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a",
    };
    struct mosquitto *m = fresh(5);
    CHECK_INT(INVAL, mqttrs_message_callback_add(NULL, "a", on_filtered, NULL));
    CHECK_INT(INVAL, mqttrs_message_callback_add(m, "a", NULL, NULL));
    CHECK_INT(INVAL, mqttrs_message_callback_remove(NULL, "a"));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_message_callback_remove(m, "a"));
    for (size_t i = 0; i < COUNT_OF(not_filters); i++) {
        CHECK_INT(INVAL, mqttrs_message_callback_add(m, not_filters[i], on_filtered, NULL));
        CHECK_INT(INVAL, mqttrs_message_callback_remove(m, not_filters[i]));
    }
    CHECK_INT(INVAL, mqttrs_message_callback_add(m, too_long, on_filtered, NULL));
    for (size_t i = 0; i < COUNT_OF(not_utf8); i++) {
        CHECK_INT(UTF8, mqttrs_message_callback_add(m, not_utf8[i], on_filtered, NULL));
        CHECK_INT(UTF8, mqttrs_message_callback_remove(m, not_utf8[i]));
    }
    /* The longest filter there can be has as many levels as bytes. */
    memset(too_long, '/', 65535);
    too_long[65535] = '\0';
    CHECK_INT(0, mqttrs_message_callback_add(m, too_long, on_filtered, NULL));
    CHECK_INT(0, mqttrs_message_callback_remove(m, too_long));
    memset(too_long, 'a', 65536);
    CHECK_INT(0, mqttrs_message_callback_add(m, "a", on_filtered, m));
    CHECK_INT(0, mqttrs_message_callback_add(m, "$share/g/a", on_filtered, m));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_message_callback_remove(m, "$share/h/a"));
    CHECK_INT(0, mosquitto_reinitialise(m, "again", true, NULL));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_message_callback_remove(m, "a"));
    CHECK_INT(0, mqttrs_message_callback_add(m, "a", on_filtered, m));
    mosquitto_destroy(m);
}

/* What `publish` gives for the same arguments, in both functions. */
static int publish(struct mosquitto *m, const char *topic, int len, const void *payload, int qos)
{
    int mid = -1;
    int rc = mosquitto_publish(m, &mid, topic, len, payload, qos, false);
    CHECK(rc == 0 || mid == -1);
    CHECK_INT(rc, mosquitto_publish_v5(m, NULL, topic, len, payload, qos, true, NULL));
    return rc;
}

static void publishing(int version)
{
    struct mosquitto *m = fresh(version);
    CHECK_INT(INVAL, publish(m, NULL, 1, "x", 1));
    CHECK_INT(INVAL, publish(m, "", 1, "x", 1));
    CHECK_INT(INVAL, publish(m, "+", 1, "x", 1));
    CHECK_INT(INVAL, publish(m, "a/#", 1, "x", 1));
    CHECK_INT(INVAL, publish(m, too_long, 1, "x", 1));
    CHECK_INT(INVAL, publish(m, "t", 1, NULL, 1));
    for (size_t i = 0; i < COUNT_OF(not_qos); i++) {
        CHECK_INT(INVAL, publish(m, "t", 1, "x", not_qos[i]));
    }
    for (size_t i = 0; i < COUNT_OF(not_utf8); i++) {
        CHECK_INT(UTF8, publish(m, not_utf8[i], 1, "x", 1));
    }
    CHECK_INT(UTF8, publish(m, control, 1, "x", 1));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, publish(m, "t", -1, "x", 1));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, publish(m, "t", INT_MIN, "x", 1));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, publish(m, "t", 268435456, "x", 1));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, publish(m, "t", INT_MAX, "x", 1));
    CHECK_INT(MOSQ_ERR_NO_CONN, publish(m, "t", 1, "x", 0));
    CHECK_INT(0, publish(m, "t", 0, NULL, 1));
    CHECK_INT(0, publish(m, "t", 0, "x", 2));
    mosquitto_destroy(m);
}

static void properties_of_a_publish(void)
{
    struct mosquitto *m = fresh(5);
    mosquitto_property *props = NULL;
    CHECK_INT(0, mosquitto_property_add_int32(&props, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 1));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_publish_v5(m, NULL, "t", 1, "x", 1, false, props));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_subscribe_v5(m, NULL, "t", 0, 0, props));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_unsubscribe_v5(m, NULL, "t", props));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_will_set_v5(m, "t", 1, "x", 1, false, props));
    mosquitto_property_free_all(&props);
    CHECK_INT(0, mosquitto_property_add_string(&props, MQTT_PROP_CONTENT_TYPE, "a"));
    CHECK_INT(0, mosquitto_property_add_string(&props, MQTT_PROP_CONTENT_TYPE, "b"));
    CHECK_INT(MOSQ_ERR_DUPLICATE_PROPERTY,
        mosquitto_publish_v5(m, NULL, "t", 1, "x", 1, false, props));
    CHECK_INT(MOSQ_ERR_DUPLICATE_PROPERTY,
        mosquitto_will_set_v5(m, "t", 1, "x", 1, false, props));
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, 4));
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED,
        mosquitto_publish_v5(m, NULL, "t", 1, "x", 1, false, props));
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED, mosquitto_subscribe_v5(m, NULL, "t", 0, 0, props));
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED, mosquitto_unsubscribe_v5(m, NULL, "t", props));
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED, mosquitto_will_set_v5(m, "t", 1, "x", 1, false, props));
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED, mosquitto_ext_auth_continue(m, "x", 0, NULL, props));
    mosquitto_property_free_all(&props);
    mosquitto_destroy(m);
}

static int subscribe(struct mosquitto *m, char *filter, int qos)
{
    char *filters[] = { filter };
    int mid = -1;
    int rc = mosquitto_subscribe(m, &mid, filter, qos);
    CHECK_INT(-1, mid); /* there is no connection, so it never succeeds */
    CHECK_INT(rc, mosquitto_subscribe_v5(m, NULL, filter, qos, 0, NULL));
    CHECK_INT(rc, mosquitto_subscribe_multiple(m, &mid, 1, filters, qos, 0, NULL));
    CHECK_INT(-1, mid);
    return rc;
}

static int unsubscribe(struct mosquitto *m, char *filter)
{
    char *filters[] = { filter };
    int mid = -1;
    int rc = mosquitto_unsubscribe(m, &mid, filter);
    CHECK_INT(-1, mid);
    CHECK_INT(rc, mosquitto_unsubscribe_v5(m, NULL, filter, NULL));
    CHECK_INT(rc, mosquitto_unsubscribe_multiple(m, &mid, 1, filters, NULL));
    CHECK_INT(-1, mid);
    return rc;
}

static void subscribing(int version)
{
    static char *const malformed[] = { "", "a/#/b", "a#", "+a", "a/b+" };
    struct mosquitto *m = fresh(version);
    CHECK_INT(INVAL, subscribe(m, NULL, 0));
    CHECK_INT(INVAL, unsubscribe(m, NULL));
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        CHECK_INT(INVAL, subscribe(m, malformed[i], 0));
        CHECK_INT(INVAL, unsubscribe(m, malformed[i]));
    }
    for (size_t i = 0; i < COUNT_OF(not_utf8); i++) {
        char filter[8];
        strcpy(filter, not_utf8[i]);
        CHECK_INT(UTF8, subscribe(m, filter, 0));
        CHECK_INT(UTF8, unsubscribe(m, filter));
    }
    CHECK_INT(INVAL, subscribe(m, too_long, 0));
    CHECK_INT(INVAL, unsubscribe(m, too_long));
    for (size_t i = 0; i < COUNT_OF(not_qos); i++) {
        CHECK_INT(INVAL, subscribe(m, "t", not_qos[i]));
    }
    CHECK_INT(MOSQ_ERR_NO_CONN, subscribe(m, "t", 0));
    CHECK_INT(MOSQ_ERR_NO_CONN, unsubscribe(m, "t"));

    static const int not_options[] = { 1, 3, 0x30, 0x40, 0x80, 0x100, -1, INT_MIN, INT_MAX };
    char *filters[] = { "a", "b" };
    char *with_null[] = { "a", NULL };
    for (size_t i = 0; i < COUNT_OF(not_options); i++) {
        CHECK_INT(INVAL, mosquitto_subscribe_v5(m, NULL, "t", 0, not_options[i], NULL));
        CHECK_INT(INVAL,
            mosquitto_subscribe_multiple(m, NULL, 2, filters, 0, not_options[i], NULL));
    }
    static const int not_counts[] = { 0, -1, INT_MIN };
    for (size_t i = 0; i < COUNT_OF(not_counts); i++) {
        CHECK_INT(INVAL, mosquitto_subscribe_multiple(m, NULL, not_counts[i], filters, 0, 0, NULL));
        CHECK_INT(INVAL, mosquitto_unsubscribe_multiple(m, NULL, not_counts[i], filters, NULL));
    }
    CHECK_INT(INVAL, mosquitto_subscribe_multiple(m, NULL, 2, NULL, 0, 0, NULL));
    CHECK_INT(INVAL, mosquitto_unsubscribe_multiple(m, NULL, 2, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_multiple(m, NULL, 2, with_null, 0, 0, NULL));
    CHECK_INT(INVAL, mosquitto_unsubscribe_multiple(m, NULL, 2, with_null, NULL));
    mosquitto_destroy(m);
}

static void will_and_user(int version)
{
    struct mosquitto *m = fresh(version);
    CHECK_INT(INVAL, mosquitto_will_set(m, NULL, 1, "x", 0, false));
    CHECK_INT(INVAL, mosquitto_will_set(m, "", 1, "x", 0, false));
    CHECK_INT(INVAL, mosquitto_will_set(m, "a/+", 1, "x", 0, false));
    CHECK_INT(UTF8, mosquitto_will_set(m, bad, 1, "x", 0, false));
    CHECK_INT(INVAL, mosquitto_will_set(m, "t", 1, NULL, 0, false));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, mosquitto_will_set(m, "t", -1, "x", 0, false));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, mosquitto_will_set(m, "t", 65536, too_long, 0, false));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, mosquitto_will_set(m, "t", INT_MAX, "x", 0, false));
    CHECK_INT(INVAL, mosquitto_will_set_v5(m, NULL, 1, "x", 0, false, NULL));
    CHECK_INT(UTF8, mosquitto_will_set_v5(m, control, 1, "x", 0, false, NULL));
    CHECK_INT(INVAL, mosquitto_will_set_v5(m, "t", 1, NULL, 0, false, NULL));
    for (size_t i = 0; i < COUNT_OF(not_qos); i++) {
        CHECK_INT(INVAL, mosquitto_will_set(m, "t", 1, "x", not_qos[i], false));
        CHECK_INT(INVAL, mosquitto_will_set_v5(m, "t", 1, "x", not_qos[i], false, NULL));
    }
    CHECK_INT(0, mosquitto_will_clear(m));
    CHECK_INT(0, mosquitto_will_set(m, "t", 0, NULL, 0, false));
    CHECK_INT(0, mosquitto_will_clear(m));
    CHECK_INT(0, mosquitto_will_clear(m));
    CHECK_INT(UTF8, mosquitto_username_pw_set(m, bad, "p"));
    CHECK_INT(INVAL, mosquitto_username_pw_set(m, too_long, "p"));
    CHECK_INT(INVAL, mosquitto_username_pw_set(m, "u", too_long));
    CHECK_INT(version == 5 ? 0 : INVAL, mosquitto_username_pw_set(m, NULL, "p"));
    CHECK_INT(0, mosquitto_username_pw_set(m, NULL, NULL));
    CHECK_INT(0, mosquitto_username_pw_set(m, "u", "\xff"));
    mosquitto_destroy(m);
}

static void authentication(void)
{
    struct mosquitto *m = fresh(5);
    CHECK_INT(INVAL, mosquitto_ext_auth_continue(m, NULL, 0, NULL, NULL));
    CHECK_INT(UTF8, mosquitto_ext_auth_continue(m, bad, 0, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_ext_auth_continue(m, "x", 1, NULL, NULL));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_ext_auth_continue(m, "x", 0, NULL, NULL));
    mosquitto_destroy(m);
}

static void options(void)
{
    struct mosquitto *m = fresh(4);
    static const int not_options[] = { 0, -1, 99, INT_MIN, INT_MAX };
    int value = 4;
    for (size_t i = 0; i < COUNT_OF(not_options); i++) {
        enum mosq_opt_t option = (enum mosq_opt_t)not_options[i];
        CHECK_INT(INVAL, mosquitto_int_option(m, option, 1));
        CHECK_INT(INVAL, mosquitto_string_option(m, option, "x"));
        CHECK_INT(INVAL, mosquitto_void_option(m, option, &value));
        CHECK_INT(INVAL, mosquitto_opts_set(m, option, &value));
    }
    static const struct {
        enum mosq_opt_t option;
        int value;
    } not_values[] = {
        { MOSQ_OPT_PROTOCOL_VERSION, 2 }, { MOSQ_OPT_PROTOCOL_VERSION, 6 },
        { MOSQ_OPT_PROTOCOL_VERSION, INT_MIN }, { MOSQ_OPT_PROTOCOL_VERSION, 4 + 256 },
        { MOSQ_OPT_RECEIVE_MAXIMUM, -1 }, { MOSQ_OPT_RECEIVE_MAXIMUM, 65536 },
        { MOSQ_OPT_SEND_MAXIMUM, -1 }, { MOSQ_OPT_SEND_MAXIMUM, 65536 },
        { MOSQ_OPT_TRANSPORT, 0 }, { MOSQ_OPT_TRANSPORT, -1 },
        { MOSQ_OPT_HTTP_HEADER_SIZE, 99 }, { MOSQ_OPT_HTTP_HEADER_SIZE, INT_MAX },
    };
    for (size_t i = 0; i < COUNT_OF(not_values); i++) {
        CHECK_INT(INVAL, mosquitto_int_option(m, not_values[i].option, not_values[i].value));
    }
    CHECK_INT(INVAL, mosquitto_opts_set(m, MOSQ_OPT_PROTOCOL_VERSION, NULL));
    CHECK_INT(INVAL, mosquitto_opts_set(m, MOSQ_OPT_SSL_CTX, NULL));
    CHECK_INT(INVAL, mosquitto_void_option(m, MOSQ_OPT_SSL_CTX, NULL));
    CHECK_INT(INVAL, mosquitto_string_option(m, MOSQ_OPT_BIND_ADDRESS, bad));
    CHECK_INT(0, mosquitto_string_option(m, MOSQ_OPT_BIND_ADDRESS, NULL));
    CHECK_INT(INVAL, mosquitto_string_option(m, MOSQ_OPT_TLS_KEYFORM, NULL));
    CHECK_INT(INVAL, mosquitto_string_option(m, MOSQ_OPT_TLS_ENGINE, NULL));
    CHECK_INT(INVAL, mosquitto_max_inflight_messages_set(m, 65536));
    CHECK_INT(INVAL, mosquitto_max_inflight_messages_set(m, UINT_MAX));
    CHECK_INT(0, mosquitto_reconnect_delay_set(m, UINT_MAX, UINT_MAX, true));
    CHECK_INT(0, mosquitto_reconnect_delay_set(m, 0, 0, false));
    mosquitto_message_retry_set(m, UINT_MAX);
    CHECK_INT(INVAL, mosquitto_socks5_set(m, NULL, 1080, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, bad, 1080, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, "proxy", -1, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, "proxy", 0, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, "proxy", 65536, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, too_long, 1080, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, "proxy", 1080, too_long, NULL));
    CHECK_INT(INVAL, mosquitto_socks5_set(m, "proxy", 1080, "u", too_long));
    mosquitto_destroy(m);
}

/* How connections are made: mqttrs.h. */
static void making_connections(void)
{
    struct mosquitto *m = fresh(4);
    char text[8] = "unused!";
    CHECK_INT(0, mqttrs_last_error(NULL, NULL, 0));
    CHECK_INT(0, mqttrs_last_error(m, NULL, 0));
    CHECK_INT(0, mqttrs_last_error(m, text, sizeof text));
    struct mqttrs_stats stats = { .size = sizeof stats };
    CHECK_INT(MOSQ_ERR_INVAL, mqttrs_stats(NULL, &stats));
    CHECK_INT(MOSQ_ERR_INVAL, mqttrs_stats(m, NULL));
    CHECK_INT(0, mqttrs_stats(m, &stats));
    stats.size -= 1;
    CHECK_INT(MOSQ_ERR_INVAL, mqttrs_stats(m, &stats));
    CHECK_INT(0, strlen(text));
    CHECK_INT(INVAL, mqttrs_automatic_topic_aliases_set(NULL, true));
    CHECK_INT(0, mqttrs_automatic_topic_aliases_set(m, true));
    CHECK_INT(INVAL, mqttrs_clean_start_set(NULL, true));
    CHECK_INT(0, mqttrs_clean_start_set(m, true));
    CHECK_INT(INVAL, mqttrs_connect_timeout_set(NULL, 1));
    CHECK_INT(INVAL, mqttrs_connect_timeout_set(m, 0));
    CHECK_INT(0, mqttrs_connect_timeout_set(m, UINT_MAX));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(NULL, "proxy", 1, NULL, NULL));
    CHECK_INT(0, mqttrs_http_proxy_set(m, NULL, -1, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(m, bad, 1, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(m, "proxy", 0, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(m, "proxy", 65536, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(m, "proxy", 1, "a:b", "c"));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(m, "proxy", 1, NULL, "c"));
    CHECK_INT(INVAL, mqttrs_http_proxy_set(m, "proxy", 1, "a", bad));
    CHECK_INT(INVAL, mqttrs_websocket_header_add(NULL, "a", "b"));
    CHECK_INT(0, mqttrs_websocket_header_add(m, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_websocket_header_add(m, "a", NULL));
    CHECK_INT(INVAL, mqttrs_websocket_header_add(m, bad, "b"));
    CHECK_INT(INVAL, mqttrs_websocket_header_add(m, "a b", "c"));
    CHECK_INT(INVAL, mqttrs_websocket_header_add(m, "a", "b\r\nc: d"));
    CHECK_INT(INVAL, mqttrs_websocket_header_add(m, "Upgrade", "x"));
    CHECK(mqttrs_last_error(m, text, sizeof text) > sizeof text);
    CHECK_INT(7, strlen(text));
    mosquitto_destroy(m);
}

/* One loop for many clients: mqttrs.h. */
static void shared_loops(void)
{
    struct mosquitto *m = fresh(4), *gone = fresh(4);
    struct mqttrs_loop *loop = mqttrs_loop_new(), *none = NULL;
    static const int timeouts[] = { 0, 1, INT_MIN, INT_MAX };
    mosquitto_destroy(gone);
    CHECK(loop != NULL);
    for (int round = 0; round < 2; round++) {
        CHECK_INT(INVAL, mqttrs_loop_add(none, m));
        CHECK_INT(INVAL, mqttrs_loop_remove(none, m));
        CHECK_INT(INVAL, mqttrs_loop_run(none));
        CHECK_INT(INVAL, mqttrs_loop_start(none));
        CHECK_INT(INVAL, mqttrs_loop_stop(none));
        CHECK_INT(-1, mqttrs_loop_socket(none));
        CHECK_INT(-1, mqttrs_loop_timeout(none));
        for (size_t i = 0; i < COUNT_OF(timeouts); i++) {
            CHECK_INT(INVAL, mqttrs_loop_run_once(none, timeouts[i]));
        }
        mqttrs_loop_destroy(none);
        none = mqttrs_loop_new();
        CHECK(none != NULL);
        mqttrs_loop_destroy(none);
    }
    CHECK_INT(INVAL, mqttrs_loop_add(loop, NULL));
    CHECK_INT(INVAL, mqttrs_loop_add(loop, gone));
    CHECK_INT(INVAL, mqttrs_loop_remove(loop, NULL));
    CHECK_INT(INVAL, mqttrs_loop_remove(loop, gone));
    CHECK_INT(INVAL, mqttrs_loop_remove(loop, m));
    CHECK_INT(0, mqttrs_loop_run_once(loop, 0));
    CHECK_INT(0, mqttrs_loop_add(loop, m));
    CHECK_INT(INVAL, mosquitto_loop(m, 0, 1));
    CHECK_INT(INVAL, mosquitto_loop_forever(m, 0, 1));
    CHECK_INT(INVAL, mosquitto_loop_start(m));
    CHECK_INT(0, mqttrs_loop_run_once(loop, 0));
    mqttrs_loop_destroy(loop);
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop(m, 0, 1));
    mosquitto_destroy(m);
}

/* TLS beyond files: mqttrs.h. */
static void tls_beyond_files(void)
{
    struct mosquitto *m = fresh(4);
    static const char missing[] = "/there/is/no/such/file";
    static const char *const null_name[] = { "mqtt", NULL };
    static const char *const bad_name[] = { bad };
    static const char *const empty_name[] = { "" };
    static const char *const two_names[] = { "mqtt", "x-amzn-mqtt-ca" };
    CHECK_INT(INVAL, mqttrs_tls_ca_set(NULL, bad, 1));
    CHECK_INT(INVAL, mqttrs_tls_ca_set(m, NULL, 1));
    CHECK_INT(INVAL, mqttrs_tls_ca_set(m, bad, 0));
    CHECK_INT(INVAL, mqttrs_tls_ca_set(m, bad, sizeof bad));
    CHECK_INT(INVAL, mqttrs_tls_ca_set(m, bad, SIZE_MAX));
    CHECK_INT(0, mqttrs_tls_ca_set(m, NULL, 0));
    CHECK_INT(INVAL, mqttrs_tls_certificate_set(NULL, bad, 1, bad, 1));
    CHECK_INT(INVAL, mqttrs_tls_certificate_set(m, bad, sizeof bad, NULL, 0));
    CHECK_INT(INVAL, mqttrs_tls_certificate_set(m, NULL, 0, bad, sizeof bad));
    CHECK_INT(INVAL, mqttrs_tls_certificate_set(m, NULL, 1, NULL, 1));
    CHECK_INT(INVAL, mqttrs_tls_certificate_set(m, bad, sizeof bad, bad, sizeof bad));
    CHECK_INT(0, mqttrs_tls_certificate_set(m, NULL, 0, NULL, 0));
    CHECK_INT(INVAL, mqttrs_tls_password_callback_set(NULL, NULL));
    CHECK_INT(0, mqttrs_tls_password_callback_set(m, NULL));
    CHECK_INT(INVAL, mqttrs_tls_crl_set(NULL, bad, 1));
    CHECK_INT(INVAL, mqttrs_tls_crl_set(m, NULL, 1));
    CHECK_INT(INVAL, mqttrs_tls_crl_set(m, bad, sizeof bad));
    CHECK_INT(0, mqttrs_tls_crl_set(m, NULL, 0));
    CHECK_INT(INVAL, mqttrs_tls_crl_file_set(NULL, missing));
    CHECK_INT(INVAL, mqttrs_tls_crl_file_set(m, missing));
    CHECK_INT(INVAL, mqttrs_tls_crl_file_set(m, bad));
    CHECK_INT(0, mqttrs_tls_crl_file_set(m, NULL));
    CHECK_INT(INVAL, mqttrs_tls_keylog_set(NULL, missing));
    CHECK_INT(INVAL, mqttrs_tls_keylog_set(m, "/there/is/no/such/folder/log"));
    CHECK_INT(INVAL, mqttrs_tls_keylog_set(m, bad));
    CHECK_INT(0, mqttrs_tls_keylog_set(m, NULL));
    CHECK_INT(INVAL, mqttrs_tls_pins_set(NULL, "sha256//"));
    CHECK_INT(INVAL, mqttrs_tls_pins_set(m, "sha256//"));
    CHECK_INT(INVAL, mqttrs_tls_pins_set(m, bad));
    CHECK_INT(0, mqttrs_tls_pins_set(m, NULL));
    CHECK_INT(INVAL, mqttrs_tls_alpn_set(NULL, two_names, 2));
    CHECK_INT(INVAL, mqttrs_tls_alpn_set(m, NULL, 1));
    CHECK_INT(INVAL, mqttrs_tls_alpn_set(m, null_name, 2));
    CHECK_INT(INVAL, mqttrs_tls_alpn_set(m, bad_name, 1));
    CHECK_INT(INVAL, mqttrs_tls_alpn_set(m, empty_name, 1));
    CHECK_INT(0, mqttrs_tls_alpn_set(m, two_names, 2));
    CHECK_INT(0, mqttrs_tls_alpn_set(m, NULL, 0));
    mosquitto_destroy(m);
}

static void tls(const char *readable)
{
    struct mosquitto *m = fresh(4);
    static const char missing[] = "/there/is/no/such/file";
    CHECK_INT(INVAL, mosquitto_tls_set(m, NULL, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_set(m, missing, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_set(m, bad, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_set(m, readable, NULL, readable, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_set(m, readable, NULL, NULL, readable, NULL));
    CHECK_INT(INVAL, mosquitto_tls_set(m, readable, NULL, missing, readable, NULL));
    CHECK_INT(INVAL, mosquitto_tls_opts_set(m, -1, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_opts_set(m, 2, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_opts_set(m, 1, "sslv3", NULL));
    CHECK_INT(INVAL, mosquitto_tls_opts_set(m, 1, bad, NULL));
    CHECK_INT(INVAL, mosquitto_tls_opts_set(m, 1, NULL, bad));
    CHECK_INT(0, mosquitto_tls_opts_set(m, 1, "TLSv1.2", NULL));
    CHECK_INT(0, mosquitto_tls_insecure_set(m, false));
    CHECK_INT(INVAL, mosquitto_tls_psk_set(m, NULL, "me", NULL));
    CHECK_INT(INVAL, mosquitto_tls_psk_set(m, "c0ffee", NULL, NULL));
    CHECK_INT(INVAL, mosquitto_tls_psk_set(m, "coffee", "me", NULL));
    mosquitto_destroy(m);
}

static int taker(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m;
    (void)obj;
    (void)message;
    return 1;
}

static void helpers(void)
{
    static const char host[] = "127.0.0.1";
    struct mosquitto_message *messages = (void *)&messages;
    CHECK_INT(INVAL, mosquitto_subscribe_simple(NULL, 1, true, "t", 0, host, 1, "c", 60, true,
        NULL, NULL, NULL, NULL));
    static const int not_counts[] = { 0, -1, INT_MIN };
    for (size_t i = 0; i < COUNT_OF(not_counts); i++) {
        CHECK_INT(INVAL, mosquitto_subscribe_simple(&messages, not_counts[i], true, "t", 0, host, 1,
            "c", 60, true, NULL, NULL, NULL, NULL));
    }
    CHECK_INT(INVAL, mosquitto_subscribe_simple(&messages, 1, true, NULL, 0, host, 1, "c", 60,
        true, NULL, NULL, NULL, NULL));
    CHECK(messages == NULL);
    CHECK_INT(INVAL, mosquitto_subscribe_simple(&messages, 1, true, "t", 0, NULL, 1, "c", 60,
        true, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_simple(&messages, 1, true, "t", 0, host, 1, NULL, 60,
        false, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_callback(NULL, NULL, "t", 0, host, 1, "c", 60, true,
        NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_callback(taker, NULL, NULL, 0, host, 1, "c", 60, true,
        NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_callback(taker, NULL, "t", 0, host, 1, bad, 60, true,
        NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_callback(taker, NULL, "t", 0, host, -1, "c", 60, true,
        NULL, NULL, NULL, NULL));
    struct libmosquitto_will no_will;
    struct libmosquitto_tls no_tls;
    memset(&no_will, 0, sizeof(no_will));
    memset(&no_tls, 0, sizeof(no_tls));
    CHECK_INT(INVAL, mosquitto_subscribe_callback(taker, NULL, "t", 0, host, 1, "c", 60, true,
        NULL, NULL, &no_will, NULL));
    CHECK_INT(INVAL, mosquitto_subscribe_callback(taker, NULL, "t", 0, host, 1, "c", 60, true,
        NULL, NULL, NULL, &no_tls));
}

static void messages(void)
{
    struct mosquitto_message message = { 1, "t", "p", 1, 0, false };
    struct mosquitto_message copy;
    struct mosquitto_message *none = NULL;
    CHECK_INT(INVAL, mosquitto_message_copy(NULL, &message));
    CHECK_INT(INVAL, mosquitto_message_copy(&copy, NULL));
    message.payloadlen = -1;
    CHECK_INT(INVAL, mosquitto_message_copy(&copy, &message));
    message.payloadlen = 1;
    message.payload = NULL;
    CHECK_INT(INVAL, mosquitto_message_copy(&copy, &message));
    message.topic = NULL;
    CHECK_INT(INVAL, mosquitto_message_copy(&copy, &message));
    mosquitto_message_free(NULL);
    mosquitto_message_free(&none);
    mosquitto_message_free_contents(NULL);
}

static void topics(void)
{
    bool result = true;
    CHECK_INT(INVAL, mosquitto_pub_topic_check(NULL));
    CHECK_INT(INVAL, mosquitto_pub_topic_check("+"));
    CHECK_INT(INVAL, mosquitto_pub_topic_check(too_long));
    CHECK_INT(UTF8, mosquitto_pub_topic_check(bad));
    CHECK_INT(INVAL, mosquitto_pub_topic_check2(NULL, 3));
    CHECK_INT(UTF8, mosquitto_pub_topic_check2(bad, SIZE_MAX));
    CHECK_INT(0, mosquitto_pub_topic_check2(bad, 1));
    CHECK_INT(INVAL, mosquitto_sub_topic_check(NULL));
    CHECK_INT(INVAL, mosquitto_sub_topic_check("a#"));
    CHECK_INT(INVAL, mosquitto_sub_topic_check(too_long));
    CHECK_INT(UTF8, mosquitto_sub_topic_check(bad));
    CHECK_INT(INVAL, mosquitto_sub_topic_check2(NULL, 3));
    CHECK_INT(UTF8, mosquitto_sub_topic_check2(bad, SIZE_MAX));

    static const char *const pairs[][2] = {
        { NULL, "a" }, { "a", NULL }, { NULL, NULL }, { "", "a" }, { "a", "" }, { "a#", "a" },
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        const char *one = pairs[i][0], *other = pairs[i][1];
        result = true;
        CHECK_INT(INVAL, mosquitto_topic_matches_sub(one, other, &result));
        CHECK(!result);
        CHECK_INT(INVAL, mosquitto_topic_matches_sub2(one, 9, other, 9, &result));
        CHECK_INT(INVAL,
            mosquitto_topic_matches_sub_with_pattern(one, other, NULL, NULL, &result));
        CHECK_INT(INVAL, mosquitto_sub_matches_acl(one, other, &result));
        CHECK_INT(INVAL, mosquitto_sub_matches_acl_with_pattern(one, other, "c", "u", &result));
        CHECK(!result);
    }
    CHECK_INT(INVAL, mosquitto_topic_matches_sub("a", "a", NULL));
    CHECK_INT(INVAL, mosquitto_topic_matches_sub2("a", 1, "a", 1, NULL));
    CHECK_INT(INVAL, mosquitto_topic_matches_sub_with_pattern("a", "a", NULL, NULL, NULL));
    CHECK_INT(INVAL, mosquitto_sub_matches_acl("a", "a", NULL));
    CHECK_INT(INVAL, mosquitto_sub_matches_acl_with_pattern("a", "a", NULL, NULL, NULL));
    CHECK_INT(0, mosquitto_topic_matches_sub_with_pattern("%c/%u", "c/u", NULL, NULL, &result));
    CHECK(!result);

    char **tokens = NULL;
    int count = 0;
    CHECK_INT(INVAL, mosquitto_sub_topic_tokenise(NULL, &tokens, &count));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokenise("a", NULL, &count));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokenise("a", &tokens, NULL));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokenise(too_long, &tokens, &count));
    CHECK_INT(UTF8, mosquitto_sub_topic_tokenise(bad, &tokens, &count));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokens_free(NULL, 1));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokens_free(&tokens, 1));
    CHECK_INT(0, mosquitto_sub_topic_tokenise("a/b", &tokens, &count));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokens_free(&tokens, 0));
    CHECK_INT(INVAL, mosquitto_sub_topic_tokens_free(&tokens, -1));
    CHECK_INT(0, mosquitto_sub_topic_tokens_free(&tokens, count));
}

static void texts(void)
{
    static const int numbers[] = { -1000, -7, 44, 99, 255, 256, INT_MIN, INT_MAX };
    int command = 77, identifier = 77, type = 77;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        CHECK(mosquitto_strerror(numbers[i]) != NULL);
        CHECK(mosquitto_connack_string(numbers[i]) != NULL);
        CHECK(mosquitto_reason_string(numbers[i]) != NULL);
        CHECK(mosquitto_property_identifier_to_string(numbers[i]) == NULL);
    }
    CHECK_INT(INVAL, mosquitto_string_to_command(NULL, &command));
    CHECK_INT(INVAL, mosquitto_string_to_command("connect", NULL));
    CHECK_INT(INVAL, mosquitto_string_to_command(bad, &command));
    CHECK_INT(INVAL, mosquitto_string_to_command("", &command));
    CHECK_INT(77, command);
    CHECK_INT(INVAL, mosquitto_string_to_property_info(NULL, &identifier, &type));
    CHECK_INT(INVAL, mosquitto_string_to_property_info("topic-alias", NULL, &type));
    CHECK_INT(INVAL, mosquitto_string_to_property_info("topic-alias", &identifier, NULL));
    CHECK_INT(INVAL, mosquitto_string_to_property_info(bad, &identifier, &type));
    CHECK_INT(77, identifier);
    CHECK_INT(77, type);
    CHECK_INT(INVAL, mosquitto_validate_utf8(NULL, 0));
    CHECK_INT(INVAL, mosquitto_validate_utf8("a", -1));
    CHECK_INT(INVAL, mosquitto_validate_utf8("a", INT_MIN));
    CHECK_INT(INVAL, mosquitto_validate_utf8("a", INT_MAX));
    for (size_t i = 0; i < COUNT_OF(not_utf8); i++) {
        CHECK_INT(UTF8, mosquitto_validate_utf8(not_utf8[i], (int)strlen(not_utf8[i])));
    }
}

static void adding_properties(void)
{
    mosquitto_property *list = NULL;
    static const int none[] = { 0, -1, 4, 43, 128, 256 + 1, INT_MIN, INT_MAX };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        CHECK_INT(INVAL, mosquitto_property_add_byte(&list, none[i], 1));
        CHECK_INT(INVAL, mosquitto_property_add_int16(&list, none[i], 1));
        CHECK_INT(INVAL, mosquitto_property_add_int32(&list, none[i], 1));
        CHECK_INT(INVAL, mosquitto_property_add_varint(&list, none[i], 1));
        CHECK_INT(INVAL, mosquitto_property_add_binary(&list, none[i], "x", 1));
        CHECK_INT(INVAL, mosquitto_property_add_string(&list, none[i], "x"));
        CHECK_INT(INVAL, mosquitto_property_add_string_pair(&list, none[i], "x", "y"));
        CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_property_check_command(CMD_CONNECT, none[i]));
    }
    CHECK_INT(INVAL, mosquitto_property_add_byte(NULL, MQTT_PROP_MAXIMUM_QOS, 1));
    CHECK_INT(INVAL, mosquitto_property_add_int16(NULL, MQTT_PROP_TOPIC_ALIAS, 1));
    CHECK_INT(INVAL, mosquitto_property_add_int32(NULL, MQTT_PROP_MAXIMUM_PACKET_SIZE, 1));
    CHECK_INT(INVAL, mosquitto_property_add_varint(NULL, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, 1));
    CHECK_INT(INVAL,
        mosquitto_property_add_varint(&list, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, 268435456));
    CHECK_INT(INVAL, mosquitto_property_add_binary(NULL, MQTT_PROP_CORRELATION_DATA, "x", 1));
    CHECK_INT(INVAL, mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, NULL, 1));
    CHECK_INT(INVAL, mosquitto_property_add_string(NULL, MQTT_PROP_CONTENT_TYPE, "x"));
    CHECK_INT(INVAL, mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, NULL));
    CHECK_INT(UTF8, mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, bad));
    CHECK_INT(UTF8, mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, too_long));
    CHECK_INT(INVAL, mosquitto_property_add_string_pair(NULL, MQTT_PROP_USER_PROPERTY, "x", "y"));
    CHECK_INT(INVAL, mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, NULL, "y"));
    CHECK_INT(INVAL, mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, "x", NULL));
    CHECK_INT(UTF8, mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, bad, "y"));
    CHECK_INT(UTF8, mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, "x", bad));
    CHECK_INT(INVAL, mosquitto_property_add_byte(&list, MQTT_PROP_TOPIC_ALIAS, 1));
    CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_property_check_command(-1, MQTT_PROP_USER_PROPERTY));
    CHECK(list == NULL);
}

/* Reads with NULL where values go, and of what is not there. */
static void reading_properties(const mosquitto_property *list)
{
    void *binary;
    char *string, *name;
    uint8_t byte = 7;
    uint16_t int16 = 7, len = 7;
    uint32_t int32 = 7;
    for (int identifier = -1; identifier <= 43; identifier++) {
        binary = NULL, string = NULL, name = NULL;
        CHECK(mosquitto_property_read_byte(list, identifier, &byte, false) == NULL);
        CHECK(mosquitto_property_read_int16(list, identifier, &int16, false) == NULL);
        CHECK(mosquitto_property_read_int32(list, identifier, &int32, false) == NULL);
        CHECK(mosquitto_property_read_varint(list, identifier, &int32, true) == NULL);
        CHECK(mosquitto_property_read_binary(list, identifier, &binary, &len, false) == NULL);
        CHECK(mosquitto_property_read_string(list, identifier, &string, false) == NULL);
        if (identifier != MQTT_PROP_USER_PROPERTY || list == NULL) {
            CHECK(mosquitto_property_read_string_pair(list, identifier, &name, &string, false)
                == NULL);
        }
        CHECK(binary == NULL && string == NULL && name == NULL);
    }
    CHECK(byte == 7 && int16 == 7 && int32 == 7 && len == 7);
}

static void looking_at_properties(void)
{
    mosquitto_property *list = NULL, *other = NULL;
    CHECK(mosquitto_property_next(NULL) == NULL);
    CHECK_INT(0, mosquitto_property_identifier(NULL));
    CHECK_INT(0, mosquitto_property_type(NULL));
    CHECK_INT(0, mosquitto_property_byte_value(NULL));
    CHECK_INT(0, mosquitto_property_int16_value(NULL));
    CHECK_INT(0, mosquitto_property_int32_value(NULL));
    CHECK_INT(0, mosquitto_property_varint_value(NULL));
    CHECK(mosquitto_property_binary_value(NULL) == NULL);
    CHECK_INT(0, mosquitto_property_binary_value_length(NULL));
    CHECK(mosquitto_property_string_value(NULL) == NULL);
    CHECK_INT(0, mosquitto_property_string_value_length(NULL));
    CHECK(mosquitto_property_string_name(NULL) == NULL);
    CHECK_INT(0, mosquitto_property_string_name_length(NULL));
    mosquitto_property_free_all(NULL);
    mosquitto_property_free_all(&list);
    CHECK_INT(0, mosquitto_property_check_all(CMD_CONNECT, NULL));
    CHECK_INT(INVAL, mosquitto_property_copy_all(NULL, NULL));
    CHECK_INT(0, mosquitto_property_copy_all(&other, NULL));
    CHECK(other == NULL);
    CHECK_INT(INVAL, mosquitto_property_remove(NULL, NULL));
    CHECK_INT(INVAL, mosquitto_property_remove(&list, NULL));
    reading_properties(NULL);

    CHECK_INT(0, mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, "n", "v"));
    CHECK_INT(0, mosquitto_property_add_string_pair(&other, MQTT_PROP_USER_PROPERTY, "n", "v"));
    reading_properties(list);
    CHECK(mosquitto_property_read_string_pair(list, MQTT_PROP_USER_PROPERTY, NULL, NULL, false)
        == list);
    CHECK(mosquitto_property_read_string_pair(list, MQTT_PROP_USER_PROPERTY, NULL, NULL, true)
        == NULL);
    CHECK_INT(0, mosquitto_property_byte_value(list));
    CHECK_INT(0, mosquitto_property_int16_value(list));
    CHECK_INT(0, mosquitto_property_int32_value(list));
    CHECK_INT(0, mosquitto_property_varint_value(list));
    CHECK(mosquitto_property_binary_value(list) == NULL);
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mosquitto_property_remove(&list, other));
    static const int not_commands[] = { 0, 0xff, -1, CMD_PINGREQ, INT_MIN, INT_MAX };
    for (size_t i = 0; i < COUNT_OF(not_commands); i++) {
        CHECK_INT(MOSQ_ERR_PROTOCOL, mosquitto_property_check_all(not_commands[i], list));
    }
    mosquitto_property_free_all(&list);
    mosquitto_property_free_all(&other);
}

static void store(void)
{
    struct mosquitto *m = fresh(4);
    struct mqttrs_store_options options = { .size = sizeof options - 1 };
    CHECK_INT(INVAL, mqttrs_store_open(NULL, "folder", NULL));
    CHECK_INT(INVAL, mqttrs_store_open(m, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_store_open(m, "folder", &options));
    options.size++;
    options.durability = -1;
    CHECK_INT(INVAL, mqttrs_store_open(m, "folder", &options));
    /* This client's session is not kept. (A build without a store answers so.) */
    CHECK(mqttrs_store_open(m, "folder", NULL) != 0);
    mosquitto_destroy(m);
    CHECK_INT(INVAL, mqttrs_store_open(m, "folder", NULL));
    m = mosquitto_new("id", false, NULL);
    CHECK(mqttrs_store_open(m, "/nowhere/at/all", NULL) != 0);
    CHECK(mqttrs_store_open(m, "/proc", NULL) != 0);
    mosquitto_destroy(m);
}

static void throttle(void)
{
    struct mosquitto *m = fresh(4);
    struct mqttrs_throttle limit = { .size = sizeof limit, .messages_per_second = 1.0 };
    CHECK_INT(INVAL, mqttrs_throttle_set(NULL, NULL, &limit));
    CHECK_INT(INVAL, mqttrs_throttle_set(m, "a/#/b", &limit));
    CHECK_INT(INVAL, mqttrs_throttle_set(m, "", &limit));
    CHECK_INT(INVAL, mqttrs_throttle_set(m, "#", &(struct mqttrs_throttle) { 0 }));
    CHECK_INT(0, mqttrs_throttle_set(m, "none", NULL));
    CHECK_INT(0, mqttrs_throttle_set(m, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_receive_throttle_set(NULL, &limit));
    CHECK_INT(0, mqttrs_receive_throttle_set(m, NULL));
    const double bad[] = { -1.0, -0.001, 1.0 / 0.0, 0.0 / 0.0 };
    for (int i = 0; i < 4; i++) {
        limit.messages_per_second = bad[i];
        CHECK_INT(INVAL, mqttrs_throttle_set(m, NULL, &limit));
        CHECK_INT(INVAL, mqttrs_receive_throttle_set(m, &limit));
        limit.messages_per_second = 1.0;
        limit.bytes_per_second = bad[i];
        CHECK_INT(INVAL, mqttrs_throttle_set(m, NULL, &limit));
        limit.bytes_per_second = 0.0;
    }
    for (int excess = -1; excess <= MQTTRS_EXCESS_DROP_OLDEST + 1; excess++) {
        bool known = excess >= 0 && excess <= MQTTRS_EXCESS_DROP_OLDEST;
        bool received = excess == MQTTRS_EXCESS_WAIT || excess == MQTTRS_EXCESS_DROP;
        limit.excess = excess;
        CHECK_INT(known ? 0 : INVAL, mqttrs_throttle_set(m, "a", &limit));
        CHECK_INT(received ? 0 : INVAL, mqttrs_receive_throttle_set(m, &limit));
    }
    CHECK(!mqttrs_want_read(NULL) && !mqttrs_want_read(m));
    CHECK_INT(-1, mqttrs_misc_timeout(NULL));
    CHECK_INT(-1, mqttrs_misc_timeout(m));
    mosquitto_destroy(m);
}

static void queue(void)
{
    struct mosquitto *m = fresh(4);
    struct mqttrs_queue_options options = { .size = sizeof options, .max_messages = 1 };
    CHECK_INT(INVAL, mqttrs_queue_set(NULL, &options));
    CHECK_INT(0, mqttrs_queue_set(m, NULL));
    options.size--;
    CHECK_INT(INVAL, mqttrs_queue_set(m, &options));
    options.size++;
    options.overflow = -1;
    CHECK_INT(INVAL, mqttrs_queue_set(m, &options));
    options.overflow = MQTTRS_OVERFLOW_DROP_QOS0 + 1;
    CHECK_INT(INVAL, mqttrs_queue_set(m, &options));
    options.overflow = MQTTRS_OVERFLOW_REFUSE;
    CHECK_INT(0, mqttrs_queue_set(m, &options));
    CHECK_INT(0, mosquitto_publish(m, NULL, "t", 0, NULL, 1, false));
    CHECK_INT(MOSQ_ERR_QUOTA_EXCEEDED, mosquitto_publish(m, NULL, "t", 0, NULL, 1, false));
    CHECK_INT(INVAL, mqttrs_queue_clear(NULL));
    CHECK_INT(0, mqttrs_queue_clear(m));
    CHECK_INT(INVAL, mqttrs_outcome_callback_set(NULL, NULL));
    CHECK_INT(0, mqttrs_outcome_callback_set(m, NULL));
    CHECK_INT(INVAL, mqttrs_drain(NULL, 0));
    CHECK_INT(0, mqttrs_drain(m, 0));
    CHECK_INT(INVAL, mqttrs_disconnect_timeout(NULL, 0));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_disconnect_timeout(m, 0));
    mosquitto_destroy(m);
}

static void completion(void)
{
    struct mosquitto *m = fresh(4);
    struct mqttrs_token *token = NULL;
    struct mqttrs_message message = { .size = sizeof message, .topic = "t", .qos = 1 };
    struct mqttrs_subscription filter = { .size = sizeof filter, .filter = "t", .qos = 1 };
    struct mqttrs_result result = { .size = sizeof result };
    CHECK_INT(INVAL, mqttrs_publish(NULL, NULL, &message, NULL, NULL, &token));
    CHECK_INT(INVAL, mqttrs_publish(m, NULL, NULL, NULL, NULL, &token));
    message.size--;
    CHECK_INT(INVAL, mqttrs_publish(m, NULL, &message, NULL, NULL, &token));
    message.size++;
    message.qos = 3;
    CHECK_INT(INVAL, mqttrs_publish(m, NULL, &message, NULL, NULL, &token));
    message.qos = 1;
    message.topic = NULL;
    CHECK_INT(INVAL, mqttrs_publish(m, NULL, &message, NULL, NULL, &token));
    message.topic = "t";
    message.payloadlen = 1;
    CHECK_INT(INVAL, mqttrs_publish(m, NULL, &message, NULL, NULL, &token));
    message.payloadlen = (size_t)-1;
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, mqttrs_publish(m, NULL, &message, NULL, NULL, &token));
    message.payloadlen = 0;
    CHECK(token == NULL);
    CHECK_INT(0, mqttrs_publish(m, NULL, &message, NULL, NULL, NULL));
    CHECK_INT(0, mqttrs_publish(m, NULL, &message, NULL, NULL, &token));
    CHECK_INT(INVAL, mqttrs_token_wait(NULL, 0, &result));
    result.size--;
    CHECK_INT(INVAL, mqttrs_token_wait(token, 0, &result));
    result.size++;
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_token_wait(token, 0, &result));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_token_wait(token, 1, NULL));
    CHECK_INT(INVAL, mqttrs_tokens_wait(NULL, 1, 0));
    CHECK_INT(0, mqttrs_tokens_wait(NULL, 0, 0));
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_tokens_wait(&token, 1, 0));
    CHECK(!mqttrs_token_is_done(NULL));
    CHECK(!mqttrs_token_is_done(token));
    CHECK_INT(INVAL, mqttrs_subscribe(NULL, NULL, &filter, 1, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_subscribe(m, NULL, NULL, 1, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_subscribe(m, NULL, &filter, 0, NULL, NULL, NULL, NULL));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_subscribe(m, NULL, &filter, 1, NULL, NULL, NULL, NULL));
    filter.options = 0x40;
    CHECK_INT(INVAL, mqttrs_subscribe(m, NULL, &filter, 1, NULL, NULL, NULL, NULL));
    filter.filter = NULL;
    filter.options = 0;
    CHECK_INT(INVAL, mqttrs_subscribe(m, NULL, &filter, 1, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_unsubscribe(NULL, NULL, &filter.filter, 1, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_unsubscribe(m, NULL, NULL, 1, NULL, NULL, NULL, NULL));
    CHECK_INT(INVAL, mqttrs_unsubscribe(m, NULL, &filter.filter, 1, NULL, NULL, NULL, NULL));
    mosquitto_destroy(m);
    CHECK(mqttrs_token_is_done(token));
    CHECK_INT(0, mqttrs_token_wait(token, 0, &result));
    CHECK_INT(MQTTRS_OUTCOME_CLEARED, result.outcome);
    mqttrs_token_destroy(token);
    mqttrs_token_destroy(token);
    mqttrs_token_destroy(NULL);
    CHECK_INT(INVAL, mqttrs_token_wait(token, 0, &result));
}

static void acknowledging(int version)
{
    struct mosquitto *m = fresh(version);
    CHECK_INT(INVAL, mqttrs_ack_mode_set(NULL, MQTTRS_ACK_MANUAL));
    CHECK_INT(INVAL, mqttrs_ack_mode_set(m, -1));
    CHECK_INT(INVAL, mqttrs_ack_mode_set(m, MQTTRS_ACK_MANUAL + 1));
    CHECK_INT(0, mqttrs_ack_mode_set(m, MQTTRS_ACK_AUTOMATIC));
    CHECK_INT(0, mqttrs_ack_mode_set(m, MQTTRS_ACK_AFTER_CALLBACK));
    CHECK_INT(0, mqttrs_ack_mode_set(m, MQTTRS_ACK_MANUAL));
    CHECK_INT(INVAL, mqttrs_ack(NULL, 1, 0));
    CHECK_INT(INVAL, mqttrs_ack(m, 1, -1));
    CHECK_INT(INVAL, mqttrs_ack(m, 1, 256));
    CHECK_INT(INVAL, mqttrs_ack(m, 1, MQTT_RC_PACKET_ID_NOT_FOUND));
    CHECK_INT(version == 5 ? MOSQ_ERR_NOT_FOUND : INVAL, mqttrs_ack(m, 1, MQTT_RC_UNSPECIFIED));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_ack(m, 1, 0));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_ack(m, 0, 0));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_ack(m, -1, 0));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_ack(m, 65536, 0));
    mosquitto_destroy(m);
}

static void on_request(struct mosquitto *m, void *userdata, const struct mosquitto_message *request,
    const mosquitto_property *props)
{
    (void)m, (void)userdata, (void)request, (void)props;
    CHECK(!"there is no connection");
}

static void on_response(struct mosquitto *m, void *userdata, int result,
    const struct mosquitto_message *response, const mosquitto_property *props)
{
    (void)m;
    CHECK(response == NULL && props == NULL);
    CHECK_INT(MOSQ_ERR_NO_CONN, result);
    ++*(int *)userdata;
}

static void requests(int version)
{
    struct mosquitto *m = mosquitto_new("requests", true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version));
    int calls = 0;
    struct mqttrs_message message = { .size = sizeof message, .topic = "t", .qos = 1 };
    CHECK_INT(INVAL, mqttrs_request(NULL, &message, 1, on_response, NULL));
    CHECK_INT(INVAL, mqttrs_request(m, NULL, 1, on_response, NULL));
    CHECK_INT(INVAL, mqttrs_request(m, &message, 1, NULL, NULL));
    message.size--;
    CHECK_INT(INVAL, mqttrs_request(m, &message, 1, on_response, NULL));
    message.size++;
    const char *bad_topics[] = { NULL, "", "+", "a/#", too_long };
    struct mosquitto_message *response = (struct mosquitto_message *)bad, request = { 0 };
    mosquitto_property *props = NULL;
    for (size_t i = 0; i < COUNT_OF(bad_topics); i++) {
        message.topic = bad_topics[i];
        CHECK_INT(INVAL, mqttrs_request(m, &message, 1, on_response, NULL));
        CHECK_INT(INVAL, mqttrs_request_wait(m, &message, 1, &response, NULL));
        CHECK(response == NULL);
        if (i != 2 && i != 3) {
            CHECK_INT(INVAL, mqttrs_serve(m, bad_topics[i], 1, on_request, NULL));
        }
        request.topic = (char *)bad_topics[i];
        CHECK_INT(INVAL, mqttrs_respond(m, &request, NULL, NULL, 0, 1, NULL));
    }
    message.topic = "\xff";
    CHECK_INT(MOSQ_ERR_MALFORMED_UTF8, mqttrs_request(m, &message, 1, on_response, NULL));
    CHECK_INT(MOSQ_ERR_MALFORMED_UTF8, mqttrs_serve(m, "\xff", 1, on_request, NULL));
    message.topic = "t";
    message.qos = 3;
    CHECK_INT(INVAL, mqttrs_request(m, &message, 1, on_response, NULL));
    message.qos = 0;
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_request(m, &message, 1, on_response, NULL));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_request_wait(m, &message, UINT_MAX, &response, &props));
    message.payloadlen = 1;
    CHECK_INT(INVAL, mqttrs_request(m, &message, 1, on_response, NULL));
    message.payloadlen = SIZE_MAX;
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, mqttrs_request(m, &message, 1, on_response, NULL));
    message.payloadlen = 0;
    CHECK_INT(0, mosquitto_property_add_string(&props, MQTT_PROP_RESPONSE_TOPIC, "mine"));
    message.properties = props;
    message.qos = 1;
    CHECK_INT(version == 5 ? MOSQ_ERR_DUPLICATE_PROPERTY : MOSQ_ERR_NOT_SUPPORTED,
        mqttrs_request(m, &message, 1, on_response, NULL));
    message.properties = NULL;
    CHECK_INT(INVAL, mqttrs_request_wait(NULL, &message, 1, &response, NULL));
    CHECK_INT(INVAL, mqttrs_request_wait(m, &message, 1, NULL, NULL));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_request_wait(m, &message, UINT_MAX, &response, NULL));
    CHECK(response == NULL);
    CHECK_INT(INVAL, mqttrs_request_by_topic_set(NULL, true));
    CHECK_INT(0, mqttrs_request_by_topic_set(m, false));
    CHECK_INT(INVAL, mqttrs_serve(NULL, "t", 1, on_request, NULL));
    CHECK_INT(INVAL, mqttrs_serve(m, "t", 3, on_request, NULL));
    CHECK_INT(INVAL, mqttrs_serve(m, "t", -1, NULL, NULL));
    CHECK_INT(0, mqttrs_serve(m, "t", 1, NULL, NULL));
    CHECK_INT(0, mqttrs_serve(m, "t", 1, on_request, NULL));
    CHECK_INT(0, mqttrs_serve(m, "t", 0, on_request, NULL));
    CHECK_INT(0, mqttrs_serve(m, "t", 1, NULL, NULL));
    request.topic = "t";
    CHECK_INT(INVAL, mqttrs_respond(NULL, &request, props, NULL, 0, 1, NULL));
    CHECK_INT(INVAL, mqttrs_respond(m, NULL, props, NULL, 0, 1, NULL));
    CHECK_INT(INVAL, mqttrs_respond(m, &request, NULL, NULL, 0, 1, NULL));
    CHECK_INT(INVAL, mqttrs_respond(m, &request, props, NULL, 1, 1, NULL));
    CHECK_INT(MOSQ_ERR_PAYLOAD_SIZE, mqttrs_respond(m, &request, props, NULL, SIZE_MAX, 1, NULL));
    CHECK_INT(INVAL, mqttrs_respond(m, &request, props, NULL, 0, 3, NULL));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_respond(m, &request, props, NULL, 0, 0, NULL));
    CHECK_INT(0, mqttrs_respond(m, &request, props, NULL, 0, 1, NULL));
    CHECK_INT(0, mqttrs_request(m, &message, UINT_MAX, on_response, &calls));
    CHECK_INT(0, calls);
    mosquitto_property_free_all(&props);
    mosquitto_destroy(m);
    CHECK_INT(1, calls);
}

static void life_cycle(void)
{
    struct mosquitto *mosq = mosquitto_new("life", true, NULL);
    struct mqttrs_reconnect_options reconnect = { .size = sizeof reconnect, .delay_max = 9 };
    struct mqttrs_server servers[2] = { { .size = sizeof servers[0], .host = "x", .port = 1 } };
    CHECK(mosq != NULL);
    CHECK_INT(INVAL, mqttrs_reconnect_set(NULL, &reconnect));
    CHECK_INT(INVAL, mqttrs_reconnect_set(mosq, NULL));
    CHECK_INT(INVAL, mqttrs_reconnect_set(mosq, &reconnect));
    reconnect.delay_min = 10;
    CHECK_INT(INVAL, mqttrs_reconnect_set(mosq, &reconnect));
    reconnect.delay_min = 9;
    reconnect.size--;
    CHECK_INT(INVAL, mqttrs_reconnect_set(mosq, &reconnect));
    reconnect.size++;
    CHECK_INT(0, mqttrs_reconnect_set(mosq, &reconnect));
    CHECK_INT(INVAL, mqttrs_reconnect_now(NULL, 0));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_reconnect_now(mosq, 1));
    CHECK_INT(INVAL, mqttrs_servers_set(NULL, servers, 1, MQTTRS_SERVERS_PRIORITY));
    CHECK_INT(INVAL, mqttrs_servers_set(mosq, NULL, 1, MQTTRS_SERVERS_PRIORITY));
    CHECK_INT(INVAL, mqttrs_servers_set(mosq, servers, 2, MQTTRS_SERVERS_PRIORITY));
    CHECK_INT(INVAL, mqttrs_servers_set(mosq, servers, 1, 2));
    servers[0].port = 0;
    CHECK_INT(INVAL, mqttrs_servers_set(mosq, servers, 1, MQTTRS_SERVERS_ROUND_ROBIN));
    servers[0].port = 1;
    servers[0].host = NULL;
    CHECK_INT(INVAL, mqttrs_servers_set(mosq, servers, 1, MQTTRS_SERVERS_ROUND_ROBIN));
    CHECK_INT(0, mqttrs_servers_set(mosq, NULL, 0, MQTTRS_SERVERS_ROUND_ROBIN));
    CHECK_INT(INVAL, mqttrs_connect(NULL, 60, NULL));
    CHECK_INT(INVAL, mqttrs_connect(mosq, 60, NULL));
    CHECK_INT(INVAL, mqttrs_connect(mosq, 1, NULL));
    CHECK_INT(INVAL, mqttrs_resubscribe_set(NULL, true));
    CHECK_INT(0, mqttrs_resubscribe_set(mosq, true));
    CHECK_INT(INVAL, mqttrs_lifecycle_callback_set(NULL, NULL));
    CHECK_INT(0, mqttrs_lifecycle_callback_set(mosq, NULL));
    CHECK_INT(INVAL, mqttrs_log_callback_set(NULL, NULL));
    CHECK_INT(0, mqttrs_log_callback_set(mosq, NULL));
    mosquitto_destroy(mosq);
}

static bool no_message(void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)userdata, (void)message, (void)props;
    return false;
}

static void one_shot(void)
{
    char why[64] = "";
    struct mqttrs_connection connection = { .size = sizeof connection, .host = "127.0.0.1",
        .port = 1, .error = why, .error_size = sizeof why };
    struct mqttrs_message message = { .size = sizeof message, .topic = "a" };
    struct mqttrs_subscription filter = { .size = sizeof filter, .filter = "a" };
    struct mqttrs_received *received = (void *)&message;
    int results[2] = { 0, 0 };
    CHECK_INT(INVAL, mqttrs_publish_once(NULL, &message, 1, results));
    CHECK_INT(INVAL, results[0]);
    CHECK_INT(INVAL, mqttrs_publish_once(&connection, NULL, 2, results));
    CHECK_INT(INVAL, results[1]);
    CHECK(strlen(why) > 0);
    CHECK_INT(INVAL, mqttrs_publish_once(&connection, &message, 0, NULL));
    CHECK_INT(INVAL, mqttrs_publish_once(&connection, &message, SIZE_MAX, NULL));
    CHECK_INT(INVAL, mqttrs_receive_once(&connection, &filter, 1, 1, true, NULL));
    CHECK_INT(INVAL, mqttrs_receive_once(NULL, &filter, 1, 1, true, &received));
    CHECK(received == NULL);
    CHECK_INT(INVAL, mqttrs_receive_once(&connection, &filter, 1, 0, true, &received));
    CHECK_INT(INVAL, mqttrs_receive_once(&connection, NULL, 1, 1, true, &received));
    CHECK_INT(INVAL, mqttrs_receive_once(&connection, &filter, 0, 1, true, &received));
    CHECK_INT(INVAL, mqttrs_receive_each(NULL, &filter, 1, no_message, NULL));
    CHECK_INT(INVAL, mqttrs_receive_each(&connection, &filter, 1, NULL, NULL));
    filter.filter = "a/#/b";
    CHECK_INT(INVAL, mqttrs_receive_each(&connection, &filter, 1, no_message, NULL));
    mqttrs_received_free(NULL);

    struct mqttrs_message short_message = { .size = 8 };
    const struct mqttrs_connection wrong[] = {
        { .host = NULL }, { .host = "" }, { .host = "127.0.0.1", .port = 65536 },
        { .host = "127.0.0.1", .port = -1 }, { .host = "/socket", .port = 65536 },
        { .host = "127.0.0.1", .transport = 9 },
        { .host = "127.0.0.1", .protocol_version = 9 }, { .host = "127.0.0.1", .keepalive = 1 },
        { .host = "127.0.0.1", .client_id = "" }, { .host = "127.0.0.1", .keep_session = true },
        { .host = "127.0.0.1", .password = "without a user" }, { .host = "127.0.0.1", .tls = 4 },
        { .host = "127.0.0.1", .cafile = "/nonexistent" },
        { .host = "127.0.0.1", .certfile = "/nonexistent" },
        { .host = "127.0.0.1", .keyfile = "/dev/null" },
        { .host = "127.0.0.1", .proxy = MQTTRS_PROXY_SOCKS5 },
        { .host = "127.0.0.1", .proxy = MQTTRS_PROXY_HTTP, .proxy_host = "a" },
        { .host = "127.0.0.1", .proxy = 3, .proxy_host = "a" },
        { .host = "127.0.0.1", .will = &short_message },
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        connection = wrong[i];
        connection.size = sizeof connection;
        connection.error = why;
        connection.error_size = sizeof why;
        why[0] = '\0';
        CHECK_INT(INVAL, mqttrs_publish_once(&connection, &message, 1, results));
        CHECK(strlen(why) > 0);
    }
    connection.size--;
    CHECK_INT(INVAL, mqttrs_publish_once(&connection, &message, 1, results));
}

int main(int argc, char **argv)
{
    (void)argc;
    watchdog(60);
    too_long = malloc(65537);
    CHECK(too_long != NULL);
    memset(too_long, 'a', 65536);
    too_long[65536] = '\0';
    new_clients();
    connecting();
    loops();
    callbacks();
    filter_callbacks();
    for (int version = 3; version <= 5; version++) {
        publishing(version);
        subscribing(version);
        will_and_user(version);
        acknowledging(version);
    }
    properties_of_a_publish();
    store();
    queue();
    throttle();
    completion();
    requests(4);
    requests(5);
    authentication();
    options();
    making_connections();
    life_cycle();
    shared_loops();
    one_shot();
    tls_beyond_files();
    tls(argv[0]);
    helpers();
    messages();
    topics();
    texts();
    adding_properties();
    looking_at_properties();
    free(too_long);
    return 0;
}
