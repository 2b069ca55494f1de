/* A disk that gets full. store_full PORT FOLDER LIMIT: publishes without a connection until there
 * is no room, then connects and, when all has gone, publishes once more, which ends with "end".
 * Says of each message that it was accepted. With a LIMIT no file of it may be larger, in bytes,
 * until the connection is made. */
#include "check.h"

#include <stdatomic.h>
#include <sys/resource.h>

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

static void limit(rlim_t bytes)
{
    struct rlimit now;
    CHECK_INT(0, getrlimit(RLIMIT_FSIZE, &now));
    now.rlim_cur = bytes == 0 ? now.rlim_max : bytes;
    CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &now));
}

int main(int argc, char **argv)
{
    CHECK_INT(4, argc);
    watched = "store_full";
    rlim_t bytes = strtoul(argv[3], NULL, 10);
    signal(SIGXFSZ, SIG_IGN);
    mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new("full", false, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mqttrs_store_open(m, argv[2], NULL));
    mosquitto_publish_callback_set(m, on_publish);
    limit(bytes);
    int accepted = 0;
    int refused = 0;
    char text[200];
    for (int i = 0; refused < 100; i++) {
        CHECK(i < 200000);
        int len = snprintf(text, sizeof text, "%d full:%0140d\n", 1 + i % 2, i);
        int result = mosquitto_publish(m, NULL, "kept", len - 1, text, 1 + i % 2, false);
        if (result == MOSQ_ERR_SUCCESS) {
            CHECK_INT(0, refused); /* nothing has gone meanwhile */
            accepted++;
            CHECK_INT(len, write(1, text, len));
        } else {
            CHECK_INT(MOSQ_ERR_ERRNO, result);
            CHECK_INT(bytes == 0 ? ENOSPC : EFBIG, errno);
            refused++;
        }
    }
    CHECK(accepted > 1000);
    limit(0);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60));
    struct mqttrs_stats stats = { .size = sizeof stats };
    do {
        CHECK_INT(0, mosquitto_loop(m, 1000, 1));
        CHECK_INT(0, mqttrs_stats(m, &stats));
    } while (stats.queued_messages > 0);
    CHECK_INT(0, mosquitto_publish(m, &last_mid, "kept", 3, "end", 2, false));
    while (!ended) {
        CHECK_INT(0, mosquitto_loop(m, 1000, 1));
    }
    mosquitto_disconnect(m);
    mosquitto_destroy(m);
    return 0;
}
