/* The native layer of the Python package: one extension module over libmqttrs.
 *
 * Nothing of Python runs inside a callback of the library. A callback copies what it is given into
 * the queue of its client, without the interpreter's lock; whoever called the library hands the
 * queue to Python's handlers when that call has returned ("draining"). So the lock is taken once
 * for many messages, no Python exception and no end of a thread ever passes through the library,
 * and the library never waits for the lock. */
#ifndef MQTTRS_PYTHON_CORE_H
#define MQTTRS_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <mqttrs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a handler can be set for; `kind_names` in handlers.c has their names. */
enum kind {
	ON_PRE_CONNECT,
	ON_CONNECT,
	ON_DISCONNECT,
	ON_MESSAGE,
	ON_PUBLISH,
	ON_SUBSCRIBE,
	ON_UNSUBSCRIBE,
	ON_LOG,
	ON_LIFECYCLE,
	ON_ERROR,
	HANDLERS,
	/* Events with a callable of their own. */
	OF_FILTER = HANDLERS,
	OF_DONE,
	OF_REQUEST_DONE,
	OF_RESPONSE,
	OF_SERVE,
};

/* A message on its way: shared by the library, which tells its end, and a Publication. */
struct pending {
	atomic_int references;
	/* Becomes true last of all; what stands below is fixed then. */
	atomic_bool done;
	/* Threads that wait for it. */
	atomic_int waiting;
	struct core *core;
	int mid;
	int outcome;
	int reason_code;
	/* Called with the end, or NULL; belongs to the interpreter's lock. */
	PyObject *callback;
};

struct event {
	enum kind kind;
	int mid;
	/* Reason code, state, level: as the kind has it. */
	int code;
	int other;
	unsigned int attempt, delay;
	uint8_t qos;
	bool retain;
	/* The message is to be acknowledged when its handlers have run. */
	bool acknowledge;
	/* Where topic or text, and behind it payload or codes, begin in the bytes of the queue. */
	size_t offset, text_len, data_len;
	mosquitto_property *properties;
	/* The filter's number, or what waits for the end. */
	uintptr_t id;
	struct pending *pending;
	PyObject *callable;
};

struct queue {
	struct event *events;
	size_t len, room;
	char *bytes;
	size_t bytes_len, bytes_room;
};

/* What callbacks of the library see of a client; its user data. */
struct core {
	atomic_int references;
	struct mosquitto *mosq;
	/* The Python object, borrowed; NULL when it is gone. Needs the interpreter's lock. */
	struct client *self;
	pthread_mutex_t mutex;
	/* Under the mutex: what has happened. */
	struct queue incoming;
	/* Is in the list of a runner. */
	bool listed;
	/* Events came on a thread that runs nothing. */
	atomic_bool stray;
	/* Which kinds have a handler. */
	atomic_uint wanted;
	/* Why there is no connection, and none is being made; 0 otherwise. */
	atomic_int down;
	/* Acknowledge when the handlers have run. */
	atomic_bool acknowledge_after;
	/* The way to the server stands: network, proxy, TLS and WebSocket. */
	atomic_bool made;
	pid_t process;
	char *key_password;
};

struct handler {
	PyObject *callable;
	/* Arguments before those of the event. */
	PyObject *prefix[4];
	int prefix_len;
};

struct client {
	PyObject_HEAD
	struct core *core;
	struct handler handlers[HANDLERS];
	/* Number of a filter: tuple of callable and prefix; and filter: number. */
	PyObject *filters, *filter_numbers, *servers;
	unsigned long next_filter;
	PyObject *message_type, *publication_type;
	PyObject *last_topic;
	PyObject *weak_references;
	/* Someone hands events to handlers. */
	bool draining;
	/* A handler's exception came out, and there are events behind it. */
	bool interrupted;
	/* Publishing may wait: for room or for a disk. */
	bool publish_blocks;
	/* hosted.c: the loop of its own, whether it is in there, and whether a thread runs it. */
	struct mqttrs_loop *own_loop;
	bool hosted, hosting;
	/* The part of the queue that is being handed out. */
	struct queue current;
	size_t next;
	int last_errno;
};

struct message {
	PyObject_HEAD
	PyObject *topic, *payload, *properties;
	double timestamp;
	int mid;
	int qos;
	int state;
	char retain, dup;
};

struct publication {
	PyObject_HEAD
	struct pending *pending;
	PyObject *weak_references;
	int rc;
	int mid;
};

extern PyTypeObject client_type, loop_type, message_type, publication_type;

/* runner.c: a call of the library that may run callbacks. */
struct runner {
	struct runner *outer;
	struct core **dirty;
	size_t len, room;
	PyThreadState *thread;
	int error;
};
/* Leaves the interpreter's lock. */
void runner_enter(struct runner *runner);
/* Takes the lock again and hands out what has happened; -1 with a Python exception. */
int runner_leave(struct runner *runner);
/* The same in two steps. */
void runner_take_lock(struct runner *runner);
int runner_hand_out(struct runner *runner);
/* Whether anything has happened that handlers are to be told. */
bool runner_has_news(const struct runner *runner);
/* For callbacks: the client of this thread's call has events. */
void runner_mark(struct core *core);

/* Evaluates CALL without the interpreter's lock, keeps errno in the client, and hands out events.
 * FAILED is a statement for when a handler has raised. */
#define RUN(client, result, call, failed)                      \
	do {                                                   \
		struct runner runner_;                         \
		runner_enter(&runner_);                        \
		errno = 0;                                     \
		result = (call);                               \
		runner_.error = errno;                         \
		if (runner_leave(&runner_) < 0) {              \
			(client)->last_errno = runner_.error;  \
			failed;                                \
		}                                              \
		(client)->last_errno = runner_.error;          \
	} while (0)

/* events.c: the queue, and the library's callbacks that fill it. */
void core_callbacks_set(struct core *core);
void core_hold(struct core *core);
void core_release(struct core *core);
void core_log_set(struct core *core, bool on);
void queue_clear(struct queue *queue);
void on_pending_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result);
void on_request_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result);
void on_response(struct mosquitto *mosq, void *userdata, int result,
		 const struct mosquitto_message *message, const mosquitto_property *properties);
void on_served(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *message,
	       const mosquitto_property *properties);
void on_filter(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *message,
	       const mosquitto_property *properties);

/* handlers.c: events to Python's handlers. */
extern const char *const kind_names[HANDLERS];
int client_drain(struct client *client);
/* The events that an exception has left, for calls that run a client. */
int client_resume(struct client *client);
/* How many clients have such. */
extern int clients_interrupted;
/* The events that came without anybody who runs the client. */
int client_drain_stray(struct client *client);
PyObject *client_set_handler(struct client *self, PyObject *const *args, Py_ssize_t count);
PyObject *handler_tuple(PyObject *const *args, Py_ssize_t count);

/* hosted.c */
PyObject *client_run(struct client *self, PyObject *args);
/* To be called before loop() and its kin; -1 with a Python exception. */
int client_leave_hosting(struct client *self);
/* One turn of loop(); where another thread is in run(), only the time it takes. */
int client_turn(struct client *self, int timeout, int *rc);

/* pending.c */
struct pending *pending_new(struct core *core, PyObject *callback);
void pending_release(struct pending *pending);
void pending_finish(struct pending *pending);

/* properties.c */
PyObject *properties_to_list(const mosquitto_property *properties);
/* 0, or -1 with a Python exception; what comes out is freed by mosquitto_property_free_all. */
int properties_from(PyObject *object, mosquitto_property **properties);

/* message.c */
PyObject *message_new(struct client *client, const char *topic, size_t topic_len,
		      const char *payload, size_t payload_len, const struct event *event);

/* bytes.c: what a payload may be. */
struct bytes {
	const char *data;
	size_t len;
	Py_buffer buffer;
	PyObject *owner;
};
int bytes_from(PyObject *object, struct bytes *bytes);
void bytes_release(struct bytes *bytes);

/* Groups of methods of a client. */
extern PyMethodDef publish_methods[], settings_methods[], connection_methods[], request_methods[],
	tls_methods[];
struct client *client_check(PyObject *object);

#endif
