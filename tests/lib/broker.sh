#!/usr/bin/env bash
# A real Apache Kafka of one node (KRaft, no ZooKeeper) for tests, the demo and the bench.
#
#   broker.sh start DIR     fetch Kafka once, start a broker that keeps all it writes in DIR; prints its address (the last line)
#   broker.sh stop DIR      end it orderly, and wait
#   broker.sh kill DIR      end it by SIGKILL
#   broker.sh restart DIR   stop, then start with the same data and address
#   broker.sh fetch         only fetch what is needed
#
# Kafka comes from Maven Central into ${BELLWETHER_CACHE:-~/.cache/bellwether}/kafka; Java 17 and Maven from Debian.
# BROKER_JVM replaces the quick-starting compiler setting ("" = the full one, for long benches).
# Where one of them cannot be had, `start` and `fetch` say why on the last line and exit with 77, which is a skip; so they
# do at once where BELLWETHER_WITHOUT_KAFKA holds a reason.
set -euo pipefail

version=3.9.1
cache=${BELLWETHER_CACHE:-${HOME:-/tmp}/.cache/bellwether}/kafka/$version
here=$(cd "$(dirname "$0")" && pwd)

skip() {
	echo "$1"
	exit 77
}

need_command() {
	local command=$1 package=$2
	command -v "$command" >/dev/null && return
	if [ "$(id -u)" = 0 ]; then
		apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1 ||
			{ apt-get update && apt-get install -y --no-install-recommends "$package"; } >/dev/null 2>&1 || true
	fi
	command -v "$command" >/dev/null || skip "no $command: apt-get install $package"
}

fetch() {
	[ -z "${BELLWETHER_WITHOUT_KAFKA:-}" ] || skip "$BELLWETHER_WITHOUT_KAFKA"
	need_command java default-jre-headless
	[ -f "$cache/complete" ] && return
	need_command mvn maven
	mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || skip "$cache cannot be written"
	exec 9>"$cache/lock"
	flock 9
	[ -f "$cache/complete" ] && return
	cat >"$cache/pom.xml" <<-END
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>bellwether.tests</groupId><artifactId>broker</artifactId><version>1</version>
		  <dependencies>
		    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
		    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
		  </dependencies>
		</project>
	END
	(cd "$cache" && timeout -k 10 300 mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=libs) \
		>"$cache/fetch.log" 2>&1 || skip "Kafka $version cannot be fetched from Maven Central (see $cache/fetch.log)"
	touch "$cache/complete"
	exec 9>&-
}

# Two ports that are free now, and different.
free_ports() {
	python3 - <<-'END'
		import socket
		sockets = [socket.socket() for _ in range(2)]
		for s in sockets:
		    s.bind(("127.0.0.1", 0))
		print(*(s.getsockname()[1] for s in sockets))
	END
}

# Every file of the broker lies in DIR; the replication factors of a lone node; no waiting for other group members.
configure() {
	local dir=$1 port controller
	read -r port controller <<<"$(free_ports)"
	cat >"$dir/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$controller
		listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
		advertised.listeners=PLAINTEXT://127.0.0.1:$port
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
		log.dirs=$dir/data
		auto.create.topics.enable=false
		num.partitions=1
		offsets.topic.num.partitions=1
		offsets.topic.replication.factor=1
		transaction.state.log.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		group.initial.rebalance.delay.ms=0
		log.retention.check.interval.ms=2000
		log.initial.task.delay.ms=2000
		message.max.bytes=20000000
	END
	echo "127.0.0.1:$port" >"$dir/address"
	run_java "$dir" kafka.tools.StorageTool format -t "$(run_java "$dir" kafka.tools.StorageTool random-uuid)" \
		-c "$dir/server.properties" >/dev/null
}

run_java() {
	local dir=$1
	shift
	java -Xmx384m -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
		-cp "$cache/libs/*" "$@" 2>>"$dir/broker.log"
}

launch() {
	local dir=$1 address port
	address=$(cat "$dir/address")
	port=${address#*:}
	# A process of its own, so that the terminal's signals and the caller's pipes do not reach it.
	# shellcheck disable=SC2086
	setsid java -Xmx384m -Xms128m -XX:+UseSerialGC ${BROKER_JVM--XX:TieredStopAtLevel=1} -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
		-cp "$cache/libs/*" kafka.Kafka "$dir/server.properties" >>"$dir/broker.log" 2>&1 </dev/null 9>&- &
	echo $! >"$dir/pid"
	for _ in $(seq 600); do
		if ! kill -0 "$(cat "$dir/pid")" 2>/dev/null; then
			echo "the broker ended at start:" >&2
			tail -20 "$dir/broker.log" >&2
			exit 1
		fi
		if "$here/broker_ready.py" "$port"; then
			echo "$address"
			return
		fi
		sleep 0.1
	done
	echo "the broker does not answer after 60 s" >&2
	exit 1
}

end() {
	local dir=$1 signal=$2 pid
	pid=$(cat "$dir/pid" 2>/dev/null) || return 0
	kill "-$signal" "$pid" 2>/dev/null || true
	for _ in $(seq 300); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
	rm -f "$dir/pid"
}

[ $# -ge 1 ] || { sed -n '4,8s/^# *//p' "$0" >&2; exit 2; }
action=$1
dir=${2:-}
[ "$action" = fetch ] || [ -n "$dir" ] || { echo "broker.sh $action DIR" >&2; exit 2; }
case $action in
fetch) fetch ;;
start)
	fetch
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	[ -f "$dir/server.properties" ] || configure "$dir"
	launch "$dir"
	;;
stop) end "$dir" TERM ;;
kill) end "$dir" KILL ;;
restart)
	end "$dir" TERM
	launch "$(cd "$dir" && pwd)"
	;;
*)
	echo "broker.sh: no action '$action'" >&2
	exit 2
	;;
esac
