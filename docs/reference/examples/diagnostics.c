/* diagnostics PORT: what went wrong, and what is going on. */
#include "example.h"

/* The code decides, the words are for people. */
static void explain(struct mosquitto *mosq, int rc)
{
    char why[512];

    if (mqttrs_last_error(mosq, why, sizeof why) > 0)
        fprintf(stderr, "%s (%s)\n", mosquitto_strerror(rc), why);
}

/* What a server's refusal is called depends on the version of MQTT. */
static const char *refusal(int version, int code)
{
    return version == MQTT_PROTOCOL_V5 ? mosquitto_reason_string(code)
                                       : mosquitto_connack_string(code);
}

/* For settings that name packets. */
static int packet(const char *name)
{
    int command;

    must(mosquitto_string_to_command(name, &command));
    return command;
}

static void on_line(struct mosquitto *mosq, void *obj, int level, const char *str)
{
    if (level & (MOSQ_LOG_ERR | MOSQ_LOG_WARNING))
        fprintf(stderr, "%s\n", str);
}

/* The same as records, which programs can read. */
static void on_record(struct mosquitto *mosq, void *obj,
                      const struct mqttrs_log_record *record)
{
    printf("event=%s", record->event);
    for (size_t i = 0; i < record->field_count; i++)
        printf(" %s=%s", record->fields[i].key, record->fields[i].value);
    printf("\n");
}

static void log_everything(struct mosquitto *mosq)
{
    mosquitto_log_callback_set(mosq, on_line);
    must(mqttrs_log_callback_set(mosq, on_record));
}

static void print_statistics(struct mosquitto *mosq)
{
    struct mqttrs_stats stats = {.size = sizeof stats};

    must(mqttrs_stats(mosq, &stats));
    printf("%llu bytes sent, %llu messages wait, round trip %llu us\n",
           (unsigned long long)stats.bytes_sent, (unsigned long long)stats.queued_messages,
           (unsigned long long)stats.round_trip_smoothed);
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);
    int rc = mosquitto_tls_set(mosq, "/nowhere/ca.crt", NULL, NULL, NULL, NULL);

    expect(rc == MOSQ_ERR_INVAL);
    explain(mosq, rc);
    expect(strcmp(refusal(MQTT_PROTOCOL_V5, MQTT_RC_NOT_AUTHORIZED),
                  refusal(MQTT_PROTOCOL_V311, 4))
           != 0);
    expect(packet("publish") == CMD_PUBLISH);
    mosquitto_destroy(mosq);

    mosq = connected_client(argc > 1 ? atoi(argv[1]) : 1883, MQTT_PROTOCOL_V311);
    log_everything(mosq);
    must(mosquitto_publish(mosq, NULL, "greetings", 5, "hello", 1, false));
    must(mqttrs_drain(mosq, 10000));
    print_statistics(mosq);
    must(mqttrs_disconnect_timeout(mosq, 10000));
    mosquitto_destroy(mosq);
    return 0;
}
