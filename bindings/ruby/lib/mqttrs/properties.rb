# frozen_string_literal: true

module Mqttrs
  # The properties of MQTT 5 (section 2.2.2), as hashes with symbols for their names:
  # `content_type`, `message_expiry_interval`, `user_properties` and so on. The names and types are
  # the library's own, with `_` for `-`.
  #
  # `user_properties` is a Hash or an Array of pairs where it is given, an Array of pairs where it
  # is received, since a name may occur several times. Of `subscription_identifier` a received
  # message may have several, which are then an Array. Texts are UTF-8, binary data (`correlation_data`,
  # `authentication_data`) is ASCII-8BIT. What is a yes or no is true or false.
  module Properties
    # @api private
    Kind = Struct.new(:identifier, :name, :type)

    NONE = {}.freeze
    USER = :user_properties
    # Bytes that say yes or no (MQTT 5.0 sections 3.1.2.11.6 and 3.2.2.3).
    FLAGS = %i[
      request_problem_information request_response_information retain_available wildcard_subscription_available
      subscription_identifier_available shared_subscription_available
    ].freeze
    NUMBERS = { true => 1, false => 0 }.freeze
    private_constant :FLAGS, :NUMBERS

    # The library tells what there is: a name, an identifier and a type for each property.
    KINDS = (1..127).filter_map do |identifier|
      text = Native.mosquitto_property_identifier_to_string(identifier)
      next unless text

      type = FFI::MemoryPointer.new(:int)
      Native.mosquitto_string_to_property_info(text, FFI::MemoryPointer.new(:int), type)
      type = %i[byte int16 int32 varint binary string string_pair][type.read_int - 1]
      Kind.new(identifier, type == :string_pair ? USER : text.tr("-", "_").to_sym, type).freeze
    end.freeze
    BY_NAME = KINDS.to_h { |kind| [kind.name, kind] }.freeze
    BY_IDENTIFIER = KINDS.to_h { |kind| [kind.identifier, kind] }.freeze
    private_constant :BY_NAME, :BY_IDENTIFIER

    class << self
      # @api private
      # Lends properties to C.
      # @param properties [Hash]
      # @yieldparam list [FFI::Pointer, nil] a `mosquitto_property *`, good until the block returns
      def lend(properties)
        return yield(nil) if properties.empty?

        list = FFI::MemoryPointer.new(:pointer)
        begin
          properties.each { |name, value| add(list, name, value) }
          yield list.read_pointer
        ensure
          Native.mosquitto_property_free_all(list)
        end
      end

      # @api private
      # As {lend}, but a list for which the block returns MOSQ_ERR_SUCCESS then belongs to C.
      def give(properties)
        list = FFI::MemoryPointer.new(:pointer)
        properties.each { |name, value| add(list, name, value) }
        code = yield list.read_pointer
        list.write_pointer(nil) if code.zero?
        code
      ensure
        Native.mosquitto_property_free_all(list)
      end

      # @api private
      # @param address [Integer] of a `const mosquitto_property`, 0 for none
      # @return [Hash] a frozen copy
      def copy(address)
        return NONE if address.zero?

        properties = {}
        until address.zero?
          kind = BY_IDENTIFIER[Native.mosquitto_property_identifier(address)]
          remember(properties, kind.name, value(kind, address)) if kind
          address = Native.mosquitto_property_next(address)
        end
        properties.freeze
      end

      private

      def add(list, name, value)
        kind = BY_NAME[name] or raise ArgumentError, "unknown keyword: #{name.inspect}"
        return if value.nil?
        return value.each { |key, text| add_value(list, kind, key.to_s, text.to_s) } if name == USER

        Array(value).each { |one| add_value(list, kind, one) }
      end

      def add_value(list, kind, *values)
        values.map! { |value| NUMBERS.fetch(value, value) }
        values.map! { |value| Text.utf8(value) } if %i[string string_pair].include?(kind.type)
        values << values[0].bytesize if kind.type == :binary
        code = Native.public_send("mosquitto_property_add_#{kind.type}", list, kind.identifier, *values)
        raise Error.for(code, "#{kind.name}: #{Native.mosquitto_strerror(code)}") unless code.zero?
      end

      def remember(properties, name, value)
        if name == USER
          (properties[name] ||= []) << value
        elsif properties.key?(name)
          properties[name] = [*properties[name], value].freeze
        else
          properties[name] = value
        end
      end

      def value(kind, address)
        case kind.type
        when :binary then bytes(address, :binary_value)
        when :string then text(address, :string_value)
        when :string_pair then [text(address, :string_name), text(address, :string_value)].freeze
        else
          number = Native.public_send("mosquitto_property_#{kind.type}_value", address)
          FLAGS.include?(kind.name) ? number == 1 : number
        end
      end

      def text(address, what) = bytes(address, what).force_encoding(Encoding::UTF_8)

      def bytes(address, what)
        length = Native.public_send("mosquitto_property_#{what}_length", address)
        length.zero? ? String.new : Native.public_send("mosquitto_property_#{what}", address).read_bytes(length)
      end
    end
  end
end
