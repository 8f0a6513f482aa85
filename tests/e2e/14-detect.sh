#!/usr/bin/env bash
# `bellwether detect`: a spike in a series is told from its rhythm, as it comes; what is no series is refused with its line.
source "$(dirname "$0")/../lib/e2e.sh"
need python3

detect() { # FILE [OPTION...]: sets out, err, rc
	local file=$1
	shift
	rc=0
	out=$("$bellwether" detect "$@" <"$file" 2>"$scratch/stderr") || rc=$?
	err=$(<"$scratch/stderr")
}

refused() { # WHAT WORDS LINE...: exit 1, and a message that says so
	local what=$1 words=$2
	shift 2
	printf '%s\n' "$@" >"$scratch/refused.csv"
	detect "$scratch/refused.csv"
	equal "$what: exit" $rc 1
	contains "$what" "$err" "bellwether detect: $words"
}

# ---- five weeks of five-minute counts; the spike begins in row 8640 ----

python3 - >"$scratch/series.csv" <<'PY'
import datetime, math, random
random.seed(7)
start = datetime.datetime(2026, 3, 1)
print("timestamp,value")
for n in range(35 * 288):
    mean = 20 + 15 * math.sin(n / 288 * 2 * math.pi) + (200 if 8640 <= n < 8670 else 0)
    print(f"{start + datetime.timedelta(minutes=5 * n)},{max(0, round(random.gauss(mean, mean ** 0.5)))}")
PY
detect "$scratch/series.csv"
equal "series: exit" $rc 0
equal "series: standard error" "$err" ""
equal "series: lines" "$(wc -l <<<"$out")" $((35 * 288 + 1))
cmp -s <(cut -d, -f1,2 <<<"$out") "$scratch/series.csv" || fail "series: times and values are not those that came"
alerts=$(awk -F, '$5 == 1 { print NR - 2 }' <<<"$out")
[ -n "$alerts" ] || fail "series: no alert"
first=$(head -1 <<<"$alerts")
[ "$first" -ge 8640 ] && [ "$first" -lt 8655 ] || fail "series: first alert in row $first"
[ "$(wc -l <<<"$alerts")" -le 3 ] || fail "series: alerts in rows $alerts"
detect "$scratch/series.csv" --false-alarms 1000d
[ "$(grep -c ',1$' <<<"$out")" -le "$(wc -l <<<"$alerts")" ] || fail "a smaller budget gave more alerts"

# ---- the same rows without a header, with quotes, with a byte-order mark and carriage returns ----

detect "$scratch/series.csv"
plain=$(cut -d, -f3- <<<"$out")
sed 1d "$scratch/series.csv" >"$scratch/headless.csv"
sed 's/^\([^,]*\),\(.*\)$/"\1","\2"/' "$scratch/series.csv" >"$scratch/quoted.csv"
{ printf '\xef\xbb\xbf' && sed 's/$/\r/' "$scratch/series.csv"; } >"$scratch/windows.csv"
for file in headless quoted windows; do
	detect "$scratch/$file.csv"
	equal "$file: exit" $rc 0
	[ "$(cut -d, -f3- <<<"$out")" = "$plain" ] || fail "$file: other verdicts"
done

# ---- rows that are missing and rows without a value are the same to what comes after ----

awk -F, 'NR < 3000 || NR > 3400' "$scratch/series.csv" >"$scratch/gap.csv"
awk -F, -v OFS=, 'NR >= 3000 && NR <= 3400 { $2 = "" } 1' "$scratch/series.csv" >"$scratch/empty.csv"
detect "$scratch/gap.csv"
gap=$(tail -n +3000 <<<"$out")
detect "$scratch/empty.csv"
[ "$gap" = "$(tail -n +3401 <<<"$out")" ] || fail "a gap and rows without a value differ"
equal "row without a value" "$(sed -n 3100p <<<"$out" | cut -d, -f4,5)" "0.00000000,0"

# ---- every row is answered when input pauses ----

{ head -20 "$scratch/series.csv"; sleep 2; } | "$bellwether" detect >"$scratch/live.csv" &
processes+=($!)
live_lines() { [ "$(wc -l <"$scratch/live.csv")" -eq 20 ]; }
wait_until "twenty lines" live_lines

# ---- other intervals, little input, zeros, huge values ----

python3 - "$scratch" <<'PY'
import datetime, sys
def write(name, rows):
    with open(f"{sys.argv[1]}/{name}.csv", "w") as file:
        file.writelines(f"{time},{value}\n" for time, value in rows)
start = datetime.datetime(2026, 3, 1)
at = lambda seconds, n: start + datetime.timedelta(seconds=seconds * n)
write("daily", [(at(86400, n).date(), 5 + n % 3 + (500 if n == 300 else 0)) for n in range(400)])
write("hourly", [(at(3600, n), 5 + n % 3 + (500 if n == 900 else 0)) for n in range(1000)])
write("seconds", [(at(10, n), 1 + n % 2 + (90 if 43000 <= n < 43100 else 0)) for n in range(45000)])
write("zeros", [(at(300, n), 0) for n in range(4000)])
write("huge", [(at(300, n), "1e300" if n % 500 == 7 else -3) for n in range(4000)])
write("one", [(start, 3)])
write("none", [])
PY
for file in daily hourly seconds zeros huge one none; do
	detect "$scratch/$file.csv"
	equal "$file: exit" $rc 0
	equal "$file: lines" "$(wc -l <<<"$out")" $(($(wc -l <"$scratch/$file.csv") + 1))
	awk -F, 'NR > 1 && !($4 >= 0 && $4 <= 1) { exit 1 }' <<<"$out" || fail "$file: a score outside 0 .. 1"
	case $file in
	daily) equal "daily: the most unusual" "$(sort -t, -k4 -g <<<"$out" | tail -1 | cut -d, -f2)" 505 ;;
	hourly) equal "hourly: the most unusual" "$(sort -t, -k4 -g <<<"$out" | tail -1 | cut -d, -f2)" 505 ;;
	seconds) contains "seconds" "$(grep ',1$' <<<"$out" | cut -d, -f1)" "2026-03-05 23:" ;;
	zeros) equal "zeros: alerts" "$(grep -c ',1$' <<<"$out")" 0 ;;
	esac
done

# ---- what is no series ----

refused "unsorted" "line 4: 2026-03-01 00:00 is earlier than the row before" "t,v" "2026-03-01 00:05,1" "2026-03-01 00:10,1" "2026-03-01 00:00,1"
refused "repeated" "line 4: 2026-03-01 00:10 is the same time as the row before" "t,v" "2026-03-01 00:05,1" "2026-03-01 00:10,1" "2026-03-01 00:10,1"
refused "repeated at once" "line 2: 2026-03-01 00:05 is the same time" "2026-03-01 00:05,1" "2026-03-01 00:05,1"
refused "uneven" "line 3: 2026-03-01 01:01 is 60 s after the row before, but rows are 3600 s apart" \
	"2026-03-01 00:00,1" "2026-03-01 01:00,1" "2026-03-01 01:01,1"
refused "no time" 'line 2: "yesterday" is no time' "t,v" "yesterday,1"
refused "no number" 'line 2: "many" is no number' "t,v" "2026-03-01,many"
refused "one column" "line 1: expected timestamp,value" "2026-03-01"
head -c 100000 /dev/urandom >"$scratch/noise"
detect "$scratch/noise" || true
equal "noise: exit" $rc 1
"$bellwether" detect <"$scratch/series.csv" >/dev/full 2>"$scratch/stderr" && fail "a full disk was not noticed"
contains "full disk" "$(<"$scratch/stderr")" "cannot write"
for wrong in "--interval soon" "--interval 0" "--interval 900d" "--false-alarms 1h" "file.csv"; do
	# shellcheck disable=SC2086 # an option and its value
	detect /dev/null $wrong
	equal "detect $wrong: exit" $rc 2
done
echo "a spike is told as it comes; gaps, intervals, headers and odd values do no harm; what is no series is refused"
