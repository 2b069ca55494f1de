/*
 * websocket HOST PORT TOPIC [PATH [TOKEN]]
 *
 * A subscriber over WebSocket, for servers that are reached through HTTP's infrastructure: asks
 * for PATH (/mqtt), and shows TOKEN in the header Authorization where there is one. Prints
 * "subscribed" and then each message, until SIGINT or SIGTERM.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mqttrs.h>

struct subscriber {
    const char *topic;
    int failed;
};

/* What main waits for is a signal, so this is how a callback ends the program. */
static void give_up(struct subscriber *self, const char *why)
{
    fprintf(stderr, "websocket: %s\n", why);
    self->failed = 1;
    kill(getpid(), SIGTERM);
}

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct subscriber *self = obj;

    if (code != 0) {
        give_up(self, mosquitto_connack_string(code));
    } else if (mosquitto_subscribe(mosq, NULL, self->topic, 1) != MOSQ_ERR_SUCCESS) {
        give_up(self, "cannot subscribe");
    }
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
    if (count < 1 || granted[0] > 2) {
        give_up(obj, "the server refused the subscription");
    } else {
        printf("subscribed\n");
    }
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    printf("%s %.*s\n", message->topic, message->payloadlen,
           message->payload ? (const char *)message->payload : "");
}

/* Why there is no connection: the library goes on trying, and says each time what went wrong. */
static void on_lifecycle(struct mosquitto *mosq, void *obj, const struct mqttrs_lifecycle_event *event)
{
    if (event->state == MQTTRS_LIFECYCLE_WAITING && event->error != NULL) {
        fprintf(stderr, "websocket: %s; again in %u ms\n", event->error, event->delay);
    }
}

static int run(struct mosquitto *mosq, int argc, char **argv, const sigset_t *signals)
{
    char value[512];
    int signal, rc = mosquitto_int_option(mosq, MOSQ_OPT_TRANSPORT, MOSQ_T_WEBSOCKETS);

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    mqttrs_lifecycle_callback_set(mosq, on_lifecycle);
    if (rc == MOSQ_ERR_SUCCESS && argc > 4) {
        rc = mosquitto_string_option(mosq, MOSQ_OPT_HTTP_PATH, argv[4]);
    }
    if (rc == MOSQ_ERR_SUCCESS && argc > 5) {
        snprintf(value, sizeof value, "Bearer %s", argv[5]);
        rc = mqttrs_websocket_header_add(mosq, "Authorization", value);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect_async(mosq, argv[1], atoi(argv[2]), 60);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_loop_start(mosq);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        sigwait(signals, &signal);
        mqttrs_disconnect_timeout(mosq, 2000);
        mosquitto_loop_stop(mosq, true);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct subscriber self = {argc >= 4 ? argv[3] : NULL, 0};
    struct mosquitto *mosq;
    sigset_t signals;
    int rc = MOSQ_ERR_NOMEM;

    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: websocket HOST PORT TOPIC [PATH [TOKEN]]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines appear when they happen, in a pipe too */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads: only sigwait has them */
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &self);
    rc = mosq == NULL ? rc : run(mosq, argc, argv, &signals);
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "websocket: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || self.failed;
}
