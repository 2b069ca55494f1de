/* What PublishAsync and Publish do, in C: each message has a token that tells what became of it, and so
 * many are on their way at once. The command line is that of benches/client.c, with the modes publish
 * and wait. */
#include "measure.h"
#include <mqttrs.h>
#include <semaphore.h>

enum { AHEAD = 2000 };

static sem_t connected;
static struct mqttrs_token *tokens[AHEAD];

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

/* Waits for what a token stands for, and ends it. */
static void finish(struct mqttrs_token **token)
{
	struct mqttrs_result result = {.size = sizeof result};

	if (!*token)
		return;
	must(mqttrs_token_wait(*token, 60000, &result));
	if (result.outcome > MQTTRS_OUTCOME_ACKNOWLEDGED)
		exit(1);
	mqttrs_token_destroy(*token);
	*token = NULL;
}

static void publish(struct mosquitto *mosq, const char *topic, int qos, const void *payload, size_t size,
		    struct mqttrs_token **token)
{
	struct mqttrs_message message = {
		.size = sizeof message, .topic = topic, .payload = payload, .payloadlen = size, .qos = qos};

	finish(token);
	must(mqttrs_publish(mosq, NULL, &message, NULL, NULL, token));
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
	mosq = mosquitto_new(scenario_id(id, "pub", &o), true, NULL);
	mosquitto_connect_callback_set(mosq, on_connect);
	must(mosquitto_max_inflight_messages_set(mosq, o.window));
	must(mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1));
	must(mosquitto_connect(mosq, "127.0.0.1", o.port, 60));
	must(mosquitto_loop_start(mosq));
	sem_wait(&connected);

	memset(payload, 'x', o.size);
	span = begin_span();
	for (long i = 0; i < o.count; i++) {
		stamp(payload, 0, (uint64_t)i);
		publish(mosq, "t", o.qos, payload, o.size, &tokens[i % AHEAD]);
		if (wait)
			finish(&tokens[i % AHEAD]);
	}
	for (int i = 0; i < AHEAD; i++)
		finish(&tokens[i]);
	if (o.qos == 0) {
		publish(mosq, "control/end", 1, "", 0, &tokens[0]);
		finish(&tokens[0]);
	}
	span = end_span(span);
	must(mosquitto_disconnect(mosq));
	must(mosquitto_loop_stop(mosq, false));
	mosquitto_destroy(mosq);
	print_span(span, o.count);
	printf("\n");
	return 0;
}
