/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_EVENTS_HPP
#define MQTTRS_EVENTS_HPP

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include "message.hpp"

MQTTRS_NAMESPACE_BEGIN

/** The server's answer to CONNECT. */
struct connect_event {
    /** A reason_code (MQTT 5) or connack_code; false where the connection was accepted. */
    std::error_code error;
    /** Whether the server still had the session. */
    bool session_present;
    property_view properties;
};

/** The end of a connection. */
struct disconnect_event {
    /** False where the program asked for it; otherwise an errc or a reason_code. */
    std::error_code error;
    /** Those of an MQTT 5 server's DISCONNECT. */
    property_view properties;
};

/** What became of a message, for client::on_outcome. */
struct outcome_event {
    int mid;
    mqttrs::outcome outcome;
    reason_code reason;
    property_view properties;
};

/** Where the life of a connection stands. */
struct lifecycle_event {
    enum class state {
        /** There is no connection, and none comes by itself. */
        idle = MQTTRS_LIFECYCLE_IDLE,
        connecting = MQTTRS_LIFECYCLE_CONNECTING,
        /** The server has accepted the connection. */
        up = MQTTRS_LIFECYCLE_UP,
        /** The next attempt comes after `delay`. */
        waiting = MQTTRS_LIFECYCLE_WAITING,
        /** No attempt follows until the program asks for one. */
        given_up = MQTTRS_LIFECYCLE_GIVEN_UP,
    };
    state now;
    /** What went wrong before that; false for nothing. */
    std::error_code error;
    /** The same in words. */
    std::string_view words;
    /** The server of this attempt or the last one; its port, 0 for a Unix socket. */
    std::string_view host;
    int port;
    /** How many attempts were made in a row, this one included. */
    unsigned int attempt;
    std::chrono::milliseconds delay;
};

/** Something that was logged; it lives until the handler returns. */
class log_record
{
public:
    explicit log_record(const mqttrs_log_record &record) noexcept
        : record_(&record)
    {
    }
    /** MOSQ_LOG_INFO, _NOTICE, _WARNING, _ERR or _DEBUG. */
    int level() const noexcept
    {
        return record_->level;
    }
    std::string_view client_id() const noexcept
    {
        return text_of(record_->client_id);
    }
    /** A name that stays the same in later versions, "publish.sent" for instance. */
    std::string_view event() const noexcept
    {
        return text_of(record_->event);
    }
    /** One line for people. */
    std::string_view text() const noexcept
    {
        return text_of(record_->text);
    }
    std::size_t field_count() const noexcept
    {
        return record_->field_count;
    }
    /** Key and value; `index` is below field_count(). */
    string_pair field(std::size_t index) const noexcept
    {
        return {record_->fields[index].key, record_->fields[index].value};
    }
    /** The value of a key; empty where it has none. */
    std::string_view operator[](std::string_view key) const noexcept
    {
        for (std::size_t i = 0; i < field_count(); ++i) {
            if (record_->fields[i].key == key) {
                return record_->fields[i].value;
            }
        }
        return {};
    }

private:
    static std::string_view text_of(const char *text) noexcept
    {
        return text == nullptr ? std::string_view() : text;
    }
    const mqttrs_log_record *record_;
};

/** The server's AUTH: a step of enhanced authentication (MQTT 5.0 section 4.12). */
struct auth_event {
    std::string_view method;
    bytes_view data;
    property_view properties;
};

/** An exception that has left a handler. */
struct handler_error {
    /** Which handler it was: "on_message" for instance. */
    std::string_view handler;
    /** What std::exception::what() says, if it was one. */
    std::string words;
    /** To be thrown again by std::rethrow_exception. */
    std::exception_ptr exception;
};

using connect_handler = std::function<void(const connect_event &)>;
using disconnect_handler = std::function<void(const disconnect_event &)>;
using outcome_handler = std::function<void(const outcome_event &)>;
using lifecycle_handler = std::function<void(const lifecycle_event &)>;
using log_handler = std::function<void(const log_record &)>;
/** Answers by client::continue_auth; false ends the attempt to connect. */
using auth_handler = std::function<bool(const auth_event &)>;
using error_handler = std::function<void(const handler_error &)>;

MQTTRS_NAMESPACE_END

#endif
