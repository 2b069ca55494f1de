# frozen_string_literal: true

require "helper"

# Requests and their responses.
class TestRequests < MqttrsTest
  def test_a_request_has_its_response
    server = connected
    server.serve(@topic, qos: 1) { |request| "#{request.text}!" }
    response = connected.request(@topic, "hello", qos: 1, content_type: "a/b")
    assert_equal "hello!", response.text
    assert_kind_of Mqttrs::Message, response
  end

  def test_a_handler_answers_with_properties_later_and_from_another_thread
    server = connected
    requests = Queue.new
    server.serve(@topic) do |request|
      requests << request
      nil
    end
    one = connected
    future = one.request_async(@topic, "x")
    refute_predicate future, :done?
    Thread.new { next_of(requests).respond("later", qos: 1, user_properties: { "k" => "v" }) }.join
    response = future.wait
    assert_equal ["later", [%w[k v]]], [response.text, response.user_properties]
    assert_predicate future, :done?
  end

  def test_many_requests_are_under_way_at_the_same_time
    server = connected
    server.serve(@topic) { |request| request.text.reverse }
    one = connected
    futures = Array.new(200) { |number| one.request_async(@topic, "r#{number}", qos: number % 3) }
    assert_equal Array.new(200) { |number| "r#{number}".reverse }, futures.map { |future| future.wait.text }
  end

  def test_a_request_without_an_answer_ends_in_time
    error = assert_raises(Mqttrs::TimeoutError) { connected.request(@topic, "x", timeout: 0.1) }
    assert_equal 27, error.code
  end

  def test_requests_by_topics_for_mqtt_3_1_1
    server = connected(version: "3.1.1")
    server.serve(@topic) { |request| request.text.upcase }
    assert_equal "ABC", connected(version: "3.1.1").request(@topic, "abc").text
    assert_equal "DEF", connected(requests_by_topic: true).request(@topic, "def").text
  end

  def test_serving_begins_before_connecting_and_ends_when_it_is_told
    server = client
    server.serve(@topic) { "yes" }
    server.connect
    one = connected
    assert_equal "yes", one.request(@topic, "?").text
    server.serve(@topic) { "replaced" }
    assert_equal "replaced", one.request(@topic, "?").text
    server.unserve(@topic)
    assert_raises(Mqttrs::TimeoutError) { one.request(@topic, "?", timeout: 0.1) }
  end

  def test_a_message_that_asks_for_no_response_has_none
    server = connected
    got = Queue.new
    errors = Queue.new
    server.on_error { |exception,| errors << exception }
    server.serve(@topic) do |request|
      got << request
      "nobody wants it"
    end
    connected.publish!(@topic, "x", qos: 1)
    request = next_of(got)
    assert_raises(Mqttrs::InvalidError) { request.respond("x") }
    assert_empty errors
  end

  def test_clients_of_a_share_divide_the_requests
    servers = Array.new(2) { |number| connected.tap { |one| one.serve("$share/us/#{@topic}", qos: 1) { number } } }
    one = connected
    answers = Array.new(20) { one.request(@topic, "x", qos: 1).text }
    assert_equal %w[0 1], answers.uniq.sort
    servers.each(&:close)
  end
end
