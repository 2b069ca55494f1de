/* What goes to the library: messages and requests. */
#include "shim.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a message of a batch says, and its properties, which are the caller's to free. */
struct out {
	struct mqttrs_message message;
	mosquitto_property *props;
	uint32_t slot;
	int flags;
};

static int read_message(const uint8_t *at, struct out *out)
{
	size_t topic = mqg_get16(at + 6), payload = mqg_get32(at + 8);
	int rc = MOSQ_ERR_SUCCESS;

	out->flags = at[5];
	out->slot = mqg_get32(at + 12);
	out->props = NULL;
	out->message = (struct mqttrs_message){
		.size = sizeof out->message,
		.topic = (const char *)at + MQG_OUT_HEAD,
		.payload = payload ? at + MQG_OUT_HEAD + topic + 1 : NULL,
		.payloadlen = payload,
		.qos = at[4],
		.retain = out->flags & MQG_OUT_RETAIN,
	};
	if (out->flags & MQG_OUT_PROPERTIES) {
		const uint8_t *props = at + MQG_OUT_HEAD + topic + 1 + payload;

		rc = mqg_properties_read(props + 4, mqg_get32(props), &out->props);
		out->message.properties = out->props;
	}
	return rc;
}

static struct mqg_status status(int code)
{
	return (struct mqg_status){.code = code, .error = errno};
}

size_t mqg_publish(struct mqg_client *client, const uint8_t *batch, size_t len)
{
	const uint8_t *end = batch + len;
	size_t refused = 0;

	while (batch < end) {
		struct out out;
		void *waiter = NULL;
		int rc = read_message(batch, &out);

		batch += mqg_get32(batch);
		if (rc == MOSQ_ERR_SUCCESS) {
			if (out.flags & MQG_OUT_TOLD) {
				waiter = mqg_waiter(client, out.slot);
				rc = mqttrs_publish(client->mosq, NULL, &out.message, mqg_on_done, waiter, NULL);
			} else {
				rc = mosquitto_publish_v5(client->mosq, NULL, out.message.topic, (int)out.message.payloadlen,
							  out.message.payload, out.message.qos, out.message.retain,
							  out.props);
			}
			if (out.props)
				mosquitto_property_free_all(&out.props);
			if (rc == MOSQ_ERR_SUCCESS)
				continue;
			if (waiter)
				mqg_waiter_free(waiter);
		}
		if (refused == client->refused_room) {
			client->refused_room = refused ? 2 * refused : 16;
			client->refused = mqg_alloc(client->refused, client->refused_room * sizeof *client->refused);
		}
		client->refused[refused++] = (struct mqg_refused){
			.slot = out.flags & MQG_OUT_TOLD ? out.slot : UINT32_MAX, .code = rc, .error = errno};
	}
	return refused;
}

struct mqg_status mqg_subscribe(struct mqg_client *client, const char *const *filters, const int *options,
				size_t count, const uint8_t *data, size_t data_len, uint32_t slot)
{
	struct mqttrs_subscription *subscriptions;
	mosquitto_property *props = NULL;
	struct mqg_status done;
	void *waiter;
	int rc = mqg_properties_read(data, data_len, &props);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	subscriptions = mqg_alloc(NULL, count * sizeof *subscriptions);
	for (size_t i = 0; i < count; i++)
		subscriptions[i] = (struct mqttrs_subscription){.size = sizeof *subscriptions,
								.filter = filters[i],
								.qos = MQTT_SUB_OPT_GET_QOS(options[i]),
								.options = options[i] & ~3};
	waiter = mqg_waiter(client, slot);
	done = status(mqttrs_subscribe(client->mosq, NULL, subscriptions, count, props, mqg_on_done, waiter, NULL));
	if (done.code != MOSQ_ERR_SUCCESS)
		mqg_waiter_free(waiter);
	free(subscriptions);
	mosquitto_property_free_all(&props);
	return done;
}

struct mqg_status mqg_unsubscribe(struct mqg_client *client, const char *const *filters, size_t count,
				  const uint8_t *data, size_t data_len, uint32_t slot)
{
	mosquitto_property *props = NULL;
	struct mqg_status done;
	void *waiter;
	int rc = mqg_properties_read(data, data_len, &props);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	waiter = mqg_waiter(client, slot);
	done = status(mqttrs_unsubscribe(client->mosq, NULL, filters, count, props, mqg_on_done, waiter, NULL));
	if (done.code != MOSQ_ERR_SUCCESS)
		mqg_waiter_free(waiter);
	mosquitto_property_free_all(&props);
	return done;
}

struct mqg_status mqg_request(struct mqg_client *client, const uint8_t *message, unsigned int timeout, uint32_t slot)
{
	struct mqg_status done;
	struct out out;
	void *waiter;
	int rc = read_message(message, &out);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	waiter = mqg_waiter(client, slot);
	done = status(mqttrs_request(client->mosq, &out.message, timeout, mqg_on_response, waiter));
	if (done.code != MOSQ_ERR_SUCCESS)
		mqg_waiter_free(waiter);
	mosquitto_property_free_all(&out.props);
	return done;
}

struct mqg_status mqg_serve(struct mqg_route *route, const char *topic, int qos)
{
	return status(mqttrs_serve(route->client->mosq, topic, qos, mqg_on_routed, route));
}

struct mqg_status mqg_serve_end(struct mqg_client *client, const char *topic)
{
	return status(mqttrs_serve(client->mosq, topic, 0, NULL, NULL));
}

struct mqg_status mqg_respond(struct mqg_client *client, const uint8_t *request, const uint8_t *response)
{
	struct mosquitto_message to = {0};
	struct mqg_status done;
	struct out asked, out;
	int rc = read_message(request, &asked);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	rc = read_message(response, &out);
	if (rc == MOSQ_ERR_SUCCESS) {
		to.topic = (char *)asked.message.topic;
		to.payload = (void *)asked.message.payload;
		to.payloadlen = (int)asked.message.payloadlen;
		to.qos = asked.message.qos;
		done = status(mqttrs_respond(client->mosq, &to, asked.props, out.message.payload, out.message.payloadlen,
					     out.message.qos, out.props));
		mosquitto_property_free_all(&out.props);
	} else {
		done = status(rc);
	}
	mosquitto_property_free_all(&asked.props);
	return done;
}

struct mqg_status mqg_connect(struct mqg_client *client, int keepalive, const uint8_t *data, size_t len)
{
	mosquitto_property *props = NULL;
	struct mqg_status done;
	int rc = mqg_properties_read(data, len, &props);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	done = status(mqttrs_connect(client->mosq, keepalive, props));
	mosquitto_property_free_all(&props);
	return done;
}

struct mqg_status mqg_disconnect(struct mqg_client *client, int reason, const uint8_t *data, size_t len)
{
	mosquitto_property *props = NULL;
	struct mqg_status done;
	int rc = mqg_properties_read(data, len, &props);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	done = status(mosquitto_disconnect_v5(client->mosq, reason, props));
	mosquitto_property_free_all(&props);
	return done;
}

struct mqg_status mqg_will(struct mqg_client *client, const uint8_t *message)
{
	struct mqg_status done;
	struct out out;
	int rc = read_message(message, &out);

	if (rc != MOSQ_ERR_SUCCESS)
		return status(rc);
	/* With success the list is the client's. */
	done = status(mosquitto_will_set_v5(client->mosq, out.message.topic, (int)out.message.payloadlen,
					    out.message.payload, out.message.qos, out.message.retain, out.props));
	if (done.code != MOSQ_ERR_SUCCESS)
		mosquitto_property_free_all(&out.props);
	return done;
}
