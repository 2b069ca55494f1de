/* exhaustion: there are only so many descriptors left, or the n-th thread cannot be made, for
 * every number: each call that needs one says so, leaves no descriptor and no thread behind, and
 * works on the same client as soon as there are some again.
 *
 * Argument: port of a broker. For each call and shortage a line is printed: their names, how many
 * times the call failed. */
#include "check.h"

#include <dlfcn.h>
#include <sys/resource.h>

#include <mqttrs.h>

/* How many threads can be made until one cannot; -1: all. */
static _Atomic long threads_left = -1;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
    void *argument)
{
    static int (*_Atomic real)(
        pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    }
    if (threads_left >= 0 && threads_left-- == 0) {
        threads_left = 0;
        return EAGAIN;
    }
    return real(thread, attributes, run, argument);
}

static struct rlimit full;

static int descriptors(void)
{
    int count = 0;
    DIR *all = opendir("/proc/self/fd");
    CHECK(all != NULL);
    for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(all);
    return count - 1;
}

/* So many descriptors that are lower than the lowest limit there is may still be made. */
static void leave_descriptors(int count)
{
    int next = dup(0);
    CHECK(next >= 0);
    close(next);
    struct rlimit limit = { .rlim_cur = next + count, .rlim_max = full.rlim_max };
    CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &limit));
}

static void leave_threads(int count)
{
    threads_left = count;
}

static void lift(void)
{
    threads_left = -1;
    CHECK_INT(0, setrlimit(RLIMIT_NOFILE, &full));
}

static int port;

static void connected_before(struct mosquitto *m)
{
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
}

static void nothing_before(struct mosquitto *m)
{
    (void)m;
}

static int connect_to_address(struct mosquitto *m)
{
    return mosquitto_connect(m, "127.0.0.1", port, 60);
}

static int connect_to_name(struct mosquitto *m)
{
    return mosquitto_connect(m, "localhost", port, 60);
}

static int connect_async(struct mosquitto *m)
{
    return mosquitto_connect_async(m, "127.0.0.1", port, 60);
}

static int loop_once(struct mosquitto *m)
{
    return mosquitto_loop(m, 0, 1);
}

static int loop_start(struct mosquitto *m)
{
    return mosquitto_loop_start(m);
}

static struct mqttrs_loop *shared;

static int shared_new(struct mosquitto *m)
{
    (void)m;
    shared = mqttrs_loop_new();
    return shared == NULL ? MOSQ_ERR_ERRNO : 0;
}

static void shared_before(struct mosquitto *m)
{
    CHECK_INT(0, shared_new(m));
}

static int shared_start(struct mosquitto *m)
{
    (void)m;
    return mqttrs_loop_start(shared);
}

static void wait_connected(struct gate *connected)
{
    gate_wait(connected);
}

/* Whether the shortage was told of, by the call itself or by what came of it. */
static bool felt;

static void feel(int rc)
{
    CHECK(rc == MOSQ_ERR_ERRNO || rc == MOSQ_ERR_NOMEM || rc == MOSQ_ERR_EAI);
    felt = true;
}

/* Whatever it was that worked at last: the client gets its connection. */
static void drive(struct mosquitto *m, struct gate *connected)
{
    while (!gate_is_open(connected)) {
        int rc = mosquitto_loop(m, 1000, 1);
        if (rc != 0) {
            /* What mosquitto_connect_async has begun has failed. */
            feel(rc);
            CHECK_INT(0, mosquitto_reconnect(m));
        }
    }
}

static void stop(struct mosquitto *m, struct gate *connected)
{
    wait_connected(connected);
    CHECK_INT(0, mosquitto_disconnect(m));
    CHECK_INT(0, mosquitto_loop_stop(m, false));
}

static void end_shared(struct mosquitto *m, struct gate *connected)
{
    CHECK_INT(0, mqttrs_loop_add(shared, m));
    if (mqttrs_loop_start(shared) != 0) {
        /* It runs already. */
        CHECK(shared != NULL);
    }
    CHECK_INT(0, mosquitto_connect_async(m, "127.0.0.1", port, 60));
    wait_connected(connected);
    mqttrs_loop_destroy(shared);
    shared = NULL;
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    CHECK_INT(0, rc);
    gate_open(obj);
}

struct part {
    const char *name;
    void (*before)(struct mosquitto *);
    int (*act)(struct mosquitto *);
    void (*after)(struct mosquitto *, struct gate *);
    bool needs_descriptors, needs_threads;
};

static const struct part parts[] = {
    { "mosquitto_connect, an address", nothing_before, connect_to_address, drive, true, false },
    { "mosquitto_connect, a name", nothing_before, connect_to_name, drive, true, true },
    { "mosquitto_connect_async", nothing_before, connect_async, drive, true, false },
    { "mosquitto_loop", connected_before, loop_once, drive, true, false },
    { "mosquitto_loop_start", connected_before, loop_start, stop, true, true },
    { "mqttrs_loop_new", nothing_before, shared_new, end_shared, true, false },
    { "mqttrs_loop_start", shared_before, shared_start, end_shared, false, true },
};

/* Once with a shortage; whether the call felt it. */
static bool once(const struct part *part, void (*leave)(int), int count)
{
    struct gate connected = GATE_CLOSED;
    struct mosquitto *m = mosquitto_new(NULL, true, &connected);
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    part->before(m);
    if (leave != NULL) {
        leave(count);
    }
    int rc = part->act(m);
    lift();
    felt = false;
    if (rc != 0) {
        feel(rc);
        CHECK_INT(0, part->act(m));
    }
    part->after(m, &connected);
    mosquitto_destroy(m);
    wait_for_threads_to_end();
    return felt;
}

static void every_shortage(const struct part *part, const char *what, void (*leave)(int),
    bool needed)
{
    char name[80];
    snprintf(name, sizeof(name), "%s\t%s", part->name, what);
    watched = name;
    watchdog(60);
    once(part, NULL, 0); /* what stays in the process for good */
    int before = descriptors(), failed = 0;
    for (int count = 0; once(part, leave, count); count++) {
        failed++;
        CHECK_INT(before, descriptors());
        CHECK(count < 50);
    }
    CHECK_INT(before, descriptors());
    CHECK(failed > 0 || !needed);
    printf("%s\t%d\n", name, failed);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    port = port_of(argv[1]);
    CHECK_INT(0, getrlimit(RLIMIT_NOFILE, &full));
    mosquitto_lib_init();
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        every_shortage(&parts[i], "descriptors", leave_descriptors, parts[i].needs_descriptors);
        every_shortage(&parts[i], "threads", leave_threads, parts[i].needs_threads);
    }
    mosquitto_lib_cleanup();
    return 0;
}
