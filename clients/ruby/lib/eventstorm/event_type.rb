# frozen_string_literal: true

module Eventstorm
  # Names of kinds of events: segments with dots between them, such as "http.hit".
  module EventType
    MAX_BYTES = 255

    # Separator and wildcard, control characters, spaces, and what has no shape.
    segment = "[^.*\\u{0000}-\\u{0020}\\u{007F}-\\u{00A0}\\u{00AD}\\u{061C}\\u{1680}\\u{180E}\\u{2000}-\\u{200F}" \
              "\\u{2028}-\\u{202F}\\u{205F}-\\u{206F}\\u{3000}\\u{FEFF}\\u{FFF0}-\\u{FFFF}\\u{E0000}-\\u{E0FFF}]+"
    FORM = /\A#{segment}(?:\.#{segment})*\z/

    module_function

    def valid?(text)
      text.valid_encoding? && text.bytesize <= MAX_BYTES && FORM.match?(text)
    end

    # The type in UTF-8. `_...` is for the library itself.
    def check(type, reserved: false)
      unless type.is_a?(String) || type.is_a?(Symbol)
        raise Error.new(:TYPE_INVALID, "expected an event type such as \"http.hit\", got #{Error.show(type)}")
      end
      text = utf8(type)
      unless text && valid?(text)
        raise Error.new(:TYPE_INVALID, "expected an event type of 1 to #{MAX_BYTES} bytes, such as \"http.hit\": " \
                                       "segments without spaces and wildcards, a dot between them; got #{Error.show(type)}")
      end
      if text.start_with?("_") && !reserved
        raise Error.new(:TYPE_INVALID, "types that begin with \"_\" are reserved, got #{Error.show(type)}")
      end
      text.frozen? ? text : text.dup.freeze
    end

    def utf8(type)
      type.to_s.encode(Encoding::UTF_8)
    rescue EncodingError
      nil
    end
  end
end
