# frozen_string_literal: true

gem "minitest"
require "minitest/autorun"
require "eventstorm"
require_relative "controlled_clock"
require_relative "receiver"
require_relative "vectors"

# Every test class of this folder.
class ClientTest < Minitest::Test
  def teardown
    @opened&.reverse_each(&:close)
  end

  # Closed behind the test.
  def receiver(**options)
    Receiver.new(**options).tap { |receiver| (@opened ||= []) << receiver }
  end

  def source(name = "web-1", **options)
    Eventstorm::Source.open(name, **options).tap { |source| (@opened ||= []) << source }
  end

  def assert_code(code, matching = //, &block)
    error = assert_raises(Eventstorm::Error, &block)
    assert_equal code, error.code, error.message
    assert_match matching, error.message
    assert_includes Eventstorm::Error::CODES, code
    error
  end
end
