# Sourced by the tests in tests/e2e: a scratch directory that goes away with everything that was started, and the few
# things that all of them do.  The program is $BELLWETHER (default: build/bellwether).
#
# Nothing here sleeps to be safe: wait_until asks again and again, and the time that it is given is only how long a
# broken program may hold a test up.
set -u
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bellwether=$(realpath "${BELLWETHER:-$root/build/bellwether}")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bellwether-e2e-XXXXXX")
patience=60 # seconds; a loaded machine is slow
processes=()
cd "$root"

clean_up() {
	local rc=$?
	[ ${#processes[@]} -eq 0 ] || kill -KILL "${processes[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$scratch"
	exit $rc
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# fail MESSAGE: with what the daemons said last
fail() {
	local log
	for log in "$scratch"/*.log; do
		[ -s "$log" ] && echo "--- $(basename "$log")" && tail -15 "$log"
	done
	echo "FAILED: $*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# need COMMAND...: skips where one is missing
need() {
	local command
	for command in "$@"; do
		command -v "$command" >/dev/null || skip "$command is not installed"
	done
}

# equal WHAT GOT EXPECTED
equal() { [ "$2" = "$3" ] || fail "$1: got \"$2\", expected \"$3\""; }

# contains WHAT TEXT WORDS: the fixed words stand in the text
contains() { grep -qF -- "$3" <<<"$2" || fail "$1: no \"$3\" in: ${2:0:2000}"; }

# wait_until WHAT COMMAND...: until it succeeds
wait_until() {
	local what=$1 until=$((SECONDS + patience))
	shift
	while ! "$@"; do
		[ $SECONDS -lt $until ] || fail "waited $patience s: $what"
		sleep 0.05
	done
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# sql DATABASE QUERY: as a user would ask, read-only
sql() { sqlite3 -readonly "$1" "$2"; }
sql_is() { [ "$(sql "$1" "$2" 2>/dev/null)" = "$3" ]; }

# start_daemon NAME CONFIG [INPUT]: in the background as $daemon, saying NAME.log
daemon=
start_daemon() {
	"$bellwether" run --config "$2" >"$scratch/$1.log" 2>&1 <"${3:-/dev/null}" &
	daemon_before=$daemon
	daemon=$!
	processes+=("$daemon")
}

# ready NAME: until it says so
is_ready() { grep -q "^ready after" "$scratch/$1.log" 2>/dev/null || ! kill -0 "$daemon" 2>/dev/null; }
ready() {
	wait_until "$1 is ready" is_ready "$1"
	grep -q '^ready after' "$scratch/$1.log" || fail "$1 ended before it was ready"
}

# stop_daemon [PID]: SIGTERM; it must exit 0
stop_daemon() {
	local pid=${1:-$daemon} rc=0
	kill -TERM "$pid" || fail "the daemon was gone before SIGTERM"
	wait "$pid" || rc=$?
	equal "exit status after SIGTERM" $rc 0
}

# start_server SCRIPT OPTIONS...: one of tests/lib's, which says "PORT n" and ends with its standard input; sets $port
start_server() {
	local script=$1 pipe
	pipe=$(mktemp -u "$scratch/pipe-XXXXXX")
	shift
	mkfifo "$pipe.in" "$pipe.out"
	python3 "$root/tests/lib/$script" "$@" <"$pipe.in" >"$pipe.out" 2>"$scratch/$script.log" &
	processes+=($!)
	exec {server_input}>"$pipe.in" {server_output}<"$pipe.out"
	read -r -t "$patience" _ port <&"$server_output" || fail "$script says no port"
}

# hold_database FILE: nobody else can write to it until release_database
hold_database() {
	mkfifo "$scratch/hold.in"
	python3 -c '
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
' "$1" <"$scratch/hold.in" >"$scratch/held" &
	processes+=($!)
	exec {database_hold}>"$scratch/hold.in"
	wait_until "the lock" grep -q held "$scratch/held"
}
release_database() { exec {database_hold}>&-; }
