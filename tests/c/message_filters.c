/* message_filters: callbacks of topic filters, with a real broker: which are called and in which
 * order, what they may do inside, and changes by other threads while messages arrive.
 *
 * Arguments: port of a broker, how many messages arrive while threads make changes; or, behind
 * these, how often to fork while a thread does, and nothing else. */
#include <stdatomic.h>
#include <sys/wait.h>

#include <mqttrs.h>

#include "check.h"

static int port;

/* The callbacks that were called, by their user data. */
static char heard[4096];
static bool subscribed, ended, gone;

/* What a callback does besides, for the message "c/x". */
static void (*action)(struct mosquitto *m);

static void hear(const char *name)
{
    CHECK(strlen(heard) + strlen(name) + 2 < sizeof heard);
    strcat(strcat(heard, name), " ");
}

static void on_filter(struct mosquitto *m, void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)props;
    CHECK(!gone);
    if (strcmp(message->topic, "end") == 0) {
        return;
    }
    hear(userdata);
    if (action != NULL && strcmp(message->topic, "c/x") == 0) {
        void (*now)(struct mosquitto *) = action;
        action = NULL;
        now(m);
    }
    /* Lent for as long as the callback runs, whatever it does. */
    CHECK(message->payloadlen == 4 && strcmp(message->payload, "what") == 0);
}

static void on_end(struct mosquitto *m, void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)m, (void)props;
    CHECK(userdata == &ended && message->payload == NULL);
    ended = true;
}

static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m, (void)obj, (void)message;
    hear("on_message");
}

static void on_message_v5(struct mosquitto *m, void *obj, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)m, (void)obj, (void)message, (void)props;
    hear("on_message_v5");
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m, (void)obj, (void)mid;
    CHECK_INT(1, count);
    CHECK(granted[0] < 128);
    subscribed = true;
}

static void add(struct mosquitto *m, const char *filter)
{
    CHECK_INT(0, mqttrs_message_callback_add(m, filter, on_filter, (void *)filter));
}

static void subscribe(struct mosquitto *m, const char *filter)
{
    subscribed = false;
    CHECK_INT(0, mosquitto_subscribe(m, NULL, filter, 1));
    while (!subscribed) {
        CHECK_INT(0, mosquitto_loop(m, -1, 1));
    }
}

/* A client that gets what it sends. */
static struct mosquitto *client(void)
{
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    mosquitto_message_v5_callback_set(m, on_message_v5);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    subscribe(m, "#");
    CHECK_INT(0, mqttrs_message_callback_add(m, "end", on_end, &ended));
    gone = false;
    return m;
}

static void wait_for_end(struct mosquitto *m)
{
    ended = false;
    CHECK_INT(0, mosquitto_publish(m, NULL, "end", 0, NULL, 1, false));
    while (!ended && !gone) {
        int rc = mosquitto_loop(m, -1, 1);
        CHECK(rc == 0 || gone);
    }
}

/* Which callbacks a message to `topic` reaches. */
static void check_heard(struct mosquitto *m, const char *topic, const char *expected)
{
    watched = topic;
    heard[0] = '\0';
    CHECK_INT(0, mosquitto_publish(m, NULL, topic, 4, "what", 1, false));
    wait_for_end(m);
    if (strcmp(heard, expected) != 0) {
        fprintf(stderr, "a message to %s reached %s, not %s\n", topic, heard, expected);
        _exit(1);
    }
}

static void every_filter_that_matches_is_called_in_order_and_otherwise_on_message(void)
{
    static const char *const filters[] = {
        "#", "+/b", "a", "a/+", "a/b/c", "a/#", "$share/g/a/b", "b", "+/+/#", "a/b/#", "a/b", "+/#",
    };
    struct mosquitto *m = client();
    check_heard(m, "a/b", "on_message on_message_v5 ");
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        add(m, filters[i]);
    }
    check_heard(m, "a/b", "a/b $share/g/a/b a/b/# a/+ a/# +/b +/+/# +/# # ");
    check_heard(m, "a", "a a/# +/# # ");
    check_heard(m, "/", "+/+/# +/# # ");
    CHECK_INT(0, mqttrs_message_callback_add(m, "a/+", on_filter, "another"));
    check_heard(m, "a/z", "another a/# +/+/# +/# # ");
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        CHECK_INT(0, mqttrs_message_callback_remove(m, filters[i]));
        CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_message_callback_remove(m, filters[i]));
    }
    check_heard(m, "a/b", "on_message on_message_v5 ");
    mosquitto_destroy(m);
}

static void topics_of_the_server_are_for_filters_that_name_them(void)
{
    struct mosquitto *m = client();
    add(m, "#");
    add(m, "+/broker/version");
    add(m, "$share/g/+/broker/version");
    mosquitto_message_v5_callback_set(m, NULL);
    heard[0] = '\0';
    subscribe(m, "$SYS/broker/version");
    while (heard[0] == '\0') {
        CHECK_INT(0, mosquitto_loop(m, -1, 1));
    }
    CHECK(strcmp(heard, "on_message ") == 0);
    mosquitto_destroy(m);
}

static void a_shared_subscription_is_heard_by_its_filter(void)
{
    struct mosquitto *m = client();
    CHECK_INT(0, mosquitto_unsubscribe(m, NULL, "#"));
    subscribe(m, "end");
    subscribe(m, "$share/group/s/+");
    add(m, "$share/group/s/+");
    check_heard(m, "s/1", "$share/group/s/+ ");
    mosquitto_destroy(m);
}

static void a_callback_alone_subscribes_to_nothing(void)
{
    struct mosquitto *m = client();
    CHECK_INT(0, mosquitto_unsubscribe(m, NULL, "#"));
    subscribe(m, "end");
    add(m, "quiet");
    check_heard(m, "quiet", "");
    mosquitto_destroy(m);
}

static int properties_seen;

static void on_properties(struct mosquitto *m, void *userdata,
    const struct mosquitto_message *message, const mosquitto_property *props)
{
    char *name = NULL, *value = NULL;
    (void)m, (void)userdata, (void)message;
    CHECK(mosquitto_property_read_string_pair(props, MQTT_PROP_USER_PROPERTY, &name, &value, false)
        != NULL);
    CHECK(strcmp(name, "key") == 0 && strcmp(value, "value") == 0);
    free(name);
    free(value);
    properties_seen++;
}

static void every_callback_has_the_properties(void)
{
    struct mosquitto *m = client();
    mosquitto_property *props = NULL;
    CHECK_INT(0, mosquitto_property_add_string_pair(&props, MQTT_PROP_USER_PROPERTY, "key", "value"));
    CHECK_INT(0, mqttrs_message_callback_add(m, "p", on_properties, NULL));
    CHECK_INT(0, mqttrs_message_callback_add(m, "p/#", on_properties, NULL));
    CHECK_INT(0, mosquitto_publish_v5(m, NULL, "p", 1, "x", 1, false, props));
    mosquitto_property_free_all(&props);
    wait_for_end(m);
    CHECK_INT(2, properties_seen);
    mosquitto_destroy(m);
}

/* As many filters match as topics of twelve levels can have without `#`. */
static void thousands_of_filters_match(void)
{
    static const int levels = 12;
    static char filters[1 << 12][2 * 12];
    static char topic[2 * 12];
    struct mosquitto *m = client();
    heard[0] = '\0';
    for (int i = 0; i < 1 << levels; i++) {
        for (int level = 0; level < levels; level++) {
            filters[i][2 * level] = (i >> level) & 1 ? '+' : 'x';
            filters[i][2 * level + 1] = level + 1 < levels ? '/' : '\0';
        }
        CHECK_INT(0, mqttrs_message_callback_add(m, filters[i], on_properties, NULL));
    }
    memcpy(topic, filters[0], sizeof topic);
    properties_seen = 0;
    mosquitto_property *props = NULL;
    CHECK_INT(0, mosquitto_property_add_string_pair(&props, MQTT_PROP_USER_PROPERTY, "key", "value"));
    CHECK_INT(0, mosquitto_publish_v5(m, NULL, topic, 1, "x", 1, false, props));
    mosquitto_property_free_all(&props);
    wait_for_end(m);
    CHECK_INT(1 << levels, properties_seen);
    mosquitto_destroy(m);
}

static void remove_itself(struct mosquitto *m)
{
    CHECK_INT(0, mqttrs_message_callback_remove(m, "c/x"));
}

static void remove_the_next(struct mosquitto *m)
{
    CHECK_INT(0, mqttrs_message_callback_remove(m, "c/+"));
}

static void remove_all(struct mosquitto *m)
{
    CHECK_INT(0, mqttrs_message_callback_remove(m, "c/x"));
    CHECK_INT(0, mqttrs_message_callback_remove(m, "c/+"));
    CHECK_INT(0, mqttrs_message_callback_remove(m, "c/#"));
}

static void add_others(struct mosquitto *m)
{
    add(m, "+/x");
    add(m, "$share/g/c/x");
}

static void replace_the_next(struct mosquitto *m)
{
    CHECK_INT(0, mqttrs_message_callback_add(m, "c/+", on_filter, "another"));
}

static void remove_the_next_and_add_it_again(struct mosquitto *m)
{
    remove_the_next(m);
    add(m, "c/+");
}

static void forget_all_and_add_them_again(struct mosquitto *m)
{
    CHECK_INT(0, mosquitto_reinitialise(m, NULL, true, NULL));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_message_callback_remove(m, "c/+"));
    add(m, "c/x");
    add(m, "c/+");
    gone = true;
}

static void destroy(struct mosquitto *m)
{
    mosquitto_destroy(m);
    CHECK_INT(MOSQ_ERR_INVAL, mqttrs_message_callback_remove(m, "c/+"));
    gone = true;
}

static const struct {
    void (*action)(struct mosquitto *m);
    const char *this_message, *next_message;
} inside[] = {
    { remove_itself, "c/x c/+ c/# ", "c/+ c/# " },
    { remove_the_next, "c/x c/# ", "c/x c/# " },
    { remove_all, "c/x ", "on_message on_message_v5 " },
    { add_others, "c/x c/+ c/# ", "c/x $share/g/c/x c/+ c/# +/x " },
    { replace_the_next, "c/x another c/# ", "c/x another c/# " },
    { remove_the_next_and_add_it_again, "c/x c/# ", "c/x c/+ c/# " },
    { forget_all_and_add_them_again, "c/x ", NULL },
    { destroy, "c/x ", NULL },
};

static void changes_inside_a_callback_hold_for_the_message_that_is_delivered(void)
{
    for (size_t i = 0; i < COUNT_OF(inside); i++) {
        struct mosquitto *m = client();
        add(m, "c/#");
        add(m, "c/x");
        add(m, "c/+");
        action = inside[i].action;
        check_heard(m, "c/x", inside[i].this_message);
        CHECK(action == NULL);
        if (inside[i].next_message != NULL) {
            check_heard(m, "c/x", inside[i].next_message);
        }
        mosquitto_destroy(m);
    }
}

static void on_once(struct mosquitto *m, void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)props;
    int *calls = userdata;
    CHECK_INT(1, ++*calls);
    CHECK_INT(0, mqttrs_message_callback_remove(m, message->topic));
    free(calls);
    hear("once");
}

static void a_callback_that_has_removed_itself_frees_its_user_data(void)
{
    struct mosquitto *m = client();
    int *calls = calloc(1, sizeof *calls);
    CHECK(calls != NULL);
    CHECK_INT(0, mqttrs_message_callback_add(m, "once", on_once, calls));
    check_heard(m, "once", "once ");
    check_heard(m, "once", "on_message on_message_v5 ");
    mosquitto_destroy(m);
}

/* While messages to `t/0` ... `t/3` arrive, four threads add, replace and remove callbacks. */
enum { THREADS = 4, KINDS = 3 };

static atomic_bool changing;
static int messages, steady;
static struct gate all_came = GATE_CLOSED;
static struct owner {
    struct mosquitto *m;
    char topic[8];
    char filters[KINDS][24];
    atomic_int calls;
    atomic_int changes;
} owners[THREADS];

static void on_owned(struct mosquitto *m, void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    struct owner *owner = userdata;
    (void)m, (void)props;
    CHECK(strcmp(message->topic, owner->topic) == 0);
    owner->calls++;
}

static void *change(void *argument)
{
    struct owner *owner = argument;
    for (int i = 0; changing; i++) {
        const char *filter = owner->filters[i % KINDS];
        int rc = i / KINDS % 3 == 2
            ? mqttrs_message_callback_remove(owner->m, filter)
            : mqttrs_message_callback_add(owner->m, filter, on_owned, owner);
        CHECK_INT(0, rc);
        owner->changes++;
    }
    return NULL;
}

static void on_steady(struct mosquitto *m, void *userdata, const struct mosquitto_message *message,
    const mosquitto_property *props)
{
    (void)m, (void)userdata, (void)props;
    CHECK_INT(steady, atoi(message->payload));
    if (++steady == messages) {
        gate_open(&all_came);
    }
}

static void changes_by_other_threads_touch_no_other_callback(void)
{
    pthread_t threads[THREADS];
    struct mosquitto *m = client();
    mosquitto_message_callback_set(m, NULL);
    mosquitto_message_v5_callback_set(m, NULL);
    CHECK_INT(0, mqttrs_message_callback_add(m, "t/#", on_steady, NULL));
    CHECK_INT(0, mosquitto_loop_start(m));
    changing = true;
    for (int i = 0; i < THREADS; i++) {
        struct owner *owner = &owners[i];
        owner->m = m;
        snprintf(owner->topic, sizeof owner->topic, "t/%d", i);
        snprintf(owner->filters[0], sizeof owner->filters[0], "t/%d", i);
        snprintf(owner->filters[1], sizeof owner->filters[1], "+/%d/#", i);
        snprintf(owner->filters[2], sizeof owner->filters[2], "$share/%d/t/%d", i, i);
        CHECK_INT(0, pthread_create(&threads[i], NULL, change, owner));
    }
    for (int i = 0; i < THREADS; i++) {
        while (owners[i].changes < 9) {
            sched_yield();
        }
    }
    for (int i = 0; i < messages; i++) {
        char number[16];
        int length = snprintf(number, sizeof number, "%d", i);
        CHECK_INT(0, mosquitto_publish(m, NULL, owners[i % THREADS].topic, length, number, 1, false));
    }
    gate_wait(&all_came);
    changing = false;
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(0, pthread_join(threads[i], NULL));
        for (int kind = 0; kind < KINDS; kind++) {
            mqttrs_message_callback_remove(m, owners[i].filters[kind]);
        }
    }
    CHECK_INT(0, mosquitto_disconnect(m));
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    /* Nothing runs any more that could have its owner as user data. */
    memset(owners, 0xff, sizeof owners);
    CHECK_INT(messages, steady);
    mosquitto_destroy(m);
}

static void *change_without_end(void *argument)
{
    while (changing) {
        add(argument, "f/1");
        CHECK_INT(0, mqttrs_message_callback_remove(argument, "f/1"));
    }
    return NULL;
}

/* A client without a connection goes on in the child too. */
static void a_child_can_make_changes_whatever_threads_of_the_parent_did(int forks)
{
    pthread_t thread;
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    changing = true;
    CHECK_INT(0, pthread_create(&thread, NULL, change_without_end, m));
    for (int i = 0; i < forks; i++) {
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            watchdog(60);
            add(m, "f/2");
            CHECK_INT(0, mqttrs_message_callback_remove(m, "f/2"));
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK_INT(0, status);
    }
    changing = false;
    CHECK_INT(0, pthread_join(thread, NULL));
    mosquitto_destroy(m);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3 || argc == 4);
    port = port_of(argv[1]);
    messages = atoi(argv[2]);
    watchdog(120);
    mosquitto_lib_init();
    if (argc == 4) {
        a_child_can_make_changes_whatever_threads_of_the_parent_did(atoi(argv[3]));
        mosquitto_lib_cleanup();
        return 0;
    }
    every_filter_that_matches_is_called_in_order_and_otherwise_on_message();
    topics_of_the_server_are_for_filters_that_name_them();
    a_shared_subscription_is_heard_by_its_filter();
    a_callback_alone_subscribes_to_nothing();
    every_callback_has_the_properties();
    thousands_of_filters_match();
    changes_inside_a_callback_hold_for_the_message_that_is_delivered();
    a_callback_that_has_removed_itself_frees_its_user_data();
    changes_by_other_threads_touch_no_other_callback();
    mosquitto_lib_cleanup();
    return 0;
}
