# frozen_string_literal: true

module Eventstorm
  # What stands between the threads that emit and the one that sends: the streams, what waits in them, and what
  # subscribers want. All of it is behind one lock, which is never held across anything slow.
  class Outbox
    # What an event takes beside its bytes.
    OVERHEAD = 64
    # Types that nobody wants, remembered so that they are not checked again each time.
    MAX_IGNORED = 1000

    # @yield when the sender should look, which may be asleep
    def initialize(max_bytes:, max_types:, clock:, &wake)
      @max_bytes = max_bytes
      @max_types = max_types
      @clock = clock
      @wake = wake
      @lock = Mutex.new
      @news = ConditionVariable.new
      @interest = Interest.new
      @streams = {}
      @ignored = {}
      @pending = []
      @waiting_bytes = @sending_bytes = 0
      @accepted = @handed = 0
      @counters = { unwanted: 0, dropped: 0, refused: 0, messages: 0, bytes: 0, heartbeats: 0 }
    end

    # The stream for events of this type. Nil when nobody wants them or there are too many types already, which is counted.
    # @raise [Error] TYPE_INVALID, CLOSED
    def stream(type)
      type = type.name if type.is_a?(Symbol)
      @lock.synchronize do
        check_open
        stream = @streams[type] || candidate(type)
        next count(:unwanted) unless stream.wanted?(@interest)
        next count(:refused) unless stream.kept || keep(stream)
        stream
      end
    end

    # Takes an encoded event. False when there was no room for it: then its number is left out, and receivers count it.
    def put(stream, event)
      size = event.bytesize + OVERHEAD
      @lock.synchronize do
        check_open
        room = @waiting_bytes + @sending_bytes + size <= @max_bytes
        call(stream)
        if room
          # In this order an exception from another thread, out of Timeout say, leaves nothing half done.
          @waiting_bytes += size
          @accepted += 1
          stream.waiting << event
        else
          count(:dropped)
          stream.skip
        end
        room
      end
    end

    # Seconds until somebody should take what is there; nil when there is nothing.
    def due(linger)
      @lock.synchronize do
        next 0 if @urgent
        @pending.empty? ? nil : [@since + linger - @clock.now, 0].max
      end
    end

    # All that waits, by stream.
    # @return [Array<(Stream, Array)>]
    def take
      @lock.synchronize do
        @sending_bytes = @waiting_bytes
        @waiting_bytes = 0
        @urgent = false
        taken = @pending.map { |stream| [stream, stream.take] }
        @pending = []
        taken
      end
    end

    # What was taken is with ZeroMQ now.
    def handed(events:, messages:, bytes:)
      @lock.synchronize do
        @sending_bytes = 0
        @handed += events
        @counters[:messages] += messages
        @counters[:bytes] += bytes
        @news.broadcast
      end
    end

    def subscriptions(frames)
      @lock.synchronize do
        frames.each { |frame| @interest.apply(frame) }
        @news.broadcast
      end
    end

    def wanted?(type)
      @lock.synchronize { @interest.cover?(type) }
    end

    # Those of the streams that somebody wants.
    def wanted(streams)
      @lock.synchronize { streams.select { |stream| stream.wanted?(@interest) } }
    end

    # Waits until somebody wants events of this type.
    # @return [Boolean] false when it took too long
    def await_interest(type, timeout)
      await(timeout) { @interest.cover?(type) }
    end

    # Waits until everything that was put before is with ZeroMQ.
    # @return [Boolean] false when it took too long
    def await_handed(timeout)
      mark = @lock.synchronize do
        check_open
        @urgent = true
        @wake.call
        @accepted
      end
      await(timeout) { @handed >= mark }
    end

    def beaten(heartbeats)
      @lock.synchronize { @counters[:heartbeats] += heartbeats }
    end

    # Takes nothing more. Whoever waits is woken.
    def close(failure = nil)
      @lock.synchronize do
        @failure ||= failure unless @closed
        @closed = true
        @wake.call
        @news.broadcast
      end
    end

    def closed?
      @lock.synchronize { @closed }
    end

    def counters
      @lock.synchronize { { sent: @handed, queued: @accepted - @handed, **@counters } }
    end

    private

    def check_open
      return unless @closed
      raise Error.new(:CLOSED, "the source has stopped: #{@failure.class}: #{@failure.message}") if @failure
      raise Error.new(:CLOSED, "the source is closed and takes no more events")
    end

    def candidate(type)
      return @ignored[type] if @ignored.key?(type)
      type = EventType.check(type)
      @ignored.clear if @ignored.size >= MAX_IGNORED
      # Under another encoding it may be known.
      @streams[type] || (@ignored[type] ||= Stream.new(type))
    end

    def keep(stream)
      return false if @streams.size >= @max_types
      @ignored.delete(stream.type)
      @streams[stream.type] = stream
      stream.kept = true
    end

    def count(what)
      @counters[what] += 1
      nil
    end

    # Sees to it that the stream's events are taken.
    def call(stream)
      return unless stream.waiting.empty?
      first = @pending.empty?
      @since = @clock.now if first
      @pending << stream
      @wake.call if first
    end

    def await(timeout)
      deadline = timeout && (Clock.now + timeout)
      @lock.synchronize do
        check_open
        until yield
          check_open
          left = deadline && (deadline - Clock.now)
          return false if left && left <= 0
          @news.wait(@lock, left)
        end
      end
      true
    end
  end
end
