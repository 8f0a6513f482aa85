#!/usr/bin/env bash
# What a user types: help, wrong usage, and the contract of the commands that read text and print it.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq
commands="run check score convert tokenize explain feed replay detect top redeliver silence label model drift"

# ---- help and wrong usage ----

run() { # sets out, err, rc
	rc=0
	out=$("$bellwether" "$@" 2>"$scratch/stderr" </dev/null | tr '\0' '?'; exit "${PIPESTATUS[0]}") || rc=$?
	err=$(<"$scratch/stderr")
}

run --help
equal "--help: exit" $rc 0
overview=$out
for command in $commands; do
	contains "--help" "$overview" "  $command"
	run "$command" --help
	equal "$command --help: exit" $rc 0
	contains "$command --help" "$out" "usage: bellwether $command"
	equal "$command --help: standard error" "$err" ""
	run "$command" --no-such-option
	equal "$command --no-such-option: exit" $rc 2
	equal "$command --no-such-option: standard output" "$out" ""
	contains "$command --no-such-option" "$err" "no-such-option"
done
run --version
equal "--version: exit" $rc 0
contains "--version" "$out" "bellwether "
run
equal "no command: exit" $rc 2
run juggle
equal "unknown command: exit" $rc 2
contains "unknown command" "$err" 'no command "juggle"'
equal "unknown command: standard output" "$out" ""
for usage in "run" "check" "feed" "replay" "silence" "silence topic" "label 1" "label 1 sad" "redeliver" "top extra" \
	"score extra" "tokenize extra" "silence topic --for soon" "silence topic --for 1000y" "replay --config x --since soon"; do
	run $usage
	equal "bellwether $usage: exit" $rc 2
	[ -n "$err" ] || fail "bellwether $usage: says nothing"
done
for missing in "run --config" "check --config" "replay --config"; do
	run $missing "$scratch/missing.yaml"
	equal "$missing of a missing file: exit" $rc 2
	contains "$missing of a missing file" "$out$err" "missing.yaml: No such file or directory"
done
for missing in "top --db" "feed --file"; do
	run $missing "$scratch/missing"
	equal "$missing of a missing file: exit" $rc 1
	contains "$missing of a missing file" "$err" "$scratch/missing"
done

# ---- the manual names every command and every option of each command's help ----

manual=$(sed 's/\\f[A-Z]//g; s/\\-/-/g; s/"//g' etc/bellwether.1)
for command in $commands; do
	for option in $("$bellwether" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u | grep -vx -- --help); do
		contains "man page, $command" "$manual" "$option"
	done
done

# ---- score and tokenize: one line out for each line in, in order, while the pipe stays open ----

python3 - "$bellwether" <<'PY' || fail "score or tokenize, see above"
import json, os, select, subprocess, sys, time

program = sys.argv[1]
HOSTILE = [b"", b"   ", b"\0\0", b"\xff\xfe\xc3(", b"Bank cuts outlook\r", b"x" * 1_000_000,
           b" " * 1_000_000 + b"profit warning", "股价暴跌".encode(), "🚀🚀 to the moon".encode(), b"\t\x1b[31m", b"profit warning"]


def whole(command, data):
    done = subprocess.run([program, *command], input=data, capture_output=True)
    assert done.returncode == 0, (command, done.returncode, done.stderr)
    return done.stdout


def stream(command, count):
    """Line by line: each answer within a second while the pipe stays open."""
    child = subprocess.Popen([program, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    answers, slowest = [], 0
    for n in range(count):
        child.stdin.write(b"Shares of Northwind plunge, number %d\n" % n)
        began = time.monotonic()
        line = b""
        while not line.endswith(b"\n"):
            # The first one waits for the model as well.
            assert select.select([child.stdout], [], [], 60)[0], (command, n, "no answer while the pipe is open")
            piece = os.read(child.stdout.fileno(), 65536)
            assert piece, (command, n, "ended early")
            line += piece
        if n > 0:
            slowest = max(slowest, time.monotonic() - began)
        answers.append(line)
    child.stdin.close()
    assert child.wait(60) == 0 and child.stdout.read() == b"", command
    return answers, slowest


for command in ["score"], ["tokenize"], ["score", "--format", "tsv"], ["score", "--logits", "--threads", "1"]:
    for end in b"", b"\n":
        data = b"\n".join(HOSTILE) + end
        answers = whole(command, data).split(b"\n")
        assert answers.pop() == b"" and len(answers) == len(HOSTILE), (command, len(answers))
    assert answers[6] == answers[10] or "tsv" not in command, "blanks in front changed the answer"
    assert whole(command, b"") == b"" and whole(command, b"\n").count(b"\n") == 1, command
    # Asked one after another, the answers are those of the whole.
    single, slowest = stream(command, 12)
    together = whole(command, b"".join(b"Shares of Northwind plunge, number %d\n" % n for n in range(12)))
    if command == ["tokenize"] or command[-1] == "tsv":
        assert b"".join(single) == together, (command, "order or content")
    assert len(together.splitlines()) == 12
    print("%s: slowest answer %.0f ms" % (" ".join(command), slowest * 1000))
    assert slowest < 1 or os.getloadavg()[0] > 2 * os.cpu_count(), (command, slowest)

# Keys in the documented order, also where the model cannot judge.
keys = ["polarity", "score", "negative", "neutral", "positive", "topic", "topic_p", "topics"]
for line in whole(["score"], b"\n".join(HOSTILE)).splitlines():
    got = json.loads(line)
    assert list(got)[:8] == keys, list(got)
    assert got["polarity"] in ("negative", "neutral", "positive", None), got
line = json.loads(whole(["score", "--logits"], b"profit warning\n"))
assert list(line)[8:] == ["logits"] and len(line["logits"]["polarity"]) == 3 and len(line["logits"]["topic"]) == 20, line
assert whole(["score", "--format", "tsv"], b"Bank collapses amid fraud probe\n").startswith(b"negative\t")
ids = whole(["tokenize"], b"Bank collapses\n\n").splitlines()
assert ids[0].split()[0] == b"101" and ids[0].split()[-1] == b"102" and ids[1] == b"101 102", ids

# A thousand lines at once keep their order.
texts = [b"Northwind %d\n" % n for n in range(1000)]
assert sorted(zip(whole(["tokenize"], b"".join(texts)).splitlines(), texts)) == \
    sorted(zip(whole(["tokenize"], b"".join(texts[::-1])).splitlines(), texts[::-1]))
PY

# A reader that goes away ends the command, without a word too many.
yes "Shares plunge" | head -3000 | "$bellwether" score 2>"$scratch/stderr" | head -1 >/dev/null
equal "score | head: lines on standard error" "$(wc -l <"$scratch/stderr")" 1

# ---- feed ----

cat >"$scratch/feed.xml" <<'XML'
<?xml version="1.0"?><rss version="2.0"><channel><title>Example Wire</title><link>https://wire.example/</link>
<item><guid isPermaLink="false">a-1</guid><title>Northwind &amp; Sons</title><link>/a/1</link>
<description>Text &lt;b&gt;one&lt;/b&gt;.</description><pubDate>Mon, 05 Jan 2026 09:30:00 GMT</pubDate></item>
<item><title>No date</title><link>https://wire.example/2</link></item></channel></rss>
XML
feed=$("$bellwether" feed --file "$scratch/feed.xml" --content-type application/rss+xml --url https://wire.example/rss) ||
	fail "feed: exit $?"
equal "feed: lines" "$(wc -l <<<"$feed")" 3
equal "feed: first line" "$(sed -n 1p <<<"$feed" | jq -c '[.feed, .title]')" '[true,"Example Wire"]'
equal "feed: entry" "$(sed -n 2p <<<"$feed" | jq -c '[.id, .link, .title, .summary, .published]')" \
	'["a-1","https://wire.example/a/1","Northwind & Sons","Text one.",1767605400]'
equal "feed: keys" "$(sed -n 2p <<<"$feed" | jq -c 'keys_unsorted[:5]')" '["id","link","title","summary","published"]'
equal "feed: no date" "$(sed -n 3p <<<"$feed" | jq -c .published)" null
equal "feed: from a pipe" "$("$bellwether" feed --file - <"$scratch/feed.xml" | wc -l)" 3
rc=0
echo "this is no feed" | "$bellwether" feed --file - >"$scratch/out" 2>"$scratch/stderr" || rc=$?
equal "feed: no feed: exit" $rc 1
[ -s "$scratch/stderr" ] || fail "feed: no feed: says nothing"

# ---- replay: a stream with its polarity given, from a pipe; from a file; the stored history ----

python3 - >"$scratch/stream.jsonl" <<'PY'
import datetime, json, random
random.seed(7)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
rows = [(random.uniform(0, 21 * 86400), random.choice(["neutral", "positive", "negative"])) for _ in range(700)]
rows += [(20 * 86400 + 40000 + 60 * n, "negative") for n in range(60)]
for n, (at, polarity) in enumerate(sorted(rows)):
    print(json.dumps({"id": f"r-{n}", "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                      "source": f"Wire {n % 9}", "title": f"Northwind Airlines: item {random.getrandbits(60):x} of "
                      f"{random.getrandbits(60):x} in {random.getrandbits(60):x}", "polarity": polarity}))
PY
cat >"$scratch/replay.yaml" <<YAML
database: $scratch/replay.db
http: {listen: ""}
sources:
  - {name: tape, file: {path: $scratch/stream.jsonl}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
  - {name: 北风航空北风航空北风航空北风航空, any: ["北风航空"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month}
YAML
"$bellwether" replay --config "$scratch/replay.yaml" --input - <"$scratch/stream.jsonl" >"$scratch/piped" || fail "replay: exit $?"
"$bellwether" replay --config "$scratch/replay.yaml" --input "$scratch/stream.jsonl" >"$scratch/changes" || fail "replay: exit $?"
cmp -s "$scratch/piped" "$scratch/changes" || fail "replay: a pipe and a file differ"
equal "replay: fired" "$(jq -r 'select(.state == "firing") | .topic' "$scratch/changes" | sort -u)" northwind
equal "replay: keys" "$(head -1 "$scratch/changes" | jq -c 'keys_unsorted[:11]')" \
	'["at","rule","topic","state","count","expected","ratio","p_value","documents","publishers","evidence"]'
jq -e '(.at | test("^2026-01-[0-9T:]+Z$")) and (.evidence | type == "array")' "$scratch/changes" >/dev/null || fail "replay: at or evidence"
contains "replay --summary" "$("$bellwether" replay --config "$scratch/replay.yaml" --input "$scratch/stream.jsonl" --summary)" northwind
rc=0
{ head -5 "$scratch/stream.jsonl"; echo 'not json'; sed -n 6,10p "$scratch/stream.jsonl"; } |
	"$bellwether" replay --config "$scratch/replay.yaml" --input - >/dev/null 2>"$scratch/stderr" || rc=$?
equal "replay of a bad line: exit" $rc 0
contains "replay of a bad line" "$(<"$scratch/stderr")" "1 lines"

# ---- top ----

start_daemon tape "$scratch/replay.yaml"
ready tape
wait_until "all documents are stored" sql_is "$scratch/replay.db" "select count(*) from documents_v" 760
top=$("$bellwether" top --db "$scratch/replay.db" --once) || fail "top --once: exit $?"
contains "top" "$top" "760 documents"
equal "top, columns" "$(grep -E '^(northwind|北)' <<<"$top" | python3 -c 'import sys; print([line[:24].split()[0] for line in sys.stdin])')" \
	"['northwind', '北风航空北风航空北风航空']"
stop_daemon
python3 - "$bellwether" "$scratch/replay.db" <<'PY' || fail "top in a terminal, see above"
import os, pty, select, signal, sys, time

def live(leave):
    """The live view, left by `leave`: the terminal is as it was found."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], [sys.argv[1], "top", "--db", sys.argv[2]])
    out, left, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if select.select([fd], [], [], 0.2)[0]:
                out += os.read(fd, 65536)
        except OSError:
            break  # Linux says so when the other side is closed
        if b"northwind" in out and not left:
            leave(pid, fd)
            left = True
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0 and out.startswith(b"\033[?1049h") and out.rstrip().endswith(b"\033[?1049l"), (status, out[-200:])

live(lambda pid, fd: os.write(fd, b"xq"))
live(lambda pid, fd: os.write(fd, b"\x03"))
live(lambda pid, fd: os.kill(pid, signal.SIGTERM))
PY
contains "top after the daemon" "$("$bellwether" top --db "$scratch/replay.db" --once)" "760 documents"
stored=$("$bellwether" replay --config "$scratch/replay.yaml" --since 5y | jq -rc 'select(.state == "firing") | [.at, .topic, .count]')
equal "replay of the stored history" "$stored" "$(jq -rc 'select(.state == "firing") | [.at, .topic, .count]' "$scratch/changes")"

# ---- detect ----

python3 - >"$scratch/series.csv" <<'PY'
import math, random
random.seed(3)
print("timestamp,value")
for n in range(2000):
    print(f"2026-01-{1 + n // 288:02d} {n % 288 // 12:02d}:{n % 12 * 5:02d}:00,{10 + 5 * math.sin(n / 288 * 6.283) + random.gauss(0, 1) + (80 if n == 1800 else 0):.3f}")
PY
"$bellwether" detect --interval 5m <"$scratch/series.csv" >"$scratch/detected.csv" || fail "detect: exit $?"
equal "detect: header" "$(head -1 "$scratch/detected.csv")" "timestamp,value,expected,score,alert"
equal "detect: lines" "$(wc -l <"$scratch/detected.csv")" 2001
awk -F, 'NR > 1 && !($4 >= 0 && $4 <= 1) { print "line " NR ": " $0; exit 1 }' "$scratch/detected.csv" || fail "detect: a score outside 0 .. 1"
equal "detect: the most unusual" "$(tail -n +2 "$scratch/detected.csv" | sort -t, -k4 -g | tail -1 | cut -d, -f2)" \
	"$(sed -n 1802p "$scratch/series.csv" | cut -d, -f2)"
head -1001 "$scratch/series.csv" | "$bellwether" detect --interval 5m | cmp -s - <(head -1001 "$scratch/detected.csv") ||
	fail "detect: later rows changed what was said of earlier ones"
echo "help, usage, score, tokenize, feed, replay, top and detect keep their contract"
