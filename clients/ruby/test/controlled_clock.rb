# frozen_string_literal: true

# Time that stands still until it is told otherwise.
class ControlledClock
  START = Time.utc(2026, 1, 2, 3, 4, 5)
  Waiter = Struct.new(:thread, :alarm, :bell, :seen)

  def initialize
    @lock = Mutex.new
    @settled = ConditionVariable.new
    @now = 0.0
    @waiters = {}
  end

  def now
    @lock.synchronize { @now }
  end

  def time
    START + now
  end

  # Returns when whoever waits on this clock has done what it does at the new time, and waits again.
  def advance(seconds)
    @lock.synchronize do
      @now += seconds
      @waiters.each_value { |waiter| waiter.bell.write("!") }
      @settled.wait(@lock, 0.1) until @waiters.each_value.all? { |waiter| waiter.seen == @now || !waiter.thread.alive? }
    end
  end

  # Nothing ends by itself: it takes a reader, or an advance.
  def wait(readers, _seconds)
    waiter = @lock.synchronize do
      waiter = @waiters[Thread.current] ||= Waiter.new(Thread.current, *IO.pipe)
      # The time has changed since it looked.
      next if waiter.alarm.read_nonblock(64, exception: false) != :wait_readable
      waiter.seen = @now
      @settled.broadcast
      waiter
    end
    IO.select([*readers, waiter.alarm]) if waiter
  end
end
