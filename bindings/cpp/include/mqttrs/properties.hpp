/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_PROPERTIES_HPP
#define MQTTRS_PROPERTIES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "bytes.hpp"
#include "error.hpp"

MQTTRS_NAMESPACE_BEGIN

/** A property of MQTT 5: its identifier, its encoding, and in `T` the C++ type of its value. */
template <class T> struct property {
    int identifier;
    int type;
};

/** The value of a User Property: name and value. */
using string_pair = std::pair<std::string_view, std::string_view>;

/** The properties of MQTT 5 (section 2.2.2.2). */
namespace prop
{
/* clang-format off */
inline constexpr property<bool>                 payload_format_indicator     {MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, MQTT_PROP_TYPE_BYTE};
inline constexpr property<std::chrono::seconds> message_expiry_interval      {MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, MQTT_PROP_TYPE_INT32};
inline constexpr property<std::string_view>     content_type                 {MQTT_PROP_CONTENT_TYPE, MQTT_PROP_TYPE_STRING};
inline constexpr property<std::string_view>     response_topic               {MQTT_PROP_RESPONSE_TOPIC, MQTT_PROP_TYPE_STRING};
inline constexpr property<bytes_view>           correlation_data             {MQTT_PROP_CORRELATION_DATA, MQTT_PROP_TYPE_BINARY};
inline constexpr property<std::uint32_t>        subscription_identifier      {MQTT_PROP_SUBSCRIPTION_IDENTIFIER, MQTT_PROP_TYPE_VARINT};
inline constexpr property<std::chrono::seconds> session_expiry_interval      {MQTT_PROP_SESSION_EXPIRY_INTERVAL, MQTT_PROP_TYPE_INT32};
inline constexpr property<std::string_view>     assigned_client_identifier   {MQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER, MQTT_PROP_TYPE_STRING};
inline constexpr property<std::chrono::seconds> server_keep_alive            {MQTT_PROP_SERVER_KEEP_ALIVE, MQTT_PROP_TYPE_INT16};
inline constexpr property<std::string_view>     authentication_method        {MQTT_PROP_AUTHENTICATION_METHOD, MQTT_PROP_TYPE_STRING};
inline constexpr property<bytes_view>           authentication_data          {MQTT_PROP_AUTHENTICATION_DATA, MQTT_PROP_TYPE_BINARY};
inline constexpr property<bool>                 request_problem_information  {MQTT_PROP_REQUEST_PROBLEM_INFORMATION, MQTT_PROP_TYPE_BYTE};
inline constexpr property<std::chrono::seconds> will_delay_interval          {MQTT_PROP_WILL_DELAY_INTERVAL, MQTT_PROP_TYPE_INT32};
inline constexpr property<bool>                 request_response_information {MQTT_PROP_REQUEST_RESPONSE_INFORMATION, MQTT_PROP_TYPE_BYTE};
inline constexpr property<std::string_view>     response_information         {MQTT_PROP_RESPONSE_INFORMATION, MQTT_PROP_TYPE_STRING};
inline constexpr property<std::string_view>     server_reference             {MQTT_PROP_SERVER_REFERENCE, MQTT_PROP_TYPE_STRING};
inline constexpr property<std::string_view>     reason_string                {MQTT_PROP_REASON_STRING, MQTT_PROP_TYPE_STRING};
inline constexpr property<std::uint16_t>        receive_maximum              {MQTT_PROP_RECEIVE_MAXIMUM, MQTT_PROP_TYPE_INT16};
inline constexpr property<std::uint16_t>        topic_alias_maximum          {MQTT_PROP_TOPIC_ALIAS_MAXIMUM, MQTT_PROP_TYPE_INT16};
inline constexpr property<std::uint16_t>        topic_alias                  {MQTT_PROP_TOPIC_ALIAS, MQTT_PROP_TYPE_INT16};
inline constexpr property<std::uint8_t>         maximum_qos                  {MQTT_PROP_MAXIMUM_QOS, MQTT_PROP_TYPE_BYTE};
inline constexpr property<bool>                 retain_available             {MQTT_PROP_RETAIN_AVAILABLE, MQTT_PROP_TYPE_BYTE};
inline constexpr property<string_pair>          user_property                {MQTT_PROP_USER_PROPERTY, MQTT_PROP_TYPE_STRING_PAIR};
inline constexpr property<std::uint32_t>        maximum_packet_size          {MQTT_PROP_MAXIMUM_PACKET_SIZE, MQTT_PROP_TYPE_INT32};
inline constexpr property<bool>                 wildcard_subscription_available {MQTT_PROP_WILDCARD_SUB_AVAILABLE, MQTT_PROP_TYPE_BYTE};
inline constexpr property<bool>                 subscription_identifiers_available {MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE, MQTT_PROP_TYPE_BYTE};
inline constexpr property<bool>                 shared_subscription_available {MQTT_PROP_SHARED_SUB_AVAILABLE, MQTT_PROP_TYPE_BYTE};
/* clang-format on */
} // namespace prop

namespace detail
{

/** `T`, where the compiler shall not deduce it: std::type_identity of C++20. */
template <class T> struct same {
    using type = T;
};
template <class T> using same_t = typename same<T>::type;

inline std::string_view view(const char *text, std::size_t length) noexcept
{
    return text == nullptr ? std::string_view() : std::string_view(text, length);
}

/** Reads the value of one property, which has the type that `T` says. */
template <class T> T value_of(const mosquitto_property *one)
{
    if constexpr (std::is_same_v<T, std::string_view>) {
        return view(mosquitto_property_string_value(one),
                    mosquitto_property_string_value_length(one));
    } else if constexpr (std::is_same_v<T, string_pair>) {
        return {
            view(mosquitto_property_string_name(one), mosquitto_property_string_name_length(one)),
            view(mosquitto_property_string_value(one),
                 mosquitto_property_string_value_length(one))};
    } else if constexpr (std::is_same_v<T, bytes_view>) {
        return {mosquitto_property_binary_value(one), mosquitto_property_binary_value_length(one)};
    } else {
        std::uint32_t number = 0;
        switch (mosquitto_property_type(one)) {
        case MQTT_PROP_TYPE_BYTE: number = mosquitto_property_byte_value(one); break;
        case MQTT_PROP_TYPE_INT16: number = mosquitto_property_int16_value(one); break;
        case MQTT_PROP_TYPE_VARINT: number = mosquitto_property_varint_value(one); break;
        default: number = mosquitto_property_int32_value(one); break;
        }
        if constexpr (std::is_same_v<T, bool>) {
            return number != 0;
        } else {
            return T(number);
        }
    }
}

} // namespace detail

/** One property of a list, as iterating over the list gives it. */
class property_entry
{
public:
    explicit property_entry(const mosquitto_property *one) noexcept
        : one_(one)
    {
    }
    /** An `enum mqtt5_property`. */
    int identifier() const noexcept
    {
        return mosquitto_property_identifier(one_);
    }
    /** The name in words, "user-property" for instance. */
    std::string_view name() const noexcept
    {
        const char *name = mosquitto_property_identifier_to_string(identifier());
        return name == nullptr ? std::string_view() : std::string_view(name);
    }
    /** The value, if it is this property. */
    template <class T> std::optional<T> as(const property<T> &which) const
    {
        if (identifier() != which.identifier) {
            return std::nullopt;
        }
        return detail::value_of<T>(one_);
    }

private:
    const mosquitto_property *one_;
};

/**
 * A list of properties that somebody else owns: the library, for as long as a handler runs, or a
 * `properties`. What it gives points into that list.
 */
class property_view
{
public:
    /** Goes from one property to the next. */
    class iterator
    {
    public:
        using value_type = property_entry;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = property_entry;
        using iterator_category = std::input_iterator_tag;

        explicit iterator(const mosquitto_property *at = nullptr) noexcept
            : at_(at)
        {
        }
        property_entry operator*() const noexcept
        {
            return property_entry(at_);
        }
        iterator &operator++() noexcept
        {
            at_ = mosquitto_property_next(at_);
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(iterator left, iterator right) noexcept
        {
            return left.at_ == right.at_;
        }
        friend bool operator!=(iterator left, iterator right) noexcept
        {
            return left.at_ != right.at_;
        }

    private:
        const mosquitto_property *at_;
    };

    constexpr property_view() noexcept = default;
    explicit constexpr property_view(const mosquitto_property *list) noexcept
        : list_(list)
    {
    }

    bool empty() const noexcept
    {
        return list_ == nullptr;
    }
    iterator begin() const noexcept
    {
        return iterator(list_);
    }
    iterator end() const noexcept
    {
        return iterator();
    }
    /** The first value of a property: `list.get(prop::content_type)`. */
    template <class T> std::optional<T> get(const property<T> &which) const
    {
        for (property_entry entry : *this) {
            if (auto value = entry.as(which)) {
                return value;
            }
        }
        return std::nullopt;
    }
    /** All values, for User Property and Subscription Identifier. */
    template <class T> std::vector<T> all(const property<T> &which) const
    {
        std::vector<T> values;
        for (property_entry entry : *this) {
            if (auto value = entry.as(which)) {
                values.push_back(*value);
            }
        }
        return values;
    }
    /** The value of the first User Property with this name. */
    std::optional<std::string_view> user(std::string_view name) const
    {
        for (property_entry entry : *this) {
            if (auto pair = entry.as(prop::user_property); pair && pair->first == name) {
                return pair->second;
            }
        }
        return std::nullopt;
    }
    /** For the functions of <mosquitto.h>; it stays the owner's. */
    const mosquitto_property *native_handle() const noexcept
    {
        return list_;
    }

private:
    const mosquitto_property *list_ = nullptr;
};

/**
 * A list of properties.
 *
 *     mqttrs::properties list;
 *     list.add(prop::content_type, "text/plain").user("room", "kitchen");
 *
 * A value that MQTT does not allow is left out, and error() says so then, as does every function
 * that is given the list.
 */
class properties
{
public:
    properties() noexcept = default;
    properties(const properties &other)
        : error_(other.error_)
    {
        note(mosquitto_property_copy_all(&list_, other.list_));
    }
    properties(properties &&other) noexcept
        : list_(std::exchange(other.list_, nullptr))
        , error_(std::exchange(other.error_, {}))
    {
    }
    /** A copy of what a handler was given. */
    explicit properties(property_view other)
    {
        note(mosquitto_property_copy_all(&list_, other.native_handle()));
    }
    properties &operator=(properties other) noexcept
    {
        std::swap(list_, other.list_);
        std::swap(error_, other.error_);
        return *this;
    }
    ~properties()
    {
        mosquitto_property_free_all(&list_);
    }

    /** Adds a property at the end. Numbers and times that are out of range are errors. */
    template <class T> properties &add(const property<T> &which, detail::same_t<T> value)
    {
        note(append(which, value));
        return *this;
    }
    /** Adds a User Property. */
    properties &user(std::string_view name, std::string_view value)
    {
        return add(prop::user_property, string_pair(name, value));
    }
    void clear() noexcept
    {
        mosquitto_property_free_all(&list_);
        error_ = {};
    }

    /** The first thing that went wrong in add(). */
    std::error_code error() const noexcept
    {
        return error_;
    }
    /** To look at. */
    operator property_view() const noexcept
    {
        return property_view(list_);
    }
    property_view view() const noexcept
    {
        return property_view(list_);
    }
    bool empty() const noexcept
    {
        return list_ == nullptr;
    }
    /** property_view::get */
    template <class T> std::optional<T> get(const property<T> &which) const
    {
        return view().get(which);
    }
    /** Gives the list away: the caller frees it by mosquitto_property_free_all. */
    mosquitto_property *release() noexcept
    {
        return std::exchange(list_, nullptr);
    }
    /** Takes a list over, which it will free. */
    static properties adopt(mosquitto_property *list) noexcept
    {
        properties owner;
        owner.list_ = list;
        return owner;
    }
    const mosquitto_property *native_handle() const noexcept
    {
        return list_;
    }

private:
    void note(int returned)
    {
        if (returned != MOSQ_ERR_SUCCESS && !error_) {
            error_ = error_from(returned);
        }
    }
    template <class T> int append(const property<T> &which, const T &value);

    mosquitto_property *list_ = nullptr;
    std::error_code error_;
};

template <class T> int properties::append(const property<T> &which, const T &value)
{
    const int id = which.identifier;
    if constexpr (std::is_same_v<T, std::string_view>) {
        return mosquitto_property_add_string(&list_, id, detail::c_string(value).get());
    } else if constexpr (std::is_same_v<T, string_pair>) {
        return mosquitto_property_add_string_pair(&list_, id, detail::c_string(value.first).get(),
                                                  detail::c_string(value.second).get());
    } else if constexpr (std::is_same_v<T, bytes_view>) {
        if (value.size() > std::numeric_limits<std::uint16_t>::max()) {
            return MOSQ_ERR_INVAL;
        }
        return mosquitto_property_add_binary(&list_, id, value.data(),
                                             static_cast<std::uint16_t>(value.size()));
    } else {
        long long number = 0;
        if constexpr (std::is_same_v<T, std::chrono::seconds>) {
            number = value.count();
        } else {
            number = value;
        }
        const long long highest = which.type == MQTT_PROP_TYPE_INT16
                                      ? std::numeric_limits<std::uint16_t>::max()
                                      : std::numeric_limits<std::uint32_t>::max();
        if (number < 0 || number > highest) {
            return MOSQ_ERR_INVAL;
        }
        const auto fits = static_cast<std::uint32_t>(number);
        switch (which.type) {
        case MQTT_PROP_TYPE_BYTE:
            return mosquitto_property_add_byte(&list_, id, static_cast<std::uint8_t>(fits));
        case MQTT_PROP_TYPE_INT16:
            return mosquitto_property_add_int16(&list_, id, static_cast<std::uint16_t>(fits));
        case MQTT_PROP_TYPE_VARINT: return mosquitto_property_add_varint(&list_, id, fits);
        default: return mosquitto_property_add_int32(&list_, id, fits);
        }
    }
}

MQTTRS_NAMESPACE_END

#endif
