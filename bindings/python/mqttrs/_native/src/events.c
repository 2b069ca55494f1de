/* What happens to a client: the library's callbacks, which copy it into a queue. They run without
 * the interpreter's lock and touch no Python object. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

void core_hold(struct core *core)
{
	atomic_fetch_add(&core->references, 1);
}

void core_release(struct core *core)
{
	if (atomic_fetch_sub(&core->references, 1) > 1)
		return;
	queue_clear(&core->incoming);
	free(core->incoming.events);
	free(core->incoming.bytes);
	pthread_mutex_destroy(&core->mutex);
	free(core->key_password);
	free(core);
}

void queue_clear(struct queue *queue)
{
	size_t i;

	for (i = 0; i < queue->len; i++) {
		mosquitto_property_free_all(&queue->events[i].properties);
		if (queue->events[i].pending)
			pending_release(queue->events[i].pending);
	}
	queue->len = 0;
	queue->bytes_len = 0;
}

/* Makes room for so many bytes at the end; false without memory. */
static bool room_for(struct queue *queue, size_t len)
{
	size_t needed = queue->bytes_len + len;

	if (!queue->bytes || needed > queue->bytes_room) {
		size_t room = queue->bytes_room ? queue->bytes_room : 4096;
		char *bytes;

		while (room < needed)
			room *= 2;
		bytes = realloc(queue->bytes, room);
		if (!bytes)
			return false;
		queue->bytes = bytes;
		queue->bytes_room = room;
	}
	return true;
}

static struct event *slot(struct queue *queue)
{
	if (queue->len == queue->room) {
		size_t room = queue->room ? 2 * queue->room : 16;
		struct event *events = realloc(queue->events, room * sizeof *events);

		if (!events)
			return NULL;
		queue->events = events;
		queue->room = room;
	}
	return &queue->events[queue->len];
}

/* Adds an event with a copy of two runs of bytes. Without memory it is lost: there is nobody who
 * could be told. */
static void push(struct core *core, struct event event, const void *text, size_t text_len,
		 const void *data, size_t data_len, const mosquitto_property *properties)
{
	struct queue *queue = &core->incoming;
	struct event *place;

	if (properties)
		(void)mosquitto_property_copy_all(&event.properties, properties);
	pthread_mutex_lock(&core->mutex);
	/* Codes, which have no text before them, are read in place. */
	queue->bytes_len = (queue->bytes_len + 7) & ~(size_t)7;
	place = room_for(queue, text_len + data_len) ? slot(queue) : NULL;
	if (!place) {
		pthread_mutex_unlock(&core->mutex);
		mosquitto_property_free_all(&event.properties);
		if (event.pending)
			pending_release(event.pending);
		return;
	}
	event.offset = queue->bytes_len;
	event.text_len = text_len;
	event.data_len = data_len;
	if (text_len)
		memcpy(queue->bytes + event.offset, text, text_len);
	if (data_len)
		memcpy(queue->bytes + event.offset + text_len, data, data_len);
	queue->bytes_len += text_len + data_len;
	/* A message with several callbacks is acknowledged behind the last of them. */
	if (event.acknowledge && queue->len > 0) {
		struct event *before = place - 1;

		if (before->kind == event.kind && before->acknowledge && before->mid == event.mid)
			before->acknowledge = false;
	}
	*place = event;
	queue->len++;
	runner_mark(core);
	pthread_mutex_unlock(&core->mutex);
}

static bool wants(const struct core *core, enum kind kind)
{
	return atomic_load(&core->wanted) & (1u << kind);
}

static void on_pre_connect(struct mosquitto *mosq, void *obj)
{
	struct core *core = obj;

	(void)mosq;
	if (wants(core, ON_PRE_CONNECT))
		push(core, (struct event){.kind = ON_PRE_CONNECT}, NULL, 0, NULL, 0, NULL);
}

static void on_connect(struct mosquitto *mosq, void *obj, int rc, int flags,
		       const mosquitto_property *properties)
{
	struct core *core = obj;

	(void)mosq;
	if (wants(core, ON_CONNECT))
		push(core, (struct event){.kind = ON_CONNECT, .code = rc, .other = flags}, NULL, 0,
		     NULL, 0, properties);
}

static void on_disconnect(struct mosquitto *mosq, void *obj, int rc,
			  const mosquitto_property *properties)
{
	struct core *core = obj;

	(void)mosq;
	if (wants(core, ON_DISCONNECT))
		push(core, (struct event){.kind = ON_DISCONNECT, .code = rc}, NULL, 0, NULL, 0,
		     properties);
}

static void push_message(struct core *core, struct event event,
			 const struct mosquitto_message *message,
			 const mosquitto_property *properties)
{
	event.mid = message->mid;
	event.qos = (uint8_t)message->qos;
	event.retain = message->retain;
	event.acknowledge = message->qos > 0 && atomic_load(&core->acknowledge_after);
	push(core, event, message->topic, strlen(message->topic), message->payload,
	     (size_t)message->payloadlen, properties);
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message,
		       const mosquitto_property *properties)
{
	struct core *core = obj;

	(void)mosq;
	/* Without a handler there is still the acknowledgement. */
	if (wants(core, ON_MESSAGE) || atomic_load(&core->acknowledge_after))
		push_message(core, (struct event){.kind = ON_MESSAGE}, message, properties);
}

void on_filter(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *message,
	       const mosquitto_property *properties)
{
	struct core *core = mosquitto_userdata(mosq);

	push_message(core, (struct event){.kind = OF_FILTER, .id = (uintptr_t)userdata}, message,
		     properties);
}

void on_served(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *message,
	       const mosquitto_property *properties)
{
	on_filter(mosq, userdata, message, properties);
}

static void on_codes(struct core *core, enum kind kind, int mid, int count, const int *codes,
		     const mosquitto_property *properties)
{
	if (wants(core, kind))
		push(core, (struct event){.kind = kind, .mid = mid}, NULL, 0, codes,
		     count > 0 && codes ? (size_t)count * sizeof *codes : 0, properties);
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *codes,
			 const mosquitto_property *properties)
{
	(void)mosq;
	on_codes(obj, ON_SUBSCRIBE, mid, count, codes, properties);
}

static void on_unsubscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *codes,
			   const mosquitto_property *properties)
{
	(void)mosq;
	on_codes(obj, ON_UNSUBSCRIBE, mid, count, codes, properties);
}

static void on_log(struct mosquitto *mosq, void *obj, int level, const char *text)
{
	struct core *core = obj;

	(void)mosq;
	if (wants(core, ON_LOG))
		push(core, (struct event){.kind = ON_LOG, .code = level}, text, strlen(text), NULL,
		     0, NULL);
}

static void on_lifecycle(struct mosquitto *mosq, void *obj,
			 const struct mqttrs_lifecycle_event *event)
{
	struct core *core = obj;
	const char *host = event->host ? event->host : "";
	const char *error = event->error ? event->error : "";
	struct event ours = {.kind = ON_LIFECYCLE,
			     .code = event->state,
			     .other = event->cause,
			     .mid = event->port,
			     .attempt = event->attempt,
			     .delay = event->delay};

	(void)mosq;
	if (event->state == MQTTRS_LIFECYCLE_UP || event->state == MQTTRS_LIFECYCLE_CONNECTING)
		atomic_store(&core->down, 0);
	else
		atomic_store(&core->down, event->cause == MOSQ_ERR_SUCCESS || event->cause >= 128
						  ? MOSQ_ERR_CONN_LOST
						  : event->cause);
	if (wants(core, ON_LIFECYCLE))
		push(core, ours, error, strlen(error), host, strlen(host), NULL);
}

void core_callbacks_set(struct core *core)
{
	struct mosquitto *mosq = core->mosq;

	mosquitto_pre_connect_callback_set(mosq, on_pre_connect);
	mosquitto_connect_v5_callback_set(mosq, on_connect);
	mosquitto_disconnect_v5_callback_set(mosq, on_disconnect);
	mosquitto_message_v5_callback_set(mosq, on_message);
	mosquitto_subscribe_v5_callback_set(mosq, on_subscribe);
	mosquitto_unsubscribe2_v5_callback_set(mosq, on_unsubscribe);
	mqttrs_lifecycle_callback_set(mosq, on_lifecycle);
}

void core_log_set(struct core *core, bool on)
{
	mosquitto_log_callback_set(core->mosq, on ? on_log : NULL);
}

void on_pending_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result)
{
	struct pending *pending = userdata;
	struct core *core = pending->core;
	struct event event = {.kind = OF_DONE,
			      .code = result->reason_code,
			      .other = result->outcome,
			      .mid = pending->mid,
			      .pending = pending};

	(void)mosq;
	pending->outcome = result->outcome;
	pending->reason_code = result->reason_code;
	if (pending->callback || wants(core, ON_PUBLISH)) {
		push(core, event, NULL, 0, NULL, 0, result->properties);
	} else {
		pending_finish(pending);
		pending_release(pending);
	}
}

void on_request_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result)
{
	struct pending *pending = userdata;
	struct event event = {.kind = OF_REQUEST_DONE,
			      .code = result->reason_code,
			      .other = result->outcome,
			      .mid = result->mid,
			      .pending = pending};

	(void)mosq;
	pending->outcome = result->outcome;
	pending->reason_code = result->reason_code;
	push(pending->core, event, NULL, 0, result->reason_codes,
	     (size_t)result->reason_code_count * sizeof *result->reason_codes, result->properties);
}

void on_response(struct mosquitto *mosq, void *userdata, int result,
		 const struct mosquitto_message *message, const mosquitto_property *properties)
{
	struct pending *pending = userdata;
	struct core *core = pending->core;
	struct event event = {.kind = OF_RESPONSE, .code = result, .pending = pending};

	(void)mosq;
	if (!message) {
		push(core, event, NULL, 0, NULL, 0, NULL);
		return;
	}
	event.mid = message->mid;
	event.qos = (uint8_t)message->qos;
	event.retain = message->retain;
	event.acknowledge = message->qos > 0 && atomic_load(&core->acknowledge_after);
	push(core, event, message->topic, strlen(message->topic), message->payload,
	     (size_t)message->payloadlen, properties);
}
