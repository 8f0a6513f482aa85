#!/usr/bin/env bash
# What a risk desk does: silence a topic (alerts are recorded, nobody is told, until the silence ends), label a document,
# send an alert's messages again.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq
db=$scratch/desk.db
secret=whsec_ZGVzay1zZWNyZXQtZGVzay1zZWNyZXQ=
echo $secret >"$scratch/secret"
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret --responses 500
desk_port=$port
gone=$(free_port)

# Three weeks of two companies, then a bad day for both.
python3 - "$scratch" <<'PY'
import datetime, json, random, sys
random.seed(7)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
def write(name, rows):
    with open(f"{sys.argv[1]}/{name}", "w") as out:
        for at, company, polarity in sorted(rows):
            words = f"{random.getrandbits(60):x} of {random.getrandbits(60):x} in {random.getrandbits(60):x}"
            out.write(json.dumps({"id": f"{random.getrandbits(60):x}", "source": f"Wire {random.randrange(9)}",
                                  "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                                  "title": f"{company}: {words}", "polarity": polarity}) + "\n")
companies = ["Northwind Airlines", "Halberd Bank"]
day = 20 * 86400
write("quiet", [(random.uniform(0, day + 36000), c, random.choice(["neutral", "positive", "negative"])) for c in companies for _ in range(600)])
write("spike", [(day + 40000 + 60 * n, c, "negative") for c in companies for n in range(60)])
PY
config() { # RECEIVER-PORT
	cat <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
  - {name: halberd, any: ["Halberd Bank"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month}
receivers:
  - {name: desk, url: "http://127.0.0.1:$1/hook", secret_file: secret}
YAML
}
config "$desk_port" >"$scratch/desk.yaml"
mkfifo "$scratch/wire"
start_daemon desk "$scratch/desk.yaml" "$scratch/wire"
exec {wire}>"$scratch/wire"
ready desk
cat "$scratch/quiet" >&"$wire"
wait_until "three quiet weeks are stored" sql_is "$db" "select count(*) from documents_v" 1200

bw() { "$bellwether" "$@" --db "$db" 2>&1; }
refused() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 said rc=0
	shift 2
	said=$(bw "$@") || rc=$?
	equal "$*: exit" $rc "$status"
	contains "$*" "$said" "$words"
}
refused 1 'no topic "nowhere"' silence nowhere --for 1h
refused 1 'no alert "nothing"' redeliver nothing
refused 1 'no document "999999"' label 999999 negative
refused 1 'no document "1x"' label 1x negative
refused 2 'negative, neutral or positive' label 1 bad
refused 2 '--for' silence northwind
refused 2 'duration' silence northwind --for ever
equal "refused commands leave nothing" "$(sql "$db" "select count(*) from commands_v")" 0

# ---- silence: recorded, not told ----

contains "silence" "$(bw silence northwind --for 4h --why "results day")" "silent until 20"
wait_until "the silence is carried out" sql_is "$db" "select silenced_until > '2026' from watch_status where topic = 'northwind'" 1
equal "the silence, as left" "$(sql "$db" "select verb, subject, why, done is not null, problem from commands_v")" \
	"silence|northwind|results day|1|"
equal "the other topic" "$(sql "$db" "select silenced_until is null from watch_status where topic = 'halberd'")" 1
cat "$scratch/spike" >&"$wire"
wait_until "both topics fire" sql_is "$db" "select count(distinct topic) from alert_history where fired > '2026-01-25T11'" 2
wait_until "halberd's is sent, at the second try" sql_is "$db" \
	"select d.state || d.attempts from delivery_status d join alert_history a on a.id = d.alert_id where a.topic = 'halberd' and a.fired > '2026-01-25T11'" sent2
alert=$(sql "$db" "select id from alert_history where topic = 'halberd' and fired > '2026-01-25T11'")
silenced=$(sql "$db" "select id from alert_history where topic = 'northwind' and fired > '2026-01-25T11'")
equal "deliveries of the silenced one" "$(sql "$db" "select count(*) from delivery_status where alert_id = '$silenced'")" 0
told() { jq -r "select(.status == 200 and (.webhook_id | startswith(\"$1-\"))) | .webhook_id" "$scratch/received.jsonl"; }
equal "messages of the silenced one" "$(told "$silenced")" ""
equal "messages of the other" "$(told "$alert" | wc -l)" 1
equal "signatures" "$(jq -r .verified "$scratch/received.jsonl" | sort -u)" true
contains "what the desk reads" "$(jq -r .body "$scratch/received.jsonl" | jq -r '.. | strings' | sort -u)" "halberd"

# ---- the end of a silence: what still fires is told ----

bw silence northwind --for 0 >/dev/null || fail "silence --for 0"
wait_until "the silence is over" sql_is "$db" "select silenced_until is null from watch_status where topic = 'northwind'" 1
is_told() { [ "$(told "$1" | wc -l)" -ge "$2" ]; }
wait_until "the alert that was silenced is told" is_told "$silenced" 1

# ---- redeliver ----

id=$(told "$alert")
bw redeliver "$alert" --why "the desk lost it" >/dev/null || fail "redeliver"
wait_until "the message comes again" is_told "$alert" 2
equal "under the same webhook-id" "$(told "$alert" | sort -u)" "$id"
contains "top" "$(bw top --once)" "2 firing"

# ---- label ----

document=$(sql "$db" "select max(id) from documents_v where title like 'Halberd%'")
bw label "$document" positive >/dev/null || fail "label"
wait_until "the label is noted" sql_is "$db" "select polarity, was, title like 'Halberd Bank: %' from corrections_v where document = $document" "positive|negative|1"
bw label "$document" neutral >/dev/null || fail "label again"
wait_until "the last label counts" sql_is "$db" "select group_concat(polarity) from corrections_v where document = $document" neutral

# ---- the receiver is away, the daemon is away ----

config "$gone" >"$scratch/desk.yaml"
kill -HUP "$daemon"
wait_until "the reload" grep -q '^reloaded' "$scratch/desk.log"
bw redeliver "$alert" >/dev/null || fail "redeliver to nobody"
wait_until "a failed try says why" sql_is "$db" "select state, last_error like '%onnect%', next_try > '2026' from delivery_status where alert_id = '$alert'" "pending|1|1"
stop_daemon
bw silence '*' --for 2d >/dev/null || fail "silence while the daemon is away"
equal "a command waits" "$(sql "$db" "select count(*) from commands_v where done is null")" 1
config "$desk_port" >"$scratch/desk.yaml"
start_daemon later "$scratch/desk.yaml"
ready later
wait_until "a command that waited is carried out" sql_is "$db" "select count(*) from commands_v where done is null" 0
wait_until "every topic is silent" sql_is "$db" "select count(*) from watch_status where silenced_until > '2026'" 2
wait_until "a delivery that waited is sent" is_told "$alert" 3
equal "webhook-id after a restart" "$(told "$alert" | sort -u)" "$id"
stop_daemon
echo "silence, label and redeliver, with and without a daemon"
