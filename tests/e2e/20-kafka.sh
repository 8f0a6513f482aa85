#!/usr/bin/env bash
# The daemon on a real broker: every document once through kill -9, a stop and a broker restart; bad values are set aside;
# `check` says what is wrong.
set -eu
cd "$(dirname "$0")/../.."
program=${BELLWETHER:-build/bellwether}
produce=${PRODUCE:-build/produce}
scratch=$(mktemp -d)
daemon=
trap '{ [ -z "$daemon" ] || kill -9 $daemon; } 2>/dev/null || true; tests/lib/broker.sh kill "$scratch/broker"; rm -rf "$scratch"' EXIT
fail() {
	echo "$*"
	tail -20 "$scratch/log" 2>/dev/null || true
	exit 1
}
database=$scratch/b.db
sql() { sqlite3 -readonly "$database" "$1" 2>/dev/null; }

# wait_for SECONDS WHAT QUERY ANSWER
wait_for() {
	local end=$((SECONDS + $1)) got=
	while [ $SECONDS -lt $end ]; do
		got=$(sql "$3") && [ "$got" = "$4" ] && return
		sleep 0.1
	done
	fail "$2: '$got' instead of '$4' after $1 s"
}

start_daemon() {
	BELLWETHER_MODEL=model/weights "$program" run --config "$scratch/c.yaml" >>"$scratch/log" 2>&1 &
	daemon=$!
}

# send FROM TO: numbered documents, of which every tenth is watched
send() {
	python3 -c '
import json, sys
for i in range(int(sys.argv[1]), int(sys.argv[2])):
    word = "Orbex Pumps" if i % 10 == 0 else "the market"
    print(json.dumps({"id": f"m-{i}", "title": f"Number {i}: {word} had a day", "published": 1767605400 + i, "source": "Wire"}))
' "$1" "$2" | "$produce" --brokers "$brokers" --topic news --partitions 3
}
all() { wait_for 60 "$2" "select count(*) || '/' || count(distinct external_id) from documents_v" "$1/$1"; }

rc=0
tests/lib/broker.sh start "$scratch/broker" >"$scratch/address" || rc=$?
[ $rc -eq 0 ] || { cat "$scratch/address"; exit $rc; }
brokers=$(tail -1 "$scratch/address")
cat >"$scratch/c.yaml" <<END
database: $database
model: {path: model/weights}
http: {listen: ""}
sources:
  - name: wire
    kafka: {brokers: "$brokers", topics: [news], group: e2e, properties: {topic.metadata.refresh.interval.ms: "1000", session.timeout.ms: "6000"}}
topics:
  - {name: orbex, any: ["Orbex Pumps"]}
rules: []
receivers: []
END

# The topic is not there yet: said, and waited for.
"$program" check --config "$scratch/c.yaml" >"$scratch/check" 2>&1 || true
grep -q 'topic news: the broker does not know it' "$scratch/check" || fail "check: $(cat "$scratch/check")"
start_daemon
sleep 2
send 0 500
all 500 "the first documents"

# Killed in the middle, stopped in the middle, and each started again.
for round in 1 2 3; do
	send $((round * 500)) $((round * 500 + 500)) &
	sender=$!
	sleep 0.$round
	if [ $round = 2 ]; then
		kill -TERM $daemon
		wait $daemon || fail "exit $? at SIGTERM"
	else
		kill -9 $daemon
		wait $daemon 2>/dev/null || true
	fi
	start_daemon
	wait $sender || fail "the producer failed"
	all $((round * 500 + 500)) "round $round"
done

# The broker goes and comes, away for longer than a session.
tests/lib/broker.sh stop "$scratch/broker"
wait_for 30 "a broker that is away" "select distinct state from source_health where stream is null or stream = ''" down
sleep 7
tests/lib/broker.sh start "$scratch/broker" >/dev/null
send 2000 2500
all 2500 "behind the broker's restart"

# What cannot be read is set aside with its place and reason, and the stream goes on.
printf 'not json\n{"body":""}\n' | "$produce" --brokers "$brokers" --topic news
send 2500 2510
all 2510 "behind bad values"
[ "$(sql "select count(*) from rejected_v where reason in ('not JSON: a value expected at byte 0',
	'no text: neither ''title'' nor ''body'' holds any') and coordinates glob 'news/[0-2]@*'")" = 2 ] ||
	fail "rejected: $(sql 'select coordinates, reason from rejected_v')"
[ "$(sql "select count(*) from documents_v where topics = 'orbex'")" = 251 ] || fail "the watched topic's count is wrong"
[ "$(sql "select group_concat(distinct kind) from rejected_v")" = unreadable ] || fail "gaps or repeats where there were none"

kill -TERM $daemon
wait $daemon || fail "exit $? at the end"
daemon=

# A broker that is not there.
sed "s/$brokers/127.0.0.1:1/" "$scratch/c.yaml" >"$scratch/wrong.yaml"
"$program" check --config "$scratch/wrong.yaml" >"$scratch/check" 2>&1 && fail "check passes without a broker"
grep -q '^error.*brokers 127.0.0.1:1:' "$scratch/check" || fail "check: $(cat "$scratch/check")"
echo "2510 documents, each once"
