/* Says of each message that it came, while the test breaks the network, the broker, or this
 * process. chaos_subscriber PORT VERSION FOLDER DURABILITY RESUBSCRIBE: with RESUBSCRIBE 1 a
 * broker that has lost the session is subscribed to again; 2 is for a process that takes up the
 * session of an earlier one.
 *
 *   - QOS RUN:NUMBER ID    a message, and the packet identifier it came with
 *   end                    one of the two last ones
 *
 * The command "stop" ends it. */
#include "chaos_client.h"

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m, (void)obj, (void)mid;
    CHECK(count == 1 && granted[0] == 2);
    say("subscribed");
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    const char *payload = message->payload;
    if (obj != NULL) {
        char text[60];
        snprintf(text, sizeof text, "message %.20s", payload);
        on_log(m, obj, 0, text);
    }
    if (message->payloadlen == 3 && memcmp(payload, "end", 3) == 0) {
        say("end");
        return;
    }
    int qos, padding, head = 0;
    char run[20];
    long number;
    /* The library ends the payload with a NUL that it does not count. */
    bool whole = sscanf(payload, "%d %19[^:]:%ld %d %n", &qos, run, &number, &padding, &head) == 4
        && head + padding == message->payloadlen && qos == message->qos;
    for (int i = 0; whole && i < padding; i++) {
        whole = payload[head + i] == payload_byte(number, i);
    }
    if (whole) {
        say("- %d %s:%ld %d", qos, run, number, message->mid);
    } else {
        say("! damaged: QoS %d, %d bytes: %.40s", message->qos, message->payloadlen, payload);
    }
}

int main(int argc, char **argv)
{
    CHECK_INT(6, argc);
    watched = "chaos_subscriber";
    struct settings settings = { port_of(argv[1]), atoi(argv[2]), argv[3], atoi(argv[4]) };
    struct mosquitto *m = chaos_client("chaos-subscriber", &settings);
    mosquitto_message_callback_set(m, on_message);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    CHECK_INT(0, mqttrs_resubscribe_set(m, strcmp(argv[5], "1") == 0));
    chaos_connect(m, &settings);
    if (strcmp(argv[5], "2") != 0) {
        int rc;
        while ((rc = mosquitto_subscribe(m, NULL, "chaos/#", 2)) == MOSQ_ERR_NO_CONN) {
            usleep(1000);
        }
        CHECK_INT(0, rc);
    }
    char command[100];
    while (next_command(command, sizeof command) && strcmp(command, "stop") != 0) {
        CHECK(fault_of_our_own(command));
    }
    say_clock_reads();
    chaos_end(m);
    return 0;
}
