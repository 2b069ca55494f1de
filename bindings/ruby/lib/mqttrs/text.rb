# frozen_string_literal: true

module Mqttrs
  # @api private
  # Ruby's values as bytes for C.
  module Text
    class << self
      # @return [String] in UTF-8, without a NUL, as C and MQTT (1.5.4) want it
      # @raise [InvalidError] where that is impossible
      def utf8(value)
        string = value.is_a?(Symbol) ? value.name : value
        raise TypeError, "#{value.inspect} is no String" unless string.is_a?(String)

        unless string.encoding == Encoding::UTF_8 || string.encoding == Encoding::BINARY || string.ascii_only?
          string = string.encode(Encoding::UTF_8)
        end
        raise InvalidError.new("a NUL in #{string.inspect}", code: Native::ERR_INVAL) if string.include?("\0")

        string
      rescue EncodingError => e
        raise InvalidError.new(e.message, code: Native::ERR_INVAL)
      end

      # @return [String, nil] a text that C lent, as UTF-8
      def lent(string) = string&.dup&.force_encoding(Encoding::UTF_8)

      # @param value [String, Symbol, Numeric, nil] a payload; of the others their text
      # @return [String] whose bytes are meant
      def payload(value)
        case value
        when String then value
        when nil then ""
        when Symbol, Numeric then value.to_s
        else raise TypeError, "a payload is a String, not #{value.class}"
        end
      end
    end
  end
end
