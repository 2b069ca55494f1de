/* A message on its way, and Publication, the Python object that tells of it. */
#include "core.h"

#include <errno.h>
#include <time.h>

/* Whoever waits does so here, whatever for: a message is waited for by few. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* How long a wait does not look for signals, in nanoseconds. */
enum { SLICE = 50000000 };

struct pending *pending_new(struct core *core, PyObject *callback)
{
	struct pending *pending = calloc(1, sizeof *pending);

	if (!pending) {
		PyErr_NoMemory();
		return NULL;
	}
	atomic_init(&pending->references, 2);
	pending->core = core;
	core_hold(core);
	Py_XINCREF(callback);
	pending->callback = callback;
	return pending;
}

void pending_release(struct pending *pending)
{
	if (atomic_fetch_sub(&pending->references, 1) > 1)
		return;
	/* Whoever handed the end to the callback has dropped it; what is left here was never
	 * accepted, or its client is gone. */
	if (pending->callback && PyGILState_Check())
		Py_CLEAR(pending->callback);
	core_release(pending->core);
	free(pending);
}

void pending_finish(struct pending *pending)
{
	atomic_store(&pending->done, true);
	if (atomic_load(&pending->waiting) > 0) {
		pthread_mutex_lock(&mutex);
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&mutex);
	}
}

static void add(struct timespec *time, int64_t nanoseconds)
{
	time->tv_sec += nanoseconds / 1000000000;
	time->tv_nsec += nanoseconds % 1000000000;
	if (time->tv_nsec >= 1000000000) {
		time->tv_nsec -= 1000000000;
		time->tv_sec++;
	}
}

/* Waits at most so many nanoseconds, less than 0 for ever; whether it is done, or -1. */
static int wait_for(struct pending *pending, int64_t left)
{
	while (!atomic_load(&pending->done)) {
		int64_t slice = left >= 0 && left < SLICE ? left : SLICE;
		struct timespec until;

		if (left == 0)
			return 0;
		clock_gettime(CLOCK_REALTIME, &until);
		add(&until, slice);
		Py_BEGIN_ALLOW_THREADS
		atomic_fetch_add(&pending->waiting, 1);
		pthread_mutex_lock(&mutex);
		while (!atomic_load(&pending->done))
			if (pthread_cond_timedwait(&changed, &mutex, &until) == ETIMEDOUT)
				break;
		pthread_mutex_unlock(&mutex);
		atomic_fetch_sub(&pending->waiting, 1);
		Py_END_ALLOW_THREADS
		if (left > 0)
			left -= slice;
		if (PyErr_CheckSignals() < 0)
			return -1;
	}
	return 1;
}

static PyObject *publication_wait(struct publication *self, PyObject *const *args, Py_ssize_t count)
{
	double seconds = -1;
	int64_t left = -1;
	int done;

	if (count > 1) {
		PyErr_SetString(PyExc_TypeError, "wait() takes at most one argument");
		return NULL;
	}
	if (count == 1 && args[0] != Py_None) {
		seconds = PyFloat_AsDouble(args[0]);
		if (seconds == -1 && PyErr_Occurred())
			return NULL;
		if (seconds < 0)
			seconds = 0;
		left = seconds > 9e9 ? -1 : (int64_t)(seconds * 1e9);
	}
	if (!self->pending)
		Py_RETURN_FALSE;
	done = wait_for(self->pending, left);
	return done < 0 ? NULL : PyBool_FromLong(done);
}

static PyObject *publication_is_done(struct publication *self, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(self->pending && atomic_load(&self->pending->done));
}

static PyObject *publication_outcome(struct publication *self, void *unused)
{
	(void)unused;
	if (!self->pending || !atomic_load(&self->pending->done))
		Py_RETURN_NONE;
	return PyLong_FromLong(self->pending->outcome);
}

static PyObject *publication_reason_code(struct publication *self, void *unused)
{
	(void)unused;
	if (!self->pending || !atomic_load(&self->pending->done))
		Py_RETURN_NONE;
	return PyLong_FromLong(self->pending->reason_code);
}

static PyObject *publication_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"mid", "rc", NULL};
	struct publication *self;
	int mid = 0, rc = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ii:Publication", names, &mid, &rc))
		return NULL;
	self = (struct publication *)type->tp_alloc(type, 0);
	if (self) {
		self->mid = mid;
		self->rc = rc;
	}
	return (PyObject *)self;
}

static void publication_dealloc(struct publication *self)
{
	if (self->weak_references)
		PyObject_ClearWeakRefs((PyObject *)self);
	if (self->pending)
		pending_release(self->pending);
	Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef methods[] = {
	{"wait", (PyCFunction)(void (*)(void))publication_wait, METH_FASTCALL,
	 "wait($self, timeout=None, /)\n--\n\n"
	 "Waits until it is known what became of the message, at most `timeout` seconds; whether it is.\n"
	 "False at once for a message that was not accepted. Handlers cannot wait: nothing goes on\n"
	 "in the loop meanwhile."},
	{"is_done", (PyCFunction)publication_is_done, METH_NOARGS,
	 "is_done($self, /)\n--\n\nWhether it is known what became of the message."},
	{NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
	{"rc", T_INT, offsetof(struct publication, rc), 0,
	 "What publishing returned, a MOSQ_ERR_* number; 0 for accepted."},
	{"mid", T_INT, offsetof(struct publication, mid), 0, "The packet identifier."},
	{NULL, 0, 0, 0, NULL},
};

static PyGetSetDef properties[] = {
	{"outcome", (getter)publication_outcome, NULL,
	 "What became of it, an OUTCOME_* number; None while that is not known.", NULL},
	{"reason_code", (getter)publication_reason_code, NULL,
	 "The server's reason code, 128 or more for a refusal; None while it is not known.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject publication_type = {
	PyVarObject_HEAD_INIT(NULL, 0)
	.tp_name = "mqttrs._native.Publication",
	.tp_doc = "Publication(mid=0, rc=0)\n--\n\n"
		  "A message on its way to the server; what Client.publish() returns. Any thread.",
	.tp_basicsize = sizeof(struct publication),
	.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.tp_new = publication_new,
	.tp_dealloc = (destructor)publication_dealloc,
	.tp_methods = methods,
	.tp_members = members,
	.tp_getset = properties,
	.tp_weaklistoffset = offsetof(struct publication, weak_references),
};
