// sensor PORT: a sensor and its display, as one writes them with libmosquittopp's class: a derived
// class, its virtual functions, its own thread for the loop. The display prints what it sees.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include <mosquittopp.h>

namespace {

class Counter {
public:
    void add()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        ++count_;
        changed_.notify_all();
    }

    void wait_for(int count)
    {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

class Display : public mosqpp::mosquittopp {
public:
    Display() : mosquittopp("display") {}

    void on_connect(int rc) override
    {
        std::printf("display: connected: %s\n", mosqpp::connack_string(rc));
        subscribe(nullptr, "sensors/+/temperature", 2);
    }

    void on_subscribe(int, int count, const int *granted) override
    {
        std::printf("display: subscribed: %d, %d\n", count, granted[0]);
        ready.add();
    }

    void on_message(const mosquitto_message *message) override
    {
        bool matches = false;
        mosqpp::topic_matches_sub("sensors/cellar/#", message->topic, &matches);
        const std::string text(static_cast<char *>(message->payload), message->payloadlen);
        std::printf("display: %s %d %s %d\n", message->topic, message->qos, text.c_str(), matches);
        shown.add();
    }

    void on_disconnect(int rc) override { std::printf("display: disconnected: %d\n", rc); }

    Counter ready, shown;
};

class Sensor : public mosqpp::mosquittopp {
public:
    Sensor() : mosquittopp("sensor", true) { will_set("sensors/state", 4, "gone", 1, false); }

    void on_connect(int) override { ready.add(); }
    void on_publish(int) override { published.add(); }

    Counter ready, published;
};

} // namespace

int main(int argc, char **argv)
{
    const int port = argc > 1 ? std::atoi(argv[1]) : 1883;
    int major = 0;
    mosqpp::lib_init();
    mosqpp::lib_version(&major, nullptr, nullptr);
    std::printf("libmosquitto %d\n", major);
    {
        Display display;
        Sensor sensor;
        if (display.connect("127.0.0.1", port) != MOSQ_ERR_SUCCESS || display.loop_start() != MOSQ_ERR_SUCCESS) {
            return 1;
        }
        display.ready.wait_for(1);
        if (sensor.connect_async("localhost", port) != MOSQ_ERR_SUCCESS || sensor.loop_start() != MOSQ_ERR_SUCCESS) {
            return 1;
        }
        sensor.ready.wait_for(1);
        for (int i = 0; i < 300; i++) {
            const std::string text = std::to_string(i);
            const char *topic = i % 2 ? "sensors/cellar/temperature" : "sensors/roof/temperature";
            sensor.publish(nullptr, topic, static_cast<int>(text.size()), text.c_str(), 2);
        }
        sensor.published.wait_for(300);
        display.shown.wait_for(300);
        sensor.disconnect();
        sensor.loop_stop();
        display.disconnect();
        display.loop_stop();
    }
    std::printf("%s\n", mosqpp::strerror(MOSQ_ERR_NO_CONN));
    mosqpp::lib_cleanup();
    return 0;
}
