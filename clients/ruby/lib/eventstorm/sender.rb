# frozen_string_literal: true

module Eventstorm
  # One incarnation of a source in one process: its epoch, its outbox, and the thread that owns the socket. Nobody but that
  # thread sends, and it never makes anybody wait.
  class Sender
    # What the thread may need beyond the time in which it drains, seconds.
    GRACE = 1
    # Frames from subscribers in one turn.
    MAX_FRAMES = 1000

    def initialize(options)
      @options = options
      @clock = options.clock
      @epoch = Epoch.take(@clock.time)
      @header = Header.new(options.name, @epoch)
      @generation = ProcessHook.generation
      @alarm, @bell = IO.pipe
      @outbox = Outbox.new(max_bytes: options.max_queue_bytes, max_types: options.max_types, clock: @clock) { ring }
      @streams = {}.compare_by_identity
      @reports = Stream.new(Report::TYPE)
      @look = 0
      @changed = false
      @drain_timeout = 0
      @socket = Socket.new(options)
      @thread = Thread.new { run }
      @thread.name = "eventstorm"
    end

    attr_reader :epoch, :outbox

    # Whether it was made in this process, and not in one that this was forked from.
    def here?
      @generation == ProcessHook.generation
    end

    # Sends what is held, says how far each stream is, and ends. Takes `timeout` seconds at most.
    def close(timeout)
      @drain_timeout = timeout
      @outbox.close
      @thread.join(timeout + GRACE) unless @thread == Thread.current
    end

    private

    def run
      now = @clock.now
      @next_look = now + @options.heartbeat
      @next_report = now + Report::INTERVAL
      turn until @outbox.closed?
      finish
    rescue StandardError => e
      @outbox.close(e)
      warn "eventstorm: the source #{@options.name} has stopped: #{e.class}: #{e.message}"
    ensure
      # Also when somebody kills the thread: a socket that stays open would keep the process from ending.
      @outbox.close
      @socket.close(0)
      [@alarm, @bell].each(&:close)
    end

    def turn
      now = @clock.now
      deliver if @outbox.due(@options.linger)&.zero? || now >= @next_look || now >= @next_report
      report(now) if now >= @next_report
      look(now) if now >= @next_look
      # Last, since sending may swallow the socket's sign that there is something to read.
      return if hear
      left = [@next_look - now, @next_report - now, @outbox.due(@options.linger)].compact.min
      @clock.wait([@socket.reader, @alarm], [left, 0].max)
      silence
    end

    # Hands everything that waits to ZeroMQ.
    def deliver
      events = messages = bytes = 0
      @outbox.take.each do |stream, taken|
        @streams[stream] = true
        transmit(stream, taken) do |body, count|
          events += count
          messages += 1
          bytes += body.bytesize
        end
      end
      @outbox.handed(events:, messages:, bytes:)
    end

    def transmit(stream, taken)
      stream.each_message(taken, @header, max_events: @options.batch_events, max_bytes: @options.batch_bytes) do |body, count|
        @socket.send(stream.type, body)
        yield body, count if block_given?
      end
    end

    def look(now)
      @next_look = now + @options.heartbeat
      @look += 1
      changed = @changed
      @changed = false
      due = [*@streams.keys, @reports].select { |stream| stream.due?(@look, changed) }
      beat(due)
    end

    def beat(streams)
      wanted = @outbox.wanted(streams)
      wanted.each { |stream| @socket.send(stream.type, stream.heartbeat(@header)) }
      @outbox.beaten(wanted.size)
    end

    def report(now, ended: false)
      @next_report = now + Report::INTERVAL
      return unless @outbox.wanted?(Report::TYPE)
      events = Report.of(@streams.keys, @outbox.counters, ended:).map { |data| Event.encode(data, nil, @clock.time) }
      transmit(@reports, events)
    end

    # Takes what subscribers say, but not so much at once that events would have to wait.
    # @return [Boolean] whether there may be more
    def hear
      frames = []
      while frames.size < MAX_FRAMES && (frame = @socket.receive)
        frames << frame
      end
      return false if frames.empty?
      @changed = true
      @outbox.subscriptions(frames)
      frames.size == MAX_FRAMES
    end

    def finish
      deadline = Clock.now + @drain_timeout
      deliver
      report(@clock.now, ended: true)
      beat([*@streams.keys, @reports].reject { |stream| stream.next.zero? })
      @socket.close([deadline - Clock.now, 0].max)
    end

    def ring
      @bell.write_nonblock("!", exception: false) unless @bell.closed?
    end

    def silence
      @alarm.read_nonblock(256, exception: false)
    end
  end
end
