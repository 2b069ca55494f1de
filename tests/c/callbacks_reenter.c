/* callbacks_reenter: every function inside every callback, for each way of driving a client.
 *
 * Arguments: port of a broker that agrees to everything, the way of driving (loop, forever,
 * thread, foreign, shared), and which calls (ordinary, the name of another one, or all).
 *
 * A run is a small script that callbacks carry on: connect, authenticate, subscribe, publish,
 * receive, unsubscribe, disconnect. In one place of it, one callback does something else first;
 * after that the script has to come to its end all the same, or to the end that was asked for. */
#include <poll.h>
#include <stdatomic.h>

#include <mqttrs.h>

#include "every_call.h"

enum place {
    CONNECT,
    CONNECT_WITH_FLAGS,
    CONNECT_V5,
    PRE_CONNECT,
    DISCONNECT,
    DISCONNECT_V5,
    PUBLISH,
    PUBLISH_V5,
    MESSAGE,
    MESSAGE_V5,
    FILTERED,
    SUBSCRIBE,
    SUBSCRIBE_V5,
    UNSUBSCRIBE,
    UNSUBSCRIBE_V5,
    UNSUBSCRIBE2_V5,
    EXT_AUTH,
    LOG,
    LOG_RECORD,
    PLACES
};

static const char *const place_names[PLACES] = {
    "connect", "connect_with_flags", "connect_v5", "pre_connect", "disconnect", "disconnect_v5",
    "publish", "publish_v5", "message", "message_v5", "filtered message", "subscribe",
    "subscribe_v5", "unsubscribe", "unsubscribe_v5", "unsubscribe2_v5", "ext_auth", "log",
    "log_record",
};

enum drive { LOOP, FOREVER, THREAD, FOREIGN, SHARED, DRIVES };
static const char *const drive_names[DRIVES] = { "loop", "forever", "thread", "foreign", "shared" };

/* What only a shared loop has: the client leaves it and comes back, another one comes and
 * goes, the loop is stopped. */
static const struct call shared_calls[] = {
    { .name = "rejoin" }, { .name = "another" }, { .name = "shared_stop" },
};
static struct mqttrs_loop *shared;

/* One run. */
static enum drive drive;
static enum place place;
static const struct call *action; /* NULL for all ordinary ones */
static atomic_bool acted, destroyed, stopped, reconnecting, continued, ending;
static atomic_int seen[PLACES];
static int sub_mid, unsub_mid;
/* The script waits for the connection that a callback has asked for. */
static atomic_bool waiting;
/* The script has come to its end, or the client has. */
static struct gate over = GATE_CLOSED;
/* That, or the loop thread was stopped on the way. */
static struct gate interrupted = GATE_CLOSED;

static bool is(const char *name)
{
    return action != NULL && strcmp(action->name, name) == 0;
}

static bool connects(void)
{
    return is("connect") || is("connect_bind") || is("connect_bind_v5") || is("connect_async")
        || is("connect_bind_async") || is("reconnect") || is("reconnect_async");
}

static bool stops(void)
{
    return is("loop_stop") || is("loop_stop_force");
}

static bool disconnects(void)
{
    return is("disconnect") || is("disconnect_v5");
}

/* Whether a thread of the library drives the client, and reconnects it. */
static bool hosted(void)
{
    return drive == THREAD || drive == SHARED;
}

static bool offline(enum place where)
{
    return where == PRE_CONNECT || where == DISCONNECT || where == DISCONNECT_V5;
}

/* The last thing a callback does: with the end, the next run may begin. */
static void leave(void)
{
    if (atomic_exchange(&ending, false)) {
        gate_open(&interrupted);
        gate_open(&over);
    }
}

static int expected(const struct call *call)
{
    /* Before CONNACK, only authentication goes on. */
    const char *name = call->name + (strncmp(call->name, "mqttrs_", 7) == 0 ? 7 : 0);
    bool request = strncmp(name, "publish", 7) == 0 || strncmp(name, "subscribe", 9) == 0
        || strncmp(name, "unsubscribe", 11) == 0 || strcmp(name, "request_0") == 0;
    return offline(place) || (place == EXT_AUTH && request) ? call->offline : call->online;
}

static int expected_of_action(void)
{
    if (disconnects()) {
        /* An attempt to connect ends all the same. */
        return offline(place) ? MOSQ_ERR_NO_CONN : MOSQ_ERR_SUCCESS;
    }
    if (is("loop_start")) {
        return hosted() ? MOSQ_ERR_INVAL : MOSQ_ERR_SUCCESS;
    }
    if (stops()) {
        return drive == THREAD ? MOSQ_ERR_SUCCESS : MOSQ_ERR_INVAL;
    }
    return MOSQ_ERR_SUCCESS;
}

static void act_on_the_shared_loop(struct mosquitto *m)
{
    if (is("rejoin")) {
        CHECK_INT(0, mqttrs_loop_remove(shared, m));
        CHECK_INT(MOSQ_ERR_INVAL, mqttrs_loop_remove(shared, m));
        CHECK_INT(0, mqttrs_loop_add(shared, m));
        CHECK_INT(MOSQ_ERR_INVAL, mqttrs_loop_add(shared, m));
    } else if (is("another")) {
        struct mosquitto *other = mosquitto_new(NULL, true, NULL);
        CHECK(other != NULL);
        CHECK_INT(0, mqttrs_loop_add(shared, other));
        CHECK_INT(0, mosquitto_connect_async(other, CALL_HOST, call_port, 60));
        CHECK_INT(0, mqttrs_loop_remove(shared, other));
        CHECK_INT(0, mosquitto_connect(other, CALL_HOST, call_port, 60));
        CHECK_INT(0, mqttrs_loop_add(shared, other));
        mosquitto_destroy(other);
        CHECK_INT(MOSQ_ERR_INVAL, mqttrs_loop_remove(shared, other));
    } else {
        CHECK_INT(0, mqttrs_loop_stop(shared));
        stopped = true;
        gate_open(&interrupted);
    }
}

static void act(struct mosquitto *m)
{
    if (action == NULL) {
        for (size_t i = 0; i < COUNT_OF(ordinary_calls); i++) {
            const struct call *call = &ordinary_calls[i];
            if (place == LOG || place == LOG_RECORD) {
                /* A line may come at any time, so either result is right. */
                int rc = call->make(m);
                CHECK(call->online == ANY || rc == call->online || rc == call->offline
                    || call->offline == ANY);
            } else {
                check_call(call, m, expected(call));
            }
        }
        continued = place == EXT_AUTH || place == LOG || place == LOG_RECORD;
        return;
    }
    if (action->make == NULL) {
        act_on_the_shared_loop(m);
        return;
    }
    if (is("destroy")) {
        mosquitto_destroy(m);
        destroyed = true;
        check_dead(m);
        ending = true;
        return;
    }
    if (connects() && (place == DISCONNECT || place == DISCONNECT_V5)) {
        reconnecting = true;
    }
    waiting = connects();
    check_call(action, m, expected_of_action());
    if (is("reinitialise") || (disconnects() && place == PRE_CONNECT)) {
        ending = true;
    }
    if (stops() && drive == THREAD) {
        stopped = true;
        gate_open(&interrupted);
    }
}

/* A callback was called. */
static void at(struct mosquitto *m, enum place where)
{
    CHECK(!destroyed);
    seen[where]++;
    if (where == place && !atomic_exchange(&acted, true)) {
        act(m);
    }
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)obj;
    CHECK_INT(0, rc);
    waiting = false;
    at(m, CONNECT);
    leave();
}

static void on_connect_with_flags(struct mosquitto *m, void *obj, int rc, int flags)
{
    (void)obj;
    CHECK_INT(0, rc);
    CHECK_INT(0, flags);
    at(m, CONNECT_WITH_FLAGS);
    leave();
}

static void on_connect_v5(struct mosquitto *m, void *obj, int rc, int flags,
    const mosquitto_property *props)
{
    (void)obj;
    (void)flags;
    (void)props;
    CHECK_INT(0, rc);
    at(m, CONNECT_V5);
    if (!waiting) {
        mosquitto_subscribe(m, &sub_mid, "echo/#", 1);
    }
    leave();
}

static void on_pre_connect(struct mosquitto *m, void *obj)
{
    (void)obj;
    continued = false;
    at(m, PRE_CONNECT);
    leave();
}

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)obj;
    CHECK_INT(0, rc);
    at(m, DISCONNECT);
    leave();
}

static void on_disconnect_v5(struct mosquitto *m, void *obj, int rc, const mosquitto_property *props)
{
    (void)obj;
    (void)props;
    CHECK_INT(0, rc);
    at(m, DISCONNECT_V5);
    if (!atomic_exchange(&reconnecting, false)) {
        ending = true;
    }
    leave();
}

static void on_publish(struct mosquitto *m, void *obj, int mid)
{
    (void)obj;
    CHECK(mid > 0);
    at(m, PUBLISH);
    leave();
}

static void on_publish_v5(struct mosquitto *m, void *obj, int mid, int reason,
    const mosquitto_property *props)
{
    (void)obj;
    (void)props;
    CHECK(mid > 0);
    CHECK_INT(0, reason);
    at(m, PUBLISH_V5);
    leave();
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)obj;
    at(m, MESSAGE);
    /* Lent for as long as the callback runs, whatever it does. */
    CHECK(strcmp(message->topic, "echo/script") == 0);
    CHECK(message->payloadlen == 7 && strcmp(message->payload, "payload") == 0);
    leave();
}

static void on_message_v5(struct mosquitto *m, void *obj, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)obj;
    (void)props;
    at(m, MESSAGE_V5);
    CHECK(strcmp(message->topic, "echo/script") == 0);
    if (!waiting) {
        mosquitto_unsubscribe(m, &unsub_mid, "echo/#");
    }
    leave();
}

static void on_filtered(struct mosquitto *m, void *userdata,
    const struct mosquitto_message *message, const mosquitto_property *props)
{
    (void)props;
    CHECK(userdata == &call_token);
    at(m, FILTERED);
    CHECK(strcmp(message->topic, "echo/filtered") == 0);
    CHECK(message->payloadlen == 7 && strcmp(message->payload, "payload") == 0);
    if (!waiting) {
        mosquitto_publish(m, NULL, "echo/script", 7, "payload", 1, false);
    }
    leave();
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)obj;
    CHECK(mid > 0 && count > 0);
    at(m, SUBSCRIBE);
    CHECK_INT(0, granted[0]);
    leave();
}

static void on_subscribe_v5(struct mosquitto *m, void *obj, int mid, int count, const int *granted,
    const mosquitto_property *props)
{
    (void)obj;
    (void)count;
    (void)props;
    at(m, SUBSCRIBE_V5);
    CHECK_INT(0, granted[0]);
    if (!waiting && mid == sub_mid) {
        mosquitto_publish(m, NULL, "echo/filtered", 7, "payload", 1, false);
    }
    leave();
}

static void on_unsubscribe(struct mosquitto *m, void *obj, int mid)
{
    (void)obj;
    CHECK(mid > 0);
    at(m, UNSUBSCRIBE);
    leave();
}

static void on_unsubscribe_v5(struct mosquitto *m, void *obj, int mid,
    const mosquitto_property *props)
{
    (void)obj;
    (void)mid;
    (void)props;
    at(m, UNSUBSCRIBE_V5);
    leave();
}

static void on_unsubscribe2_v5(struct mosquitto *m, void *obj, int mid, int count,
    const int *reasons, const mosquitto_property *props)
{
    (void)obj;
    (void)props;
    at(m, UNSUBSCRIBE2_V5);
    CHECK(count > 0);
    CHECK_INT(0, reasons[0]);
    if (!waiting && mid == unsub_mid) {
        mosquitto_disconnect(m);
    }
    leave();
}

static int on_ext_auth(struct mosquitto *m, void *obj, const char *method, uint16_t len,
    const void *data, const mosquitto_property *props)
{
    (void)obj;
    (void)len;
    (void)data;
    (void)props;
    at(m, EXT_AUTH);
    CHECK(strcmp(method, "steps") == 0);
    if (!atomic_exchange(&continued, true)) {
        mosquitto_ext_auth_continue(m, method, 4, "step", NULL);
    }
    leave();
    return MOSQ_ERR_SUCCESS;
}

static void on_log(struct mosquitto *m, void *obj, int level, const char *line)
{
    (void)obj;
    (void)level;
    CHECK(line[0] != '\0');
    at(m, LOG);
    leave();
}

static void on_log_record(struct mosquitto *m, void *obj, const struct mqttrs_log_record *record)
{
    (void)obj;
    /* Until CONNECT is made there is nothing but another connection to ask for. */
    if (connects() || strcmp(record->event, "connect.sent") == 0) {
        at(m, LOG_RECORD);
    }
    /* Lent for as long as the callback runs, whatever it does. */
    CHECK(record->text[0] != '\0' && record->event[0] != '\0');
    for (size_t i = 0; i < record->field_count; i++) {
        CHECK(record->fields[i].key[0] != '\0' && record->fields[i].value != NULL);
    }
    leave();
}

static void choose_callbacks(void)
{
    setters.connect = on_connect;
    setters.connect_with_flags = on_connect_with_flags;
    setters.connect_v5 = on_connect_v5;
    setters.pre_connect = on_pre_connect;
    setters.disconnect = on_disconnect;
    setters.disconnect_v5 = on_disconnect_v5;
    setters.publish = on_publish;
    setters.publish_v5 = on_publish_v5;
    setters.message = on_message;
    setters.message_v5 = on_message_v5;
    setters.subscribe = on_subscribe;
    setters.subscribe_v5 = on_subscribe_v5;
    setters.unsubscribe = on_unsubscribe;
    setters.unsubscribe_v5 = on_unsubscribe_v5;
    setters.unsubscribe2_v5 = on_unsubscribe2_v5;
    setters.ext_auth = on_ext_auth;
    setters.log = on_log;
    setters.filtered = on_filtered;
    setters.log_record = on_log_record;
}

static struct mosquitto *make_client(void)
{
    struct mosquitto *m = mosquitto_new("reenter", true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    for (size_t i = 0; i < COUNT_OF(ordinary_calls); i++) {
        if (strncmp(ordinary_calls[i].name, "setters_", 8) == 0) {
            ordinary_calls[i].make(m);
        }
    }
    return m;
}

/* Connects in the way that reaches the place. */
static void begin(struct mosquitto *m)
{
    int rc;
    if (drive == THREAD) {
        CHECK_INT(0, mosquitto_loop_start(m));
    } else if (drive == SHARED) {
        CHECK_INT(0, mqttrs_loop_add(shared, m));
    }
    if (hosted() && place == PRE_CONNECT) {
        rc = mosquitto_connect_async(m, CALL_HOST, call_port, 60);
        CHECK_INT(0, rc);
        return;
    }
    mosquitto_property *props = NULL;
    CHECK_INT(0, mosquitto_property_add_string(&props, MQTT_PROP_AUTHENTICATION_METHOD, "steps"));
    rc = mosquitto_connect_bind_v5(m, CALL_HOST, call_port, 60, NULL, props);
    mosquitto_property_free_all(&props);
    /* Inside it, another call may have taken its place. */
    bool overtaken = acted && (place == PRE_CONNECT || place == LOG || place == LOG_RECORD);
    CHECK(rc == 0 || overtaken);
}

/* The loop of a program that has one of its own. */
static int turn_of_a_foreign_loop(struct mosquitto *m)
{
    struct pollfd fd = { mosquitto_socket(m), POLLIN, 0 };
    int rc = MOSQ_ERR_SUCCESS;
    if (mosquitto_want_write(m)) {
        fd.events |= POLLOUT;
    }
    CHECK(poll(&fd, 1, 20) >= 0);
    if (fd.revents & ~POLLOUT) {
        rc = mosquitto_loop_read(m, 1);
    }
    if (rc == MOSQ_ERR_SUCCESS && (fd.revents & POLLOUT)) {
        rc = mosquitto_loop_write(m, 1);
    }
    return rc == MOSQ_ERR_SUCCESS ? mosquitto_loop_misc(m) : rc;
}

static void run_to_the_end(struct mosquitto *m)
{
    if (drive == FOREVER) {
        if (!gate_is_open(&over)) {
            int rc = mosquitto_loop_forever(m, -1, 1);
            /* A thread that was started inside connect runs the loop already. */
            CHECK(rc == 0 || (rc == MOSQ_ERR_INVAL && is("loop_start")));
        }
        if (is("loop_start")) {
            gate_wait(&over);
        }
    } else if (hosted()) {
        gate_wait(&interrupted);
        if (stopped && drive == THREAD) {
            CHECK_INT(0, mosquitto_loop_start(m));
        } else if (stopped) {
            /* Its run ends when the callback has. */
            while (mqttrs_loop_start(shared) == MOSQ_ERR_INVAL) {
                sched_yield();
            }
        }
        gate_wait(&over);
    } else {
        while (!gate_is_open(&over)) {
            int rc = drive == LOOP ? mosquitto_loop(m, 50, 1) : turn_of_a_foreign_loop(m);
            /* A loop thread that was started on the way may have come to the end first. */
            if (!gate_is_open(&over) && !is("loop_start")) {
                CHECK_INT(0, rc);
            }
        }
    }
    CHECK(gate_is_open(&over));
    CHECK(acted);
}

static void run(void)
{
    char what[128];
    snprintf(what, sizeof(what), "%s in the %s callback, driven by %s",
        action == NULL ? "ordinary calls" : action->name, place_names[place], drive_names[drive]);
    watched = what;
    watchdog(60);
    acted = destroyed = stopped = reconnecting = continued = waiting = ending = false;
    for (size_t i = 0; i < PLACES; i++) {
        seen[i] = 0;
    }
    sub_mid = unsub_mid = 0;
    gate_close(&over);
    gate_close(&interrupted);

    struct mosquitto *m = make_client();
    begin(m);
    run_to_the_end(m);
    if (destroyed) {
        check_dead(m);
    } else if (is("reinitialise")) {
        CHECK_INT(MOSQ_ERR_INVAL, mosquitto_reconnect(m));
    } else if (disconnects() && place == PRE_CONNECT) {
        CHECK_INT(-1, mosquitto_socket(m));
        CHECK_INT(0, seen[CONNECT]);
    } else if (action == NULL) {
        for (size_t i = 0; i < PLACES; i++) {
            /* Without properties of CONNECT there is no authentication. */
            bool unreachable = i == EXT_AUTH && hosted() && place == PRE_CONNECT;
            CHECK(unreachable || seen[i] > 0);
        }
    }
    mosquitto_destroy(m);
    check_dead(m);
    watchdog(0);
    watched = "";
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    call_port = port_of(argv[1]);
    while (drive < DRIVES && strcmp(drive_names[drive], argv[2]) != 0) {
        drive++;
    }
    CHECK(drive < DRIVES);
    choose_callbacks();
    mosquitto_lib_init();
    idle_clients_begin();
    if (drive == SHARED) {
        shared = mqttrs_loop_new();
        CHECK(shared != NULL);
        CHECK_INT(0, mqttrs_loop_start(shared));
    }
    for (place = 0; place < PLACES; place++) {
        bool all = strcmp(argv[3], "all") == 0;
        if (all || strcmp(argv[3], "ordinary") == 0) {
            action = NULL;
            run();
        }
        for (size_t i = 0; i < COUNT_OF(disturbing_calls); i++) {
            action = &disturbing_calls[i];
            if (all || strcmp(argv[3], action->name) == 0) {
                run();
            }
        }
        for (size_t i = 0; drive == SHARED && i < COUNT_OF(shared_calls); i++) {
            action = &shared_calls[i];
            if (all || strcmp(argv[3], action->name) == 0) {
                run();
            }
        }
    }
    watchdog(60);
    mqttrs_loop_destroy(shared);
    idle_clients_end();
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
