/*
 * request_client [-4] HOST PORT TOPIC TEXT...
 *
 * Asks who answers requests to TOPIC with each TEXT, all at once, and prints the responses as they
 * come. -4 speaks MQTT 3.1.1, where topics alone say what belongs together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mqttrs.h>

enum { SECONDS = 1000 }; /* as milliseconds */

/* Callbacks of one client are never called at the same time, and this program's only thread runs
 * its loop: so this needs no lock. */
static int left, failed;

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    if (code != 0) {
        fprintf(stderr, "request_client: %s\n", mosquitto_connack_string(code));
    }
}

/* Runs once for each request, also when the connection or the time is over. */
static void on_response(struct mosquitto *mosq, void *text, int result,
    const struct mosquitto_message *response, const mosquitto_property *props)
{
    if (result == MOSQ_ERR_SUCCESS) {
        printf("%s: %.*s\n", (char *)text, response->payloadlen, (char *)response->payload);
    } else {
        printf("%s: %s\n", (char *)text, mosquitto_strerror(result));
        failed = 1;
    }
    left--;
}

static int ask(struct mosquitto *mosq, const char *topic, char *text)
{
    struct mqttrs_message request = {.size = sizeof request, .topic = topic, .qos = 1};

    request.payload = text;
    request.payloadlen = strlen(text);
    left++;
    return mqttrs_request(mosq, &request, 10 * SECONDS, on_response, text);
}

static int run(struct mosquitto *mosq, int version, char **argv)
{
    int rc = mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, version);

    mosquitto_connect_callback_set(mosq, on_connect);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect(mosq, argv[0], atoi(argv[1]), 60);
    }
    for (int i = 3; rc == MOSQ_ERR_SUCCESS && argv[i] != NULL; i++) {
        rc = ask(mosq, argv[2], argv[i]);
    }
    while (rc == MOSQ_ERR_SUCCESS && left > 0) {
        rc = mosquitto_loop(mosq, 1000, 1);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mqttrs_disconnect_timeout(mosq, 5 * SECONDS);
    }
    return rc;
}

int main(int argc, char **argv)
{
    int version = MQTT_PROTOCOL_V5;
    struct mosquitto *mosq;
    int rc = MOSQ_ERR_NOMEM;

    if (argc > 1 && strcmp(argv[1], "-4") == 0) {
        version = MQTT_PROTOCOL_V311;
        argc--;
        argv++;
    }
    if (argc < 5) {
        fprintf(stderr, "usage: request_client [-4] HOST PORT TOPIC TEXT...\n");
        return 2;
    }
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, NULL);
    if (mosq != NULL) {
        rc = run(mosq, version, argv + 1);
        if (rc != MOSQ_ERR_SUCCESS) {
            fprintf(stderr, "request_client: %s\n", mosquitto_strerror(rc));
        }
        mosquitto_destroy(mosq); /* tells of requests that are left */
    }
    mosquitto_lib_cleanup();
    return rc == MOSQ_ERR_SUCCESS && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
