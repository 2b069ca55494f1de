/*
 * uv_loop HOST PORT TOPIC [MILLISECONDS]
 *
 * Publishes a count to TOPIC every MILLISECONDS (1000) and prints what arrives there, until
 * SIGINT.
 *
 * A client in a program on libuv: a uv_poll_t for the library's descriptor, a uv_timer_t for its
 * deadline, and everything in the thread of uv_run. Many clients would need no more.
 */
#define _GNU_SOURCE /* uv.h needs it with -std=c99 */
#include <stdio.h>
#include <stdlib.h>

#include <mqttrs.h>
#include <uv.h>

struct program {
    const char *topic;
    struct mqttrs_loop *clients;
    struct mosquitto *mosq;
    uv_poll_t readable; /* one of the clients has something to do */
    uv_timer_t deadline, tick;
    uv_signal_t interrupt;
    long count;
};

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct program *self = obj;

    if (code != 0 || mosquitto_subscribe(mosq, NULL, self->topic, 1) != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "uv_loop: cannot subscribe to %s\n", self->topic);
    }
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    printf("%s %.*s\n", message->topic, message->payloadlen,
           message->payload ? (const char *)message->payload : "");
}

/* Lets the clients do what there is, and asks when to come back at the latest. */
static void on_deadline(uv_timer_t *timer)
{
    struct program *self = timer->data;
    int timeout;

    mqttrs_loop_run_once(self->clients, 0);
    timeout = mqttrs_loop_timeout(self->clients);
    uv_timer_stop(&self->deadline);
    if (timeout >= 0) {
        uv_timer_start(&self->deadline, on_deadline, (uint64_t)timeout, 0);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    on_deadline(&((struct program *)poll->data)->deadline);
}

/* Whatever is called from outside, here publishing, makes the descriptor readable. */
static void on_tick(uv_timer_t *timer)
{
    struct program *self = timer->data;
    char text[32];
    int length = snprintf(text, sizeof text, "%ld", ++self->count);

    mosquitto_publish(self->mosq, NULL, self->topic, length, text, 1, false);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    struct program *self = signal->data;

    mosquitto_disconnect(self->mosq);
    mqttrs_loop_run_once(self->clients, 0); /* sends the DISCONNECT */
    uv_close((uv_handle_t *)&self->readable, NULL); /* uv_run returns when no handle is left */
    uv_close((uv_handle_t *)&self->deadline, NULL);
    uv_close((uv_handle_t *)&self->tick, NULL);
    uv_close((uv_handle_t *)&self->interrupt, NULL);
}

static int run(struct program *self, uv_loop_t *loop, char **argv, uint64_t period)
{
    self->readable.data = self->deadline.data = self->tick.data = self->interrupt.data = self;
    uv_poll_init(loop, &self->readable, mqttrs_loop_socket(self->clients));
    uv_timer_init(loop, &self->deadline);
    uv_timer_init(loop, &self->tick);
    uv_signal_init(loop, &self->interrupt);
    uv_poll_start(&self->readable, UV_READABLE, on_readable);
    uv_timer_start(&self->tick, on_tick, period, period);
    uv_signal_start(&self->interrupt, on_interrupt, SIGINT);

    mosquitto_connect_callback_set(self->mosq, on_connect);
    mosquitto_message_callback_set(self->mosq, on_message);
    return mqttrs_loop_add(self->clients, self->mosq)
        || mosquitto_connect_async(self->mosq, argv[1], atoi(argv[2]), 60)
        || uv_run(loop, UV_RUN_DEFAULT) < 0;
}

int main(int argc, char **argv)
{
    struct program self = {.topic = argc > 3 ? argv[3] : NULL, .clients = mqttrs_loop_new()};
    int failed = 1;

    setvbuf(stdout, NULL, _IOLBF, 0); /* lines appear when they happen, in a pipe too */
    mosquitto_lib_init();
    self.mosq = mosquitto_new(NULL, true, &self);
    if (argc > 3) {
        failed = run(&self, uv_default_loop(), argv, argc > 4 ? strtoull(argv[4], NULL, 10) : 1000);
    }
    if (failed) {
        fprintf(stderr, "uv_loop HOST PORT TOPIC [MILLISECONDS]: cannot run\n");
    }
    mosquitto_destroy(self.mosq);
    mqttrs_loop_destroy(self.clients);
    mosquitto_lib_cleanup();
    return failed;
}
