/* connect PORT: ways to a server and back. */
#include "example.h"

/* Waits until the TCP connection stands; CONNACK comes to the connect callback, by the loop. */
static void simply(struct mosquitto *mosq, int port)
{
    int rc = mosquitto_connect(mosq, "127.0.0.1", port, 60);

    if (rc != MOSQ_ERR_SUCCESS) {
        char why[256];

        mqttrs_last_error(mosq, why, sizeof why);
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
}

/* Waits for nothing: the loop's thread connects, and goes on trying. */
static void in_the_background(struct mosquitto *mosq, int port)
{
    must(mosquitto_loop_start(mosq));
    must(mosquitto_connect_async(mosq, "127.0.0.1", port, 60));
}

/* From one of several local addresses. */
static void from_an_address(struct mosquitto *mosq, int port)
{
    must(mosquitto_connect_bind(mosq, "127.0.0.1", port, 60, "127.0.0.1"));
}

static void from_an_address_in_the_background(struct mosquitto *mosq, int port)
{
    must(mosquitto_connect_bind_async(mosq, "127.0.0.1", port, 60, "127.0.0.1"));
}

/* MQTT 5: the server keeps the session for an hour. */
static void with_properties(struct mosquitto *mosq, int port)
{
    mosquitto_property *properties = NULL;

    must(mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    must(mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                      3600));
    must(mosquitto_connect_bind_v5(mosq, "127.0.0.1", port, 60, NULL, properties));
    mosquitto_property_free_all(&properties);
}

/* The next connection goes on with the session that the server has. */
static void go_on(struct mosquitto *mosq)
{
    must(mqttrs_clean_start_set(mosq, false));
}

/* To what the DNS says are the MQTT servers of example.org; the loop asks it. */
static void by_srv_records(struct mosquitto *mosq)
{
    must(mosquitto_connect_srv(mosq, "example.org", 60, NULL));
}

/* The same server again, with other credentials. */
static void again(struct mosquitto *mosq)
{
    must(mosquitto_username_pw_set(mosq, "alice", "secret"));
    must(mosquitto_reconnect(mosq));
}

/* The same in a callback, where waiting would hold up the loop. */
static void on_disconnect(struct mosquitto *mosq, void *obj, int reason)
{
    if (reason != 0)
        must(mosquitto_reconnect_async(mosq));
}

/* Says goodbye: the last will is not published. What is queued goes out first. */
static void goodbye(struct mosquitto *mosq)
{
    must(mosquitto_disconnect(mosq));
    must(mosquitto_loop_stop(mosq, false));
}

/* MQTT 5: goodbye, and the last will shall be published all the same. */
static void goodbye_with_will(struct mosquitto *mosq)
{
    must(mosquitto_disconnect_v5(mosq, MQTT_RC_DISCONNECT_WITH_WILL_MSG, NULL));
}

/* The next connect goes through a proxy, and through the other kind after the second call. */
static void through_a_proxy(struct mosquitto *mosq)
{
    must(mosquitto_socks5_set(mosq, "127.0.0.1", 1080, "user", "password"));
    must(mqttrs_http_proxy_set(mosq, "proxy.example.org", 3128, NULL, NULL));
    must(mqttrs_http_proxy_set(mosq, NULL, 0, NULL, NULL)); /* and now through none */
}

/* WebSocket, with a header of our own and less patience than 30 seconds. */
static void by_websocket(struct mosquitto *mosq)
{
    must(mosquitto_int_option(mosq, MOSQ_OPT_TRANSPORT, MOSQ_T_WEBSOCKETS));
    must(mqttrs_websocket_header_add(mosq, "Authorization", "Bearer abc"));
    must(mqttrs_connect_timeout_set(mosq, 5000));
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 1883;
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);

    simply(mosq, port);
    again(mosq);
    from_an_address(mosq, port);
    with_properties(mosq, port);
    go_on(mosq);
    goodbye_with_will(mosq);
    must(mosquitto_reinitialise(mosq, NULL, true, NULL));

    in_the_background(mosq, port);
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1, false));
    must(mqttrs_drain(mosq, 10000));
    goodbye(mosq);
    from_an_address_in_the_background(mosq, port);

    /* Nobody runs the loop, so nothing of this goes anywhere. */
    must(mosquitto_reinitialise(mosq, NULL, true, NULL));
    mosquitto_disconnect_callback_set(mosq, on_disconnect);
    by_srv_records(mosq);
    through_a_proxy(mosq);
    by_websocket(mosq);
    mosquitto_destroy(mosq);
    return 0;
}
