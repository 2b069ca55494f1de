# frozen_string_literal: true

require "fileutils"
require "socket"
require "tmpdir"

# A Mosquitto of the tests' own, on a free port, which can be killed and started again.
class Broker
  attr_reader :port, :folder

  # @param lines [Array<String>] of its configuration, before the listener's
  # @param listener [Array<String>] of the listener
  def initialize(lines: [], listener: [])
    @folder = Dir.mktmpdir("mqttrs-ruby")
    @port = Broker.free_port
    @lines = lines
    @listener = listener
    start
  end

  # A port that was free a moment ago.
  def self.free_port
    server = TCPServer.new("127.0.0.1", 0)
    server.addr[1]
  ensure
    server&.close
  end

  def start
    configuration = File.join(@folder, "mosquitto.conf")
    attempts = 0
    begin
      File.write(configuration, [
        "persistence false", "max_queued_messages 0", "allow_anonymous true", *@lines, "listener #{@port} 127.0.0.1",
        *@listener
      ].join("\n"))
      @log = File.join(@folder, "log")
      @pid = Process.spawn(Broker.program, "-c", configuration, in: File::NULL, out: @log, err: @log)
      await
    rescue RuntimeError
      raise if (attempts += 1) == 5

      # Somebody else was faster to take the port.
      @port = Broker.free_port
      retry
    end
    self
  end

  # Ends it without a word to its clients.
  def kill
    return unless @pid

    Process.kill(:KILL, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  def restart
    kill
    start
  end

  # Takes it off the processor, so that nothing is answered, until {#resume}.
  def pause = Process.kill(:STOP, @pid)

  def resume = Process.kill(:CONT, @pid)

  def stop
    kill
    FileUtils.rm_rf(@folder)
  end

  def self.program
    ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find { |path| File.executable?(path) } || "mosquitto"
  end

  private

  # Until it listens, or is dead.
  def await
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 20
    loop do
      TCPSocket.new("127.0.0.1", @port).close
      break if Process.wait(@pid, Process::WNOHANG).nil?

      raise "the broker ended: #{File.read(@log)}"
    rescue SystemCallError
      raise "the broker ended: #{File.read(@log)}" if Process.wait(@pid, Process::WNOHANG)
      raise "the broker does not listen" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      Thread.pass
    end
  end
end
