#!/usr/bin/env bash
# What 70-train.sh leaves of bad data: rows in other forms than text, bad validation rows and corrections, numbers that run
# away, and a disk that is full at any byte.  Each is told, and no half of a model is there.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq sqlite3
base=$root/tests/data/parity/cls-gelu-f32

expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	timeout 120 "$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
nothing_stays() { ! compgen -G "$scratch/bad*" >/dev/null || fail "a failure left $(ls -d "$scratch"/bad*)"; }
bad() { # STATUS WORDS ARGUMENTS...: of train
	local status=$1 words=$2
	shift 2
	expect "$status" "$words" train --base "$base" --lr 1e-3 --epochs 1 --out "$scratch/bad" "$@"
	[ "$status" -eq 0 ] || nothing_stays
	rm -rf "$scratch/bad"
}
rows() { # LABELS: 30 rows
	python3 -c 'import sys; print("label\ttext"); [print(sys.argv[1 + i % (len(sys.argv) - 1)] + "\torvane rose " + "the " * (i % 7)) for i in range(30)]' "$@"
}
rows positive negative neutral >"$scratch/polarity.tsv"
rows a b c >"$scratch/topic.tsv"
good=(--polarity "$scratch/polarity.tsv" --topic "$scratch/topic.tsv")

# Other things than a table.
bad 2 'No such file' --topic "$scratch/none.tsv"
mkdir "$scratch/directory"
bad 2 'Is a directory' --topic "$scratch/directory"
iconv -f UTF-8 -t UTF-16 "$scratch/topic.tsv" >"$scratch/utf16.tsv"
bad 2 'utf16.tsv:1:' --topic "$scratch/utf16.tsv"
gzip -c "$scratch/topic.tsv" >"$scratch/topic.tsv.gz"
bad 2 'topic.tsv.gz:1:' --topic "$scratch/topic.tsv.gz"
head -c 100000 /dev/urandom >"$scratch/random.tsv"
bad 2 'random.tsv:1:' --topic "$scratch/random.tsv"
printf 'label,text\na,b\n' >"$scratch/commas.tsv"
bad 2 'with tabs between them' --topic "$scratch/commas.tsv"
{ printf 'label\ttext\n' && python3 -c '[print(f"l{i}\ttext") for i in range(5000)]'; } >"$scratch/many.tsv"
bad 2 'more than 4096 different labels' --topic "$scratch/many.tsv"
{ rows a b && python3 -c 'print("x" * 300 + "\ttext")'; } >"$scratch/long.tsv"
bad 2 'a label of 300 bytes' --topic "$scratch/long.tsv"
{ rows a b && printf 'a\torvane \xff\xfe fell\nb\tnul \x00 here\n'; } >"$scratch/bytes.tsv"
bad 0 '' --topic "$scratch/bytes.tsv"

# Rows to validate on, and a source column.
rows positive bullish >"$scratch/unknown.tsv"
bad 2 'unknown label "bullish"' "${good[@]}" --polarity-validation "$scratch/unknown.tsv"
rows a d >"$scratch/other.tsv"
bad 2 'no row to learn from has it' "${good[@]}" --topic-validation "$scratch/other.tsv"
bad 2 'names no column "wire"' "${good[@]}" --source wire
bad 2 '--topic-validation without --topic' --polarity "$scratch/polarity.tsv" --topic-validation "$scratch/topic.tsv"

# A database that is none, or has nothing to teach.
echo "no database" >"$scratch/text.db"
bad 2 'text.db' --db "$scratch/text.db"
bad 2 'cannot open the database' --db "$scratch/none.db" "${good[@]}"
sqlite3 "$scratch/other.db" 'create table t(a)'
bad 2 'of another program' --db "$scratch/other.db"
bad 2 'db-share takes a number' --db-share x "${good[@]}"

# Numbers that run away: a weight that is infinite, a rate that no model survives.
cp -r "$base" "$scratch/infinite"
python3 - "$scratch/infinite/model.safetensors" <<'PY'
import json, struct, sys
with open(sys.argv[1], "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    begin, end = json.loads(file.read(size))["classifier.weight"]["data_offsets"]
    file.seek(8 + size + begin)
    file.write(struct.pack("<f", float("inf")) * ((end - begin) // 4))
PY
rc=0
timeout 120 "$bellwether" train --base "$scratch/infinite" "${good[@]}" --lr 1e-3 --out "$scratch/bad" >"$scratch/said" 2>&1 || rc=$?
[ $rc -eq 1 ] || [ $rc -eq 2 ] || fail "infinite weights: exit $rc: $(cat "$scratch/said")"
grep -qE 'finite|not a number' "$scratch/said" || fail "infinite weights: $(cat "$scratch/said")"
nothing_stays

# A disk that is full at any byte: the limit of a file's size stands for it, from nothing to all that a run writes.  A
# model that is there is whole.
full=0 whole=0
for limit in 0 1 2 4 8 16 24 32 40 48 56 64 96 128 256; do
	rm -rf "$scratch"/bad*
	rc=0
	(
		trap '' XFSZ
		ulimit -f $limit
		exec "$bellwether" train --base "$base" "${good[@]}" --lr 1e-3 --epochs 1 --checkpoint 0 --out "$scratch/bad"
	) >/dev/null 2>"$scratch/said.err" || rc=$?
	if [ -e "$scratch/bad" ]; then
		equal "exit with a limit of $limit" $rc 0
		"$bellwether" score --model "$scratch/bad" <<<'orvane fell' >/dev/null || fail "a model of a full disk does not open"
		jq -e .result "$scratch/bad/run.json" >/dev/null || fail "half a run.json"
		jq -e .pieces "$scratch/bad/drift.json" >/dev/null || fail "half a drift.json"
		whole=$((whole + 1))
	else
		equal "exit with a limit of $limit" $rc 1
		full=$((full + 1))
	fi
	compgen -G "$scratch/bad.partial*" >/dev/null && fail "a full disk left $(ls -d "$scratch"/bad*)"
done
[ $full -gt 2 ] && [ $whole -gt 0 ] || fail "$full full and $whole whole: the limits miss what they are to show"
echo "a full disk: $full times told, $whole times there was room"

# Disks that are truly full, where small ones can be had.
mkdir "$scratch/disk"
for size in 40 100 160 220; do
	mount -t tmpfs -o size=${size}k none "$scratch/disk" 2>/dev/null || break
	rc=0
	"$bellwether" train --base "$base" "${good[@]}" --lr 1e-3 --epochs 2 --checkpoint 0 --out "$scratch/disk/model" >"$scratch/said" 2>&1 || rc=$?
	told=$(cat "$scratch/said") left=$(ls "$scratch/disk" | tr '\n' ' ')
	umount "$scratch/disk"
	echo "a disk of $size KB: exit $rc, left: $left"
	[ $rc -eq 0 ] || contains "a full disk" "$told" "No space left on device"
	[ $rc -eq 0 ] || ! grep -qE '(^| )model( |$)' <<<"$left" || fail "a full disk left a model"
	grep -q partial <<<"$left" && fail "a full disk left $left"
done
exit 0
