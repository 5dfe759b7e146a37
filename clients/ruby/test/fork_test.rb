# frozen_string_literal: true

require_relative "setup"

class ForkTest < ClientTest
  # Runs the block in a forked process, which ends as a program does, with what was registered for its end.
  def child(expect: 0)
    pid = fork do
      yield
    rescue StandardError, Minitest::Assertion => e
      warn e.full_message
      exit 1
    end
    _, status = Process.wait2(pid)
    assert_equal expect, status.exitstatus, "the child ended with #{status}"
  end

  def setup
    @receiver = receiver
    @source = source(connect: @receiver.endpoint)
    @receiver.until_heard(@source)
  end

  def in_background(&) = Thread.new(&)

  # A forked process that emits. The receiver is the parent's, so it has to be read meanwhile.
  def emitting_child(&block)
    waiting = in_background { child(&block) }
    @receiver.until("the child has ended") { !waiting.alive? }
    waiting.value
  end

  def test_a_child_is_a_source_of_its_own
    source = @source
    source.emit("http.hit", "parent")
    source.flush
    emitting_child do
      raise "it brought counters along" unless source.counters[:sent].zero?
      source.subscribed("http.hit", timeout: 20)
      2.times { source.emit("http.hit", "child") }
    end
    source.emit("http.hit", "parent")
    source.close
    @receiver.until_events(4)
    by_epoch = @receiver.messages.reject(&:heartbeat?).group_by { |message| message.header["epoch"] }
    data = by_epoch.values.map { |messages| messages.flat_map(&:events).map { |event| event["data"] } }
    assert_equal [%w[child child], %w[parent parent]], data.sort
    assert_equal ["web-1"], @receiver.messages.map { |message| message.header["source"] }.uniq
    assert_equal 0, @receiver.lost
  end

  def test_a_child_that_does_not_emit_harms_nobody
    before = @source.epoch
    emitting_child { GC.start }
    emitting_child { exit }
    @source.emit("http.hit", 1)
    @receiver.until_events(1)
    assert_equal [before], @receiver.messages.map { |message| message.header["epoch"] }.uniq
  end

  def test_what_the_parent_holds_is_sent_by_the_parent_alone
    source = source("web-2", connect: @receiver.endpoint, linger: 1000)
    @receiver.until_heard(source)
    5.times { |i| source.emit("http.hit", i) }
    emitting_child { source.subscribed("http.hit", timeout: 20).emit("http.hit", 5) }
    source.close
    @receiver.until_events(6)
    assert_equal [0, 1, 2, 3, 4, 5], @receiver.events.map { |event| event["data"] }.sort
    assert_equal 0, @receiver.lost
  end

  def test_forked_while_other_threads_emit
    done = false
    source = @source
    # No more than the queue has room for, however long the children take.
    emit = -> { source.counters[:queued] < 10_000 ? source.emit("http.hit", 1) : sleep(0.001) }
    threads = Array.new(3) { Thread.new { emit.call && Thread.pass until done } }
    3.times { emitting_child { source.subscribed("http.hit", timeout: 20).emit("http.hit", 2) } }
    done = true
    threads.each(&:join)
    source.close
    # The last of a source is a heartbeat; a child's may come after the parent's.
    sent = source.counters[:sent]
    own = ->(message) { message.header["epoch"] == source.epoch }
    @receiver.until("the parent's have come") { @receiver.heartbeats.any? { |message| own.(message) && message.seq == sent } }
    @receiver.until("the children's have come") { @receiver.messages.reject(&own).sum(&:count) >= 3 }
    assert_equal 3, @receiver.events.count { |event| event["data"] == 2 }
    assert_equal 0, @receiver.lost
  end

  def test_a_closed_one_stays_closed
    source = @source
    source.close
    child { assert_code(:CLOSED) { source.emit("http.hit", 1) } }
  end

  def test_a_child_may_close_its_own_without_having_used_it
    source = @source
    emitting_child { source.close }
    assert source.emit("http.hit", 1)
    @receiver.until_events(1)
  end

  def test_a_daemon_goes_on_as_another_source
    source = @source
    emitting_child do
      source.subscribed("http.hit", timeout: 20).emit("http.hit", "child")
      source.flush
      Process.daemon(true, true)
      source.subscribed("http.hit", timeout: 20).emit("http.hit", "daemon")
    end
    @receiver.until_events(2)
    assert_equal %w[child daemon], @receiver.events.map { |event| event["data"] }
    assert_equal 2, @receiver.messages.map { |message| message.header["epoch"] }.uniq.size
  end
end
