# frozen_string_literal: true

module Mqttrs
  # The messages of a client, one after the other, from the moment it was made until it, or
  # the client, is closed: an Enumerator, which waits for the next message.
  #
  #     client.messages("sensors/#").each { |message| puts message }
  #     client.messages("sensors/#").lazy.map(&:text).reject(&:empty?).first(3)
  #
  # A message goes to each stream whose filter matches, and to one reader of it. What nobody has read
  # yet waits; with `limit` messages waiting nothing more is received until half of them are
  # read, so that the server waits too. Any thread or fiber may read.
  class Messages < Enumerator
    # @return [String, nil] the topic filter, nil for what no other filter takes
    attr_reader :filter
    # @api private
    attr_accessor :waiters

    # @api private
    def initialize(client, route, limit)
      @client = client
      @route = route
      @filter = route.filter
      @limit = limit
      @queue = []
      @closed = @held = false
      super() { |yielder| read { |message| yielder << message } }
    end

    # The next message.
    # @param timeout [Numeric, nil] the longest wait in seconds; nil for no limit
    # @return [Message, nil] nil at the end, and when the time is over
    def pop(timeout: nil)
      message = fetch(timeout)
      @client.acknowledgements.finish(message) if message
      message
    end

    # @return [Integer] how many messages wait to be read
    def waiting = @queue.size

    # @return [Boolean] whether no further message comes
    def closed? = @closed

    # Ends the stream. What waits can still be read.
    # @return [void]
    def close
      return if @closed

      @closed = true
      @client.drop_stream(@route, self)
      release
      @client.loop.notify(self)
    end

    def inspect = "#<#{self.class} #{@filter || 'the rest'}: #{waiting} waiting#{', closed' if @closed}>"

    # @api private
    def feed(message)
      @queue << message
      if @limit && !@held && @queue.size >= @limit
        @held = true
        @client.hold_receiving(self)
      end
      @client.loop.notify(self) if @waiters
    end

    private

    def read
      while (message = fetch(nil))
        begin
          yield message
        ensure
          @client.acknowledgements.finish(message)
        end
      end
    end

    def fetch(timeout)
      deadline = timeout && (now + timeout)
      until (message = @queue.shift)
        # Another reader may be faster than this one.
        left = deadline && [deadline - now, 0].max
        break if (@closed && @queue.empty?) || !@client.loop.wait(self, left) { @closed || !@queue.empty? }
      end
      release if @held && @queue.size <= @limit / 2
      message
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def release
      return unless @held

      @held = false
      @client.release_receiving(self)
    end
  end
end
