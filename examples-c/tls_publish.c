/*
 * tls_publish HOST PORT TOPIC CAFILE [CERTFILE KEYFILE]
 *
 * Publishes standard input as one message at QoS 1, over TLS. CAFILE has the certificates to
 * trust; CERTFILE and KEYFILE are for servers that want to know who we are. When that fails,
 * it says which certificate, file or answer was to blame.
 *
 * The password of an encrypted key is taken from the environment variable KEY_PASSWORD.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mqttrs.h>

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    if (code != 0) {
        *(int *)obj = code;
        fprintf(stderr, "tls_publish: %s\n", mosquitto_connack_string(code));
        mosquitto_disconnect(mosq);
    }
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
    mosquitto_disconnect(mosq); /* acknowledged */
}

static int key_password(char *buf, int size, int rwflag, void *userdata)
{
    const char *password = getenv("KEY_PASSWORD");
    int length = password == NULL ? 0 : (int)strlen(password);

    if (length > size) {
        return 0;
    }
    memcpy(buf, password == NULL ? "" : password, (size_t)length);
    return length;
}

/* A file that cannot be used is an error of mosquitto_tls_set or mosquitto_connect, a certificate
 * that is refused one of the loop. */
static int run(struct mosquitto *mosq, int argc, char **argv)
{
    static char message[65536];
    size_t length = fread(message, 1, sizeof message, stdin);
    int rc;

    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_publish_callback_set(mosq, on_publish);
    rc = mosquitto_tls_set(mosq, argv[4], NULL, argc > 5 ? argv[5] : NULL,
                           argc > 5 ? argv[6] : NULL, key_password);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        /* It waits inside the library until the server has accepted us. */
        rc = mosquitto_publish(mosq, NULL, argv[3], (int)length, message, 1, false);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_loop_forever(mosq, -1, 1);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq;
    int refused = 0;
    int rc = MOSQ_ERR_NOMEM;

    if (argc != 5 && argc != 7) {
        fprintf(stderr, "usage: tls_publish HOST PORT TOPIC CAFILE [CERTFILE KEYFILE]\n");
        return 2;
    }
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &refused);
    if (mosq != NULL) {
        rc = run(mosq, argc, argv);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        char why[512] = "";

        mqttrs_last_error(mosq, why, sizeof why);
        fprintf(stderr, "tls_publish: %s\n%s\n", mosquitto_strerror(rc), why);
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS || refused != 0;
}
