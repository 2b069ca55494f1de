# frozen_string_literal: true

module Mqttrs
  # What became of a message, of a SUBSCRIBE or of an UNSUBSCRIBE.
  #
  # `state` is one of {Outcome::STATES}: `:sent` (QoS 0, handed to the network), `:acknowledged`
  # (the server has answered) or why there was no delivery. `reason_code` is the server's, 128 or more
  # that it refused; `reason_codes` has one for each topic filter; `properties` are those of the answer.
  Outcome = Struct.new(:state, :reason_code, :reason_codes, :properties)

  class Outcome
    STATES = %i[
      sent acknowledged expired overflow cleared too_large qos_not_supported connection_lost session_lost
    ].freeze

    WORDS = {
      sent: "sent", acknowledged: "acknowledged", expired: "its message expiry interval was over",
      overflow: "it made room for a newer one", cleared: "the client was closed, or its queue cleared",
      too_large: "it is larger than the server takes", qos_not_supported: "its QoS is higher than the server takes",
      connection_lost: "the connection ended before it was handed to the network",
      session_lost: "unknown: the server lost the session"
    }.freeze
    private_constant :WORDS

    # @return [Boolean] whether the message was sent, or the server's answer is not a refusal
    def ok? = (state == :acknowledged || state == :sent) && reason_code < 128

    # @return [String] in words
    def reason
      return "the server refused: #{Native.mosquitto_reason_string(reason_code)}" if reason_code >= 128

      WORDS.fetch(state)
    end

    # @api private
    def self.copy(pointer)
      result = Native::Result.new(pointer)
      count = result[:reason_code_count]
      new(
        STATES[result[:outcome]], result[:reason_code],
        count.zero? ? [].freeze : result[:reason_codes].read_array_of_int(count).freeze,
        Properties.copy(result[:properties])
      ).freeze
    end

    # Most outcomes say nothing but this, and share an object.
    PLAIN = STATES.map { |state| new(state, 0, [].freeze, Properties::NONE).freeze }.freeze
    private_constant :PLAIN

    # @api private
    # As {copy}, for a message, of which there are many.
    def self.of_message(pointer)
      return copy(pointer) unless pointer.get_int32(16).zero? && pointer.get_uint64(32).zero?

      PLAIN[pointer.get_int32(12)]
    end
  end

  # A message or a request on its way. Any thread or fiber, and any handler, may wait for it.
  class Token
    # @return [Outcome, nil] what became of it, nil as long as that is not known
    attr_reader :outcome
    # @api private
    attr_accessor :waiters

    # @api private
    def initialize(client)
      @client = client
      @outcome = nil
      @waiters = nil
    end

    # @return [Boolean] whether it is known what became of it
    def done? = !@outcome.nil?

    # Waits until it is known what became of it. A connection that is lost ends no message of QoS 1
    # or 2: they wait for the next one.
    # @param timeout [Numeric, nil] the longest wait in seconds; nil for no limit
    # @return [Outcome]
    # @raise [TimeoutError] when the time is over; the message goes on
    # @raise [PublishError] when it was not delivered; its `outcome` says why
    def wait(timeout: nil)
      unless @outcome || @client.wait(self, timeout) { @outcome }
        raise TimeoutError.new("not known after #{timeout} s what became of it", code: 27)
      end
      return @outcome if @outcome.ok?

      raise PublishError.new(@outcome.reason, outcome: @outcome, reason_code: @outcome.reason_code)
    end

    # @api private
    def finish(outcome) = @outcome = outcome

    # @api private
    # When C has returned: who waits is woken.
    def take(_news)
      @client.loop.notify(self)
      false
    end

    def inspect = "#<#{self.class} #{@outcome ? @outcome.state : 'on its way'}>"
  end
end
