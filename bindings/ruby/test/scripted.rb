# frozen_string_literal: true

require "socket"

# A server of a few lines, for answers that a Mosquitto does not give: the block gets each packet of a
# connection (its type, 1 to 14, and what follows the length) and returns the bytes to answer with,
# or nil for none. It may raise EOFError to end the connection.
class ScriptedServer
  CONNACK = "\x20\x03\x00\x00\x00".b

  attr_reader :port

  def initialize(&script)
    @server = TCPServer.new("127.0.0.1", 0)
    @port = @server.addr[1]
    @script = script
    @thread = Thread.new { serve }
  end

  def stop
    @thread.kill.join
    @server.close
  end

  private

  def serve
    loop do
      socket = @server.accept
      converse(socket)
    rescue SystemCallError, EOFError
      next
    ensure
      socket&.close
    end
  end

  def converse(socket)
    loop do
      type = socket.readbyte >> 4
      body = read(socket, length(socket))
      answer = @script.call(type, body)
      socket.write(answer) if answer
    end
  end

  def read(socket, bytes)
    return "" if bytes.zero?

    data = socket.read(bytes)
    raise EOFError if data.nil? || data.bytesize < bytes

    data
  end

  def length(socket)
    total = shift = 0
    loop do
      byte = socket.readbyte
      total |= (byte & 0x7F) << shift
      return total if byte < 0x80

      shift += 7
    end
  end
end
