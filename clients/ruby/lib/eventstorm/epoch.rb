# frozen_string_literal: true

require "socket"
require "zlib"

module Eventstorm
  # The start of an incarnation of a source, in microseconds since 1970.
  module Epoch
    @lock = Mutex.new
    @last = 0

    # Greater than every one before it in this process. Workers that were forked together start within the same
    # microsecond at times, under one name, so the last three digits are the process's own: those of its id, moved by the
    # host's name, as containers have the same ids.
    def self.take(time)
      own = (Process.pid + Zlib.crc32(::Socket.gethostname)) % 1000
      @lock.synchronize { @last = [(time.to_r * 1000).floor * 1000 + own, @last + 1].max }
    end
  end
end
