/* subscribe PORT: subscriptions, and callbacks of topic filters. */
#include "example.h"

/* One filter; the subscribe callback gets the answer. */
static void simply(struct mosquitto *mosq)
{
    must(mosquitto_subscribe(mosq, NULL, "sensors/+/temperature", 1));
    must(mosquitto_unsubscribe(mosq, NULL, "sensors/+/temperature"));
}

/* MQTT 5: not what we publish ourselves, and not what is retained; and a number for the messages. */
static void with_options(struct mosquitto *mosq)
{
    int options = MQTT_SUB_OPT_NO_LOCAL | MQTT_SUB_OPT_SEND_RETAIN_NEVER;
    mosquitto_property *properties = NULL;

    must(mosquitto_property_add_varint(&properties, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, 7));
    must(mosquitto_subscribe_v5(mosq, NULL, "alarms/#", 2, options, properties));
    mosquitto_property_free_all(&properties);
    must(mosquitto_unsubscribe_v5(mosq, NULL, "alarms/#", NULL));
}

/* Several filters with the same QoS in one packet. */
static void several(struct mosquitto *mosq)
{
    char *filters[] = {"kitchen/#", "garage/#"};

    must(mosquitto_subscribe_multiple(mosq, NULL, 2, filters, 0, 0, NULL));
    must(mosquitto_unsubscribe_multiple(mosq, NULL, 2, filters, NULL));
}

/* Each with its own QoS, and the server's answer at hand. */
static void and_wait(struct mosquitto *mosq)
{
    struct mqttrs_subscription subscriptions[] = {
        {.size = sizeof subscriptions[0], .filter = "sensors/#", .qos = 0},
        {.size = sizeof subscriptions[0], .filter = "alarms/#", .qos = 2},
    };
    struct mqttrs_result result = {.size = sizeof result};
    struct mqttrs_token *token;

    must(mqttrs_subscribe(mosq, NULL, subscriptions, 2, NULL, NULL, NULL, &token));
    must(mqttrs_token_wait(token, 10000, &result));
    for (int i = 0; i < result.reason_code_count; i++) {
        if (result.reason_codes[i] >= 128)
            printf("%s: refused\n", subscriptions[i].filter);
    }
    mqttrs_token_destroy(token);
}

static void and_wait_for_the_end(struct mosquitto *mosq)
{
    const char *filters[] = {"sensors/#", "alarms/#"};
    struct mqttrs_token *token;

    must(mqttrs_unsubscribe(mosq, NULL, filters, 2, NULL, NULL, NULL, &token));
    must(mqttrs_token_wait(token, 10000, NULL));
    mqttrs_token_destroy(token);
}

static void on_temperature(struct mosquitto *mosq, void *userdata,
                           const struct mosquitto_message *message,
                           const mosquitto_property *props)
{
    *(double *)userdata = atof(message->payload); /* a NUL follows the payload */
}

/* Who gets what arrives; this alone subscribes to nothing. */
static void by_filter(struct mosquitto *mosq, double *temperature)
{
    must(mqttrs_message_callback_add(mosq, "sensors/+/temperature", on_temperature,
                                     temperature));
}

static void by_filter_no_more(struct mosquitto *mosq)
{
    must(mqttrs_message_callback_remove(mosq, "sensors/+/temperature"));
}

int main(int argc, char **argv)
{
    double temperature = 0;
    struct mosquitto *mosq =
        connected_client(argc > 1 ? atoi(argv[1]) : 1883, MQTT_PROTOCOL_V5);

    simply(mosq);
    with_options(mosq);
    several(mosq);
    by_filter(mosq, &temperature);
    and_wait(mosq);
    must(mosquitto_publish(mosq, NULL, "sensors/1/temperature", 4, "21.5", 0, false));
    while (temperature != 21.5)
        must(mosquitto_loop(mosq, 1000, 1));
    by_filter_no_more(mosq);
    and_wait_for_the_end(mosq);
    mosquitto_destroy(mosq);
    return 0;
}
