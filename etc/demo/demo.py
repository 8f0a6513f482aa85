#!/usr/bin/env python3
"""Plays two made-up weeks and a day through the daemon, before your eyes: ./dev demo [--kafka]

A local receiver takes the webhooks and verifies their signatures.  Everything lives in a temporary directory and is
gone at the end, unless --keep is given.
"""

import argparse
import contextlib
import datetime
import html
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIB = ROOT / "tests/lib"
BELLWETHER = os.environ.get("BELLWETHER", str(ROOT / "build/bellwether"))
SECRET = "whsec_ZGVtby1zZWNyZXQtb2YtYmVsbHdldGhlcg=="
SPEED = 1440  # 24 minutes of the day a second: the day takes a minute
COLOURS = sys.stdout.isatty()

COMPANIES = {"halberd": ["Halberd Bank", "$HLBD"], "northwind": ["Northwind Airlines", "$NWND"],
             "corvane": ["Corvane Motors", "$CRVN"], "lumenta": ["Lumenta Energy", "$LMTA"],
             "tessaly": ["Tessaly Foods", "$TSSF"], "orrin": ["Orrin Semiconductors", "$ORRN"],
             "pallister": ["Pallister Retail", "$PLST"], "grayline": ["Grayline Logistics", "$GRLN"]}

QUESTIONS = [
    ("What fired, when, and for how long?",
     "SELECT topic, state, fired, resolved, peak_count, round(expected, 2) AS expected FROM alert_history"),
    ("Which stories made it fire?",
     "SELECT json_extract(e.value, '$.published') AS published, json_extract(e.value, '$.publisher') AS publisher, "
     "json_extract(e.value, '$.title') AS title FROM alert_history, json_each(evidence) e LIMIT 5"),
    ("How did the tone move, hour by hour?",
     "SELECT bucket, total, negative, positive, round(mean_score, 2) AS tone FROM trend_hourly "
     "WHERE topic = 'halberd' AND bucket >= '2026-03-17T11' ORDER BY bucket LIMIT 8"),
    ("Did the webhook arrive?", "SELECT receiver, state, attempts, webhook_id FROM delivery_status"),
    ("What are the biggest stories?",
     "SELECT topic, documents, publishers, round(mean_score, 2) AS tone, title FROM top_stories LIMIT 4"),
    ("Are the sources well?", "SELECT source, state, message, last_progress FROM source_health WHERE stream = ''"),
]


shown = []  # (colour, text) of each line, for --svg


def show(text, code=None):
    """One line, painted where the terminal has colours."""
    shown.append((code, text))
    print(f"\033[{code}m{text}\033[0m" if code and COLOURS else text, flush=True)


def heading(text):
    show("")
    show(text, "1")


def write_svg(path):
    """The day as a picture of a terminal, for the README."""
    colours = {"1": "#ffffff", "1;31": "#ff6b6b", "1;32": "#69db7c", None: "#ced4da"}
    start = next(i for i, (_, text) in enumerate(shown) if text.startswith("17 March"))
    lines = shown[start:next(i for i, (_, text) in enumerate(shown) if i > start and text.startswith("The questions"))]
    while lines[-1][1] == "":
        lines.pop()
    rows = [f'<tspan x="16" y="{30 + 18 * i}" fill="{colours[code]}">{html.escape(text)}</tspan>' for i, (code, text) in enumerate(lines)]
    pathlib.Path(path).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="1010" height="{44 + 18 * len(lines)}">\n'
        '<rect width="100%" height="100%" rx="8" fill="#1a1b26"/>\n<text font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
        'font-size="13" xml:space="preserve">\n' + "\n".join(rows) + "\n</text>\n</svg>\n", encoding="utf-8")


class Demo:
    def __init__(self, directory, kafka):
        self.directory = directory
        self.kafka = kafka
        self.db = directory / "demo.db"
        self.received = directory / "received.jsonl"
        self.stack = contextlib.ExitStack()

    # ---- parts ----

    def receiver(self):
        process = subprocess.Popen([sys.executable, str(LIB / "receiver.py"), "--secret", SECRET, "--log", str(self.received)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.stack.callback(process.kill)
        (self.directory / "secret").write_text(SECRET + "\n")
        return f"http://127.0.0.1:{process.stdout.readline().split()[-1]}/risk-desk"

    def config(self, name, source, url):
        topics = "".join(f"  - {{name: {t}, any: {json.dumps(words)}}}\n" for t, words in COMPANIES.items())
        path = self.directory / f"{name}.yaml"
        path.write_text(f"database: {self.db}\nhttp: {{listen: ''}}\nsources:\n  - name: {name}\n    {source}\n"
                        f"topics:\n{topics}rules:\n  - {{name: negative-spike, topics: all, false_alarms: 1 per month}}\n"
                        f"receivers:\n  - {{name: risk-desk, url: '{url}', secret_file: secret}}\n")
        return path

    def start(self, config):
        log = open(self.directory / "daemon.log", "ab")
        process = subprocess.Popen([BELLWETHER, "run", "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log)
        self.stack.callback(lambda: process.poll() is None and process.kill())
        return process

    def query(self, sql):
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=5)) as db:
                return db.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []

    def stored(self):
        rows = self.query("SELECT count(*) FROM documents_v")
        return rows[0][0] if rows else 0

    def wait_stored(self, count, process, seconds):
        deadline = time.time() + seconds
        while self.stored() < count:
            if process.poll() is not None or time.time() > deadline:
                sys.stderr.write((self.directory / "daemon.log").read_text())
                sys.exit(f"only {self.stored()} of {count} documents were stored")
            time.sleep(0.1)

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=60) != 0:
            sys.stderr.write((self.directory / "daemon.log").read_text())
            sys.exit("the daemon did not stop cleanly")

    def broker(self):
        started = subprocess.run(["bash", str(LIB / "broker.sh"), "start", str(self.directory / "broker")],
                                 capture_output=True, text=True)
        if started.returncode != 0:
            sys.exit(f"no broker: {started.stdout}{started.stderr}")
        self.stack.callback(lambda: subprocess.run(["bash", str(LIB / "broker.sh"), "stop", str(self.directory / "broker")],
                                                   capture_output=True))
        return started.stdout.strip().splitlines()[-1]

    def run_shown(self, command):
        for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
            show(line)

    # ---- the day ----

    def day_source(self):
        """The YAML of the day's source, and what has to be started when the daemon runs."""
        if not self.kafka:
            return f"file: {{path: '{HERE / 'day.jsonl'}', speed: {SPEED}}}", lambda: None
        heading("A Kafka broker starts (KRaft, one node)")
        bootstrap = self.broker()
        produce = subprocess.Popen([str(ROOT / "build/produce"), "--brokers", bootstrap, "--topic", "news"],
                                   stdin=subprocess.PIPE, text=True)
        self.stack.callback(lambda: produce.poll() is None and produce.kill())
        show(f"broker at {bootstrap}, topic news")

        def play():
            lines = (HERE / "day.jsonl").read_text(encoding="utf-8").splitlines()
            last = None
            for line in lines:
                at = datetime.datetime.fromisoformat(json.loads(line)["published"].replace("Z", "+00:00"))
                if last is not None:
                    time.sleep((at - last).total_seconds() / SPEED)
                last = at
                produce.stdin.write(line + "\n")
                produce.stdin.flush()
            produce.stdin.close()
        return (f"kafka: {{brokers: '{bootstrap}', topics: [news], group: demo}}",
                lambda: threading.Thread(target=play, daemon=True).start())

    def show_webhooks(self, seen):
        if not self.received.exists():
            return seen
        rows = [json.loads(line) for line in self.received.read_text().splitlines()]
        for row in rows[seen:]:
            body = json.loads(row["body"])
            alert = body["data"]
            verified = "signature verified" if row.get("verified") else "SIGNATURE WRONG"
            if body["type"] == "alert.digest":  # what Kafka brings is of last March: told together, as after an outage
                show(f"  WEBHOOK  alert.digest  ({verified}, {row['webhook_id']})", "1;31")
                for one in alert["alerts"]:
                    show(f"           {one['topic']}: {one['state']}, {one['peak_count']} negative stories at most, "
                         f"fired at {one['fired']}")
                continue
            colour = "1;31" if body["type"] == "alert.firing" else "1;32"
            show(f"  WEBHOOK  {body['type']}  {alert['topic']}  ({verified}, {row['webhook_id']})", colour)
            show(f"           {alert['count']} negative stories where {alert['expected']:.2f} were expected, "
                  f"{alert['publishers']} publishers, window {alert['window_s'] // 60} min, at {alert['at']}")
            if body["type"] == "alert.firing":
                for story in alert["evidence"][:4]:
                    show(f"           - {story['title']}  [{story['publisher']}]")
        return len(rows)

    def show_line(self):
        rows = self.query("SELECT max(published), count(*) FROM documents_v")
        if not rows or rows[0][0] is None:
            return
        hours = self.query("SELECT bucket, negative FROM trend_hourly WHERE topic = 'halberd' AND bucket >= '2026-03-17'")
        by_hour = {bucket[11:13]: negative for bucket, negative in hours}
        states = self.query("SELECT state FROM watch_status WHERE topic = 'halberd'")
        now = rows[0][0]
        spark = "".join(" ▁▂▃▄▅▆▇█"[min(8, by_hour.get(f"{h:02d}", 0))] for h in range(int(now[11:13]) + 1))
        state = states[0][0] if states else "ok"
        show(f"{now[5:16].replace('T', ' ')}  {rows[0][1]:5d} documents   halberd negative/h {spark:<24}  {state}",
             "1;31" if state == "firing" else None)

    def watch(self, process, count):
        seen, ended = 0, None
        deadline = time.time() + (220 if self.kafka else 100)
        while time.time() < deadline and process.poll() is None:
            time.sleep(1.5)
            seen = self.show_webhooks(seen)
            self.show_line()
            if self.stored() >= count and ended is None:
                ended = time.time()
            # A digest gathers for two minutes.
            if ended is not None and time.time() - ended > 3 and (seen or not self.kafka):
                break
        self.show_webhooks(seen)

    def run(self):
        history = len((HERE / "history.jsonl").read_text().splitlines())
        day = len((HERE / "day.jsonl").read_text().splitlines())
        url = self.receiver()
        heading(f"Two quiet weeks of history: {history} documents, as fast as they go")
        began = time.time()
        process = self.start(self.config("history", f"file: {{path: '{HERE / 'history.jsonl'}'}}", url))
        self.wait_stored(history, process, 90)
        self.stop(process)
        show(f"stored in {time.time() - began:.1f} s, scored where a watched company is named")

        source, play = self.day_source()
        heading(f"17 March: {day} documents, {SPEED // 60} minutes a second" + (", through Kafka" if self.kafka else ""))
        process = self.start(self.config("day", source, url))
        play()
        self.watch(process, history + day)
        heading("As bellwether top shows it")
        self.run_shown([BELLWETHER, "top", "--db", str(self.db), "--once"])
        self.stop(process)

        heading("The questions people ask, in SQL")
        for question, sql in QUESTIONS:
            show("")
            show(f"-- {question}", "36")
            show(f"{sql};")
            self.run_shown(["sqlite3", "-readonly", "-box", str(self.db), sql])
        self.check()

    def check(self):
        """The demo is a test too: it says so where it did not show what it promises."""
        states = [row[0] for row in self.query("SELECT state FROM alert_history WHERE topic = 'halberd' AND fired IS NOT NULL")]
        others = self.query("SELECT topic, fired FROM alert_history WHERE topic <> 'halberd' AND fired IS NOT NULL")
        rows = [json.loads(line) for line in self.received.read_text().splitlines()] if self.received.exists() else []
        if "resolved" not in states or not rows or not all(row.get("verified") for row in rows) or others:
            sys.exit(f"\nThe demo did not go as it should: alerts {states}, others {others}, {len(rows)} webhooks")
        show("\nThe crisis was found, delivered with a verified signature, and resolved. Nothing else fired.")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", action="store_true", help="play the day through a real broker")
    parser.add_argument("--svg", metavar="FILE", help="write the day as a picture of the terminal")
    parser.add_argument("--keep", action="store_true", help="keep the database and the logs")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bellwether-demo-"))
    demo = Demo(directory, args.kafka)
    began = time.time()
    try:
        with demo.stack:
            demo.run()
        print(f"{time.time() - began:.0f} s")
        if args.svg:
            write_svg(args.svg)
    finally:
        if args.keep:
            print(f"kept {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


main()
