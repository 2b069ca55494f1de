/* What the programs about requests stand on: a client that answers requests, at once or when told
 * to, and one that makes them. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <stdatomic.h>

#include <mqttrs.h>

#include "check.h"

#define PATIENCE 120000
#define MOST 4000

static int broker_port;

/* Requests that are to be answered later, in the order in which they came. */
static struct held {
    struct mosquitto_message message;
    mosquitto_property *props;
} held[MOST];
static atomic_int held_count;
/* How many are to come before `all_held` opens. */
static atomic_int held_wanted;
static struct gate all_held = GATE_CLOSED;
static atomic_bool hold;
/* How many responses were given at once. */
static atomic_int answered_at_once;

static inline struct mosquitto *client(const char *id, int version)
{
    struct mosquitto *m = mosquitto_new(id, true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version));
    return m;
}

/* Waits until the server has done all that the client asked of it so far: it answers in order. */
static inline void settle(struct mosquitto *m)
{
    CHECK_INT(0, mosquitto_publish(m, NULL, "settle", 0, NULL, 1, false));
    CHECK_INT(0, mqttrs_drain(m, PATIENCE));
}

static inline void connect_and_start(struct mosquitto *m)
{
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", broker_port, 60));
    CHECK_INT(0, mosquitto_loop_start(m));
    settle(m);
}

/* The library's own subscriptions are nobody else's affair. */
static inline void never_subscribed(struct mosquitto *m, void *obj, int mid, int count,
    const int *granted)
{
    (void)m, (void)obj, (void)mid, (void)count, (void)granted;
    CHECK(!"a subscribe callback heard of it");
}

static inline void never_unsubscribed(struct mosquitto *m, void *obj, int mid)
{
    (void)m, (void)obj, (void)mid;
    CHECK(!"an unsubscribe callback heard of it");
}

static inline void never_arrived(struct mosquitto *m, void *obj,
    const struct mosquitto_message *message)
{
    (void)m, (void)obj;
    fprintf(stderr, "%s\n", message->topic);
    CHECK(!"a message callback got it");
}

static inline void never(struct mosquitto *m)
{
    mosquitto_subscribe_callback_set(m, never_subscribed);
    mosquitto_unsubscribe_callback_set(m, never_unsubscribed);
    mosquitto_message_callback_set(m, never_arrived);
}

/* Answers `x` with `re:x`. */
static inline int answer(struct mosquitto *m, const struct mosquitto_message *request,
    const mosquitto_property *props)
{
    char text[64];
    int len = snprintf(text, sizeof text, "re:%.*s", request->payloadlen,
        (const char *)request->payload);
    return mqttrs_respond(m, request, props, text, (size_t)len, request->qos, NULL);
}

static inline void on_request(struct mosquitto *m, void *userdata,
    const struct mosquitto_message *request, const mosquitto_property *props)
{
    CHECK(userdata == &held_count);
    if (!hold) {
        CHECK_INT(0, answer(m, request, props));
        answered_at_once++;
        return;
    }
    int place = held_count;
    CHECK(place < MOST);
    CHECK_INT(0, mosquitto_message_copy(&held[place].message, request));
    held[place].props = NULL;
    if (props != NULL) {
        CHECK_INT(0, mosquitto_property_copy_all(&held[place].props, props));
    }
    held_count = place + 1;
    if (place + 1 == held_wanted) {
        gate_open(&all_held);
    }
}

static inline void hold_requests(int wanted)
{
    gate_close(&all_held);
    held_count = 0;
    held_wanted = wanted;
    hold = true;
}

/* Answers what was held, in another order than that in which it came, `times` times each. */
static inline void release_requests(struct mosquitto *server, int times)
{
    int count = held_count;
    for (int i = count - 1; i > 0; i--) {
        int other = (int)((i * 7919LL + 13) % (i + 1));
        struct held swapped = held[i];
        held[i] = held[other];
        held[other] = swapped;
    }
    for (int i = 0; i < count; i++) {
        for (int n = 0; n < times; n++) {
            CHECK_INT(0, answer(server, &held[i].message, held[i].props));
        }
        mosquitto_message_free_contents(&held[i].message);
        mosquitto_property_free_all(&held[i].props);
    }
    held_count = 0;
    hold = false;
}

static inline struct mosquitto *serve(const char *id, int version, const char *topic)
{
    struct mosquitto *server = client(id, version);
    never(server);
    /* Before there is a connection, which the server keeps in mind. */
    CHECK_INT(0, mqttrs_serve(server, topic, 1, on_request, &held_count));
    connect_and_start(server);
    return server;
}

/* A request, and how often and with what its callback ran. */
struct asked {
    int number;
    int result;
    atomic_int calls;
};

static struct asked asked[MOST];
static atomic_int told;
static atomic_int told_wanted;
static struct gate all_told = GATE_CLOSED;

static inline void on_response(struct mosquitto *m, void *userdata, int result,
    const struct mosquitto_message *response, const mosquitto_property *props)
{
    struct asked *it = userdata;
    (void)m;
    CHECK((response != NULL) == (result == MOSQ_ERR_SUCCESS));
    CHECK(props == NULL || response != NULL);
    if (response != NULL) {
        char expected[64];
        int len = snprintf(expected, sizeof expected, "re:%d", it->number);
        CHECK_INT(len, response->payloadlen);
        CHECK(memcmp(expected, response->payload, (size_t)len) == 0);
    }
    it->result = result;
    CHECK_INT(0, it->calls++);
    if (++told == told_wanted) {
        gate_open(&all_told);
    }
}

static inline void expect_told(int wanted)
{
    gate_close(&all_told);
    told = 0;
    told_wanted = wanted;
}

/* Makes the request with this number, whose payload it is. */
static inline int ask(struct mosquitto *m, const char *topic, int number, int qos,
    unsigned int timeout)
{
    char text[16];
    struct mqttrs_message message = { .size = sizeof message, .topic = topic, .qos = qos };
    message.payload = text;
    message.payloadlen = (size_t)snprintf(text, sizeof text, "%d", number);
    asked[number] = (struct asked){ .number = number, .result = -1 };
    return mqttrs_request(m, &message, timeout, on_response, &asked[number]);
}

/* Each of `count` ended once, with `result`. */
static inline void check_results(int count, int result)
{
    for (int i = 0; i < count; i++) {
        CHECK_INT(1, asked[i].calls);
        CHECK_INT(result, asked[i].result);
    }
}

#endif
