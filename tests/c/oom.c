/* oom: the n-th allocation of memory that C is to own fails, for every n. Each function that
 * makes such memory says so, leaves what it was given as it was and nothing behind, and works the
 * next time.
 *
 * The library asks for that memory at one place in its code (src/ffi/alloc.rs), which is learnt
 * from memory that it gave us: so its other calls of calloc, those of Rust's allocator, are left
 * alone.
 *
 * Argument: port of a broker. For each function a line is printed: its name, allocations that
 * failed, blocks of memory left over. */
#include "check.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

/* Where the library asks for memory that C is to own. */
static void *_Atomic site;
/* The last call of calloc, to learn `site` from. */
static _Thread_local void *last_caller, *last_memory;
/* How many of these allocations succeed until one fails; -1: all. */
static _Atomic long remaining = -1;
static _Atomic long failures;
/* All blocks of the heap in use, of C and of Rust. */
static _Atomic long blocks;
/* Those that came from `site`. */
static void *_Atomic ours[4096];
static _Atomic long ours_count;

static void forget(void *memory)
{
    if (ours_count == 0 || memory == NULL) {
        return;
    }
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        void *expected = memory;
        if (__atomic_compare_exchange_n((void **)&ours[i], &expected, NULL, false,
                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            ours_count--;
            return;
        }
    }
}

static void remember(void *memory)
{
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        void *expected = NULL;
        if (__atomic_compare_exchange_n((void **)&ours[i], &expected, memory, false,
                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            ours_count++;
            return;
        }
    }
    CHECK(!"room for all blocks");
}

void *malloc(size_t size)
{
    void *memory = __libc_malloc(size);
    blocks += memory != NULL;
    return memory;
}

void *calloc(size_t count, size_t size)
{
    void *caller = __builtin_return_address(0);
    bool to_be_ours = caller == site;
    if (to_be_ours && remaining >= 0 && remaining-- == 0) {
        failures++;
        errno = ENOMEM;
        return NULL;
    }
    void *memory = __libc_calloc(count, size);
    blocks += memory != NULL;
    if (to_be_ours) {
        remember(memory);
    }
    last_caller = caller;
    last_memory = memory;
    return memory;
}

void *realloc(void *memory, size_t size)
{
    void *moved = __libc_realloc(memory, size);
    blocks += memory == NULL && moved != NULL;
    return moved;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = __libc_memalign(alignment, size);
    blocks += *memory != NULL;
    return *memory == NULL ? ENOMEM : 0;
}

void free(void *memory)
{
    blocks -= memory != NULL;
    forget(memory);
    __libc_free(memory);
}

/* What the n-th failure of the running round is, and how a call is made under it. */
static long countdown;
#define UNDER_SHORTAGE(statement) \
    do { remaining = countdown; statement; remaining = -1; } while (0)

static int port;
static mosquitto_property *sample;

static int length(const mosquitto_property *list)
{
    int count = 0;
    for (; list != NULL; list = mosquitto_property_next(list)) {
        count++;
    }
    return count;
}

/* Adding: behind a list that was there and stays as it was. */
#define ADDS(name, call)                                                          \
    static int name(void)                                                         \
    {                                                                             \
        mosquitto_property *list = NULL;                                          \
        int rc;                                                                   \
        CHECK_INT(0, mosquitto_property_copy_all(&list, sample));                 \
        UNDER_SHORTAGE(rc = call);                                                \
        CHECK_INT(length(sample) + (rc == 0), length(list));                      \
        mosquitto_property_free_all(&list);                                       \
        /* The same where there was no list. */                                   \
        UNDER_SHORTAGE(rc = call);                                                \
        CHECK((rc == 0) == (list != NULL));                                       \
        mosquitto_property_free_all(&list);                                       \
        return rc;                                                                \
    }

ADDS(add_byte, mosquitto_property_add_byte(&list, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1))
ADDS(add_int16, mosquitto_property_add_int16(&list, MQTT_PROP_TOPIC_ALIAS, 1))
ADDS(add_int32, mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, 1))
ADDS(add_varint, mosquitto_property_add_varint(&list, MQTT_PROP_SUBSCRIPTION_IDENTIFIER, 1))
ADDS(add_binary, mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, "x", 1))
ADDS(add_string, mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, "x"))
ADDS(add_string_pair,
    mosquitto_property_add_string_pair(&list, MQTT_PROP_USER_PROPERTY, "a", "b"))

static int copy_all(void)
{
    mosquitto_property *copy = NULL;
    int rc;
    UNDER_SHORTAGE(rc = mosquitto_property_copy_all(&copy, sample));
    CHECK_INT(rc == 0 ? length(sample) : 0, length(copy));
    mosquitto_property_free_all(&copy);
    return rc;
}

/* Reading gives NULL where nothing is found and where there is no memory for a copy. */
static int read_string(void)
{
    char *value = NULL;
    const mosquitto_property *found;
    UNDER_SHORTAGE(
        found = mosquitto_property_read_string(sample, MQTT_PROP_CONTENT_TYPE, &value, false));
    CHECK((found != NULL) == (value != NULL));
    CHECK(found == NULL || strcmp(value, "text") == 0);
    free(value);
    return found == NULL ? MOSQ_ERR_NOMEM : 0;
}

static int read_binary(void)
{
    void *value = NULL;
    uint16_t len = 0;
    const mosquitto_property *found;
    UNDER_SHORTAGE(found = mosquitto_property_read_binary(
                       sample, MQTT_PROP_CORRELATION_DATA, &value, &len, false));
    CHECK((found != NULL) == (value != NULL));
    CHECK(found == NULL || (len == 4 && memcmp(value, "data", 4) == 0));
    free(value);
    return found == NULL ? MOSQ_ERR_NOMEM : 0;
}

static int read_string_pair(void)
{
    char *name = NULL, *value = NULL;
    const mosquitto_property *found;
    UNDER_SHORTAGE(found = mosquitto_property_read_string_pair(
                       sample, MQTT_PROP_USER_PROPERTY, &name, &value, false));
    CHECK((found != NULL) == (name != NULL));
    CHECK((found != NULL) == (value != NULL));
    free(name);
    free(value);
    return found == NULL ? MOSQ_ERR_NOMEM : 0;
}

static int message_copy(void)
{
    const struct mosquitto_message message = {
        .mid = 7, .topic = "a/b", .payload = "payload", .payloadlen = 7, .qos = 1,
    };
    struct mosquitto_message copy = { .mid = -1 };
    int rc;
    UNDER_SHORTAGE(rc = mosquitto_message_copy(&copy, &message));
    CHECK_INT(rc == 0 ? 7 : -1, copy.mid);
    if (rc == 0) {
        CHECK(strcmp(copy.topic, "a/b") == 0 && memcmp(copy.payload, "payload", 7) == 0);
    } else {
        CHECK(copy.topic == NULL && copy.payload == NULL);
    }
    mosquitto_message_free_contents(&copy);
    return rc;
}

static int tokenise(void)
{
    char **topics = NULL;
    int count = 0, rc;
    UNDER_SHORTAGE(rc = mosquitto_sub_topic_tokenise("a/deep//topic", &topics, &count));
    CHECK((rc == 0) == (topics != NULL));
    CHECK_INT(rc == 0 ? 4 : 0, count);
    if (rc == 0) {
        CHECK_INT(0, mosquitto_sub_topic_tokens_free(&topics, count));
    }
    return rc;
}

/* All messages or none. */
static int subscribe_simple(void)
{
    struct mosquitto_message *messages = NULL;
    int rc;
    UNDER_SHORTAGE(rc = mosquitto_subscribe_simple(&messages, 2, true, "oom/#", 1, "127.0.0.1",
                       port, NULL, 60, true, NULL, NULL, NULL, NULL));
    CHECK((rc == 0) == (messages != NULL));
    for (int i = 0; i < 2 && rc == 0; i++) {
        CHECK_INT(8, messages[i].payloadlen);
        mosquitto_message_free_contents(&messages[i]);
    }
    free(messages);
    return rc;
}

/* A client that gets its own message with two properties: where there is no memory for the list,
 * the message comes without one, never with half of it. */
static int properties_seen;
static struct mosquitto *client;

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message,
    const mosquitto_property *properties)
{
    (void)m;
    (void)obj;
    remaining = -1;
    CHECK_INT(4, message->payloadlen);
    properties_seen = length(properties);
    CHECK(properties_seen == 0 || properties_seen == length(sample));
}

static int granted;

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *qos)
{
    (void)m;
    (void)obj;
    (void)mid;
    (void)qos;
    granted += count;
}

static void turn(void)
{
    CHECK_INT(0, mosquitto_loop(client, 1000, 1));
}

static int message_callback(void)
{
    properties_seen = -1;
    CHECK_INT(0, mosquitto_publish_v5(client, NULL, "self", 4, "text", 0, false, sample));
    remaining = countdown;
    while (properties_seen < 0) {
        turn();
    }
    remaining = -1;
    return properties_seen == 0 ? MOSQ_ERR_NOMEM : 0;
}

static void client_begin(void)
{
    client = mosquitto_new(NULL, true, NULL);
    CHECK(client != NULL);
    CHECK_INT(0, mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, 5));
    mosquitto_message_v5_callback_set(client, on_message);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    CHECK_INT(0, mosquitto_connect(client, "127.0.0.1", port, 60));
    while (mosquitto_subscribe(client, NULL, "self", 0) != 0) {
        turn();
    }
    for (int i = 0; i < 2; i++) {
        char topic[] = "oom/0";
        topic[4] += i;
        CHECK_INT(0, mosquitto_publish(client, NULL, topic, 8, "retained", 1, true));
    }
    while (granted == 0 || mosquitto_want_write(client)) {
        turn();
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*once)(void);
        /* Whether a client comes and goes, whose handle stays known. */
        bool keeps_a_handle;
    } parts[] = {
        { "mosquitto_property_add_byte", add_byte, false },
        { "mosquitto_property_add_int16", add_int16, false },
        { "mosquitto_property_add_int32", add_int32, false },
        { "mosquitto_property_add_varint", add_varint, false },
        { "mosquitto_property_add_binary", add_binary, false },
        { "mosquitto_property_add_string", add_string, false },
        { "mosquitto_property_add_string_pair", add_string_pair, false },
        { "mosquitto_property_copy_all", copy_all, false },
        { "mosquitto_property_read_string", read_string, false },
        { "mosquitto_property_read_binary", read_binary, false },
        { "mosquitto_property_read_string_pair", read_string_pair, false },
        { "mosquitto_message_copy", message_copy, false },
        { "mosquitto_sub_topic_tokenise", tokenise, false },
        { "mosquitto_subscribe_simple", subscribe_simple, true },
        { "message callback with properties", message_callback, true },
    };
    CHECK(argc == 2);
    port = port_of(argv[1]);
    watchdog(60);
    mosquitto_lib_init();

    CHECK_INT(0, mosquitto_property_add_byte(&sample, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1));
    CHECK(last_memory == (void *)sample);
    site = last_caller;
    CHECK_INT(0, mosquitto_property_add_string(&sample, MQTT_PROP_CONTENT_TYPE, "text"));
    CHECK_INT(0, mosquitto_property_add_binary(&sample, MQTT_PROP_CORRELATION_DATA, "data", 4));
    CHECK_INT(0, mosquitto_property_add_string_pair(&sample, MQTT_PROP_USER_PROPERTY, "a", "b"));
    client_begin();

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        watched = parts[i].name;
        /* The first time others may make what stays. */
        countdown = -1;
        CHECK_INT(0, parts[i].once());
        long in_use = blocks, c_in_use = ours_count;
        failures = 0;
        for (;;) {
            long before = failures;
            int rc = parts[i].once();
            /* Nothing is half done, and nothing is called a success that was none. */
            CHECK_INT(failures == before && countdown >= 0 ? 0 : rc, rc);
            CHECK_INT(failures > before ? MOSQ_ERR_NOMEM : 0, rc);
            CHECK_INT(c_in_use, ours_count);
            CHECK(parts[i].keeps_a_handle || blocks == in_use);
            if (countdown >= 0 && failures == before) {
                break; /* fewer allocations than that */
            }
            countdown++;
        }
        CHECK(failures > 0);
        printf("%s\t%ld\t%ld\n", watched, failures, ours_count - c_in_use);
        countdown = -1;
        CHECK_INT(0, parts[i].once());
    }
    mosquitto_destroy(client);
    mosquitto_property_free_all(&sample);
    CHECK_INT(0, ours_count);
    mosquitto_lib_cleanup();
    return 0;
}
