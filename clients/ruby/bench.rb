# frozen_string_literal: true

# The source of the bench `clients`: emits the events of bench/event.ts, and prints what they took.
require "eventstorm"
require "json"

TARGETS = ["/", "/products/4711?ref=mail", "/assets/app-8f3c2d.js", "/api/v2/orders/9918/items", "/search?q=chair"].freeze
AGENTS = ["Mozilla/5.0 (X11; Linux x64; rv:138.0) Gecko/20100101 Firefox/138.0",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15", "curl/8.9.1"].freeze
STATUS = [200, 200, 200, 304, 404, 500].freeze

def hit(n)
  {
    n: n, remoteAddr: "10.1.#{n & 255}.#{(n >> 8) & 255}", remoteUser: "frank", method: (n % 7).zero? ? "POST" : "GET",
    target: TARGETS[n % 5], httpVersion: "1.1", status: STATUS[n % 6], bodyBytesSent: 512 + n % 40_000,
    referer: "https://shop.example/categories/garden", userAgent: AGENTS[n % 3], host: "shop.example",
    requestLength: 380 + n % 100, requestTime: (n % 1000) / 1000.0 + 0.0005, upstreamAddr: "127.0.0.1:8080",
    cached: (n % 3).zero?
  }
end

endpoint, count = ARGV
cpu = -> { Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) }
clock = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
source = Eventstorm::Source.open("bench", connect: endpoint, drain_timeout: 60)
source.subscribed("http.hit", timeout: 30)
start = clock.call
before = cpu.call
Integer(count).times do |n|
  source.emit "http.hit", hit(n)
  source.flush(timeout: 30) if n % 1000 == 999
end
source.close
puts JSON.generate(sent: source.counters[:sent], cpu: cpu.call - before, seconds: clock.call - start)
