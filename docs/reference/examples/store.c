/* store PORT: a session that survives the process. */
#include "example.h"

/* Before connecting; what an earlier process has left is sent with the next connection. */
static struct mosquitto *stored(const char *folder)
{
    struct mqttrs_store_options options = {
        .size = sizeof options,
        .durability = MQTTRS_STORE_SYNC_GROUPS, /* a power failure takes no more than ... */
        .sync_interval = 50,                    /* ... the last 50 milliseconds */
    };
    struct mosquitto *mosq = mosquitto_new("meter-17", false, NULL);
    int rc = mqttrs_store_open(mosq, folder, &options);

    if (rc == MOSQ_ERR_NOT_SUPPORTED)
        fprintf(stderr, "this libmqttrs was built without the feature `store`\n");
    else
        must(rc);
    return mosq;
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = stored("session");

    /* From here on a message that was accepted is not lost. */
    must(mosquitto_connect(mosq, "127.0.0.1", argc > 1 ? atoi(argv[1]) : 1883, 60));
    must(mosquitto_publish(mosq, NULL, "meters/17", 4, "1234", 2, false));
    must(mqttrs_disconnect_timeout(mosq, 10000));
    mosquitto_destroy(mosq);
    return 0;
}
