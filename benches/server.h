/* The server's two halves: server.c moves bytes, server_mqtt.c says what they mean. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include "wire.h"
#include <stdbool.h>
#include <stddef.h>

struct ssl_st;

struct connection {
	int fd;
	struct ssl_st *tls;          /* or NULL */
	bool handshaking;            /* TLS only */
	bool wants_write, write_polled;
	bool closing;                /* once all is written */

	uint8_t *rest;               /* the begin of a packet that is not all there */
	size_t rest_len;
	size_t skip;                 /* bytes of a large payload still to be thrown away */
	unsigned due_type, due_id;   /* the answer once they are; 0: none */

	uint8_t *out;                /* bytes to send, and after them those of `large` */
	size_t out_at, out_len, out_room;
	const uint8_t *large;
	size_t large_len;

	struct scenario scenario;
	bool known;                  /* there is a scenario */
	double cpu_before;           /* the server's, when this client came */

	long received, wrong;        /* what this client published */
	uint64_t expected[MAX_PUBLISHERS];
	bool holding;                /* acknowledgements wait for "control/go" */
	uint16_t *held;
	size_t held_len, held_room;

	bool flooding;               /* what this client gets */
	long sent, acked;
	unsigned next_id, in_flight;
	uint8_t *awaited;            /* by packet identifier: the type of packet awaited */
	bool ticking;
};

/* Takes in what was received, and queues the answers. Returns how many bytes it used, or
 * -1 when the client is to be thrown out. */
long mqtt_input(struct connection *connection, const uint8_t *bytes, size_t len);

/* Queues more of the flood. Says whether it did; called when all before it was sent. */
bool mqtt_fill(struct connection *connection);

/* Queues the next message, of those that come one a second. */
void mqtt_tick(struct connection *connection, uint64_t now_ns);

/* Prints what became of the scenario. */
void mqtt_closed(const struct connection *connection);

/* Room for LEN more bytes to send; out_len is for the caller to move. */
uint8_t *server_room(struct connection *connection, size_t len);
/* From now on it gets a message each second. */
void server_tick(struct connection *connection);

#endif
