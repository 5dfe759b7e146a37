# frozen_string_literal: true

require "bigdecimal"
require "date"

module Eventstorm
  # One event as BSON. What the bson gem would write and no receiver could read is refused here.
  module Event
    # Documents and lists in each other, the event itself included.
    MAX_DEPTH = 100
    # Seconds from 1970, either way, that a datetime can be away.
    MAX_SECONDS = 8_640_000_000_000
    # Members that JavaScript programs cannot write again.
    FORBIDDEN_KEYS = %i[_bsontype toBSON].flat_map { |key| [key, key.to_s] }.to_h { |key| [key, true] }.freeze
    # Values that need no second look.
    PLAIN = [
      String, Symbol, Integer, Float, BigDecimal, NilClass, TrueClass, FalseClass, Regexp, BSON::Binary, BSON::Code,
      BSON::Decimal128, BSON::Int32, BSON::Int64, BSON::MaxKey, BSON::MinKey, BSON::ObjectId, BSON::Regexp::Raw, BSON::Timestamp
    ].to_h { |plain| [plain, true] }.compare_by_identity.freeze
    ATTRIBUTE = /\A[a-z0-9]{1,20}\z/
    TAKEN = %w[time data type source id epoch seq specversion].freeze
    # BSON types: document and list, which would have to be looked into, and undefined, DBPointer and symbol, deprecated.
    REFUSED_BSON_TYPES = "\x03\x04\x06\x0C\x0E".b.chars.freeze

    module_function

    # @param attributes [Hash, nil] `time:`, and extension attributes by name
    # @return [String] the bytes of the document
    def encode(data, attributes, now)
      check(data, 2) unless PLAIN[data.class]
      document = { "time" => now, "data" => data }
      add(document, attributes) if attributes
      document.to_bson(BSON::ByteBuffer.new, false).to_s
    rescue Error
      raise
    rescue StandardError => e
      # The gem's message may quote the data.
      raise Error.new(:DATA_INVALID, "expected data that BSON can hold (#{HINTS.fetch(e.class, "#{e.class} from the bson gem")})")
    end

    HINTS = {
      RangeError => "integers have 64 bits",
      EncodingError => "texts are valid UTF-8; wrap bytes in BSON::Binary.new",
      Encoding::UndefinedConversionError => "texts are valid UTF-8; wrap bytes in BSON::Binary.new",
      Encoding::InvalidByteSequenceError => "texts are valid UTF-8; wrap bytes in BSON::Binary.new",
      ArgumentError => "names of members have no zero byte"
    }.freeze
    private_constant :HINTS

    def add(document, attributes)
      unless attributes.is_a?(Hash)
        raise Error.new(:EXTENSION_INVALID, "expected attributes as a Hash, got #{Error.show(attributes)}")
      end
      attributes.each do |name, value|
        next document["time"] = time(value) if name.to_s == "time"
        unless ATTRIBUTE.match?(name.to_s) && !TAKEN.include?(name.to_s)
          raise Error.new(:EXTENSION_INVALID, "expected an extension attribute of 1 to 20 lower-case letters and digits, " \
                                              "and none of #{TAKEN.join(', ')}; got #{Error.show(name)}")
        end
        check(value, 2) unless PLAIN[value.class]
        document[name.to_s] = value
      end
    end

    def time(value)
      time = value.is_a?(Time) || !value.respond_to?(:to_time) ? value : value.to_time
      return time if time.is_a?(Time) && near?(time)
      raise Error.new(:TIME_INVALID, "expected a Time within 8,640,000,000,000 s of 1970, got #{Error.show(value)}")
    end

    def near?(time)
      time.to_i.between?(-MAX_SECONDS, MAX_SECONDS - 1) || (time.to_i == MAX_SECONDS && time.nsec < 1_000_000)
    end

    # Raises when `value`, which lies at this depth, holds what must not be written.
    def check(value, depth)
      case value
      when Hash
        enter(depth)
        value.each_pair do |key, member|
          refuse("a member that is called #{key}") if FORBIDDEN_KEYS[key]
          check(member, depth + 1) unless PLAIN[member.class]
        end
      when Array
        enter(depth)
        value.each { |member| check(member, depth + 1) unless PLAIN[member.class] }
      when Time, DateTime then refuse("a time too far from 1970") unless near?(value.to_time)
      when Date then refuse("a date too far from 1970") unless near?(Time.utc(value.year, value.month, value.day))
      when BSON::CodeWithScope then check(value.scope, depth + 1)
      when String, Symbol, Integer, Float then nil
      else refuse("#{Error.show(value)}; convert it, with to_h or to_s say") unless scalar?(value)
      end
    end

    def enter(depth)
      refuse("more than #{MAX_DEPTH} levels") if depth > MAX_DEPTH
    end

    # Whether the bson gem, or somebody else, has taught it to be one BSON value.
    def scalar?(value)
      value.respond_to?(:bson_type) && value.respond_to?(:to_bson) && !REFUSED_BSON_TYPES.include?(value.bson_type)
    rescue StandardError
      false
    end

    def refuse(what)
      raise Error.new(:DATA_INVALID, "expected data that BSON can hold, got #{what}")
    end
  end
end
