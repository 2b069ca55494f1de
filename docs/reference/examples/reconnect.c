/* reconnect PORT: what happens when a connection is lost, and to which server. */
#include "example.h"

/* Delays of 1, 2, 4, ... 60 seconds, each shortened by chance, and no end of attempts. */
static void patiently(struct mosquitto *mosq)
{
    struct mqttrs_reconnect_options options = {
        .size = sizeof options,
        .delay_min = 1000,
        .delay_max = 60000,
        .doubling = true,
        .jitter = true,
        .stable = 10000, /* a connection of 10 seconds makes the next delay short again */
    };

    must(mqttrs_reconnect_set(mosq, &options));
}

/* The same delays, as libmosquitto has them: whole seconds, and nothing by chance. */
static void as_libmosquitto_does(struct mosquitto *mosq)
{
    must(mosquitto_reconnect_delay_set(mosq, 1, 60, true));
}

/* The network has changed: no more waiting. A connection that stands has 2 seconds to answer. */
static void network_is_back(struct mosquitto *mosq)
{
    must(mqttrs_reconnect_now(mosq, 2000));
}

/* Two servers and one for emergencies. */
static void one_of_these(struct mosquitto *mosq, int port)
{
    struct mqttrs_server servers[] = {
        {.size = sizeof servers[0], .host = "127.0.0.1", .port = port, .priority = 1},
        {.size = sizeof servers[0], .host = "localhost", .port = port, .priority = 1},
        {.size = sizeof servers[0],
         .host = "emergency.example.org",
         .port = 1883,
         .priority = 2},
    };

    must(mqttrs_servers_set(mosq, servers, 3, MQTTRS_SERVERS_PRIORITY));
    must(mqttrs_connect(mosq, 60, NULL));
}

/* Should the server forget the session, its subscriptions are made again. */
static void subscriptions_last(struct mosquitto *mosq)
{
    must(mqttrs_resubscribe_set(mosq, true));
}

static void on_lifecycle(struct mosquitto *mosq, void *up,
                         const struct mqttrs_lifecycle_event *event)
{
    switch (event->state) {
    case MQTTRS_LIFECYCLE_CONNECTING:
        printf("attempt %u, %s:%d\n", event->attempt, event->host, event->port);
        break;
    case MQTTRS_LIFECYCLE_UP:
        *(bool *)up = true;
        break;
    case MQTTRS_LIFECYCLE_WAITING:
        printf("%s; again in %u ms\n", event->error, event->delay);
        break;
    case MQTTRS_LIFECYCLE_GIVEN_UP:
        printf("no more: %s\n", mosquitto_strerror(event->cause));
        break;
    }
}

static void report(struct mosquitto *mosq)
{
    must(mqttrs_lifecycle_callback_set(mosq, on_lifecycle));
}

int main(int argc, char **argv)
{
    bool up = false;
    struct mosquitto *mosq = mosquitto_new(NULL, true, &up);

    as_libmosquitto_does(mosq);
    patiently(mosq);
    subscriptions_last(mosq);
    report(mosq);
    one_of_these(mosq, argc > 1 ? atoi(argv[1]) : 1883);
    must(mosquitto_loop_start(mosq));
    network_is_back(mosq);
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1,
                           false)); /* waits for a connection */
    must(mqttrs_drain(mosq, 30000));
    must(mqttrs_disconnect_timeout(mosq, 10000));
    expect(up);
    mosquitto_destroy(mosq);
    return 0;
}
