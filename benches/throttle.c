/* How exactly limits of speed are kept, and how often a thread wakes up for one that nobody waits for.
 *
 * Arguments: port of a Mosquitto, `sent`, `topic`, `received` or `idle`, `messages` or `bytes`,
 * how many a second, the burst, and for how many seconds. Prints how many came in that time, from
 * the first one on; for `idle` how often the loop thread went to sleep. */
#define _GNU_SOURCE
#include <mqttrs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 64 };

static atomic_int connected;
static atomic_long count, loop_thread;
static double begun, span;
static char topic[64];

static void must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", what, mosquitto_strerror(rc));
        exit(1);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void on_connect(struct mosquitto *mosq, void *obj, int rc)
{
    (void)mosq, (void)obj;
    must(rc, "on_connect");
    loop_thread = gettid();
    connected++;
}

static void one_more(void)
{
    double now = seconds();
    if (begun == 0.0) {
        begun = now;
    }
    count += now - begun <= span;
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
    (void)mosq, (void)obj, (void)mid;
    one_more();
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int qos_count, const int *granted)
{
    (void)mosq, (void)obj, (void)mid, (void)qos_count, (void)granted;
    connected++;
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
    (void)mosq, (void)obj, (void)message;
    one_more();
}

static struct mosquitto *start(int port, int expected)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);
    mosquitto_max_inflight_messages_set(mosq, 0);
    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    must(mosquitto_connect(mosq, "127.0.0.1", port, 60), "connect");
    must(mosquitto_loop_start(mosq), "loop_start");
    while (connected < expected) {
        usleep(1000);
    }
    return mosq;
}

static long sleeps(long thread)
{
    char path[64], line[256];
    long found = -1;
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", thread);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "voluntary_ctxt_switches: %ld", &found);
    }
    if (file) {
        fclose(file);
    }
    return found;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        return 2;
    }
    mosquitto_lib_init();
    int port = atoi(argv[1]);
    const char *way = argv[2];
    double rate = atof(argv[4]);
    int burst = atoi(argv[5]);
    span = atof(argv[6]);
    snprintf(topic, sizeof topic, "throttle/%05d", (int)getpid() % 100000);
    struct mqttrs_throttle limit = { .size = sizeof limit };
    if (strcmp(argv[3], "messages") == 0) {
        limit.messages_per_second = rate;
        limit.burst_messages = burst;
    } else {
        limit.bytes_per_second = rate;
        limit.burst_bytes = burst;
        rate /= PAYLOAD;
    }
    struct mosquitto *mosq = start(port, 1);
    if (strcmp(way, "idle") == 0) {
        must(mqttrs_throttle_set(mosq, NULL, &limit), "throttle_set");
        must(mqttrs_throttle_set(mosq, "#", &limit), "throttle_set");
        must(mqttrs_receive_throttle_set(mosq, &limit), "receive_throttle_set");
        usleep(500000);
        long before = sleeps(loop_thread);
        usleep((useconds_t)(span * 1e6));
        printf("%ld\n", sleeps(loop_thread) - before);
        mosquitto_destroy(mosq);
        return 0;
    }
    struct mosquitto *sender = mosq;
    if (strcmp(way, "received") == 0) {
        mosquitto_message_callback_set(mosq, on_message);
        must(mqttrs_receive_throttle_set(mosq, &limit), "receive_throttle_set");
        must(mosquitto_subscribe(mosq, NULL, topic, 1), "subscribe");
        while (connected < 2) {
            usleep(1000);
        }
        sender = start(port, 3);
    } else {
        mosquitto_publish_callback_set(mosq, on_publish);
        must(mqttrs_throttle_set(mosq, strcmp(way, "topic") ? NULL : topic, &limit), "throttle_set");
    }
    static const char payload[PAYLOAD];
    long enough = (long)(rate * span * 1.3) + burst + 10;
    for (long i = 0; i < enough; i++) {
        must(mosquitto_publish(sender, NULL, topic, PAYLOAD, payload, 1, false), "publish");
    }
    usleep((useconds_t)((span + 1.0) * 1e6));
    printf("%ld\n", (long)count);
    fflush(stdout);
    _exit(0);
}
