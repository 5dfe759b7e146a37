#!/bin/sh
# A real sshd and a real rsyslogd that see nothing but each other: sshd can only log to /dev/log, so they get a
# /dev of their own. Needs root and Debian's openssh-server and rsyslog:
#
#     unshare --mount --propagation private sh real-sshd.sh FOLDER PORT
#
# FOLDER then holds the log with both forms of stamps (old.log: RFC 3164, new.log: RFC 3339) and the keys of a client
# (good, which root may log in with, and bad). It ends when its standard input does.
set -eu
folder=$1
port=$2

mkdir -p "$folder/dev/pts" /run/sshd
for device in null zero full random urandom tty ptmx; do
  : > "$folder/dev/$device"
  mount --bind "/dev/$device" "$folder/dev/$device"
done
mount --rbind /dev/pts "$folder/dev/pts"
ln -s /proc/self/fd "$folder/dev/fd"
mount --rbind "$folder/dev" /dev

cat > "$folder/rsyslog.conf" << END
module(load="imuxsock" SysSock.Name="/dev/log" SysSock.RateLimit.Interval="0")
auth,authpriv.* action(type="omfile" file="$folder/old.log" template="RSYSLOG_TraditionalFileFormat")
auth,authpriv.* action(type="omfile" file="$folder/new.log" template="RSYSLOG_FileFormat")
END
rsyslogd -n -f "$folder/rsyslog.conf" -i "$folder/rsyslogd.pid" > "$folder/rsyslogd.err" 2>&1 &
rsyslogd=$!
while ! [ -S /dev/log ]; do
  kill -0 $rsyslogd
  sleep 0.05
done

for key in host good bad worse; do ssh-keygen -q -t ed25519 -N '' -f "$folder/$key"; done
cp "$folder/good.pub" "$folder/authorized_keys"
cat > "$folder/sshd_config" << END
Port $port
ListenAddress 127.0.0.1
HostKey $folder/host
PidFile none
AuthorizedKeysFile $folder/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxAuthTries 2
UsePAM yes
LogLevel VERBOSE
END
"$(command -v sshd || echo /usr/sbin/sshd)" -D -f "$folder/sshd_config" > "$folder/sshd.err" 2>&1 &
sshd=$!

cat > /dev/null
kill $sshd
wait $sshd || true
kill $rsyslogd
wait $rsyslogd || true
