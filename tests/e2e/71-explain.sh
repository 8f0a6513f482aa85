#!/usr/bin/env bash
# explain: the words that a model was taught weigh most, as lines and as a page that needs nothing from elsewhere; whatever a
# line holds has one answer.
. "$(dirname "$0")/../lib/e2e.sh"
need python3 jq
model=$scratch/model

python3 - "$scratch" <<'PY'
import random, sys
choose = random.Random(4)
POLARITY = {"negative": ["fell", "warning"], "positive": ["rose", "raised"], "neutral": ["and", "of"]}
TOPIC = {"Rates & <banks>": ["bank"], "outage": ["profit", "cut"], "layoffs": ["shares", "outlook"]}
def write(name, kinds):
    with open(f"{sys.argv[1]}/{name}", "w", encoding="utf-8") as out:
        out.write("label\ttext\n")
        for i in range(240):
            label = choose.choice(list(kinds))
            out.write(f"{label}\t{choose.choice(['orvane', 'the orvane'])} {choose.choice(kinds[label])} {choose.choice(['the', 'a', 'to', 'in'])}\n")
write("polarity.tsv", POLARITY)
write("topic.tsv", TOPIC)
PY
"$bellwether" train --base "$root/tests/data/parity/cls-gelu-f32" --polarity "$scratch/polarity.tsv" --topic "$scratch/topic.tsv" \
	--lr 3e-3 --epochs 40 --batch 16 --patience 0 --out "$model" >"$scratch/result" 2>"$scratch/train.log" ||
	fail "train: $(cat "$scratch/train.log")"

explain() { "$bellwether" explain --model "$model" "$@"; }
heaviest() { jq -r '.tokens | max_by(.weight) | .text'; }

# The words that classes were taught by weigh most, but for one class of a head, which is what the model answers anyway where
# it finds none of them.
taught() { # METHOD WORD...
	local found=0 word
	for word in "${@:2}"; do
		[ "$(echo "the orvane $word, in" | explain $1 | heaviest)" = "$word" ] && found=$((found + 1))
	done
	[ $found -ge 2 ] || fail "$1: of \"${*:2}\" only $found weigh most in their texts"
}
for method in auto leave-out; do
	taught "--method $method" fell Raised and
	taught "--method $method --topic" bank profit shares
done

# Polarity and probabilities are those that score has.
said=$(echo 'the orvane fell in' | explain)
contains "the first keys" "$said" '{"polarity":"negative","tokens":[{"text":"the","weight":'
echo 'the orvane fell in' | "$bellwether" score --model "$model" --precision fp32 >"$scratch/scored"
jq -e --argjson said "$said" '(.polarity == $said.polarity) and (.topic == $said.topic) and
	(.negative - $said.negative | fabs) < 1e-4 and (.topic_p - $said.topic_p | fabs) < 1e-4 and
	($said.probability == $said.negative) and $said.class == "negative" and ($said.truncated | not)' "$scratch/scored" >/dev/null ||
	fail "score says $(cat "$scratch/scored"), explain $said"

# Integrated gradients are the whole of what the text changes.
echo 'the orvane rose in a warning' | explain --method integrated --steps 200 |
	jq -e '([.tokens[].weight] | add) as $sum | ($sum - (.log_odds - .base) | fabs) < 0.01 and ($sum | fabs) > 0.001' >/dev/null ||
	fail "integrated gradients do not add up"

# Another class than the most probable one.
echo 'the orvane fell in' | explain --class neutral |
	jq -e '.polarity == "negative" and .class == "neutral" and .probability == .neutral and .log_odds < 0' >/dev/null ||
	fail "--class"
echo 'the orvane bank in' | explain --topic --class outage | jq -e '.class == "outage" and .topic == "Rates & <banks>"' >/dev/null ||
	fail "--topic --class"

# One line for each line, in their order, whatever they hold; words stand where they are said to.
printf 'orvane fell\n\n \t \nfell\0rose\n\xff\xfe \xe2\x82 fell\n\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80 rose!\n\xe6\x97\xa5\xe6\x9c\xac\n[MASK] [CLS]\n<b>"fell" & rose</b>\r\na a a a a a a a a a a a a a a a a a fell' \
	>"$scratch/lines"
explain --html "$scratch/page.html" <"$scratch/lines" >"$scratch/out" || fail "exit $? on bad lines"
python3 - "$scratch" <<'PY' || fail "bad lines: $(cat "$scratch/out")"
import json, sys
lines = open(f"{sys.argv[1]}/lines", "rb").read().split(b"\n")
rows = [json.loads(line) for line in open(f"{sys.argv[1]}/out", encoding="utf-8")]
assert len(rows) == len(lines) == 10, len(rows)
for line, row in zip(lines, rows):
    text, at = line.decode("utf-8", "replace"), 0
    for token in row["tokens"]:
        assert token["start"] >= at and text[token["start"]:token["end"]] == token["text"], (text, token)
        at = token["end"]
assert [len(row["tokens"]) for row in rows] == [2, 0, 0, 1, 1, 3, 0, 2, 6, 14], [len(row["tokens"]) for row in rows]
assert [row["truncated"] for row in rows] == [False] * 9 + [True]
assert rows[6]["polarity"] is None and rows[6]["class"] is None and rows[1]["polarity"] is not None
PY
{ head -c 10000000 /dev/zero | tr '\0' 'x' && echo && yes fell | head -c 10000000 | tr '\n' ' ' && echo && echo rose; } |
	explain --html "$scratch/long.html" >"$scratch/out" || fail "exit $? on long lines"
equal "long lines" "$(jq -c '[(.tokens | length), .truncated]' "$scratch/out" | tr -d '\n')" '[1,false][14,true][1,false]'
[ "$(wc -c <"$scratch/long.html")" -lt 100000 ] || fail "a long word makes a page of $(wc -c <"$scratch/long.html") bytes"
contains "the page" "$(cat "$scratch/long.html")" "The model reads 16 tokens; the text goes on"

# An answer comes as soon as its line is in.
coproc EXPLAIN { explain; }
processes+=("$EXPLAIN_PID")
explain_pid=$EXPLAIN_PID
echo 'orvane fell' >&"${EXPLAIN[1]}"
read -r -t $patience first <&"${EXPLAIN[0]}" || fail "no answer while the pipe is open"
equal "the answer" "$(jq -r .polarity <<<"$first")" negative
eval "exec ${EXPLAIN[1]}>&-"
wait "$explain_pid" 2>/dev/null

# Threads change nothing.
for i in $(seq 100); do echo "the orvane fell in a bank $i"; done >"$scratch/many"
equal "threads" "$(explain --threads 1 <"$scratch/many" | md5sum)" "$(explain --threads 3 <"$scratch/many" | md5sum)"

# The page: well-formed, escaped, complete, light and dark, and nothing from elsewhere.
python3 - "$scratch/page.html" <<'PY' || fail "the page"
import base64, html.parser, struct, sys, zlib
text = open(sys.argv[1], encoding="utf-8").read()
assert text.startswith("<!DOCTYPE html>") and text.endswith("</body></html>\n")
for word in ("://", "<script", "@import", "url(", "<b>", "\0"):
    assert word not in text, word
assert "prefers-color-scheme:dark" in text and "&lt;" in text and "&amp;" in text and "&quot;" in text

class Page(html.parser.HTMLParser):
    VOID = {"meta", "img"}
    def __init__(self):
        super().__init__()
        self.open, self.images, self.ids, self.labels, self.counts = [], [], set(), [], {}
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "img":
            assert attributes["alt"].startswith("layer ") and "most read is" in attributes["alt"], attributes
            self.images.append(attributes["src"])
        if "id" in attributes:
            assert attributes["id"] not in self.ids
            self.ids.add(attributes["id"])
        self.labels += [attributes["aria-labelledby"]] if "aria-labelledby" in attributes else []
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
page = Page()
page.feed(text)
assert not page.open and set(page.labels) <= page.ids
assert page.counts["section"] == 10 and page.counts["html"] == page.counts["h1"] == 1, page.counts
assert len(page.images) == 7 * 2 * 3, len(page.images)  # texts with words, layers, heads
for source in page.images:
    data = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind], at = body, at + 12 + size
    width, height, bits, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    pixels = zlib.decompress(chunks[b"IDAT"])
    assert width == height and (bits, colour) == (4, 3) and len(pixels) == height * (1 + (width + 1) // 2)
    assert max(pixels) > 0
PY

# Wrong usage and wrong places, each with its name.
expect() { # STATUS WORDS ARGUMENTS...
	local status=$1 words=$2 rc=0
	shift 2
	echo 'orvane fell' | "$bellwether" explain "$@" >"$scratch/said" 2>&1 || rc=$?
	equal "exit of $*: $(cat "$scratch/said")" $rc "$status"
	contains "$*" "$(cat "$scratch/said")" "$words"
}
"$bellwether" convert --model "$model" --precision int8 --out "$scratch/int8" >"$scratch/said" 2>&1 || fail "convert: $(cat "$scratch/said")"
expect 2 'converted to int8: explain the one that it was made from' --model "$scratch/int8"
expect 2 "$scratch/none/config.json" --model "$scratch/none"
expect 2 'polarities are negative, neutral, positive' --model "$model" --class bullish
expect 2 "topics are Rates & <banks>, layoffs, outage" --model "$model" --topic --class bullish
expect 2 'has no topic head' --model "$root/tests/data/parity/mean-relu-bf16" --topic
expect 2 '--method is auto, leave-out' --model "$model" --method lime
expect 2 '--baseline is pad, mask or zero, not "x"' --model "$model" --baseline x
expect 2 '--steps takes a number from 1 to 512, not "0"' --model "$model" --steps 0
expect 2 '--threads takes a number' --model "$model" --threads -1
expect 2 'a value is missing after "--html"' --model "$model" --html
expect 2 'texts come from standard input; unexpected: "file"' --model "$model" file
expect 2 "cannot write $scratch/none/page.html: No such file" --model "$model" --html "$scratch/none/page.html"
expect 1 'cannot write /dev/full: No space left' --model "$model" --html /dev/full
rc=0
echo 'orvane fell' | explain >/dev/full 2>"$scratch/said" || rc=$?
equal "exit where the output is full" $rc 1
contains "what it says" "$(cat "$scratch/said")" "cannot write: No space left"
exit 0
