/* What the benchmark server says. The modes of a scenario:
 *
 *   pub   takes COUNT messages in order, acknowledges them
 *   hold  the same, but acknowledges QoS 1 only between "control/go" and "control/hold"
 *   rcv   sends COUNT messages once subscribed, at most WINDOW unacknowledged
 *   echo  sends each message back
 *   tick  sends one message a second once subscribed, the time of sending behind the stamp
 *
 * Messages of topics that begin with "control/" are acknowledged and not counted. */
#include "server.h"
#include "measure.h"

enum {
	HEAD = 256,     /* of a large PUBLISH, all but payload is in so many bytes */
	PACKET = 4096,  /* every other packet is smaller */
	LARGE = 65536,  /* a payload from here on is sent from where it is */
	FILL = 65536    /* bytes queued in one go */
};

static uint8_t large_payload[MAX_SIZE];

static void reply(struct connection *c, const void *bytes, size_t len)
{
	memcpy(server_room(c, len), bytes, len);
	c->out_len += len;
}

static void acknowledge(struct connection *c, unsigned type, unsigned packet_id)
{
	c->out_len += put_ack(server_room(c, 4), type, packet_id);
}

static void hold(struct connection *c, unsigned packet_id)
{
	if (c->held_len == c->held_room) {
		c->held_room = c->held_room ? 2 * c->held_room : 64;
		c->held = realloc(c->held, c->held_room * sizeof *c->held);
	}
	c->held[c->held_len++] = (uint16_t)packet_id;
}

static void control(struct connection *c, const uint8_t *topic, size_t len)
{
	if (len == strlen("control/hold") && memcmp(topic, "control/hold", len) == 0) {
		c->holding = true;
	} else if (len == strlen("control/go") && memcmp(topic, "control/go", len) == 0) {
		c->holding = false;
		for (size_t i = 0; i < c->held_len; i++)
			acknowledge(c, PUBACK, c->held[i]);
		c->held_len = 0;
	}
}

static void check(struct connection *c, bool duplicate, const uint8_t *payload, size_t len)
{
	uint32_t publisher;

	c->received++;
	if (len != c->scenario.size || duplicate) {
		c->wrong++;
		return;
	}
	publisher = stamped_publisher(payload);
	if (publisher >= MAX_PUBLISHERS || stamped_number(payload) != c->expected[publisher]++)
		c->wrong++;
}

/* A PUBLISH, of which LEN bytes are here and TOTAL belong to it. */
static int published(struct connection *c, const uint8_t *bytes, size_t header, size_t len, size_t total)
{
	int qos = bytes[0] >> 1 & 3;
	size_t topic_len, at;
	unsigned answer = qos == 0 ? 0 : qos == 1 ? PUBACK : PUBREC, packet_id = 0;
	const uint8_t *topic = bytes + header + 2;

	if (qos == 3 || header + 4 > len)
		return -1;
	topic_len = take_u16(bytes + header);
	at = header + 2 + topic_len;
	if (at + (qos > 0 ? 2 : 0) > len)
		return -1;
	if (qos > 0) {
		packet_id = take_u16(bytes + at);
		at += 2;
		if (packet_id == 0)
			return -1;
	}
	if (topic_len >= 8 && memcmp(topic, "control/", 8) == 0)
		control(c, topic, topic_len);
	else if (c->known && c->scenario.mode[0] == 'e')
		reply(c, bytes, total);
	else if (at + STAMP_SIZE <= len)
		check(c, bytes[0] & 8, bytes + at, total - at);
	else
		c->wrong++;
	if (answer == PUBACK && c->holding)
		hold(c, packet_id);
	else if (answer != 0 && len == total)
		acknowledge(c, answer, packet_id);
	else if (answer != 0) {
		c->due_type = answer;
		c->due_id = packet_id;
	}
	return 0;
}

static int acknowledged(struct connection *c, unsigned type, const uint8_t *bytes, size_t len)
{
	unsigned packet_id;

	if (len < 4)
		return -1;
	packet_id = take_u16(bytes + 2);
	if (!c->awaited || c->awaited[packet_id] != type) {
		c->wrong++;
		return 0;
	}
	if (type == PUBREC) {
		c->awaited[packet_id] = PUBCOMP;
		acknowledge(c, PUBREL, packet_id);
	} else {
		c->awaited[packet_id] = 0;
		c->in_flight--;
		c->acked++;
	}
	return 0;
}

static int connected(struct connection *c, const uint8_t *bytes, size_t header, size_t len)
{
	static const uint8_t accepted[] = {CONNACK, 2, 0, 0};
	char id[128];
	size_t at = header, id_len;

	if (at + 2 > len)
		return -1;
	at += 2 + take_u16(bytes + at);
	if (at + 6 > len || bytes[at] > 4)
		return -1;
	at += 4; /* level, flags, keep alive */
	id_len = take_u16(bytes + at);
	if (at + 2 + id_len > len)
		return -1;
	if (id_len < sizeof id) {
		memcpy(id, bytes + at + 2, id_len);
		id[id_len] = 0;
		c->known = read_scenario(id, &c->scenario);
		c->cpu_before = cpu_ns();
	}
	c->holding = c->known && c->scenario.mode[0] == 'h';
	reply(c, accepted, sizeof accepted);
	return 0;
}

static int subscribed(struct connection *c, const uint8_t *bytes, size_t header, size_t len)
{
	uint8_t answer[] = {SUBACK, 3, 0, 0, 0};

	if (header + 5 > len)
		return -1;
	memcpy(answer + 2, bytes + header, 2);
	answer[4] = bytes[len - 1] & 3;
	reply(c, answer, sizeof answer);
	if (c->known && c->scenario.mode[0] == 'r') {
		c->flooding = true;
		c->next_id = 1;
		if (c->scenario.qos > 0 && !c->awaited)
			c->awaited = calloc(65536, 1);
	} else if (c->known && c->scenario.mode[0] == 't' && !c->ticking) {
		c->ticking = true;
		server_tick(c);
	}
	return 0;
}

static int packet(struct connection *c, const uint8_t *bytes, size_t header, size_t len)
{
	static const uint8_t pingresp[] = {PINGRESP, 0};

	switch (bytes[0] & 0xF0) {
	case CONNECT:
		return connected(c, bytes, header, len);
	case PUBLISH:
		return published(c, bytes, header, len, len);
	case PUBREL:
		if (len < 4)
			return -1;
		acknowledge(c, PUBCOMP, take_u16(bytes + 2));
		return 0;
	case PUBACK:
	case PUBREC:
	case PUBCOMP:
		return acknowledged(c, bytes[0] & 0xF0, bytes, len);
	case SUBSCRIBE:
		return subscribed(c, bytes, header, len);
	case PINGREQ:
		reply(c, pingresp, sizeof pingresp);
		return 0;
	case DISCONNECT:
		c->closing = true;
		return 0;
	default:
		return -1;
	}
}

long mqtt_input(struct connection *c, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && !c->closing) {
		size_t header, total;
		int read;

		if (c->skip > 0) {
			size_t n = c->skip < len - at ? c->skip : len - at;

			c->skip -= n;
			at += n;
			if (c->skip == 0 && c->due_type != 0) {
				acknowledge(c, c->due_type, c->due_id);
				c->due_type = 0;
			}
			continue;
		}
		read = read_fixed_header(bytes + at, len - at, &header, &total);
		if (read < 0)
			return -1;
		if (read == 0)
			break;
		if (total <= len - at) {
			if (packet(c, bytes + at, header, total) != 0)
				return -1;
			at += total;
		} else if (total <= PACKET || len - at < HEAD) {
			break;
		} else {
			if ((bytes[at] & 0xF0) != PUBLISH ||
			    published(c, bytes + at, header, len - at, total) != 0)
				return -1;
			c->skip = total - (len - at);
			at = len;
		}
	}
	return c->closing ? (long)len : (long)at;
}

/* As topic_name, without the NUL byte, which would fall on what stands behind. */
static void put_topic(uint8_t *out, uint64_t number, unsigned topics)
{
	char topic[8];
	size_t len = topic_name(topic, number, topics);

	memcpy(out, topic, len);
}

/* The flood's message as bytes, of a large one the begin; each is a copy with another
 * topic, packet identifier and stamp. */
static size_t make_template(const struct scenario *s, uint8_t *out, size_t *topic_at)
{
	char topic[8];
	size_t topic_len = topic_name(topic, 0, s->topics);
	size_t here = s->size < LARGE ? s->size : STAMP_SIZE;
	size_t n = put_publish_head(out, s->qos, topic, topic_len, 0, s->size);

	*topic_at = n - topic_len - (s->qos > 0 ? 2 : 0);
	stamp(out + n, 0, 0);
	memset(out + n + STAMP_SIZE, 'x', here - STAMP_SIZE);
	return n + here;
}

bool mqtt_fill(struct connection *c)
{
	static uint8_t template[LARGE + 32];
	const struct scenario *s = &c->scenario;
	size_t begin = c->out_len, len, topic_at, stamp_at;
	uint8_t *out;

	if (!c->flooding || c->sent == s->count || (s->qos > 0 && c->in_flight == s->window))
		return false;
	len = make_template(s, template, &topic_at);
	stamp_at = len - (s->size < LARGE ? s->size : STAMP_SIZE);
	out = server_room(c, FILL + sizeof template);
	while (c->sent < s->count && c->out_len - begin < FILL && c->large_len == 0 &&
	       (s->qos == 0 || c->in_flight < s->window)) {
		memcpy(out, template, len);
		if (s->topics > 1)
			put_topic(out + topic_at, (uint64_t)c->sent, s->topics);
		if (s->qos > 0) {
			if (c->awaited[c->next_id] != 0)
				break;
			c->awaited[c->next_id] = s->qos == 1 ? PUBACK : PUBREC;
			c->in_flight++;
			put_u16(out + stamp_at - 2, c->next_id);
			if (++c->next_id == 65536)
				c->next_id = 1;
		}
		stamp(out + stamp_at, 0, (uint64_t)c->sent);
		out += len;
		c->out_len += len;
		c->sent++;
		if (s->size >= LARGE) {
			if (large_payload[0] == 0)
				memset(large_payload, 'x', sizeof large_payload);
			c->large = large_payload;
			c->large_len = s->size - STAMP_SIZE;
		}
	}
	return c->out_len > begin;
}

void mqtt_tick(struct connection *c, uint64_t now_ns)
{
	uint8_t *out = server_room(c, 16 + c->scenario.size);
	size_t n = put_publish_head(out, 0, "t", 1, 0, c->scenario.size);

	stamp(out + n, 0, (uint64_t)c->sent++);
	memset(out + n + STAMP_SIZE, 'x', c->scenario.size - STAMP_SIZE);
	if (c->scenario.size >= STAMP_SIZE + sizeof now_ns)
		memcpy(out + n + STAMP_SIZE, &now_ns, sizeof now_ns);
	c->out_len += n + c->scenario.size;
}

void mqtt_closed(const struct connection *c)
{
	if (!c->known || c->scenario.mode[0] == 't')
		return;
	printf("closed mode=%s received=%ld sent=%ld acked=%ld wrong=%ld cpu_ns=%.0f\n",
	       c->scenario.mode, c->received, c->sent, c->acked, c->wrong,
	       cpu_ns() - c->cpu_before);
	fflush(stdout);
}
