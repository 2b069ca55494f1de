/* Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MQTTRS_REQUEST_HPP
#define MQTTRS_REQUEST_HPP

#include <functional>

#include "message.hpp"

MQTTRS_NAMESPACE_BEGIN

/** A request that client::serve hands to its handler; it lives until that returns. */
class request_view : public message_view
{
public:
    request_view(mosquitto *client, const mosquitto_message &message,
                 const mosquitto_property *properties) noexcept
        : message_view(message, properties)
        , client_(client)
    {
    }

    /**
     * Answers, in the way in which the request came. Who answers later keeps copy(), and calls
     * client::respond. errc::invalid where the message asks for no response.
     */
    result<void> respond(bytes_view payload, mqttrs::qos qos = mqttrs::qos::at_most_once,
                         const mqttrs::properties &properties = {}) const
    {
        if (properties.error()) {
            return properties.error();
        }
        return detail::checked(mqttrs_respond(client_, native_handle(),
                                              message_view::properties().native_handle(),
                                              payload.data(), payload.size(), static_cast<int>(qos),
                                              properties.native_handle()),
                               client_);
    }

private:
    mosquitto *client_;
};

/** Gets a request. */
using request_handler = std::function<void(const request_view &)>;

MQTTRS_NAMESPACE_END

#endif
