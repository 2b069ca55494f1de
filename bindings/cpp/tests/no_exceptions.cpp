/* Built with -fno-exceptions, and linked to a file that was built with them. */
#include <mosquittopp.h>
#include <mqttrs.hpp>

#if MQTTRS_HAS_EXCEPTIONS
#error "this file is for -fno-exceptions"
#endif

int sum_from_the_other_file();

int sum_from_the_other_file()
{
    int sum = 0;
    auto client = mqttrs::client::create({"quiet"});
    sum += client ? 1 : 0;
    sum += client->publish("a", "b").error() == mqttrs::errc::no_connection ? 1 : 0;
    sum += client->subscribe(
                     "a/#/b", mqttrs::qos::at_least_once,
                     [](const mqttrs::message_view &) {
                     }).error() == mqttrs::errc::invalid
               ? 1
               : 0;
    const mosqpp::mosquittopp other("other");
    return other.native_handle() == nullptr ? -1 : sum;
}
