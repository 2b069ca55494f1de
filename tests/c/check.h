/* What every program of this folder stands on: a check that says where it failed, and a
 * watchdog. Checks hold in every thread: the first that fails ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

/* What the program is about, in case it fails or hangs. */
static const char *watched = "";

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,  \
                watched);                                                         \
            _exit(1);                                                             \
        }                                                                         \
    } while (0)

/* Compares numbers and prints both. */
#define CHECK_INT(expected, got)                                                  \
    do {                                                                          \
        long long expected_ = (expected), got_ = (got);                           \
        if (expected_ != got_) {                                                  \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld (%s)\n", __FILE__,       \
                __LINE__, #got, got_, expected_, watched);                        \
            _exit(1);                                                             \
        }                                                                         \
    } while (0)

/* ThreadSanitizer has a thread of its own. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OTHER_THREADS 1
#endif
#endif
#ifndef OTHER_THREADS
#define OTHER_THREADS 0
#endif

/* Waits until the threads have ended that nobody could join: those that were stopped in a
 * callback of their own. */
static inline void wait_for_threads_to_end(void)
{
    for (;;) {
        int threads = 0;
        DIR *tasks = opendir("/proc/self/task");
        CHECK(tasks != NULL);
        for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
            threads += entry->d_name[0] != '.';
        }
        closedir(tasks);
        if (threads <= 1 + OTHER_THREADS) {
            return;
        }
        sched_yield();
    }
}

/* The library gives the first few clients of a process that run a loop an epoll each, and all
 * further ones a common one. These take the place of the first few, where the environment has
 * IDLE_CLIENTS, which is how many. They do nothing. */
static struct mosquitto *idle_clients[64];

static inline void idle_clients_begin(void)
{
    const char *count = getenv("IDLE_CLIENTS");
    for (int i = 0; count != NULL && i < atoi(count); i++) {
        idle_clients[i] = mosquitto_new(NULL, true, NULL);
        CHECK(idle_clients[i] != NULL);
        CHECK(mosquitto_loop(idle_clients[i], 0, 1) == MOSQ_ERR_NO_CONN);
    }
}

static inline void idle_clients_end(void)
{
    for (int i = 0; i < 64; i++) {
        mosquitto_destroy(idle_clients[i]);
        idle_clients[i] = NULL;
    }
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static inline void watchdog_barks(int signal)
{
    static const char text[] = "the watchdog ended a program that hung: ";
    (void)signal;
    if (write(2, text, sizeof(text) - 1) < 0 || write(2, watched, strlen(watched)) < 0
        || write(2, "\n", 1) < 0) {
        _exit(3);
    }
    _exit(2);
}

/* Ends the program with an error in so many seconds, unless called again. */
static inline void watchdog(unsigned int seconds)
{
    signal(SIGALRM, watchdog_barks);
    alarm(seconds);
}

static inline int port_of(const char *argument)
{
    int port = atoi(argument);
    CHECK(port > 0 && port < 65536);
    return port;
}

/* Something that one thread waits for and another brings about. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
};

#define GATE_CLOSED { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false }

static inline void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = true;
    pthread_cond_broadcast(&gate->opened);
    pthread_mutex_unlock(&gate->mutex);
}

static inline void gate_close(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->open = false;
    pthread_mutex_unlock(&gate->mutex);
}

static inline bool gate_is_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    bool open = gate->open;
    pthread_mutex_unlock(&gate->mutex);
    return open;
}

static inline void gate_wait(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    while (!gate->open) {
        pthread_cond_wait(&gate->opened, &gate->mutex);
    }
    pthread_mutex_unlock(&gate->mutex);
}

#endif
