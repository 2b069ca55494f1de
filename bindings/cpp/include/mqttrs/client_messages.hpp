/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * The functions that client.hpp declares for messages. Not for programs. */
#ifndef MQTTRS_CLIENT_MESSAGES_HPP
#define MQTTRS_CLIENT_MESSAGES_HPP

#include <utility>

#include "client.hpp"

MQTTRS_NAMESPACE_BEGIN

inline result<int> client::publish(const outgoing &message)
{
    if (message.properties != nullptr && message.properties->error()) {
        return message.properties->error();
    }
    if (message.payload.size() > MQTT_MAX_PAYLOAD) {
        return errc::payload_size;
    }
    int mid = 0;
    mosquitto *const handle = native_handle();
    const int rc = mosquitto_publish_v5(
        handle, &mid, detail::c_string(message.topic).get(),
        static_cast<int>(message.payload.size()), message.payload.data(),
        static_cast<int>(message.qos), message.retain,
        message.properties == nullptr ? nullptr : message.properties->native_handle());
    if (rc != MOSQ_ERR_SUCCESS) {
        return detail::explain(rc, handle);
    }
    return mid;
}

inline result<int> client::publish(std::string_view topic, bytes_view payload, mqttrs::qos qos,
                                   bool retain)
{
    return publish(outgoing{topic, payload, qos, retain, nullptr});
}

inline result<int> client::publish(const outgoing &message, delivery_handler done)
{
    const detail::c_message c(message);
    if (c.error()) {
        return c.error();
    }
    return begin(std::move(done), "publish",
                 [&](mosquitto *handle, int *mid, MQTTRS_CB_done on_done, void *one) {
                     return mqttrs_publish(handle, mid, c.get(), on_done, one, nullptr);
                 });
}

inline result<token> client::publish_token(const outgoing &message)
{
    const detail::c_message c(message);
    if (c.error()) {
        return c.error();
    }
    return begin_token([&](mosquitto *handle, mqttrs_token **made) {
        return mqttrs_publish(handle, nullptr, c.get(), nullptr, nullptr, made);
    });
}

inline result<std::future<delivery>> client::publish_future(const outgoing &message)
{
    auto promise = std::make_shared<std::promise<delivery>>();
    auto sent = publish(message, [promise](const delivery &d) { promise->set_value(d); });
    if (!sent) {
        return sent.failed();
    }
    return promise->get_future();
}

inline result<delivery> client::publish_wait(const outgoing &message,
                                             std::chrono::milliseconds timeout)
{
    auto one = publish_token(message);
    if (!one) {
        return one.failed();
    }
    return one->wait(timeout);
}

inline result<void> client::drain(std::chrono::milliseconds timeout)
{
    return call(mqttrs_drain, detail::milliseconds(timeout));
}

inline result<void> client::set_queue(const queue_options &options)
{
    const auto to = detail::c_options(options);
    return call(mqttrs_queue_set, &to);
}

inline result<void> client::clear_queue()
{
    return call(mqttrs_queue_clear);
}

inline result<void> client::set_throttle(const throttle_options &options)
{
    const auto to = detail::c_options(options);
    return call(mqttrs_throttle_set, nullptr, &to);
}

inline result<void> client::set_throttle(std::string_view filter, const throttle_options &options)
{
    const auto to = detail::c_options(options);
    return call(mqttrs_throttle_set, detail::c_string(filter).get(), &to);
}

inline result<int> client::subscribe(std::string_view filter, mqttrs::qos qos, int options)
{
    int mid = 0;
    mosquitto *const handle = native_handle();
    const int rc = mosquitto_subscribe_v5(handle, &mid, detail::c_string(filter).get(),
                                          static_cast<int>(qos), options, nullptr);
    if (rc != MOSQ_ERR_SUCCESS) {
        return detail::explain(rc, handle);
    }
    return mid;
}

inline result<int> client::subscribe(std::string_view filter, mqttrs::qos qos,
                                     message_handler handler)
{
    if (auto set = on_message(filter, std::move(handler)); !set) {
        return set.failed();
    }
    return subscribe(filter, qos);
}

inline result<int> client::subscribe_all(const std::vector<subscription> &list,
                                         delivery_handler done,
                                         const mqttrs::properties &properties)
{
    if (properties.error()) {
        return properties.error();
    }
    const detail::c_subscriptions c(list);
    return begin(std::move(done), "subscribe",
                 [&](mosquitto *handle, int *mid, MQTTRS_CB_done on_done, void *one) {
                     return mqttrs_subscribe(handle, mid, c.data(), c.size(),
                                             properties.native_handle(), on_done, one, nullptr);
                 });
}

inline result<token> client::subscribe_token(const std::vector<subscription> &list,
                                             const mqttrs::properties &properties)
{
    if (properties.error()) {
        return properties.error();
    }
    const detail::c_subscriptions c(list);
    return begin_token([&](mosquitto *handle, mqttrs_token **made) {
        return mqttrs_subscribe(handle, nullptr, c.data(), c.size(), properties.native_handle(),
                                nullptr, nullptr, made);
    });
}

inline result<int> client::unsubscribe(std::string_view filter)
{
    int mid = 0;
    mosquitto *const handle = native_handle();
    const int rc = mosquitto_unsubscribe(handle, &mid, detail::c_string(filter).get());
    if (rc != MOSQ_ERR_SUCCESS) {
        return detail::explain(rc, handle);
    }
    return mid;
}

inline result<int> client::unsubscribe_all(const std::vector<std::string> &filters,
                                           delivery_handler done)
{
    const detail::c_filters c(filters);
    return begin(std::move(done), "unsubscribe",
                 [&](mosquitto *handle, int *mid, MQTTRS_CB_done on_done, void *one) {
                     return mqttrs_unsubscribe(handle, mid, c.data(), c.size(), nullptr, on_done,
                                               one, nullptr);
                 });
}

inline result<token> client::unsubscribe_token(const std::vector<std::string> &filters)
{
    const detail::c_filters c(filters);
    return begin_token([&](mosquitto *handle, mqttrs_token **made) {
        return mqttrs_unsubscribe(handle, nullptr, c.data(), c.size(), nullptr, nullptr, nullptr,
                                  made);
    });
}

inline result<void> client::set_resubscribe(bool on)
{
    return call(mqttrs_resubscribe_set, on);
}

inline result<void> client::set_receive_throttle(const throttle_options &options)
{
    const auto to = detail::c_options(options);
    return call(mqttrs_receive_throttle_set, &to);
}

inline result<void> client::set_ack_mode(mqttrs::ack_mode mode)
{
    return call(mqttrs_ack_mode_set, static_cast<int>(mode));
}

inline result<void> client::ack(int mid, reason_code reason)
{
    return call(mqttrs_ack, mid, static_cast<int>(reason));
}

inline result<void> client::request(const outgoing &message, std::chrono::milliseconds timeout,
                                    response_handler handler)
{
    const detail::c_message c(message);
    if (c.error()) {
        return c.error();
    }
    if (!handler) {
        return errc::invalid;
    }
    auto one = pending_call(std::move(handler), "request");
    const result<void> made = call(mqttrs_request, c.get(), detail::milliseconds(timeout),
                                   detail::responded, static_cast<void *>(one.get()));
    if (made) {
        /* It frees itself when it runs. */
        static_cast<void>(one.release());
    }
    return made;
}

inline result<message> client::request_wait(const outgoing &message,
                                            std::chrono::milliseconds timeout)
{
    const detail::c_message c(message);
    if (c.error()) {
        return c.error();
    }
    mosquitto_message *response = nullptr;
    mosquitto_property *list = nullptr;
    auto made = call(mqttrs_request_wait, c.get(), detail::milliseconds(timeout), &response, &list);
    if (!made) {
        return made.failed();
    }
    const properties owner = properties::adopt(list);
    mqttrs::message copy = message_view(*response, list).copy();
    mosquitto_message_free(&response);
    return copy;
}

inline result<std::future<result<message>>>
client::request_future(const outgoing &message, std::chrono::milliseconds timeout)
{
    auto promise = std::make_shared<std::promise<result<mqttrs::message>>>();
    auto made = request(message, timeout, [promise](const result<mqttrs::message> &response) {
        promise->set_value(response);
    });
    if (!made) {
        return made.failed();
    }
    return promise->get_future();
}

inline result<void> client::request_by_topic(bool on)
{
    return call(mqttrs_request_by_topic_set, on);
}

inline result<void> client::serve(std::string_view filter, mqttrs::qos qos, request_handler handler)
{
    if (!handler) {
        return stop_serving(filter);
    }
    auto one = std::make_shared<detail::service>();
    one->owner = state_;
    one->call = std::move(handler);
    return add(&detail::client_state::services, filter, std::move(one),
               [qos](mosquitto *handle, const char *name, void *id) {
                   return mqttrs_serve(handle, name, static_cast<int>(qos), detail::asked, id);
               });
}

inline result<void> client::stop_serving(std::string_view filter)
{
    return remove<detail::service>(&detail::client_state::services, filter,
                                   [](mosquitto *handle, const char *name) {
                                       return mqttrs_serve(handle, name, 0, nullptr, nullptr);
                                   });
}

inline result<void> client::respond(const message &request, bytes_view payload, mqttrs::qos qos,
                                    const mqttrs::properties &properties)
{
    if (properties.error()) {
        return properties.error();
    }
    mosquitto_message to = {};
    to.mid = request.mid;
    /* C has no const here; nothing is written to. */
    to.topic = const_cast<char *>(request.topic.c_str());
    to.payload = const_cast<char *>(request.payload.data());
    to.payloadlen = static_cast<int>(request.payload.size());
    to.qos = static_cast<int>(request.qos);
    to.retain = request.retain;
    return call(mqttrs_respond, &to, request.properties.native_handle(), payload.data(),
                payload.size(), static_cast<int>(qos), properties.native_handle());
}

MQTTRS_NAMESPACE_END

#endif
