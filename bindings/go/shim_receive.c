/* The library's callbacks: each writes an event. */
#include "shim.h"
#include <stdlib.h>
#include <string.h>

#if UINTPTR_MAX >= UINT64_MAX

/* Both numbers fit into the pointer. */
void *mqg_waiter(struct mqg_client *client, uint32_t slot)
{
	return (void *)(uintptr_t)((uint64_t)client->number << 32 | slot);
}

void mqg_waiter_free(void *userdata)
{
	(void)userdata;
}

static uint64_t waiter_who(void *userdata)
{
	return (uintptr_t)userdata;
}

#else

void *mqg_waiter(struct mqg_client *client, uint32_t slot)
{
	uint64_t *who = mqg_alloc(NULL, sizeof *who);

	*who = (uint64_t)client->number << 32 | slot;
	return who;
}

void mqg_waiter_free(void *userdata)
{
	free(userdata);
}

static uint64_t waiter_who(void *userdata)
{
	uint64_t who = *(uint64_t *)userdata;

	free(userdata);
	return who;
}

#endif

static void head(uint8_t *at, size_t size, int type, int detail, int mid, uint64_t who)
{
	mqg_put32(at, (uint32_t)size);
	at[4] = (uint8_t)type;
	at[5] = (uint8_t)detail;
	at[6] = (uint8_t)mid;
	at[7] = (uint8_t)(mid >> 8);
	mqg_put32(at + 8, (uint32_t)who);
	mqg_put32(at + 12, (uint32_t)(who >> 32));
}

/* Ends an event that begins at `start`: pads it and says how long it has become. */
static void finish(struct mqg_slab *slab, size_t start)
{
	size_t rest = (slab->len - start) % 8;

	if (rest)
		memset(mqg_slab_add(slab, 8 - rest), 0, 8 - rest);
	mqg_put32(slab->data + start, (uint32_t)(slab->len - start));
}

static void add_bytes(struct mqg_slab *slab, const void *data, size_t len)
{
	if (len)
		memcpy(mqg_slab_add(slab, len), data, len);
}

/* The properties, with their length written to `at` bytes behind `start`. */
static void add_properties(struct mqg_slab *slab, size_t start, size_t at, const mosquitto_property *props)
{
	size_t before = slab->len;

	mqg_properties_write(slab, props);
	mqg_put32(slab->data + start + at, (uint32_t)(slab->len - before));
}

static void add_message(struct mqg_slab *slab, int type, uint64_t who, uint32_t result,
			const struct mosquitto_message *message, const mosquitto_property *props)
{
	size_t start = slab->len, topic = strlen(message->topic), payload = (size_t)message->payloadlen;
	size_t size = (MQG_HEAD + 16 + topic + payload + 7) / 8 * 8;
	uint8_t *at = mqg_slab_add(slab, size);

	head(at, size, type, message->qos | (message->retain ? MQG_RETAIN : 0), message->mid, who);
	at += MQG_HEAD;
	mqg_put32(at, (uint32_t)topic);
	mqg_put32(at + 4, (uint32_t)payload);
	mqg_put32(at + 8, 0);
	mqg_put32(at + 12, result);
	memcpy(at + 16, message->topic, topic);
	if (payload)
		memcpy(at + 16 + topic, message->payload, payload);
	if (props) {
		slab->len = start + MQG_HEAD + 16 + topic + payload;
		add_properties(slab, start, MQG_HEAD + 8, props);
		finish(slab, start);
	}
}

/* Whether Go is to acknowledge the message; the shim does, where neither Go nor the library. */
static bool is_withheld(struct mqg_client *client, const struct mosquitto_message *message, int32_t queued)
{
	bool behind = queued >= client->gate.high;

	if (message->qos == 0 || !client->acks)
		return false;
	if (behind && !client->withholds) {
		client->withholds = true;
		mqttrs_ack_mode_set(client->mosq, MQTTRS_ACK_MANUAL);
	}
	if (client->withholds && !behind)
		mqttrs_ack(client->mosq, message->mid, 0);
	return client->withholds && behind;
}

static void tell_message(struct mqg_client *client, uint32_t route, const struct mosquitto_message *message,
			 const mosquitto_property *props)
{
	struct mqg_gate *gate = &client->gate;
	struct mqg_slab *slab;
	size_t start;
	int32_t queued;

	if (!mqg_turning)
		return;
	if (message->qos == 0 && __atomic_load_n(&gate->queued, __ATOMIC_SEQ_CST) >= gate->hard) {
		__atomic_fetch_add(&gate->dropped, 1, __ATOMIC_SEQ_CST);
		return;
	}
	slab = &mqg_turning->own;
	start = slab->len;
	add_message(slab, MQG_MESSAGE, (uint64_t)client->number << 32 | route, 0, message, props);
	queued = __atomic_add_fetch(&gate->queued, 1, __ATOMIC_SEQ_CST);
	if (is_withheld(client, message, queued))
		slab->data[start + 5] |= MQG_UNACKED;
	if (queued >= gate->high && !__atomic_load_n(&gate->shut, __ATOMIC_SEQ_CST))
		mqg_gate_update(client);
}

void mqg_on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message,
		    const mosquitto_property *props)
{
	(void)mosq;
	tell_message(obj, 0, message, props);
}

void mqg_on_routed(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *message,
		   const mosquitto_property *props)
{
	struct mqg_route *route = userdata;

	(void)mosq;
	tell_message(route->client, route->number, message, props);
}

void mqg_on_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result)
{
	uint64_t who = waiter_who(userdata);
	struct mqg_slab *slab;
	size_t start;
	uint8_t *at;

	(void)mosq;
	/* Outside a turn the client is being destroyed, and Go has told those who wait. */
	if (!mqg_turning)
		return;
	slab = &mqg_turning->own;
	start = slab->len;
	if (!result->reason_code && !result->reason_code_count && !result->properties) {
		head(mqg_slab_add(slab, MQG_HEAD), MQG_HEAD, MQG_DONE, result->outcome, result->mid, who);
		return;
	}
	at = mqg_slab_add(slab, MQG_HEAD + 16);
	head(at, 0, MQG_DONE, result->outcome, result->mid, who);
	mqg_put32(at + MQG_HEAD, (uint32_t)result->reason_code);
	mqg_put32(at + MQG_HEAD + 4, (uint32_t)result->reason_code_count);
	mqg_put32(at + MQG_HEAD + 12, 0);
	for (int i = 0; i < result->reason_code_count; i++)
		mqg_put32(mqg_slab_add(slab, 4), (uint32_t)result->reason_codes[i]);
	add_properties(slab, start, MQG_HEAD + 8, result->properties);
	finish(slab, start);
}

void mqg_on_response(struct mosquitto *mosq, void *userdata, int result,
		     const struct mosquitto_message *response, const mosquitto_property *props)
{
	static const struct mosquitto_message none = {.topic = ""};
	uint64_t who = waiter_who(userdata);

	/* The library leaves that to the program where it does not acknowledge anything. */
	if (response && response->qos > 0)
		mqttrs_ack(mosq, response->mid, 0);
	if (mqg_turning)
		add_message(&mqg_turning->own, MQG_RESPONSE, who, (uint32_t)result, response ? response : &none, props);
}

void mqg_on_connect(struct mosquitto *mosq, void *obj, int code, int flags, const mosquitto_property *props)
{
	struct mqg_client *client = obj;
	struct mqg_slab *slab;
	size_t start;
	uint8_t *at;

	(void)mosq;
	if (!mqg_turning)
		return;
	slab = &mqg_turning->own;
	start = slab->len;
	at = mqg_slab_add(slab, MQG_HEAD + 16);
	head(at, 0, MQG_CONNACK, 0, 0, (uint64_t)client->number << 32);
	mqg_put32(at + MQG_HEAD, (uint32_t)code);
	mqg_put32(at + MQG_HEAD + 4, (uint32_t)flags);
	mqg_put32(at + MQG_HEAD + 12, 0);
	add_properties(slab, start, MQG_HEAD + 8, props);
	finish(slab, start);
}

void mqg_on_lifecycle(struct mosquitto *mosq, void *obj, const struct mqttrs_lifecycle_event *event)
{
	struct mqg_client *client = obj;
	const char *error = event->error ? event->error : "", *host = event->host ? event->host : "";
	struct mqg_slab *slab;
	size_t start;
	uint8_t *at;

	(void)mosq;
	if (!mqg_turning)
		return;
	slab = &mqg_turning->own;
	start = slab->len;
	at = mqg_slab_add(slab, MQG_HEAD + 32);
	head(at, 0, MQG_LIFECYCLE, 0, 0, (uint64_t)client->number << 32);
	at += MQG_HEAD;
	mqg_put32(at, (uint32_t)event->state);
	mqg_put32(at + 4, (uint32_t)event->cause);
	mqg_put32(at + 8, (uint32_t)event->port);
	mqg_put32(at + 12, event->attempt);
	mqg_put32(at + 16, event->delay);
	mqg_put32(at + 20, (uint32_t)strlen(error));
	mqg_put32(at + 24, (uint32_t)strlen(host));
	mqg_put32(at + 28, 0);
	add_bytes(slab, error, strlen(error));
	add_bytes(slab, host, strlen(host));
	finish(slab, start);
}

static void add_text(struct mqg_slab *slab, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	mqg_put32(mqg_slab_add(slab, 4), (uint32_t)len);
	add_bytes(slab, text, len);
}

void mqg_on_log(struct mosquitto *mosq, void *obj, const struct mqttrs_log_record *record)
{
	struct mqg_client *client = obj;
	struct mqg_loop *loop = client->loop;
	struct mqg_slab *slab = &loop->foreign;
	size_t start;
	uint8_t *at;

	(void)mosq;
	if (mqg_turning)
		slab = &mqg_turning->own;
	else
		pthread_mutex_lock(&loop->lock);
	start = slab->len;
	at = mqg_slab_add(slab, MQG_HEAD + 8);
	head(at, 0, MQG_LOG, 0, 0, (uint64_t)client->number << 32);
	mqg_put32(at + MQG_HEAD, (uint32_t)record->level);
	mqg_put32(at + MQG_HEAD + 4, (uint32_t)record->field_count);
	add_text(slab, record->client_id);
	add_text(slab, record->event);
	add_text(slab, record->text);
	for (size_t i = 0; i < record->field_count; i++) {
		add_text(slab, record->fields[i].key);
		add_text(slab, record->fields[i].value);
	}
	finish(slab, start);
	if (!mqg_turning)
		pthread_mutex_unlock(&loop->lock);
}
