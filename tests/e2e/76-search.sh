#!/usr/bin/env bash
# train --search: trials drawn from a space, successive halving, a recipe that trains; the same whether it was killed or not.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
base=$root/tests/data/parity/cls-gelu-f32

python3 - "$scratch" <<'PY'
import random, sys
choose = random.Random(6)
KINDS = {"outage": ["profit", "cut"], "layoffs": ["shares", "outlook"], "lawsuit": ["bank", "raised"]}
with open(f"{sys.argv[1]}/rows.tsv", "w", encoding="utf-8") as out:
    out.write("label\ttext\n")
    for i in range(200):
        label = choose.choice(list(KINDS))
        out.write(f"{label}\torvane {choose.choice(KINDS[label])} {choose.choice(['the', 'a', 'to', 'in'])}\n")
PY
cat >"$scratch/recipe.yaml" <<YAML
base: $base
topic: rows.tsv
epochs: 36
patience: 0
batch: 16
YAML
cat >"$scratch/space.yaml" <<YAML
lr: {min: 3e-4, max: 1e-2, log: true}
dropout: {min: 0, max: 0.4}
class-weights: [none, balanced]
YAML
# An array: of a function in the background the shell alone would be killed.
search=("$bellwether" train --config "$scratch/recipe.yaml" --search "$scratch/space.yaml" --trials 9 --checkpoint 0)

"${search[@]}" --out "$scratch/whole" --threads 1 2>"$scratch/search.log" || fail "search: $(cat "$scratch/search.log")"
contains "the progress" "$(cat "$scratch/search.log")" "rung 3/3  trial"
contains "the progress" "$(cat "$scratch/search.log")" "is the best, score"
equal "what is there" "$(ls "$scratch/whole" | tr '\n' ' ')" "best.yaml search.txt trials.csv "
equal "trials" "$(tail -n +2 "$scratch/whole/trials.csv" | cut -d, -f1 | uniq -c | tr -s ' ' | tr '\n' ';')" " 9 1; 3 2; 1 3;"

# The best third of a rung is what the next one has.
python3 - "$scratch/whole/trials.csv" <<'PY' || fail "halving: $(cat "$scratch/whole/trials.csv")"
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
rung = lambda n: [row for row in rows if row["rung"] == str(n)]
score = lambda row: (-float(row["score"]), int(row["trial"]))
for n in (1, 2):
    best = sorted(rung(n), key=score)[:len(rung(n + 1))]
    assert {row["trial"] for row in best} == {row["trial"] for row in rung(n + 1)}
assert [rung(n)[0]["part"] for n in (1, 2, 3)] == ["0.1111", "0.3333", "1.0000"]
assert len({row["lr"] for row in rung(1)}) == 9
assert {row["class-weights"] for row in rung(1)} == {"none", "balanced"}
assert float(rung(3)[0]["score"]) > 0.9
PY

# Killed again and again and on other threads: the same trials but for the time they took.
for round in $(seq 100); do
	resume=()
	[ "$round" -gt 1 ] && resume=(--resume)
	"${search[@]}" --out "$scratch/killed" --threads 2 "${resume[@]}" >"$scratch/said" 2>"$scratch/killed.log" &
	child=$!
	processes+=("$child")
	sleep "0.$((RANDOM % 4))$((RANDOM % 10))"
	[ "$round" -gt 8 ] || kill -KILL $child 2>/dev/null
	rc=0
	wait $child 2>/dev/null || rc=$?
	[ -e "$scratch/killed/best.yaml" ] && break
	[ $rc -eq 137 ] || [ ! -e "$scratch/killed/search.txt" ] || fail "exit $rc: $(cat "$scratch/killed.log")"
done
timeless() { cut -d, -f1-9,11- "$1/trials.csv"; }
equal "trials after $round rounds" "$(timeless "$scratch/killed")" "$(timeless "$scratch/whole")"
equal "the best recipe" "$(sed 's/killed/whole/' "$scratch/killed/best.yaml")" "$(cat "$scratch/whole/best.yaml")"

# The recipe trains, and reaches what the search said of it.
"$bellwether" train --config "$scratch/whole/best.yaml" --calibrate no >"$scratch/result" 2>"$scratch/train.log" || fail "best.yaml: $(cat "$scratch/train.log")"
jq -e --arg score "$(tail -1 "$scratch/whole/trials.csv" | cut -d, -f5)" \
	'.topic.macro_f1 - ($score | tonumber) | fabs < 1e-4' "$scratch/result" >/dev/null ||
	fail "best.yaml: $(cat "$scratch/result" "$scratch/whole/trials.csv")"
[ -s "$scratch/whole/model/model.safetensors" ] || fail "best.yaml left no model"

# SIGTERM ends it with words; it does not go on by accident, nor as another search.
"${search[@]}" --out "$scratch/stopped" --epochs 900 2>"$scratch/stopped.log" &
child=$!
processes+=("$child")
begun() { compgen -G "$scratch/stopped/rung-1-trial-1.training/metrics.csv" >/dev/null; }
wait_until "the search has begun" begun
kill -TERM $child
rc=0
wait $child || rc=$?
equal "exit after SIGTERM: $(cat "$scratch/stopped.log")" $rc 1
contains "what it says" "$(cat "$scratch/stopped.log")" "with --resume goes on"
expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	"$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
again=(train --config "$scratch/recipe.yaml" --search "$scratch/space.yaml" --trials 9)
expect 2 '--resume goes on with it' "${again[@]}" --out "$scratch/whole"
expect 2 'holds another search' "${again[@]}" --seed 2 --out "$scratch/whole" --resume

# Rows, a base or a teacher that changed meanwhile would make its trials another search's.
cp "$scratch/rows.tsv" "$scratch/before.tsv"
sed -i '$s/orvane/the orvane/' "$scratch/rows.tsv"
expect 2 'have changed since that search began' "${again[@]}" --epochs 900 --checkpoint 0 --out "$scratch/stopped" --resume
mv "$scratch/before.tsv" "$scratch/rows.tsv"
expect 2 'holds another search' "${again[@]}" --epochs 901 --checkpoint 0 --out "$scratch/stopped" --resume

# Wrong spaces and rows.
printf 'lr: [1e-4]\nepoch: [1]\n' >"$scratch/wrong.yaml"
expect 2 'wrong.yaml:2:9: there is no key "epoch"' train --config "$scratch/recipe.yaml" --search "$scratch/wrong.yaml" --out "$scratch/no"
printf 'dropout: [0, 0.1]\n' >"$scratch/wrong.yaml"
expect 2 'needs lr in its space' train --config "$scratch/recipe.yaml" --search "$scratch/wrong.yaml" --out "$scratch/no"
printf 'lr: [1e-4]\nhidden: [0, 1]\n' >"$scratch/wrong.yaml"
expect 2 '--hidden without --teacher' train --config "$scratch/recipe.yaml" --search "$scratch/wrong.yaml" --out "$scratch/taught"
[ -e "$scratch/no" ] && fail "a wrong space left $(ls "$scratch/no")"
expect 2 'missing.tsv' "${again[@]}" --topic "$scratch/missing.tsv" --out "$scratch/missing"
exit 0
