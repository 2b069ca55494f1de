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

#endif  /* MQTTRS_H */
