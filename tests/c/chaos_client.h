/* What the publisher and the subscriber of the fault tests have in common: how they are started,
 * connect, and talk to the test. What they say are lines on stdout, one write each, so that
 * a line is there as a whole or, when the process is killed, not at all. */
#ifndef CHAOS_CLIENT_H
#define CHAOS_CLIENT_H

#include "check.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <time.h>

#include <mqttrs.h>

/* PORT VERSION FOLDER DURABILITY: 3 or 5 for MQTT 3.1.1 or 5.0; the folder of the store or "-". */
struct settings {
    int port;
    int version;
    const char *folder;
    int durability;
};

/* One line. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    CHECK(len >= 0 && len < (int)sizeof line - 1);
    line[len] = '\n';
    CHECK_INT(len + 1, write(1, line, (size_t)len + 1));
}

static void on_connect(struct mosquitto *m, void *obj, int rc, int flags, const mosquitto_property *props)
{
    (void)m, (void)obj, (void)props;
    if (rc == 0) {
        say("up %d", flags & 1);
    }
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m, (void)obj;
    say("down %d", rc);
}

/* A failed attempt; the end of a connection comes here too, as attempt 0. */
static void on_lifecycle(struct mosquitto *m, void *obj, const struct mqttrs_lifecycle_event *event)
{
    (void)m, (void)obj;
    if (event->state == MQTTRS_LIFECYCLE_WAITING) {
        say("waiting %d %d", event->attempt, event->cause);
    } else if (event->state == MQTTRS_LIFECYCLE_GIVEN_UP) {
        say("! given up: %s", event->error == NULL ? "" : event->error);
    }
}

/* Packets and what they say, in a file in the folder that MQTTRS_CHAOS_LOG names, for whoever
 * looks into a failure. */
static void on_log(struct mosquitto *m, void *obj, int level, const char *text)
{
    (void)m, (void)level;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    fprintf(obj, "%ld.%06ld %s\n", (long)now.tv_sec, now.tv_nsec / 1000, text);
}

static inline struct mosquitto *chaos_client(const char *id, const struct settings *settings)
{
    mosquitto_lib_init();
    FILE *log = NULL;
    if (getenv("MQTTRS_CHAOS_LOG") != NULL) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s-%d.log", getenv("MQTTRS_CHAOS_LOG"), id, (int)getpid());
        log = fopen(path, "w");
        CHECK(log != NULL);
        setlinebuf(log);
    }
    struct mosquitto *m = mosquitto_new(id, false, log);
    CHECK(m != NULL);
    if (log != NULL) {
        mosquitto_log_callback_set(m, on_log);
    }
    int version = settings->version == 5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311;
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version));
    mosquitto_connect_v5_callback_set(m, on_connect);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    CHECK_INT(0, mqttrs_lifecycle_callback_set(m, on_lifecycle));
    struct mqttrs_reconnect_options again = { .size = sizeof again };
    again.delay_min = 1;
    again.delay_max = 50;
    again.doubling = true;
    again.jitter = true;
    CHECK_INT(0, mqttrs_reconnect_set(m, &again));
    if (strcmp(settings->folder, "-") != 0) {
        struct mqttrs_store_options options = { .size = sizeof options };
        options.durability = settings->durability;
        if (mqttrs_store_open(m, settings->folder, &options) != 0) {
            char why[200] = "";
            mqttrs_last_error(m, why, sizeof why);
            say("! %s", why);
            exit(1);
        }
    }
    return m;
}

/* With the shortest keep alive there is, and a session that never expires. The first attempts
 * may fail: the network may be broken from the beginning. */
static inline void chaos_connect(struct mosquitto *m, const struct settings *settings)
{
    mosquitto_property *props = NULL;
    if (settings->version == 5) {
        CHECK_INT(0, mosquitto_property_add_int32(&props, MQTT_PROP_SESSION_EXPIRY_INTERVAL, UINT32_MAX));
    }
    int rc;
    while ((rc = mosquitto_connect_bind_v5(m, "127.0.0.1", settings->port, 5, NULL, props)) != 0) {
        say("waiting 1 %d", rc);
        usleep(1000);
    }
    mosquitto_property_free_all(&props);
    CHECK_INT(0, mosquitto_loop_start(m));
}

/* The last faults may have ended the connection just now. */
static inline void chaos_end(struct mosquitto *m)
{
    int rc = mosquitto_disconnect(m);
    CHECK(rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_NO_CONN);
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    mosquitto_destroy(m);
    mosquitto_lib_cleanup();
}

/* Payloads tell their number and their length, and every further byte follows from both. */
static inline char payload_byte(long number, int place)
{
    return (char)('a' + (unsigned long)(number * 7 + place * 31 + place / 26) % 26);
}

static inline int payload_of(char *payload, int qos, const char *run, long number, int padding)
{
    int head = sprintf(payload, "%d %s:%ld %d ", qos, run, number, padding);
    for (int i = 0; i < padding; i++) {
        payload[head + i] = payload_byte(number, i);
    }
    return head + padding;
}

/* What the test asks for besides publishing and counting. */
static inline bool fault_of_our_own(const char *command)
{
    static struct rlimit before;
    if (strcmp(command, "exhaust") == 0) {
        /* Descriptors that are open stay so; no further one can be had. */
        CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &before));
        struct rlimit none = { .rlim_cur = 3, .rlim_max = before.rlim_max };
        CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &none));
        CHECK(dup(1) == -1 && errno == EMFILE);
        say("exhausted");
    } else if (strcmp(command, "release") == 0) {
        CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &before));
        say("released");
    } else if (strncmp(command, "jump ", 5) == 0) {
        /* chaos_clock.c, which is loaded before the C library. */
        void (*jump)(long) = (void (*)(long))dlsym(RTLD_DEFAULT, "chaos_clock_jump");
        CHECK(jump != NULL);
        long seconds = atol(command + 5);
        time_t was = time(NULL);
        jump(seconds);
        long change = (long)(time(NULL) - was);
        CHECK(labs(change - seconds) <= 60);
        say("jumped");
    } else {
        return false;
    }
    return true;
}

/* How often the library has read the time of day, where chaos_clock.c counts it. */
static inline void say_clock_reads(void)
{
    long (*reads)(void) = (long (*)(void))dlsym(RTLD_DEFAULT, "chaos_clock_reads");
    if (reads != NULL) {
        say("clock %ld", reads());
    }
}

/* The next command of the test, without its newline; false at the end. */
static inline bool next_command(char *command, int size)
{
    if (fgets(command, size, stdin) == NULL) {
        return false;
    }
    command[strcspn(command, "\n")] = '\0';
    return true;
}

#endif
