# frozen_string_literal: true

module Mqttrs
  # A message that has come. It is a copy, and lasts as long as the program keeps it.
  class Message
    # @return [String] the topic's name, in UTF-8
    attr_reader :topic
    # @return [String] the bytes of the payload, as ASCII-8BIT; see {#text}
    attr_reader :payload
    # @return [Integer] 0, 1 or 2
    attr_reader :qos
    # @return [Integer] the packet identifier; 0 for QoS 0
    attr_reader :mid
    # @return [Hash{Symbol => Object}] MQTT 5's, see {Properties}
    attr_reader :properties

    # @api private
    def initialize(client, mid, topic, payload, qos, retain, properties)
      @client = client
      @mid = mid
      @topic = topic
      @payload = payload
      @qos = qos
      @retain = retain
      @properties = properties
    end

    # @api private
    # @param pointer [FFI::Pointer] to a `struct mosquitto_message`
    # @param properties [Integer] the address of a `const mosquitto_property`, or 0
    def self.copy(client, pointer, properties)
      mid, topic, payload, length, qos, retain =
        pointer.get_bytes(0, Native::Received::BYTES).unpack(Native::Received::FORMAT)
      new(
        client, mid, FFI::Pointer.new(topic).read_string.force_encoding(Encoding::UTF_8),
        length.zero? ? String.new : FFI::Pointer.new(payload).read_bytes(length), qos, retain != 0,
        properties.zero? ? Properties::NONE : Properties.copy(properties)
      )
    end

    # @return [Boolean] whether the server had kept it and sends it because of a subscription
    def retain? = @retain

    # @return [String] the payload as UTF-8; {String#valid_encoding?} tells whether it is
    def text = @payload.dup.force_encoding(Encoding::UTF_8)

    # @return [String, nil] what the payload is, by the properties
    def content_type = @properties[:content_type]

    # @return [String, nil] where a response is wanted
    def response_topic = @properties[:response_topic]

    # @return [String, nil] what a response has to bring back
    def correlation_data = @properties[:correlation_data]

    # @return [Array<Array(String, String)>] names and values; a name may occur several times
    def user_properties = @properties[:user_properties] || []

    # @return [Array<Integer>] of the subscriptions by which it came
    def subscription_identifiers = Array(@properties[:subscription_identifier])

    # Acknowledges the message, of a client with `ack: :manual`. Any thread.
    # @param reason_code [Integer] 0, or with MQTT 5 one of 128 or more, which refuses it
    # @return [void]
    # @raise [Error] where it awaits none, because it has one or the session was lost
    def ack(reason_code = 0) = @client.ack(self, reason_code)

    # Publishes a response to this request; see {Client#respond}.
    # @return [void]
    def respond(payload, qos: 0, **properties) = @client.respond(self, payload, qos: qos, **properties)

    def to_s = text

    def inspect
      shown = @payload.bytesize > 40 ? "#{@payload.byteslice(0, 40).inspect}..." : @payload.inspect
      "#<#{self.class} #{@topic} #{shown} qos=#{@qos}#{' retain' if @retain}>"
    end
  end
end
