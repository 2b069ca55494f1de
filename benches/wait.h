/* What wait_condvar.c and wait_token.c share: messages of QoS 1, each waited for, one after the other
 * or a group at a time. Both print what it took.
 *
 * Arguments: port, number of messages, size of a group. */
#ifndef BENCH_WAIT_H
#define BENCH_WAIT_H

#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { PAYLOAD = 64, LARGEST_GROUP = 1000 };

static inline void must(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", what, mosquitto_strerror(rc));
        exit(1);
    }
}

static inline double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static inline double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec
        + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Publishes so many messages and waits until the broker has acknowledged all. */
static void publish_and_wait(struct mosquitto *mosq, int count);

static inline int measure(struct mosquitto *mosq, char **argv)
{
    int total = atoi(argv[2]), group = atoi(argv[3]);
    if (group < 1 || group > LARGEST_GROUP) {
        return 2;
    }
    must(mosquitto_connect(mosq, "127.0.0.1", atoi(argv[1]), 60), "connect");
    must(mosquitto_loop_start(mosq), "loop_start");
    publish_and_wait(mosq, group); /* the connection stands */
    double begun = seconds(), cpu = cpu_seconds();
    for (int done = 0; done < total; done += group) {
        publish_and_wait(mosq, group);
    }
    printf("n=%d wall=%.9f cpu=%.9f\n", total, seconds() - begun, cpu_seconds() - cpu);
    must(mosquitto_disconnect(mosq), "disconnect");
    must(mosquitto_loop_stop(mosq, false), "loop_stop");
    mosquitto_destroy(mosq);
    return 0;
}

#endif
