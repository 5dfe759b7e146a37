# frozen_string_literal: true

module Eventstorm
  # The XPUB socket, with the options that PROTOCOL.md gives a source. It belongs to one thread.
  class Socket
    # The same functions as ffi-rzmq's, but these keep Ruby's lock: they never wait, and to give the lock away for each call
    # would let every other thread of the program go first each time.
    module Native
      extend FFI::Library
      ffi_lib LibZMQ.ffi_libraries.map(&:name)
      attach_function :zmq_send, %i[pointer buffer_in size_t int], :int
      attach_function :zmq_recv, %i[pointer buffer_out size_t int], :int
    end
    private_constant :Native

    # What a subscriber may send at once, bytes.
    MAX_FRAME = 1024
    # Milliseconds.
    MAX_RECONNECT = 10_000
    HANDSHAKE = 5000

    # @raise [Error] CONNECT_FAILED
    def initialize(options)
      @context = ZMQ::Context.new
      @socket = ZMQ::Socket.new(@context, ZMQ::XPUB)
      @pointer = @socket.socket
      @buffer = FFI::MemoryPointer.new(MAX_FRAME)
      configure(options)
      options.connect.each_with_index { |endpoint, at| dial(endpoint, options.curve&.last&.at(at)) }
      fd = []
      @socket.getsockopt(ZMQ::FD, fd)
      @reader = IO.for_fd(fd.first, "r", autoclose: false)
    rescue StandardError
      close(0)
      raise
    end

    # Becomes readable when `receive` should be asked, until it has said nil.
    attr_reader :reader

    def send(type, body)
      hand(type, ZMQ::SNDMORE)
      hand(body, 0)
    end

    # The next frame from a subscriber, or nil.
    def receive
      size = Native.zmq_recv(@pointer, @buffer, MAX_FRAME, ZMQ::DONTWAIT)
      return @buffer.read_bytes([size, MAX_FRAME].min) if size >= 0
      errno = FFI.errno
      return if errno == Errno::EAGAIN::Errno || errno == Errno::EINTR::Errno
      raise SystemCallError.new("zmq_recv", errno)
    end

    # Gives what was sent this long to leave, in seconds, and waits for it.
    def close(linger)
      set(ZMQ::LINGER, (linger * 1000).ceil) if @pointer
      @pointer = nil
      @socket&.close
      @context&.terminate
    end

    private

    def hand(bytes, flags)
      return if Native.zmq_send(@pointer, bytes, bytes.bytesize, flags | ZMQ::DONTWAIT) >= 0
      raise SystemCallError.new("zmq_send", FFI.errno)
    end

    def configure(options)
      set(ZMQ::SNDHWM, options.send_high_water_mark)
      set(ZMQ::RCVHWM, 0)
      set(ZMQ::IMMEDIATE, 1)
      set(ZMQ::LINGER, 0)
      set(ZMQ::MAXMSGSIZE, MAX_FRAME, :int64)
      set(ZMQ::TCP_KEEPALIVE, 1)
      set(ZMQ::HANDSHAKE_IVL, HANDSHAKE)
      set(ZMQ::RECONNECT_IVL, (options.reconnect_interval * 1000).round)
      set(ZMQ::RECONNECT_IVL_MAX, MAX_RECONNECT)
      return unless options.curve
      own_public, own_secret, = options.curve
      set(ZMQ::CURVE_PUBLICKEY, own_public, :text)
      set(ZMQ::CURVE_SECRETKEY, own_secret, :text)
    end

    def dial(endpoint, server_key)
      # With it a name is looked up as IPv6 first, and "localhost" would not be 127.0.0.1.
      set(ZMQ::IPV6, endpoint.include?("[") ? 1 : 0)
      set(ZMQ::CURVE_SERVERKEY, server_key, :text) if server_key
      return if @socket.connect(endpoint) >= 0
      raise Error.new(:CONNECT_FAILED, "cannot dial #{endpoint}: #{ZMQ::Util.error_string}")
    end

    def set(option, value, kind = :int)
      pointer = kind == :text ? FFI::MemoryPointer.from_string(value) : FFI::MemoryPointer.new(kind)
      pointer.put(kind, 0, value) unless kind == :text
      return if LibZMQ.zmq_setsockopt(@pointer, option, pointer, pointer.size) >= 0
      raise Error.new(:OPTIONS_INVALID, "libzmq refuses option #{option}: #{ZMQ::Util.error_string}")
    end
  end
end
