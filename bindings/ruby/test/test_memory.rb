# frozen_string_literal: true

require "helper"
require "weakref"

# Garbage collection and leaks.
class TestMemory < MqttrsTest
  # A collection at every allocation; in a process of its own, where there is less to go through.
  def test_garbage_is_collected_at_every_turn_while_messages_come
    output, status = ruby(<<~RUBY)
      client = Mqttrs.connect(port: #{broker.port})
      got = Queue.new
      client.on("#{@topic}/handler") { |message| got << [message.text, message.user_properties] }
      client.serve("#{@topic}/service/x") { |request| request.text.upcase }
      client.subscribe("#{@topic}/#", qos: 1)
      messages = client.messages("#{@topic}/stream")
      GC.stress = true
      client.publish("#{@topic}/handler", "first", qos: 1, user_properties: { "k" => "v" })
      client.publish!("#{@topic}/stream", "second", qos: 2, content_type: "text/plain")
      answer = client.request("#{@topic}/service/x", "abc", qos: 1, timeout: 60).text
      GC.stress = false
      second = messages.first
      p got.pop, [second.text, second.content_type], answer
      client.close
    RUBY
    assert_predicate status, :success?, output
    assert_equal <<~TEXT, output
      ["first", [["k", "v"]]]
      ["second", "text/plain"]
      "ABC"
    TEXT
  end

  def test_collections_and_compaction_in_another_thread_do_no_harm
    one = connected
    messages = one.messages(@topic, limit: nil)
    one.subscribe(@topic, qos: 1)
    done = false
    collector = Thread.new do
      until done
        GC.start
        GC.compact if GC.respond_to?(:compact)
        Thread.pass
      end
    end
    tokens = Array.new(1000) do |number|
      one.publish(@topic, number.to_s * 20, qos: 1, user_properties: { "n" => number })
    end
    tokens.each { |token| token.wait(timeout: PATIENCE) }
    got = messages.take(1000)
    done = true
    collector.join
    assert_equal (0...1000).map { |number| [number.to_s * 20, [["n", number.to_s]]] },
                 got.map { |message| [message.text, message.user_properties] }
  end

  def test_messages_stay_what_they_were_after_their_client_is_gone
    message = Mqttrs.connect(port: broker.port) do |one|
      one.subscribe(@topic)
      one.publish!(@topic, "x" * 1000, content_type: "a/b")
      one.messages.first
    end
    GC.start
    assert_equal [@topic, "x" * 1000, "a/b"], [message.topic, message.text, message.content_type]
  end

  def test_a_client_that_was_never_connected_goes_with_the_garbage
    references = Array.new(50) { WeakRef.new(never_connected) }
    5.times { GC.start }
    assert_operator references.count(&:weakref_alive?), :<, 10
  end

  def test_a_connected_client_stays_though_the_program_forgets_it
    got = Queue.new
    topic = @topic
    Thread.new do
      forgotten = Mqttrs.connect(port: broker.port)
      forgotten.on(topic) do |message|
        got << message.text
        message.instance_variable_get(:@client).close if message.text == "last"
      end
      forgotten.subscribe(topic)
    end.join
    3.times { GC.start }
    connected.tap { |one| %w[first last].each { |text| one.publish!(topic, text, qos: 1) } }
    assert_equal %w[first last], [next_of(got), next_of(got)]
  end

  def test_a_thousand_clients_leave_nothing_behind
    cycle = lambda do |count|
      count.times do |number|
        Mqttrs.connect(port: broker.port, will: { topic: "a", payload: "b", content_type: "c" }) do |one|
          one.on("#{@topic}/#{number}") {}
          one.subscribe("#{@topic}/#{number}")
          one.publish("#{@topic}/#{number}", "x", user_properties: { "a" => "b" })
        end
      end
      GC.start
    end
    cycle.call(300)
    before = measure
    cycle.call(700)
    after = measure
    assert_equal before.values_at(:threads, :descriptors, :tables), after.values_at(:threads, :descriptors, :tables)
    assert_operator after[:memory] - before[:memory], :<, 8 * 1024, "KiB more after 700 clients: #{before} #{after}"
  end

  def test_thirty_thousand_messages_leave_nothing_behind
    one = connected
    count = 0
    one.on(@topic) { count += 1 }
    one.subscribe(@topic, qos: 1)
    cycle = lambda do |number|
      number.times { one.publish(@topic, "x" * 200, qos: 1, content_type: "text/plain") }
      one.drain(timeout: PATIENCE)
      GC.start
    end
    cycle.call(10_000)
    before = measure
    2.times { cycle.call(10_000) }
    after = measure
    assert_equal before[:tables], after[:tables]
    assert_empty one.instance_variable_get(:@tokens)
    assert_operator after[:memory] - before[:memory], :<, 8 * 1024, "KiB more after 20,000 messages: #{before} #{after}"
  end

  private

  def never_connected
    one = Mqttrs::Client.new(port: broker.port)
    one.on("a/#") { one.publish("b", "c") }
    one.on_connect { one.publish("b", "c") }
    one.publish("a", "b", qos: 1)
    one
  end

  def measure
    GC.start
    {
      memory: Integer(File.read("/proc/self/status")[/VmRSS:\s+(\d+)/, 1]),
      descriptors: Dir.children("/proc/self/fd").size, threads: Thread.list.size,
      tables: [Mqttrs::Callbacks::CLIENTS, Mqttrs::Callbacks::ROUTES, Mqttrs::Callbacks::REQUESTS].map(&:size)
    }
  end
end
