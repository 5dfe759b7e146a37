# frozen_string_literal: true

module Eventstorm
  # Time as the library sees it. Tests bring another one.
  module Clock
    module_function

    # Seconds that only ever grow.
    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    # The time of day, for events that bring none.
    def time
      Time.now
    end

    # Waits until one of the readers can be read, `seconds` at most.
    def wait(readers, seconds)
      IO.select(readers, nil, nil, seconds)
    end
  end
end
