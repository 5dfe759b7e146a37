# frozen_string_literal: true

# The program of the interoperability test, see clients/interop.ts: emits the events of clients/wanted.ts.
require "eventstorm"
require "json"
require "optparse"

TYPE = "interop.event"
FIRST_TIME = 1_767_323_045_678
# Events after which it waits until they are sent: what comes faster than that, its own queue would drop.
PORTION = 1000

# What is the same in each event.
CONSTANT = {
  bytes: BSON::Binary.new("\x00\x01\xFF".b),
  uuid: BSON::Binary.from_uuid("00112233-4455-6677-8899-aabbccddeeff"),
  id: BSON::ObjectId.from_string("00112233445566778899aabb"),
  price: BSON::Decimal128.new("1.50"),
  stamp: BSON::Timestamp.new(1, 2),
  pattern: BSON::Regexp::Raw.new("a+", "i"),
  code: BSON::Code.new("f()"),
  least: BSON::MinKey.new,
  most: BSON::MaxKey.new,
  list: [1, "two", 3.5],
  inner: { a: { b: [] } }
}.freeze

def data(i)
  {
    i: i,
    long: 9_007_199_254_740_993 + i,
    half: i / 2.0,
    text: "Grüße #{i}",
    even: i.even?,
    none: nil,
    at: Time.at(0, -1 - i, :millisecond),
    **CONSTANT
  }
end

given = {}
OptionParser.new do |parser|
  %w[connect source key server-key].each { |name| parser.on("--#{name} VALUE") { |value| given[name] = value } }
  %w[count rate].each { |name| parser.on("--#{name} N", Integer) { |value| given[name] = value } }
end.parse!

source = Eventstorm::Source.open(given.fetch("source"), connect: given.fetch("connect"), key: given["key"],
                                                        server_key: given["server-key"], drain_timeout: 30)
source.subscribed(TYPE, timeout: 30)
start = Process.clock_gettime(Process::CLOCK_MONOTONIC)
given.fetch("count").times do |i|
  source.emit TYPE, data(i), time: Time.at(0, FIRST_TIME + i, :millisecond), partitionkey: "eu"
  source.flush(timeout: 30) if i % PORTION == PORTION - 1
  next unless given["rate"] && i % 100 == 99
  sleep([start + i.fdiv(given["rate"]) - Process.clock_gettime(Process::CLOCK_MONOTONIC), 0].max)
end
source.close
puts JSON.generate(source.counters)
