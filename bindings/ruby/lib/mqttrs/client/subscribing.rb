# frozen_string_literal: true

module Mqttrs
  class Client
    # Messages that come: subscriptions, handlers and streams.
    module Subscribing
      RETAINED = { send: 0, new: 16, never: 32 }.freeze
      private_constant :RETAINED
      # So slow that nothing comes, in messages a second; see {#hold_receiving}.
      HELD = 1e-9
      private_constant :HELD

      # Subscribes to topic filters and waits for the server's answer.
      # @param filters [Array<String, Array(String, Integer)>] each alone, or with a QoS of its own
      # @param qos [Integer] the highest QoS in which messages shall come
      # @param no_local [Boolean] MQTT 5: not what this client publishes
      # @param retain_as_published [Boolean] MQTT 5: {Message#retain?} is as it was published
      # @param retained [Symbol] MQTT 5: whether what the server has kept comes: `:send`, `:new` (for a
      #   subscription that is new) or `:never`
      # @param timeout [Numeric, nil] the longest wait in seconds
      # @param properties [Hash] MQTT 5's of SUBSCRIBE: `subscription_identifier: 7`
      # @yieldparam message [Message] a handler for what matches the filters; see {#on}
      # @return [Integer, Array<Integer>] the QoS that the server grants, of one filter or of each
      # @raise [SubscribeError] when it refuses one of them
      # @raise [TimeoutError] when it does not answer in time
      def subscribe(*filters, qos: 0, no_local: false, retain_as_published: false, retained: :send, timeout: 30,
                    **properties, &handler)
        options = choose(RETAINED, retained, "retained") | (no_local ? 4 : 0) | (retain_as_published ? 8 : 0)
        pairs = filters.map { |filter, own| [Text.utf8(filter), own || qos] }
        pairs.each { |filter,| on(filter, &handler) } if handler
        token = Properties.lend(properties) do |list|
          ask { |number| native_subscribe(pairs, options, list, number) }
        end
        granted = answer(token, timeout, pairs.map(&:first)).reason_codes
        filters.size == 1 ? granted.first : granted
      end

      # Ends subscriptions and waits for the server's answer. Handlers stay; see {#off}.
      # @param filters [Array<String>] as they were subscribed to
      # @param timeout [Numeric, nil] the longest wait in seconds
      # @param properties [Hash] MQTT 5's of UNSUBSCRIBE
      # @return [void]
      # @raise [SubscribeError] when the server refuses
      def unsubscribe(*filters, timeout: 30, **properties)
        filters = filters.map { |filter| Text.utf8(filter) }
        token = Properties.lend(properties) do |list|
          ask { |number| native_unsubscribe(filters, list, number) }
        end
        answer(token, timeout, filters)
        nil
      end

      # Has a block called with each message that matches a topic filter. This subscribes to nothing.
      # Several blocks of a filter, and several filters that match, all get it; `$share/NAME/FILTER`
      # stands for what FILTER matches.
      # @yieldparam message [Message]
      # @return [self]
      def on(filter, &handler)
        raise ArgumentError, "a block is missing" unless handler

        route(filter) { |route| route.add_handler(handler) }
        self
      end

      # Takes the handlers of a filter away.
      # @return [self]
      def off(filter)
        @lock.synchronize do
          route = @routes[filter]
          route&.remove_handlers
          drop_route(route) if route&.empty?
        end
        self
      end

      # Has a block called with each message that matches no filter of {#on} and {#messages}.
      # @yieldparam message [Message]
      # @return [self]
      def on_message(&handler)
        raise ArgumentError, "a block is missing" unless handler

        @default_route.add_handler(handler)
        self
      end

      # Messages one after the other. This subscribes to nothing.
      # @param filter [String, nil] those that match it; nil for those that match no filter of {#on} and
      #   `messages`. Of the latter, the last 1000 before the first call are there too.
      # @param limit [Integer, nil] with so many waiting to be read, the client receives no more; this
      #   holds back acknowledgements as well, since they come in the same row. nil for no limit.
      # @return [Messages] a stream of its own with each call
      def messages(filter = nil, limit: 10_000)
        handle
        stream = nil
        if filter
          route(filter) { |route| route.add_stream(stream = Messages.new(self, route, limit)) }
        else
          @default_route.add_stream(stream = Messages.new(self, @default_route, limit))
        end
        stream
      end

      # Limits how fast messages are received; without a rate the limit is taken away.
      # @param limits [Hash] as for {#throttle}; `excess:` `:wait` holds the server back, `:drop` drops QoS 0
      # @return [void]
      def receive_throttle(**limits)
        @lock.synchronize do
          @receive_throttle = throttle_options(**limits)
          check(Native.mqttrs_receive_throttle_set(handle, @receive_throttle)) if @holders.empty?
        end
      end

      # Acknowledges a message, of a client with `ack: :manual`; see {Message#ack}.
      def ack(message, reason_code = 0) = check(Native.mqttrs_ack(handle, message.mid, reason_code))

      # @api private
      def try_ack(message, reason_code)
        handle = @handle
        Native.mqttrs_ack(handle, message.mid, reason_code) if handle
      end

      # @api private
      # A stream is full: receive nothing until it is read.
      def hold_receiving(stream)
        @lock.synchronize do
          @holders[stream] = true
          limit_receiving(Native::Throttle.new(messages_per_second: HELD)) if @holders.size == 1
        end
      end

      # @api private
      def release_receiving(stream)
        @lock.synchronize do
          limit_receiving(@receive_throttle) if @holders.delete(stream) && @holders.empty?
        end
      end

      # @api private
      def drop_stream(route, stream)
        @lock.synchronize do
          route.remove_stream(stream)
          drop_route(route) if route.filter && route.empty?
        end
      end

      private

      def initialize_subscribing
        @routes = {}
        @services = {}
        @default_route = DefaultRoute.new(self)
        @holders = {}.compare_by_identity
        @receive_throttle = nil
      end

      def limit_receiving(throttle)
        handle = @handle
        Native.mqttrs_receive_throttle_set(handle, throttle) if handle
      end

      def route(filter)
        filter = Text.utf8(filter)
        @lock.synchronize do
          handle
          route = @routes[filter] || new_route(filter)
          yield route
        end
      end

      def new_route(filter)
        unless Native.mosquitto_sub_topic_check(filter).zero?
          raise InvalidError.new("no topic filter: #{filter.inspect}", code: Native::ERR_INVAL)
        end

        route = @routes[filter.dup.freeze] = Route.new(self, filter)
        install(route) if registered?
        route
      end

      def install(route)
        Callbacks::ROUTES[route.number] = route
        check(Native.mqttrs_message_callback_add(handle, route.filter, Callbacks::ON_MESSAGE, route.number))
      end

      def install_routes
        @routes.each_value { |route| install(route) }
        @services.each_value { |service| install_service(service) }
        Callbacks::ROUTES[@default_route.number] = @default_route
        Native.mosquitto_user_data_set(handle, @default_route.number)
        Native.mosquitto_message_v5_callback_set(handle, Callbacks::ON_MESSAGE)
      end

      # C may be about to call it: then it finds nothing under its number.
      def drop_route(route)
        @routes.delete(route.filter)
        Callbacks::ROUTES.delete(route.number)
        handle = @handle
        Native.mqttrs_message_callback_remove(handle, route.filter) if handle && registered?
      end

      def forget_routes
        [*@routes.values, *@services.values, @default_route].each do |route|
          Callbacks::ROUTES.delete(route.number)
          route.close
        end
      end

      # A request that is answered, by a token.
      def ask
        need_loop
        number = Callbacks.number
        token = @tokens[number] = Token.new(self)
        code = yield number
        return token if code.zero?

        @tokens.delete(number)
        raise failure(code)
      end

      def answer(token, timeout, filters)
        token.wait(timeout: timeout)
      rescue PublishError => e
        raise ClosedError, "the client was closed" if @closing
        raise NotConnectedError.new("the connection ended before the answer", code: 4) unless e.reason_code >= 128

        raise SubscribeError.new(
          e.message, granted: filters.zip(e.outcome.reason_codes).to_h, reason_code: e.reason_code
        )
      end

      def native_subscribe(pairs, options, list, number)
        texts = pairs.map { |filter,| FFI::MemoryPointer.from_string(filter) }
        size = Native::Subscription.size
        array = FFI::MemoryPointer.new(size, [pairs.size, 1].max)
        pairs.each_with_index do |(_, qos), index|
          entry = Native::Subscription.new(array + (index * size))
          entry[:size] = size
          entry[:filter] = texts[index]
          entry[:qos] = qos
          entry[:options] = options
        end
        Native.mqttrs_subscribe(handle, nil, array, pairs.size, list, Callbacks::ON_ANSWER, number, nil)
      end

      def native_unsubscribe(filters, list, number)
        texts = filters.map { |filter| FFI::MemoryPointer.from_string(filter) }
        array = FFI::MemoryPointer.new(:pointer, [filters.size, 1].max).write_array_of_pointer(texts)
        Native.mqttrs_unsubscribe(handle, nil, array, filters.size, list, Callbacks::ON_ANSWER, number, nil)
      end
    end
  end
end
