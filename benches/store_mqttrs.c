/* store_mqttrs PORT COUNT FOLDER DURABILITY: as store_paho.c, with our store. With durability 0 it
 * survives the end of the process, as Paho C's does, and is not synchronised either. */
#include <mosquitto.h>
#include <mqttrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int done;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void published(struct mosquitto *mosq, void *obj, int mid)
{
    (void)mosq;
    (void)obj;
    (void)mid;
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }
    int count = atoi(argv[2]);
    struct mosquitto *mosq = mosquitto_new("mqttrs", false, NULL);
    struct mqttrs_store_options options = { .size = sizeof options };
    options.durability = atoi(argv[4]);
    if (mqttrs_store_open(mosq, argv[3], &options) != 0) {
        return 1;
    }
    mosquitto_publish_callback_set(mosq, published);
    if (mosquitto_connect(mosq, "127.0.0.1", atoi(argv[1]), 60) != 0) {
        return 1;
    }
    mosquitto_loop_start(mosq);
    char payload[100];
    memset(payload, 'x', sizeof payload);
    const struct timespec moment = { 0, 20000 };
    double begun = now();
    for (int i = 0; i < count; i++) {
        if (mosquitto_publish(mosq, NULL, "bench", sizeof payload, payload, 1, false) != 0) {
            return 1;
        }
        while (i - __atomic_load_n(&done, __ATOMIC_SEQ_CST) > 1000) {
            nanosleep(&moment, NULL); /* a backlog is not what is measured */
        }
    }
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < count) {
        nanosleep(&moment, NULL);
    }
    printf("%f\n", now() - begun);
    mosquitto_disconnect(mosq);
    mosquitto_loop_stop(mosq, false);
    mosquitto_destroy(mosq);
    return 0;
}
