#!/usr/bin/env bash
# The dead-man's switch: signed signs of life come while all is well, and stop while the database cannot be written.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq curl
db=$scratch/beat.db
secret=whsec_YmVhdC1zZWNyZXQtYmVhdC1zZWNyZXQtYmVhdA==
echo $secret >"$scratch/secret"
start_server receiver.py --log "$scratch/beats.jsonl" --secret $secret
watchman=$port
http=$(free_port)
cat >"$scratch/beat.yaml" <<YAML
database: $db
http: {listen: "127.0.0.1:$http"}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
receivers:
  - {name: watchman, url: "http://127.0.0.1:$watchman/ping", secret_file: secret}
heartbeat: {receiver: watchman, every: 1s}
self: {disk_free: 0}
YAML
mkfifo "$scratch/wire"
start_daemon beat "$scratch/beat.yaml" "$scratch/wire"
exec {wire}>"$scratch/wire"
ready beat
beats() { wc -l <"$scratch/beats.jsonl"; }
have_beats() { [ "$(beats)" -ge "$1" ]; }
wait_until "three heartbeats" have_beats 3
equal "signatures" "$(jq -r .verified "$scratch/beats.jsonl" | sort -u)" true
last() { tail -1 "$scratch/beats.jsonl" | jq -r .body | jq -c .data; }
equal "what it says" "$(last | jq -r '[.state, .status, .alerts_firing, .sources[0].name] | join(" ")')" "heartbeat ok 0 wire"
equal "its id" "$(tail -1 "$scratch/beats.jsonl" | jq -r .webhook_id)" "$(last | jq -r .id)"
equal "every one has its own" "$(jq -r .webhook_id "$scratch/beats.jsonl" | sort | uniq -d)" ""

# ---- somebody holds the database: not ready, no sign of life ----

hold_database "$db"
echo '{"id":"1","title":"Northwind Airlines waits","published":"2026-01-05T09:00:00Z","polarity":"neutral"}' >&"$wire"
is_not_ready() { [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$http/readyz")" = 503 ]; }
wait_until "not ready" is_not_ready
sleep 1
before=$(beats)
sleep 4
equal "heartbeats while the database cannot be written" "$(beats)" "$before"

# ---- and on ----

release_database
wait_until "heartbeats come again" have_beats $((before + 2))
equal "documents" "$(last | jq -r .documents)" 1
contains "the metric" "$(curl -s "http://127.0.0.1:$http/metrics")" 'bellwether_heartbeats_total{receiver="watchman",result="sent"}'
stop_daemon
echo "$(beats) heartbeats, none in between"
