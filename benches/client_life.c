/* Latency, connections, and doing nothing. */
#include "client.h"
#include <dirent.h>
#include <unistd.h>

struct life {
	sem_t connected; /* the first, see start_client */
	sem_t arrived;
	long seen;
};

static void set_up(struct life *life)
{
	life->seen = 0;
	sem_init(&life->connected, 0, 0);
	sem_init(&life->arrived, 0, 0);
}

static void on_message(struct mosquitto *mosq, void *object, const struct mosquitto_message *message)
{
	struct life *life = object;

	(void)mosq, (void)message;
	life->seen++;
	sem_post(&life->arrived);
}

void bench_pingpong(const struct options *o)
{
	enum { WARM_UP = 1000 };
	struct life life;
	char id[128];
	struct mosquitto *mosq;
	uint8_t *payload = calloc(1, o->size);
	double *samples = calloc((size_t)o->count, sizeof *samples);
	struct span span = {0, 0};

	set_up(&life);
	mosq = make_client(o, scenario_id(id, "echo", o), &life);
	mosquitto_message_callback_set(mosq, on_message);
	start_client(o, mosq);
	for (long i = -WARM_UP; i < o->count; i++) {
		double sent = wall_ns();

		if (i == 0)
			span = begin_span();
		stamp(payload, 0, (uint64_t)i);
		must(mosquitto_publish(mosq, NULL, "t", (int)o->size, payload, 0, false), "publish");
		wait_for(&life.arrived);
		if (i >= 0)
			samples[i] = wall_ns() - sent;
	}
	span = end_span(span);
	stop_client(mosq);
	print_span(span, o->count);
	print_latency(samples, o->count);
	printf(" wrong=%ld\n", life.seen - o->count - WARM_UP);
}

void bench_connects(const struct options *o)
{
	struct span span = begin_span();

	for (long i = 0; i < o->count; i++) {
		struct life life;
		struct mosquitto *mosq;

		set_up(&life);
		mosq = make_client(o, "connects", &life);
		start_client(o, mosq);
		stop_client(mosq);
	}
	print_span(end_span(span), o->count);
	printf("\n");
}

static void once_connected(struct mosquitto *mosq, void *object, int rc)
{
	(void)object;
	if (rc != 0)
		exit(1);
	must(mosquitto_publish(mosq, NULL, "t", 5, "hello", 1, false), "publish");
}

static void once_published(struct mosquitto *mosq, void *object, int mid)
{
	(void)object, (void)mid;
	must(mosquitto_disconnect(mosq), "disconnect");
}

void bench_once(const struct options *o)
{
	struct mosquitto *mosq = make_client(o, "once", NULL);

	mosquitto_connect_callback_set(mosq, once_connected);
	mosquitto_publish_callback_set(mosq, once_published);
	must(mosquitto_connect(mosq, "127.0.0.1", o->port, 60), "connect");
	must(mosquitto_loop_forever(mosq, -1, 1), "loop_forever");
	mosquitto_destroy(mosq);
}

static long open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	long count = 0;

	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

/* One after the other; each is told by a message of its own that it is alive. What has
 * been reached is printed on the way, for the library that does not live to the end. */
void bench_many(const struct options *o)
{
	struct options each = *o;
	struct mosquitto **clients = calloc((size_t)o->count, sizeof *clients);
	struct life *lives = calloc((size_t)o->count, sizeof *lives);
	double resident = resident_bytes();
	long descriptors = open_descriptors(), alive = 0;
	struct span span = begin_span();
	char id[128];

	raise_descriptor_limit();
	each.count = 1;
	patience = 5;
	for (long i = 0; i < o->count; i++) {
		set_up(&lives[i]);
		clients[i] = make_client(&each, scenario_id(id, "rcv", &each), &lives[i]);
		mosquitto_message_callback_set(clients[i], on_message);
		start_client(&each, clients[i]);
		must(mosquitto_subscribe(clients[i], NULL, "t/#", 0), "subscribe");
		wait_for(&lives[i].arrived);
		if (++alive % 10 == 0 && alive < o->count) {
			printf("alive=%ld\n", alive);
			fflush(stdout);
		}
	}
	span = end_span(span);
	resident = resident_bytes() - resident;
	descriptors = open_descriptors() - descriptors;
	print_span(span, o->count);
	printf(" alive=%ld descriptors=%ld resident=%.0f\n", alive, descriptors, resident);
	fflush(stdout);
	for (long i = 0; i < o->count; i++)
		must(mosquitto_disconnect(clients[i]), "disconnect");
	for (long i = 0; i < o->count; i++) {
		must(mosquitto_loop_stop(clients[i], false), "loop_stop");
		mosquitto_destroy(clients[i]);
	}
}

void bench_idle(const struct options *o)
{
	struct life life;
	struct mosquitto *mosq;
	struct rusage before, after;
	struct span span;

	set_up(&life);
	mosq = make_client(o, "idle", &life);
	start_client(o, mosq);
	sleep(1); /* for what the connecting left to do */
	getrusage(RUSAGE_SELF, &before);
	span = begin_span();
	sleep((unsigned)o->count);
	span = end_span(span);
	getrusage(RUSAGE_SELF, &after);
	print_span(span, o->count);
	/* One is this thread's own. */
	printf(" wakeups=%ld\n", after.ru_nvcsw - before.ru_nvcsw - 1);
	stop_client(mosq);
}
