#!/usr/bin/env bash
# A receiver that is a command works under the restrictions of the daemon's own unit: the system call filter lets it be
# started and killed, and it may write what the unit may.
set -eu
cd "$(dirname "$0")/../.."
state=$(mktemp -d -p /var/tmp bellwether-sandbox-XXXXXX)
trap 'rm -rf "$state"' EXIT
sandboxed() { python3 tests/lib/sandbox.py systemd/bellwether.service "$state" -- "$@"; }
rc=0
sandboxed true >"$state/log" 2>&1 || rc=$?
if [ $rc -eq 77 ]; then
	cat "$state/log"
	exit 77
fi
cp "${BELLWETHER:-build/bellwether}" "$state/program"
cat >"$state/c.yaml" <<YAML
database: $state/sandbox.db
receivers:
  - {name: pager, format: command, command: [/bin/sh, -c, 'cat >"\$0"; id -u >>"\$0"', $state/page.json]}
  - {name: slow, format: command, timeout: 1s, command: [/bin/sh, -c, 'sleep 60 & wait']}
  - {name: outside, format: command, command: [/bin/sh, -c, 'touch /etc/bellwether-was-here']}
YAML
chmod -R a+rX "$state"
chmod 1777 "$state"
send_test() { sandboxed "$state/program" check --config "$state/c.yaml" --send-test "$1" 2>&1 | grep -- "receiver \"$1\"" | tail -1; }
said=$(send_test pager)
case $said in
*"took the test message") ;;
*) echo "pager: $said"; exit 1 ;;
esac
grep -q '"state":"test"' "$state/page.json" || { echo "no message on standard input"; exit 1; }
said=$(send_test slow)
case $said in
*"timed out after 1 s and was killed") ;;
*) echo "slow: $said"; exit 1 ;;
esac
said=$(send_test outside)
case $said in
*"exit status 1: "*"Read-only file system") ;;
*) echo "outside: $said"; exit 1 ;;
esac
echo "a command is started, fed and killed under the unit's restrictions"
