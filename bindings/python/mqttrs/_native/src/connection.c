/* Connecting, disconnecting, and the loop of one client. */
#include "core.h"

#include <string.h>

/* The library's handle, read before the interpreter's lock is left. */
#define MOSQ struct mosquitto *mosq = self->core->mosq

static PyObject *connect_to(struct client *self, PyObject *args, bool async)
{
	PyObject *property_list = Py_None;
	mosquitto_property *properties = NULL;
	const char *host, *bind_address = NULL;
	int port, keepalive, rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, async ? "sii|z:connect_async" : "sii|zO:connect", &host, &port,
			      &keepalive, &bind_address, &property_list) ||
	    properties_from(property_list, &properties) < 0)
		return NULL;
	if (async)
		RUN(self, rc,
		    mosquitto_connect_bind_async(mosq, host, port, keepalive, bind_address),
		    return NULL);
	else
		RUN(self, rc,
		    mosquitto_connect_bind_v5(mosq, host, port, keepalive, bind_address, properties),
		    mosquitto_property_free_all(&properties);
		    return NULL);
	mosquitto_property_free_all(&properties);
	return PyLong_FromLong(rc);
}

static PyObject *client_connect(struct client *self, PyObject *args)
{
	return connect_to(self, args, false);
}

static void on_record(struct mosquitto *mosq, void *obj, const struct mqttrs_log_record *record)
{
	struct core *core = obj;

	(void)mosq;
	if (strcmp(record->event, "connection.made") == 0)
		atomic_store(&core->made, true);
}

static PyObject *client_handshake(struct client *self, PyObject *args)
{
	struct core *core = self->core;
	int timeout, rc = MOSQ_ERR_SUCCESS;

	if (!PyArg_ParseTuple(args, "i:handshake", &timeout))
		return NULL;
	if (client_resume(self) < 0)
		return NULL;
	if (!atomic_load(&core->made) && client_turn(self, timeout, &rc) < 0)
		return NULL;
	return Py_BuildValue("(iO)", rc, atomic_load(&core->made) ? Py_True : Py_False);
}

static PyObject *client_handshake_watch(struct client *self, PyObject *value)
{
	int on = PyObject_IsTrue(value);

	if (on < 0)
		return NULL;
	atomic_store(&self->core->made, false);
	return PyLong_FromLong(
		mqttrs_log_callback_set(self->core->mosq, on ? on_record : NULL));
}

static PyObject *client_clean_start_set(struct client *self, PyObject *value)
{
	int on = PyObject_IsTrue(value);

	if (on < 0)
		return NULL;
	return PyLong_FromLong(mqttrs_clean_start_set(self->core->mosq, on));
}

static PyObject *client_connect_async(struct client *self, PyObject *args)
{
	return connect_to(self, args, true);
}

static PyObject *client_connect_srv(struct client *self, PyObject *args)
{
	const char *host, *bind_address = NULL;
	int keepalive, rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "si|z:connect_srv", &host, &keepalive, &bind_address))
		return NULL;
	RUN(self, rc, mosquitto_connect_srv(mosq, host, keepalive, bind_address), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_connect_servers(struct client *self, PyObject *args)
{
	PyObject *property_list = Py_None;
	mosquitto_property *properties = NULL;
	int keepalive, rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "i|O:connect_servers", &keepalive, &property_list) ||
	    properties_from(property_list, &properties) < 0)
		return NULL;
	RUN(self, rc, mqttrs_connect(mosq, keepalive, properties),
	    mosquitto_property_free_all(&properties);
	    return NULL);
	mosquitto_property_free_all(&properties);
	return PyLong_FromLong(rc);
}

static PyObject *client_reconnect(struct client *self, PyObject *unused)
{
	int rc;
	MOSQ;

	(void)unused;
	RUN(self, rc, mosquitto_reconnect(mosq), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_reconnect_async(struct client *self, PyObject *unused)
{
	int rc;
	MOSQ;

	(void)unused;
	RUN(self, rc, mosquitto_reconnect_async(mosq), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_reconnect_now(struct client *self, PyObject *args)
{
	unsigned int patience = 0;
	int rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "|I:reconnect_now", &patience))
		return NULL;
	RUN(self, rc, mqttrs_reconnect_now(mosq, patience), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_disconnect(struct client *self, PyObject *args)
{
	PyObject *property_list = Py_None;
	mosquitto_property *properties = NULL;
	int reason_code = 0, rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "|iO:disconnect", &reason_code, &property_list) ||
	    properties_from(property_list, &properties) < 0)
		return NULL;
	RUN(self, rc, mosquitto_disconnect_v5(mosq, reason_code, properties),
	    mosquitto_property_free_all(&properties);
	    return NULL);
	mosquitto_property_free_all(&properties);
	return PyLong_FromLong(rc);
}

static PyObject *client_disconnect_timeout(struct client *self, PyObject *args)
{
	unsigned int timeout;
	int rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "I:disconnect_timeout", &timeout))
		return NULL;
	RUN(self, rc, mqttrs_disconnect_timeout(mosq, timeout), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_loop(struct client *self, PyObject *args)
{
	int timeout = 1000, max_packets = 1, rc;

	if (!PyArg_ParseTuple(args, "|ii:loop", &timeout, &max_packets))
		return NULL;
	if (client_resume(self) < 0 || client_turn(self, timeout, &rc) < 0)
		return NULL;
	return PyLong_FromLong(rc);
}

static PyObject *client_loop_read(struct client *self, PyObject *args)
{
	int max_packets = 1, rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "|i:loop_read", &max_packets))
		return NULL;
	if (client_resume(self) < 0 || client_leave_hosting(self) < 0)
		return NULL;
	RUN(self, rc, mosquitto_loop_read(mosq, max_packets), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_loop_write(struct client *self, PyObject *args)
{
	int max_packets = 1, rc;
	MOSQ;

	if (!PyArg_ParseTuple(args, "|i:loop_write", &max_packets))
		return NULL;
	if (client_resume(self) < 0 || client_leave_hosting(self) < 0)
		return NULL;
	RUN(self, rc, mosquitto_loop_write(mosq, max_packets), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_loop_misc(struct client *self, PyObject *unused)
{
	int rc;
	MOSQ;

	(void)unused;
	if (client_resume(self) < 0 || client_leave_hosting(self) < 0)
		return NULL;
	RUN(self, rc, mosquitto_loop_misc(mosq), return NULL);
	return PyLong_FromLong(rc);
}

static PyObject *client_socket(struct client *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLong(mosquitto_socket(self->core->mosq));
}

static PyObject *client_want_write(struct client *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(mosquitto_want_write(self->core->mosq));
}

static PyObject *client_want_read(struct client *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(mqttrs_want_read(self->core->mosq));
}

static PyObject *client_misc_timeout(struct client *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLong(mqttrs_misc_timeout(self->core->mosq));
}

PyMethodDef connection_methods[] = {
	{"connect", (PyCFunction)client_connect, METH_VARARGS,
	 "connect($self, host, port, keepalive, bind_address=None, properties=None, /)\n--\n\n"
	 "Connects, and returns when CONNECT is on its way, or why it is not."},
	{"handshake_watch", (PyCFunction)client_handshake_watch, METH_O,
	 "handshake_watch($self, on, /)\n--\n\n"
	 "Before connect(), for handshake() to know; costs time as long as it is on."},
	{"handshake", (PyCFunction)client_handshake, METH_VARARGS,
	 "handshake($self, timeout, /)\n--\n\n"
	 "After connect(): runs one turn of at most so many milliseconds, unless the handshakes of\n"
	 "proxy, TLS and WebSocket are over. Returns (rc, whether they are)."},
	{"clean_start_set", (PyCFunction)client_clean_start_set, METH_O,
	 "clean_start_set($self, on, /)\n--\n\nWhether the next connections begin a new session."},
	{"connect_async", (PyCFunction)client_connect_async, METH_VARARGS,
	 "connect_async($self, host, port, keepalive, bind_address=None, /)\n--\n\n"
	 "Begins to connect; the loop does the rest, and tries again where it fails."},
	{"connect_srv", (PyCFunction)client_connect_srv, METH_VARARGS,
	 "connect_srv($self, domain, keepalive, bind_address=None, /)\n--\n\n"
	 "Begins to connect to the servers that the SRV records of a domain name."},
	{"connect_servers", (PyCFunction)client_connect_servers, METH_VARARGS,
	 "connect_servers($self, keepalive, properties=None, /)\n--\n\n"
	 "Begins to connect to one of servers_set()."},
	{"reconnect", (PyCFunction)client_reconnect, METH_NOARGS,
	 "reconnect($self, /)\n--\n\nConnects again, as connect() did."},
	{"reconnect_async", (PyCFunction)client_reconnect_async, METH_NOARGS,
	 "reconnect_async($self, /)\n--\n\nBegins to connect again."},
	{"reconnect_now", (PyCFunction)client_reconnect_now, METH_VARARGS,
	 "reconnect_now($self, patience=0, /)\n--\n\n"
	 "The network has changed: no more waiting with the next attempt. `patience` in milliseconds."},
	{"disconnect", (PyCFunction)client_disconnect, METH_VARARGS,
	 "disconnect($self, reason_code=0, properties=None, /)\n--\n\nSends DISCONNECT."},
	{"disconnect_timeout", (PyCFunction)client_disconnect_timeout, METH_VARARGS,
	 "disconnect_timeout($self, timeout, /)\n--\n\n"
	 "Waits for what is on its way, disconnects, all within so many milliseconds. Blocks."},
	{"loop", (PyCFunction)client_loop, METH_VARARGS,
	 "loop($self, timeout=1000, max_packets=1, /)\n--\n\n"
	 "Runs the client for one turn, waiting at most so many milliseconds; does not reconnect."},
	{"run", (PyCFunction)client_run, METH_VARARGS,
	 "run($self, timeout=1000, /)\n--\n\n"
	 "As loop(), for a thread that calls it again and again: publishing then leaves messages to that\n"
	 "thread, which sends many at once. Returns early when handlers have run."},
	{"loop_read", (PyCFunction)client_loop_read, METH_VARARGS,
	 "loop_read($self, max_packets=1, /)\n--\n\nReads, where the descriptor is readable."},
	{"loop_write", (PyCFunction)client_loop_write, METH_VARARGS,
	 "loop_write($self, max_packets=1, /)\n--\n\nWrites, where the descriptor is writable."},
	{"loop_misc", (PyCFunction)client_loop_misc, METH_NOARGS,
	 "loop_misc($self, /)\n--\n\nWhat time brings, keep alive for instance; now and then."},
	{"socket", (PyCFunction)client_socket, METH_NOARGS,
	 "socket($self, /)\n--\n\nThe descriptor of the connection; -1 without one."},
	{"want_write", (PyCFunction)client_want_write, METH_NOARGS,
	 "want_write($self, /)\n--\n\nWhether bytes wait to be written."},
	{"want_read", (PyCFunction)client_want_read, METH_NOARGS,
	 "want_read($self, /)\n--\n\nWhether to watch the descriptor for reading."},
	{"misc_timeout", (PyCFunction)client_misc_timeout, METH_NOARGS,
	 "misc_timeout($self, /)\n--\n\n"
	 "The time until loop_misc() has something to do, in milliseconds; -1 for nothing."},
	{NULL, NULL, 0, NULL},
};
