/* What needs no server: results, errors, bytes, properties, options. */
#include <mqttrs.hpp>

#include <array>
#include <cstring>
#include <type_traits>

#include "check.h"

using namespace std::chrono_literals;
using namespace std::string_view_literals;

int sum_from_the_other_file();

static_assert(std::is_move_constructible_v<mqttrs::client>);
static_assert(!std::is_copy_constructible_v<mqttrs::client>);
static_assert(std::is_nothrow_move_constructible_v<mqttrs::token>);
static_assert(!std::is_copy_constructible_v<mqttrs::loop>);

TEST(an_error_of_the_library_has_its_words_and_compares_with_std_errc)
{
    const std::error_code error = mqttrs::errc::timeout;
    CHECK(error == mqttrs::errc::timeout);
    CHECK(error == std::errc::timed_out);
    CHECK_EQUAL(error.message(), std::string(mosquitto_strerror(MOSQ_ERR_TIMEOUT)));
    CHECK_EQUAL(std::string(error.category().name()), std::string("mqttrs"));
}

TEST(reason_codes_connack_codes_and_outcomes_have_categories_of_their_own)
{
    const std::error_code reason = mqttrs::reason_code::not_authorized;
    const std::error_code connack = mqttrs::connack_code::not_authorized;
    const std::error_code outcome = mqttrs::outcome::overflow;
    CHECK_EQUAL(reason.message(), std::string(mosquitto_reason_string(135)));
    CHECK_EQUAL(connack.message(), std::string(mosquitto_connack_string(5)));
    CHECK(outcome.message().find("room") != std::string::npos);
    CHECK(reason != connack);
    CHECK(connack != outcome);
}

TEST(what_c_returns_becomes_an_error_of_the_system_the_server_or_the_library)
{
    CHECK(!mqttrs::error_from(MOSQ_ERR_SUCCESS));
    errno = ECONNREFUSED;
    CHECK(mqttrs::error_from(MOSQ_ERR_ERRNO) == std::errc::connection_refused);
    CHECK(mqttrs::error_from(MOSQ_ERR_BANNED) == mqttrs::reason_code::banned);
    CHECK(mqttrs::error_from(MOSQ_ERR_INVAL) == mqttrs::errc::invalid);
    CHECK(mqttrs::error_from(MOSQ_ERR_INVAL) == std::errc::invalid_argument);
}

TEST(value_of_a_failed_result_throws_its_error)
{
    const mqttrs::result<int> failed = mqttrs::errc::not_found;
    CHECK(!failed);
    try {
        static_cast<void>(failed.value());
        CHECK(false);
    } catch (const std::system_error &error) {
        CHECK(error.code() == mqttrs::errc::not_found);
    }
    CHECK_EQUAL(mqttrs::result<int>(7).value(), 7);
    CHECK_EQUAL(mqttrs::result<int>(mqttrs::errc::timeout).value_or(3), 3);
}

TEST(bytes_are_taken_from_text_vectors_and_arrays)
{
    const std::vector<std::uint8_t> numbers = {1, 2, 3};
    const std::array<std::byte, 2> raw = {std::byte(4), std::byte(5)};
    CHECK_EQUAL(mqttrs::bytes_view(numbers).size(), 3u);
    CHECK(mqttrs::bytes_view(raw)[1] == std::byte(5));
    CHECK_EQUAL(mqttrs::bytes_view("text").text(), "text"sv);
    CHECK_EQUAL(mqttrs::bytes_view("a\0b"sv).size(), 3u);
    CHECK_EQUAL(mqttrs::bytes_view(std::string("xy")).to_string(), std::string("xy"));
    CHECK(mqttrs::bytes_view(static_cast<const char *>(nullptr)).empty());
    CHECK(mqttrs::bytes_view(numbers).to_vector().back() == std::byte(3));
}

TEST(properties_keep_their_types)
{
    mqttrs::properties list;
    list.add(mqttrs::prop::content_type, "text/plain")
        .add(mqttrs::prop::message_expiry_interval, 5min)
        .add(mqttrs::prop::payload_format_indicator, true)
        .add(mqttrs::prop::correlation_data, "a\0b"sv)
        .add(mqttrs::prop::subscription_identifier, 70000)
        .add(mqttrs::prop::receive_maximum, std::uint16_t(12))
        .user("room", "kitchen")
        .user("room", "hall");
    CHECK(!list.error());
    CHECK_EQUAL(list.get(mqttrs::prop::content_type).value(), "text/plain"sv);
    CHECK(list.get(mqttrs::prop::message_expiry_interval) == 300s);
    CHECK(list.get(mqttrs::prop::payload_format_indicator) == true);
    CHECK_EQUAL(list.get(mqttrs::prop::correlation_data)->size(), 3u);
    CHECK_EQUAL(list.get(mqttrs::prop::subscription_identifier).value(), 70000u);
    CHECK_EQUAL(list.get(mqttrs::prop::receive_maximum).value(), 12);
    CHECK(!list.get(mqttrs::prop::reason_string));
    CHECK_EQUAL(list.view().user("room").value(), "kitchen"sv);
    CHECK_EQUAL(list.view().all(mqttrs::prop::user_property).size(), 2u);
    std::size_t count = 0;
    for (const mqttrs::property_entry entry : list.view()) {
        count += entry.name().empty() ? 0 : 1;
    }
    CHECK_EQUAL(count, 8u);
}

TEST(every_property_has_the_type_that_the_library_gives_it)
{
    const auto fits = [](const auto &one) {
        int identifier = 0;
        int type = 0;
        const char *name = mosquitto_property_identifier_to_string(one.identifier);
        return name != nullptr &&
               mosquitto_string_to_property_info(name, &identifier, &type) == MOSQ_ERR_SUCCESS &&
               identifier == one.identifier && type == one.type;
    };
    namespace prop = mqttrs::prop;
    CHECK(fits(prop::payload_format_indicator) && fits(prop::message_expiry_interval));
    CHECK(fits(prop::content_type) && fits(prop::response_topic));
    CHECK(fits(prop::correlation_data) && fits(prop::subscription_identifier));
    CHECK(fits(prop::session_expiry_interval) && fits(prop::assigned_client_identifier));
    CHECK(fits(prop::server_keep_alive) && fits(prop::authentication_method));
    CHECK(fits(prop::authentication_data) && fits(prop::request_problem_information));
    CHECK(fits(prop::will_delay_interval) && fits(prop::request_response_information));
    CHECK(fits(prop::response_information) && fits(prop::server_reference));
    CHECK(fits(prop::reason_string) && fits(prop::receive_maximum));
    CHECK(fits(prop::topic_alias_maximum) && fits(prop::topic_alias));
    CHECK(fits(prop::maximum_qos) && fits(prop::retain_available));
    CHECK(fits(prop::user_property) && fits(prop::maximum_packet_size));
    CHECK(fits(prop::wildcard_subscription_available));
    CHECK(fits(prop::subscription_identifiers_available));
    CHECK(fits(prop::shared_subscription_available));
}

TEST(a_wrong_property_is_told_by_error_and_by_who_is_given_the_list)
{
    mqttrs::properties list;
    list.add(mqttrs::prop::content_type, "\xff").user("still", "there");
    CHECK(list.error() == mqttrs::errc::malformed_utf8);
    CHECK(list.view().user("still").has_value());
    CHECK(mqttrs::properties(list).error() == mqttrs::errc::malformed_utf8);
    mqttrs::properties late;
    CHECK(late.add(mqttrs::prop::server_keep_alive, 24h).error() == mqttrs::errc::invalid);
    mqttrs::properties nul;
    CHECK(nul.user("a\0b"sv, "c").error() == mqttrs::errc::malformed_utf8);

    auto client = mqttrs::client::create({"values"}).value();
    const mqttrs::outgoing message = {"a", "b", mqttrs::qos::at_least_once, false, &list};
    CHECK(client.publish(message).error() == mqttrs::errc::malformed_utf8);
    CHECK(client.publish_token(message).error() == mqttrs::errc::malformed_utf8);
    CHECK(client.subscribe_token({{"a"}}, list).error() == mqttrs::errc::malformed_utf8);
    CHECK(client.disconnect(mqttrs::reason_code::success, list).error() ==
          mqttrs::errc::malformed_utf8);
}

TEST(a_list_of_properties_is_copied_and_moved)
{
    mqttrs::properties list;
    list.user("a", "b");
    mqttrs::properties copy = list;
    const mqttrs::properties moved = std::move(list);
    CHECK(list.empty());
    CHECK_EQUAL(copy.view().user("a").value(), moved.view().user("a").value());
    copy.clear();
    CHECK(copy.empty() && !moved.empty());
    copy = moved;
    CHECK(!copy.empty());
}

TEST(a_nul_inside_a_topic_is_refused_rather_than_cut)
{
    auto client = mqttrs::client::create({"values"}).value();
    CHECK(client.publish("a\0b"sv, "x", mqttrs::qos::at_least_once).error() ==
          mqttrs::errc::malformed_utf8);
    CHECK(client.on_message("a\0b"sv, [](const mqttrs::message_view &) {}).error() ==
          mqttrs::errc::malformed_utf8);
    CHECK(!client.connect("local\0host"sv));
}

TEST(options_that_are_wrong_keep_a_client_from_being_made)
{
    CHECK(mqttrs::client::create({"\xff"}).error() == mqttrs::errc::invalid);
    CHECK(mqttrs::client::create({"", false}).error() == mqttrs::errc::invalid);
    mqttrs::client_options options;
    options.password = std::string("a\0b", 3);
    options.username = "u";
    CHECK(mqttrs::client::create(options).error() == mqttrs::errc::invalid);
    options = {};
    options.tls.emplace().ca_file = "/nowhere/ca.crt";
    const auto tls = mqttrs::client::create(options);
    CHECK(tls.error() == mqttrs::errc::invalid);
    CHECK(tls.words().find("/nowhere/ca.crt") != std::string::npos);
    options = {};
    options.tls.emplace().cert_file = "/nowhere/client.crt";
    CHECK(mqttrs::client::create(options).words().find("/nowhere/client.crt") != std::string::npos);
    options = {};
    options.will = mqttrs::message{"a/#"};
    CHECK(mqttrs::client::create(options).error() == mqttrs::errc::invalid);
    options.will = mqttrs::message{"a"};
    options.will->properties.user("needs", "MQTT 5");
    CHECK(mqttrs::client::create(options).error() == mqttrs::errc::not_supported);
}

TEST(words_say_what_the_library_knows)
{
    auto client = mqttrs::client::create().value();
    const auto connected = client.connect("127.0.0.1", 1);
    CHECK(connected.error() == std::errc::connection_refused);
    CHECK(connected.words().find("127.0.0.1") != std::string::npos);
    CHECK_EQUAL(client.last_error(), connected.words());
}

TEST(a_client_that_was_moved_from_answers_with_errors)
{
    auto client = mqttrs::client::create({"first"}).value();
    mqttrs::client other = std::move(client);
    CHECK(client.closed() && !other.closed());
    CHECK(client.publish("a", "b").error() == mqttrs::errc::invalid);
    client.on_message([](const mqttrs::message_view &) {});
    CHECK(client.on_message("a", [](const mqttrs::message_view &) {}).error() ==
          mqttrs::errc::invalid);
    client = mqttrs::client::create({"second"}).value();
    CHECK(!client.closed());
    other = std::move(client);
    CHECK(!other.closed());
}

TEST(times_are_rounded_up_and_cut_at_the_longest)
{
    namespace detail = mqttrs::detail;
    CHECK_EQUAL(detail::milliseconds(1us), 1u);
    CHECK_EQUAL(detail::milliseconds(-5s), 0u);
    CHECK_EQUAL(detail::milliseconds(std::chrono::hours::max()), 4294967295u);
    CHECK_EQUAL(detail::seconds(1500ms), 2);
}

TEST(topics_are_matched_by_filters)
{
    CHECK(mqttrs::topic_matches("a/+/c", "a/b/c"));
    CHECK(!mqttrs::topic_matches("a/+", "a/b/c"));
    CHECK(!mqttrs::topic_matches("a/#/c", "a/b/c"));
}

TEST(files_with_and_without_exceptions_are_linked_together)
{
    CHECK_EQUAL(sum_from_the_other_file(), 3);
}

int main(int argc, char **argv)
{
    return check::run(argc, argv);
}
