/* sigpipe: a peer that resets the connection while we write ends the connection and nothing
 * else, and the library changes no signal's disposition. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "check.h"

static int listener, port;

static void listen_somewhere(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(address);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listener >= 0);
    CHECK_INT(0, bind(listener, (struct sockaddr *)&address, sizeof(address)));
    CHECK_INT(0, listen(listener, 8));
    CHECK_INT(0, getsockname(listener, (struct sockaddr *)&address, &len));
    port = ntohs(address.sin_port);
}

static struct sigaction dispositions[65];

static void remember_dispositions(void)
{
    for (int number = 1; number <= 64; number++) {
        sigaction(number, NULL, &dispositions[number]);
    }
    CHECK(dispositions[SIGPIPE].sa_handler == SIG_DFL);
}

static void check_dispositions(void)
{
    for (int number = 1; number <= 64; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0) {
            CHECK(now.sa_handler == dispositions[number].sa_handler);
            CHECK_INT(dispositions[number].sa_flags, now.sa_flags);
        }
    }
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    CHECK(!sigismember(&blocked, SIGPIPE));
}

/* The broker's side of a connection: accepts it and says yes. */
static int accept_client(void)
{
    static const unsigned char connack[] = { 0x20, 2, 0, 0 };
    int peer = accept(listener, NULL, NULL);
    CHECK(peer >= 0);
    CHECK_INT(sizeof(connack), send(peer, connack, sizeof(connack), MSG_NOSIGNAL));
    return peer;
}

static void reset(int peer)
{
    struct linger now = { 1, 0 };
    CHECK_INT(0, setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    close(peer);
}

static void on_connect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    CHECK_INT(0, rc);
    gate_open(obj);
}

static int reason;

static void on_disconnect(struct mosquitto *m, void *obj, int rc)
{
    (void)m;
    reason = rc;
    gate_open(obj);
}

/* `half` closes one direction first: the next write then fails with EPIPE. */
static void peer_resets_while_a_loop_writes(bool half)
{
    struct gate connected = GATE_CLOSED;
    struct mosquitto *m = mosquitto_new("pipe", true, &connected);
    CHECK(m != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    int peer = accept_client();
    while (!gate_is_open(&connected)) {
        CHECK_INT(0, mosquitto_loop(m, 1000, 1));
    }
    if (half) {
        shutdown(peer, SHUT_WR);
    }
    reset(peer);
    struct pollfd fd = { mosquitto_socket(m), POLLIN, 0 };
    while (!(fd.revents & POLLERR)) {
        CHECK(poll(&fd, 1, -1) == 1);
    }
    CHECK_INT(0, mosquitto_publish(m, NULL, "t", 5, "12345", 1, false));
    CHECK_INT(MOSQ_ERR_CONN_LOST, mosquitto_loop(m, 1000, 1));
    CHECK_INT(-1, mosquitto_socket(m));
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_loop(m, 0, 1));
    mosquitto_destroy(m);
}

static void peer_resets_while_a_thread_writes(void)
{
    struct gate moved = GATE_CLOSED;
    char *payload = calloc(1, 1 << 20);
    struct mosquitto *m = mosquitto_new("pipe", true, &moved);
    CHECK(m != NULL && payload != NULL);
    mosquitto_connect_callback_set(m, on_connect);
    mosquitto_disconnect_callback_set(m, on_disconnect);
    CHECK_INT(0, mosquitto_connect(m, "127.0.0.1", port, 60));
    int peer = accept_client();
    CHECK_INT(0, mosquitto_loop_start(m));
    gate_wait(&moved);
    gate_close(&moved);
    /* More than the sockets hold, so that writing goes on while the reset comes. */
    for (int i = 0; i < 16; i++) {
        CHECK_INT(0, mosquitto_publish(m, NULL, "t", 1 << 20, payload, 1, false));
    }
    reset(peer);
    gate_wait(&moved);
    CHECK_INT(MOSQ_ERR_CONN_LOST, reason);
    CHECK_INT(MOSQ_ERR_NO_CONN, mosquitto_disconnect(m));
    CHECK_INT(0, mosquitto_loop_stop(m, true));
    mosquitto_destroy(m);
    free(payload);
}

int main(void)
{
    watchdog(60);
    listen_somewhere();
    remember_dispositions();
    mosquitto_lib_init();
    peer_resets_while_a_loop_writes(false);
    check_dispositions();
    peer_resets_while_a_loop_writes(true);
    check_dispositions();
    peer_resets_while_a_thread_writes();
    check_dispositions();
    mosquitto_lib_cleanup();
    check_dispositions();
    close(listener);
    return 0;
}
