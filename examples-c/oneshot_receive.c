/*
 * oneshot_receive [-n COUNT] [-t SECONDS] HOST PORT FILTER...
 *
 * Prints the next COUNT (1) messages that match, each as "TOPIC PAYLOAD", those that the broker had
 * retained included, and ends; after SECONDS (30) with those that came.
 *
 * One call does it all: it connects, subscribes, waits for the messages, and disconnects.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mqttrs.h>

enum { MOST = 16 };

static int receive(struct mqttrs_connection *connection, char **filters, size_t count,
    size_t wanted)
{
    struct mqttrs_subscription subscriptions[MOST];
    struct mqttrs_received *received, *each;
    size_t i;
    int rc;

    memset(subscriptions, 0, sizeof subscriptions);
    for (i = 0; i < count; i++) {
        subscriptions[i].size = sizeof subscriptions[i];
        subscriptions[i].filter = filters[i];
        subscriptions[i].qos = 1;
    }
    rc = mqttrs_receive_once(connection, subscriptions, count, wanted, true, &received);
    for (each = received; each != NULL; each = each->next) {
        printf("%s ", each->message.topic);
        /* The library has put a NUL behind the payload, which is NULL where it is empty. */
        puts(each->message.payload ? each->message.payload : "");
    }
    mqttrs_received_free(received);
    return rc;
}

int main(int argc, char **argv)
{
    struct mqttrs_connection connection = {0};
    char why[256] = "";
    int wanted = 1, option, filters, rc;

    while ((option = getopt(argc, argv, "n:t:")) != -1) {
        switch (option) {
        case 'n': wanted = atoi(optarg); break;
        case 't': connection.timeout_ms = (unsigned)(atof(optarg) * 1000); break;
        default: argc = 0;
        }
    }
    filters = argc - optind - 2;
    if (filters < 1 || filters > MOST || wanted < 1) {
        fprintf(stderr, "usage: oneshot_receive [-n COUNT] [-t SECONDS] HOST PORT FILTER...\n");
        return 2;
    }
    connection.size = sizeof connection;
    connection.host = argv[optind];
    connection.port = atoi(argv[optind + 1]);
    connection.error = why;
    connection.error_size = sizeof why;
    mosquitto_lib_init();
    rc = receive(&connection, argv + optind + 2, (size_t)filters, (size_t)wanted);
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "oneshot_receive: %s\n", why);
    }
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
