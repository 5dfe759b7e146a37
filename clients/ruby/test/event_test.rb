# frozen_string_literal: true

require_relative "setup"
require "ostruct"

class EventTest < ClientTest
  NOW = Time.utc(2026, 1, 2, 3, 4, 5.678r)
  MAX_SECONDS = 8_640_000_000_000
  Pair = Struct.new(:a)

  def encode(data, attributes = nil) = Eventstorm::Event.encode(data, attributes, NOW)
  def decode(bytes) = BSON::Document.from_bson(BSON::ByteBuffer.new(bytes), mode: :bson)

  def nested(levels) = (levels - 1).times.reduce({}) { |inner, _| { a: inner } }

  def test_ruby_values_become_bson_types
    type_of = ->(value) { encode({ v: value }).getbyte(28) }
    {
      1 => 0x10, -(2**31) => 0x10, 2**31 => 0x12, 2**63 - 1 => 0x12, 1.0 => 0x01, Float::NAN => 0x01, "a" => 0x02,
      :a => 0x02, { a: 1 } => 0x03, [1] => 0x04, true => 0x08, nil => 0x0A, NOW => 0x09, Date.new(2026, 1, 1) => 0x09,
      DateTime.new(2026, 1, 1) => 0x09, /a/i => 0x0B, BigDecimal("1.50") => 0x13, BSON::ObjectId.new => 0x07,
      BSON::Binary.new("\xFF") => 0x05, BSON::Int64.new(1) => 0x12, BSON::Int32.new(1) => 0x10,
      BSON::Timestamp.new(1, 2) => 0x11, BSON::Code.new("f()") => 0x0D, BSON::MinKey.new => 0xFF,
      BSON::MaxKey.new => 0x7F, BSON::Regexp::Raw.new("a+", "i") => 0x0B, BSON::Decimal128.new("1.5") => 0x13
    }.each { |value, type| assert_equal type, type_of.call(value), "#{value.class} #{value.inspect}" }
  end

  def test_time_data_and_attributes_in_this_order
    at = Time.utc(2020, 2, 3, 4, 5, 6.789r)
    event = decode(encode({ a: :b }, partitionkey: "eu", time: at))
    assert_equal %w[time data partitionkey], event.keys
    assert_equal at, event["time"]
    assert_equal({ "a" => "b" }, event["data"])
    assert_equal NOW, decode(encode(nil))["time"]
    assert_equal Time.utc(2020, 1, 2), decode(encode(nil, time: DateTime.new(2020, 1, 2)))["time"]
  end

  def test_what_bson_cannot_hold_is_refused
    cyclic = {}
    cyclic[:again] = [cyclic]
    {
      "64 bits" => 2**63, "UTF-8" => "\xFF", "BSON::Binary" => "\xFF".b, "Object" => Object.new, "Range" => 1..2,
      "Pair" => Pair.new(1), "BSON::Undefined" => BSON::Undefined.new, "BSON::Symbol::Raw" => BSON::Symbol::Raw.new(:a),
      "OpenStruct" => OpenStruct.new(a: 1), "levels" => cyclic, "zero byte" => { "a\0b" => 1 }, "InvalidKey" => { nil => 1 },
      "_bsontype" => { "_bsontype" => 1 }, "toBSON" => { toBSON: 1 }, "1/1" => 1r, "Decimal128" => BigDecimal("1e9999"),
      "time too far" => Time.at(MAX_SECONDS + 1), "date too far" => Date.new(300_000, 1, 1)
    }.each do |hint, value|
      assert_code(:DATA_INVALID, /#{hint}/) { encode({ deep: [{ v: value }] }) }
      assert_code(:DATA_INVALID) { encode(value) }
    end
  end

  def test_no_message_shows_the_data
    error = assert_code(:DATA_INVALID) { encode({ password: "hunter2\xFF" }) }
    refute_match(/hunter2/, error.message)
    error = assert_code(:DATA_INVALID) { encode({ password: Pair.new("hunter2") }) }
    refute_match(/hunter2/, error.message)
  end

  def test_depth
    # The event is the first level.
    encode(nested(99))
    assert_code(:DATA_INVALID, /100 levels/) { encode(nested(100)) }
    scope = BSON::CodeWithScope.new("f()", nested(100))
    assert_code(:DATA_INVALID, /100 levels/) { encode(scope) }
  end

  def test_times
    [MAX_SECONDS, -MAX_SECONDS].each { |seconds| encode(nil, time: Time.at(seconds)) }
    [Time.at(MAX_SECONDS, 1, :millisecond), Time.at(-MAX_SECONDS - 1), "2026-01-01", 5, nil].each do |time|
      assert_code(:TIME_INVALID) { encode(nil, time: time) }
    end
  end

  def test_attributes
    ["", "Upper", "with space", "a" * 21, "type", "data", "id", "ü"].each do |name|
      assert_code(:EXTENSION_INVALID) { encode(nil, { name => "x" }) }
    end
    assert_code(:EXTENSION_INVALID, /Hash/) { encode(nil, 5) }
    assert_code(:DATA_INVALID) { encode(nil, { "a" => Object.new }) }
    assert_equal "x", decode(encode(nil, { "a" * 20 => "x" }))["a" * 20]
  end

  def test_types_in_any_encoding
    assert_equal "küche", Eventstorm::EventType.check("küche".encode("ISO-8859-1"))
    assert_equal "a.b", Eventstorm::EventType.check(:"a.b")
    ["\xFF", "k\xFC".b, nil, 5, "_report.source"].each do |type|
      assert_code(:TYPE_INVALID) { Eventstorm::EventType.check(type) }
    end
  end
end
