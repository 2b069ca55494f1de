/* key_password: connects with a client certificate whose key is encrypted. Built with Debian's
 * mosquitto.h and run on either library, it prints what each call returned.
 *
 * Arguments: port, CA file, certificate, key, and the password that the callback gives:
 * "none" for no callback at all, "refused" for one that gives none. */
#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct mosquitto *client;
static const char *password;
static bool asked;
static bool answered;

static int give_password(char *buf, int size, int rwflag, void *userdata)
{
    if (!asked) {
        printf("asked: for %s, room for 256 bytes: %s, userdata: %s\n",
            rwflag == 0 ? "decrypting" : "encrypting", size >= 256 ? "yes" : "no",
            userdata == client ? "the client" : "something else");
    }
    asked = true;
    if (strcmp(password, "refused") == 0) {
        return -1;
    }
    size_t length = strlen(password);
    memcpy(buf, password, length);
    return (int)length;
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    (void)obj;
    printf("on_connect: %d\n", rc);
    answered = true;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        return 2;
    }
    alarm(60); /* a hang is a failure */
    password = argv[5];
    mosquitto_lib_init();
    client = mosquitto_new("key-password", true, NULL);
    mosquitto_connect_callback_set(client, on_connect);
    bool has_callback = strcmp(password, "none") != 0;
    printf("tls_set: %d\n", mosquitto_tls_set(client, argv[2], NULL, argv[3], argv[4],
        has_callback ? give_password : NULL));
    int rc = mosquitto_connect(client, "localhost", atoi(argv[1]), 60);
    printf("connect: %d\n", rc);
    while (rc == 0 && !answered) {
        rc = mosquitto_loop(client, 1000, 1);
    }
    printf("loop: %d\n", rc);
    if (answered) {
        printf("disconnect: %d\n", mosquitto_disconnect(client));
        mosquitto_loop(client, 1000, 1);
    }
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    return 0;
}
