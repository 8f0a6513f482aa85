#!/usr/bin/env bash
# The log has lost what was not read yet: that is recorded, and somebody is told.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq
produce=${PRODUCE:-$root/build/produce}
db=$scratch/gap.db
secret=whsec_Z2FwLXNlY3JldC1nYXAtc2VjcmV0LWdhcC1zZWM=
echo $secret >"$scratch/secret"
trap 'for b in broker second; do tests/lib/broker.sh kill "$scratch/$b" 2>/dev/null; done; clean_up' EXIT
rc=0
tests/lib/broker.sh start "$scratch/broker" >"$scratch/address" || rc=$?
[ $rc -eq 0 ] || { cat "$scratch/address"; exit $rc; }
brokers=$(tail -1 "$scratch/address")
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret
cat >"$scratch/gap.yaml" <<YAML
database: $db
model: {path: model/weights}
http: {listen: ""}
sources:
  - name: wire
    kafka: {brokers: "$brokers", topics: [news], group: gap, properties: {topic.metadata.refresh.interval.ms: "1000", session.timeout.ms: "6000"}}
topics:
  - {name: orbex, any: ["Orbex Pumps"]}
receivers:
  - {name: desk, url: "http://127.0.0.1:$port/hook", secret_file: secret}
self: {disk_free: 0}
YAML
send() { # TOPIC FROM TO
	python3 -c '
import json, sys
for i in range(int(sys.argv[1]), int(sys.argv[2])):
    print(json.dumps({"id": f"m-{i}", "title": f"Number {i}: Orbex Pumps had a day", "published": 1767605400 + i, "polarity": "neutral"}))
' "$2" "$3" | "$produce" --brokers "$brokers" --topic "$1" --partitions 1 || fail "produce"
}
send news 0 50
start_daemon first "$scratch/gap.yaml"
ready first
wait_until "fifty documents" sql_is "$db" "select count(*) from documents_v" 50
stop_daemon
equal "alerts so far" "$(sql "$db" "select count(*) from alert_history")" 0

# Another broker: a log of the same name, shorter than what was read of the first.
tests/lib/broker.sh kill "$scratch/broker"
tests/lib/broker.sh start "$scratch/second" >"$scratch/address" || fail "the second broker: $(cat "$scratch/address")"
sed -i "s/$brokers/$(tail -1 "$scratch/address")/" "$scratch/gap.yaml"
brokers=$(tail -1 "$scratch/address")
send news 50 60
start_daemon second "$scratch/gap.yaml"
ready second
wait_until "the gap is recorded" sql_is "$db" "select count(*) > 0 from rejected_v where kind = 'gap'" 1
wait_until "the gap is told" sql_is "$db" "select a.rule, a.topic, d.state from alert_history a join delivery_status d on d.alert_id = a.id" \
	"bellwether|gap wire|sent"
contains "the message" "$(jq -r .body "$scratch/received.jsonl")" "has lost messages before they were read"
jq -r .body "$scratch/received.jsonl" | jq -r '.data.message'
stop_daemon
