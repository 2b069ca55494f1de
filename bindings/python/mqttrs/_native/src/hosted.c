/* Client.run(): the turns of a thread that does nothing but run one client.
 *
 * As loop(), but the library knows that somebody runs the client all the time. So publishing leaves
 * messages to that thread, which sends many with one call of the system; to who only calls loop()
 * now and then the library cannot leave them. A loop of the client's own does that, with
 * reconnecting switched off: connecting again is for the caller, as with loop(). */
#include "core.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How many turns are made, without waiting, before handlers have theirs. */
enum { TURNS = 4 };
/* How long a turn takes at most that another thread makes, in milliseconds. */
enum { PAUSE = 10 };

static int64_t now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Turns until something is to be handed out, the time is over or the connection. */
static int turns(struct client *self, const struct runner *runner, int timeout)
{
	const bool main_thread = getpid() == syscall(SYS_gettid);
	int64_t until = now_ms() + timeout, left = timeout;
	int rc = MOSQ_ERR_SUCCESS, more = 0;

	do {
		bool news = runner_has_news(runner);

		if (news && (++more == TURNS || mqttrs_loop_timeout(self->own_loop) != 0))
			break;
		rc = mqttrs_loop_run_once(self->own_loop, news ? 0 : (int)left);
		/* The main thread may have been woken by a signal. */
		if (main_thread && !runner_has_news(runner))
			break;
		left = until - now_ms();
	} while (rc == MOSQ_ERR_SUCCESS && left > 0 && !atomic_load(&self->core->down));
	return rc;
}

/* Puts the client into a loop of its own; false where that is not possible. */
static bool enter(struct client *self)
{
	const struct mqttrs_reconnect_options off = {
		.size = sizeof off, .delay_min = 1000, .delay_max = 1000, .off = true};

	if (self->hosted)
		return true;
	if (!self->own_loop)
		self->own_loop = mqttrs_loop_new();
	self->hosted = self->own_loop &&
		       mqttrs_reconnect_set(self->core->mosq, &off) == MOSQ_ERR_SUCCESS &&
		       mqttrs_loop_add(self->own_loop, self->core->mosq) == MOSQ_ERR_SUCCESS;
	return self->hosted;
}

int client_leave_hosting(struct client *self)
{
	struct runner runner;

	/* The thread in the loop does it itself. */
	if (!self->hosted || self->hosting)
		return 0;
	self->hosted = false;
	runner_enter(&runner);
	mqttrs_loop_remove(self->own_loop, self->core->mosq);
	return runner_leave(&runner);
}

int client_turn(struct client *self, int timeout, int *rc)
{
	struct mosquitto *mosq = self->core->mosq;

	if (self->hosting) {
		Py_BEGIN_ALLOW_THREADS
		usleep(timeout < 0 || timeout > PAUSE ? PAUSE * 1000 : (useconds_t)timeout * 1000);
		Py_END_ALLOW_THREADS
		*rc = MOSQ_ERR_SUCCESS;
		return 0;
	}
	if (client_leave_hosting(self) < 0)
		return -1;
	RUN(self, *rc, mosquitto_loop(mosq, timeout, 1), return -1);
	return 0;
}

PyObject *client_run(struct client *self, PyObject *args)
{
	struct mosquitto *mosq = self->core->mosq;
	int timeout = 1000, rc = MOSQ_ERR_SUCCESS;
	struct runner runner;

	if (!PyArg_ParseTuple(args, "|i:run", &timeout) || client_resume(self) < 0)
		return NULL;
	/* Without a connection loop() has the answer, and for a second thread too. */
	if (mosquitto_socket(mosq) < 0 || self->hosting || !enter(self))
		return client_turn(self, timeout, &rc) < 0 ? NULL : PyLong_FromLong(rc);
	self->hosting = true;
	runner_enter(&runner);
	rc = turns(self, &runner, timeout < 0 ? 1000 : timeout);
	runner_take_lock(&runner);
	/* Handlers may call loop(). */
	self->hosting = false;
	if (runner_hand_out(&runner) < 0)
		return NULL;
	if (rc == MOSQ_ERR_SUCCESS)
		rc = atomic_load(&self->core->down);
	if (rc != MOSQ_ERR_SUCCESS && client_leave_hosting(self) < 0)
		return NULL;
	return PyLong_FromLong(rc);
}
