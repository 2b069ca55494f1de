/* Every call of the system that the store makes fails in its turn, once or for a while: what was
 * accepted is there for the next process, what was refused is not, and when the disk is well again
 * the client goes on. store_faults FOLDER; prints how many of each there were. */
#include "check.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <mqttrs.h>

/* The program's own functions take the place of the C library's, for libmqttrs too. */
enum call { WRITE, SYNC, OPEN, RENAME, TRUNCATE, CALLS };
static const char *const call_names[] = { "write", "fdatasync", "open", "rename", "ftruncate" };

static const char *folder;
static bool of_store[1024];
static bool armed;
static enum call faulty;
static int left; /* calls until the fault */
static bool once;
static int fault_errno;
static int faults;
static int faults_of[CALLS];

static bool fails(enum call call)
{
    if (!armed || call != faulty || left-- > 0) {
        return false;
    }
    armed = !once;
    faults++;
    faults_of[call]++;
    errno = fault_errno;
    return true;
}

static bool is_of_store(int fd)
{
    return fd >= 0 && fd < 1024 && of_store[fd];
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    /* Without a write that failed nothing is cut off. */
    if (is_of_store(fd) && armed && faulty == TRUNCATE && left-- <= 0) {
        syscall(SYS_write, fd, bytes, len / 2);
        errno = fault_errno;
        return -1;
    }
    if (is_of_store(fd) && fails(WRITE)) {
        /* A part of it is written, as when the disk gets full in the middle. */
        return len > 2 && fault_errno == ENOSPC && once ? syscall(SYS_write, fd, bytes, len / 2) : -1;
    }
    return syscall(SYS_write, fd, bytes, len);
}

int fdatasync(int fd)
{
    return is_of_store(fd) && fails(SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return is_of_store(fd) && fails(SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate64(int fd, off64_t len)
{
    if (is_of_store(fd) && left < 0 && fails(TRUNCATE)) {
        return -1;
    }
    return (int)syscall(SYS_ftruncate, fd, len);
}

int rename(const char *from, const char *to)
{
    return fails(RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int open64(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    bool here = strncmp(path, folder, strlen(folder)) == 0;
    if (here && fails(OPEN)) {
        return -1;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd >= 0 && fd < 1024) {
        of_store[fd] = here;
    }
    return fd;
}

static void remove_files(const char *store)
{
    static const char *const names[] = { "log", "log.new", "lock", "reserve" };
    char path[500];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", store, names[i]);
        unlink(path);
    }
    rmdir(store);
}

static struct mosquitto *client(const char *store, int durability, bool must)
{
    struct mosquitto *m = mosquitto_new("faults", false, NULL);
    CHECK(m != NULL);
    struct mqttrs_store_options options = { .size = sizeof options };
    options.durability = durability;
    int result = mqttrs_store_open(m, store, &options);
    if (result != MOSQ_ERR_SUCCESS) {
        char why[300] = "";
        mqttrs_last_error(m, why, sizeof why);
        if (must) {
            fprintf(stderr, "%s (%s)\n", why, watched);
        }
        CHECK(!must && result == MOSQ_ERR_ERRNO);
        CHECK(strstr(why, folder) != NULL || strstr(why, "store") != NULL);
        mosquitto_destroy(m);
        return NULL;
    }
    return m;
}

static long waiting(struct mosquitto *m)
{
    struct mqttrs_stats stats = { .size = sizeof stats };
    CHECK_INT(0, mqttrs_stats(m, &stats));
    return (long)stats.queued_messages;
}

static char payload[60000];

/* Message `number`; whether it was accepted. */
static bool publish(struct mosquitto *m, int number, int len)
{
    memset(payload, 'x', len);
    snprintf(payload, sizeof payload, "<%d>", number);
    errno = 0;
    int result = mosquitto_publish(m, NULL, "t", len, payload, 1 + number % 2, false);
    CHECK(result == MOSQ_ERR_SUCCESS || result == MOSQ_ERR_ERRNO);
    CHECK(result == MOSQ_ERR_SUCCESS || errno == fault_errno);
    return result == MOSQ_ERR_SUCCESS;
}

/* Whether the log has the message. */
static bool has(const char *log, size_t len, int number)
{
    char text[20];
    int text_len = snprintf(text, sizeof text, "<%d>", number);
    return memmem(log, len, text, text_len) != NULL;
}

enum { LARGE = 20, SMALL = 90, AFTER = 5 };

/* A life of a client in which the fault happens, and the next one. */
static void scenario(const char *store, int durability)
{
    bool accepted[LARGE + SMALL + AFTER] = { false };
    int count = 0;
    armed = true;
    struct mosquitto *m = client(store, durability, false);
    if (m == NULL) {
        armed = false;
        m = client(store, durability, true); /* nothing stays that would be in the way */
        armed = true;
    }
    for (int i = 0; i < LARGE; i++) {
        publish(m, i, sizeof payload);
    }
    /* From here on the log is worth to be written anew. */
    CHECK_INT(0, mqttrs_queue_clear(m));
    for (int i = LARGE; i < LARGE + SMALL; i++) {
        accepted[i] = publish(m, i, 5000);
        count += accepted[i];
    }
    armed = false;
    for (int i = LARGE + SMALL; i < LARGE + SMALL + AFTER; i++) {
        accepted[i] = publish(m, i, 100);
        count += accepted[i];
        /* Whether something is on the disk nobody knows after a failure to synchronise. */
        CHECK(accepted[i] || (faulty == SYNC && durability == 2));
    }
    CHECK_INT(count, waiting(m));
    mosquitto_destroy(m);

    m = client(store, durability, true);
    long found = waiting(m);
    mosquitto_destroy(m);
    if (faulty == SYNC && durability == 2) {
        CHECK(found >= count);
    } else {
        CHECK_INT(count, found);
    }
    char path[500];
    snprintf(path, sizeof path, "%s/log", store);
    int fd = open(path, O_RDONLY);
    static char log[4000000];
    ssize_t len = read(fd, log, sizeof log);
    close(fd);
    CHECK(len > 0 && (size_t)len < sizeof log);
    for (int i = 0; i < LARGE + SMALL + AFTER; i++) {
        CHECK(!accepted[i] || has(log, len, i));
    }
    remove_files(store);
}

/* Opening is refused with this result and `errno`, and with these words. */
static void refused(const char *store, const char *id, int result, int number, const char *words)
{
    struct mosquitto *m = mosquitto_new(id, false, NULL);
    errno = 0;
    CHECK_INT(result, mqttrs_store_open(m, store, NULL));
    CHECK(result != MOSQ_ERR_ERRNO || errno == number);
    char why[300] = "";
    mqttrs_last_error(m, why, sizeof why);
    CHECK(strstr(why, words) != NULL);
    /* The client is as before. */
    CHECK_INT(0, mosquitto_publish(m, NULL, "t", 1, "x", 1, false));
    mosquitto_destroy(m);
}

/* Folders that cannot be had. */
static void refusals(const char *store)
{
    watched = "a folder that is another's";
    refused("/proc/store", "faults", MOSQ_ERR_ERRNO, ENOENT, "/proc/store");
    struct mosquitto *m = client(store, 0, true);
    refused(store, "faults", MOSQ_ERR_ERRNO, EWOULDBLOCK, "in use by another client");
    pid_t child = fork();
    if (child == 0) {
        refused(store, "faults", MOSQ_ERR_ERRNO, EWOULDBLOCK, "in use by another client");
        mosquitto_destroy(m);
        _exit(0);
    }
    int status = -1;
    CHECK_INT(child, waitpid(child, &status, 0));
    CHECK_INT(0, status);
    CHECK(publish(m, 1, 100));
    CHECK(publish(m, 2, 100));
    mosquitto_destroy(m);
    refused(store, "someone", MOSQ_ERR_INVAL, 0, "client identifier faults");

    watched = "another protocol version and durability";
    m = mosquitto_new("faults", false, NULL);
    CHECK_INT(0, mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
    struct mqttrs_store_options options = { .size = sizeof options };
    options.durability = MQTTRS_STORE_SYNC_GROUPS;
    options.sync_interval = 1;
    CHECK_INT(0, mqttrs_store_open(m, store, &options));
    CHECK_INT(2, waiting(m));

    watched = "a folder that is removed";
    remove_files(store);
    CHECK(publish(m, 3, 100));
    CHECK_INT(3, waiting(m));
    mosquitto_destroy(m);
    m = client(store, 2, true);
    CHECK_INT(3, waiting(m));
    mosquitto_destroy(m);
    remove_files(store);
}

int main(int argc, char **argv)
{
    CHECK_INT(2, argc);
    folder = argv[1];
    mosquitto_lib_init();
    char store[400];
    snprintf(store, sizeof store, "%s/store", folder);
    refusals(store);
    static const int errors[] = { ENOSPC, EIO };
    for (int durability = 0; durability <= 2; durability += 2) {
        for (faulty = 0; faulty < CALLS; faulty++) {
            /* Synchronising takes its time. */
            for (int mode = 0; mode < 4; mode += durability == 0 ? 1 : 3) {
                once = mode < 2;
                fault_errno = errors[mode % 2];
                int before;
                int place = 0;
                do {
                    char what[100];
                    snprintf(what, sizeof what, "%s number %d fails%s with %d, durability %d",
                        call_names[faulty], place, once ? " once" : "", fault_errno, durability);
                    watched = what;
                    before = faults;
                    left = place;
                    scenario(store, durability);
                    /* The first ones each, and some of the many that are alike. */
                    place += place < 8 ? 1 : 9 + 40 * (durability == 2);
                } while (faults > before);
                /* There was another log than the first one. */
                CHECK(faulty != RENAME || place > 2);
            }
        }
    }
    for (int call = 0; call < CALLS; call++) {
        CHECK(faults_of[call] > 0);
        printf("store faults: %d of %s\n", faults_of[call], call_names[call]);
    }
    return 0;
}
