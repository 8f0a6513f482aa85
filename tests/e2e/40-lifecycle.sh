#!/usr/bin/env bash
# What is told of an alert while it lasts: its growth, topics that fire on the same stories, silences by the configuration
# and by command, and one digest for what an outage left.  The payloads are printed.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq
db=$scratch/life.db
secret=whsec_bGlmZWN5Y2xlLXNlY3JldC1saWZlY3ljbGU=
echo $secret >"$scratch/secret"
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret
desk_port=$port

# body EXPRESSION: of the bodies received since, those for which it is true
before=0 # bodies that were received before what is looked at
body() { tail -n "+$((before + 1))" "$scratch/received.jsonl" | jq -c ".body | fromjson | .data | select($1)" 2>/dev/null; }
count_of() { body "$1" | wc -l; }
has() { [ "$(count_of "$1")" -ge "$2" ]; }
show() { # TITLE EXPRESSION: the first, with one story and without the numbers of its chart
	echo "--- $1"
	body "$2" | head -1 | jq -c '.chart |= (if . then {start, step_s, points: (.counts | length)} else null end)
		| .evidence |= (if . then .[:1] else null end) | .alerts |= (if . then map(.evidence |= .[:1]) else null end)
		| with_entries(select(.value != null))'
}
bw() { "$bellwether" "$@" --db "$db" 2>&1; }
status_is() { sql_is "$db" "select $1 from watch_status where topic = '$2'" "$3"; }

# ---- growth and groups, by a recording's own clock ----

python3 - "$scratch" <<'PY'
import datetime, json, random, sys
random.seed(11)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
wires = [f"Wire {n}" for n in range(9)]
def words():
    return f"{random.getrandbits(60):x} of {random.getrandbits(60):x} in {random.getrandbits(60):x}"
def write(name, rows):
    with open(f"{sys.argv[1]}/{name}", "w") as out:
        for at, company, polarity in sorted(rows):
            out.write(json.dumps({"id": f"{random.getrandbits(60):x}", "source": random.choice(wires), "title": f"{company}: {words()}",
                                  "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                                  "polarity": polarity}) + "\n")
companies = ["Northwind Airlines", "Halberd Bank", "Jetworks", "Orbel Foods"]
day = 86400
write("quiet", [(random.uniform(0, 20 * day), c, random.choice(["neutral", "positive", "negative"])) for c in companies for _ in range(400)])
# The airline and the maker of its aircraft, in the same headlines, more and more of them.
write("storm", [(20 * day + 3600 + 240 * n, "Northwind Airlines and Jetworks", "negative") for n in range(15)]
      + [(20 * day + 7200 + 60 * n, "Northwind Airlines and Jetworks", "negative") for n in range(180)])
write("calm", [(20 * day + 40000 + 3600 * n, "Orbel Foods", "neutral") for n in range(8)])
write("bank", [(21 * day + 3600 + 60 * n, "Halberd Bank", "negative") for n in range(60)])
write("foods", [(21 * day + 7300 + 60 * n, "Orbel Foods", "negative") for n in range(60)])
PY
yesterday=$(date -u -d yesterday +%Y-%m-%dT%H:%M:%SZ)
tomorrow=$(date -u -d tomorrow +%Y-%m-%dT%H:%M:%SZ)
config() { # SILENCES: lines of YAML
	cat <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
  - {name: jetworks, any: [Jetworks]}
  - {name: halberd, any: ["Halberd Bank"]}
  - {name: foods, any: ["Orbel Foods"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month, keep_firing_for: 4h}
receivers:
  - {name: desk, url: "http://127.0.0.1:$desk_port/hook", secret_file: secret}
$1
YAML
}
config "" >"$scratch/life.yaml"
mkfifo "$scratch/wire"
start_daemon life "$scratch/life.yaml" "$scratch/wire"
exec {wire}>"$scratch/wire"
ready life
cat "$scratch/quiet" "$scratch/storm" >&"$wire"
wait_until "the growth is told" has '.change == "escalated"' 1
wait_until "the group is told" has '.change == "joined"' 1
equal "topics that fire" "$(sql "$db" "select group_concat(topic) from (select topic from watch_status where state = 'firing' order by 1)")" \
	jetworks,northwind
leader=$(body '.change == "joined"' | head -1 | jq -r .id)
equal "the group's topics" "$(body '.change == "joined"' | head -1 | jq -r '.topics | sort | join(",")')" jetworks,northwind
equal "ids that the desk was told of since" "$(body ".at >= \"2026-01-25T01\" and .state == \"firing\"" | jq -r .id | sort -u)" "$leader"
equal "in SQL" "$(sql "$db" "select count(*), count(distinct \"group\") from alert_history where state = 'firing'")" "2|1"
equal "deliveries of the member" "$(sql "$db" "select count(*) from delivery_status where alert_id in
	(select id from alert_history where \"group\" = '$leader' and id <> '$leader')")" 0
body '.change == "fired" or .change == "escalated"' | jq -s -e --arg id "$leader" \
	'map(select(.id == $id)) | [.[1:], .[:-1]] | transpose | all(.[0].peak_count >= 2 * .[1].peak_count)' >/dev/null ||
	fail "an update before the peak had doubled"
show "fired" ".id == \"$leader\" and .change == \"fired\""
show "another topic joined" '.change == "joined"'
show "it has grown" '.change == "escalated"'

cat "$scratch/calm" >&"$wire"
wait_until "the group has resolved" has ".id == \"$leader\" and .change == \"resolved\"" 1
wait_until "both topics are quiet" sql_is "$db" "select count(*) from watch_status where state <> 'ok'" 0
equal "resolutions told" "$(count_of '.change == "resolved" and .at >= "2026-01-25T01"')" 1
equal "topics of the resolution" "$(body '.change == "resolved" and .at >= "2026-01-25T01"' | jq -r '.topics | sort | join(",")')" jetworks,northwind
show "resolved" ".id == \"$leader\" and .change == \"resolved\""

# ---- silences: of the configuration, and by command ----

config "silences:
  - {name: results-week, topics: [halberd], from: $yesterday, until: $tomorrow, why: known figures}
  - {name: nights, weekly: [\"Sat 22:00-Sun 06:00\", \"Sun 22:00-Mon 06:00\"], timezone: Europe/Berlin, topics: [jetworks]}" >"$scratch/life.yaml"
kill -HUP "$daemon"
wait_until "the reload" grep -q '^reloaded' "$scratch/life.log"
bw silence foods --for 4h --why "recall is known" >/dev/null || fail "silence"
wait_until "the command is carried out" status_is "silenced_until > '2026'" foods 1
equal "silences in SQL" "$(sql "$db" "select kind, name, topic, active, why from silences_v where topic <> 'jetworks' order by topic")" \
	"command||foods|1|recall is known
configuration|results-week|halberd|1|known figures"
contains "the weekly one has a next window" "$(sql "$db" "select until > starts, weekly, timezone from silences_v where name = 'nights'")" \
	"1|Sat 22:00-Sun 06:00, Sun 22:00-Mon 06:00|Europe/Berlin"
echo "--- silence --list"
bw silence --list
contains "silence --list" "$(bw silence --list)" "results-week (configured)"
equal "the configured silence in watch_status" "$(sql "$db" "select silenced_until > '2026' from watch_status where topic = 'halberd'")" 1

refused() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 said rc=0
	shift 2
	said=$(bw "$@") || rc=$?
	equal "$*: exit" $rc "$status"
	contains "$*" "$said" "$words"
}
refused 1 'no silence of "northwind"' silence northwind --end
refused 1 'no silence of "halberd"' silence halberd --end # only the configuration can
refused 2 'expected either --for' silence foods --for 1h --end
refused 2 'usage' silence foods --list
refused 2 'duration' silence foods --for -1h
refused 2 'usage' redeliver x --for 1h
refused 2 'one line' silence foods --for 1h --why $'two\nlines'

before=$(wc -l <"$scratch/received.jsonl")
cat "$scratch/bank" "$scratch/foods" >&"$wire"
wait_until "both fire" sql_is "$db" "select count(*) from watch_status where state = 'firing' and topic in ('halberd', 'foods')" 2
equal "messages meanwhile" "$(wc -l <"$scratch/received.jsonl")" "$before"

bw silence foods --end >/dev/null || fail "silence --end"
wait_until "the end of a silence tells what fires" has '.change == "renewed" and .topic == "foods"' 1
equal "still silent" "$(count_of '.topic == "halberd" and .at >= "2026-01-26"')" 0
config "" >"$scratch/life.yaml"
kill -HUP "$daemon"
wait_until "the end of a configured silence does too" has '.change == "renewed" and .topic == "halberd"' 1
show "told when the silence ended" '.change == "renewed"'
equal "silences left" "$(bw silence --list)" "there are no silences"
stop_daemon

# ---- budgets ----

echo "--- budgets"
sql "$db" "select topic, state, alerts_fired, alerts_budgeted, budget_days from watch_status order by topic"
contains "check" "$("$bellwether" check --config "$scratch/life.yaml" --offline)" "topics are within their budget"
equal "the budget" "$(sql "$db" "select alerts_fired >= 1, alerts_budgeted, budget_days from watch_status where topic = 'halberd'")" "1|1.0|30.4"

# ---- an outage: documents of hours ago, by the wall clock ----

db=$scratch/outage.db
mkdir "$scratch/www"
cat >"$scratch/feed.py" <<'PY'
"""feed.py DIRECTORY: writes feed.xml, with what was published so many minutes ago, from lines "MINUTES TITLE"."""
import datetime, email.utils, os, sys
now = datetime.datetime.now(datetime.timezone.utc)
items = []
for n, line in enumerate(sys.stdin):
    minutes, _, title = line.rstrip("\n").partition(" ")
    at = now - datetime.timedelta(minutes=float(minutes))
    items.append(f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title><pubDate>{email.utils.format_datetime(at)}</pubDate></item>")
with open(sys.argv[1] + "/new", "w") as out:
    out.write("<rss version='2.0'><channel><title>Example Feed</title><link>http://localhost/</link>" + "\n".join(items) + "</channel></rss>")
os.rename(sys.argv[1] + "/new", sys.argv[1] + "/feed.xml")
PY
cat >"$scratch/serve.py" <<'PY'
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print("port", server.server_address[1], flush=True)
server.serve_forever()
PY
python3 -u "$scratch/serve.py" "$scratch/www" >"$scratch/serve.port" 2>/dev/null &
processes+=($!)
wait_until "the feed's server says its port" test -s "$scratch/serve.port"
feed_port=$(cut -d' ' -f2 "$scratch/serve.port")
python3 - "$scratch" <<'PY'
import datetime, json, random, sys
random.seed(12)
now = datetime.datetime.now(datetime.timezone.utc)
with open(sys.argv[1] + "/history.jsonl", "w") as out:
    for minutes in sorted((random.uniform(600, 30000) for _ in range(1500)), reverse=True):
        company = random.choice(["Northwind Airlines", "Halberd Bank", "Orbel Foods"])
        at = (now - datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        out.write(json.dumps({"published": at, "source": "Example Wire", "polarity": "neutral",
                              "title": f"{company}: {random.getrandbits(60):x} of {random.getrandbits(60):x} in {random.getrandbits(60):x}"}) + "\n")
PY
noise() { python3 -c 'import random; print(f"{random.getrandbits(60):x} of {random.getrandbits(60):x} in {random.getrandbits(60):x}")'; }
entries() { # COMPANY FROM TO STEP: titles published FROM to TO minutes ago
	local minutes
	for minutes in $(seq "$2" "-$4" "$3"); do
		echo "$minutes $1: $(noise)"
	done
}
entries "Orbel Foods" 700 640 30 >"$scratch/entries"
python3 "$scratch/feed.py" "$scratch/www" <"$scratch/entries"
cat >"$scratch/outage.yaml" <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: history, file: {path: $scratch/history.jsonl}}
  - {name: feeds, rss: {urls: ["http://127.0.0.1:$feed_port/feed.xml"], interval: 1s, allow_private: true}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
  - {name: halberd, any: ["Halberd Bank"]}
rules:
  - {name: volume, metric: volume, keep_firing_for: 1h}
receivers:
  - {name: desk, url: "http://127.0.0.1:$desk_port/hook", secret_file: secret}
YAML
start_daemon outage "$scratch/outage.yaml"
ready outage
wait_until "the history is stored, and the first poll" sql_is "$db" "select count(*) > 1500, count(distinct source) from documents_v" "1|2"
wait_until "nothing waits to be sent" sql_is "$db" "select count(*) from delivery_status where state = 'pending'" 0
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null

# Away: a storm on one topic that is over by now, one on another that goes on.
{ entries "Northwind Airlines" 540 480 3; entries "Halberd Bank" 300 2 5; entries "Orbel Foods" 1 1 1; } >>"$scratch/entries"
python3 "$scratch/feed.py" "$scratch/www" <"$scratch/entries"
before=$(wc -l <"$scratch/received.jsonl")
start_daemon back "$scratch/outage.yaml"
ready back
wait_until "one digest" has '.state == "digest"' 1
wait_until "what still fires is told by itself" has '.state == "firing" and .rule == "volume"' 1
equal "digests" "$(count_of '.state == "digest"')" 1
equal "messages since the outage" "$(($(wc -l <"$scratch/received.jsonl") - before))" 2
equal "what is told by itself" "$(body '.state == "firing" and .rule == "volume"' | jq -r '.topic + " " + .change')" "halberd fired"
equal "in the digest" "$(body '.state == "digest"' | jq -r '.late, (.alerts | map(.topic + " " + .state) | sort | join(", "))')" \
	"true
halberd firing, northwind resolved"
equal "signatures" "$(jq -r .verified "$scratch/received.jsonl" | sort -u)" true
equal "in SQL" "$(sql "$db" "select late from alert_history where topic = 'northwind' order by started desc limit 1")" 1
show "the digest" '.state == "digest"'
show "behind it, live" '.state == "firing" and .rule == "volume"'
stop_daemon
echo "growth, groups, silences, budgets and a digest"
