#!/bin/sh
# Makes messages.log anew: what logger(1) of util-linux sends, one message a line. Needs node and logger.
set -eu
samples=$(cd "$(dirname "$0")" && pwd)
port=45140
node --eval "
  const messages = []
  require('dgram').createSocket('udp4').bind($port, '127.0.0.1').on('message', (bytes) => {
    messages.push(bytes.toString().trimEnd())
    if (messages.length < 3) return
    process.stdout.write(messages.join('\n') + '\n')
    process.exit()
  })
" > "$samples/messages.tmp" &
sleep 1
send() { logger --server 127.0.0.1 --port $port --udp --tag "$@"; }
send nginx --rfc3164 --priority local7.info '192.0.2.1 - - [11/May/2026:22:14:15 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1"'
send backup --id=71 --priority cron.err --msgid END --sd-id 'job@32473' --sd-param 'name="nightly"' \
  --sd-param 'took="41"' 'gave up: disk full'
send backup --rfc5424=notime,notq,nohost 'no time, no host'
wait
sed "s/$(hostname)/web-1/" "$samples/messages.tmp" > "$samples/messages.log"
rm "$samples/messages.tmp"
