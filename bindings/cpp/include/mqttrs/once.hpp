/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_ONCE_HPP
#define MQTTRS_ONCE_HPP

#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apply.hpp"

MQTTRS_NAMESPACE_BEGIN

/** Where publish_once() and its kin connect to, and how. */
struct connection {
    /** Name or address, or the path of a Unix socket. */
    std::string host = "localhost";
    /** 0 for the usual one. */
    int port = 0;
    /** Everything else, as for a client. */
    client_options options = {};
    std::chrono::seconds keep_alive = std::chrono::seconds(60);
    /** For everything up to the outcome. */
    std::chrono::milliseconds timeout = std::chrono::seconds(30);
    /** MQTT 5: those of CONNECT. */
    mqttrs::properties properties = {};
};

/** What receive_once() has received, and why it was not more. */
struct received {
    std::vector<message> messages = {};
    /** False where there are as many as were wanted. */
    std::error_code error = {};
    /** The same in words. */
    std::string words = {};
};

namespace detail
{

/** A connection for C. The functions that take it hand the client to `prepare` before connecting.
 */
class c_connection
{
public:
    explicit c_connection(const connection &from)
        : from_(from)
        , host_(from.host)
        , id_string_(from.options.client_id)
        , state_(std::make_shared<client_state>())
    {
        if (from.options.tls) {
            state_->key_password = from.options.tls->key_password;
        }
        state_->context = this;
        id_ = registry<client_state>::instance().add(state_);
        c_.size = sizeof c_;
        c_.host = host_.get();
        /* A Unix socket has none. */
        const bool is_path = !from.host.empty() && from.host.front() == '/';
        c_.port = from.port != 0 || is_path ? from.port : default_port(from.options);
        c_.client_id = from.options.client_id.empty() ? nullptr : id_string_.get();
        c_.keep_session = !from.options.clean_session;
        c_.keepalive = seconds(from.keep_alive);
        c_.timeout_ms = milliseconds(from.timeout);
        c_.protocol_version = static_cast<int>(from.options.protocol);
        c_.properties = from.properties.native_handle();
        c_.error = words_;
        c_.error_size = sizeof words_;
        c_.userdata = id_;
        c_.prepare = prepare;
    }
    ~c_connection()
    {
        registry<client_state>::instance().remove(id_);
    }
    c_connection(const c_connection &) = delete;
    c_connection &operator=(const c_connection &) = delete;

    const mqttrs_connection *get() const noexcept
    {
        return &c_;
    }
    /** What the call has returned, in words too. */
    failure explain(int returned) const
    {
        const std::error_code code = error_from(returned);
        return setting_ ? *setting_ : failure(code, words_);
    }
    /** What is wrong with the properties of CONNECT. */
    std::error_code error() const noexcept
    {
        return from_.properties.error();
    }

private:
    static int prepare(mosquitto *client, void *id);

    const connection &from_;
    c_string host_;
    c_string id_string_;
    std::shared_ptr<client_state> state_;
    void *id_ = nullptr;
    mqttrs_connection c_ = {};
    char words_[512] = {};
    std::optional<failure> setting_;
};

inline int c_connection::prepare(mosquitto *client, void *id)
{
    const auto state = registry<client_state>::instance().find(id);
    int rc = MOSQ_ERR_UNKNOWN;
    guarded(state, "publish_once", [&] {
        sequence to(client);
        auto *const self = static_cast<c_connection *>(state->context);
        apply_connection(self->from_.options, to);
        rc = MOSQ_ERR_SUCCESS;
        if (!to.done()) {
            self->setting_ = to.done().failed();
            rc = MOSQ_ERR_INVAL;
        }
    });
    return rc;
}

/** What receive_each() needs in its callback. */
struct each {
    const std::function<bool(const message_view &)> &handler;
    std::exception_ptr exception;
};

} // namespace detail

/**
 * Connects, publishes messages, waits until the server has acknowledged them, and disconnects.
 *
 * Fails with the first thing that went wrong; `results`, if given, gets what became of each
 * message. Blocks, at most for the time in `to`. Any thread.
 */
inline result<void> publish_all_once(const connection &to, const std::vector<outgoing> &messages,
                                     std::vector<std::error_code> *results = nullptr)
{
    const detail::c_connection c(to);
    if (c.error()) {
        return c.error();
    }
    std::deque<detail::c_message> strings;
    std::vector<mqttrs_message> list;
    for (const outgoing &one : messages) {
        strings.emplace_back(one);
        if (strings.back().error()) {
            return strings.back().error();
        }
        list.push_back(*strings.back().get());
    }
    std::vector<int> codes(list.size());
    const int rc = mqttrs_publish_once(c.get(), list.data(), list.size(), codes.data());
    const detail::failure failure = c.explain(rc);
    if (results != nullptr) {
        results->clear();
        for (const int code : codes) {
            results->push_back(code == rc ? failure.code() : error_from(code));
        }
    }
    return rc == MOSQ_ERR_SUCCESS ? result<void>() : result<void>(failure);
}

/** The same for one message. */
inline result<void> publish_once(const connection &to, const outgoing &message)
{
    return publish_all_once(to, std::vector<outgoing>{message});
}

/**
 * Connects, subscribes, waits for `wanted` messages, and disconnects. What came is in the answer
 * where it fails, too. Without `retained_too` retained messages are left out.
 *
 * Blocks, at most for the time in `from`. Any thread.
 */
inline received receive_once(const connection &from, const std::vector<subscription> &list,
                             std::size_t wanted = 1, bool retained_too = true)
{
    const detail::c_connection c(from);
    if (c.error()) {
        return {{}, c.error(), c.error().message()};
    }
    const detail::c_subscriptions filters(list);
    mqttrs_received *first = nullptr;
    const int rc =
        mqttrs_receive_once(c.get(), filters.data(), filters.size(), wanted, retained_too, &first);
    const detail::failure failure = c.explain(rc);
    const std::unique_ptr<mqttrs_received, void (*)(mqttrs_received *)> owner(first,
                                                                              mqttrs_received_free);
    received all;
    for (const mqttrs_received *one = first; one != nullptr; one = one->next) {
        all.messages.push_back(message_view(one->message, one->properties).copy());
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        all.error = failure.code();
        all.words = failure.words();
    }
    return all;
}

/**
 * Connects, subscribes, and hands each message to `handler` until that returns false; then
 * disconnects. An exception of the handler ends it and comes out of this function.
 */
inline result<void> receive_each(const connection &from, const std::vector<subscription> &list,
                                 const std::function<bool(const message_view &)> &handler)
{
    const detail::c_connection c(from);
    if (c.error()) {
        return c.error();
    }
    if (!handler) {
        return errc::invalid;
    }
    const detail::c_subscriptions filters(list);
    detail::each each{handler, nullptr};
    const auto call = [](void *userdata, const mosquitto_message *message,
                         const mosquitto_property *properties) -> bool {
        auto *const to = static_cast<detail::each *>(userdata);
#if MQTTRS_HAS_EXCEPTIONS
        try {
            return to->handler(message_view(*message, properties));
        } catch (...) {
            to->exception = std::current_exception();
            return false;
        }
#else
        return to->handler(message_view(*message, properties));
#endif
    };
    const int rc = mqttrs_receive_each(c.get(), filters.data(), filters.size(), call, &each);
    const detail::failure failure = c.explain(rc);
#if MQTTRS_HAS_EXCEPTIONS
    if (each.exception) {
        std::rethrow_exception(each.exception);
    }
#endif
    return rc == MOSQ_ERR_SUCCESS ? result<void>() : result<void>(failure);
}

MQTTRS_NAMESPACE_END

#endif
