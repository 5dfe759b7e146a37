#!/bin/bash
# Makes access.log anew: a real nginx on a loopback port, asked by curl and by hand. Needs nginx, curl and bash.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work" # the workers may run as somebody else
port=${PORT:-18089}
mkdir -p "$work/html/img" "$work/html/docs" "$work/logs"
head -c 5000 /dev/zero | tr '\0' a > "$work/html/index.html"
head -c 43000 /dev/zero > "$work/html/img/logo.png"
echo 'body{}' > "$work/html/style.css"
echo 'guide' > "$work/html/docs/guide.html"
echo 'naïve' > "$work/html/café.html"
cat > "$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/error.log;
events {}
http {
  access_log $work/access.log combined;
  client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  types { text/html html; text/css css; image/png png; }
  server {
    listen 127.0.0.1:$port; listen 127.0.0.1:$((port + 1)) http2;
    root $work/html; if_modified_since before; client_max_body_size 1k; client_header_timeout 1s; large_client_header_buffers 4 1k;
    location /old/ { return 301 /docs/; }
    location /login { return 302 /; }
    location /private/ { deny all; }
    location /admin/ { auth_basic admin; auth_basic_user_file /dev/null; }
    location /broken { return 500; }
    location /busy { return 503; }
    location /api/ { return 200 '{"ok":true}'; }
    location /away/ { proxy_pass http://127.0.0.1:9; }
    location /slow/ { proxy_pass http://127.0.0.1:$((port + 2)); proxy_read_timeout 1s; }
  }
  server { listen 127.0.0.1:$((port + 2)); access_log off; location / { limit_rate 1; root $work/html; } }
}
CONF
nginx -p "$work" -c "$work/nginx.conf" &
server=$!
trap 'kill $server; wait $server 2>/dev/null || true; rm -rf "$work"' EXIT
until curl -s -o /dev/null "127.0.0.1:$port/ready"; do sleep 0.1; done

firefox='Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
safari='Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'
chrome='Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
bot='ExampleBot/2.1 (+http://bot.example/about; "quoted" \slash)'
agents=("$firefox" "$safari" "$chrome" "$bot")

get() { curl -s -o /dev/null --max-time 3 "$@" || true; }
# The request byte by byte, as no client would send it.
raw() { { printf "$1" >&3; timeout 2 cat <&3 >/dev/null || true; } 3<>"/dev/tcp/127.0.0.1/$port"; }

for round in $(seq 1 18); do
  url="127.0.0.1:$port"
  from="127.0.0.$((10 + round))"
  agent=${agents[$((round % 4))]}
  as=(--interface "$from" -A "$agent")
  get "${as[@]}" "$url/"
  get "${as[@]}" -e "http://shop.example/" "$url/style.css"
  get "${as[@]}" -e "http://shop.example/?page=$round" "$url/img/logo.png"
  get "${as[@]}" "$url/docs/guide.html?lang=de&page=$round"
  get "${as[@]}" "$url/api/items?id=$round&sort=-price&q=a%20b%2Bc%22d"
  get "${as[@]}" -X POST -d '{"n":1}' "$url/api/orders"
  get "${as[@]}" -X PUT -d 'x' "$url/index.html"
  get "${as[@]}" -X DELETE "$url/api/orders/$round"
  get "${as[@]}" -I "$url/"
  get "${as[@]}" -H "If-Modified-Since: $(date -uR -d '+1 day' | sed 's/+0000/GMT/')" "$url/"
  get "${as[@]}" -r 100-199 "$url/img/logo.png"
  get "${as[@]}" "$url/nothing/here-$round"
  get "${as[@]}" "$url/old/page"
  get "${as[@]}" "$url/login?next=/"
done
url="127.0.0.1:$port"
for path in /private/key /broken /busy /away/x '/caf%C3%A9.html' '/%E2%82%AC?%F0%9F%98%80' '/?' '/a//b/../c' '/%zz'; do
  get -A "$chrome" --path-as-is "$url$path"
done
get -r 99999999- "$url/index.html"
get -u 'mary ann:secret' "$url/"
get -u 'o[b]j "x":y' "$url/docs/"
get -A '' "$url/"
get -H 'User-Agent;' "$url/"
get -A $'tab\there "and" back\\slash caf\xc3\xa9' "$url/"
get -e '-' -A '-' "$url/"
get -X POST --data-binary "@$work/html/img/logo.png" "$url/api/upload"
get "$url/$(printf 'x%.0s' $(seq 1500))"
get -H "X-Large: $(printf 'y%.0s' $(seq 5000))" "$url/"
get -X PROPFIND "$url/docs/"
get -X TRACE "$url/"
get --http2-prior-knowledge "127.0.0.1:$((port + 1))/?over=h2"
get --max-time 0.3 "$url/slow/index.html"
get --max-time 4 "$url/slow/img/logo.png"
raw 'GET / HTTP/1.1\r\n\r\n'
raw 'GET /\r\n'
raw 'hello\r\n\r\n'
raw 'get / http/1.1\r\n\r\n'
raw 'GET /with space HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
raw 'GET /caf\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
raw 'GET /latin\xe9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
raw 'GET /"quote"\\\\back HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
raw 'GET http://shop.example/abs?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
raw 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
raw 'CONNECT shop.example:443 HTTP/1.1\r\nHost: x\r\n\r\n'
raw 'GET / HTTP/3.7\r\n\r\n'
raw 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
raw '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'
raw '\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00\r\n'
raw 'GET '
raw ''
raw '\r\n\r\n\r\n'
sleep 1.5
grep -v '/ready ' "$work/access.log" > "$here/access.log"
echo "$(wc -l < "$here/access.log") lines"
