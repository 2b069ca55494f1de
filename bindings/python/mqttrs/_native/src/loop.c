/* Loop: runs any number of clients in one thread, and connects them again. */
#include "core.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct loop {
	PyObject_HEAD
	struct mqttrs_loop *loop;
	/* The clients, which a loop keeps alive. */
	PyObject *clients;
	PyObject *weak_references;
	/* How many threads are in run(). */
	atomic_int running;
	atomic_bool stop;
	/* Who is in run(). */
	unsigned long thread;
};

/* Signals end a wait of the main thread, which then has a look at them; this is for those that came
 * just before it, in milliseconds. */
enum { SIGNALS = 500 };
/* How many turns are made, without waiting, before handlers have theirs. */
enum { TURNS = 4 };
/* How often stop() looks for a wait to end. */
enum { TRIES = 30 };

static PyObject *loop_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {NULL};
	struct loop *self;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":Loop", names))
		return NULL;
	self = (struct loop *)type->tp_alloc(type, 0);
	if (!self)
		return NULL;
	self->clients = PySet_New(NULL);
	self->loop = mqttrs_loop_new();
	if (!self->loop)
		PyErr_SetFromErrno(PyExc_OSError);
	if (!self->loop || !self->clients) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static PyObject *loop_add(struct loop *self, PyObject *object)
{
	struct client *client = client_check(object);
	int rc, kept;

	if (!client)
		return NULL;
	rc = mqttrs_loop_add(self->loop, client->core->mosq);
	if (rc != MOSQ_ERR_SUCCESS)
		return PyLong_FromLong(rc);
	kept = PySet_Add(self->clients, object);
	if (kept < 0) {
		mqttrs_loop_remove(self->loop, client->core->mosq);
		return NULL;
	}
	return PyLong_FromLong(rc);
}

static PyObject *loop_remove(struct loop *self, PyObject *object)
{
	struct client *client = client_check(object);
	int rc;

	if (!client)
		return NULL;
	RUN(client, rc, mqttrs_loop_remove(self->loop, client->core->mosq), return NULL);
	if (PySet_Discard(self->clients, object) < 0)
		return NULL;
	return PyLong_FromLong(rc);
}

/* What exceptions have left is handed out first; -1 for another one. */
static int resume(struct loop *self)
{
	PyObject *clients, *client;
	int rc = 0;

	if (clients_interrupted == 0)
		return 0;
	clients = PySequence_List(self->clients);
	if (!clients)
		return -1;
	for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(clients); i++) {
		client = PyList_GET_ITEM(clients, i);
		rc = client_resume((struct client *)client);
	}
	Py_DECREF(clients);
	return rc;
}

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Turns until something is to be handed out, the time is over or the loop is stopped. */
static int turns(struct loop *self, struct runner *runner, int64_t until, bool main_thread)
{
	int rc = MOSQ_ERR_SUCCESS, more = 0;

	while (!atomic_load(&self->stop)) {
		int64_t left = until < 0 ? -1 : until - now_ms();
		int wait = left < 0 ? (until < 0 ? -1 : 0) : (int)left;

		rc = mqttrs_loop_run_once(self->loop, runner_has_news(runner) ? 0 : wait);
		if (rc != MOSQ_ERR_SUCCESS || (until >= 0 && left <= 0))
			break;
		/* Under load handlers get more at once. */
		if (runner_has_news(runner)) {
			if (++more == TURNS || mqttrs_loop_timeout(self->loop) != 0)
				break;
		} else if (main_thread) {
			break;
		}
	}
	if (atomic_load(&self->stop))
		/* What is ready to go out, a DISCONNECT for instance, still does. */
		mqttrs_loop_run_once(self->loop, 0);
	return rc;
}

static int one_run(struct loop *self, int64_t until, int *rc)
{
	bool main_thread = getpid() == syscall(SYS_gettid);
	int64_t slice = now_ms() + SIGNALS;
	struct runner runner;

	if (main_thread && (until < 0 || until > slice))
		until = slice;
	runner_enter(&runner);
	*rc = turns(self, &runner, until, main_thread);
	if (runner_leave(&runner) < 0)
		return -1;
	return PyErr_CheckSignals();
}

static PyObject *loop_run(struct loop *self, PyObject *args)
{
	int timeout = -1, rc = MOSQ_ERR_SUCCESS, failed = 0;
	int64_t until;

	if (!PyArg_ParseTuple(args, "|i:run", &timeout))
		return NULL;
	until = timeout < 0 ? -1 : now_ms() + timeout;
	Py_INCREF(self);
	self->thread = PyThread_get_thread_ident();
	atomic_fetch_add(&self->running, 1);
	failed = resume(self);
	while (failed == 0 && rc == MOSQ_ERR_SUCCESS && !atomic_load(&self->stop)) {
		failed = one_run(self, until, &rc);
		if (until >= 0 && now_ms() >= until)
			break;
	}
	atomic_store(&self->stop, false);
	atomic_fetch_sub(&self->running, 1);
	Py_DECREF(self);
	return failed < 0 ? NULL : PyLong_FromLong(rc);
}

static PyObject *loop_run_once(struct loop *self, PyObject *args)
{
	int timeout = 0, rc;
	struct runner runner;

	if (!PyArg_ParseTuple(args, "|i:run_once", &timeout))
		return NULL;
	if (resume(self) < 0)
		return NULL;
	runner_enter(&runner);
	rc = mqttrs_loop_run_once(self->loop, timeout);
	if (runner_leave(&runner) < 0)
		return NULL;
	return PyLong_FromLong(rc);
}

/* Whoever runs it finds out soon. */
static PyObject *loop_stop(struct loop *self, PyObject *unused)
{
	int tries;

	(void)unused;
	atomic_store(&self->stop, true);
	if (atomic_load(&self->running) == 0 || self->thread == PyThread_get_thread_ident())
		Py_RETURN_NONE;
	/* Ends a wait, also one that is about to begin. */
	Py_BEGIN_ALLOW_THREADS
	for (tries = 0; tries < TRIES && atomic_load(&self->running) > 0; tries++) {
		if (mqttrs_loop_stop(self->loop) == MOSQ_ERR_SUCCESS)
			break;
		usleep(100);
	}
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

static PyObject *loop_fileno(struct loop *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLong(mqttrs_loop_socket(self->loop));
}

static PyObject *loop_timeout(struct loop *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLong(mqttrs_loop_timeout(self->loop));
}

static PyObject *loop_close(struct loop *self, PyObject *unused)
{
	struct mqttrs_loop *loop = self->loop;

	(void)unused;
	self->loop = NULL;
	Py_BEGIN_ALLOW_THREADS
	mqttrs_loop_destroy(loop);
	Py_END_ALLOW_THREADS
	if (PySet_Clear(self->clients) < 0)
		return NULL;
	Py_RETURN_NONE;
}

static int loop_traverse(struct loop *self, visitproc visit, void *arg)
{
	Py_VISIT(self->clients);
	return 0;
}

static int loop_clear(struct loop *self)
{
	Py_CLEAR(self->clients);
	return 0;
}

static void loop_dealloc(struct loop *self)
{
	PyObject_GC_UnTrack(self);
	if (self->weak_references)
		PyObject_ClearWeakRefs((PyObject *)self);
	mqttrs_loop_destroy(self->loop);
	loop_clear(self);
	Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
	{"add", (PyCFunction)loop_add, METH_O,
	 "add($self, client, /)\n--\n\nHas the loop run a client, which it keeps alive."},
	{"remove", (PyCFunction)loop_remove, METH_O,
	 "remove($self, client, /)\n--\n\nThe reverse of add()."},
	{"run", (PyCFunction)loop_run, METH_VARARGS,
	 "run($self, timeout=-1, /)\n--\n\n"
	 "Runs the clients and their handlers in this thread, for so many milliseconds or until stop().\n"
	 "What a handler for errors raises comes out of here; call again to go on."},
	{"run_once", (PyCFunction)loop_run_once, METH_VARARGS,
	 "run_once($self, timeout=0, /)\n--\n\n"
	 "One turn, waiting at most so many milliseconds: for an event loop that watches fileno()."},
	{"stop", (PyCFunction)loop_stop, METH_NOARGS,
	 "stop($self, /)\n--\n\n"
	 "Ends run(), the present one or the next. Any thread, any handler; does not wait for it."},
	{"fileno", (PyCFunction)loop_fileno, METH_NOARGS,
	 "fileno($self, /)\n--\n\nThe one descriptor to watch for reading."},
	{"timeout", (PyCFunction)loop_timeout, METH_NOARGS,
	 "timeout($self, /)\n--\n\n"
	 "In how many milliseconds run_once() has something to do at the latest; -1 for never."},
	{"close", (PyCFunction)loop_close, METH_NOARGS,
	 "close($self, /)\n--\n\nEnds the loop; its clients live on."},
	{NULL, NULL, 0, NULL},
};

PyTypeObject loop_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "mqttrs._native.Loop",
	.tp_doc = "Loop()\n--\n\nRuns any number of clients, in one thread, and connects them again.",
	.tp_basicsize = sizeof(struct loop),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.tp_new = loop_new,
	.tp_traverse = (traverseproc)loop_traverse,
	.tp_clear = (inquiry)loop_clear,
	.tp_dealloc = (destructor)loop_dealloc,
	.tp_methods = methods,
	.tp_weaklistoffset = offsetof(struct loop, weak_references),
};
