/* Functions of mqttrs.h that take a client, as rows for the table of every_call.h. They leave the
 * connection and the client as they are. */
#ifndef EVERY_MQTTRS_CALL_H
#define EVERY_MQTTRS_CALL_H

#include <mqttrs.h>

#include "check.h"

static void call_on_done(struct mosquitto *m, void *userdata, const struct mqttrs_result *result)
{
    CHECK(m != NULL && userdata == NULL);
    CHECK(result->size >= sizeof *result);
}

static int call_stats(struct mosquitto *m)
{
    struct mqttrs_stats stats = { .size = sizeof stats };
    return mqttrs_stats(m, &stats);
}

/* With a callback and a token, which is done with at once. */
static int call_tracked(struct mosquitto *m, int what)
{
    struct mqttrs_message message = { .size = sizeof message, .topic = "side/2", .qos = what };
    struct mqttrs_subscription filter = { .size = sizeof filter, .filter = "side/+", .qos = 1 };
    struct mqttrs_token *token = NULL;
    int rc;
    if (what < 3) {
        rc = mqttrs_publish(m, NULL, &message, call_on_done, NULL, &token);
    } else if (what == 3) {
        rc = mqttrs_subscribe(m, NULL, &filter, 1, NULL, call_on_done, NULL, &token);
    } else {
        rc = mqttrs_unsubscribe(m, NULL, &filter.filter, 1, NULL, call_on_done, NULL, &token);
    }
    CHECK((token != NULL) == (rc == 0));
    if (rc == 0) {
        mqttrs_token_is_done(token);
        /* Waiting is for nobody inside a callback. */
        int waited = mqttrs_token_wait(token, 0, NULL);
        CHECK(waited == 0 || waited == MOSQ_ERR_INVAL || waited == MOSQ_ERR_TIMEOUT);
        waited = mqttrs_tokens_wait(&token, 1, 0);
        CHECK(waited == 0 || waited == MOSQ_ERR_INVAL || waited == MOSQ_ERR_TIMEOUT);
    }
    mqttrs_token_destroy(token);
    return rc;
}

/* Limits that are taken away again, and so hold up nothing for long. */
static int set_throttles(struct mosquitto *m)
{
    struct mqttrs_throttle limit = { .size = sizeof limit, .messages_per_second = 1e6 };
    int rc = mqttrs_throttle_set(m, "side/limited", &limit);
    CHECK_INT(rc, mqttrs_throttle_set(m, NULL, &limit));
    CHECK_INT(rc, mqttrs_receive_throttle_set(m, &limit));
    CHECK_INT(rc, mqttrs_throttle_set(m, "side/limited", NULL));
    CHECK_INT(rc, mqttrs_throttle_set(m, NULL, NULL));
    CHECK_INT(rc, mqttrs_receive_throttle_set(m, NULL));
    CHECK(mqttrs_misc_timeout(m) >= -1);
    mqttrs_want_read(m);
    return rc;
}

/* A call that has a client of its own, which nobody lets in: nothing listens on port 1. */
static bool call_on_received(void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)userdata, (void)message, (void)props;
    return false;
}

static int call_once(int what)
{
    struct mqttrs_connection nobody = { .size = sizeof nobody, .host = "127.0.0.1", .port = 1 };
    struct mqttrs_message message = { .size = sizeof message, .topic = "side/2", .qos = 1 };
    struct mqttrs_subscription filter = { .size = sizeof filter, .filter = "side/+", .qos = 1 };
    struct mqttrs_received *received = NULL;
    if (what == 0) {
        return mqttrs_publish_once(&nobody, &message, 1, NULL);
    }
    if (what == 1) {
        int rc = mqttrs_receive_once(&nobody, &filter, 1, 1, true, &received);
        mqttrs_received_free(received);
        return rc;
    }
    return mqttrs_receive_each(&nobody, &filter, 1, call_on_received, NULL);
}

static void call_on_response(struct mosquitto *m, void *userdata, int result,
    const struct mosquitto_message *response, const mosquitto_property *props)
{
    CHECK(m != NULL && userdata == NULL);
    CHECK((response != NULL) == (result == MOSQ_ERR_SUCCESS));
    CHECK(response != NULL || props == NULL);
}

static void call_on_request(struct mosquitto *m, void *userdata,
    const struct mosquitto_message *request, const mosquitto_property *props)
{
    CHECK(m != NULL && userdata == NULL);
    /* Messages that ask for no response come here too. */
    int rc = mqttrs_respond(m, request, props, "x", 1, 0, NULL);
    CHECK(rc == 0 || rc == MOSQ_ERR_INVAL || rc == MOSQ_ERR_NO_CONN);
}

static int call_request(struct mosquitto *m, int what)
{
    struct mqttrs_message message = { .size = sizeof message, .topic = "side/ask", .qos = what };
    struct mosquitto_message request = { .topic = "side/ask/request/me/1" }, *response;
    if (what < 2) {
        return mqttrs_request(m, &message, 10, call_on_response, NULL);
    } else if (what == 2) {
        return mqttrs_request_wait(m, &message, 10, &response, NULL);
    } else if (what == 3) {
        return mqttrs_serve(m, "side/ask", 1, call_on_request, NULL);
    } else if (what == 4) {
        return mqttrs_serve(m, "side/ask", 1, NULL, NULL);
    }
    return mqttrs_respond(m, &request, NULL, "x", 1, 1, NULL);
}

#define MQTTRS_CALLS(X)                                                                       \
    X(mqttrs_ack_mode_set, mqttrs_ack_mode_set(m, MQTTRS_ACK_AFTER_CALLBACK), INVAL, OK, OK)  \
    X(mqttrs_ack, mqttrs_ack(m, 65535, 0), INVAL, MOSQ_ERR_NOT_FOUND, MOSQ_ERR_NOT_FOUND)     \
    X(mqttrs_publish_once, ((void)m, call_once(0)), MOSQ_ERR_ERRNO, MOSQ_ERR_ERRNO, MOSQ_ERR_ERRNO) \
    X(mqttrs_receive_once, ((void)m, call_once(1)), MOSQ_ERR_ERRNO, MOSQ_ERR_ERRNO, MOSQ_ERR_ERRNO) \
    X(mqttrs_receive_each, ((void)m, call_once(2)), MOSQ_ERR_ERRNO, MOSQ_ERR_ERRNO, MOSQ_ERR_ERRNO) \
    X(mqttrs_publish_0, call_tracked(m, 0), INVAL, OK, NO_CONN)                               \
    X(mqttrs_publish_1, call_tracked(m, 1), INVAL, OK, OK)                                    \
    X(mqttrs_publish_2, call_tracked(m, 2), INVAL, OK, OK)                                    \
    X(mqttrs_subscribe, call_tracked(m, 3), INVAL, OK, NO_CONN)                               \
    X(mqttrs_unsubscribe, call_tracked(m, 4), INVAL, OK, NO_CONN)                             \
    X(throttles, set_throttles(m) , INVAL, OK, OK)                                            \
    X(setters_log_record, mqttrs_log_callback_set(m, setters.log_record), INVAL, OK, OK)      \
    X(setters_filtered,                                                                       \
        mqttrs_message_callback_add(m, "echo/filtered", setters.filtered, &call_token), INVAL, OK, OK) \
    X(message_callback_add,                                                                   \
        mqttrs_message_callback_add(m, "$share/g/side/+", setters.filtered, NULL), INVAL, OK, OK) \
    X(message_callback_remove, mqttrs_message_callback_remove(m, "$share/g/side/+"), INVAL, OK, OK) \
    X(mqttrs_serve, call_request(m, 3), INVAL, OK, OK)                                        \
    X(mqttrs_request_0, call_request(m, 0), INVAL, OK, NO_CONN)                               \
    X(mqttrs_request_1, call_request(m, 1), INVAL, OK, OK)                                    \
    X(mqttrs_request_wait, call_request(m, 2), INVAL, INVAL, INVAL)                           \
    X(mqttrs_request_by_topic_set, mqttrs_request_by_topic_set(m, true), INVAL, OK, OK)       \
    X(mqttrs_respond, call_request(m, 5), INVAL, OK, OK)                                      \
    X(mqttrs_serve_no_more, call_request(m, 4), INVAL, OK, OK)

/* Settings that change nothing, and what is refused inside callbacks. */
#define MQTTRS_SETTINGS(X)                                                                    \
    X(mqttrs_last_error, mqttrs_last_error(m, NULL, 0) > 100000, 0, 0, 0)                     \
    X(mqttrs_stats, call_stats(m), INVAL, OK, OK)                                             \
    X(mqttrs_drain, mqttrs_drain(m, 0), INVAL, ANY, ANY)                                      \
    X(mqttrs_reconnect_now, mqttrs_reconnect_now(m, 60000), INVAL, ANY, ANY)                  \
    X(mqttrs_queue_set, mqttrs_queue_set(m, NULL), INVAL, OK, OK)                             \
    X(mqttrs_outcome_callback_set, mqttrs_outcome_callback_set(m, NULL), INVAL, OK, OK)       \
    X(mqttrs_lifecycle_callback_set, mqttrs_lifecycle_callback_set(m, NULL), INVAL, OK, OK)   \
    X(mqttrs_reconnect_set, mqttrs_reconnect_set(m, NULL), INVAL, INVAL, INVAL)               \
    X(mqttrs_servers_set, mqttrs_servers_set(m, NULL, 0, MQTTRS_SERVERS_PRIORITY), INVAL, OK, OK) \
    X(mqttrs_resubscribe_set, mqttrs_resubscribe_set(m, false), INVAL, OK, OK)                \
    X(mqttrs_automatic_topic_aliases_set,                                                     \
        mqttrs_automatic_topic_aliases_set(m, false), INVAL, OK, OK)                          \
    X(mqttrs_clean_start_set, mqttrs_clean_start_set(m, true), INVAL, OK, OK)                 \
    X(mqttrs_connect_timeout_set, mqttrs_connect_timeout_set(m, 30000), INVAL, OK, OK)        \
    X(mqttrs_http_proxy_set, mqttrs_http_proxy_set(m, NULL, 0, NULL, NULL), INVAL, OK, OK)    \
    X(mqttrs_websocket_header_add, mqttrs_websocket_header_add(m, NULL, NULL), INVAL, OK, OK) \
    X(mqttrs_tls_ca_set, mqttrs_tls_ca_set(m, NULL, 0), INVAL, OK, OK)                        \
    X(mqttrs_tls_certificate_set, mqttrs_tls_certificate_set(m, NULL, 0, NULL, 0), INVAL, OK, OK) \
    X(mqttrs_tls_password_callback_set, mqttrs_tls_password_callback_set(m, NULL), INVAL, OK, OK) \
    X(mqttrs_tls_crl_set, mqttrs_tls_crl_set(m, NULL, 0), INVAL, OK, OK)                      \
    X(mqttrs_tls_crl_file_set, mqttrs_tls_crl_file_set(m, NULL), INVAL, OK, OK)               \
    X(mqttrs_tls_keylog_set, mqttrs_tls_keylog_set(m, NULL), INVAL, OK, OK)                   \
    X(mqttrs_tls_pins_set, mqttrs_tls_pins_set(m, NULL), INVAL, OK, OK)                       \
    X(mqttrs_tls_alpn_set, mqttrs_tls_alpn_set(m, NULL, 0), INVAL, OK, OK)

#endif
