/* requests: one client asks, another one answers.
 *
 * Arguments: port of a broker, how many requests, the requester's protocol version (3, 4 or 5),
 * that of who answers, and whether the requester uses topics alone (0 or 1). */
#include "requests.h"

static int count;

/* A chain: each response makes the next request. */
static void on_link(struct mosquitto *m, void *userdata, int result,
    const struct mosquitto_message *response, const mosquitto_property *props)
{
    struct asked *it = userdata;
    on_response(m, userdata, result, response, props);
    struct mosquitto_message *waited = NULL;
    struct mqttrs_message message = { .size = sizeof message, .topic = "echo/a" };
    CHECK_INT(MOSQ_ERR_INVAL, mqttrs_request_wait(m, &message, 10, &waited, NULL));
    CHECK(waited == NULL);
    int next = it->number + 1;
    if (next < told_wanted) {
        char text[16];
        message.payload = text;
        message.payloadlen = (size_t)snprintf(text, sizeof text, "%d", next);
        asked[next] = (struct asked){ .number = next, .result = -1 };
        CHECK_INT(0, mqttrs_request(m, &message, PATIENCE, on_link, &asked[next]));
    }
}

static void many_with_shuffled_responses(struct mosquitto *requester, struct mosquitto *server)
{
    for (int qos = 0; qos < 3; qos++) {
        hold_requests(count);
        expect_told(count);
        for (int i = 0; i < count; i++) {
            CHECK_INT(0, ask(requester, i % 2 == 0 ? "echo/a" : "echo/b", i, qos, PATIENCE));
        }
        gate_wait(&all_held);
        CHECK_INT(0, told);
        release_requests(server, 1);
        gate_wait(&all_told);
        check_results(count, MOSQ_ERR_SUCCESS);
    }
}

static void a_chain(struct mosquitto *requester)
{
    expect_told(20);
    asked[0] = (struct asked){ .number = 0, .result = -1 };
    struct mqttrs_message message = { .size = sizeof message, .topic = "echo/a", .payload = "0",
        .payloadlen = 1 };
    CHECK_INT(0, mqttrs_request(requester, &message, PATIENCE, on_link, &asked[0]));
    gate_wait(&all_told);
    check_results(20, MOSQ_ERR_SUCCESS);
}

static void waiting(struct mosquitto *requester)
{
    struct mqttrs_message message = { .size = sizeof message, .topic = "echo/a", .payload = "x",
        .payloadlen = 1, .qos = 1 };
    struct mosquitto_message *response = NULL;
    mosquitto_property *props = NULL;
    CHECK_INT(0, mqttrs_request_wait(requester, &message, PATIENCE, &response, &props));
    CHECK_INT(4, response->payloadlen);
    CHECK(memcmp(response->payload, "re:x", 5) == 0);
    mosquitto_message_free(&response);
    mosquitto_property_free_all(&props);
    CHECK_INT(0, mqttrs_request_wait(requester, &message, PATIENCE, &response, NULL));
    mosquitto_message_free(&response);
    message.topic = "nobody";
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_request_wait(requester, &message, 50, &response, &props));
    CHECK(response == NULL && props == NULL);
}

/* Where nobody runs the loop, waiting does. */
static void waiting_alone(int version, bool by_topic)
{
    struct mosquitto *alone = client("alone", version);
    CHECK_INT(0, mqttrs_request_by_topic_set(alone, by_topic));
    struct mqttrs_message message = { .size = sizeof message, .topic = "echo/a", .payload = "x",
        .payloadlen = 1 };
    struct mosquitto_message *response = NULL;
    CHECK_INT(MOSQ_ERR_NO_CONN,
        mqttrs_request_wait(alone, &message, PATIENCE, &response, NULL));
    message.qos = 1;
    CHECK_INT(MOSQ_ERR_NO_CONN,
        mqttrs_request_wait(alone, &message, PATIENCE, &response, NULL));
    CHECK_INT(0, mosquitto_connect(alone, "127.0.0.1", broker_port, 60));
    CHECK_INT(0, mqttrs_request_wait(alone, &message, PATIENCE, &response, NULL));
    mosquitto_message_free(&response);
    mosquitto_destroy(alone);
}

int main(int argc, char **argv)
{
    CHECK_INT(6, argc);
    broker_port = port_of(argv[1]);
    count = atoi(argv[2]);
    int version = atoi(argv[3]), other = atoi(argv[4]);
    bool by_topic = atoi(argv[5]) != 0;
    CHECK(count >= 20 && count <= MOST);
    watchdog(300);
    mosquitto_lib_init();
    struct mosquitto *server = serve("server", other, "echo/+");
    struct mosquitto *requester = client("requester", version);
    never(requester);
    CHECK_INT(0, mqttrs_request_by_topic_set(requester, by_topic));
    connect_and_start(requester);

    watched = "shuffled responses";
    many_with_shuffled_responses(requester, server);
    watched = "a chain";
    a_chain(requester);
    watched = "waiting";
    waiting(requester);
    watched = "waiting alone";
    waiting_alone(version, by_topic);

    watched = "who served does no longer";
    CHECK_INT(0, mqttrs_serve(server, "echo/+", 0, NULL, NULL));
    settle(server);
    expect_told(1);
    CHECK_INT(0, ask(requester, "echo/a", 0, 1, 50));
    gate_wait(&all_told);
    check_results(1, MOSQ_ERR_TIMEOUT);

    watched = "who served one for the other";
    struct mosquitto *shared[2];
    for (int i = 0; i < 2; i++) {
        shared[i] = serve(i == 0 ? "one" : "two", other, "$share/all/echo/a");
    }
    answered_at_once = 0;
    expect_told(count);
    for (int i = 0; i < count; i++) {
        CHECK_INT(0, ask(requester, "echo/a", i, 1, PATIENCE));
    }
    gate_wait(&all_told);
    check_results(count, MOSQ_ERR_SUCCESS);
    CHECK_INT(count, answered_at_once);
    mosquitto_destroy(shared[0]);
    mosquitto_destroy(shared[1]);
    mosquitto_destroy(requester);
    mosquitto_destroy(server);
    mosquitto_lib_cleanup();
    return 0;
}
