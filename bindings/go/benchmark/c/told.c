/* What PublishAsync and Publish do, in C: each message has a callback of its own, which tells what became
 * of it. The command line is that of benches/client.c, with the modes publish and wait. */
#include "measure.h"
#include <mqttrs.h>
#include <semaphore.h>

enum { AHEAD = 2000 };

static sem_t connected, room, done;
static long left;

static void must(int rc)
{
	if (rc != MOSQ_ERR_SUCCESS) {
		fprintf(stderr, "told: %s\n", mosquitto_strerror(rc));
		exit(1);
	}
}

static void on_connect(struct mosquitto *mosq, void *object, int rc)
{
	(void)mosq, (void)object;
	must(rc);
	sem_post(&connected);
}

static void on_done(struct mosquitto *mosq, void *userdata, const struct mqttrs_result *result)
{
	(void)mosq, (void)userdata;
	if (result->outcome > MQTTRS_OUTCOME_ACKNOWLEDGED)
		exit(1);
	sem_post(&room);
	if (--left == 0)
		sem_post(&done);
}

static void publish(struct mosquitto *mosq, const char *topic, int qos, const void *payload, size_t size, bool wait)
{
	struct mqttrs_message message = {
		.size = sizeof message, .topic = topic, .payload = payload, .payloadlen = size, .qos = qos};
	struct mqttrs_token *token = NULL;

	if (wait) {
		must(mqttrs_publish(mosq, NULL, &message, NULL, NULL, &token));
		must(mqttrs_token_wait(token, 60000, NULL));
		mqttrs_token_destroy(token);
		return;
	}
	sem_wait(&room);
	must(mqttrs_publish(mosq, NULL, &message, on_done, NULL, NULL));
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	bool wait = strcmp(o.mode, "wait") == 0;
	uint8_t *payload = malloc(o.size);
	struct mosquitto *mosq;
	struct span span;
	char id[128];

	sem_init(&connected, 0, 0);
	sem_init(&done, 0, 0);
	sem_init(&room, 0, AHEAD);
	mosq = mosquitto_new(scenario_id(id, "pub", &o), true, NULL);
	mosquitto_connect_callback_set(mosq, on_connect);
	must(mosquitto_max_inflight_messages_set(mosq, o.window));
	must(mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1));
	must(mosquitto_connect(mosq, "127.0.0.1", o.port, 60));
	must(mosquitto_loop_start(mosq));
	sem_wait(&connected);

	memset(payload, 'x', o.size);
	left = o.count + (o.qos == 0);
	span = begin_span();
	for (long i = 0; i < o.count; i++) {
		stamp(payload, 0, (uint64_t)i);
		publish(mosq, "t", o.qos, payload, o.size, wait);
	}
	if (o.qos == 0)
		publish(mosq, "control/end", 1, "", 0, wait);
	if (!wait)
		sem_wait(&done);
	span = end_span(span);
	must(mosquitto_disconnect(mosq));
	must(mosquitto_loop_stop(mosq, false));
	mosquitto_destroy(mosq);
	print_span(span, o.count);
	printf("\n");
	return 0;
}
