/* Many clients in one thread. What turns them is the "host": the library's shared loop where
 * it has one (mqttrs_loop_*), otherwise an epoll loop of this program's own, by
 * mosquitto_loop_read and its kin, which any library with libmosquitto's API allows. */
#include "client.h"
#include <dlfcn.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum { TOGETHER = 100, EVENTS = 256 };

struct member {
	struct mosquitto *mosq;
	bool polls_write;
};

/* The shared loop of the library; all NULL without. */
struct shared {
	struct mqttrs_loop *loop;
	struct mqttrs_loop *(*create)(void);
	void (*destroy)(struct mqttrs_loop *);
	int (*add)(struct mqttrs_loop *, struct mosquitto *);
	int (*run_once)(struct mqttrs_loop *, int);
};

struct crowd {
	const struct options *options;
	struct shared shared;
	struct member *members;
	int epoll;
	double next_misc, sent; /* sent: when the ping that is under way was */
	long connected, subscribed, messages, flood, room;
	double *samples;
};

static void host_begin(struct crowd *crowd)
{
	struct shared *shared = &crowd->shared;

	/* A function pointer by way of an object pointer, as POSIX has dlsym(). */
	*(void **)&shared->create = dlsym(RTLD_DEFAULT, "mqttrs_loop_new");
	*(void **)&shared->destroy = dlsym(RTLD_DEFAULT, "mqttrs_loop_destroy");
	*(void **)&shared->add = dlsym(RTLD_DEFAULT, "mqttrs_loop_add");
	*(void **)&shared->run_once = dlsym(RTLD_DEFAULT, "mqttrs_loop_run_once");
	if (shared->create) {
		shared->loop = shared->create();
		return;
	}
	crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
	crowd->next_misc = wall_ns() + 1e9;
}

static void host_poll(struct crowd *crowd, struct member *member, int operation)
{
	bool write = mosquitto_want_write(member->mosq);
	struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = member};

	if (operation == EPOLL_CTL_MOD && write == member->polls_write)
		return;
	member->polls_write = write;
	epoll_ctl(crowd->epoll, operation, mosquitto_socket(member->mosq), &event);
}

static void host_add(struct crowd *crowd, struct member *member)
{
	if (crowd->shared.loop) {
		must(crowd->shared.add(crowd->shared.loop, member->mosq), "mqttrs_loop_add");
		must(mosquitto_connect_async(member->mosq, "127.0.0.1", crowd->options->port, 60), "connect");
		return;
	}
	must(mosquitto_connect(member->mosq, "127.0.0.1", crowd->options->port, 60), "connect");
	host_poll(crowd, member, EPOLL_CTL_ADD);
}

/* Turns all clients until *COUNTER has reached the number, or the time has come. */
static void host_run(struct crowd *crowd, const long *counter, long number, double until)
{
	struct epoll_event events[EVENTS];
	double now = wall_ns();

	if (crowd->shared.loop) {
		for (; *counter < number && now < until; now = wall_ns())
			must(crowd->shared.run_once(crowd->shared.loop, 100), "mqttrs_loop_run_once");
		return;
	}
	while (*counter < number && now < until) {
		int n = epoll_wait(crowd->epoll, events, EVENTS, 100);

		for (int i = 0; i < n; i++) {
			struct member *member = events[i].data.ptr;

			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				must(mosquitto_loop_read(member->mosq, 1), "loop_read");
			if (events[i].events & EPOLLOUT)
				must(mosquitto_loop_write(member->mosq, 1), "loop_write");
			host_poll(crowd, member, EPOLL_CTL_MOD);
		}
		now = wall_ns();
		if (now >= crowd->next_misc) {
			crowd->next_misc = now + 1e9;
			for (long i = 0; i < crowd->connected; i++)
				must(mosquitto_loop_misc(crowd->members[i].mosq), "loop_misc");
		}
	}
}

static void host_end(struct crowd *crowd)
{
	if (crowd->shared.loop)
		crowd->shared.destroy(crowd->shared.loop);
	else
		close(crowd->epoll);
}

static void on_connect(struct mosquitto *mosq, void *object, int rc)
{
	(void)mosq;
	must(rc, "the server");
	((struct crowd *)object)->connected++;
}

static void on_subscribe(struct mosquitto *mosq, void *object, int mid, int count, const int *granted)
{
	(void)mosq, (void)mid, (void)count, (void)granted;
	((struct crowd *)object)->subscribed++;
}

static void on_message(struct mosquitto *mosq, void *object, const struct mosquitto_message *message)
{
	struct crowd *crowd = object;

	(void)mosq;
	if (crowd->messages < crowd->room)
		crowd->samples[crowd->messages] = wall_ns() - sent_at(message->payload);
	crowd->messages++;
}

void bench_shared(const struct options *o)
{
	struct crowd crowd = {.options = o, .room = o->count * o->seconds * 2};
	struct span connecting, ticking;
	double resident, begun;
	char id[128];

	raise_descriptor_limit();
	scenario_id(id, "tick", o);
	crowd.samples = malloc((size_t)crowd.room * sizeof *crowd.samples);
	crowd.members = calloc((size_t)o->count, sizeof *crowd.members);
	memset(crowd.members, 1, (size_t)o->count * sizeof *crowd.members); /* so that it is resident */
	host_begin(&crowd);
	resident = resident_bytes();
	connecting = begin_span();
	for (long i = 0; i < o->count; i++) {
		struct member *member = &crowd.members[i];

		*member = (struct member){make_client(o, id, &crowd), false};
		mosquitto_connect_callback_set(member->mosq, on_connect);
		mosquitto_subscribe_callback_set(member->mosq, on_subscribe);
		mosquitto_message_callback_set(member->mosq, on_message);
		host_add(&crowd, member);
		if (i % TOGETHER == TOGETHER - 1 || i == o->count - 1)
			host_run(&crowd, &crowd.connected, i + 1, wall_ns() + 30e9);
	}
	connecting = end_span(connecting);
	resident = resident_bytes() - resident;
	if (crowd.connected != o->count) {
		fprintf(stderr, "client: only %ld connected\n", crowd.connected);
		exit(1);
	}
	for (long i = 0; i < o->count; i++) {
		must(mosquitto_subscribe(crowd.members[i].mosq, NULL, "t/#", 0), "subscribe");
		if (i % TOGETHER == TOGETHER - 1 || i == o->count - 1)
			host_run(&crowd, &crowd.subscribed, i + 1, wall_ns() + 30e9);
	}
	crowd.messages = 0;
	ticking = begin_span();
	begun = wall_ns();
	host_run(&crowd, &crowd.messages, crowd.room, begun + o->seconds * 1e9);
	ticking = end_span(ticking);
	print_span(ticking, crowd.messages);
	printf(" connect_ns=%.0f resident=%.0f clients=%ld", connecting.cpu, resident, o->count);
	print_latency(crowd.samples, crowd.messages);
	printf("\n");
	for (long i = 0; i < o->count; i++) {
		mosquitto_disconnect(crowd.members[i].mosq);
		mosquitto_destroy(crowd.members[i].mosq);
	}
	host_end(&crowd);
}

static void on_flood(struct mosquitto *mosq, void *object, const struct mosquitto_message *message)
{
	(void)mosq, (void)message;
	((struct crowd *)object)->flood++;
}

static void send_ping(struct crowd *crowd)
{
	char payload[64] = "ping";

	crowd->sent = wall_ns();
	must(mosquitto_publish(crowd->members[1].mosq, NULL, "t", sizeof payload, payload, 0, false),
	     "publish");
}

static void on_pong(struct mosquitto *mosq, void *object, const struct mosquitto_message *message)
{
	struct crowd *crowd = object;

	(void)mosq, (void)message;
	if (crowd->messages < crowd->room)
		crowd->samples[crowd->messages] = wall_ns() - crowd->sent;
	crowd->messages++;
	send_ping(crowd);
}

/* Two clients: one gets messages as fast as it can take them, the other one has one going
 * to and fro. */
void bench_fair(const struct options *o)
{
	struct options flooded = *o, quiet = *o;
	struct member members[2] = {{0}};
	struct crowd crowd = {.options = o, .members = members, .room = 10000000};
	char id[128];
	struct span span;

	flooded.count = 1000000000;
	crowd.samples = malloc((size_t)crowd.room * sizeof *crowd.samples);
	host_begin(&crowd);
	members[0].mosq = make_client(o, scenario_id(id, "rcv", &flooded), &crowd);
	members[1].mosq = make_client(o, scenario_id(id, "echo", &quiet), &crowd);
	mosquitto_message_callback_set(members[0].mosq, on_flood);
	mosquitto_message_callback_set(members[1].mosq, on_pong);
	for (int i = 0; i < 2; i++) {
		mosquitto_connect_callback_set(members[i].mosq, on_connect);
		host_add(&crowd, &members[i]);
		host_run(&crowd, &crowd.connected, i + 1, wall_ns() + 30e9);
	}
	must(mosquitto_subscribe(members[0].mosq, NULL, "t/#", 0), "subscribe");
	host_run(&crowd, &crowd.flood, 1, wall_ns() + 30e9);
	send_ping(&crowd);
	span = begin_span();
	crowd.flood = 0;
	host_run(&crowd, &crowd.messages, crowd.room, wall_ns() + o->seconds * 1e9);
	span = end_span(span);
	print_span(span, crowd.messages);
	printf(" flood=%ld", crowd.flood);
	print_latency(crowd.samples, crowd.messages);
	printf("\n");
	for (int i = 0; i < 2; i++) {
		mosquitto_disconnect(members[i].mosq);
		mosquitto_destroy(members[i].mosq);
	}
	host_end(&crowd);
}
