/* shared_loop PORT: many clients on one thread. */
#include "example.h"

#include <poll.h>

enum { CLIENTS = 10 };

static int greeted;

static void on_publish(struct mosquitto *mosq, void *loop, int mid)
{
    if (++greeted == CLIENTS)
        must(mqttrs_loop_stop(loop)); /* inside a callback it does not wait */
}

/* Each client connects in the background, and again when it has to. */
static struct mqttrs_loop *filled(struct mosquitto **clients, int port)
{
    struct mqttrs_loop *loop = mqttrs_loop_new();

    expect(loop != NULL);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = mosquitto_new(NULL, true, loop);
        mosquitto_publish_callback_set(clients[i], on_publish);
        must(mqttrs_loop_add(loop, clients[i]));
        must(mosquitto_connect_async(clients[i], "127.0.0.1", port, 60));
        must(mosquitto_publish(clients[i], NULL, "greetings", 5, "hello", 1, false));
    }
    return loop;
}

/* In this thread, until mqttrs_loop_stop. */
static void here(struct mqttrs_loop *loop)
{
    must(mqttrs_loop_run(loop));
}

/* In a thread of its own. */
static void elsewhere(struct mqttrs_loop *loop)
{
    must(mqttrs_loop_start(loop));
    must(mqttrs_loop_stop(loop)); /* waits until the thread has ended */
}

/* In an event loop of the program's own: one descriptor for all clients. */
static void turn(struct mqttrs_loop *loop)
{
    struct pollfd fd = {.fd = mqttrs_loop_socket(loop), .events = POLLIN};

    expect(poll(&fd, 1, mqttrs_loop_timeout(loop)) >= 0);
    must(mqttrs_loop_run_once(loop, 0));
}

/* A client may leave, and be run in another way; the loop ends after its clients or before. */
static void end(struct mqttrs_loop *loop, struct mosquitto **clients)
{
    must(mqttrs_loop_remove(loop, clients[0]));
    mosquitto_destroy(clients[0]);
    mqttrs_loop_destroy(loop);
    for (int i = 1; i < CLIENTS; i++)
        mosquitto_destroy(clients[i]);
}

int main(int argc, char **argv)
{
    struct mosquitto *clients[CLIENTS];
    struct mqttrs_loop *loop = filled(clients, argc > 1 ? atoi(argv[1]) : 1883);

    here(loop);
    elsewhere(loop);
    must(mosquitto_publish(clients[0], NULL, "greetings", 5, "again", 1, false));
    while (greeted == CLIENTS)
        turn(loop);
    end(loop, clients);
    return 0;
}
