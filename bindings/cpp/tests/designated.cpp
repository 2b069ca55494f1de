/* Options by name, for C++20; it is only compiled. */
#include <mqttrs.hpp>

using namespace std::chrono_literals;

mqttrs::result<mqttrs::client> made();

mqttrs::result<mqttrs::client> made()
{
    return mqttrs::client::create({
        .client_id = "named",
        .protocol = mqttrs::protocol::v5,
        .will = mqttrs::message{.topic = "gone", .qos = mqttrs::qos::at_least_once},
        .tls = mqttrs::tls_options{.ca_file = "ca.crt", .verify_host = false},
        .proxy = mqttrs::proxy_options{.host = "localhost", .port = 1080},
        .reconnect = mqttrs::reconnect_options{.delay_min = 100ms, .jitter = false},
        .queue = mqttrs::queue_options{.max_messages = 100},
    });
}

int main()
{
    auto client = made().value();
    client.connect("localhost", 1884, {.keep_alive = 10s}).value();
    client.set_throttle({.messages_per_second = 10}).value();
    client.publish({.topic = "a", .payload = "b", .retain = true}).value();
    client.subscribe_all({{.filter = "a/#", .qos = mqttrs::qos::exactly_once}, {.filter = "b"}})
        .value();
    client.unsubscribe_all({"a/#", "b"}).value();
    const mqttrs::connection where = {.host = "localhost", .timeout = 5s};
    return mqttrs::publish_once(where, {"a", "b"}) ? 0 : 1;
}
