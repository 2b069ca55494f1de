/* shared_loop_elsewhere: a thread of the program is in a callback of a client that joins a shared
 * loop there. The loop goes on with its other clients, can be stopped from that callback, and
 * connects the client when the callback has returned.
 *
 * Arguments: port of a broker that agrees to everything, whether the client has a pre-connect
 * callback (0 or 1). */
#include <stdatomic.h>

#include <mqttrs.h>

#include "check.h"

static struct mqttrs_loop *loop;
static struct mosquitto *other;
static int port;
static atomic_bool in_callback;
static atomic_int connects, announcements, round_trips;

static void wait_until(atomic_int *number, int reached)
{
    while (*number < reached) {
        sched_yield();
    }
}

/* The loop's thread has been through whole turns when this returns. */
static void let_the_loop_turn(void)
{
    for (int i = 0; i < 3; i++) {
        int before = round_trips;
        CHECK_INT(0, mosquitto_publish(other, NULL, "turn", 0, NULL, 1, false));
        wait_until(&round_trips, before + 1);
    }
}

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)m, (void)obj, (void)mid;
    round_trips++;
}

static void on_pre_connect(struct mosquitto *m, void *obj)
{
    (void)m, (void)obj;
    CHECK(!in_callback);
    announcements++;
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m, (void)obj;
    CHECK_INT(0, rc);
    CHECK(!in_callback);
    connects++;
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)obj, (void)rc;
    if (connects > 1) {
        return;
    }
    in_callback = true;
    CHECK_INT(0, mqttrs_loop_add(loop, m));
    CHECK_INT(0, mosquitto_connect_async(m, "127.0.0.1", port, 60));
    let_the_loop_turn();
    CHECK_INT(0, mqttrs_loop_stop(loop));
    CHECK_INT(0, mqttrs_loop_start(loop));
    let_the_loop_turn();
    in_callback = false;
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    port = port_of(argv[1]);
    watched = "a callback on a thread of the program";
    watchdog(60);
    mosquitto_lib_init();
    loop = mqttrs_loop_new();
    CHECK_INT(0, mqttrs_loop_start(loop));
    other = mosquitto_new(NULL, true, NULL);
    CHECK_INT(0, mosquitto_int_option(other, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_publish_callback_set(other, on_publish);
    CHECK_INT(0, mqttrs_loop_add(loop, other));
    CHECK_INT(0, mosquitto_connect_async(other, "127.0.0.1", port, 60));

    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    while (connects == 0) {
        CHECK_INT(0, mosquitto_loop(m, 100, 1));
    }
    if (atoi(argv[2])) {
        mosquitto_pre_connect_callback_set(m, on_pre_connect);
    }
    CHECK_INT(0, mosquitto_disconnect(m));
    wait_until(&connects, 2);
    CHECK_INT(atoi(argv[2]), announcements);
    mqttrs_loop_destroy(loop);
    mosquitto_destroy(m);
    mosquitto_destroy(other);
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
