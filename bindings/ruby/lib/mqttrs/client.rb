# frozen_string_literal: true

require_relative "client/settings"
require_relative "client/connection"
require_relative "client/publishing"
require_relative "client/subscribing"
require_relative "client/requests"
require_relative "client/reports"

module Mqttrs
  # An MQTT client.
  #
  #     client = Mqttrs::Client.new(host: "localhost")
  #     client.on("sensors/+/temperature") { |message| puts "#{message.topic}: #{message}" }
  #     client.connect
  #     client.subscribe("sensors/#", qos: 1)
  #     client.publish!("sensors/attic/temperature", "21.5", qos: 1)
  #     client.close
  #
  # Any method may be called from any thread, any fiber and any handler. Handlers run one at a time,
  # in the thread that runs the client's {Loop}; one that waits, for `publish!` or `subscribe` for
  # instance, holds up the other handlers, and nothing else. Times are in seconds.
  #
  # A client lives, with its connection and its thread, from {#connect} until {#close}, whether the
  # program still refers to it or not.
  class Client
    include Settings
    include Connection
    include Publishing
    include Subscribing
    include Requests
    include Reports

    # @return [Loop] what runs the client
    attr_reader :loop
    # @return [String, nil] the client identifier, where the program gave one
    attr_reader :client_id
    # @api private
    attr_reader :acknowledgements, :key_password
    # @api private
    attr_accessor :waiters

    # @param host [String] name or address of the server, or the path of a Unix socket
    # @param port [Integer, nil] by default 1883, with TLS 8883, with WebSocket 80, with both 443
    # @param loop [Loop, nil] one that is shared with other clients; by default the client has its own
    # @param client_id [String, nil] by default the server makes one up
    # @param clean [Boolean] whether the session ends with the connection; false needs a `client_id`
    # @param ack [Symbol] who acknowledges received messages of QoS 1 and 2: the library at once (`:automatic`), the
    #   library when all handlers and readers are done with one (`:after_handler`), or the program
    #   by {Message#ack} (`:manual`)
    # @param logger [Logger, nil] where the library's log, and what handlers raise, goes
    # @param settings [Hash] all else: see {Settings}
    # @raise [Error, ArgumentError] for settings that cannot be
    def initialize(host: "localhost", port: nil, loop: nil, client_id: nil, clean: true, ack: :automatic, logger: nil,
                   **settings)
      mode = Acknowledgements::MODES.fetch(ack) { raise ArgumentError, "no way to acknowledge: #{ack.inspect}" }
      @client_id = client_id
      @handle = Native.mosquitto_new(client_id && Text.utf8(client_id), clean, 0)
      raise InvalidError.new("no client with this client_id and clean session", code: 3) if @handle.null?

      @address = @handle.address
      @pid = Process.pid
      ObjectSpace.define_finalizer(self, self.class.destroyer(@handle, @pid))
      @own_loop = loop.nil?
      @loop = loop || Loop.new
      @acknowledgements = Acknowledgements.new(self, mode.zero? ? :automatic : ack)
      @lock = Mutex.new
      @closing = false
      initialize_parts(logger)
      apply(host: host, port: port, ack_mode: mode, clean: clean, **settings)
    end

    # @return [Boolean] whether it was closed
    def closed? = @handle.nil?

    # Disconnects, and ends the client: what waits for it gets a {ClosedError}, messages that are left
    # end with the outcome `:cleared`, and streams end. Once more does nothing.
    # @param timeout [Numeric] how long messages that are under way may take
    # @return [void]
    def close(timeout: 5)
      return if closed? || Process.pid != @pid

      @closing = true
      begin
        disconnect(timeout: timeout) if registered? && !@loop.closed?
      ensure
        destroy
      end
    end

    # @api private
    # Waits until the block says true; see {Loop#wait}.
    def wait(owner, timeout, &condition) = @loop.wait(owner, timeout, &condition)

    # @api private
    def self.destroyer(handle, pid)
      # A child of fork has no part in what its parent made.
      proc { Native.mosquitto_destroy(handle) if Process.pid == pid }
    end

    def inspect = "#<#{self.class} #{@client_id || '-'} #{closed? ? :closed : state}>"

    private

    def initialize_parts(logger)
      initialize_connection
      initialize_publishing
      initialize_subscribing
      initialize_reports(logger)
    end

    # The native client, for a call.
    def handle
      @handle || raise(ClosedError, "the client is closed")
    end

    # Raises what an error of the library stands for.
    def check(code)
      raise failure(code) unless code.zero?
    end

    def failure(code)
      raise ClosedError, "the client is closed" if closed?
      raise ForkError, "the client was made before fork, by another process" if Process.pid != @pid

      Error.for(code, last_error)
    end

    def destroy
      # Who is interrupted here would leave a client behind that nobody can close.
      Thread.handle_interrupt(Object => :never) do
        handle = @lock.synchronize do
          handle = @handle
          @handle = nil
          handle
        end
        return unless handle

        ObjectSpace.undefine_finalizer(self)
        @loop.remove(handle) { Native.mosquitto_destroy(handle) }
        forget
      end
      @loop.close if @own_loop
    end

    # Takes the client out of the tables, and wakes who waits for it.
    def forget
      # A new client may have the same address by now.
      Callbacks::CLIENTS.delete(@address) if Callbacks::CLIENTS[@address].equal?(self)
      forget_routes
      finish_all
      @loop.notify(self)
      @loop.wake
    end
  end
end
