/* completion: what became of each message and request, by callbacks and by tokens.
 *
 * Arguments: port of a Mosquitto, protocol version (3, 4 or 5). */
#include <stdatomic.h>

#include <mqttrs.h>

#include "check.h"

enum { MANY = 500, PATIENCE = 30000 };

static int port, version;
static atomic_int published, done_calls;

static struct mosquitto *client(void)
{
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version));
    return m;
}

static struct mqttrs_message message(const char *topic, int qos)
{
    return (struct mqttrs_message){ .size = sizeof(struct mqttrs_message), .topic = topic,
        .payload = "21.5", .payloadlen = 4, .qos = qos };
}

static struct mqttrs_result wait_for(struct mqttrs_token *token)
{
    struct mqttrs_result result = { .size = sizeof result };
    CHECK_INT(0, mqttrs_token_wait(token, PATIENCE, &result));
    CHECK(mqttrs_token_is_done(token));
    return result;
}

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)m, (void)obj, (void)mid;
    published++;
}

/* The user data is the QoS. Waiting for another message here is refused, not a deadlock. */
static void on_done(struct mosquitto *m, void *userdata, const struct mqttrs_result *result)
{
    int qos = *(const int *)userdata;
    CHECK(result->mid > 0);
    CHECK_INT(qos == 0 ? MQTTRS_OUTCOME_SENT : MQTTRS_OUTCOME_ACKNOWLEDGED, result->outcome);
    CHECK(result->reason_code < 128 && result->reason_code_count == 0);
    CHECK(result->reason_codes == NULL);
    if (++done_calls == 1) {
        struct mqttrs_message other = message("other", 2);
        struct mqttrs_token *token;
        CHECK_INT(0, mqttrs_publish(m, NULL, &other, NULL, NULL, &token));
        CHECK_INT(MOSQ_ERR_INVAL, mqttrs_token_wait(token, PATIENCE, NULL));
        CHECK_INT(MOSQ_ERR_INVAL, mqttrs_tokens_wait(&token, 1, PATIENCE));
        CHECK(!mqttrs_token_is_done(token));
        mqttrs_token_destroy(token);
    }
}

static void publish_and_wait(struct mosquitto *m)
{
    static const int qos_of[3] = { 0, 1, 2 };
    published = done_calls = 0;
    struct mqttrs_token *tokens[MANY];
    for (int i = 0; i < MANY; i++) {
        struct mqttrs_message one = message("completion/x", i % 3);
        int mid = 0;
        CHECK_INT(0, mqttrs_publish(m, &mid, &one, on_done, (void *)&qos_of[i % 3], &tokens[i]));
        CHECK(mid > 0);
    }
    CHECK_INT(0, mqttrs_tokens_wait(tokens, MANY, PATIENCE));
    CHECK_INT(MANY, done_calls);
    CHECK(published >= MANY);
    for (int i = 0; i < MANY; i++) {
        struct mqttrs_result result = wait_for(tokens[i]);
        CHECK_INT(i % 3 ? MQTTRS_OUTCOME_ACKNOWLEDGED : MQTTRS_OUTCOME_SENT, result.outcome);
        mqttrs_token_destroy(tokens[i]);
    }
}

/* Two filters with a QoS each, of which the broker grants what is asked for. */
static void subscribe_and_wait(struct mosquitto *m)
{
    struct mqttrs_subscription filters[2] = {
        { .size = sizeof filters[0], .filter = "a/+", .qos = 2 },
        { .size = sizeof filters[1], .filter = "$share/group/b/#", .qos = 1 },
    };
    struct mqttrs_token *token;
    CHECK_INT(0, mqttrs_subscribe(m, NULL, filters, 2, NULL, NULL, NULL, &token));
    struct mqttrs_result result = wait_for(token);
    CHECK_INT(MQTTRS_OUTCOME_ACKNOWLEDGED, result.outcome);
    CHECK_INT(2, result.reason_code_count);
    CHECK_INT(2, result.reason_codes[0]);
    CHECK_INT(1, result.reason_codes[1]);
    CHECK_INT(2, result.reason_code);
    mqttrs_token_destroy(token);

    const char *both[2] = { filters[0].filter, filters[1].filter };
    CHECK_INT(0, mqttrs_unsubscribe(m, NULL, both, 2, NULL, NULL, NULL, &token));
    result = wait_for(token);
    CHECK_INT(MQTTRS_OUTCOME_ACKNOWLEDGED, result.outcome);
    CHECK_INT(version == MQTT_PROTOCOL_V5 ? 2 : 0, result.reason_code_count);
    mqttrs_token_destroy(token);
}

/* Without a connection QoS 1 waits; the client's end is the end of that. */
static void ends_with_the_client(void)
{
    static const int qos = 1;
    struct mosquitto *m = client();
    struct mqttrs_message one = message("never", 1);
    struct mqttrs_token *token, *early;
    struct mqttrs_result result = { .size = sizeof result };
    CHECK_INT(0, mqttrs_publish(m, NULL, &one, NULL, NULL, &token));
    CHECK_INT(0, mqttrs_publish(m, NULL, &one, NULL, (void *)&qos, &early));
    mqttrs_token_destroy(early);
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_token_wait(token, 0, &result));
    mosquitto_destroy(m);
    CHECK_INT(0, mqttrs_token_wait(token, 0, &result));
    CHECK_INT(MQTTRS_OUTCOME_CLEARED, result.outcome);
    mqttrs_token_destroy(token);
}

/* The loop's thread ends with the connection that the program ends: then there is nobody to wait for. */
static void is_not_waited_for_when_nothing_comes(struct mosquitto *m)
{
    struct mqttrs_message one = message("late", 1);
    struct mqttrs_token *token;
    CHECK_INT(0, mqttrs_publish(m, NULL, &one, NULL, NULL, &token));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_token_wait(token, PATIENCE, NULL));
    CHECK_INT(MOSQ_ERR_NO_CONN, mqttrs_drain(m, PATIENCE));
    mqttrs_token_destroy(token);
}

static void *waits(void *token)
{
    struct mqttrs_result result = wait_for(token);
    CHECK_INT(MQTTRS_OUTCOME_CLEARED, result.outcome);
    return NULL;
}

/* Whoever is waiting meanwhile is woken. */
static void ends_under_a_waiting_thread(void)
{
    struct mosquitto *m = client();
    CHECK_INT(0, mosquitto_connect_async(m, "127.0.0.1", 1, 60));
    CHECK_INT(0, mosquitto_loop_start(m));
    struct mqttrs_message one = message("never", 1);
    struct mqttrs_token *token;
    CHECK_INT(0, mqttrs_publish(m, NULL, &one, NULL, NULL, &token));
    pthread_t thread;
    CHECK_INT(0, pthread_create(&thread, NULL, waits, token));
    mosquitto_destroy(m);
    CHECK_INT(0, pthread_join(thread, NULL));
    mqttrs_token_destroy(token);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    port = port_of(argv[1]);
    version = atoi(argv[2]);
    watched = "what became of messages and requests";
    watchdog(100);
    mosquitto_lib_init();
    struct mosquitto *m = client();
    mosquitto_publish_callback_set(m, on_publish);
    CHECK_INT(0, mosquitto_max_inflight_messages_set(m, 7));
    /* Nobody runs the loop: who waits does. */
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    publish_and_wait(m);
    subscribe_and_wait(m);
    CHECK_INT(0, mosquitto_loop_start(m));
    publish_and_wait(m);
    subscribe_and_wait(m);
    CHECK_INT(0, mosquitto_disconnect(m));
    is_not_waited_for_when_nothing_comes(m);
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    mosquitto_destroy(m);
    ends_with_the_client();
    ends_under_a_waiting_thread();
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
