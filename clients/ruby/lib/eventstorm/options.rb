# frozen_string_literal: true

require "did_you_mean"
require "socket"

module Eventstorm
  # The options of a source, each described once: what is checked and the table in the README come from here.
  module Options
    Option = Struct.new(:default, :kind, :description)

    ALL = {
      connect: Option.new(["tcp://127.0.0.1:5555"], :endpoints, "Router or sink to dial, or a list of them."),
      key: Option.new(nil, :path, "File with the key pair of this end, made by `eventstorm keygen`."),
      server_key: Option.new(nil, :keys, "Public key of what is dialled: a file NAME.pub, or the key itself; " \
                                         "one for all, or one for each in order."),
      linger: Option.new(0.005, :seconds, "How long an event may wait for company in its message."),
      batch_events: Option.new(1000, :count, "Events in one message at most."),
      batch_bytes: Option.new(64 * 1024, :count, "Bytes of one message at most; a larger event travels alone."),
      max_event_bytes: Option.new(1024 * 1024, :count, "Largest event; a larger one is refused. Above 4 MiB routers and " \
                                                       "sinks need a larger `maxMessageBytes` too."),
      max_queue_bytes: Option.new(16 * 1024 * 1024, :count, "Bytes that wait to be sent at most, with 64 for each event " \
                                                            "added; events beyond it are dropped and counted."),
      max_types: Option.new(100_000, :count, "Event types at most; events of further ones are refused and counted."),
      heartbeat: Option.new(1.0, :interval, "Time between heartbeats, which make a loss at the end of a stream visible."),
      send_high_water_mark: Option.new(1000, :count, "Messages held for each slow subscriber, before it loses some."),
      drain_timeout: Option.new(2.0, :seconds, "How long `close`, or the end of the program, may go on sending what is " \
                                               "still held."),
      reconnect_interval: Option.new(1.0, :interval, "First wait before dialling again; doubles up to 10 s."),
      clock: Option.new(Clock, :clock, nil)
    }.freeze

    # Each kind: what it is called, what a value becomes, and nil when it is none.
    KINDS = {
      endpoints: ["tcp://host:port or ipc://path, or a list of them",
                  ->(value) { [*value].then { |list| list if list.any? && list.all?(String) } }],
      keys: ["a key or a file, or a list of them",
             ->(value) { [*value].map { |one| path(one) }.then { |list| list if list.any? && list.all? } }],
      path: ["a path", ->(value) { path(value) }],
      seconds: ["a number of seconds", ->(value) { value if number?(value) && value >= 0 }],
      interval: ["a number of seconds of at least 0.001", ->(value) { value if number?(value) && value >= 0.001 }],
      count: ["a whole number of at least 1", ->(value) { value if value.is_a?(Integer) && value.between?(1, 2**31 - 1) }],
      clock: ["a clock", ->(value) { value if value.respond_to?(:wait) }]
    }.freeze

    ENDPOINT = %r{\A(?:tcp://(?:\[[\w:.%]+\]|[^\s:/\[\]]+):(?<port>\d{1,5})|ipc://[^\0]+)\z}

    Checked = Struct.new(*ALL.keys, :name, :curve, keyword_init: true)

    class << self
      # @raise [Error] OPTIONS_INVALID naming every problem at once, ENDPOINT_INVALID, KEY_INVALID
      def check(name, given)
        problems = given.keys.reject { |key| ALL.key?(key) }.map { |key| unknown(key) }
        values = ALL.to_h do |key, option|
          next [key, option.default] if given.fetch(key, nil).nil?
          expected, convert = KINDS.fetch(option.kind)
          value = convert.call(given[key])
          problems << "#{key}: expected #{expected}, got #{Error.show(given[key])}" if value.nil?
          [key, value]
        end
        source = source_name(name)
        problems << "source: expected a name of 1 to 255 bytes without control characters, got #{Error.show(name)}" unless source
        problems.concat(contradictions(values)) if problems.empty?
        raise Error.new(:OPTIONS_INVALID, problems.join("; ")) if problems.any?
        values[:connect].each { |endpoint| check_endpoint(endpoint) }
        Checked.new(**values, name: source, curve: curve(values)).freeze
      end

      # The rows of the README.
      def table
        rows = ALL.filter_map do |key, option|
          "| `#{key}:` | `#{show(option)}` | #{option.description} |" if option.description
        end
        ["| option | default | meaning |", "| --- | --- | --- |", *rows].join("\n")
      end

      private

      def unknown(key)
        meant = DidYouMean::SpellChecker.new(dictionary: ALL.keys).correct(key).first
        "#{key}: unknown option. #{meant ? "Did you mean #{meant}?" : "Known are: #{(ALL.keys - [:clock]).join(', ')}."}"
      end

      def source_name(name)
        text = (name || ::Socket.gethostname).to_s.encode(Encoding::UTF_8)
        text if Header.valid_source?(text)
      rescue EncodingError
        nil
      end

      def contradictions(values)
        keys = values[:server_key]
        [
          ("key and server_key: CURVE needs both" if values[:key].nil? != keys.nil?),
          ("server_key: expected one, or one for each of the #{values[:connect].size} endpoints, got #{keys.size}" if
            keys && ![1, values[:connect].size].include?(keys.size)),
          ("max_queue_bytes: expected room for one event of max_event_bytes, #{values[:max_event_bytes]} and " \
           "#{Outbox::OVERHEAD}, got #{values[:max_queue_bytes]}" if
            values[:max_queue_bytes] < values[:max_event_bytes] + Outbox::OVERHEAD)
        ].compact
      end

      def check_endpoint(endpoint)
        match = ENDPOINT.match(endpoint.scrub)
        return if match && (match[:port].nil? || match[:port].to_i.between?(1, 65_535))
        raise Error.new(:ENDPOINT_INVALID, "expected tcp://host:port or ipc://path, got #{Error.show(endpoint)}")
      end

      # Of each endpoint the public key, with the own pair in front; nil without keys.
      def curve(values)
        return unless values[:key]
        servers = values[:server_key].map { |key| Key.public(key) }
        servers *= values[:connect].size if servers.size == 1
        [*Key.pair(values[:key]), servers]
      end

      def path(value)
        value.to_s if (value.is_a?(String) || value.respond_to?(:to_path)) && !value.to_s.empty?
      end

      def number?(value)
        (value.is_a?(Integer) || value.is_a?(Float)) && value.finite? && value < 1e9
      end

      def show(option)
        case option.default
        when nil then "none"
        when Array then option.default.join(", ")
        when Integer then option.default.to_s.gsub(/(?<=\d)(?=(?:\d{3})+\z)/, "_")
        else option.default
        end
      end
    end
  end
end
