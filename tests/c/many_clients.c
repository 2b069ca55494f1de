/* many_clients: more clients in one process than select() has descriptors for, each with a
 * thread of its own, and each publishes and receives.
 *
 * Arguments: port of a broker, number of clients. */
#include <stdatomic.h>
#include <sys/resource.h>

#include "check.h"

static atomic_int subscribed, received;
static int clients;
static struct gate all_subscribed = GATE_CLOSED, all_received = GATE_CLOSED;

struct client {
    struct mosquitto *m;
    int number;
    int messages;
};

static void own_topic(const struct client *client, char *topic, size_t size)
{
    snprintf(topic, size, "many/%d", client->number);
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    char topic[32];
    CHECK_INT(0, rc);
    own_topic(obj, topic, sizeof(topic));
    CHECK_INT(0, mosquitto_subscribe(m, NULL, topic, 1));
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m;
    (void)obj;
    (void)mid;
    CHECK(count == 1 && granted[0] == 1);
    if (++subscribed == clients) {
        gate_open(&all_subscribed);
    }
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    struct client *client = obj;
    char topic[32];
    (void)m;
    own_topic(client, topic, sizeof(topic));
    CHECK(strcmp(message->topic, topic) == 0);
    CHECK_INT(client->number, atoi(message->payload));
    CHECK_INT(1, ++client->messages);
    if (++received == clients) {
        gate_open(&all_received);
    }
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    (void)obj;
    CHECK_INT(0, rc);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    int port = port_of(argv[1]);
    clients = atoi(argv[2]);
    watchdog(60);
    struct rlimit descriptors;
    CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &descriptors));
    descriptors.rlim_cur = descriptors.rlim_max;
    CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &descriptors));
    mosquitto_lib_init();

    struct client *all = calloc((size_t)clients, sizeof(*all));
    CHECK(all != NULL);
    int highest = 0;
    for (int i = 0; i < clients; i++) {
        struct client *client = &all[i];
        client->number = i;
        client->m = mosquitto_new(NULL, true, client);
        CHECK(client->m != NULL);
        mosquitto_connect_callback_set(client->m, on_connect);
        mosquitto_subscribe_callback_set(client->m, on_subscribe);
        mosquitto_message_callback_set(client->m, on_message);
        mosquitto_disconnect_callback_set(client->m, on_disconnect);
        CHECK_INT(0, mosquitto_connect(client->m, "127.0.0.1", port, 600));
        CHECK_INT(0, mosquitto_loop_start(client->m));
        int fd = mosquitto_socket(client->m);
        highest = fd > highest ? fd : highest;
    }
    CHECK(highest > 1024);
    gate_wait(&all_subscribed);
    /* To the neighbour's topic, so that the message crosses from client to client. */
    for (int i = 0; i < clients; i++) {
        char topic[32], payload[16];
        int neighbour = (i + 1) % clients;
        own_topic(&all[neighbour], topic, sizeof(topic));
        int len = snprintf(payload, sizeof(payload), "%d", neighbour);
        CHECK_INT(0, mosquitto_publish(all[i].m, NULL, topic, len, payload, i % 3, false));
    }
    gate_wait(&all_received);
    for (int i = 0; i < clients; i++) {
        CHECK_INT(0, mosquitto_disconnect(all[i].m));
        CHECK_INT(0, mosquitto_loop_stop(all[i].m, false));
        mosquitto_destroy(all[i].m);
        CHECK_INT(1, all[i].messages);
    }
    free(all);
    mosquitto_lib_cleanup();
    return 0;
}
