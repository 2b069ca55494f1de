# frozen_string_literal: true

module Mqttrs
  # The server's answer to CONNECT: `reason_code` 0 for yes, whether it still had the session, and
  # MQTT 5's properties.
  Connack = Struct.new(:reason_code, :session_present, :properties) do
    # @return [Boolean] whether the server still had the session
    def session_present? = session_present
  end

  # The end of a connection: `code` is 0 where the program wanted it, otherwise a member of
  # `mosq_err_t` or MQTT 5's reason code, with the properties of the server's DISCONNECT.
  Disconnect = Struct.new(:code, :properties) do
    # @return [Boolean] whether the program wanted it
    def expected? = code.zero?

    # @return [String] the code in words
    def reason = code >= 128 ? Native.mosquitto_reason_string(code) : Native.mosquitto_strerror(code)
  end

  # Where the life of a connection stands: `state` is one of {Lifecycle::STATES}; `code` (a member of
  # `mosq_err_t`) and `error` (in words, or nil) say what went wrong before; `host` and `port` are of the
  # present or last attempt, which is number `attempt` in a row; in `:waiting`, the next one comes after
  # `delay` seconds.
  Lifecycle = Struct.new(:state, :code, :error, :host, :port, :attempt, :delay)

  class Lifecycle
    STATES = %i[idle connecting up waiting given_up].freeze

    # @api private
    def self.copy(pointer)
      event = Native::LifecycleEvent.new(pointer)
      new(
        STATES[event[:state]], event[:cause], Text.lent(event[:error]), Text.lent(event[:host]), event[:port],
        event[:attempt], event[:delay] / 1000.0
      ).freeze
    end
  end

  # Something that was logged: `severity` as in Logger, the name of what happened (`"publish.sent"`),
  # its `fields` as a Hash of texts, and the same in words (`text`).
  LogRecord = Struct.new(:severity, :event, :fields, :text)

  class LogRecord
    SEVERITIES = { 1 => 1, 2 => 1, 4 => 2, 8 => 3, 16 => 0 }.freeze
    private_constant :SEVERITIES

    # @api private
    def self.copy(pointer)
      record = Native::LogRecord.new(pointer)
      fields = Array.new(record[:field_count]) do |index|
        field = Native::LogField.new(record[:fields] + (index * Native::LogField.size))
        [Text.lent(field[:key]), Text.lent(field[:value])]
      end
      new(
        SEVERITIES.fetch(record[:level], 0), Text.lent(record[:event]), fields.to_h.freeze, Text.lent(record[:text])
      ).freeze
    end
  end

  # The numbers of a client since it was made; times are in microseconds. `messages_sent` and its kin
  # are Arrays, with a number for each QoS.
  Stats = Struct.new(
    :messages_sent, :message_bytes_sent, :messages_received, :message_bytes_received, *Native::Stats::COUNTERS,
    :last_disconnect, :received_dropped, keyword_init: true
  ) do
    # @api private
    def self.copy(stats)
      new(**members.to_h { |name| [name, stats[name].respond_to?(:to_a) ? stats[name].to_a : stats[name]] }).freeze
    end
  end
end
