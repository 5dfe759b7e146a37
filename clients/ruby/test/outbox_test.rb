# frozen_string_literal: true

require_relative "setup"

class OutboxTest < ClientTest
  EVENT = Eventstorm::Event.encode("x" * 70, nil, Time.at(0)).freeze
  PLACE = EVENT.bytesize + Eventstorm::Outbox::OVERHEAD

  def outbox(events: 1000, subscribed: true, **options)
    @rings = 0
    @clock = ControlledClock.new
    Eventstorm::Outbox.new(max_bytes: events * PLACE, max_types: 10, clock: @clock, **options) { @rings += 1 }
                      .tap { |outbox| outbox.subscriptions(["\x01"]) if subscribed }
  end

  def emit(outbox, type) = (stream = outbox.stream(type)) && outbox.put(stream, EVENT)
  def taken(outbox) = outbox.take.to_h { |stream, events| [stream.type, events] }
  def hand(outbox) = outbox.take.sum { |_, events| events.grep(String).size }
                           .then { |events| outbox.handed(events:, messages: 1, bytes: 1) }

  def test_only_what_is_wanted_is_taken
    box = outbox(subscribed: false)
    refute emit(box, "http.hit")
    box.subscriptions(["\x01http.", "\x01cpu"])
    assert emit(box, "http.hit")
    assert emit(box, :"cpu.usage")
    refute emit(box, "mail.sent")
    box.subscriptions(["\x00http."])
    refute emit(box, "http.hit")
    assert_equal({ "http.hit" => [EVENT], "cpu.usage" => [EVENT] }, taken(box))
    assert_equal 3, box.counters[:unwanted]
  end

  def test_a_bad_type_is_refused_whether_wanted_or_not
    [true, false].each do |subscribed|
      box = outbox(subscribed:)
      2.times { assert_code(:TYPE_INVALID) { box.stream("a b") } }
      2.times { assert_code(:TYPE_INVALID) { box.stream("_report.source") } }
    end
  end

  def test_what_finds_no_room_is_dropped_and_leaves_a_gap
    box = outbox(events: 2)
    assert_equal [true, true, false, false], Array.new(4) { emit(box, "a") }
    refute emit(box, "b")
    assert_equal({ "a" => [EVENT, EVENT, 2], "b" => [1] }, taken(box))
    assert_equal [2, 3], box.counters.values_at(:queued, :dropped)
    refute emit(box, "a"), "what is being sent still takes its room"
    box.handed(events: 2, messages: 1, bytes: 1)
    assert emit(box, "a")
    assert_equal({ "a" => [1, EVENT] }, taken(box))
    assert_equal [2, 1, 4], box.counters.values_at(:sent, :queued, :dropped)
  end

  def test_there_are_so_many_types
    box = outbox(max_types: 2)
    assert emit(box, "a")
    assert emit(box, "b")
    refute emit(box, "c")
    assert emit(box, "a")
    assert_equal [1, 0, 0], box.counters.values_at(:refused, :dropped, :unwanted)
    assert_equal %w[a b], taken(box).keys
  end

  def test_types_that_nobody_wants_take_no_place
    box = outbox(max_types: 1, subscribed: false)
    5000.times { |i| refute emit(box, "t.#{i}") }
    assert_operator box.instance_variable_get(:@ignored).size, :<=, Eventstorm::Outbox::MAX_IGNORED
    box.subscriptions(["\x01"])
    assert emit(box, "t.4999")
    assert_equal 5000, box.counters[:unwanted]
  end

  def test_the_sender_is_woken_once_and_the_rest_waits_for_company
    box = outbox
    assert_nil box.due(5)
    3.times { emit(box, "a") }
    emit(box, "b")
    assert_equal 1, @rings
    assert_equal 5, box.due(5)
    @clock.advance(2)
    emit(box, "a")
    assert_equal 3, box.due(5)
    @clock.advance(10)
    assert_equal 0, box.due(5)
    box.take
    assert_nil box.due(5)
    emit(box, "a")
    assert_equal 2, @rings
  end

  def test_flush_waits_for_what_was_there_before
    box = outbox
    emit(box, "a")
    waiting = Thread.new { box.await_handed(20) }
    Thread.pass until box.due(100)&.zero?
    hand(box)
    emit(box, "a")
    assert waiting.value
    refute box.await_handed(0.01)
  end

  def test_interest_can_be_waited_for
    box = outbox(subscribed: false)
    refute box.await_interest("a", 0.01)
    waiting = Thread.new { box.await_interest("a.b", 20) }
    Thread.pass until waiting.stop?
    box.subscriptions(["\x01a."])
    assert waiting.value
  end

  def test_closed_it_takes_nothing_and_nobody_waits_any_more
    box = outbox
    stream = box.stream("a")
    waiting = Thread.new { assert_code(:CLOSED) { box.await_handed(nil) } }
    waiting.report_on_exception = false
    emit(box, "a")
    Thread.pass until waiting.stop?
    box.close
    waiting.value
    assert_code(:CLOSED) { box.put(stream, EVENT) }
    assert_code(:CLOSED) { box.stream("a") }
    assert_equal({ "a" => [EVENT] }, taken(box), "what was there before is still there to be sent")
  end

  def test_what_ended_it_is_told
    box = outbox
    box.close(IOError.new("no more sockets"))
    assert_code(:CLOSED, /IOError: no more sockets/) { box.stream("a") }
  end

  def test_threads_lose_nothing_and_count_everything
    box = outbox(events: 50)
    lost = got = 0
    sender = Thread.new do
      until Thread.current[:done] && box.due(0).nil?
        box.take.each do |_, events|
          events.each { |event| event.is_a?(Integer) ? lost += event : got += 1 }
        end
        box.handed(events: 0, messages: 0, bytes: 0)
        Thread.pass
      end
    end
    threads = Array.new(4) { |t| Thread.new { 5000.times { |i| emit(box, "t.#{(t + i) % 3}") } } }
    threads.each(&:join)
    sender[:done] = true
    sender.join
    assert_equal 20_000, lost + got
    assert_equal lost, box.counters[:dropped]
    assert_operator lost, :>, 0
  end
end
