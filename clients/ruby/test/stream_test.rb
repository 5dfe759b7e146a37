# frozen_string_literal: true

require_relative "setup"

class StreamTest < ClientTest
  def setup
    @header = Eventstorm::Header.new("web-1", 1_767_225_600_000_000)
    @stream = Eventstorm::Stream.new("http.hit")
  end

  def event(bytes) = Eventstorm::Event.encode("x" * (bytes - 30), nil, Time.at(0))

  # Number of the first event, how many, and the size of the message.
  def pack(*taken, max_events: 1000, max_bytes: 65_536)
    messages = []
    @stream.each_message(taken, @header, max_events:, max_bytes:) do |body, count|
      message = Receiver::Message.new("http.hit", body)
      assert_equal count, message.events.size
      messages << [message.seq, message.count, body.bytesize]
    end
    messages
  end

  def test_the_size_of_an_event_is_as_this_test_thinks
    assert_equal 100, event(100).bytesize
  end

  def test_a_message_has_so_many_events
    assert_equal [[0, 3], [3, 3], [6, 1]], pack(*[event(100)] * 7, max_events: 3).map { |seq, n, _| [seq, n] }
    assert_equal [[7, 1]], pack(event(100)).map { |seq, n, _| [seq, n] }
  end

  def test_a_message_has_so_many_bytes_and_a_larger_event_travels_alone
    size = @header.size
    assert_equal [[0, 2, size + 200], [2, 1, size + 100]], pack(*[event(100)] * 3, max_bytes: size + 200)
    assert_equal [[3, 1, size + 100], [4, 1, size + 500], [5, 1, size + 100]],
                 pack(event(100), event(500), event(100), max_bytes: size + 200)
    assert_equal [[6, 1, size + 500]], pack(event(500), max_bytes: 10)
  end

  def test_dropped_events_leave_a_gap
    assert_equal [[2, 1], [6, 2]], pack(2, event(50), 3, event(50), event(50)).map { |seq, n, _| [seq, n] }
    assert_equal 8, @stream.next
    assert_empty pack(4)
    assert_equal 12, @stream.next
    @stream.waiting << event(50)
    3.times { @stream.skip }
    assert_equal [event(50), 3], @stream.take
    assert_empty @stream.take
  end

  def test_heartbeats_come_after_longer_and_longer_pauses
    refute @stream.due?(1, true), "nothing was sent"
    pack(event(50))
    due = (2..130).select { |look| @stream.due?(look, false) }
    assert_equal [2, 3, 5, 9, 17, 33, 63, 93, 123], due
  end

  def test_events_begin_the_pauses_anew_and_subscriptions_bring_a_heartbeat
    pack(event(50))
    assert_equal [1, 2, 4], (1..5).select { |look| @stream.due?(look, false) }
    pack(event(50))
    assert_equal [6, 7, 9], (6..10).select { |look| @stream.due?(look, false) }
    assert @stream.due?(11, true)
    refute @stream.due?(12, false)
  end

  def test_heartbeats_are_counted
    pack(event(50), event(50))
    2.times do |at|
      message = Receiver::Message.new("http.hit", @stream.heartbeat(@header))
      assert_equal [2, 0, at + 1], [message.seq, message.count, message.beat]
    end
  end

  def test_reports_list_so_many_streams_and_the_last_says_that_it_is_the_end
    streams = Array.new(1001) { |i| Eventstorm::Stream.new("t.#{i}") }
    streams.each { |stream| stream.each_message([event(50), 2], @header, max_events: 10, max_bytes: 1000) {} }
    reports = Eventstorm::Report.of(streams, { unwanted: 4, refused: 5 }, ended: true)
    assert_equal [500, 500, 1], reports.map { |report| report["streams"].size }
    assert_equal [[3003, 4, 5]], reports.map { |report| report.values_at("sent", "unwanted", "dropped") }.uniq
    assert_equal [nil, nil, true], reports.map { |report| report["ended"] }
    assert_equal({ "type" => "t.1000", "sent" => 3 }, reports.last["streams"].first)
    assert_equal [[]], Eventstorm::Report.of([], { unwanted: 0, refused: 0 }).map { |report| report["streams"] }
  end

  def test_epochs_are_never_the_same
    now = Time.at(1_767_225_600, 123_456, :microsecond)
    epochs = Array.new(100) { Eventstorm::Epoch.take(now) }
    assert_equal epochs.uniq.sort, epochs
    later = Time.now + 3600
    assert_in_delta later.to_r * 1_000_000, Eventstorm::Epoch.take(later), 1000
    # Forked within the same moment, as workers are.
    moment = Time.now + 7200
    theirs = Array.new(5) { IO.popen("-") { |io| io ? io.read.to_i : print(Eventstorm::Epoch.take(moment)) } }
    assert_equal 5, theirs.uniq.size
  end
end
