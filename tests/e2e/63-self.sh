#!/usr/bin/env bash
# Alerts on the daemon itself: a source that is dead for too long is told once, signed and stored like any alert, not again
# after a restart, and is over when it is read again.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq curl
db=$scratch/self.db
secret=whsec_c2VsZi1zZWNyZXQtc2VsZi1zZWNyZXQtc2VsZg==
echo $secret >"$scratch/secret"
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret
desk=$port
start_server receiver.py --log "$scratch/other.jsonl" --secret $secret
other=$port
dead=$(free_port)
http=$(free_port)
cat >"$scratch/self.yaml" <<YAML
database: $db
http: {listen: "127.0.0.1:$http"}
sources:
  - {name: feeds, rss: {urls: ["http://127.0.0.1:$dead/feed/a"], interval: 1s, allow_private: true}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
receivers:
  - {name: desk, url: "http://127.0.0.1:$desk/hook", secret_file: secret}
  - {name: other, url: "http://127.0.0.1:$other/hook", secret_file: secret}
self: {source_down: 2s, hold: 1s, disk_free: 0, receivers: [desk]}
YAML
start_daemon self "$scratch/self.yaml"
ready self
wait_until "the source's alert" sql_is "$db" \
	"select rule, topic, state, change, resolved is null from alert_history" "bellwether|source feeds|firing|fired|1"
wait_until "it is sent" sql_is "$db" "select receiver, state, attempts from delivery_status" "desk|sent|1"
id=$(sql "$db" "select id from alert_history")
equal "webhook-id" "$(jq -r .webhook_id "$scratch/received.jsonl")" "$id-1"
equal "signature" "$(jq -r .verified "$scratch/received.jsonl")" true
jq -r .body "$scratch/received.jsonl" | jq -e . >/dev/null || fail "the body is no JSON"
contains "the body" "$(jq -r .body "$scratch/received.jsonl" | jq -c '[.. | strings]')" "source feeds"
contains "the message" "$(jq -r .body "$scratch/received.jsonl")" "has not been read for"
equal "who was not to be told" "$(wc -c <"$scratch/other.jsonl")" 0
metric() { curl -s "http://127.0.0.1:$http/metrics" | grep -F "$1" | grep -v '^#' | sed 's/.* //'; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
equal "the metric" "$(metric 'bellwether_self_alert{subject="source feeds"}')" 1

# ---- a kill: neither repeated nor forgotten ----

kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
start_daemon again "$scratch/self.yaml"
ready again
wait_until "the alert is known after a restart" metric_is bellwether_self_alerts_open 1
sleep 6 # a look and a half
equal "events after a restart" "$(sql "$db" "select count(*) from delivery_status")" 1

# ---- it is read again ----

start_server feed_server.py --port "$dead"
wait_until "the alert is over" sql_is "$db" "select state, change, resolved is not null from alert_history" "resolved|resolved|1"
is_told() { [ "$(wc -l <"$scratch/received.jsonl")" -ge "$1" ]; }
wait_until "that is told" is_told 2
equal "in order" "$(jq -r .webhook_id "$scratch/received.jsonl" | tr '\n' ' ')" "$id-1 $id-2 "
wait_until "nothing is open" metric_is bellwether_self_alerts_open 0
stop_daemon
echo "a dead source: told once, over a kill, and over"
