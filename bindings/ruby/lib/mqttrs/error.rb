# frozen_string_literal: true

module Mqttrs
  # What all exceptions of this gem descend from.
  class Error < StandardError
    # @return [Integer, nil] the library's error, a member of `mosq_err_t`
    attr_reader :code
    # @return [Integer, nil] the server's reason code, where a server has given one
    attr_reader :reason_code
    # @return [Integer, nil] the system's error, where {#code} is MOSQ_ERR_ERRNO
    attr_reader :errno

    def initialize(message = nil, code: nil, reason_code: nil, errno: nil)
      @code = code
      @reason_code = reason_code
      @errno = errno
      super(message)
    end

    # @return [String, nil] {#reason_code}, or else {#code}, in general words
    def reason
      if reason_code
        Native.mosquitto_reason_string(reason_code)
      elsif code
        Native.mosquitto_strerror(code)
      end
    end

    # @api private
    # The exception for an error of the library.
    # @param code [Integer] a member of `mosq_err_t`
    # @param words [String, nil] what is known about this case
    def self.for(code, words = nil)
      words = Native.mosquitto_strerror(code) if words.nil? || words.empty?
      errno = FFI.errno if code == Native::ERR_ERRNO
      BY_CODE.fetch(code, Error).new(words, code: code, errno: errno)
    end
  end

  # A connection did not come about: the server was not reached, TLS failed, the server refused.
  class ConnectError < Error; end

  # There is no connection, and what was asked for needs one.
  class NotConnectedError < Error; end

  # A time was over.
  class TimeoutError < Error; end

  # The client or the loop was closed.
  class ClosedError < Error; end

  # The client was made before `fork`, and this process is the child.
  class ForkError < Error; end

  # There is no room for the message, or it is beyond a limit of speed.
  class QueueFullError < Error; end

  # An argument is not allowed, a topic with a wildcard for instance.
  class InvalidError < Error; end

  # The library was built without it, or this version of MQTT lacks it.
  class NotSupportedError < Error; end

  # A message was accepted, and then not delivered.
  class PublishError < Error
    # @return [Outcome] what became of it
    attr_reader :outcome

    def initialize(message = nil, outcome: nil, **rest)
      @outcome = outcome
      super(message, **rest)
    end
  end

  # The server refused subscriptions, or the end of some.
  class SubscribeError < Error
    # @return [Hash{String => Integer}] the server's answer for each topic filter: the granted QoS,
    #   or a reason code of 128 or more
    attr_reader :granted

    def initialize(message = nil, granted: {}, **rest)
      @granted = granted
      super(message, **rest)
    end
  end

  # A request had no response.
  class RequestError < Error; end

  class Error
    BY_CODE = {
      -6 => QueueFullError, 3 => InvalidError, 4 => NotConnectedError, 7 => NotConnectedError,
      10 => NotSupportedError, 18 => InvalidError, 22 => InvalidError, 27 => TimeoutError
    }.freeze
    private_constant :BY_CODE
  end
end
