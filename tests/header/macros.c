/* Macros that programs use besides the constants. */
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <mqttrs.h>

_Static_assert(LIBMOSQUITTO_VERSION_NUMBER == 2001002, "");
#if LIBMOSQUITTO_VERSION_NUMBER < 1006000 || LIBMOSQUITTO_MAJOR < 2
#error the preprocessor can compare versions
#endif
#if MQTTRS_VERSION_NUMBER != MQTTRS_VERSION_MAJOR * 1000000 + MQTTRS_VERSION_MINOR * 1000 + MQTTRS_VERSION_REVISION
#error and our own
#endif

_Static_assert(sizeof(PROTOCOL_NAME) == sizeof("MQTT"), "");
_Static_assert(sizeof(PROTOCOL_NAME_v31) == sizeof("MQIsdp"), "");
static const char names[] = PROTOCOL_NAME PROTOCOL_NAME_v31;

_Static_assert(MQTT_MAX_PAYLOAD == 268435455, "");
_Static_assert(_Generic(MQTT_MAX_PAYLOAD, unsigned int: 1, default: 0), "");
_Static_assert(_Generic(CMD_CONNECT, unsigned int: 1, default: 0), "");
_Static_assert(_Generic(CMD_WILL, int: 1, default: 0), "");
_Static_assert(_Generic(MOSQ_LOG_ALL, unsigned int: 1, default: 0), "");
_Static_assert(_Generic(MOSQ_LOG_ERR, int: 1, default: 0), "");

_Static_assert(MQTT_SUB_OPT_GET_QOS(0x2e) == 2, "");
_Static_assert(MQTT_SUB_OPT_GET_NO_LOCAL(0x2e) == MQTT_SUB_OPT_NO_LOCAL, "");
_Static_assert(MQTT_SUB_OPT_GET_NO_LOCAL(0x2a) == 0, "");
_Static_assert(MQTT_SUB_OPT_GET_RETAIN_AS_PUBLISHED(0x2e) == MQTT_SUB_OPT_RETAIN_AS_PUBLISHED, "");
_Static_assert(MQTT_SUB_OPT_GET_RETAIN_AS_PUBLISHED(0x26) == 0, "");
_Static_assert(MQTT_SUB_OPT_GET_SEND_RETAIN(0x2e) == MQTT_SUB_OPT_SEND_RETAIN_NEVER, "");

libmosq_EXPORT int set(int options);
libmosq_EXPORT int set(int options)
{
    MQTT_SUB_OPT_SET_QOS(options, 1);
    MQTT_SUB_OPT_SET_NO_LOCAL(options, true);
    MQTT_SUB_OPT_SET_RETAIN_AS_PUBLISHED(options, false);
    MQTT_SUB_OPT_SET_SEND_RETAIN(options, MQTT_SUB_OPT_SEND_RETAIN_NEW);
    MQTT_SUB_OPT_SET(options, MQTT_SUB_OPT_RETAIN_AS_PUBLISHED);
    MQTT_SUB_OPT_CLEAR(options, MQTT_SUB_OPT_NO_LOCAL);
    return options + (int)sizeof(names);
}
