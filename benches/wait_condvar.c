/* Publishing and waiting as programs do it with libmosquitto: the publish callback counts under a
 * mutex and signals a condition variable. */
#include "wait.h"

#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int acknowledged;

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
    (void)mosq, (void)obj, (void)mid;
    pthread_mutex_lock(&mutex);
    acknowledged++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void publish_and_wait(struct mosquitto *mosq, int count)
{
    static const char payload[PAYLOAD];
    acknowledged = 0; /* nothing is under way */
    for (int i = 0; i < count; i++) {
        must(mosquitto_publish(mosq, NULL, "wait", PAYLOAD, payload, 1, false), "publish");
    }
    pthread_mutex_lock(&mutex);
    while (acknowledged < count) {
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    mosquitto_lib_init();
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);
    mosquitto_publish_callback_set(mosq, on_publish);
    return measure(mosq, argv);
}
