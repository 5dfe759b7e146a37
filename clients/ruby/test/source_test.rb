# frozen_string_literal: true

require_relative "setup"
require "tmpdir"

class SourceTest < ClientTest
  def setup
    @clock = ControlledClock.new
  end

  # A source that has a subscriber, on a clock that stands still.
  def connected(subscribe: [""], type: "http.hit", **options)
    @receiver = receiver(subscribe:)
    source = source(connect: @receiver.endpoint, clock: @clock, linger: 0, **options)
    @receiver.until_heard(source, type)
    source
  end

  # What the sender does at its next look is done when this returns.
  def look
    @clock.advance(1)
  end

  def test_events_come_as_they_were_emitted
    source = connected
    assert source.emit("http.hit", status: 200)
    assert source.emit(:"http.hit", "text")
    assert source.emit("http.hit", { status: 404 }, time: Time.at(5), partitionkey: "eu")
    assert source.emit("cpu.usage")
    @receiver.until_events(4)
    assert_equal [{ "status" => 200 }, "text", { "status" => 404 }, nil], @receiver.events.map { |event| event["data"] }
    assert_equal [0, 0, 5, 0], @receiver.events.map { |event| event["time"].to_i - (event["partitionkey"] ? 0 : ControlledClock::START.to_i) }
    assert_equal ["web-1"], @receiver.messages.map { |message| message.header["source"] }.uniq
    assert_equal [source.epoch], @receiver.messages.map { |message| message.header["epoch"] }.uniq
    assert_equal 0, @receiver.lost
  end

  def test_what_waits_goes_into_one_message
    source = connected(linger: 1000)
    10.times { |i| source.emit("http.hit", i) }
    source.emit("cpu.usage", 1)
    source.flush(timeout: 20)
    @receiver.until_events(11)
    assert_equal({ "http.hit" => [[0, 10]], "cpu.usage" => [[0, 1]] },
                 @receiver.messages.group_by(&:type).transform_values { |list| list.map { |each| [each.seq, each.count] } })
    assert_equal [11, 0, 2], source.counters.values_at(:sent, :queued, :messages)
  end

  def test_an_event_waits_for_company_for_so_long
    source = connected(linger: 0.5, heartbeat: 100)
    source.emit("http.hit", 1)
    @clock.advance(0.3)
    source.emit("http.hit", 2)
    @clock.advance(0.2)
    source.emit("http.hit", 3)
    @clock.advance(0.5)
    @receiver.until_events(3)
    assert_equal [2, 1], @receiver.messages.map(&:count)
  end

  def test_heartbeats_tell_how_far_it_is
    source = connected
    look
    2.times { source.emit("http.hit", 1) }
    source.flush(timeout: 20)
    8.times { look }
    source.close
    @receiver.until("it has drained") { @receiver.heartbeats.size == 5 }
    # At the first look, after one, two and four more, and the last when it drains.
    assert_equal [1, 2, 3, 4, 5], @receiver.heartbeats.map(&:beat)
    assert_equal [2], @receiver.heartbeats.map(&:seq).uniq
    assert_equal 2, @receiver.messages.sum(&:count)
  end

  def test_a_new_subscriber_hears_at_the_next_look
    source = connected(subscribe: ["http"])
    source.emit("http.hit", 1)
    source.flush(timeout: 20)
    5.times { look }
    @receiver.until("three heartbeats have come") { @receiver.heartbeats.size == 3 }
    # The fourth would come three looks later.
    @receiver.subscribe("cpu.usage")
    @receiver.until_heard(source, "cpu.usage")
    look
    @receiver.until("it has heard") { @receiver.heartbeats.size == 4 }
  end

  def test_nobody_hears_of_what_nobody_wants
    source = connected(subscribe: ["http.hit"])
    refute source.emit("cpu.usage", 1)
    assert source.emit("http.hit", 1)
    @receiver.until_events(1)
    assert source.wanted?("http.hit")
    refute source.wanted?("cpu.usage")
    @receiver.unsubscribe("http.hit")
    @receiver.until("it has unsubscribed") { !source.wanted?("http.hit") }
    refute source.emit("http.hit", 2)
    look
    @receiver.subscribe("http.hit")
    @receiver.until_heard(source)
    assert source.emit("http.hit", 3)
    @receiver.until_events(2)
    assert_equal [0, 1], @receiver.messages.reject(&:heartbeat?).map(&:seq)
    assert_equal 2, source.counters[:unwanted]
    assert_code(:TIMEOUT, /cpu.usage/) { source.subscribed("cpu.usage", timeout: 0.01) }
  end

  def test_loss_is_counted_to_the_event
    source = connected(max_queue_bytes: 200_000, max_event_bytes: 100_000, linger: 1000)
    kept = Array.new(1000) { source.emit("http.hit", "x" * 1000) }.count(true)
    assert_operator kept, :<, 200
    source.close
    @receiver.until("it has drained") { @receiver.heartbeats.any? }
    assert_equal 1000 - kept, @receiver.lost
    assert_equal kept, @receiver.messages.sum(&:count)
    assert_equal [kept, 1000 - kept, 0], source.counters.values_at(:sent, :dropped, :queued)
  end

  def test_bad_events_harm_nobody
    source = connected
    source.emit("http.hit", 1)
    assert_code(:DATA_INVALID) { source.emit("http.hit", Object.new) }
    assert_code(:TYPE_INVALID) { source.emit("http hit", 1) }
    assert_code(:TYPE_INVALID) { source.emit(nil, 1) }
    assert_code(:TIME_INVALID) { source.emit("http.hit", 1, time: "now") }
    assert_code(:EXTENSION_INVALID) { source.emit("http.hit", 1, seq: 5) }
    assert_code(:EVENT_TOO_LARGE, /1048576 bytes.*http\.hit/) { source.emit("http.hit", "x" * 1024 * 1024) }
    assert source.emit("http.hit", "x" * 1_000_000)
    @receiver.until_events(2)
    assert_equal [0, 1], @receiver.messages.map(&:seq)
  end

  def test_threads_may_emit_at_the_same_time
    source = connected
    threads = Array.new(8) { |t| Thread.new { 500.times { |i| source.emit("http.hit", t * 500 + i) } } }
    threads.each(&:join)
    @receiver.until_events(4000)
    assert_equal (0...4000).to_a, @receiver.events.map { |event| event["data"] }.sort
    assert_equal 0, @receiver.lost
  end

  def test_an_exception_from_another_thread_spoils_no_message
    source = connected
    seed = Random.new_seed
    random = Random.new(seed)
    emitted = 0
    20.times do
      thread = Thread.new { loop { source.emit("http.hit", emitted += 1) && (Thread.pass if (emitted % 20).zero?) } }
      thread.report_on_exception = false
      sleep(random.rand * 0.003)
      thread.raise("stop")
      thread.join rescue nil
    end
    source.close
    @receiver.until("it has drained") { @receiver.heartbeats.any? && @receiver.lost.zero? }
    numbers = @receiver.events.map { |event| event["data"] }
    assert_equal numbers.sort.uniq, numbers, "seed #{seed}"
    assert_operator emitted - numbers.size, :<=, 20, "seed #{seed}"
  end

  def test_it_reports_while_somebody_asks
    source = connected(subscribe: ["", "_report.source"])
    3.times { source.emit("http.hit", 1) }
    source.emit("cpu.usage", 1)
    source.flush(timeout: 20)
    @receiver.until("it has reported") do
      look
      @receiver.messages.any? { |message| message.type == "_report.source" && !message.heartbeat? }
    end
    source.emit("cpu.usage", 1)
    source.close
    @receiver.until("it has drained") { @receiver.heartbeats.count { |message| message.type == "cpu.usage" && message.seq == 2 } == 1 }
    last = @receiver.messages.select { |message| message.type == "_report.source" }.flat_map(&:events).last["data"]
    assert_equal({ "sent" => 5, "unwanted" => 0, "dropped" => 0, "ended" => true,
                   "streams" => [{ "type" => "http.hit", "sent" => 3 }, { "type" => "cpu.usage", "sent" => 2 }] }, last)
    assert_equal 0, @receiver.lost
  end

  def test_closed_it_says_so
    source = connected
    source.close
    source.close
    assert source.closed?
    assert_code(:CLOSED) { source.emit("http.hit", 1) }
    assert_code(:CLOSED) { source.flush }
    assert_code(:CLOSED) { source.subscribed("http.hit", timeout: 1) }
    assert_code(:CLOSED) { Eventstorm::Source.new("a").tap(&:close).start }
  end

  def test_the_block_has_its_result_and_closes_behind_itself
    receiver = receiver()
    kept = nil
    result = Eventstorm::Source.open("web-1", connect: receiver.endpoint) do |source|
      kept = source
      waiting = Thread.new { source.subscribed("http.hit", timeout: 20) }
      receiver.until("the source has heard") { waiting.stop? && !waiting.alive? }
      assert_same source, waiting.value
      5.times { |i| source.emit "http.hit", status: i }
      :result
    end
    assert_equal :result, result
    assert kept.closed?
    receiver.until_events(5)
    assert_raises(IOError) { Eventstorm::Source.open("web-1", connect: receiver.endpoint) { |source| raise IOError, (kept = source).name } }
    assert kept.closed?
  end

  def test_it_finds_a_receiver_that_comes_late
    folder = Dir.mktmpdir("eventstorm-")
    endpoint = "ipc://#{folder}/bus"
    source = source(connect: endpoint, reconnect_interval: 0.01)
    refute source.emit("http.hit", 1)
    late = receiver(endpoint:)
    late.until_heard(source)
    assert source.emit("http.hit", 2)
    late.until_events(1)
  ensure
    FileUtils.remove_entry(folder)
  end

  def test_a_source_that_is_forgotten_costs_no_thread_once_closed
    before = Thread.list.size
    5.times { Eventstorm::Source.open("a", connect: "tcp://127.0.0.1:9", &:name) }
    assert_equal before, Thread.list.size
  end

  def test_many_subscriptions_at_once
    prefixes = Array.new(3000) { |i| "t.#{i}." }
    # Each is a message of its own, more than are held for a subscriber otherwise.
    source = connected(subscribe: prefixes, type: "t.2999.x", send_high_water_mark: 10_000)
    assert(prefixes.each_with_index.all? { |prefix, i| source.emit("#{prefix}x", i) })
    refute source.emit("t.x", 1)
    @receiver.until_events(3000)
    assert_equal 0, @receiver.lost
  end

  def test_a_thread_that_was_killed_is_noticed
    before = Thread.list
    source = connected
    (Thread.list - before).each { |thread| thread.kill.join }
    assert_code(:CLOSED) { source.emit("http.hit", 1) }
  end

  def test_a_socket_that_fails_is_told
    before = Thread.list
    source = connected
    failing = (Thread.list - before).first
    _, stderr = capture_io { failing.raise(IOError, "no more sockets").then { failing.join } }
    assert_match(/the source web-1 has stopped: IOError: no more sockets/, stderr)
    assert_code(:CLOSED, /IOError: no more sockets/) { source.emit("http.hit", 1) }
  end

  def test_nothing_of_it_is_shown
    assert_equal '#<Eventstorm::Source "web-1">', source(connect: "tcp://127.0.0.1:9").inspect
  end
end
