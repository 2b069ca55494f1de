/* The parts of client.c. Each mode is a function that measures and prints. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "measure.h"
#include <mosquitto.h>
#include <semaphore.h>
#include <stdbool.h>

/* Ends the program with a word why, unless RC is MOSQ_ERR_SUCCESS. */
void must(int rc, const char *what);

/* A new client, set up as the options say, with this object for the callbacks. */
struct mosquitto *make_client(const struct options *o, const char *id, void *object);
/* Connects, starts the loop thread, and waits until the server has accepted. The object
 * of the client begins with a semaphore, posted then. */
void start_client(const struct options *o, struct mosquitto *mosq);
/* Disconnects, stops the loop thread and destroys the client. */
void stop_client(struct mosquitto *mosq);

/* Waits for the semaphore, at most so many seconds. */
extern int patience;
void wait_for(sem_t *semaphore);

void bench_publish(const struct options *o);
void bench_receive(const struct options *o);
void bench_queue(const struct options *o);
void bench_pingpong(const struct options *o);
void bench_connects(const struct options *o);
void bench_once(const struct options *o);
void bench_many(const struct options *o);
void bench_idle(const struct options *o);
void bench_shared(const struct options *o);
void bench_filters(const struct options *o);
void bench_fair(const struct options *o);

#endif
