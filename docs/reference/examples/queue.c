/* queue PORT: what waits to be sent, how much, and its end. */
#include "example.h"

/* At most 1000 messages and 1 MiB; then the oldest unsent message of QoS 0 makes room. */
static void bounded(struct mosquitto *mosq)
{
    struct mqttrs_queue_options options = {
        .size = sizeof options,
        .max_messages = 1000,
        .max_bytes = 1 << 20,
        .overflow = MQTTRS_OVERFLOW_DROP_QOS0,
        .queue_qos0 = true, /* QoS 0 waits for a connection too */
    };

    must(mqttrs_queue_set(mosq, &options));
}

struct counts {
    int delivered, lost;
};

/* Runs exactly once for each message that was accepted. */
static void on_outcome(struct mosquitto *mosq, void *obj, int mid, int outcome,
                       int reason_code, const mosquitto_property *props)
{
    struct counts *counts = obj;

    if (outcome == MQTTRS_OUTCOME_SENT
        || (outcome == MQTTRS_OUTCOME_ACKNOWLEDGED && reason_code < 128))
        counts->delivered++;
    else
        counts->lost++;
}

static void account(struct mosquitto *mosq, struct counts *counts)
{
    mosquitto_user_data_set(mosq, counts);
    must(mqttrs_outcome_callback_set(mosq, on_outcome));
}

/* Before the program ends: up to ten seconds for what is left, and then away with the rest. */
static void finish(struct mosquitto *mosq)
{
    if (mqttrs_drain(mosq, 10000) == MOSQ_ERR_TIMEOUT)
        must(mqttrs_queue_clear(mosq));
}

/* The same, and goodbye, in one call that ends in time whatever the network does. */
static void finish_and_leave(struct mosquitto *mosq)
{
    if (mqttrs_disconnect_timeout(mosq, 5000) != MOSQ_ERR_SUCCESS)
        fprintf(stderr, "not everything was sent\n");
}

int main(int argc, char **argv)
{
    struct counts counts = {0, 0};
    struct mosquitto *mosq =
        connected_client(argc > 1 ? atoi(argv[1]) : 1883, MQTT_PROTOCOL_V311);

    bounded(mosq);
    account(mosq, &counts);
    for (int i = 0; i < 100; i++)
        must(mosquitto_publish(mosq, NULL, "counter", 1, "x", i % 3, false));
    finish(mosq);
    expect(counts.delivered == 100 && counts.lost == 0);
    finish_and_leave(mosq);
    mosquitto_destroy(mosq);
    return 0;
}
