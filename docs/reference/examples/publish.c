/* publish PORT: messages, and what became of them. */
#include "example.h"

/* Handed over; the publish callback gets `mid` when the server has it. */
static void simply(struct mosquitto *mosq)
{
    int mid;

    must(mosquitto_publish(mosq, &mid, "sensors/1/temperature", 4, "21.5", 1, false));
    printf("message %d is on its way\n", mid);
}

/* MQTT 5: worthless after a minute, and JSON. */
static void with_properties(struct mosquitto *mosq)
{
    mosquitto_property *properties = NULL;

    must(mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, 60));
    must(mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE,
                                       "application/json"));
    must(mosquitto_publish_v5(mosq, NULL, "sensors/1", 10, "{\"t\":21.5}", 1, false,
                              properties));
    mosquitto_property_free_all(&properties);
}

/* Runs once for its message, on the thread that runs the loop. */
static void on_done(struct mosquitto *mosq, void *userdata,
                    const struct mqttrs_result *result)
{
    if (result->outcome != MQTTRS_OUTCOME_ACKNOWLEDGED)
        printf("%s was not sent\n", (char *)userdata);
    else if (result->reason_code >= 128)
        printf("%s was refused: %s\n", (char *)userdata,
               mosquitto_reason_string(result->reason_code));
}

/* A callback of its own, and a token that can be waited for. */
static void and_wait(struct mosquitto *mosq)
{
    struct mqttrs_message message = {
        .size = sizeof message,
        .topic = "sensors/1/temperature",
        .payload = "21.5",
        .payloadlen = 4,
        .qos = 1,
    };
    struct mqttrs_result result = {.size = sizeof result};
    struct mqttrs_token *token;

    must(mqttrs_publish(mosq, NULL, &message, on_done, "the temperature", &token));
    must(mqttrs_token_wait(token, 10000, &result));
    expect(result.outcome == MQTTRS_OUTCOME_ACKNOWLEDGED);
    mqttrs_token_destroy(token);
}

/* Several at once: one waiting for all of them. */
static void several(struct mosquitto *mosq)
{
    struct mqttrs_message message = {.size = sizeof message, .topic = "counter", .qos = 1};
    struct mqttrs_token *tokens[3];

    for (int i = 0; i < 3; i++) {
        message.payload = "012" + i;
        message.payloadlen = 1;
        must(mqttrs_publish(mosq, NULL, &message, NULL, NULL, &tokens[i]));
    }
    must(mqttrs_tokens_wait(tokens, 3, 10000));
    for (int i = 0; i < 3; i++) {
        expect(mqttrs_token_is_done(tokens[i]));
        mqttrs_token_destroy(tokens[i]);
    }
}

/* For much throughput: more on the way at once, and topics sent in two bytes (MQTT 5). */
static void faster(struct mosquitto *mosq)
{
    must(mosquitto_max_inflight_messages_set(mosq, 1000));
    must(mqttrs_automatic_topic_aliases_set(mosq, true));
}

/* Programs written for libmosquitto may call this; messages are sent again when MQTT says so. */
static void without_effect(struct mosquitto *mosq)
{
    mosquitto_message_retry_set(mosq, 20);
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq =
        connected_client(argc > 1 ? atoi(argv[1]) : 1883, MQTT_PROTOCOL_V5);

    without_effect(mosq);
    faster(mosq);
    simply(mosq);
    with_properties(mosq);
    and_wait(mosq);
    several(mosq);
    must(mqttrs_disconnect_timeout(mosq, 10000));
    mosquitto_destroy(mosq);
    return 0;
}
