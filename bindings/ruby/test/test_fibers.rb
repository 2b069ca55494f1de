# frozen_string_literal: true

require "helper"
require "scheduler"

# With a Fiber scheduler.
class TestFibers < MqttrsTest
  def test_fibers_wait_for_their_own_things_and_let_each_other_run
    port = broker.port
    order = []
    scheduled do
      Fiber.schedule do
        Mqttrs.connect(port: port) do |one|
          one.subscribe(@topic, qos: 1)
          order << :subscribed
          order << one.messages.pop(timeout: PATIENCE).text
        end
      end
      Fiber.schedule do
        Mqttrs.connect(port: port) do |one|
          # Waits in this fiber until the other one has subscribed.
          sleep 0.001 until order.include?(:subscribed)
          one.publish!(@topic, "from the other fiber", qos: 2)
        end
      end
      order << :scheduled
    end
    assert_equal [:scheduled, :subscribed, "from the other fiber"], order
  end

  def test_a_fiber_that_waits_in_vain_is_told_in_time
    port = broker.port
    result = [:nothing]
    scheduled do
      Fiber.schedule do
        Mqttrs.connect(port: port) { |one| result = one.messages.pop(timeout: 0.05) }
      end
    end
    assert_nil result
  end

  def test_a_loop_runs_in_a_fiber_and_no_thread_is_made
    port = broker.port
    threads = []
    got = []
    scheduled do
      shared = Mqttrs::Loop.new(thread: false)
      Fiber.schedule { shared.run }
      Fiber.schedule do
        one = Mqttrs::Client.new(port: port, loop: shared)
        one.on("#{@topic}/+") { |message| got << [:handler, message.text, Fiber.current.blocking?] }
        one.connect
        one.subscribe("#{@topic}/#", qos: 1)
        one.serve("#{@topic}/service/here") { |request| request.text.upcase }
        one.publish!("#{@topic}/a", "x", qos: 1)
        got << one.request("#{@topic}/service/here", "abc", timeout: 5).text
        # A second one, on the same loop.
        Mqttrs.connect(port: port, loop: shared) { |two| two.publish!("#{@topic}/b", "y", qos: 2) }
        sleep 0.001 until got.size == 3
        threads = Thread.list.map(&:name)
        one.close
        shared.stop
      end
    end
    assert_equal [["ABC"], [[:handler, "x", false], [:handler, "y", false]]], got.partition { |entry| entry == "ABC" }
    refute_empty threads
    refute_includes threads, "mqttrs"
  end

  def test_a_handler_in_a_fiber_may_wait
    port = broker.port
    got = []
    scheduled do
      shared = Mqttrs::Loop.new(thread: false)
      Fiber.schedule { shared.run }
      Fiber.schedule do
        Mqttrs.connect(port: port, loop: shared) do |one|
          done = Queue.new
          one.on(@topic) do |message|
            sleep 0.01
            one.publish!("#{@topic}/echo", message.text, qos: 2)
            done << message.text
          end
          one.subscribe(@topic)
          3.times { |number| one.publish(@topic, number) }
          3.times { got << done.pop }
        end
        shared.stop
      end
    end
    assert_equal %w[0 1 2], got
  end

  def test_other_fibers_run_while_many_messages_come
    port = broker.port
    ticks = 0
    sum = 0
    scheduled do
      shared = Mqttrs::Loop.new(thread: false)
      Fiber.schedule { shared.run }
      running = true
      Fiber.schedule do
        while running
          sleep 0.001
          ticks += 1
        end
      end
      Fiber.schedule do
        Mqttrs.connect(port: port, loop: shared) do |one|
          messages = one.messages(limit: nil)
          one.subscribe(@topic, qos: 1)
          tokens = Array.new(1000) { |number| one.publish(@topic, number, qos: 1) }
          1000.times { sum += Integer(messages.pop(timeout: PATIENCE).text) }
          tokens.each { |token| token.wait(timeout: PATIENCE) }
        end
        running = false
        shared.stop
      end
    end
    assert_equal 499_500, sum
    assert_operator ticks, :>, 0
  end

  def test_without_a_scheduler_and_a_thread_who_waits_runs_the_loop
    before = Thread.list.size
    one = client(loop: Mqttrs::Loop.new(thread: false))
    one.connect(timeout: PATIENCE)
    messages = one.messages
    one.subscribe(@topic, qos: 1)
    one.publish!(@topic, "x", qos: 2)
    assert_equal "x", messages.pop(timeout: PATIENCE).text
    assert_equal before, Thread.list.size
  end

  def test_a_loop_is_run_once_at_a_time_and_may_be_stopped_and_run_again
    one = Mqttrs::Loop.new(thread: false)
    2.times do
      runner = Thread.new { one.run }
      Thread.pass until runner.stop?
      assert_match(/already/, assert_raises(Mqttrs::Error) { one.run }.message)
      one.stop
      assert runner.join(PATIENCE)
    end
    one.close
    assert_raises(Mqttrs::ClosedError) { one.run }
    assert_raises(Mqttrs::Error) { connected.loop.run }
  end

  def test_the_fibers_of_the_readme
    code = File.read(File.expand_path("../README.md", __dir__))[/```ruby\n(\s*loop = .*?)```/m, 1]
    code = code.gsub('host: "localhost"', "port: #{broker.port}").gsub('"a"', "topic")
    messages = connected.tap { |one| one.subscribe(@topic) }.messages
    topic = @topic
    scheduled { binding.tap { |where| where.local_variable_set(:topic, topic) }.eval(code) }
    assert_equal "b", messages.pop(timeout: PATIENCE).text
  end

  private

  # Runs the block, and the fibers it makes, in a thread with a scheduler, until all are done.
  def scheduled
    thread = Thread.new do
      Fiber.set_scheduler(Scheduler.new)
      yield
    end
    thread.report_on_exception = false
    thread.join(40) or flunk("the fibers do not come to their end")
  ensure
    thread&.kill
  end
end
