/* Requests and responses. */
#include "core.h"

#include <string.h>

static PyObject *client_request(struct client *self, PyObject *args)
{
	struct mqttrs_message message = {.size = sizeof message};
	PyObject *payload, *property_list, *callback;
	mosquitto_property *properties = NULL;
	struct pending *pending;
	unsigned int timeout;
	struct bytes bytes;
	int rc;

	if (!PyArg_ParseTuple(args, "sOiOIO:request", &message.topic, &payload, &message.qos,
			      &property_list, &timeout, &callback) ||
	    bytes_from(payload, &bytes) < 0)
		return NULL;
	if (properties_from(property_list, &properties) < 0) {
		bytes_release(&bytes);
		return NULL;
	}
	message.payload = bytes.data;
	message.payloadlen = bytes.len;
	message.properties = properties;
	pending = pending_new(self->core, callback);
	if (pending) {
		rc = mqttrs_request(self->core->mosq, &message, timeout, on_response, pending);
		if (rc != MOSQ_ERR_SUCCESS) {
			Py_CLEAR(pending->callback);
			pending_release(pending);
		}
		pending_release(pending);
	}
	mosquitto_property_free_all(&properties);
	bytes_release(&bytes);
	return pending ? PyLong_FromLong(rc) : NULL;
}

static PyObject *client_request_by_topic_set(struct client *self, PyObject *value)
{
	int on = PyObject_IsTrue(value);

	if (on < 0)
		return NULL;
	return PyLong_FromLong(mqttrs_request_by_topic_set(self->core->mosq, on));
}

static PyObject *client_serve(struct client *self, PyObject *const *args, Py_ssize_t count)
{
	PyObject *number, *old, *tuple;
	const char *topic;
	unsigned long id;
	int rc;
	long qos;

	if (count < 3) {
		PyErr_SetString(PyExc_TypeError, "serve() takes a topic, a QoS and a callable");
		return NULL;
	}
	topic = PyUnicode_AsUTF8(args[0]);
	qos = topic ? PyLong_AsLong(args[1]) : 0;
	if (!topic || PyErr_Occurred())
		return NULL;
	if (args[2] == Py_None) {
		rc = mqttrs_serve(self->core->mosq, topic, (int)qos, NULL, NULL);
		number = PyDict_GetItemWithError(self->servers, args[0]);
		if (number && (PyDict_DelItem(self->filters, number) < 0 ||
			       PyDict_DelItem(self->servers, args[0]) < 0))
			return NULL;
		return PyErr_Occurred() ? NULL : PyLong_FromLong(rc);
	}
	tuple = handler_tuple(args + 2, count - 2);
	if (!tuple)
		return NULL;
	id = ++self->next_filter;
	number = PyLong_FromUnsignedLong(id);
	if (!number || PyDict_SetItem(self->filters, number, tuple) < 0)
		goto failed;
	rc = mqttrs_serve(self->core->mosq, topic, (int)qos, on_served, (void *)id);
	old = rc == MOSQ_ERR_SUCCESS ? PyDict_GetItemWithError(self->servers, args[0]) : number;
	if (old && PyDict_DelItem(self->filters, old) < 0)
		goto failed;
	if (rc == MOSQ_ERR_SUCCESS && PyDict_SetItem(self->servers, args[0], number) < 0)
		goto failed;
	Py_DECREF(number);
	Py_DECREF(tuple);
	return PyLong_FromLong(rc);
failed:
	Py_XDECREF(number);
	Py_DECREF(tuple);
	return NULL;
}

static PyObject *client_respond(struct client *self, PyObject *args)
{
	struct mosquitto_message request = {0};
	mosquitto_property *request_properties = NULL, *properties = NULL;
	PyObject *message, *payload, *property_list = Py_None;
	struct message *of;
	struct bytes bytes;
	int qos = 0, rc;

	if (!PyArg_ParseTuple(args, "O!O|iO:respond", &message_type, &message, &payload, &qos,
			      &property_list))
		return NULL;
	of = (struct message *)message;
	if (!of->topic || !PyUnicode_Check(of->topic)) {
		PyErr_SetString(PyExc_TypeError, "the request's topic is not a str");
		return NULL;
	}
	request.topic = (char *)PyUnicode_AsUTF8(of->topic);
	if (!request.topic || bytes_from(payload, &bytes) < 0)
		return NULL;
	if (properties_from(of->properties, &request_properties) < 0 ||
	    properties_from(property_list, &properties) < 0) {
		mosquitto_property_free_all(&request_properties);
		bytes_release(&bytes);
		return NULL;
	}
	rc = mqttrs_respond(self->core->mosq, &request, request_properties, bytes.data, bytes.len,
			    qos, properties);
	mosquitto_property_free_all(&request_properties);
	mosquitto_property_free_all(&properties);
	bytes_release(&bytes);
	return PyLong_FromLong(rc);
}

PyMethodDef request_methods[] = {
	{"request", (PyCFunction)client_request, METH_VARARGS,
	 "request($self, topic, payload, qos, properties, timeout, callback, /)\n--\n\n"
	 "Publishes a request; `callback(rc, message)` is called once, within `timeout` milliseconds:\n"
	 "ERR_SUCCESS and the response, or why there is none, and None."},
	{"request_by_topic_set", (PyCFunction)client_request_by_topic_set, METH_O,
	 "request_by_topic_set($self, on, /)\n--\n\nRequests by topics alone in MQTT 5 too."},
	{"serve", (PyCFunction)(void (*)(void))client_serve, METH_FASTCALL,
	 "serve($self, topic, qos, handler, /, *args)\n--\n\n"
	 "Subscribes to requests, which `handler` gets after `args`; None ends it."},
	{"respond", (PyCFunction)client_respond, METH_VARARGS,
	 "respond($self, request, payload, qos=0, properties=None, /)\n--\n\n"
	 "Publishes the response to a request, which is a Message."},
	{NULL, NULL, 0, NULL},
};
