# frozen_string_literal: true

module Mqttrs
  # @api private
  # Who acknowledges received messages of QoS 1 and 2, and when. With `:after_handler` that is when
  # all handlers and streams that got a message are done with it.
  class Acknowledgements
    MODES = { automatic: 0, after_handler: 2, manual: 2 }.freeze

    def initialize(client, mode)
      @client = client
      @after_handler = mode == :after_handler
      @open = {}
      @lock = Mutex.new
    end

    # One more has the message.
    def expect(message)
      return if !@after_handler || message.qos.zero?

      @lock.synchronize { @open[message.mid] = @open.fetch(message.mid, 0) + 1 }
    end

    # One is done with it.
    def finish(message)
      return if !@after_handler || message.qos.zero?

      last = @lock.synchronize do
        left = @open.fetch(message.mid, 0) - 1
        left.positive? ? (@open[message.mid] = left) : @open.delete(message.mid)
        left.zero?
      end
      # A session that was lost took what awaited an acknowledgement with it.
      @client.try_ack(message, 0) if last
    end
  end
end
