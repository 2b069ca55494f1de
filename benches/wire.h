/* What server, clients and floor share: the bytes of MQTT 3.1.1 that a benchmark needs,
 * and how a payload is numbered.
 *
 * A payload begins with the number of its publisher (32 bits) and of the message (64
 * bits, from 0), in the machine's byte order, so that whoever receives it can tell that
 * each came once and in order. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { STAMP_SIZE = 12, MAX_PUBLISHERS = 16, MAX_TOPICS = 1000, MAX_SIZE = 1 << 20 };

enum {
	CONNECT = 0x10,
	CONNACK = 0x20,
	PUBLISH = 0x30,
	PUBACK = 0x40,
	PUBREC = 0x50,
	PUBREL = 0x60,
	PUBCOMP = 0x70,
	SUBSCRIBE = 0x80,
	SUBACK = 0x90,
	PINGREQ = 0xC0,
	PINGRESP = 0xD0,
	DISCONNECT = 0xE0
};

static inline void stamp(void *payload, uint32_t publisher, uint64_t number)
{
	memcpy(payload, &publisher, sizeof publisher);
	memcpy((char *)payload + sizeof publisher, &number, sizeof number);
}

static inline uint32_t stamped_publisher(const void *payload)
{
	uint32_t publisher;

	memcpy(&publisher, payload, sizeof publisher);
	return publisher;
}

static inline uint64_t stamped_number(const void *payload)
{
	uint64_t number;

	memcpy(&number, (const char *)payload + sizeof(uint32_t), sizeof number);
	return number;
}

/* The topic of message NUMBER, with TOPICS of them in turn: "t", or "t/000" and so on.
 * Returns its length. */
static inline size_t topic_name(char *out, uint64_t number, unsigned topics)
{
	unsigned turn;

	out[0] = 't';
	out[1] = 0;
	if (topics <= 1)
		return 1;
	turn = (unsigned)(number % topics);
	out[1] = '/';
	out[2] = (char)('0' + turn / 100 % 10);
	out[3] = (char)('0' + turn / 10 % 10);
	out[4] = (char)('0' + turn % 10);
	out[5] = 0;
	return 5;
}

static inline size_t put_u16(uint8_t *out, unsigned value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	return 2;
}

static inline unsigned take_u16(const uint8_t *in)
{
	return (unsigned)in[0] << 8 | in[1];
}

/* Writes the first byte and the remaining length; returns how many bytes that took. */
static inline size_t put_fixed_header(uint8_t *out, unsigned first, size_t remaining)
{
	size_t n = 0;

	out[n++] = (uint8_t)first;
	do {
		out[n] = remaining & 0x7F;
		remaining >>= 7;
		if (remaining > 0)
			out[n] |= 0x80;
		n++;
	} while (remaining > 0);
	return n;
}

/* Writes a PUBLISH up to where its payload begins; returns how many bytes that took. */
static inline size_t put_publish_head(uint8_t *out, int qos, const char *topic, size_t topic_len,
				      unsigned packet_id, size_t payload_len)
{
	size_t n = put_fixed_header(out, PUBLISH | (unsigned)qos << 1,
				    2 + topic_len + (qos > 0 ? 2 : 0) + payload_len);

	n += put_u16(out + n, (unsigned)topic_len);
	memcpy(out + n, topic, topic_len);
	n += topic_len;
	if (qos > 0)
		n += put_u16(out + n, packet_id);
	return n;
}

/* A packet of a packet identifier alone: PUBACK and its kin. */
static inline size_t put_ack(uint8_t *out, unsigned type, unsigned packet_id)
{
	out[0] = (uint8_t)(type == PUBREL ? PUBREL | 2 : type);
	out[1] = 2;
	put_u16(out + 2, packet_id);
	return 4;
}

/* What the bytes begin with: the length of the fixed header and of the whole packet.
 * Returns 1, 0 when more bytes are needed, or -1 when it is no packet. */
static inline int read_fixed_header(const uint8_t *bytes, size_t len, size_t *header, size_t *total)
{
	size_t remaining = 0;

	for (size_t i = 1; i < 5; i++) {
		if (i >= len)
			return 0;
		remaining |= (size_t)(bytes[i] & 0x7F) << (7 * (i - 1));
		if (!(bytes[i] & 0x80)) {
			*header = i + 1;
			*total = i + 1 + remaining;
			return 1;
		}
	}
	return -1;
}

/* What a connection is for travels in its client identifier, since every client library
 * can set that: MODE-qQOS-sSIZE-tTOPICS-wWINDOW-nCOUNT. The modes stand in server.c. */
struct scenario {
	char mode[8];
	int qos;
	unsigned size, topics, window;
	long count;
};

static inline int read_scenario(const char *text, struct scenario *scenario)
{
	return sscanf(text, "%7[a-z]-q%d-s%u-t%u-w%u-n%ld", scenario->mode, &scenario->qos,
		      &scenario->size, &scenario->topics, &scenario->window,
		      &scenario->count) == 6 &&
	       scenario->size >= STAMP_SIZE && scenario->size <= MAX_SIZE &&
	       scenario->topics <= MAX_TOPICS;
}

static inline int write_scenario(char *out, size_t room, const struct scenario *scenario)
{
	return snprintf(out, room, "%s-q%d-s%u-t%u-w%u-n%ld", scenario->mode, scenario->qos,
			scenario->size, scenario->topics, scenario->window, scenario->count);
}

#endif
