/* What clients do with a broker. TLS needs MQTTRS_TEST_CERTIFICATES, a folder. */
#include <mqttrs.hpp>

#include <poll.h>

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

mqttrs::client_options with_id(const char *id, mqttrs::protocol version = mqttrs::protocol::v5)
{
    mqttrs::client_options options;
    options.client_id = id;
    options.protocol = version;
    return options;
}

/** A client that is connected to a broker, run by a thread, and keeps what it receives. */
struct peer {
    queue<mqttrs::message> messages;
    queue<std::error_code> connected;
    /* The last member, since its handlers use the others until it is destroyed. */
    mqttrs::client client;

    explicit peer(const mqttrs::client_options &options, const broker &to = shared_broker(),
                  const mqttrs::connect_options &how = {})
        : client(mqttrs::client::create(options).value())
    {
        client.on_connect(
            [this](const mqttrs::connect_event &event) { connected.push(event.error); });
        client.on_message(
            [this](const mqttrs::message_view &message) { messages.push(message.copy()); });
        client.connect("127.0.0.1", to.port(), how).value();
        client.start().value();
        CHECK(!connected.pop());
    }
    void subscribe(const char *filter, mqttrs::qos level = qos::exactly_once)
    {
        CHECK(client.subscribe_token({{filter, level}}).value().wait(PATIENCE).value());
    }
};

std::string certificate(const char *file)
{
    const char *folder = std::getenv("MQTTRS_TEST_CERTIFICATES");
    return std::string(folder == nullptr ? "." : folder) + "/" + file;
}

} // namespace

TEST(messages_of_each_qos_arrive_and_publishers_are_told)
{
    peer reader(with_id("qos-reader"));
    reader.subscribe("qos/#");
    peer writer(with_id("qos-writer", mqttrs::protocol::v311));
    for (const qos level : {qos::at_most_once, qos::at_least_once, qos::exactly_once}) {
        const std::string payload = "of " + std::to_string(static_cast<int>(level));
        const auto told = writer.client.publish_wait({"qos/a", payload, level}, PATIENCE).value();
        CHECK(told.outcome ==
              (level == qos::at_most_once ? mqttrs::outcome::sent : mqttrs::outcome::acknowledged));
        const mqttrs::message message = reader.messages.pop();
        CHECK_EQUAL(message.payload, payload);
        CHECK_EQUAL(message.topic, "qos/a");
        CHECK(message.qos == level && !message.retain);
    }
}

TEST(a_publisher_hears_by_callback_token_future_and_outcome_handler)
{
    queue<int> ended;
    queue<mqttrs::delivery> told;
    peer writer(with_id("telling"));
    writer.client.on_outcome([&](const mqttrs::outcome_event &event) { ended.push(event.mid); });
    const mqttrs::outgoing message = {"telling", "x", qos::at_least_once};
    const int mid =
        writer.client.publish(message, [&](const mqttrs::delivery &d) { told.push(d); }).value();
    CHECK_EQUAL(told.pop().mid, mid);
    CHECK_EQUAL(ended.pop(), mid);

    auto future = writer.client.publish_future(message).value();
    CHECK(future.wait_for(PATIENCE) == std::future_status::ready);
    CHECK(future.get().reason == mqttrs::reason_code::no_matching_subscribers);

    std::vector<mqttrs::token> tokens;
    for (int i = 0; i < 5; ++i) {
        tokens.push_back(writer.client.publish_token(message).value());
    }
    CHECK_OK(mqttrs::wait_all(tokens, PATIENCE));
    CHECK(tokens.back().done());
    CHECK_OK(mqttrs::wait_all({}, 0ms));
    CHECK_OK(writer.client.drain(PATIENCE));
}

TEST(the_servers_answer_to_a_subscription_is_told_for_each_filter)
{
    queue<mqttrs::delivery> ended;
    peer reader(with_id("answers"));
    auto token =
        reader.client.subscribe_token({{"a", qos::at_least_once}, {"b/#", qos::exactly_once}})
            .value();
    const mqttrs::delivery granted = token.wait(PATIENCE).value();
    CHECK_EQUAL(granted.reasons.size(), 2u);
    CHECK(granted.reasons[0] == mqttrs::reason_code::granted_qos_1);
    CHECK(granted.reasons[1] == mqttrs::reason_code::granted_qos_2);
    reader.client.unsubscribe_all({"a", "never"}, [&](const mqttrs::delivery &d) { ended.push(d); })
        .value();
    const mqttrs::delivery codes = ended.pop();
    CHECK_EQUAL(codes.reasons.size(), 2u);
    CHECK(codes.reasons[1] == mqttrs::reason_code::no_subscription_existed);
    CHECK(reader.client.unsubscribe_token({"b/#"}).value().wait(PATIENCE).value());
}

TEST(each_topic_filter_has_its_handler)
{
    queue<std::string> seen;
    peer reader(with_id("filters"));
    CHECK_OK(reader.client.on_message("filters/+/t", [&](const mqttrs::message_view &message) {
        seen.push("t " + std::string(message.text()));
    }));
    CHECK_OK(reader.client.subscribe("filters/#", qos::at_least_once,
                                     [&](const mqttrs::message_view &message) {
                                         seen.push("all " + std::string(message.text()));
                                     }));
    reader.client.publish_wait({"filters/a/t", "1", qos::at_least_once}, PATIENCE).value();
    CHECK_EQUAL(seen.pop(), "t 1");
    CHECK_EQUAL(seen.pop(), "all 1");
    CHECK_OK(reader.client.remove_message_handler("filters/+/t"));
    CHECK(reader.client.remove_message_handler("filters/+/t").error() == mqttrs::errc::not_found);
    CHECK_OK(reader.client.on_message("filters/#", nullptr));
    reader.client.publish_wait({"filters/a/t", "2", qos::at_least_once}, PATIENCE).value();
    CHECK_EQUAL(reader.messages.pop().payload, "2");
    CHECK_EQUAL(seen.size(), 0u);
}

TEST(properties_travel_both_ways)
{
    mqttrs::connect_options how;
    how.properties.add(mqttrs::prop::session_expiry_interval, 60s);
    auto options = with_id("");
    options.clean_session = true;
    queue<std::string> assigned;
    queue<mqttrs::message> messages;
    auto client = mqttrs::client::create(options).value();
    client.on_connect([&](const mqttrs::connect_event &event) {
        const auto id = event.properties.get(mqttrs::prop::assigned_client_identifier);
        assigned.push(std::string(id.value_or("")));
    });
    client.on_message([&](const mqttrs::message_view &m) { messages.push(m.copy()); });
    CHECK_OK(client.connect("127.0.0.1", shared_broker().port(), how));
    CHECK_OK(client.start());
    CHECK(!assigned.pop().empty());

    mqttrs::properties subscribe;
    subscribe.add(mqttrs::prop::subscription_identifier, 42);
    CHECK(client.subscribe_token({{"props", qos::at_least_once}}, subscribe)
              .value()
              .wait(PATIENCE)
              .value());
    mqttrs::properties publish;
    publish.add(mqttrs::prop::content_type, "application/json")
        .add(mqttrs::prop::message_expiry_interval, 10min)
        .add(mqttrs::prop::response_topic, "answers/here")
        .add(mqttrs::prop::correlation_data, std::string_view("\0\1\2", 3))
        .user("a", "1")
        .user("b", "2");
    client.publish({"props", "{}", qos::at_least_once, false, &publish}).value();
    const mqttrs::message message = messages.pop();
    const auto &got = message.properties;
    CHECK_EQUAL(got.get(mqttrs::prop::content_type).value(), "application/json");
    CHECK(got.get(mqttrs::prop::message_expiry_interval) == 10min);
    CHECK_EQUAL(got.get(mqttrs::prop::response_topic).value(), "answers/here");
    CHECK_EQUAL(got.get(mqttrs::prop::correlation_data)->text(), std::string_view("\0\1\2", 3));
    CHECK_EQUAL(got.get(mqttrs::prop::subscription_identifier).value(), 42u);
    CHECK_EQUAL(got.view().user("b").value(), "2");

    /* A message that was received can be published as it is. */
    mqttrs::message again = message;
    again.topic = "props";
    again.properties = mqttrs::properties();
    again.properties.user("again", "yes");
    client.publish(mqttrs::outgoing::from(again)).value();
    CHECK_EQUAL(messages.pop().properties.view().user("again").value(), "yes");
}

TEST(the_last_will_comes_after_abandon_and_not_after_close)
{
    peer reader(with_id("will-reader"));
    reader.subscribe("wills/#");
    auto options = with_id("will-a");
    options.will = mqttrs::message{"wills/a", "gone", qos::at_least_once};
    options.will->properties.user("why", "will");
    { /* The destructor closes. */
        peer polite(options);
    }
    { /* So it is in a handler. */
        queue<int> closed;
        peer polite(options);
        polite.client.on_message([&](const mqttrs::message_view &) {
            polite.client.close();
            closed.push(1);
        });
        polite.subscribe("close");
        polite.client.publish("close", "").value();
        closed.pop();
    }
    options.client_id = "will-b";
    options.will->topic = "wills/b";
    peer rude(options);
    rude.client.abandon();
    const mqttrs::message will = reader.messages.pop();
    CHECK_EQUAL(will.topic, "wills/b");
    CHECK_EQUAL(will.payload, "gone");
    CHECK_EQUAL(will.properties.view().user("why").value(), "will");
    CHECK_EQUAL(reader.messages.size(), 0u);
}

TEST(tls_with_certificates_from_files_and_from_memory)
{
    broker secure("cafile " + certificate("ca.crt") + "\ncertfile " + certificate("server.crt") +
                  "\nkeyfile " + certificate("server.key") + "\nrequire_certificate true\n");
    const auto slurp = [](const std::string &file) {
        std::ifstream stream(file);
        return std::string(std::istreambuf_iterator<char>(stream), {});
    };
    auto by_file = with_id("tls-files");
    auto &files = by_file.tls.emplace();
    files.ca_file = certificate("ca.crt");
    files.cert_file = certificate("client.crt");
    files.key_file = certificate("client.enc.key");
    files.key_password = "secret";
    auto by_memory = with_id("tls-memory");
    auto &memory = by_memory.tls.emplace();
    memory.ca = slurp(certificate("ca.crt"));
    memory.cert = slurp(certificate("client.crt"));
    memory.key = slurp(certificate("client.key"));
    auto mixed = with_id("tls-mixed");
    mixed.tls.emplace().ca = memory.ca;
    mixed.tls->cert_file = certificate("client.crt");
    mixed.tls->key_file = certificate("client.key");
    for (const auto &options : {by_file, by_memory, mixed}) {
        peer one(options, secure);
        one.subscribe("tls");
        CHECK(one.client.publish_wait({"tls", "hidden", qos::exactly_once}, PATIENCE).value());
        CHECK_EQUAL(one.messages.pop().payload, "hidden");
    }

    auto untrusting = with_id("tls-untrusting");
    untrusting.tls.emplace().cert = memory.cert;
    untrusting.tls->key = memory.key;
    auto client = mqttrs::client::create(untrusting).value();
    CHECK_OK(client.connect("127.0.0.1", secure.port()));
    const auto refused = client.run();
    CHECK_EQUAL(refused.error(), std::error_code(mqttrs::errc::tls));
    CHECK_EQUAL(refused.words(), client.last_error());
    CHECK(!refused.words().empty());

    /* A call without a client takes the same options. */
    mqttrs::connection once;
    once.host = "127.0.0.1";
    once.port = secure.port();
    once.options = by_file;
    once.options.client_id.clear();
    CHECK_OK(mqttrs::publish_once(once, {"tls", "once", qos::at_least_once}));
}

TEST(requests_have_responses_by_callback_future_and_waiting)
{
    queue<mqttrs::message> waiting;
    peer server(with_id("rr-server"));
    server.client
        .serve("rr/upper", qos::at_least_once,
               [](const mqttrs::request_view &request) {
                   std::string text(request.text());
                   for (char &c : text) {
                       c = static_cast<char>(c - 32);
                   }
                   mqttrs::properties list;
                   list.add(mqttrs::prop::content_type, "text/upper");
                   request.respond(text, qos::at_least_once, list).value();
               })
        .value();
    /* Answered later, from a copy. */
    CHECK_OK(server.client.serve(
        "rr/later", qos::at_least_once,
        [&](const mqttrs::request_view &request) { waiting.push(request.copy()); }));
    CHECK_OK(server.client.drain(PATIENCE));
    for (const auto version : {mqttrs::protocol::v311, mqttrs::protocol::v5}) {
        queue<std::string> got;
        queue<std::error_code> none;
        peer asker(with_id("rr-asker", version));
        if (version == mqttrs::protocol::v311) {
            /* The server of MQTT 5 answers by topics as well. */
            CHECK_OK(asker.client.request_by_topic(true));
        }
        const mqttrs::outgoing request = {"rr/upper", "abc", qos::at_least_once};
        CHECK_EQUAL(asker.client.request_wait(request, PATIENCE).value().payload, "ABC");
        auto future = asker.client.request_future(request, PATIENCE).value();
        CHECK_EQUAL(future.get().value().payload, "ABC");
        CHECK_OK(asker.client.request({"rr/later", "x", qos::at_least_once}, PATIENCE,
                                      [&](const mqttrs::result<mqttrs::message> &response) {
                                          got.push(response.value().payload);
                                      }));
        CHECK_OK(server.client.respond(waiting.pop(), "late", qos::at_least_once));
        CHECK_EQUAL(got.pop(), "late");
        CHECK_OK(asker.client.request(
            {"rr/nobody", "x", qos::at_least_once}, 50ms,
            [&](const mqttrs::result<mqttrs::message> &response) { none.push(response.error()); }));
        CHECK(none.pop() == mqttrs::errc::timeout);
    }
    CHECK_OK(server.client.stop_serving("rr/upper"));
}

TEST(one_loop_runs_many_clients)
{
    auto loop = mqttrs::loop::create().value();
    queue<std::string> seen;
    std::vector<mqttrs::client> clients;
    for (int i = 0; i < 10; ++i) {
        clients.push_back(
            mqttrs::client::create(with_id(("loop-" + std::to_string(i)).c_str())).value());
    }
    for (auto &client : clients) {
        CHECK_OK(loop.add(client));
        client.on_connect([&client](const mqttrs::connect_event &) {
            client
                .subscribe_all({{"loop/all", qos::at_least_once}},
                               [&client](const auto &) {
                                   client.publish("loop/ready", "", qos::at_least_once).value();
                               })
                .value();
        });
        client.on_message([&](const mqttrs::message_view &m) { seen.push(std::string(m.text())); });
        CHECK_OK(client.connect_async("127.0.0.1", shared_broker().port()));
    }
    CHECK(loop.add(clients[0]).error() == mqttrs::errc::invalid);
    CHECK(loop.socket() >= 0);
    peer other(with_id("loop-other"));
    other.subscribe("loop/ready");
    CHECK_OK(loop.start());
    for (std::size_t i = 0; i < clients.size(); ++i) {
        other.messages.pop();
    }
    other.client.publish("loop/all", "hello").value();
    for (std::size_t i = 0; i < clients.size(); ++i) {
        CHECK_EQUAL(seen.pop(), "hello");
    }
    CHECK_OK(loop.stop());
    CHECK_OK(loop.remove(clients[0]));
    CHECK_OK(loop.run_once(0ms));
    mqttrs::loop moved = std::move(loop);
    CHECK(loop.run_once(0ms).error() == mqttrs::errc::invalid);
    CHECK(moved.timeout() >= -1ms);
}

TEST(an_event_loop_of_the_programs_own_drives_a_client)
{
    std::string got;
    auto client = mqttrs::client::create(with_id("own-loop")).value();
    CHECK_OK(client.connect("127.0.0.1", shared_broker().port()));
    CHECK_OK(client.subscribe("own-loop", qos::at_least_once,
                              [&](const mqttrs::message_view &m) { got = m.copy().payload; }));
    client.publish("own-loop", "round", qos::at_least_once).value();
    while (got.empty()) {
        short events = client.want_read() ? POLLIN : 0;
        if (client.want_write()) {
            events = static_cast<short>(events | POLLOUT);
        }
        pollfd watched = {client.socket(), events, 0};
        const auto limit = client.misc_timeout();
        const int ready = ::poll(&watched, 1, limit < 0ms ? -1 : static_cast<int>(limit.count()));
        CHECK(ready >= 0);
        if ((watched.revents & POLLIN) != 0) {
            CHECK_OK(client.read());
        }
        if ((watched.revents & POLLOUT) != 0) {
            CHECK_OK(client.write());
        }
        if (client.misc_timeout() == 0ms) {
            CHECK_OK(client.misc());
        }
    }
    CHECK_EQUAL(got, "round");
    CHECK_OK(client.disconnect(PATIENCE));
}

TEST(poll_and_run_return_when_the_program_disconnects)
{
    queue<std::error_code> ends;
    auto client = mqttrs::client::create(with_id("runner")).value();
    client.on_disconnect([&](const mqttrs::disconnect_event &event) { ends.push(event.error); });
    client.on_connect([&](const mqttrs::connect_event &event) {
        CHECK(!event.session_present);
        client.disconnect(mqttrs::reason_code::success).value();
    });
    CHECK_OK(client.connect("127.0.0.1", shared_broker().port()));
    CHECK_OK(client.run());
    CHECK(!ends.pop());
    CHECK_OK(client.reconnect());
    while (ends.size() == 0) {
        CHECK_OK(client.poll(100ms));
    }
    CHECK(client.poll(0ms).error() == mqttrs::errc::no_connection);
}

TEST(messages_go_in_one_call_and_come_in_one_call)
{
    mqttrs::connection to;
    to.host = "127.0.0.1";
    to.port = shared_broker().port();
    to.options.protocol = mqttrs::protocol::v5;
    mqttrs::properties list;
    list.user("from", "once");
    std::vector<std::error_code> results;
    CHECK_OK(mqttrs::publish_all_once(to,
                                      {{"once/a", "1", qos::at_least_once, true, &list},
                                       {"once/b", "2", qos::exactly_once, true}},
                                      &results));
    CHECK_EQUAL(results.size(), 2u);
    CHECK(!results[0] && !results[1]);
    const mqttrs::received got = mqttrs::receive_once(to, {{"once/#", qos::exactly_once}}, 2);
    CHECK_EQUAL(got.words, "");
    CHECK_EQUAL(got.messages.size(), 2u);
    CHECK(got.messages[0].retain);
    CHECK_EQUAL(got.messages[0].properties.view().user("from").value(), "once");

    std::string seen;
    CHECK_OK(mqttrs::receive_each(to, {{"once/a"}, {"once/b"}},
                                  [&](const mqttrs::message_view &message) {
                                      seen += message.text();
                                      return seen.size() < 2;
                                  }));
    CHECK_EQUAL(seen, "12");
    bool thrown = false;
    try {
        static_cast<void>(
            mqttrs::receive_each(to, {{"once/a"}}, [](const mqttrs::message_view &) -> bool {
                throw std::runtime_error("enough");
            }));
    } catch (const std::runtime_error &error) {
        thrown = error.what() == std::string("enough");
    }
    CHECK(thrown);
    to.timeout = 200ms;
    CHECK(mqttrs::receive_once(to, {{"once/none"}}).error == mqttrs::errc::timeout);
    to.port = 1;
    const auto refused = mqttrs::publish_once(to, {"a", "b"});
    CHECK(refused.error() == std::errc::connection_refused);
    CHECK(refused.words().find("127.0.0.1") != std::string::npos);
    to.options.password = std::string("a\0b", 3);
    CHECK(mqttrs::publish_once(to, {"a", "b"}).words().find("NUL") != std::string::npos);
}

TEST(a_program_acknowledges_by_itself)
{
    auto options = with_id("acks");
    options.clean_session = false;
    options.ack_mode = mqttrs::ack_mode::manual;
    mqttrs::connect_options how;
    how.properties.add(mqttrs::prop::session_expiry_interval, 60s);
    {
        peer reader(options, shared_broker(), how);
        reader.subscribe("acks");
        reader.client.publish("acks", "first", qos::at_least_once).value();
        reader.client.publish("acks", "second", qos::at_least_once).value();
        const mqttrs::message first = reader.messages.pop();
        reader.messages.pop();
        CHECK_OK(reader.client.ack(first.mid));
        CHECK(reader.client.ack(first.mid).error() == mqttrs::errc::not_found);
    }
    peer again(options, shared_broker(), how);
    CHECK_EQUAL(again.messages.pop().payload, "second");
}

TEST(limits_of_speed_and_of_the_queue_hold)
{
    peer writer(with_id("limits"));
    mqttrs::throttle_options slow;
    slow.messages_per_second = 0.001;
    slow.excess = mqttrs::excess::refuse;
    CHECK_OK(writer.client.set_throttle("limits/slow", slow));
    CHECK(writer.client.publish_wait({"limits/slow", "1", qos::at_least_once}, PATIENCE).value());
    CHECK(writer.client.publish("limits/slow", "2", qos::at_least_once).error() ==
          mqttrs::errc::queue_full);
    CHECK_OK(writer.client.publish("limits/fast", "3", qos::at_least_once));
    CHECK_OK(writer.client.set_throttle(mqttrs::throttle_options()));
    slow.excess = mqttrs::excess::wait;
    CHECK_OK(writer.client.set_receive_throttle(slow));

    auto offline = mqttrs::client::create(with_id("offline")).value();
    mqttrs::queue_options queue;
    queue.max_messages = 2;
    queue.queue_qos_0 = true;
    CHECK_OK(offline.set_queue(queue));
    CHECK_OK(offline.publish("q", "1"));
    CHECK_OK(offline.publish("q", "2", qos::at_least_once));
    CHECK(offline.publish("q", "3", qos::exactly_once).error() == mqttrs::errc::queue_full);
    CHECK(offline.publish("q", "3", qos::exactly_once).error() == std::errc::no_buffer_space);
    CHECK_OK(offline.clear_queue());
    CHECK_EQUAL(offline.stats().value().queued_messages, 0u);
}

TEST(numbers_logs_and_lifecycle_are_told)
{
    queue<std::string> events;
    queue<mqttrs::lifecycle_event::state> states;
    auto client = mqttrs::client::create(with_id("told")).value();
    client.on_log([&](const mqttrs::log_record &record) {
        if (record.event() == "publish.sent") {
            events.push(std::string(record["topic"]) + " " + std::string(record.client_id()));
        }
    });
    client.on_lifecycle([&](const mqttrs::lifecycle_event &event) { states.push(event.now); });
    CHECK_OK(client.connect("127.0.0.1", shared_broker().port()));
    CHECK_OK(client.start());
    using state = mqttrs::lifecycle_event::state;
    CHECK(states.pop() == state::connecting);
    CHECK(states.pop() == state::up);
    CHECK(client.publish_wait({"told", "x", qos::at_least_once}, PATIENCE).value());
    CHECK_EQUAL(events.pop(), "told told");
    const auto numbers = client.stats().value();
    CHECK_EQUAL(numbers.messages_sent[1], 1u);
    CHECK_EQUAL(numbers.connections, 1u);
    CHECK_OK(client.disconnect(PATIENCE));
    CHECK(states.pop() == state::idle);
}

TEST(messages_survive_in_a_store)
{
    char folder[] = "/tmp/mqttrs-cpp-store-XXXXXX";
    CHECK(::mkdtemp(folder) != nullptr);
    auto options = with_id("stored");
    options.clean_session = false;
    {
        auto client = mqttrs::client::create(options).value();
        const auto opened = client.open_store(std::string(folder) + "/session");
        if (opened.error() == mqttrs::errc::not_supported) {
            ::rmdir(folder);
            check::skip("the library was built without the feature");
        }
        CHECK_OK(opened);
        client.publish("stored", "kept", qos::at_least_once).value();
    }
    auto client = mqttrs::client::create(options).value();
    CHECK_OK(client.open_store(std::string(folder) + "/session"));
    CHECK_EQUAL(client.stats().value().queued_messages, 1u);
    client.close();
    CHECK_EQUAL(std::system(("rm -r " + std::string(folder)).c_str()), 0);
}

int main(int argc, char **argv)
{
    return check::run(argc, argv);
}
