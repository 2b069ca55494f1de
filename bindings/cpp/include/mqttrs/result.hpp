/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_RESULT_HPP
#define MQTTRS_RESULT_HPP

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "error.hpp"

MQTTRS_NAMESPACE_BEGIN

namespace detail
{

/** An error code with the words of the library, if it has any. */
class failure
{
public:
    failure() = default;
    failure(std::error_code code, std::string words = {})
        : code_(code)
    {
        if (!words.empty()) {
            words_ = std::make_shared<const std::string>(std::move(words));
        }
    }

    std::error_code code() const noexcept
    {
        return code_;
    }

    std::string words() const
    {
        return words_ ? *words_ : code_.message();
    }

    [[noreturn]] void raise() const
    {
#if MQTTRS_HAS_EXCEPTIONS
        if (words_) {
            throw std::system_error(code_, *words_);
        }
        throw std::system_error(code_);
#else
        std::fprintf(stderr, "mqttrs: value() of a failed result: %s\n", words().c_str());
        std::abort();
#endif
    }

private:
    std::error_code code_;
    /* Shared, since failures are copied more often than they are read. */
    std::shared_ptr<const std::string> words_;
};

} // namespace detail

/**
 * A value, or why there is none. Every function that can fail returns one, and the compiler
 * warns where it is dropped.
 *
 * Without exceptions a program asks:
 *
 *     if (auto sent = client.publish("a", "b"); !sent)
 *         std::cerr << sent.words() << '\n';
 *
 * With exceptions it may write `client.publish("a", "b").value()`, which throws std::system_error.
 * Built with -fno-exceptions, value() of a failed result says why on stderr and aborts.
 */
template <class T> class [[nodiscard]] result
{
public:
    result(T value)
        : value_(std::move(value))
    {
    }
    result(detail::failure failure)
        : failure_(std::move(failure))
    {
    }
    result(std::error_code error)
        : failure_(error)
    {
    }
    result(errc error)
        : failure_(make_error_code(error))
    {
    }

    /** Whether there is a value. */
    explicit operator bool() const noexcept
    {
        return value_.has_value();
    }
    /** Why there is none; an error code that is false where there is one. */
    std::error_code error() const noexcept
    {
        return failure_.code();
    }
    /** The same for people, with names and addresses where the library knows them. */
    std::string words() const
    {
        return failure_.words();
    }

    /** The value, or an exception (std::system_error). */
    T &value() &
    {
        check();
        return *value_;
    }
    const T &value() const &
    {
        check();
        return *value_;
    }
    T value() &&
    {
        check();
        return std::move(*value_);
    }
    /** The value, or another one. */
    template <class U> T value_or(U &&other) &&
    {
        return value_ ? std::move(*value_) : static_cast<T>(std::forward<U>(other));
    }

    /** The value; there has to be one. */
    T &operator*() &
    {
        return *value_;
    }
    const T &operator*() const &
    {
        return *value_;
    }
    T &&operator*() &&
    {
        return std::move(*value_);
    }
    T *operator->()
    {
        return &*value_;
    }
    const T *operator->() const
    {
        return &*value_;
    }

    /** What has failed, to be returned as a result of another type. */
    const detail::failure &failed() const noexcept
    {
        return failure_;
    }

private:
    void check() const
    {
        if (!value_) {
            failure_.raise();
        }
    }

    std::optional<T> value_;
    detail::failure failure_;
};

/** The same for functions that have nothing to tell when they succeed. */
template <> class [[nodiscard]] result<void>
{
public:
    result() = default;
    result(detail::failure failure)
        : failure_(std::move(failure))
    {
    }
    result(std::error_code error)
        : failure_(error)
    {
    }
    result(errc error)
        : failure_(make_error_code(error))
    {
    }

    /** Whether it went well. */
    explicit operator bool() const noexcept
    {
        return !failure_.code();
    }
    /** Why not. */
    std::error_code error() const noexcept
    {
        return failure_.code();
    }
    /** The same for people. */
    std::string words() const
    {
        return failure_.words();
    }
    /** Nothing, or an exception (std::system_error). */
    void value() const
    {
        if (failure_.code()) {
            failure_.raise();
        }
    }
    const detail::failure &failed() const noexcept
    {
        return failure_;
    }

private:
    detail::failure failure_;
};

namespace detail
{

/**
 * What a C function has returned, with what the library says about it.
 *
 * The words are asked for only where they are about this call: those of a full queue would cost
 * more than the call, and a client that is closed has none.
 */
inline failure explain(int returned, struct mosquitto *client)
{
    const std::error_code code = error_from(returned);
    if (!code || client == nullptr || returned == MOSQ_ERR_QUOTA_EXCEEDED ||
        returned == MOSQ_ERR_TIMEOUT || returned == MOSQ_ERR_NOT_FOUND) {
        return {code};
    }
    char words[512];
    const std::size_t length = mqttrs_last_error(client, words, sizeof words);
    return {code, length == 0 ? std::string() : std::string(words)};
}

inline result<void> checked(int returned, struct mosquitto *client)
{
    return returned == MOSQ_ERR_SUCCESS ? result<void>() : result<void>(explain(returned, client));
}

} // namespace detail

MQTTRS_NAMESPACE_END

#endif
