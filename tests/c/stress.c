/* stress: eight threads publish on one client, callbacks publish too, and one more thread
 * subscribes, unsubscribes, sets callbacks and asks.
 *
 * Arguments: port, messages for each publishing thread, how it is driven (thread or loop), and
 * "whole" or "cut": whether connections stay, or are reset on the way and made again. */
#include <stdatomic.h>

#include "check.h"

#define THREADS 8
/* Callbacks publish as one more thread would. Where connections are cut, nobody uses QoS 0,
 * which a cut may lose. */
#define PUBLISHERS (THREADS + 1)
#define QOS_LEVELS 3

static int port, per_thread;
static bool cut;
static struct mosquitto *client;
static atomic_int accepted[65536], completed[65536];
static atomic_int accepted_in_all, completed_in_all, arrived_in_all;
static atomic_int from_callbacks;
static int sent[PUBLISHERS][QOS_LEVELS]; /* each written by its publisher alone */
/* Only the callback's thread looks at these. */
static int next_number[PUBLISHERS][QOS_LEVELS];
static atomic_bool publishing = true, ending;
static atomic_int inside;
static struct gate subscribed = GATE_CLOSED, finished = GATE_CLOSED, ended = GATE_CLOSED;

/* How many messages callbacks publish. */
static int callback_messages(void)
{
    return per_thread;
}

/* Callbacks of one client never overlap. */
static void enter(void)
{
    CHECK_INT(0, inside++);
}

static void leave(void)
{
    CHECK_INT(1, inside--);
}

/* Publishes one message. It is counted first: its callbacks may come at once. */
static void publish(int publisher, int qos)
{
    char topic[32], payload[32];
    int mid = 0;
    snprintf(topic, sizeof(topic), "stress/%d/%d", publisher, qos);
    int len = snprintf(payload, sizeof(payload), "%d", sent[publisher][qos]);
    sent[publisher][qos]++;
    accepted_in_all++;
    CHECK_INT(0, mosquitto_publish(client, &mid, topic, len, payload, qos, false));
    CHECK(mid > 0 && mid < 65536);
    accepted[mid]++;
}

static void end_if_all_is_done(void)
{
    if (!publishing && from_callbacks >= callback_messages()
        && completed_in_all == accepted_in_all && arrived_in_all == accepted_in_all) {
        gate_open(&finished);
    }
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)obj;
    enter();
    CHECK_INT(0, rc);
    CHECK_INT(0, mosquitto_subscribe(m, NULL, "stress/#", 2));
    leave();
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m;
    (void)obj;
    enter();
    CHECK(mid > 0 && count > 0 && granted[0] <= 2);
    gate_open(&subscribed);
    leave();
}

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)m;
    (void)obj;
    enter();
    completed[mid]++;
    completed_in_all++;
    if (from_callbacks < callback_messages()) {
        int number = from_callbacks++;
        publish(THREADS, cut ? 1 + number % 2 : number % QOS_LEVELS);
    }
    end_if_all_is_done();
    leave();
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m;
    (void)obj;
    enter();
    int publisher, qos;
    CHECK(sscanf(message->topic, "stress/%d/%d", &publisher, &qos) == 2);
    CHECK(publisher >= 0 && publisher < PUBLISHERS && qos >= 0 && qos < QOS_LEVELS);
    CHECK_INT(qos, message->qos);
    int number = atoi(message->payload);
    int *next = &next_number[publisher][qos];
    if (cut && qos == 1 && number < *next) {
        leave(); /* delivered again, as QoS 1 may */
        return;
    }
    CHECK_INT(*next, number); /* none is missing, doubled or out of order */
    *next += 1;
    arrived_in_all++;
    end_if_all_is_done();
    leave();
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    (void)obj;
    enter();
    if (ending) {
        CHECK_INT(0, rc);
        gate_open(&ended);
    } else {
        CHECK(cut && rc != 0);
    }
    leave();
}

static void *publisher(void *argument)
{
    int me = (int)(intptr_t)argument;
    for (int i = 0; i < per_thread; i++) {
        publish(me, cut ? 1 + i % 2 : i % QOS_LEVELS);
    }
    return NULL;
}

/* Does everything else that may be done meanwhile. */
static void *bystander(void *argument)
{
    (void)argument;
    for (int i = 0; publishing && i < per_thread; i++) {
        int rc = mosquitto_subscribe(client, NULL, "elsewhere/+", i % 3);
        CHECK(rc == MOSQ_ERR_SUCCESS || (cut && rc == MOSQ_ERR_NO_CONN));
        rc = mosquitto_unsubscribe(client, NULL, "elsewhere/+");
        CHECK(rc == MOSQ_ERR_SUCCESS || (cut && rc == MOSQ_ERR_NO_CONN));
        mosquitto_publish_callback_set(client, on_publish);
        mosquitto_message_callback_set(client, on_message);
        mosquitto_subscribe_callback_set(client, on_subscribe);
        CHECK(cut || mosquitto_socket(client) >= 0);
        mosquitto_want_write(client);
        CHECK(mosquitto_userdata(client) == &port);
        CHECK_INT(0, mosquitto_reconnect_delay_set(client, 1, 1, false));
    }
    return NULL;
}

static void *run_loop(void *argument)
{
    (void)argument;
    while (!gate_is_open(&ended)) {
        int rc = mosquitto_loop(client, 100, 1);
        /* The thread that disconnects may be the one that on_disconnect runs on. */
        CHECK(rc == 0 || (ending && rc == MOSQ_ERR_NO_CONN));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    watchdog(120);
    port = port_of(argv[1]);
    per_thread = atoi(argv[2]);
    bool threaded = strcmp(argv[3], "thread") == 0;
    cut = strcmp(argv[4], "cut") == 0;
    /* No packet identifier is given twice, so each can be counted. */
    CHECK(per_thread > 0 && per_thread * (THREADS + 4) < 65000);

    mosquitto_lib_init();
    idle_clients_begin();
    char id[32];
    snprintf(id, sizeof(id), "stress-%d", (int)getpid());
    client = mosquitto_new(id, !cut, &port);
    CHECK(client != NULL);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_disconnect_callback_set(client, on_disconnect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_publish_callback_set(client, on_publish);
    mosquitto_message_callback_set(client, on_message);
    CHECK_INT(0, mosquitto_reconnect_delay_set(client, 1, 1, false));
    CHECK_INT(0, mosquitto_connect(client, "127.0.0.1", port, 60));
    pthread_t loop, other, publishers[THREADS];
    if (threaded) {
        CHECK_INT(0, mosquitto_loop_start(client));
    } else {
        CHECK_INT(0, pthread_create(&loop, NULL, run_loop, NULL));
    }
    gate_wait(&subscribed);
    for (intptr_t i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_create(&publishers[i], NULL, publisher, (void *)i));
    }
    CHECK_INT(0, pthread_create(&other, NULL, bystander, NULL));
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(publishers[i], NULL);
    }
    publishing = false;
    pthread_join(other, NULL);
    /* The callbacks see the end with the next message, which may have been the last. */
    publish(0, 2);
    gate_wait(&finished);

    ending = true;
    CHECK_INT(0, mosquitto_disconnect(client));
    gate_wait(&ended);
    if (threaded) {
        CHECK_INT(0, mosquitto_loop_stop(client, false));
    } else {
        pthread_join(loop, NULL);
    }
    mosquitto_destroy(client);
    idle_clients_end();
    int total = 0;
    for (int mid = 0; mid < 65536; mid++) {
        CHECK(accepted[mid] <= 1);
        CHECK_INT(accepted[mid], completed[mid]);
        total += accepted[mid];
    }
    CHECK_INT(accepted_in_all, total);
    for (int i = 0; i < PUBLISHERS; i++) {
        for (int qos = 0; qos < QOS_LEVELS; qos++) {
            CHECK_INT(sent[i][qos], next_number[i][qos]);
        }
    }
    mosquitto_lib_cleanup();
    return 0;
}
