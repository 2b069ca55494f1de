/* request PORT: one client asks, another answers. */
#include "example.h"

/* Answers each request with what it says, in capital letters. */
static void on_request(struct mosquitto *mosq, void *userdata,
                       const struct mosquitto_message *request,
                       const mosquitto_property *props)
{
    char answer[64];
    size_t length = 0;

    for (; length < sizeof answer && length < (size_t)request->payloadlen; length++)
        answer[length] = (char)(((char *)request->payload)[length] & ~0x20);
    must(mqttrs_respond(mosq, request, props, answer, length, 1, NULL));
}

static void serve(struct mosquitto *server)
{
    must(mqttrs_serve(server, "capitals", 1, on_request, NULL));
}

static void on_response(struct mosquitto *mosq, void *userdata, int result,
                        const struct mosquitto_message *response,
                        const mosquitto_property *props)
{
    if (result == MOSQ_ERR_SUCCESS)
        printf("%s\n", (char *)response->payload);
    else
        printf("no answer: %s\n", mosquitto_strerror(result));
    *(bool *)userdata = true;
}

/* Any number may be under way; each ends once, at the latest after its time. */
static void ask(struct mosquitto *client, bool *answered)
{
    struct mqttrs_message request = {.size = sizeof request,
                                     .topic = "capitals",
                                     .payload = "hello",
                                     .payloadlen = 5,
                                     .qos = 1};

    must(mqttrs_request(client, &request, 5000, on_response, answered));
}

/* The same for programs that can wait. */
static void ask_and_wait(struct mosquitto *client)
{
    struct mqttrs_message request = {.size = sizeof request,
                                     .topic = "capitals",
                                     .payload = "world",
                                     .payloadlen = 5,
                                     .qos = 1};
    struct mosquitto_message *response;

    must(mqttrs_request_wait(client, &request, 5000, &response, NULL));
    printf("%s\n", (char *)response->payload);
    mosquitto_message_free(&response);
}

/* For a server that speaks MQTT 3.1.1: the topics say which answer belongs to which request. */
static void by_topics(struct mosquitto *client)
{
    must(mqttrs_request_by_topic_set(client, true));
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 1883;
    struct mosquitto *server = connected_client(port, MQTT_PROTOCOL_V5);
    struct mosquitto *client = connected_client(port, MQTT_PROTOCOL_V5);
    bool answered = false;

    serve(server);
    /* Whoever has an answer to a message of QoS 1 knows that the SUBSCRIBE before it was served. */
    must(mosquitto_publish(server, NULL, "barrier", 0, NULL, 1, false));
    must(mqttrs_drain(server, 10000));
    must(mosquitto_loop_start(server));

    ask(client, &answered);
    run_until(client, &answered);
    by_topics(client);
    ask_and_wait(client);
    mosquitto_destroy(client);
    mosquitto_destroy(server);
    return 0;
}
