/* What stands between Go and libmqttrs: many messages cross the border in one call.
 *
 * Towards C, messages to publish come as one piece of memory, one behind the other. Towards Go,
 * what the library's callbacks tell is written, one event behind the other, into a slab of the
 * loop, and Go takes the slab after each turn. No callback calls Go, and C holds no pointer to
 * Go's memory: only numbers by which Go finds a client, a route or what waits.
 *
 * All numbers in both are little endian, whatever the machine. */
#ifndef MQG_SHIM_H
#define MQG_SHIM_H

#include <mqttrs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An event: a head, and what belongs to its type behind it, padded to 8 bytes.
 *
 *   u32 size, head and padding included; u8 type; u8 detail; u16 mid; u64 who
 *
 * `who` is the number of the client in its upper half, and in the lower the route of a message,
 * or the slot of what waits for an outcome or a response. */
enum {
	MQG_HEAD = 16,
	/* detail: the outcome. Body, left out where there is nothing to tell: u32 reason, u32 count,
	 * u32 length of properties, u32 0, `count` times u32 code, properties. */
	MQG_DONE = 1,
	/* detail: see below. Body: u32 lengths of topic, payload and properties, u32 result, and
	 * these. The result is that of a response. */
	MQG_MESSAGE = 2,
	MQG_RESPONSE = 3,
	/* Body: u32 code, u32 flags, u32 length of properties, u32 0, properties. */
	MQG_CONNACK = 4,
	/* Body: u32 state, u32 cause, u32 port, u32 attempt, u32 delay, u32 lengths of error and
	 * host, u32 0, error, host. */
	MQG_LIFECYCLE = 5,
	/* Body: u32 level, u32 count of fields, and texts, each behind a u32 with its length:
	 * client identifier, event, text, and of each field key and value. */
	MQG_LOG = 6,
	/* Details of messages. */
	MQG_QOS = 3,
	MQG_RETAIN = 4,
	MQG_UNACKED = 8, /* Go acknowledges it when its handlers have had it */
};

/* A message to publish: u32 size with all of it, padding to 4 included; u8 qos; u8 flags;
 * u16 length of the topic; u32 length of the payload; u32 slot; topic, NUL, payload, and then,
 * with MQG_PROPERTIES, u32 length of properties and these. */
enum {
	MQG_OUT_HEAD = 16,
	MQG_OUT_RETAIN = 1,
	MQG_OUT_TOLD = 2, /* its outcome is wanted */
	MQG_OUT_PROPERTIES = 4,
};

/* A property: u8 identifier, u8 type, u32 length, value; a pair is u32 length of the name,
 * name and value. */

struct mqg_slab {
	uint8_t *data;
	size_t len, room;
};

struct mqg_loop {
	struct mqttrs_loop *loop;
	/* What the turn that is going on has to tell, and what Go is reading. */
	struct mqg_slab own, taken;
	/* What callbacks in other threads tell: only the log does. */
	pthread_mutex_t lock;
	struct mqg_slab foreign;
};

/* What happens when handlers are behind. From `high` messages on, those of QoS 1 and 2 are
 * acknowledged only when they have been handled, so that the server's window holds it back; and
 * nothing more is read, unless something in Go waits for an answer, which is behind what is not read
 * yet. Meanwhile messages of QoS 0 beyond `hard` are dropped: to wait would be to wait for ever.
 *
 * Shared with Go, which uses atomic operations as C does. */
struct mqg_gate {
	int32_t queued;	 /* messages in slabs and in Go's queue */
	int32_t awaited; /* whether something in Go waits for an answer */
	int32_t shut;	 /* nothing more is taken from the network */
	int32_t high, hard;
	uint32_t dropped;
};

struct mqg_route;

struct mqg_client {
	struct mosquitto *mosq;
	struct mqg_loop *loop;
	uint32_t number;
	struct mqg_gate gate;
	bool acks;	/* the library acknowledges, or the shim for it */
	bool withholds; /* the shim, since handlers were behind once; only for the loop */
	pthread_mutex_t gate_lock;
	struct mqttrs_throttle throttle; /* the program's, restored when the gate opens */
	struct mqg_route *routes;
	char *key_password;
	/* What the last batch could not publish: slot, MOSQ_ERR_* and errno of each. */
	struct mqg_refused {
		uint32_t slot;
		int32_t code, error;
	} *refused;
	size_t refused_room;
};

/* What a call returned, and errno where it is MOSQ_ERR_ERRNO. */
struct mqg_status {
	int code, error;
};

/* loops: shim.c */
struct mqg_loop *mqg_loop_new(void);
void mqg_loop_free(struct mqg_loop *loop);
/* Runs a turn; what it had to tell is in `taken` and lives until the next turn. */
int mqg_loop_turn(struct mqg_loop *loop, int timeout);

/* clients: shim.c */
struct mqg_client *mqg_client_new(struct mqg_loop *loop, const char *id, bool clean, uint32_t number,
				  int32_t high, int32_t hard, bool acks, bool log);
void mqg_client_free(struct mqg_client *client);
/* Opens or shuts the gate, as its numbers want it. */
void mqg_gate_update(struct mqg_client *client);
int mqg_receive_throttle(struct mqg_client *client, const struct mqttrs_throttle *throttle);
int mqg_key_password(struct mqg_client *client, const char *password);
/* Messages that match `filter` are told with the number of the route. */
struct mqg_route *mqg_route_new(struct mqg_client *client, uint32_t number);
int mqg_route_add(struct mqg_route *route, const char *filter);
int mqg_route_remove(struct mqg_route *route, const char *filter);

/* what is sent: shim_send.c */
/* Publishes all of a batch; returns how many were refused, which `client->refused` tells. */
size_t mqg_publish(struct mqg_client *client, const uint8_t *batch, size_t len);
struct mqg_status mqg_subscribe(struct mqg_client *client, const char *const *filters, const int *options,
				size_t count, const uint8_t *props, size_t props_len, uint32_t slot);
struct mqg_status mqg_unsubscribe(struct mqg_client *client, const char *const *filters, size_t count,
				  const uint8_t *props, size_t props_len, uint32_t slot);
/* `message` is one, as in a batch. */
struct mqg_status mqg_request(struct mqg_client *client, const uint8_t *message, unsigned int timeout,
			      uint32_t slot);
struct mqg_status mqg_serve(struct mqg_route *route, const char *topic, int qos);
struct mqg_status mqg_serve_end(struct mqg_client *client, const char *topic);
/* The request is one message as in a batch, and so is the response, whose topic is not used. */
struct mqg_status mqg_respond(struct mqg_client *client, const uint8_t *request, const uint8_t *response);
struct mqg_status mqg_connect(struct mqg_client *client, int keepalive, const uint8_t *props, size_t len);
struct mqg_status mqg_disconnect(struct mqg_client *client, int reason, const uint8_t *props, size_t len);
struct mqg_status mqg_will(struct mqg_client *client, const uint8_t *message);

/* what arrives: shim_receive.c */
void mqg_on_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result);
void mqg_on_response(struct mosquitto *mosq, void *userdata, int result,
		     const struct mosquitto_message *response, const mosquitto_property *props);
void mqg_on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message,
		    const mosquitto_property *props);
void mqg_on_routed(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *message,
		   const mosquitto_property *props);
void mqg_on_connect(struct mosquitto *mosq, void *obj, int code, int flags, const mosquitto_property *props);
void mqg_on_lifecycle(struct mosquitto *mosq, void *obj, const struct mqttrs_lifecycle_event *event);
void mqg_on_log(struct mosquitto *mosq, void *obj, const struct mqttrs_log_record *record);

/* of these files only */
struct mqg_route {
	struct mqg_client *client;
	uint32_t number;
	struct mqg_route *next;
};
/* User data by which a callback tells a client's slot. */
void *mqg_waiter(struct mqg_client *client, uint32_t slot);
void mqg_waiter_free(void *userdata);
void *mqg_alloc(void *old, size_t size);
/* The loop whose turn this thread runs, NULL for none. */
extern __thread struct mqg_loop *mqg_turning;
int mqg_properties_read(const uint8_t *data, size_t len, mosquitto_property **props);
void mqg_properties_write(struct mqg_slab *slab, const mosquitto_property *props);
uint8_t *mqg_slab_add(struct mqg_slab *slab, size_t size);

static inline uint16_t mqg_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t mqg_get32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline void mqg_put32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	at[2] = (uint8_t)(value >> 16);
	at[3] = (uint8_t)(value >> 24);
}

#endif
