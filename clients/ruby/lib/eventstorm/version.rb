# frozen_string_literal: true

module Eventstorm
  VERSION = "0.1.0"
end
