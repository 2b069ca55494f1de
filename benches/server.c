/* The server of the benchmarks: MQTT 3.1.1, one thread, epoll, as little work a message
 * as it can do. Answers are gathered, one write for all that one read brought.
 *
 *   server [CERTIFICATE KEY]
 *
 * Prints "PORT", or "PORT TLS_PORT" when there is a certificate (TLS 1.3 only), on
 * 127.0.0.1; then a line for each client that left: how many messages it sent and got, and
 * how many were wrong (lost, doubled or out of order). Ends with its input. */
#define _GNU_SOURCE
#include "server.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { READ = 1 << 18, EVENTS = 256, TURNS = 8 };

static int epoll_fd, timer_fd = -1;
static uint8_t buffer[READ];
static SSL_CTX *tls_context;
static long connections;

static struct connection **ticking;
static size_t ticking_len, ticking_room, ticking_next;

uint8_t *server_room(struct connection *c, size_t len)
{
	if (c->out_room - c->out_len < len) {
		size_t room = c->out_room ? c->out_room : 64;

		while (room - c->out_len < len)
			room *= 2;
		c->out = realloc(c->out, room);
		c->out_room = room;
	}
	return c->out + c->out_len;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void poll_for(int operation, int fd, uint32_t events, void *what)
{
	struct epoll_event event = {.events = events, .data.ptr = what};

	epoll_ctl(epoll_fd, operation, fd, &event);
}

static void drop(struct connection *c)
{
	mqtt_closed(c);
	connections--;
	for (size_t i = 0; c->ticking && i < ticking_len; i++)
		if (ticking[i] == c) {
			ticking[i] = ticking[--ticking_len];
			break;
		}
	SSL_free(c->tls);
	close(c->fd);
	free(c->rest);
	free(c->out);
	free(c->held);
	free(c->awaited);
	free(c);
}

/* Both return what recv and send do, and -1 with EAGAIN when TLS wants the socket. */
static long tls_result(struct connection *c, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(c->tls, n)) {
	case SSL_ERROR_WANT_WRITE:
		c->wants_write = true;
		/* fall through */
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		ERR_clear_error();
		errno = EPIPE;
		return -1;
	}
}

static long take(struct connection *c, uint8_t *into, size_t room)
{
	size_t got = 0;
	long n;

	if (!c->tls)
		return recv(c->fd, into, room, 0);
	/* Record after record, since epoll does not see those that OpenSSL holds. */
	while ((n = tls_result(c, SSL_read(c->tls, into + got, (int)(room - got)))) > 0)
		if ((got += (size_t)n) == room)
			break;
	return got > 0 ? (long)got : n;
}

static long give(struct connection *c, const uint8_t *bytes, size_t len)
{
	if (!c->tls)
		return send(c->fd, bytes, len, MSG_NOSIGNAL);
	return tls_result(c, SSL_write(c->tls, bytes, (int)(len > READ ? READ : len)));
}

/* Sends what is queued, then more of a flood, until the socket is full or others are to
 * have their turn. Returns -1 when the connection is dead. */
static int flush(struct connection *c)
{
	int turns = 0;

	c->wants_write = false;
	for (;;) {
		long n;

		if (c->out_at < c->out_len) {
			n = give(c, c->out + c->out_at, c->out_len - c->out_at);
			if (n > 0)
				c->out_at += (size_t)n;
		} else if (c->large_len > 0) {
			n = give(c, c->large, c->large_len);
			if (n > 0)
				c->large_len -= (size_t)n, c->large += n;
		} else {
			c->out_at = c->out_len = 0;
			if (turns++ == TURNS) {
				c->wants_write = c->flooding && c->sent < c->scenario.count;
				return 0;
			}
			if (!mqtt_fill(c))
				return c->closing ? -1 : 0;
			continue;
		}
		if (n <= 0) {
			if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
				return -1;
			c->wants_write = true;
			return 0;
		}
	}
}

static int input(struct connection *c)
{
	size_t have = c->rest_len;
	long n, used;

	memcpy(buffer, c->rest, have);
	do {
		n = take(c, buffer + have, sizeof buffer - have);
		if (n <= 0)
			break;
		used = mqtt_input(c, buffer, have + (size_t)n);
		if (used < 0)
			return -1;
		have = have + (size_t)n - (size_t)used;
		memmove(buffer, buffer + used, have);
	} while (c->tls && !c->closing);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return -1;
	if (have > 0) {
		c->rest = realloc(c->rest, have);
		memcpy(c->rest, buffer, have);
	}
	c->rest_len = have;
	return 0;
}

static void serve(struct connection *c, uint32_t events)
{
	if (c->handshaking) {
		int n = SSL_do_handshake(c->tls);

		c->wants_write = false;
		if (n == 1) {
			c->handshaking = false;
		} else if (tls_result(c, n) != -1 || errno != EAGAIN) {
			drop(c);
			return;
		}
	}
	if (!c->handshaking) {
		if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && input(c) != 0) {
			drop(c);
			return;
		}
		if (flush(c) != 0) {
			drop(c);
			return;
		}
	}
	if (c->wants_write != c->write_polled) {
		c->write_polled = c->wants_write;
		poll_for(EPOLL_CTL_MOD, c->fd, EPOLLIN | (c->wants_write ? EPOLLOUT : 0u), c);
	}
}

static void welcome(int listener, bool tls)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *c = calloc(1, sizeof *c);

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		c->fd = fd;
		connections++;
		if (tls) {
			c->tls = SSL_new(tls_context);
			SSL_set_fd(c->tls, fd);
			SSL_set_accept_state(c->tls);
			c->handshaking = true;
		}
		poll_for(EPOLL_CTL_ADD, fd, EPOLLIN, c);
	}
}

void server_tick(struct connection *c)
{
	struct itimerspec every = {{0, 1000000}, {0, 1000000}};

	if (ticking_len == ticking_room) {
		ticking_room = ticking_room ? 2 * ticking_room : 64;
		ticking = realloc(ticking, ticking_room * sizeof(struct connection *));
	}
	ticking[ticking_len++] = c;
	timerfd_settime(timer_fd, 0, &every, NULL);
}

/* A thousandth of the clients, each millisecond. */
static void tick(void)
{
	static size_t owed;
	uint64_t times = 0, now = now_ns();

	if (read(timer_fd, &times, sizeof times) != sizeof times)
		return;
	if (times > 1000)
		times = 1000;
	for (owed += ticking_len * times; owed >= 1000 && ticking_len > 0; owed -= 1000) {
		struct connection *c = ticking[ticking_next++ % ticking_len];

		mqtt_tick(c, now);
		serve(c, 0);
	}
}

static int listen_on(int *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
	    listen(listener, 4096) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
		perror("server");
		exit(1);
	}
	*port = ntohs(address.sin_port);
	return listener;
}

static void set_up_tls(const char *certificate, const char *key)
{
	tls_context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(tls_context, TLS1_3_VERSION);
	SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (SSL_CTX_use_certificate_chain_file(tls_context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls_context, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	/* Which of these an event is about is told by the address alone. */
	static char plain_mark, tls_mark, timer_mark, input_mark;
	struct epoll_event events[EVENTS];
	struct rlimit limit;
	int plain, tls = -1, port, tls_port = 0;
	bool ending = false;

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	poll_for(EPOLL_CTL_ADD, timer_fd, EPOLLIN, &timer_mark);
	poll_for(EPOLL_CTL_ADD, 0, EPOLLIN, &input_mark);
	plain = listen_on(&port);
	poll_for(EPOLL_CTL_ADD, plain, EPOLLIN, &plain_mark);
	if (argc == 3) {
		set_up_tls(argv[1], argv[2]);
		tls = listen_on(&tls_port);
		poll_for(EPOLL_CTL_ADD, tls, EPOLLIN, &tls_mark);
		printf("%d %d\n", port, tls_port);
	} else {
		printf("%d\n", port);
	}
	fflush(stdout);
	while (!ending || connections > 0) {
		/* What clients sent before they left is still taken in at the end. */
		int n = epoll_wait(epoll_fd, events, EVENTS, ending ? 1000 : -1);
		bool ticked = false;

		if (n == 0)
			break;
		for (int i = 0; i < n; i++) {
			char *what = events[i].data.ptr, byte;

			if (what == &plain_mark)
				welcome(plain, false);
			else if (what == &tls_mark)
				welcome(tls, true);
			else if (what == &timer_mark)
				ticked = true;
			else if (what == &input_mark) {
				if (read(0, &byte, 1) <= 0) {
					ending = true;
					poll_for(EPOLL_CTL_DEL, 0, 0, NULL);
				}
			} else
				serve((struct connection *)what, events[i].events);
		}
		/* Last, for it may drop a client that another event is about. */
		if (ticked)
			tick();
	}
	return 0;
}
