# frozen_string_literal: true

require "minitest"
require "open3"
require "rbconfig"
require "tmpdir"
require "timeout"
require "mqttrs"
require_relative "broker"

# The line that `make test` looks for.
class Tally < Minitest::StatisticsReporter
  def report
    super
    results.select(&:skipped?).each { |result| puts "skipped: #{result.name}: #{result.failure.message}" }
    failed = failures + errors
    puts "ruby: #{count - failed - skips} passed, #{failed} failed, #{skips} skipped"
  end
end

module Minitest
  def self.plugin_tally_init(options) = reporter << Tally.new($stdout, options)
  extensions << "tally"
end
require "minitest/autorun"

# What the tests have in common: a broker for all, which each restart of a test's own does not touch.
class MqttrsTest < Minitest::Test
  # No test waits longer than this for an event.
  PATIENCE = 20

  @broker = nil

  def self.broker
    MqttrsTest.class_eval do
      @broker ||= Broker.new.tap { |broker| Minitest.after_run { broker.stop } }
    end
  end

  def run
    result = nil
    Timeout.timeout(120) { result = super }
    result
  end

  def setup
    @clients = []
    @topic = "test/#{name}/#{rand(1 << 48).to_s(36)}"
  end

  def teardown
    @clients.each { |client| client.close(timeout: 0.2) }
  end

  def broker = MqttrsTest.broker

  # A client that the test's end closes.
  def client(**settings)
    made = Mqttrs::Client.new(port: broker.port, **settings)
    @clients << made
    made
  end

  def connected(**settings) = client(**settings).connect(timeout: PATIENCE)

  # Runs a program with the gem loaded.
  # @return [Array(String, Process::Status)] what it printed, and its end
  def ruby(program, *options, **environment)
    lib = File.expand_path("../lib", __dir__)
    Open3.capture2e(
      environment.transform_keys(&:to_s), RbConfig.ruby, "-w", "-I#{lib}", "-rmqttrs", *options, "-e", program
    )
  end

  # The next thing in a queue.
  def next_of(queue, seconds = PATIENCE)
    Timeout.timeout(seconds, nil, "nothing came") { queue.pop }
  end
end
