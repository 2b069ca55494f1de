# frozen_string_literal: true

require "helper"
require "scripted"

# MQTT 5's properties, both ways.
class TestProperties < MqttrsTest
  def test_all_properties_of_a_message_arrive_as_they_were_given
    given = {
      payload_format_indicator: 1, content_type: "text/plün", response_topic: "answers/here",
      correlation_data: "\x00\xFF".b, user_properties: [%w[a 1], %w[a 2], ["", ""]]
    }
    message = round_trip(**given, message_expiry_interval: 3600)
    assert_operator message.properties[:message_expiry_interval], :<=, 3600
    assert_equal given, message.properties.reject { |name,| name == :message_expiry_interval }
    assert_equal Encoding::UTF_8, message.content_type.encoding
    assert_equal Encoding::BINARY, message.correlation_data.encoding
    assert_equal ["answers/here", given[:user_properties]], [message.response_topic, message.user_properties]
    assert_predicate message.properties, :frozen?
  end

  def test_user_properties_may_be_a_hash_with_symbols
    assert_equal [%w[k v], %w[n 5]], round_trip(user_properties: { k: "v", n: 5 }).user_properties
  end

  def test_a_message_without_properties_has_none
    message = round_trip
    assert_empty message.properties
    assert_empty message.user_properties
    assert_nil message.content_type
  end

  def test_subscription_identifiers_tell_by_which_subscriptions_a_message_came
    one = connected
    messages = one.messages
    one.subscribe(@topic, subscription_identifier: 7)
    one.publish(@topic, "x")
    assert_equal [7], messages.first.subscription_identifiers
  end

  def test_a_message_may_have_several_subscription_identifiers
    publish = "\x30\x0B\x00\x01a\x07\x0B\x07\x0B\xFF\xFF\xFF\x7F".b
    server = ScriptedServer.new do |type, body|
      case type
      when 1 then ScriptedServer::CONNACK
      when 8 then "\x90\x04".b + body[0, 2] + "\x00\x00".b + publish
      end
    end
    one = Mqttrs.connect(port: server.port)
    one.subscribe("a")
    message = one.messages.first
    assert_equal [7, 268_435_455], message.subscription_identifiers
    assert_equal ["a", ""], [message.topic, message.payload]
  ensure
    one&.close(timeout: 0.1)
    server&.stop
  end

  def test_no_local_keeps_a_clients_own_messages_away
    one = connected
    two = connected
    messages = one.messages
    one.subscribe(@topic, no_local: true)
    one.publish!(@topic, "own")
    two.publish!(@topic, "other")
    assert_equal "other", messages.first.text
  end

  def test_retained_messages_come_or_do_not_as_the_subscription_says
    one = connected
    one.publish!(@topic, "kept", qos: 1, retain: true)
    messages = one.messages
    one.subscribe(@topic, retained: :never, retain_as_published: true)
    one.publish!(@topic, "new", qos: 1, retain: true)
    message = messages.first
    assert_equal ["new", true], [message.text, message.retain?]
    one.publish!(@topic, nil, qos: 1, retain: true)
  end

  def test_properties_that_do_not_belong_are_refused
    one = connected
    assert_raises(ArgumentError) { one.publish(@topic, "x", no_such_property: 1) }
    assert_raises(Mqttrs::Error) { one.publish(@topic, "x", session_expiry_interval: 1) }
    assert_raises(Mqttrs::InvalidError) { one.publish(@topic, "x", content_type: "a\0b") }
    assert_predicate one.publish!(@topic, "x", qos: 1), :ok?
  end

  def test_a_session_is_kept_as_long_as_its_expiry_says
    settings = { client_id: "ruby-#{rand(1 << 40)}", clean: false, session_expiry_interval: 60 }
    one = connected(**settings)
    one.subscribe(@topic, qos: 1)
    one.close
    connected.publish!(@topic, "said meanwhile", qos: 1)
    two = connected(**settings)
    assert_predicate two.connack, :session_present?
    assert_equal "said meanwhile", two.messages.first.text
  end

  private

  def round_trip(**properties)
    one = connected
    messages = one.messages
    one.subscribe(@topic)
    one.publish(@topic, "x", **properties)
    messages.first
  end
end
