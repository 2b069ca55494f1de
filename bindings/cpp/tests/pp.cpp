/* What mosquittopp.h has beyond libmosquittopp 2.0. */
#include <mosquittopp.h>

#include <atomic>
#include <memory>
#include <thread>

#include "broker.h"
#include "check.h"

namespace
{

broker &shared_broker()
{
    static broker one;
    return one;
}

/** Runs in a thread. Each class that overrides something stops it in its destructor. */
class in_a_thread : public mosqpp::mosquittopp
{
public:
    explicit in_a_thread(const char *id, int version = MQTT_PROTOCOL_V5)
        : mosqpp::mosquittopp(id)
    {
        CHECK_EQUAL(int_option(MOSQ_OPT_PROTOCOL_VERSION, version), MOSQ_ERR_SUCCESS);
    }
    ~in_a_thread() override
    {
        loop_stop(true);
    }
    void begin(const mosquitto_property *properties = nullptr)
    {
        CHECK_EQUAL(connect_v5("127.0.0.1", shared_broker().port(), 60, nullptr, properties), 0);
        CHECK_EQUAL(loop_start(), 0);
        up.pop();
    }
    void on_connect_v5(int rc, int, const mosquitto_property *) override
    {
        up.push(rc);
    }
    void on_subscribe_v5(int, int, const int *granted, const mosquitto_property *) override
    {
        granted_qos.push(granted[0]);
    }

    queue<int> up;
    queue<int> granted_qos;
};

class properties_client : public in_a_thread
{
public:
    using in_a_thread::in_a_thread;
    ~properties_client() override
    {
        loop_stop(true);
    }
    void on_message_v5(const mosquitto_message *message, const mosquitto_property *props) override
    {
        char *type = nullptr;
        mosquitto_property_read_string(props, MQTT_PROP_CONTENT_TYPE, &type, false);
        messages.push(std::string(message->topic) + " " + (type == nullptr ? "" : type));
        std::free(type);
    }
    void on_publish_v5(int, int reason_code, const mosquitto_property *) override
    {
        published.push(reason_code);
    }
    void on_unsubscribe_v5(int mid, const mosquitto_property *) override
    {
        unsubscribed.push(mid);
    }
    void on_disconnect_v5(int rc, const mosquitto_property *) override
    {
        down.push(rc);
    }
    void on_pre_connect() override
    {
        attempts.push(1);
    }
    queue<std::string> messages;
    queue<int> published, unsubscribed, down, attempts;
};

class thrower : public in_a_thread
{
public:
    using in_a_thread::in_a_thread;
    ~thrower() override
    {
        loop_stop(true);
    }
    void on_message(const mosquitto_message *) override
    {
        throw std::runtime_error("thrown by on_message");
    }
    void on_log(int, const char *) override
    {
        throw 7;
    }
    void on_error() override
    {
        try {
            throw;
        } catch (const std::exception &error) {
            errors.push(error.what());
        } catch (int) {
            /* The log is long; once is enough. */
            if (!logged.exchange(true)) {
                errors.push("int");
            }
        }
        throw std::runtime_error("nobody is told of this one");
    }
    queue<std::string> errors;
    std::atomic<bool> logged{false};
};

} // namespace

TEST(properties_and_reason_codes_come_by_the_v5_callbacks)
{
    properties_client client("pp-v5");
    client.begin();
    client.attempts.pop();
    CHECK_EQUAL(client.subscribe_v5(nullptr, "v5/a", 1), 0);
    CHECK_EQUAL(client.granted_qos.pop(), 1);
    char filter[] = "v5/b";
    char *filters[] = {filter};
    CHECK_EQUAL(client.subscribe_multiple(nullptr, 1, filters, 2), 0);
    CHECK_EQUAL(client.granted_qos.pop(), 2);
    mosquitto_property *list = nullptr;
    CHECK_EQUAL(mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, "text/plain"), 0);
    CHECK_EQUAL(client.publish_v5(nullptr, "v5/a", 1, "x", 1, false, list), 0);
    mosquitto_property_free_all(&list);
    CHECK_EQUAL(client.messages.pop(), "v5/a text/plain");
    CHECK_EQUAL(client.published.pop(), 0);
    CHECK_EQUAL(client.publish_v5(nullptr, "nobody/listens", 0, nullptr, 1), 0);
    CHECK_EQUAL(client.published.pop(), MQTT_RC_NO_MATCHING_SUBSCRIBERS);
    CHECK_EQUAL(mosqpp::reason_string(MQTT_RC_NO_MATCHING_SUBSCRIBERS),
                std::string(mosquitto_reason_string(16)));
    int mid = 0;
    CHECK_EQUAL(client.unsubscribe_v5(&mid, "v5/a"), 0);
    CHECK_EQUAL(client.unsubscribed.pop(), mid);
    CHECK_EQUAL(client.unsubscribe_multiple(&mid, 1, filters), 0);
    CHECK_EQUAL(client.unsubscribed.pop(), mid);
    CHECK_EQUAL(client.disconnect_v5(0), 0);
    CHECK_EQUAL(client.down.pop(), 0);
}

TEST(exceptions_of_callbacks_end_in_on_error_and_the_connection_goes_on)
{
    thrower client("pp-throws");
    client.begin();
    CHECK_EQUAL(client.errors.pop(), "int");
    CHECK_EQUAL(client.subscribe_v5(nullptr, "throws"), 0);
    client.granted_qos.pop();
    for (int i = 0; i < 3; ++i) {
        CHECK_EQUAL(client.publish(nullptr, "throws", 1, "x", 1), 0);
        CHECK_EQUAL(client.errors.pop(), "thrown by on_message");
    }
    CHECK_EQUAL(client.up.size(), 0u);
}

TEST(user_data_leaves_the_callbacks_alone)
{
    int data = 0;
    properties_client client("pp-data");
    CHECK(client.user_data() == nullptr);
    client.user_data_set(&data);
    client.begin();
    CHECK(client.user_data() == &data);
    CHECK(mosquitto_userdata(client.native_handle()) ==
          static_cast<mosqpp::mosquittopp *>(&client));
}

TEST(callbacks_work_after_reinitialise)
{
    properties_client client("pp-again");
    client.begin();
    CHECK_EQUAL(client.reinitialise("pp-anew", true), 0);
    client.begin();
    CHECK(client.reinitialise("", true) != 0);
}

TEST(a_client_that_could_not_be_made_answers_with_errors)
{
    mosqpp::mosquittopp client(nullptr, false);
    CHECK(client.native_handle() == nullptr);
    CHECK_EQUAL(client.connect("127.0.0.1"), MOSQ_ERR_INVAL);
    CHECK_EQUAL(client.publish(nullptr, "a"), MOSQ_ERR_INVAL);
    CHECK_EQUAL(client.loop_forever(), MOSQ_ERR_INVAL);
    CHECK_EQUAL(client.string_option(MOSQ_OPT_BIND_ADDRESS, "127.0.0.1"), MOSQ_ERR_INVAL);
    CHECK_EQUAL(client.ext_auth_continue("method"), MOSQ_ERR_INVAL);
}

TEST(many_threads_publish_with_one_object)
{
    class counter : public in_a_thread
    {
    public:
        using in_a_thread::in_a_thread;
        ~counter() override
        {
            loop_stop(true);
        }
        void on_message(const mosquitto_message *) override
        {
            if (++count == 800) {
                all.push(1);
            }
        }
        std::atomic<int> count{0};
        queue<int> all;
    } client("pp-threads", MQTT_PROTOCOL_V311);
    client.begin();
    CHECK_EQUAL(client.subscribe(nullptr, "many/+", 2), 0);
    client.granted_qos.pop();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&client, i] {
            const std::string topic = "many/" + std::to_string(i);
            for (int n = 0; n < 100; ++n) {
                client.publish(nullptr, topic.c_str(), 1, "x", 1 + n % 2);
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    client.all.pop();
    CHECK_EQUAL(client.count.load(), 800);
}

int main(int argc, char **argv)
{
    return check::run(argc, argv);
}
