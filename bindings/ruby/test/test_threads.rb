# frozen_string_literal: true

require "helper"

# Many threads on one client, threads that are ended, a thread that never pauses.
class TestThreads < MqttrsTest
  def test_many_threads_publish_on_one_client
    one = connected
    messages = one.messages(limit: nil)
    one.subscribe("#{@topic}/#", qos: 1)
    threads = Array.new(16) do |thread|
      Thread.new do
        Array.new(100) { |number| one.publish("#{@topic}/#{thread}", number, qos: number % 3) }
             .each { |token| token.wait(timeout: PATIENCE) }
      end
    end
    threads.each(&:join)
    got = messages.take(1600).group_by(&:topic)
    assert_equal 16, got.size
    # Messages of one QoS keep their order.
    got.each_value do |list|
      list.map { |message| Integer(message.text) }.group_by { |number| number % 3 }.each_value do |numbers|
        assert_equal numbers.sort, numbers
        assert_operator numbers.size, :>=, 33
      end
    end
  end

  def test_many_threads_wait_for_answers_at_the_same_time
    one = connected
    threads = Array.new(20) do |number|
      Thread.new do
        got = Queue.new
        one.subscribe("#{@topic}/#{number}", qos: 1) { |message| got << message.text }
        one.publish!("#{@topic}/#{number}", number, qos: 2)
        next_of(got)
      end
    end
    assert_equal (0...20).map(&:to_s), threads.map(&:value)
  end

  def test_several_threads_share_a_stream_and_each_message_has_one_reader
    one = connected
    messages = one.messages(@topic)
    one.subscribe(@topic, qos: 1)
    readers = Array.new(4) { Thread.new { messages.map { |message| Integer(message.text) } } }
    last = one.messages("#{@topic}/last")
    one.subscribe("#{@topic}/last", qos: 1)
    400.times { |number| one.publish(@topic, number, qos: 1) }
    one.publish("#{@topic}/last", "x", qos: 1)
    assert last.pop(timeout: PATIENCE)
    one.close
    assert_equal (0...400).to_a, readers.flat_map(&:value).sort
  end

  def test_threads_that_wait_can_be_interrupted_and_killed
    server = TCPServer.new("127.0.0.1", 0)
    one = Mqttrs::Client.new(host: "127.0.0.1", port: server.addr[1])
    waits = [-> { one.messages.pop }, -> { one.messages.next }, -> { one.connect(timeout: nil) },
             -> { one.publish("a", "b", qos: 1).wait }]
    threads = waits.map { |wait| Thread.new { wait.call } }
    threads.each { |thread| Thread.pass until thread.stop? }
    threads.each { |thread| thread.kill.join(PATIENCE) || flunk("it goes on") }
    assert_raises(Timeout::Error) { Timeout.timeout(0.05) { one.messages.pop } }
    assert_raises(Timeout::Error) { Timeout.timeout(0.05) { one.connect(timeout: nil) } }
  ensure
    one&.close(timeout: 0)
    server&.close
  end

  def test_other_threads_run_while_one_waits
    server = TCPServer.new("127.0.0.1", 0)
    one = Mqttrs::Client.new(host: "127.0.0.1", port: server.addr[1])
    waiting = Thread.new { one.connect(timeout: nil) }
    waiting.report_on_exception = false
    Thread.pass until waiting.stop?
    assert_equal 500_500, (1..1000).sum
    refute waiting.join(0.01)
    one.close(timeout: 0)
    assert_raises(Mqttrs::ClosedError) { waiting.value }
  ensure
    server&.close
  end

  # With callbacks that come from a thread of C's, some hundred messages would take as many
  # time slices of 100 ms: this one would take five minutes.
  def test_messages_come_though_a_thread_computes_without_a_pause
    one = connected
    got = 0
    one.on(@topic) { got += 1 }
    one.subscribe(@topic)
    sender = spawn(RbConfig.ruby, "-I#{File.expand_path('../lib', __dir__)}", "-rmqttrs", "-e", <<~RUBY)
      client = Mqttrs.connect(port: #{broker.port})
      3000.times { client.publish("#{@topic}", "x") }
      client.close
    RUBY
    number = 0
    number += 1 while got < 3000
    assert_equal 3000, got
  ensure
    Process.wait(sender) if sender
  end

  def test_clients_come_and_go_while_others_talk
    steady = connected
    count = Queue.new
    steady.on("#{@topic}/#") { |message| count << message.text }
    steady.subscribe("#{@topic}/#", qos: 1)
    threads = Array.new(4) do |thread|
      Thread.new do
        10.times do |number|
          Mqttrs.connect(port: broker.port) { |one| one.publish!("#{@topic}/#{thread}", number, qos: 1) }
        end
      end
    end
    threads.each(&:join)
    assert_equal (0...10).flat_map { |number| [number.to_s] * 4 }.sort, Array.new(40) { next_of(count) }.sort
  end
end
