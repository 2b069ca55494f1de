/* Publishes numbered messages, QoS 1 and 2 by turns, and says of each that it was accepted and
 * what became of it, while the test breaks the network, the broker, or this process.
 *
 * chaos_publisher PORT VERSION FOLDER DURABILITY RUN WINDOW PAUSE: at most WINDOW messages of this
 * process are without an outcome at a time, with PAUSE microseconds between two messages.
 *
 *   + QOS RUN:NUMBER                     accepted
 *   = QOS RUN:NUMBER OUTCOME REASON      its outcome; without a number, that of an earlier process
 *
 * The command "stop" ends publishing: then everything has to get its outcome, and two last
 * messages, "end", tell the subscriber that there are no more. */
#include "chaos_client.h"

#include <stdatomic.h>

enum { LARGEST = 8000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* By packet identifier: the number of the message plus 1, and its QoS. */
static long numbers[65536];
static int qos_of[65536];
static int open_messages;
static atomic_bool stopping;
static const char *run;
static bool has_store;

static void on_outcome(struct mosquitto *m, void *obj, int mid, int outcome, int reason, const mosquitto_property *props)
{
    (void)m, (void)obj, (void)props;
    CHECK(mid > 0 && mid < 65536);
    /* Publishing holds the mutex until it has noted the packet identifier. */
    pthread_mutex_lock(&mutex);
    if (numbers[mid] != 0) {
        say("= %d %s:%ld %d %d", qos_of[mid], run, numbers[mid] - 1, outcome, reason);
        numbers[mid] = 0;
        open_messages--;
        pthread_cond_signal(&changed);
    } else if (has_store) {
        say("= 0 earlier %d %d", outcome, reason);
    } else {
        say("! an outcome of no message, %d", mid);
    }
    pthread_mutex_unlock(&mutex);
}

static void publish(struct mosquitto *m, int qos, long number, const char *payload, int len)
{
    int mid = 0;
    pthread_mutex_lock(&mutex);
    int rc = mosquitto_publish(m, &mid, qos == 1 ? "chaos/1" : "chaos/2", len, payload, qos, false);
    if (rc == MOSQ_ERR_SUCCESS) {
        CHECK_INT(0, numbers[mid]);
        numbers[mid] = number + 1;
        qos_of[mid] = qos;
        open_messages++;
        say("+ %d %s:%ld", qos, run, number);
    } else {
        say("refused %d", rc);
    }
    pthread_mutex_unlock(&mutex);
}

static void *obey(void *unused)
{
    (void)unused;
    char command[100];
    while (next_command(command, sizeof command)) {
        if (strcmp(command, "stop") == 0) {
            pthread_mutex_lock(&mutex);
            stopping = true;
            pthread_cond_signal(&changed);
            pthread_mutex_unlock(&mutex);
        } else {
            CHECK(fault_of_our_own(command));
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK_INT(8, argc);
    watched = "chaos_publisher";
    struct settings settings = { port_of(argv[1]), atoi(argv[2]), argv[3], atoi(argv[4]) };
    run = argv[5];
    has_store = strcmp(settings.folder, "-") != 0;
    int window = atoi(argv[6]);
    useconds_t pause_us = (useconds_t)atoi(argv[7]);
    struct mosquitto *m = chaos_client("chaos-publisher", &settings);
    CHECK_INT(0, mqttrs_outcome_callback_set(m, on_outcome));
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, obey, NULL));
    chaos_connect(m, &settings);
    static char payload[LARGEST + 100];
    for (long number = 0;; number++) {
        pthread_mutex_lock(&mutex);
        while (open_messages >= window && !stopping) {
            pthread_cond_wait(&changed, &mutex);
        }
        pthread_mutex_unlock(&mutex);
        if (stopping) {
            break;
        }
        /* Sizes of all kinds, some larger than a buffer of the proxy. */
        unsigned int any = (unsigned int)number * 2654435761u >> 7;
        int padding = (int)(any % (number % 16 == 0 ? LARGEST : 200));
        int qos = 1 + number % 2;
        publish(m, qos, number, payload, payload_of(payload, qos, run, number, padding));
        if (pause_us > 0) {
            usleep(pause_us);
        }
    }
    /* The faults are over. */
    say("draining");
    CHECK_INT(0, mqttrs_drain(m, 120000));
    CHECK_INT(0, open_messages);
    /* The outcomes of these two are not counted. */
    CHECK_INT(0, mqttrs_outcome_callback_set(m, NULL));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(0, mosquitto_publish(m, NULL, "chaos/2", 3, "end", 2, false));
        CHECK_INT(0, mqttrs_drain(m, 120000));
    }
    say_clock_reads();
    say("drained");
    chaos_end(m);
    return 0;
}
