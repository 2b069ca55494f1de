/* client: how a client comes to be and ends. */
#include "example.h"

struct device {
    const char *name;
    int messages;
};

static void on_message(struct mosquitto *mosq, void *obj,
                       const struct mosquitto_message *message)
{
    struct device *device = obj; /* what mosquitto_new was given */

    device->messages++;
    printf("%s: %s\n", device->name, message->topic);
}

/* A client with an identifier and a session that the server keeps, and one without either. */
static void two_clients(struct device *device)
{
    struct mosquitto *kept = mosquitto_new("meter-17", false, device);
    struct mosquitto *passing = mosquitto_new(NULL, true, NULL);

    expect(kept != NULL && passing != NULL);
    mosquitto_message_callback_set(kept, on_message);
    mosquitto_destroy(passing);
    mosquitto_destroy(kept);
}

/* An identifier is needed for a session that is kept. */
static void refused(void)
{
    expect(mosquitto_new(NULL, false, NULL) == NULL);
    expect(errno == EINVAL);
}

/* The same client as another one. */
static void begin_anew(struct mosquitto *mosq, struct device *device)
{
    must(mosquitto_reinitialise(mosq, "meter-18", true, device));
    expect(mosquitto_userdata(mosq) == device);
}

/* Callbacks get another pointer from now on. */
static void hand_over(struct mosquitto *mosq, struct device *other)
{
    mosquitto_user_data_set(mosq, other);
    expect(mosquitto_userdata(mosq) == other);
}

/* Programs written for libmosquitto begin and end so; here neither call is needed. */
static void print_version(void)
{
    int major, minor, revision;

    must(mosquitto_lib_init());
    mosquitto_lib_version(&major, &minor, &revision);
    printf("libmosquitto's API %d.%d.%d, libmqttrs %d.%d.%d\n", major, minor, revision,
           MQTTRS_VERSION_MAJOR, MQTTRS_VERSION_MINOR, MQTTRS_VERSION_REVISION);
    must(mosquitto_lib_cleanup());
}

int main(void)
{
    struct device first = {"first", 0}, second = {"second", 0};
    struct mosquitto *mosq = mosquitto_new("meter-17", true, &first);

    print_version();
    two_clients(&first);
    refused();
    hand_over(mosq, &second);
    begin_anew(mosq, &first);
    mosquitto_destroy(mosq);
    return 0;
}
