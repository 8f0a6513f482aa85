#!/usr/bin/env bash
# Masked words are learnt before labels: the loss falls, the bits depend on no thread, a run that was stopped in this part
# begins it anew, and one that was stopped after it goes on to the same bits.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
base=$root/tests/data/parity/cls-gelu-f32
python3 "$root/tests/lib/transfer_rows.py" "$scratch" "$base"
rows=(--base "$base" --polarity "$scratch/polarity.tsv" --lr 3e-3 --batch 16 --patience 0)
words=(--pretrain "$scratch/texts.txt" --pretrain-epochs 10 --pretrain-lr 3e-3 --mask 0.3)
train() { "$bellwether" train "${rows[@]}" "$@" 2>"$scratch/train.log"; }

train "${words[@]}" --epochs 20 --threads 1 --out "$scratch/one" >/dev/null || fail "$(cat "$scratch/train.log")"
contains "the progress" "$(cat "$scratch/train.log")" "masked words: 300 texts"
contains "the progress" "$(cat "$scratch/train.log")" "epoch 10/10  step 190/190"
jq -c .pretraining "$scratch/one/run.json"
jq -e '.pretraining | .texts == 300 and .steps == 190 and .last_loss < 0.8 * .first_loss' "$scratch/one/run.json" >/dev/null ||
	fail "run.json: $(cat "$scratch/one/run.json")"
train "${words[@]}" --epochs 20 --threads 3 --out "$scratch/three" >/dev/null || fail "$(cat "$scratch/train.log")"
cmp "$scratch/one/model.safetensors" "$scratch/three/model.safetensors" || fail "threads change the weights"
train --epochs 20 --out "$scratch/without" >/dev/null || fail "$(cat "$scratch/train.log")"
cmp -s "$scratch/one/model.safetensors" "$scratch/without/model.safetensors" && fail "masked words changed nothing"
equal "without it" "$(jq .pretraining "$scratch/without/run.json")" null

# Texts as a column, in which nothing is a word but a row.
{ printf 'id\ttext\n' && awk '{ print NR "\t" $0 }' "$scratch/texts.txt"; } >"$scratch/texts.tsv"
train --pretrain "$scratch/texts.tsv" --pretrain-epochs 10 --pretrain-lr 3e-3 --mask 0.3 --epochs 20 --out "$scratch/column" >/dev/null ||
	fail "$(cat "$scratch/train.log")"
cmp "$scratch/one/model.safetensors" "$scratch/column/model.safetensors" || fail "a column of texts is not the texts"

# Stopped in the middle of the words, and then of the labels.
begun() { grep -q "$1" "$2" 2>/dev/null; }
"$bellwether" train "${rows[@]}" --pretrain "$scratch/texts.txt" --pretrain-epochs 1000 --out "$scratch/stopped" 2>"$scratch/stopped.log" &
child=$!
processes+=("$child")
wait_until "words are learnt" begun "step 950/" "$scratch/stopped.log"
kill -TERM $child
rc=0
wait $child || rc=$?
equal "exit after SIGTERM: $(tail -1 "$scratch/stopped.log")" $rc 1
contains "what it says" "$(cat "$scratch/stopped.log")" "begins them anew"
compgen -G "$scratch/stopped*/*" >/dev/null && fail "words half learnt left $(ls "$scratch"/stopped*)"

long=("${rows[@]}" "${words[@]}" --epochs 150)
"$bellwether" train "${long[@]}" --out "$scratch/whole" >/dev/null 2>"$scratch/train.log" || fail "$(cat "$scratch/train.log")"
"$bellwether" train "${long[@]}" --checkpoint 0 --out "$scratch/killed" >/dev/null 2>"$scratch/killed.log" &
child=$!
processes+=("$child")
saved() { [ -e "$scratch/killed.training/checkpoint" ]; }
wait_until "a checkpoint is there" saved
kill -KILL $child
wait $child 2>/dev/null
[ -e "$scratch/killed" ] && fail "the run was too short to be killed"
"$bellwether" train "${long[@]}" --resume --out "$scratch/killed" >/dev/null 2>"$scratch/killed.log" || fail "$(cat "$scratch/killed.log")"
contains "a resumed run" "$(cat "$scratch/killed.log")" "taken from the run that was stopped"
cmp "$scratch/whole/model.safetensors" "$scratch/killed/model.safetensors" || fail "a kill changes the weights"
[ -e "$scratch/killed.training" ] && fail "left behind: $(ls "$scratch/killed.training")"

rc=0
printf '\n \n' >"$scratch/empty.txt"
train --pretrain "$scratch/empty.txt" --out "$scratch/no" >/dev/null || rc=$?
equal "exit without texts" $rc 2
contains "no texts" "$(cat "$scratch/train.log")" "empty.txt: no texts"
cp -r "$base" "$scratch/maskless"
sed -i 's/^\[MASK\]$/[mask]/' "$scratch/maskless/vocab.txt"
rc=0
"$bellwether" train --base "$scratch/maskless" "${rows[@]:2}" "${words[@]}" --out "$scratch/no" >/dev/null 2>"$scratch/train.log" || rc=$?
equal "exit without [MASK]" $rc 1
contains "no [MASK]" "$(cat "$scratch/train.log")" "the vocabulary has no [MASK]"
compgen -G "$scratch/no*" >/dev/null && fail "a failure left $(ls "$scratch")"
exit 0
