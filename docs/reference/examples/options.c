/* options: numbers and strings. */
#include "example.h"

/* MQTT 5 over WebSocket, at a path. */
static void numbers_and_strings(struct mosquitto *mosq)
{
    must(mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    must(mosquitto_int_option(mosq, MOSQ_OPT_TRANSPORT, MOSQ_T_WEBSOCKETS));
    must(mosquitto_string_option(mosq, MOSQ_OPT_HTTP_PATH, "/broker"));
}

/* The older way to say one thing. */
static void by_pointer(struct mosquitto *mosq)
{
    int version = MQTT_PROTOCOL_V311;

    must(mosquitto_opts_set(mosq, MOSQ_OPT_PROTOCOL_VERSION, &version));
}

/* An SSL_CTX is OpenSSL's, which is not here: refused, and connecting fails until TLS is set up
 * in another way, so that nobody is unprotected without knowing. */
static void not_supported(struct mosquitto *mosq, void *ssl_ctx)
{
    expect(mosquitto_void_option(mosq, MOSQ_OPT_SSL_CTX, ssl_ctx)
           == MOSQ_ERR_NOT_SUPPORTED);
    expect(mosquitto_connect(mosq, "127.0.0.1", 1883, 60) == MOSQ_ERR_TLS);
}

int main(void)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);

    numbers_and_strings(mosq);
    by_pointer(mosq);
    not_supported(mosq, mosq);
    mosquitto_destroy(mosq);
    return 0;
}
