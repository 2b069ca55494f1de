/* Stands before the C library: the time of day jumps when the program says so, by
 * chaos_clock_jump, and it is counted how often libmqttrs asks for it. Time that only goes
 * forward is left alone, as a clock that is set leaves it alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long offset;
static atomic_long reads;

static int tells_the_time_of_day(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

void chaos_clock_jump(long seconds)
{
    offset += seconds;
}

long chaos_clock_reads(void)
{
    return reads;
}

static void count(void *caller)
{
    Dl_info from;
    if (dladdr(caller, &from) != 0 && from.dli_fname != NULL && strstr(from.dli_fname, "libmqttrs") != NULL) {
        reads++;
    }
}

static time_t seconds_now(clockid_t clock, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, now);
    if (rc == 0 && tells_the_time_of_day(clock)) {
        now->tv_sec += offset;
    }
    return rc == 0 ? now->tv_sec : -1;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (tells_the_time_of_day(clock)) {
        count(__builtin_return_address(0));
    }
    return seconds_now(clock, now) == -1 ? -1 : 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    count(__builtin_return_address(0));
    struct timespec exact;
    seconds_now(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now)
{
    count(__builtin_return_address(0));
    struct timespec exact;
    time_t seconds = seconds_now(CLOCK_REALTIME, &exact);
    if (now != NULL) {
        *now = seconds;
    }
    return seconds;
}
