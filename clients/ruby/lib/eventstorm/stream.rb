# frozen_string_literal: true

module Eventstorm
  # The events of one type from one incarnation of a source: their numbers, their messages and their heartbeats. What is
  # waiting belongs to the outbox and its lock, everything else to the sender alone.
  class Stream
    # Looks between two heartbeats, while nothing is sent.
    PAUSES = [1, 2, 4, 8, 16, 30].freeze

    def initialize(type)
      @type = type
      @waiting = []
      @next = 0
      @told = 0
      @beat = 0
      @pause = 0
      @due = 0
      @seen = nil
      @kept = false
    end

    attr_reader :type, :waiting
    # Whether the outbox has it in its books.
    attr_accessor :kept
    # The number that the next event will have.
    attr_reader :next

    # Whether somebody wants these events; worked out again only when subscriptions have changed.
    def wanted?(interest)
      return @wanted if @seen == interest.version
      @seen = interest.version
      @wanted = interest.cover?(@type)
    end

    # Takes what is waiting: encoded events and, as integers, how many were dropped at that place.
    def take
      taken = @waiting
      @waiting = []
      taken
    end

    # Leaves a gap in the numbers, so that receivers count what is not there.
    def skip
      @waiting.last.is_a?(Integer) ? @waiting[-1] += 1 : @waiting << 1
    end

    # Numbers what was taken, and yields it as bodies of messages.
    def each_message(taken, header, max_events:, max_bytes:)
      batch = []
      room = max_bytes - header.size
      flush = lambda do
        next if batch.empty?
        yield header.events(@next, batch.size) << batch.join, batch.size
        @next += batch.size
        batch.clear
        room = max_bytes - header.size
      end
      taken.each do |event|
        if event.is_a?(Integer)
          flush.call
          @next += event
        else
          flush.call if event.bytesize > room || batch.size == max_events
          batch << event
          room -= event.bytesize
        end
      end
      flush.call
    end

    # Whether a heartbeat is due at this look; the looks are numbered.
    def due?(look, changed)
      return false if @next.zero?
      if @next > @told
        @told = @next
        @pause = 0
      elsif look >= @due
        @pause += 1 if @pause < PAUSES.size - 1
      elsif !changed
        return false
      end
      @due = look + PAUSES[@pause]
      true
    end

    def heartbeat(header)
      header.heartbeat(@next, @beat += 1)
    end
  end
end
