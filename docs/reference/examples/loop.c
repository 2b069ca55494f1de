/* loop PORT: who runs a client. */
#include "example.h"

#include <poll.h>

/* A thread of the library's, which also connects again. Callbacks run in it. */
static void a_thread(struct mosquitto *mosq, int port)
{
    must(mosquitto_loop_start(mosq));
    must(mosquitto_connect_async(mosq, "127.0.0.1", port, 60));
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1, false));
    must(mqttrs_drain(mosq, 10000));
    must(mosquitto_disconnect(mosq));
    must(mosquitto_loop_stop(mosq, false)); /* waits for the thread */
}

static void leave(struct mosquitto *mosq, void *obj, int mid)
{
    must(mosquitto_disconnect(mosq));
}

/* The program's thread, until somebody disconnects. */
static void this_thread(struct mosquitto *mosq, int port)
{
    mosquitto_publish_callback_set(mosq, leave);
    must(mosquitto_connect(mosq, "127.0.0.1", port, 60));
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1, false));
    must(mosquitto_loop_forever(mosq, -1, 1));
}

/* The program's thread, a bit at a time; who calls this connects again itself. */
static void now_and_then(struct mosquitto *mosq)
{
    int rc = mosquitto_loop(mosq, 100, 1);

    if (rc != MOSQ_ERR_SUCCESS && rc != MOSQ_ERR_NO_CONN)
        must(mosquitto_reconnect(mosq));
}

/* One turn of an event loop of the program's own, which may watch other descriptors too. */
static int turn(struct mosquitto *mosq)
{
    struct pollfd fd = {.fd = mosquitto_socket(mosq)};

    if (mqttrs_want_read(mosq))
        fd.events |= POLLIN;
    if (mosquitto_want_write(mosq))
        fd.events |= POLLOUT;
    if (poll(&fd, 1, mqttrs_misc_timeout(mosq)) < 0)
        return MOSQ_ERR_ERRNO;

    int rc = MOSQ_ERR_SUCCESS;
    if (fd.revents & (POLLIN | POLLHUP | POLLERR))
        rc = mosquitto_loop_read(mosq, 1);
    if (rc == MOSQ_ERR_SUCCESS && (fd.revents & POLLOUT))
        rc = mosquitto_loop_write(mosq, 1);
    if (rc == MOSQ_ERR_SUCCESS)
        rc = mosquitto_loop_misc(mosq);
    return rc;
}

/* Programs written for libmosquitto may say so; here a client may always be used by all threads. */
static void without_effect(struct mosquitto *mosq)
{
    must(mosquitto_threaded_set(mosq, true));
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 1883;
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);

    without_effect(mosq);
    a_thread(mosq, port);
    this_thread(mosq, port);
    must(mosquitto_connect(mosq, "127.0.0.1", port, 60));
    now_and_then(mosq);
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1, false));
    while (mosquitto_socket(mosq) >= 0 && turn(mosq) == MOSQ_ERR_SUCCESS)
        ;
    expect(mosquitto_socket(mosq) < 0); /* `leave` has disconnected */
    mosquitto_destroy(mosq);
    return 0;
}
