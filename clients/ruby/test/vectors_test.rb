# frozen_string_literal: true

require_relative "setup"

class VectorsTest < ClientTest
  # A document of the vectors, each value with its BSON type.
  def self.parse(document) = BSON::ExtJSON.parse_obj(document, mode: :bson)
  def parse(document) = self.class.parse(document)

  # "unknown header keys" is what no writer of this version writes.
  Vectors.read("messages").reject { |vector| vector["name"] == "unknown header keys" }.each do |vector|
    define_method("test_message: #{vector['name']}") do
      type, body = vector["frames"].map { |hex| Vectors.bytes(hex) }
      assert_equal type, Eventstorm::EventType.check(vector["type"], reserved: true).b
      header = parse(vector["header"])
      made = Eventstorm::Header.new(header["source"], header["epoch"].value)
      seq = header["seq"].value
      events = vector["events"].map do |event|
        event = parse(event)
        attributes = event.except("data")
        Eventstorm::Event.encode(event["data"], attributes, nil)
      end
      if header.key?("beat")
        assert_equal body, made.heartbeat(seq, header["beat"].value)
      else
        assert_equal body, made.events(seq, events.size) + events.join
      end
    end
  end

  def test_types
    vectors = Vectors.read("types")
    refute_empty vectors["valid"]
    refute_empty vectors["invalid"]
    vectors["valid"].each { |type| assert_equal type, Eventstorm::EventType.check(type, reserved: true) }
    vectors["invalid"].each { |type| assert_code(:TYPE_INVALID) { Eventstorm::EventType.check(type) } }
  end

  def test_subscriptions
    Vectors.read("subscriptions").each do |vector|
      interest = Eventstorm::Interest.new
      vector["matches"].each { |type| refute interest.cover?(type) }
      interest.apply(Vectors.bytes(vector["subscribe"]))
      vector["matches"].each { |type| assert interest.cover?(type), "#{vector['pattern']} wants #{type}" }
      # The prefix alone brings some that the pattern does not match; what it cannot bring is not wanted.
      vector["not"].each do |type|
        brings = type.start_with?(vector["prefix"]) && !(vector["prefix"].empty? && type.start_with?("_"))
        assert_equal brings, interest.cover?(type), "#{vector['pattern']} and #{type}"
      end
      interest.apply(Vectors.bytes(vector["unsubscribe"]))
      vector["matches"].each { |type| refute interest.cover?(type) }
    end
  end

  # What receivers leave out is not written in the first place, as far as Ruby can say it.
  def test_undecodable
    codes = {
      "date out of range" => :DATA_INVALID,
      "time out of range" => :TIME_INVALID,
      "member called _bsontype" => :DATA_INVALID,
      "member called _bsontype, deeper" => :DATA_INVALID,
      "member called toBSON" => :DATA_INVALID,
      "attribute of 21 characters" => :EXTENSION_INVALID,
      "attribute with a bad name" => :EXTENSION_INVALID,
      "attribute with a taken name" => :EXTENSION_INVALID,
      "101 levels" => :DATA_INVALID
    }
    tried = Vectors.read("undecodable").select { |vector| codes.key?(vector["name"]) }
    assert_equal codes.keys.sort, tried.map { |vector| vector["name"] }.sort
    tried.each do |vector|
      message = Receiver::Message.new(*vector["frames"].map { |hex| Vectors.bytes(hex) })
      refused = documents(message).count { |document| refused?(document, codes[vector["name"]]) }
      assert_equal vector["undecodable"], refused, vector["name"]
    end
  end

  private

  def documents(message)
    rest = message.body.byteslice(message.body.unpack1("l<")..)
    Array.new(message.body.unpack1("@42l<")) { rest.slice!(0, rest.unpack1("l<")) }
  end

  def refused?(document, code)
    event = BSON::Document.from_bson(BSON::ByteBuffer.new(document))
    Eventstorm::Event.encode(event["data"], event.except("data"), nil)
    false
  rescue Eventstorm::Error => e
    assert_equal code, e.code
    true
  end
end
