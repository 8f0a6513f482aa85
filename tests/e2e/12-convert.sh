#!/usr/bin/env bash
# convert: the shipped model answers at that precision as the original does, to the bit; it is smaller; failures leave nothing.
set -eu
cd "$(dirname "$0")/../.."
program=${BELLWETHER:-build/bellwether}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "$*"; exit 1; }

python3 - "$scratch" <<'PY'
import json, sys
cases = json.load(open("tests/data/parity/shipped.json"))["cases"]
with open(sys.argv[1] + "/texts", "w", encoding="utf-8") as out:
    out.writelines(case["text"] + "\n" for case in cases)
PY

for precision in int8 bf16; do
	"$program" convert --model model/weights --precision $precision --out "$scratch/$precision" --texts "$scratch/texts" \
		>"$scratch/report"
	"$program" score --logits --model model/weights --precision $precision <"$scratch/texts" >"$scratch/before"
	"$program" score --logits --model "$scratch/$precision" --precision $precision <"$scratch/texts" >"$scratch/after"
	cmp "$scratch/before" "$scratch/after" || fail "the converted model's logits at $precision are others"
	python3 - "$scratch" $precision <<'PY'
import json, os, struct, sys
scratch, precision = sys.argv[1:]
report = json.load(open(scratch + "/report"))
assert list(report) == ["out", "precision", "version", "from", "bytes", "from_bytes", "agreement"], report
path = f"{scratch}/{precision}/model.safetensors"
assert report["bytes"] == os.path.getsize(path) and report["from_bytes"] == os.path.getsize("model/weights/model.safetensors")
assert report["version"] != report["from"]
agreement = report["agreement"]
assert agreement["texts"] == len(open(scratch + "/texts").readlines())
assert agreement["polarity"] >= 0.9 and agreement["topic"] >= 0.9 and 0 < agreement["polarity_change"] < 0.01, agreement
assert 0 < agreement["topic_change"] < 0.01 and 0 < agreement["logit_change"] < 1, agreement
with open(path, "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
assert header["__metadata__"]["converted_from"] == report["from"] and header["__metadata__"]["precision"] == precision
sizes = {}
for name, tensor in header.items():
    if name != "__metadata__":
        begin, end = tensor["data_offsets"]
        sizes[tensor["dtype"]] = sizes.get(tensor["dtype"], 0) + end - begin
print(f"{precision}: {report['bytes'] / 1e6:.1f} MB of {report['from_bytes'] / 1e6:.1f} MB,",
      ", ".join(f"{kind} {size / 1e6:.1f} MB" for kind, size in sorted(sizes.items())), agreement)
PY
	for file in config.json vocab.txt tokenizer_config.json README.md; do
		cmp "model/weights/$file" "$scratch/$precision/$file"
	done
done
[ "$(stat -c %s "$scratch/int8/model.safetensors")" -lt 36000000 ] || fail "int8 is larger than 36 MB"

expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	"$program" convert "$@" >"$scratch/said" 2>&1 || rc=$?
	[ $rc -eq "$status" ] || fail "convert $*: exit $rc instead of $status: $(cat "$scratch/said")"
	grep -qF -- "$words" "$scratch/said" || fail "convert $*: no \"$words\" in: $(cat "$scratch/said")"
}
expect 0 'usage: bellwether convert' --help
expect 2 'usage: bellwether convert' --precision int8
expect 2 '--precision is int8 or bf16, not "fp32"' --precision fp32 --out "$scratch/new"
expect 2 'exists already and is not empty' --precision int8 --out "$scratch/bf16"
expect 2 'nowhere/config.json' --model "$scratch/nowhere" --precision int8 --out "$scratch/new"
expect 2 "no-texts: No such file" --precision int8 --out "$scratch/new" --texts "$scratch/no-texts"
expect 1 'is converted already' --model "$scratch/int8" --precision int8 --out "$scratch/new"

# A file that cannot grow stands for a full disk.
(
	trap '' XFSZ
	ulimit -f 20000
	expect 1 'model.safetensors: File too large' --model model/weights --precision int8 --out "$scratch/new"
)
ls "$scratch" | grep -q new && fail "a failure left $(ls "$scratch")"

# A signal while it waits for texts: the model is written already, and goes.
mkfifo "$scratch/endless"
exec 9<>"$scratch/endless"
"$program" convert --model model/weights --precision int8 --out "$scratch/new" --texts - <"$scratch/endless" >"$scratch/said" 2>&1 9>&- &
child=$!
for _ in $(seq 200); do
	compgen -G "$scratch/new.partial-*/model.safetensors" >/dev/null && break
	sleep 0.1
done
compgen -G "$scratch/new.partial-*/model.safetensors" >/dev/null || fail "nothing was begun: $(cat "$scratch/said")"
kill -TERM $child
rc=0
wait $child || rc=$?
exec 9>&-
[ $rc -eq 143 ] || fail "exit $rc after SIGTERM: $(cat "$scratch/said")"
ls "$scratch" | grep -q new && fail "a signal left $(ls "$scratch")"

# It needs little memory.
if [ -x /usr/bin/time ] && ! grep -qE "__(asan|tsan)_init" "$program"; then
	for model in model/weights "$scratch/int8"; do
		/usr/bin/time -f %M -o "$scratch/peak" "$program" score --threads 2 --model "$model" --precision int8 \
			<"$scratch/texts" >"$scratch/said"
		peak=$(cat "$scratch/peak")
		echo "score --precision int8 --model $(basename "$model"): $((peak / 1024)) MB"
		[ "$peak" -lt 81920 ] || fail "$peak kB of memory at int8"
	done
else
	echo "SKIP memory: no /usr/bin/time, or a sanitizer's build"
fi
