#!/usr/bin/env bash
# A small model learns from a larger one: from its answers on texts without labels it learns what a few rows do not tell,
# to the same bits for any number of threads, and from the mean of several; a teacher that reads other words is refused.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
base=$root/tests/data/parity/cls-gelu-f32
python3 "$root/tests/lib/transfer_rows.py" "$scratch" "$base"
train() { "$bellwether" train "$@" 2>"$scratch/train.log"; }
quick=(--lr 3e-3 --batch 16 --patience 0 --polarity-validation "$scratch/validation.tsv")

train --base "$scratch/big" --polarity "$scratch/polarity.tsv" "${quick[@]}" --epochs 15 --out "$scratch/teacher" >"$scratch/taught" ||
	fail "the teacher: $(cat "$scratch/train.log")"
jq -e '.polarity.accuracy > 0.97' "$scratch/taught" >/dev/null || fail "the teacher: $(cat "$scratch/taught")"

student=(--base "$base" --keep-layers 1 --polarity "$scratch/few.tsv" "${quick[@]}")
taught=(--teacher "$scratch/teacher" --unlabelled "$scratch/texts.txt" --temperature 3 --hard 0.2 --epochs 100)
train "${student[@]}" --epochs 400 --out "$scratch/alone" >"$scratch/alone.json" || fail "alone: $(cat "$scratch/train.log")"
train "${student[@]}" "${taught[@]}" --threads 1 --out "$scratch/one" >"$scratch/taught" || fail "taught: $(cat "$scratch/train.log")"
contains "what is odd" "$(cat "$scratch/train.log")" "no teacher's topics are those of the new model"
alone=$(jq .polarity.accuracy "$scratch/alone.json") distilled=$(jq .polarity.accuracy "$scratch/taught")
echo "accuracy alone $alone, with the teacher $distilled"
jq -en "$distilled > 0.95 and $distilled > $alone" >/dev/null || fail "alone $alone, with the teacher $distilled"
jq -e '.teacher.unlabelled_texts == 300 and .layers == [0] and (.teacher.hash | length) == 16 and .options.temperature == 3' \
	"$scratch/one/run.json" >/dev/null || fail "run.json: $(cat "$scratch/one/run.json")"
train "${student[@]}" "${taught[@]}" --threads 3 --out "$scratch/three" >/dev/null || fail "$(cat "$scratch/train.log")"
cmp "$scratch/one/model.safetensors" "$scratch/three/model.safetensors" || fail "threads change the weights"

# So it does with the relations of the teacher's last layer.
for threads in 1 3; do
	train "${student[@]}" "${taught[@]}" --relations 0.5 --threads $threads --out "$scratch/related$threads" >"$scratch/taught" ||
		fail "$(cat "$scratch/train.log")"
done
jq -e '.polarity.accuracy > 0.95' "$scratch/taught" >/dev/null || fail "with relations: $(cat "$scratch/taught")"
cmp "$scratch/related1/model.safetensors" "$scratch/related3/model.safetensors" || fail "threads change the weights"
cmp -s "$scratch/related1/model.safetensors" "$scratch/one/model.safetensors" && fail "relations changed nothing"

# A teacher's hidden states: one of the same width shows how much nearer the student comes.
apart() { "$bellwether" tokenize --model "$base" <<<"$(head -40 "$scratch/texts.txt")" | python3 "$root/tests/lib/states_apart.py" "$@"; }
train --base "$base" --new-heads --polarity "$scratch/polarity.tsv" "${quick[@]}" --epochs 60 --out "$scratch/equal" >/dev/null ||
	fail "a teacher of the student's width: $(cat "$scratch/train.log")"
equal "the teacher's distance to itself" "$(apart "$scratch/equal" "$scratch/equal")" 0.0000
for weight in 0 1; do
	train "${student[@]}" --teacher "$scratch/equal" --unlabelled "$scratch/texts.txt" --hard 0.2 --epochs 60 --hidden $weight \
		--out "$scratch/hidden$weight" >/dev/null || fail "$(cat "$scratch/train.log")"
done
without=$(apart "$scratch/equal" "$scratch/hidden0") with=$(apart "$scratch/equal" "$scratch/hidden1")
echo "hidden states: $without of the teacher's missed without --hidden 1, $with with it"
jq -en "$with < 0.5 * $without" >/dev/null || fail "hidden states: $with with --hidden 1, $without without"

# Those of a wider one go through a projection, which is no part of the model and goes on where a run was killed.
projected=("${student[@]}" "${taught[@]}" --hidden 1)
for threads in 1 3; do
	train "${projected[@]}" --threads $threads --out "$scratch/wide$threads" >"$scratch/taught" || fail "$(cat "$scratch/train.log")"
done
jq -e '.polarity.accuracy > 0.95' "$scratch/taught" >/dev/null || fail "with hidden states: $(cat "$scratch/taught")"
cmp "$scratch/wide1/model.safetensors" "$scratch/wide3/model.safetensors" || fail "threads change the weights"
cmp -s "$scratch/wide1/model.safetensors" "$scratch/one/model.safetensors" && fail "hidden states changed nothing"
equal "bytes with a projection" "$(stat -c %s "$scratch/wide1/model.safetensors")" "$(stat -c %s "$scratch/one/model.safetensors")"
equal "run.json" "$(jq -c '[.options.hidden == 1, .parameters]' "$scratch/wide1/run.json")" "[true,$(jq .parameters "$scratch/one/run.json")]"
"$bellwether" train "${projected[@]}" --checkpoint 0 --out "$scratch/killed" >/dev/null 2>"$scratch/killed.log" &
child=$!
processes+=("$child")
some_steps() { [ "$(wc -l 2>/dev/null <"$scratch/killed.training/metrics.csv" || echo 0)" -gt 40 ]; }
wait_until "the run has a checkpoint" some_steps
kill -KILL $child
wait $child 2>/dev/null
[ -e "$scratch/killed.training/checkpoint" ] || fail "the run ended before it was killed"
train "${projected[@]}" --out "$scratch/killed" --resume >/dev/null || fail "$(cat "$scratch/train.log")"
cmp "$scratch/wide1/model.safetensors" "$scratch/killed/model.safetensors" || fail "a killed run ends in other weights"

# A teacher of both tasks gives its topics to a student that has none.
awk -F'\t' -v OFS='\t' 'NR == 1 { print; next } { print($2 ~ /bank/ ? "banks" : "others", $2) }' "$scratch/polarity.tsv" >"$scratch/topic.tsv"
train --base "$scratch/big" --polarity "$scratch/polarity.tsv" --topic "$scratch/topic.tsv" --lr 3e-3 --batch 16 --epochs 10 \
	--out "$scratch/both" >/dev/null || fail "$(cat "$scratch/train.log")"
train --base "$scratch/big" --keep-layers 1 --teacher "$scratch/both" --polarity "$scratch/polarity.tsv" --lr 3e-3 --batch 16 \
	--epochs 15 --out "$scratch/inherited" >/dev/null || fail "$(cat "$scratch/train.log")"
equal "labels" "$(jq -c .topic_labels "$scratch/inherited/config.json")" '["banks","others"]'
"$bellwether" eval --model "$scratch/inherited" --task topic --json "$scratch/topic.tsv" | jq -e '.accuracy > 0.95' >/dev/null ||
	fail "the teacher's topics were not learnt"

# Several teach by the mean of their answers: one that is named twice is that one, and each head has those who have it.
train "${student[@]}" "${taught[@]}" --teacher "$scratch/teacher,$scratch/teacher" --out "$scratch/twice" >/dev/null ||
	fail "$(cat "$scratch/train.log")"
cmp "$scratch/twice/model.safetensors" "$scratch/one/model.safetensors" || fail "the mean of a teacher with itself is another one"
jq -e '.teacher.models == 2' "$scratch/twice/run.json" >/dev/null || fail "run.json: $(cat "$scratch/twice/run.json")"
printf 'teacher: teacher, both\n' >"$scratch/two.yaml"
train --config "$scratch/two.yaml" --base "$scratch/big" --keep-layers 1 --polarity "$scratch/few.tsv" --unlabelled "$scratch/texts.txt" \
	"${quick[@]}" --lr 2e-3 --epochs 80 --out "$scratch/of-two" >"$scratch/taught" || fail "$(cat "$scratch/train.log")"
contains "what is odd" "$(cat "$scratch/train.log")" "some teachers have no topics or other ones: the others alone teach topics"
jq -e '.polarity.accuracy > 0.95' "$scratch/taught" >/dev/null || fail "of two teachers: $(cat "$scratch/taught")"
"$bellwether" eval --model "$scratch/of-two" --task topic --json "$scratch/topic.tsv" | jq -e '.accuracy > 0.95' >/dev/null ||
	fail "one teacher's topics were not learnt"

expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	"$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
no=(--out "$scratch/no")
cp -r "$scratch/teacher" "$scratch/other"
sed -i 's/^fell$/fall/' "$scratch/other/vocab.txt"
expect 2 'of its vocabulary is "fall" and the base'"'"'s is "fell"' train "${student[@]}" --teacher "$scratch/other" "${no[@]}"
cp "$base/vocab.txt" "$scratch/other/vocab.txt"
echo '{"do_lower_case": false}' >"$scratch/other/tokenizer_config.json"
expect 2 'capital letters otherwise' train "${student[@]}" --teacher "$scratch/other" "${no[@]}"
expect 2 'it has nothing to teach' train "${student[@]}" --teacher "$scratch/big" "${no[@]}"
expect 2 '--unlabelled without --teacher' train "${student[@]}" --unlabelled "$scratch/texts.txt" "${no[@]}"
expect 2 '--relations without --teacher' train "${student[@]}" --relations 1 "${no[@]}"
expect 2 '--relations and --hidden take one teacher' train "${student[@]}" --relations 1 --teacher "$scratch/teacher,$scratch/both" "${no[@]}"
expect 2 '--hidden without --teacher' train "${student[@]}" --hidden 1 "${no[@]}"
expect 2 'hidden takes a number from 0 to 1000, not "-1"' train "${student[@]}" --hidden -1 "${no[@]}"
expect 2 'config.json' train "${student[@]}" --teacher "$scratch" "${no[@]}"
expect 2 'config.json' train "${student[@]}" --teacher "$scratch/teacher,$scratch" "${no[@]}"
expect 2 'a directory is missing between the commas' train "${student[@]}" --teacher "$scratch/teacher," "${no[@]}"
printf 'teacher: ["", both]\n' >"$scratch/two.yaml"
expect 2 'a directory is missing between the commas' train --config "$scratch/two.yaml" "${student[@]}" "${no[@]}"
: >"$scratch/empty.txt"
expect 2 'empty.txt: no texts' train "${student[@]}" --teacher "$scratch/teacher" --unlabelled "$scratch/empty.txt" "${no[@]}"
compgen -G "$scratch/no*" >/dev/null && fail "a failure left $(ls "$scratch")"
exit 0
