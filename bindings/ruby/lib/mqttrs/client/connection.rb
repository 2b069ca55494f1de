# frozen_string_literal: true

module Mqttrs
  class Client
    # The connection: made, lost, made again, ended.
    module Connection
      # @return [Symbol] one of {Lifecycle::STATES}
      attr_reader :state
      # @return [Connack, nil] the server's last answer to CONNECT
      attr_reader :connack

      # Connects, and waits until the server has accepted the connection. From then on it is made
      # again whenever it is lost, as the setting `reconnect` says, until {#disconnect} or {#close}.
      # @param timeout [Numeric, nil] the longest wait in seconds; nil for no limit
      # @param retries [Boolean] whether further attempts follow on a first one that fails
      # @param wait [Boolean] false to return at once and go on in the background, with retries
      # @return [self]
      # @raise [ConnectError] when the attempt fails; no further one is made then
      # @raise [TimeoutError] when the time is over; no further attempt is made then
      def connect(timeout: 60, retries: false, wait: true)
        return self if connected?

        register
        @state = :connecting
        @failure = nil
        check(Properties.lend(@connect_properties) { |list| begin_to_connect(list) })
        wait_for_connection(timeout, retries) if wait
        self
      end

      # @return [Boolean] whether there is a connection
      def connected? = @state == :up

      # Waits until messages that are under way have come to their end, sends DISCONNECT, and
      # makes no further connection until {#connect}. Messages that are left stay.
      # @param timeout [Numeric] the longest wait in seconds
      # @param reason_code [Integer] with MQTT 5; 4 has the server send the last will
      # @param properties [Hash] MQTT 5's of DISCONNECT
      # @return [Boolean] whether every message had its outcome and DISCONNECT went out
      def disconnect(timeout: 5, reason_code: 0, **properties)
        deadline = now + timeout
        drained = connected? ? drain(timeout: timeout) : @tokens.empty?
        was_up = connected?
        code = Properties.lend(properties) do |list|
          Native.mosquitto_disconnect_v5(handle, reason_code, list)
        end
        check(code) unless code == Native::ERR_NO_CONN
        return drained && was_up if ended?(deadline - now)

        # The network takes nothing. The library drops the connection, unless this is a handler.
        Native.mqttrs_disconnect_timeout(handle, 1) unless @loop.inside?
        false
      end

      # Says that the network has changed: an attempt that was to come later is made at once.
      # @param patience [Numeric] how many seconds the server of a connection that stands has to answer;
      #   0 for no question
      # @return [void]
      # @raise [NotConnectedError] where nothing is to be brought forward
      def reconnect_now(patience: 0) = check(Native.mqttrs_reconnect_now(handle, milliseconds(patience)))

      # Has a block called whenever the server has accepted a connection.
      # @yieldparam connack [Connack]
      # @return [self]
      def on_connect(&handler) = hook(@on_connect, handler)

      # Has a block called whenever a connection has ended.
      # @yieldparam disconnect [Disconnect]
      # @return [self]
      def on_disconnect(&handler) = hook(@on_disconnect, handler)

      # Has a block called when the life of the connection goes on: attempts, failures, delays.
      # @yieldparam event [Lifecycle]
      # @return [self]
      def on_lifecycle(&handler) = hook(@on_lifecycle, handler)

      # @api private
      def note_connack(connack)
        @connack = connack
        @loop.note(@on_connect, connack) if connack.reason_code.zero?
      end

      # @api private
      def note_disconnect(disconnect) = @loop.note(@on_disconnect, disconnect)

      # @api private
      def note_lifecycle(event)
        @state = event.state
        @failure = event if failed?(event)
        @loop.note(self, event)
        @loop.note(@on_lifecycle, event)
      end

      # @api private
      # What the loop was told; see {Loop#note}. The handlers have their own.
      def take(_news)
        @loop.notify(self)
        false
      end

      private

      def initialize_connection
        @state = :idle
        @on_connect = Hook.new(self)
        @on_disconnect = Hook.new(self)
        @on_lifecycle = Hook.new(self)
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      def registered? = Callbacks::CLIENTS[@address].equal?(self)

      # For what an answer comes to: before the first connect there is nobody to bring it.
      def need_loop
        handle
        raise NotConnectedError.new("there is no connection", code: Native::ERR_NO_CONN) unless registered?
      end

      # From now on C may call back, so the client stays reachable.
      def register
        @lock.synchronize do
          next if registered?

          @loop.add(handle) { Callbacks::CLIENTS[@address] = self }
          Native.mosquitto_connect_v5_callback_set(handle, Callbacks::ON_CONNECT)
          Native.mosquitto_disconnect_v5_callback_set(handle, Callbacks::ON_DISCONNECT)
          Native.mqttrs_lifecycle_callback_set(handle, Callbacks::ON_LIFECYCLE)
          install_routes
          install_log
        end
      end

      # A list of servers has none with Unix sockets, and the function that has both these and properties
      # does not return before it has tried.
      def begin_to_connect(list)
        if @path.nil?
          Native.mqttrs_connect(handle, @keep_alive, list)
        elsif list.nil?
          Native.mosquitto_connect_bind_async(handle, @path, 0, @keep_alive, nil)
        else
          code = Native.mosquitto_connect_bind_v5(handle, @path, 0, @keep_alive, nil, list)
          return code if code.zero?

          error = ConnectError.new("#{@path}: #{last_error}", code: code)
          abandon
          raise error
        end
      end

      # Without a delay the next attempt follows at once, with the next server of the list.
      def failed?(event)
        event.state == :idle || event.state == :given_up || (event.state == :waiting && event.delay.positive?)
      end

      def wait_for_connection(timeout, retries)
        @loop.wait(self, timeout) { connected? || closed? || (@failure && !retries) || @state == :given_up }
        return if connected?

        raise ClosedError, "the client was closed" if @closing

        failure = @failure
        abandon
        if failure && !(retries && failure.state == :waiting)
          code = connack_code(failure)
          raise ConnectError.new(words_of(failure, code), code: failure.code, reason_code: code)
        end
        raise TimeoutError.new("no connection after #{timeout} s", code: 27)
      end

      # Makes no further attempt.
      def abandon
        Native.mosquitto_disconnect_v5(handle, 0, nil)
        ended?(5)
      end

      def connack_code(failure)
        code = @connack&.reason_code
        code if code&.nonzero? && failure.state != :idle
      end

      def words_of(failure, reason_code)
        words = failure.error || (failure.code.zero? ? "disconnected" : Native.mosquitto_strerror(failure.code))
        where = failure.port.zero? ? failure.host : "#{failure.host}:#{failure.port}"
        words = "#{words} (#{Native.mosquitto_reason_string(reason_code)})" if reason_code && reason_code >= 128
        "#{where}: #{words}"
      end

      # Whether the connection, and attempts to get one, come to their end in time.
      def ended?(seconds)
        @loop.wait(self, [seconds, 0].max) { closed? || @state == :idle || @state == :given_up }
      end
    end

    # @api private
    # Handlers for one kind of event.
    class Hook
      def initialize(client)
        @client = client
        @handlers = []
      end

      def add(handler) = @handlers += [handler]

      def empty? = @handlers.empty?

      def take(_event) = !@handlers.empty?

      def deliver(event)
        @handlers.each do |handler|
          handler.call(event)
        rescue *CONTAINED => e
          @client.report(e, event)
        end
      end
    end
  end
end
