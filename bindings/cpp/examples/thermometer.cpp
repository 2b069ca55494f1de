// A thermometer: publishes a reading now and then, answers who asks for one, and says by its last
// will when it is gone. It reconnects by itself, and ends with SIGINT.
//
//     thermometer [PORT [SECONDS [READINGS]]]

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <thread>

#include <mqttrs.hpp>

using namespace std::chrono_literals;
using mqttrs::qos;

namespace
{

volatile std::sig_atomic_t interrupted = 0;

/** A reading as text; a sensor would be asked here. */
std::string read_sensor()
{
    static std::mt19937 chance;
    std::uniform_real_distribution<double> degrees(19.0, 23.0);
    return std::to_string(degrees(chance)).substr(0, 4);
}

mqttrs::client_options options()
{
    mqttrs::client_options options;
    options.client_id = "thermometer";
    options.protocol = mqttrs::protocol::v5;
    options.will = mqttrs::message{"room/thermometer", "gone", qos::at_least_once, true};
    options.reconnect = mqttrs::reconnect_options();
    return options;
}

void run(int port, std::chrono::duration<double> pause, int readings)
{
    auto client = mqttrs::client::create(options()).value();

    client.on_connect([&](const mqttrs::connect_event &event) {
        if (event.error) {
            std::cerr << "refused: " << event.error.message() << std::endl;
            return;
        }
        client.publish("room/thermometer", "here", qos::at_least_once, true).value();
    });
    client.on_lifecycle([](const mqttrs::lifecycle_event &event) {
        if (event.now == mqttrs::lifecycle_event::state::waiting) {
            std::cerr << event.words << "; again in " << event.delay.count() << " ms" << std::endl;
        }
    });
    client
        .serve("room/temperature/now", qos::at_least_once,
               [](const mqttrs::request_view &request) {
                   request.respond(read_sensor(), qos::at_least_once).value();
               })
        .value();

    client.connect_async("127.0.0.1", port).value();
    client.start().value();

    // Who comes late need not be told what is out of date.
    mqttrs::properties properties;
    properties.add(mqttrs::prop::content_type, "text/plain")
        .add(mqttrs::prop::message_expiry_interval, 5min)
        .user("unit", "celsius");
    for (int i = 0; i != readings && !interrupted; ++i) {
        const std::string reading = read_sensor();
        client.publish({"room/temperature", reading, qos::at_least_once, false, &properties})
            .value();
        for (auto left = pause; left > 0s && !interrupted; left -= 100ms) {
            std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(left, 100ms));
        }
    }

    client.publish("room/thermometer", "off", qos::at_least_once, true).value();
    client.disconnect(5s).value();
}

} // namespace

int main(int argc, char **argv)
{
    std::signal(SIGINT, [](int) { interrupted = 1; });
    try {
        run(argc > 1 ? std::atoi(argv[1]) : 1883,
            std::chrono::duration<double>(argc > 2 ? std::atof(argv[2]) : 30),
            argc > 3 ? std::atoi(argv[3]) : -1);
    } catch (const std::exception &error) {
        std::cerr << "thermometer: " << error.what() << std::endl;
        return 1;
    }
    return 0;
}
