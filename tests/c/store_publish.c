/* A program that is killed: publishes messages that are stored first, and says of each that it
 * was accepted. store_publish PORT FOLDER RUN COUNT DURABILITY; with COUNT 0 it publishes one
 * last message, "end", and waits until that has been delivered. */
#include "check.h"

#include <stdatomic.h>

#include <mqttrs.h>

static int last_mid = -1;
static atomic_int ended;

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)m;
    (void)obj;
    if (mid == last_mid) {
        ended = 1;
    }
}

int main(int argc, char **argv)
{
    CHECK_INT(6, argc);
    watched = "store_publish";
    mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new("stored", false, NULL);
    CHECK(m != NULL);
    struct mqttrs_store_options options = { .size = sizeof options };
    options.durability = atoi(argv[5]);
    char why[500] = "";
    if (mqttrs_store_open(m, argv[2], &options) != 0) {
        mqttrs_last_error(m, why, sizeof why);
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    mosquitto_publish_callback_set(m, on_publish);
    int count = atoi(argv[4]);
    if (count == 0) {
        CHECK_INT(0, mosquitto_publish(m, &last_mid, "kept", 3, "end", 2, false));
        CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60));
        while (!ended) {
            CHECK_INT(0, mosquitto_loop(m, 1000, 1));
        }
        mosquitto_disconnect(m);
        mosquitto_destroy(m);
        return 0;
    }
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60));
    CHECK_INT(0, mosquitto_loop_start(m));
    for (int i = 0; i < count; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "%d %s:%d\n", 1 + i % 2, argv[3], i);
        CHECK_INT(0, mosquitto_publish(m, NULL, "kept", len - 1, text, 1 + i % 2, false));
        CHECK_INT(len, write(1, text, len));
    }
    pause();
    return 0;
}
