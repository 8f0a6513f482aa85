#!/usr/bin/env bash
# The daemon under its unit's own restrictions (system call filter, read-only paths, no W+X memory, an unprivileged user)
# stores documents, serves HTTP, delivers a webhook and stops cleanly; and the restrictions are really there.
set -eu
cd "$(dirname "$0")/../.."
state=$(mktemp -d -p /var/tmp bellwether-sandbox-XXXXXX)
daemon=
receiver=
trap 'kill -9 $daemon $receiver 2>/dev/null || true; wait 2>/dev/null; rm -rf "$state"' EXIT
sandboxed() { python3 tests/lib/sandbox.py systemd/bellwether.service "$state" -- "$@"; }

rc=0
sandboxed touch "$state/writable" >"$state/log" 2>&1 || rc=$?
if [ $rc -eq 77 ]; then cat "$state/log"; exit 77; fi
[ $rc -eq 0 ] || { cat "$state/log"; exit 1; }
if sandboxed touch /etc/bellwether-was-here 2>/dev/null; then
	rm -f /etc/bellwether-was-here
	echo "the sandbox lets write /etc"
	exit 1
fi
sandboxed python3 - <<'PY' || { echo "the sandbox lets memory be writable and executable"; exit 1; }
import mmap, sys
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
except OSError:
    sys.exit(0)
sys.exit(1)
PY

cp "${BELLWETHER:-build/bellwether}" "$state/program"
cp -r model/weights "$state/model"
http=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
secret=whsec_c2FuZGJveC1zZWNyZXQtc2FuZGJveA==
echo $secret >"$state/secret"
mkfifo "$state/receiver-says" "$state/receiver-stdin"
exec 7<>"$state/receiver-stdin"
python3 tests/lib/receiver.py --secret $secret --log "$state/received.jsonl" >"$state/receiver-says" <&7 &
receiver=$!
read -r _ port <"$state/receiver-says"
cat etc/demo/history.jsonl etc/demo/day.jsonl >"$state/tape.jsonl"
cat >"$state/c.yaml" <<YAML
database: $state/sandbox.db
model: {path: $state/model}
http: {listen: "127.0.0.1:$http"}
sources:
  - {name: tape, file: {path: $state/tape.jsonl}}
  - {name: feeds, rss: {urls: ["http://127.0.0.1:1/feed"], allow_private: true}}
topics:
  - {name: halberd, any: ["Halberd Bank", "\$HLBD"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month}
receivers:
  - {name: desk, url: "http://127.0.0.1:$port/hook", secret_file: secret}
YAML
chmod -R a+rX "$state"
python3 tests/lib/sandbox.py systemd/bellwether.service "$state" -- "$state/program" run --config "$state/c.yaml" \
	2>"$state/daemon.log" &
daemon=$!
wanted=$(wc -l <"$state/tape.jsonl")
for _ in $(seq 300); do
	stored=$(sqlite3 -readonly "$state/sandbox.db" 'select count(*) from documents_v' 2>/dev/null || echo 0)
	[ "$stored" = "$wanted" ] && grep -q '"alert.firing' "$state/received.jsonl" 2>/dev/null && break
	kill -0 $daemon 2>/dev/null || break
	sleep 0.2
done
if [ "$stored" != "$wanted" ]; then
	cat "$state/daemon.log"
	echo "stored $stored of $wanted documents"
	exit 1
fi
curl -sf http://127.0.0.1:$http/readyz >/dev/null || { echo "/readyz does not answer"; exit 1; }
grep -q 'alert.firing' "$state/received.jsonl" || { cat "$state/daemon.log"; echo "no webhook arrived"; exit 1; }
kill -TERM $daemon
wait $daemon || { echo "SIGTERM: exit $?"; cat "$state/daemon.log"; exit 1; }
daemon=
echo "$stored documents, a webhook and HTTP under the unit's restrictions"
