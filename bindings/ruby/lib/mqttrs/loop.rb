# frozen_string_literal: true

require "io/wait"

module Mqttrs
  # What drives clients: it waits for the network, lets the library do its work, and runs
  # the handlers. Each client has one of its own, with a thread, unless it is given one that it
  # shares with others.
  #
  #     loop = Mqttrs::Loop.new
  #     a = Mqttrs::Client.new(loop: loop)
  #     b = Mqttrs::Client.new(loop: loop)
  #
  # It waits as `IO#wait_readable` does, so other threads run meanwhile, and with a Fiber scheduler
  # other fibers do.
  class Loop
    # How long it goes on without a pause while messages pour in, in seconds: as long as it had to wait for
    # its turn, so that it gets its share beside a thread that computes all the time.
    ROUND = 0.01..0.1
    private_constant :ROUND

    # @param thread [Boolean] whether it is run by a thread of its own; otherwise {#run} does it
    def initialize(thread: true)
      @native = Native.mqttrs_loop_new
      raise Error.for(Native::ERR_ERRNO, SystemCallError.new(FFI.errno).message) if @native.null?

      @waker = Native.mosquitto_new(nil, true, 0)
      @io = IO.for_fd(Native.mqttrs_loop_socket(@native), autoclose: false)
      @pid = Process.pid
      @threaded = thread
      @turn = Mutex.new     # held while C runs; and by who destroys something that C may be using
      @waiting = Mutex.new  # for the condition variables of who waits, and
      @sleepers = {}        # these, all of them
      @start = Mutex.new
      @fresh = []           # what C's callbacks have noted
      @pending = []         # what handlers are still to be called for
      @stopping = @closed = @ended = false
      ObjectSpace.define_finalizer(self, self.class.destroyer(@native, @waker, @pid))
    end

    # @return [Boolean] whether it was closed
    def closed? = @closed

    # Runs the loop in this thread, or with a Fiber scheduler in this fiber, until {#stop}.
    # @return [void]
    # @raise [Error] where it runs already, or has a thread of its own
    def run
      usable
      raise Error, "the loop has a thread, which runs it" if @threaded
      raise Error, "the loop is running already" unless work
    end

    # Ends {#run}, and the thread, after the handler it is in. Any thread, any handler.
    # @return [void]
    def stop
      halt unless @closed || Process.pid != @pid
    end

    # Stops the loop and ends it; clients that are left have to be closed before.
    # @return [void]
    def close
      return if @closed || Process.pid != @pid

      @closed = true
      halt
      sort_out unless running?
      @turn.synchronize do
        @ended = true
        self.class.destroyer(@native, @waker, @pid).call
      end
      ObjectSpace.undefine_finalizer(self)
    end

    # @api private
    # Puts a client in, and makes sure that somebody runs the loop.
    def add(handle)
      usable
      code = Native.mqttrs_loop_add(@native, handle)
      raise Error.for(code) unless code.zero?

      yield
      ensure_thread
    end

    # @api private
    # Runs the block while C does not use any client of this loop, after taking one out.
    def remove(handle)
      @turn.synchronize do
        # Callbacks run in this: see #turn.
        Thread.handle_interrupt(Object => :never) do
          Native.mqttrs_loop_remove(@native, handle) unless @ended
          yield
        end
      end
      wake
    end

    # @api private
    # Notes what a callback was told: `receiver.deliver(what)` comes when C has returned.
    def note(receiver, what)
      @fresh.push(receiver, what)
    end

    # @api private
    # Waits until the block says true, which the loop's work brings about; it is asked again and
    # again, and should only look. In a handler the loop's work goes on meanwhile, except for
    # handlers: they run one at a time and in order.
    # @param owner [#waiters] whose news are waited for; see {#notify}
    # @return [Object, nil] what the block said, nil when the time is over
    def wait(owner, timeout)
      deadline = timeout && (now + timeout)
      until (result = yield)
        usable
        return nil if deadline && now >= deadline

        if inside?
          round(deadline) { yield } # handlers run one at a time: not inside this one
        elsif !@threaded && claim
          run_here(deadline) { yield }
        else
          ensure_thread if @threaded
          sleep_until(owner, deadline) { yield }
        end
      end
      result
    end

    # @api private
    # Wakes who waits for news of `owner`.
    def notify(owner)
      return unless owner.waiters

      @waiting.synchronize { owner.waiters&.each_key(&:broadcast) }
    end

    # @api private
    # Notes something outside of callbacks.
    def post(receiver, what)
      note(receiver, what)
      wake
    end

    # @api private
    # Has who runs the loop look after what there is to do: that a client was added makes the
    # descriptor readable.
    def wake
      @turn.synchronize do
        next if @ended

        Native.mqttrs_loop_remove(@native, @waker)
        Native.mqttrs_loop_add(@native, @waker)
      end
    end

    # @api private
    # Whether this is a handler, or what runs one.
    def inside?
      @runner == Thread.current && (@runner_fiber.nil? || @runner_fiber == Fiber.current)
    end

    # @api private
    def self.destroyer(native, waker, pid)
      proc do
        if Process.pid == pid
          Native.mqttrs_loop_destroy(native)
          Native.mosquitto_destroy(waker)
        end
      end
    end

    private

    # The time that this thread has worked, whatever else the machine has to do.
    def work_done = Process.clock_gettime(Process::CLOCK_THREAD_CPUTIME_ID)

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def usable
      raise ClosedError, "the loop is closed" if @closed
      raise ForkError, "the loop was made before fork, by another process" if Process.pid != @pid
    end

    def ensure_thread
      return if !@threaded || @thread&.alive?

      @start.synchronize do
        next if @thread&.alive? || @closed

        @stopping = false
        @thread = Thread.new { work }
        @thread.name = "mqttrs"
      end
    end

    # @return [Boolean] false where somebody else runs the loop
    def work
      return false unless claim

      begin
        drive { @stopping || @closed }
      ensure
        release
      end
      true
    end

    # Becomes who runs the loop, if nobody does.
    def claim
      @start.synchronize do
        next false if @runner&.alive?

        # With a scheduler several fibers share the thread, and one of them runs the loop.
        @runner_fiber = Fiber.scheduler ? Fiber.current : nil
        @runner = Thread.current
        true
      end
    end

    def release
      return unless inside?

      sort_out
      @runner = @runner_fiber = nil
      @stopping = false
      # Somebody may wait for what now nobody brings about.
      @waiting.synchronize { @sleepers.each_key(&:broadcast) }
    end

    def run_here(deadline)
      drive(deadline) { @stopping || yield }
    ensure
      release
    end

    def drive(deadline = nil)
      until yield
        break if deadline && now >= deadline

        round(deadline) do
          dispatch
          yield
        end
      end
    end

    # Waits for something to do and does it. The block runs handlers, where that is allowed, and says
    # whether that is enough.
    def round(deadline)
      start = now
      await(deadline)
      latest = work_done + (now - start).clamp(ROUND)
      loop do
        turn
        break if @fresh.empty?

        sort_out
        break if yield || work_done > latest
      end
    end

    def await(deadline)
      milliseconds = Native.mqttrs_loop_timeout(@native)
      seconds = milliseconds.negative? ? nil : milliseconds / 1000.0
      if deadline
        left = [deadline - now, 0].max
        seconds = left if seconds.nil? || left < seconds
      end
      @io.wait_readable(seconds)
    end

    def turn
      @turn.synchronize do
        next if @closed

        # A thread that is killed in a callback would leap over the frames of C below it.
        Thread.handle_interrupt(Object => :never) { Native.mqttrs_loop_run_once(@native, 0) }
      end
    end

    # What concerns those who wait is done at once, also while a handler waits; the rest is for
    # handlers, in order. Only who runs the loop takes from the front.
    def sort_out
      until @fresh.empty?
        receiver = @fresh.shift
        what = @fresh.shift
        @pending.push(receiver, what) if receiver.take(what)
      end
    end

    def dispatch
      until @pending.empty?
        receiver = @pending.shift
        what = @pending.shift
        receiver.deliver(what)
      end
    end

    def halt
      return unless running?

      @stopping = true
      wake
      wait_for_end unless inside?
    end

    def wait_for_end
      return @thread.join if @threaded

      @waiting.synchronize { sleep_on(ConditionVariable.new, nil) while running? }
    end

    def sleep_until(owner, deadline)
      variable = ConditionVariable.new
      @waiting.synchronize do
        (owner.waiters ||= {})[variable] = true
        left = deadline && (deadline - now)
        sleep_on(variable, left) unless yield || (left && left <= 0) || !running?
      ensure
        owner.waiters.delete(variable)
        owner.waiters = nil if owner.waiters.empty?
      end
    end

    def sleep_on(variable, seconds)
      @sleepers[variable] = true
      variable.wait(@waiting, seconds)
    ensure
      @sleepers.delete(variable)
    end

    def running? = @threaded ? @thread&.alive? : @runner&.alive?
  end
end
