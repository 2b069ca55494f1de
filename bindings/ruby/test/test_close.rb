# frozen_string_literal: true

require "helper"

# After the end of a client, and in a child of fork.
class TestClose < MqttrsTest
  def test_each_method_of_a_closed_client_raises_or_does_nothing
    one = connected
    one.close
    one.close
    calls = {
      connect: [], publish: ["a"], publish!: ["a"], subscribe: ["a"], unsubscribe: ["a"], request: ["a"],
      request_async: ["a"], stats: [], last_error: [], messages: [], disconnect: [], reconnect_now: [], clear_queue: [],
      throttle: [], receive_throttle: []
    }
    calls.each { |name, arguments| assert_raises(Mqttrs::ClosedError, name.to_s) { one.public_send(name, *arguments) } }
    assert_raises(Mqttrs::ClosedError) { one.on("a") {} }
    assert_raises(Mqttrs::ClosedError) { one.serve("a") {} }
    assert_equal [true, false], [one.closed?, one.connected?]
    assert one.drain(timeout: 1)
    assert_match(/closed/, one.inspect)
  end

  def test_what_waits_for_a_client_ends_when_it_is_closed
    own = Broker.new
    one = Mqttrs.connect(port: own.port)
    own.pause
    token = one.publish("a", "b", qos: 1)
    messages = one.messages
    waits = [-> { token.wait }, -> { one.subscribe("a", timeout: nil) }, -> { one.request("a", "b", timeout: 100) },
             -> { messages.pop || raise(Mqttrs::ClosedError) }]
    threads = waits.map { |wait| Thread.new { wait.call }.tap { |thread| thread.report_on_exception = false } }
    threads.each { |thread| Thread.pass until thread.stop? }
    one.close(timeout: 0.05)
    errors = threads.map { |thread| assert_raises(Mqttrs::Error) { thread.value }.class }
    assert_equal [Mqttrs::PublishError, *[Mqttrs::ClosedError] * 3], errors
    assert_equal :cleared, token.outcome.state
  ensure
    own&.stop
  end

  def test_a_message_of_a_closed_client_cannot_be_acknowledged_or_answered
    one = connected(ack: :manual)
    one.subscribe(@topic, qos: 1)
    one.publish!(@topic, "x", qos: 1, response_topic: "b")
    message = one.messages.first
    one.close
    assert_raises(Mqttrs::ClosedError) { message.ack }
    assert_raises(Mqttrs::ClosedError) { message.respond("x") }
  end

  def test_closing_while_other_threads_use_the_client_does_no_harm
    20.times do
      one = connected
      one.subscribe(@topic) {}
      threads = Array.new(4) do
        Thread.new do
          loop { one.publish(@topic, "x") }
        rescue Mqttrs::Error => e
          e
        end
      end
      one.publish!(@topic, "x")
      one.close
      threads.each { |thread| assert_kind_of Mqttrs::Error, thread.value }
    end
  end

  def test_many_threads_close_at_the_same_time
    one = connected
    Array.new(8) { Thread.new { one.close } }.each(&:join)
    assert_predicate one, :closed?
  end

  def test_the_block_form_closes_also_when_the_block_raises_or_throws
    seen = []
    assert_raises(RuntimeError) { Mqttrs.connect(port: broker.port) { |one| seen << one and raise "x" } }
    catch(:out) { Mqttrs.connect(port: broker.port) { |one| seen << one and throw :out } }
    assert_equal [true, true], seen.map(&:closed?)
  end

  def test_a_child_of_fork_cannot_use_the_client_and_the_parent_goes_on
    one = connected
    messages = one.messages
    one.subscribe(@topic, qos: 1)
    reader, writer = IO.pipe
    child = fork do
      tries = [-> { one.publish("a", "b") }, -> { one.subscribe("a") }, -> { one.messages.pop }, -> { one.stats },
               -> { one.publish("a", "b", qos: 1).wait }]
      results = tries.map do |try|
        try.call
        "nothing"
      rescue Exception => e
        e.class.name
      end
      one.close
      GC.start
      # A client of the child's own.
      Mqttrs.connect(port: broker.port) { |own| own.publish!(@topic, "from the child", qos: 1) }
      writer.write(results.join(","))
      writer.close
      exit!(0)
    end
    writer.close
    assert_equal ["Mqttrs::ForkError"] * 5, reader.read.split(",")
    assert_predicate Process.wait2(child).last, :success?
    assert_equal "from the child", messages.pop(timeout: PATIENCE).text
    assert_predicate one.publish!(@topic, "from the parent", qos: 1), :ok?
    assert_equal "from the parent", messages.pop(timeout: PATIENCE).text
    assert_equal 1, one.stats.connections
  end

  def test_a_program_that_ends_without_closing_ends_at_once
    program = <<~RUBY
      client = Mqttrs.connect(port: #{broker.port})
      client.subscribe("#{@topic}") { |message| client.publish("#{@topic}", "x") }
      client.publish("#{@topic}", "x")
      client.messages("other")
      $stdout.write("ready")
    RUBY
    output, status = Timeout.timeout(PATIENCE) { ruby(program) }
    assert_equal ["ready", true], [output, status.success?]
  end
end
