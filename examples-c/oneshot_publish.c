/*
 * oneshot_publish [-q QOS] [-r] [-c CAFILE] HOST PORT TOPIC MESSAGE [TOPIC MESSAGE]...
 *
 * Publishes messages, names each that the broker refused, and ends; -r retains them, and with -c
 * the connection is encrypted.
 *
 * One call does it all: it connects, publishes, waits for the acknowledgements, and disconnects.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mqttrs.h>

enum { MOST = 64 };

/* A result of one message in words: a reason code of the broker's, or a code of the library's. */
static const char *words(int result)
{
    return result >= 128 ? mosquitto_reason_string(result) : mosquitto_strerror(result);
}

static int publish(struct mqttrs_connection *connection, char **texts, size_t count, int qos,
    bool retain)
{
    struct mqttrs_message messages[MOST];
    int results[MOST], rc;
    size_t i;

    memset(messages, 0, sizeof messages);
    for (i = 0; i < count; i++) {
        messages[i].size = sizeof messages[i];
        messages[i].topic = texts[2 * i];
        messages[i].payload = texts[2 * i + 1];
        messages[i].payloadlen = strlen(texts[2 * i + 1]);
        messages[i].qos = qos;
        messages[i].retain = retain;
    }
    rc = mqttrs_publish_once(connection, messages, count, results);
    for (i = 0; i < count; i++) {
        if (results[i] != MOSQ_ERR_SUCCESS) {
            fprintf(stderr, "oneshot_publish: %s: %s\n", messages[i].topic, words(results[i]));
        }
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct mqttrs_connection connection = {0};
    char why[256] = "";
    bool retain = false;
    int qos = 1, option, words_left, rc;

    while ((option = getopt(argc, argv, "q:rc:")) != -1) {
        switch (option) {
        case 'q': qos = atoi(optarg); break;
        case 'r': retain = true; break;
        case 'c': connection.cafile = optarg; break;
        default: argc = 0;
        }
    }
    words_left = argc - optind - 2;
    if (words_left < 2 || words_left % 2 != 0 || words_left / 2 > MOST) {
        fprintf(stderr, "usage: oneshot_publish [-q QOS] [-r] [-c CAFILE] HOST PORT "
                        "TOPIC MESSAGE [TOPIC MESSAGE]...\n");
        return 2;
    }
    connection.size = sizeof connection;
    connection.host = argv[optind];
    connection.port = atoi(argv[optind + 1]);
    connection.error = why;
    connection.error_size = sizeof why;
    mosquitto_lib_init();
    rc = publish(&connection, argv + optind + 2, (size_t)words_left / 2, qos, retain);
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "oneshot_publish: %s\n", why);
    }
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
