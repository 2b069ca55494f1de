/* helpers: mosquitto_subscribe_simple and mosquitto_subscribe_callback against a broker. */
#include "check.h"

static int port;
static const char host[] = "127.0.0.1";

static void keep(const char *topic, const char *payload)
{
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_connect(m, host, port, 60));
    CHECK_INT(0, mosquitto_publish(m, NULL, topic, (int)strlen(payload), payload, 1, true));
    CHECK_INT(0, mosquitto_disconnect(m));
    CHECK_INT(0, mosquitto_loop_forever(m, -1, 1));
    mosquitto_destroy(m);
}

static void simple_returns_one_message(void)
{
    struct mosquitto_message *message = NULL;
    CHECK_INT(0, mosquitto_subscribe_simple(&message, 1, true, "kept/one", 1, host, port, NULL, 60,
        true, NULL, NULL, NULL, NULL));
    CHECK(message != NULL);
    CHECK(strcmp(message->topic, "kept/one") == 0);
    CHECK_INT(1, message->payloadlen);
    CHECK(strcmp(message->payload, "1") == 0);
    CHECK(message->retain);
    mosquitto_message_free(&message);
    CHECK(message == NULL);
}

static void simple_returns_as_many_as_asked_for(void)
{
    struct mosquitto_message *messages = NULL;
    struct libmosquitto_will will = { "helper/will", "gone", 4, 0, false };
    bool seen[3] = { false, false, false };
    CHECK_INT(0, mosquitto_subscribe_simple(&messages, 3, true, "kept/+", 2, host, port, "helper",
        60, true, "user", "password", &will, NULL));
    for (int i = 0; i < 3; i++) {
        int number = atoi(messages[i].payload);
        CHECK(number >= 1 && number <= 3 && !seen[number - 1]);
        seen[number - 1] = true;
        mosquitto_message_free_contents(&messages[i]);
    }
    free(messages);
}

/* Publishes a message that is not retained, in the place of the first that is. */
static int publish_in_return(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    int *calls = obj;
    *calls += 1;
    if (message->retain) {
        CHECK_INT(0, mosquitto_publish(m, NULL, message->topic, 3, "new", 1, false));
        return 0;
    }
    CHECK(strcmp(message->payload, "new") == 0);
    return 1;
}

static void callback_gets_messages_until_it_has_enough(void)
{
    int calls = 0;
    CHECK_INT(0, mosquitto_subscribe_callback(publish_in_return, &calls, "kept/two", 1, host, port,
        NULL, 60, true, NULL, NULL, NULL, NULL));
    CHECK_INT(2, calls);
}

static void failures_are_returned_and_leave_no_messages(void)
{
    struct mosquitto_message *messages = (void *)&messages;
    /* Nothing listens on port 1. */
    errno = 0;
    CHECK_INT(MOSQ_ERR_ERRNO, mosquitto_subscribe_simple(&messages, 1, true, "t", 0, host, 1, NULL,
        60, true, NULL, NULL, NULL, NULL));
    CHECK_INT(ECONNREFUSED, errno);
    CHECK(messages == NULL);
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_subscribe_simple(&messages, 1, true, "a/#/b", 0, host, port,
        NULL, 60, true, NULL, NULL, NULL, NULL));
    CHECK(messages == NULL);
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_subscribe_simple(&messages, 1, true, "t", 3, host, port,
        NULL, 60, true, NULL, NULL, NULL, NULL));
    CHECK(messages == NULL);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    port = port_of(argv[1]);
    watchdog(60);
    mosquitto_lib_init();
    keep("kept/one", "1");
    keep("kept/two", "2");
    keep("kept/three", "3");
    simple_returns_one_message();
    simple_returns_as_many_as_asked_for();
    callback_gets_messages_until_it_has_enough();
    failures_are_returned_and_leave_no_messages();
    mosquitto_lib_cleanup();
    return 0;
}
