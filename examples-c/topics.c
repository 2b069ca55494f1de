/*
 * topics HOST PORT HOUSE
 *
 * Watches a house: temperatures below HOUSE/+/temperature, doors below HOUSE/+/door, and prints
 * them until SIGINT or SIGTERM, then the average temperature. A callback for each topic filter,
 * each with data of its own, instead of one callback that tells topics apart.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mqttrs.h>

enum { TEMPERATURES, DOORS, ALL, FILTERS };

struct average {
    double sum;
    long count;
};

static char filters[FILTERS][256];

/* The payload has a byte of zero behind it, and is NULL when it is empty. */
static void on_temperature(struct mosquitto *mosq, void *userdata,
                           const struct mosquitto_message *message, const mosquitto_property *props)
{
    struct average *average = userdata;

    average->sum += message->payload ? atof(message->payload) : 0;
    average->count++;
    printf("%s: %s degrees\n", message->topic, message->payload ? (char *)message->payload : "no");
}

static void on_door(struct mosquitto *mosq, void *userdata,
                    const struct mosquitto_message *message, const mosquitto_property *props)
{
    printf("%s: %s\n", message->topic, message->payloadlen > 0 ? "open" : "closed");
}

/* What no filter matched. */
static void on_other(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    printf("%s: %d bytes\n", message->topic, message->payloadlen);
}

/* The answer to one request: a code for each filter, in their order. */
static void on_subscribed(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result)
{
    for (int i = 0; i < result->reason_code_count; i++) {
        printf("%s: %s\n", filters[i], result->reason_codes[i] < 128 ? "subscribed" : "refused");
    }
}

/* A missed temperature is no harm, a missed door is: each filter has its own QoS. */
static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct mqttrs_subscription wanted[FILTERS] = {
        {.size = sizeof *wanted, .filter = filters[TEMPERATURES], .qos = 0},
        {.size = sizeof *wanted, .filter = filters[DOORS], .qos = 2},
        {.size = sizeof *wanted, .filter = filters[ALL], .qos = 1},
    };

    if (code != 0) {
        fprintf(stderr, "topics: %s\n", mosquitto_connack_string(code));
    } else if (mqttrs_subscribe(mosq, NULL, wanted, FILTERS, NULL, on_subscribed, NULL, NULL)) {
        fprintf(stderr, "topics: cannot subscribe\n");
    }
}

static int run(struct mosquitto *mosq, char **argv, struct average *average, const sigset_t *signals)
{
    int signal, rc;

    snprintf(filters[TEMPERATURES], sizeof *filters, "%s/+/temperature", argv[3]);
    snprintf(filters[DOORS], sizeof *filters, "%s/+/door", argv[3]);
    snprintf(filters[ALL], sizeof *filters, "%s/#", argv[3]);
    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_message_callback_set(mosq, on_other);
    rc = mqttrs_message_callback_add(mosq, filters[TEMPERATURES], on_temperature, average);
    rc = rc ? rc : mqttrs_message_callback_add(mosq, filters[DOORS], on_door, NULL);
    rc = rc ? rc : mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    rc = rc ? rc : mosquitto_loop_start(mosq);
    if (rc == MOSQ_ERR_SUCCESS) {
        sigwait(signals, &signal);
        mqttrs_disconnect_timeout(mosq, 2000);
        mosquitto_loop_stop(mosq, true);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct average average = {0, 0};
    struct mosquitto *mosq;
    sigset_t signals;
    int rc;

    if (argc != 4) {
        fprintf(stderr, "usage: topics HOST PORT HOUSE\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines appear when they happen, in a pipe too */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads: only sigwait has them */
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, NULL);
    rc = mosq == NULL ? MOSQ_ERR_NOMEM : run(mosq, argv, &average, &signals);
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "topics: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    printf("average: %.1f\n", average.count > 0 ? average.sum / (double)average.count : 0);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
