/* shared_loop_chaos: threads and callbacks put clients into loops, take them out, connect,
 * publish, and destroy clients and loops, at any time. Nothing hangs and nothing breaks.
 *
 * Arguments: port of a broker that agrees to everything, seed, number of steps of each thread. */
#include <stdatomic.h>

#include <mqttrs.h>

#include "check.h"

enum { CLIENTS = 6, LOOPS = 2, THREADS = 4 };

static _Atomic(struct mosquitto *) clients[CLIENTS];
static _Atomic(struct mqttrs_loop *) loops[LOOPS];
static atomic_long callbacks;
static int port;
static _Thread_local unsigned int random_state;

static unsigned int any(unsigned int limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

static void step(bool in_callback);

static void called(struct mosquitto *m, void *obj)
{
    (void)m, (void)obj;
    callbacks++;
    if (random_state == 0) {
        random_state = 1 + (unsigned int)callbacks;
    }
    if (any(4) == 0) {
        step(true);
    }
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)rc;
    mosquitto_subscribe(m, NULL, "echo/#", 1);
    called(m, obj);
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)rc;
    called(m, obj);
}

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)mid;
    called(m, obj);
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    CHECK(strcmp(message->topic, "echo/x") == 0);
    called(m, obj);
}

static struct mosquitto *make_client(void)
{
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    mosquitto_publish_callback_set(m, on_publish);
    mosquitto_message_callback_set(m, on_message);
    return m;
}

/* One call, whose result depends on what the others are doing: they may be first. */
static void step(bool in_callback)
{
    unsigned int which = any(CLIENTS), where = any(LOOPS);
    struct mosquitto *m = clients[which];
    struct mqttrs_loop *loop = loops[where];
    switch (any(in_callback ? 12 : 16)) {
    case 0: case 1: case 2:
        mqttrs_loop_add(loop, m);
        mosquitto_connect_async(m, "127.0.0.1", port, 60);
        break;
    case 3:
        mosquitto_disconnect(m);
        break;
    case 4:
        mosquitto_reconnect_async(m);
        break;
    case 5: case 6: case 7: case 8:
        mosquitto_publish(m, NULL, "echo/x", 5, "chaos", (int)any(3), false);
        break;
    case 9:
        mqttrs_loop_stop(loop);
        break;
    case 10:
        mqttrs_loop_start(loop);
        break;
    case 11:
        CHECK(mqttrs_loop_timeout(loop) >= -1);
        mqttrs_loop_run_once(loop, 0);
        break;
    /* Two loops whose callbacks do these to each other's clients would wait for each other. */
    case 12: case 13:
        mqttrs_loop_remove(loop, m);
        break;
    case 14:
        mosquitto_destroy(atomic_exchange(&clients[which], make_client()));
        break;
    default:
        mqttrs_loop_destroy(atomic_exchange(&loops[where], mqttrs_loop_new()));
        break;
    }
}

struct plan {
    pthread_t thread;
    unsigned int seed;
    int steps;
};

static void *make_steps(void *argument)
{
    struct plan *plan = argument;
    random_state = plan->seed;
    for (int i = 0; i < plan->steps; i++) {
        step(false);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    port = port_of(argv[1]);
    watched = "chaos on shared loops";
    watchdog(120);
    mosquitto_lib_init();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = make_client();
    }
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = mqttrs_loop_new();
        CHECK_INT(0, mqttrs_loop_start(loops[i]));
    }
    struct plan plans[THREADS];
    for (unsigned int i = 0; i < THREADS; i++) {
        plans[i] = (struct plan){ .seed = 1000u * (unsigned int)atoi(argv[2]) + i + 1, .steps = atoi(argv[3]) };
        CHECK_INT(0, pthread_create(&plans[i].thread, NULL, make_steps, &plans[i]));
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_join(plans[i].thread, NULL));
    }
    /* Whatever became of them, clients and loops can still be used. */
    long before = callbacks;
    for (int i = 0; i < LOOPS; i++) {
        mqttrs_loop_destroy(loops[i]);
    }
    loops[0] = mqttrs_loop_new();
    for (int i = 0; i < CLIENTS; i++) {
        CHECK_INT(0, mqttrs_loop_add(loops[0], clients[i]));
        CHECK_INT(0, mosquitto_connect_async(clients[i], "127.0.0.1", port, 60));
    }
    random_state = 0;
    while (callbacks < before + CLIENTS) {
        mqttrs_loop_run_once(loops[0], 100);
    }
    for (int i = 0; i < LOOPS; i++) {
        mqttrs_loop_destroy(loops[i]);
    }
    for (int i = 0; i < CLIENTS; i++) {
        mosquitto_destroy(clients[i]);
    }
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
