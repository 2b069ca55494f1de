/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_TOKEN_HPP
#define MQTTRS_TOKEN_HPP

#include <chrono>
#include <utility>
#include <vector>

#include "message.hpp"

MQTTRS_NAMESPACE_BEGIN

/**
 * A message or a request on its way, which can be waited for.
 *
 * It goes on where the token is destroyed. The client may be destroyed before the token, which then
 * says that the message was cleared.
 */
class token
{
public:
    token() noexcept = default;
    /** Takes over what a C function gave. */
    explicit token(mqttrs_token *taken) noexcept
        : token_(taken)
    {
    }
    token(token &&other) noexcept
        : token_(std::exchange(other.token_, nullptr))
    {
    }
    token &operator=(token &&other) noexcept
    {
        token(std::move(other)).swap(*this);
        return *this;
    }
    ~token()
    {
        mqttrs_token_destroy(token_);
    }
    void swap(token &other) noexcept
    {
        std::swap(token_, other.token_);
    }

    /** Whether it is known what became of it. */
    bool done() const noexcept
    {
        return mqttrs_token_is_done(token_);
    }

    /**
     * Waits until it is known what became of it; where nobody runs the client's loop, this does.
     *
     * Fails with errc::timeout; errc::no_connection when the program has ended the connection, or
     * the client has given up; errc::invalid in a handler of the client, which would wait for
     * itself.
     */
    template <class Rep, class Period>
    result<delivery> wait(std::chrono::duration<Rep, Period> timeout) const
    {
        mqttrs_result got = {};
        got.size = sizeof got;
        const int rc = mqttrs_token_wait(token_, detail::milliseconds(timeout), &got);
        if (rc != MOSQ_ERR_SUCCESS) {
            return error_from(rc);
        }
        return detail::delivery_from(got);
    }

    mqttrs_token *native_handle() const noexcept
    {
        return token_;
    }

private:
    mqttrs_token *token_ = nullptr;
};

/** Waits for several messages or requests, also of different clients; `timeout` is for all. */
template <class Rep, class Period>
result<void> wait_all(const std::vector<token> &tokens, std::chrono::duration<Rep, Period> timeout)
{
    if (tokens.empty()) {
        return {};
    }
    std::vector<mqttrs_token *> handles;
    handles.reserve(tokens.size());
    for (const token &one : tokens) {
        handles.push_back(one.native_handle());
    }
    const int rc =
        mqttrs_tokens_wait(handles.data(), handles.size(), detail::milliseconds(timeout));
    return rc == MOSQ_ERR_SUCCESS ? result<void>() : result<void>(error_from(rc));
}

MQTTRS_NAMESPACE_END

#endif
