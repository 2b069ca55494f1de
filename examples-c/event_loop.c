/*
 * event_loop HOST PORT TOPIC
 *
 * Publishes each line of standard input to TOPIC and prints what arrives there, its own included.
 * Ends when its input has ended (SIGINT too) and its lines have come back.
 * A client in a program that has an event loop already, here poll(): the library starts no thread
 * and never waits; the program tells it when the socket is ready.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mosquitto.h>

struct chat {
    const char *topic;
    int subscribed, input_ended, failed; /* the last is an error code */
    long published, received;
    size_t length; /* of what was read and not published, as its line has no end yet */
    char input[4096];
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = 1;
}

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct chat *self = obj;

    self->failed = code ? MOSQ_ERR_CONN_REFUSED : mosquitto_subscribe(mosq, NULL, self->topic, 1);
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
    struct chat *self = obj;

    self->subscribed = count > 0 && granted[0] <= 2;
    self->failed = self->subscribed ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    ((struct chat *)obj)->received++;
    printf("%s %.*s\n", message->topic, message->payloadlen,
           message->payload ? (const char *)message->payload : "");
}

/* Reads what is there, without waiting for more, and publishes the lines that are complete. */
static void read_input(struct mosquitto *mosq, struct chat *self)
{
    char *line = self->input, *end;
    ssize_t count = read(STDIN_FILENO, line + self->length, sizeof self->input - self->length);

    self->input_ended = count <= 0; /* 0 without room: a line longer than the buffer is an end too */
    self->length += count > 0 ? (size_t)count : 0;
    while (self->failed == MOSQ_ERR_SUCCESS && (end = memchr(line, '\n', self->length)) != NULL) {
        self->failed = mosquitto_publish(mosq, NULL, self->topic, (int)(end - line), line, 1, false);
        self->published++;
        self->length -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    memmove(self->input, line, self->length);
}

/* One turn of the loop. The socket is asked for each time: a new connection has a new one. */
static int turn(struct mosquitto *mosq, struct chat *self)
{
    struct pollfd fds[2] = {
        {mosquitto_socket(mosq), mosquitto_want_write(mosq) ? POLLIN | POLLOUT : POLLIN, 0},
        {self->subscribed && !self->input_ended ? STDIN_FILENO : -1, POLLIN, 0},
    };
    int rc = MOSQ_ERR_SUCCESS;

    if (poll(fds, 2, 1000) > 0 && fds[0].revents & ~POLLOUT) { /* POLLHUP: reading tells why */
        rc = mosquitto_loop_read(mosq, 1);
    }
    if (rc == MOSQ_ERR_SUCCESS && fds[0].revents & POLLOUT) {
        rc = mosquitto_loop_write(mosq, 1);
    }
    if (fds[1].revents) {
        read_input(mosq, self);
    }
    self->input_ended |= interrupted;
    rc = rc == MOSQ_ERR_SUCCESS ? mosquitto_loop_misc(mosq) : rc; /* keep alive: each second */
    return rc == MOSQ_ERR_SUCCESS ? self->failed : rc;
}

int main(int argc, char **argv)
{
    struct chat self = {.topic = argc == 4 ? argv[3] : NULL};
    struct mosquitto *mosq = NULL;
    int rc = MOSQ_ERR_INVAL;

    signal(SIGINT, on_signal);
    mosquitto_lib_init();
    if (argc == 4 && (mosq = mosquitto_new(NULL, true, &self)) != NULL) {
        mosquitto_connect_callback_set(mosq, on_connect);
        mosquitto_subscribe_callback_set(mosq, on_subscribe);
        mosquitto_message_callback_set(mosq, on_message);
        rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    }
    while (rc == MOSQ_ERR_SUCCESS && (!self.input_ended || self.received < self.published)) {
        rc = turn(mosq, &self); /* a program that has to go on calls mosquitto_reconnect */
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "event_loop HOST PORT TOPIC: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_disconnect(mosq);
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
