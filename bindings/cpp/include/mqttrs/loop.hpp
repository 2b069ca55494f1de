/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_LOOP_HPP
#define MQTTRS_LOOP_HPP

#include <chrono>
#include <memory>

#include "client.hpp"

MQTTRS_NAMESPACE_BEGIN

/**
 * One thread, or one descriptor, for any number of clients.
 *
 * Clients are not the loop's: each may be destroyed before it, which takes it out, or live on when
 * the loop is gone. All functions may be called from any thread and in any handler.
 */
class loop
{
public:
    /** Fails with the system's error where it has no descriptors left. */
    static result<loop> create()
    {
        mqttrs_loop *const made = mqttrs_loop_new();
        if (made == nullptr) {
            return error_from(MOSQ_ERR_ERRNO);
        }
        return loop(made);
    }

    /** Puts a client in, which the loop drives and reconnects from now on. */
    result<void> add(client &member)
    {
        mosquitto *const handle = member.native_handle();
        return detail::checked(mqttrs_loop_add(loop_.get(), handle), handle);
    }
    /** Takes a client out; its handlers run no more when this returns, unless called by one. */
    result<void> remove(client &member)
    {
        mosquitto *const handle = member.native_handle();
        return detail::checked(mqttrs_loop_remove(loop_.get(), handle), handle);
    }
    /** Runs the loop here until stop(). */
    result<void> run()
    {
        return detail::checked(mqttrs_loop_run(loop_.get()), nullptr);
    }
    /** Runs it in a thread of the library's until stop(). */
    result<void> start()
    {
        return detail::checked(mqttrs_loop_start(loop_.get()), nullptr);
    }
    /** Ends either, after the handler it is in. */
    result<void> stop()
    {
        return detail::checked(mqttrs_loop_stop(loop_.get()), nullptr);
    }
    /** One turn: waits at most `timeout` for something to do. */
    result<void> run_once(std::chrono::milliseconds timeout)
    {
        const int limit = detail::count<std::chrono::milliseconds, int>(timeout);
        return detail::checked(mqttrs_loop_run_once(loop_.get(), limit), nullptr);
    }
    /** For an event loop of the program's own: readable where run_once(0ms) has something to do. */
    int socket() const noexcept
    {
        return mqttrs_loop_socket(loop_.get());
    }
    /** In how long it has at the latest; -1 ms for never. */
    std::chrono::milliseconds timeout() const noexcept
    {
        return std::chrono::milliseconds(mqttrs_loop_timeout(loop_.get()));
    }
    mqttrs_loop *native_handle() const noexcept
    {
        return loop_.get();
    }

private:
    struct destroy {
        void operator()(mqttrs_loop *loop) const noexcept
        {
            mqttrs_loop_destroy(loop);
        }
    };
    explicit loop(mqttrs_loop *taken) noexcept
        : loop_(taken)
    {
    }

    std::unique_ptr<mqttrs_loop, destroy> loop_;
};

MQTTRS_NAMESPACE_END

#endif
