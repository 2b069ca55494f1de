/*
 * subscribe HOST PORT TOPIC [COUNT]
 *
 * Prints "subscribed" once the broker has accepted the subscription, then each message
 * that arrives. Ends after COUNT messages, or by SIGINT or SIGTERM.
 *
 * The simplest way to run a client: mosquitto_loop_forever does the network's work in this
 * thread, calls the callbacks, and connects again by itself when the connection is lost.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mosquitto.h>

struct subscriber {
    const char *topic;
    long wanted, received; /* messages; with wanted 0 there is no end */
    int failed;            /* a refusal that no new connection would change */
};

static sigset_t signals;

/* mosquitto_loop_forever returns once the connection is closed. */
static void give_up(struct mosquitto *mosq, struct subscriber *self, const char *why)
{
    fprintf(stderr, "subscribe: %s\n", why);
    self->failed = 1;
    mosquitto_disconnect(mosq);
}

/* Subscribing here, not after mosquitto_connect, also serves every later connection. */
static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct subscriber *self = obj;

    if (code != 0) {
        give_up(mosq, self, mosquitto_connack_string(code));
    } else if (mosquitto_subscribe(mosq, NULL, self->topic, 2) != MOSQ_ERR_SUCCESS) {
        give_up(mosq, self, "this is no topic filter");
    }
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
    if (count < 1 || granted[0] > 2) {
        give_up(mosq, obj, "the broker refused the subscription");
    } else {
        printf("subscribed\n");
    }
}

/* The message belongs to the library and is gone after the callback. */
static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    struct subscriber *self = obj;

    printf("%s %.*s\n", message->topic, message->payloadlen,
           message->payload ? (const char *)message->payload : "");
    if (++self->received == self->wanted) {
        mosquitto_disconnect(mosq);
    }
}

/* A thread of its own: in a signal handler next to nothing may be called, here everything. */
static void *disconnect_on_signal(void *mosq)
{
    int number;

    sigwait(&signals, &number);
    mosquitto_disconnect(mosq);
    return NULL;
}

static int run(struct mosquitto *mosq, const char *host, int port)
{
    pthread_t stopper;
    int rc;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* so that sigwait has them */
    if (pthread_create(&stopper, NULL, disconnect_on_signal, mosq) != 0) {
        return MOSQ_ERR_NOMEM;
    }
    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    rc = mosquitto_connect(mosq, host, port, 60);
    rc = rc == MOSQ_ERR_SUCCESS ? mosquitto_loop_forever(mosq, -1, 1) : rc;
    pthread_kill(stopper, SIGTERM);
    pthread_join(stopper, NULL);
    return rc;
}

int main(int argc, char **argv)
{
    struct subscriber self = {argc > 3 ? argv[3] : NULL, argc > 4 ? atol(argv[4]) : 0, 0, 0};
    struct mosquitto *mosq;
    int rc;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: subscribe HOST PORT TOPIC [COUNT]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines appear when they happen, in a pipe too */
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &self); /* the broker chooses a client identifier */
    rc = mosq != NULL ? run(mosq, argv[1], atoi(argv[2])) : MOSQ_ERR_NOMEM;
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "subscribe: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || self.failed;
}
