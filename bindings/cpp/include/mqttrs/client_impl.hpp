/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * The functions that client.hpp declares, but those for messages. Not for programs. */
#ifndef MQTTRS_CLIENT_IMPL_HPP
#define MQTTRS_CLIENT_IMPL_HPP

#include <algorithm>
#include <limits>

#include "client.hpp"

MQTTRS_NAMESPACE_BEGIN

inline void client::on_connect(connect_handler handler)
{
    set(&detail::client_state::on_connect, std::move(handler));
}

inline void client::on_disconnect(disconnect_handler handler)
{
    set(&detail::client_state::on_disconnect, std::move(handler));
}

inline void client::on_message(message_handler handler)
{
    const bool any = static_cast<bool>(handler);
    set(&detail::client_state::on_message, std::move(handler));
    mosquitto_message_v5_callback_set(native_handle(), any ? detail::arrived : nullptr);
}

inline result<void> client::on_message(std::string_view filter, message_handler handler)
{
    if (!handler) {
        return remove_message_handler(filter);
    }
    auto one = std::make_shared<detail::topic_handler>();
    one->owner = state_;
    one->call = std::move(handler);
    return add(&detail::client_state::filters, filter, std::move(one),
               [](mosquitto *handle, const char *name, void *id) {
                   return mqttrs_message_callback_add(handle, name, detail::arrived_for, id);
               });
}

inline result<void> client::remove_message_handler(std::string_view filter)
{
    return remove<detail::topic_handler>(&detail::client_state::filters, filter,
                                         [](mosquitto *handle, const char *name) {
                                             return mqttrs_message_callback_remove(handle, name);
                                         });
}

inline void client::on_outcome(outcome_handler handler)
{
    const bool any = static_cast<bool>(handler);
    set(&detail::client_state::on_outcome, std::move(handler));
    mqttrs_outcome_callback_set(native_handle(), any ? detail::ended : nullptr);
}

inline void client::on_lifecycle(lifecycle_handler handler)
{
    set(&detail::client_state::on_lifecycle, std::move(handler));
}

inline void client::on_log(log_handler handler)
{
    const bool any = static_cast<bool>(handler);
    set(&detail::client_state::on_log, std::move(handler));
    mqttrs_log_callback_set(native_handle(), any ? detail::logged : nullptr);
}

inline void client::on_auth(auth_handler handler)
{
    const bool any = static_cast<bool>(handler);
    set(&detail::client_state::on_auth, std::move(handler));
    mosquitto_ext_auth_callback_set(native_handle(), any ? detail::authenticate : nullptr);
}

inline void client::on_error(error_handler handler)
{
    set(&detail::client_state::on_error, std::move(handler));
}

inline result<void> client::connect(std::string_view host, int port, const connect_options &options)
{
    if (options.properties.error()) {
        return options.properties.error();
    }
    return call(mosquitto_connect_bind_v5, detail::c_string(host).get(), port_for(host, port),
                detail::seconds(options.keep_alive), nullptr, options.properties.native_handle());
}

inline result<void> client::connect_async(std::string_view host, int port,
                                          std::chrono::seconds keep_alive)
{
    return call(mosquitto_connect_async, detail::c_string(host).get(), port_for(host, port),
                detail::seconds(keep_alive));
}

inline result<void> client::connect_servers(const std::vector<server> &servers, server_order order,
                                            const connect_options &options)
{
    if (options.properties.error()) {
        return options.properties.error();
    }
    std::vector<mqttrs_server> list;
    for (const server &one : servers) {
        mqttrs_server to = {};
        to.size = sizeof to;
        to.host = one.host.c_str();
        to.port = one.port;
        to.priority = one.priority;
        list.push_back(to);
    }
    auto set = call(mqttrs_servers_set, list.data(), list.size(), static_cast<int>(order));
    if (!set) {
        return set;
    }
    return call(mqttrs_connect, detail::seconds(options.keep_alive),
                options.properties.native_handle());
}

inline result<void> client::reconnect()
{
    return call(mosquitto_reconnect);
}

inline result<void> client::reconnect_now(std::chrono::milliseconds patience)
{
    return call(mqttrs_reconnect_now, detail::milliseconds(patience));
}

inline result<void> client::set_reconnect(const reconnect_options &options)
{
    const auto to = detail::c_options(options);
    return call(mqttrs_reconnect_set, &to);
}

inline result<void> client::disconnect()
{
    return call(mosquitto_disconnect);
}

inline result<void> client::disconnect(reason_code reason, const mqttrs::properties &properties)
{
    if (properties.error()) {
        return properties.error();
    }
    return call(mosquitto_disconnect_v5, static_cast<int>(reason), properties.native_handle());
}

inline result<void> client::disconnect(std::chrono::milliseconds timeout)
{
    return call(mqttrs_disconnect_timeout, detail::milliseconds(timeout));
}

inline void client::close()
{
    if (const auto state = state_) {
        state->close(true);
    }
}

inline void client::abandon()
{
    if (const auto state = state_) {
        state->close(false);
    }
}

inline result<void> client::run()
{
    return call(mosquitto_loop_forever, -1, 1);
}

inline result<void> client::poll(std::chrono::milliseconds timeout)
{
    return call(mosquitto_loop, detail::count<std::chrono::milliseconds, int>(timeout), 1);
}

inline result<void> client::start()
{
    return call(mosquitto_loop_start);
}

inline result<void> client::stop()
{
    return call(mosquitto_loop_stop, true);
}

inline std::chrono::milliseconds client::misc_timeout() const
{
    return std::chrono::milliseconds(mqttrs_misc_timeout(native_handle()));
}

inline result<void> client::open_store(const std::string &folder, const store_options &options)
{
    const auto to = detail::c_options(options);
    return call(mqttrs_store_open, folder.c_str(), &to);
}

inline result<void> client::continue_auth(std::string_view method, bytes_view data)
{
    if (data.size() > std::numeric_limits<std::uint16_t>::max()) {
        return errc::invalid;
    }
    return call(mosquitto_ext_auth_continue, detail::c_string(method).get(),
                static_cast<std::uint16_t>(data.size()), data.data(), nullptr);
}

inline result<statistics> client::stats() const
{
    statistics numbers = {};
    numbers.size = sizeof numbers;
    auto got = call(mqttrs_stats, &numbers);
    if (!got) {
        return got.failed();
    }
    return numbers;
}

inline std::string client::last_error() const
{
    std::string words(256, '\0');
    mosquitto *const handle = native_handle();
    std::size_t length = mqttrs_last_error(handle, words.data(), words.size());
    if (length >= words.size()) {
        /* It may have changed in between, and is cut then. */
        words.resize(length + 1);
        length = std::min(mqttrs_last_error(handle, words.data(), words.size()), length);
    }
    words.resize(length);
    return words;
}

/* Helpers. */

template <class Handler>
void client::set(detail::slot<Handler> detail::client_state::*which, Handler handler)
{
    if (state_) {
        ((*state_).*which).set(std::move(handler));
    }
}

template <class Function, class... Arguments>
result<void> client::call(Function function, Arguments... arguments) const
{
    mosquitto *const handle = native_handle();
    return detail::checked(function(handle, arguments...), handle);
}

template <class Handler>
std::unique_ptr<detail::pending<Handler>> client::pending_call(Handler handler, const char *name)
{
    return std::unique_ptr<detail::pending<Handler>>(
        new detail::pending<Handler>{state_, std::move(handler), name});
}

template <class Request>
result<int> client::begin(delivery_handler done, const char *name, Request &&request)
{
    int mid = 0;
    mosquitto *const handle = native_handle();
    int rc = MOSQ_ERR_SUCCESS;
    if (done) {
        auto one = pending_call(std::move(done), name);
        rc = request(handle, &mid, detail::delivered, one.get());
        if (rc == MOSQ_ERR_SUCCESS) {
            /* It frees itself when it runs. */
            static_cast<void>(one.release());
        }
    } else {
        rc = request(handle, &mid, nullptr, nullptr);
    }
    if (rc != MOSQ_ERR_SUCCESS) {
        return detail::explain(rc, handle);
    }
    return mid;
}

template <class Request> result<token> client::begin_token(Request &&request)
{
    mqttrs_token *made = nullptr;
    mosquitto *const handle = native_handle();
    const int rc = request(handle, &made);
    if (rc != MOSQ_ERR_SUCCESS) {
        return detail::explain(rc, handle);
    }
    return token(made);
}

template <class Target, class Add>
result<void> client::add(std::map<std::string, void *> detail::client_state::*which,
                         std::string_view filter, std::shared_ptr<Target> target, Add &&add)
{
    const auto state = state_;
    if (!state) {
        return errc::invalid;
    }
    auto &registry = detail::registry<Target>::instance();
    void *const id = registry.add(std::move(target));
    const std::lock_guard<std::recursive_mutex> lock(state->filters_mutex);
    mosquitto *const handle = state->handle;
    const int rc = add(handle, detail::c_string(filter).get(), id);
    if (rc != MOSQ_ERR_SUCCESS) {
        registry.remove(id);
        return detail::explain(rc, handle);
    }
    void *&entry = ((*state).*which)[std::string(filter)];
    registry.remove(std::exchange(entry, id));
    return {};
}

template <class Target, class Remove>
result<void> client::remove(std::map<std::string, void *> detail::client_state::*which,
                            std::string_view filter, Remove &&remove)
{
    const auto state = state_;
    if (!state) {
        return errc::invalid;
    }
    const std::lock_guard<std::recursive_mutex> lock(state->filters_mutex);
    mosquitto *const handle = state->handle;
    const int rc = remove(handle, detail::c_string(filter).get());
    auto &map = (*state).*which;
    if (const auto found = map.find(std::string(filter)); found != map.end()) {
        detail::registry<Target>::instance().remove(found->second);
        map.erase(found);
    }
    return detail::checked(rc, handle);
}

inline int client::port_for(std::string_view host, int port) const noexcept
{
    if (port != 0 || !state_ || (!host.empty() && host.front() == '/')) {
        return port;
    }
    return state_->default_port;
}

MQTTRS_NAMESPACE_END

#endif
