/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_MESSAGE_HPP
#define MQTTRS_MESSAGE_HPP

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"
#include "properties.hpp"
#include "result.hpp"

MQTTRS_NAMESPACE_BEGIN

/** Quality of service (MQTT 5.0 section 4.3). */
enum class qos {
    /** QoS 0: it comes once or not at all. */
    at_most_once = 0,
    /** QoS 1: it comes, perhaps more than once. */
    at_least_once = 1,
    /** QoS 2: it comes once. */
    exactly_once = 2,
};

/** A message that has its own memory: a will, a copy of one that was received. */
struct message {
    std::string topic;
    /** Any bytes. */
    std::string payload = {};
    mqttrs::qos qos = mqttrs::qos::at_most_once;
    bool retain = false;
    mqttrs::properties properties = {};
    /** The packet identifier of a received message, for client::ack; 0 for QoS 0. */
    int mid = 0;
};

/** Whether a topic filter matches a topic (MQTT 5.0 section 4.7); not where either is wrong. */
inline bool topic_matches(std::string_view filter, std::string_view topic) noexcept
{
    bool matches = false;
    return mosquitto_topic_matches_sub2(filter.data(), filter.size(), topic.data(), topic.size(),
                                        &matches) == MOSQ_ERR_SUCCESS &&
           matches;
}

/**
 * A message to publish. It points to the program's topic, payload and properties, which are read
 * only until the function returns that is given it.
 *
 *     client.publish({"a/b", "hello", qos::at_least_once});
 */
struct outgoing {
    std::string_view topic;
    bytes_view payload = {};
    mqttrs::qos qos = mqttrs::qos::at_most_once;
    bool retain = false;
    /** MQTT 5 only; nullptr for none. */
    const mqttrs::properties *properties = nullptr;

    /** A message that was received, or a will, to be published. */
    static outgoing from(const message &other) noexcept
    {
        const bool any = !other.properties.empty() || other.properties.error();
        return {other.topic, other.payload, other.qos, other.retain,
                any ? &other.properties : nullptr};
    }
};

/** A message that has just been received; it lives until the handler returns. */
class message_view
{
public:
    message_view(const mosquitto_message &message, const mosquitto_property *properties) noexcept
        : message_(&message)
        , properties_(properties)
    {
    }

    std::string_view topic() const noexcept
    {
        return message_->topic == nullptr ? std::string_view() : message_->topic;
    }
    bytes_view payload() const noexcept
    {
        return {message_->payload, static_cast<std::size_t>(message_->payloadlen)};
    }
    /** The payload as characters, whatever they are. */
    std::string_view text() const noexcept
    {
        return payload().text();
    }
    mqttrs::qos qos() const noexcept
    {
        return static_cast<mqttrs::qos>(message_->qos);
    }
    /** Whether the server had kept it. */
    bool retain() const noexcept
    {
        return message_->retain;
    }
    /** The packet identifier, 0 for QoS 0. */
    int mid() const noexcept
    {
        return message_->mid;
    }
    /** None below MQTT 5. */
    property_view properties() const noexcept
    {
        return property_view(properties_);
    }
    /** A message that outlives the handler. */
    message copy() const
    {
        return {std::string(topic()),
                std::string(text()),
                qos(),
                retain(),
                mqttrs::properties(properties()),
                mid()};
    }
    /** For the functions of <mosquitto.h>. */
    const mosquitto_message *native_handle() const noexcept
    {
        return message_;
    }

private:
    const mosquitto_message *message_;
    const mosquitto_property *properties_;
};

/** What messages to subscribe to. */
struct subscription {
    std::string_view filter;
    /** The highest QoS in which messages shall come. */
    mqttrs::qos qos = mqttrs::qos::at_most_once;
    /** Or-ed values of `enum mqtt5_sub_options`, for MQTT 5. */
    int options = 0;
};

/** What became of a message, of a SUBSCRIBE or of an UNSUBSCRIBE. */
struct delivery {
    /** The packet identifier; 0 for what ended with its client. */
    int mid = 0;
    mqttrs::outcome outcome = mqttrs::outcome::cleared;
    /** The server's, an error from 128 on; of a request the highest of `reasons`. */
    reason_code reason = reason_code::success;
    /** A code for each topic filter of a request: the QoS that was granted, or an error. */
    std::vector<reason_code> reasons = {};
    /** Those of the server's answer. */
    mqttrs::properties properties = {};

    /** Why it did not arrive; false where it did (QoS 0: was sent). */
    std::error_code error() const noexcept
    {
        if (outcome != mqttrs::outcome::sent && outcome != mqttrs::outcome::acknowledged) {
            return outcome;
        }
        if (static_cast<int>(reason) >= MQTT_RC_UNSPECIFIED) {
            return reason;
        }
        return {};
    }
    /** Whether it arrived. */
    explicit operator bool() const noexcept
    {
        return !error();
    }
};

/** Gets a message. */
using message_handler = std::function<void(const message_view &)>;
/** Gets what became of a message or a request. */
using delivery_handler = std::function<void(const delivery &)>;
/** Gets the response to a request, or why there is none. */
using response_handler = std::function<void(const result<message> &)>;

namespace detail
{

/** A message for C, and the strings it points to. */
class c_message
{
public:
    explicit c_message(const outgoing &from)
        : topic_(from.topic)
    {
        c_.size = sizeof c_;
        c_.topic = topic_.get();
        c_.payload = from.payload.data();
        c_.payloadlen = from.payload.size();
        c_.qos = static_cast<int>(from.qos);
        c_.retain = from.retain;
        if (from.properties != nullptr) {
            c_.properties = from.properties->native_handle();
            error_ = from.properties->error();
        }
    }
    /** What is wrong with the properties. */
    std::error_code error() const noexcept
    {
        return error_;
    }
    const mqttrs_message *get() const noexcept
    {
        return &c_;
    }

private:
    c_string topic_;
    mqttrs_message c_ = {};
    std::error_code error_;
};

/** Subscriptions for C, and the strings they point to. */
class c_subscriptions
{
public:
    explicit c_subscriptions(const std::vector<subscription> &from)
    {
        for (const subscription &one : from) {
            filters_.emplace_back(one.filter);
            mqttrs_subscription to = {};
            to.size = sizeof to;
            to.filter = filters_.back().get();
            to.qos = static_cast<int>(one.qos);
            to.options = one.options;
            list_.push_back(to);
        }
    }
    const mqttrs_subscription *data() const noexcept
    {
        return list_.data();
    }
    std::size_t size() const noexcept
    {
        return list_.size();
    }

private:
    std::deque<c_string> filters_;
    std::vector<mqttrs_subscription> list_;
};

/** Topic filters for C. */
class c_filters
{
public:
    explicit c_filters(const std::vector<std::string> &from)
    {
        for (const std::string &one : from) {
            filters_.emplace_back(one);
            list_.push_back(filters_.back().get());
        }
    }
    const char *const *data() const noexcept
    {
        return list_.data();
    }
    std::size_t size() const noexcept
    {
        return list_.size();
    }

private:
    std::deque<c_string> filters_;
    std::vector<const char *> list_;
};

inline delivery delivery_from(const mqttrs_result &from)
{
    delivery to;
    to.mid = from.mid;
    to.outcome = static_cast<outcome>(from.outcome);
    to.reason = static_cast<reason_code>(from.reason_code);
    for (int i = 0; i < from.reason_code_count; ++i) {
        to.reasons.push_back(static_cast<reason_code>(from.reason_codes[i]));
    }
    to.properties = properties(property_view(from.properties));
    return to;
}

} // namespace detail

MQTTRS_NAMESPACE_END

#endif
