/* Client: the Python object over `struct mosquitto`. */
#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct client *client_check(PyObject *object)
{
	if (PyObject_TypeCheck(object, &client_type))
		return (struct client *)object;
	PyErr_Format(PyExc_TypeError, "expected a Client, not %.100s", Py_TYPE(object)->tp_name);
	return NULL;
}

static struct core *core_new(const char *id, bool clean)
{
	struct core *core = calloc(1, sizeof *core);

	if (!core) {
		PyErr_NoMemory();
		return NULL;
	}
	atomic_init(&core->references, 1);
	pthread_mutex_init(&core->mutex, NULL);
	core->process = getpid();
	core->mosq = mosquitto_new(id, clean, core);
	if (!core->mosq) {
		if (errno == EINVAL)
			PyErr_SetString(PyExc_ValueError,
					"client_id has to have 1 to 65535 bytes of UTF-8, and may "
					"be None only with clean_session");
		else
			PyErr_SetFromErrno(PyExc_OSError);
		core_release(core);
		return NULL;
	}
	core_callbacks_set(core);
	return core;
}

static PyObject *client_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"client_id", "clean_session", NULL};
	struct client *self;
	const char *id = NULL;
	int clean = 1;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|zp:Client", names, &id, &clean))
		return NULL;
	self = (struct client *)type->tp_alloc(type, 0);
	if (!self)
		return NULL;
	self->core = core_new(id, clean);
	self->filters = PyDict_New();
	self->filter_numbers = PyDict_New();
	self->servers = PyDict_New();
	Py_INCREF(&message_type);
	self->message_type = (PyObject *)&message_type;
	Py_INCREF(&publication_type);
	self->publication_type = (PyObject *)&publication_type;
	if (!self->core || !self->filters || !self->filter_numbers || !self->servers) {
		Py_DECREF(self);
		return NULL;
	}
	self->core->self = self;
	return (PyObject *)self;
}

/* Ends the library's client; what waited for an end gets it. */
static int end(struct client *self)
{
	struct mosquitto *mosq = self->core->mosq;
	struct runner runner;

	if (!mosq)
		return 0;
	self->core->mosq = NULL;
	runner_enter(&runner);
	mosquitto_destroy(mosq);
	return runner_leave(&runner);
}

static PyObject *client_close(struct client *self, PyObject *unused)
{
	(void)unused;
	if (end(self) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static int client_traverse(struct client *self, visitproc visit, void *arg)
{
	int kind, i;

	for (kind = 0; kind < HANDLERS; kind++) {
		Py_VISIT(self->handlers[kind].callable);
		for (i = 0; i < self->handlers[kind].prefix_len; i++)
			Py_VISIT(self->handlers[kind].prefix[i]);
	}
	Py_VISIT(self->filters);
	Py_VISIT(self->filter_numbers);
	Py_VISIT(self->servers);
	Py_VISIT(self->message_type);
	Py_VISIT(self->publication_type);
	return 0;
}

static int client_clear(struct client *self)
{
	int kind, i;

	for (kind = 0; kind < HANDLERS; kind++) {
		struct handler old = self->handlers[kind];

		memset(&self->handlers[kind], 0, sizeof old);
		Py_XDECREF(old.callable);
		for (i = 0; i < old.prefix_len; i++)
			Py_DECREF(old.prefix[i]);
	}
	Py_CLEAR(self->filters);
	Py_CLEAR(self->filter_numbers);
	Py_CLEAR(self->servers);
	Py_CLEAR(self->message_type);
	Py_CLEAR(self->publication_type);
	Py_CLEAR(self->last_topic);
	return 0;
}

static void client_dealloc(struct client *self)
{
	struct core *core = self->core;

	if (self->interrupted)
		clients_interrupted--;
	PyObject_GC_UnTrack(self);
	if (self->weak_references)
		PyObject_ClearWeakRefs((PyObject *)self);
	if (core) {
		struct mosquitto *mosq = core->mosq;

		core->self = NULL;
		core->mosq = NULL;
		mqttrs_loop_destroy(self->own_loop);
		/* Callbacks that run in here, or are running elsewhere, do not want the
		 * interpreter's lock, so it is kept: nobody is to see a half-freed object. */
		mosquitto_destroy(mosq);
		/* Nobody is left to be told. */
		pthread_mutex_lock(&core->mutex);
		queue_clear(&core->incoming);
		pthread_mutex_unlock(&core->mutex);
		queue_clear(&self->current);
		free(self->current.events);
		free(self->current.bytes);
		core_release(core);
	}
	client_clear(self);
	Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *client_last_error(struct client *self, PyObject *unused)
{
	char text[1024] = "";

	(void)unused;
	mqttrs_last_error(self->core->mosq, text, sizeof text);
	return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *client_message_callback_add(struct client *self, PyObject *const *args,
					     Py_ssize_t count)
{
	PyObject *tuple, *number = NULL, *old;
	unsigned long id;
	const char *filter;
	int rc;

	if (count < 1 || !(filter = PyUnicode_AsUTF8(args[0]))) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_TypeError, "expected a topic filter");
		return NULL;
	}
	tuple = handler_tuple(args + 1, count - 1);
	if (!tuple)
		return NULL;
	id = ++self->next_filter;
	number = PyLong_FromUnsignedLong(id);
	if (!number || PyDict_SetItem(self->filters, number, tuple) < 0)
		goto failed;
	rc = mqttrs_message_callback_add(self->core->mosq, filter, on_filter, (void *)id);
	old = rc == MOSQ_ERR_SUCCESS ? PyDict_GetItemWithError(self->filter_numbers, args[0])
				     : number;
	if (old && PyDict_DelItem(self->filters, old) < 0)
		goto failed;
	if (rc == MOSQ_ERR_SUCCESS && PyDict_SetItem(self->filter_numbers, args[0], number) < 0)
		goto failed;
	Py_DECREF(number);
	Py_DECREF(tuple);
	return PyLong_FromLong(rc);
failed:
	Py_XDECREF(number);
	Py_DECREF(tuple);
	return NULL;
}

static PyObject *client_message_callback_remove(struct client *self, PyObject *filter)
{
	const char *text = PyUnicode_AsUTF8(filter);
	PyObject *number;
	int rc;

	if (!text)
		return NULL;
	rc = mqttrs_message_callback_remove(self->core->mosq, text);
	number = PyDict_GetItemWithError(self->filter_numbers, filter);
	if (number) {
		if (PyDict_DelItem(self->filters, number) < 0 ||
		    PyDict_DelItem(self->filter_numbers, filter) < 0)
			return NULL;
	} else if (PyErr_Occurred()) {
		return NULL;
	}
	return PyLong_FromLong(rc);
}

static PyObject *counters(const uint64_t *numbers)
{
	return Py_BuildValue("(KKK)", (unsigned long long)numbers[0],
			     (unsigned long long)numbers[1], (unsigned long long)numbers[2]);
}

static PyObject *client_stats(struct client *self, PyObject *unused)
{
	struct mqttrs_stats stats = {.size = sizeof stats};
	PyObject *dict = PyDict_New();

	(void)unused;
	mqttrs_stats(self->core->mosq, &stats);
#define PUT(name, value)                                                        \
	do {                                                                    \
		PyObject *item = (value);                                       \
		if (!dict || !item || PyDict_SetItemString(dict, name, item) < 0) \
			Py_CLEAR(dict);                                         \
		Py_XDECREF(item);                                               \
	} while (0)
#define NUMBER(name) PUT(#name, PyLong_FromUnsignedLongLong(stats.name))
	PUT("messages_sent", counters(stats.messages_sent));
	PUT("message_bytes_sent", counters(stats.message_bytes_sent));
	PUT("messages_received", counters(stats.messages_received));
	PUT("message_bytes_received", counters(stats.message_bytes_received));
	NUMBER(packets_sent);
	NUMBER(packets_received);
	NUMBER(bytes_sent);
	NUMBER(bytes_received);
	NUMBER(connect_attempts);
	NUMBER(connections);
	NUMBER(reconnects);
	NUMBER(disconnects);
	NUMBER(queued_messages);
	NUMBER(queued_bytes);
	NUMBER(in_flight);
	NUMBER(dropped_expired);
	NUMBER(dropped_qos);
	NUMBER(dropped_size);
	NUMBER(dropped_overflow);
	NUMBER(dropped_connection);
	NUMBER(round_trips);
	NUMBER(round_trip_last);
	NUMBER(round_trip_minimum);
	NUMBER(round_trip_smoothed);
	PUT("last_disconnect", PyLong_FromLong(stats.last_disconnect));
	NUMBER(received_dropped);
	return dict;
}

static PyObject *client_closed(struct client *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!self->core->mosq);
}

static int set_type(PyObject **place, PyObject *value, PyTypeObject *base)
{
	if (!value || !PyType_Check(value) || !PyType_IsSubtype((PyTypeObject *)value, base)) {
		PyErr_Format(PyExc_TypeError, "expected a subclass of %s", base->tp_name);
		return -1;
	}
	Py_INCREF(value);
	Py_XSETREF(*place, value);
	return 0;
}

static PyObject *get_message_type(struct client *self, void *unused)
{
	(void)unused;
	Py_INCREF(self->message_type);
	return self->message_type;
}

static int set_message_type(struct client *self, PyObject *value, void *unused)
{
	(void)unused;
	return set_type(&self->message_type, value, &message_type);
}

static PyObject *get_publication_type(struct client *self, void *unused)
{
	(void)unused;
	Py_INCREF(self->publication_type);
	return self->publication_type;
}

static int set_publication_type(struct client *self, PyObject *value, void *unused)
{
	(void)unused;
	return set_type(&self->publication_type, value, &publication_type);
}

static PyMethodDef own_methods[] = {
	{"close", (PyCFunction)client_close, METH_NOARGS,
	 "close($self, /)\n--\n\n"
	 "Ends the client: the connection without DISCONNECT, messages on their way with the outcome\n"
	 "OUTCOME_CLEARED. Calls return ERR_INVAL afterwards. Any thread, any handler, any number of\n"
	 "times; what nobody refers to any more is ended too."},
	{"set_handler", (PyCFunction)(void (*)(void))client_set_handler, METH_FASTCALL,
	 "set_handler($self, name, handler, /, *args)\n--\n\n"
	 "Sets what is called for events of this name, with `args`, at most 4, before the event's own\n"
	 "arguments; None for nobody. Handlers run in the thread that runs the client, one at a time\n"
	 "and in order, and may call anything.\n\n"
	 "pre_connect()\n"
	 "connect(flags, rc, properties): CONNACK; bit 0 of flags: the session was there\n"
	 "disconnect(rc, properties)\n"
	 "message(message): what no callback of a filter gets\n"
	 "publish(mid, outcome, reason_code, properties): an OUTCOME_*, of each accepted message\n"
	 "subscribe(mid, codes, properties), unsubscribe(mid, codes, properties)\n"
	 "log(level, text)\n"
	 "lifecycle(state, cause, error, host, port, attempt, delay): delay in milliseconds\n"
	 "error(exception): a handler has raised; gets one of `args`. What it raises comes out of the\n"
	 "call that runs the client. Without it sys.unraisablehook is told."},
	{"message_callback_add", (PyCFunction)(void (*)(void))client_message_callback_add,
	 METH_FASTCALL,
	 "message_callback_add($self, filter, handler, /, *args)\n--\n\n"
	 "Sets what is called, with `args` and a message, for messages whose topics the filter matches;\n"
	 "subscribes to nothing. Returns a MOSQ_ERR_* number."},
	{"message_callback_remove", (PyCFunction)client_message_callback_remove, METH_O,
	 "message_callback_remove($self, filter, /)\n--\n\nThe reverse of message_callback_add()."},
	{"last_error", (PyCFunction)client_last_error, METH_NOARGS,
	 "last_error($self, /)\n--\n\nWhat went wrong last, in words; empty for nothing."},
	{"stats", (PyCFunction)client_stats, METH_NOARGS,
	 "stats($self, /)\n--\n\n"
	 "The numbers of mqttrs_stats() as a dict; tuples by QoS, round trips in microseconds."},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"errno", T_INT, offsetof(struct client, last_errno), READONLY,
	 "The system's error number after a call that returned ERR_ERRNO."},
	{NULL, 0, 0, 0, NULL},
};

static PyGetSetDef properties[] = {
	{"closed", (getter)client_closed, NULL, "Whether close() was called.", NULL},
	{"message_type", (getter)get_message_type, (setter)set_message_type,
	 "The class of messages that handlers get, a subclass of Message; it is made without a call\n"
	 "of __init__.",
	 NULL},
	{"publication_type", (getter)get_publication_type, (setter)set_publication_type,
	 "The class that publish() returns, a subclass of Publication; __init__ is not called.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject client_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "mqttrs._native.Client",
	.tp_doc = "Client(client_id=None, clean_session=True)\n--\n\n"
		  "An MQTT client, close to the C API: calls return MOSQ_ERR_* numbers unless they say\n"
		  "otherwise, arguments that make no sense raise. Any method may be called from any thread\n"
		  "and any handler. Somebody has to run it: a Loop, or loop() and its kin.",
	.tp_basicsize = sizeof(struct client),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.tp_new = client_new,
	.tp_traverse = (traverseproc)client_traverse,
	.tp_clear = (inquiry)client_clear,
	.tp_dealloc = (destructor)client_dealloc,
	.tp_members = members,
	.tp_getset = properties,
	.tp_weaklistoffset = offsetof(struct client, weak_references),
};

/* The methods of all files, as one table. */
int client_type_ready(void)
{
	PyMethodDef *groups[] = {own_methods,	 publish_methods,    settings_methods,
				 tls_methods,	 connection_methods, request_methods};
	static PyMethodDef all[96];
	size_t group, len = 0;

	for (group = 0; group < sizeof groups / sizeof *groups; group++) {
		PyMethodDef *method = groups[group];

		for (; method->ml_name; method++) {
			if (len + 1 == sizeof all / sizeof *all) {
				PyErr_SetString(PyExc_SystemError, "too many methods");
				return -1;
			}
			all[len++] = *method;
		}
	}
	client_type.tp_methods = all;
	return PyType_Ready(&client_type);
}
