# frozen_string_literal: true

module Mqttrs
  class Client
    # Messages on their way to the server.
    module Publishing
      # So many messages in a row, and the loop gets a chance to send them: Ruby lets a thread
      # that does not wait run for a tenth of a second.
      BURST = 128
      private_constant :BURST

      # Publishes a message. It does not wait, unless the queue is full and was told to.
      # @param topic [String, Symbol] without wildcards
      # @param payload [String, Symbol, Numeric, nil] its bytes, whatever the encoding
      # @param qos [Integer] 0, 1 or 2
      # @param retain [Boolean] whether the server keeps it for who subscribes later
      # @param properties [Hash] MQTT 5's of PUBLISH: `content_type: "text/plain"`, see {Properties}
      # @return [Token] to wait for what becomes of it
      # @raise [NotConnectedError] for QoS 0 without a connection, unless the queue takes it
      # @raise [QueueFullError] when there is no room, or it is beyond a limit of speed
      # @raise [InvalidError] for a topic or properties that cannot be
      def publish(topic, payload = nil, qos: 0, retain: false, **properties)
        topic = Text.utf8(topic)
        payload = Text.payload(payload)
        return send_message(topic, payload, qos, retain, nil) if properties.empty?

        Properties.lend(properties) { |list| send_message(topic, payload, qos, retain, list) }
      end

      # Publishes a message and waits: with QoS 0 until it was handed to the network, with QoS 1 and 2
      # until the server has acknowledged it. Arguments as for {#publish}.
      # @param timeout [Numeric, nil] the longest wait in seconds; nil for no limit
      # @return [Outcome]
      # @raise [PublishError] when it was not delivered
      # @raise [TimeoutError] when the time is over; the message goes on
      def publish!(topic, payload = nil, timeout: 30, **options)
        publish(topic, payload, **options).wait(timeout: timeout)
      end

      # Waits until it is known what became of all messages that were published before this call.
      # @param timeout [Numeric, nil] the longest wait in seconds; nil for no limit
      # @return [Boolean] whether it is
      def drain(timeout: nil)
        deadline = timeout && (now + timeout)
        @tokens.values.all? do |token|
          token.done? || @loop.wait(token, deadline && [deadline - now, 0].max) { token.done? }
        end
      end

      # Drops the messages that were never sent: their outcome is `:cleared`.
      # @return [void]
      def clear_queue = check(Native.mqttrs_queue_clear(handle))

      # Limits how fast messages are sent; without a rate the limit is taken away.
      # @param filter [String, nil] to which topics; nil for all of the client
      # @param limits [Hash] `messages_per_second:`, `bytes_per_second:`, `burst_messages:`, `burst_bytes:`, `excess:`
      #   (what is beyond will `:wait`, `:refuse`, `:drop` or `:drop_oldest`)
      # @return [void]
      def throttle(filter = nil, **limits)
        check(Native.mqttrs_throttle_set(handle, filter && Text.utf8(filter), throttle_options(**limits)))
      end

      # @api private
      # In a callback: it is known what became of a message or a request.
      def finish(number, outcome)
        token = @tokens.delete(number) or return
        token.finish(outcome)
        @finished += 1
        @loop.note(token, nil) if token.waiters
        @loop.note(self, nil) if @queue_wait && @waiters
      end

      private

      def initialize_publishing
        @tokens = {}
        @envelopes = []
        @finished = 0
        @burst = 0
        @stored = false
        @queue_wait = nil
      end

      def send_message(topic, payload, qos, retain, list)
        token = Token.new(self)
        envelope = @envelopes.pop || Envelope.new
        code = post(envelope.fill(topic, payload, qos, retain, list), envelope.number, token)
        code = post_with_patience(envelope, token) if code == Native::ERR_QUOTA_EXCEEDED && @queue_wait
        @envelopes.push(envelope)
        raise failure(code) unless code.zero?

        if (@burst += 1) >= BURST
          @burst = 0
          Thread.pass
        end
        token
      end

      def post(message, number, token)
        client = handle
        @tokens[number] = token
        code = if @stored
                 Native.mqttrs_publish_stored(client, nil, message, Callbacks::ON_DONE, number, nil)
               else
                 Native.mqttrs_publish(client, nil, message, Callbacks::ON_DONE, number, nil)
               end
        @tokens.delete(number) unless code.zero?
        code
      end

      # Waits for room: each message that has come to its end makes some.
      def post_with_patience(envelope, token)
        patience = @queue_wait.first
        deadline = patience && (now + patience)
        Kernel.loop do # not the client's loop
          finished = @finished
          code = post(envelope.message, envelope.number, token)
          return code unless code == Native::ERR_QUOTA_EXCEEDED

          left = deadline && (deadline - now)
          return code if left && left <= 0

          @loop.wait(self, left) { @finished != finished || closed? }
        end
      end

      # What C did not end, since it was never told to whom.
      def finish_all
        finish(@tokens.first[0], CLEARED) until @tokens.empty?
      end

      CLEARED = Outcome.new(:cleared, 0, [].freeze, Properties::NONE).freeze
      private_constant :CLEARED
    end

    # @api private
    # A `struct mqttrs_message` with its topic and its payload behind it, used again and again, by one
    # thread at a time.
    class Envelope
      ROOM = 4096
      FORMAT = "JJJJlCx3Ja*xa*"
      SIZE = Native::Message.size
      private_constant :ROOM, :FORMAT, :SIZE

      # @return [FFI::Pointer] the structure
      attr_reader :message

      def initialize
        @first = @memory = FFI::MemoryPointer.new(:char, ROOM, false)
        @number = Callbacks.number << 32
      end

      # @return [Integer] one that no other message of this process has
      def number = @number += 1

      def fill(topic, payload, qos, retain, properties)
        needed = SIZE + topic.bytesize + 1 + payload.bytesize
        @memory = needed > ROOM ? FFI::MemoryPointer.new(:char, needed, false) : @first
        start = @memory.address + SIZE
        @memory.put_bytes(0, [
          SIZE, start, start + topic.bytesize + 1, payload.bytesize, qos, retain ? 1 : 0,
          properties ? properties.address : 0, topic, payload
        ].pack(FORMAT))
        @message = @memory
      end
    end
  end
end
