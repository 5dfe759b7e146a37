# frozen_string_literal: true

# Emits events into an Eventstorm bus: numbered, so that every loss is counted at the other end, and never in the way of
# the program that emits them.
#
#   Eventstorm::Source.open("shop", connect: "tcp://127.0.0.1:5555") do |source|
#     source.emit "order.placed", total: 12.5
#   end
module Eventstorm
end

require "bson"
require "ffi-rzmq"

require_relative "eventstorm/version"
require_relative "eventstorm/error"
require_relative "eventstorm/clock"
require_relative "eventstorm/process_hook"
require_relative "eventstorm/epoch"
require_relative "eventstorm/key"
require_relative "eventstorm/options"
require_relative "eventstorm/event_type"
require_relative "eventstorm/event"
require_relative "eventstorm/header"
require_relative "eventstorm/interest"
require_relative "eventstorm/stream"
require_relative "eventstorm/outbox"
require_relative "eventstorm/socket"
require_relative "eventstorm/report"
require_relative "eventstorm/sender"
require_relative "eventstorm/source"
