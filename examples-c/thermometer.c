/*
 * thermometer [-p SECONDS] [-f FILE] HOST PORT TOPIC
 *
 * Publishes the temperature that FILE tells, in thousandths of a degree as Linux has it, every
 * SECONDS (30), until SIGINT or SIGTERM.
 *
 * A sensor should not care whether the network is there: the library connects, and connects
 * again, in a thread of its own, and readings wait meanwhile. The last one is retained, so
 * that who subscribes later has a value at once.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mqttrs.h>

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    if (code != 0) { /* the library tries again: somebody may mend it at the broker */
        fprintf(stderr, "thermometer: %s\n", mosquitto_connack_string(code));
    }
}

/* One reading: 0, or -1 where the sensor gives none, which is no reason to end. */
static int read_celsius(const char *file, double *celsius)
{
    long thousandths = 0;
    FILE *sensor = fopen(file, "r");
    int found = sensor == NULL ? -1 : fscanf(sensor, "%ld", &thousandths);

    if (found != 1) {
        fprintf(stderr, "thermometer: %s: %s\n", file, found < 0 ? strerror(errno) : "no number");
    }
    if (sensor != NULL) {
        fclose(sensor);
    }
    *celsius = thousandths / 1000.0;
    return found == 1 ? 0 : -1;
}

/* The signals are blocked, and so none is lost between two calls of sigtimedwait: it returns
 * when one has come or the period is over. */
static int measure(struct mosquitto *mosq, const char *topic, const char *file, double period,
                   const sigset_t *signals)
{
    struct timespec wait = {(time_t)period, (long)((period - (double)(time_t)period) * 1e9)};
    char text[32];
    double celsius;
    int rc = MOSQ_ERR_SUCCESS;

    do {
        if (read_celsius(file, &celsius) == 0) {
            int length = snprintf(text, sizeof text, "%.1f", celsius);

            rc = mosquitto_publish(mosq, NULL, topic, length, text, 1, true);
        }
    } while (rc == MOSQ_ERR_SUCCESS && sigtimedwait(signals, NULL, &wait) < 0);
    return rc;
}

static int run(struct mosquitto *mosq, char **argv, const char *file, double period,
               const sigset_t *signals)
{
    /* Without a connection for long, the newest readings are worth more than the oldest. */
    struct mqttrs_queue_options queue = {.size = sizeof queue, .max_messages = 1000,
                                         .overflow = MQTTRS_OVERFLOW_DROP_OLDEST};
    int rc = mqttrs_queue_set(mosq, &queue);

    mosquitto_connect_callback_set(mosq, on_connect);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect_async(mosq, argv[0], atoi(argv[1]), 60);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_loop_start(mosq);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = measure(mosq, argv[2], file, period, signals);
        mqttrs_disconnect_timeout(mosq, 2000); /* what still waits has two seconds */
        mosquitto_loop_stop(mosq, true);
    }
    return rc;
}

int main(int argc, char **argv)
{
    const char *file = "/sys/class/thermal/thermal_zone0/temp";
    double period = 30;
    struct mosquitto *mosq;
    sigset_t signals;
    int option, rc = MOSQ_ERR_NOMEM;

    while ((option = getopt(argc, argv, "p:f:")) != -1) {
        period = option == 'p' ? atof(optarg) : period;
        file = option == 'f' ? optarg : file;
    }
    if (argc - optind != 3 || !(period > 0 && period < 1e9)) {
        fprintf(stderr, "usage: thermometer [-p SECONDS] [-f FILE] HOST PORT TOPIC\n");
        return 2;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in the library's thread too, begun later */
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, NULL);
    if (mosq != NULL) {
        rc = run(mosq, argv + optind, file, period, &signals);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "thermometer: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
