/*
 * bridge FOLDER FROM_HOST FROM_PORT TO_HOST TO_PORT FILTER
 *
 * Passes each message that FILTER matches from one broker on to another, until SIGINT or SIGTERM.
 *
 * Nothing is lost while either broker is away, or this program: the first broker keeps what we have
 * not acknowledged, that is what is not on the disk yet, in FOLDER, where it stays until the second
 * one has acknowledged it. That needs a library built with the feature `store`.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mqttrs.h>

struct bridge {
    struct mosquitto *from, *to;
    const char *filter;
    int failed;
};

static void give_up(struct bridge *self, const char *what, int rc)
{
    fprintf(stderr, "bridge: %s: %s\n", what, mosquitto_strerror(rc));
    self->failed = 1;
    kill(getpid(), SIGTERM);
}

/* Once is enough, as the broker keeps the session; again does no harm. */
static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct bridge *self = obj;
    int rc;

    if (code != 0) { /* the library goes on trying */
        fprintf(stderr, "bridge: %s\n", mosquitto_connack_string(code));
    } else if (mosq == self->from
               && (rc = mosquitto_subscribe(mosq, NULL, self->filter, 2)) != MOSQ_ERR_SUCCESS) {
        give_up(self, self->filter, rc);
    }
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    struct bridge *self = obj;
    int qos = message->qos > 0 ? message->qos : 1; /* what came far is worth an acknowledgement */
    int rc = mosquitto_publish(self->to, NULL, message->topic, message->payloadlen,
                               message->payload, qos, message->retain);

    if (rc != MOSQ_ERR_SUCCESS) { /* a full disk, for instance: the message was not accepted */
        give_up(self, message->topic, rc);
    } else if (message->qos > 0) {
        mqttrs_ack(mosq, message->mid, 0); /* now that it is on the disk */
    }
}

/* A session that outlives the connection needs an identifier. */
static struct mosquitto *client(struct bridge *self, const char *id)
{
    struct mosquitto *mosq = mosquitto_new(id, false, self);

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_message_callback_set(mosq, on_message);
    return mosq;
}

/* The way out is open before the first message comes in. */
static int begin(struct bridge *self, struct mqttrs_loop *loop, char **argv)
{
    struct mqttrs_store_options options = {.size = sizeof options};
    int rc = mqttrs_store_open(self->to, argv[1], &options);

    rc = rc ? rc : mqttrs_ack_mode_set(self->from, MQTTRS_ACK_MANUAL);
    rc = rc ? rc : mqttrs_loop_add(loop, self->to);
    rc = rc ? rc : mqttrs_loop_add(loop, self->from);
    rc = rc ? rc : mosquitto_connect_async(self->to, argv[4], atoi(argv[5]), 60);
    rc = rc ? rc : mosquitto_connect_async(self->from, argv[2], atoi(argv[3]), 60);
    return rc ? rc : mqttrs_loop_start(loop);
}

int main(int argc, char **argv)
{
    struct bridge self = {NULL, NULL, argc == 7 ? argv[6] : NULL, 0};
    struct mqttrs_loop *loop;
    sigset_t signals;
    int signal, rc;

    if (argc != 7) {
        fprintf(stderr, "usage: bridge FOLDER FROM_HOST FROM_PORT TO_HOST TO_PORT FILTER\n");
        return 2;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before there are threads: only sigwait has them */
    mosquitto_lib_init();
    loop = mqttrs_loop_new();
    self.from = client(&self, "bridge-from");
    self.to = client(&self, "bridge-to");
    rc = begin(&self, loop, argv);
    if (rc == MOSQ_ERR_SUCCESS) {
        sigwait(&signals, &signal);
        mqttrs_disconnect_timeout(self.from, 2000); /* nothing more comes in, */
        mqttrs_disconnect_timeout(self.to, 2000);   /* and what has goes out, now or next time */
    } else {
        char why[512] = "";

        mqttrs_last_error(self.to, why, sizeof why);
        fprintf(stderr, "bridge: %s\n%s\n", mosquitto_strerror(rc), why);
    }
    mqttrs_loop_destroy(loop); /* also stops it */
    mosquitto_destroy(self.from);
    mosquitto_destroy(self.to);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || self.failed;
}
