#!/usr/bin/env bash
# Looking before a rule is switched on: wrong use, parts of the time, two configurations side by side, charts, and the stored
# history, which says again what the daemon said.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq

# ---- a stream: sixty days, two companies, three crises ----

python3 - >"$scratch/stream.jsonl" <<'PY'
import datetime, json, random
random.seed(11)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
rows = [(random.uniform(0, 60 * 86400), name, random.choice(["neutral", "positive", "neutral", "negative"]))
        for name, count in (("Northwind Airlines", 900), ("Lakeside Bank", 250)) for _ in range(count)]
for day, hours, name, count in (30, 3, "Northwind Airlines", 40), (45, 30, "Lakeside Bank", 60), (55, 2, "Northwind Airlines", 9):
    rows += [(day * 86400 + random.uniform(0, hours * 3600), name, "negative") for _ in range(count)]
for n, (at, name, polarity) in enumerate(sorted(rows)):
    print(json.dumps({"id": f"r-{n}", "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                      "source": f"Wire {n % 9}", "title": f"{name}: <item> {random.getrandbits(60):x} of "
                      f"{random.getrandbits(60):x} in {random.getrandbits(60):x}", "polarity": polarity}))
PY
configuration() { # NAME RULES
	cat >"$scratch/$1.yaml" <<YAML
database: $scratch/replay.db
http: {listen: ""}
sources:
  - {name: tape, file: {path: $scratch/stream.jsonl}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
  - {name: lakeside & sons, any: ["Lakeside Bank"]}
rules:
  - $2
YAML
}
configuration a '{name: spike, metric: negative_count, false_alarms: 1 per month, keep_firing_for: 12h}'
configuration b '{name: patient, metric: negative_count, false_alarms: 1 per year, min_count: 15, for: 30m, keep_firing_for: 12h}'
replay() { "$bellwether" replay "$@"; }

# ---- wrong use: exit 2 and the remedy ----

wrong() { # WORDS OPTIONS...: standard error says WORDS
	local words=$1 rc=0 err
	shift
	err=$(replay "$@" 2>&1 >/dev/null </dev/null) || rc=$?
	equal "replay $*: exit" $rc 2
	contains "replay $*" "$err" "$words"
}
a=$scratch/a.yaml b=$scratch/b.yaml
wrong "--config is missing"
wrong "two configurations" --compare "$a"
wrong "leave out --config" --config "$a" --compare "$a" "$b"
wrong "how long ago" --config "$a" --since tomorrow
wrong "how long ago" --config "$a" --until 2026-13-01
wrong "--until is not after --since" --config "$a" --since 2026-03-01 --until 2026-02-01
wrong "--until is not after --since" --config "$a" --since 1d --until 2d
wrong "unexpected: extra" --config "$a" extra
wrong "unexpected: third" --compare "$a" "$b" third
wrong "a value is missing after --charts" --config "$a" --charts
wrong "No such file" --compare "$a" "$scratch/missing.yaml"
rc=0
err=$(replay --config "$a" --input "$scratch/stream.jsonl" --charts /dev/null/charts 2>&1 >/dev/null) || rc=$?
equal "charts that cannot be written: exit" $rc 1
contains "charts that cannot be written" "$err" "/dev/null/charts"

# ---- parts of the time ----

replay --config "$a" --input "$scratch/stream.jsonl" >"$scratch/all" || fail "replay: exit $?"
equal "replay: what is told while an alert fires" "$(jq -r .change "$scratch/all" | grep -cE 'escalated|joined|renewed')" 0
told=$(replay --config "$a" --input "$scratch/stream.jsonl" --updates | jq -r .change)
[ "$(grep -c escalated <<<"$told")" -ge 1 ] || fail "replay --updates: nothing grew"
part=$(replay --config "$a" --input "$scratch/stream.jsonl" --since 2026-02-15 --until 2026-02-25T00:00:00Z) || fail "replay of a part: exit $?"
equal "replay of a part" "$(jq -c '[.id, .event, .at]' <<<"$part")" \
	"$(jq -c 'select(.at >= "2026-02-15" and .at < "2026-02-25") | [.id, .event, .at]' "$scratch/all")"
[ "$(wc -l <<<"$part")" -ge 2 ] || fail "replay of a part: shows nothing: $part"
jq -e '.notify == (.state != "pending")' "$scratch/all" >/dev/null || fail "replay: notify"
summary=$(replay --config "$a" --input "$scratch/stream.jsonl" --quiet)
for words in "topic " " allowed " "northwind " "lakeside & sons " "longest: " "noisiest: " "the budget allows 3.9 in that time"; do
	contains "replay --quiet" "$summary" "$words"
done
equal "replay --quiet: fired" "$(awk '/^fired/ { print $2 }' <<<"$summary")" "$(jq -r 'select(.change == "fired") | .id' "$scratch/all" | sort -u | wc -l)"

# ---- two configurations ----

replay --compare "$a" "$b" --input "$scratch/stream.jsonl" >"$scratch/compared" 2>"$scratch/table" || fail "replay --compare: exit $?"
replay --config "$b" --input "$scratch/stream.jsonl" >"$scratch/all-b" || fail "replay: exit $?"
for side in a b; do
	all=$scratch/all$([ $side = a ] || echo -b)
	equal "replay --compare: the alerts of $side" "$(jq -r ".$side[].id" "$scratch/compared" | sort)" \
		"$(jq -r 'select(.change == "fired") | .id' "$all" | sort -u)"
done
equal "replay --compare: keys" "$(head -1 "$scratch/compared" | jq -c keys_unsorted)" \
	'["raised_by","topic","from","until","earlier","lead_s","a","b","headline"]'
both='select(.raised_by == "both") | [.topic, .from[:10], .earlier]'
equal "replay --compare: the great crises" "$(jq -rc "$both" "$scratch/compared" | awk -F, '!seen[$1]++')" \
	'["northwind","2026-02-04","a"]
["lakeside & sons","2026-02-19","a"]'
[ "$(jq -c 'select(.raised_by == "a")' "$scratch/compared" | wc -l)" -ge 1 ] || fail "replay --compare: A alone raises nothing"
jq -e '(.raised_by == "both") == (.earlier != null) and (.raised_by == "both") == ((.a | length > 0) and (.b | length > 0))' \
	"$scratch/compared" >/dev/null || fail "replay --compare: sides"
contains "replay --compare: table" "$(<"$scratch/table")" "A earlier"
equal "replay --compare --quiet" "$(replay --compare "$a" "$b" --input "$scratch/stream.jsonl" --quiet 2>/dev/null)" "$(<"$scratch/table")"
equal "replay --compare of the same" \
	"$(replay --compare "$a" "$a" --input "$scratch/stream.jsonl" 2>/dev/null | jq -r .raised_by | sort -u)" both

# ---- charts ----

replay --compare "$a" "$b" --input "$scratch/stream.jsonl" --charts "$scratch/charts" --quiet >/dev/null || fail "replay --charts: exit $?"
python3 - "$scratch/charts" <<'PY' || fail "charts, see above"
import html.parser, os, sys
import xml.etree.ElementTree as tree

directory = sys.argv[1]
names = sorted(os.listdir(directory))
assert names == ["A-lakeside___sons~1.svg", "A-northwind.svg", "B-lakeside___sons~1.svg", "B-northwind.svg", "index.html"], names
for name in names[:4]:
    root = tree.parse(os.path.join(directory, name)).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg", root.tag
    titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
    assert any(t.startswith("alert from 2026-02-") for t in titles), (name, titles)

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.charts = [], 0
    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "img", "iframe"), tag
        attributes = dict(attributes)
        assert attributes.get("href", "#").startswith("#"), attributes
        self.charts += tag == "svg"

page = Page()
page.feed(open(os.path.join(directory, "index.html")).read())
assert page.charts == 4, page.charts
PY

# ---- the stored history says what the daemon said ----

start_daemon tape "$a"
ready tape
wait_until "all documents are stored" sql_is "$scratch/replay.db" "select count(*) from documents_v" 1259
stop_daemon
said="select json_object('id', id, 'state', state, 'fired', fired, 'resolved', resolved, 'peak_count', peak_count) from alert_history order by id"
replay --config "$a" --since 5y --updates >"$scratch/again" || fail "replay of the stored history: exit $?"
last='[.[] | {id, state, fired, resolved, peak_count}] | group_by(.id) | map(.[-1]) | sort_by(.id)[]'
equal "replay of the stored history" "$(jq -sc "$last" "$scratch/again")" "$(sql "$scratch/replay.db" "$said")"
[ -s "$scratch/again" ] || fail "replay of the stored history: nothing"
equal "compare over the stored history" "$(replay --compare "$a" "$b" --since 5y 2>/dev/null | jq -c '[.topic, .raised_by, .from]')" \
	"$(jq -c '[.topic, .raised_by, .from]' "$scratch/compared")"

# A word that was never watched: the stored texts are searched for it.
sed 's/any: \["Lakeside Bank"\]/any: ["Bank"]/; s/lakeside & sons/banks/' "$a" >"$scratch/new.yaml"
contains "a topic that was never watched" "$(replay --config "$scratch/new.yaml" --since 5y --quiet)" "banks                          310"

echo "replay tells before what the daemon would, and after what it did"
