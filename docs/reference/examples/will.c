/* will PORT: what the server says when we are gone. */
#include "example.h"

/* "online" while we are there, "offline" when the connection is lost; both retained. */
static void presence(struct mosquitto *mosq)
{
    must(mosquitto_will_set(mosq, "devices/17/state", 7, "offline", 1, true));
}

/* MQTT 5: only after half a minute without a new connection. */
static void presence_with_delay(struct mosquitto *mosq)
{
    mosquitto_property *properties = NULL;

    must(mosquitto_property_add_int32(&properties, MQTT_PROP_WILL_DELAY_INTERVAL, 30));
    /* On success the list is the library's. */
    must(mosquitto_will_set_v5(mosq, "devices/17/state", 7, "offline", 1, true,
                               properties));
}

static void no_will(struct mosquitto *mosq)
{
    must(mosquitto_will_clear(mosq));
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);

    presence(mosq);
    no_will(mosq);
    must(mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    presence_with_delay(mosq);
    must(mosquitto_connect(mosq, "127.0.0.1", argc > 1 ? atoi(argv[1]) : 1883, 60));
    must(mosquitto_publish(mosq, NULL, "devices/17/state", 6, "online", 1, true));
    must(mqttrs_drain(mosq, 10000));
    must(mosquitto_publish(mosq, NULL, "devices/17/state", 0, NULL, 1, true));
    must(mqttrs_disconnect_timeout(mosq, 10000)); /* no will is published after this */
    mosquitto_destroy(mosq);
    return 0;
}
