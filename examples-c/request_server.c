/*
 * request_server HOST PORT TOPIC
 *
 * Answers each request to TOPIC with its text in capitals, until it is interrupted. Who asks may
 * speak MQTT 5 or 3.1.1; several servers share the work with a TOPIC like $share/group/topic.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mqttrs.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = 1;
}

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    if (code != 0) {
        fprintf(stderr, "request_server: %s\n", mosquitto_connack_string(code));
    }
}

/* A request may be answered later, too: by then with copies of what this got. */
static void on_request(struct mosquitto *mosq, void *answered,
    const struct mosquitto_message *request, const mosquitto_property *props)
{
    size_t length = (size_t)request->payloadlen;
    char *text = malloc(length + 1);
    int rc = MOSQ_ERR_NOMEM;

    if (text != NULL) {
        for (size_t i = 0; i < length; i++) {
            text[i] = (char)toupper(((const unsigned char *)request->payload)[i]);
        }
        rc = mqttrs_respond(mosq, request, props, text, length, request->qos, NULL);
        free(text);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        ++*(unsigned long *)answered;
    } else { /* also where somebody published to the topic and asked for nothing */
        fprintf(stderr, "request_server: %s: %s\n", request->topic, mosquitto_strerror(rc));
    }
}

static int run(struct mosquitto *mosq, char **argv, unsigned long *answered)
{
    int rc;

    mosquitto_connect_callback_set(mosq, on_connect);
    rc = mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    if (rc == MOSQ_ERR_SUCCESS) { /* now, and again on every connection to come */
        rc = mqttrs_serve(mosq, argv[3], 1, on_request, answered);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    }
    while (rc == MOSQ_ERR_SUCCESS && !interrupted) {
        rc = mosquitto_loop(mosq, 1000, 1); /* a signal ends the wait */
        if (rc != MOSQ_ERR_SUCCESS && !interrupted) {
            rc = mosquitto_reconnect(mosq);
        }
    }
    if (interrupted) {
        mqttrs_disconnect_timeout(mosq, 5000);
        rc = MOSQ_ERR_SUCCESS;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
    unsigned long answered = 0;
    struct mosquitto *mosq;
    int rc = MOSQ_ERR_NOMEM;

    if (argc != 4) {
        fprintf(stderr, "usage: request_server HOST PORT TOPIC\n");
        return 2;
    }
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, NULL);
    if (mosq != NULL) {
        rc = run(mosq, argv, &answered);
        if (rc != MOSQ_ERR_SUCCESS) {
            fprintf(stderr, "request_server: %s\n", mosquitto_strerror(rc));
        }
        mosquitto_destroy(mosq);
    }
    mosquitto_lib_cleanup();
    printf("%lu answered\n", answered);
    return rc == MOSQ_ERR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
