/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * libmosquitto has a part of its interface here; this is all of libmosquitto's interface. */
#include "../mosquitto.h"
