# frozen_string_literal: true

require "helper"

# Acknowledgements, queues, limits of speed, the store.
class TestFlow < MqttrsTest
  def test_with_manual_acknowledgements_the_window_fills_until_they_are_given
    one = connected(ack: :manual, receive_maximum: 3)
    messages = one.messages
    one.subscribe(@topic, qos: 1)
    two = connected
    5.times { |number| two.publish!(@topic, number, qos: 1) }
    first = Array.new(3) { messages.pop(timeout: PATIENCE) }
    assert_nil messages.pop(timeout: 0.1)
    first.reverse_each(&:ack)
    assert_equal %w[3 4], Array.new(2) { messages.pop(timeout: PATIENCE) }.each(&:ack).map(&:text)
    assert_raises(Mqttrs::Error) { first[0].ack }
  end

  [["handlers", ->(one, got, topic) { 2.times { one.on(topic) { |message| got << message.text } } }],
   ["a handler and a stream", lambda do |one, got, topic|
     one.on(topic) { |message| got << message.text }
     stream = one.messages(topic)
     Thread.new { stream.each { |message| got << message.text } }
   end],
   ["two filters", lambda do |one, got, topic|
     [topic, "#{topic}/#"].each { |filter| one.on(filter) { |message| got << message.text } }
   end]].each do |what, set_up|
    define_method("test_with_#{what}_a_message_is_acknowledged_when_all_are_done_with_it".tr(" ", "_")) do
      got = Queue.new
      one = connected(ack: :after_handler, receive_maximum: 2)
      set_up.call(one, got, @topic)
      one.subscribe(@topic, qos: 2)
      two = connected
      50.times { |number| two.publish(@topic, number, qos: 1 + (number % 2)) }
      assert_equal (0...50).to_a, Array.new(100) { Integer(next_of(got)) }.uniq.sort
      one.on_message { |message| got << message }
      two.publish!("#{@topic}/other", "x", qos: 1)
    end
  end

  def test_a_message_that_the_program_did_not_survive_comes_again
    id = "ruby-#{rand(1 << 40)}"
    program = <<~RUBY
      client = Mqttrs::Client.new(port: #{broker.port}, client_id: "#{id}", clean: false, session_expiry_interval: 60,
                                  ack: :after_handler)
      client.on("#{@topic}") { Process.kill(:KILL, Process.pid) }
      client.connect
      client.subscribe("#{@topic}", qos: 1)
      client.publish("#{@topic}", "precious", qos: 1)
      sleep
    RUBY
    _, status = ruby(program)
    assert_equal Signal.list["KILL"], status.termsig
    two = client(client_id: id, clean: false, session_expiry_interval: 60)
    messages = two.messages
    two.connect
    assert_equal "precious", messages.pop(timeout: PATIENCE).text
  end

  def test_a_full_queue_refuses
    one = client(queue: { max_messages: 2, qos0: true })
    2.times { one.publish(@topic, "x", qos: 1) }
    error = assert_raises(Mqttrs::QueueFullError) { one.publish(@topic, "x", qos: 1) }
    assert_equal(-6, error.code)
    assert_raises(Mqttrs::QueueFullError) { one.publish(@topic, "x") }
    assert_equal 2, one.stats.queued_messages
    one.clear_queue
    assert_equal 0, one.stats.queued_messages
  end

  def test_a_full_queue_drops_the_oldest_and_says_so
    one = client(queue: { max_messages: 2, overflow: :drop_oldest })
    tokens = Array.new(3) { one.publish(@topic, "x", qos: 1) }
    one.connect
    error = assert_raises(Mqttrs::PublishError) { tokens[0].wait(timeout: PATIENCE) }
    assert_equal :overflow, error.outcome.state
    tokens[1..].each { |token| assert_predicate token.wait(timeout: PATIENCE), :ok? }
  end

  def test_who_publishes_waits_for_room_in_any_thread_and_in_handlers
    one = connected(queue: { max_messages: 3, overflow: :wait, wait: PATIENCE })
    got = Queue.new
    one.on(@topic) do |message|
      20.times { |number| one.publish("#{@topic}/more", "#{message.text}.#{number}", qos: 1) }
      got << true
    end
    one.subscribe(@topic)
    threads = Array.new(3) { Thread.new { 50.times { |number| one.publish("#{@topic}/x", number, qos: 2) } } }
    one.publish!(@topic, "x", qos: 1)
    threads.each(&:join)
    assert next_of(got)
    assert one.drain(timeout: PATIENCE)
    assert_equal [21, 150], one.stats.messages_sent[1..]
  end

  def test_who_waits_for_room_in_vain_is_told
    one = client(queue: { max_messages: 1, overflow: :wait, wait: 0.05 })
    one.publish(@topic, "x", qos: 1)
    assert_raises(Mqttrs::QueueFullError) { one.publish(@topic, "x", qos: 1) }
  end

  def test_limits_of_speed
    one = connected(throttle: { messages_per_second: 0.001, excess: :refuse })
    one.publish(@topic, "x")
    assert_raises(Mqttrs::QueueFullError) { one.publish(@topic, "x") }
    one.throttle
    assert one.publish(@topic, "x")
    one.throttle("#{@topic}/slow", messages_per_second: 0.001, excess: :drop)
    one.publish("#{@topic}/slow", "x")
    error = assert_raises(Mqttrs::PublishError) { one.publish!("#{@topic}/slow", "x") }
    assert_equal :overflow, error.outcome.state
    assert one.publish(@topic, "x")
    assert_raises(Mqttrs::InvalidError) { one.throttle(messages_per_second: -1) }
  end

  def test_a_limit_of_speed_for_what_is_received
    one = connected(receive_throttle: { messages_per_second: 0.001, excess: :drop })
    one.subscribe(@topic)
    messages = one.messages
    10.times { |number| one.publish(@topic, number) }
    one.publish!(@topic, 10, qos: 1)
    one.receive_throttle
    one.publish!(@topic, "last", qos: 1)
    texts = messages.take_while { |message| message.text != "last" }.map(&:text)
    assert_equal "0", texts[0]
    assert_operator one.stats.received_dropped, :>, 0
  end

  def test_a_message_that_waits_too_long_expires
    own = Broker.new
    one = Mqttrs.connect(port: own.port, reconnect: { min: 0.05, max: 0.05 })
    gone = Queue.new
    one.on_disconnect { gone << true }
    own.kill
    next_of(gone)
    token = one.publish(@topic, "x", qos: 1, message_expiry_interval: 1)
    assert_raises(Mqttrs::TimeoutError) { token.wait(timeout: 1.2) } # this time has to pass
    own.start
    error = assert_raises(Mqttrs::PublishError) { token.wait(timeout: PATIENCE) }
    assert_equal :expired, error.outcome.state
  ensure
    one&.close(timeout: 0.1)
    own&.stop
  end

  # The library's feature "store" is off by default; "make store" leaves one that has it beside the other.
  def test_a_store_keeps_messages_from_one_process_to_the_next
    library = File.join(ENV.fetch("MQTTRS_BUILD_DIR"), "store/libmqttrs.so")
    Dir.mktmpdir do |folder|
      settings = "client_id: 'ruby-#{rand(1 << 40)}', clean: false, session_expiry_interval: 60, port: #{broker.port}"
      output, status = ruby(<<~RUBY, MQTTRS_LIBRARY: library)
        client = Mqttrs::Client.new(#{settings}, store: { folder: "#{folder}/s", durability: :sync_every })
        client.publish("#{@topic}", "stored", qos: 1)
        Process.kill(:KILL, Process.pid)
      RUBY
      assert_equal Signal.list["KILL"], status.termsig, output
      watcher = connected
      messages = watcher.messages
      watcher.subscribe(@topic, qos: 1)
      output, = ruby(<<~RUBY, MQTTRS_LIBRARY: library)
        client = Mqttrs::Client.new(#{settings}, store: "#{folder}/s").connect
        client.publish!("#{@topic}", "another", qos: 1)
        client.close
      RUBY
      assert_empty output
      assert_equal %w[stored another], Array.new(2) { messages.pop(timeout: PATIENCE).text }
    end
  end

  def test_without_the_feature_a_store_is_not_supported
    skip "the library has the feature \"store\"" if store?

    assert_raises(Mqttrs::NotSupportedError) { client(store: "folder", clean: false, client_id: "me") }
  end

  def test_a_store_needs_a_session_that_stays
    assert_raises(ArgumentError) { client(store: "folder") }
  end

  private

  def store?
    Dir.mktmpdir { |folder| client(store: folder, clean: false, client_id: "me").close }
    true
  rescue Mqttrs::NotSupportedError
    false
  end
end
