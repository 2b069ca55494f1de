# frozen_string_literal: true

# What a program does that has something to say or to hear now and then.
module Mqttrs
  class << self
    # Makes a client and connects it. With a block, the client is closed when the block ends.
    #
    #     Mqttrs.connect(host: "localhost") { |client| client.publish!("greetings", "hello") }
    #
    # @param settings as for {Client#initialize}
    # @param timeout [Numeric, nil] the longest wait for the connection in seconds
    # @yieldparam client [Client]
    # @return [Client, Object] what the block returns, without one the client
    # @raise [ConnectError, TimeoutError]
    def connect(timeout: 60, **settings)
      client = Client.new(**settings)
      stays = done = false
      client.connect(timeout: timeout)
      stays = !block_given?
      return client if stays

      result = yield client
      done = true
      result
    ensure
      # Who leaves the block by an exception, or by throw, does not want to wait.
      client&.close(timeout: done ? 5 : 0.5) unless stays
    end

    # Connects, publishes one message, waits until it was delivered, and disconnects.
    # @param properties [Hash] MQTT 5's of PUBLISH
    # @param timeout [Numeric] the longest wait for the connection, and for the delivery, in seconds
    # @param settings as for {Client#initialize}
    # @return [Outcome]
    def publish(topic, payload = nil, qos: 0, retain: false, properties: {}, timeout: 30, **settings)
      connect(timeout: timeout, **settings) do |client|
        client.publish!(topic, payload, qos: qos, retain: retain, timeout: timeout, **properties)
      end
    end

    # Connects, subscribes, waits for messages, and disconnects.
    # @param filters [Array<String>]
    # @param count [Integer] how many messages
    # @param retained [Boolean] whether those count that the server had kept
    # @param timeout [Numeric] for all of it, in seconds
    # @return [Array<Message>] fewer than `count` when the time is over
    def receive(*filters, count: 1, qos: 0, retained: true, timeout: 30, **settings)
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + timeout
      connect(timeout: timeout, **settings) do |client|
        messages = client.messages
        client.subscribe(*filters, qos: qos, timeout: timeout)
        received = []
        while received.size < count
          left = deadline - Process.clock_gettime(Process::CLOCK_MONOTONIC)
          message = left.positive? ? messages.pop(timeout: left) : nil
          break unless message

          received << message if retained || !message.retain?
        end
        received
      end
    end
  end
end
