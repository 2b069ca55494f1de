/*
 * many_clients HOST PORT TOPIC COUNT
 *
 * Connects COUNT clients, each of which listens at a topic of its own below TOPIC and greets
 * the next one; ends when each has heard its greeting.
 *
 * All of them share one loop, here in the program's only thread. A connection that is lost,
 * or cannot be made, is tried again by the loop.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mqttrs.h>

struct crowd {
    struct mqttrs_loop *loop;
    struct member *members;
    const char *topic;
    int count, listening, greeted, failed;
};

struct member {
    struct crowd *crowd;
    struct mosquitto *mosq;
    int number, listens, greeted;
};

static void topic_of(const struct crowd *crowd, int number, char *topic, size_t size)
{
    snprintf(topic, size, "%s/%d", crowd->topic, number % crowd->count);
}

static void give_up(struct crowd *crowd, const char *why)
{
    fprintf(stderr, "many_clients HOST PORT TOPIC COUNT: %s\n", why);
    crowd->failed = 1;
    mqttrs_loop_stop(crowd->loop); /* in a callback, of any client: the run ends after it */
}

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct member *self = obj;
    char topic[256];

    topic_of(self->crowd, self->number, topic, sizeof topic);
    if (code != 0) {
        give_up(self->crowd, mosquitto_connack_string(code));
    } else if (mosquitto_subscribe(mosq, NULL, topic, 1) != MOSQ_ERR_SUCCESS) {
        give_up(self->crowd, "cannot subscribe");
    }
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
    struct member *self = obj;
    struct crowd *crowd = self->crowd;
    char topic[256];

    crowd->listening += !self->listens; /* after a reconnect it listens again */
    self->listens = 1;
    for (int i = 0; crowd->listening == crowd->count && i < crowd->count; i++) {
        topic_of(crowd, i + 1, topic, sizeof topic);
        mosquitto_publish(crowd->members[i].mosq, NULL, topic, 5, "hello", 1, false);
    }
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    struct member *self = obj;
    struct crowd *crowd = self->crowd;

    crowd->greeted += !self->greeted;
    self->greeted = 1;
    mosquitto_disconnect(mosq);
    if (crowd->greeted == crowd->count) {
        mqttrs_loop_stop(crowd->loop); /* what is queued, the DISCONNECT too, is sent before */
    }
}

static int begin(struct member *self, const char *host, int port)
{
    int rc;

    self->mosq = mosquitto_new(NULL, true, self);
    mosquitto_connect_callback_set(self->mosq, on_connect);
    mosquitto_subscribe_callback_set(self->mosq, on_subscribe);
    mosquitto_message_callback_set(self->mosq, on_message);
    rc = mqttrs_loop_add(self->crowd->loop, self->mosq);
    return rc == MOSQ_ERR_SUCCESS ? mosquitto_connect_async(self->mosq, host, port, 60) : rc;
}

int main(int argc, char **argv)
{
    struct crowd crowd = {NULL, NULL, argc == 5 ? argv[3] : "", 0, 0, 0, 0};
    int rc = MOSQ_ERR_INVAL;

    mosquitto_lib_init();
    crowd.count = argc == 5 ? atoi(argv[4]) : 0;
    crowd.loop = mqttrs_loop_new();
    crowd.members = calloc(crowd.count > 0 ? (size_t)crowd.count : 1, sizeof *crowd.members);
    for (int i = 0; crowd.members != NULL && i < crowd.count && !(i > 0 && rc); i++) {
        crowd.members[i] = (struct member){&crowd, NULL, i, 0, 0};
        rc = begin(&crowd.members[i], argv[1], atoi(argv[2]));
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mqttrs_loop_run(crowd.loop);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        give_up(&crowd, mosquitto_strerror(rc));
    }
    printf("%d of %d clients were greeted\n", crowd.greeted, crowd.count);
    for (int i = 0; crowd.members != NULL && i < crowd.count; i++) {
        mosquitto_destroy(crowd.members[i].mosq); /* leaves the loop by itself */
    }
    mqttrs_loop_destroy(crowd.loop);
    free(crowd.members);
    mosquitto_lib_cleanup();
    return crowd.failed;
}
