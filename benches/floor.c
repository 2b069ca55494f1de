/* The floor: the same bytes as a client library moves, by a program that does nothing
 * else. One thread, a blocking socket, everything that may be sent in one write, reads as
 * large as they come. Modes: publish, receive, pingpong, once; see measure.h. */
#include "measure.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, READ = 1 << 17 };

static const struct options *o;
static int fd;
static uint8_t out[CHUNK + 1024], in[READ];
static size_t out_len, in_len, skip;
static long done, seen, wrong, in_flight;
static uint8_t *payload;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void send_all(struct iovec *parts, int count)
{
	while (count > 0) {
		ssize_t n = writev(fd, parts, count);

		if (n < 0)
			fail("write");
		while (count > 0 && (size_t)n >= parts->iov_len) {
			n -= (ssize_t)parts->iov_len;
			parts++, count--;
		}
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
}

static void send_out(const uint8_t *more, size_t more_len)
{
	struct iovec parts[] = {{out, out_len}, {(void *)more, more_len}};

	send_all(parts, more_len > 0 ? 2 : 1);
	out_len = 0;
}

static void answer(unsigned type, unsigned packet_id)
{
	if (out_len + 4 > sizeof out)
		send_out(NULL, 0);
	out_len += put_ack(out + out_len, type, packet_id);
}

/* Looks at a packet, of a large one at its begin. */
static void packet(const uint8_t *bytes, size_t header, size_t total)
{
	unsigned qos = bytes[0] >> 1 & 3;
	size_t at;

	switch (bytes[0] & 0xF0) {
	case PUBLISH:
		at = header + 2 + take_u16(bytes + header);
		if (qos > 0) {
			answer(qos == 1 ? PUBACK : PUBREC, take_u16(bytes + at));
			at += 2;
		}
		if (total - at != o->size || stamped_number(bytes + at) != (uint64_t)seen)
			wrong++;
		seen++;
		if (qos < 2)
			done++;
		break;
	case PUBREL:
		answer(PUBCOMP, take_u16(bytes + 2));
		done++;
		break;
	case PUBREC:
		answer(PUBREL, take_u16(bytes + 2));
		break;
	case PUBACK:
	case PUBCOMP:
		in_flight--;
		done++;
		break;
	default: /* CONNACK, SUBACK */
		break;
	}
}

/* One read and all that came with it. */
static void receive(void)
{
	ssize_t n = recv(fd, in + in_len, sizeof in - in_len, 0);
	size_t at = 0;

	if (n <= 0)
		fail("read");
	in_len += (size_t)n;
	while (at < in_len) {
		size_t header, total, here = in_len - at;

		if (skip > 0) {
			size_t take = skip < here ? skip : here;

			skip -= take;
			at += take;
			continue;
		}
		if (read_fixed_header(in + at, here, &header, &total) != 1 ||
		    (total > here && here < 256))
			break;
		if (total > here) {
			if (total < READ / 2)
				break;
			skip = total - here;
			packet(in + at, header, total);
			at = in_len;
			continue;
		}
		packet(in + at, header, total);
		at += total;
	}
	in_len -= at;
	memmove(in, in + at, in_len);
}

static void connect_as(const char *id)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o->port)};
	size_t id_len = strlen(id);
	static const uint8_t fields[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60};
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	out_len = put_fixed_header(out, CONNECT, sizeof fields + 2 + id_len);
	memcpy(out + out_len, fields, sizeof fields);
	out_len += sizeof fields;
	out_len += put_u16(out + out_len, (unsigned)id_len);
	memcpy(out + out_len, id, id_len);
	out_len += id_len;
	send_out(NULL, 0);
	receive();
}

static void disconnect(void)
{
	static const uint8_t bytes[] = {DISCONNECT, 0};
	char byte;

	send_out(bytes, sizeof bytes);
	while (recv(fd, &byte, 1, 0) > 0)
		;
	close(fd);
}

static void put_message(long number, unsigned packet_id)
{
	char topic[8];
	size_t topic_len = topic_name(topic, (uint64_t)number, o->topics);

	out_len += put_publish_head(out + out_len, o->qos, topic, topic_len, packet_id, o->size);
	stamp(payload, 0, (uint64_t)number);
	if (o->size >= CHUNK) {
		send_out(payload, o->size);
	} else {
		memcpy(out + out_len, payload, o->size);
		out_len += o->size;
	}
}

static void publish(void)
{
	long window = o->window ? o->window : 65535, sent = 0;
	unsigned packet_id = 1;

	while (done < o->count) {
		while (sent < o->count && (o->qos == 0 || in_flight < window)) {
			if (out_len + o->size + 32 > CHUNK)
				send_out(NULL, 0);
			put_message(sent++, packet_id);
			packet_id = packet_id == 65535 ? 1 : packet_id + 1;
			if (o->qos > 0)
				in_flight++;
		}
		if (o->qos == 0) {
			static const char end[] = "control/end";

			out_len += put_publish_head(out + out_len, 1, end, strlen(end), 1, 0);
			done = o->count - 1;
		}
		send_out(NULL, 0);
		if (done < o->count)
			receive();
	}
}

static void subscribe(void)
{
	const uint8_t bytes[] = {SUBSCRIBE | 2, 8, 0, 1, 0, 3, 't', '/', '#', (uint8_t)o->qos};

	memcpy(out, bytes, sizeof bytes);
	out_len = sizeof bytes;
	send_out(NULL, 0);
}

int main(int argc, char **argv)
{
	struct options options = read_options(argc, argv);
	char id[128];
	struct span span;
	double *samples;

	o = &options;
	payload = malloc(o->size);
	memset(payload, 'x', o->size);
	samples = calloc((size_t)o->count, sizeof *samples);
	if (strcmp(o->mode, "publish") == 0) {
		connect_as(scenario_id(id, "pub", o));
		span = begin_span();
		publish();
		print_span(end_span(span), o->count);
	} else if (strcmp(o->mode, "receive") == 0) {
		connect_as(scenario_id(id, "rcv", o));
		span = begin_span();
		subscribe();
		while (done < o->count || skip > 0) {
			receive();
			if (out_len > 0)
				send_out(NULL, 0);
		}
		print_span(end_span(span), o->count);
		printf(" wrong=%ld", wrong);
	} else if (strcmp(o->mode, "pingpong") == 0) {
		connect_as(scenario_id(id, "echo", o));
		span = begin_span();
		for (long i = 0; i < o->count; i++) {
			double sent = wall_ns();

			put_message(i, 0);
			send_out(NULL, 0);
			while (seen == i)
				receive();
			samples[i] = wall_ns() - sent;
		}
		print_span(end_span(span), o->count);
		print_latency(samples, o->count);
		printf(" wrong=%ld", wrong);
	} else if (strcmp(o->mode, "once") == 0) {
		connect_as("once");
		out_len = put_publish_head(out, 1, "t", 1, 1, 5);
		send_out((const uint8_t *)"hello", 5);
		while (done == 0)
			receive();
	} else {
		fprintf(stderr, "floor: no mode %s\n", o->mode);
		return 2;
	}
	disconnect();
	printf("\n");
	return 0;
}
