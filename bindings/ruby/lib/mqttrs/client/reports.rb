# frozen_string_literal: true

module Mqttrs
  class Client
    # What a client tells about itself.
    module Reports
      # @return [Logger, nil] where the library's log, and what handlers raise, goes
      attr_reader :logger

      # Has a block called with what a handler raised. Without one it is logged, or without a logger
      # written to the standard error output. The connection goes on in any case.
      # @yieldparam exception [Exception]
      # @yieldparam context [Message, Struct] what the handler was called with
      # @return [self]
      def on_error(&handler)
        @on_error = handler
        self
      end

      # Has a block called with each thing that the library logs; see also the setting `logger`.
      # @yieldparam record [LogRecord]
      # @return [self]
      def on_log(&handler)
        hook(@on_log, handler)
        install_log if registered?
        self
      end

      # @return [Stats] the numbers of the client since it was made
      def stats
        stats = Native::Stats.new
        check(Native.mqttrs_stats(handle, stats))
        Stats.copy(stats)
      end

      # @return [String, nil] in words what went wrong last
      def last_error
        buffer = FFI::MemoryPointer.new(:char, 1024)
        length = Native.mqttrs_last_error(handle, buffer, buffer.size)
        length.zero? ? nil : buffer.read_string.force_encoding(Encoding::UTF_8).scrub
      end

      # @api private
      def report(exception, context)
        if @on_error
          @on_error.call(exception, context)
        else
          complain(exception, context)
        end
      rescue *CONTAINED => e
        complain(e, context)
      end

      # @api private
      def note_log(record) = @loop.note(@on_log, record)

      private

      def initialize_reports(logger)
        @on_error = nil
        @on_log = Hook.new(self)
        @logger = logger
        @on_log.add(->(record) { logger.add(record.severity, record.text, "mqttrs") }) if logger
      end

      def hook(hook, handler)
        raise ArgumentError, "a block is missing" unless handler

        hook.add(handler)
        self
      end

      def install_log
        return if @on_log.empty?

        check(Native.mqttrs_log_callback_set(handle, Callbacks::ON_LOG))
      end

      def complain(exception, context)
        text = "a handler for #{context.inspect} raised: #{exception.full_message(highlight: false)}"
        @logger ? @logger.error("mqttrs") { text } : warn(text)
      end
    end
  end
end
