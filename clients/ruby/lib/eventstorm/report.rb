# frozen_string_literal: true

module Eventstorm
  # What a source tells of itself, so that `eventstorm top --audit` can add up the whole bus.
  module Report
    TYPE = "_report.source"
    # Seconds from one to the next.
    INTERVAL = 1.0
    # Streams in one report; who has more sends several.
    MAX_STREAMS = 500

    # What found the queue full has its number, and is in `sent`; `dropped` are those without one.
    # @return [Array<Hash>] the data of one event or more
    def self.of(streams, counters, ended: false)
      totals = { "sent" => streams.sum(&:next), "unwanted" => counters[:unwanted], "dropped" => counters[:refused] }
      parts = streams.each_slice(MAX_STREAMS).to_a
      parts << [] if parts.empty?
      reports = parts.map do |part|
        { **totals, "streams" => part.map { |stream| { "type" => stream.type, "sent" => stream.next } } }
      end
      reports.last["ended"] = true if ended
      reports
    end
  end
end
