#!/usr/bin/env bash
# A daemon's life: a wrong configuration is refused while it runs, a right one is taken without losing or doubling a
# document, SIGTERM drains, and a second daemon takes over from one that was killed.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 curl
db=$scratch/news.db
total=6000

# Documents flow all the time: a paced file, standard input, and a feed that grows.
python3 - "$scratch" $total <<'PY'
import datetime, json, sys
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
for name in "tape", "pipe":
    with open(f"{sys.argv[1]}/{name}.jsonl", "w") as out:
        for n in range(int(sys.argv[2])):
            at = (start + datetime.timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%SZ")
            out.write(json.dumps({"id": f"{name}-{n}", "published": at, "source": "Example Wire", "polarity": "neutral",
                                  "title": f"{['Northwind Airlines', 'Halberd Bank'][n % 2]} says number {n}"}) + "\n")
PY
start_server feed_server.py
feed=http://127.0.0.1:$port
curl -sf "$feed/control/add?feed=business&count=20" >/dev/null

write_config() { # FILE EXTRA-TOPICS EXTRA-RULES RECEIVERS [INTERVAL]
	cat >"$1" <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: tape, file: {path: $scratch/tape.jsonl, speed: 600}}
  - {name: pipe, file: {path: "-"}}
  - {name: feeds, rss: {urls: ["$feed/feed/business"], interval: ${5:-1s}, allow_private: true}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
$2
rules:
  - {name: negative-spike, topics: [northwind], false_alarms: 1 per month}
$3
receivers: [$4]
YAML
}
says() { grep -qF -- "$2" "$scratch/$1.log"; }
stored() { sql "$db" "select count(*) from documents_v where source = '$1'" 2>/dev/null || echo 0; }
stored_at_least() { [ "$(stored "$1")" -ge "$2" ]; }

config=$scratch/bellwether.yaml
write_config "$config" "" "" ""
mkfifo "$scratch/input"
start_daemon first "$config" "$scratch/input"
python3 - "$scratch" <<'PY' &
import os, sys, time
# A hundred lines at a time, in pieces that end within a line; the second half begins with the reloads, and some are left until
# a new topic is watched, however slow the machine is.
data = open(sys.argv[1] + "/pipe.jsonl", "rb").read()
with open(sys.argv[1] + "/input", "wb", buffering=0) as out:
    for at in range(0, len(data), 9973):
        for share, sign in ((0.5, "reloading"), (0.9, "watched")):
            while at > share * len(data) and not os.path.exists(f"{sys.argv[1]}/{sign}"):
                time.sleep(0.05)
        out.write(data[at:at + 9973])
        time.sleep(0.05)
PY
processes+=($!)
ready first
wait_until "the tape flows" stored_at_least tape 100
wait_until "the pipe flows" stored_at_least pipe 100
wait_until "the feed was read" stored_at_least feeds 20

# ---- what is wrong is refused, with its place, and changes nothing ----

refused() { # WORDS-OF-THE-REASON
	local before
	before=$(grep -c 'the old configuration stays in force' "$scratch/first.log")
	kill -HUP "$daemon"
	wait_until "the refusal: $1" eval '[ $(grep -c "the old configuration stays in force" "$scratch/first.log") -gt '"$before"' ]'
	says first "$1" || fail "the refusal does not say: $1"
}
cp "$config" "$scratch/good.yaml"
sed -i 's/topics: \[northwind\]/topics: [northwnd]/' "$config"
refused "$config:11:5: rules[0].topics[0]: \"northwnd\""
write_config "$config" '  - {name: rates, labels: ["Fed | Central Bonks"]}' "" ""
refused "$config:9:5: topics[1].labels[0]: \"Fed | Central Bonks\""
printf 'database: [\n' >"$config"
refused "$config:2:1: not valid YAML"
write_config "$config" "" "" "{name: desk, url: \"http://127.0.0.1:9/\", secret_file: no-such-secret}"
refused "$scratch/no-such-secret: No such file or directory"
write_config "$config" "" "" "{name: desk, url: \"http://127.0.0.1:9/\", format: pagerduty}"
refused 'receiver "desk": format pagerduty needs'
sed 's/speed: 600/speed: 600, sped: 1/' "$scratch/good.yaml" >"$config"
refused 'did you mean "speed"'
sed 's/listen: ""/listen: "127.0.0.1:1"/' "$scratch/good.yaml" >"$config"
refused 'http.listen has changed: restart'
rm "$config"
refused "$config: No such file or directory"
equal "topics after the refusals" "$(sql "$db" 'select group_concat(topic) from watch_status')" northwind

# ---- what is right is taken, while documents flow ----

reloads() { [ "$(grep -c '^reloaded' "$scratch/first.log")" -ge "$1" ]; }
stored_at_least pipe $total && fail "the documents were all there before the reload"
write_config "$config" '  - {name: halberd, any: ["Halberd Bank"]}' \
	'  - {name: halberd-volume, topics: [halberd], metric: volume, false_alarms: 1 per year}' \
	"{name: desk, url: \"http://127.0.0.1:9/\"}"
touch "$scratch/reloading"
kill -HUP "$daemon"
wait_until "the reload" reloads 1
wait_until "the new topic is watched" sql_is "$db" "select group_concat(topic) from (select topic from watch_status order by topic)" halberd,northwind
touch "$scratch/watched"
for n in 2 3 4 5; do
	curl -sf "$feed/control/add?feed=business&count=5" >/dev/null
	write_config "$config" '  - {name: halberd, any: ["Halberd Bank"]}' "" "" "${n}s"
	kill -HUP "$daemon"
	wait_until "reload $n" reloads $n
done
at_once=$(stored pipe)
wait_until "the tape is stored" stored_at_least tape $total
wait_until "the pipe is stored" stored_at_least pipe $total
wait_until "the feed is stored" stored_at_least feeds 40
for source in tape pipe; do
	equal "$source: documents, different ones" \
		"$(sql "$db" "select count(*), count(distinct external_id) from documents_v where source = '$source'")" "$total|$total"
done
equal "rejected" "$(sql "$db" "select count(*) from rejected_v")" 0
equal "documents of the old topic" "$(sql "$db" "select count(*) from documents_v where source <> 'feeds' and topics = 'northwind'")" $total
[ "$(sql "$db" "select count(*) from documents_v where source = 'pipe' and topics = 'halberd'")" -gt 0 ] ||
	fail "no document has the new topic ($at_once were stored at the last reload)"

# ---- SIGTERM in the middle, and again ----

write_config "$config" "" "" ""
sed -i '/name: pipe/d' "$config"
stop_daemon
python3 - "$scratch" $total <<'PY'
import sys
with open(sys.argv[1] + "/tape.jsonl") as tape, open(sys.argv[1] + "/tape2.jsonl", "w") as out:
    out.writelines(line.replace('"tape-', '"more-') for line in tape)
PY
sed -i "s/tape.jsonl/tape2.jsonl/; s/speed: 600/speed: 1800/" "$config"
for round in 1 2 3; do
	start_daemon "round$round" "$config"
	ready "round$round"
	wait_until "round $round: more of the tape" stored_at_least tape $((total + 300 * round))
	stop_daemon
	[ "$(tail -1 "$scratch/round$round.log")" = stopped ] || fail "round $round: the last word is not \"stopped\""
done

# ---- two daemons, one database ----

start_daemon holder "$config"
holder=$daemon
ready holder
start_daemon second "$config"
wait_until "the second daemon says who holds it" says second "another daemon (pid $holder) works on this database"
kill -0 "$holder" || fail "the first daemon ended"
says second "ready after" && fail "two daemons on one database"
kill -KILL "$holder"
wait "$holder" 2>/dev/null
ready second
wait_until "the rest of the tape" stored_at_least tape $((2 * total))
equal "documents after a kill" \
	"$(sql "$db" "select count(*), count(distinct external_id) from documents_v where source = 'tape'")" "$((2 * total))|$((2 * total))"
start_daemon third "$config"
wait_until "a third waits" says third "another daemon (pid $daemon_before) works"
stop_daemon
stop_daemon "$daemon_before"
equal "complaints of the third: once" "$(grep -c 'another daemon' "$scratch/third.log")" 1

# ---- a database that cannot be written ----

rc=0
sed "s|^database:.*|database: $scratch/no/such/news.db|" "$config" >"$scratch/nowhere.yaml"
said=$("$bellwether" run --config "$scratch/nowhere.yaml" 2>&1 </dev/null) || rc=$?
equal "no such directory: exit" $rc 1
contains "no such directory" "$said" "$scratch/no/such/news.db"
contains "no such directory" "$said" "No such file or directory"
sed "s|^database:.*|database: $config|" "$config" >"$scratch/other.yaml"
rc=0
said=$("$bellwether" run --config "$scratch/other.yaml" 2>&1 </dev/null) || rc=$?
equal "a file that is no database: exit" $rc 1
contains "a file that is no database" "$said" "not a SQLite database"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	chmod 755 "$scratch"
	cp "$bellwether" "$scratch/program"
	mkdir -m 755 "$scratch/mine"
	sed "s|^database:.*|database: $scratch/mine/news.db|" "$config" >"$scratch/mine.yaml"
	chmod a+r "$scratch"/*.yaml
	rc=0
	said=$(as_nobody "$scratch/program" run --config "$scratch/mine.yaml" 2>&1 </dev/null) || rc=$?
	equal "a directory of somebody else: exit" $rc 1
	contains "a directory of somebody else" "$said" "$scratch/mine/news.db"
	contains "a directory of somebody else" "$said" "Permission denied"
	chmod 777 "$scratch/mine"
	cp "$db" "$scratch/mine/news.db"
	chmod 444 "$scratch/mine/news.db"
	# It waits for the right to write, says so once, and ends when it is told to.
	rc=0
	said=$(as_nobody timeout 3 "$scratch/program" run --config "$scratch/mine.yaml" 2>&1 </dev/null) || rc=$?
	equal "a read-only database: exit" $rc 124
	contains "a read-only database" "$said" "$scratch/mine/news.db"
	equal "a read-only database: how often it is said" "$(grep -c 'read-only' <<<"$said")" 1
fi
echo "$(sql "$db" 'select count(*) from documents_v') documents through 12 reloads, 5 stops and a kill, each once"
