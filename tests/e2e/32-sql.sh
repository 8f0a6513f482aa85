#!/usr/bin/env bash
# SQL is an interface: every view has its documented columns, the database is read while the daemon writes it and after it
# stopped, also by a user who may not write it.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3
db=$scratch/sql.db
start_server receiver.py --log "$scratch/received.jsonl"
python3 - "$scratch" <<'PY'
import datetime, json, random, sys
random.seed(7)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
rows = [(random.uniform(0, 21 * 86400), random.choice(["neutral", "positive", "negative"])) for _ in range(700)]
rows += [(20 * 86400 + 40000 + 60 * n, "negative") for n in range(60)]
with open(sys.argv[1] + "/tape.jsonl", "w") as out:
    for n, (at, polarity) in enumerate(sorted(rows)):
        words = f"{random.getrandbits(60):x} of {random.getrandbits(60):x} in {random.getrandbits(60):x}"
        title = f"Northwind Airlines and Halberd Bank: {words}" if n % 10 == 0 else f"Northwind Airlines: {words}"
        out.write(json.dumps({"id": f"r-{n}", "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                              "source": f"Wire {n % 9}", "url": f"https://wire.example/{n}", "title": title,
                              "polarity": polarity}) + "\n")
    end = (start + datetime.timedelta(days=21)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for n in range(5):
        out.write(json.dumps({"id": f"c-{n}", "published": end, "source": "通讯社", "title": f"北风航空股价暴跌 {n}"}, ensure_ascii=False) + "\n")
    out.write(json.dumps({"id": "n-1", "published": end, "title": "Nobody's news"}) + "\n")
    out.write("broken\n")
    out.write(json.dumps({"id": "r-3", "published": end, "title": "The same id again"}) + "\n")
PY
cat >"$scratch/sql.yaml" <<YAML
database: $db
http: {listen: ""}
score: all
sources:
  - {name: tape, file: {path: $scratch/tape.jsonl}}
topics:
  - {name: northwind, any: ["Northwind Airlines", "北风航空"]}
  - {name: halberd, any: ["Halberd Bank"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month}
receivers:
  - {name: desk, url: "http://127.0.0.1:$port/hook"}
YAML

columns() { sql "$db" "select group_concat(name) from pragma_table_info('$1')"; }
check_views() {
	local view expected
	while IFS=: read -r view expected; do
		case "$(columns "$view")," in
		"$expected",*) ;;
		*) fail "$view: columns $(columns "$view"), expected $expected" ;;
		esac
		sql "$db" "select count(*) from (select * from $view)" >/dev/null || fail "$view cannot be read"
	done <<'VIEWS'
documents_v:id,source,external_id,publisher,published,received,applied,title,url,polarity,score,topics,label,story,model
trend_hourly:topic,bucket,total,negative,neutral,positive,mean_score,stories
trend_daily:topic,bucket,total,negative,neutral,positive,mean_score,stories
alert_history:id,rule,topic,state,started,fired,resolved,peak_count,expected,evidence
delivery_status:alert_id,receiver,state,attempts,last_error,next_try
top_stories:topic
watch_status:topic
source_health:source
rejected_v:id
VIEWS
}

# What the manual says of a view is what it has.
manual_columns() {
	python3 - "$1" <<'PY'
import re, sys
text = open("etc/bellwether.1").read()
section = text[text.index(".SH SQL"):text.index(".SH HTTP")].replace('"', "")
for entry in section.split(".TP\n")[1:]:
    head, _, body = entry.partition("\n")
    if sys.argv[1] in re.split(r"[ ,]+", head):
        body = re.sub(r"^[a-z ]+: ", "", re.sub(r"\([^)]*\)", "", body.replace("\n", " ")))
        print(",".join(re.findall(r"[a-z_]+", body.split(".PP")[0])))
PY
}

start_daemon sql "$scratch/sql.yaml"
ready sql
check_views
for view in documents_v trend_hourly trend_daily alert_history delivery_status top_stories watch_status source_health rejected_v \
	corrections_v commands_v silences_v; do
	equal "the manual's columns of $view" "$(manual_columns $view)" "$(columns $view)"
done
wait_until "all documents are stored" sql_is "$db" "select max(external_id = 'n-1') from documents_v" 1
wait_until "the alert was delivered" sql_is "$db" "select count(*) > 0 and min(state = 'sent') from delivery_status" 1
wait_until "the source is done" sql_is "$db" "select state from source_health where source = 'tape' and stream = ''" "done"
check_views

is() { equal "$1" "$(sql "$db" "$2")" "$3"; }
is "documents" "select count(*), count(distinct external_id) from documents_v" "766|766"
is "times are ISO 8601" "select count(*) from documents_v where published not glob '2026-01-*T??:??:??Z'
	or received not glob '20??-??-??T??:??:??Z' or applied < received" 0
is "two topics" "select distinct topics from documents_v where title like '%Halberd%'" "northwind,halberd"
is "one topic" "select distinct topics from documents_v where title like 'Northwind Airlines:%'" "northwind"
is "no topic" "select topics is null from documents_v where external_id = 'n-1'" 1
is "Chinese: not judged" "select count(*), count(polarity), count(score), min(topics) from documents_v where publisher = '通讯社'" "5|0|0|northwind"
day=2026-01-26T00:00:00Z
is "Chinese: counted as volume" "select total, negative + neutral + positive from trend_daily where topic = 'northwind' and bucket = '$day'" "5|0"
is "a given polarity stands" "select count(*) from documents_v where external_id like 'r-%' and polarity is null" 0
is "the model read what had none" "select polarity is not null and score between -1 and 1 and model <> '' and label <> '' from documents_v where external_id = 'n-1'" 1
is "trends add up" "select (select sum(total) from trend_hourly where topic = 'northwind') = (select count(*) from documents_v where topics like 'northwind%'),
	(select sum(total) from trend_daily where topic = 'northwind') = (select count(*) from documents_v where topics like 'northwind%')" "1|1"
is "counts by polarity add up" "select count(*) from trend_daily where topic = 'halberd' and total <> negative + neutral + positive" 0
is "buckets" "select count(*) from trend_hourly where bucket not glob '2026-01-*T??:00:00Z'" 0
is "the alert" "select rule, topic, fired is not null, peak_count > expected, json_array_length(evidence) > 0 from alert_history where topic = 'northwind' and fired is not null limit 1" \
	"negative-spike|northwind|1|1|1"
is "evidence" "select count(*) from alert_history, json_each(evidence) e where json_extract(e.value, '\$.title') is null" 0
is "deliveries" "select count(*) > 0, min(receiver), max(attempts), count(last_error) from delivery_status" "1|desk|1|0"
is "what could not be read" "select kind, coordinates, reason is not null, raw from rejected_v where kind = 'unreadable'" "unreadable|$scratch/tape.jsonl:767|1|broken"
is "a repeat" "select kind, external_id from rejected_v where kind = 'repeat'" "repeat|r-3"
is "watched topics" "select group_concat(topic) from (select topic from watch_status order by 1)" "halberd,northwind"
is "top stories" "select count(*) > 0, min(documents) > 0 from top_stories where topic = 'northwind'" "1|1"

# The README's questions, as they stand there.
python3 - "$db" <<'PY' || fail "a query of the README, see above"
import re, sqlite3, sys
db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
queries = re.search(r"```sql\n(.*?)```", open("README.md").read(), re.S)[1]
for query in filter(str.strip, re.sub(r"--.*", "", queries).split(";")):
    db.execute(query).fetchall()
PY

# ---- who may read ----

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$scratch"
	as_reader() { setpriv --reuid 65534 --regid 65534 --groups 12345 "$@"; }
	as_reader sqlite3 -readonly "$db" 'select count(*) from documents_v' >/dev/null 2>&1 && fail "anybody can read the database"
	chgrp 12345 "$db" "$db-wal" "$db-shm"
	reads() { equal "a reader $1" "$(as_reader sqlite3 -readonly "$db" 'select count(*) from documents_v' 2>&1)" 766; }
	reads "while the daemon runs"
	as_reader sqlite3 "$db" 'create table mine(a)' >/dev/null 2>&1 && fail "a reader can write"
	contains "top, as a reader" "$(cp "$bellwether" "$scratch/program" && as_reader "$scratch/program" top --once --db "$db" 2>&1)" "766 documents"
	rc=0
	said=$(as_reader "$scratch/program" silence northwind --for 1h --db "$db" 2>&1) || rc=$?
	equal "silence, as a reader: exit" $rc 1
	contains "silence, as a reader" "$said" "read-only"
	stop_daemon
	reads "after the daemon stopped"
	kill_and_read() {
		start_daemon again "$scratch/sql.yaml"
		ready again
		reads "after a restart"
		kill -KILL "$daemon"
		wait "$daemon" 2>/dev/null
		reads "after a kill"
	}
	kill_and_read
else
	equal "while the daemon runs" "$(sql "$db" 'select count(*) from documents_v')" 766
	stop_daemon
	without_reader=", without the reader's part (needs root)"
fi
is "after the daemon" "select count(*) from documents_v" 766
check_views
echo "11 views with their columns, read while the daemon runs and after${without_reader:-}"
