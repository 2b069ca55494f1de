/* Publishing, subscribing, acknowledging. */
#include "core.h"

#include <string.h>

/* A topic as C has it; NULL with a Python exception. */
static const char *topic_from(PyObject *object, int *rc)
{
	const char *topic;
	Py_ssize_t len;

	if (PyBytes_Check(object)) {
		topic = PyBytes_AS_STRING(object);
		len = PyBytes_GET_SIZE(object);
	} else {
		topic = PyUnicode_AsUTF8AndSize(object, &len);
		if (!topic)
			return NULL;
	}
	if (strlen(topic) != (size_t)len)
		*rc = MOSQ_ERR_INVAL;
	return topic;
}

static int int_from(PyObject *object, int *number)
{
	long value = PyLong_AsLong(object);

	if (value == -1 && PyErr_Occurred())
		return -1;
	/* Out of range either way. */
	*number = value < INT32_MIN || value > INT32_MAX ? -1 : (int)value;
	return 0;
}

static int publish_it(struct client *self, struct mqttrs_message *message, int *mid,
		      struct pending *pending)
{
	struct mosquitto *mosq = self->core->mosq;
	int rc;

	if (!self->publish_blocks)
		/* With the interpreter's lock: it only copies, and nothing inside waits for it. */
		return mqttrs_publish(mosq, mid, message, on_pending_done, pending, NULL);
	Py_BEGIN_ALLOW_THREADS
	rc = mqttrs_publish(mosq, mid, message, on_pending_done, pending, NULL);
	Py_END_ALLOW_THREADS
	return rc;
}

static PyObject *client_publish(struct client *self, PyObject *const *args, Py_ssize_t count)
{
	PyTypeObject *type = (PyTypeObject *)self->publication_type;
	struct mqttrs_message message = {.size = sizeof message};
	mosquitto_property *properties = NULL;
	struct publication *publication;
	struct bytes payload;
	PyObject *callback = NULL;
	int retain, rc = 0;

	if (count < 1 || count > 6) {
		PyErr_SetString(PyExc_TypeError, "publish() takes 1 to 6 arguments");
		return NULL;
	}
	message.topic = topic_from(args[0], &rc);
	if (!message.topic)
		return NULL;
	if (count > 2 && int_from(args[2], &message.qos) < 0)
		return NULL;
	if (count > 3) {
		retain = PyObject_IsTrue(args[3]);
		if (retain < 0)
			return NULL;
		message.retain = retain;
	}
	if (count > 5 && args[5] != Py_None)
		callback = args[5];
	if (bytes_from(count > 1 ? args[1] : NULL, &payload) < 0)
		return NULL;
	if (count > 4 && args[4] != Py_None) {
		if (properties_from(args[4], &properties) < 0) {
			bytes_release(&payload);
			return NULL;
		}
		message.properties = properties;
	}
	message.payload = payload.data;
	message.payloadlen = payload.len;

	publication = (struct publication *)type->tp_alloc(type, 0);
	if (publication)
		publication->pending = pending_new(self->core, callback);
	if (!publication || !publication->pending) {
		Py_XDECREF(publication);
		publication = NULL;
		goto out;
	}
	if (rc == MOSQ_ERR_SUCCESS) {
		struct pending *pending = publication->pending;

		rc = publish_it(self, &message, &pending->mid, pending);
		publication->mid = pending->mid;
	}
	publication->rc = rc;
	if (rc != MOSQ_ERR_SUCCESS) {
		/* No end will come: the library's reference and this one go. */
		Py_CLEAR(publication->pending->callback);
		pending_release(publication->pending);
		pending_release(publication->pending);
		publication->pending = NULL;
	}
	if (client_drain_stray(self) < 0)
		Py_CLEAR(publication);
out:
	if (properties)
		mosquitto_property_free_all(&properties);
	bytes_release(&payload);
	return (PyObject *)publication;
}

/* For subscribe and unsubscribe: what waits for the answer, or NULL with an exception. */
static struct pending *request_pending(struct client *self, PyObject *callback)
{
	return pending_new(self->core, callback == Py_None ? NULL : callback);
}

static PyObject *requested(struct client *self, struct pending *pending, int rc, int mid)
{
	if (rc != MOSQ_ERR_SUCCESS) {
		Py_CLEAR(pending->callback);
		pending_release(pending);
	}
	pending_release(pending);
	if (client_drain_stray(self) < 0)
		return NULL;
	return Py_BuildValue("(ii)", rc, mid);
}

static PyObject *client_subscribe(struct client *self, PyObject *args)
{
	PyObject *list, *property_list = Py_None, *callback = Py_None, *fast;
	struct mqttrs_subscription *subscriptions = NULL;
	mosquitto_property *properties = NULL;
	struct pending *pending;
	Py_ssize_t i, count;
	int rc, mid = 0;

	if (!PyArg_ParseTuple(args, "O|OO:subscribe", &list, &property_list, &callback))
		return NULL;
	fast = PySequence_Fast(list, "subscriptions are a list of (filter, qos, options)");
	if (!fast)
		return NULL;
	count = PySequence_Fast_GET_SIZE(fast);
	subscriptions = PyMem_Calloc((size_t)count + 1, sizeof *subscriptions);
	if (!subscriptions) {
		Py_DECREF(fast);
		return PyErr_NoMemory();
	}
	for (i = 0; i < count; i++) {
		PyObject *item = PySequence_Fast_GET_ITEM(fast, i);

		subscriptions[i].size = sizeof *subscriptions;
		if (!PyTuple_Check(item) ||
		    !PyArg_ParseTuple(item, "si|i:subscription", &subscriptions[i].filter,
				      &subscriptions[i].qos, &subscriptions[i].options)) {
			if (!PyErr_Occurred())
				PyErr_SetString(PyExc_TypeError,
						"subscriptions are a list of (filter, qos, options)");
			goto failed;
		}
	}
	if (properties_from(property_list, &properties) < 0)
		goto failed;
	pending = request_pending(self, callback);
	if (!pending)
		goto failed;
	rc = mqttrs_subscribe(self->core->mosq, &mid, subscriptions, (size_t)count, properties,
			      on_request_done, pending, NULL);
	mosquitto_property_free_all(&properties);
	PyMem_Free(subscriptions);
	Py_DECREF(fast);
	return requested(self, pending, rc, mid);
failed:
	mosquitto_property_free_all(&properties);
	PyMem_Free(subscriptions);
	Py_DECREF(fast);
	return NULL;
}

static PyObject *client_unsubscribe(struct client *self, PyObject *args)
{
	PyObject *list, *property_list = Py_None, *callback = Py_None, *fast;
	mosquitto_property *properties = NULL;
	const char **filters;
	struct pending *pending;
	Py_ssize_t i, count;
	int rc, mid = 0;

	if (!PyArg_ParseTuple(args, "O|OO:unsubscribe", &list, &property_list, &callback))
		return NULL;
	fast = PySequence_Fast(list, "filters are a list of str");
	if (!fast)
		return NULL;
	count = PySequence_Fast_GET_SIZE(fast);
	filters = PyMem_Calloc((size_t)count + 1, sizeof *filters);
	if (!filters) {
		Py_DECREF(fast);
		return PyErr_NoMemory();
	}
	for (i = 0; i < count; i++) {
		filters[i] = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(fast, i));
		if (!filters[i])
			goto failed;
	}
	if (properties_from(property_list, &properties) < 0)
		goto failed;
	pending = request_pending(self, callback);
	if (!pending)
		goto failed;
	rc = mqttrs_unsubscribe(self->core->mosq, &mid, filters, (size_t)count, properties,
				on_request_done, pending, NULL);
	mosquitto_property_free_all(&properties);
	PyMem_Free(filters);
	Py_DECREF(fast);
	return requested(self, pending, rc, mid);
failed:
	mosquitto_property_free_all(&properties);
	PyMem_Free(filters);
	Py_DECREF(fast);
	return NULL;
}

static PyObject *client_ack(struct client *self, PyObject *args)
{
	int mid, reason_code = 0;

	if (!PyArg_ParseTuple(args, "i|i:ack", &mid, &reason_code))
		return NULL;
	return PyLong_FromLong(mqttrs_ack(self->core->mosq, mid, reason_code));
}

static PyObject *client_queue_clear(struct client *self, PyObject *unused)
{
	int rc;

	(void)unused;
	RUN(self, rc, mqttrs_queue_clear(self->core->mosq), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_drain_queue(struct client *self, PyObject *args)
{
	unsigned int timeout;
	int rc;

	if (!PyArg_ParseTuple(args, "I:drain", &timeout))
		return NULL;
	RUN(self, rc, mqttrs_drain(self->core->mosq, timeout), return NULL);
	return PyLong_FromLong(rc);
}

PyMethodDef publish_methods[] = {
	{"publish", (PyCFunction)(void (*)(void))client_publish, METH_FASTCALL,
	 "publish($self, topic, payload=None, qos=0, retain=False, properties=None, callback=None, /)\n"
	 "--\n\n"
	 "Publishes a message and returns a Publication, whose `rc` says whether it was accepted.\n\n"
	 "`payload` is a str, which is sent as UTF-8, bytes or what has their buffer, an int or a\n"
	 "float, sent as text, or None. `properties` is a list of (identifier, value), or what has a\n"
	 "method `_mqttrs_list` that returns one. `callback(outcome, reason_code, properties)` is\n"
	 "called once for a message that was accepted, by who runs the client."},
	{"subscribe", (PyCFunction)client_subscribe, METH_VARARGS,
	 "subscribe($self, subscriptions, properties=None, callback=None, /)\n--\n\n"
	 "Asks for subscriptions, a list of (filter, qos, options), with one packet. Returns (rc, mid).\n"
	 "`callback(outcome, codes, properties)` is called with the answer."},
	{"unsubscribe", (PyCFunction)client_unsubscribe, METH_VARARGS,
	 "unsubscribe($self, filters, properties=None, callback=None, /)\n--\n\n"
	 "Ends subscriptions, as subscribe() asks for them."},
	{"ack", (PyCFunction)client_ack, METH_VARARGS,
	 "ack($self, mid, reason_code=0, /)\n--\n\n"
	 "Acknowledges a message, in the mode ACK_MANUAL."},
	{"queue_clear", (PyCFunction)client_queue_clear, METH_NOARGS,
	 "queue_clear($self, /)\n--\n\nDrops what was never sent."},
	{"drain", (PyCFunction)client_drain_queue, METH_VARARGS,
	 "drain($self, timeout, /)\n--\n\n"
	 "Waits until all accepted messages have come to their end, at most so many milliseconds."},
	{NULL, NULL, 0, NULL},
};
