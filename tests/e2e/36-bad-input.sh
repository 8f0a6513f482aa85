#!/usr/bin/env bash
# What is wrong with the input is kept with its coordinates and never stops the daemon; what is wrong with the
# configuration is refused at once, however large it is made.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 curl
db=$scratch/bad.db
port=$(free_port)

# ---- hostile lines ----

python3 - "$scratch" <<'PY'
import json, sys
good = lambda n, **more: json.dumps({"id": f"g-{n}", "published": f"2026-01-05T00:{n:02d}:00Z", "title": f"Northwind {n}", "polarity": "neutral", **more}).encode()
# (line, does it make a document)
lines = [
    (good(0), True),
    (b"not json at all", False),
    (b"{", False),
    (b"[1, 2, 3]", False),
    (b'"a text"', False),
    (b"null", False),
    (b"{}", False),
    (b'{"title": ""}', False),
    (b'{"title": 7}', None),
    (b'{"title": ["a"]}', False),
    (b'{"title": "cut off', False),
    (b'{"title": "a"} trailing', False),
    (b'{"title": "\xff\xfe invalid", "published": "2026-01-05T00:01:00Z"}', None),
    (b'{"title": "lone \\ud800 surrogate", "published": "2026-01-05T00:01:00Z"}', None),
    (b'{"title": "nul \\u0000 inside", "published": "2026-01-05T00:01:00Z"}', None),
    (b"\x00\x00\x00\x00", False),
    (b'{"title": "a", "x": ' + b"[" * 100000 + b"]" * 100000 + b"}", None),
    (b'{"title": "a", "x": ' + b'{"x":' * 50000 + b"1" + b"}" * 50000 + b"}", None),
    (b'{"title": "date", "published": "yesterday"}', None),
    (b'{"title": "far", "published": "9999999-01-01T00:00:00Z"}', None),
    (b'{"title": "huge", "published": 1e300}', None),
    (b'{"title": "nan", "published": NaN}', None),
    (b'{"title": "negative", "published": -99999999999999999999}', None),
    (b'{"title": "bool", "published": true}', None),
    (b'{"title": "polarity", "polarity": "furious", "published": "2026-01-05T00:01:00Z"}', None),
    (b'{"title": "' + b"x" * 2_000_000 + b'"}', None),
    (b"x" * 40_000_000, False),
    (b"   \t  ", "blank"),
    (b"", "blank"),
    (b'{"title": "escape \\u001b[31m red \\u202e and back", "published": "2026-01-05T00:02:00Z"}', None),
    (b'{"title": "x\', (select 1)); drop table documents; --", "published": "2026-01-05T00:02:00Z"}', True),
    (b'\xef\xbb\xbf{"title": "not the first line"}', None),
    (good(1, id="g-0"), "repeat"),
    (good(2) + b"\r", True),
    (good(3, id="x" * 100000, url="y" * 100000, source="z" * 100000, lang="w" * 100000), None),
    (good(4), True),
]
with open(sys.argv[1] + "/hostile.jsonl", "wb") as out:
    out.write(b"\n".join(line for line, _ in lines))  # and no newline at the end
with open(sys.argv[1] + "/expected", "w") as out:
    for number, (_, document) in enumerate(lines, 1):
        if document in (False, "repeat"):
            print(f"{sys.argv[1]}/hostile.jsonl:{number}", file=out)
with open(sys.argv[1] + "/columns.tsv", "wb") as out:
    out.write(b"published\ttitle\tsource\tpolarity\n2026-01-05T00:00:00Z\tHalberd one\tWire\tnegative\nonly one column\n\t\t\t\n"
              b"2026-01-05T00:01:00Z\tHalberd two\tWire\tneutral\textra\n2026-01-05T00:02:00Z\tHalberd \xff three\tWire\tpositive\n")
open(sys.argv[1] + "/empty.jsonl", "w").close()
PY
cat >"$scratch/bad.yaml" <<YAML
database: $db
http: {listen: "127.0.0.1:$port"}
sources:
  - {name: hostile, file: {path: $scratch/hostile.jsonl}}
  - {name: columns, file: {path: $scratch/columns.tsv}}
  - {name: empty, file: {path: $scratch/empty.jsonl}}
topics:
  - {name: northwind, any: ["Northwind"]}
  - {name: halberd, any: ["Halberd"]}
YAML
start_daemon bad "$scratch/bad.yaml"
ready bad
wait_until "the last line is stored" sql_is "$db" "select count(*) from documents_v where external_id = 'g-4'" 1
wait_until "all sources are read" sql_is "$db" "select count(*) from source_health where stream = '' and state = 'done'" 3
equal "good documents" "$(sql "$db" "select group_concat(external_id) from (select external_id from documents_v where external_id glob 'g-?' order by id)")" "g-0,g-2,g-4"
while read -r place; do
	equal "$place is kept as rejected, with a reason" \
		"$(sql "$db" "select count(*), min(length(reason) > 5) from rejected_v where source = 'hostile' and coordinates = '$place'")" "1|1"
done <"$scratch/expected"
equal "each line is a document or a reject" "$(sql "$db" "select (select count(*) from documents_v where source = 'hostile') +
	(select count(*) from rejected_v where source = 'hostile')")" 34
contains "why it was rejected" "$(sql "$db" "select reason from rejected_v where coordinates = '$scratch/hostile.jsonl:27'")" "longer than"
equal "kinds" "$(sql "$db" "select group_concat(kind) from (select distinct kind from rejected_v order by 1)")" "repeat,unreadable"
equal "raw is bounded" "$(sql "$db" "select max(length(raw)) < 100000 from rejected_v")" 1
equal "what is stored is text" "$(sql "$db" "select count(*) from documents_v where typeof(title) <> 'text' or instr(cast(title as blob), x'00')")" 0
sql "$db" "select * from documents_v; select * from rejected_v" | python3 -c 'import sys; sys.stdin.buffer.read().decode("utf-8")' ||
	fail "the database holds invalid UTF-8"
equal "no table was dropped" "$(sql "$db" "select count(*) from documents_v where title like '%drop table%'")" 1
equal "TSV" "$(sql "$db" "select count(*), min(topics) from documents_v where source = 'columns'")" "3|halberd"
contains "TSV, rejected" "$(sql "$db" "select coordinates from rejected_v where source = 'columns'")" "columns.tsv:3"
rejects=$(sql "$db" "select count(*) from rejected_v")
unreadable=$(sql "$db" "select count(*) from rejected_v where kind = 'unreadable'")
counted() { [ "$(curl -s -m 20 "http://127.0.0.1:$port/metrics" | awk "/^$1/ { n += \$NF } END { print n + 0 }")" = "$2" ]; }
wait_until "the sources' counters: $unreadable rejects" counted bellwether_source_rejects_total "$unreadable"
wait_until "the writer's counter: $rejects rejects" counted bellwether_rejects_total "$rejects"
equal "the daemon is well" "$(curl -s -m 20 "http://127.0.0.1:$port/readyz")" ok
stop_daemon
start_daemon again "$scratch/bad.yaml"
ready again
wait_until "all sources are done again" sql_is "$db" "select count(*) from source_health where stream = '' and state = 'done'" 3
stop_daemon
equal "a second run stores nothing twice" "$(sql "$db" "select count(*) from rejected_v")" "$rejects"

# ---- ten thousand topics ----

python3 - "$scratch" <<'PY'
import random, sys
random.seed(5)
word = lambda: "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randint(4, 9)))
with open(sys.argv[1] + "/many.yaml", "w") as out:
    out.write(f"database: {sys.argv[1]}/many.db\nhttp: {{listen: ''}}\nsources:\n  - {{name: tape, file: {{path: {sys.argv[1]}/columns.tsv}}}}\ntopics:\n")
    for n in range(10000):
        regex = f", regex: '\\b{word()}\\s+{word()}\\b'" if n % 20 == 0 else ""
        out.write(f"  - {{name: topic-{n}, any: [\"{word()} {word()}\", \"${word()[:5].upper()}\", {word()}z], none: [\"{word()} {word()}\"]{regex}}}\n")
    out.write("  - {name: halberd, any: [Halberd]}\nrules:\n  - {name: negative-spike}\n")
PY
began=$SECONDS
start_daemon many "$scratch/many.yaml"
ready many
took=$((SECONDS - began))
wait_until "documents among ten thousand topics" sql_is "$scratch/many.db" "select count(*), min(topics) from documents_v" "3|halberd"
equal "watched" "$(sql "$scratch/many.db" "select count(*) from watch_status")" 10001
[ $took -lt 20 ] || fail "ten thousand topics: $took s until ready"
stop_daemon

# ---- configurations that are made to hurt ----

python3 - "$scratch" <<'PY'
import sys
def write(name, text):
    open(f"{sys.argv[1]}/{name}.yaml", "wb").write(text.encode() if isinstance(text, str) else text)
write("brackets", "topics: " + "[" * 200000)
write("braces", "topics: " + "{a: " * 50000)
write("indented", "\n".join(" " * n + "a:" for n in range(3000)))
write("dashes", "- " * 200000)
write("laughs", "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(10)) + "topics: *k\n")
write("square", "topics:\n  - &t {name: a, any: [" + ",".join(["x"] * 20000) + "]}\n" + "  - *t\n" * 20000)
write("itself", "topics: &a [*a]\n")
write("large", b"topics:\n" + b"  - {name: a, any: [b]}\n" * 2800000)
write("spaces", b" " * 64_000_000)
write("same", b"topics:\n" + b"  - {name: a, any: [b]}\n" * 20000)
write("binary", bytes(range(256)) * 1000)
write("utf16", "topics: []\n".encode("utf-16")[:-3])
write("nowhere", "topics: *nothing\n")
write("tab", "topics:\n\t- {name: a}\n")
write("number", "42\n")
write("list", "- a\n- b\n")
write("regex", "topics:\n  - {name: a, regex: '" + "(" * 50000 + "'}\n")
write("backtrack", "topics:\n  - {name: a, regex: '(a+)+$|(?R)'}\n  - {name: b, regex: '(?<=a+)b'}\n")
PY
for name in brackets braces indented dashes laughs square itself large spaces same binary utf16 nowhere tab number list regex; do
	rc=0
	said=$(ulimit -v 4000000 && timeout 30 "$bellwether" check --offline --config "$scratch/$name.yaml" 2>&1) || rc=$?
	case $name in
	spaces) [ $rc -le 2 ] || fail "$name.yaml: exit $rc" ;;
	*) equal "$name.yaml: exit" $rc 2 ;;
	esac
	contains "$name.yaml" "$said" "$scratch/$name.yaml"
	[ "$(wc -l <<<"$said")" -le 60 ] || fail "$name.yaml: $(wc -l <<<"$said") lines"
done
contains "brackets" "$(timeout 30 "$bellwether" check --config "$scratch/brackets.yaml" 2>&1)" "brackets.yaml:1:24: nested more than 16 levels deep"
contains "same" "$(timeout 30 "$bellwether" check --config "$scratch/same.yaml" 2>&1)" "more problems"

# Anchors that people do use still work.
cat >"$scratch/anchors.yaml" <<YAML
database: $scratch/anchors.db
topics:
  - {name: one, any: &words ["Northwind", "Halberd"]}
  - {name: two, any: *words, none: [Traders]}
YAML
"$bellwether" check --offline --config "$scratch/anchors.yaml" >"$scratch/said" || fail "anchors: $(<"$scratch/said")"
echo "$rejects hostile values kept, ten thousand topics in $took s, 17 hostile configurations refused"
