/* handles: a client that is NULL or was destroyed is answered with an error by every
 * function, whoever calls it and when. */
#include "every_call.h"

static void null_is_no_client(void)
{
    check_dead(NULL);
}

static void a_destroyed_client_is_none(void)
{
    struct mosquitto *m = mosquitto_new("gone", true, NULL);
    CHECK(m != NULL);
    mosquitto_destroy(m);
    check_dead(m);
    mosquitto_destroy(m);
    check_dead(m);
}

/* 64 other clients may come and go before an address is used again. */
static void an_old_handle_does_not_reach_new_clients(void)
{
    struct mosquitto *old = mosquitto_new("old", true, NULL);
    CHECK(old != NULL);
    mosquitto_destroy(old);
    for (int i = 0; i < 64; i++) {
        struct mosquitto *fresh = mosquitto_new("new", true, NULL);
        CHECK(fresh != NULL && fresh != old);
        CHECK_INT(MOSQ_ERR_INVAL, mosquitto_will_set(old, "t", 0, NULL, 0, false));
        mosquitto_destroy(old);
        CHECK_INT(MOSQ_ERR_SUCCESS, mosquitto_will_set(fresh, "t", 0, NULL, 0, false));
        mosquitto_destroy(fresh);
    }
}

static void clients_that_never_connected_are_destroyed_without_a_trace(void)
{
    for (int i = 0; i < 100; i++) {
        struct mosquitto *m = mosquitto_new(NULL, true, NULL);
        CHECK(m != NULL);
        CHECK_INT(MOSQ_ERR_SUCCESS, mosquitto_publish(m, NULL, "kept", 3, "abc", 1, false));
        CHECK_INT(MOSQ_ERR_SUCCESS, mosquitto_username_pw_set(m, "a", "b"));
        CHECK_INT(MOSQ_ERR_SUCCESS, mosquitto_will_set(m, "t", 3, "abc", 2, true));
        mosquitto_destroy(m);
    }
}

struct user {
    struct mosquitto *m;
    pthread_barrier_t *start;
};

static void *use_until_it_is_gone(void *argument)
{
    struct user *user = argument;
    pthread_barrier_wait(user->start);
    for (;;) {
        int rc = mosquitto_publish(user->m, NULL, "t", 1, "x", 1, false);
        if (rc == MOSQ_ERR_INVAL) {
            check_dead(user->m);
            return NULL;
        }
        CHECK_INT(MOSQ_ERR_SUCCESS, rc);
        rc = mosquitto_subscribe(user->m, NULL, "t", 1);
        CHECK(rc == MOSQ_ERR_NO_CONN || rc == MOSQ_ERR_INVAL);
    }
}

static void threads_that_use_a_client_while_it_is_destroyed_get_errors(int rounds)
{
    for (int round = 0; round < rounds; round++) {
        pthread_barrier_t start;
        pthread_t threads[3];
        struct user user = { mosquitto_new("shared", true, NULL), &start };
        CHECK(user.m != NULL);
        pthread_barrier_init(&start, NULL, COUNT_OF(threads) + 1);
        for (size_t i = 0; i < COUNT_OF(threads); i++) {
            CHECK_INT(0, pthread_create(&threads[i], NULL, use_until_it_is_gone, &user));
        }
        pthread_barrier_wait(&start);
        mosquitto_destroy(user.m);
        for (size_t i = 0; i < COUNT_OF(threads); i++) {
            pthread_join(threads[i], NULL);
        }
        pthread_barrier_destroy(&start);
    }
}

int main(void)
{
    watchdog(60);
    mosquitto_lib_init();
    null_is_no_client();
    a_destroyed_client_is_none();
    an_old_handle_does_not_reach_new_clients();
    clients_that_never_connected_are_destroyed_without_a_trace();
    threads_that_use_a_client_while_it_is_destroyed_get_errors(20);
    mosquitto_lib_cleanup();
    return 0;
}
