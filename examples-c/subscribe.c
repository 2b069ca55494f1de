/*
 * subscribe HOST PORT TOPIC [COUNT]
 *
 * Prints "subscribed" once the broker has accepted the subscription, then each message
 * that arrives. Ends after COUNT messages, or never without it.
 *
 * The simplest way to run a client: mosquitto_loop_forever does the network's work in this
 * thread, calls the callbacks, and connects again by itself when the connection is lost.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mosquitto.h>

struct subscriber {
    const char *topic;
    long wanted;   /* messages to wait for; 0: no end */
    long received;
    int failed;    /* a refusal that no new connection would change */
};

/* Gives up: mosquitto_loop_forever returns once the connection is closed. */
static void give_up(struct mosquitto *mosq, struct subscriber *self, const char *what,
                    const char *why)
{
    fprintf(stderr, "subscribe: %s: %s\n", what, why);
    self->failed = 1;
    mosquitto_disconnect(mosq);
}

/* Subscribing here, not after mosquitto_connect, also serves every later connection. */
static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct subscriber *self = obj;
    int rc;

    if (code != 0) {
        give_up(mosq, self, "connection refused", mosquitto_connack_string(code));
        return;
    }
    rc = mosquitto_subscribe(mosq, NULL, self->topic, 2);
    if (rc != MOSQ_ERR_SUCCESS) {
        give_up(mosq, self, "cannot subscribe", mosquitto_strerror(rc));
    }
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count,
                         const int *granted)
{
    if (count < 1 || granted[0] > 2) {
        give_up(mosq, obj, "cannot subscribe", "the broker refused");
        return;
    }
    printf("subscribed\n");
}

/* The message belongs to the library and is gone after the callback. */
static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    struct subscriber *self = obj;

    printf("%s %.*s\n", message->topic, message->payloadlen,
           message->payload ? (const char *)message->payload : "");
    self->received++;
    if (self->received == self->wanted) {
        mosquitto_disconnect(mosq);
    }
}

static int run(struct mosquitto *mosq, const char *host, int port)
{
    int rc;

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    rc = mosquitto_connect(mosq, host, port, 60);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_loop_forever(mosq, -1, 1);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct subscriber self = {0};
    struct mosquitto *mosq;
    int rc;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: subscribe HOST PORT TOPIC [COUNT]\n");
        return 2;
    }
    self.topic = argv[3];
    self.wanted = argc > 4 ? atol(argv[4]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines appear when they happen, in a pipe too */

    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &self); /* the broker chooses a client identifier */
    if (mosq == NULL) {
        perror("subscribe: mosquitto_new");
        mosquitto_lib_cleanup();
        return 1;
    }
    rc = run(mosq, argv[1], atoi(argv[2]));
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "subscribe: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || self.failed;
}
