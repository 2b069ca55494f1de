# frozen_string_literal: true

require "fiber"
require "io/wait"

# A Fiber scheduler with what the tests need: it waits for descriptors, for times and for
# other fibers and threads.
class Scheduler
  def initialize
    @readable = {}
    @writable = {}
    @times = {}
    @blocked = {}.compare_by_identity
    @ready = []
    @lock = Thread::Mutex.new
    @urgent = IO.pipe
    @closed = false
  end

  def run
    turn until idle?
  end

  def close
    return if @closed

    run
  ensure
    @closed = true
    @urgent.each(&:close) if @urgent && !@urgent[0].closed?
    freeze
  end

  def fiber(&block)
    fiber = Fiber.new(blocking: false, &block)
    fiber.resume
    fiber
  end

  def io_wait(io, events, timeout)
    fiber = Fiber.current
    @readable[io] = fiber if events & IO::READABLE != 0
    @writable[io] = fiber if events & IO::WRITABLE != 0
    @times[fiber] = now + timeout if timeout
    Fiber.yield
    ready = @ready_events&.delete(fiber)
    ready || false
  ensure
    @readable.delete(io)
    @writable.delete(io)
    @times.delete(fiber)
  end

  def kernel_sleep(duration = nil)
    block(:sleep, duration)
    true
  end

  def block(_blocker, timeout = nil)
    fiber = Fiber.current
    @blocked[fiber] = true
    @times[fiber] = now + timeout if timeout
    Fiber.yield
  ensure
    @blocked.delete(fiber)
    @times.delete(fiber)
  end

  # Comes from any thread.
  def unblock(_blocker, fiber)
    @lock.synchronize { @ready << fiber }
    @urgent[1].write_nonblock(".", exception: false)
  end

  def process_wait(pid, flags) = Thread.new { Process::Status.wait(pid, flags) }.value

  private

  def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

  def idle? = @readable.empty? && @writable.empty? && @times.empty? && @blocked.empty? && @ready.empty?

  def turn
    earliest = @times.values.min
    timeout = @ready.empty? ? (earliest && [earliest - now, 0].max) : 0
    readable, writable, = IO.select([*@readable.keys, @urgent[0]], @writable.keys, nil, timeout)
    @urgent[0].read_nonblock(1024, exception: false) if readable&.include?(@urgent[0])
    wake_ready
    wake_for_io(readable, writable)
    @times.select { |_, time| time <= now }.each_key { |fiber| resume(fiber) }
  end

  def wake_ready
    ready = @lock.synchronize { @ready.slice!(0..) }
    ready.each { |fiber| resume(fiber) if @blocked.key?(fiber) }
  end

  def wake_for_io(readable, writable)
    events = Hash.new(0)
    readable&.each { |io| events[@readable[io]] |= IO::READABLE if @readable[io] }
    writable&.each { |io| events[@writable[io]] |= IO::WRITABLE if @writable[io] }
    events.each do |fiber, ready|
      (@ready_events ||= {})[fiber] = ready
      resume(fiber)
    end
  end

  def resume(fiber)
    @times.delete(fiber)
    fiber.resume if fiber.alive?
  end
end
