#!/usr/bin/env bash
# drift: weeks whose text is like the training text are stable, a week of other text is not, and its new words are named;
# without a profile the newest week is held against the weeks before.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq sqlite3
db=$scratch/drift.db

# A vocabulary with words that no training row has.
cp -r "$root/tests/data/parity/cls-gelu-f32" "$scratch/base"
python3 - "$scratch" <<'PY'
import datetime, json, random, sys
choose = random.Random(8)
POLARITY = {"negative": ["fell", "warning"], "positive": ["rose", "raised"], "neutral": ["bank", "shares"]}
def text():
    label = choose.choice(list(POLARITY))
    return label, f"{choose.choice(['orvane', 'the orvane'])} {choose.choice(POLARITY[label])} {' '.join(choose.choices(['the', 'a', 'to', 'in', 'and', 'of'], k=4))}"
with open(f"{sys.argv[1]}/polarity.tsv", "w") as out:
    out.write("label\ttext\n")
    for i in range(600):
        out.write("%s\t%s\n" % text())
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
with open(f"{sys.argv[1]}/tape.jsonl", "w") as out:
    n = 0
    for week in range(4):
        for i in range(300):
            n += 1
            other = week == 3 and i % 2 == 0
            title = f"{choose.choice(['bank', 'banks'])} cuts profit after shares outlook {choose.choice(['profit', 'zürn'])} shares" if other else text()[1]
            out.write(json.dumps({"id": str(n), "title": title, "source": "Example Wire", "polarity": None,
                                  "published": (start + datetime.timedelta(days=7 * week, minutes=30 * i)).strftime("%Y-%m-%dT%H:%M:%SZ")}) + "\n")
PY
"$bellwether" train --base "$scratch/base" --polarity "$scratch/polarity.tsv" --lr 5e-3 --epochs 40 --batch 16 --patience 0 \
	--out "$scratch/model" >/dev/null 2>"$scratch/train.log" || fail "train: $(cat "$scratch/train.log")"
jq -e '.texts == 600 and .judged >= 60 and .unknown == 0 and (.pieces | length) > 8 and ([.polarity[]] | add) == .judged' \
	"$scratch/model/drift.json" >/dev/null || fail "drift.json: $(cat "$scratch/model/drift.json")"

cat >"$scratch/drift.yaml" <<YAML
database: $db
model: {path: $scratch/model, device: cpu, precision: fp32, threads: 1}
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: all, any: [orvane, bank, banks]}
score: all
self: {disk_free: 0}
YAML
start_daemon drift "$scratch/drift.yaml" "$scratch/tape.jsonl"
ready drift
wait_until "the tape is stored" sql_is "$db" "select count(*) from documents_v" 1200

drift() { "$bellwether" drift --db "$db" --model "$scratch/model" "$@"; }
drift | tee "$scratch/said" || fail "drift"
contains "drift" "$(cat "$scratch/said")" "below 0.1 stable"
drift --json >"$scratch/report" || fail "drift --json"
of() { jq -c "select($1) | $2" "$scratch/report"; }
equal "the weeks" "$(of .week .week | tr '\n' ' ')" '"2026-01-05" "2026-01-12" "2026-01-19" "2026-01-26" '
equal "what they are held against" "$(of .week .against | sort -u)" '"training"'
equal "verdicts" "$(of .week .verdict | tr '\n' ' ')" '"stable" "stable" "stable" "shifted" '
equal "pieces of the last week" "$(of '.week == "2026-01-26"' '[.pieces.verdict, .pieces.psi > 0.25, .pieces.jensen_shannon > 0.3, .unknown > 0, .lengths.verdict]')" \
	'["shifted",true,true,true,"shifted"]'
equal "the source" "$(of .source '[.source, .texts]')" '["wire",1200]'
for word in cuts outlook profit; do
	contains "new words" "$(of .newest_week '[.new_words[].text]')" "\"$word\""
done
equal "known words among the new" "$(of .newest_week '[.new_words[].text | select(. == "orvane" or . == "fell" or . == "the")]')" '[]'
equal "fewer texts" "$(drift --json --texts 100 --weeks 2 | jq -c 'select(.week) | [.week, .texts < 140 and .texts > 60]' | tr '\n' ' ')" \
	'["2026-01-19",true] ["2026-01-26",true] '
equal "the same texts again" "$(drift --json --texts 100)" "$(drift --json --texts 100)"

# Without a profile.
rm "$scratch/model/drift.json"
drift --json >"$scratch/report" || fail "drift without a profile"
equal "one week alone is compared" "$(of .week '[.week, .against, .verdict]')" '["2026-01-26","earlier weeks","shifted"]'
contains "new words" "$(of .newest_week '[.new_words[].text]')" cuts
contains "drift" "$(drift)" "has no drift.json: the newest week against the 3 before it"
stop_daemon

expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	"$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
echo '{"format":1,"vocabulary":25' >"$scratch/model/drift.json"
expect 2 'drift.json:' drift --db "$db" --model "$scratch/model"
echo '{"format":1,"vocabulary":25}' >"$scratch/model/drift.json"
expect 2 'not the profile of this model' drift --db "$db" --model "$scratch/model"
expect 1 'cannot open the database' drift --db "$scratch/none.db" --model "$root/tests/data/parity/cls-gelu-f32"
expect 2 'a number within its bounds' drift --weeks 0
expect 0 'usage: bellwether drift' drift --help
exit 0
