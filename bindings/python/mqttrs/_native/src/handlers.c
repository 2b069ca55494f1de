/* From the queue of a client to Python's handlers, with the interpreter's lock. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

/* How much memory for bytes a queue keeps for the next messages. */
enum { LARGEST_KEPT = 1 << 20 };

const char *const kind_names[HANDLERS] = {
	[ON_PRE_CONNECT] = "pre_connect", [ON_CONNECT] = "connect",
	[ON_DISCONNECT] = "disconnect",	  [ON_MESSAGE] = "message",
	[ON_PUBLISH] = "publish",	  [ON_SUBSCRIBE] = "subscribe",
	[ON_UNSUBSCRIBE] = "unsubscribe", [ON_LOG] = "log",
	[ON_LIFECYCLE] = "lifecycle",	  [ON_ERROR] = "error",
};

static void handler_clear(struct handler *handler)
{
	struct handler old = *handler;
	int i;

	/* Emptied first: what is freed may run Python. */
	memset(handler, 0, sizeof *handler);
	Py_XDECREF(old.callable);
	for (i = 0; i < old.prefix_len; i++)
		Py_DECREF(old.prefix[i]);
}

PyObject *client_set_handler(struct client *self, PyObject *const *args, Py_ssize_t count)
{
	struct handler handler = {0};
	unsigned int bit;
	const char *name;
	int kind, i;

	if (count < 2 || count > 6) {
		PyErr_SetString(PyExc_TypeError,
				"set_handler() takes a name, a callable and up to 4 arguments");
		return NULL;
	}
	name = PyUnicode_AsUTF8(args[0]);
	if (!name)
		return NULL;
	for (kind = 0; kind < HANDLERS && strcmp(name, kind_names[kind]) != 0; kind++)
		;
	if (kind == HANDLERS) {
		PyErr_Format(PyExc_ValueError, "there is no handler %R", args[0]);
		return NULL;
	}
	if (args[1] != Py_None && !PyCallable_Check(args[1])) {
		PyErr_SetString(PyExc_TypeError, "a handler is callable, or None");
		return NULL;
	}
	bit = 1u << kind;
	if (args[1] != Py_None) {
		Py_INCREF(args[1]);
		handler.callable = args[1];
		handler.prefix_len = (int)count - 2;
		for (i = 0; i < handler.prefix_len; i++) {
			Py_INCREF(args[2 + i]);
			handler.prefix[i] = args[2 + i];
		}
	}
	handler_clear(&self->handlers[kind]);
	self->handlers[kind] = handler;
	if (handler.callable)
		atomic_fetch_or(&self->core->wanted, bit);
	else
		atomic_fetch_and(&self->core->wanted, ~bit);
	if (kind == ON_LOG)
		core_log_set(self->core, handler.callable != NULL);
	Py_RETURN_NONE;
}

PyObject *handler_tuple(PyObject *const *args, Py_ssize_t count)
{
	PyObject *tuple;
	Py_ssize_t i;

	if (count < 1 || count > 5 || !PyCallable_Check(args[0])) {
		PyErr_SetString(PyExc_TypeError, "expected a callable and up to 4 arguments");
		return NULL;
	}
	tuple = PyTuple_New(count);
	for (i = 0; tuple && i < count; i++) {
		Py_INCREF(args[i]);
		PyTuple_SET_ITEM(tuple, i, args[i]);
	}
	return tuple;
}

/* A handler, or what is to be done with the end of something, has raised. */
static int raised(struct client *client, PyObject *callable)
{
	struct handler *handler = &client->handlers[ON_ERROR];
	PyObject *type, *value, *traceback, *result, *on_error = handler->callable;

	/* These are not a handler's business. */
	if (!on_error || !PyErr_ExceptionMatches(PyExc_Exception)) {
		if (PyErr_ExceptionMatches(PyExc_Exception)) {
			PyErr_WriteUnraisable(callable);
			return 0;
		}
		return -1;
	}
	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	if (traceback)
		PyException_SetTraceback(value, traceback);
	Py_INCREF(on_error);
	result = handler->prefix_len > 0
			 ? PyObject_CallFunctionObjArgs(on_error, handler->prefix[0], value, NULL)
			 : PyObject_CallFunctionObjArgs(on_error, value, NULL);
	Py_DECREF(on_error);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(traceback);
	Py_XDECREF(result);
	return result ? 0 : -1;
}

/* Calls with the handler's own arguments and these; drops the references to these. */
static int call(struct client *client, const struct handler *handler, PyObject **args, int count)
{
	PyObject *all[1 + 4 + 7], *callable = handler->callable, *result = NULL;
	int i, prefix = handler->prefix_len, complete = 1;

	for (i = 0; i < count; i++)
		complete = complete && args[i];
	/* The handler may be replaced by what it does. */
	Py_INCREF(callable);
	for (i = 0; i < prefix; i++) {
		Py_INCREF(handler->prefix[i]);
		all[1 + i] = handler->prefix[i];
	}
	for (i = 0; i < count; i++)
		all[1 + prefix + i] = args[i];
	if (complete)
		result = PyObject_Vectorcall(
			callable, all + 1,
			(size_t)(prefix + count) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
	for (i = 0; i < prefix; i++)
		Py_DECREF(all[1 + i]);
	for (i = 0; i < count; i++)
		Py_XDECREF(args[i]);
	if (!result) {
		int rc = raised(client, callable);

		Py_DECREF(callable);
		return rc;
	}
	Py_DECREF(result);
	Py_DECREF(callable);
	return 0;
}

/* As `call`, where what is called is a tuple of a callable and its first arguments. */
static int call_tuple(struct client *client, PyObject *tuple, PyObject **args, int count)
{
	struct handler handler = {0};
	Py_ssize_t i;
	int rc;

	handler.callable = PyTuple_GET_ITEM(tuple, 0);
	handler.prefix_len = (int)PyTuple_GET_SIZE(tuple) - 1;
	for (i = 0; i < handler.prefix_len; i++)
		handler.prefix[i] = PyTuple_GET_ITEM(tuple, 1 + i);
	Py_INCREF(tuple);
	rc = call(client, &handler, args, count);
	Py_DECREF(tuple);
	return rc;
}

static PyObject *none(void)
{
	Py_RETURN_NONE;
}

static PyObject *codes_of(const char *data, size_t len)
{
	size_t i, count = len / sizeof(int);
	PyObject *list = PyList_New((Py_ssize_t)count);

	for (i = 0; list && i < count; i++) {
		int code;
		PyObject *number;

		memcpy(&code, data + i * sizeof code, sizeof code);
		number = PyLong_FromLong(code);
		if (!number) {
			Py_CLEAR(list);
			break;
		}
		PyList_SET_ITEM(list, (Py_ssize_t)i, number);
	}
	return list;
}

static int message_event(struct client *client, const struct event *event, const char *bytes)
{
	struct handler *handler = &client->handlers[ON_MESSAGE];
	PyObject *tuple = NULL, *message, *number;
	int rc = 0;

	if (event->kind == OF_FILTER) {
		number = PyLong_FromUnsignedLong((unsigned long)event->id);
		tuple = number ? PyDict_GetItemWithError(client->filters, number) : NULL;
		Py_XDECREF(number);
		if (PyErr_Occurred())
			return -1;
	}
	if (client->core->mosq && (tuple || (event->kind == ON_MESSAGE && handler->callable))) {
		message = message_new(client, bytes, event->text_len, bytes + event->text_len,
				      event->data_len, event);
		if (!message)
			return -1;
		rc = tuple ? call_tuple(client, tuple, &message, 1)
			   : call(client, handler, &message, 1);
	}
	/* What raised has had its message: it would only come again and raise again. */
	if (event->acknowledge && client->core->mosq)
		(void)mqttrs_ack(client->core->mosq, event->mid, 0);
	return rc;
}

static int done_event(struct client *client, struct event *event, const char *bytes)
{
	struct pending *pending = event->pending;
	PyObject *callback = pending->callback, *args[4];
	struct handler handler = {.callable = callback};
	int rc = 0;

	pending->callback = NULL;
	event->pending = NULL;
	switch (event->kind) {
	case OF_DONE:
		if (client->handlers[ON_PUBLISH].callable) {
			args[0] = PyLong_FromLong(event->mid);
			args[1] = PyLong_FromLong(event->other);
			args[2] = PyLong_FromLong(event->code);
			args[3] = properties_to_list(event->properties);
			rc = call(client, &client->handlers[ON_PUBLISH], args, 4);
		}
		pending_finish(pending);
		if (callback && rc == 0) {
			args[0] = PyLong_FromLong(event->other);
			args[1] = PyLong_FromLong(event->code);
			args[2] = properties_to_list(event->properties);
			rc = call(client, &handler, args, 3);
		}
		break;
	case OF_REQUEST_DONE:
		pending_finish(pending);
		args[0] = PyLong_FromLong(event->other);
		args[1] = codes_of(bytes, event->data_len);
		args[2] = properties_to_list(event->properties);
		if (callback)
			rc = call(client, &handler, args, 3);
		break;
	default:
		pending_finish(pending);
		args[0] = PyLong_FromLong(event->code);
		args[1] = event->code == MOSQ_ERR_SUCCESS
				  ? message_new(client, bytes, event->text_len,
						bytes + event->text_len, event->data_len, event)
				  : none();
		if (callback)
			rc = call(client, &handler, args, 2);
		if (event->acknowledge && client->core->mosq)
			(void)mqttrs_ack(client->core->mosq, event->mid, 0);
	}
	Py_XDECREF(callback);
	pending_release(pending);
	return rc;
}

static PyObject *text_of(const char *text, size_t len)
{
	return PyUnicode_DecodeUTF8(text, (Py_ssize_t)len, "surrogateescape");
}

static int dispatch(struct client *client, struct event *event, const char *bytes)
{
	struct handler *handler;
	PyObject *args[7];
	int count = 0;

	switch (event->kind) {
	case ON_MESSAGE:
	case OF_FILTER:
		return message_event(client, event, bytes);
	case OF_DONE:
	case OF_REQUEST_DONE:
	case OF_RESPONSE:
		return done_event(client, event, bytes);
	default:
		break;
	}
	handler = &client->handlers[event->kind];
	if (!handler->callable || !client->core->mosq)
		return 0;
	switch (event->kind) {
	case ON_CONNECT:
		args[count++] = PyLong_FromLong(event->other);
		args[count++] = PyLong_FromLong(event->code);
		args[count++] = properties_to_list(event->properties);
		break;
	case ON_DISCONNECT:
		args[count++] = PyLong_FromLong(event->code);
		args[count++] = properties_to_list(event->properties);
		break;
	case ON_SUBSCRIBE:
	case ON_UNSUBSCRIBE:
		args[count++] = PyLong_FromLong(event->mid);
		args[count++] = codes_of(bytes, event->data_len);
		args[count++] = properties_to_list(event->properties);
		break;
	case ON_LOG:
		args[count++] = PyLong_FromLong(event->code);
		args[count++] = text_of(bytes, event->text_len);
		break;
	case ON_LIFECYCLE:
		args[count++] = PyLong_FromLong(event->code);
		args[count++] = PyLong_FromLong(event->other);
		args[count++] = text_of(bytes, event->text_len);
		args[count++] = text_of(bytes + event->text_len, event->data_len);
		args[count++] = PyLong_FromLong(event->mid);
		args[count++] = PyLong_FromUnsignedLong(event->attempt);
		args[count++] = PyLong_FromUnsignedLong(event->delay);
		break;
	default: /* ON_PRE_CONNECT */
		break;
	}
	return call(client, handler, args, count);
}

/* Takes what has come meanwhile; false when there is nothing. */
static bool refill(struct client *client)
{
	struct core *core = client->core;
	struct queue empty = client->current;

	queue_clear(&empty);
	client->next = 0;
	if (empty.bytes_room > LARGEST_KEPT) {
		free(empty.bytes);
		empty.bytes = NULL;
		empty.bytes_room = 0;
	}
	pthread_mutex_lock(&core->mutex);
	client->current = core->incoming;
	core->incoming = empty;
	atomic_store(&core->stray, false);
	pthread_mutex_unlock(&core->mutex);
	return client->current.len > 0;
}

int clients_interrupted;

static void set_interrupted(struct client *client, bool interrupted)
{
	if (client->interrupted != interrupted)
		clients_interrupted += interrupted ? 1 : -1;
	client->interrupted = interrupted;
}

int client_resume(struct client *client)
{
	return client->interrupted ? client_drain(client) : 0;
}

int client_drain_stray(struct client *client)
{
	return atomic_load(&client->core->stray) && !client->interrupted ? client_drain(client) : 0;
}

int client_drain(struct client *client)
{
	int rc = 0;

	/* A handler called something: whoever called the handler goes on with the rest. */
	if (client->draining)
		return 0;
	client->draining = true;
	Py_INCREF(client);
	while (rc == 0 && (client->next < client->current.len || refill(client))) {
		struct event *event = &client->current.events[client->next++];

		rc = dispatch(client, event, client->current.bytes + event->offset);
		mosquitto_property_free_all(&event->properties);
	}
	client->draining = false;
	set_interrupted(client, rc < 0);
	Py_DECREF(client);
	return rc;
}
