#!/usr/bin/env bash
# Tries the service in a real systemd: a Debian of its own (debootstrap), booted in a container (systemd-nspawn), with what
# `make install` puts there. Nothing of the machine itself is changed. Needs root and what `make build` has made. To try a
# debug build: BINARIES=.build/debug TOOLCHAIN=/opt/swift, where the toolchain lies. With DEBIAN_SUITE=trixie, whose systemd
# is newer than 252, the service is of the type notify-reload.
set -euo pipefail
cd "$(dirname "$0")/../.."

suite=${DEBIAN_SUITE:-bookworm}
root=${SLUICE_SYSTEMD_ROOT:-.build-systemd/$suite}
binaries=${BINARIES:-.build/release}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
ssl=libssl3
[[ $suite == bookworm ]] || ssl=libssl3t64
packages=systemd,systemd-sysv,dbus,$ssl,libnghttp2-14,libstdc++6,ca-certificates,curl

container= leader= failures=0
cleanup() {
    [[ -z $leader ]] || kill -s SIGRTMIN+4 "$leader" 2>/dev/null || true  # poweroff
    [[ -z $container ]] || { for _ in $(seq 100); do kill -0 "$container" 2>/dev/null || return 0; sleep 0.1; done; kill -9 "$container"; }
}
trap cleanup EXIT

inside() { nsenter -t "$leader" -a -- "$@"; }
property() { inside systemctl show sluice.service -p "$1" --value; }
eventually() { for _ in $(seq 150); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.1; done; return 1; }
check() {
    local what=$1
    shift
    if eventually "$@"; then echo "ok      $what"; else
        echo "FAILED  $what"
        failures=$((failures + 1))
    fi
}
# For `check`, which asks until it is so.
equals() { [[ $(eval "$1") == "$2" ]]; }
contains() { [[ $(eval "$1") == *"$2"* ]]; }
differs() { [[ $(eval "$1") != "$2" ]]; }

if [[ ! -e $root/etc/debian_version ]]; then
    echo "--- a Debian in $root"
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$root.log" 2>&1 || { tail -20 "$root.log"; exit 1; }
fi

echo '--- install'
rm -rf "$root"/etc/sluice "$root"/etc/systemd/system/sluice* "$root"/var/log/journal
make --no-print-directory install DESTDIR="$root" PREFIX=/usr BINARIES="$binaries" >/dev/null
install -m 0755 "$binaries/sluice-demo-function" "$root/usr/bin"
install -d "$root"/etc/systemd/system/sluice.service.d "$root"/etc/sluice/secrets
echo 'a-token-that-only-root-can-read' >"$root/etc/sluice/secrets/admin-token"
chmod 600 "$root/etc/sluice/secrets/admin-token"
cat >"$root/etc/systemd/system/sluice.service.d/try.conf" <<'UNIT'
[Service]
WatchdogSec=3
LoadCredential=admin-token:/etc/sluice/secrets/admin-token
UNIT
version=$(chroot "$root" systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
[[ $version -lt 253 ]] || install -m 0644 deploy/systemd/notify-reload.conf "$root/etc/systemd/system/sluice.service.d"
configuration() {
    cat >"$root/etc/sluice/sluice.yaml" <<YAML
listeners:
  - address: fd:http
  - address: "0.0.0.0:81"
  - address: unix:/run/sluice/http.sock
functions:
  gettysburg:
    local: { command: [sluice-demo-function, gettysburg], concurrency: 4 }
routes:
  - { path: /gettysburg, function: gettysburg }
  - { path: /fixed, respond: { body: "$1" } }
admin: { address: "127.0.0.1:9900", token: "file:\${CREDENTIALS_DIRECTORY}/admin-token" }
access_log: { output: /var/log/sluice/access.log }
drain_timeout: 30s
YAML
}
configuration first

echo '--- boot'
systemd-nspawn -q -D "$root" ${TOOLCHAIN:+--bind-ro="$TOOLCHAIN"} --register=no --keep-unit --private-network -b --console=read-only >"$root.boot.log" 2>&1 &
container=$!
eventually pgrep -P "$container" || { cat "$root.boot.log"; exit 1; }
leader=$(pgrep -P "$container" | head -1)
eventually inside systemctl is-active multi-user.target || { tail -20 "$root.boot.log"; exit 1; }
inside systemctl --version | head -1

echo '--- start'
inside systemd-sysusers
inside systemd-tmpfiles --create sluice.conf
inside systemctl daemon-reload
inside systemctl start sluice.socket
check 'the service starts and says that it is ready' inside systemctl start sluice.service
check 'systemctl shows its status' contains 'property StatusText' 'listening on fd:http, 0.0.0.0:81'
check 'the socket of systemd serves' equals "inside curl -s http://127.0.0.1/fixed" first
check 'a port below 1024 serves, by the capability' equals "inside curl -s http://127.0.0.1:81/fixed" first
check 'the unix socket serves' equals "inside curl -s --unix-socket /run/sluice/http.sock http://h/fixed" first
check 'it runs as its own user' equals "inside ps -o user= -p \$(property MainPID) 2>/dev/null || inside stat -c %U /proc/\$(property MainPID)" sluice
check 'a function of this machine answers' contains "inside curl -s http://127.0.0.1/gettysburg" 'shall not perish'
check 'a credential is read' contains "inside curl -s -H 'Authorization: Bearer a-token-that-only-root-can-read' http://127.0.0.1:9900/config" listeners
check 'the access log is written' contains "cat $root/var/log/sluice/access.log" '"path":"/fixed"'
check 'log lines have their priority' contains "inside journalctl -u sluice -p notice -o cat" 'listening'
check 'errors are few so far' equals "inside journalctl -u sluice -p err -o cat -q _COMM=sluice" ''

echo '--- watchdog'
fed=$(property WatchdogTimestampMonotonic)
check 'it is fed' differs 'property WatchdogTimestampMonotonic' "$fed"

echo '--- reload'
configuration second
inside systemctl reload sluice.service
check 'another configuration is taken' equals "inside curl -s http://127.0.0.1/fixed" second
echo 'nonsense: true' >>"$root/etc/sluice/sluice.yaml"
inside systemctl reload sluice.service
check 'a faulty one is refused, and systemctl says so' contains 'property StatusText' 'the last reload was refused'
check 'its faults are in the journal as errors' contains "inside journalctl -u sluice -p err -o cat" 'nonsense'
check 'what ran goes on' equals "inside curl -s http://127.0.0.1/fixed" second
check 'the service is active' equals 'property ActiveState' active
if [[ $version -ge 253 ]]; then
    check 'its type is notify-reload' equals 'property Type' notify-reload
    for text in fourth fifth; do
        configuration $text
        inside systemctl reload sluice.service
        # At once, and not by and by.
        now=$(inside curl -s http://127.0.0.1/fixed)
        check "systemctl waits until the $text one is taken" equals "echo $now" $text
    done
fi
configuration third

echo '--- upgrade'
before=$(property MainPID)
inside curl -sN http://127.0.0.1/gettysburg >"$root.stream" &
stream=$!
sleep 2
inside systemctl kill --signal=USR2 --kill-whom=main sluice.service
check 'another process is the main one' differs 'property MainPID' "$before"
check 'it serves, with the file as it is now' equals "inside curl -s http://127.0.0.1/fixed" third
check 'it says so' contains 'property StatusText' 'listening on fd:http'
check 'the stream that ran is whole' wait "$stream"
check 'to its last word' contains "cat $root.stream" 'shall not perish'
check 'the process before has ended' eval "! inside test -e /proc/$before"
check 'the service is active' equals 'property ActiveState' active
fed=$(property WatchdogTimestampMonotonic)
check 'the watchdog is fed by the new process' differs 'property WatchdogTimestampMonotonic' "$fed"
check 'no message was refused' equals "inside journalctl -o cat -q -g 'notification message.*reception only permitted' | wc -l" 0

echo '--- a process that hangs'
inside systemctl kill --signal=STOP --kill-whom=main sluice.service
check 'systemd starts it again' equals 'property NRestarts' 1
check 'it serves' equals "inside curl -s http://127.0.0.1/fixed" third

echo '--- stop'
inside curl -sN http://127.0.0.1:81/gettysburg >"$root.stream" &
stream=$!
sleep 2
inside systemctl stop sluice.service
check 'the stream that ran is whole' wait "$stream"
check 'to its last word' contains "cat $root.stream" 'shall not perish'
check 'it ended well' equals 'property Result' success
check 'the socket is open still, and starts it again' equals "inside curl -s http://127.0.0.1/fixed" third

if [[ $failures -gt 0 ]]; then
    echo "$failures failed; the journal:"
    inside journalctl -u sluice -o short-monotonic --no-pager -n 60
    exit 1
fi
echo 'all is well'
