# frozen_string_literal: true

require "json"

# The test vectors of protocol/, as every implementation reads them.
module Vectors
  FOLDER = File.expand_path("../../../protocol/vectors", __dir__)

  def self.read(name)
    JSON.parse(File.read(File.join(FOLDER, "#{name}.json"), encoding: Encoding::UTF_8))
  end

  def self.bytes(hex)
    [hex].pack("H*")
  end
end
