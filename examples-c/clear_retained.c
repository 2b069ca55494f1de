/*
 * clear_retained [-t SECONDS] [-u USER -P PASSWORD] HOST PORT FILTER
 *
 * Clears the retained messages of all topics that FILTER matches, such as "old/#", names them and
 * says how many there were. A retained message is cleared by an empty one.
 *
 * Ends when none has come for SECONDS (2), as a broker does not say which is the last, or by SIGINT.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mqttrs.h>

struct cleaner {
    const char *filter;
    int failed;
    double latest; /* when there was the last sign of more */
    long answers[2]; /* cleared, refused */
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

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct cleaner *self = obj;

    self->failed = code ? MOSQ_ERR_CONN_REFUSED : mosquitto_subscribe(mosq, NULL, self->filter, 1);
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
    struct cleaner *self = obj;

    self->latest = now();
    self->failed = count < 1 || granted[0] > 2 ? MOSQ_ERR_ACL_DENIED : self->failed;
}

/* The flag marks what was retained before: our own empty messages come back without it. */
static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    struct cleaner *self = obj;

    if (message->retain) {
        self->latest = now();
        self->failed = mosquitto_publish(mosq, NULL, message->topic, 0, NULL, 1, true);
        printf("%s\n", message->topic);
    }
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid, int reason_code,
                       const mosquitto_property *props)
{
    ((struct cleaner *)obj)->answers[reason_code >= 128]++;
}

static int run(struct mosquitto *mosq, struct cleaner *self, char **argv, double patience)
{
    int rc = mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    mosquitto_publish_v5_callback_set(mosq, on_publish);
    self->latest = now() + 30; /* until it is subscribed */
    rc = rc == MOSQ_ERR_SUCCESS ? mosquitto_connect(mosq, argv[0], atoi(argv[1]), 60) : rc;
    while (rc == MOSQ_ERR_SUCCESS && !stopped && now() - self->latest < patience) {
        rc = mosquitto_loop(mosq, 100, 1);
        rc = self->failed ? self->failed : rc;
    }
    return rc == MOSQ_ERR_SUCCESS ? mqttrs_disconnect_timeout(mosq, 10000) : rc;
}

int main(int argc, char **argv)
{
    struct cleaner self = {0};
    struct sigaction action = {.sa_handler = on_signal};
    const char *user = NULL, *password = NULL;
    double patience = 2;
    struct mosquitto *mosq;
    int option, rc;

    while ((option = getopt(argc, argv, "t:u:P:")) != -1) {
        patience = option == 't' ? atof(optarg) : patience;
        user = option == 'u' ? optarg : user;
        password = option == 'P' ? optarg : password;
    }
    if (argc - optind != 3) {
        fprintf(stderr, "usage: clear_retained [-t SECONDS] [-u USER -P PASSWORD] HOST PORT FILTER\n");
        return 2;
    }
    self.filter = argv[optind + 2];
    sigaction(SIGINT, &action, NULL);
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &self);
    rc = mosquitto_username_pw_set(mosq, user, password); /* an error where mosq is NULL */
    rc = rc == MOSQ_ERR_SUCCESS ? run(mosq, &self, argv + optind, patience) : rc;
    printf("%ld cleared, %ld refused: %s\n", self.answers[0], self.answers[1],
           mosquitto_strerror(rc));
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || self.answers[1] > 0;
}
