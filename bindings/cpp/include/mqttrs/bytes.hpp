/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_BYTES_HPP
#define MQTTRS_BYTES_HPP

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config.hpp"

MQTTRS_NAMESPACE_BEGIN

/**
 * Bytes of somebody else: text, a vector, an array, a std::span. It lives no longer than they do.
 */
class bytes_view
{
public:
    constexpr bytes_view() noexcept = default;
    bytes_view(const void *data, std::size_t size) noexcept
        : data_(static_cast<const std::byte *>(data))
        , size_(size)
    {
    }
    /** Text up to the NUL; nullptr is no bytes. */
    bytes_view(const char *text) noexcept
        : bytes_view(text, text == nullptr ? 0 : std::strlen(text))
    {
    }
    /** What has data() and size() and elements of one byte. */
    template <
        class Bytes,
        class = std::enable_if_t<
            sizeof(*std::declval<const Bytes &>().data()) == 1 &&
            std::is_trivially_copyable_v<
                std::remove_reference_t<decltype(*std::declval<const Bytes &>().data())>> &&
            std::is_convertible_v<decltype(std::declval<const Bytes &>().size()), std::size_t> &&
            !std::is_same_v<std::decay_t<Bytes>, bytes_view>>>
    bytes_view(const Bytes &bytes) noexcept
        : bytes_view(bytes.data(), bytes.size())
    {
    }

    const std::byte *data() const noexcept
    {
        return data_;
    }
    std::size_t size() const noexcept
    {
        return size_;
    }
    bool empty() const noexcept
    {
        return size_ == 0;
    }
    const std::byte *begin() const noexcept
    {
        return data_;
    }
    const std::byte *end() const noexcept
    {
        return data_ + size_;
    }
    std::byte operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }
    /** The same bytes as characters, whatever they are. */
    std::string_view text() const noexcept
    {
        return {reinterpret_cast<const char *>(data_), size_};
    }
    /** A copy. */
    std::string to_string() const
    {
        return std::string(text());
    }
    /** A copy. */
    std::vector<std::byte> to_vector() const
    {
        return {begin(), end()};
    }

private:
    const std::byte *data_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail
{

/**
 * A string view with a NUL behind it, for C.
 *
 * A NUL inside cannot be said in C, and MQTT has none in its strings (MQTT 5.0 section 1.5.4). What
 * takes its place is no UTF-8, so that the library refuses the string like any other that is wrong.
 */
class c_string
{
public:
    explicit c_string(std::string_view text)
    {
        if (!text.empty() && std::memchr(text.data(), '\0', text.size()) != nullptr) {
            text = "\xff";
        }
        if (text.size() < sizeof short_) {
            if (!text.empty()) {
                std::memcpy(short_, text.data(), text.size());
            }
            short_[text.size()] = '\0';
            pointer_ = short_;
        } else {
            long_.assign(text);
            pointer_ = long_.c_str();
        }
    }
    c_string(const c_string &) = delete;
    c_string &operator=(const c_string &) = delete;

    const char *get() const noexcept
    {
        return pointer_;
    }

private:
    const char *pointer_;
    char short_[128];
    std::string long_;
};

/** A C string, or NULL for an option that was not set. */
inline const char *option(const std::string &text) noexcept
{
    return text.empty() ? nullptr : text.c_str();
}

/** For arguments in `Unit`s; what is too long for the C type is the longest that fits. */
template <class Unit, class Number, class Rep, class Period>
Number count(std::chrono::duration<Rep, Period> time) noexcept
{
    if (time <= std::chrono::duration<Rep, Period>::zero()) {
        return 0;
    }
    /* In floating point, since the longest durations do not fit shorter units. */
    const std::chrono::duration<long double, typename Unit::period> units(time);
    if (units.count() >= static_cast<long double>(std::numeric_limits<Number>::max())) {
        return std::numeric_limits<Number>::max();
    }
    /* Rounded up, so that a short wait does not become none. */
    return static_cast<Number>(std::ceil(units.count()));
}

template <class Rep, class Period>
unsigned int milliseconds(std::chrono::duration<Rep, Period> time) noexcept
{
    return count<std::chrono::milliseconds, unsigned int>(time);
}

template <class Rep, class Period> int seconds(std::chrono::duration<Rep, Period> time) noexcept
{
    return count<std::chrono::seconds, int>(time);
}

} // namespace detail

MQTTRS_NAMESPACE_END

#endif
