# frozen_string_literal: true

module Mqttrs
  class Client
    # Requests and their responses (MQTT 5.0 section 4.10), and by topics alone below MQTT 5.
    module Requests
      # Publishes a request and waits for its response.
      # @param timeout [Numeric] the longest wait in seconds
      # @param options [Hash] as for {Publishing#publish}
      # @return [Message] the response
      # @raise [TimeoutError] when the time is over
      # @raise [RequestError] when there cannot be a response
      def request(topic, payload = nil, timeout: 10, **options)
        request_async(topic, payload, timeout: timeout, **options).wait
      end

      # Publishes a request and does not wait.
      # @param timeout [Numeric] how many seconds the response may take
      # @return [Future] to wait for the response
      def request_async(topic, payload = nil, timeout: 10, qos: 0, retain: false, **properties)
        need_loop
        topic = Text.utf8(topic)
        payload = Text.payload(payload)
        future = Future.new(self)
        number = Callbacks.number
        Callbacks::REQUESTS[number] = future
        code = Properties.lend(properties) do |list|
          message = Envelope.new.fill(topic, payload, qos, retain, list)
          Native.mqttrs_request(handle, message, milliseconds(timeout), Callbacks::ON_RESPONSE, number)
        end
        return future if code.zero?

        Callbacks::REQUESTS.delete(number)
        raise failure(code)
      end

      # Answers requests to a topic: subscribes to it, now and on every connection to come, and has
      # the block called with each request. What the block returns is the response, nil is for none;
      # {Message#respond} answers in other ways, and later.
      # @param topic [String] a topic filter; with `$share/NAME/` clients of one NAME share the requests
      # @param qos [Integer] of requests and responses
      # @yieldparam request [Message]
      # @return [self]
      def serve(topic, qos: 0, &handler)
        raise ArgumentError, "a block is missing" unless handler

        topic = Text.utf8(topic)
        @lock.synchronize do
          handle
          service = Service.new(self, topic, qos)
          service.add_handler(handler)
          old = @services[topic]
          @services[topic] = service
          install_service(service) if registered?
          Callbacks::ROUTES.delete(old.number) if old
        end
        self
      end

      # Answers no requests to this topic any more.
      # @return [self]
      def unserve(topic)
        @lock.synchronize do
          service = @services.delete(topic) or next
          check(Native.mqttrs_serve(handle, topic, 0, nil, 0)) if registered?
          Callbacks::ROUTES.delete(service.number)
        end
        self
      end

      # Publishes the response to a request, in the way in which the request came.
      # @param request [Message]
      # @param payload [String, Symbol, Numeric, nil]
      # @param properties [Hash] MQTT 5's of the response
      # @return [void]
      # @raise [InvalidError] for a message that asks for no response
      def respond(request, payload = nil, qos: 0, **properties)
        payload = Text.payload(payload)
        topic = FFI::MemoryPointer.from_string(request.topic)
        message = Native::Received.new
        message[:mid] = request.mid
        message[:topic] = topic
        check(Properties.lend(request.properties) do |of_request|
          Properties.lend(properties) do |list|
            Native.mqttrs_respond(handle, message, of_request, payload, payload.bytesize, qos, list)
          end
        end)
      end

      # @api private
      def wants_response?(request)
        !request.response_topic.nil? || request.topic.match?(%r{/request/[^/]+/\h{16}\z})
      end

      private

      def install_service(service)
        Callbacks::ROUTES[service.number] = service
        check(Native.mqttrs_serve(handle, service.filter, service.qos, Callbacks::ON_MESSAGE, service.number))
      end
    end
  end

  # A response that will come, or not.
  class Future
    # @api private
    attr_reader :client
    # @api private
    attr_accessor :waiters

    # @api private
    def initialize(client)
      @client = client
      @code = nil
      @response = nil
      @waiters = nil
    end

    # @return [Boolean] whether the response has come or will not come any more
    def done? = !@code.nil?

    # Waits for the response, as long as the request said.
    # @return [Message]
    # @raise [TimeoutError] when the time is over
    # @raise [RequestError] when there cannot be a response
    def wait
      @client.wait(self, nil) { @code }
      case @code
      when 0 then @response
      when 27 then raise TimeoutError.new("no response in time", code: @code)
      when 4 then raise ClosedError, "the client was closed"
      else raise RequestError.new("no response: #{Native.mosquitto_strerror(@code)}", code: @code)
      end
    end

    # @api private
    def settle(code, response)
      @response = response
      @code = code
      @client.acknowledgements.expect(response) if response
      @client.loop.note(self, response)
    end

    # @api private
    def take(response)
      @client.acknowledgements.finish(response) if response
      @client.loop.notify(self)
      false
    end

    def inspect = "#<#{self.class} #{done? ? 'done' : 'on its way'}>"
  end
end
