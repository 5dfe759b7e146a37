# frozen_string_literal: true

require_relative "lib/eventstorm/version"

Gem::Specification.new do |gem|
  gem.name = "eventstorm"
  gem.version = Eventstorm::VERSION
  gem.summary = "Emits events into an Eventstorm bus, where every lost event is counted."
  gem.description = "A source for Eventstorm, on ZeroMQ PUB/SUB with BSON framing: it never blocks the program that emits, " \
                    "its memory is bounded, and receivers count what was lost."
  gem.authors = ["The Eventstorm maintainers"]
  gem.license = "MIT"
  gem.files = Dir["lib/**/*.rb", base: __dir__] + ["README.md"]
  gem.required_ruby_version = ">= 3.1"
  gem.add_dependency "bson", "~> 4.15"
  gem.add_dependency "ffi-rzmq", "~> 2.0"
end
