/* oneshot: mqttrs_publish_once, mqttrs_receive_once, mqttrs_receive_each.
 *
 * Arguments: port, then what is to be tried (see `trials` below), then what it needs. Whatever comes
 * of a call, it leaves no thread and no descriptor behind. */
#include <stdatomic.h>

#include <mqttrs.h>

#include "check.h"

enum { PATIENCE = 30000, SHORT = 300, MANY = 1000, THREADS = 6 };

static int port;
static char **arguments;
static char why[256];

static struct mqttrs_connection server(void)
{
    memset(why, 'x', sizeof why);
    return (struct mqttrs_connection){ .size = sizeof(struct mqttrs_connection), .host = "127.0.0.1",
        .port = port, .error = why, .error_size = sizeof why };
}

static struct mqttrs_message message(const char *topic, const char *payload, int qos)
{
    return (struct mqttrs_message){ .size = sizeof(struct mqttrs_message), .topic = topic,
        .payload = payload, .payloadlen = strlen(payload), .qos = qos };
}

static struct mqttrs_subscription to(const char *filter, int qos)
{
    return (struct mqttrs_subscription){ .size = sizeof(struct mqttrs_subscription),
        .filter = filter, .qos = qos };
}

static int entries(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

/* Makes retained messages, reads them back, removes them: with one call for each step. */
static void every_qos(void)
{
    static const char *const topics[] = { "kept/0", "kept/1", "kept/2" };
    for (int version = 3; version <= 5; version++) {
        struct mqttrs_connection connection = server();
        struct mqttrs_message messages[3];
        int results[3] = { -1, -1, -1 };
        connection.protocol_version = version;
        for (int i = 0; i < 3; i++) {
            messages[i] = message(topics[i], i == 1 ? "one" : "other", i);
            messages[i].retain = true;
        }
        CHECK_INT(0, mqttrs_publish_once(&connection, messages, 3, results));
        CHECK(results[0] == 0 && results[1] == 0 && results[2] == 0);
        CHECK_INT(0, strlen(why));

        struct mqttrs_received *received = NULL;
        struct mqttrs_subscription filters[] = { to("kept/0", 0), to("kept/+", 2) };
        CHECK_INT(0, mqttrs_receive_once(&connection, filters, 1, 1, true, &received));
        CHECK(received != NULL && received->next == NULL && received->properties == NULL);
        CHECK_INT(sizeof *received, received->size);
        CHECK(strcmp(received->message.topic, "kept/0") == 0 && received->message.retain);
        CHECK_INT(5, received->message.payloadlen);
        CHECK(strcmp(received->message.payload, "other") == 0);
        mqttrs_received_free(received);

        CHECK_INT(0, mqttrs_receive_once(&connection, &filters[1], 1, 3, true, &received));
        int seen = 0;
        for (const struct mqttrs_received *each = received; each != NULL; each = each->next) {
            seen |= 1 << each->message.qos;
        }
        CHECK_INT(7, seen);
        mqttrs_received_free(received);

        for (int i = 0; i < 3; i++) {
            messages[i].payload = NULL;
            messages[i].payloadlen = 0;
        }
        CHECK_INT(0, mqttrs_publish_once(&connection, messages, 3, NULL));
    }
}

/* More than a client keeps in flight, and more than it is given at once, in order. */
static void many(void)
{
    static char payloads[MANY][8];
    static struct mqttrs_message messages[MANY];
    static int results[MANY];
    struct mqttrs_connection collector = server();
    struct mqttrs_subscription filter = to("many", 2);
    struct mqttrs_message first = message("many", "first", 1);
    struct mqttrs_received *received;
    collector.client_id = "collector";
    collector.keep_session = true;
    collector.timeout_ms = SHORT;
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_receive_once(&collector, &filter, 1, 1, true, &received));
    CHECK(received == NULL);
    CHECK(strstr(why, "time is over") != NULL);

    struct mqttrs_connection connection = server();
    for (int i = 0; i < MANY; i++) {
        snprintf(payloads[i], sizeof payloads[i], "%d", i);
        messages[i] = message("many", payloads[i], 2);
        results[i] = -1;
    }
    first.retain = false;
    CHECK_INT(0, mqttrs_publish_once(&connection, &first, 1, NULL));
    CHECK_INT(0, mqttrs_publish_once(&connection, messages, MANY, results));
    for (int i = 0; i < MANY; i++) {
        CHECK_INT(0, results[i]);
    }
    collector.timeout_ms = 0;
    CHECK_INT(0, mqttrs_receive_once(&collector, &filter, 1, MANY + 1, true, &received));
    int count = -1;
    for (const struct mqttrs_received *each = received; each != NULL; each = each->next) {
        CHECK(count >= 0 ? atoi(each->message.payload) == count
            : strcmp(each->message.payload, "first") == 0);
        count++;
    }
    CHECK_INT(MANY, count);
    mqttrs_received_free(received);
    /* The session ends with a clean one. */
    connection.client_id = "collector";
    CHECK_INT(0, mqttrs_publish_once(&connection, &first, 1, NULL));
}

/* MQTT 5: properties of the message and of the connection go through. */
static void properties(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = message("typed", "{}", 1);
    struct mqttrs_subscription filter = to("typed", 1);
    struct mqttrs_received *received;
    mosquitto_property *list = NULL, *expiry = NULL;
    char *type = NULL;
    connection.protocol_version = MQTT_PROTOCOL_V5;
    one.retain = true;
    CHECK_INT(0, mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, "json"));
    CHECK_INT(0, mosquitto_property_add_int32(&expiry, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 0));
    one.properties = list;
    connection.properties = expiry;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK_INT(0, mqttrs_receive_once(&connection, &filter, 1, 1, true, &received));
    CHECK(mosquitto_property_read_string(received->properties, MQTT_PROP_CONTENT_TYPE, &type, false));
    CHECK(strcmp(type, "json") == 0);
    free(type);
    mqttrs_received_free(received);
    /* Below MQTT 5 there are none, and nothing is sent. */
    connection.protocol_version = MQTT_PROTOCOL_V311;
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED, mqttrs_publish_once(&connection, &one, 1, NULL));
    connection.properties = NULL;
    CHECK_INT(MOSQ_ERR_NOT_SUPPORTED, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK(strncmp(why, "message 1: ", 11) == 0);
    one.properties = NULL;
    one.payload = NULL;
    one.payloadlen = 0;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
    mosquitto_property_free_all(&list);
    mosquitto_property_free_all(&expiry);
}

/* Publishes a message that is not retained when it gets the one that is. */
static bool on_message(void *userdata, const struct mosquitto_message *got,
    const mosquitto_property *props)
{
    int *calls = userdata;
    CHECK(props == NULL);
    *calls += 1;
    if (got->retain) {
        struct mqttrs_connection connection = server();
        struct mqttrs_message next = message(got->topic, "next", 2);
        CHECK_INT(0, mqttrs_publish_once(&connection, &next, 1, NULL));
        return true;
    }
    CHECK(strcmp(got->payload, "next") == 0);
    return false;
}

/* Until the function has enough; a call inside it, with a client of its own. */
static void each_message(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = message("each", "first", 1);
    struct mqttrs_subscription filter = to("each", 2);
    struct mqttrs_received *received;
    int calls = 0;
    one.retain = true;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK_INT(0, mqttrs_receive_each(&connection, &filter, 1, on_message, &calls));
    CHECK_INT(2, calls);
    /* The retained one alone does not count. */
    connection.timeout_ms = SHORT;
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_receive_once(&connection, &filter, 1, 1, false, &received));
    CHECK(received == NULL);
    /* Fewer than wanted are there all the same. */
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_receive_once(&connection, &filter, 1, 2, true, &received));
    CHECK(received != NULL && received->next == NULL);
    mqttrs_received_free(received);
    one.payloadlen = 0;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
}

static atomic_int prepared;

static int leave_soon(struct mosquitto *m, void *userdata)
{
    prepared++;
    *(struct mosquitto **)userdata = m;
    return MOSQ_ERR_SUCCESS;
}

static bool disconnect(void *userdata, const struct mosquitto_message *got,
    const mosquitto_property *props)
{
    (void)got, (void)props;
    CHECK_INT(0, mosquitto_disconnect(*(struct mosquitto **)userdata));
    return true;
}

static int refuse(struct mosquitto *m, void *userdata)
{
    CHECK(m != NULL && userdata == &prepared);
    return MOSQ_ERR_AUTH;
}

/* The program has the client for all that is not in the description. */
static void preparing(void)
{
    struct mosquitto *m = NULL;
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = message("prepared", "1", 1);
    struct mqttrs_subscription filter = to("prepared", 1);
    connection.prepare = leave_soon;
    connection.userdata = &m;
    one.retain = true;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK_INT(0, mqttrs_receive_each(&connection, &filter, 1, disconnect, &m));
    CHECK_INT(2, prepared);
    CHECK_INT(MOSQ_ERR_INVAL, mosquitto_disconnect(m));
    one.payloadlen = 0;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
    connection.prepare = refuse;
    connection.userdata = &prepared;
    CHECK_INT(MOSQ_ERR_AUTH, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK(strlen(why) > 0);
}

static void *publish_some(void *unused)
{
    (void)unused;
    for (int i = 0; i < 5; i++) {
        struct mqttrs_connection connection = server();
        struct mqttrs_message messages[] = { message("t/0", "", 0), message("t/1", "", 1),
            message("t/2", "", 2) };
        connection.error = NULL;
        CHECK_INT(0, mqttrs_publish_once(&connection, messages, 3, NULL));
    }
    return NULL;
}

static void threads(void)
{
    pthread_t all[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_create(&all[i], NULL, publish_some, NULL));
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_join(all[i], NULL));
    }
}

/* A call inside a callback of a client, on whichever thread runs its loop. */
static struct gate called = GATE_CLOSED;

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = message("inside", "", 2);
    (void)m, (void)obj;
    CHECK_INT(0, rc);
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, NULL));
    gate_open(&called);
}

static void inside_a_callback(void)
{
    for (int shared = 0; shared < 2; shared++) {
        struct mosquitto *m = mosquitto_new(NULL, true, NULL);
        struct mqttrs_loop *loop = mqttrs_loop_new();
        CHECK(m != NULL && loop != NULL);
        gate_close(&called);
        mosquitto_connect_callback_set(m, on_connect);
        CHECK_INT(0, shared ? mqttrs_loop_add(loop, m) : mosquitto_loop_start(m));
        CHECK_INT(0, shared ? mqttrs_loop_start(loop) : 0);
        CHECK_INT(0, mosquitto_connect_async(m, "127.0.0.1", port, 60));
        gate_wait(&called);
        mosquitto_destroy(m);
        mqttrs_loop_destroy(loop);
    }
}

static void everything(void)
{
    every_qos();
    properties();
    each_message();
    preparing();
    inside_a_callback();
    threads();
}

/* What follows is tried with a broker that does what the test says. */

/* Arguments: the version. The broker refuses the connection. */
static void refused(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message messages[] = { message("t", "1", 1), message("t", "2", 0) };
    struct mqttrs_subscription filter = to("t", 1);
    struct mqttrs_received *received;
    int results[2];
    connection.protocol_version = atoi(arguments[0]);
    CHECK_INT(MOSQ_ERR_CONN_REFUSED, mqttrs_publish_once(&connection, messages, 2, results));
    CHECK(results[0] == MOSQ_ERR_CONN_REFUSED && results[1] == MOSQ_ERR_CONN_REFUSED);
    CHECK(strstr(why, "refused") != NULL);
    CHECK_INT(MOSQ_ERR_CONN_REFUSED,
        mqttrs_receive_once(&connection, &filter, 1, 1, true, &received));
    CHECK(received == NULL);
}

/* The broker takes the connection and says nothing, at first ever, then behind CONNACK. */
static void silent(void)
{
    struct mqttrs_message one = message("t", "1", 1);
    struct mqttrs_subscription filter = to("t", 1);
    struct mqttrs_received *received;
    struct mqttrs_connection connection = server();
    int calls = 0;
    connection.timeout_ms = SHORT;
    int result = 0;
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_publish_once(&connection, &one, 1, &result));
    CHECK_INT(MOSQ_ERR_TIMEOUT, result);
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_publish_once(&connection, &one, 1, &result));
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_receive_once(&connection, &filter, 1, 1, true, &received));
    CHECK_INT(MOSQ_ERR_TIMEOUT, mqttrs_receive_each(&connection, &filter, 1, on_message, &calls));
}

/* MQTT 5: the second of three messages is refused, and of two subscriptions too. */
static void partly(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message messages[] = { message("a", "1", 1), message("b", "2", 2),
        message("c", "3", 1) };
    struct mqttrs_subscription filters[] = { to("a", 1), to("b", 0) };
    struct mqttrs_received *received;
    int results[3];
    connection.protocol_version = MQTT_PROTOCOL_V5;
    CHECK_INT(MQTT_RC_QUOTA_EXCEEDED, mqttrs_publish_once(&connection, messages, 3, results));
    CHECK(results[0] == 0 && results[2] == 0);
    CHECK_INT(MQTT_RC_QUOTA_EXCEEDED, results[1]);
    CHECK(strcmp(why, "message 2: Quota exceeded") == 0);
    CHECK_INT(MQTT_RC_NOT_AUTHORIZED,
        mqttrs_receive_once(&connection, filters, 2, 1, true, &received));
    CHECK(strncmp(why, "b: ", 3) == 0 && strstr(why, "Not authorized") != NULL);
}

/* The broker loses connections, and in the end the call succeeds. Argument: the QoS. */
static void lost(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message messages[] = { message("a", "1", atoi(arguments[0])),
        message("b", "2", atoi(arguments[0])) };
    int results[2] = { -1, -1 };
    CHECK_INT(0, mqttrs_publish_once(&connection, messages, 2, results));
    CHECK(results[0] == 0 && results[1] == 0);
}

/* The broker loses all connections once it has accepted them. */
static void hopeless(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = message("a", "1", 1);
    CHECK_INT(MOSQ_ERR_CONN_LOST, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK(strlen(why) > 0);
}

/* More than the network takes at once. */
static void large(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = { .size = sizeof one, .topic = "large", .payloadlen = 16 << 20 };
    int result = -1;
    void *payload = calloc(1, one.payloadlen);
    CHECK(payload != NULL);
    one.payload = payload;
    CHECK_INT(0, mqttrs_publish_once(&connection, &one, 1, &result));
    CHECK_INT(0, result);
    free(payload);
}

/* Two messages arrive, on one connection each. */
static void received_anew(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_subscription filter = to("t", 0);
    struct mqttrs_received *received;
    CHECK_INT(0, mqttrs_receive_once(&connection, &filter, 1, 2, true, &received));
    CHECK(strcmp(received->message.payload, "1") == 0);
    CHECK(strcmp(received->next->message.payload, "2") == 0);
    mqttrs_received_free(received);
}

/* Nobody listens. */
static void nobody(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message one = message("a", "1", 1);
    int result = 0;
    errno = 0;
    CHECK_INT(MOSQ_ERR_ERRNO, mqttrs_publish_once(&connection, &one, 1, &result));
    CHECK_INT(ECONNREFUSED, errno);
    CHECK_INT(MOSQ_ERR_ERRNO, result);
    CHECK(strstr(why, "127.0.0.1") != NULL);
    connection.error_size = 4;
    CHECK_INT(MOSQ_ERR_ERRNO, mqttrs_publish_once(&connection, &one, 1, NULL));
    CHECK_INT(3, strlen(why));
}

/* To another way: arguments are transport, proxy kind, proxy port, user and password of the proxy,
 * ca, certificate, key, each "-" for none. */
static const char *given(int index)
{
    return strcmp(arguments[index], "-") == 0 ? NULL : arguments[index];
}

static void route(void)
{
    struct mqttrs_connection connection = server();
    struct mqttrs_message will = message("will", "gone", 1);
    struct mqttrs_message one = message("routed", "1", 1);
    struct mqttrs_subscription filter = to("routed", 1);
    struct mqttrs_received *received;
    connection.transport = atoi(arguments[0]);
    connection.proxy = atoi(arguments[1]);
    connection.proxy_host = "127.0.0.1";
    connection.proxy_port = atoi(arguments[2]);
    connection.proxy_username = given(3);
    connection.proxy_password = given(4);
    connection.cafile = given(5);
    connection.certfile = given(6);
    connection.keyfile = given(7);
    connection.username = "user";
    connection.password = "password";
    connection.will = &will;
    connection.protocol_version = MQTT_PROTOCOL_V5;
    one.retain = true;
    int rc = mqttrs_publish_once(&connection, &one, 1, NULL);
    if (rc != 0) {
        fprintf(stderr, "%s\n", why);
    }
    CHECK_INT(0, rc);
    CHECK_INT(0, mqttrs_receive_once(&connection, &filter, 1, 1, true, &received));
    mqttrs_received_free(received);
    if (connection.certfile != NULL) {
        /* Who has none is not let in. */
        connection.certfile = connection.keyfile = NULL;
        CHECK(mqttrs_publish_once(&connection, &one, 1, NULL) != 0);
        CHECK(strlen(why) > 0);
        /* And a certificate of nobody we trust is not taken. */
        connection.cafile = NULL;
        connection.tls = MQTTRS_TLS_OS_CERTS;
        CHECK_INT(MOSQ_ERR_TLS, mqttrs_publish_once(&connection, &one, 1, NULL));
        CHECK(strstr(why, "TLS") != NULL);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} trials[] = { { "everything", everything }, { "many", many }, { "refused", refused },
    { "silent", silent }, { "partly", partly }, { "lost", lost }, { "hopeless", hopeless },
    { "large", large }, { "received_anew", received_anew }, { "nobody", nobody }, { "route", route } };

int main(int argc, char **argv)
{
    CHECK(argc >= 3);
    port = port_of(argv[1]);
    watched = argv[2];
    arguments = &argv[3];
    watchdog(120);
    mosquitto_lib_init();
    idle_clients_begin();
    int before = entries("/proc/self/fd"), found = 0;
    for (size_t i = 0; i < COUNT_OF(trials); i++) {
        if (strcmp(trials[i].name, argv[2]) == 0) {
            trials[i].run();
            found++;
        }
    }
    CHECK_INT(1, found);
    CHECK_INT(before, entries("/proc/self/fd"));
    idle_clients_end();
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
