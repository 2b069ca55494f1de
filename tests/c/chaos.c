/* chaos: threads and callbacks that call anything at any time on one client. Whatever comes of
 * a single call, each returns, and the client is destroyed at the end.
 *
 * Arguments: port of a broker that agrees to everything, a seed, calls for each thread. */
#include <stdatomic.h>

#include "every_call.h"

#define THREADS 4

static struct mosquitto *client;
static int calls;
static unsigned int seed;
static atomic_int from_callbacks;

/* Those that wait for the program to disconnect are not for a program that never ends it. */
static bool waits(const struct call *call)
{
    return strcmp(call->name, "loop_forever") == 0 || strcmp(call->name, "loop_stop") == 0
        || strcmp(call->name, "destroy") == 0;
}

static unsigned int pick(unsigned int *state, unsigned int count)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % count;
}

static void call_anything(unsigned int *state)
{
    const unsigned int ordinary = COUNT_OF(ordinary_calls);
    /* A quarter of all calls changes what is going on. */
    bool disturb = pick(state, 4) == 0;
    unsigned int index = pick(state, disturb ? COUNT_OF(disturbing_calls) : ordinary);
    const struct call *call = disturb ? &disturbing_calls[index] : &ordinary_calls[index];
    if (!waits(call)) {
        call->make(client);
    }
}

static void *thread(void *argument)
{
    unsigned int state = seed + (unsigned int)(intptr_t)argument * 7919u;
    for (int i = 0; i < calls; i++) {
        call_anything(&state);
    }
    return NULL;
}

static void from_callback(void)
{
    int number = from_callbacks++;
    if (number < calls) {
        unsigned int state = seed + 104729u * (unsigned int)number;
        call_anything(&state);
    }
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)obj;
    (void)rc;
    mosquitto_subscribe(m, NULL, "echo/#", 1);
    mosquitto_publish(m, NULL, "echo/x", 1, "x", 2, false);
    from_callback();
}

static void on_pre_connect(struct mosquitto *m, void *obj)
{
    (void)m;
    (void)obj;
    from_callback();
}

static void on_number(struct mosquitto *m, void *obj, int number)
{
    (void)m;
    (void)obj;
    (void)number;
    from_callback();
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m;
    (void)obj;
    CHECK(strncmp(message->topic, "echo/", 5) == 0);
    from_callback();
    CHECK(strcmp(message->payload, "x") == 0);
}

static void on_filtered(struct mosquitto *m, void *userdata,
    const struct mosquitto_message *message, const mosquitto_property *props)
{
    (void)m;
    (void)props;
    CHECK(userdata == &call_token);
    CHECK(strcmp(message->topic, "echo/filtered") == 0);
    from_callback();
}

static void on_log(struct mosquitto *m, void *obj, int level, const char *line)
{
    (void)m;
    (void)obj;
    (void)level;
    CHECK(line[0] != '\0');
    from_callback();
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    call_port = port_of(argv[1]);
    seed = (unsigned int)atoi(argv[2]);
    calls = atoi(argv[3]);
    watched = argv[2];
    watchdog(60);
    setters.connect = on_connect;
    setters.pre_connect = on_pre_connect;
    setters.disconnect = on_number;
    setters.publish = on_number;
    setters.unsubscribe = on_number;
    setters.message = on_message;
    setters.log = on_log;
    setters.filtered = on_filtered;
    mosquitto_lib_init();
    idle_clients_begin();
    client = mosquitto_new("chaos", true, NULL);
    CHECK(client != NULL);
    for (size_t i = 0; i < COUNT_OF(ordinary_calls); i++) {
        if (strncmp(ordinary_calls[i].name, "setters_", 8) == 0) {
            ordinary_calls[i].make(client);
        }
    }
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_create(&threads[i], NULL, thread, (void *)i));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    mosquitto_destroy(client);
    check_dead(client);
    idle_clients_end();
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
