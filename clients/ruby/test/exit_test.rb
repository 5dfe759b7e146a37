# frozen_string_literal: true

require_relative "setup"
require "open3"
require "rbconfig"
require "socket"

# Programs of their own, and what comes of their events when they end.
class ExitTest < ClientTest
  LIB = File.expand_path("../lib", __dir__)
  START = <<~RUBY
    require "eventstorm"
    source = Eventstorm::Source.open("web-1", connect: ENV.fetch("ENDPOINT"))
    source.subscribed("http.hit", timeout: 20)
  RUBY

  def setup
    @receiver = receiver
  end

  # Runs a program to its end, reading what it sends.
  def program(text, endpoint: @receiver.endpoint, start: START)
    command = [{ "ENDPOINT" => endpoint }, RbConfig.ruby, "-I#{LIB}", "-e", start + text]
    running = Thread.new { Open3.capture2e(*command) }
    @receiver.until("the program has ended") { !running.alive? }
    running.value
  end

  def test_what_was_emitted_is_sent_before_the_end
    output, status = program('2500.times { |i| source.emit "http.hit", i }')
    assert status.success?, output
    assert_empty output
    # There may be others before, of a program that takes its time.
    @receiver.until("the last heartbeat has come") { @receiver.heartbeats.any? { |message| message.seq == 2500 } }
    assert_equal (0...2500).to_a, @receiver.events.map { |event| event["data"] }
    assert_equal 2500, @receiver.heartbeats.last.seq
  end

  def test_also_when_it_ends_with_an_error_or_a_signal
    ['raise "no"', "exit 5", 'Process.kill("TERM", Process.pid); sleep', "Thread.new { exit 5 }.join"].each_with_index do |ending, at|
      _, status = program("source.emit 'http.hit', #{at}; #{ending}")
      refute status.success?
      @receiver.until_events(at + 1)
    end
    assert_equal 0, @receiver.lost
  end

  def test_a_program_that_never_met_anybody_ends_at_once
    server = TCPServer.new("127.0.0.1", 0)
    endpoint = "tcp://127.0.0.1:#{server.addr[1]}"
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    output, status = program('source.emit "http.hit", 1; puts source.counters[:unwanted]', endpoint:,
                             start: START.lines[0..1].join.sub('"))', '"), drain_timeout: 60)'))
    assert status.success?, output
    assert_equal "1\n", output
    assert_operator Process.clock_gettime(Process::CLOCK_MONOTONIC) - started, :<, 60
  ensure
    server&.close
  end

  # The receiver is stopped, so that nothing leaves any more.
  def test_the_drain_has_its_deadline
    stalled = IO.popen([RbConfig.ruby, "-e", <<~RUBY], "r+")
      require #{File.join(__dir__, 'receiver').inspect}
      receiver = Receiver.new
      $stdout.puts receiver.endpoint
      $stdout.flush
      receiver.until("a message has come") { receiver.messages.any? }
      Process.kill("STOP", Process.pid)
    RUBY
    output, status = program(<<~RUBY, endpoint: stalled.gets.chomp, start: START.sub('"))', '"), drain_timeout: 0.3)'))
      source.emit "http.hit", 1
      source.flush
      sleep 0.01 until File.read("/proc/#{stalled.pid}/stat").split[2] == "T"
      100.times { source.emit "http.hit", "x" * 500_000 }
    RUBY
    assert status.success?, output
  ensure
    Process.kill("KILL", stalled.pid)
    stalled.close
  end
end
