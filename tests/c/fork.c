/* fork: a process forks while a client of its own is busy, and again from inside a callback. The
 * child's copy of the client answers with errors and can be destroyed, a client that was never
 * connected and one made in the child work there, and the parent's connection goes on as if
 * nothing had happened.
 *
 * Arguments: port, how many forks, how the client is driven (thread or shared), and the
 * certificate of the authority for TLS, "websocket" or "plain". */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include <mqttrs.h>

#include "check.h"

/* What the parent publishes between two forks, and after the last. */
#define BETWEEN 50

static int port, forks;
static const char *how;
static struct mosquitto *busy, *fresh;
static struct mqttrs_loop *shared;
static atomic_int connects, arrived, acknowledged;
static atomic_bool fork_in_callback;
static struct gate subscribed = GATE_CLOSED, forked = GATE_CLOSED, done = GATE_CLOSED,
                   ended = GATE_CLOSED;
static int total;
static pid_t from_callback;

static void set_route(struct mosquitto *m)
{
    if (strcmp(how, "websocket") == 0) {
        CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_TRANSPORT, MOSQ_T_WEBSOCKETS));
    } else if (strcmp(how, "plain") != 0) {
        CHECK_INT(0, mosquitto_tls_set(m, how, NULL, NULL, NULL, NULL));
    }
}

/* What the child's own clients do: each message comes back once. */
static void child_connected(struct mosquitto *m, void *obj, int rc)
{
    CHECK_INT(0, rc);
    CHECK_INT(0, mosquitto_subscribe(m, NULL, obj, 2));
}

static void child_subscribed(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)mid;
    CHECK(count == 1 && granted[0] == 2);
    CHECK_INT(0, mosquitto_publish(m, NULL, obj, 5, "hello", 2, false));
}

static void child_received(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    CHECK(strcmp(message->topic, obj) == 0 && message->payloadlen == 5);
    CHECK_INT(0, mosquitto_disconnect(m));
}

static void talk(struct mosquitto *m)
{
    set_route(m);
    mosquitto_connect_callback_set(m, child_connected);
    mosquitto_subscribe_callback_set(m, child_subscribed);
    mosquitto_message_callback_set(m, child_received);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    CHECK_INT(0, mosquitto_loop_forever(m, -1, 1));
    mosquitto_destroy(m);
}

/* The child's copy of the parent's client, whose connection had this descriptor. */
static void check_inherited(int fd)
{
    int mid = 0;
    char text[200];
    CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
    CHECK_INT(-1, mosquitto_socket(busy));
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_publish(busy, &mid, "fork", 1, "x", 1, false));
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_disconnect(busy));
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_loop(busy, 0, 1));
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_loop_stop(busy, true));
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_reconnect(busy));
    CHECK(!mosquitto_want_write(busy));
    CHECK(mqttrs_last_error(busy, text, sizeof(text)) > 0 && strstr(text, "forked") != NULL);
    if (shared != NULL) {
        CHECK_INT(MOSQ_ERR_INVAL, mqttrs_loop_run_once(shared, 0));
        mqttrs_loop_destroy(shared);
    }
    mosquitto_destroy(busy);
    mosquitto_destroy(busy);
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_publish(busy, &mid, "fork", 1, "x", 1, false));
}

static void child(int fd)
{
    char name[40];
    watchdog(60);
    check_inherited(fd);
    snprintf(name, sizeof(name), "child/%d", (int)getpid());
    CHECK_INT(0, mosquitto_reinitialise(fresh, NULL, true, name));
    talk(fresh);
    struct mosquitto *own = mosquitto_new(NULL, true, name);
    CHECK(own != NULL);
    talk(own);
    /* Behind the first clients, which have an epoll each, all others share a thread. */
    struct mosquitto *many[20];
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = mosquitto_new(NULL, true, NULL);
        CHECK_INT(0, mosquitto_loop_start(many[i]));
    }
    own = mosquitto_new(NULL, true, name);
    talk(own);
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        mosquitto_destroy(many[i]);
    }
    mosquitto_lib_cleanup();
    _exit(0);
}

static void join_child(pid_t pid)
{
    int status = 0;
    CHECK(pid > 0);
    CHECK_INT(pid, waitpid(pid, &status, 0));
    CHECK(WIFEXITED(status));
    CHECK_INT(0, WEXITSTATUS(status));
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)obj;
    CHECK_INT(0, rc);
    CHECK_INT(1, ++connects);
    CHECK_INT(0, mosquitto_subscribe(m, NULL, "fork", 2));
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m;
    (void)obj;
    (void)mid;
    CHECK(count == 1 && granted[0] == 2);
    gate_open(&subscribed);
}

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)m;
    (void)obj;
    (void)mid;
    if (++acknowledged == total && arrived == total) {
        gate_open(&done);
    }
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)obj;
    /* Those of one QoS come in order. */
    static int next[2] = {0, 1};
    int *expected = &next[message->qos - 1];
    CHECK_INT(*expected, atoi(message->payload));
    *expected += 2;
    if (atomic_exchange(&fork_in_callback, false)) {
        int fd = mosquitto_socket(m);
        from_callback = fork();
        if (from_callback == 0) {
            /* Back to the loop, which is at its end here: where it is a thread's it ends with the
             * process's last one. */
            watchdog(60);
            check_inherited(fd);
            return;
        }
        gate_open(&forked);
    }
    if (++arrived == total && acknowledged == total) {
        gate_open(&done);
    }
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    (void)obj;
    CHECK_INT(0, rc);
    gate_open(&ended);
}

int main(int argc, char **argv)
{
    CHECK(argc == 5);
    watchdog(120);
    port = port_of(argv[1]);
    forks = atoi(argv[2]);
    how = argv[4];
    total = (forks + 1) * BETWEEN;
    mosquitto_lib_init();
    fresh = mosquitto_new("fresh", true, NULL);
    busy = mosquitto_new("busy", true, NULL);
    CHECK(fresh != NULL && busy != NULL);
    set_route(busy);
    mosquitto_connect_callback_set(busy, on_connect);
    mosquitto_subscribe_callback_set(busy, on_subscribe);
    mosquitto_publish_callback_set(busy, on_publish);
    mosquitto_message_callback_set(busy, on_message);
    mosquitto_disconnect_callback_set(busy, on_disconnect);
    CHECK_INT(0, mosquitto_connect(busy, "127.0.0.1", port, 60));
    if (strcmp(argv[3], "shared") == 0) {
        shared = mqttrs_loop_new();
        CHECK(shared != NULL);
        CHECK_INT(0, mqttrs_loop_add(shared, busy));
        CHECK_INT(0, mqttrs_loop_start(shared));
    } else {
        CHECK_INT(0, mosquitto_loop_start(busy));
    }
    gate_wait(&subscribed);
    int fd = mosquitto_socket(busy), number = 0;
    char payload[16];
    for (int i = 0; i <= forks; i++) {
        pid_t pid = 0;
        for (int j = 0; j < BETWEEN; j++) {
            /* In the middle of it, so that the loop thread is anywhere. */
            if (j == BETWEEN / 2 && i < forks && (pid = fork()) == 0) {
                child(fd);
            }
            if (i == forks && j == 0) {
                fork_in_callback = true;
            }
            int len = snprintf(payload, sizeof(payload), "%d", number++);
            int mid;
            CHECK_INT(0, mosquitto_publish(busy, &mid, "fork", len, payload, 1 + j % 2, false));
        }
        if (pid != 0) {
            join_child(pid);
        }
    }
    gate_wait(&done);
    gate_wait(&forked);
    join_child(from_callback);
    /* The same connection as ever, with nothing lost, doubled or out of order. */
    CHECK_INT(fd, mosquitto_socket(busy));
    CHECK_INT(1, connects);
    CHECK_INT(0, mosquitto_disconnect(busy));
    gate_wait(&ended);
    mqttrs_loop_destroy(shared);
    mosquitto_destroy(busy);
    mosquitto_destroy(fresh);
    mosquitto_lib_cleanup();
    return 0;
}
