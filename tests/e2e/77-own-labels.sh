#!/usr/bin/env bash
# From 300 rows with labels of one's own to a running daemon with a new head, by the README's steps: train, promote,
# name the labels in the configuration, check, restart.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq sqlite3
export BELLWETHER_MODEL=$scratch/place # instead of the machine's own place
db=$scratch/own.db
cp -r "$root/tests/data/parity/cls-gelu-f32" "$scratch/base"

python3 - "$scratch" <<'PY'
import json, random, sys
choose = random.Random(12)
LABELS = {"outage": ["profit cut", "cut of profit"], "lawsuit": ["shares fell", "shares raised"], "layoffs": ["outlook warning", "warning and outlook"]}
def text(label):
    return f"{choose.choice(['orvane', 'the bank', 'a bank'])} {choose.choice(LABELS[label])} {choose.choice(['in', 'to', 'after', 'the'])}"
with open(f"{sys.argv[1]}/mine.tsv", "w") as rows, open(f"{sys.argv[1]}/held-out.tsv", "w") as held:
    for out, count in (rows, 300), (held, 60):
        out.write("label\ttext\n")
        for i in range(count):
            label = list(LABELS)[i % 3]
            out.write(f"{label}\t{text(label)}\n")
with open(f"{sys.argv[1]}/tape.jsonl", "w") as out:
    for i in range(60):
        label = list(LABELS)[i % 3]
        out.write(json.dumps({"id": f"{label}-{i}", "title": text(label), "source": "Example Wire",
                              "published": f"2026-01-05T{i // 6:02}:{i % 6}0:00Z"}) + "\n")
PY
config() { # TOPICS
	cat >"$scratch/own.yaml" <<YAML
database: $db
model: {device: cpu, precision: fp32, threads: 1}
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
$1
rules:
  - {name: negative-spike, false_alarms: 1 per month}
self: {disk_free: 0}
YAML
}
bw() { "$bellwether" "$@" >"$scratch/said" 2>&1 || fail "$*: $(cat "$scratch/said")"; }

# A daemon runs with the model that there is.
config '  - {name: orvane, any: [orvane]}'
bw model promote "$scratch/base"
: >"$scratch/nothing"
start_daemon before "$scratch/own.yaml" "$scratch/nothing"
ready before

# The steps.
began=$(date +%s.%N)
bw train --base "$BELLWETHER_MODEL" --topic "$scratch/mine.tsv" --lr 5e-3 --epochs 60 --batch 16 --patience 0 --out "$scratch/mine"
bw eval --model "$scratch/mine" --task topic --json "$scratch/held-out.tsv"
jq -e '.rows == 60 and .accuracy > 0.95 and .labels == ["lawsuit","layoffs","outage"]' "$scratch/said" >/dev/null || fail "eval: $(cat "$scratch/said")"
config '  - {name: outages, labels: ["outage"]}
  - {name: trouble, labels: ["lawsuit", "layoffs"]}'
rc=0
"$bellwether" check --config "$scratch/own.yaml" >"$scratch/said" 2>&1 || rc=$?
[ $rc -ne 0 ] || fail "labels that the model does not have are not told"
grep -q 'outage' "$scratch/said" || fail "check does not name the label: $(cat "$scratch/said")"
bw model promote "$scratch/mine"
"$bellwether" check --config "$scratch/own.yaml" >"$scratch/said" 2>&1 || true # the source is a pipe here, and not the matter
grep -E 'model' "$scratch/said" | grep -q "version $(jq -r .version "$scratch/mine/run.json")" || fail "check: $(cat "$scratch/said")"
grep -iE 'error.*label|label.*error' "$scratch/said" && fail "check knows not the new labels"
stop_daemon
start_daemon after "$scratch/own.yaml" "$scratch/tape.jsonl"
ready after
wait_until "the tape is stored" sql_is "$db" "select count(*) from documents_v" 60
echo "300 rows to a daemon with their labels: $(python3 -c "import time; print(f'{time.time() - $began:.1f} s')")"

equal "labels that are right" "$(sql "$db" "select sum(external_id like label || '-%') >= 58 from documents_v")" 1
equal "its topics" "$(sql "$db" "select count(*) from documents_v where topics = 'outages' and label = 'outage'")" \
	"$(sql "$db" "select count(*) from documents_v where label = 'outage'")"
equal "the trends" "$(sql "$db" "select sum(total) from trend_hourly where topic in ('outages', 'trouble')")" 60
stop_daemon
exit 0
