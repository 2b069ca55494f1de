/* callbacks PORT: all of them, each with what it is told. */
#include "example.h"

static bool ended;

static void on_connect(struct mosquitto *mosq, void *obj, int rc)
{
    if (rc != 0)
        printf("refused: %s\n", mosquitto_reason_string(rc));
}

static void on_connect_with_flags(struct mosquitto *mosq, void *obj, int rc, int flags)
{
    if (rc == 0 && (flags & 1) == 0) /* the server has no session of ours */
        must(mosquitto_subscribe(mosq, NULL, "greetings/#", 1));
}

static void on_connect_v5(struct mosquitto *mosq, void *obj, int rc, int flags,
                          const mosquitto_property *props)
{
    uint16_t aliases = 0;

    mosquitto_property_read_int16(props, MQTT_PROP_TOPIC_ALIAS_MAXIMUM, &aliases, false);
    printf("the server takes %u topic aliases\n", aliases);
}

/* Before each attempt: a token that is always fresh. */
static void on_pre_connect(struct mosquitto *mosq, void *obj)
{
    must(mosquitto_username_pw_set(mosq, "device-17", "token of this minute"));
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int qos_count,
                         const int *granted_qos)
{
    for (int i = 0; i < qos_count; i++)
        expect(granted_qos[i] < 128);
    must(mosquitto_publish(mosq, NULL, "greetings/world", 5, "hello", 1, false));
}

static void on_subscribe_v5(struct mosquitto *mosq, void *obj, int mid, int qos_count,
                            const int *granted_qos, const mosquitto_property *props)
{
    char *reason = NULL;

    if (mosquitto_property_read_string(props, MQTT_PROP_REASON_STRING, &reason, false))
        printf("%s\n", reason);
    free(reason);
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
    printf("message %d is at its end\n", mid);
}

static void on_publish_v5(struct mosquitto *mosq, void *obj, int mid, int reason_code,
                          const mosquitto_property *props)
{
    if (reason_code >= 128)
        printf("message %d was refused: %s\n", mid, mosquitto_reason_string(reason_code));
}

static void on_message(struct mosquitto *mosq, void *obj,
                       const struct mosquitto_message *message)
{
    printf("%s: %s\n", message->topic, (char *)message->payload);
    must(mosquitto_unsubscribe(mosq, NULL, "greetings/#"));
}

static void on_message_v5(struct mosquitto *mosq, void *obj,
                          const struct mosquitto_message *message,
                          const mosquitto_property *props)
{
    uint32_t expiry = 0;

    if (mosquitto_property_read_int32(props, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &expiry,
                                      false))
        printf("%s is good for %u seconds\n", message->topic, (unsigned)expiry);
}

static void on_unsubscribe(struct mosquitto *mosq, void *obj, int mid)
{
    printf("request %d is answered\n", mid);
}

static void on_unsubscribe_v5(struct mosquitto *mosq, void *obj, int mid,
                              const mosquitto_property *props)
{
}

static void on_unsubscribe2_v5(struct mosquitto *mosq, void *obj, int mid,
                               int reason_code_count, const int *reason_codes,
                               const mosquitto_property *props)
{
    for (int i = 0; i < reason_code_count; i++)
        printf("filter %d: %s\n", i, mosquitto_reason_string(reason_codes[i]));
    must(mosquitto_disconnect(mosq));
}

static void on_disconnect(struct mosquitto *mosq, void *obj, int rc)
{
    if (rc != 0) /* 0: the program asked for it */
        printf("lost: %s\n", mosquitto_strerror(rc));
    ended = true;
}

static void on_disconnect_v5(struct mosquitto *mosq, void *obj, int rc,
                             const mosquitto_property *props)
{
    char *reason = NULL;

    mosquitto_property_read_string(props, MQTT_PROP_REASON_STRING, &reason, false);
    printf("%d %s\n", rc, reason ? reason : "");
    free(reason);
}

/* Any of them may be set; where two are for the same event, both run. */
static void set_all(struct mosquitto *mosq)
{
    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_connect_with_flags_callback_set(mosq, on_connect_with_flags);
    mosquitto_connect_v5_callback_set(mosq, on_connect_v5);
    mosquitto_pre_connect_callback_set(mosq, on_pre_connect);
    mosquitto_disconnect_callback_set(mosq, on_disconnect);
    mosquitto_disconnect_v5_callback_set(mosq, on_disconnect_v5);
    mosquitto_publish_callback_set(mosq, on_publish);
    mosquitto_publish_v5_callback_set(mosq, on_publish_v5);
    mosquitto_message_callback_set(mosq, on_message);
    mosquitto_message_v5_callback_set(mosq, on_message_v5);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_subscribe_v5_callback_set(mosq, on_subscribe_v5);
    mosquitto_unsubscribe_callback_set(mosq, on_unsubscribe);
    mosquitto_unsubscribe_v5_callback_set(mosq, on_unsubscribe_v5);
    mosquitto_unsubscribe2_v5_callback_set(mosq, on_unsubscribe2_v5);
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);

    must(mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    set_all(mosq);
    must(mosquitto_connect(mosq, "127.0.0.1", argc > 1 ? atoi(argv[1]) : 1883, 60));
    must(mosquitto_loop_forever(mosq, -1, 1));
    expect(ended);
    mosquitto_destroy(mosq);
    return 0;
}
