/* callback_stack: a callback has the stack that threads have by default, and may use it.
 *
 * Arguments: port of a broker, how the client is driven (thread or shared). */
#include <mqttrs.h>

#include "check.h"

/* More than Rust gives a thread of its own accord. */
#define STACK ((size_t)16 << 20)
#define USED ((size_t)12 << 20)

static struct gate done = GATE_CLOSED;

/* Writes to each page of a large array on the stack, from the near end. */
static __attribute__((noinline)) int use_stack(void)
{
    volatile char bytes[USED];
    int sum = 0;
    for (size_t i = sizeof(bytes); i > 0; i -= 1024) {
        bytes[i - 1] = 1;
        sum += bytes[i - 1];
    }
    return sum;
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    (void)obj;
    CHECK_INT(0, rc);
    CHECK_INT((int)(USED / 1024), use_stack());
    gate_open(&done);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    int port = port_of(argv[1]);
    bool shared = strcmp(argv[2], "shared") == 0;
    watchdog(60);
    pthread_attr_t attributes;
    CHECK_INT(0, pthread_attr_init(&attributes));
    CHECK_INT(0, pthread_attr_setstacksize(&attributes, STACK));
    CHECK_INT(0, pthread_setattr_default_np(&attributes));
    mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    struct mqttrs_loop *loop = mqttrs_loop_new();
    CHECK(m != NULL && loop != NULL);
    /* The broker speaks no other. */
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_connect_callback_set(m, on_connect);
    if (shared) {
        CHECK_INT(0, mqttrs_loop_add(loop, m));
        CHECK_INT(0, mqttrs_loop_start(loop));
    } else {
        CHECK_INT(0, mosquitto_loop_start(m));
    }
    CHECK_INT(0, mosquitto_connect_async(m, "127.0.0.1", port, 60));
    gate_wait(&done);
    CHECK_INT(0, mosquitto_disconnect(m));
    if (!shared) {
        CHECK_INT(0, mosquitto_loop_stop(m, false));
    }
    mqttrs_loop_destroy(loop);
    mosquitto_destroy(m);
    mosquitto_lib_cleanup();
    return 0;
}
