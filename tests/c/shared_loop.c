/* shared_loop: many clients on one loop, each publishes and receives with every QoS, while
 * other threads publish too.
 *
 * Arguments: port of a broker, number of clients, messages to each from the other threads,
 * and how the loop is run: start, run, poll. */
#include <poll.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include <mqttrs.h>

#include "check.h"

enum { PUBLISHERS = 4, OWN = 3, TOGETHER = 200 };

struct client {
    struct mosquitto *m;
    int number;
    int from_neighbour;
    bool has_come[OWN];
    int from_threads[PUBLISHERS];
};

static struct mqttrs_loop *loop;
static struct client *all;
static int clients, each, port;
static atomic_int subscribed, finished, gone;
static struct gate all_subscribed = GATE_CLOSED, all_finished = GATE_CLOSED, all_gone = GATE_CLOSED;

static void own_topic(int number, char *topic, size_t size)
{
    snprintf(topic, size, "shared/%d", number);
}

static void publish(struct mosquitto *m, int to, char who, int number, int qos)
{
    char topic[32], payload[16];
    own_topic(to, topic, sizeof(topic));
    int len = snprintf(payload, sizeof(payload), "%c%d", who, number);
    CHECK_INT(0, mosquitto_publish(m, NULL, topic, len, payload, qos, false));
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    char topic[32];
    CHECK_INT(0, rc);
    own_topic(((struct client *)obj)->number, topic, sizeof(topic));
    CHECK_INT(0, mosquitto_subscribe(m, NULL, topic, 2));
}

/* A client that is connected makes room for one that is not: so many at a time, lest the
 * broker's queue of connections overflow. */
static void begin_client(int number)
{
    struct client *client = &all[number];
    client->number = number;
    client->m = mosquitto_new(NULL, true, client);
    CHECK(client->m != NULL);
    extern void set_callbacks(struct mosquitto *);
    set_callbacks(client->m);
    CHECK_INT(0, mqttrs_loop_add(loop, client->m));
    CHECK_INT(0, mosquitto_connect_async(client->m, "127.0.0.1", port, 600));
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m, (void)obj, (void)mid;
    CHECK(count == 1 && granted[0] == 2);
    int number = ++subscribed;
    if (number + TOGETHER <= clients) {
        begin_client(number + TOGETHER - 1);
    }
    if (number == clients) {
        gate_open(&all_subscribed);
    }
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    struct client *client = obj;
    const char *payload = message->payload;
    int number = atoi(payload + 1), total;
    (void)m;
    /* Those of a sender with one QoS come in order. */
    if (payload[0] == 'n') {
        CHECK(number >= 0 && number < OWN && !client->has_come[number]);
        client->has_come[number] = true;
        client->from_neighbour++;
    } else {
        CHECK(payload[0] >= 'a' && payload[0] < 'a' + PUBLISHERS);
        CHECK_INT(client->from_threads[payload[0] - 'a']++, number);
    }
    total = client->from_neighbour;
    for (int i = 0; i < PUBLISHERS; i++) {
        total += client->from_threads[i];
    }
    if (total == OWN + PUBLISHERS * each && ++finished == clients) {
        gate_open(&all_finished);
    }
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m, (void)obj;
    CHECK_INT(0, rc);
    if (++gone == clients) {
        gate_open(&all_gone);
    }
}

void set_callbacks(struct mosquitto *m)
{
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    mosquitto_disconnect_callback_set(m, on_disconnect);
}

static void *publish_to_all(void *argument)
{
    int who = (int)(intptr_t)argument;
    for (int number = 0; number < each; number++) {
        for (int i = 0; i < clients; i++) {
            publish(all[i].m, i, (char)('a' + who), number, 1 + who % 2);
        }
    }
    return NULL;
}

static void *run_here(void *unused)
{
    (void)unused;
    CHECK_INT(0, mqttrs_loop_run(loop));
    return NULL;
}

static atomic_bool polls;

/* A program's own event loop: it waits as it is told, and has nothing else to go by. */
static void *poll_here(void *unused)
{
    struct pollfd fd = { mqttrs_loop_socket(loop), POLLIN, 0 };
    (void)unused;
    while (polls) {
        CHECK(poll(&fd, 1, mqttrs_loop_timeout(loop)) >= 0);
        CHECK_INT(0, mqttrs_loop_run_once(loop, 0));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    port = port_of(argv[1]);
    clients = atoi(argv[2]);
    each = atoi(argv[3]);
    const char *how = watched = argv[4];
    watchdog(120);
    struct rlimit descriptors;
    CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &descriptors));
    descriptors.rlim_cur = descriptors.rlim_max;
    CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &descriptors));
    mosquitto_lib_init();
    all = calloc((size_t)clients, sizeof(*all));
    CHECK(all != NULL);
    loop = mqttrs_loop_new();
    CHECK(loop != NULL);
    for (int i = 0; i < clients && i < TOGETHER; i++) {
        begin_client(i);
    }
    pthread_t runner, publishers[PUBLISHERS];
    polls = strcmp(how, "poll") == 0;
    if (strcmp(how, "start") == 0) {
        CHECK_INT(0, mqttrs_loop_start(loop));
    } else {
        CHECK_INT(0, pthread_create(&runner, NULL, polls ? poll_here : run_here, NULL));
    }
    gate_wait(&all_subscribed);
    for (intptr_t i = 0; i < PUBLISHERS; i++) {
        CHECK_INT(0, pthread_create(&publishers[i], NULL, publish_to_all, (void *)i));
    }
    /* To the neighbour, so that messages cross from client to client. */
    for (int i = 0; i < clients; i++) {
        for (int qos = 0; qos < OWN; qos++) {
            publish(all[i].m, (i + 1) % clients, 'n', qos, qos);
        }
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        CHECK_INT(0, pthread_join(publishers[i], NULL));
    }
    gate_wait(&all_finished);
    for (int i = 0; i < clients; i++) {
        CHECK_INT(0, mosquitto_disconnect(all[i].m));
    }
    gate_wait(&all_gone);
    if (polls) {
        polls = false;
        /* Moves the thread that polls, as anything does that there is to do. */
        CHECK_INT(0, mosquitto_reconnect_async(all[0].m));
    } else {
        CHECK_INT(0, mqttrs_loop_stop(loop));
    }
    if (strcmp(how, "start") != 0) {
        CHECK_INT(0, pthread_join(runner, NULL));
    }
    for (int i = 0; i < clients; i++) {
        if (i % 2 == 0) {
            CHECK_INT(0, mqttrs_loop_remove(loop, all[i].m));
        }
        mosquitto_destroy(all[i].m);
    }
    mqttrs_loop_destroy(loop);
    free(all);
    mosquitto_lib_cleanup();
    return 0;
}
