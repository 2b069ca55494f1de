# frozen_string_literal: true

require "helper"
require "scripted"

# Publishing, subscribing, handlers and streams.
class TestMessages < MqttrsTest
  [0, 1, 2].each do |qos|
    define_method("test_a_message_of_qos_#{qos}_arrives_once") do
      one = connected
      messages = one.messages
      assert_equal qos, one.subscribe(@topic, qos: qos)
      outcome = one.publish!(@topic, "\x00\xFFbytes", qos: qos)
      assert_equal(qos.zero? ? :sent : :acknowledged, outcome.state)
      one.publish!(@topic, "the last one", qos: qos)
      first, last = messages.take(2)
      assert_equal [@topic, "\x00\xFFbytes".b, qos], [first.topic, first.payload, first.qos]
      assert_equal Encoding::BINARY, first.payload.encoding
      refute_predicate first, :retain?
      assert_equal "the last one", last.text
      assert_equal Encoding::UTF_8, last.topic.encoding
    end
  end

  def test_payloads_are_strings_symbols_numbers_or_nothing
    one = connected
    messages = one.messages
    one.subscribe(@topic)
    ["grün", :symbol, 21.5, nil, "x" * 100_000].each { |payload| one.publish(@topic, payload) }
    assert_equal ["grün", "symbol", "21.5", "", "x" * 100_000], messages.take(5).map(&:text)
    assert_raises(TypeError) { one.publish(@topic, { a: 1 }) }
  end

  def test_a_topic_in_another_encoding_is_sent_as_utf_8
    one = connected
    messages = one.messages
    one.subscribe("#{@topic}/#")
    one.publish("#{@topic}/grün".encode(Encoding::ISO_8859_1), "x")
    assert_equal "#{@topic}/grün", messages.first.topic
    assert_raises(Mqttrs::InvalidError) { one.publish("#{@topic}/\0x", "x") }
    assert_raises(Mqttrs::InvalidError) { one.publish("#{@topic}/\xFF", "x") }
    assert_raises(TypeError) { one.publish(nil, "x") }
  end

  def test_a_wildcard_in_a_topic_is_an_error_with_code_and_reason
    error = assert_raises(Mqttrs::InvalidError) { connected.publish("a/#", "x") }
    assert_equal 3, error.code
    assert_match(/invalid/i, error.reason)
    assert_kind_of Mqttrs::Error, error
  end

  def test_a_token_tells_when_the_server_has_acknowledged
    one = connected
    broker = Broker.new
    two = client(port: broker.port).connect
    broker.pause
    token = two.publish(@topic, "x", qos: 1)
    refute_predicate token, :done?
    assert_nil token.outcome
    assert_raises(Mqttrs::TimeoutError) { token.wait(timeout: 0.01) }
    broker.resume
    assert_predicate token.wait(timeout: PATIENCE), :ok?
    assert_predicate token, :done?
    assert one.publish(@topic, "x", qos: 1).wait(timeout: PATIENCE)
  ensure
    two&.close(timeout: 0.1)
    broker&.stop
  end

  def test_subscribing_to_several_filters_returns_the_granted_qos_of_each
    one = connected
    assert_equal [1, 2, 0], one.subscribe("#{@topic}/a", ["#{@topic}/b", 2], ["#{@topic}/c", 0], qos: 1)
    assert_nil one.unsubscribe("#{@topic}/a", "#{@topic}/b")
  end

  def test_a_refused_subscription_is_an_error_that_says_which
    server = ScriptedServer.new do |type, body|
      case type
      when 1 then ScriptedServer::CONNACK
      when 8 then "\x90\x05".b + body[0, 2] + "\x00\x01\x87".b
      end
    end
    one = Mqttrs.connect(port: server.port)
    error = assert_raises(Mqttrs::SubscribeError) { one.subscribe("open", "shut", qos: 1) }
    assert_equal({ "open" => 1, "shut" => 135 }, error.granted)
    assert_equal 135, error.reason_code
    assert_match(/authorized/i, error.reason)
  ensure
    one&.close(timeout: 0.1)
    server&.stop
  end

  def test_a_refused_message_is_an_error_with_the_servers_reason
    server = ScriptedServer.new do |type, body|
      case type
      when 1 then ScriptedServer::CONNACK
      when 3 then "\x40\x0C".b + body[3, 2] + "\x97\x08\x1F\x00\x05quota".b
      end
    end
    one = Mqttrs.connect(port: server.port)
    error = assert_raises(Mqttrs::PublishError) { one.publish!("a", "x", qos: 1) }
    assert_equal [:acknowledged, 151], [error.outcome.state, error.reason_code]
    assert_equal({ reason_string: "quota" }, error.outcome.properties)
    assert_match(/quota/i, error.message)
  ensure
    one&.close(timeout: 0.1)
    server&.stop
  end

  def test_handlers_get_what_matches_their_filters_and_streams_the_rest
    one = connected
    got = Queue.new
    one.on("#{@topic}/+/temperature") { |message| got << [:temperature, message.text] }
    one.on("#{@topic}/attic/#") { |message| got << [:attic, message.text] }
    one.on_message { |message| got << [:rest, message.text] }
    one.subscribe("#{@topic}/#")
    one.publish("#{@topic}/attic/temperature", "1")
    one.publish("#{@topic}/cellar/humidity", "2")
    one.publish("#{@topic}/cellar/temperature", "3")
    assert_equal [[:attic, "1"], [:rest, "2"], [:temperature, "1"], [:temperature, "3"]],
                 Array.new(4) { next_of(got) }.sort
  end

  def test_several_blocks_of_a_filter_all_run_until_they_are_taken_off
    one = connected
    got = Queue.new
    one.on(@topic) { got << 1 }.on(@topic) { got << 2 }
    one.on_message { got << :rest }
    one.subscribe(@topic)
    one.publish(@topic)
    assert_equal [1, 2], [next_of(got), next_of(got)]
    one.off(@topic)
    one.publish(@topic)
    assert_equal :rest, next_of(got)
    assert_raises(Mqttrs::InvalidError) { one.on("a/#/b") {} }
  end

  def test_subscribe_with_a_block_sets_the_handler_before_the_first_message
    connected.publish!(@topic, "kept", qos: 1, retain: true)
    got = Queue.new
    one = connected
    one.subscribe(@topic) { |message| got << message }
    assert_predicate next_of(got), :retain?
    one.publish!(@topic, nil, qos: 1, retain: true)
  end

  def test_messages_that_came_before_the_first_call_of_messages_are_kept
    one = connected
    one.subscribe(@topic, qos: 1)
    3.times { |number| one.publish!(@topic, number, qos: 2) }
    assert_equal %w[0 1 2], one.messages.take(3).map(&:text)
  end

  def test_messages_that_came_before_the_block_of_on_message_are_kept
    one = connected
    one.subscribe(@topic, qos: 1)
    3.times { |number| one.publish!(@topic, number, qos: 2) }
    got = Queue.new
    one.on_message { |message| got << message.text }
    one.publish(@topic, 3)
    assert_equal %w[0 1 2], Array.new(3) { next_of(got) }
  end

  def test_a_stream_is_an_enumerator_that_ends_when_the_client_is_closed
    one = connected
    messages = one.messages("#{@topic}/#")
    assert_kind_of Enumerator, messages
    one.subscribe("#{@topic}/#")
    5.times { |number| one.publish!("#{@topic}/#{number}", number.to_s, qos: 2) }
    assert_equal [0, 2, 4], messages.lazy.map { |message| Integer(message.text) }.select(&:even?).first(3)
    one.publish!("#{@topic}/a", "a", qos: 2)
    one.publish!("#{@topic}/b", "b", qos: 2)
    assert_equal "a", messages.next.text
    reader = Thread.new { messages.map(&:text) }
    one.close
    assert_equal ["b"], reader.value
    assert_predicate messages, :closed?
    assert_nil messages.pop
  end

  def test_a_stream_with_a_timeout_returns_nothing_when_it_is_over
    assert_nil connected.messages.pop(timeout: 0.01)
  end

  def test_each_stream_of_a_filter_gets_every_message
    one = connected
    streams = Array.new(3) { one.messages(@topic) }
    one.subscribe(@topic)
    one.publish(@topic, "x")
    assert_equal %w[x x x], streams.map { |stream| stream.pop(timeout: PATIENCE).text }
    streams.each(&:close)
    one.publish(@topic, "y")
    assert_equal "y", one.messages.pop(timeout: PATIENCE).text
  end

  def test_a_slow_reader_holds_the_server_back_and_loses_nothing
    one = connected
    two = connected
    messages = one.messages(@topic, limit: 10)
    one.subscribe(@topic, qos: 1)
    two.drain if Array.new(500) { |number| two.publish(@topic, number.to_s, qos: 1) }
    held = nil
    numbers = messages.take(500).map do |message|
      held = [held.to_i, messages.waiting].max
      Integer(message.text)
    end
    assert_equal (0...500).to_a, numbers
    assert_operator held, :<, 500
  end

  def test_one_call_publishes_and_one_receives
    outcome = Mqttrs.publish(@topic, "x", port: broker.port, qos: 1, retain: true, properties: { content_type: "a/b" })
    assert_predicate outcome, :ok?
    message, = Mqttrs.receive(@topic, port: broker.port, qos: 1)
    assert_equal ["x", "a/b", true], [message.text, message.content_type, message.retain?]
    assert_empty Mqttrs.receive(@topic, port: broker.port, retained: false, timeout: 0.2)
    Mqttrs.publish(@topic, nil, port: broker.port, retain: true)
  end

  def test_one_loop_runs_many_clients
    shared = Mqttrs::Loop.new
    before = Thread.list.size
    many = Array.new(50) { client(loop: shared).connect }
    streams = many.map(&:messages)
    many.each { |one| one.subscribe(@topic) }
    assert_equal before + 1, Thread.list.size
    many.first.publish(@topic, "x")
    assert_equal ["x"], streams.map { |stream| stream.pop(timeout: PATIENCE).text }.uniq
    many.each(&:close)
    shared.close
    assert_predicate shared, :closed?
    assert_raises(Mqttrs::ClosedError) { client(loop: shared).connect }
  end
end
