#!/usr/bin/env bash
# eval beyond the report: two models on the same rows, figures by a column, what noise costs; and train --noise and the
# picture of a run.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
base=$root/tests/data/parity/cls-gelu-f32

python3 - "$scratch" <<'PY'
import random, sys
choose = random.Random(5)
KINDS = {"negative": ["fell", "warning"], "positive": ["rose", "raised"], "neutral": ["and", "of"]}
with open(f"{sys.argv[1]}/rows.tsv", "w", encoding="utf-8") as out:
    out.write("region\tlabel\ttext\n")
    for i in range(360):
        label = choose.choice(list(KINDS))
        words = f"Orvane's {choose.choice(KINDS[label])} {choose.choice(['the', 'a', 'to', 'in'])}"
        # In the south every third label is wrong: a shift that the mean hides.
        region = "south" if i % 4 == 0 else "north"
        if region == "south" and choose.random() < 0.4:
            label = {"negative": "positive", "positive": "neutral", "neutral": "negative"}[label]
        out.write(f"{region}\t{label}\t{words}\n")
PY

train() { "$bellwether" train --base "$base" --polarity "$scratch/rows.tsv" --batch 16 --patience 0 --lr 3e-3 "$@" 2>"$scratch/train.log" >"$scratch/result" ||
	fail "train: $(cat "$scratch/train.log")"; }
evaluate() { "$bellwether" eval --task polarity --bootstrap 200 "$@"; }
train --epochs 40 --out "$scratch/good"
train --epochs 1 --lr 1e-5 --out "$scratch/bad"

# Two models, row by row; what is gained one way is lost the other way.
evaluate --model "$scratch/good" --against "$scratch/bad" --json "$scratch/rows.tsv" >"$scratch/forth"
evaluate --model "$scratch/bad" --against "$scratch/good" --json "$scratch/rows.tsv" >"$scratch/back"
jq -e '.against | .both_right + .gained + .lost + .none_right == 360 and .mcnemar_p < 0.001 and .gained > .lost and
	.intervals.accuracy_gain[0] > 0 and .accuracy[1] > .accuracy[0] and (.rows | length) == .changed and
	(.rows[0] | has("line") and has("label") and .was != .is)' "$scratch/forth" >/dev/null || fail "against: $(head -c 2000 "$scratch/forth")"
equal "the other way" "$(jq -c '.against | [.gained, .lost, .mcnemar_p]' "$scratch/back")" \
	"$(jq -c '.against | [.lost, .gained, .mcnemar_p]' "$scratch/forth")"
equal "the report beside it" "$(jq .accuracy "$scratch/forth")" "$(jq '.against.accuracy[0]' "$scratch/back")"
evaluate --model "$scratch/good" --against "$scratch/bad" "$scratch/rows.tsv" >"$scratch/said"
grep -qE '^accuracy     0\.[0-9]{4} -> 0\.[0-9]{4}, \+[0-9.]+ points \(\+[0-9.]+ to \+[0-9.]+\)$' "$scratch/said" || fail "$(cat "$scratch/said")"
grep -qE '^gained [0-9]+$' "$scratch/said" || fail "$(cat "$scratch/said")"
evaluate --model "$scratch/good" --against "$scratch/good" --json "$scratch/rows.tsv" |
	jq -e '.against | .mcnemar_p == 1 and .changed == 0 and .rows == [] and .intervals.macro_f1_gain == [0, 0]' >/dev/null ||
	fail "a model differs from itself"

# By region: the south is below the whole.
evaluate --model "$scratch/good" --by region --json "$scratch/rows.tsv" >"$scratch/said"
jq -e '.by.column == "region" and ([.by.values[].value] == ["north","south"]) and ([.by.values[].rows] == [270,90]) and
	.by.values[1].below and (.by.values[0].below | not) and .by.values[0].accuracy > .by.values[1].accuracy + 0.1' \
	"$scratch/said" >/dev/null || fail "by: $(cat "$scratch/said")"
contains "by region" "$(evaluate --model "$scratch/good" --by region "$scratch/rows.tsv")" "below the whole"

# Noise: every kind is measured, and the same seed measures the same on any number of threads.
evaluate --model "$scratch/good" --noise --json --seed 3 --threads 1 "$scratch/rows.tsv" >"$scratch/noise"
evaluate --model "$scratch/good" --noise --json --seed 3 --threads 3 "$scratch/rows.tsv" | cmp - "$scratch/noise" ||
	fail "threads change what noise does"
equal "kinds" "$(jq -c '.noise | keys_unsorted' "$scratch/noise")" \
	'["typo","case","ticker","emoji","truncation","name","synonym","worst synonym","worst lost word","negation"]'
jq -e '.noise | .typo.texts == 360 and .emoji.texts == 360 and .name.texts == 360 and .case.points_lost == 0 and
	.["worst lost word"].points_lost >= 0 and .["worst lost word"].gained == 0 and
	.["worst lost word"].lost > .typo.lost - .typo.gained and .negation.pairs == 32' "$scratch/noise" >/dev/null ||
	fail "noise: $(cat "$scratch/noise")"
contains "noise" "$(evaluate --model "$scratch/good" --noise "$scratch/rows.tsv")" "worst lost word"

# Training with noise: deterministic by seed whatever the threads, another model than without, and the same after kills.
train --epochs 40 --noise 0.5 --threads 1 --out "$scratch/noisy"
train --epochs 40 --noise 0.5 --threads 3 --out "$scratch/noisy3"
cmp "$scratch/noisy/model.safetensors" "$scratch/noisy3/model.safetensors" || fail "threads change what noise does to training"
cmp -s "$scratch/noisy/model.safetensors" "$scratch/good/model.safetensors" && fail "noise changed nothing"
equal "run.json" "$(jq .options.noise "$scratch/noisy/run.json")" 0.5
for round in $(seq 60); do
	resume=()
	[ -e "$scratch/killed.training/checkpoint" ] && resume=(--resume)
	"$bellwether" train --base "$base" --polarity "$scratch/rows.tsv" --batch 16 --patience 0 --lr 3e-3 --epochs 40 --noise 0.5 \
		--checkpoint 0 --out "$scratch/killed" "${resume[@]}" >/dev/null 2>"$scratch/killed.log" &
	child=$!
	processes+=("$child")
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	[ "$round" -gt 6 ] || kill -KILL $child 2>/dev/null
	wait $child 2>/dev/null
	[ -d "$scratch/killed" ] && break
done
cmp "$scratch/noisy/model.safetensors" "$scratch/killed/model.safetensors" || fail "kills change the noise"

# The picture beside metrics.csv is a whole document, and draws what there is.
python3 - "$scratch/good/metrics.svg" <<'PY' || fail "metrics.svg"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
text = " ".join(root.itertext())
assert root.tag.endswith("svg"), root.tag
assert "polarity macro F1" in text and "training" in text and "topic" not in text, text
assert len(root.findall(".//{*}circle")) == 120, len(root.findall(".//{*}circle"))
assert all(0 <= float(c.get("cy")) <= 560 and 0 <= float(c.get("cx")) <= 960 for c in root.findall(".//{*}circle"))
PY

# Wrong usage.
expect() { # WORDS ARGUMENTS...
	local words=$1 rc=0
	shift
	"$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc 2
	contains "$*" "$(cat "$scratch/said")" "$words"
}
expect 'names no column "country"' eval --model "$scratch/good" --task polarity --by country "$scratch/rows.tsv"
printf 'label\ttext\tregion\nneutral\tfell\t\xff\n' >"$scratch/bytes.tsv"
rc=0
"$bellwether" eval --model "$scratch/good" --task polarity --by region "$scratch/bytes.tsv" >"$scratch/said" 2>&1 || rc=$?
equal "bytes to group by" "$rc" 1
contains "bytes to group by" "$(cat "$scratch/said")" "bytes.tsv:2: the value to group by is not UTF-8"
expect 'config.json' eval --model "$scratch/good" --task polarity --against "$scratch" "$scratch/rows.tsv"
expect 'has no topic head' eval --model "$base" --against "$root/tests/data/parity/mean-relu-bf16" --task topic <(printf 'label\ttext\na\tb\n')
expect 'noise takes a number from 0 to 1' train --noise 2
exit 0
