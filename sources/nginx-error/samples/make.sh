#!/bin/bash
# Makes error.log anew: a real nginx on a loopback port, asked by curl and by hand. Needs nginx, curl, node and bash.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work" # the workers may run as somebody else
port=${PORT:-18094}
mkdir -p "$work/html/closed"
echo hello > "$work/html/index.html"
cat > "$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log info;
events {}
http {
  access_log off; limit_req_zone \$server_name zone=slow:64k rate=1r/s;
  client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  server {
    listen 127.0.0.1:$port; server_name shop.example; root $work/html; client_max_body_size 1k; client_header_timeout 1s;
    location /private/ { deny all; }
    location /admin/ { auth_basic admin; auth_basic_user_file $work/users; }
    location /away/ { proxy_pass http://127.0.0.1:9; }
    location /hang/ { proxy_pass http://127.0.0.1:$((port + 1)); proxy_read_timeout 1s; }
    location /slow/ { limit_req zone=slow burst=2; }
    location /dead/ { fastcgi_pass unix:$work/nobody.sock; }
    location /php/ { fastcgi_pass unix:$work/php.sock; }
    location /loop/ { rewrite ^ /loop/ last; }
  }
}
CONF
echo 'mary:{PLAIN}secret' > "$work/users"
node -e '
const record = (type, text) => Buffer.concat([Buffer.from([1, type, 0, 1, text.length >> 8, text.length & 255, 0, 0]), Buffer.from(text)])
require("net").createServer((socket) => socket.on("error", () => {}).once("data", () => {
  socket.write(record(7, "PHP message: PHP Warning:  Undefined variable $a in /srv/a.php on line 3\nPHP message: PHP Fatal error:  Uncaught Error: no\nStack trace:\n#0 {main}"))
  socket.end(Buffer.concat([record(6, "Content-Type: text/plain\r\n\r\nok"), record(6, ""), record(3, "\0".repeat(8))]))
})).listen({ path: process.argv[1], writableAll: true })
require("net").createServer(() => {}).listen(+process.argv[2], "127.0.0.1")
' "$work/php.sock" $((port + 1)) &
responder=$!
nginx -p "$work" -c "$work/nginx.conf" 2>/dev/null &
server=$!
trap 'kill $server $responder; wait 2>/dev/null || true; rm -rf "$work"' EXIT
until curl -s -o /dev/null "127.0.0.1:$port/" && [ -S "$work/php.sock" ]; do sleep 0.1; done

get() { curl -s -o /dev/null --max-time 3 -H 'Host: shop.example' -e 'http://other.example/?a, b' "$@" || true; }
# The request byte by byte, as no client would send it.
raw() { { printf "$1" >&3; timeout 2 cat <&3 >/dev/null || true; } 3<>"/dev/tcp/127.0.0.1/$port" || true; }
url="127.0.0.1:$port"
for path in /missing '/caf%C3%A9' '/two%0Alines' '/a%2C%20client%3A%20203.0.113.9%2C%20server%3A%20x' /closed/ /private/ /away/x \
  /hang/x /dead/a.php /php/a.php /php/b.php /loop/ '/quote"d'; do
  get "$url$path"
done
get -u mary:wrong "$url/admin/"
get -u nobody:x "$url/admin/"
get -X POST --data-binary "$(head -c 3000 /dev/zero | tr '\0' x)" "$url/"
clients=()
for i in 1 2 3 4 5; do get "$url/slow/$i" & clients+=($!); done
wait "${clients[@]}"
get "$url/$(printf 'x%.0s' $(seq 200))/$(printf 'y%.0s' $(seq 900))"
raw 'GET / HTTP/1.1\r\n\r\n'
raw 'hello\r\n\r\n'
raw 'GET /%%zz HTTP/1.1\r\nHost: x\r\n\r\n'
raw 'GET / HTTP/1.1\r\nHost: a b\r\nBad Header: x\r\n\r\n'
raw 'GET '
kill -USR1 $server
sleep 0.5
# As long as the folder it really was, so that the messages are cut where they were cut.
sed "s|$work|/var/www/shop_sites|g" "$work/error.log" > "$here/error.log"
echo "$(wc -l < "$here/error.log") lines"
