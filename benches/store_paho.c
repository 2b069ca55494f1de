/* store_paho PORT COUNT FOLDER: messages of QoS 1 through Paho C with its file persistence;
 * prints the seconds until all are acknowledged. */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int done;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void delivered(void *context, MQTTClient_deliveryToken token)
{
    (void)context;
    (void)token;
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

static int arrived(void *context, char *topic, int len, MQTTClient_message *message)
{
    (void)context;
    (void)len;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    int count = atoi(argv[2]);
    char uri[60];
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", argv[1]);
    MQTTClient client;
    MQTTClient_create(&client, uri, "paho", MQTTCLIENT_PERSISTENCE_DEFAULT, argv[3]);
    MQTTClient_setCallbacks(client, NULL, NULL, arrived, delivered);
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    options.cleansession = 0;
    options.reliable = 0;
    options.maxInflightMessages = 20;
    if (MQTTClient_connect(client, &options) != 0) {
        return 1;
    }
    char payload[100];
    memset(payload, 'x', sizeof payload);
    const struct timespec moment = { 0, 20000 };
    double begun = now();
    for (int i = 0; i < count; i++) {
        MQTTClient_message message = MQTTClient_message_initializer;
        message.payload = payload;
        message.payloadlen = sizeof payload;
        message.qos = 1;
        MQTTClient_deliveryToken token;
        while (MQTTClient_publishMessage(client, "bench", &message, &token) != 0) {
            nanosleep(&moment, NULL); /* the window is full */
        }
    }
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < count) {
        nanosleep(&moment, NULL);
    }
    printf("%f\n", now() - begun);
    MQTTClient_disconnect(client, 1000);
    return 0;
}
