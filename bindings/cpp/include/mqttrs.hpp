/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */

/**
 * @file
 * libmqttrs for C++17: all of it in headers, over <mqttrs.h>.
 *
 *     auto client = mqttrs::client::create({"thermometer"}).value();
 *     client.connect("localhost").value();
 *     client.start().value();
 *     client.publish_wait({"room/temperature", "21.5"}, std::chrono::seconds(5)).value();
 *
 * - mqttrs::client is the client; it is in mqttrs/client.hpp.
 * - mqttrs::loop is one thread, or one descriptor, for many clients.
 * - mqttrs::publish_once(), receive_once() and receive_each() need no client.
 * - mqttrs::properties are those of MQTT 5.
 * - mqttrs::result<T> is what functions return that can fail. Exceptions are for who wants them.
 */

#ifndef MQTTRS_HPP
#define MQTTRS_HPP

#include "mqttrs/client.hpp"
#include "mqttrs/loop.hpp"
#include "mqttrs/once.hpp"

#endif
