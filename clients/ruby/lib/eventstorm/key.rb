# frozen_string_literal: true

module Eventstorm
  # CURVE keys, as `eventstorm keygen` writes them. No message has more of a secret key than the name of its file.
  module Key
    Z85 = %r{[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}}

    module_function

    # The pair in a file NAME.key: lines `public KEY` and `secret KEY`.
    # @return [Array(String, String)] public and secret key
    # @raise [Error] KEY_INVALID
    def pair(path)
      text = read(path)
      if File.stat(path).world_readable?
        raise Error.new(:KEY_INVALID, "#{path} can be read by everybody; chmod 600 it, or make a new key")
      end
      %w[public secret].map do |half|
        text[/^#{half}[ \t]+(#{Z85})\s*$/, 1] ||
          raise(Error.new(:KEY_INVALID, "expected a line \"#{half} KEY\" in #{path}, as eventstorm keygen writes it"))
      end
    end

    # The public key of whoever is dialled: itself, or a file NAME.pub with a line `NAME KEY`. What is there as a file is one.
    # @raise [Error] KEY_INVALID
    def public(key)
      return key if /\A#{Z85}\z/.match?(key) && !File.file?(key)
      read(key)[/^(?!# )\S+[ \t]+(#{Z85})\s*$/, 1] ||
        raise(Error.new(:KEY_INVALID, "expected a public key of 40 characters, or a file NAME.pub with a line " \
                                      "\"NAME KEY\"; got #{key}"))
    end

    def read(path)
      File.read(path, 64 * 1024).to_s.scrub
    rescue SystemCallError => e
      raise Error.new(:KEY_INVALID, "expected a file with a key: #{e.message}")
    end
  end
end
