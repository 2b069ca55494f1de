/* A call of the library that may run callbacks: without the interpreter's lock, and afterwards
 * what has happened is handed to Python. */
#include "core.h"

static _Thread_local struct runner *current;

void runner_enter(struct runner *runner)
{
	*runner = (struct runner){.outer = current};
	current = runner;
	runner->thread = PyEval_SaveThread();
}

bool runner_has_news(const struct runner *runner)
{
	return runner->len > 0;
}

void runner_mark(struct core *core)
{
	struct runner *runner = current;

	if (!runner) {
		atomic_store(&core->stray, true);
		return;
	}
	if (core->listed)
		return;
	if (runner->len == runner->room) {
		size_t room = runner->room ? 2 * runner->room : 4;
		struct core **dirty = realloc(runner->dirty, room * sizeof *dirty);

		/* Told late, then: by the next call for this client. */
		if (!dirty) {
			atomic_store(&core->stray, true);
			return;
		}
		runner->dirty = dirty;
		runner->room = room;
	}
	core->listed = true;
	core_hold(core);
	runner->dirty[runner->len++] = core;
}

void runner_take_lock(struct runner *runner)
{
	/* A thread that is not to go on, since the interpreter ends, ends in this call. */
	PyEval_RestoreThread(runner->thread);
	current = runner->outer;
}

int runner_leave(struct runner *runner)
{
	runner_take_lock(runner);
	return runner_hand_out(runner);
}

int runner_hand_out(struct runner *runner)
{
	int result = 0;
	size_t i;

	for (i = 0; i < runner->len; i++) {
		struct core *core = runner->dirty[i];

		pthread_mutex_lock(&core->mutex);
		core->listed = false;
		pthread_mutex_unlock(&core->mutex);
		/* After a handler has raised, the events of others still wait for the next call. */
		if (result == 0 && core->self) {
			result = client_drain(core->self);
		} else if (core->self && !core->self->interrupted) {
			core->self->interrupted = true;
			clients_interrupted++;
		}
		core_release(core);
	}
	free(runner->dirty);
	return result;
}
