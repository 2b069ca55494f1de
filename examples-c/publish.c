/*
 * publish HOST PORT TOPIC
 *
 * Publishes each line of standard input at QoS 1, and ends when the broker has acknowledged
 * all of them.
 *
 * The library runs a thread of its own here (mosquitto_loop_start), so that this one is free
 * to wait for input. Callbacks come in that thread: what both share is under a mutex.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <mosquitto.h>

struct publisher {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long acknowledged;
    int refused; /* CONNACK's code */
};

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct publisher *self = obj;

    pthread_mutex_lock(&self->mutex);
    self->refused = code;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
    struct publisher *self = obj;

    pthread_mutex_lock(&self->mutex);
    self->acknowledged++;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->mutex);
}

/* Publishes what there is to read. Messages may wait inside the library: for the connection,
 * or for the broker to acknowledge earlier ones. It keeps a copy of each. */
static int publish_lines(struct mosquitto *mosq, const char *topic, long *published)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int rc = MOSQ_ERR_SUCCESS;

    while (rc == MOSQ_ERR_SUCCESS && (length = getline(&line, &size, stdin)) >= 0) {
        length -= length > 0 && line[length - 1] == '\n';
        rc = mosquitto_publish(mosq, NULL, topic, (int)length, line, 1, false);
        *published += rc == MOSQ_ERR_SUCCESS;
    }
    free(line);
    return rc;
}

static int run(struct mosquitto *mosq, struct publisher *self, char **argv)
{
    long published = 0;
    int rc;

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_publish_callback_set(mosq, on_publish);
    rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_loop_start(mosq);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        return rc;
    }
    rc = publish_lines(mosq, argv[3], &published);
    pthread_mutex_lock(&self->mutex);
    while (rc == MOSQ_ERR_SUCCESS && self->acknowledged < published) {
        if (self->refused) {
            fprintf(stderr, "publish: %s\n", mosquitto_connack_string(self->refused));
            rc = MOSQ_ERR_CONN_REFUSED;
        } else {
            pthread_cond_wait(&self->changed, &self->mutex);
        }
    }
    pthread_mutex_unlock(&self->mutex);
    mosquitto_disconnect(mosq); /* ends the loop, so that its thread can be joined */
    mosquitto_loop_stop(mosq, false);
    return rc;
}

int main(int argc, char **argv)
{
    struct publisher self = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    struct mosquitto *mosq;
    int rc = MOSQ_ERR_NOMEM;

    if (argc != 4) {
        fprintf(stderr, "usage: publish HOST PORT TOPIC\n");
        return 2;
    }
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &self);
    if (mosq != NULL) {
        rc = run(mosq, &self, argv);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "publish: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
