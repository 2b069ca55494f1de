/*
 * What the examples of the reference have in common: they end, with words, where something goes
 * wrong, and they wait for what has to happen.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mqttrs.h>

/* Ends the program unless a call returns MOSQ_ERR_SUCCESS. */
#define must(call) must_succeed((call), #call)

/* Ends the program unless something holds. */
#define expect(condition) \
    ((condition) \
         ? (void)0 \
         : (fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition), exit(1)))

static inline void must_succeed(int rc, const char *call)
{
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "%s: %s\n", call,
                rc == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(rc));
        exit(1);
    }
}

/* Runs the client's loop in this thread until `*done`. */
static inline void run_until(struct mosquitto *mosq, const bool *done)
{
    while (!*done)
        must(mosquitto_loop(mosq, 1000, 1));
}

static inline void note_connack(struct mosquitto *mosq, void *connected, int code)
{
    expect(code == 0);
    *(bool *)connected = true;
}

/* A client of this version that the server on this port has accepted. */
static inline struct mosquitto *connected_client(int port, int version)
{
    bool connected = false;
    struct mosquitto *mosq = mosquitto_new(NULL, true, &connected);

    expect(mosq != NULL);
    must(mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, version));
    mosquitto_connect_callback_set(mosq, note_connack);
    must(mosquitto_connect(mosq, "127.0.0.1", port, 60));
    run_until(mosq, &connected);
    mosquitto_connect_callback_set(mosq, NULL);
    mosquitto_user_data_set(mosq, mosq);
    return mosq;
}

#endif
