/* Thousands of clients, handlers and messages take no memory when they are gone. Built without
 * sanitizers, which keep memory back. */
#include <mosquittopp.h>
#include <mqttrs.hpp>

#include <malloc.h>

#include <atomic>
#include <memory>

#include "broker.h"
#include "check.h"

using namespace std::chrono_literals;
using mqttrs::qos;

namespace
{

/** What the program has allocated and not freed, in bytes; in all arenas. */
std::size_t in_use()
{
    const struct mallinfo2 all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
}

/** Does something again and again: after a few rounds no round takes more memory. */
template <class Round> void takes_nothing(int rounds, std::size_t slack, Round &&round)
{
    for (int i = 0; i < rounds / 10; ++i) {
        round();
    }
    const std::size_t before = in_use();
    for (int i = 0; i < rounds; ++i) {
        round();
    }
    const std::size_t after = in_use();
    if (after > before + slack) {
        check::fail(__FILE__, __LINE__,
                    std::to_string(after - before) + " bytes more after " + std::to_string(rounds) +
                        " rounds");
    }
}

broker &shared_broker()
{
    static broker one;
    return one;
}

} // namespace

TEST(clients_that_come_and_go_leave_nothing)
{
    takes_nothing(3000, 100000, [] {
        mqttrs::client_options options;
        options.will = mqttrs::message{"will", std::string(1000, 'x')};
        auto client = mqttrs::client::create(options).value();
        CHECK_OK(client.on_message("a/#", [](const mqttrs::message_view &) {}));
        CHECK_OK(client.serve("b", qos::at_most_once, [](const mqttrs::request_view &) {}));
        CHECK_OK(client.publish({"c", "kept", qos::at_least_once}, [](const auto &) {}));
        static_cast<void>(client.publish_token({"c", "kept", qos::at_least_once}));
        mosqpp::mosquittopp other;
    });
}

TEST(connections_that_come_and_go_leave_nothing)
{
    takes_nothing(200, 200000, [] {
        auto client = mqttrs::client::create().value();
        CHECK_OK(client.connect("127.0.0.1", shared_broker().port()));
        CHECK_OK(client.start());
        CHECK(client.publish_wait({"connections", "x", qos::at_least_once}, PATIENCE).value());
    });
}

TEST(messages_and_handlers_leave_nothing)
{
    mqttrs::client_options options;
    options.protocol = mqttrs::protocol::v5;
    queue<int> all;
    std::atomic<int> arrived{0};
    auto client = mqttrs::client::create(options).value();
    mqttrs::properties properties;
    properties.user("key", std::string(100, 'v')).add(mqttrs::prop::content_type, "text/plain");
    const auto handler = [&](const mqttrs::message_view &message) {
        const mqttrs::message copy = message.copy();
        if (++arrived % 50 == 0 && !copy.properties.empty()) {
            all.push(1);
        }
    };
    CHECK_OK(client.on_message("messages", handler));
    CHECK_OK(client.connect("127.0.0.1", shared_broker().port()));
    CHECK_OK(client.start());
    CHECK(
        client.subscribe_token({{"messages", qos::at_least_once}}).value().wait(PATIENCE).value());
    const std::string payload(500, 'p');
    takes_nothing(200, 200000, [&] {
        std::vector<mqttrs::token> tokens;
        for (int i = 0; i < 50; ++i) {
            const mqttrs::outgoing message = {"messages", payload, qos::at_least_once, false,
                                              &properties};
            if (i % 2 == 0) {
                tokens.push_back(client.publish_token(message).value());
            } else {
                CHECK_OK(client.publish(message, [payload](const mqttrs::delivery &) {}));
            }
        }
        CHECK_OK(client.on_message("messages", handler));
        CHECK_OK(mqttrs::wait_all(tokens, PATIENCE));
        CHECK_OK(client.drain(PATIENCE));
        all.pop();
    });
}

int main(int argc, char **argv)
{
    return check::run(argc, argv);
}
