/* What the measuring programs have in common: their command line, the clocks, and the
 * line they print.
 *
 *   PROGRAM MODE PORT COUNT [qos=0] [size=64] [topics=1] [window=20] [threads=1]
 *           [ahead=0] [seconds=5] [filters=0] [tls=CA_FILE]
 *
 * window: messages in flight, 0 for no limit. ahead: how many messages the program lets
 * the library have that are not published yet, 0 for no limit. seconds: for the modes that
 * last a time. filters: as many as topics, at least, or none. With tls the port is the server's second one.
 *
 * Printed is one line of KEY=VALUE words; cpu_ns (user and system time of the process)
 * and wall_ns are for the whole work, without the start and the end of the program. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "wire.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct options {
	const char *mode, *tls;
	int port, qos, threads, seconds;
	long count, ahead, filters;
	unsigned size, topics, window;
};

static inline struct options read_options(int argc, char **argv)
{
	struct options o = {.threads = 1, .seconds = 5, .size = 64, .topics = 1, .window = 20};

	if (argc < 4) {
		fprintf(stderr, "usage: %s MODE PORT COUNT [KEY=VALUE...], see measure.h\n", argv[0]);
		exit(2);
	}
	o.mode = argv[1];
	o.port = atoi(argv[2]);
	o.count = atol(argv[3]);
	for (int i = 4; i < argc; i++) {
		const char *value = strchr(argv[i], '=');
		size_t key = value ? (size_t)(value - argv[i]) : 0;

		value = value ? value + 1 : "";
#define IS(name) (key == strlen(name) && memcmp(argv[i], name, key) == 0)
		if (IS("qos"))
			o.qos = atoi(value);
		else if (IS("size"))
			o.size = (unsigned)atoi(value);
		else if (IS("topics"))
			o.topics = (unsigned)atoi(value);
		else if (IS("window"))
			o.window = (unsigned)atoi(value);
		else if (IS("threads"))
			o.threads = atoi(value);
		else if (IS("seconds"))
			o.seconds = atoi(value);
		else if (IS("ahead"))
			o.ahead = atol(value);
		else if (IS("filters"))
			o.filters = atol(value);
		else if (IS("tls"))
			o.tls = value;
		else {
			fprintf(stderr, "%s: what is %s?\n", argv[0], argv[i]);
			exit(2);
		}
#undef IS
	}
	if (o.size < STAMP_SIZE || o.size > MAX_SIZE || o.topics > MAX_TOPICS || o.threads < 1 ||
	    o.threads > MAX_PUBLISHERS || o.count < 1 ||
	    (o.filters && o.filters < (long)o.topics)) {
		fprintf(stderr, "%s: out of range\n", argv[0]);
		exit(2);
	}
	return o;
}

/* The client identifier that asks the server for MODE. */
static inline const char *scenario_id(char out[128], const char *mode, const struct options *o)
{
	struct scenario scenario = {.qos = o->qos,
				    .size = o->size,
				    .topics = o->topics,
				    .window = o->window ? o->window : 65535,
				    .count = o->count};

	snprintf(scenario.mode, sizeof scenario.mode, "%s", mode);
	write_scenario(out, 128, &scenario);
	return out;
}

static inline double cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec) * 1e9 +
	       ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) * 1e3;
}

static inline double wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

struct span {
	double cpu, wall;
};

static inline struct span begin_span(void)
{
	return (struct span){cpu_ns(), wall_ns()};
}

static inline struct span end_span(struct span begun)
{
	return (struct span){cpu_ns() - begun.cpu, wall_ns() - begun.wall};
}

static inline void print_span(struct span took, long count)
{
	printf("n=%ld cpu_ns=%.0f wall_ns=%.0f", count, took.cpu, took.wall);
}

static inline int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the samples and prints their median and 99th percentile. */
static inline void print_latency(double *samples, long count)
{
	qsort(samples, (size_t)count, sizeof *samples, compare_doubles);
	printf(" median_ns=%.0f p99_ns=%.0f", samples[count / 2], samples[count * 99 / 100]);
}

/* When the server sent a message of its mode "tick", by wall_ns(). */
static inline double sent_at(const void *payload)
{
	uint64_t sent;

	memcpy(&sent, (const char *)payload + STAMP_SIZE, sizeof sent);
	return (double)sent;
}

static inline void raise_descriptor_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Resident memory of this process, in bytes. */
static inline double resident_bytes(void)
{
	long size = 0, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (!statm || fscanf(statm, "%ld %ld", &size, &resident) != 2)
		exit(6);
	fclose(statm);
	return (double)resident * 4096;
}

#endif
