/* One measurement of a libmosquitto-compatible library, chosen at run time by
 * LD_LIBRARY_PATH: client (publish|receive) PORT COUNT
 * Prints the CPU time (user and system) of this process for a message, in nanoseconds. */
#include <mosquitto.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static sem_t ready, done;
static long wanted, seen;

static void on_connect(struct mosquitto *mosq, void *obj, int rc)
{
	(void)mosq, (void)obj;
	if (rc != 0)
		exit(3);
	sem_post(&ready);
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
	(void)mosq, (void)obj, (void)mid;
	if (++seen == wanted)
		sem_post(&done);
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *message)
{
	(void)mosq, (void)obj;
	if (message->payloadlen != 64)
		exit(4);
	if (++seen == wanted)
		sem_post(&done);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	struct mosquitto *mosq;
	char payload[64], filter[32];
	double before;

	if (argc != 4)
		return 2;
	wanted = atol(argv[3]);
	memset(payload, 'x', sizeof payload);
	sem_init(&ready, 0, 0);
	sem_init(&done, 0, 0);
	mosquitto_lib_init();
	mosq = mosquitto_new("bench", true, NULL);
	mosquitto_connect_callback_set(mosq, on_connect);
	mosquitto_publish_callback_set(mosq, on_publish);
	mosquitto_message_callback_set(mosq, on_message);
	if (mosquitto_connect(mosq, "127.0.0.1", atoi(argv[2]), 60) != 0 || mosquitto_loop_start(mosq) != 0)
		return 1;
	sem_wait(&ready);
	before = cpu_seconds();
	if (strcmp(argv[1], "publish") == 0) {
		for (long i = 0; i < wanted; i++)
			if (mosquitto_publish(mosq, NULL, "t", sizeof payload, payload, 0, false) != 0)
				return 1;
	} else {
		snprintf(filter, sizeof filter, "bench/%ld", wanted);
		if (mosquitto_subscribe(mosq, NULL, filter, 0) != 0)
			return 1;
	}
	sem_wait(&done);
	printf("%.0f\n", (cpu_seconds() - before) * 1e9 / (double)wanted);
	mosquitto_disconnect(mosq);
	mosquitto_loop_stop(mosq, false);
	mosquitto_destroy(mosq);
	return mosquitto_lib_cleanup();
}
