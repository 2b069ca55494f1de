/* tls PORT FOLDER: whom to trust and who we are. PORT speaks TLS and asks for a certificate; FOLDER
 * has ca.crt, client.crt, client.key, client.pkcs8-aes256.key and ca.crl. */
#include "example.h"

static const char *folder;

static const char *file(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* The whole content of a file, as it might be in a program's memory. */
static char *content(const char *name, size_t *size)
{
    char *data = calloc(1, 65536);
    FILE *stream = fopen(file(name), "rb");

    expect(data != NULL && stream != NULL);
    *size = fread(data, 1, 65535, stream);
    fclose(stream);
    return data;
}

/* From files. */
static void from_files(struct mosquitto *mosq)
{
    must(mosquitto_tls_set(mosq, file("ca.crt"), NULL, file("client.crt"),
                           file("client.key"), NULL));
    must(mosquitto_tls_opts_set(mosq, 1, "tlsv1.3", NULL)); /* nothing older */
}

/* From memory. */
static void from_memory(struct mosquitto *mosq)
{
    size_t ca_size, cert_size, key_size;
    char *ca = content("ca.crt", &ca_size);
    char *cert = content("client.crt", &cert_size), *key = content("client.key", &key_size);

    must(mqttrs_tls_ca_set(mosq, ca, ca_size));
    must(mqttrs_tls_certificate_set(mosq, cert, cert_size, key, key_size));
    free(ca), free(cert), free(key);
}

static int password(char *buf, int size, int rwflag, void *userdata)
{
    return snprintf(buf, (size_t)size, "%s", "correct horse");
}

/* A private key that is encrypted. */
static void encrypted_key(struct mosquitto *mosq)
{
    const char *key = file("client.pkcs8-aes256.key");

    must(mosquitto_tls_set(mosq, file("ca.crt"), NULL, file("client.crt"), key, password));
    must(mqttrs_tls_password_callback_set(mosq,
                                          password)); /* the same by a call of its own */
}

/* Certificates that were revoked are refused: by a list in memory, and by a file that may change. */
static void revocation(struct mosquitto *mosq)
{
    size_t size;
    char *list = content("ca.crl", &size);

    must(mqttrs_tls_crl_set(mosq, list, size));
    must(mqttrs_tls_crl_file_set(mosq, file("ca.crl")));
    free(list);
}

/* Only a server with this key, whatever its certificate. */
static void pinned(struct mosquitto *mosq, const char *pin)
{
    must(mqttrs_tls_pins_set(mosq, pin));
}

/* One port for MQTT and HTTPS: the server looks at the application protocol. */
static void alpn(struct mosquitto *mosq)
{
    const char *names[] = {"mqtt", "x-amzn-mqtt-ca"};

    must(mqttrs_tls_alpn_set(mosq, names, 2));
}

/* For tests: a certificate of another host's is accepted. */
static void careless(struct mosquitto *mosq)
{
    must(mosquitto_tls_insecure_set(mosq, true));
}

/* For Wireshark. Whoever has the file can read the traffic. */
static void watched(struct mosquitto *mosq)
{
    must(mqttrs_tls_keylog_set(mosq, "tls-secrets.txt"));
    must(mqttrs_tls_keylog_set(mosq, NULL)); /* no more */
}

/* What OpenSSL would be needed for. After the first call connecting fails until TLS is set up. */
static void not_supported(struct mosquitto *mosq)
{
    expect(mosquitto_tls_psk_set(mosq, "00ff", "identity", NULL) == MOSQ_ERR_NOT_SUPPORTED);
    expect(mosquitto_ssl_get(mosq) == NULL);
}

static void greet(struct mosquitto *mosq, int port)
{
    must(mosquitto_connect(mosq, "localhost", port, 60));
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1, false));
    must(mqttrs_disconnect_timeout(mosq, 10000));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int port = atoi(argv[1]);
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);

    folder = argv[2];
    not_supported(mosq);
    from_files(mosq);
    greet(mosq, port);
    encrypted_key(mosq);
    revocation(mosq);
    greet(mosq, port);

    must(mosquitto_reinitialise(mosq, NULL, true, NULL));
    from_memory(mosq);
    watched(mosq);
    greet(mosq, port);

    pinned(mosq, "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    must(mosquitto_connect(mosq, "localhost", port, 60));
    expect(mosquitto_loop_forever(mosq, -1, 1) == MOSQ_ERR_TLS);
    alpn(mosq);
    careless(mosq);
    mosquitto_destroy(mosq);
    return 0;
}
