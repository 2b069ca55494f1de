/* acknowledge: messages that the program acknowledges, with a Mosquitto.
 *
 * Arguments: port of the Mosquitto, protocol version (3, 4 or 5), and what to do:
 *
 *   threads  threads acknowledge many messages in any order
 *   window   no more come than Receive Maximum says (MQTT 5)
 *   reset    connections and clients end with messages that are not acknowledged
 *   prepare, die MODE, next COUNT
 *            three processes: the second is killed inside the callback of a message, which the
 *            third gets so many times */
#include <sys/socket.h>

#include <mqttrs.h>

#include "check.h"

enum { MESSAGES = 400, THREADS = 4, WINDOW = 3 };

static int port, version;

/* What callbacks have seen. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int connections, subscribed, count, seen[MESSAGES + 1], mid_of[MESSAGES + 1];
/* Identifiers of messages that await their acknowledgement, the newest on top. */
static int stack[MESSAGES + 1], height, popped;

static void tell(int *what)
{
    pthread_mutex_lock(&mutex);
    (*what)++;
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&mutex);
}

static void wait_until(const int *what, int least)
{
    pthread_mutex_lock(&mutex);
    while (*what < least) {
        pthread_cond_wait(&news, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static int value_of(const int *what)
{
    pthread_mutex_lock(&mutex);
    int value = *what;
    pthread_mutex_unlock(&mutex);
    return value;
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m, (void)obj;
    CHECK_INT(0, rc);
    tell(&connections);
}

static void on_subscribe(struct mosquitto *m, void *obj, int mid, int granted, const int *qos)
{
    (void)m, (void)obj, (void)mid;
    CHECK(granted == 1 && qos[0] <= 2);
    tell(&subscribed);
}

/* The payload is a number. */
static void on_message(struct mosquitto *m, void *obj, const struct mosquitto_message *message)
{
    (void)m, (void)obj;
    int number = atoi(message->payload);
    CHECK(number >= 0 && number <= MESSAGES);
    pthread_mutex_lock(&mutex);
    seen[number]++;
    mid_of[number] = message->mid;
    if (message->qos > 0) {
        CHECK(height <= MESSAGES);
        stack[height++] = message->mid;
    }
    count++;
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&mutex);
}

static struct mosquitto *client(const char *id, int mode)
{
    struct mosquitto *m = mosquitto_new(id, id == NULL, NULL);
    CHECK(m != NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version));
    CHECK_INT(0, mqttrs_ack_mode_set(m, mode));
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_subscribe_callback_set(m, on_subscribe);
    mosquitto_message_callback_set(m, on_message);
    mosquitto_reconnect_delay_set(m, 1, 1, false);
    return m;
}

static void connect_client(struct mosquitto *m)
{
    mosquitto_property *properties = NULL;
    if (version == 5) {
        CHECK_INT(0,
            mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL, 600));
    }
    CHECK_INT(0, mosquitto_connect_bind_v5(m, "127.0.0.1", port, 60, NULL, properties));
    mosquitto_property_free_all(&properties);
}

static void start(struct mosquitto *m)
{
    int before = value_of(&connections);
    CHECK_INT(0, mosquitto_loop_start(m));
    connect_client(m);
    wait_until(&connections, before + 1);
}

static void subscribe(struct mosquitto *m, const char *filter)
{
    int before = value_of(&subscribed);
    CHECK_INT(0, mosquitto_subscribe(m, NULL, filter, 2));
    wait_until(&subscribed, before + 1);
}

static struct mosquitto *started(const char *id, int mode)
{
    struct mosquitto *m = client(id, mode);
    start(m);
    return m;
}

/* A server that cannot send any more may not read what has come before that: first it is to
 * have all. The callbacks before have returned, too. */
static void stop(struct mosquitto *m)
{
    subscribe(m, "settled");
    CHECK_INT(0, mosquitto_disconnect(m));
    CHECK_INT(0, mosquitto_loop_stop(m, false));
    mosquitto_destroy(m);
}

static void publish(struct mosquitto *m, int number, int qos)
{
    char text[16];
    int len = snprintf(text, sizeof text, "%d", number);
    CHECK_INT(0, mosquitto_publish(m, NULL, "ack/x", len, text, qos, false));
}

static void acknowledge(struct mosquitto *m, int number)
{
    int mid = value_of(&mid_of[number]);
    CHECK_INT(0, mqttrs_ack(m, mid, 0));
    CHECK_INT(MOSQ_ERR_NOT_FOUND, mqttrs_ack(m, mid, 0));
}

/* Acknowledges the newest of those that are there, again and again. */
static void *acknowledge_many(void *argument)
{
    struct mosquitto *m = argument;
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (height == 0 && popped < MESSAGES) {
            pthread_cond_wait(&news, &mutex);
        }
        if (popped == MESSAGES) {
            pthread_mutex_unlock(&mutex);
            return NULL;
        }
        int mid = stack[--height];
        popped++;
        pthread_cond_broadcast(&news);
        pthread_mutex_unlock(&mutex);
        CHECK_INT(0, mqttrs_ack(m, mid, 0));
    }
}

/* The server has nothing for this client that came before `number`. */
static void nothing_is_left(struct mosquitto *publisher, const char *id, int number)
{
    int before = value_of(&count);
    struct mosquitto *m = started(id, MQTTRS_ACK_AUTOMATIC);
    publish(publisher, number, 1);
    wait_until(&count, before + 1);
    CHECK_INT(1, value_of(&seen[number]));
    CHECK_INT(0, mosquitto_unsubscribe(m, NULL, "ack/#"));
    stop(m);
}

static void threads(void)
{
    struct mosquitto *publisher = started(NULL, MQTTRS_ACK_AUTOMATIC);
    struct mosquitto *m = started("threads", MQTTRS_ACK_MANUAL);
    pthread_t acknowledging[THREADS];
    subscribe(m, "ack/#");
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&acknowledging[i], NULL, acknowledge_many, m) == 0);
    }
    for (int i = 0; i < MESSAGES; i++) {
        publish(publisher, i, 1 + i % 2);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(acknowledging[i], NULL);
    }
    CHECK_INT(MESSAGES, value_of(&count));
    for (int i = 0; i < MESSAGES; i++) {
        CHECK_INT(1, seen[i]);
    }
    stop(m);
    nothing_is_left(publisher, "threads", MESSAGES);
    stop(publisher);
}

static void window(void)
{
    struct mosquitto *publisher = started(NULL, MQTTRS_ACK_AUTOMATIC);
    struct mosquitto *m = client(NULL, MQTTRS_ACK_MANUAL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, WINDOW));
    start(m);
    subscribe(m, "ack/#");
    for (int i = 1; i <= 10; i++) {
        publish(publisher, i, 1 + i % 2);
    }
    /* QoS 0 is not held back: when this is here, the others would be. */
    publish(publisher, 0, 0);
    wait_until(&count, WINDOW + 1);
    CHECK_INT(1, value_of(&seen[0]));
    /* Each makes room for others. */
    for (int i = 0; i < 10; i++) {
        wait_until(&height, i + 1);
        CHECK_INT(0, mqttrs_ack(m, value_of(&stack[i]), 0));
    }
    stop(m);
    stop(publisher);
}

static void reset(void)
{
    struct mosquitto *publisher = started(NULL, MQTTRS_ACK_AUTOMATIC);
    struct mosquitto *m = started("reset", MQTTRS_ACK_MANUAL);
    subscribe(m, "ack/#");
    for (int i = 1; i <= 6; i++) {
        publish(publisher, i, 1 + i % 2);
    }
    wait_until(&count, 6);
    /* These wait for those before them, which are of the same QoS. */
    acknowledge(m, 3);
    acknowledge(m, 4);
    for (int i = 0; i < 2; i++) {
        int before = value_of(&connections);
        CHECK(shutdown(mosquitto_socket(m), SHUT_RDWR) == 0);
        acknowledge(m, 5 + i); /* with or without a connection */
        wait_until(&connections, before + 1);
        publish(publisher, 7 + i, 1);
        wait_until(&count, 7 + i);
        CHECK_INT(1, value_of(&seen[7 + i]));
    }
    for (int i = 1; i <= 8; i++) {
        CHECK_INT(1, seen[i]);
    }
    acknowledge(m, 8);
    acknowledge(m, 7);
    acknowledge(m, 1);
    acknowledge(m, 2);
    stop(m);
    nothing_is_left(publisher, "reset", 9);

    /* What a client has left is the next one's. */
    m = started("reset", MQTTRS_ACK_MANUAL);
    subscribe(m, "ack/#");
    publish(publisher, 10, 1);
    publish(publisher, 11, 2);
    wait_until(&count, 11);
    stop(m);
    m = started("reset", MQTTRS_ACK_AFTER_CALLBACK);
    wait_until(&count, 13);
    CHECK(value_of(&seen[10]) == 2 && value_of(&seen[11]) == 2);
    stop(m);
    nothing_is_left(publisher, "reset", 12);
    stop(publisher);
}

static void prepare(void)
{
    struct mosquitto *m = started("victim", MQTTRS_ACK_AUTOMATIC);
    subscribe(m, "ack/#");
    stop(m);
}

/* What waits to be sent goes out before this does. */
static void *publish_mark(void *m)
{
    CHECK_INT(0, mosquitto_publish(m, NULL, "mark", 1, "0", 0, false));
    return NULL;
}

static void on_message_that_kills(struct mosquitto *m, void *obj,
    const struct mosquitto_message *message)
{
    (void)obj;
    if (atoi(message->payload) == 2) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, publish_mark, m) == 0);
        pthread_join(thread, NULL);
        wait_until(&seen[0], 1); /* by the other client: the server has read it all */
        raise(SIGKILL);
    }
}

static void die(int mode)
{
    struct mosquitto *other = started(NULL, MQTTRS_ACK_AUTOMATIC);
    struct mosquitto *m = client("victim", mode);
    subscribe(other, "mark");
    publish(other, 1, 1);
    publish(other, 2, 1);
    mosquitto_message_callback_set(m, on_message_that_kills);
    connect_client(m);
    for (;;) {
        CHECK_INT(0, mosquitto_loop(m, -1, 1));
    }
}

static void next(int times)
{
    struct mosquitto *m = started("victim", MQTTRS_ACK_AUTOMATIC);
    publish(m, 3, 1);
    wait_until(&seen[3], 1);
    CHECK_INT(0, value_of(&seen[1]));
    CHECK_INT(times, value_of(&seen[2]));
    stop(m);
}

int main(int argc, char **argv)
{
    CHECK(argc >= 4);
    port = port_of(argv[1]);
    version = atoi(argv[2]);
    watched = argv[3];
    watchdog(120);
    CHECK_INT(0, mosquitto_lib_init());
    if (strcmp(argv[3], "threads") == 0) {
        threads();
    } else if (strcmp(argv[3], "window") == 0) {
        window();
    } else if (strcmp(argv[3], "reset") == 0) {
        reset();
    } else if (strcmp(argv[3], "prepare") == 0) {
        prepare();
    } else if (strcmp(argv[3], "die") == 0) {
        die(atoi(argv[4]));
    } else {
        next(atoi(argv[4]));
    }
    mosquitto_lib_cleanup();
    return 0;
}
