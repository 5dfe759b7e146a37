# frozen_string_literal: true

require_relative "setup"
require "pathname"
require "tmpdir"

class OptionsTest < ClientTest
  def check(name = "web-1", **options) = Eventstorm::Options.check(name, options)

  def setup
    @folder = Dir.mktmpdir("eventstorm-")
    @public, @secret = ZMQ::Util.curve_keypair
    @key = write("web-1.key", "# The key pair of web-1.\npublic #{@public}\nsecret #{@secret}\n", 0o600)
    @server = write("router.pub", "router #{@public}\n")
  end

  def teardown
    super
    FileUtils.remove_entry(@folder)
  end

  def write(name, text, mode = 0o644)
    File.join(@folder, name).tap { |path| File.write(path, text, perm: mode) }
  end

  def test_defaults_and_what_is_given
    options = check
    assert_equal [["tcp://127.0.0.1:5555"], 0.005, 1000, 65_536], [options.connect, options.linger, options.batch_events, options.batch_bytes]
    assert_nil options.curve
    options = check(connect: "ipc:///tmp/bus", linger: 0, heartbeat: 5)
    assert_equal [["ipc:///tmp/bus"], 0, 5], [options.connect, options.linger, options.heartbeat]
    assert_equal 1000, check(batch_events: nil).batch_events
  end

  def test_every_problem_at_once
    error = assert_code(:OPTIONS_INVALID) { check("a\nb", conect: "x", linger: -1, batch_events: 1.5, heartbeat: "1s", connect: []) }
    ["conect: unknown option. Did you mean connect?", "linger: expected a number of seconds, got -1",
     "batch_events: expected a whole number", "heartbeat: expected a number of seconds of at least 0.001, got \"1s\"",
     "connect: expected", "source: expected a name"].each { |problem| assert_includes error.message, problem }
    assert_code(:OPTIONS_INVALID, /Known are: connect, key,/) { check(zzz: 1) }
    [Float::NAN, Float::INFINITY, Object.new, true].each { |value| assert_code(:OPTIONS_INVALID) { check(linger: value) } }
    assert_code(:OPTIONS_INVALID, /max_queue_bytes/) { check(max_queue_bytes: 1000) }
    assert_code(:OPTIONS_INVALID) { check("x" * 256) }
    assert_code(:OPTIONS_INVALID) { check("\xFF") }
  end

  def test_endpoints
    ["tcp://127.0.0.1:5555", "tcp://[::1]:5555", "tcp://router.example:1", "ipc:///run/bus", "ipc://@abstract"].each do |endpoint|
      assert_equal [endpoint], check(connect: endpoint).connect
    end
    ["", "127.0.0.1:5555", "tcp://127.0.0.1", "tcp://a:0", "tcp://a:65536", "tcp://:5", "tcp://a b:5", "inproc://x", "ipc://",
     "udp://a:5", "tcp://a:5\n", "\xFF"].each do |endpoint|
      assert_code(:ENDPOINT_INVALID) { check(connect: [endpoint]) }
    end
  end

  def test_keys
    [@server, @public, [@public], Pathname(@server)].each do |server_key|
      assert_equal [@public, @secret, [@public]], check(key: @key, server_key:).curve
    end
    two = check(key: @key, server_key: @server, connect: %w[tcp://a:1 tcp://b:2])
    assert_equal [@public, @public], two.curve.last
  end

  def test_keys_that_are_none
    assert_code(:OPTIONS_INVALID, /both/) { check(key: @key) }
    assert_code(:OPTIONS_INVALID, /both/) { check(server_key: @public) }
    assert_code(:OPTIONS_INVALID, /one for each of the 1/) { check(key: @key, server_key: [@public, @public]) }
    assert_code(:KEY_INVALID, /No such file/) { check(key: "#{@folder}/none", server_key: @public) }
    nothing = write("nothing.pub", "nothing
")
    assert_code(:KEY_INVALID, /public key of 40/) { check(key: @key, server_key: nothing) }
    short = write("short.key", "public #{@public}\nsecret #{@secret[0..-2]}\n", 0o600)
    error = assert_code(:KEY_INVALID, /"secret KEY"/) { check(key: short, server_key: @public) }
    refute_includes error.message, @secret[0, 10]
    File.chmod(0o644, @key)
    error = assert_code(:KEY_INVALID, /chmod 600/) { check(key: @key, server_key: @public) }
    refute_includes error.message, @secret
  end

  def test_the_readme_has_the_tables
    text = File.read(File.expand_path("../README.md", __dir__), encoding: Encoding::UTF_8)
    assert_includes text, Eventstorm::Options.table
    Eventstorm::Error::CODES.each { |code, meaning| assert_includes text, "| `#{code}` | #{meaning} |" }
  end

  def test_codes_are_those_of_the_house
    text = File.read(File.expand_path("../../../docs/ERRORS.md", __dir__), encoding: Encoding::UTF_8)
    Eventstorm::Error::CODES.each_key { |code| assert_includes text, "| `#{code}` |" }
  end
end
