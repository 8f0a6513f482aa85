#!/usr/bin/env bash
# train and eval: heads with labels of one's own, the same bits for any number of threads and after kills, reports as
# scikit-learn's, and bad rows told with their line while nothing half-written stays.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
base=$root/tests/data/parity/cls-gelu-f32

python3 - "$scratch" <<'PY'
import random, sys
choose = random.Random(4)
POLARITY = {"negative": ["fell", "warning"], "positive": ["rose", "raised"], "neutral": ["and", "of"]}
TOPIC = {"Ernte | späte": ["bank", "the bank"], "outage": ["profit", "cut"], "layoffs": ["shares", "outlook"]}
def write(name, kinds, rows, header):
    with open(f"{sys.argv[1]}/{name}", "w", encoding="utf-8") as out:
        out.write(header + "\n")
        for i in range(rows):
            label = choose.choice(list(kinds))
            text = f"{choose.choice(['orvane', 'the orvane'])} {choose.choice(kinds[label])} {choose.choice(['the', 'a', 'to', 'in'])}"
            out.write({"label\ttext": f"{label}\t{text}", "id\ttext\tlabel": f"{i}\t{text}\t{label}"}[header] + "\n")
write("polarity.tsv", POLARITY, 240, "label\ttext")
write("topic.tsv", TOPIC, 200, "id\ttext\tlabel")
PY

train() { "$bellwether" train --base "$base" "$@"; }
both=(--polarity "$scratch/polarity.tsv" --topic "$scratch/topic.tsv")
quick=(--lr 3e-3 --epochs 40 --batch 16 --patience 0)

# A model with a head of new labels.
train "${both[@]}" --lr 3e-3,5e-3 --epochs 40 --batch 16 --patience 0 --out "$scratch/model" >"$scratch/result" 2>"$scratch/train.log" ||
	fail "train: $(cat "$scratch/train.log")"
equal "the result's directory" "$(jq -r .out "$scratch/result")" "$scratch/model"
equal "what stays beside it" "$(cd "$scratch" && ls -d model*)" "model"
contains "the progress" "$(cat "$scratch/train.log")" "epoch 40/40"
contains "the progress" "$(cat "$scratch/train.log")" "rate 0.005 tried"
equal "labels" "$(jq -c .topic_labels "$scratch/model/config.json")" '["Ernte | späte","layoffs","outage"]'
equal "the run's seed" "$(jq -c '[.options.seed, .options.epochs, .data.topics[1], .new_topic_head]' "$scratch/model/run.json")" '[1,40,"layoffs",true]'
contains "metrics.csv" "$(head -1 "$scratch/model/metrics.csv")" "phase,rate,epoch,step,loss"
[ "$(grep -c '^run,' "$scratch/model/metrics.csv")" -gt 100 ] || fail "metrics.csv has $(wc -l <"$scratch/model/metrics.csv") lines"
equal "a topic" "$(echo 'orvane profit cut' | "$bellwether" score --model "$scratch/model" | jq -r .topic)" outage

# eval says so too, for people and for programs.
"$bellwether" eval --model "$scratch/model" --task topic "$scratch/topic.tsv" >"$scratch/report"
grep -qE '^ {13}  precision    recall  f1-score   support$' "$scratch/report" || fail "the report: $(cat "$scratch/report")"
grep -qE '^Ernte \| späte       [01]\.[0-9]{2}      [01]\.[0-9]{2}      [01]\.[0-9]{2} +[0-9]+$' "$scratch/report" ||
	fail "the report: $(cat "$scratch/report")"
"$bellwether" eval --model "$scratch/model" --task polarity --json "$scratch/polarity.tsv" >"$scratch/report"
jq -e '.rows == 240 and .accuracy > 0.9 and .macro_f1 > 0.9 and .weighted_f1 > 0.9 and .ece < 0.3 and
	.labels == ["negative","neutral","positive"] and ([.confusion[][]] | add) == 240 and
	.per_class.negative.support + .per_class.neutral.support + .per_class.positive.support == 240 and
	.intervals.accuracy[0] <= .accuracy and .intervals.accuracy[1] >= .accuracy' "$scratch/report" >/dev/null ||
	fail "eval --json: $(cat "$scratch/report")"

# Other ways: mean pooling, a bias for each source, rare labels weighted, rows to validate on, half precision.
awk -F'\t' -v OFS='\t' '{ print $0, NR == 1 ? "origin" : NR % 3 ? "wire" : "desk" }' "$scratch/polarity.tsv" >"$scratch/sources.tsv"
head -60 "$scratch/polarity.tsv" >"$scratch/validation.tsv"
train --polarity "$scratch/sources.tsv" --polarity-validation "$scratch/validation.tsv" --source origin --pooling mean --lr 5e-3 \
	--epochs 20 --batch 16 --class-weights balanced --dtype f16 --precision bf16 --out "$scratch/other" >"$scratch/result" \
	2>"$scratch/train.log" || fail "train: $(cat "$scratch/train.log")"
jq -e '.polarity.rows == 59 and .polarity.accuracy > 0.9 and .topic == null' "$scratch/result" >/dev/null || fail "$(cat "$scratch/result")"
equal "what config.json says" "$(jq -c '[.pooling, .torch_dtype, (.topic_labels | length)]' "$scratch/other/config.json")" '["mean","float16",4]'
"$bellwether" eval --model "$scratch/other" --task polarity --json "$scratch/validation.tsv" |
	jq -e --slurpfile run "$scratch/result" '.accuracy == $run[0].polarity.accuracy' >/dev/null || fail "eval says otherwise than the run"

# The same bits: other threads, a recipe.
train "${both[@]}" "${quick[@]}" --threads 1 --out "$scratch/one" 2>"$scratch/train.log" >/dev/null
train "${both[@]}" "${quick[@]}" --threads 3 --out "$scratch/three" 2>"$scratch/train.log" >/dev/null
cmp "$scratch/one/model.safetensors" "$scratch/three/model.safetensors" || fail "threads change the weights"
cat >"$scratch/recipe.yaml" <<YAML
base: $base
polarity: polarity.tsv
topic: topic.tsv
out: recipe
lr: [3e-3]
epochs: 40
batch: 16
patience: 0
YAML
"$bellwether" train --config "$scratch/recipe.yaml" --threads 2 2>"$scratch/train.log" >/dev/null || fail "recipe: $(cat "$scratch/train.log")"
cmp "$scratch/one/model.safetensors" "$scratch/recipe/model.safetensors" || fail "a recipe changes the weights"

# Killed again and again, it ends in the same bits.
kills=0
for round in $(seq 100); do
	resume=()
	[ -e "$scratch/killed.training/checkpoint" ] && resume=(--resume)
	"$bellwether" train --base "$base" "${both[@]}" "${quick[@]}" --checkpoint 0 --out "$scratch/killed" "${resume[@]}" \
		>"$scratch/result" 2>"$scratch/killed.log" &
	child=$!
	processes+=("$child")
	sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
	[ $round -gt 12 ] || { kill -KILL $child 2>/dev/null && kills=$((kills + 1)); }
	rc=0
	wait $child 2>/dev/null || rc=$?
	[ -d "$scratch/killed" ] && break
	[ $rc -eq 137 ] || [ $rc -eq 0 ] || fail "exit $rc: $(cat "$scratch/killed.log")"
done
[ $kills -gt 2 ] || fail "only $kills kills: the run was too short"
cmp "$scratch/one/model.safetensors" "$scratch/killed/model.safetensors" || fail "$kills kills change the weights"
[ -e "$scratch/killed.training" ] && fail "the checkpoint stayed"
echo "the same bits after $kills kills"
rm -rf "$scratch"/*.partial-*

# SIGTERM saves and ends; without --resume nothing goes on by accident.
"$bellwether" train --base "$base" "${both[@]}" --lr 3e-3 --epochs 1000 --patience 0 --out "$scratch/stopped" \
	>"$scratch/result" 2>"$scratch/stopped.log" &
child=$!
processes+=("$child")
stopped_moves() { [ "$(wc -l <"$scratch/stopped.training/metrics.csv" 2>/dev/null || echo 0)" -gt 20 ]; }
wait_until "the run has begun" stopped_moves
rc=0
train "${both[@]}" --out "$scratch/stopped" >"$scratch/said" 2>&1 || rc=$?
equal "a second run: $(cat "$scratch/said")" $rc 2
contains "a second run" "$(cat "$scratch/said")" "another run is at work"
kill -TERM $child
rc=0
wait $child || rc=$?
equal "exit after SIGTERM" $rc 1
contains "what it says" "$(cat "$scratch/stopped.log")" "with --resume goes on"
[ -e "$scratch/stopped" ] && fail "a stopped run left a model"
expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	"$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
longer=(--lr 3e-3 --epochs 1000 --patience 0)
expect 2 'unfinished run: --resume goes on with it' train --base "$base" "${both[@]}" "${longer[@]}" --out "$scratch/stopped"
expect 1 'of a run with another base, other rows or other options' train --base "$base" "${both[@]}" --lr 1e-3 --out "$scratch/stopped" --resume
printf 'x' >>"$scratch/stopped.training/checkpoint"
sed -i '1s/./&/;$d' "$scratch/stopped.training/checkpoint"
expect 1 'is damaged' train --base "$base" "${both[@]}" "${longer[@]}" --out "$scratch/stopped" --resume

# Bad rows: the file, the line, what to do; nothing stays.
bad() { # STATUS WORDS OPTION ROWS
	printf '%b' "$4" >"$scratch/rows.tsv"
	expect "$1" "$2" train --base "$base" "$3" "$scratch/rows.tsv" --lr 1e-3 --epochs 1 --out "$scratch/bad"
	[ "$1" -eq 0 ] || ! compgen -G "$scratch/bad*" >/dev/null || fail "a failure left $(ls "$scratch")"
	rm -rf "$scratch/bad" "$scratch/bad.training"
}
rows() { # LABELS: 30 rows
	python3 -c 'import sys; print("label\\ttext"); [print(sys.argv[1 + i % (len(sys.argv) - 1)] + "\\torvane rose " + "the " * (i % 7)) for i in range(30)]' "$@"
}
bad 2 'rows.tsv:1: the header names no column "label" (it has "klass", "text")' --topic 'klass\ttext\na\tb\n'
bad 2 'rows.tsv:1: the header names no column "text" (it has "label")' --topic 'label\na\n'
bad 2 'rows.tsv:3: 1 columns where' --topic 'label\ttext\na\tb\nc\n'
bad 2 'rows.tsv:3: the label is empty' --topic 'label\ttext\na\tb\n\tc\n'
bad 2 'rows.tsv:2: the label is not UTF-8' --topic 'label\ttext\n\xff\tb\n'
bad 2 'no rows with a text' --topic 'label\ttext\n'
bad 2 'no rows with a text' --topic ''
bad 2 'rows.tsv: 2 rows are too few to learn from' --topic 'label\ttext\na\tb\nc\td\n'
bad 2 'rows.tsv:4: unknown label "bullish": polarity is negative, neutral or positive' --polarity "$(rows positive negative bullish)"
bad 2 'rows.tsv: all 30 rows have the label "a": there is nothing to tell apart' --topic "$(rows a)"
bad 2 'rows.tsv: all 30 rows have the label "Positive"' --polarity "$(rows Positive)"
bad 0 'no row is neutral' --polarity "$(rows Positive NEGATIVE)"
bad 0 'the label "rare" has 1 rows, too few to validate it' --topic "$(rows a b)\nrare\torvane fell\n"
bad 0 '1 rows without a text are left out' --topic "$(rows a b)\r\na\t \r\n"
{ printf '%b' "$(rows a b)\na\t" && head -c 10000000 /dev/zero | tr '\0' 'x' && echo; } >"$scratch/long.tsv"
expect 0 'long.tsv:32: a line of 10.0 MB' train --base "$base" --topic "$scratch/long.tsv" --lr 1e-3 --epochs 1 --out "$scratch/long"
cp -r "$base" "$scratch/huge"
python3 - "$scratch/huge/model.safetensors" <<'PY'
import json, struct, sys
with open(sys.argv[1], "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    begin, end = json.loads(file.read(size))["classifier.weight"]["data_offsets"]
    file.seek(8 + size + begin)
    file.write(struct.pack("<f", 3e38) * ((end - begin) // 4))
PY
expect 1 'a lower one may help' train --base "$scratch/huge" "${both[@]}" --lr 1e-3 --out "$scratch/nan"
contains "a loss that is no number" "$(cat "$scratch/said")" "is not a number"
[ -e "$scratch/nan" ] && fail "a loss that is no number left a model"

# Wrong usage.
expect 2 '--base is missing' train --topic "$scratch/topic.tsv" --out "$scratch/no"
expect 2 'no rows to learn from' train --base "$base" --out "$scratch/no"
expect 2 'config.json' train --base "$scratch" --topic "$scratch/topic.tsv" --out "$scratch/no"
expect 2 'exists already and is not empty' train --base "$base" --topic "$scratch/topic.tsv" --out "$scratch/model"
expect 2 '--epochs: epochs takes a whole number from 1 to 1000, not "0"' train --epochs 0
expect 2 'pooling is one of cls|mean, not "max"' train --pooling max
printf 'epochs: 2\nepoch: 3\n' >"$scratch/wrong.yaml"
expect 2 'wrong.yaml:2:1: there is no key "epoch"' train --config "$scratch/wrong.yaml"
expect 2 'unknown label "bullish"' eval --model "$scratch/model" --task topic <(printf 'label\ttext\nbullish\tb\n')
expect 2 '--task is polarity or topic' eval --model "$scratch/model" --task sentiment "$scratch/topic.tsv"
expect 2 'has no topic head' eval --model "$root/tests/data/parity/mean-relu-bf16" --task topic "$scratch/topic.tsv"

# A file that cannot grow stands for a full disk: the run is told, and no half of a model is there.
(
	trap '' XFSZ
	ulimit -f 40
	expect 1 'File too large' train --base "$base" "${both[@]}" --lr 3e-3 --epochs 2 --checkpoint 0 --out "$scratch/full"
	contains "a full disk" "$(cat "$scratch/said")" "no checkpoint (the run goes on)"
)
compgen -G "$scratch/full.partial*" >/dev/null && fail "a full disk left $(ls "$scratch")"
[ -e "$scratch/full" ] && fail "a full disk left a model"

# A metrics.csv that cannot be written is told once, and costs the run nothing but its picture.
mkdir -p "$scratch/unmeasured.training/metrics.csv"
expect 0 'warning: the run goes on without metrics' train --base "$base" "${both[@]}" "${quick[@]}" --out "$scratch/unmeasured"
equal "warnings" "$(grep -c 'unmeasured.training/metrics.csv' "$scratch/said")" 1
cmp "$scratch/one/model.safetensors" "$scratch/unmeasured/model.safetensors" || fail "metrics change the weights"
compgen -G "$scratch/unmeasured/metrics*" >/dev/null && fail "metrics that were not written: $(ls "$scratch/unmeasured")"
exit 0
