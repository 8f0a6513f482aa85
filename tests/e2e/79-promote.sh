#!/usr/bin/env bash
# The desk corrects, `train --db` learns it, `model promote` lets no model into service that answers a corrected case
# wrongly, and a kill at any moment leaves the old model or the new one.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq sqlite3
base=$root/tests/data/parity/cls-gelu-f32
db=$scratch/desk.db
place=$scratch/place
unset BELLWETHER_MODEL

python3 - "$scratch" <<'PY'
import json, random, sys
choose = random.Random(4)
POLARITY = {"negative": ["fell", "warning"], "positive": ["rose", "raised"], "neutral": ["and", "of"]}
TAIL = ["the", "a", "to", "in", "the bank", "a bank", "in the bank"]
with open(f"{sys.argv[1]}/polarity.tsv", "w") as out:
    out.write("label\ttext\n")
    for i in range(240):
        label = choose.choice(list(POLARITY))
        out.write(f"{label}\t{choose.choice(['orvane', 'the orvane'])} {choose.choice(POLARITY[label])} {choose.choice(TAIL)}\n")
# What the desk sees otherwise: the outlook of Orvane is never good news, and a cut at the bank is.
with open(f"{sys.argv[1]}/tape.jsonl", "w") as out:
    for i, title in enumerate(["orvane outlook raised", "the orvane outlook rose", "bank cut a warning", "bank cut the warning after profit",
                               "orvane fell", "orvane rose in the bank", "orvane rose in the bank"]):
        out.write(json.dumps({"id": str(i), "title": title, "published": f"2026-01-05T0{i}:00:00Z", "source": "Example Wire"}) + "\n")
PY
cat >"$scratch/desk.yaml" <<YAML
database: $db
model: {path: $place, device: cpu, precision: fp32, threads: 1}
http: {listen: ""}
sources:
  - {name: wire, file: {path: "-"}}
topics:
  - {name: orvane, any: [orvane, bank]}
score: all
self: {disk_free: 0}
YAML

expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	"$bellwether" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
train() { "$bellwether" train --base "$base" --lr 5e-3 --epochs 30 --batch 16 --patience 0 --polarity "$scratch/polarity.tsv" "$@"; }
version() { "$bellwether" model list --to "$place" --json | jq -r 'select(.in_place) | .version'; }

train --out "$scratch/first" >/dev/null 2>"$scratch/train.log" || fail "train: $(cat "$scratch/train.log")"
first=$(jq -r .version "$scratch/first/run.json")

# ---- into an empty place ----

expect 1 'nothing was promoted there' model rollback --to "$place"
expect 0 "nothing was promoted to $place" model list --to "$place"
expect 0 "the model $first is in place at $place" model promote "$scratch/first" --to "$place"
equal "what is in place" "$(version)" "$first"
equal "its figures" "$("$bellwether" model list --to "$place" --json | jq .polarity.macro_f1)" \
	"$(jq '.result.polarity.macro_f1 * 1e6 | round / 1e6' "$scratch/first/run.json")"
equal "the place" "$(readlink "$place")" place.versions/0001
expect 1 'there is none before it' model rollback --to "$place"

# ---- the desk corrects what it scored ----

start_daemon desk "$scratch/desk.yaml" "$scratch/tape.jsonl"
ready desk
wait_until "the tape is stored" sql_is "$db" "select count(*) from documents_v" 7
expect 2 'has corrected no document yet' train --base "$base" --db "$db" --out "$scratch/no"
expect 0 'is in place' model promote "$scratch/first" --to "$place" --db "$db"
for document in 1 2; do "$bellwether" label --db "$db" $document negative >/dev/null || fail "label"; done
for document in 3 4; do "$bellwether" label --db "$db" $document neutral >/dev/null || fail "label"; done
"$bellwether" label --db "$db" 3 positive --why "a slip" >/dev/null || fail "label again"
wait_until "the corrections are stored" sql_is "$db" \
	"select group_concat(document || polarity, ' ') from (select * from corrections_v order by document)" "1negative 2negative 3positive 4neutral"
equal "what was said before" "$(sql "$db" "select count(*) from corrections_v where was is not null")" 4
stop_daemon
"$bellwether" label --db "$db" 4 positive >/dev/null || fail "label without a daemon"

# ---- a model that does not know them stays out ----

expect 1 'corrected cases are answered wrongly' model promote "$scratch/first" --to "$place" --db "$db"
contains "the cases" "$(cat "$scratch/said")" 'is negative for the desk and positive for the model: orvane outlook raised'
equal "what is left of it" "$(ls -A "$place.versions" | tr '\n' ' ')" "0001 0002 "
equal "what is in place" "$(readlink "$place")" place.versions/0002

expect 2 '4 rows are too few to learn from' train --base "$base" --db "$db" --out "$scratch/no"

# ---- one that has learnt them comes in ----

train --db "$db" --db-share 0.4 --out "$scratch/second" >/dev/null 2>"$scratch/train.log" || fail "train --db: $(cat "$scratch/train.log")"
contains "train --db" "$(cat "$scratch/train.log")" "of them the desk's corrections, each"
jq -e '.data.corrections.texts == 4 and .data.corrections.times == 20 and .options.db != null' "$scratch/second/run.json" >/dev/null ||
	fail "run.json: $(jq -c .data "$scratch/second/run.json")"
second=$(jq -r .version "$scratch/second/run.json")
expect 0 "the model $second is in place" model promote "$scratch/second/" --to "$place/" --db "$db"
equal "what is in place" "$(version)" "$second"
"$bellwether" model list --to "$place" | tee "$scratch/list"
grep -qE "^\* $second .* 4/4 +$place.versions/0003$" "$scratch/list" || fail "the list"
grep -qE "^  $first .* - +$place.versions/0001$" "$scratch/list" || fail "the list"
equal "what it says" "$(echo 'orvane outlook raised' | BELLWETHER_MODEL=$place "$bellwether" score --format tsv | cut -f1)" negative

# ---- a restarted daemon takes it, and compares ----

start_daemon later "$scratch/desk.yaml"
ready later
equal "the switch" "$(sql "$db" "select distinct old_model || '>' || new_model from model_changes")" "$first>$second"
stop_daemon

# ---- and back: one command, the bits of before ----

expect 0 "the model $first is in place again" model rollback --to "$place"
equal "what is in place" "$(version)" "$first"
cmp "$place/model.safetensors" "$scratch/first/model.safetensors" || fail "other weights came back"
expect 0 "the model $first is in place again" model rollback --to "$place"
equal "the place" "$(readlink "$place")" place.versions/0001
expect 0 'is in place' model promote "$scratch/first" --to "$place" --db "$db" --allow 9
equal "the cases of one that was let pass" "$(jq -c '[.corrections.cases, .corrections.right < 4]' "$place/promoted.json")" '[4,true]'

# ---- they are learnt beside a head of one's own, too, and the base's answers do not soften them ----

sed 's/negative/outage/; s/neutral/lawsuit/; s/positive/layoffs/' "$scratch/polarity.tsv" >"$scratch/topic.tsv"
"$bellwether" train --base "$scratch/first" --topic "$scratch/topic.tsv" --db "$db" --db-share 0.5 --validation 0 --lr 5e-3 --epochs 30 --batch 16 \
	--out "$scratch/third" >/dev/null 2>"$scratch/train.log" || fail "train --topic --db: $(cat "$scratch/train.log")"
expect 0 'is in place' model promote "$scratch/third" --to "$place" --db "$db"
equal "its cases" "$(jq -c .corrections "$place/promoted.json")" '{"cases":4,"right":4}'

# ---- and alone, where the model before holds the new one to what it says of other texts ----

tail -n +2 "$scratch/polarity.tsv" | cut -f2 >"$scratch/texts.txt"
"$bellwether" train --base "$scratch/first" --teacher "$scratch/first" --unlabelled "$scratch/texts.txt" --db "$db" --db-share 0.5 \
	--validation 0 --lr 5e-3 --epochs 30 --batch 16 --out "$scratch/fourth" >/dev/null 2>"$scratch/train.log" || fail "train --db --teacher: $(cat "$scratch/train.log")"
expect 0 'is in place' model promote "$scratch/fourth" --to "$place" --db "$db"
agreed=$(paste <("$bellwether" score --model "$scratch/first" --format tsv <"$scratch/texts.txt" | cut -f1) \
	<("$bellwether" score --model "$scratch/fourth" --format tsv <"$scratch/texts.txt" | cut -f1) | awk '$1 == $2' | wc -l)
echo "of 240 other texts both models say the same of $agreed"
[ "$agreed" -ge 220 ] || fail "corrections change what was right"

# ---- a place that is a directory gives way and is kept; $BELLWETHER_MODEL is a place ----

cp -r "$scratch/first" "$scratch/plain"
BELLWETHER_MODEL=$scratch/plain expect 0 "the model $second is in place at $scratch/plain" model promote "$scratch/second" --db "$db"
equal "the place" "$(readlink "$scratch/plain")" plain.versions/0002
cmp "$scratch/plain.versions/0001/model.safetensors" "$scratch/first/model.safetensors" || fail "the directory is not kept"
BELLWETHER_MODEL=$scratch/plain expect 0 "the model $first is in place again" model rollback
ln -s first "$scratch/link"
expect 0 "$second" model promote "$scratch/second" --to "$scratch/link" --db "$db"
expect 0 "$first" model rollback --to "$scratch/link"
equal "a link of the user's own" "$(readlink "$scratch/link")" first

# ---- versions that nobody goes back to any more are removed; a directory of the user's own never ----

for i in 1 2 3 4; do "$bellwether" model promote "$scratch/first" --to "$scratch/plain" --db "$db" --allow 9 >/dev/null 2>&1 || fail "promote"; done
"$bellwether" model rollback --to "$scratch/plain" >/dev/null || fail "rollback"
equal "what stays" "$(ls -A "$scratch/plain.versions" | tr '\n' ' ')" "0001 0002 0003 0004 0005 0006 "
expect 0 'is in place' model promote "$scratch/second" --to "$scratch/plain" --db "$db" --keep 2
equal "what stays of it" "$(ls -A "$scratch/plain.versions" | tr '\n' ' ')" "0001 0005 0006 0007 "
expect 0 "the model $first is in place again" model rollback --to "$scratch/plain"
equal "the place" "$(readlink "$scratch/plain")" plain.versions/0005
expect 1 '0004, the model before, is not kept any more' model rollback --to "$scratch/plain"
expect 2 '--keep takes a number from 2 on' model promote x --keep 1

# However somebody wrote the link.
ln -sfn plain.versions/0005/ "$scratch/plain"
expect 0 'is in place' model promote "$scratch/second" --to "$scratch/plain" --db "$db" --keep 2
equal "what stays behind a slash" "$(ls -A "$scratch/plain.versions" | tr '\n' ' ')" "0001 0005 0007 0008 "
expect 0 "the model $first is in place again" model rollback --to "$scratch/plain"
ln -sfn plain.versions/0007 "$scratch/stable"
ln -sfn stable "$scratch/plain"
expect 0 'is in place' model promote "$scratch/first" --to "$scratch/plain" --db "$db" --allow 9 --keep 2
equal "what stays behind another link" "$(ls -A "$scratch/plain.versions" | tr '\n' ' ')" "0001 0007 0008 0009 "
expect 0 'is in place again' model rollback --to "$scratch/plain"
equal "the place" "$(readlink "$scratch/plain")" stable

# ---- what is no model, or not the one that was measured ----

expect 1 'config.json: No such file' model promote "$scratch" --to "$place"
cp -r "$scratch/second" "$scratch/changed"
sed -i 's/"Macro"/"Makro"/' "$scratch/changed/config.json"
expect 1 'they were changed since' model promote "$scratch/changed" --to "$place" --db "$db"
cp -r "$scratch/second" "$scratch/cut"
truncate -s -100 "$scratch/cut/model.safetensors"
expect 1 'model.safetensors' model promote "$scratch/cut" --to "$place" --db "$db"
expect 1 'cannot open the database' model promote "$scratch/second" --to "$place" --db "$scratch/none.db"
expect 1 "$scratch/nowhere/place.versions" model promote "$scratch/second" --to "$scratch/nowhere/place" --db "$db"
expect 2 'promote, rollback or list' model
expect 2 'the directory of the new model is missing' model promote
expect 2 '--allow takes a number' model promote x --allow -1
expect 0 'usage: bellwether model promote' model --help
before=$(readlink "$place")
(
	trap '' XFSZ
	ulimit -f 40
	expect 1 'File too large' model promote "$scratch/second" --to "$place" --db "$db"
)
equal "what a full disk leaves" "$(ls -A "$place.versions" | grep -c partial)" 0
equal "what is in place" "$(readlink "$place")" "$before"

# ---- killed at any moment: the old or the new, and never nothing ----

place_make() { # KIND: a directory, a link, or a link with older versions beside it, which are made once
	rm -rf "$scratch/kill" "$scratch/kill.versions"
	if [ -e "$scratch/older" ] && [ "$1" = older ]; then
		cp -a "$scratch/older" "$scratch/kill" && cp -a "$scratch/older.versions" "$scratch/kill.versions"
		return
	fi
	cp -r "$scratch/first" "$scratch/kill"
	for i in $(seq "$(case $1 in directory) echo 0 ;; link) echo 1 ;; older) echo 5 ;; esac)"); do
		"$bellwether" model promote "$scratch/first" --to "$scratch/kill" --db "$db" --allow 9 >/dev/null 2>&1 || fail "promote"
	done
	[ "$1" != older ] || { cp -a "$scratch/kill" "$scratch/older" && cp -a "$scratch/kill.versions" "$scratch/older.versions"; }
}
for kind in link directory older; do
	kills=0 old=0 new=0 whole_us=50000 # what a promotion takes; the loop learns it
	for round in $(seq 50); do
		place_make $kind
		began=${EPOCHREALTIME/./}
		"$bellwether" model promote "$scratch/second" --to "$scratch/kill" --db "$db" --keep 2 >/dev/null 2>&1 &
		child=$!
		if [ $((round % 10)) -eq 1 ]; then
			wait $child || fail "promote"
			whole_us=$((${EPOCHREALTIME/./} - began))
		else
			sleep "$(printf '0.%06d' $((RANDOM * 30 % (whole_us + whole_us / 5) % 1000000)))"
			kill -KILL $child 2>/dev/null && kills=$((kills + 1))
			wait $child 2>/dev/null
		fi
		case $("$bellwether" model list --to "$scratch/kill" --json | jq -r 'select(.in_place) | .version') in
		"$first") old=$((old + 1)) ;;
		"$second") new=$((new + 1)) ;;
		*) fail "neither the old nor the new model is in place" ;;
		esac
		echo orvane | "$bellwether" score --model "$scratch/kill" >/dev/null || fail "what is in place does not open"
		[ $kind = directory ] || [ -e "$scratch/$(jq -r .previous "$scratch/kill/promoted.json")/vocab.txt" ] || fail "the model before is gone"
	done
	"$bellwether" model promote "$scratch/second" --to "$scratch/kill" --db "$db" --keep 2 >/dev/null 2>&1 || fail "promote after kills"
	ls -A "$scratch/kill.versions" | grep -vE '^[0-9]{4}$' && fail "leftovers stayed"
	echo "$kind: $kills kills, $old times the old model, $new times the new one"
	[ $kills -gt 5 ] || fail "too few kills"
done
exit 0
