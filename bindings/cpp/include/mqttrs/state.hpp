/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * What stands between the library's callbacks and the program's handlers. Not for programs. */
#ifndef MQTTRS_STATE_HPP
#define MQTTRS_STATE_HPP

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "events.hpp"
#include "request.hpp"

MQTTRS_NAMESPACE_BEGIN

namespace detail
{

/**
 * What the library is given as user data are numbers, and this tells what they stand for.
 *
 * With pointers, a thread that is about to enter a callback could find that another one has just
 * freed what its pointer leads to: the library does not wait for it in every case. A number that is
 * gone is found to be gone, and one that is found keeps what it stands for alive.
 */
template <class T> class registry
{
public:
    static registry &instance()
    {
        /* Never freed: threads of the library may outlive the program's static objects. */
        static registry *const one = new registry;
        return *one;
    }

    void *add(std::shared_ptr<T> value)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const std::uintptr_t id = ++last_;
        values_.emplace(id, std::move(value));
        return reinterpret_cast<void *>(id);
    }
    std::shared_ptr<T> find(void *id)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = values_.find(reinterpret_cast<std::uintptr_t>(id));
        return found == values_.end() ? nullptr : found->second;
    }
    void remove(void *id)
    {
        std::shared_ptr<T> last;
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = values_.find(reinterpret_cast<std::uintptr_t>(id));
        if (found != values_.end()) {
            /* Destroyed after the lock was given back: there may be destructors of the program. */
            last = std::move(found->second);
            values_.erase(found);
        }
    }

private:
    registry() = default;

    std::mutex mutex_;
    std::uintptr_t last_ = 0;
    std::unordered_map<std::uintptr_t, std::shared_ptr<T>> values_;
};

/** A handler that one thread may replace while another runs it. */
template <class Handler> class slot
{
public:
    void set(Handler handler)
    {
        auto fresh = handler ? std::make_shared<const Handler>(std::move(handler)) : nullptr;
        const std::lock_guard<std::mutex> lock(mutex_);
        handler_.swap(fresh);
    }
    std::shared_ptr<const Handler> get() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return handler_;
    }

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Handler> handler_;
};

struct client_state;

/** The handler of one topic filter. */
struct topic_handler {
    std::weak_ptr<client_state> owner;
    message_handler call;
};

/** The handler of requests to one topic filter. */
struct service {
    std::weak_ptr<client_state> owner;
    request_handler call;
};

/** What a client has besides the handle; it lives as long as somebody is in one of its handlers. */
struct client_state {
    std::atomic<mosquitto *> handle{nullptr};
    /** What the library has as `obj`. */
    void *id = nullptr;
    int default_port = 1883;
    std::string key_password;
    /** For one-shot calls: whose client it is. */
    void *context = nullptr;

    slot<connect_handler> on_connect;
    slot<disconnect_handler> on_disconnect;
    slot<message_handler> on_message;
    slot<outcome_handler> on_outcome;
    slot<lifecycle_handler> on_lifecycle;
    slot<log_handler> on_log;
    slot<auth_handler> on_auth;
    slot<error_handler> on_error;

    /* What the library has as user data of topic filters. A log handler may come back here while
     * the lock is held, on the same thread. */
    std::recursive_mutex filters_mutex;
    std::map<std::string, void *> filters;
    std::map<std::string, void *> services;

    /** Ends the client. What messages are left have their handlers called. */
    void close(bool politely)
    {
        mosquitto *const last = handle.exchange(nullptr);
        if (last == nullptr) {
            return;
        }
        if (politely) {
            mosquitto_disconnect(last);
        }
        mosquitto_destroy(last);
        const std::lock_guard<std::recursive_mutex> lock(filters_mutex);
        for (const auto &entry : filters) {
            registry<topic_handler>::instance().remove(entry.second);
        }
        for (const auto &entry : services) {
            registry<service>::instance().remove(entry.second);
        }
        filters.clear();
        services.clear();
        registry<client_state>::instance().remove(id);
    }

    /** Tells of an exception that has left a handler; called inside its catch block. */
    void report([[maybe_unused]] const char *handler) noexcept
    {
#if MQTTRS_HAS_EXCEPTIONS
        try {
            handler_error error = {handler, {}, std::current_exception()};
            try {
                throw;
            } catch (const std::exception &exception) {
                error.words = exception.what();
            } catch (...) {
                error.words = "an exception that is no std::exception";
            }
            if (const auto call = on_error.get()) {
                (*call)(error);
            } else {
                std::fprintf(stderr, "mqttrs: exception in %s: %s\n", handler, error.words.c_str());
            }
        } catch (...) {
            std::fprintf(stderr, "mqttrs: exception in on_error, because of one in %s\n", handler);
        }
#endif
    }
};

/** Calls what belongs to the program. No exception may go on into C. */
template <class Call>
void guarded([[maybe_unused]] const std::shared_ptr<client_state> &state,
             [[maybe_unused]] const char *handler, Call &&call) noexcept
{
#if MQTTRS_HAS_EXCEPTIONS
    try {
        call();
    } catch (...) {
        if (state) {
            state->report(handler);
        } else {
            std::fprintf(stderr, "mqttrs: exception in %s of a client that is gone\n", handler);
        }
    }
#else
    call();
#endif
}

/** Finds the client and its handler, and calls that with what `event` makes. */
template <class Handler, class Event>
void dispatch(void *id, slot<Handler> client_state::*which, const char *name,
              Event &&event) noexcept
{
    const auto state = registry<client_state>::instance().find(id);
    if (!state) {
        return;
    }
    if (const auto handler = ((*state).*which).get()) {
        guarded(state, name, [&] { (*handler)(event()); });
    }
}

/** A handler that runs once, and whose it is. */
template <class Handler> struct pending {
    std::weak_ptr<client_state> owner;
    Handler call;
    const char *name;
};

/** What an event says; `errno` has nothing to do with it. */
inline std::error_code event_error(int code) noexcept
{
    return code == MOSQ_ERR_ERRNO ? make_error_code(errc::system) : error_from(code);
}

/* The library's callbacks. */

inline void connected(mosquitto *, void *obj, int code, int flags, const mosquitto_property *props)
{
    dispatch(obj, &client_state::on_connect, "on_connect", [&] {
        std::error_code error;
        if (code >= MQTT_RC_UNSPECIFIED) {
            error = static_cast<reason_code>(code);
        } else if (code != 0) {
            error = static_cast<connack_code>(code);
        }
        return connect_event{error, (flags & 1) != 0, property_view(props)};
    });
}

inline void disconnected(mosquitto *, void *obj, int code, const mosquitto_property *props)
{
    dispatch(obj, &client_state::on_disconnect, "on_disconnect", [&] {
        return disconnect_event{event_error(code), property_view(props)};
    });
}

inline void arrived(mosquitto *, void *obj, const mosquitto_message *message,
                    const mosquitto_property *props)
{
    dispatch(obj, &client_state::on_message, "on_message",
             [&] { return message_view(*message, props); });
}

inline void arrived_for(mosquitto *, void *id, const mosquitto_message *message,
                        const mosquitto_property *props)
{
    if (const auto handler = registry<topic_handler>::instance().find(id)) {
        guarded(handler->owner.lock(), "on_message",
                [&] { handler->call(message_view(*message, props)); });
    }
}

inline void asked(mosquitto *client, void *id, const mosquitto_message *message,
                  const mosquitto_property *props)
{
    if (const auto handler = registry<service>::instance().find(id)) {
        guarded(handler->owner.lock(), "serve",
                [&] { handler->call(request_view(client, *message, props)); });
    }
}

inline void ended(mosquitto *, void *obj, int mid, int what, int reason,
                  const mosquitto_property *props)
{
    dispatch(obj, &client_state::on_outcome, "on_outcome", [&] {
        return outcome_event{mid, static_cast<outcome>(what), static_cast<reason_code>(reason),
                             property_view(props)};
    });
}

inline void went_on(mosquitto *, void *obj, const mqttrs_lifecycle_event *event)
{
    dispatch(obj, &client_state::on_lifecycle, "on_lifecycle", [&] {
        return lifecycle_event{static_cast<lifecycle_event::state>(event->state),
                               event_error(event->cause),
                               event->error == nullptr ? "" : event->error,
                               event->host == nullptr ? "" : event->host,
                               event->port,
                               event->attempt,
                               std::chrono::milliseconds(event->delay)};
    });
}

inline void logged(mosquitto *, void *obj, const mqttrs_log_record *record)
{
    dispatch(obj, &client_state::on_log, "on_log", [&] { return log_record(*record); });
}

inline int authenticate(mosquitto *, void *obj, const char *method, std::uint16_t length,
                        const void *data, const mosquitto_property *props)
{
    const auto state = registry<client_state>::instance().find(obj);
    const auto handler = state ? state->on_auth.get() : nullptr;
    if (!handler) {
        return MOSQ_ERR_NOT_SUPPORTED;
    }
    bool go_on = false;
    guarded(state, "on_auth", [&] {
        go_on = (*handler)(auth_event{method == nullptr ? "" : method, bytes_view(data, length),
                                      property_view(props)});
    });
    return go_on ? MOSQ_ERR_SUCCESS : MOSQ_ERR_AUTH;
}

inline void delivered(mosquitto *, void *userdata, const mqttrs_result *what)
{
    const std::unique_ptr<pending<delivery_handler>> one(
        static_cast<pending<delivery_handler> *>(userdata));
    guarded(one->owner.lock(), one->name, [&] { one->call(delivery_from(*what)); });
}

inline void responded(mosquitto *, void *userdata, int code, const mosquitto_message *response,
                      const mosquitto_property *props)
{
    const std::unique_ptr<pending<response_handler>> one(
        static_cast<pending<response_handler> *>(userdata));
    guarded(one->owner.lock(), one->name, [&] {
        if (code == MOSQ_ERR_SUCCESS) {
            one->call(message_view(*response, props).copy());
        } else {
            one->call(event_error(code));
        }
    });
}

/** Supplies the password of a private key. */
inline int key_password(char *buffer, int size, int /*rwflag*/, void *client)
{
    const auto state = registry<client_state>::instance().find(
        mosquitto_userdata(static_cast<mosquitto *>(client)));
    if (!state || size < 0 || state->key_password.size() > static_cast<std::size_t>(size)) {
        return 0;
    }
    return static_cast<int>(state->key_password.copy(buffer, static_cast<std::size_t>(size)));
}

} // namespace detail

MQTTRS_NAMESPACE_END

#endif
