/* once PORT: whole conversations in one call each. */
#include "example.h"

/* What each message came to is in `results`; in words, what failed is in `error`. */
static void publish(int port)
{
    char error[256];
    struct mqttrs_connection connection = {
        .size = sizeof connection,
        .host = "127.0.0.1",
        .port = port,
        .timeout_ms = 10000,
        .error = error,
        .error_size = sizeof error,
    };
    struct mqttrs_message messages[] = {
        {.size = sizeof messages[0],
         .topic = "once/a",
         .payload = "1",
         .payloadlen = 1,
         .qos = 1,
         .retain = true},
        {.size = sizeof messages[0],
         .topic = "once/b",
         .payload = "2",
         .payloadlen = 1,
         .qos = 2,
         .retain = true},
    };
    int results[2];

    if (mqttrs_publish_once(&connection, messages, 2, results) != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "%s\n", error);
        exit(1);
    }
}

/* The next two messages, retained ones too. */
static void receive(int port)
{
    struct mqttrs_connection connection = {.size = sizeof connection,
                                           .host = "127.0.0.1",
                                           .port = port};
    struct mqttrs_subscription filter = {.size = sizeof filter,
                                         .filter = "once/#",
                                         .qos = 1};
    struct mqttrs_received *received;

    must(mqttrs_receive_once(&connection, &filter, 1, 2, true, &received));
    for (struct mqttrs_received *one = received; one; one = one->next)
        printf("%s: %s\n", one->message.topic, (char *)one->message.payload);
    mqttrs_received_free(received);
}

static bool on_message(void *userdata, const struct mosquitto_message *message,
                       const mosquitto_property *props)
{
    printf("%s\n", message->topic);
    return ++*(int *)userdata < 2; /* false: that was enough */
}

/* A function for each message, until it has enough. */
static void receive_each(int port)
{
    struct mqttrs_connection connection = {.size = sizeof connection,
                                           .host = "127.0.0.1",
                                           .port = port};
    struct mqttrs_subscription filter = {.size = sizeof filter,
                                         .filter = "once/#",
                                         .qos = 1};
    int count = 0;

    must(mqttrs_receive_each(&connection, &filter, 1, on_message, &count));
    expect(count == 2);
}

/* libmosquitto's way: the messages are one array. */
static void simple(int port)
{
    struct mosquitto_message *messages;

    must(mosquitto_subscribe_simple(&messages, 2, true, "once/#", 1, "127.0.0.1", port,
                                    NULL, 60, true, NULL, NULL, NULL, NULL));
    for (int i = 0; i < 2; i++) {
        printf("%s\n", messages[i].topic);
        mosquitto_message_free_contents(&messages[i]);
    }
    free(messages);
}

static int enough(struct mosquitto *mosq, void *userdata,
                  const struct mosquitto_message *message)
{
    printf("%s\n", message->topic);
    return 1; /* not 0: that was enough */
}

static void by_callback(int port)
{
    must(mosquitto_subscribe_callback(enough, NULL, "once/#", 1, "127.0.0.1", port, NULL,
                                      60, true, NULL, NULL, NULL, NULL));
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 1883;

    publish(port);
    receive(port);
    receive_each(port);
    simple(port);
    by_callback(port);
    return 0;
}
