# frozen_string_literal: true

module Mqttrs
  # @api private
  # Where messages go that match a filter: to handlers, and into streams.
  class Route
    attr_reader :client, :filter, :number, :handlers

    # @param filter [String, nil] nil for what no other route takes
    def initialize(client, filter)
      @client = client
      @filter = filter
      @number = Callbacks.number
      @handlers = []
      @streams = []
    end

    def empty? = @handlers.empty? && @streams.empty?

    # The lists are replaced, not changed: the loop may be going through them.
    def add_handler(handler) = @handlers += [handler]

    def remove_handlers = @handlers = []

    def add_stream(stream) = @streams += [stream]

    def remove_stream(stream) = @streams -= [stream]

    # The client is closed.
    def close = @streams.each(&:close)

    # In a callback.
    def note(message)
      @client.acknowledgements.expect(message)
      @client.loop.note(self, message)
    end

    # When C has returned. The answer is whether handlers want the message too.
    def take(message)
      taken = @streams.each { |stream| feed(stream, message) }
      return true unless @handlers.empty?

      nobody(message) if taken.empty?
      @client.acknowledgements.finish(message)
      false
    end

    def deliver(message)
      call(message) unless @client.closed?
      @client.acknowledgements.finish(message)
    end

    private

    def feed(stream, message)
      @client.acknowledgements.expect(message)
      stream.feed(message)
    end

    def call(message)
      @handlers.each do |handler|
        handler.call(message)
      rescue *CONTAINED => e
        @client.report(e, message)
      end
    end

    def nobody(message); end
  end

  # @api private
  # Where messages go that no filter matches. The last ones are kept for who comes to read them a
  # little later: after `client.subscribe`, the first messages may be faster than
  # `client.messages`.
  class DefaultRoute < Route
    KEPT = 1000
    private_constant :KEPT

    def initialize(client)
      super(client, nil)
      @kept = []
    end

    def add_stream(stream)
      kept = @kept
      @kept = nil
      kept&.each { |message| stream.feed(message) }
      super
    end

    def add_handler(handler)
      super
      kept = @kept
      @kept = nil
      kept&.each { |message| @client.loop.post(self, message) }
    end

    private

    def nobody(message)
      kept = @kept or return
      @client.acknowledgements.expect(message)
      kept << message
      @client.acknowledgements.finish(kept.shift) if kept.size > KEPT
    end
  end

  # @api private
  # Where requests go; what the handler returns is the response.
  class Service < Route
    attr_reader :qos

    def initialize(client, topic, qos)
      super(client, topic)
      @qos = qos
    end

    private

    def call(request)
      response = @handlers.last.call(request)
      @client.respond(request, response, qos: @qos) unless response.nil? || !@client.wants_response?(request)
    rescue *CONTAINED => e
      @client.report(e, request)
    end
  end

  # What a handler may raise without harm to the client. The end of the program is not among these.
  CONTAINED = [StandardError, ScriptError, SystemStackError, NoMemoryError].freeze
  private_constant :CONTAINED
end
