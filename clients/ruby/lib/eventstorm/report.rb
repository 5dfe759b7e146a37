# frozen_string_literal: true

module Eventstorm
  # What a source tells of itself, so that `eventstorm top --audit` can add up the whole bus.
  module Report
    TYPE = "_report.source"
    # Seconds from one to the next.
    INTERVAL = 1.0
    # Streams in one report; who has more sends several.
    MAX_STREAMS = 500

    # @return [Array<Hash>] the data of one event or more
    def self.of(streams, counters)
      totals = { "sent" => streams.sum(&:next), "unwanted" => counters[:unwanted], "dropped" => counters[:dropped] }
      parts = streams.each_slice(MAX_STREAMS).to_a
      parts << [] if parts.empty?
      parts.map do |part|
        { **totals, "streams" => part.map { |stream| { "type" => stream.type, "sent" => stream.next } } }
      end
    end
  end
end
