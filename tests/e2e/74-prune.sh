#!/usr/bin/env bash
# Fewer layers and fewer heads: what they cost is shown, the smaller model is a whole Hugging Face directory, and removed
# heads stay removed.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
base=$root/tests/data/parity/cls-gelu-f32
python3 "$root/tests/lib/transfer_rows.py" "$scratch" "$base"
rows=(--polarity "$scratch/polarity.tsv" --polarity-validation "$scratch/validation.tsv" --lr 3e-3 --batch 16 --patience 0)
train() { "$bellwether" train "$@" 2>"$scratch/train.log"; }

train --base "$scratch/big" "${rows[@]}" --epochs 15 --out "$scratch/model" >/dev/null || fail "$(cat "$scratch/train.log")"
train --base "$scratch/model" "${rows[@]}" --epochs 10 --keep-layers 0,1 --prune-table --out "$scratch/two" >"$scratch/result" ||
	fail "$(cat "$scratch/train.log")"
table=$(grep -E 'of [0-9]+ (layers kept|heads removed)' "$scratch/train.log")
echo "$table"
contains "the table" "$table" "3 of 3 layers kept  polarity accuracy"
contains "the table" "$table" "1 of 3 layers kept  polarity accuracy"
contains "the table" "$table" "0 of 8 heads removed  polarity accuracy"
contains "the table" "$table" "8 of 8 heads removed  polarity accuracy"
equal "layers" "$(jq -c '[.num_hidden_layers, .hidden_size]' "$scratch/two/config.json")" '[2,48]'
equal "which" "$(jq -c .layers "$scratch/two/run.json")" '[0,1]'
jq -e '.polarity.accuracy > 0.95' "$scratch/result" >/dev/null || fail "two layers: $(cat "$scratch/result")"
"$bellwether" eval --model "$scratch/two" --task polarity --json "$scratch/validation.tsv" |
	jq -e --slurpfile run "$scratch/result" '.accuracy == $run[0].polarity.accuracy' >/dev/null || fail "eval says otherwise than the run"

# A step that hardly moves shows which layers the new model began with, and that the first line is the base itself.
still=(--polarity "$scratch/polarity.tsv" --polarity-validation "$scratch/validation.tsv" --lr 1e-9 --epochs 1 --calibrate no)
train --base "$scratch/model" "${still[@]}" --keep-layers 2 --out "$scratch/spaced" >/dev/null || fail "$(cat "$scratch/train.log")"
equal "evenly spaced" "$(jq -c .layers "$scratch/spaced/run.json")" '[0,2]'
python3 - "$scratch/model" "$scratch/spaced" <<'PY' || fail "the layers are not the base's"
import json, struct, sys
def read(path):
    data = open(path + "/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    return {k: struct.unpack_from(f"<{(v['data_offsets'][1] - v['data_offsets'][0]) // 4}f", data, 8 + size + v["data_offsets"][0])
            for k, v in json.loads(data[8:8 + size]).items() if k != "__metadata__"}
a, b = read(sys.argv[1]), read(sys.argv[2])
names = [k for k in b if k.startswith("bert.encoder.layer.1.") and k.endswith("dense.weight")]
assert names and not any("layer.2" in k for k in b)
for name in names:
    assert max(abs(x - y) for x, y in zip(a[name.replace("layer.1", "layer.2")], b[name])) < 1e-5, name
PY

# Heads: so many of them are zero, in either matrix, and the model still knows.
train --base "$scratch/model" "${rows[@]}" --epochs 10 --prune-heads 5 --out "$scratch/heads" >"$scratch/result" ||
	fail "$(cat "$scratch/train.log")"
jq -e '.polarity.accuracy > 0.9' "$scratch/result" >/dev/null || fail "five heads less: $(cat "$scratch/result")"
equal "removed heads" "$(python3 - "$scratch/heads/model.safetensors" <<'PY'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
size = struct.unpack("<Q", data[:8])[0]
header, gone = json.loads(data[8:8 + size]), 0
def read(name):
    begin, end = header[name]["data_offsets"]
    return struct.unpack_from(f"<{(end - begin) // 4}f", data, 8 + size + begin)
for layer in range(3):
    name = f"bert.encoder.layer.{layer}.attention."
    value, out = read(name + "self.value.weight"), read(name + "output.dense.weight")
    for head in range(4):
        rows = [value[r * 48 + c] for r in range(12 * head, 12 * head + 12) for c in range(48)]
        columns = [out[r * 48 + c] for r in range(48) for c in range(12 * head, 12 * head + 12)]
        assert any(rows) == any(columns)
        gone += not any(rows)
print(gone)
PY
)" 5

expect() { # WORDS ARGUMENTS...
	local words=$1 rc=0
	shift
	"$bellwether" train --base "$scratch/model" "${rows[@]}" --out "$scratch/no" "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc 2
	contains "$*" "$(cat "$scratch/said")" "$words"
}
expect '--keep-layers takes 1 to 3' --keep-layers 4
expect '--keep-layers takes 1 to 3' --keep-layers 0
expect '--keep-layers takes 1 to 3' --keep-layers two
expect 'the base has the layers 0 to 2' --keep-layers 0,3
expect 'each layer once, in their order' --keep-layers 1,0
expect 'a list of layers such as 0,2,4' --keep-layers 0,,2
expect 'a list of layers such as 0,2,4' --keep-layers 0,
expect 'there are 12 heads in all, and one is to stay' --prune-heads 12
compgen -G "$scratch/no*" >/dev/null && fail "a failure left $(ls "$scratch")"
exit 0
