/* Loops, clients, and the gate that holds back a server while handlers are behind. */
#include "shim.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__thread struct mqg_loop *mqg_turning;

enum {
	KEPT = 1 << 20, /* a slab that grew beyond this is given back */
	TURNS = 16,	/* turns at most for one call while there is much to do */
	BUSY = 4096,	/* that is, so many bytes were told in a turn */
	FULL = 1 << 18,
};

/* Go ends the program when memory runs out, and so does this: an event that is lost would leave
 * somebody waiting for ever. */
void *mqg_alloc(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory) {
		fputs("mqttrs: out of memory\n", stderr);
		abort();
	}
	return memory;
}

uint8_t *mqg_slab_add(struct mqg_slab *slab, size_t size)
{
	uint8_t *at;

	if (slab->room - slab->len < size) {
		size_t room = slab->room ? slab->room : 4096;

		while (room - slab->len < size)
			room *= 2;
		slab->data = mqg_alloc(slab->data, room);
		slab->room = room;
	}
	at = slab->data + slab->len;
	slab->len += size;
	return at;
}

static void slab_empty(struct mqg_slab *slab)
{
	slab->len = 0;
	if (slab->room > KEPT) {
		free(slab->data);
		*slab = (struct mqg_slab){0};
	}
}

struct mqg_loop *mqg_loop_new(void)
{
	struct mqttrs_loop *inner = mqttrs_loop_new();
	struct mqg_loop *loop;

	if (!inner)
		return NULL;
	loop = mqg_alloc(NULL, sizeof *loop);
	memset(loop, 0, sizeof *loop);
	loop->loop = inner;
	pthread_mutex_init(&loop->lock, NULL);
	return loop;
}

void mqg_loop_free(struct mqg_loop *loop)
{
	mqttrs_loop_destroy(loop->loop);
	pthread_mutex_destroy(&loop->lock);
	free(loop->own.data);
	free(loop->taken.data);
	free(loop->foreign.data);
	free(loop);
}

int mqg_loop_turn(struct mqg_loop *loop, int timeout)
{
	struct mqg_slab told;
	size_t before;
	int rc, turns = 0;

	slab_empty(&loop->taken);
	mqg_turning = loop;
	do {
		before = loop->own.len;
		rc = mqttrs_loop_run_once(loop->loop, turns ? 0 : timeout);
	} while (rc == MOSQ_ERR_SUCCESS && loop->own.len - before >= BUSY && loop->own.len < FULL && ++turns < TURNS);
	mqg_turning = NULL;

	pthread_mutex_lock(&loop->lock);
	if (loop->foreign.len) {
		memcpy(mqg_slab_add(&loop->own, loop->foreign.len), loop->foreign.data, loop->foreign.len);
		slab_empty(&loop->foreign);
	}
	pthread_mutex_unlock(&loop->lock);

	told = loop->own;
	loop->own = loop->taken;
	loop->taken = told;
	return rc;
}

struct mqg_client *mqg_client_new(struct mqg_loop *loop, const char *id, bool clean, uint32_t number,
				  int32_t high, int32_t hard, bool acks, bool log)
{
	struct mqg_client *client = mqg_alloc(NULL, sizeof *client);

	memset(client, 0, sizeof *client);
	client->mosq = mosquitto_new(id, clean, client);
	if (!client->mosq) {
		int error = errno;

		free(client);
		errno = error;
		return NULL;
	}
	client->loop = loop;
	client->number = number;
	client->gate.high = high;
	client->gate.hard = hard;
	client->acks = acks;
	pthread_mutex_init(&client->gate_lock, NULL);
	mosquitto_message_v5_callback_set(client->mosq, mqg_on_message);
	mosquitto_connect_v5_callback_set(client->mosq, mqg_on_connect);
	mqttrs_lifecycle_callback_set(client->mosq, mqg_on_lifecycle);
	if (!acks)
		mqttrs_ack_mode_set(client->mosq, MQTTRS_ACK_MANUAL);
	if (log)
		mqttrs_log_callback_set(client->mosq, mqg_on_log);
	return client;
}

void mqg_client_free(struct mqg_client *client)
{
	/* No callback of it runs any more when this returns. */
	mosquitto_destroy(client->mosq);
	while (client->routes) {
		struct mqg_route *route = client->routes;

		client->routes = route->next;
		free(route);
	}
	pthread_mutex_destroy(&client->gate_lock);
	free(client->key_password);
	free(client->refused);
	free(client);
}

static bool gate_is_full(const struct mqg_gate *gate, int32_t from)
{
	int32_t queued = __atomic_load_n(&gate->queued, __ATOMIC_SEQ_CST);

	return queued >= from && !__atomic_load_n(&gate->awaited, __ATOMIC_SEQ_CST);
}

void mqg_gate_update(struct mqg_client *client)
{
	/* There is no call that stops reading, but a limit of speed: next to none. */
	static const struct mqttrs_throttle stop = {
		.size = sizeof stop, .messages_per_second = 1e-6, .excess = MQTTRS_EXCESS_WAIT};
	struct mqg_gate *gate = &client->gate;

	pthread_mutex_lock(&client->gate_lock);
	if (!gate->shut) {
		/* Said before it is decided: who makes room after the decision has seen it then. */
		__atomic_store_n(&gate->shut, 1, __ATOMIC_SEQ_CST);
		if (gate_is_full(gate, gate->high))
			mqttrs_receive_throttle_set(client->mosq, &stop);
		else
			__atomic_store_n(&gate->shut, 0, __ATOMIC_SEQ_CST);
	} else if (!gate_is_full(gate, gate->high / 2 + 1)) {
		__atomic_store_n(&gate->shut, 0, __ATOMIC_SEQ_CST);
		mqttrs_receive_throttle_set(client->mosq, client->throttle.size ? &client->throttle : NULL);
	}
	pthread_mutex_unlock(&client->gate_lock);
}

int mqg_receive_throttle(struct mqg_client *client, const struct mqttrs_throttle *throttle)
{
	int rc = MOSQ_ERR_SUCCESS;

	pthread_mutex_lock(&client->gate_lock);
	if (!client->gate.shut)
		rc = mqttrs_receive_throttle_set(client->mosq, throttle);
	if (rc == MOSQ_ERR_SUCCESS)
		client->throttle = throttle ? *throttle : (struct mqttrs_throttle){0};
	pthread_mutex_unlock(&client->gate_lock);
	return rc;
}

static int on_key_password(char *buf, int size, int rwflag, void *userdata)
{
	struct mqg_client *client = mosquitto_userdata(userdata);
	size_t len = strlen(client->key_password);

	(void)rwflag;
	if (len >= (size_t)size)
		return 0;
	memcpy(buf, client->key_password, len + 1);
	return (int)len;
}

int mqg_key_password(struct mqg_client *client, const char *password)
{
	client->key_password = mqg_alloc(NULL, strlen(password) + 1);
	strcpy(client->key_password, password);
	return mqttrs_tls_password_callback_set(client->mosq, on_key_password);
}

/* A route lives as long as its client, since the loop may still be about to use one whose filter was
 * removed. The caller lets one thread in at a time. */
struct mqg_route *mqg_route_new(struct mqg_client *client, uint32_t number)
{
	struct mqg_route *route = mqg_alloc(NULL, sizeof *route);

	*route = (struct mqg_route){.client = client, .number = number, .next = client->routes};
	client->routes = route;
	return route;
}

int mqg_route_add(struct mqg_route *route, const char *filter)
{
	return mqttrs_message_callback_add(route->client->mosq, filter, mqg_on_routed, route);
}

int mqg_route_remove(struct mqg_route *route, const char *filter)
{
	return mqttrs_message_callback_remove(route->client->mosq, filter);
}
