#!/usr/bin/env bash
# The database cannot be written: nothing can be stored, so the alert that says so is sent past it, and stored as sent when
# that is possible again.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq
db=$scratch/full.db
secret=whsec_ZnVsbC1zZWNyZXQtZnVsbC1zZWNyZXQtZnVsbA==
echo $secret >"$scratch/secret"
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret
desk=$port
cat >"$scratch/full.yaml" <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
receivers:
  - {name: desk, url: "http://127.0.0.1:$desk/hook", secret_file: secret}
self: {disk_free: 1 B, hold: 1s}
YAML
mkfifo "$scratch/wire"
start_daemon full "$scratch/full.yaml" "$scratch/wire"
exec {wire}>"$scratch/wire"
ready full
hold_database "$db"
echo '{"id":"1","title":"Northwind Airlines waits","published":"2026-01-05T09:00:00Z","polarity":"neutral"}' >&"$wire"
is_told() { [ "$(wc -l <"$scratch/received.jsonl")" -ge "$1" ]; }
wait_until "the alert comes although nothing can be stored" is_told 1
equal "stored by then" "$(sql "$db" "select count(*) from alert_history")" 0
equal "signature" "$(jq -r .verified "$scratch/received.jsonl")" true
contains "what it says" "$(jq -r .body "$scratch/received.jsonl")" "cannot be written"

release_database
wait_until "it is stored, as sent" sql_is "$db" \
	"select a.rule, a.topic, d.event, d.state from alert_history a join delivery_status d on d.alert_id = a.id where d.event = 1" \
	"bellwether|disk|1|sent"
id=$(sql "$db" "select id from alert_history")
wait_until "that it is over is told" is_told 2
equal "once each, in order" "$(jq -r .webhook_id "$scratch/received.jsonl" | tr '\n' ' ')" "$id-1 $id-2 "
equal "the document" "$(sql "$db" "select count(*) from documents_v")" 1
stop_daemon
echo "told past a database that cannot be written, stored afterwards, once"
