/* What goes wrong: handlers that throw, brokers that die, clients that end while others use them.
 */
#include <mqttrs.hpp>

#include <atomic>
#include <memory>

#include "broker.h"
#include "check.h"

using namespace std::chrono_literals;
using mqttrs::qos;

namespace
{

broker &shared_broker()
{
    static broker one;
    return one;
}

mqttrs::client_options with_id(const std::string &id)
{
    mqttrs::client_options options;
    options.client_id = id;
    options.protocol = mqttrs::protocol::v5;
    return options;
}

/** Connects, starts the thread, and waits for CONNACK. */
void begin(mqttrs::client &client, const broker &to = shared_broker())
{
    queue<int> up;
    client.on_connect([&](const mqttrs::connect_event &) { up.push(1); });
    client.connect("127.0.0.1", to.port()).value();
    client.start().value();
    up.pop();
    client.on_connect(nullptr);
}

void subscribe(mqttrs::client &client, const char *filter)
{
    CHECK(client.subscribe_token({{filter, qos::exactly_once}}).value().wait(PATIENCE).value());
}

} // namespace

TEST(exceptions_of_handlers_are_reported_and_the_connection_goes_on)
{
    queue<std::string> reports;
    auto client = mqttrs::client::create(with_id("throws")).value();
    client.on_error([&](const mqttrs::handler_error &error) {
        CHECK(error.exception != nullptr);
        reports.push(std::string(error.handler) + ": " + error.words);
    });
    begin(client);
    client.on_message([](const mqttrs::message_view &) { throw std::runtime_error("default"); });
    CHECK_OK(client.on_message("throws/own", [](const mqttrs::message_view &) { throw 7; }));
    client
        .subscribe_all({{"throws/#", qos::at_least_once}},
                       [](const mqttrs::delivery &) { throw std::runtime_error("subscribed"); })
        .value();
    CHECK_EQUAL(reports.pop(), "subscribe: subscribed");
    const auto publish = [&](const char *topic) {
        CHECK(client.publish_wait({topic, "", qos::at_least_once}, PATIENCE).value());
    };
    publish("throws/other");
    CHECK_EQUAL(reports.pop(), "on_message: default");
    publish("throws/own");
    CHECK_EQUAL(reports.pop(), "on_message: an exception that is no std::exception");
    client.on_outcome([](const mqttrs::outcome_event &) { throw std::runtime_error("outcome"); });
    client
        .publish({"elsewhere", "", qos::at_least_once},
                 [](const mqttrs::delivery &) {
                     /* A failed result throws, too. */
                     mqttrs::result<void>(mqttrs::errc::not_found).value();
                 })
        .value();
    CHECK_EQUAL(reports.pop(), "on_outcome: outcome");
    CHECK(reports.pop().find("publish: ") == 0);
    client.on_outcome(nullptr);
    CHECK_OK(client.serve("raises/serve", qos::at_least_once, [](const mqttrs::request_view &) {
        throw std::runtime_error("served");
    }));
    CHECK_OK(client.request({"raises/serve", "x", qos::at_least_once}, 100ms,
                            [](const mqttrs::result<mqttrs::message> &response) {
                                static_cast<void>(response.value());
                            }));
    CHECK_EQUAL(reports.pop(), "serve: served");
    CHECK(reports.pop().find("request: ") == 0);
    /* Who throws in on_error is told on stderr. */
    client.on_error([&](const mqttrs::handler_error &) -> void {
        reports.push("thrown again");
        throw std::runtime_error("again");
    });
    publish("throws/other");
    CHECK_EQUAL(reports.pop(), "thrown again");
    const auto numbers = client.stats().value();
    CHECK_EQUAL(numbers.connections, 1u);
    CHECK_EQUAL(numbers.disconnects, 0u);
}

TEST(a_client_comes_back_after_the_broker_was_killed)
{
    broker mortal;
    auto options = with_id("comes-back");
    options.reconnect = mqttrs::reconnect_options();
    options.reconnect->delay_min = 20ms;
    options.reconnect->delay_max = 100ms;
    queue<std::string> messages;
    queue<std::error_code> lost;
    queue<int> up;
    auto client = mqttrs::client::create(options).value();
    client.on_message([&](const mqttrs::message_view &m) { messages.push(m.copy().payload); });
    client.on_disconnect([&](const mqttrs::disconnect_event &event) { lost.push(event.error); });
    CHECK_OK(client.connect("127.0.0.1", mortal.port()));
    client.on_connect([&](const mqttrs::connect_event &event) {
        if (!event.error) {
            up.push(1);
        }
    });
    CHECK_OK(client.start());
    up.pop();
    subscribe(client, "back");
    for (int round = 0; round < 3; ++round) {
        mortal.kill();
        CHECK(lost.pop());
        /* It waits for the connection, and the broker has forgotten the subscription. */
        auto waits =
            client.publish_token({"back", "round " + std::to_string(round), qos::exactly_once})
                .value();
        mortal.start();
        up.pop();
        CHECK(waits.wait(PATIENCE).value());
        CHECK_EQUAL(messages.pop(), "round " + std::to_string(round));
    }
    CHECK_EQUAL(client.stats().value().reconnects, 3u);
}

TEST(the_next_server_of_a_list_is_tried_when_one_is_gone)
{
    broker first;
    broker second;
    auto options = with_id("servers");
    options.reconnect = mqttrs::reconnect_options();
    options.reconnect->delay_min = 10ms;
    queue<int> ports;
    auto client = mqttrs::client::create(options).value();
    client.on_lifecycle([&](const mqttrs::lifecycle_event &event) {
        if (event.now == mqttrs::lifecycle_event::state::up) {
            ports.push(event.port);
        }
    });
    CHECK_OK(
        client.connect_servers({{"127.0.0.1", first.port(), 1}, {"127.0.0.1", second.port(), 2}}));
    CHECK_OK(client.start());
    CHECK_EQUAL(ports.pop(), first.port());
    first.kill();
    CHECK_OK(client.reconnect_now());
    CHECK_EQUAL(ports.pop(), second.port());
}

TEST(many_threads_publish_with_one_client)
{
    std::atomic<int> arrived{0};
    std::atomic<int> told{0};
    queue<int> all;
    auto client = mqttrs::client::create(with_id("threads")).value();
    CHECK_OK(client.on_message("threads/#", [&](const mqttrs::message_view &message) {
        if (message.topic() == "threads/end") {
            all.push(1);
        } else {
            ++arrived;
        }
    }));
    begin(client);
    subscribe(client, "threads/#");
    constexpr int THREADS = 8;
    constexpr int EACH = 300;
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; ++i) {
        threads.emplace_back([&, i] {
            const std::string topic = "threads/" + std::to_string(i);
            for (int n = 0; n < EACH; ++n) {
                const auto level = static_cast<mqttrs::qos>(1 + n % 2);
                client
                    .publish({topic, std::to_string(n), level},
                             [&](const mqttrs::delivery &d) { told += d ? 1 : 0; })
                    .value();
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK_OK(client.drain(PATIENCE));
    client.publish("threads/end", "", qos::at_least_once).value();
    all.pop();
    CHECK_EQUAL(told.load(), THREADS * EACH);
    CHECK_EQUAL(arrived.load(), THREADS * EACH);
}

TEST(handlers_are_replaced_and_removed_while_messages_arrive)
{
    std::atomic<int> calls{0};
    queue<int> enough;
    auto client = mqttrs::client::create(with_id("replaced")).value();
    begin(client);
    subscribe(client, "replaced/#");
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        while (!stop) {
            client.publish_wait({"replaced/a", "x", qos::at_least_once}, PATIENCE).value();
        }
    });
    /* Whatever a handler holds is alive while it runs, also when it is just being replaced. */
    for (int i = 0; i < 2000; ++i) {
        auto held = std::make_shared<std::string>(200, 'h');
        const auto handler = [held, &calls, &enough](const mqttrs::message_view &) {
            if (*held == std::string(200, 'h') && ++calls == 50) {
                enough.push(1);
            }
        };
        CHECK_OK(client.on_message("replaced/a", handler));
        client.on_message(handler);
        if (i % 7 == 0) {
            CHECK_OK(client.remove_message_handler("replaced/a"));
        }
    }
    enough.pop();
    stop = true;
    writer.join();
}

TEST(a_handler_may_destroy_its_client)
{
    auto writer = mqttrs::client::create(with_id("destroyer")).value();
    begin(writer);
    const auto publish = [&] {
        writer.publish("destroy", "", qos::at_least_once).value();
    };
    /* In a thread of the library's. */
    {
        auto client =
            std::make_unique<mqttrs::client>(mqttrs::client::create(with_id("d-thread")).value());
        queue<int> gone;
        auto held = std::make_shared<int>(7);
        client->on_message([&client, &gone, held](const mqttrs::message_view &message) {
            client.reset();
            gone.push(*held + static_cast<int>(message.payload().size()));
        });
        begin(*client);
        subscribe(*client, "destroy");
        publish();
        CHECK_EQUAL(gone.pop(), 7);
        CHECK(client == nullptr);
    }
    /* In run(), by the handler of a filter. */
    {
        auto client =
            std::make_unique<mqttrs::client>(mqttrs::client::create(with_id("d-run")).value());
        CHECK_OK(
            client->on_message("destroy", [&](const mqttrs::message_view &) { client.reset(); }));
        client->on_connect([&](const mqttrs::connect_event &) {
            client->subscribe_all({{"destroy"}}, [&](const mqttrs::delivery &) { publish(); })
                .value();
        });
        CHECK_OK(client->connect("127.0.0.1", shared_broker().port()));
        static_cast<void>(client->run());
        CHECK(client == nullptr);
    }
    /* In a shared loop, by another client's handler. */
    {
        auto loop = mqttrs::loop::create().value();
        auto victim =
            std::make_unique<mqttrs::client>(mqttrs::client::create(with_id("d-victim")).value());
        auto client = mqttrs::client::create(with_id("d-loop")).value();
        queue<int> gone;
        client.on_message([&](const mqttrs::message_view &) {
            victim.reset();
            gone.push(1);
        });
        CHECK_OK(loop.add(*victim));
        CHECK_OK(loop.add(client));
        CHECK_OK(victim->connect_async("127.0.0.1", shared_broker().port()));
        CHECK_OK(client.connect_async("127.0.0.1", shared_broker().port()));
        client.on_connect([&](const mqttrs::connect_event &) {
            client.subscribe_all({{"destroy"}}, [&](const mqttrs::delivery &) { publish(); })
                .value();
        });
        CHECK_OK(loop.start());
        gone.pop();
    }
}

TEST(a_client_is_closed_while_other_threads_use_it)
{
    for (int round = 0; round < 10; ++round) {
        queue<std::error_code> ends;
        auto client = mqttrs::client::create(with_id("closing")).value();
        CHECK_OK(client.on_message("closing", [](const mqttrs::message_view &) {}));
        begin(client);
        subscribe(client, "closing");
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (;;) {
                    auto sent = client.publish_token({"closing", "x", qos::at_least_once});
                    if (!sent) {
                        ends.push(sent.error());
                        return;
                    }
                    /* The end of the client ends what it has. */
                    static_cast<void>(sent->wait(PATIENCE));
                }
            });
        }
        client.close();
        for (auto &thread : threads) {
            thread.join();
        }
        for (int i = 0; i < 4; ++i) {
            CHECK(ends.pop() == mqttrs::errc::invalid);
        }
        CHECK(client.closed());
    }
}

TEST(everything_answers_with_an_error_after_close)
{
    queue<mqttrs::delivery> told;
    auto client = mqttrs::client::create(with_id("closed")).value();
    auto loop = mqttrs::loop::create().value();
    auto kept = client.publish_token({"closed", "x", qos::at_least_once}).value();
    client.publish({"closed", "x", qos::at_least_once}, [&](const auto &d) { told.push(d); })
        .value();
    client.close();
    client.close();
    client.abandon();
    CHECK(told.pop().outcome == mqttrs::outcome::cleared);
    CHECK(kept.wait(PATIENCE).value().error() == mqttrs::outcome::cleared);
    const auto invalid = [](const auto &result) {
        return result.error() == mqttrs::errc::invalid;
    };
    const mqttrs::outgoing message = {"a", "b", qos::at_least_once};
    CHECK(invalid(client.connect("127.0.0.1")) && invalid(client.connect_async("127.0.0.1")));
    CHECK(invalid(client.connect_servers({{"127.0.0.1"}})) && invalid(client.reconnect()));
    CHECK(invalid(client.reconnect_now()) && invalid(client.disconnect()));
    CHECK(invalid(client.disconnect(1s)) && invalid(client.disconnect(mqttrs::reason_code())));
    CHECK(invalid(client.publish(message)) && invalid(client.publish("a", "b")));
    CHECK(invalid(client.publish(message, [](const auto &) {})));
    CHECK(invalid(client.publish_token(message)) && invalid(client.publish_future(message)));
    CHECK(invalid(client.publish_wait(message, 1s)) && invalid(client.drain(1s)));
    CHECK(invalid(client.subscribe("a")) && invalid(client.subscribe_token({{"a"}})));
    CHECK(invalid(client.subscribe("a", qos::at_most_once, [](const auto &) {})));
    CHECK(invalid(client.unsubscribe("a")) && invalid(client.unsubscribe_token({"a"})));
    CHECK(invalid(client.on_message("a", [](const auto &) {})));
    CHECK(invalid(client.remove_message_handler("a")));
    CHECK(invalid(client.request(message, 1s, [](const auto &) {})));
    CHECK(invalid(client.request_wait(message, 1s)) && invalid(client.request_future(message, 1s)));
    CHECK(invalid(client.serve("a", qos::at_most_once, [](const auto &) {})));
    CHECK(invalid(client.respond(mqttrs::message{"a"}, "b")) && invalid(client.ack(1)));
    CHECK(invalid(client.run()) && invalid(client.poll(0ms)) && invalid(client.start()));
    CHECK(invalid(client.stop()) && invalid(client.read()) && invalid(client.write()));
    CHECK(invalid(client.misc()) && invalid(client.stats()) && invalid(client.clear_queue()));
    CHECK(invalid(client.set_queue({})) && invalid(client.set_throttle({})));
    CHECK(invalid(client.set_ack_mode({})) && invalid(client.set_resubscribe(true)));
    CHECK(invalid(client.set_reconnect({})) && invalid(client.set_receive_throttle({})));
    CHECK(invalid(client.open_store("/nowhere")) && invalid(client.continue_auth("x")));
    CHECK(invalid(client.request_by_topic(true)) && invalid(loop.add(client)));
    CHECK_EQUAL(client.socket(), -1);
    CHECK(!client.want_read() && !client.want_write() && client.last_error().empty());
    client.on_message(nullptr);
    client.on_log(nullptr);
}

TEST(waiting_inside_a_handler_is_an_error_and_no_deadlock)
{
    queue<std::error_code> answers;
    auto client = mqttrs::client::create(with_id("inside")).value();
    begin(client);
    CHECK_OK(client.on_message("inside", [&](const mqttrs::message_view &) {
        answers.push(client.publish_wait({"a", "b", qos::at_least_once}, PATIENCE).error());
        answers.push(client.drain(PATIENCE).error());
        answers.push(client.run().error());
        answers.push(client.request_wait({"a", "b"}, PATIENCE).error());
    }));
    subscribe(client, "inside");
    client.publish("inside", "").value();
    for (int i = 0; i < 4; ++i) {
        CHECK_EQUAL(answers.pop(), std::error_code(mqttrs::errc::invalid));
    }
}

int main(int argc, char **argv)
{
    return check::run(argc, argv);
}
