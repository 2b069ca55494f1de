/* throttle PORT: no more than so many messages a second. */
#include "example.h"

/* Up to 1000 messages a second, 100 at once; the others wait. */
static void for_all(struct mosquitto *mosq)
{
    struct mqttrs_throttle limit = {
        .size = sizeof limit,
        .messages_per_second = 1000,
        .burst_messages = 100,
        .excess = MQTTRS_EXCESS_WAIT,
    };

    must(mqttrs_throttle_set(mosq, NULL, &limit));
}

/* Of positions only the newest counts: one every tenth of a second, older ones make way. */
static void for_some_topics(struct mosquitto *mosq)
{
    struct mqttrs_throttle limit = {
        .size = sizeof limit,
        .messages_per_second = 10,
        .excess = MQTTRS_EXCESS_DROP_OLDEST,
    };

    must(mqttrs_throttle_set(mosq, "position/#", &limit));
}

/* 64 KiB a second come in; the server is held back. */
static void for_what_comes(struct mosquitto *mosq)
{
    struct mqttrs_throttle limit = {.size = sizeof limit, .bytes_per_second = 65536};

    must(mqttrs_receive_throttle_set(mosq, &limit));
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq =
        connected_client(argc > 1 ? atoi(argv[1]) : 1883, MQTT_PROTOCOL_V5);

    for_all(mosq);
    for_some_topics(mosq);
    for_what_comes(mosq);
    for (int i = 0; i < 200; i++)
        must(mosquitto_publish(mosq, NULL, "position/x", 1, "7", 1, false));
    must(mqttrs_disconnect_timeout(mosq, 10000));
    mosquitto_destroy(mosq);
    return 0;
}
