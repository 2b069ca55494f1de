/* Received messages by topic: to the callback of one filter among many. Where the library has none
 * for filters (mqttrs_message_callback_add), on_message tries one filter after the other, as
 * programs do that have only libmosquitto's API. */
#include "client.h"
#include <dlfcn.h>

typedef void (*on_filter)(struct mosquitto *, void *, const struct mosquitto_message *, const void *);

struct filter {
	char text[48];
	struct received *received;
};

struct received {
	sem_t connected; /* the first, see start_client */
	sem_t done;
	const struct options *options;
	struct filter *filters;
	bool list;
	long seen, wrong;
};

/* What is done with a message, by whichever way it comes: it belongs to this filter. */
static void receive(struct received *received, long filter, const struct mosquitto_message *message)
{
	const struct options *o = received->options;

	if (message->payloadlen != (int)o->size ||
	    stamped_number(message->payload) != (uint64_t)received->seen ||
	    filter != (o->filters ? received->seen % (long)o->topics : 0))
		received->wrong++;
	if (++received->seen == o->count)
		sem_post(&received->done);
}

static void on_filtered(struct mosquitto *mosq, void *userdata,
			const struct mosquitto_message *message, const void *properties)
{
	struct filter *filter = userdata;

	(void)mosq, (void)properties;
	receive(filter->received, filter - filter->received->filters, message);
}

static void on_message(struct mosquitto *mosq, void *object, const struct mosquitto_message *message)
{
	struct received *received = object;

	(void)mosq;
	if (!received->options->filters)
		receive(received, 0, message);
	for (long i = 0; received->list && i < received->options->filters; i++) {
		bool matches = false;

		mosquitto_topic_matches_sub(received->filters[i].text, message->topic, &matches);
		if (matches)
			receive(received, i, message);
	}
}

/* One for each topic that comes, and others of several kinds. */
static void name_filter(const struct options *o, char *text, size_t room, long i)
{
	static const char *const kinds[] = {"t/%ld", "+/n%ld/#", "building/%ld/+/temperature"};

	if (i < (long)o->topics)
		topic_name(text, (uint64_t)i, o->topics);
	else
		snprintf(text, room, kinds[i % 3], i);
}

static void add_filters(struct received *received, struct mosquitto *mosq)
{
	const struct options *o = received->options;
	int (*add)(struct mosquitto *, const char *, on_filter, void *);

	/* A function pointer by way of an object pointer, as POSIX has dlsym(). */
	*(void **)&add = dlsym(RTLD_DEFAULT, "mqttrs_message_callback_add");
	received->list = !add;
	received->filters = calloc((size_t)o->filters + 1, sizeof *received->filters);
	for (long i = 0; i < o->filters; i++) {
		struct filter *filter = &received->filters[i];

		filter->received = received;
		name_filter(o, filter->text, sizeof filter->text, i);
		if (add)
			must(add(mosq, filter->text, on_filtered, filter), "message_callback_add");
	}
}

void bench_filters(const struct options *o)
{
	struct received received = {.options = o};
	struct mosquitto *mosq;
	struct span adding, span;
	double before, bytes;
	char id[128];

	sem_init(&received.connected, 0, 0);
	sem_init(&received.done, 0, 0);
	mosq = make_client(o, scenario_id(id, "rcv", o), &received);
	mosquitto_message_callback_set(mosq, on_message);
	before = resident_bytes();
	adding = begin_span();
	add_filters(&received, mosq);
	adding = end_span(adding);
	bytes = resident_bytes() - before - (double)o->filters * sizeof *received.filters;
	start_client(o, mosq);
	span = begin_span();
	must(mosquitto_subscribe(mosq, NULL, "t/#", o->qos), "subscribe");
	wait_for(&received.done);
	span = end_span(span);
	stop_client(mosq);
	print_span(span, received.seen);
	printf(" wrong=%ld adding_ns=%.0f bytes=%.0f\n", received.wrong, adding.wall, bytes);
}
