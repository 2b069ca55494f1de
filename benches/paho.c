/* Paho's C client, its asynchronous API with a thread of its own. Modes: publish, receive,
 * pingpong; see measure.h. A message that has to wait for the window, or behind many others,
 * can wait here for a second that nobody needs; so the program stays within the window, or
 * with QoS 0 1,000 messages ahead, unless `ahead` says else. */
#include "measure.h"
#include <MQTTAsync.h>
#include <semaphore.h>

static struct options o;
static MQTTAsync client;
static sem_t ready, done, room;
static long wanted, seen, wrong;

static void must(int rc, const char *what)
{
	if (rc == MQTTASYNC_SUCCESS)
		return;
	fprintf(stderr, "paho: %s: %d\n", what, rc);
	exit(1);
}

static void on_ready(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	sem_post(&ready);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
	fprintf(stderr, "paho: %s failed: %d %s\n", (const char *)context, data ? data->code : 0,
		data && data->message ? data->message : "");
	exit(1);
}

static void on_published(void *context, MQTTAsync_successData *data)
{
	(void)context, (void)data;
	sem_post(&room);
	if (++seen == wanted)
		sem_post(&done);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
	(void)context, (void)topic_len;
	if (message->payloadlen != (int)o.size || stamped_number(message->payload) != (uint64_t)seen)
		wrong++;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	if (++seen == wanted || strcmp(o.mode, "pingpong") == 0)
		sem_post(&done);
	return 1;
}

static void start(const char *mode)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
	char address[64], id[128];

	snprintf(address, sizeof address, "%s://127.0.0.1:%d", o.tls ? "ssl" : "tcp", o.port);
	must(MQTTAsync_create(&client, address, scenario_id(id, mode, &o), MQTTCLIENT_PERSISTENCE_NONE,
			      NULL), "create");
	must(MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL), "setCallbacks");
	options.maxInflight = o.window ? (int)o.window : 65535;
	options.MQTTVersion = MQTTVERSION_3_1_1;
	options.onSuccess = on_ready;
	options.onFailure = on_failure;
	options.context = "connect";
	if (o.tls) {
		tls.trustStore = o.tls;
		tls.verify = 1;
		options.ssl = &tls;
	}
	must(MQTTAsync_connect(client, &options), "connect");
	sem_wait(&ready);
}

static void stop(void)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

	options.timeout = 1000;
	options.onSuccess = on_ready;
	options.onFailure = on_failure;
	options.context = "disconnect";
	must(MQTTAsync_disconnect(client, &options), "disconnect");
	sem_wait(&ready);
	MQTTAsync_destroy(&client);
}

static void publish(const char *topic, int qos, void *payload, int len, MQTTAsync_onSuccess *then)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	options.onSuccess = then;
	options.onFailure = on_failure;
	options.context = "publish";
	must(MQTTAsync_send(client, topic, len, payload, qos, 0, &options), "send");
}

static void publish_all(uint8_t *payload)
{
	char topic[8];

	for (long i = 0; i < o.count; i++) {
		topic_name(topic, (uint64_t)i, o.topics);
		stamp(payload, 0, (uint64_t)i);
		sem_wait(&room);
		publish(topic, o.qos, payload, (int)o.size, on_published);
	}
	if (o.qos == 0) {
		sem_wait(&room);
		publish("control/end", 1, "", 0, on_published);
	}
}

static void subscribe(void)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

	must(MQTTAsync_subscribe(client, "t/#", o.qos, &options), "subscribe");
}

int main(int argc, char **argv)
{
	struct span span;
	uint8_t *payload;
	double *samples;

	o = read_options(argc, argv);
	payload = malloc(o.size);
	memset(payload, 'x', o.size);
	sem_init(&ready, 0, 0);
	sem_init(&done, 0, 0);
	if (o.ahead == 0)
		o.ahead = o.qos > 0 && o.window > 0 ? o.window : 1000;
	sem_init(&room, 0, (unsigned)o.ahead);
	wanted = o.count;
	if (strcmp(o.mode, "publish") == 0) {
		wanted += o.qos == 0;
		start("pub");
		span = begin_span();
		publish_all(payload);
		sem_wait(&done);
		print_span(end_span(span), o.count);
	} else if (strcmp(o.mode, "receive") == 0) {
		start("rcv");
		span = begin_span();
		subscribe();
		sem_wait(&done);
		print_span(end_span(span), o.count);
		printf(" wrong=%ld", wrong);
	} else if (strcmp(o.mode, "pingpong") == 0) {
		samples = calloc((size_t)o.count, sizeof *samples);
		start("echo");
		span = begin_span();
		for (long i = 0; i < o.count; i++) {
			double sent = wall_ns();

			stamp(payload, 0, (uint64_t)i);
			publish("t", 0, payload, (int)o.size, NULL);
			sem_wait(&done);
			samples[i] = wall_ns() - sent;
		}
		print_span(end_span(span), o.count);
		print_latency(samples, o.count);
		printf(" wrong=%ld", wrong);
	} else {
		fprintf(stderr, "paho: no mode %s\n", o.mode);
		return 2;
	}
	stop();
	printf("\n");
	return 0;
}
