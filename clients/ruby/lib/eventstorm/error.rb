# frozen_string_literal: true

module Eventstorm
  # Every error that this library raises on purpose. The code is the contract, the message may get better.
  class Error < StandardError
    # The codes of docs/ERRORS.md that a source can meet.
    CODES = {
      TYPE_INVALID: 'An event type is not a dotted name such as "http.hit", or is reserved.',
      DATA_INVALID: "The data of an event cannot be written as BSON.",
      TIME_INVALID: "The time of an event is no Time, or too far away.",
      EXTENSION_INVALID: "An extension attribute of an event has a bad name.",
      EVENT_TOO_LARGE: "One encoded event is larger than `max_event_bytes`.",
      ENDPOINT_INVALID: "An endpoint is not tcp://host:port or ipc://path.",
      OPTIONS_INVALID: "One or more options are missing, unknown or of the wrong kind.",
      KEY_INVALID: "A key, or a file with keys, is missing or not understood.",
      CONNECT_FAILED: "An endpoint could not be dialled at all.",
      TIMEOUT: "What was waited for did not happen in time.",
      CLOSED: "The source is closed."
    }.freeze

    # One of CODES, as a symbol.
    attr_reader :code

    def initialize(code, message)
      super(message)
      @code = code
    end

    # How a value looks in a message: short, and never a whole document.
    def self.show(value)
      case value
      when String, Symbol then value.inspect.then { |text| text.length > 60 ? "#{text[0, 57]}..." : text }
      when Numeric, nil, true, false then value.inspect
      else "a #{value.class}"
      end
    end
  end
end
