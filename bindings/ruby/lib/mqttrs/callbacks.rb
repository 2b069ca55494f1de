# frozen_string_literal: true

module Mqttrs
  # @api private
  # The functions that C calls. They are made once and last as long as the process, so C never
  # holds one that the garbage collector has taken. They find their objects by numbers in the
  # tables below, copy what C lends them, and note it for the loop: nothing of the program runs
  # below a frame of C, where a `throw`, a killed thread or a switch of fibers would do harm.
  module Callbacks
    # By the address of a client: those that are connected, or try to be.
    CLIENTS = {}
    # By number: what takes messages; see {Route}.
    ROUTES = {}
    # By number: requests that have no response yet.
    REQUESTS = {}

    ON_MESSAGE = FFI::Function.new(:void, %i[ulong ulong pointer ulong]) do |_, number, message, properties|
      route = ROUTES[number]
      route&.note(Message.copy(route.client, message, properties))
    end

    ON_DONE = FFI::Function.new(:void, %i[ulong ulong pointer]) do |address, number, result|
      client = CLIENTS[address]
      client&.finish(number, Outcome.of_message(result))
    end

    ON_ANSWER = FFI::Function.new(:void, %i[ulong ulong pointer]) do |address, number, result|
      client = CLIENTS[address]
      client&.finish(number, Outcome.copy(result))
    end

    ON_RESPONSE = FFI::Function.new(:void, %i[ulong ulong int pointer ulong]) do |_, number, code, message, properties|
      future = REQUESTS.delete(number)
      future&.settle(code, code.zero? ? Message.copy(future.client, message, properties) : nil)
    end

    ON_CONNECT = FFI::Function.new(:void, %i[ulong ulong int int ulong]) do |address, _, code, flags, properties|
      CLIENTS[address]&.note_connack(Connack.new(code, flags & 1 == 1, Properties.copy(properties)).freeze)
    end

    ON_DISCONNECT = FFI::Function.new(:void, %i[ulong ulong int ulong]) do |address, _, code, properties|
      CLIENTS[address]&.note_disconnect(Disconnect.new(code, Properties.copy(properties)).freeze)
    end

    ON_LIFECYCLE = FFI::Function.new(:void, %i[ulong ulong pointer]) do |address, _, event|
      CLIENTS[address]&.note_lifecycle(Lifecycle.copy(event))
    end

    ON_LOG = FFI::Function.new(:void, %i[ulong ulong pointer]) do |address, _, record|
      CLIENTS[address]&.note_log(LogRecord.copy(record))
    end

    ON_PASSWORD = FFI::Function.new(:int, %i[pointer int int ulong]) do |buffer, size, _, address|
      password = CLIENTS[address]&.key_password.to_s
      next 0 if password.bytesize >= size

      buffer.put_bytes(0, "#{password}\0")
      password.bytesize
    end

    @numbers = 0
    @lock = Mutex.new

    # @return [Integer] one that was not there before
    def self.number = @lock.synchronize { @numbers += 1 }
  end
end
