/* Message: what a handler for messages gets. */
#include "core.h"

#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Messages often have the topic of the one before. */
static PyObject *topic_of(struct client *client, const char *topic, size_t len)
{
	PyObject *last = client->last_topic;

	if (last && PyUnicode_IS_COMPACT_ASCII(last) &&
	    (size_t)PyUnicode_GET_LENGTH(last) == len &&
	    memcmp(PyUnicode_1BYTE_DATA(last), topic, len) == 0) {
		Py_INCREF(last);
		return last;
	}
	last = PyUnicode_DecodeUTF8(topic, (Py_ssize_t)len, "surrogateescape");
	if (last) {
		Py_INCREF(last);
		Py_XSETREF(client->last_topic, last);
	}
	return last;
}

PyObject *message_new(struct client *client, const char *topic, size_t topic_len,
		      const char *payload, size_t payload_len, const struct event *event)
{
	PyTypeObject *type = (PyTypeObject *)client->message_type;
	struct message *self = (struct message *)type->tp_alloc(type, 0);

	if (!self)
		return NULL;
	self->timestamp = now();
	self->mid = event->mid;
	self->qos = event->qos;
	self->retain = event->retain;
	self->topic = topic_of(client, topic, topic_len);
	self->payload = PyBytes_FromStringAndSize(payload, (Py_ssize_t)payload_len);
	if (self->topic && self->payload && event->properties)
		self->properties = properties_to_list(event->properties);
	if (!self->topic || !self->payload || (event->properties && !self->properties)) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static PyObject *new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct message *self = (struct message *)type->tp_alloc(type, 0);

	/* Subclasses have arguments of their own. */
	(void)args;
	(void)kwargs;
	if (self) {
		self->topic = PyUnicode_FromString("");
		self->payload = PyBytes_FromStringAndSize("", 0);
	}
	return (PyObject *)self;
}

static void dealloc(struct message *self)
{
	Py_XDECREF(self->topic);
	Py_XDECREF(self->payload);
	Py_XDECREF(self->properties);
	Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMemberDef members[] = {
	{"topic", T_OBJECT, offsetof(struct message, topic), 0, "The topic name, a str."},
	{"payload", T_OBJECT, offsetof(struct message, payload), 0, "The payload, bytes."},
	{"property_list", T_OBJECT, offsetof(struct message, properties), 0,
	 "MQTT 5 properties as a list of (identifier, value); None for none."},
	{"timestamp", T_DOUBLE, offsetof(struct message, timestamp), 0,
	 "When it was handed out: seconds, as time.monotonic() has them."},
	{"mid", T_INT, offsetof(struct message, mid), 0, "The packet identifier; 0 with QoS 0."},
	{"qos", T_INT, offsetof(struct message, qos), 0, "0, 1 or 2."},
	{"state", T_INT, offsetof(struct message, state), 0, "For who wants to keep a number."},
	{"retain", T_BOOL, offsetof(struct message, retain), 0, "Whether the server had kept it."},
	{"dup", T_BOOL, offsetof(struct message, dup), 0,
	 "False: the library does not hand out this flag."},
	{NULL, 0, 0, 0, NULL},
};

PyTypeObject message_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "mqttrs._native.Message",
	.tp_doc = "A message that has arrived.",
	.tp_basicsize = sizeof(struct message),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.tp_new = new,
	.tp_dealloc = (destructor)dealloc,
	.tp_members = members,
};
