#!/usr/bin/env bash
# The shipped weights from the rows and an encoder that was never tuned on them; README.md beside this says why it goes so.
#
#     train.sh LABELLED BASE OUT
#
# LABELLED holds the labelled sets, BASE is sentence-transformers/all-MiniLM-L6-v2, and OUT/weights is what comes.  About 13
# million tokens are learnt from: an hour and a half on two cores.  What OUT has already is not made again, and a training
# that was ended goes on, to the same bits.
set -euo pipefail
labelled=${1:?usage: train.sh LABELLED BASE OUT} base=${2:?BASE} out=${3:?OUT}
here=$(dirname "$0")
bellwether=${BELLWETHER:-build/bellwether}
mkdir -p "$out"

rows() { # NAME OPTIONS...: what to learn from, and a tenth of it to judge by
	python3 "$here/prepare.py" --data "$labelled" --out "$out/$1" "${@:2}"
}

learn() { # NAME BASE ROWS OPTIONS...
	local resume=()
	[ ! -d "$out/$1" ] || return 0
	[ ! -e "$out/$1.training/checkpoint" ] || resume=(--resume)
	"$bellwether" train --config "$here/recipe.yaml" --base "$2" --polarity "$out/$3/polarity.tsv" --topic "$out/$3/topic.tsv" \
		--out "$out/$1" "${@:4}" "${resume[@]}"
}

average() { # NAME MODEL...
	[ ! -d "$out/$1" ] || return 0
	rm -rf "$out/$1.part"
	python3 "$here/average.py" --out "$out/$1.part" "${@:2}"
	mv "$out/$1.part" "$out/$1"
}

rows all --made-up 7000
rows short --made-up 5000 --most '{"tfns": 3500, "topic": 2500}'
rows posts --made-up 0
sed -i '/^finentity\t/d' "$out/posts/polarity.tsv"
judged=(--polarity-validation "$out/all/judge-tfns.tsv" --topic-validation "$out/all/judge-topic.tsv")

# Three teachers, who err differently: by the mean of all tokens, by the first one, and on posts before anything else.
learn mean "$base" all --pooling mean --epochs 3 --ema 0.995 --seed 1 --precision bf16 "${judged[@]}"
learn mean-more "$out/mean" short --pooling mean --epochs 1 --lr 5e-5 --ema 0.98 --precision bf16
average mean-teacher "$out/mean" "$out/mean-more"
learn first "$base" all --epochs 3 --seed 3 --precision bf16 "${judged[@]}"
learn first-more "$out/first" short --epochs 1 --lr 5e-5 --ema 0.98 --precision bf16
average first-teacher "$out/first" "$out/first-more"
learn posts-first "$base" posts --epochs 4 --seed 3 --dtype f16 "${judged[@]}"
learn posts-teacher "$out/posts-first" all --epochs 2 --seed 3 "${judged[@]}"

# One that goes on from the second of them and learns the mean of their answers more than the labels.
learn taught "$out/first" all --epochs 2 --lr 7e-5 --label-smoothing 0 --seed 5 --hard 0.3 --temperature 2 \
	--teacher "$out/mean-teacher,$out/first-teacher,$out/posts-teacher" "${judged[@]}"
average weights "$out/taught" # itself, in float16
