/* store_backlog COUNT FOLDER: publishes until so many messages wait, and then twice as many more,
 * each of which drops the oldest, so that the log is written anew meanwhile; then opens the folder a
 * second time. Prints, of the calls after the first COUNT, the median and the longest time and the most
 * processor time, in microseconds; the largest and the last size of the folder; and the seconds
 * that the opening took. */
#include <dirent.h>
#include <mosquitto.h>
#include <mqttrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int by_size(const void *left, const void *right)
{
    float a = *(const float *)left;
    float b = *(const float *)right;
    return (a > b) - (a < b);
}

static long size_of(const char *folder)
{
    long size = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[500];
        struct stat file;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &file) == 0 && S_ISREG(file.st_mode)) {
            size += file.st_size;
        }
    }
    closedir(dir);
    return size;
}

static struct mosquitto *client(const char *folder)
{
    struct mosquitto *mosq = mosquitto_new("backlog", false, NULL);
    if (mqttrs_store_open(mosq, folder, NULL) != 0) {
        exit(1);
    }
    return mosq;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    int count = atoi(argv[1]);
    float *times = malloc(2 * count * sizeof *times);
    struct mosquitto *mosq = client(argv[2]);
    struct mqttrs_queue_options queue = { .size = sizeof queue };
    queue.max_messages = count;
    queue.overflow = MQTTRS_OVERFLOW_DROP_OLDEST;
    if (mqttrs_queue_set(mosq, &queue) != 0) {
        return 1;
    }
    char payload[100];
    memset(payload, 'x', sizeof payload);
    long largest = 0;
    double most_work = 0;
    for (int i = -count; i < 2 * count; i++) {
        double begun = now(CLOCK_MONOTONIC);
        double worked = now(CLOCK_THREAD_CPUTIME_ID);
        if (mosquitto_publish(mosq, NULL, "bench", sizeof payload, payload, 1, false) != 0) {
            return 1;
        }
        if (i >= 0) {
            worked = now(CLOCK_THREAD_CPUTIME_ID) - worked;
            times[i] = (now(CLOCK_MONOTONIC) - begun) * 1e6;
            most_work = worked > most_work ? worked : most_work;
        }
        if (i % 1000 == 0) {
            long size = size_of(argv[2]);
            largest = size > largest ? size : largest;
        }
    }
    mosquitto_destroy(mosq);
    long size = size_of(argv[2]);
    double begun = now(CLOCK_MONOTONIC);
    mosq = client(argv[2]);
    double took = now(CLOCK_MONOTONIC) - begun;
    struct mqttrs_stats stats = { .size = sizeof stats };
    mqttrs_stats(mosq, &stats);
    mosquitto_destroy(mosq);
    if (stats.queued_messages != (uint64_t)count) {
        return 1;
    }
    qsort(times, 2 * count, sizeof *times, by_size);
    printf("%f %f %f %ld %ld %f\n", times[count], times[2 * count - 1], most_work * 1e6, largest,
        size, took);
    return 0;
}
