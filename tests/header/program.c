/* What C programs written for libmosquitto do with its headers. */
#define _POSIX_C_SOURCE 200809L
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    struct mosquitto *mosq;
    struct mosquitto_message last;
    mosquitto_property *props;
    enum mosq_err_t error;
    bool done;
};

static void on_connect(struct mosquitto *mosq, void *obj, int rc, int flags, const mosquitto_property *props)
{
    struct state *state = obj;
    const char *const filters[] = {"a/#", "b/+"};
    char *topics[2];
    uint16_t maximum = 20;
    char *assigned = NULL;

    (void)flags;
    if (rc != MQTT_RC_SUCCESS) {
        fprintf(stderr, "%s\n", mosquitto_reason_string(rc));
        return;
    }
    mosquitto_property_read_int16(props, MQTT_PROP_RECEIVE_MAXIMUM, &maximum, false);
    if (mosquitto_property_read_string(props, MQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER, &assigned, false)) {
        free(assigned);
    }
    topics[0] = strdup(filters[0]);
    topics[1] = strdup(filters[1]);
    mosquitto_subscribe_multiple(mosq, NULL, 2, topics, 1, MQTT_SUB_OPT_NO_LOCAL | MQTT_SUB_OPT_SEND_RETAIN_NEW, NULL);
    free(topics[0]);
    free(topics[1]);
    state->done = false;
}

static void on_connect_v3(struct mosquitto *mosq, void *obj, int rc)
{
    (void)obj;
    switch (rc) {
    case CONNACK_ACCEPTED:
        mosquitto_subscribe(mosq, NULL, "#", 0);
        break;
    case CONNACK_REFUSED_NOT_AUTHORIZED:
    default:
        puts(mosquitto_connack_string(rc));
    }
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *msg)
{
    struct state *state = obj;
    bool match = false;

    mosquitto_topic_matches_sub("a/+", msg->topic, &match);
    if (match && msg->payloadlen) {
        printf("%s %.*s\n", msg->topic, msg->payloadlen, (const char *)msg->payload);
    }
    mosquitto_message_free_contents(&state->last);
    if (mosquitto_message_copy(&state->last, msg) != MOSQ_ERR_SUCCESS) {
        mosquitto_disconnect(mosq);
    }
}

static void on_message_v5(struct mosquitto *mosq, void *obj, const struct mosquitto_message *msg, const mosquitto_property *props)
{
    const mosquitto_property *prop;

    (void)mosq;
    (void)obj;
    (void)msg;
    for (prop = props; prop != NULL; prop = mosquitto_property_next(prop)) {
        puts(mosquitto_property_identifier_to_string(mosquitto_property_identifier(prop)));
    }
}

static void on_log(struct mosquitto *mosq, void *obj, int level, const char *str)
{
    (void)mosq;
    (void)obj;
    if (level & (MOSQ_LOG_ERR | MOSQ_LOG_WARNING)) {
        fputs(str, stderr);
    }
}

static int password(char *buf, int size, int rwflag, void *userdata)
{
    (void)rwflag;
    (void)userdata;
    return snprintf(buf, (size_t)size, "secret");
}

int main(void)
{
    struct state state;
    int major, minor, revision, mid, version = MQTT_PROTOCOL_V5, i, count;
    char **levels = NULL;
    enum mqtt5_property id = MQTT_PROP_USER_PROPERTY;
    int command = CMD_PUBLISH;

    memset(&state, 0, sizeof(state));
    mosquitto_lib_init();
    mosquitto_lib_version(&major, &minor, &revision);
    if (major != LIBMOSQUITTO_MAJOR) {
        return 1;
    }
    state.mosq = mosquitto_new(NULL, true, &state);
    if (!state.mosq) {
        return 1;
    }
    mosquitto_opts_set(state.mosq, MOSQ_OPT_PROTOCOL_VERSION, &version);
    mosquitto_int_option(state.mosq, MOSQ_OPT_RECEIVE_MAXIMUM, 10);
    mosquitto_connect_callback_set(state.mosq, on_connect_v3);
    mosquitto_connect_v5_callback_set(state.mosq, on_connect);
    mosquitto_message_callback_set(state.mosq, on_message);
    mosquitto_message_v5_callback_set(state.mosq, on_message_v5);
    mosquitto_log_callback_set(state.mosq, on_log);
    mosquitto_connect_callback_set(state.mosq, NULL);
    mosquitto_tls_set(state.mosq, "ca.pem", NULL, "cert.pem", "key.pem", password);
    mosquitto_will_set(state.mosq, "will", 4, "gone", 1, true);

    mosquitto_property_add_string_pair(&state.props, id, "name", "value");
    if (mosquitto_property_check_all(command, state.props)) {
        mosquitto_property_free_all(&state.props);
    }
    state.error = (enum mosq_err_t)mosquitto_connect_bind_v5(state.mosq, "localhost", 1883, 60, NULL, NULL);
    if (state.error == MOSQ_ERR_ERRNO) {
        perror("connect");
    } else if (state.error) {
        fprintf(stderr, "%s\n", mosquitto_strerror(state.error));
    }
    mosquitto_publish_v5(state.mosq, &mid, "a/b", (int)strlen("x"), "x", 1, false, state.props);
    if (mosquitto_sub_topic_tokenise("a/b", &levels, &count) == MOSQ_ERR_SUCCESS) {
        for (i = 0; i < count; i++) {
            puts(levels[i]);
        }
        mosquitto_sub_topic_tokens_free(&levels, count);
    }
    mosquitto_loop_forever(state.mosq, -1, 1);
    mosquitto_destroy(state.mosq);
    mosquitto_lib_cleanup();
    return 0;
}
