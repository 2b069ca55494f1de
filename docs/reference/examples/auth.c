/* auth: authentication in several steps, as far as it goes without a server that has it. */
#include "example.h"

/* The server's step; ours is the answer. */
static int on_ext_auth(struct mosquitto *mosq, void *obj, const char *auth_method,
                       uint16_t auth_data_len, const void *auth_data,
                       const mosquitto_property *props)
{
    const char *answer = obj;

    printf("%s: %.*s\n", auth_method, auth_data_len, (const char *)auth_data);
    must(mosquitto_ext_auth_continue(mosq, auth_method, (uint16_t)strlen(answer), answer,
                                     NULL));
    return MOSQ_ERR_SUCCESS;
}

/* The first step goes with CONNECT. */
static int begin(struct mosquitto *mosq, int port)
{
    mosquitto_property *properties = NULL;

    must(mosquitto_int_option(mosq, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    mosquitto_ext_auth_callback_set(mosq, on_ext_auth);
    must(mosquitto_property_add_string(&properties, MQTT_PROP_AUTHENTICATION_METHOD,
                                       "SCRAM-SHA-256"));
    must(mosquitto_property_add_binary(&properties, MQTT_PROP_AUTHENTICATION_DATA,
                                       "n,,n=user", 9));
    int rc = mosquitto_connect_bind_v5(mosq, "127.0.0.1", port, 60, NULL, properties);
    mosquitto_property_free_all(&properties);
    return rc;
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, "c=biws,r=...");

    must(begin(mosq, argc > 1 ? atoi(argv[1]) : 1883));
    /* Mosquitto knows no such method, and says so by a reason code. */
    expect(mosquitto_loop_forever(mosq, -1, 1) != MOSQ_ERR_SUCCESS);
    expect(mosquitto_ext_auth_continue(mosq, "SCRAM-SHA-256", 0, NULL, NULL)
           == MOSQ_ERR_NO_CONN);
    mosquitto_destroy(mosq);
    return 0;
}
