# frozen_string_literal: true

require "helper"
require "cutter"
require "logger"
require "scripted"
require "stringio"

# Connecting, losing the connection, connecting again, disconnecting.
class TestConnection < MqttrsTest
  def test_a_server_that_is_not_there_is_a_connect_error_that_names_it
    port = Broker.free_port
    error = assert_raises(Mqttrs::ConnectError) { Mqttrs.connect(port: port) }
    assert_match(/localhost:#{port}.*refused/i, error.message)
    assert_equal 14, error.code
    assert_raises(Mqttrs::ConnectError) { Mqttrs.connect(host: "no-such-host.invalid") }
  end

  def test_a_refusal_is_a_connect_error_with_the_servers_reason
    server = ScriptedServer.new { |type,| "\x20\x03\x00\x87\x00".b if type == 1 }
    error = assert_raises(Mqttrs::ConnectError) { Mqttrs.connect(port: server.port) }
    assert_equal 135, error.reason_code
    assert_match(/authorized/i, error.reason)
  ensure
    server&.stop
  end

  def test_wrong_credentials_are_refused_and_right_ones_are_not
    Dir.mktmpdir do |folder|
      passwords = File.join(folder, "passwords")
      system("mosquitto_passwd", "-b", "-c", passwords, "me", "secret", exception: true)
      FileUtils.chmod(0o644, passwords)
      FileUtils.chmod(0o755, folder)
      own = Broker.new(lines: ["allow_anonymous false", "password_file #{passwords}"])
      error = assert_raises(Mqttrs::ConnectError) { Mqttrs.connect(port: own.port, username: "me", password: "no") }
      assert_includes [134, 135], error.reason_code
      Mqttrs.connect(port: own.port, username: "me", password: "secret") { |one| assert_predicate one, :connected? }
    ensure
      own&.stop
    end
  end

  def test_a_server_that_does_not_answer_is_given_up_in_time
    server = ScriptedServer.new { nil }
    assert_raises(Mqttrs::TimeoutError) { connect_to(server.port, timeout: 0.2) }
    assert_raises(Timeout::Error) { Timeout.timeout(0.2) { connect_to(server.port) } }
  ensure
    server&.stop
  end

  def test_all_versions_of_mqtt
    ["3.1", "3.1.1", "5.0", 5].each do |version|
      one = connected(version: version)
      messages = one.messages
      one.subscribe(@topic, qos: 1)
      one.publish!(@topic, version.to_s, qos: 1)
      assert_equal version.to_s, messages.first.text
      one.close
    end
    assert_raises(ArgumentError) { client(version: 6) }
    one = connected(version: "3.1.1")
    assert_raises(Mqttrs::NotSupportedError) { one.publish(@topic, "x", content_type: "a") }
  end

  def test_a_lost_connection_is_made_again_with_its_subscriptions_and_messages
    own = Broker.new
    states = Queue.new
    ends = Queue.new
    one = Mqttrs::Client.new(port: own.port, reconnect: { min: 0.05, max: 0.1 })
    one.on_lifecycle { |event| states << event }
    one.on_disconnect { |event| ends << event }
    one.connect
    messages = one.messages
    one.subscribe(@topic, qos: 1)
    own.kill
    refute_predicate next_of(ends), :expected?
    nil until next_of(states).state == :waiting
    token = one.publish(@topic, "said while there was no connection", qos: 1)
    assert_raises(Mqttrs::NotConnectedError) { one.publish(@topic, "x") }
    own.start
    assert_predicate token.wait(timeout: PATIENCE), :ok?
    assert_equal "said while there was no connection", messages.pop(timeout: PATIENCE).text
    assert_equal 1, one.stats.reconnects
  ensure
    one&.close(timeout: 0.2)
    own&.stop
  end

  def test_messages_of_qos_2_arrive_once_though_the_connection_is_cut_again_and_again
    cutter = Cutter.new(broker.port)
    settings = { host: "127.0.0.1", port: cutter.port, clean: false, session_expiry_interval: 60,
                 reconnect: { min: 0.01, max: 0.02 } }
    one = Mqttrs.connect(client_id: "#{@topic}/one", **settings)
    two = Mqttrs.connect(client_id: "#{@topic}/two", **settings)
    messages = two.messages
    two.subscribe(@topic, qos: 2)
    tokens = Array.new(1000) do |number|
      cutter.cut if (number % 300).zero?
      one.publish(@topic, number, qos: 2)
    end
    cutter.cut
    tokens.each { |token| token.wait(timeout: PATIENCE) }
    assert_equal (0...1000).to_a, messages.take(1000).map { |message| Integer(message.text) }
    assert_nil messages.pop(timeout: 0.05)
    assert_operator two.stats.reconnects, :>, 0
  ensure
    [one, two].compact.each { |client| client.close(timeout: 0.2) }
    cutter&.stop
  end

  def test_the_block_of_on_connect_runs_for_each_connection
    own = Broker.new
    answers = Queue.new
    one = Mqttrs::Client.new(port: own.port, reconnect: { min: 0.05, max: 0.05 })
    one.on_connect { |connack| answers << connack }
    one.connect
    first = next_of(answers)
    refute_predicate first, :session_present?
    assert_equal 10, first.properties[:topic_alias_maximum]
    own.restart
    assert_equal 0, next_of(answers).reason_code
  ensure
    one&.close(timeout: 0.2)
    own&.stop
  end

  def test_with_retries_connecting_waits_for_the_server_to_come_up
    port = Broker.free_port
    server = nil
    one = Mqttrs::Client.new(host: "127.0.0.1", port: port, reconnect: { min: 0.05, max: 0.05 })
    one.on_lifecycle do |event|
      server ||= listen(port) if event.state == :waiting
    end
    one.connect(retries: true, timeout: PATIENCE)
    assert_predicate one, :connected?
  ensure
    one&.close(timeout: 0.2)
    server&.close
  end

  def test_connecting_without_waiting_goes_on_in_the_background
    up = Queue.new
    one = client
    one.on_connect { up << true }
    assert_same one, one.connect(wait: false)
    assert next_of(up)
    assert_predicate one, :connected?
  end

  def test_without_reconnect_a_lost_connection_stays_lost
    own = Broker.new
    states = Queue.new
    one = Mqttrs::Client.new(port: own.port, reconnect: false)
    one.connect
    one.on_lifecycle { |event| states << event.state }
    own.restart
    assert_equal :given_up, next_of(states)
    assert_equal :given_up, one.state
    assert_same one, one.connect
    assert_predicate one, :connected?
  ensure
    one&.close(timeout: 0.2)
    own&.stop
  end

  def test_the_next_server_of_the_list_is_tried
    one = Mqttrs.connect(servers: [["127.0.0.1", Broker.free_port], ["127.0.0.1", broker.port]])
    assert_predicate one, :connected?
  ensure
    one&.close
  end

  def test_a_unix_socket
    own = nil
    Dir.mktmpdir do |folder|
      FileUtils.chmod(0o777, folder)
      path = File.join(folder, "mqtt")
      own = Broker.new(lines: ["listener 0 #{path}"])
      [{}, { session_expiry_interval: 5 }].each do |properties|
        Mqttrs.connect(host: path, **properties) { |one| assert_predicate one.publish!(@topic, "x", qos: 1), :ok? }
        error = assert_raises(Mqttrs::ConnectError) { Mqttrs.connect(host: "#{path}-not", **properties) }
        assert_match(/mqtt-not/, error.message)
      end
    end
  ensure
    own&.stop
  end

  def test_websocket
    port = Broker.free_port
    own = Broker.new(lines: ["listener #{port} 127.0.0.1", "protocol websockets"])
    Mqttrs.connect(port: port, transport: :websocket, headers: { "X-Test" => "1" }) do |one|
      assert_predicate one.publish!(@topic, "x", qos: 1), :ok?
    end
  ensure
    own&.stop
  end

  def test_the_will_is_sent_for_a_client_that_goes_without_a_word_only
    watcher = connected
    messages = watcher.messages
    watcher.subscribe("#{@topic}/#", qos: 1)
    connected(will: { topic: "#{@topic}/closed", payload: "x" }).close
    program = <<~RUBY
      will = { topic: "#{@topic}/gone", payload: "grün", qos: 1, content_type: "a/b" }
      Mqttrs.connect(port: #{broker.port}, will: will)
      Process.kill(:KILL, Process.pid)
    RUBY
    _, status = ruby(program)
    assert_equal Signal.list["KILL"], status.termsig
    message = messages.pop(timeout: PATIENCE)
    assert_equal ["#{@topic}/gone", "grün", "a/b"], [message.topic, message.text, message.content_type]
  end

  def test_disconnecting_sends_what_waits_and_a_client_can_connect_again
    one = connected
    messages = connected.tap { |two| two.subscribe(@topic, qos: 1) }.messages
    100.times { |number| one.publish(@topic, number, qos: 1) }
    assert one.disconnect
    assert_equal :idle, one.state
    assert_equal (0...100).map(&:to_s), messages.take(100).map(&:text)
    assert_raises(Mqttrs::NotConnectedError) { one.publish(@topic, "x") }
    one.connect
    assert_predicate one.publish!(@topic, "x", qos: 1), :ok?
  end

  def test_disconnecting_from_a_server_that_is_stuck_ends_in_time
    own = Broker.new
    one = Mqttrs.connect(port: own.port)
    own.pause
    one.publish(@topic, "x", qos: 1)
    refute one.disconnect(timeout: 0.2)
    refute_predicate one, :connected?
  ensure
    one&.close(timeout: 0.1)
    own&.stop
  end

  def test_reconnect_now_does_not_wait_for_the_delay
    own = Broker.new
    states = Queue.new
    one = Mqttrs::Client.new(port: own.port, reconnect: { min: 600, max: 600, jitter: false })
    one.on_lifecycle { |event| states << event }
    one.connect
    own.restart
    nil until (event = next_of(states)).state == :waiting
    assert_in_delta 600, event.delay
    assert_match(/\d/, event.port.to_s)
    one.reconnect_now
    nil until next_of(states).state == :up
  ensure
    one&.close(timeout: 0.2)
    own&.stop
  end

  def test_the_log_goes_to_a_logger_and_to_blocks
    text = StringIO.new
    records = Queue.new
    one = client(logger: Logger.new(text))
    one.on_log { |record| records << record }
    one.connect
    one.publish!(@topic, "x", qos: 1)
    one.close
    events = Array.new(records.size) { records.pop }
    published = events.find { |record| record.event == "publish.sent" }
    assert_equal @topic, published.fields["topic"]
    assert_match(/DEBUG -- mqttrs: .*PUBLISH/, text.string)
  end

  def test_settings_that_cannot_be_are_refused_at_once
    assert_raises(ArgumentError) { client(no_such_property: 1) }
    assert_raises(ArgumentError) { client(ack: :never) }
    assert_raises(ArgumentError) { client(queue: { overflow: :explode }) }
    assert_raises(Mqttrs::InvalidError) { client(clean: false) }
    assert_raises(Mqttrs::InvalidError) { client(will: { topic: "a/#" }) }
    error = assert_raises(Mqttrs::Error) { client(tls: { ca_file: "/no/such/file" }) }
    assert_match(%r{/no/such/file}, error.message)
  end

  private

  def connect_to(port, **options)
    one = Mqttrs::Client.new(host: "127.0.0.1", port: port)
    @clients << one
    one.connect(**options)
  end

  # A server that accepts each connection and answers CONNECT.
  def listen(port)
    server = TCPServer.new("127.0.0.1", port)
    Thread.new do
      Thread.current.report_on_exception = false
      socket = server.accept
      socket.readpartial(1000)
      socket.write(ScriptedServer::CONNACK)
      socket.read
    end
    server
  end
end
