/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0
 * Tells the library what is in options structures. Not for programs. */
#ifndef MQTTRS_APPLY_HPP
#define MQTTRS_APPLY_HPP

#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>

#include "options.hpp"
#include "state.hpp"

MQTTRS_NAMESPACE_BEGIN

namespace detail
{

inline mqttrs_reconnect_options c_options(const reconnect_options &from) noexcept
{
    mqttrs_reconnect_options to = {};
    to.size = sizeof to;
    to.delay_min = milliseconds(from.delay_min);
    to.delay_max = milliseconds(from.delay_max);
    to.doubling = from.doubling;
    to.jitter = from.jitter;
    to.off = !from.enabled;
    to.follow_references = from.follow_references;
    to.stable = milliseconds(from.stable);
    to.attempts = from.attempts;
    return to;
}

inline mqttrs_queue_options c_options(const queue_options &from) noexcept
{
    mqttrs_queue_options to = {};
    to.size = sizeof to;
    to.max_messages = from.max_messages;
    to.max_bytes = from.max_bytes;
    to.overflow = static_cast<int>(from.overflow);
    to.wait_ms = milliseconds(from.wait);
    to.queue_qos0 = from.queue_qos_0;
    return to;
}

inline mqttrs_throttle c_options(const throttle_options &from) noexcept
{
    mqttrs_throttle to = {};
    to.size = sizeof to;
    to.messages_per_second = from.messages_per_second;
    to.bytes_per_second = from.bytes_per_second;
    to.burst_messages = from.burst_messages;
    to.burst_bytes = from.burst_bytes;
    to.excess = static_cast<int>(from.excess);
    return to;
}

inline mqttrs_store_options c_options(const store_options &from) noexcept
{
    mqttrs_store_options to = {};
    to.size = sizeof to;
    to.durability = static_cast<int>(from.level);
    to.sync_interval = milliseconds(from.sync_interval);
    to.maximum_bytes = from.maximum_bytes;
    return to;
}

/** Calls one function after the other until one fails. */
class sequence
{
public:
    explicit sequence(mosquitto *client) noexcept
        : client_(client)
    {
    }
    /** `applies` false: there is nothing to set. */
    template <class Function, class... Arguments>
    sequence &set(bool applies, Function function, Arguments... arguments)
    {
        if (applies && done_) {
            done_ = checked(function(client_, arguments...), client_);
        }
        return *this;
    }
    /** C strings end at a NUL: one inside would set something else than was meant. */
    sequence &no_nul(std::initializer_list<const std::string *> strings)
    {
        for (const std::string *one : strings) {
            if (done_ && one->find('\0') != std::string::npos) {
                fail(errc::invalid, "an option has a NUL inside");
            }
        }
        return *this;
    }
    sequence &fail(std::error_code code, std::string words)
    {
        if (done_) {
            done_ = failure(code, std::move(words));
        }
        return *this;
    }
    /** How it has gone so far. */
    const result<void> &done() const noexcept
    {
        return done_;
    }

private:
    mosquitto *client_;
    result<void> done_;
};

inline std::string contents_of(const std::string &file, sequence &sequence)
{
    std::ifstream stream(file, std::ios::binary);
    std::string contents((std::istreambuf_iterator<char>(stream)),
                         std::istreambuf_iterator<char>());
    if (!stream) {
        sequence.fail(errc::invalid, file + " cannot be read");
    }
    return contents;
}

inline void apply_tls(const tls_options &tls, sequence &to)
{
    to.no_nul({&tls.ca_file, &tls.ca_path, &tls.cert_file, &tls.key_file, &tls.crl_file, &tls.pins,
               &tls.version, &tls.ciphers});
    const bool by_file = !tls.ca_file.empty() || !tls.ca_path.empty();
    const bool system = tls.system_certificates || (!by_file && tls.ca.empty());
    int (*const password)(char *, int, int, void *) =
        tls.key_password.empty() ? nullptr : key_password;
    to.set(by_file, mosquitto_tls_set, option(tls.ca_file), option(tls.ca_path),
           option(tls.cert_file), option(tls.key_file), password);
    to.set(!tls.ca.empty(), mqttrs_tls_ca_set, tls.ca.data(), tls.ca.size());
    to.set(system, mosquitto_int_option, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
    to.set(password != nullptr, mqttrs_tls_password_callback_set, password);
    /* The C function that takes files for these wants a file of trusted certificates as well. */
    if (!by_file && !(tls.cert_file.empty() && tls.key_file.empty())) {
        const std::string cert = contents_of(tls.cert_file, to);
        const std::string key = contents_of(tls.key_file, to);
        to.set(true, mqttrs_tls_certificate_set, cert.data(), cert.size(), key.data(), key.size());
    }
    to.set(!tls.cert.empty() || !tls.key.empty(), mqttrs_tls_certificate_set, tls.cert.data(),
           tls.cert.size(), tls.key.data(), tls.key.size());
    to.set(!tls.crl_file.empty(), mqttrs_tls_crl_file_set, tls.crl_file.c_str());
    to.set(!tls.crl.empty(), mqttrs_tls_crl_set, tls.crl.data(), tls.crl.size());
    to.set(!tls.pins.empty(), mqttrs_tls_pins_set, tls.pins.c_str());
    to.set(!tls.verify || !tls.version.empty() || !tls.ciphers.empty(), mosquitto_tls_opts_set,
           tls.verify ? 1 : 0, option(tls.version), option(tls.ciphers));
    to.set(!tls.verify_host, mosquitto_tls_insecure_set, true);
    std::vector<const char *> names;
    for (const std::string &name : tls.alpn) {
        to.no_nul({&name});
        names.push_back(name.c_str());
    }
    to.set(!names.empty(), mqttrs_tls_alpn_set, names.data(), names.size());
}

inline void apply_route(const client_options &from, sequence &to)
{
    to.no_nul({&from.websocket_path, &from.bind_address});
    to.set(from.transport != transport::tcp, mosquitto_int_option, MOSQ_OPT_TRANSPORT,
           static_cast<int>(from.transport));
    to.set(!from.websocket_path.empty(), mosquitto_string_option, MOSQ_OPT_HTTP_PATH,
           from.websocket_path.c_str());
    for (const auto &header : from.websocket_headers) {
        to.no_nul({&header.first, &header.second});
        to.set(true, mqttrs_websocket_header_add, header.first.c_str(), header.second.c_str());
    }
    if (from.proxy) {
        const proxy_options &proxy = *from.proxy;
        to.no_nul({&proxy.host, &proxy.username, &proxy.password});
        to.set(true,
               proxy.type == proxy_options::kind::http ? mqttrs_http_proxy_set
                                                       : mosquitto_socks5_set,
               proxy.host.c_str(), proxy.port, option(proxy.username), option(proxy.password));
    }
    to.set(!from.bind_address.empty(), mosquitto_string_option, MOSQ_OPT_BIND_ADDRESS,
           from.bind_address.c_str());
    to.set(from.connect_timeout.count() != 0, mqttrs_connect_timeout_set,
           milliseconds(from.connect_timeout));
    to.set(from.tcp_nodelay, mosquitto_int_option, MOSQ_OPT_TCP_NODELAY, 1);
}

inline void apply_will(const message &will, sequence &to)
{
    properties copy = will.properties;
    to.no_nul({&will.topic});
    if (copy.error()) {
        to.fail(copy.error(), "the properties of the will");
    }
    mosquitto_property *const list = copy.release();
    const bool before = static_cast<bool>(to.done());
    to.set(true, mosquitto_will_set_v5, will.topic.c_str(), static_cast<int>(will.payload.size()),
           static_cast<const void *>(will.payload.data()), static_cast<int>(will.qos), will.retain,
           list);
    /* The library owns the list after success only. */
    if (!before || !to.done()) {
        properties::adopt(list);
    }
}

/** What a connection is made with. */
inline void apply_connection(const client_options &from, sequence &to)
{
    to.no_nul({&from.username, &from.password});
    to.set(true, mosquitto_int_option, MOSQ_OPT_PROTOCOL_VERSION, static_cast<int>(from.protocol));
    to.set(!from.username.empty() || !from.password.empty(), mosquitto_username_pw_set,
           option(from.username), option(from.password));
    if (from.tls) {
        apply_tls(*from.tls, to);
    }
    apply_route(from, to);
    if (from.will) {
        apply_will(*from.will, to);
    }
    to.set(from.receive_maximum != 0, mosquitto_int_option, MOSQ_OPT_RECEIVE_MAXIMUM,
           static_cast<int>(from.receive_maximum));
    to.set(from.send_maximum != 0, mosquitto_int_option, MOSQ_OPT_SEND_MAXIMUM,
           static_cast<int>(from.send_maximum));
    to.set(from.automatic_topic_aliases, mqttrs_automatic_topic_aliases_set, true);
}

/** Everything that a client is made with but its identifier and `clean_session`. */
inline result<void> apply(const client_options &from, mosquitto *client)
{
    sequence to(client);
    apply_connection(from, to);
    if (from.reconnect) {
        const mqttrs_reconnect_options reconnect = c_options(*from.reconnect);
        to.set(true, mqttrs_reconnect_set, &reconnect);
    }
    if (from.queue) {
        const mqttrs_queue_options queue = c_options(*from.queue);
        to.set(true, mqttrs_queue_set, &queue);
    }
    to.set(from.resubscribe, mqttrs_resubscribe_set, true);
    to.set(from.ack_mode != ack_mode::automatic, mqttrs_ack_mode_set,
           static_cast<int>(from.ack_mode));
    return to.done();
}

/** The port of a server for which none was given. */
inline int default_port(const client_options &options) noexcept
{
    if (options.transport == transport::websocket) {
        return options.tls ? 443 : 80;
    }
    return options.tls ? 8883 : 1883;
}

} // namespace detail

MQTTRS_NAMESPACE_END

#endif
