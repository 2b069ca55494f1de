/* receive PORT: messages that are kept, and messages that are acknowledged late. */
#include "example.h"

struct job {
    struct mosquitto_message *message;
    bool taken;
};

/* The message is gone when the callback returns: a copy lasts. */
static void on_message(struct mosquitto *mosq, void *obj,
                       const struct mosquitto_message *message)
{
    struct job *job = obj;

    job->message = malloc(sizeof *job->message);
    expect(job->message != NULL);
    must(mosquitto_message_copy(job->message, message));
    job->taken = true;
}

/* From now on messages count as received only when the program says so. */
static void acknowledge_ourselves(struct mosquitto *mosq)
{
    must(mqttrs_ack_mode_set(mosq, MQTTRS_ACK_MANUAL));
}

/* The work is done; had the program died before, the message would come again. */
static void done(struct mosquitto *mosq, struct job *job)
{
    must(mqttrs_ack(mosq, job->message->mid, 0));
    mosquitto_message_free(&job->message);
}

/* A copy in a structure of the program's own. */
static void copy_in_place(const struct mosquitto_message *message)
{
    struct mosquitto_message copy;

    must(mosquitto_message_copy(&copy, message));
    printf("%s: %d bytes\n", copy.topic, copy.payloadlen);
    mosquitto_message_free_contents(&copy);
}

int main(int argc, char **argv)
{
    struct job job = {NULL, false};
    struct mosquitto *mosq =
        connected_client(argc > 1 ? atoi(argv[1]) : 1883, MQTT_PROTOCOL_V311);

    mosquitto_user_data_set(mosq, &job);
    mosquitto_message_callback_set(mosq, on_message);
    acknowledge_ourselves(mosq);
    must(mosquitto_subscribe(mosq, NULL, "jobs", 1));
    must(mosquitto_publish(mosq, NULL, "jobs", 4, "dig!", 1, false));
    run_until(mosq, &job.taken);
    copy_in_place(job.message);
    done(mosq, &job);
    must(mqttrs_disconnect_timeout(mosq, 10000));
    mosquitto_destroy(mosq);
    return 0;
}
