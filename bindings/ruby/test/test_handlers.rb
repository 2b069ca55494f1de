# frozen_string_literal: true

require "helper"
require "logger"
require "stringio"

# What a handler may do: raise, wait, throw, close its client, end its thread or the program.
class TestHandlers < MqttrsTest
  def test_what_a_handler_raises_is_reported_and_the_connection_goes_on
    one = connected
    errors = Queue.new
    got = Queue.new
    one.on_error { |exception, context| errors << [exception, context] }
    one.on(@topic) do |message|
      case message.text
      when "raise" then raise "a fault"
      when "throw" then throw :nowhere
      when "script" then raise NotImplementedError
      when "deep" then deep
      else got << message.text
      end
    end
    one.subscribe(@topic)
    %w[raise throw script deep fine].each { |text| one.publish(@topic, text) }
    assert_equal "fine", next_of(got)
    classes = Array.new(4) { next_of(errors) }.map { |exception, _| exception.class }
    assert_equal [RuntimeError, UncaughtThrowError, NotImplementedError, SystemStackError], classes
    assert_equal 1, one.stats.connections
  end

  def test_what_a_handler_raises_goes_to_the_logger_or_to_the_standard_error_output
    text = StringIO.new
    one = connected(logger: Logger.new(text))
    one.on_connect { raise "a fault of on_connect" }
    one.on(@topic) { raise "a fault of on" }
    one.subscribe(@topic)
    one.publish!(@topic, "x", qos: 1)
    one.publish!(@topic, "x", qos: 1)
    one.close
    assert_match(/ERROR -- mqttrs: a handler for #<Mqttrs::Message .* raised: .*a fault of on/, text.string)

    _, errors = capture_io do
      two = connected
      two.on(@topic) { raise "another fault" }
      two.on_error { raise "a fault of on_error" }
      two.subscribe(@topic)
      two.publish!(@topic, "x", qos: 1)
      assert_raises(Mqttrs::TimeoutError) { two.request(@topic, "flush", timeout: 0.1) }
      two.close
    end
    assert_match(/a fault of on_error/, errors)
  end

  def test_all_kinds_of_handlers_may_raise
    errors = Queue.new
    one = client
    one.on_error { |exception,| errors << exception.message }
    one.on_connect { raise "connect" }
    one.on_lifecycle { |event| raise "lifecycle" if event.state == :up }
    one.on_disconnect { raise "disconnect" }
    one.on_log { raise "log" }
    one.on_message { raise "message" }
    one.serve("#{@topic}/service") { raise "request" }
    one.connect
    one.subscribe(@topic)
    one.publish!(@topic, "x", qos: 1)
    assert_raises(Mqttrs::TimeoutError) { one.request("#{@topic}/service", "x", timeout: 0.3) }
    one.disconnect
    wanted = %w[connect disconnect lifecycle log message request]
    seen = []
    seen << next_of(errors) until (wanted - seen).empty?
    assert_equal wanted, seen.uniq.sort
  end

  def test_a_handler_may_wait_for_what_only_the_loop_can_bring_about
    one = connected
    other = "#{@topic}/other"
    done = Queue.new
    one.on(@topic) do |message|
      granted = one.subscribe(other, qos: 1)
      outcome = one.publish!(other, "from within", qos: 2)
      response = one.request("#{@topic}/service", message.text, qos: 1)
      done << [granted, outcome.state, response.text, one.drain(timeout: 5)]
    end
    one.on(other) { |message| done << message.text }
    two = connected
    two.serve("#{@topic}/service") { |request| request.text.upcase }
    one.subscribe(@topic)
    one.publish(@topic, "hello")
    assert_equal [1, :acknowledged, "HELLO", true], next_of(done)
    assert_equal "from within", next_of(done)
  end

  def test_messages_keep_their_order_though_a_handler_waits
    one = connected
    got = Queue.new
    one.on(@topic) do |message|
      one.publish!("#{@topic}/other", "x", qos: 1) if (Integer(message.text) % 10).zero?
      got << Integer(message.text)
    end
    one.subscribe(@topic, qos: 1)
    100.times { |number| one.publish(@topic, number, qos: 1) }
    assert_equal (0...100).to_a, Array.new(100) { next_of(got) }
  end

  def test_a_handler_may_close_its_client
    closed = Queue.new
    one = connected
    one.on(@topic) do
      one.close
      closed << one.closed?
    end
    one.subscribe(@topic)
    one.publish(@topic, "x")
    one.publish(@topic, "y")
    assert next_of(closed)
    assert_raises(Mqttrs::ClosedError) { one.publish(@topic, "z") }
    assert_empty closed
  end

  def test_a_handler_may_read_a_stream
    one = connected
    messages = one.messages("#{@topic}/stream")
    got = Queue.new
    one.on(@topic) { got << messages.pop(timeout: PATIENCE).text }
    one.subscribe("#{@topic}/#")
    one.publish(@topic, "x")
    connected.publish!("#{@topic}/stream", "y", qos: 1)
    assert_equal "y", next_of(got)
  end

  def test_a_handler_that_ends_its_thread_does_not_end_the_client
    one = connected
    got = Queue.new
    one.on(@topic) { |message| message.text == "end" ? Thread.exit : got << message.text }
    one.subscribe(@topic)
    one.publish(@topic, "end")
    one.publish!(@topic, "fine", qos: 1)
    assert_equal "fine", next_of(got)
  end

  def test_exit_in_a_handler_ends_the_program
    program = <<~RUBY
      client = Mqttrs.connect(port: #{broker.port})
      client.on("#{@topic}") { exit 7 }
      client.subscribe("#{@topic}")
      client.publish("#{@topic}")
      sleep
    RUBY
    _, status = ruby(program)
    assert_equal 7, status.exitstatus
  end

  private

  def deep = deep + 1
end
