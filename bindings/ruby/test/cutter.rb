# frozen_string_literal: true

require "socket"

# A relay to a broker that cuts all its connections when it is told to.
class Cutter
  attr_reader :port

  def initialize(target)
    @target = target
    @server = TCPServer.new("127.0.0.1", 0)
    @port = @server.addr[1]
    @peers = {}.compare_by_identity
    @cuts = Queue.new
    @wake_reader, @wake_writer = IO.pipe
    @thread = Thread.new { relay }
  end

  # Returns when all connections of this moment are gone.
  def cut
    done = Queue.new
    @cuts << done
    @wake_writer.write(".")
    done.pop
  end

  def stop
    @thread.kill.join
    [@server, @wake_reader, @wake_writer, *@peers.keys].each(&:close)
  end

  private

  def relay
    loop do
      ready, = IO.select([@server, @wake_reader, *@peers.keys])
      ready.each do |io|
        case io
        when @server then accept
        when @wake_reader then cut_all
        else pass_on(io) if @peers.key?(io)
        end
      end
    end
  end

  def accept
    client = @server.accept
    broker = TCPSocket.new("127.0.0.1", @target)
    @peers[client] = broker
    @peers[broker] = client
  end

  def pass_on(from)
    @peers[from].write(from.readpartial(65_536))
  rescue SystemCallError, EOFError
    other = @peers.delete(from)
    @peers.delete(other)
    [from, other].each(&:close)
  end

  def cut_all
    @wake_reader.readpartial(1)
    @peers.each_key(&:close)
    @peers.clear
    @cuts.pop << true
  end
end
