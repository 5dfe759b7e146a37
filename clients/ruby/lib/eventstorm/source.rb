# frozen_string_literal: true

module Eventstorm
  # Emits events under one name. May be used by any number of threads, and in processes that were forked after it was made:
  # each of them dials on its own, at first use, and counts as a source of its own.
  class Source
    @live = {}.compare_by_identity
    @lock = Mutex.new

    class << self
      # A source that has begun to dial. With a block, the block gets it, and it is closed behind the block; then the
      # result is the block's.
      #
      # @param name [String, nil] who emits, as sinks see it; without one, the name of the host
      # @param options see the table in the README
      # @raise [Error] OPTIONS_INVALID, ENDPOINT_INVALID, KEY_INVALID, CONNECT_FAILED
      def open(name = nil, **options)
        source = new(name, **options).start
        return source unless block_given?
        begin
          yield source
        ensure
          source.close
        end
      end

      # What is open at the end of the program is drained then.
      def remember(source)
        @lock.synchronize do
          at_exit { close_all } unless @at_exit
          @at_exit = true
          @live[source] = true
        end
      end

      def forget(source)
        @lock.synchronize { @live.delete(source) }
      end

      # Before this process ends, and its sources go on in another one.
      # @api private
      def drain_all
        each_live(&:drain)
      end

      private

      def close_all
        each_live(&:close)
      end

      def each_live
        live = @lock.synchronize { @live.keys }
        live.map { |source| Thread.new { yield source } }.each(&:join)
      end
    end

    # A source that dials when it is first used, as a process that will fork wants it. For the rest, see `open`.
    def initialize(name = nil, **options)
      @options = Options.check(name, options)
      @lock = Mutex.new
      @closed = false
    end

    # Begins to dial, unless that has happened in this process.
    # @return [self]
    # @raise [Error] CONNECT_FAILED, CLOSED
    def start
      sender
      self
    end

    # Takes one event and returns at once: it is sent soon after, by a thread of its own.
    #
    #   source.emit "order.placed", total: 12.5
    #   source.emit "order.placed", { total: 12.5 }, time: placed_at, partitionkey: "eu"
    #
    # @param type [String, Symbol] segments with dots between them
    # @param data anything that BSON can hold
    # @param attributes [Hash, nil] `time:` when it did not happen just now, and extension attributes of CloudEvents
    # @return [Boolean] whether it will be sent; false when nobody wants it, or there is no room, which is counted
    # @raise [Error] TYPE_INVALID, DATA_INVALID, TIME_INVALID, EXTENSION_INVALID, EVENT_TOO_LARGE, CLOSED
    def emit(type, data = nil, attributes = nil)
      outbox = sender.outbox
      stream = outbox.stream(type)
      return false unless stream
      event = Event.encode(data, attributes, @options.clock.time)
      if event.bytesize > @options.max_event_bytes
        raise Error.new(:EVENT_TOO_LARGE, "expected an event of at most #{@options.max_event_bytes} bytes " \
                                          "(max_event_bytes), got #{event.bytesize}, of type #{stream.type}")
      end
      outbox.put(stream, event)
    end

    # Whether anybody wants events of this type now. When not, `emit` does nothing but count.
    def wanted?(type)
      sender.outbox.wanted?(EventType.check(type))
    end

    # Waits until somebody wants events of this type.
    # @param timeout [Numeric, nil] seconds; nil waits for ever
    # @return [self]
    # @raise [Error] TIMEOUT, TYPE_INVALID, CLOSED
    def subscribed(type, timeout: nil)
      return self if sender.outbox.await_interest(EventType.check(type), timeout)
      raise Error.new(:TIMEOUT, "expected a subscriber to #{type} within #{timeout} s, got none; does a sink run?")
    end

    # Waits until what was emitted before is with ZeroMQ.
    # @return [self]
    # @raise [Error] TIMEOUT, CLOSED
    def flush(timeout: 2)
      return self if sender.outbox.await_handed(timeout)
      raise Error.new(:TIMEOUT, "expected what is held to be sent within #{timeout} s")
    end

    # Sends what is held, for at most `timeout` seconds, and ends. Can be called any number of times.
    # @return [nil]
    def close(timeout: @options.drain_timeout)
      @lock.synchronize { @closed = true }
      drain(timeout:)
      Source.forget(self)
      nil
    end

    # Sends what is held, for at most `timeout` seconds, and says farewell to sinks. Takes nothing more in this process, but in
    # one that is forked.
    # @api private
    def drain(timeout: @options.drain_timeout)
      sender = @lock.synchronize { @sender if @sender&.here? }
      sender&.close(timeout)
      nil
    end

    def closed?
      @closed
    end

    # What has happened since it was opened, in this process: events `sent` (handed to ZeroMQ), `queued` (waiting for it),
    # `unwanted` (nobody had asked), `dropped` (the queue was full) and `refused` (too many types), `messages` and `bytes` with
    # events, and `heartbeats`.
    def counters
      sender = @lock.synchronize { @sender if @sender&.here? }
      (sender ? sender.outbox.counters : NOTHING).dup
    end

    # Who emits.
    def name
      @options.name
    end

    # When it was started in this process, in microseconds since 1970.
    def epoch
      sender.epoch
    end

    # Nothing in it belongs into a log, keys least of all.
    def inspect
      "#<#{self.class} #{name.inspect}>"
    end

    NOTHING = { sent: 0, queued: 0, unwanted: 0, dropped: 0, refused: 0, messages: 0, bytes: 0, heartbeats: 0 }.freeze
    private_constant :NOTHING

    private

    # The one of this process.
    def sender
      sender = @sender
      return sender if sender&.here?
      @lock.synchronize do
        next @sender if @sender&.here?
        raise Error.new(:CLOSED, "the source is closed and takes no more events") if @closed
        @sender = Sender.new(@options)
        Source.remember(self)
        @sender
      end
    end
  end
end
