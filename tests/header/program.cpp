// What C++ programs written for libmosquitto do with its headers.
#include <cstdio>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <mqttrs.h>
#include <string>

class Client {
public:
    explicit Client(const char *id) : handle(mosquitto_new(id, true, this))
    {
        mosquitto_connect_with_flags_callback_set(
            handle, [](struct mosquitto *, void *obj, int rc, int flags) {
                static_cast<Client *>(obj)->connected(rc, flags);
            });
        mosquitto_message_callback_set(handle, on_message);
        mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
        mosquitto_string_option(handle, MOSQ_OPT_BIND_ADDRESS, "127.0.0.1");
    }
    Client(const Client &) = delete;
    ~Client() { mosquitto_destroy(handle); }

    mosq_err_t publish(const std::string &topic, const std::string &payload)
    {
        mosquitto_property *props = nullptr;
        mosquitto_property_add_byte(&props, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
        int rc = mosquitto_publish_v5(handle, nullptr, topic.c_str(), static_cast<int>(payload.size()),
            payload.data(), 0, false, props);
        mosquitto_property_free_all(&props);
        return static_cast<mosq_err_t>(rc);
    }

private:
    void connected(int rc, int flags)
    {
        mqtt5_return_codes code = MQTT_RC_GRANTED_QOS0;
        std::printf("%s %d\n", mosquitto_reason_string(rc + code), flags);
    }
    static void on_message(struct mosquitto *, void *, const struct mosquitto_message *message)
    {
        bool match = false;
        if (mosquitto_topic_matches_sub("#", message->topic, &match) == MOSQ_ERR_SUCCESS && match) {
            std::puts(static_cast<const char *>(message->payload));
        }
    }
    struct mosquitto *handle;
};

int main()
{
    mosquitto_lib_init();
    Client client("id");
    client.publish("a", "b");
    mosquitto_lib_cleanup();
}
