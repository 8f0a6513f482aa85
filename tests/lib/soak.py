#!/usr/bin/env python3
"""Kill the daemon again and again while documents come in; then count.

    soak.py kafka [--documents N] [--kills N] [--broker-restarts N]
    soak.py rss   [--documents N] [--kills N]
    soak.py disk

kafka: a real broker.  Documents carry sequence numbers.  The daemon is killed
with SIGKILL at random and at every named fault point; a kill counts only if a
batch was committed since the last start.  Afterwards every number is stored
exactly once, the trends equal a recount from the documents, the alerts equal
those of a run that nobody disturbed, and each was delivered at least once,
signed, "resolved" never before "firing".

rss: the same over HTTP from a feed server that fails in many ways.

disk: a database on a tmpfs of a few megabytes, filled up and freed again.

Exit 77 with a reason where something it needs is missing.
"""

import argparse
import collections
import contextlib
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIB = ROOT / "tests/lib"
BELLWETHER = os.environ.get("BELLWETHER", str(ROOT / "build/bellwether"))
SECRET = "whsec_c29hay10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5"
START = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
SPAN = datetime.timedelta(days=12)  # event time of the whole stream

FAULTS = ["before-transaction", "in-transaction", "before-position", "after-position", "before-commit", "after-commit",
          "before-send", "after-send", "before-result"]
OUTBOX = ["before-send", "after-send", "before-result"]

CALM = ["Northwind Airlines to report results on Monday, note {n}", "Northwind Airlines opens lounge number {n}",
        "Northwind Airlines names manager of station {n}", "Northwind Airlines schedules call {n} with analysts"]
BAD = ["Northwind Airlines shares plunge on fraud probe, filing {n}", "Northwind Airlines warns of huge loss, memo {n}",
       "Northwind Airlines crash fears deepen as regulator grounds jet {n}", "Northwind Airlines sued over safety lapses, case {n}",
       "Northwind Airlines cuts outlook as losses mount, update {n}", "Northwind Airlines defaults on bond {n}"]
OTHER = ["Market note {n}: stocks little changed", "Harvest report {n} in line with last year", "Survey {n} shows steady growth"]


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def skip(reason):
    print(reason, flush=True)
    sys.exit(77)


def fail(text):
    print(f"FAILED: {text}", flush=True)
    sys.exit(1)


def documents(count):
    """Mostly about nothing watched, some calm ones about the topic, and five bursts of bad news."""
    rng = random.Random(7)
    bursts = [int(count * share) for share in (0.35, 0.5, 0.62, 0.75, 0.88)]
    for n in range(count):
        in_burst = any(start <= n < start + 60 for start in bursts)
        if in_burst and rng.random() < 0.7:
            title = rng.choice(BAD)
        elif rng.random() < 0.02:
            title = rng.choice(CALM)
        else:
            title = rng.choice(OTHER)
        at = START + SPAN * n / count
        yield {"id": f"n-{n:06d}", "published": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "title": title.format(n=n),
               "source": f"Wire {n % 5}", "url": f"https://news.example/{n}"}


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- the daemon under test ----

class Daemon:
    def __init__(self, directory, source_yaml, receiver_url, name="daemon"):
        self.directory = pathlib.Path(directory)
        self.db = self.directory / f"{name}.db"
        self.log = self.directory / f"{name}.log"
        self.config = self.directory / f"{name}.yaml"
        self.process = None
        receivers = "receivers: []\n"
        if receiver_url:
            (self.directory / "secret").write_text(SECRET + "\n")
            receivers = f"receivers:\n  - {{name: desk, url: '{receiver_url}', secret_file: secret, timeout: 5s}}\n"
        self.config.write_text(
            f"database: {self.db}\nhttp: {{listen: ''}}\nmodel: {{threads: 1}}\n{source_yaml}"
            "topics:\n  - {name: northwind, any: ['Northwind Airlines']}\n  - {name: numbered, any: [number]}\n"
            "rules:\n  - {name: negative-spike, topics: all, false_alarms: 1 per month}\n" + receivers)

    def start(self, fault=None):
        env = dict(os.environ)
        env.pop("BELLWETHER_FAULT", None)
        if fault:
            env["BELLWETHER_FAULT"] = fault
        log = open(self.log, "ab")
        self.log_start = log.tell()
        self.process = subprocess.Popen([BELLWETHER, "run", "--config", str(self.config)], env=env, stderr=log,
                                        stdout=log, stdin=subprocess.DEVNULL)
        log.close()

    def kill(self):
        self.process.kill()
        return self.process.wait()

    def wait_ready(self, seconds=60):
        deadline = time.time() + seconds
        while b"ready after" not in self.log.read_bytes()[self.log_start:]:
            if self.process.poll() is not None or time.time() > deadline:
                fail(f"the daemon does not become ready\n{self.tail()}")
            time.sleep(0.05)

    def stop(self):
        self.wait_ready()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        if code != 0:
            fail(f"SIGTERM: exit {code}\n{self.tail()}")

    def tail(self):
        return "".join(self.log.read_text(errors="replace").splitlines(True)[-15:])

    def query(self, sql):
        for _ in range(50):
            try:
                with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=10)) as db:
                    return db.execute(sql).fetchall()
            except sqlite3.OperationalError as e:
                if "unable to open" not in str(e) and "no such table" not in str(e):
                    raise
                time.sleep(0.1)
        return []

    def progress(self):
        """Changes with every committed batch of documents, deliveries or commands."""
        return self.query("select (select max(id) from documents_v), (select sum(attempts) from delivery_status), "
                          "(select count(*) from commands_v where done is not null)")

    def redeliver(self):
        """Leaves something for the outbox to do at the next start; False where there is no alert yet."""
        alerts = self.query("select alert_id from delivery_status order by rowid desc limit 1") if self.db.exists() else []
        if not alerts:
            return False
        subprocess.run([BELLWETHER, "redeliver", "--db", str(self.db), alerts[0][0]], check=True, capture_output=True)
        return True

    def wait_for(self, count, seconds):
        deadline = time.time() + seconds
        while time.time() < deadline:
            if self.process.poll() is not None:
                fail(f"the daemon ended by itself ({self.process.returncode}):\n{self.tail()}")
            if self.query("select count(*) from documents_v")[0][0] >= count:
                return
            time.sleep(0.2)
        stored = self.query("select count(*) from documents_v")[0][0]
        fail(f"only {stored} of {count} documents after {seconds} s\n{self.tail()}")


# ---- what must be true at the end ----

def check_sequence(daemon, count):
    ids = [row[0] for row in daemon.query("select external_id from documents_v")]
    repeats = [i for i, times in collections.Counter(ids).items() if times > 1]
    missing = sorted({f"n-{n:06d}" for n in range(count)} - {i.split("/")[-1] for i in ids})
    if repeats or missing or len(ids) != count:
        fail(f"{len(ids)} rows for {count} documents; {len(repeats)} twice {repeats[:5]}; {len(missing)} missing {missing[:5]}")
    say(f"every one of {count} numbers is stored exactly once")


def check_trends(daemon):
    for view, cut in (("trend_hourly", 13), ("trend_daily", 10)):
        stored = {(t, b[:cut]): tuple(rest) for t, b, *rest in
                  daemon.query(f"select topic, bucket, total, negative, neutral, positive from {view}")}
        counted = collections.defaultdict(lambda: [0, 0, 0, 0])
        for topics, published, polarity in daemon.query("select topics, published, polarity from documents_v where topics <> ''"):
            for topic in topics.split(","):
                row = counted[(topic, published[:cut])]
                row[0] += 1
                if polarity is not None:
                    row[1 + ["negative", "neutral", "positive"].index(polarity)] += 1
        recount = {key: tuple(value) for key, value in counted.items()}
        if stored != recount:
            differ = [(k, stored.get(k), recount.get(k)) for k in sorted(set(stored) | set(recount)) if stored.get(k) != recount.get(k)]
            fail(f"{view} differs from a recount in {len(differ)} buckets: {differ[:3]}")
        if not stored:
            fail(f"{view} is empty: nothing was proved")
        say(f"{view}: {len(stored)} buckets, total {sum(v[0] for v in stored.values())}, equal to a recount")


ALERTS = ("select id, rule, topic, state, started, fired, resolved, peak_count from alert_history"
          " where rule <> 'bellwether' order by id")  # how the daemon itself is differs, of course


def check_alerts(daemon, calm):
    mine, theirs = daemon.query(ALERTS), calm.query(ALERTS)
    if mine != theirs:
        fail("alerts differ from those of an undisturbed run:\n  " + "\n  ".join(map(str, mine)) + "\n  undisturbed:\n  " +
             "\n  ".join(map(str, theirs)))
    if not mine:
        fail("there was no alert: the soak proves nothing about them")
    say(f"{len(mine)} alerts, equal to those of an undisturbed run")


def check_deliveries(daemon, received):
    """`received`: JSON lines of tests/lib/receiver.py."""
    rows = [json.loads(line) for line in received.read_text().splitlines()]
    bad = [row for row in rows if row.get("verified") is not True]
    if bad:
        fail(f"{len(bad)} deliveries with a wrong signature: {bad[:2]}")
    taken = [row for row in rows if 200 <= row["status"] < 300]
    first = {}
    for order, row in enumerate(taken):
        first.setdefault(row["webhook_id"], order)
    dead = daemon.query("select count(*) from delivery_status where state = 'dead'")[0][0]
    pending = daemon.query("select count(*) from delivery_status where state = 'pending'")[0][0]
    if dead or pending:
        fail(f"{dead} deliveries dead, {pending} pending")
    digests = [json.loads(row["body"])["data"] for row in taken if json.loads(row["body"])["type"] == "alert.digest"]
    told = {alert["id"] for digest in digests for alert in digest["alerts"]}
    omitted = sum(digest["omitted"] for digest in digests)
    for alert, group, state in daemon.query(
            "select id, \"group\", state from alert_history where fired is not null and rule <> 'bellwether'"):
        events = sorted((order, key) for key, order in first.items() if key.startswith(alert + "-"))
        numbers = [int(key.rsplit("-", 1)[1]) for _, key in events]
        if not events:  # told by a digest, or by the leader of its group
            if alert in told or omitted or (group != alert and (group in told or any(k.startswith(group + "-") for k in first))):
                continue
            fail(f"alert {alert} was never delivered")
        if numbers != sorted(numbers):
            fail(f"alert {alert}: events came in the order {numbers}")
        types = [json.loads(row["body"])["type"] for row in taken if row["webhook_id"].startswith(alert + "-")]
        # One that left its group begins with an update.
        if types[0] not in ("alert.firing", "alert.updated") or (state == "resolved" and "alert.resolved" not in types):
            fail(f"alert {alert} ({state}): received {types}")
    say(f"{len(taken)} deliveries taken ({len(rows) - len(taken)} refused on purpose), {len(first)} distinct, all signed, "
        "firing before resolved")


# ---- killing ----

def kill_loop(daemon, kills, rng, feed):
    """Kill until `kills` counted and every fault point has killed once; the rest falls at random.

    A kill counts only if a batch was committed since the start before it.  `feed(share)` brings in documents up to that
    share of all, so that there is always something to commit.
    """
    counted, attempts, by_point = 0, 0, collections.Counter()
    todo = list(FAULTS)
    rng.shuffle(todo)
    while counted < kills or todo:
        attempts += 1
        if attempts > kills * 3 + 60:
            fail(f"{attempts} starts, only {counted} kills counted, never reached: {todo}\n{daemon.tail()}")
        fault = todo.pop(0) if todo and rng.random() < 0.6 else None
        if fault in OUTBOX and not daemon.redeliver():
            todo.append(fault)  # no alert so far: later
            fault = None
        before = daemon.progress()
        feed(min(0.95, attempts / (kills + len(FAULTS))), counted)
        daemon.start(fault and f"{fault}:{1 if fault in OUTBOX else rng.randint(2, 4)}")
        try:
            daemon.process.wait(timeout=8 if fault else rng.uniform(1.0, 2.5))
            killed_by = fault
        except subprocess.TimeoutExpired:
            daemon.kill()
            killed_by = "random"
            if fault:
                todo.append(fault)  # not reached this time
        if daemon.process.returncode != -signal.SIGKILL:
            fail(f"the daemon ended with {daemon.process.returncode} instead of being killed\n{daemon.tail()}")
        by_point[killed_by] += 1
        counted += daemon.progress() != before
    feed(1, counted)
    say(f"{counted} kills counted of {attempts}: " + ", ".join(f"{k} {v}" for k, v in sorted(by_point.items())))


class Receiver:
    def __init__(self, directory, name, *options):
        self.received = pathlib.Path(directory) / f"{name}.jsonl"
        self.process = subprocess.Popen([sys.executable, str(LIB / "receiver.py"), "--secret", SECRET, "--log",
                                         str(self.received), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[-1])
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def close(self):
        self.process.kill()
        self.process.wait()


# ---- scenarios ----

class Broker:
    def __init__(self, directory):
        self.directory = str(directory)
        started = subprocess.run(["bash", str(LIB / "broker.sh"), "start", self.directory], capture_output=True, text=True)
        if started.returncode == 77:
            skip(started.stdout.strip().splitlines()[-1] if started.stdout.strip() else "no broker")
        if started.returncode != 0:
            fail(f"the broker does not start: {started.stdout}{started.stderr}")
        self.bootstrap = started.stdout.strip().splitlines()[-1]

    def restart(self):
        subprocess.run(["bash", str(LIB / "broker.sh"), "restart", self.directory], check=True, capture_output=True)

    def close(self):
        subprocess.run(["bash", str(LIB / "broker.sh"), "stop", self.directory], capture_output=True)


def kafka_source(broker, group):
    return (f"sources:\n  - name: wire\n    kafka: {{brokers: '{broker.bootstrap}', topics: [news], group: {group}, "
            "properties: {auto.offset.reset: earliest}}\n")


class Producer:
    """Documents into the broker, as far as asked for."""

    def __init__(self, broker, count):
        produce = os.environ.get("PRODUCE", str(ROOT / "build/produce"))
        self.process = subprocess.Popen([produce, "--brokers", broker.bootstrap, "--topic", "news"], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        self.documents, self.count, self.sent = documents(count), count, 0

    def send_up_to(self, share):
        while self.sent < int(self.count * share):
            self.process.stdin.write(json.dumps(next(self.documents)) + "\n")
            self.sent += 1
        self.process.stdin.flush()

    def finish(self):
        self.process.stdin.close()
        if self.process.wait(timeout=300) != 0:
            fail("the producer failed")


def run_kafka(args, directory, stack):
    rng = random.Random(args.seed)
    broker = Broker(directory / "broker")
    stack.callback(broker.close)
    receiver = Receiver(directory, "received", "--fail-share", "0.3")
    stack.callback(receiver.close)
    daemon = Daemon(directory, kafka_source(broker, "soak"), receiver.url)
    stack.callback(lambda: daemon.process and daemon.process.poll() is None and daemon.kill())

    producer = Producer(broker, args.documents)
    say(f"{args.documents} documents, {args.kills} kills, {args.broker_restarts} broker restarts")
    restarts = {int(args.kills * (i + 1) / (args.broker_restarts + 1)) for i in range(args.broker_restarts)}

    def feed(share, counted):
        producer.send_up_to(share)
        if counted in restarts:
            restarts.discard(counted)
            say("the broker restarts")
            broker.restart()
    kill_loop(daemon, args.kills, rng, feed)
    producer.finish()
    daemon.start()
    daemon.wait_for(args.documents, 300)
    wait_for_outbox(daemon)
    daemon.stop()

    calm = Daemon(directory, kafka_source(broker, "calm"), None, "calm")
    calm.start()
    calm.wait_for(args.documents, 300)
    calm.stop()
    check_sequence(daemon, args.documents)
    check_sequence(calm, args.documents)
    check_trends(daemon)
    check_alerts(daemon, calm)
    check_deliveries(daemon, receiver.received)


def wait_for_outbox(daemon, seconds=240):
    """Until nothing waits to be sent, and nothing is held for a digest, which gathers for two minutes."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        if daemon.query("select (select count(*) from delivery_status where state = 'pending')"
                        " + (select count(*) from alert_events where notify = 2)")[0][0] == 0:
            return
        time.sleep(0.5)
    fail(f"the outbox did not empty in {seconds} s")


def run_rss(args, directory, stack):
    rng = random.Random(args.seed)
    server = subprocess.Popen([sys.executable, str(LIB / "feed_server.py"), "--faults", "0.3", "--seed", str(args.seed)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.callback(server.kill)
    base = f"http://127.0.0.1:{int(server.stdout.readline().split()[1])}"
    feeds = [f"feed{i}" for i in range(4)]
    urls = ", ".join(f"'{base}/feed/{f}?window=400&format={['rss', 'atom', 'json'][i % 3]}'" for i, f in enumerate(feeds))
    source = (f"sources:\n  - name: feeds\n    rss: {{urls: [{urls}], interval: 1s, timeout: 3s, allow_private: true}}\n")
    daemon = Daemon(directory, source, None)
    stack.callback(lambda: daemon.process and daemon.process.poll() is None and daemon.kill())
    each = args.documents // len(feeds)
    grown = 0

    def grow(to):
        nonlocal grown
        if to > grown:
            for feed in feeds:
                urllib.request.urlopen(f"{base}/control/add?feed={feed}&count={to - grown}").read()
            grown = to
    FAULTS[:] = [f for f in FAULTS if not f.endswith(("send", "result"))]  # no receivers here
    say(f"{args.documents} entries in {len(feeds)} feeds that fail three times in ten, {args.kills} kills")
    kill_loop(daemon, args.kills, rng, lambda share, counted: grow(int(each * share)))
    daemon.start()
    daemon.wait_for(each * len(feeds), 180)
    daemon.stop()
    rows = daemon.query("select external_id, count(*) from documents_v group by 1")
    wanted = {f"{feed}-{n}" for feed in feeds for n in range(each)}
    if {r[0] for r in rows} != wanted or any(r[1] != 1 for r in rows):
        fail(f"{len(rows)} entries for {len(wanted)}; missing {sorted(wanted - {r[0] for r in rows})[:5]}")
    say(f"every one of {len(wanted)} entries is stored exactly once")
    check_trends(daemon)


def run_disk(args, directory, stack):
    disk = directory / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], capture_output=True).returncode != 0:
        skip("a tmpfs cannot be mounted here (needs root)")
    stack.callback(lambda: subprocess.run(["umount", "-l", str(disk)]))
    tape = directory / "tape.jsonl"
    with tape.open("w") as out:
        for document in documents(args.documents):
            out.write(json.dumps(document) + "\n")
    daemon = Daemon(directory, f"sources:\n  - {{name: tape, file: {{path: {tape}}}}}\n", None)
    daemon.db = disk / "full.db"
    daemon.config.write_text(daemon.config.read_text().replace(str(directory / "daemon.db"), str(daemon.db)))
    filler = disk / "filler"
    filler.write_bytes(b"x" * (4 << 20))
    daemon.start()
    stack.callback(lambda: daemon.process.poll() is None and daemon.kill())
    deadline = time.time() + 60
    while "full" not in daemon.log.read_text(errors="replace"):
        if time.time() > deadline or daemon.process.poll() is not None:
            fail(f"the disk is full and the daemon does not say so\n{daemon.tail()}")
        time.sleep(0.2)
    say("the disk is full: " + [l for l in daemon.log.read_text().splitlines() if "full" in l][0])
    stored = daemon.query("select count(*) from documents_v")[0][0]
    if stored >= args.documents:
        fail("everything fitted: the disk was not full")
    daemon.kill()  # a crash while it waits
    daemon.start()
    time.sleep(2)
    if daemon.process.poll() is not None:
        fail(f"it does not wait for room\n{daemon.tail()}")
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    daemon.wait_for(args.documents, 60)
    daemon.stop()
    check_sequence(daemon, args.documents)
    check_trends(daemon)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=["kafka", "rss", "disk"])
    parser.add_argument("--documents", type=int, default=20000)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--broker-restarts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the working directory")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bellwether-soak-"))
    began = time.time()
    try:
        with contextlib.ExitStack() as stack:
            {"kafka": run_kafka, "rss": run_rss, "disk": run_disk}[args.scenario](args, directory, stack)
        say(f"{args.scenario}: passed in {time.time() - began:.0f} s")
    finally:
        if args.keep:
            say(f"kept {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


main()
