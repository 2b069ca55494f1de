/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * Made from the sources in src/ffi by `make headers`: not to be edited. */

#ifndef MQTTRS_H
#define MQTTRS_H

#include "mosquitto.h"

/* The version of this library; that in mosquitto.h is the version of libmosquitto whose
 * interface it has. */
#define MQTTRS_VERSION_MAJOR 0
#define MQTTRS_VERSION_MINOR 1
#define MQTTRS_VERSION_REVISION 0
/* As LIBMOSQUITTO_VERSION_NUMBER: 1002003 for 1.2.3. */
#define MQTTRS_VERSION_NUMBER \
    (MQTTRS_VERSION_MAJOR * 1000000 + MQTTRS_VERSION_MINOR * 1000 + MQTTRS_VERSION_REVISION)

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Gives outgoing messages topic aliases without the program's doing (MQTT 5.0 section
 * 3.3.2.3.4): the second message to a topic is sent without the topic's name.
 *
 * `value` true switches it on, false (the default) off. It works as far as the server's
 * Topic Alias Maximum goes, the least recently used alias being used again when there are no
 * more, and does nothing below MQTT 5 or for a server that takes no aliases. Messages with
 * a topic alias of the program's own are left as they are.
 *
 * Takes effect with the next message. Any thread, any callback.
 *
 * Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
 *
 * The caller promises:
 * `mosq` is NULL or came from `mosquitto_new`.
 */
libmosq_EXPORT int mqttrs_automatic_topic_aliases_set(struct mosquitto *mosq, bool value);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MQTTRS_H */
