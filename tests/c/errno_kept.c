/* errno_kept: functions that succeed leave errno as it was, whatever the sockets and files on
 * their way had to say. Its argument is the port of a broker. */
#include "check.h"

/* Nothing in the library gives this one. */
#define UNTOUCHED EUCLEAN

/* The call succeeds, and errno is what it was. */
#define KEEPS(expected, call)             \
    do {                                  \
        errno = UNTOUCHED;                \
        CHECK_INT(expected, call);        \
        CHECK_INT(UNTOUCHED, errno);      \
    } while (0)

#define KEEPS_TOO(call)                   \
    do {                                  \
        errno = UNTOUCHED;                \
        call;                             \
        CHECK_INT(UNTOUCHED, errno);      \
    } while (0)

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    CHECK_INT(0, rc);
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_subscribe(m, NULL, "kept", 1));
    gate_open(obj);
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m;
    (void)message;
    gate_open(obj);
}

/* The program runs the loop itself, so all reading and writing is in its calls. */
static void with_a_loop_of_the_program(int port)
{
    struct gate happened = GATE_CLOSED;
    struct mosquitto *m;
    KEEPS_TOO(m = mosquitto_new(NULL, true, &happened));
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_message_callback_set(m, on_message);
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_connect(m, "127.0.0.1", port, 60));
    while (!gate_is_open(&happened)) {
        KEEPS(MOSQ_ERR_SUCCESS, mosquitto_loop(m, 100, 1));
    }
    gate_close(&happened);
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_publish(m, NULL, "kept", 2, "on", 2, false));
    while (!gate_is_open(&happened)) {
        KEEPS(MOSQ_ERR_SUCCESS, mosquitto_loop_read(m, 1));
        KEEPS(MOSQ_ERR_SUCCESS, mosquitto_loop_write(m, 1));
        KEEPS(MOSQ_ERR_SUCCESS, mosquitto_loop_misc(m));
    }
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_disconnect(m));
    KEEPS_TOO(mosquitto_destroy(m));
}

static void with_a_thread(int port)
{
    struct gate happened = GATE_CLOSED;
    struct mosquitto *m = mosquitto_new(NULL, true, &happened);
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_connect_async(m, "localhost", port, 60));
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_loop_start(m));
    gate_wait(&happened);
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_publish(m, NULL, "kept", 2, "on", 2, false));
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_disconnect(m));
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_loop_stop(m, false));
    KEEPS_TOO(mosquitto_destroy(m));
}

/* What errno is there for still works. */
static void failures_set_it(void)
{
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    errno = UNTOUCHED;
    CHECK_INT(MOSQ_ERR_ERRNO, mosquitto_connect(m, "127.0.0.1", 1, 60));
    CHECK_INT(ECONNREFUSED, errno);
    mosquitto_destroy(m);
    errno = UNTOUCHED;
    CHECK(mosquitto_new(NULL, false, NULL) == NULL);
    CHECK_INT(EINVAL, errno);
}

int main(int argc, char **argv)
{
    watchdog(120);
    CHECK(argc == 2);
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_lib_init());
    with_a_loop_of_the_program(port_of(argv[1]));
    with_a_thread(port_of(argv[1]));
    failures_set_it();
    KEEPS(MOSQ_ERR_SUCCESS, mosquitto_lib_cleanup());
    return 0;
}
