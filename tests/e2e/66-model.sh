#!/usr/bin/env bash
# The words that weighed most stand in an alert's evidence; a model of another version is compared with the one before,
# once.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq curl
[ -s model/weights/model.safetensors ] || skip "there are no weights"
db=$scratch/model.db
secret=whsec_bW9kZWwtc2VjcmV0LW1vZGVsLXNlY3JldC1tb2Q=
echo $secret >"$scratch/secret"
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret
desk=$port
http=$(free_port)
# Three weeks of three companies, then a bad hour for one after the other.
python3 - "$scratch" <<'PY'
import datetime, json, random, sys
random.seed(5)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
companies = ["Northwind Airlines", "Halberd Bank", "Orvane Motors"]
def write(name, rows):
    with open(f"{sys.argv[1]}/{name}", "w") as out:
        for at, company, words in sorted(rows):
            out.write(json.dumps({"id": f"{random.getrandbits(60):x}", "source": f"Wire {random.randrange(7)}",
                                  "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                                  "title": f"{company} {words} {random.getrandbits(40):x} {random.getrandbits(40):x} {random.getrandbits(40):x}"}) + "\n")
write("quiet", [(random.uniform(0, 21 * 86400), c, "opens a new office") for c in companies for _ in range(100)])
for n, c in enumerate(companies):
    # Each hangs on one word: what is bad twice over stays so without any of its words, and none would be told.
    bad = [f"{a} {b}".strip() for b in ["", "today", "this morning"] for a in ["sees its shares plunge", "issues a warning to its owners",
           "faces bankruptcy", "reports losses", "regulators sue", "pays a fine", "gives notice of a profit warning", "shares plunge"]]
    write(f"spike-{n}", [(21 * 86400 + 3600 * n + 60 * m, c, words) for m, words in enumerate(bad)])
PY
cp -r model/weights "$scratch/weights"
chmod -R u+w "$scratch/weights"
cat >"$scratch/model.yaml" <<YAML
database: $db
model: {path: $scratch/weights}
http: {listen: "127.0.0.1:$http"}
sources:
  - {name: tape, file: {path: "-"}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
  - {name: halberd, any: ["Halberd Bank"]}
  - {name: orvane, any: ["Orvane Motors"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month}
receivers:
  - {name: desk, url: "http://127.0.0.1:$desk/hook", secret_file: secret}
self: {disk_free: 0}
YAML
mkfifo "$scratch/tape"
start_daemon first "$scratch/model.yaml" "$scratch/tape"
exec {tape}>"$scratch/tape"
ready first
cat "$scratch/quiet" >&"$tape"
wait_until "three quiet weeks are stored" sql_is "$db" "select count(*) from documents_v" 300
fired() { sql "$db" "select count(*) from alert_history where fired is not null and topic = '$1'"; }
has_fired() { [ "$(fired "$1")" -ge 1 ]; }
for n in 0 1 2; do
	cat "$scratch/spike-$n" >&"$tape"
	wait_until "company $n fires" has_fired "$(sed -n "$((n + 1))p" <<<$'northwind\nhalberd\norvane')"
done
wait_until "all is stored" sql_is "$db" "select count(*) from documents_v" 372
curl -s "http://127.0.0.1:$http/metrics" | grep -E '^bellwether_words_(found|late|seconds_(sum|count))'
# On a loaded machine one or the other is told without: 300 ms are all that an alert waits.
sql "$db" "select payload from alert_events where notify = 1 and payload like '%\"words\"%' order by applied, event limit 1" >"$scratch/payload"
if [ -s "$scratch/payload" ]; then
	jq -c '.evidence[] | select(.words) | {title, words}' "$scratch/payload"
	equal "stories with words" "$(jq '[.evidence[] | select(.words)] | length > 0 and length <= 5' "$scratch/payload")" true
	equal "heaviest first" "$(jq '[.evidence[] | select(.words)][0].words | map(.weight) | . == (sort | reverse) and all(. > 0)' "$scratch/payload")" true
	jq -r '.evidence[].words[]?.text' "$scratch/payload" | grep -qE 'plunge|warning|fraud|bankruptcy|losses|sue|fine|default|flee' ||
		fail "no word says why: $(jq -c '[.evidence[].words]' "$scratch/payload")"
else
	late=$(curl -s "http://127.0.0.1:$http/metrics" | grep '^bellwether_words_late_total' | cut -d' ' -f2)
	[ "$late" -ge 1 ] || fail "no alert has words, and none was late"
	echo "words came too late on this machine, and are not looked at"
fi
stop_daemon
equal "changes so far" "$(sql "$db" "select count(*) from model_changes")" 0

# ---- another version: the same weights under other labels ----

sed -i 's/"Analyst Update"/"Analysts"/' "$scratch/weights/config.json"
start_daemon second "$scratch/model.yaml"
ready second
contains "the log" "$(cat "$scratch/second.log")" "rules go on from a history as the new model would have judged it"
equal "the switch" "$(sql "$db" "select o.name <> n.name, s.texts from model_switches s join models o on o.id = s.old join models n on n.id = s.new")" "1|372"
equal "both say the same" "$(sql "$db" "select negative_other + other_negative + negative_none + none_negative from switch_pairs where topic = 0")" 0
stop_daemon
start_daemon third "$scratch/model.yaml"
ready third
stop_daemon
equal "switches in the end" "$(sql "$db" "select count(*) from model_switches")" 1
grep -q "rules go on from" "$scratch/third.log" && fail "compared once more"
echo "words of an alert, and one change of models"
