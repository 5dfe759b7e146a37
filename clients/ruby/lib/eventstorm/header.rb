# frozen_string_literal: true

module Eventstorm
  # The document in front of a message's events. What does not change from one message to the next is made once.
  class Header
    MAX_SOURCE_BYTES = 255

    # @param source [String] 1 to 255 bytes of UTF-8
    # @param epoch [Integer] microseconds since 1970
    def initialize(source, epoch)
      @head = ["\x10v", 1, "\x12epoch", epoch, "\x12seq"].pack("Z*l<Z*q<Z*")
      @tail = ["\x02source", source.bytesize + 1, source].pack("Z*l<Z*")
      @size = 60 + source.bytesize
    end

    # Bytes that it takes in a message with events.
    attr_reader :size

    # In front of `count` events, the first of which has the number `seq`.
    def events(seq, count)
      [@size, @head, seq, "\x10n", count, @tail, 0].pack("l<a*q<Z*l<a*C")
    end

    # A message without events: `seq` is the next number, and `beat` counts the heartbeats of a stream.
    def heartbeat(seq, beat)
      [@size + 14, @head, seq, "\x10n", 0, @tail, "\x12beat", beat, 0].pack("l<a*q<Z*l<a*Z*q<C")
    end

    def self.valid_source?(text)
      text.valid_encoding? && text.bytesize.between?(1, MAX_SOURCE_BYTES) &&
        !text.match?(/[\u{0000}-\u{001F}\u{007F}-\u{009F}\u{FFFD}]/)
    end
  end
end
