/* Measures a library with libmosquitto's API, the one that the dynamic loader finds: set
 * LD_LIBRARY_PATH for another than the system's. The command line and the output are
 * described in measure.h; the modes:
 *
 *   publish   COUNT messages to a server that acknowledges at once
 *   receive   COUNT messages
 *   filters   COUNT messages, each to the callback of one of so many topic filters
 *   queue     COUNT QoS 1 messages while none is acknowledged, then all of them
 *   pingpong  COUNT messages to and fro, one at a time
 *   connects  COUNT times connect and disconnect, each with a client of its own
 *   once      connect, publish one QoS 1 message, disconnect (for timing the whole process)
 *   many      COUNT clients, each with its loop thread, alive at the same time
 *   shared    COUNT clients, all in one thread, that get a message a second each
 *   fair      two clients in one thread, one flooded, one with a message to and fro
 *   idle      one client that has nothing to do for COUNT seconds
 *
 * A mode that only this project's library has is to find its functions with dlsym, so
 * that the program still runs with others. */
#include "client.h"
#include <errno.h>

int patience = 60;

static const struct {
	const char *name;
	void (*run)(const struct options *);
} modes[] = {
	{"publish", bench_publish},   {"receive", bench_receive}, {"queue", bench_queue},
	{"pingpong", bench_pingpong}, {"connects", bench_connects}, {"once", bench_once},
	{"many", bench_many},	      {"idle", bench_idle},	  {"shared", bench_shared},
	{"fair", bench_fair},	      {"filters", bench_filters},
};

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strcmp(o.mode, modes[i].name) == 0) {
			mosquitto_lib_init();
			modes[i].run(&o);
			return mosquitto_lib_cleanup();
		}
	fprintf(stderr, "client: no mode %s\n", o.mode);
	return 2;
}

void must(int rc, const char *what)
{
	if (rc == MOSQ_ERR_SUCCESS)
		return;
	fprintf(stderr, "client: %s: %s\n", what, mosquitto_strerror(rc));
	exit(1);
}

static void on_connect(struct mosquitto *mosq, void *object, int rc)
{
	(void)mosq;
	if (rc != 0) {
		fprintf(stderr, "client: the server refused: %d\n", rc);
		exit(1);
	}
	sem_post(object);
}

struct mosquitto *make_client(const struct options *o, const char *id, void *object)
{
	struct mosquitto *mosq = mosquitto_new(id, true, object);

	if (!mosq) {
		fprintf(stderr, "client: mosquitto_new: %s\n", strerror(errno));
		exit(1);
	}
	mosquitto_connect_callback_set(mosq, on_connect);
	must(mosquitto_max_inflight_messages_set(mosq, o->window), "max_inflight_messages_set");
	if (o->tls) {
		must(mosquitto_tls_set(mosq, o->tls, NULL, NULL, NULL, NULL), "tls_set");
		must(mosquitto_tls_opts_set(mosq, 1, "tlsv1.3", NULL), "tls_opts_set");
	}
	return mosq;
}

void start_client(const struct options *o, struct mosquitto *mosq)
{
	must(mosquitto_connect(mosq, "127.0.0.1", o->port, 60), "connect");
	must(mosquitto_loop_start(mosq), "loop_start");
	wait_for(mosquitto_userdata(mosq));
}

void stop_client(struct mosquitto *mosq)
{
	must(mosquitto_disconnect(mosq), "disconnect");
	must(mosquitto_loop_stop(mosq, false), "loop_stop");
	mosquitto_destroy(mosq);
}

void wait_for(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += patience;
	while (sem_timedwait(semaphore, &until) != 0)
		if (errno != EINTR) {
			fprintf(stderr, "client: nothing came for %d seconds\n", patience);
			exit(5);
		}
}
