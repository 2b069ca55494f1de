/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_CLIENT_HPP
#define MQTTRS_CLIENT_HPP

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apply.hpp"
#include "request.hpp"
#include "token.hpp"

MQTTRS_NAMESPACE_BEGIN

/**
 * A client: one session with one server, or with one of several.
 *
 * It is made by create() and moves, but is not copied. Every function may be called from any thread
 * and in any handler; a client that was closed or moved from answers errc::invalid. Only moving and
 * destroying are for one thread, as with any object of C++.
 *
 * Handlers run one at a time on the thread that runs the client: that of start(), of a
 * mqttrs::loop, or the one that calls run(), poll() or wait(). They may call everything, close()
 * included, and may destroy the client. An exception that leaves one is caught: on_error() gets it,
 * or stderr where nothing was set there, and the client goes on.
 */
class client
{
public:
    /**
     * Makes a client. It does nothing until it is connected and run.
     *
     * Fails with errc::invalid for a client identifier that is not UTF-8, or missing where
     * `clean_session` is false, and with what is wrong with the other options.
     */
    static result<client> create(const client_options &options = {})
    {
        auto state = std::make_shared<detail::client_state>();
        state->default_port = detail::default_port(options);
        if (options.tls) {
            state->key_password = options.tls->key_password;
        }
        state->id = detail::registry<detail::client_state>::instance().add(state);
        const detail::c_string id(options.client_id);
        mosquitto *const handle = mosquitto_new(options.client_id.empty() ? nullptr : id.get(),
                                                options.clean_session, state->id);
        if (handle == nullptr) {
            detail::registry<detail::client_state>::instance().remove(state->id);
            return errc::invalid;
        }
        state->handle = handle;
        client made(std::move(state));
        if (auto applied = detail::apply(options, handle); !applied) {
            return applied.failed();
        }
        mosquitto_connect_v5_callback_set(handle, detail::connected);
        mosquitto_disconnect_v5_callback_set(handle, detail::disconnected);
        mqttrs_lifecycle_callback_set(handle, detail::went_on);
        return made;
    }

    client(client &&other) noexcept = default;
    client &operator=(client &&other) noexcept
    {
        close();
        state_ = std::move(other.state_);
        return *this;
    }
    /** As close(). */
    ~client()
    {
        close();
    }

    /** @name Handlers
     *  Set before connecting, so that nothing is missed, and replaced at any time; an empty
     * function removes one. What they are given lives until they return. */
    ///@{

    /** The server has answered CONNECT. The place to subscribe. */
    void on_connect(connect_handler handler);
    /** A connection has ended. */
    void on_disconnect(disconnect_handler handler);
    /** A message has come that no handler of a topic filter gets. */
    void on_message(message_handler handler);
    /**
     * A message has come whose topic matches `filter`. It goes to every handler whose filter does.
     * A filter has one handler, which this replaces; nothing is subscribed to.
     */
    result<void> on_message(std::string_view filter, message_handler handler);
    /** Removes the handler of a filter; errc::not_found where it has none. */
    result<void> remove_message_handler(std::string_view filter);
    /** It is known what became of a message that was published after this call. */
    void on_outcome(outcome_handler handler);
    /** The life of the connection goes on: attempts, delays and their causes. */
    void on_lifecycle(lifecycle_handler handler);
    /** Something was logged. Without a handler nothing is made for the log. */
    void on_log(log_handler handler);
    /** The server asks for a step of enhanced authentication. */
    void on_auth(auth_handler handler);
    /** An exception has left a handler; without this one it is told on stderr. */
    void on_error(error_handler handler);
    ///@}

    /** @name Connecting */
    ///@{

    /**
     * Connects to a host, or to a Unix socket where `host` begins with "/", and returns when there
     * is a network connection. TLS and the server's answer are for who runs the client:
     * on_connect(), on_disconnect() and run() have the outcome. `port` 0 is the usual one for the
     * transport.
     */
    result<void> connect(std::string_view host, int port = 0, const connect_options &options = {});
    /** The same, but returns at once; who runs the client connects. */
    result<void> connect_async(std::string_view host, int port = 0,
                               std::chrono::seconds keep_alive = std::chrono::seconds(60));
    /** Connects, at once or later, to one of several servers, and returns at once. */
    result<void> connect_servers(const std::vector<server> &servers,
                                 server_order order = server_order::priority,
                                 const connect_options &options = {});
    /** Connects to the same server again. */
    result<void> reconnect();
    /** The network has changed: attempts are made at once, and a connection that stands is given up
     *  where nothing comes from the server for `patience`; 0 leaves it alone. */
    result<void> reconnect_now(std::chrono::milliseconds patience = {});
    /** When to connect again. */
    result<void> set_reconnect(const reconnect_options &options);
    /** Sends DISCONNECT behind what is queued and closes; the server forgets the will. */
    result<void> disconnect();
    /** The same with a reason and properties, for MQTT 5. */
    result<void> disconnect(reason_code reason, const mqttrs::properties &properties = {});
    /**
     * Waits until all messages have ended and then disconnects, both within `timeout`. Not in
     * handlers. errc::timeout where messages are left.
     */
    result<void> disconnect(std::chrono::milliseconds timeout);
    /**
     * Ends the client: sends DISCONNECT, if the network takes it at once, and frees everything but
     * this object. Messages that are left have their handlers called, with outcome::cleared, before
     * it returns. Waits for a handler that runs in a thread of the library's, unless that handler
     * calls it.
     */
    void close();
    /** The same without DISCONNECT: the server publishes the will. */
    void abandon();
    /** Whether close() or abandon() was called, or the client was moved from. */
    bool closed() const noexcept
    {
        return native_handle() == nullptr;
    }
    ///@}

    /** @name Publishing
     *  None of it blocks but publish_wait(). A lost connection ends no message of QoS 1 or 2. */
    ///@{

    /** Publishes a message and gives its packet identifier. */
    result<int> publish(const outgoing &message);
    /** The same, without braces. */
    result<int> publish(std::string_view topic, bytes_view payload,
                        mqttrs::qos qos = mqttrs::qos::at_most_once, bool retain = false);
    /** Publishes a message, and calls `done` once when it is known what became of it. */
    result<int> publish(const outgoing &message, delivery_handler done);
    /** Publishes a message that can be waited for. */
    result<token> publish_token(const outgoing &message);
    /** Publishes a message, with a future of what became of it. Somebody has to run the client. */
    result<std::future<delivery>> publish_future(const outgoing &message);
    /** Publishes a message and waits for what became of it: token::wait. Not in handlers. */
    result<delivery> publish_wait(const outgoing &message, std::chrono::milliseconds timeout);
    /** Waits until all messages that were accepted so far have ended. Not in handlers. */
    result<void> drain(std::chrono::milliseconds timeout);
    /** How much may wait, and what happens beyond. */
    result<void> set_queue(const queue_options &options);
    /** Drops what was never sent. */
    result<void> clear_queue();
    /** Limits how fast messages are sent: all of them. Both rates 0 take the limit away. */
    result<void> set_throttle(const throttle_options &options);
    /** The same for those to the topics that a filter matches. */
    result<void> set_throttle(std::string_view filter, const throttle_options &options);
    ///@}

    /** @name Subscribing
     *  None of it blocks but the waiting for a token. */
    ///@{

    /** Subscribes to a filter and gives the packet identifier. errc::no_connection without one. */
    result<int> subscribe(std::string_view filter, mqttrs::qos qos = mqttrs::qos::at_most_once,
                          int options = 0);
    /** Subscribes to a filter and sets the handler of its messages. */
    result<int> subscribe(std::string_view filter, mqttrs::qos qos, message_handler handler);
    /** Subscribes to several filters at once, and calls `done` with the server's answer. */
    result<int> subscribe_all(const std::vector<subscription> &list, delivery_handler done = {},
                              const mqttrs::properties &properties = {});
    /** The same with a token to wait for. */
    result<token> subscribe_token(const std::vector<subscription> &list,
                                  const mqttrs::properties &properties = {});
    /** Ends a subscription; a handler of the filter stays. */
    result<int> unsubscribe(std::string_view filter);
    /** Ends several, and calls `done` with the server's answer. */
    result<int> unsubscribe_all(const std::vector<std::string> &filters,
                                delivery_handler done = {});
    /** The same with a token to wait for. */
    result<token> unsubscribe_token(const std::vector<std::string> &filters);
    /** Subscriptions are made again when the server has lost the session; on by default here. */
    result<void> set_resubscribe(bool on);
    /** Limits how fast received messages come. */
    result<void> set_receive_throttle(const throttle_options &options);
    /** Who acknowledges received messages from now on. */
    result<void> set_ack_mode(mqttrs::ack_mode mode);
    /** Acknowledges a message by its packet identifier, or refuses it (MQTT 5). */
    result<void> ack(int mid, reason_code reason = reason_code::success);
    ///@}

    /** @name Requests and responses
     *  In MQTT 5 by its properties, below by topics; see mqttrs_request. */
    ///@{

    /** Publishes a request; `handler` gets the response, or errc::timeout at the latest. */
    result<void> request(const outgoing &message, std::chrono::milliseconds timeout,
                         response_handler handler);
    /** The same with a future. Somebody has to run the client. */
    result<std::future<result<message>>> request_future(const outgoing &message,
                                                        std::chrono::milliseconds timeout);
    /** The same, waiting for the response. Not in handlers. */
    result<message> request_wait(const outgoing &message, std::chrono::milliseconds timeout);
    /** Requests are made by topics in MQTT 5 too. */
    result<void> request_by_topic(bool on);
    /** Answers the requests to the topics that `filter` matches, now and after reconnecting; a
     *  handler that throws leaves its request without an answer. */
    result<void> serve(std::string_view filter, mqttrs::qos qos, request_handler handler);
    /** Ends serve(). */
    result<void> stop_serving(std::string_view filter);
    /** Answers a request later, by a copy of it. */
    result<void> respond(const message &request, bytes_view payload,
                         mqttrs::qos qos = mqttrs::qos::at_most_once,
                         const mqttrs::properties &properties = {});
    ///@}

    /** @name Running the client
     *  One of these, or a mqttrs::loop for many clients. */
    ///@{

    /** Starts a thread that runs the client, before or after connecting. */
    result<void> start();
    /** Stops it after the handler it is in; the connection stays. */
    result<void> stop();
    /** Runs the client here until the program disconnects it, or an error that is final. */
    result<void> run();
    /** One turn: waits at most `timeout` for something to do. The error is why a connection ended.
     */
    result<void> poll(std::chrono::milliseconds timeout);
    /** For an event loop of the program's own: the descriptor of the connection, -1 without one. */
    int socket() const noexcept
    {
        return mosquitto_socket(native_handle());
    }
    bool want_read() const noexcept
    {
        return mqttrs_want_read(native_handle());
    }
    bool want_write() const noexcept
    {
        return mosquitto_want_write(native_handle());
    }
    /** The descriptor is readable. */
    result<void> read()
    {
        return call(mosquitto_loop_read, 1);
    }
    /** The descriptor is writable, and want_write() is true. */
    result<void> write()
    {
        return call(mosquitto_loop_write, 1);
    }
    /** misc_timeout() is over. */
    result<void> misc()
    {
        return call(mosquitto_loop_misc);
    }
    /** In how long misc() has something to do; -1 ms for never. */
    std::chrono::milliseconds misc_timeout() const;
    ///@}

    /** Keeps the session in a folder: messages of QoS 1 and 2 survive the process. Before
     * connecting and publishing; errc::not_supported where the library was built without the
     * feature. */
    result<void> open_store(const std::string &folder, const store_options &options = {});
    /** The answer to on_auth(). */
    result<void> continue_auth(std::string_view method, bytes_view data = {});
    /** What the client has counted. */
    result<statistics> stats() const;
    /** What went wrong last, in words; empty for nothing. */
    std::string last_error() const;
    /** For the functions of <mosquitto.h> and <mqttrs.h>; nullptr for a client that is closed. The
     *  callbacks and the user data are this object's: do not set them. */
    mosquitto *native_handle() const noexcept
    {
        return state_ ? state_->handle.load() : nullptr;
    }

private:
    explicit client(std::shared_ptr<detail::client_state> state) noexcept
        : state_(std::move(state))
    {
    }

    template <class Handler>
    void set(detail::slot<Handler> detail::client_state::*which, Handler handler);
    /* Calls a C function. Nothing of this object is touched afterwards, since a handler that ran in
     * between may have destroyed it; so it is with the others below. */
    template <class Function, class... Arguments>
    result<void> call(Function function, Arguments... arguments) const;
    template <class Handler>
    std::unique_ptr<detail::pending<Handler>> pending_call(Handler handler, const char *name);
    template <class Request>
    result<int> begin(delivery_handler done, const char *name, Request &&request);
    template <class Request> result<token> begin_token(Request &&request);
    template <class Target, class Add>
    result<void> add(std::map<std::string, void *> detail::client_state::*which,
                     std::string_view filter, std::shared_ptr<Target> target, Add &&add);
    template <class Target, class Remove>
    result<void> remove(std::map<std::string, void *> detail::client_state::*which,
                        std::string_view filter, Remove &&remove);
    int port_for(std::string_view host, int port) const noexcept;

    std::shared_ptr<detail::client_state> state_;
};

MQTTRS_NAMESPACE_END

#include "client_impl.hpp"
#include "client_messages.hpp"

#endif
