/* Publishing and waiting with the tokens of mqttrs.h. */
#include "wait.h"

#include <mqttrs.h>

static void publish_and_wait(struct mosquitto *mosq, int count)
{
    static const char payload[PAYLOAD];
    static struct mqttrs_token *tokens[LARGEST_GROUP];
    struct mqttrs_message message = { .size = sizeof message, .topic = "wait", .payload = payload,
        .payloadlen = PAYLOAD, .qos = 1 };
    for (int i = 0; i < count; i++) {
        must(mqttrs_publish(mosq, NULL, &message, NULL, NULL, &tokens[i]), "publish");
    }
    must(mqttrs_tokens_wait(tokens, count, 30000), "wait");
    for (int i = 0; i < count; i++) {
        mqttrs_token_destroy(tokens[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    mosquitto_lib_init();
    return measure(mosquitto_new(NULL, true, NULL), argv);
}
