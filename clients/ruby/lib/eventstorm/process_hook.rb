# frozen_string_literal: true

module Eventstorm
  # Tells a process from the one that it was forked from, without asking the system for each event. ZeroMQ's sockets and
  # threads do not survive a fork, so whoever holds some remembers the generation in which they were made.
  module ProcessHook
    @generation = 0

    class << self
      attr_reader :generation

      def forked
        @generation += 1
      end
    end

    # fork, Process.fork and IO.popen("-") come through here; Process.daemon does not.
    def _fork
      super.tap { |pid| ProcessHook.forked if pid.zero? }
    end

    # The process that calls it ends at once, and nothing that was registered for its end is called.
    def daemon(...)
      Source.drain_all
      super
    ensure
      ProcessHook.forked
    end

    Process.singleton_class.prepend(self)
  end
end
