/* oom_receive: a server announces and sends a message for which this process has no memory. The
 * connection ends with an error, the process and the client live on, and the client's next
 * connection works.
 *
 * Argument: port of a server that sends a message of 100 MiB on the first connection, and one of
 * 5 bytes on the second. */
#include "check.h"

#include <sys/resource.h>

static int ended_with = -1;
static int received;

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    (void)obj;
    ended_with = rc;
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m;
    (void)obj;
    received = message->payloadlen;
}

/* What the process has of address space. */
static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK_INT(1, fscanf(file, "%lu", &pages));
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    int port = port_of(argv[1]);
    watchdog(60);
    mosquitto_lib_init();
    struct mosquitto *m = mosquitto_new("oom", true, NULL);
    CHECK(m != NULL);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    mosquitto_message_callback_set(m, on_message);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));

    struct rlimit limit;
    CHECK_INT(0, getrlimit(RLIMIT_AS, &limit));
    limit.rlim_cur = address_space() + ((rlim_t)24 << 20);
    CHECK_INT(0, setrlimit(RLIMIT_AS, &limit));
    int rc;
    do {
        rc = mosquitto_loop(m, 1000, 1);
    } while (rc == 0);
    CHECK_INT(MOSQ_ERR_ERRNO, rc);
    CHECK_INT(MOSQ_ERR_ERRNO, ended_with);
    CHECK_INT(0, received);

    CHECK_INT(0, mosquitto_reconnect(m));
    while (received == 0) {
        CHECK_INT(0, mosquitto_loop(m, 1000, 1));
    }
    CHECK_INT(5, received);
    mosquitto_destroy(m);
    mosquitto_lib_cleanup();
    return 0;
}
