#!/bin/sh
# Makes auth.log anew with a real sshd; see real-sshd.sh for what that needs.
set -eu
samples=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
port=40222
mkfifo "$folder/stdin"
unshare --mount --propagation private sh "$samples/real-sshd.sh" "$folder" $port < "$folder/stdin" &
server=$!
exec 3> "$folder/stdin"
until grep -q 'Server listening' "$folder/new.log" 2> /dev/null; do sleep 0.1; done

login() {
  ssh -F none -p $port -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@" 127.0.0.1 true || true
}
login -l root -i "$folder/good"
login -l root -i "$folder/bad"
login -l root -i "$folder/bad" -i "$folder/worse" -i "$folder/good"
login -l 'oracle from 192.0.2.99 port 22 ssh2' -i "$folder/bad"
login -l root -i "$folder/good" -o Ciphers=aes128-cbc
sleep 1
exec 3>&-
wait $server
sed "s|$folder|/etc/ssh|g; s/^\([^ ]*\) [^ ]*/\1 web-1/" "$folder/new.log" > "$samples/auth.log"
rm -r "$folder"
