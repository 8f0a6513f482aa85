#!/usr/bin/env bash
# The HTTP port: health, metrics that Prometheus accepts, /score as the command does it, and requests that are wrong.
source "$(dirname "$0")/../lib/e2e.sh"
need python3 sqlite3 curl
free=$(free_port)
url=http://127.0.0.1:$free
python3 - "$scratch" <<'PY'
import json, sys
with open(sys.argv[1] + "/tape.jsonl", "w") as out:
    for n in range(300):
        out.write(json.dumps({"id": f"t-{n}", "published": f"2026-01-05T{n // 60:02d}:{n % 60:02d}:00Z", "source": "Example Wire",
                              "title": f"Northwind Airlines says number {n}"}) + "\n")
    out.write("this is no document\n")
PY
cat >"$scratch/http.yaml" <<YAML
database: $scratch/http.db
http: {listen: "127.0.0.1:$free"}
sources:
  - {name: 'a "quoted\\ name', file: {path: $scratch/tape.jsonl}}
topics:
  - {name: northwind, any: ["Northwind Airlines"]}
rules: []
YAML
start_daemon http "$scratch/http.yaml"
ready http
ask() { curl -s -m "$patience" -o "$scratch/body" -w '%{http_code} %{content_type}' "$@"; }

# ---- health ----

for path in /healthz /readyz; do
	equal "$path" "$(ask "$url$path")" "200 text/plain; charset=utf-8"
	equal "$path: body" "$(<"$scratch/body")" ok
done
equal "HEAD /healthz" "$(curl -sI -m "$patience" -o /dev/null -w '%{http_code} %{size_download}' "$url/healthz")" "200 0"
equal "/" "$(ask "$url/")" "404 text/plain; charset=utf-8"
equal "/metrics/more" "$(ask "$url/metrics/more" | cut -c1-3)" 404
equal "GET /score" "$(ask "$url/score" | cut -c1-3)" 405
equal "DELETE /metrics" "$(ask -X DELETE "$url/metrics" | cut -c1-3)" 405
equal "POST /healthz" "$(ask -d x "$url/healthz" | cut -c1-3)" 405
contains "405 says what is allowed" "$(curl -si -m "$patience" "$url/score")" "Allow: POST"

# ---- metrics ----

wait_until "all documents are stored" sql_is "$scratch/http.db" "select count(*) from documents_v" 300
equal "/metrics" "$(ask "$url/metrics")" "200 text/plain; version=0.0.4; charset=utf-8"
cp "$scratch/body" "$scratch/metrics"
value() { grep -F "$1" "$scratch/metrics" | grep -v '^#' | awk '{ print $NF }'; }
metric_is() { ask "$url/metrics" >/dev/null && cp "$scratch/body" "$scratch/metrics" && [ "$(value "$1")" = "$2" ]; }
wait_until "the stored documents are counted" metric_is "bellwether_stored_documents_total " 300
equal "documents of the source" "$(value 'bellwether_source_documents_total{source="a \"quoted\\ name"}')" 300
equal "rejects of the source" "$(value 'bellwether_source_rejects_total{source="a \"quoted\\ name"}')" 1
equal "stored rejects" "$(value "bellwether_rejects_total ")" 1
equal "matched" "$(value "bellwether_documents_matched_total ")" 300
equal "encoded" "$(value "bellwether_documents_scored_total ")" 300
equal "the model" "$(value "bellwether_model_info{")" 1
if command -v promtool >/dev/null; then
	promtool check metrics <"$scratch/metrics" >"$scratch/lint" 2>&1 || fail "promtool: $(<"$scratch/lint")"
	equal "promtool says" "$(<"$scratch/lint")" ""
else
	without_promtool=", without promtool (Debian package prometheus)"
fi

# ---- score ----

printf 'Northwind shares plunge\n\n\xff\xfe\xe8\x82\xa1\nProfits soar' >"$scratch/texts"
equal "POST /score" "$(ask --data-binary @"$scratch/texts" "$url/score")" "200 application/x-ndjson; charset=utf-8"
"$bellwether" score <"$scratch/texts" >"$scratch/expected"
cut -c1-30 "$scratch/body" | cmp -s - <(cut -c1-30 "$scratch/expected") || fail "POST /score differs from bellwether score"
equal "POST /score: lines" "$(wc -l <"$scratch/body")" 4
equal "POST /score of nothing" "$(ask -X POST "$url/score") $(wc -c <"$scratch/body")" "200 application/x-ndjson; charset=utf-8 0"
for n in $(seq 1200); do echo "Text number $n of many that are longer than one piece"; done >"$scratch/many"
ask --data-binary @"$scratch/many" "$url/score" >/dev/null
equal "POST /score of 1200 lines" "$(wc -l <"$scratch/body")" 1200

# ---- what is too large ----

head -c 9000000 /dev/zero | tr '\0' 'x' >"$scratch/large"
equal "9 MB" "$(ask --data-binary @"$scratch/large" "$url/score" | cut -c1-3)" 413
equal "9 MB in chunks" "$(ask -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary @"$scratch/large" "$url/score" | cut -c1-3)" 413
head -c 300000 /dev/zero | tr '\0' '\n' >"$scratch/lines"
equal "300,000 lines" "$(ask --data-binary @"$scratch/lines" "$url/score" | cut -c1-3)" 413
python3 - "$free" <<'PY' || fail "hostile requests, see above"
import socket, sys
def say(data):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            return s.recv(4096)
        except OSError:
            return b""
for data in (b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"GET /healthz HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"A" * 200000 + b" / HTTP/1.1\r\n\r\n",
             b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", b"GET /%00%ff/../healthz HTTP/1.1\r\nHost: x\r\n\r\n"):
    answer = say(data)
    assert not answer.startswith(b"HTTP/1.1 200"), (data[:40], answer[:60])
PY
equal "after hostile requests" "$(ask "$url/healthz" | cut -c1-3)" 200

# ---- a long request holds up neither health nor the end ----

yes "$(yes 'shares plunge on fraud' | head -10 | tr '\n' ' ')" | head -4000 >"$scratch/hours"
for n in 1 2 3; do
	curl -s --data-binary @"$scratch/hours" "$url/score" -o /dev/null 2>/dev/null &
	processes+=($!)
done
scoring() { ask "$url/metrics" >/dev/null && [ "$(ss -Htn state established "( sport = :$free )" 2>/dev/null | wc -l)" -ge 3 ]; }
command -v ss >/dev/null && wait_until "three long requests" scoring
for n in 1 2 3 4 5; do
	equal "/healthz while others score" "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "$url/healthz")" 200
done
began=$SECONDS
stop_daemon
[ $((SECONDS - began)) -lt 30 ] || fail "stopping took $((SECONDS - began)) s while requests were scored"

# ---- ports ----

start_daemon taken "$scratch/http.yaml"
ready taken
sed "s|^database:.*|database: $scratch/other.db|" "$scratch/http.yaml" >"$scratch/other.yaml"
rc=0
said=$("$bellwether" run --config "$scratch/other.yaml" 2>&1 </dev/null) || rc=$?
equal "a port that is taken: exit" $rc 1
contains "a port that is taken" "$said" "127.0.0.1:$free"
contains "a port that is taken" "$said" "Address already in use"
stop_daemon
sed "s|127.0.0.1:$free|[::1]:$free|" "$scratch/http.yaml" >"$scratch/six.yaml"
if [ -e /proc/net/if_inet6 ] && grep -q '^0*1 ' /proc/net/if_inet6; then
	start_daemon six "$scratch/six.yaml"
	ready six
	equal "IPv6" "$(ask "http://[::1]:$free/healthz" | cut -c1-3)" 200
	stop_daemon
fi
echo "health, metrics, score and refusals over HTTP${without_promtool:-}"
