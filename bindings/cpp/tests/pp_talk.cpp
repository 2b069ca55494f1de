/* A program for libmosquittopp 2.0, C++98. It is built with Debian's header and libmosquittopp, and
 * with the header here and libmqttrs, and says the same both times.
 *
 *     pp_talk PORT TLS_PORT FOLDER_OF_CERTIFICATES
 *
 * On stderr it says which libraries it runs with. */
#include <mosquittopp.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

#include <unistd.h>

namespace
{

std::string text_of(const struct mosquitto_message *message)
{
    return std::string(static_cast<const char *>(message->payload),
                       static_cast<std::size_t>(message->payloadlen));
}

/** Subscribes, sends itself a message of each QoS, and leaves when all have come and been told. */
class talker : public mosqpp::mosquittopp
{
public:
    talker(const char *id, const char *topic)
        : mosqpp::mosquittopp(id, true)
        , m_topic(topic)
        , m_left(6)
        , m_last_mid(0)
    {
    }

    void on_connect(int rc)
    {
        std::cout << "on_connect " << rc << std::endl;
        subscribe(&m_last_mid, m_topic.c_str(), 2);
    }
    void on_connect_with_flags(int rc, int flags)
    {
        std::cout << "on_connect_with_flags " << rc << " " << flags << std::endl;
    }
    void on_subscribe(int mid, int qos_count, const int *granted_qos)
    {
        std::cout << "on_subscribe " << (mid == m_last_mid) << " " << qos_count << " "
                  << granted_qos[0] << std::endl;
        for (int qos = 0; qos < 3; ++qos) {
            const std::string text = std::string("of ") + static_cast<char>('0' + qos);
            int mid_of_this = 0;
            publish(&mid_of_this, m_topic.c_str(), static_cast<int>(text.size()), text.data(), qos);
            m_mids.insert(mid_of_this);
        }
    }
    void on_publish(int mid)
    {
        m_mids.erase(mid);
        one_less();
    }
    void on_message(const struct mosquitto_message *message)
    {
        std::cout << "on_message " << message->topic << " " << text_of(message) << " "
                  << message->qos << " " << message->retain << std::endl;
        one_less();
    }
    void on_unsubscribe(int mid)
    {
        std::cout << "on_unsubscribe " << (mid == m_last_mid) << " left " << m_mids.size()
                  << std::endl;
        disconnect();
    }
    void on_disconnect(int rc)
    {
        std::cout << "on_disconnect " << rc << std::endl;
    }

private:
    void one_less()
    {
        if (--m_left == 0) {
            unsubscribe(&m_last_mid, m_topic.c_str());
        }
    }

    std::string m_topic;
    int m_left;
    int m_last_mid;
    std::set<int> m_mids;
};

/** Waits for somebody's last will. */
class mourner : public mosqpp::mosquittopp
{
public:
    mourner(int port)
        : mosqpp::mosquittopp()
        , m_port(port)
        , m_mortal("pp-mortal", true)
    {
    }
    void on_connect(int)
    {
        subscribe(NULL, "pp/will");
    }
    void on_subscribe(int, int, const int *)
    {
        /* Nobody runs it, so that it does not answer: it is gone when it is made anew. */
        std::cout << "will_set " << m_mortal.will_set("pp/will", 4, "gone", 1, false) << std::endl;
        std::cout << "connect " << m_mortal.connect("127.0.0.1", m_port) << std::endl;
        while (m_mortal.want_write()) {
            m_mortal.loop_write();
        }
        m_mortal.loop(1000);
        std::cout << "reinitialise " << m_mortal.reinitialise("pp-new", true) << std::endl;
    }
    void on_message(const struct mosquitto_message *message)
    {
        std::cout << "will " << text_of(message) << std::endl;
        disconnect();
    }

private:
    int m_port;
    mosqpp::mosquittopp m_mortal;
};

/** Has the broker keep a message, or no longer. */
class keeper : public mosqpp::mosquittopp
{
public:
    keeper(const char *text)
        : mosqpp::mosquittopp("pp-keeper", true)
        , m_text(text)
    {
    }
    void on_connect(int)
    {
        publish(NULL, "pp/retained", static_cast<int>(m_text.size()), m_text.data(), 1, true);
    }
    void on_publish(int)
    {
        disconnect();
    }
    void keep(int port)
    {
        connect("127.0.0.1", port);
        while (loop() == MOSQ_ERR_SUCCESS) {
        }
    }

private:
    std::string m_text;
};

int stop_at_first(struct mosquitto *, void *userdata, const struct mosquitto_message *message)
{
    *static_cast<std::string *>(userdata) = text_of(message);
    return 1;
}

void helpers(int port)
{
    keeper("there").keep(port);
    struct mosquitto_message *message = NULL;
    const int rc = mosqpp::subscribe_simple(&message, 1, true, "pp/retained", 1, "127.0.0.1", port,
                                            "pp-simple");
    std::cout << "subscribe_simple " << rc << " " << (rc == 0 ? text_of(message) : "") << std::endl;
    mosquitto_message_free(&message);
#ifdef HAS_SUBSCRIBE_CALLBACK
    std::string got;
    mosqpp::subscribe_callback(stop_at_first, &got, "pp/retained", 0, true, "127.0.0.1", port);
    if (got != "there") {
        std::cout << "subscribe_callback has " << got << std::endl;
    }
#else
    (void)stop_at_first;
#endif
    keeper("").keep(port);

    char **levels = NULL;
    int count = 0;
    mosqpp::sub_topic_tokenise("a/b//c", &levels, &count);
    std::cout << "tokenise " << count << " " << levels[1] << std::endl;
    mosqpp::sub_topic_tokens_free(&levels, count);
    bool matches = false;
    mosqpp::topic_matches_sub("a/+", "a/b", &matches);
    std::cout << "matches " << matches << std::endl;
    std::cout << "utf8 " << mosqpp::validate_utf8("\xff", 1) << std::endl;
    int major = 0;
    mosqpp::lib_version(&major, NULL, NULL);
    std::cout << "version " << major << std::endl;
    mosqpp::mosquittopp client("pp-idle");
    std::cout << "unconnected " << client.socket() << " " << client.publish(NULL, "a") << " "
              << client.publish(NULL, "a/#") << " " << client.disconnect() << std::endl;
    std::cout << "words " << mosqpp::strerror(MOSQ_ERR_INVAL) << " " << mosqpp::connack_string(1)
              << std::endl;
}

void libraries()
{
    std::ifstream maps("/proc/self/maps");
    std::set<std::string> seen;
    std::string line;
    while (std::getline(maps, line)) {
        const std::size_t path = line.find('/');
        const bool ours = line.find("libmosquitto") != std::string::npos ||
                          line.find("libmqttrs") != std::string::npos;
        if (path != std::string::npos && ours && seen.insert(line.substr(path)).second) {
            std::cerr << "library: " << line.substr(path) << std::endl;
        }
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    const int port = std::atoi(argv[1]);
    const std::string folder = std::string(argv[3]) + "/";
    mosqpp::lib_init();
    libraries();

    std::cout << "here" << std::endl;
    talker here("pp-here", "pp/here");
    here.max_inflight_messages_set(10);
    here.reconnect_delay_set(1, 2, true);
    here.connect("127.0.0.1", port, 60);
    std::cout << "loop_forever " << here.loop_forever() << std::endl;

    std::cout << "in a thread, with TLS" << std::endl;
    talker thread("pp-thread", "pp/thread");
    std::cout << "tls_set "
              << thread.tls_set((folder + "ca.crt").c_str(), NULL, (folder + "client.crt").c_str(),
                                (folder + "client.key").c_str())
              << std::endl;
    thread.tls_opts_set(1, "tlsv1.2");
    thread.username_pw_set("user", "password");
    std::cout << "loop_start " << thread.loop_start() << std::endl;
    thread.connect_async("127.0.0.1", std::atoi(argv[2]));
    std::cout << "loop_stop " << thread.loop_stop() << std::endl;

    std::cout << "a last will" << std::endl;
    mourner mourner(port);
    mourner.connect("127.0.0.1", port);
    std::cout << "loop_forever " << mourner.loop_forever() << std::endl;

    helpers(port);
    mosqpp::lib_cleanup();
    return 0;
}
