/* Settings of a client, but for those of TLS. */
#include "core.h"

#define RC(call) return PyLong_FromLong(call)
#define MOSQ self->core->mosq

static PyObject *username_pw_set(struct client *self, PyObject *args)
{
	const char *username, *password = NULL;

	if (!PyArg_ParseTuple(args, "z|z:username_pw_set", &username, &password))
		return NULL;
	RC(mosquitto_username_pw_set(MOSQ, username, password));
}

static PyObject *will_set(struct client *self, PyObject *args)
{
	PyObject *payload = Py_None, *list = Py_None;
	mosquitto_property *properties = NULL;
	struct bytes bytes;
	const char *topic;
	int qos = 0, retain = 0, rc;

	if (!PyArg_ParseTuple(args, "s|OipO:will_set", &topic, &payload, &qos, &retain, &list) ||
	    bytes_from(payload, &bytes) < 0)
		return NULL;
	if (properties_from(list, &properties) < 0) {
		bytes_release(&bytes);
		return NULL;
	}
	rc = bytes.len > INT32_MAX ? MOSQ_ERR_PAYLOAD_SIZE
				   : mosquitto_will_set_v5(MOSQ, topic, (int)bytes.len, bytes.data,
							   qos, retain, properties);
	/* With success the list is the library's. */
	if (rc != MOSQ_ERR_SUCCESS)
		mosquitto_property_free_all(&properties);
	bytes_release(&bytes);
	RC(rc);
}

static PyObject *will_clear(struct client *self, PyObject *unused)
{
	(void)unused;
	RC(mosquitto_will_clear(MOSQ));
}

static PyObject *int_option(struct client *self, PyObject *args)
{
	int option, value;

	if (!PyArg_ParseTuple(args, "ii:int_option", &option, &value))
		return NULL;
	RC(mosquitto_int_option(MOSQ, option, value));
}

static PyObject *string_option(struct client *self, PyObject *args)
{
	const char *value;
	int option;

	if (!PyArg_ParseTuple(args, "iz:string_option", &option, &value))
		return NULL;
	RC(mosquitto_string_option(MOSQ, option, value));
}

static PyObject *proxy_set(struct client *self, PyObject *args)
{
	const char *kind, *host, *username = NULL, *password = NULL;
	int port;

	if (!PyArg_ParseTuple(args, "szi|zz:proxy_set", &kind, &host, &port, &username, &password))
		return NULL;
	if (strcmp(kind, "socks5") == 0)
		RC(mosquitto_socks5_set(MOSQ, host, port, username, password));
	if (strcmp(kind, "http") == 0)
		RC(mqttrs_http_proxy_set(MOSQ, host, port, username, password));
	PyErr_SetString(PyExc_ValueError, "the kind of a proxy is \"socks5\" or \"http\"");
	return NULL;
}

static PyObject *websocket_header_add(struct client *self, PyObject *args)
{
	const char *name, *value = NULL;

	if (!PyArg_ParseTuple(args, "z|z:websocket_header_add", &name, &value))
		return NULL;
	RC(mqttrs_websocket_header_add(MOSQ, name, value));
}

static PyObject *connect_timeout_set(struct client *self, PyObject *args)
{
	unsigned int milliseconds;

	if (!PyArg_ParseTuple(args, "I:connect_timeout_set", &milliseconds))
		return NULL;
	RC(mqttrs_connect_timeout_set(MOSQ, milliseconds));
}

static PyObject *reconnect_set(struct client *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"delay_min", "delay_max", "doubling", "jitter", "off",
				"follow_references", "stable", "attempts", NULL};
	struct mqttrs_reconnect_options options = {
		.size = sizeof options, .delay_min = 1000, .delay_max = 1000};
	int doubling = 0, jitter = 0, off = 0, follow = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$IIppppII:reconnect_set", names,
					 &options.delay_min, &options.delay_max, &doubling, &jitter,
					 &off, &follow, &options.stable, &options.attempts))
		return NULL;
	options.doubling = doubling;
	options.jitter = jitter;
	options.off = off;
	options.follow_references = follow;
	RC(mqttrs_reconnect_set(MOSQ, &options));
}

static PyObject *resubscribe_set(struct client *self, PyObject *value)
{
	int on = PyObject_IsTrue(value);

	if (on < 0)
		return NULL;
	RC(mqttrs_resubscribe_set(MOSQ, on));
}

static PyObject *automatic_topic_aliases_set(struct client *self, PyObject *value)
{
	int on = PyObject_IsTrue(value);

	if (on < 0)
		return NULL;
	RC(mqttrs_automatic_topic_aliases_set(MOSQ, on));
}

static PyObject *ack_mode_set(struct client *self, PyObject *args)
{
	int mode, rc;

	if (!PyArg_ParseTuple(args, "i:ack_mode_set", &mode))
		return NULL;
	/* The library's callback has returned when the handler has yet to run. */
	rc = mqttrs_ack_mode_set(MOSQ, mode == MQTTRS_ACK_AFTER_CALLBACK ? MQTTRS_ACK_MANUAL : mode);
	if (rc == MOSQ_ERR_SUCCESS)
		atomic_store(&self->core->acknowledge_after, mode == MQTTRS_ACK_AFTER_CALLBACK);
	RC(rc);
}

static PyObject *queue_set(struct client *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"max_messages", "max_bytes", "overflow", "wait_ms", "queue_qos0",
				NULL};
	struct mqttrs_queue_options options = {.size = sizeof options};
	unsigned long long messages = 0, bytes = 0;
	int qos0 = 0, rc;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$KKiIp:queue_set", names, &messages,
					 &bytes, &options.overflow, &options.wait_ms, &qos0))
		return NULL;
	options.max_messages = (size_t)messages;
	options.max_bytes = (size_t)bytes;
	options.queue_qos0 = qos0;
	rc = mqttrs_queue_set(MOSQ, &options);
	if (rc == MOSQ_ERR_SUCCESS && options.overflow == MQTTRS_OVERFLOW_WAIT)
		self->publish_blocks = true;
	RC(rc);
}

static PyObject *throttle(struct client *self, PyObject *args, PyObject *kwargs, bool receive)
{
	static char *names[] = {"filter", "messages_per_second", "bytes_per_second",
				"burst_messages", "burst_bytes", "excess", NULL};
	struct mqttrs_throttle limit = {.size = sizeof limit};
	unsigned long long burst_bytes = 0;
	const char *filter = NULL;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|z$ddIKi:throttle_set", names, &filter,
					 &limit.messages_per_second, &limit.bytes_per_second,
					 &limit.burst_messages, &burst_bytes, &limit.excess))
		return NULL;
	limit.burst_bytes = (size_t)burst_bytes;
	if (receive)
		RC(mqttrs_receive_throttle_set(MOSQ, &limit));
	RC(mqttrs_throttle_set(MOSQ, filter, &limit));
}

static PyObject *throttle_set(struct client *self, PyObject *args, PyObject *kwargs)
{
	return throttle(self, args, kwargs, false);
}

static PyObject *receive_throttle_set(struct client *self, PyObject *args, PyObject *kwargs)
{
	return throttle(self, args, kwargs, true);
}

static PyObject *servers_set(struct client *self, PyObject *args)
{
	PyObject *list, *fast;
	struct mqttrs_server *servers;
	int order = MQTTRS_SERVERS_PRIORITY, rc = MOSQ_ERR_SUCCESS;
	Py_ssize_t i, count;

	if (!PyArg_ParseTuple(args, "O|i:servers_set", &list, &order))
		return NULL;
	fast = PySequence_Fast(list, "servers are a list of (host, port, priority)");
	if (!fast)
		return NULL;
	count = PySequence_Fast_GET_SIZE(fast);
	servers = PyMem_Calloc((size_t)count + 1, sizeof *servers);
	if (!servers) {
		Py_DECREF(fast);
		return PyErr_NoMemory();
	}
	for (i = 0; i < count; i++) {
		servers[i].size = sizeof *servers;
		if (!PyArg_Parse(PySequence_Fast_GET_ITEM(fast, i), "(sii):server", &servers[i].host,
				 &servers[i].port, &servers[i].priority))
			break;
	}
	if (i == count)
		rc = mqttrs_servers_set(MOSQ, servers, (size_t)count, order);
	PyMem_Free(servers);
	Py_DECREF(fast);
	if (i < count)
		return NULL;
	RC(rc);
}

static PyObject *store_open(struct client *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"folder", "durability", "sync_interval", "maximum_bytes", NULL};
	struct mqttrs_store_options options = {.size = sizeof options};
	struct mosquitto *mosq = MOSQ;
	unsigned long long bytes = 0;
	const char *folder;
	int rc;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|$iIK:store_open", names, &folder,
					 &options.durability, &options.sync_interval, &bytes))
		return NULL;
	options.maximum_bytes = bytes;
	RUN(self, rc, mqttrs_store_open(mosq, folder, &options), return NULL);
	if (rc == MOSQ_ERR_SUCCESS)
		self->publish_blocks = true;
	RC(rc);
}

#define KEYWORDS(function) (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS

PyMethodDef settings_methods[] = {
	{"username_pw_set", (PyCFunction)username_pw_set, METH_VARARGS,
	 "username_pw_set($self, username, password=None, /)\n--\n\nCredentials; None for none."},
	{"will_set", (PyCFunction)will_set, METH_VARARGS,
	 "will_set($self, topic, payload=None, qos=0, retain=False, properties=None, /)\n--\n\n"
	 "What the server publishes when the connection is lost."},
	{"will_clear", (PyCFunction)will_clear, METH_NOARGS, "will_clear($self, /)\n--\n\nNo will."},
	{"int_option", (PyCFunction)int_option, METH_VARARGS,
	 "int_option($self, option, value, /)\n--\n\nSets an OPT_* that is a number."},
	{"string_option", (PyCFunction)string_option, METH_VARARGS,
	 "string_option($self, option, value, /)\n--\n\nSets an OPT_* that is a str."},
	{"proxy_set", (PyCFunction)proxy_set, METH_VARARGS,
	 "proxy_set($self, kind, host, port, username=None, password=None, /)\n--\n\n"
	 "A proxy of the kind \"socks5\" or \"http\"; host None for none."},
	{"websocket_header_add", (PyCFunction)websocket_header_add, METH_VARARGS,
	 "websocket_header_add($self, name, value=None, /)\n--\n\n"
	 "A header of the WebSocket's request; name None removes all."},
	{"connect_timeout_set", (PyCFunction)connect_timeout_set, METH_VARARGS,
	 "connect_timeout_set($self, milliseconds, /)\n--\n\nHow long an attempt may take."},
	{"reconnect_set", KEYWORDS(reconnect_set),
	 "reconnect_set($self, *, delay_min=1000, delay_max=1000, doubling=False, jitter=False,\n"
	 "              off=False, follow_references=False, stable=0, attempts=0)\n--\n\n"
	 "When a Loop connects again; delays in milliseconds."},
	{"resubscribe_set", (PyCFunction)resubscribe_set, METH_O,
	 "resubscribe_set($self, on, /)\n--\n\n"
	 "Whether subscriptions are made again when the server has lost the session."},
	{"automatic_topic_aliases_set", (PyCFunction)automatic_topic_aliases_set, METH_O,
	 "automatic_topic_aliases_set($self, on, /)\n--\n\nTopic aliases by themselves, in MQTT 5."},
	{"ack_mode_set", (PyCFunction)ack_mode_set, METH_VARARGS,
	 "ack_mode_set($self, mode, /)\n--\n\n"
	 "Who acknowledges received messages: ACK_AUTOMATIC, ACK_AFTER_CALLBACK (when the handlers\n"
	 "have run) or ACK_MANUAL."},
	{"queue_set", KEYWORDS(queue_set),
	 "queue_set($self, *, max_messages=0, max_bytes=0, overflow=0, wait_ms=0, queue_qos0=False)\n"
	 "--\n\nHow much may wait to be sent, and what happens beyond that: an OVERFLOW_*."},
	{"throttle_set", KEYWORDS(throttle_set),
	 "throttle_set($self, filter=None, *, messages_per_second=0, bytes_per_second=0,\n"
	 "             burst_messages=0, burst_bytes=0, excess=0)\n--\n\n"
	 "How fast messages are sent; an EXCESS_* for those beyond that."},
	{"receive_throttle_set", KEYWORDS(receive_throttle_set),
	 "receive_throttle_set($self, *, messages_per_second=0, bytes_per_second=0,\n"
	 "                     burst_messages=0, burst_bytes=0, excess=0)\n--\n\n"
	 "How fast received messages come."},
	{"servers_set", (PyCFunction)servers_set, METH_VARARGS,
	 "servers_set($self, servers, order=0, /)\n--\n\n"
	 "The servers of connect_servers(), a list of (host, port, priority)."},
	{"store_open", KEYWORDS(store_open),
	 "store_open($self, folder, *, durability=0, sync_interval=0, maximum_bytes=0)\n--\n\n"
	 "Keeps the session in a folder; ERR_NOT_SUPPORTED in builds without it."},
	{NULL, NULL, 0, NULL},
};
