/* requests_end: requests without a response, and what becomes of them: the end of their time, with and
 * without a connection and for each way of driving a client; a reconnect; the end of the client;
 * responses to nothing.
 *
 * Arguments: port of a broker, how many requests, the protocol version of all (4 or 5). */
#include <time.h>

#include "requests.h"

static int count, version;

static long long now_ms(void)
{
    struct timespec now;
    CHECK_INT(0, clock_gettime(CLOCK_MONOTONIC, &now));
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* All run out at their time and not before, the last first. */
static void run_out(struct mosquitto *m, const char *topic)
{
    long long start = now_ms();
    expect_told(count);
    for (int i = 0; i < count; i++) {
        CHECK_INT(0, ask(m, topic, i, 1, (unsigned int)(100 + count - i)));
    }
    gate_wait(&all_told);
    CHECK(now_ms() - start >= 100 + count);
    check_results(count, MOSQ_ERR_TIMEOUT);
}

static void run_out_by(struct mosquitto *m, const char *topic, const char *how)
{
    expect_told(1);
    CHECK_INT(0, ask(m, topic, 0, 1, 50));
    while (told == 0) {
        if (strcmp(how, "loop") == 0) {
            mosquitto_loop(m, 1000, 1);
        } else {
            mosquitto_loop_misc(m);
            sched_yield();
        }
    }
    check_results(1, MOSQ_ERR_TIMEOUT);
}

static void without_a_connection(void)
{
    struct mosquitto *m = client("offline", version);
    CHECK_INT(0, mosquitto_loop_start(m));
    run_out(m, "end/nobody");
    CHECK_INT(0, mosquitto_loop_stop(m, true));
    run_out_by(m, "end/nobody", "loop");
    run_out_by(m, "end/nobody", "misc");
    struct mqttrs_loop *loop = mqttrs_loop_new();
    CHECK(loop != NULL);
    CHECK_INT(0, mqttrs_loop_add(loop, m));
    CHECK_INT(0, mqttrs_loop_start(loop));
    run_out(m, "end/nobody");
    mqttrs_loop_destroy(loop);
    mosquitto_destroy(m);
}

static struct gate connected = GATE_CLOSED;

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m, (void)obj;
    CHECK_INT(0, rc);
    gate_open(&connected);
}

/* The session goes with the connection, and the response comes on the next one. */
static void over_a_reconnect(struct mosquitto *requester, struct mosquitto *server)
{
    hold_requests(count);
    expect_told(count);
    for (int i = 0; i < count; i++) {
        CHECK_INT(0, ask(requester, "end/a", i, 1, PATIENCE));
    }
    gate_wait(&all_held);
    /* What was not acknowledged would be sent again. */
    settle(requester);
    mosquitto_connect_callback_set(requester, on_connect);
    for (int i = 0; i < 2; i++) {
        gate_close(&connected);
        CHECK_INT(0, mosquitto_reconnect(requester));
        gate_wait(&connected);
    }
    settle(requester);
    CHECK_INT(0, told);
    release_requests(server, 1);
    gate_wait(&all_told);
    check_results(count, MOSQ_ERR_SUCCESS);
}

static atomic_int strays;
static atomic_int strays_wanted;
static struct gate all_strays = GATE_CLOSED;

static void on_stray(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m, (void)obj;
    CHECK(strstr(message->topic, "response") != NULL);
    if (++strays == strays_wanted) {
        gate_open(&all_strays);
    }
}

/* A response that comes twice, too late, or for nothing is a message like others. */
static void responses_to_nothing(struct mosquitto *requester, struct mosquitto *server)
{
    mosquitto_message_callback_set(requester, on_stray);
    strays_wanted = count;
    hold_requests(count);
    expect_told(count);
    for (int i = 0; i < count; i++) {
        CHECK_INT(0, ask(requester, "end/a", i, 1, PATIENCE));
    }
    gate_wait(&all_held);
    release_requests(server, 2);
    gate_wait(&all_told);
    gate_wait(&all_strays);
    check_results(count, MOSQ_ERR_SUCCESS);

    strays = 0;
    strays_wanted = 1;
    gate_close(&all_strays);
    hold_requests(1);
    expect_told(1);
    CHECK_INT(0, ask(requester, "end/a", 0, 1, 500));
    gate_wait(&all_held);
    gate_wait(&all_told);
    check_results(1, MOSQ_ERR_TIMEOUT);
    release_requests(server, 1);
    gate_wait(&all_strays);

    const char *topic = version == 5 ? "mqttrs/response/requester" : "end/a/response/requester/12";
    strays = 0;
    gate_close(&all_strays);
    CHECK_INT(0, mosquitto_publish(server, NULL, topic, 1, "x", 1, false));
    gate_wait(&all_strays);
    mosquitto_message_callback_set(requester, never_arrived);
}

static void on_end(struct mosquitto *m, void *userdata, int result,
    const struct mosquitto_message *response, const mosquitto_property *props)
{
    on_response(m, userdata, result, response, props);
    if (result == MOSQ_ERR_SUCCESS) {
        int before = told;
        mosquitto_destroy(m);
        CHECK_INT(told_wanted, told);
        CHECK_INT(1, before);
    } else {
        /* There is nobody to ask any more. */
        CHECK(ask(m, "end/a", MOST - 1, 1, 10) != 0);
    }
}

static void by_the_end_of_the_client(struct mosquitto *server)
{
    for (int how = 0; how < 2; how++) {
        struct mosquitto *m = client("ending", version);
        connect_and_start(m);
        hold_requests(count);
        expect_told(count);
        for (int i = 0; i < count; i++) {
            CHECK_INT(0, ask(m, "end/a", i, 1, PATIENCE));
        }
        gate_wait(&all_held);
        if (how == 0) {
            mosquitto_destroy(m);
        } else {
            CHECK_INT(0, mosquitto_reinitialise(m, "ending", true, NULL));
            mosquitto_destroy(m);
        }
        CHECK_INT(count, told);
        check_results(count, MOSQ_ERR_NO_CONN);
        release_requests(server, 1);
    }
    struct mosquitto *m = client("ending", version);
    connect_and_start(m);
    expect_told(count);
    struct mqttrs_message message = { .size = sizeof message, .topic = "end/nobody", .qos = 1 };
    for (int i = 0; i < count; i++) {
        asked[i] = (struct asked){ .number = i, .result = -1 };
        if (i == count - 1) {
            char text[16];
            message.topic = "end/a";
            message.payload = text;
            message.payloadlen = (size_t)snprintf(text, sizeof text, "%d", i);
            CHECK_INT(0, mqttrs_request(m, &message, PATIENCE, on_end, &asked[i]));
        } else {
            CHECK_INT(0, mqttrs_request(m, &message, PATIENCE, on_end, &asked[i]));
        }
    }
    gate_wait(&all_told);
    CHECK_INT(MOSQ_ERR_SUCCESS, asked[count - 1].result);
    CHECK_INT(1, asked[count - 1].calls);
    check_results(count - 1, MOSQ_ERR_NO_CONN);
}

int main(int argc, char **argv)
{
    CHECK_INT(4, argc);
    broker_port = port_of(argv[1]);
    count = atoi(argv[2]);
    version = atoi(argv[3]);
    CHECK(count >= 2 && count < MOST);
    watchdog(300);
    mosquitto_lib_init();
    watched = "without a connection";
    without_a_connection();
    struct mosquitto *server = serve("server", version, "end/a");
    struct mosquitto *requester = client("requester", version);
    never(requester);
    connect_and_start(requester);
    watched = "with a connection";
    run_out(requester, "end/nobody");
    watched = "over a reconnect";
    over_a_reconnect(requester, server);
    watched = "responses to nothing";
    responses_to_nothing(requester, server);
    watched = "by the end of the client";
    by_the_end_of_the_client(server);
    mosquitto_destroy(requester);
    mosquitto_destroy(server);
    /* That of a client that was destroyed in its own callback, too. */
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
