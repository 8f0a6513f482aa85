#!/usr/bin/env bash
# A database that cannot be written until the daemon has nearly ended: what it has to tell by then is stored, and stays for
# the next start.  The desk is down meanwhile, since what reaches it is told and need not wait.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3
db=$scratch/late.db
desk=$(free_port)
cat >"$scratch/late.yaml" <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
receivers:
  - {name: desk, url: "http://127.0.0.1:$desk/hook"}
self: {disk_free: 1 B, hold: 1s}
YAML
mkfifo "$scratch/wire"
start_daemon late "$scratch/late.yaml" "$scratch/wire"
exec {wire}>"$scratch/wire"
ready late
hold_database "$db"
echo '{"id":"1","title":"Northwind Airlines waits","published":"2026-01-05T09:00:00Z","polarity":"neutral"}' >&"$wire"
wait_until "the daemon notices" grep -q "disk: " "$scratch/late.log"
kill -TERM "$daemon"
webhook_has_ended() { ! cat /proc/"$daemon"/task/*/comm 2>/dev/null | grep -qx webhook; }
wait_until "the webhook thread ends first" webhook_has_ended
release_database
wait "$daemon"
equal "exit status" $? 0
equal "the alert on the database waits for the next start" \
	"$(sql "$db" "select a.rule, a.topic, d.event, d.state from alert_history a join delivery_status d on d.alert_id = a.id")" \
	"bellwether|disk|1|pending"

start_server receiver.py --port "$desk" --log "$scratch/received.jsonl"
start_daemon next "$scratch/late.yaml"
told="select count(*) from delivery_status where event = 1 and state = 'sent'"
wait_until "the next start sends it" sql_is "$db" "$told" 1
contains "what the desk got" "$(head -1 "$scratch/received.jsonl")" "cannot be written"
kill -TERM "$daemon"
wait "$daemon"
echo "stored at the last moment, sent by whoever starts next"
