/* The floor for many clients in one thread: COUNT sockets and an epoll, each getting a
 * message a second; see measure.h. */
#include "measure.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

static struct options o;
static int epoll;
static long messages, room;
static double *samples;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void send_packet(int fd, const uint8_t *bytes, size_t len)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		fail("send");
}

static void connect_one(const uint8_t *packet, size_t len)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o.port)};
	struct epoll_event event = {.events = EPOLLIN};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	event.data.fd = fd;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	send_packet(fd, packet, len);
}

/* Every packet comes in one piece here, they are small and far apart. */
static void packet(int fd, const uint8_t *bytes, size_t len)
{
	static const uint8_t subscribe[] = {SUBSCRIBE | 2, 8, 0, 1, 0, 3, 't', '/', '#', 0};
	size_t header, total;

	if (read_fixed_header(bytes, len, &header, &total) != 1 || total > len)
		fail("a packet in pieces");
	if (bytes[0] == CONNACK) {
		send_packet(fd, subscribe, sizeof subscribe);
	} else if (bytes[0] == PUBLISH) {
		if (messages < room)
			samples[messages] = wall_ns() - sent_at(bytes + header + 3);
		messages++;
	}
	if (total < len)
		packet(fd, bytes + total, len - total);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	uint8_t connect_packet[256] = {CONNECT, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60}, bytes[4096];
	char id[128];
	size_t id_len;
	struct span connecting, ticking;
	double until;

	o = read_options(argc, argv);
	raise_descriptor_limit();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	room = o.count * o.seconds * 2;
	samples = malloc((size_t)room * sizeof *samples);
	id_len = strlen(scenario_id(id, "tick", &o));
	put_u16(connect_packet + 12, (unsigned)id_len);
	memcpy(connect_packet + 14, id, id_len);
	connect_packet[1] = (uint8_t)(12 + id_len);
	connecting = begin_span();
	for (long i = 0; i < o.count; i++)
		connect_one(connect_packet, 14 + id_len);
	connecting = end_span(connecting);
	/* The connecting is over with the first second's messages. */
	until = wall_ns() + 1e9;
	for (int measuring = 0; measuring < 2; measuring++) {
		messages = 0;
		ticking = begin_span();
		for (double now = wall_ns(); now < until; now = wall_ns()) {
			int n = epoll_wait(epoll, events, EVENTS, 100);

			for (int i = 0; i < n; i++) {
				ssize_t len = recv(events[i].data.fd, bytes, sizeof bytes, 0);

				if (len <= 0)
					fail("recv");
				packet(events[i].data.fd, bytes, (size_t)len);
			}
		}
		until = wall_ns() + o.seconds * 1e9;
	}
	print_span(end_span(ticking), messages);
	printf(" connect_ns=%.0f clients=%ld", connecting.cpu, o.count);
	print_latency(samples, messages);
	printf("\n");
	return 0;
}
