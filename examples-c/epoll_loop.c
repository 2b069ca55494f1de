/*
 * epoll_loop HOST PORT TOPIC...
 *
 * Subscribes to each TOPIC by a client of its own and prints what arrives, until SIGINT or
 * SIGTERM.
 *
 * Many clients in a program that has an epoll loop already: one descriptor stands for all of
 * them, and no thread is started. Lost connections come back by themselves.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <mqttrs.h>

static void on_connect(struct mosquitto *mosq, void *topic, int code)
{
    if (code != 0) {
        fprintf(stderr, "epoll_loop: %s: %s\n", (char *)topic, mosquitto_connack_string(code));
    } else {
        mosquitto_subscribe(mosq, NULL, topic, 1); /* what is wrong with it was found before */
    }
}

static void on_subscribe(struct mosquitto *mosq, void *topic, int mid, int count, const int *granted)
{
    printf("%s: %s\n", (char *)topic, granted[0] <= 2 ? "subscribed" : "refused");
}

static void on_message(struct mosquitto *mosq, void *topic, const struct mosquitto_message *message)
{
    printf("%s %.*s\n", message->topic, message->payloadlen,
           message->payload ? (const char *)message->payload : "");
}

static int begin(struct mqttrs_loop *loop, struct mosquitto *mosq, char **argv, const char *topic)
{
    int rc = mosquitto_sub_topic_check(topic);

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mqttrs_loop_add(loop, mosq);
    }
    return rc == MOSQ_ERR_SUCCESS ? mosquitto_connect_async(mosq, argv[1], atoi(argv[2]), 60) : rc;
}

/* SIGINT and SIGTERM as a descriptor that is readable when one has come. */
static int open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ERRNO;
}

/* The program's own loop: the library is one of those that it serves. */
static int run(struct mqttrs_loop *loop, int epoll, int signals)
{
    struct epoll_event event = {.data.fd = -1};

    while (event.data.fd != signals) {
        if (epoll_wait(epoll, &event, 1, mqttrs_loop_timeout(loop)) < 0 && errno != EINTR) {
            return MOSQ_ERR_ERRNO;
        }
        /* Whether its descriptor was readable or its time has come. */
        mqttrs_loop_run_once(loop, 0);
    }
    return MOSQ_ERR_SUCCESS;
}

int main(int argc, char **argv)
{
    struct mqttrs_loop *loop = mqttrs_loop_new();
    struct mosquitto **clients = calloc((size_t)argc, sizeof *clients);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int signals = open_signals();
    int rc = argc > 3 && clients != NULL ? MOSQ_ERR_SUCCESS : MOSQ_ERR_INVAL;

    mosquitto_lib_init();
    setvbuf(stdout, NULL, _IOLBF, 0); /* lines appear when they happen, in a pipe too */
    for (int i = 3; i < argc && rc == MOSQ_ERR_SUCCESS; i++) {
        clients[i] = mosquitto_new(NULL, true, argv[i]);
        rc = begin(loop, clients[i], argv, argv[i]);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = watch(epoll, signals) ? MOSQ_ERR_ERRNO : watch(epoll, mqttrs_loop_socket(loop));
    }
    rc = rc == MOSQ_ERR_SUCCESS ? run(loop, epoll, signals) : rc;
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "epoll_loop HOST PORT TOPIC...: %s\n", mosquitto_strerror(rc));
    }
    for (int i = 3; clients != NULL && i < argc; i++) {
        mosquitto_disconnect(clients[i]);
        mqttrs_loop_run_once(loop, 0); /* sends the DISCONNECT */
        mosquitto_destroy(clients[i]);
    }
    mqttrs_loop_destroy(loop);
    free(clients);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
