#!/usr/bin/env bash
# One alert, seven kinds of receivers: what each of them gets when it fires and when it is over, from one daemon; and the
# test message of each by hand.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 jq
db=$scratch/receivers.db
secret=whsec_cmVjZWl2ZXJzLXNlY3JldC1yZWNlaXZlcnM=
echo $secret >"$scratch/secret"
echo 0123456789abcdef0123456789abcdef >"$scratch/pagerduty-key"
printf 'desk\nopen: sesame\n' >"$scratch/smtp-login"
start_server receiver.py --log "$scratch/http.jsonl" --secret $secret
web=http://127.0.0.1:$port
start_server mail_server.py --log "$scratch/mail.jsonl" --security starttls --certificate "$scratch/mail.pem" --login "desk:open: sesame" \
	--refuse gone@example.com
mail=smtp://127.0.0.1:$port
cat >"$scratch/page-desk" <<'SH'
#!/bin/sh
# The alert on standard input, where to keep it in the first argument.
cat >>"$1" && echo >>"$1"
SH
chmod +x "$scratch/page-desk"

# Three weeks of a company, a bad day, and two quiet days behind it.
python3 - "$scratch/wire.jsonl" <<'PY'
import datetime, json, random, sys
random.seed(7)
start = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
day = 20 * 86400
rows = [(random.uniform(0, day + 36000), random.choice(["neutral", "positive", "negative"])) for _ in range(600)]
rows += [(day + 40000 + 60 * n, "negative") for n in range(60)]
rows += [(day + 50000 + 3600 * n, "neutral") for n in range(72)]
with open(sys.argv[1], "w") as out:
    for at, polarity in sorted(rows):
        words = f"{random.getrandbits(60):x} <of> {random.getrandbits(60):x} & {random.getrandbits(60):x}"
        out.write(json.dumps({"id": f"{random.getrandbits(60):x}", "source": f"Wire {random.randrange(9)}",
                              "published": (start + datetime.timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                              "url": f"https://news.example/{at}", "title": f"Northwind Airlines: {words}", "polarity": polarity}) + "\n")
PY
cat >"$scratch/receivers.yaml" <<YAML
database: $db
http: {listen: ""}
sources:
  - {name: wire, file: {path: $scratch/wire.jsonl}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
rules:
  - {name: negative-spike, false_alarms: 1 per month}
receivers:
  - {name: standard, url: "$web/standard", secret_file: secret, chart: true}
  - {name: slack, url: "$web/slack", format: slack}
  - {name: teams, url: "$web/teams", format: teams}
  - {name: pagerduty, url: "$web/pagerduty", format: pagerduty, secret_file: pagerduty-key}
  - {name: alertmanager, url: "$web/alertmanager", format: alertmanager}
  - name: mail
    url: $mail
    format: smtp
    from: Bellwether <alerts@example.com>
    to: [desk@example.com, "Duty, officer <duty@example.com>"]
    secret_file: smtp-login
    ca_file: $scratch/mail.pem
  - {name: pager, format: command, command: [$scratch/page-desk, $scratch/pages.jsonl]}
YAML

# ---- by hand ----

for name in standard slack teams pagerduty alertmanager mail pager; do
	said=$("$bellwether" check --config "$scratch/receivers.yaml" --offline 2>&1) || fail "check: $said"
	grep -q "^ok .*receiver \"$name\"" <<<"$said" || fail "check says nothing of $name: $said"
	said=$("$bellwether" check --config "$scratch/receivers.yaml" --send-test $name 2>&1) || fail "--send-test $name: $said"
	contains "--send-test $name" "$said" "took the test message"
done
equal "test messages over HTTP" "$(jq -r .path "$scratch/http.jsonl" | paste -sd' ')" "/standard /slack /teams /pagerduty /alertmanager"
equal "test mail" "$(jq -r '[.encrypted, .login, .headers.Subject] | @csv' "$scratch/mail.jsonl")" \
	'true,"desk","[Test] Bellwether: a test message, nothing happened"'
equal "test page" "$(jq -r .state "$scratch/pages.jsonl")" test
sed "s/desk@example.com/gone@example.com/" "$scratch/receivers.yaml" >"$scratch/gone.yaml"
said=$("$bellwether" check --config "$scratch/gone.yaml" --send-test mail 2>&1) || fail "a recipient who is gone: exit $?: $said"
grep -E '^warning .*refused for gone@example.com: 550 5.1.1 no such user here' <<<"$said" >/dev/null || fail "not told who is gone: $said"
sed -i "s|$scratch/page-desk,|/bin/sh, -c, 'echo no pager at home >\&2; exit 3',|" "$scratch/gone.yaml"
said=$("$bellwether" check --config "$scratch/gone.yaml" --send-test pager 2>&1) && fail "a command that fails is well: $said"
contains "a command that fails" "$said" "exit status 3: no pager at home"

# ---- by the daemon ----

for log in http mail pages; do
	: >"$scratch/$log.jsonl"
done
start_daemon receivers "$scratch/receivers.yaml"
ready receivers
all_sent() { sql_is "$db" "select count(distinct receiver) || ' ' || sum(state <> 'sent') || ' ' || (count(*) >= 14) from delivery_status" "7 0 1"; }
wait_until "every receiver has the alert and its end" all_sent
stop_daemon

alert=$(sql "$db" "select id from alert_history where state = 'resolved'")
[ -n "$alert" ] || fail "no alert resolved"
body() { # PATH first|last
	jq -s --arg path "$1" "[.[] | select(.path == \$path) | .body | fromjson] | $2" "$scratch/http.jsonl"
}
got() { # WHAT JQ-FILTER EXPECTED, of the JSON on standard input
	equal "$1" "$(jq -r "$2")" "$3"
}
echo "alert $alert"

body /standard first | tee "$scratch/standard" | got "standard, firing" '[.type, .data.id, .data.topic, (.data.chart_svg | startswith("<svg"))] | @csv' \
	"\"alert.firing\",\"$alert\",\"northwind\",true"
body /standard last | got "standard, resolved" '[.type, .data.id] | @csv' "\"alert.resolved\",\"$alert\""
equal "standard, signed" "$(jq -c 'select(.path == "/standard") | .verified' "$scratch/http.jsonl" | sort -u)" true
body /slack first | got "slack, firing" '[(.text | test("^:rotating_light: negative-spike on northwind: ")), .blocks[0].type, .blocks[-1].type] | @csv' \
	'true,"header","rich_text"'
body /slack last | got "slack, resolved" '.text | test("^:white_check_mark: .* resolved after")' true
body /teams first | got "teams, firing" '.attachments[0].content | [.type, .version, .body[0].inlines[0].text] | @csv' '"AdaptiveCard","1.4","Firing"'
body /teams last | got "teams, resolved" '.attachments[0].content.body[0].inlines[0] | [.text, .color] | @csv' '"Resolved","Good"'
body /pagerduty first | got "pagerduty, firing" '[.event_action, .dedup_key, .routing_key, .payload.severity] | @csv' \
	"\"trigger\",\"$alert\",\"0123456789abcdef0123456789abcdef\",\"critical\""
body /pagerduty last | got "pagerduty, resolved" '[.event_action, .dedup_key] | @csv' "\"resolve\",\"$alert\""
body /alertmanager first | got "alertmanager, firing" '.[0] | [.labels.alertname, .labels.topic, .labels.alert_id] | @csv' \
	"\"negative-spike\",\"northwind\",\"$alert\""
equal "alertmanager, the same labels" "$(jq -s '[.[] | select(.path == "/alertmanager") | .body | fromjson | .[0].labels] | unique | length' \
	"$scratch/http.jsonl")" 1
jq -s 'first' "$scratch/mail.jsonl" | got "mail, firing" \
	'[(.headers.Subject | test("^\\[Firing\\] negative-spike on northwind: ")), .encrypted, .login, (.recipients | join(" ")), .defects, .parts[2].filename] | @json' \
	'[true,true,"desk","desk@example.com duty@example.com",[],"chart.svg"]'
jq -s 'last' "$scratch/mail.jsonl" | got "mail, resolved" '[(.headers.Subject | test("^\\[Resolved\\]")), .headers["In-Reply-To"], .headers.References] | @csv' \
	"true,\"<bellwether.$alert@example.com>\",\"<bellwether.$alert@example.com>\""
equal "pages" "$(jq -s -c 'map(.state) | [first, last]' "$scratch/pages.jsonl")" '["firing","resolved"]'
echo "seven kinds of receivers took the alert and its end"
