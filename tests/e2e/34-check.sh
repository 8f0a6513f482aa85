#!/usr/bin/env bash
# check says of each thing that a first start could trip over whether it is well, where it stands and what to do.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 curl jq
start_server feed_server.py
feed=http://127.0.0.1:$port/feed
curl -sf "http://127.0.0.1:$port/control/add?feed=business&count=3" >/dev/null
secret=whsec_Y2hlY2stc2VjcmV0LWNoZWNrLXNlY3JldA==
start_server receiver.py --log "$scratch/received.jsonl" --secret $secret --responses 200,500
hook=http://127.0.0.1:$port/hook
echo $secret >"$scratch/secret"
echo "not base64!" >"$scratch/wrong-secret"
: >"$scratch/empty-secret"
echo '{"title": "Northwind lands", "published": "2026-01-05T09:00:00Z"}' >"$scratch/tape.jsonl"

check() { # STATUS OPTIONS...: sets said
	local status=$1 rc=0
	shift
	said=$("$bellwether" check --config "$scratch/check.yaml" "$@" 2>&1 </dev/null) || rc=$?
	[ $rc -eq "$status" ] || fail "check $*: exit $rc, expected $status: $said"
}
says() { # STATUS WORDS: one line holds both
	grep -E "^$1 " <<<"$said" | grep -qF -- "$2" || fail "check: no $1 with \"$2\" in:
$said"
}

# ---- all is well ----

cat >"$scratch/check.yaml" <<YAML
database: $scratch/check.db
http: {listen: ""}
sources:
  - {name: feeds, rss: {urls: ["$feed/business"], allow_private: true}}
  - {name: tape, file: {path: $scratch/tape.jsonl}}
topics:
  - {name: northwind, any: ["Northwind"]}
  - {name: rates, labels: ["Fed | Central Banks"]}
rules:
  - {name: negative-spike}
receivers:
  - {name: desk, url: "$hook", secret_file: secret}
YAML
check 0
says ok "2 sources, 2 topics, 1 rules, 1 receivers"
says ok "$scratch/check.db: will be made"
says ok "20 topics"
says ok "$scratch/check.yaml:4:5: source \"feeds\": $feed/business: 3 entries, newest 2026-01-05T00:02:00Z"
says ok "$scratch/check.yaml:5:5: source \"tape\": $scratch/tape.jsonl: JSON Lines, first document: Northwind lands"
says ok "$scratch/check.yaml:12:5: receiver \"desk\""
equal "every line is ok" "$(grep -cv '^ok  ' <<<"$said")" 0
[ ! -e "$scratch/check.db" ] || fail "check made the database"
[ ! -e "$scratch/received.jsonl" ] || [ ! -s "$scratch/received.jsonl" ] || fail "check without --send-test sent something"

check 0 --send-test desk
says ok "$hook: took the test message"
equal "the test message" "$(jq -c '[.verified, .status]' "$scratch/received.jsonl")" "[true,200]"
check 1 --send-test desk
says error "$hook"
says error 500
check 2 --send-test nobody
contains "--send-test nobody" "$said" 'no receiver "nobody"'
check 0 --offline
contains "--offline" "$said" "model"
grep -q 'source' <<<"$(grep -v sources <<<"$said")" && fail "--offline asks the sources"

# ---- all is wrong ----

mkfifo "$scratch/nobody-writes.jsonl"
cat >"$scratch/check.yaml" <<YAML
database: $scratch/no/such/check.db
model: {path: $scratch/no-model}
sources:
  - name: feeds
    rss:
      allow_private: true
      urls:
        - $feed/business
        - $feed/business?fault=html
        - $feed/business?fault=404
        - $feed/business?fault=301:/feed/business
        - $feed/business?fault=half
        - $feed/empty
        - http://127.0.0.1:1/feed
  - {name: private, rss: {urls: ["$feed/business"]}}
  - {name: wire, kafka: {brokers: "127.0.0.1:1", topics: [news]}}
  - {name: tape, file: {path: $scratch/missing.jsonl}}
  - {name: typo, kafka: {brokers: "127.0.0.1:1", topics: [news], properties: {auto.ofset.reset: earliest}}}
topics: []
receivers:
  - {name: lost, url: "$hook", secret_file: lost-secret}
  - {name: wrong, url: "$hook", secret_file: wrong-secret}
  - {name: empty, url: "$hook", secret_file: empty-secret}
  - {name: unsigned, url: "$hook"}
  - {name: pager, url: "$hook", format: pagerduty}
  - {name: ca, url: "https://127.0.0.1:1/", secret_file: secret, ca_file: $scratch/no-ca}
YAML
check 1
file=$scratch/check.yaml
says error "$scratch/no/such/check.db"
says error "$scratch/no-model/config.json: cannot open: No such file or directory"
says ok "$file:4:5: source \"feeds\": $feed/business: 3 entries"
says error "fault=html: not a feed: this is a web page"
says error "fault=404: HTTP 404"
says warning "moved for good: change the URL to $feed/business"
says error "fault=half: the answer broke off"
says warning "$feed/empty: 0 entries"
says error "http://127.0.0.1:1/feed: Failed to connect"
says error "$file:15:5: source \"private\": $feed/business: 127.0.0.1 is a loopback address, which is not fetched from: set allow_private"
says error "$file:16:5: source \"wire\": brokers 127.0.0.1:1"
says error "$file:17:5: source \"tape\": $scratch/missing.jsonl"
says error "$file:18:5: source \"typo\""
says error "auto.ofset.reset"
says warning "rules: there are none"
says error "$file:21:5: receivers[0].secret_file: $scratch/lost-secret: No such file or directory"
says error "$file:22:5: receivers[1].secret_file"
says error "$file:23:5: receivers[2].secret_file"
says warning "$file:24:5: receiver \"unsigned\": no secret_file"
says error "$file:25:5: receiver \"pager\""
says error "$file:26:5: receiver \"ca\": $scratch/no-ca: No such file"

# ---- a file that is wrong in itself: every problem with its place, exit 2 ----

cat >"$scratch/check.yaml" <<YAML
databse: x.db
sources:
  - {name: twice, rss: {urls: ["ftp://example.com/feed"]}}
  - {name: twice, file: {path: "-", speed: fast}}
topics:
  - {name: broken, regex: '(unclosed'}
rules:
  - {name: spike, topics: [nowhere], false_alarms: often}
YAML
check 2
says error "$file:1:1: there is no key \"databse\" here: did you mean \"database\"?"
says error "$file:4:44: sources[1].file.speed: \"fast\": expected a number"
says error "$file:8:52: rules[0].false_alarms: \"often\": expected"
equal "nothing else was tried" "$(grep -cv '^error' <<<"$said")" 0
sed -i '/databse/d; s/, speed: fast//; s/, false_alarms: often//' "$scratch/check.yaml"
check 2
says error "source \"twice\" stands on line 2 already"
says error "expected a URL that starts with https://"
says error "\"nowhere\": there is no topic of this name"
sed -i 's/name: twice, file/name: other, file/; s/ftp:/http:/; s/, topics: \[nowhere\]//' "$scratch/check.yaml"
check 2
says error "$file:5:5: topics[0]"
check_label() {
	cat >"$scratch/check.yaml" <<YAML
database: $scratch/check.db
topics:
  - {name: rates, labels: ["Fed | Central Bonks"]}
YAML
	check 1
	says error "$file:3:5: topics[0].labels[0]: \"Fed | Central Bonks\": the model knows no such label"
	says warning "receivers: there are none"
}
check_label

# ---- the database ----

printf 'database: %s\n' "$scratch/tape.jsonl" >"$scratch/check.yaml"
check 1
says error "$scratch/tape.jsonl: not a SQLite database"
printf 'database: %s\n' "$scratch" >"$scratch/check.yaml"
check 1
says error "$scratch: "
sqlite3 "$scratch/other.db" 'create table theirs(a)'
printf 'database: %s\n' "$scratch/other.db" >"$scratch/check.yaml"
check 1
says error "another program"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$scratch"
	cp "$bellwether" "$scratch/program"
	printf 'database: %s/check.db\n' "$scratch" >"$scratch/check.yaml"
	rc=0
	said=$(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$scratch/program" check --config "$scratch/check.yaml" 2>&1) || rc=$?
	equal "a directory that is not to be written: exit" $rc 1
	says error "this user may not make it"
fi

# ---- the list of keys is that of the example ----

keys=$("$bellwether" check --keys) || fail "check --keys: exit $?"
for key in database model.path http.listen 'sources[].kafka.brokers' 'sources[].rss.interval' 'sources[].file.speed' 'sources[].map.title' \
	'topics[].any' 'rules[].false_alarms' 'receivers[].secret_file' score lateness queue.bytes retention.trends; do
	awk '{ print $1 }' <<<"$keys" | grep -qxF -- "$key" || fail "check --keys: no $key"
done
while read -r key _; do
	grep -q "${key##*.}" etc/bellwether.yaml || fail "etc/bellwether.yaml does not show $key"
done < <(tail -n +2 <<<"$keys" | sed 's/\[\]//g')
sed "s|^database:.*|database: $scratch/check.db|" etc/bellwether.yaml >"$scratch/check.yaml"
check 0 --offline
echo "what is well, what is wrong, where it stands"
