# frozen_string_literal: true

module Mqttrs
  module Native
    # @api private
    # A structure of mqttrs.h that begins with its size.
    class Sized < FFI::Struct
      # @param values [Hash] members to set; nil leaves one zero
      def initialize(pointer = nil, **values)
        super(*pointer)
        return if pointer

        self[:size] = self.class.size
        values.each { |name, value| self[name] = value unless value.nil? }
      end
    end

    class ReconnectOptions < Sized
      layout :size, :size_t, :delay_min, :uint, :delay_max, :uint, :doubling, :bool, :jitter, :bool, :off, :bool,
             :follow_references, :bool, :stable, :uint, :attempts, :uint
    end

    class Server < FFI::Struct
      layout :size, :size_t, :host, :pointer, :port, :int, :priority, :int
    end

    class QueueOptions < Sized
      layout :size, :size_t, :max_messages, :size_t, :max_bytes, :size_t, :overflow, :int, :wait_ms, :uint,
             :queue_qos0, :bool
    end

    class Throttle < Sized
      layout :size, :size_t, :messages_per_second, :double, :bytes_per_second, :double, :burst_messages, :uint,
             :burst_bytes, :size_t, :excess, :int
    end

    class StoreOptions < Sized
      layout :size, :size_t, :durability, :int, :sync_interval, :uint, :maximum_bytes, :uint64
    end

    class LifecycleEvent < FFI::Struct
      layout :size, :size_t, :state, :int, :cause, :int, :error, :string, :host, :string, :port, :int, :attempt, :uint,
             :delay, :uint
    end

    class LogField < FFI::Struct
      layout :key, :string, :value, :string
    end

    class LogRecord < FFI::Struct
      layout :size, :size_t, :level, :int, :client_id, :string, :event, :string, :fields, :pointer, :field_count,
             :size_t, :text, :string
    end

    class Message < FFI::Struct
      layout :size, :size_t, :topic, :pointer, :payload, :pointer, :payloadlen, :size_t, :qos, :int, :retain, :bool,
             :properties, :pointer
    end

    class Subscription < FFI::Struct
      layout :size, :size_t, :filter, :pointer, :qos, :int, :options, :int
    end

    class Result < FFI::Struct
      layout :size, :size_t, :mid, :int, :outcome, :int, :reason_code, :int, :reason_code_count, :int, :reason_codes,
             :pointer, :properties, :ulong
    end

    # `struct mosquitto_message`
    class Received < FFI::Struct
      layout :mid, :int, :topic, :pointer, :payload, :pointer, :payloadlen, :int, :qos, :int, :retain, :bool

      # For String#unpack: all members at once, which is faster than one at a time.
      FORMAT = "lx4QQllC"
      BYTES = offset_of(:retain) + 1
    end

    class Stats < Sized
      COUNTERS = %i[
        packets_sent packets_received bytes_sent bytes_received connect_attempts connections reconnects disconnects
        queued_messages queued_bytes in_flight dropped_expired dropped_qos dropped_size dropped_overflow
        dropped_connection round_trips round_trip_last round_trip_minimum round_trip_smoothed
      ].freeze

      layout :size, :size_t, :messages_sent, [:uint64, 3], :message_bytes_sent, [:uint64, 3], :messages_received,
             [:uint64, 3], :message_bytes_received, [:uint64, 3], *COUNTERS.flat_map { |name| [name, :uint64] },
             :last_disconnect, :int, :received_dropped, :uint64
    end
  end
end
