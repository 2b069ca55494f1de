/* throttle: limits of speed, with each kind of loop.
 *
 * Arguments: port of a Mosquitto, "real" or, where threads are slow, "slow". */
#include <poll.h>
#include <stdatomic.h>
#include <time.h>

#include <mqttrs.h>

#include "check.h"

enum drive { THREAD, LOOP, FOREIGN, DRIVES };
enum { MOST = 1000 };

static int port;
static bool slow;
static atomic_int connected, subscribed, received, outcomes[9];
/* What came to topics that end in `slow`, and to others. */
static atomic_int slow_count, fast_count;
static long turns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void tell(void)
{
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m, (void)obj;
    CHECK_INT(0, rc);
    connected++;
    tell();
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int count, const int *granted)
{
    (void)m, (void)obj, (void)mid, (void)granted;
    CHECK_INT(1, count);
    subscribed++;
    tell();
}

/* The payload is the number of the message among those of its topic. */
static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m, (void)obj;
    bool is_slow = strstr(message->topic, "/slow") != NULL;
    int number = atoi(message->payload);
    int expected = is_slow ? slow_count++ : fast_count++;
    if (number >= 0) {
        CHECK_INT(expected, number);
    }
    received++;
    tell();
}

static void on_outcome(struct mosquitto *m, void *obj, int mid, int outcome, int reason,
    const mosquitto_property *props)
{
    (void)m, (void)obj, (void)mid, (void)reason, (void)props;
    outcomes[outcome]++;
    tell();
}

/* A turn of a loop that the program has made itself. */
static void turn(struct mosquitto *m)
{
    turns++;
    struct pollfd fd = { .fd = mosquitto_socket(m) };
    CHECK(fd.fd >= 0);
    fd.events = (mqttrs_want_read(m) ? POLLIN : 0) | (mosquitto_want_write(m) ? POLLOUT : 0);
    int timeout = mqttrs_misc_timeout(m);
    CHECK(poll(&fd, 1, timeout < 0 || timeout > 1000 ? 1000 : timeout) >= 0);
    CHECK_INT(0, mosquitto_loop_misc(m));
    if (fd.revents & POLLIN) {
        CHECK_INT(0, mosquitto_loop_read(m, 1));
    }
    if (mosquitto_want_write(m)) {
        CHECK_INT(0, mosquitto_loop_write(m, 1));
    }
}

/* Runs or waits for the loop until `*value` is `least`. */
static void wait_for(struct mosquitto *m, enum drive drive, atomic_int *value, int least)
{
    while (*value < least) {
        switch (drive) {
        case THREAD:
            pthread_mutex_lock(&lock);
            if (*value < least) {
                pthread_cond_wait(&changed, &lock);
            }
            pthread_mutex_unlock(&lock);
            break;
        case LOOP:
            CHECK_INT(0, mosquitto_loop(m, 1000, 1));
            break;
        default:
            turn(m);
        }
    }
}

static char topic_base[64];

static const char *topic(const char *end)
{
    static _Thread_local char text[128];
    snprintf(text, sizeof text, "%s/%s", topic_base, end);
    return text;
}

static struct mosquitto *client(enum drive drive)
{
    static int number;
    snprintf(topic_base, sizeof topic_base, "throttle/%d/%d", (int)getpid(), number++);
    connected = subscribed = received = slow_count = fast_count = 0;
    for (int i = 0; i < 9; i++) {
        outcomes[i] = 0;
    }
    struct mosquitto *m = mosquitto_new(NULL, true, NULL);
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    CHECK_INT(0, mqttrs_outcome_callback_set(m, on_outcome));
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    if (drive == THREAD) {
        CHECK_INT(0, mosquitto_loop_start(m));
    }
    wait_for(m, drive, &connected, 1);
    CHECK_INT(0, mosquitto_subscribe(m, NULL, topic("#"), 2));
    wait_for(m, drive, &subscribed, 1);
    return m;
}

static void end(struct mosquitto *m, enum drive drive)
{
    if (drive == THREAD) {
        CHECK_INT(0, mosquitto_disconnect(m));
        CHECK_INT(0, mosquitto_loop_stop(m, false));
    }
    mosquitto_destroy(m);
}

static int publish(struct mosquitto *m, const char *end_of_topic, int number, int qos)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%d", number);
    return mosquitto_publish(m, NULL, topic(end_of_topic), len, text, qos, false);
}

static struct mqttrs_throttle limit(double messages, int excess)
{
    return (struct mqttrs_throttle) { .size = sizeof(struct mqttrs_throttle),
        .messages_per_second = messages, .excess = excess };
}

/* So slow that in this program's time nothing comes of it but the burst of one. */
static const double NEVER = 1e-6;

static void a_limited_topic_holds_up_no_other(enum drive drive)
{
    struct mosquitto *m = client(drive);
    struct mqttrs_throttle never = limit(NEVER, MQTTRS_EXCESS_WAIT);
    CHECK_INT(0, mqttrs_throttle_set(m, topic("slow/+"), &never));
    for (int i = 0; i < 30; i++) {
        CHECK_INT(0, publish(m, "slow/x", i, drive % 3));
        CHECK_INT(0, publish(m, "fast", i, drive % 3));
    }
    wait_for(m, drive, &fast_count, 30);
    wait_for(m, drive, &slow_count, 1);
    CHECK_INT(1, slow_count);
    CHECK_INT(0, mqttrs_throttle_set(m, topic("slow/+"), NULL));
    wait_for(m, drive, &slow_count, 30);
    end(m, drive);
}

/* Not faster than the limit, and not slower than it by far. */
static void check_time(double begun, double least)
{
    double took = now() - begun;
    CHECK(took >= least * 0.999);
    CHECK(took < least + 20.0);
}

static void messages_are_sent_at_the_speed_of_the_limit(enum drive drive)
{
    struct mosquitto *m = client(drive);
    struct mqttrs_throttle all = limit(200.0, MQTTRS_EXCESS_WAIT);
    CHECK_INT(0, mqttrs_throttle_set(m, NULL, &all));
    double begun = now();
    turns = 0;
    for (int i = 0; i < 61; i++) {
        CHECK_INT(0, publish(m, "fast", i, drive % 3));
    }
    wait_for(m, drive, &received, 61);
    check_time(begun, 60 / 200.0);
    CHECK(drive != FOREIGN || turns < 61 * 30);
    CHECK_INT(0, mqttrs_drain(m, 20000));
    CHECK_INT(61, outcomes[MQTTRS_OUTCOME_SENT] + outcomes[MQTTRS_OUTCOME_ACKNOWLEDGED]);
    end(m, drive);
}

static void messages_are_received_at_the_speed_of_the_limit(enum drive drive)
{
    struct mosquitto *m = client(drive);
    struct mqttrs_throttle in = limit(100.0, MQTTRS_EXCESS_WAIT);
    CHECK_INT(0, mqttrs_receive_throttle_set(m, &in));
    double begun = now();
    turns = 0;
    for (int i = 0; i < 31; i++) {
        CHECK_INT(0, publish(m, "fast", i, drive % 3));
    }
    wait_for(m, drive, &received, 31);
    check_time(begun, 30 / 100.0);
    /* What is held back keeps nobody busy. */
    CHECK(drive != FOREIGN || turns < 31 * 40);
    CHECK_INT(0, mqttrs_receive_throttle_set(m, NULL));
    CHECK(mqttrs_want_read(m));
    end(m, drive);
}

static void what_is_held_back_comes_when_the_limit_goes(enum drive drive)
{
    struct mosquitto *m = client(drive);
    struct mqttrs_throttle in = limit(NEVER, MQTTRS_EXCESS_WAIT);
    CHECK_INT(0, mqttrs_receive_throttle_set(m, &in));
    for (int i = 0; i < 10; i++) {
        CHECK_INT(0, publish(m, "fast", i, 0));
    }
    if (drive == THREAD) {
        wait_for(m, drive, &received, 1);
    } else {
        while (mqttrs_want_read(m)) {
            if (drive == LOOP) {
                CHECK_INT(0, mosquitto_loop(m, 100, 1));
            } else {
                turn(m);
            }
        }
    }
    CHECK_INT(1, received);
    CHECK_INT(0, mqttrs_receive_throttle_set(m, NULL));
    wait_for(m, drive, &received, 10);
    end(m, drive);
}

static void received_messages_of_qos_0_are_dropped_and_counted(void)
{
    struct mosquitto *m = client(LOOP);
    struct mqttrs_throttle in = limit(NEVER, MQTTRS_EXCESS_DROP);
    CHECK_INT(0, mqttrs_receive_throttle_set(m, &in));
    for (int i = 0; i < 10; i++) {
        CHECK_INT(0, publish(m, "fast", i, 0));
    }
    CHECK_INT(0, publish(m, "slow", 0, 1));
    while (mqttrs_want_read(m)) {
        CHECK_INT(0, mosquitto_loop(m, 100, 1));
    }
    struct mqttrs_stats stats = { .size = sizeof stats };
    CHECK_INT(0, mqttrs_stats(m, &stats));
    CHECK_INT(9, stats.received_dropped);
    CHECK_INT(1, received);
    CHECK_INT(0, mqttrs_receive_throttle_set(m, NULL));
    wait_for(m, LOOP, &slow_count, 1);
    end(m, LOOP);
}

static void beyond_the_limit_what_the_program_chose_happens(const char *filter)
{
    struct mosquitto *m = client(THREAD);
    for (int excess = MQTTRS_EXCESS_REFUSE; excess <= MQTTRS_EXCESS_DROP_OLDEST; excess++) {
        for (int i = 0; i < 9; i++) {
            outcomes[i] = 0;
        }
        struct mqttrs_throttle never = limit(NEVER, excess);
        CHECK_INT(0, mqttrs_throttle_set(m, filter, &never));
        bool refuses = excess == MQTTRS_EXCESS_REFUSE;
        for (int i = 0; i < 5; i++) {
            int expected = refuses && i > 0 ? MOSQ_ERR_QUOTA_EXCEEDED : 0;
            CHECK_INT(expected, publish(m, "fast", -1, 1));
        }
        CHECK_INT(0, mqttrs_throttle_set(m, filter, NULL));
        CHECK_INT(0, mqttrs_drain(m, 20000));
        int acknowledged = excess == MQTTRS_EXCESS_DROP_OLDEST ? 2 : 1;
        CHECK_INT(acknowledged, outcomes[MQTTRS_OUTCOME_ACKNOWLEDGED]);
        CHECK_INT(refuses ? 0 : 5 - acknowledged, outcomes[MQTTRS_OUTCOME_OVERFLOW]);
    }
    end(m, THREAD);
}

/* How often the other threads of this process have gone to sleep. */
static long sleeps(void)
{
    long all = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], line[200];
        long count;
        if (task->d_name[0] == '.' || atoi(task->d_name) == (int)getpid()) {
            continue;
        }
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = fopen(path, "r");
        CHECK(file != NULL);
        while (fgets(line, sizeof line, file) != NULL) {
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) {
                all += count;
            }
        }
        fclose(file);
    }
    closedir(tasks);
    return all;
}

static void a_limit_that_nobody_waits_for_wakes_nobody(void)
{
    struct mosquitto *m = client(THREAD);
    struct mqttrs_throttle some = limit(1000.0, MQTTRS_EXCESS_WAIT);
    CHECK_INT(0, mqttrs_throttle_set(m, NULL, &some));
    CHECK_INT(0, mqttrs_throttle_set(m, topic("#"), &some));
    CHECK_INT(0, mqttrs_receive_throttle_set(m, &some));
    for (int i = 0; i < 20; i++) {
        CHECK_INT(0, publish(m, "fast", i, 1));
    }
    wait_for(m, THREAD, &received, 20);
    CHECK_INT(0, mqttrs_drain(m, 20000));
    int timeout = mqttrs_misc_timeout(m);
    CHECK(timeout > 30000 && timeout <= 60000);
    /* What has to be done yet, such as acknowledging the last message, is done in the first of
     * these seconds; a timer would tick in the second as well. */
    struct timespec second = { .tv_sec = 1 };
    nanosleep(&second, NULL);
    long before = sleeps();
    nanosleep(&second, NULL);
    CHECK_INT(before, sleeps());
    end(m, THREAD);
}

static atomic_int accepted;
static atomic_bool publishing;

static void *publish_many(void *m)
{
    for (int i = 0; i < MOST / (slow ? 10 : 1); i++) {
        int rc = publish(m, i % 2 ? "slow" : "fast", -1, i % 3);
        CHECK(rc == 0 || rc == MOSQ_ERR_QUOTA_EXCEEDED);
        accepted += rc == 0;
    }
    return NULL;
}

static void *change_limits(void *m)
{
    unsigned seed = 1;
    while (publishing) {
        int excess = rand_r(&seed) % 4;
        struct mqttrs_throttle any = limit(1 + rand_r(&seed) % 5000, excess);
        const char *filters[] = { topic_base, "throttle/#", "+/+/+/slow", NULL };
        const char *filter = filters[rand_r(&seed) % 4];
        CHECK_INT(0, mqttrs_throttle_set(m, filter, rand_r(&seed) % 3 ? &any : NULL));
        any.excess = excess & MQTTRS_EXCESS_DROP;
        CHECK_INT(0, mqttrs_receive_throttle_set(m, rand_r(&seed) % 3 ? &any : NULL));
        sched_yield();
    }
    return NULL;
}

static void each_message_has_one_outcome_while_threads_change_limits(void)
{
    struct mosquitto *m = client(THREAD);
    pthread_t threads[2], changer;
    accepted = 0;
    publishing = true;
    CHECK_INT(0, pthread_create(&changer, NULL, change_limits, m));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(0, pthread_create(&threads[i], NULL, publish_many, m));
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    publishing = false;
    pthread_join(changer, NULL);
    CHECK_INT(0, mqttrs_throttle_set(m, topic_base, NULL));
    CHECK_INT(0, mqttrs_throttle_set(m, "throttle/#", NULL));
    CHECK_INT(0, mqttrs_throttle_set(m, "+/+/+/slow", NULL));
    CHECK_INT(0, mqttrs_throttle_set(m, NULL, NULL));
    CHECK_INT(0, mqttrs_receive_throttle_set(m, NULL));
    CHECK_INT(0, mqttrs_drain(m, 60000));
    int all = 0;
    for (int i = 0; i < 9; i++) {
        all += outcomes[i];
    }
    CHECK_INT(accepted, all);
    end(m, THREAD);
}

int main(int argc, char **argv)
{
    CHECK_INT(3, argc);
    port = atoi(argv[1]);
    slow = strcmp(argv[2], "slow") == 0;
    watchdog(slow ? 300 : 100);
    mosquitto_lib_init();
    for (int drive = 0; drive < DRIVES; drive++) {
        watched = drive == THREAD ? "loop thread" : drive == LOOP ? "mosquitto_loop" : "foreign loop";
        a_limited_topic_holds_up_no_other(drive);
        messages_are_sent_at_the_speed_of_the_limit(drive);
        messages_are_received_at_the_speed_of_the_limit(drive);
        what_is_held_back_comes_when_the_limit_goes(drive);
    }
    received_messages_of_qos_0_are_dropped_and_counted();
    beyond_the_limit_what_the_program_chose_happens(NULL);
    beyond_the_limit_what_the_program_chose_happens("throttle/#");
    each_message_has_one_outcome_while_threads_change_limits();
    if (!slow) {
        a_limit_that_nobody_waits_for_wakes_nobody();
    }
    mosquitto_lib_cleanup();
    return 0;
}
