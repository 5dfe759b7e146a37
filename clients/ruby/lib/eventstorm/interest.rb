# frozen_string_literal: true

module Eventstorm
  # What subscribers want, as the socket tells it: prefixes of types.
  class Interest
    def initialize
      @prefixes = {}
      @version = 0
    end

    # Grows whenever a prefix comes or goes, so that what was concluded before can be told to be old.
    attr_reader :version

    # Takes a frame from the socket: 01 to subscribe or 00 to unsubscribe, then a prefix. Anything else is nothing to us.
    def apply(frame)
      prefix = frame.byteslice(1..)
      case frame.getbyte(0)
      when 1 then @prefixes[prefix] = true
      when 0 then @prefixes.delete(prefix)
      else return
      end
      @version += 1
    end

    # Whether somebody wants events of this type. The empty prefix does not ask for reserved types.
    def cover?(type)
      bytes = type.b
      shortest = type.start_with?("_") ? 1 : 0
      # A type has 255 bytes at most, subscribers may have any number of prefixes.
      (shortest..bytes.bytesize).any? { |length| @prefixes.key?(bytes.byteslice(0, length)) }
    end
  end
end
