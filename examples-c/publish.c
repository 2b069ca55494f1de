/*
 * publish HOST PORT TOPIC
 *
 * Publishes each line of standard input at QoS 1, and ends when the broker has acknowledged
 * all of them. SIGINT ends the input.
 *
 * The library runs a thread of its own here (mosquitto_loop_start), so that this one is free
 * to wait for input. It connects again when the connection is lost, and what waits is sent then.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mqttrs.h>

static int nothing; /* a descriptor that has nothing to read */

/* From now on, and also for a read that is just waiting, the input is at its end. */
static void end_input(int number)
{
    dup2(nothing, STDIN_FILENO);
}

static int end_input_on_sigint(void)
{
    struct sigaction action = {.sa_handler = end_input};

    action.sa_flags = SA_RESETHAND; /* the second SIGINT ends the program as ever */
    nothing = open("/dev/null", O_RDONLY);
    return nothing < 0 || sigaction(SIGINT, &action, NULL) != 0 ? MOSQ_ERR_ERRNO : MOSQ_ERR_SUCCESS;
}

/* Called in the library's thread, which connects again even then: a program that runs for years
 * waits until somebody has mended it. Here nobody does, so nothing need wait to be sent. */
static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    if (code != 0) {
        fprintf(stderr, "publish: %s\n", mosquitto_connack_string(code));
        *(int *)obj = MOSQ_ERR_CONN_REFUSED;
        mqttrs_queue_clear(mosq);
    }
}

/* Publishes what there is to read. Messages may wait inside the library: for the connection,
 * or for the broker to acknowledge earlier ones. It keeps a copy of each. */
static int publish_lines(struct mosquitto *mosq, const char *topic)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int rc = MOSQ_ERR_SUCCESS;

    while (rc == MOSQ_ERR_SUCCESS && (length = getline(&line, &size, stdin)) >= 0) {
        length -= length > 0 && line[length - 1] == '\n';
        rc = mosquitto_publish(mosq, NULL, topic, (int)length, line, 1, false);
    }
    free(line);
    return rc;
}

static int run(struct mosquitto *mosq, char **argv)
{
    int rc = end_input_on_sigint();

    mosquitto_connect_callback_set(mosq, on_connect);
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_connect(mosq, argv[1], atoi(argv[2]), 60);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mosquitto_loop_start(mosq);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = publish_lines(mosq, argv[3]);
    }
    if (rc == MOSQ_ERR_SUCCESS) {
        rc = mqttrs_drain(mosq, UINT_MAX); /* for the acknowledgements, 49 days at most */
    }
    mosquitto_disconnect(mosq); /* ends the loop, so that its thread can be joined */
    mosquitto_loop_stop(mosq, false);
    return rc;
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq;
    int rc = MOSQ_ERR_NOMEM, refused = MOSQ_ERR_SUCCESS;

    if (argc != 4) {
        fprintf(stderr, "usage: publish HOST PORT TOPIC\n");
        return 2;
    }
    mosquitto_lib_init();
    mosq = mosquitto_new(NULL, true, &refused);
    if (mosq != NULL) {
        rc = run(mosq, argv);
    }
    rc = rc == MOSQ_ERR_SUCCESS ? refused : rc; /* the library's thread has ended */
    if (rc != MOSQ_ERR_SUCCESS) {
        fprintf(stderr, "publish: %s\n", mosquitto_strerror(rc));
    }
    mosquitto_destroy(mosq);
    mosquitto_lib_cleanup();
    return rc != MOSQ_ERR_SUCCESS;
}
