#!/usr/bin/env bash
# score: one answer for each line whatever it holds, in order and at once; the logits of the parity cases; exit statuses.
set -eu
cd "$(dirname "$0")/../.."
program=${BELLWETHER:-build/bellwether}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "$*"; exit 1; }

# Logits equal Hugging Face's; a text's answer does not depend on its neighbours' number or the threads'.
python3 - "$scratch" <<'PY'
import json, sys
cases = json.load(open("tests/data/parity/shipped.json"))["cases"]
with open(sys.argv[1] + "/texts", "w", encoding="utf-8") as out:
    out.writelines(case["text"] + "\n" for case in cases * 40)
PY
"$program" score --logits --threads 2 --precision fp32 <"$scratch/texts" >"$scratch/scores"
python3 - "$scratch" <<'PY'
import json, sys
cases = json.load(open("tests/data/parity/shipped.json"))["cases"] * 40
lines = open(sys.argv[1] + "/scores", encoding="utf-8").read().splitlines()
assert len(lines) == len(cases), (len(lines), len(cases))
keys = ["polarity", "score", "negative", "neutral", "positive", "topic", "topic_p", "topics", "logits"]
worst = 0
for line, case in zip(lines, cases):
    got = json.loads(line)
    assert list(got) == keys, list(got)
    both = got["logits"]["polarity"] + got["logits"]["topic"]
    assert len(both) == len(case["logits"]) == 23
    worst = max(worst, max(abs(a - b) for a, b in zip(both, case["logits"])))
    if got["polarity"] is not None:
        names = ["negative", "neutral", "positive"]
        assert got["polarity"] == names[case["logits"].index(max(case["logits"][:3]))]
        assert abs(sum(got[n] for n in names) - 1) < 1e-5
        assert abs(got["score"] - (got["positive"] - got["negative"])) < 1e-5
        assert got["topics"][0] == {"topic": got["topic"], "p": got["topic_p"]}
assert worst < 1e-3, worst
print("largest difference of a logit: %.2g" % worst)
PY

# One line out for each line in: empty, blank, NUL, invalid UTF-8, CRLF, 1 MB, Chinese, no final newline.
{
	printf '\n   \n\0\0\n\xff\xfe\xc3\nbank cuts outlook\r\n'
	head -c 1000000 /dev/zero | tr '\0' 'x'
	printf '\n'
	head -c 1000000 /dev/zero | tr '\0' ' '
	printf 'profit warning\n\xe8\x82\xa1\xe4\xbb\xb7\xe6\x9a\xb4\xe8\xb7\x8c\nprofit warning'
} >"$scratch/hostile"
"$program" score <"$scratch/hostile" >"$scratch/answers"
[ "$(wc -l <"$scratch/answers")" -eq 9 ] || fail "9 lines in, $(wc -l <"$scratch/answers") out"
python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <"$scratch/answers"
[ "$(sed -n 8p "$scratch/answers" | cut -c1-16)" = '{"polarity":null' ] || fail "Chinese text was judged"
[ "$(sed -n 7p "$scratch/answers")" = "$(sed -n 9p "$scratch/answers")" ] || fail "a megabyte of blanks changed the score"
[ "$(printf '' | "$program" score | wc -c)" -eq 0 ] || fail "no input, some output"
"$program" score --format tsv <"$scratch/hostile" | awk -F '\t' 'NF != 2 { exit 1 }' || fail "tsv is not two columns"

# A line is answered while the input stays open.
mkfifo "$scratch/in"
"$program" score --format tsv --threads 1 <"$scratch/in" >"$scratch/out" &
exec 3>"$scratch/in"
for n in 1 2 3; do
	echo "Shares plunge, number $n" >&3
	for _ in $(seq 100); do
		[ "$(wc -l <"$scratch/out")" -eq $n ] && break
		sleep 0.1
	done
	[ "$(wc -l <"$scratch/out")" -eq $n ] || fail "line $n was not answered while the pipe was open"
done
exec 3>&-
wait

# Exit statuses and messages.
expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	echo text | "$program" score "$@" >"$scratch/said" 2>&1 || rc=$?
	[ $rc -eq "$status" ] || fail "score $*: exit $rc instead of $status"
	grep -qF -- "$words" "$scratch/said" || fail "score $*: no \"$words\" in: $(cat "$scratch/said")"
}
expect 0 'usage: bellwether score' --help
expect 2 'precision "int4" is not known: auto, fp32, bf16 or int8' --precision int4
expect 2 'device cuda is not available in this build: use cpu' --device cuda
expect 2 'not "xml"' --format xml
expect 2 'unknown option "--frobnicate"' --frobnicate
expect 2 '--threads takes a number' --threads two
expect 2 'config.json: cannot open: No such file or directory' --model "$scratch"
BELLWETHER_MODEL="$scratch" expect 2 "$scratch/config.json" --threads 1
BELLWETHER_MODEL="$scratch" expect 0 polarity --model model/weights
rc=0
echo text | "$program" score >/dev/full 2>"$scratch/said" || rc=$?
[ $rc -eq 1 ] || fail "a full disk: exit $rc instead of 1"

# Start-up.
began=$(date +%s%N)
echo text | "$program" score >"$scratch/said"
echo "start to first score: $(( ($(date +%s%N) - began) / 1000000 )) ms"
