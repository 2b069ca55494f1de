/* Messages at full rate: publish, receive, queue. */
#include "client.h"
#include <pthread.h>

struct flow {
	sem_t connected; /* the first, see start_client */
	sem_t done, room;
	const struct options *options;
	struct mosquitto *mosq;
	long wanted, seen, wrong;
};

struct publisher {
	struct flow *flow;
	unsigned number;
	long count;
	uint8_t *payload;
};

static void set_up(struct flow *flow, const struct options *o, const char *mode)
{
	char id[128];

	sem_init(&flow->connected, 0, 0);
	sem_init(&flow->done, 0, 0);
	sem_init(&flow->room, 0, (unsigned)o->ahead);
	flow->options = o;
	flow->wanted = o->count;
	flow->mosq = make_client(o, scenario_id(id, mode, o), flow);
}

static void on_publish(struct mosquitto *mosq, void *object, int mid)
{
	struct flow *flow = object;

	(void)mosq, (void)mid;
	if (flow->options->ahead > 0)
		sem_post(&flow->room);
	if (++flow->seen == flow->wanted)
		sem_post(&flow->done);
}

static void publish(struct flow *flow, const char *topic, int qos, const void *payload, int len)
{
	if (flow->options->ahead > 0)
		wait_for(&flow->room);
	must(mosquitto_publish(flow->mosq, NULL, topic, len, payload, qos, false), "publish");
}

static void *publish_all(void *argument)
{
	struct publisher *publisher = argument;
	struct flow *flow = publisher->flow;
	const struct options *o = flow->options;
	char topic[8];

	topic_name(topic, 0, 1);
	for (long i = 0; i < publisher->count; i++) {
		stamp(publisher->payload, publisher->number, (uint64_t)i);
		if (o->topics > 1)
			topic_name(topic, (uint64_t)i, o->topics);
		publish(flow, topic, o->qos, publisher->payload, (int)o->size);
	}
	return NULL;
}

void bench_publish(const struct options *o)
{
	struct flow flow = {0};
	struct publisher publishers[MAX_PUBLISHERS];
	pthread_t threads[MAX_PUBLISHERS];
	struct span span;

	set_up(&flow, o, "pub");
	mosquitto_publish_callback_set(flow.mosq, on_publish);
	for (int i = 0; i < o->threads; i++) {
		publishers[i] = (struct publisher){&flow, (unsigned)i, o->count / o->threads,
						   malloc(o->size)};
		memset(publishers[i].payload, 'x', o->size);
	}
	flow.wanted = o->count / o->threads * o->threads;
	if (o->qos == 0)
		flow.wanted++; /* an acknowledged one at the end: all are over there then */
	start_client(o, flow.mosq);
	span = begin_span();
	for (int i = 1; i < o->threads; i++)
		pthread_create(&threads[i], NULL, publish_all, &publishers[i]);
	publish_all(&publishers[0]);
	for (int i = 1; i < o->threads; i++)
		pthread_join(threads[i], NULL);
	if (o->qos == 0)
		publish(&flow, "control/end", 1, "", 0);
	wait_for(&flow.done);
	span = end_span(span);
	stop_client(flow.mosq);
	print_span(span, o->count / o->threads * o->threads);
	printf("\n");
}

static void on_message(struct mosquitto *mosq, void *object, const struct mosquitto_message *message)
{
	struct flow *flow = object;

	(void)mosq;
	if (message->payloadlen != (int)flow->options->size ||
	    stamped_number(message->payload) != (uint64_t)flow->seen)
		flow->wrong++;
	if (++flow->seen == flow->wanted)
		sem_post(&flow->done);
}

void bench_receive(const struct options *o)
{
	struct flow flow = {0};
	struct span span;

	set_up(&flow, o, "rcv");
	mosquitto_message_callback_set(flow.mosq, on_message);
	start_client(o, flow.mosq);
	span = begin_span();
	must(mosquitto_subscribe(flow.mosq, NULL, "t/#", o->qos), "subscribe");
	wait_for(&flow.done);
	span = end_span(span);
	stop_client(flow.mosq);
	print_span(span, flow.seen);
	printf(" wrong=%ld\n", flow.wrong);
}

void bench_queue(const struct options *o)
{
	/* A few messages are queued and drained many times over, to have something to
	 * measure. */
	long rounds = o->count < 50000 ? 50000 / o->count : 1;
	struct flow flow = {0};
	struct span span, queueing = {0, 0}, draining = {0, 0};
	uint8_t *payload = malloc(o->size);
	uint64_t number = 0;
	double before, bytes = 0;

	memset(payload, 'x', o->size);
	set_up(&flow, o, "hold");
	mosquitto_publish_callback_set(flow.mosq, on_publish);
	start_client(o, flow.mosq);
	for (long round = 0; round < rounds; round++) {
		/* Both control messages have QoS 0, the window does not hold them. */
		flow.wanted = flow.seen + 1;
		publish(&flow, "control/hold", 0, "", 0);
		wait_for(&flow.done);
		flow.wanted += o->count + 1;
		before = resident_bytes();
		span = begin_span();
		for (long i = 0; i < o->count; i++) {
			stamp(payload, 0, number++);
			publish(&flow, "t", 1, payload, (int)o->size);
		}
		span = end_span(span);
		queueing.cpu += span.cpu, queueing.wall += span.wall;
		if (round == 0)
			bytes = resident_bytes() - before;
		span = begin_span();
		publish(&flow, "control/go", 0, "", 0);
		wait_for(&flow.done);
		span = end_span(span);
		draining.cpu += span.cpu, draining.wall += span.wall;
	}
	stop_client(flow.mosq);
	print_span(draining, o->count * rounds);
	printf(" queue_ns=%.0f bytes=%.0f\n", queueing.cpu, bytes - (double)o->count * (o->size + 1));
}
