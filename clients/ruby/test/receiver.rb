# frozen_string_literal: true

require "bson"
require "ffi-rzmq"

# The other end of a source: a bound XSUB socket that keeps each message as it came.
class Receiver
  Message = Struct.new(:type, :body) do
    def header
      @header ||= BSON::Document.from_bson(BSON::ByteBuffer.new(body))
    end

    def seq = header["seq"]
    def count = header["n"]
    def beat = header["beat"]
    def heartbeat? = count.zero?

    def events
      rest = body.byteslice(body.unpack1("l<")..)
      Array.new(count) do
        size = rest.unpack1("l<")
        BSON::Document.from_bson(BSON::ByteBuffer.new(rest.slice!(0, size)))
      end
    end
  end

  attr_reader :endpoint, :messages

  def initialize(subscribe: [""], endpoint: "tcp://127.0.0.1:*", patience: 20)
    @patience = patience
    @context = ZMQ::Context.new
    @socket = ZMQ::Socket.new(@context, ZMQ::XSUB)
    { ZMQ::RCVHWM => 0, ZMQ::SNDHWM => 0, ZMQ::LINGER => 0 }.each { |option, value| @socket.setsockopt(option, value) }
    raise "cannot bind #{endpoint}: #{ZMQ::Util.error_string}" if @socket.bind(endpoint) < 0
    bound = []
    @socket.getsockopt(ZMQ::LAST_ENDPOINT, bound)
    @endpoint = bound.first.delete("\0")
    @messages = []
    Array(subscribe).each { |prefix| subscribe(prefix) }
  end

  def subscribe(prefix) = @socket.send_string("\x01#{prefix}")
  def unsubscribe(prefix) = @socket.send_string("\x00#{prefix}")

  # Reads until the block is true.
  def until(what)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + @patience
    loop do
      read
      return self if yield
      raise "waited #{@patience} s in vain until #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
      IO.select(nil, nil, nil, 0.002)
    end
  end

  # Until the source knows of a subscription to the type. A socket that nobody reads does not send any.
  def until_heard(source, type = "http.hit")
    self.until("#{type} is wanted") { source.wanted?(type) }
  end

  def until_events(count)
    self.until("#{count} events have come") { messages.sum(&:count) >= count }
  end

  def heartbeats = messages.select(&:heartbeat?)
  def events = messages.flat_map(&:events)

  # What was lost, by source and epoch, type by type, from number 0 on.
  def lost
    messages.group_by { |message| [message.header["epoch"], message.type] }.sum do |_, stream|
      stream.map { |message| message.seq + message.count }.max - stream.sum(&:count)
    end
  end

  def close
    @socket.close
    @context.terminate
  end

  private

  def read
    loop do
      frames = []
      return if @socket.recv_strings(frames, ZMQ::DONTWAIT) < 0
      type, body = frames
      @messages << Message.new(type.force_encoding(Encoding::UTF_8), body)
    end
  end
end
