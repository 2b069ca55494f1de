/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_ERROR_HPP
#define MQTTRS_ERROR_HPP

#include <cerrno>
#include <string>
#include <system_error>
#include <type_traits>

#include "config.hpp"

MQTTRS_NAMESPACE_BEGIN

/** What the functions of the library return, in the category library_category(). */
enum class errc {
    queue_full = MOSQ_ERR_QUOTA_EXCEEDED,
    no_memory = MOSQ_ERR_NOMEM,
    protocol = MOSQ_ERR_PROTOCOL,
    /** An argument is not allowed, or the client is closed, or this cannot be done in a handler. */
    invalid = MOSQ_ERR_INVAL,
    no_connection = MOSQ_ERR_NO_CONN,
    connection_refused = MOSQ_ERR_CONN_REFUSED,
    not_found = MOSQ_ERR_NOT_FOUND,
    connection_lost = MOSQ_ERR_CONN_LOST,
    tls = MOSQ_ERR_TLS,
    payload_size = MOSQ_ERR_PAYLOAD_SIZE,
    not_supported = MOSQ_ERR_NOT_SUPPORTED,
    authentication = MOSQ_ERR_AUTH,
    access_denied = MOSQ_ERR_ACL_DENIED,
    unknown = MOSQ_ERR_UNKNOWN,
    /** An error of the system, where it is not known which: in events. */
    system = MOSQ_ERR_ERRNO,
    name_resolution = MOSQ_ERR_EAI,
    proxy = MOSQ_ERR_PROXY,
    malformed_utf8 = MOSQ_ERR_MALFORMED_UTF8,
    keep_alive = MOSQ_ERR_KEEPALIVE,
    malformed_packet = MOSQ_ERR_MALFORMED_PACKET,
    duplicate_property = MOSQ_ERR_DUPLICATE_PROPERTY,
    tls_handshake = MOSQ_ERR_TLS_HANDSHAKE,
    qos_not_supported = MOSQ_ERR_QOS_NOT_SUPPORTED,
    oversize_packet = MOSQ_ERR_OVERSIZE_PACKET,
    timeout = MOSQ_ERR_TIMEOUT,
};

/** Reason codes of MQTT 5 (section 2.4), in reason_category(); errors from 128 on. */
enum class reason_code {
    success = MQTT_RC_SUCCESS,
    granted_qos_1 = MQTT_RC_GRANTED_QOS1,
    granted_qos_2 = MQTT_RC_GRANTED_QOS2,
    disconnect_with_will = MQTT_RC_DISCONNECT_WITH_WILL_MSG,
    no_matching_subscribers = MQTT_RC_NO_MATCHING_SUBSCRIBERS,
    no_subscription_existed = MQTT_RC_NO_SUBSCRIPTION_EXISTED,
    continue_authentication = MQTT_RC_CONTINUE_AUTHENTICATION,
    reauthenticate = MQTT_RC_REAUTHENTICATE,
    unspecified = MQTT_RC_UNSPECIFIED,
    malformed_packet = MQTT_RC_MALFORMED_PACKET,
    protocol_error = MQTT_RC_PROTOCOL_ERROR,
    implementation_specific = MQTT_RC_IMPLEMENTATION_SPECIFIC,
    unsupported_protocol_version = MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION,
    client_identifier_not_valid = MQTT_RC_CLIENTID_NOT_VALID,
    bad_username_or_password = MQTT_RC_BAD_USERNAME_OR_PASSWORD,
    not_authorized = MQTT_RC_NOT_AUTHORIZED,
    server_unavailable = MQTT_RC_SERVER_UNAVAILABLE,
    server_busy = MQTT_RC_SERVER_BUSY,
    banned = MQTT_RC_BANNED,
    server_shutting_down = MQTT_RC_SERVER_SHUTTING_DOWN,
    bad_authentication_method = MQTT_RC_BAD_AUTHENTICATION_METHOD,
    keep_alive_timeout = MQTT_RC_KEEP_ALIVE_TIMEOUT,
    session_taken_over = MQTT_RC_SESSION_TAKEN_OVER,
    topic_filter_invalid = MQTT_RC_TOPIC_FILTER_INVALID,
    topic_name_invalid = MQTT_RC_TOPIC_NAME_INVALID,
    packet_identifier_in_use = MQTT_RC_PACKET_ID_IN_USE,
    packet_identifier_not_found = MQTT_RC_PACKET_ID_NOT_FOUND,
    receive_maximum_exceeded = MQTT_RC_RECEIVE_MAXIMUM_EXCEEDED,
    topic_alias_invalid = MQTT_RC_TOPIC_ALIAS_INVALID,
    packet_too_large = MQTT_RC_PACKET_TOO_LARGE,
    message_rate_too_high = MQTT_RC_MESSAGE_RATE_TOO_HIGH,
    quota_exceeded = MQTT_RC_QUOTA_EXCEEDED,
    administrative_action = MQTT_RC_ADMINISTRATIVE_ACTION,
    payload_format_invalid = MQTT_RC_PAYLOAD_FORMAT_INVALID,
    retain_not_supported = MQTT_RC_RETAIN_NOT_SUPPORTED,
    qos_not_supported = MQTT_RC_QOS_NOT_SUPPORTED,
    use_another_server = MQTT_RC_USE_ANOTHER_SERVER,
    server_moved = MQTT_RC_SERVER_MOVED,
    shared_subscriptions_not_supported = MQTT_RC_SHARED_SUBS_NOT_SUPPORTED,
    connection_rate_exceeded = MQTT_RC_CONNECTION_RATE_EXCEEDED,
    maximum_connect_time = MQTT_RC_MAXIMUM_CONNECT_TIME,
    subscription_identifiers_not_supported = MQTT_RC_SUBSCRIPTION_IDS_NOT_SUPPORTED,
    wildcard_subscriptions_not_supported = MQTT_RC_WILDCARD_SUBS_NOT_SUPPORTED,
};

/** Return codes of CONNACK below MQTT 5, in connack_category(). */
enum class connack_code {
    accepted = CONNACK_ACCEPTED,
    protocol_version = CONNACK_REFUSED_PROTOCOL_VERSION,
    identifier_rejected = CONNACK_REFUSED_IDENTIFIER_REJECTED,
    server_unavailable = CONNACK_REFUSED_SERVER_UNAVAILABLE,
    bad_username_or_password = CONNACK_REFUSED_BAD_USERNAME_PASSWORD,
    not_authorized = CONNACK_REFUSED_NOT_AUTHORIZED,
};

/** What became of a message that was accepted, in outcome_category(). */
enum class outcome {
    /** QoS 0: it was handed to the network. */
    sent = MQTTRS_OUTCOME_SENT,
    /** The server has answered, and the reason code says what. */
    acknowledged = MQTTRS_OUTCOME_ACKNOWLEDGED,
    /** It waited longer than its message expiry interval. */
    expired = MQTTRS_OUTCOME_EXPIRED,
    /** It made room for a newer one. */
    overflow = MQTTRS_OUTCOME_OVERFLOW,
    /** The program dropped it, or the client with it. */
    cleared = MQTTRS_OUTCOME_CLEARED,
    too_large = MQTTRS_OUTCOME_TOO_LARGE,
    qos_not_supported = MQTTRS_OUTCOME_QOS_NOT_SUPPORTED,
    /** QoS 0: the connection ended before all of it was handed to the network. */
    connection_lost = MQTTRS_OUTCOME_CONNECTION_LOST,
    /** Unknown: the server had taken it over (QoS 2) and lost the session before the end. */
    session_lost = MQTTRS_OUTCOME_SESSION_LOST,
};

namespace detail
{

class library_category_type final : public std::error_category
{
public:
    const char *name() const noexcept override
    {
        return "mqttrs";
    }
    std::string message(int value) const override
    {
        return mosquitto_strerror(value);
    }
    /** So that programs can compare with std::errc without knowing this library. */
    std::error_condition default_error_condition(int value) const noexcept override
    {
        switch (value) {
        case MOSQ_ERR_NOMEM: return std::errc::not_enough_memory;
        case MOSQ_ERR_PROTOCOL: return std::errc::protocol_error;
        case MOSQ_ERR_INVAL: return std::errc::invalid_argument;
        case MOSQ_ERR_NO_CONN: return std::errc::not_connected;
        case MOSQ_ERR_CONN_REFUSED: return std::errc::connection_refused;
        case MOSQ_ERR_CONN_LOST: return std::errc::connection_reset;
        case MOSQ_ERR_PAYLOAD_SIZE: return std::errc::message_size;
        case MOSQ_ERR_OVERSIZE_PACKET: return std::errc::message_size;
        case MOSQ_ERR_NOT_SUPPORTED: return std::errc::not_supported;
        case MOSQ_ERR_AUTH: return std::errc::permission_denied;
        case MOSQ_ERR_ACL_DENIED: return std::errc::permission_denied;
        case MOSQ_ERR_KEEPALIVE: return std::errc::timed_out;
        case MOSQ_ERR_TIMEOUT: return std::errc::timed_out;
        case MOSQ_ERR_QUOTA_EXCEEDED: return std::errc::no_buffer_space;
        default: return {value, *this};
        }
    }
};

class reason_category_type final : public std::error_category
{
public:
    const char *name() const noexcept override
    {
        return "mqtt reason code";
    }
    std::string message(int value) const override
    {
        return mosquitto_reason_string(value);
    }
};

class connack_category_type final : public std::error_category
{
public:
    const char *name() const noexcept override
    {
        return "mqtt connack";
    }
    std::string message(int value) const override
    {
        return mosquitto_connack_string(value);
    }
};

class outcome_category_type final : public std::error_category
{
public:
    const char *name() const noexcept override
    {
        return "mqttrs outcome";
    }
    std::string message(int value) const override
    {
        switch (static_cast<outcome>(value)) {
        case outcome::sent: return "The message was sent.";
        case outcome::acknowledged: return "The server has answered.";
        case outcome::expired: return "The message expired before it was sent.";
        case outcome::overflow: return "The message made room for a newer one.";
        case outcome::cleared: return "The message was dropped by the program.";
        case outcome::too_large: return "The message is larger than the server takes.";
        case outcome::qos_not_supported: return "The server does not take the message's QoS.";
        case outcome::connection_lost: return "The connection ended before the message was sent.";
        case outcome::session_lost: return "The server lost the session; the outcome is unknown.";
        }
        return "Unknown outcome.";
    }
};

} // namespace detail

/** The category of errc. */
inline const std::error_category &library_category() noexcept
{
    static const detail::library_category_type category;
    return category;
}

/** The category of reason_code. */
inline const std::error_category &reason_category() noexcept
{
    static const detail::reason_category_type category;
    return category;
}

/** The category of connack_code. */
inline const std::error_category &connack_category() noexcept
{
    static const detail::connack_category_type category;
    return category;
}

/** The category of outcome. */
inline const std::error_category &outcome_category() noexcept
{
    static const detail::outcome_category_type category;
    return category;
}

inline std::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), library_category()};
}

inline std::error_code make_error_code(reason_code code) noexcept
{
    return {static_cast<int>(code), reason_category()};
}

inline std::error_code make_error_code(connack_code code) noexcept
{
    return {static_cast<int>(code), connack_category()};
}

inline std::error_code make_error_code(outcome code) noexcept
{
    return {static_cast<int>(code), outcome_category()};
}

/**
 * What a function of the C API has returned, as an error code: of the system where that is what
 * it says (`errno` is read), of the server from 128 on, otherwise of the library.
 */
inline std::error_code error_from(int returned) noexcept
{
    const int system_error = errno;
    if (returned == MOSQ_ERR_SUCCESS) {
        return {};
    }
    if (returned == MOSQ_ERR_ERRNO) {
        return {system_error, std::generic_category()};
    }
    if (returned >= MQTT_RC_UNSPECIFIED) {
        return {returned, reason_category()};
    }
    return {returned, library_category()};
}

MQTTRS_NAMESPACE_END

namespace std
{
template <> struct is_error_code_enum<mqttrs::errc> : true_type {
};
template <> struct is_error_code_enum<mqttrs::reason_code> : true_type {
};
template <> struct is_error_code_enum<mqttrs::connack_code> : true_type {
};
template <> struct is_error_code_enum<mqttrs::outcome> : true_type {
};
} // namespace std

#endif
