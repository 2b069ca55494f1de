/* destroy_race: clients are destroyed and loop threads stopped while others are at work with
 * them, and that comes to an end soon, whatever goes on.
 *
 * Arguments: port of a broker, number of rounds. */
#include <stdatomic.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "check.h"

static int port, rounds;
static const char host[] = "127.0.0.1";

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)obj;
    /* Keeps the callbacks going; on a client that is being destroyed it is refused. */
    mosquitto_publish(m, NULL, message->topic, message->payloadlen, message->payload, 1, false);
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    CHECK_INT(0, rc);
    mosquitto_subscribe(m, NULL, "race/#", 1);
    if (obj != m) {
        gate_open(obj);
    }
}

/* A client that is connected and driven by a thread of its own. */
static struct mosquitto *running(struct gate *connected)
{
    struct mosquitto *m = mosquitto_new(NULL, true, connected);
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_message_callback_set(m, on_message);
    CHECK_INT(0, mosquitto_loop_start(m));
    CHECK_INT(0, mosquitto_connect_async(m, host, port, 60));
    gate_wait(connected);
    return m;
}

struct publisher {
    struct mosquitto *m;
    atomic_int published;
    int qos;
};

static void *publish_until_it_is_gone(void *argument)
{
    struct publisher *publisher = argument;
    for (;;) {
        int rc = mosquitto_publish(publisher->m, NULL, "race/x", 1, "x", publisher->qos, false);
        if (rc == MOSQ_ERR_INVAL) {
            return NULL;
        }
        CHECK(rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_NOMEM
            || (publisher->qos == 0 && rc == MOSQ_ERR_NO_CONN));
        publisher->published++;
        sched_yield();
    }
}

static void destroying_ends_what_other_threads_do(void)
{
    for (int round = 0; round < rounds; round++) {
        struct gate connected = GATE_CLOSED;
        struct publisher publishers[3];
        pthread_t threads[3];
        struct mosquitto *m = running(&connected);
        for (int i = 0; i < 3; i++) {
            publishers[i].m = m;
            publishers[i].published = 0;
            publishers[i].qos = i;
            CHECK_INT(0, pthread_create(&threads[i], NULL, publish_until_it_is_gone, &publishers[i]));
        }
        for (int i = 0; i < 3; i++) {
            while (publishers[i].published < 10) {
                sched_yield();
            }
        }
        mosquitto_destroy(m);
        for (int i = 0; i < 3; i++) {
            pthread_join(threads[i], NULL);
        }
    }
}

static void threads_start_and_stop_again_and_again(void)
{
    struct gate connected = GATE_CLOSED;
    struct mosquitto *m = running(&connected);
    for (int round = 0; round < 20 * rounds; round++) {
        CHECK_INT(0, mosquitto_publish(m, NULL, "race/cycle", 1, "x", round % 3, false));
        CHECK_INT(0, mosquitto_loop_stop(m, true));
        CHECK_INT(MOSQ_ERR_INVAL, mosquitto_loop_stop(m, true));
        CHECK_INT(0, mosquitto_loop_start(m));
        CHECK_INT(MOSQ_ERR_INVAL, mosquitto_loop_start(m));
    }
    CHECK_INT(0, mosquitto_disconnect(m));
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    mosquitto_destroy(m);
}

static void many_clients_come_and_go(void)
{
    for (int i = 0; i < 20 * rounds; i++) {
        struct mosquitto *m = mosquitto_new(NULL, true, NULL);
        CHECK(m != NULL);
        mosquitto_connect_callback_set(m, on_connect);
        switch (i % 4) {
        case 0: /* connected, never driven */
            CHECK_INT(0, mosquitto_connect(m, host, port, 60));
            CHECK_INT(0, mosquitto_publish(m, NULL, "race/y", 1, "y", 1, false));
            break;
        case 1: /* in the middle of connecting */
            CHECK_INT(0, mosquitto_loop_start(m));
            CHECK_INT(0, mosquitto_connect_async(m, host, port, 60));
            break;
        case 2: /* looking up a name */
            mosquitto_connect_async(m, "localhost", port, 60);
            break;
        default: /* waiting for something to do */
            CHECK_INT(0, mosquitto_loop_start(m));
            break;
        }
        mosquitto_destroy(m);
    }
}

/* A broker that accepts and then says nothing. */
static int silent_broker(int *listener)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    *listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(*listener >= 0);
    CHECK_INT(0, bind(*listener, (struct sockaddr *)&address, sizeof(address)));
    CHECK_INT(0, listen(*listener, 128));
    CHECK_INT(0, getsockname(*listener, (struct sockaddr *)&address, &len));
    return ntohs(address.sin_port);
}

static void a_forced_stop_waits_for_no_peer(void)
{
    int listener;
    int silent = silent_broker(&listener);
    char *payload = calloc(1, 1 << 20);
    CHECK(payload != NULL);
    /* So often that the watchdog barks where each waits for as long as an orderly stop may. */
    for (int i = 0; i < 30; i++) {
        struct mosquitto *m = mosquitto_new(NULL, true, NULL);
        CHECK(m != NULL);
        CHECK_INT(0, mosquitto_connect(m, host, silent, 60));
        CHECK_INT(0, mosquitto_loop_start(m));
        if (i % 3 > 0) {
            /* More than the sockets hold, and nobody reads. */
            for (int n = 0; n < 8; n++) {
                CHECK_INT(0, mosquitto_publish(m, NULL, "t", 1 << 20, payload, 0, false));
            }
        }
        if (i % 3 > 1) {
            CHECK_INT(0, mosquitto_disconnect(m));
        }
        CHECK_INT(0, mosquitto_loop_stop(m, true));
        mosquitto_destroy(m);
    }
    free(payload);
    close(listener);
}

/* Where nothing listens any more, connecting fails again and again. */
static void a_forced_stop_waits_for_no_reconnect(void)
{
    int listener;
    int gone = silent_broker(&listener);
    close(listener);
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_reconnect_delay_set(m, 3600, 3600, false));
    CHECK_INT(0, mosquitto_loop_start(m));
    CHECK_INT(0, mosquitto_connect_async(m, host, gone, 60));
    CHECK_INT(0, mosquitto_loop_stop(m, true));
    mosquitto_destroy(m);
}

struct stopper {
    struct gate in_callback;
    struct gate go_on;
};

static void on_connect_wait(struct mosquitto *m, void *obj, int rc)
{
    struct stopper *stopper = obj;
    CHECK_INT(0, rc);
    gate_open(&stopper->in_callback);
    gate_wait(&stopper->go_on);
    /* The handle is gone by now, or will be: an error or not, but an answer. */
    mosquitto_publish(m, NULL, "race/z", 1, "z", 1, false);
    mosquitto_loop_stop(m, true);
}

static void *destroy(void *m)
{
    mosquitto_destroy(m);
    return NULL;
}

static void destroying_waits_for_the_callback_and_no_longer(void)
{
    struct stopper stopper = { GATE_CLOSED, GATE_CLOSED };
    pthread_t destroyer;
    struct mosquitto *m = mosquitto_new(NULL, true, &stopper);
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect_wait);
    CHECK_INT(0, mosquitto_loop_start(m));
    CHECK_INT(0, mosquitto_connect_async(m, host, port, 60));
    gate_wait(&stopper.in_callback);
    CHECK_INT(0, pthread_create(&destroyer, NULL, destroy, m));
    /* Until the other thread has begun to destroy it. */
    while (mosquitto_threaded_set(m, true) == MOSQ_ERR_SUCCESS) {
        sched_yield();
    }
    gate_open(&stopper.go_on);
    pthread_join(destroyer, NULL);
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_loop_start(m));
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    port = port_of(argv[1]);
    rounds = atoi(argv[2]);
    mosquitto_lib_init();
    idle_clients_begin();
    static void (*const parts[])(void) = {
        destroying_ends_what_other_threads_do,
        threads_start_and_stop_again_and_again,
        many_clients_come_and_go,
        a_forced_stop_waits_for_no_peer,
        a_forced_stop_waits_for_no_reconnect,
        destroying_waits_for_the_callback_and_no_longer,
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        watchdog(60);
        parts[i]();
    }
    watchdog(60);
    idle_clients_end();
    /* Look-ups of names that nobody waits for any more end too. */
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
