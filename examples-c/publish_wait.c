/*
 * publish_wait HOST PORT TOPIC TEXT...
 *
 * Publishes each TEXT at QoS 1 and waits until it is known what became of all of them; a callback
 * says so of each.
 *
 * A token and a callback belong to one message, so nothing has to be matched by packet identifiers,
 * which are used again, and may be answered before the call that gave them has returned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mqttrs.h>

enum { SECONDS = 1000 }; /* as milliseconds */

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    if (code != 0) { /* the library goes on trying; main waits so long as it wants */
        fprintf(stderr, "publish_wait: %s\n", mosquitto_connack_string(code));
    }
}

/* Runs once for its message, with what was given to mqttrs_publish, in the library's thread. What
 * is left when the client ends is told too, by mosquitto_destroy. */
static void on_done(struct mosquitto *mosq, void *text, const struct mqttrs_result *result)
{
    if (result->outcome != MQTTRS_OUTCOME_ACKNOWLEDGED) {
        printf("%s: not sent\n", (char *)text);
    } else if (result->reason_code >= 128) {
        printf("%s: %s\n", (char *)text, mosquitto_reason_string(result->reason_code));
    } else {
        printf("%s: acknowledged\n", (char *)text);
    }
}

/* Waits for all, and then looks at each. */
static int wait_for(struct mqttrs_token **tokens, size_t count)
{
    int rc = mqttrs_tokens_wait(tokens, count, 10 * SECONDS);

    for (size_t i = 0; i < count && rc == MOSQ_ERR_SUCCESS; i++) {
        struct mqttrs_result result = {.size = sizeof result};

        rc = mqttrs_token_wait(tokens[i], 0, &result);
        if (rc == MOSQ_ERR_SUCCESS && result.reason_code >= 128) {
            rc = MOSQ_ERR_ACL_DENIED;
        }
    }
    return rc;
}

static int run(struct mosquitto *mosq, char **argv, struct mqttrs_token **tokens, size_t count)
{
    struct mqttrs_message message = {.size = sizeof message, .topic = argv[3], .qos = 1};
    int rc;

    mosquitto_connect_callback_set(mosq, on_connect);
    rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    rc = rc ? rc : mosquitto_loop_start(mosq);
    for (size_t i = 0; rc == MOSQ_ERR_SUCCESS && i < count; i++) {
        char *text = argv[4 + i];

        message.payload = text; /* copied, as everything else in there */
        message.payloadlen = strlen(text);
        rc = mqttrs_publish(mosq, NULL, &message, on_done, text, &tokens[i]);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = wait_for(tokens, count);
    }
    mosquitto_disconnect(mosq);
    mosquitto_loop_stop(mosq, false);
    return rc;
}

int main(int argc, char **argv)
{
    size_t count = argc > 4 ? (size_t)argc - 4 : 0;
    struct mqttrs_token **tokens = calloc(count + 1, sizeof *tokens);
    struct mosquitto *mosq;
    int rc = MOSQ_ERR_NOMEM;

    if (count == 0 || tokens == NULL) {
        fprintf(stderr, "usage: publish_wait HOST PORT TOPIC TEXT...\n");
        free(tokens);
        return 2;
    }
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, NULL);
    if (mosq != NULL) {
        mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5); /* it tells refusals */
        rc = run(mosq, argv, tokens, count);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "publish_wait: %s\n", mosquitto_strerror(rc));
    }
    for (size_t i = 0; i < count; i++) {
        mqttrs_token_destroy(tokens[i]);
    }
    free(tokens);
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
