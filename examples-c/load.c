/*
 * load [-r RATE] [-c CLIENTS] [-n COUNT] [-q QOS] HOST PORT TOPIC
 *
 * A load generator: CLIENTS (1) publish COUNT (1000) messages in turn, each RATE (100) a second,
 * until all have arrived or SIGINT. Says how fast that was. The limits of speed are the library's:
 * this thread publishes, and waits where many messages do. The clients share a loop in another one.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mqttrs.h>

struct load {
    int clients, qos;
    long count, arrived, lost; /* the last two belong to the loop's thread while it runs */
    double rate;
    struct mosquitto **mosq;
};

static volatile sig_atomic_t stopped;
static void on_signal(int number)
{
    stopped = 1;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void on_outcome(struct mosquitto *mosq, void *obj, int mid, int outcome, int reason_code,
                       const mosquitto_property *props)
{
    struct load *self = obj;
    bool arrived = outcome <= MQTTRS_OUTCOME_ACKNOWLEDGED && reason_code < 128;

    self->arrived += arrived;
    self->lost += !arrived && outcome != MQTTRS_OUTCOME_CLEARED; /* which is what SIGINT leaves */
}

static int begin(struct load *self, struct mosquitto *mosq, struct mqttrs_loop *loop, char **argv)
{
    struct mqttrs_throttle throttle = {.size = sizeof throttle, .messages_per_second = self->rate};
    struct mqttrs_queue_options queue = {.size = sizeof queue, .max_messages = 100, .queue_qos0 = true,
                                         .overflow = MQTTRS_OVERFLOW_WAIT, .wait_ms = 100};
    int rc = mqttrs_throttle_set(mosq, NULL, &throttle);

    mqttrs_outcome_callback_set(mosq, on_outcome);
    rc = rc ? rc : mqttrs_queue_set(mosq, &queue);
    rc = rc ? rc : mosquitto_connect(mosq, argv[0], atoi(argv[1]), 60);
    return rc ? rc : mqttrs_loop_add(loop, mosq);
}

static int publish(struct load *self, const char *topic)
{
    static const char payload[100];
    int rc = MOSQ_ERR_SUCCESS;

    for (long n = 0; rc == MOSQ_ERR_SUCCESS && n < self->count && !stopped; n++) {
        do { /* where there is no room this waits for some, each time for wait_ms */
            rc = mosquitto_publish(self->mosq[n % self->clients], NULL, topic, sizeof payload,
                                   payload, self->qos, false);
        } while (rc == MOSQ_ERR_QUOTA_EXCEEDED && !stopped);
    }
    for (int i = 0; rc == MOSQ_ERR_SUCCESS && i < self->clients; i++) {
        do {
            rc = mqttrs_drain(self->mosq[i], 100);
        } while (rc == MOSQ_ERR_TIMEOUT && !stopped);
    }
    return stopped ? MOSQ_ERR_SUCCESS : rc;
}

int main(int argc, char **argv)
{
    struct load self = {.clients = 1, .qos = 1, .count = 1000, .rate = 100};
    struct mqttrs_loop *loop = mqttrs_loop_new();
    double seconds;
    int option, rc = MOSQ_ERR_SUCCESS;

    while ((option = getopt(argc, argv, "r:c:n:q:")) != -1) {
        self.rate = option == 'r' ? atof(optarg) : self.rate;
        self.clients = option == 'c' ? atoi(optarg) : self.clients;
        self.count = option == 'n' ? atol(optarg) : self.count;
        self.qos = option == 'q' ? atoi(optarg) : self.qos;
    }
    self.mosq = calloc(self.clients > 0 ? (size_t)self.clients : 1, sizeof *self.mosq);
    if (argc - optind != 3 || self.clients < 1 || self.mosq == NULL) {
        fprintf(stderr, "usage: load [-r RATE] [-c CLIENTS] [-n COUNT] [-q QOS] HOST PORT TOPIC\n");
        return 2;
    }
    signal(SIGINT, on_signal);
    mosquitto_lib_init();
    for (int i = 0; rc == MOSQ_ERR_SUCCESS && i < self.clients; i++) {
        self.mosq[i] = mosquitto_new(NULL, true, &self);
        rc = begin(&self, self.mosq[i], loop, argv + optind);
    }
    rc = rc ? rc : mqttrs_loop_start(loop);
    seconds = -now();
    rc = rc ? rc : publish(&self, argv[optind + 2]);
    seconds += now();
    for (int i = 0; i < self.clients; i++) {
        mqttrs_queue_clear(self.mosq[i]); /* after SIGINT; otherwise there is nothing */
        mqttrs_disconnect_timeout(self.mosq[i], 1000);
        mosquitto_destroy(self.mosq[i]);
    }
    mqttrs_loop_destroy(loop); /* and its thread: the counts are ours from here on */
    free(self.mosq);
    printf("%ld messages in %.2f s, %.1f a second, %ld lost: %s\n", self.arrived, seconds,
           (double)self.arrived / seconds, self.lost, mosquitto_strerror(rc));
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || self.lost > 0;
}
