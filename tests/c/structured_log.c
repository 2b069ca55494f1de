/* structured_log: the records of a whole life, beside the lines.
 *
 * Arguments: a port where nobody listens; the port of a broker that agrees to everything; the
 * same through a proxy that cuts the first connection within a message of 4000 bytes. */
#include <stdarg.h>

#include <mqttrs.h>

#include "check.h"

#define HOST "127.0.0.1"

/* What was logged and not yet looked at, one record after the other: level, event, fields. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char records[256][512];
static size_t first, count;
/* The line that came just before its record. */
static char line[512];
static bool publishes_itself;

static void on_line(struct mosquitto *m, void *obj, int level, const char *text)
{
    (void)m;
    (void)level;
    CHECK(obj == records);
    CHECK(line[0] == '\0');
    CHECK(strlen(text) < sizeof(line));
    strcpy(line, text);
}

static void on_record(struct mosquitto *m, void *obj, const struct mqttrs_log_record *record)
{
    CHECK(obj == records);
    CHECK(record->size >= sizeof(*record));
    CHECK(record->client_id != NULL && strcmp(record->client_id, "logger") == 0);
    CHECK(record->text[0] != '\0' && strchr(record->text, '\n') == NULL);
    CHECK(line[0] == '\0' || strcmp(line, record->text) == 0);
    line[0] = '\0';
    if (publishes_itself) {
        /* Which is not logged. */
        publishes_itself = false;
        CHECK_INT(0, mosquitto_publish(m, NULL, "log", 1, "x", 0, false));
    }
    pthread_mutex_lock(&mutex);
    CHECK(count < COUNT_OF(records));
    char *out = records[count++];
    size_t len = (size_t)snprintf(out, sizeof(records[0]), "%d %s", record->level, record->event);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct mqttrs_log_field *field = &record->fields[i];
        len += (size_t)snprintf(
            out + len, sizeof(records[0]) - len, " %s=%s", field->key, field->value);
        CHECK(len < sizeof(records[0]));
    }
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static bool have_records(void)
{
    pthread_mutex_lock(&mutex);
    bool have = first < count;
    pthread_mutex_unlock(&mutex);
    return have;
}

/* The next record, which is this one; a `*` at the end stands for anything. With a client, it is
 * driven here until there is one. */
__attribute__((format(printf, 2, 3))) static void expect(
    struct mosquitto *m, const char *format, ...)
{
    char expected[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(expected, sizeof(expected), format, arguments);
    va_end(arguments);
    watched = expected;
    while (m != NULL && !have_records()) {
        mosquitto_loop(m, 1000, 1);
    }
    pthread_mutex_lock(&mutex);
    while (first == count) {
        pthread_cond_wait(&changed, &mutex);
    }
    const char *got = records[first++];
    size_t len = strlen(expected);
    bool same = expected[len - 1] == '*' ? strncmp(got, expected, len - 1) == 0
                                         : strcmp(got, expected) == 0;
    if (!same) {
        fprintf(stderr, "logged: %s\nexpected: %s\n", got, expected);
        _exit(1);
    }
    pthread_mutex_unlock(&mutex);
}

static struct mosquitto *logger(void)
{
    struct mosquitto *m = mosquitto_new("logger", true, records);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_log_callback_set(m, on_line);
    CHECK_INT(0, mqttrs_log_callback_set(m, on_record));
    return m;
}

static void connect_to(struct mosquitto *m, int port)
{
    CHECK_INT(0, mosquitto_connect(m, HOST, port, 60));
    expect(m, "1 connection.begun host=" HOST " port=%d", port);
    expect(m, "16 connect.sent protocol=5 clean_start=1 keep_alive=60");
    expect(m, "1 connection.made address=" HOST ":%d", port);
    expect(m, "16 connack.received reason_code=0 session_present=0");
}

static void refused(int port)
{
    struct mosquitto *m = logger();
    CHECK_INT(MOSQ_ERR_ERRNO, mosquitto_connect(m, HOST, port, 60));
    expect(m, "1 connection.begun host=" HOST " port=%d", port);
    expect(m, "4 connection.failed error=*");
    /* A setting that is refused; its line is that of the record. */
    CHECK(mosquitto_tls_set(m, "/no/such/file", NULL, NULL, NULL, NULL) != 0);
    expect(m, "8 setting.refused error=*");
    CHECK(!have_records());
    mosquitto_destroy(m);
}

static void publish_and_receive(struct mosquitto *m, int qos)
{
    int mid;
    CHECK_INT(0, mosquitto_publish(m, &mid, "echo/a", 5, "hello", qos, qos == 1));
    expect(m, "16 publish.sent dup=0 qos=%d retain=%d mid=%d topic=echo/a payload_len=5", qos,
        qos == 1, mid);
    if (qos == 1) {
        expect(m, "16 puback.received mid=%d reason_code=0", mid);
    } else if (qos == 2) {
        expect(m, "16 pubrec.received mid=%d reason_code=0", mid);
        expect(m, "16 pubrel.sent mid=%d reason_code=0", mid);
    }
    int theirs = qos; /* the broker counts from 1 */
    expect(m, "16 publish.received dup=0 qos=%d retain=0 mid=%d topic=echo/a payload_len=5", qos,
        theirs);
    if (qos == 1) {
        expect(m, "16 puback.sent mid=%d reason_code=0", theirs);
    } else if (qos == 2) {
        expect(m, "16 pubrec.sent mid=%d reason_code=0", theirs);
        expect(m, "16 pubcomp.received mid=%d reason_code=0", mid);
        expect(m, "16 pubrel.received mid=%d reason_code=0", theirs);
        expect(m, "16 pubcomp.sent mid=%d reason_code=0", theirs);
    }
}

static void life(int port)
{
    struct mosquitto *m = logger();
    char *const filters[] = { "echo/#", "other/+" };
    int mid;
    connect_to(m, port);
    CHECK_INT(0, mosquitto_subscribe_multiple(m, &mid, 2, filters, 2, MQTT_SUB_OPT_NO_LOCAL, NULL));
    expect(m, "16 subscribe.sent mid=%d filter=echo/# qos=2 options=0x04", mid);
    expect(m, "16 subscribe.sent mid=%d filter=other/+ qos=2 options=0x04", mid);
    expect(m, "16 suback.received mid=%d reason_codes=0,0", mid);
    for (int qos = 0; qos <= 2; qos++) {
        publish_and_receive(m, qos);
    }
    CHECK_INT(0, mosquitto_unsubscribe(m, &mid, "other/+"));
    expect(m, "16 unsubscribe.sent mid=%d filter=other/+", mid);
    expect(m, "16 unsuback.received mid=%d reason_codes=0", mid);

    /* Without the callback of this library there are lines all the same, and no records. */
    CHECK_INT(0, mqttrs_log_callback_set(m, NULL));
    CHECK_INT(0, mosquitto_publish(m, NULL, "a", 1, "x", 0, false));
    CHECK(strncmp(line, "Client logger sending PUBLISH (", 31) == 0);
    line[0] = '\0';
    CHECK(!have_records());

    /* And without that of libmosquitto there are records, and no lines. */
    mosquitto_log_callback_set(m, NULL);
    CHECK_INT(0, mqttrs_log_callback_set(m, on_record));
    publishes_itself = true;
    CHECK_INT(0, mosquitto_publish(m, &mid, "b", 0, NULL, 0, false));
    expect(m, "16 publish.sent dup=0 qos=0 retain=0 mid=%d topic=b payload_len=0", mid);
    CHECK(!publishes_itself && !have_records());
    CHECK(line[0] == '\0');

    CHECK_INT(0, mosquitto_disconnect(m));
    expect(m, "16 disconnect.sent reason_code=0");
    expect(m, "1 connection.closed");
    CHECK_INT(0, mqttrs_log_callback_set(m, NULL));
    CHECK_INT(MOSQ_ERR_ERRNO, mosquitto_connect(m, HOST, 1, 60));
    CHECK(!have_records());
    mosquitto_destroy(m);
}

static void lost_and_found(int port)
{
    static const char payload[4000];
    struct mosquitto *m = logger();
    struct mqttrs_reconnect_options options;
    int mid;
    memset(&options, 0, sizeof(options));
    options.size = sizeof(options);
    options.delay_min = options.delay_max = 10;
    CHECK_INT(0, mqttrs_reconnect_set(m, &options));
    connect_to(m, port);
    CHECK_INT(0, mosquitto_loop_start(m));
    CHECK_INT(0, mosquitto_publish(m, &mid, "a", sizeof(payload), payload, 1, false));
    expect(NULL, "16 publish.sent dup=0 qos=1 retain=0 mid=%d topic=a payload_len=4000", mid);
    expect(NULL, "4 connection.lost error=*");
    expect(NULL, "1 reconnect.planned delay_ms=*");
    expect(NULL, "1 connection.begun host=" HOST " port=%d", port);
    expect(NULL, "16 connect.sent protocol=5 clean_start=1 keep_alive=60");
    expect(NULL, "1 connection.made address=" HOST ":%d", port);
    expect(NULL, "16 connack.received reason_code=0 session_present=0");
    expect(NULL, "16 publish.sent dup=*");
    expect(NULL, "16 puback.received mid=%d reason_code=0", mid);
    CHECK_INT(0, mosquitto_disconnect(m));
    expect(NULL, "16 disconnect.sent reason_code=0");
    expect(NULL, "1 connection.closed");
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    CHECK(!have_records());
    mosquitto_destroy(m);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    watchdog(60);
    mosquitto_lib_init();
    refused(port_of(argv[1]));
    life(port_of(argv[2]));
    lost_and_found(port_of(argv[3]));
    wait_for_threads_to_end();
    mosquitto_lib_cleanup();
    return 0;
}
