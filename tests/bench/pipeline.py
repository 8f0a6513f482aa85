#!/usr/bin/env python3
"""The daemon as a whole, from a real broker to the database and the webhook.

    pipeline.py throughput [--documents N]   documents a second: Kafka JSON, 1,000 topics, story ids, WAL on disk
    pipeline.py latency [--alerts N]         broker append to webhook POST
    pipeline.py memory [--documents N] [--model DIR]   resident memory after a million documents
    pipeline.py start [--runs N]             start to ready

Exit 77 with a reason where something is missing.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIB = ROOT / "tests/lib"
BELLWETHER = os.environ.get("BELLWETHER", str(ROOT / "build/bellwether"))
PRODUCE = os.environ.get("PRODUCE", str(ROOT / "build/produce"))
START = datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc)
VERBS = ["rises", "falls", "steady", "slips", "gains", "climbs", "drops", "holds", "surges", "eases"]
THINGS = ["on results", "after talks", "in thin trade", "as costs rise", "on weak demand", "ahead of data", "on new contract",
          "amid probe", "after downgrade", "on takeover report"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def broker(directory):
    started = subprocess.run(["bash", str(LIB / "broker.sh"), "start", str(directory / "broker")], capture_output=True,
                             text=True)
    if started.returncode != 0:
        print(started.stdout.strip().splitlines()[-1] if started.stdout.strip() else started.stderr)
        sys.exit(started.returncode)
    try:
        yield started.stdout.strip().splitlines()[-1]
    finally:
        subprocess.run(["bash", str(LIB / "broker.sh"), "stop", str(directory / "broker")], capture_output=True)


def tiny_model(directory):
    """A classifier that costs next to nothing: the shipped vocabulary and labels, one layer of eight numbers, four tokens a text."""
    directory.mkdir()
    weights = ROOT / "model/weights"
    config = json.loads((weights / "config.json").read_text())
    config.update(hidden_size=8, intermediate_size=8, num_attention_heads=1, num_hidden_layers=1, max_position_embeddings=4)
    (directory / "config.json").write_text(json.dumps(config))
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(weights / name, directory / name)
    h, vocabulary, topics = 8, config["vocab_size"], len(config["topic_labels"])
    shapes = {"bert.embeddings.word_embeddings.weight": [vocabulary, h], "bert.embeddings.position_embeddings.weight": [4, h],
              "bert.embeddings.token_type_embeddings.weight": [2, h], "bert.embeddings.LayerNorm.weight": [h],
              "bert.embeddings.LayerNorm.bias": [h], "bert.pooler.dense.weight": [h, h], "bert.pooler.dense.bias": [h],
              "classifier.weight": [3, h], "classifier.bias": [3], "topic_classifier.weight": [topics, h],
              "topic_classifier.bias": [topics]}
    layer = "bert.encoder.layer.0."
    for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                 "intermediate.dense", "output.dense"):
        shapes[layer + name + ".weight"], shapes[layer + name + ".bias"] = [h, h], [h]
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        shapes[layer + name + ".weight"], shapes[layer + name + ".bias"] = [h], [h]
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 4
        for n in shape:
            size *= n
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    rng = random.Random(1)
    some = struct.pack("<256f", *(rng.uniform(-0.5, 0.5) for _ in range(256)))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (directory / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + (some * (offset // len(some) + 1))[:offset])
    return directory


def write_documents(path, count, watched_share=0.05):
    rng = random.Random(3)
    with open(path, "w", encoding="utf-8") as out:
        for n in range(count):
            who = f"Company{rng.randrange(1000)} Group" if rng.random() < watched_share else f"Maker{rng.randrange(20000)}"
            title = f"{who} {rng.choice(VERBS)} {rng.choice(THINGS)}, {rng.choice(VERBS)} {rng.randrange(1, 90)} percent {rng.choice(THINGS)}"
            at = START + datetime.timedelta(seconds=n // 20)
            out.write(json.dumps({"id": f"d{n}", "title": title, "published": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                                  "source": f"Wire {rng.randrange(40)}", "url": f"https://news.example/{n}"}) + "\n")


def write_config(directory, bootstrap, score, model=None, receiver="receivers: []\n", topics=None, http_port=None):
    topics = topics or "".join(f"  - {{name: t{i}, any: ['Company{i} Group', '$C{i}X', 'Company{i} Holdings', 'Company{i} Bonds']}}\n"
                               for i in range(1000))
    path = directory / "bench.yaml"
    path.write_text(f"database: {directory / 'bench.db'}\nhttp: {{listen: '{'127.0.0.1:%d' % http_port if http_port else ''}'}}\n"
                    + (f"model: {{path: {model}}}\n" if model else "") +
                    f"score: {score}\nsources:\n  - name: wire\n    kafka: {{brokers: '{bootstrap}', topics: [news], group: g{time.time_ns()}}}\n"
                    f"topics:\n{topics}rules:\n  - {{name: spike, false_alarms: 1 per month}}\n{receiver}")
    return path


class Daemon:
    def __init__(self, directory, config):
        for old in directory.glob("bench.db*"):
            old.unlink()
        self.db = directory / "bench.db"
        self.log = directory / "bench.log"
        self.process = subprocess.Popen([BELLWETHER, "run", "--config", str(config)], stderr=open(self.log, "w"))

    def stored(self):
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=5)) as db:
                return db.execute("select coalesce(max(id), 0) from documents_v").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def wait(self, count, seconds=900):
        deadline = time.time() + seconds
        while (stored := self.stored()) < count:
            if self.process.poll() is not None or time.time() > deadline:
                sys.exit(f"only {stored} of {count} documents:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {key: int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) / 1024 for key in ("VmRSS", "VmHWM", "RssAnon")}

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)


def load_topic(directory, bootstrap, count):
    path = directory / "documents.jsonl"
    write_documents(path, count)
    with open(path) as lines:
        subprocess.run([PRODUCE, "--brokers", bootstrap, "--topic", "news"], stdin=lines, check=True)


def throughput(args, directory):
    with broker(directory) as bootstrap:
        load_topic(directory, bootstrap, args.documents)
        for label, score, model in (("a classifier that costs nothing, all documents scored", "all", tiny_model(directory / "tiny")),
                                    ("the model, what matches is scored (5 %)", "matched", None)):
            count = args.documents
            daemon = Daemon(directory, write_config(directory, bootstrap, score, model))
            daemon.wait(1)
            first, began, cpu = daemon.stored(), time.time(), daemon.cpu_seconds()
            daemon.wait(count)
            seconds, last = time.time() - began, daemon.stored()
            print(f"{label}: {(last - first) / seconds:,.0f} documents/s ({last - first} in {seconds:.1f} s, "
                  f"{(daemon.cpu_seconds() - cpu) / (last - first) * 1e6:.1f} us of CPU each, broker on the same machine)", flush=True)
            daemon.stop()


def memory(args, directory):
    models = [(args.model, pathlib.Path(args.model).resolve())] if args.model else [
        ("a tiny model", tiny_model(directory / "tiny")), ("the shipped model", ROOT / "model/weights")]
    with broker(directory) as bootstrap:
        load_topic(directory, bootstrap, args.documents)
        for label, model in models:
            daemon = Daemon(directory, write_config(directory, bootstrap, "matched", model))
            daemon.wait(args.documents)
            print(f"{label}, auto precision, what matches is scored: after {args.documents} documents " +
                  ", ".join(f"{k} {v:.0f} MB" for k, v in daemon.resident_mb().items()), flush=True)
            size = sum(p.stat().st_size for p in directory.glob("bench.db*")) / 1e6
            print(f"database: {size:.0f} MB, {size * 1e6 / args.documents:.0f} bytes a document", flush=True)
            daemon.stop()


def latency(args, directory):
    """One topic a sample: a burst of bad news on it; the clock runs from the append that makes it fire to the POST."""
    secret = "whsec_YmVuY2gtc2VjcmV0LWJlbmNoLXNlY3JldA=="
    (directory / "secret").write_text(secret)
    received = directory / "received.jsonl"
    receiver = subprocess.Popen([sys.executable, str(LIB / "receiver.py"), "--secret", secret, "--log", str(received)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{receiver.stdout.readline().split()[-1]}/hook"
    topics = "".join(f"  - {{name: s{i}, any: ['Sample{i} Bank']}}\n" for i in range(args.alerts))
    bad = ["{} shares plunge on fraud probe", "{} warns of huge loss", "{} sued over hidden losses", "{} defaults on its bonds",
           "{} chief resigns amid scandal", "{} halts withdrawals as savers flee", "Regulator fines {} over failures",
           "Rating agency cuts {} to junk", "{} collapse deepens as lenders pull out", "{} faces criminal investigation"]
    try:
        with broker(directory) as bootstrap:
            producer = subprocess.Popen([PRODUCE, "--brokers", bootstrap, "--topic", "news"], stdin=subprocess.PIPE, text=True)

            def send(title, at):
                producer.stdin.write(json.dumps({"title": title, "published": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "source": "Wire"}) + "\n")
                producer.stdin.flush()
            now = datetime.datetime.now(datetime.timezone.utc)
            for day in range(20, 0, -1):  # something to compare with
                for i in range(args.alerts):
                    send(f"Sample{i} Bank to report on day {day}", now - datetime.timedelta(days=day))
            daemon = Daemon(directory, write_config(directory, bootstrap, "auto", receiver=f"receivers:\n  - {{name: r, url: '{url}', secret_file: secret}}\n",
                                                    topics=topics))
            daemon.wait(20 * args.alerts)
            sent = {}
            for i in range(args.alerts):
                topic = f"s{i}"
                for text in bad:
                    sent.setdefault(topic, []).append(time.time())
                    send(text.format(f"Sample{i} Bank"), datetime.datetime.now(datetime.timezone.utc))
                    deadline = time.time() + 1.5  # low load: the next one only when this one made no alert
                    while time.time() < deadline and f'topic\\":\\"{topic}\\"' not in (received.read_text() if received.exists() else "") \
                            and f'"topic": "{topic}"' not in (received.read_text() if received.exists() else ""):
                        time.sleep(0.01)
                    if received.exists() and any(json.loads(json.loads(line)["body"])["data"]["topic"] == topic
                                                 for line in received.read_text().splitlines()):
                        break
            took = []
            for line in received.read_text().splitlines():
                row = json.loads(line)
                body = json.loads(row["body"])
                if body["type"] == "alert.firing":
                    before = [t for t in sent.get(body["data"]["topic"], []) if t <= row["received"]]
                    took.append(row["received"] - before[-1])
            took.sort()
            print(f"broker append to webhook POST at low load, {len(took)} of {args.alerts} alerts: p50 {took[len(took) // 2] * 1000:.0f} ms, "
                  f"p99 {took[min(len(took) - 1, int(len(took) * 0.99))] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms")
            daemon.stop()
            producer.stdin.close()
            producer.wait()
    finally:
        receiver.kill()


def start(args, directory):
    tape = directory / "tape.jsonl"
    write_documents(tape, 1000)
    config = directory / "start.yaml"
    config.write_text(f"database: {directory / 'bench.db'}\nhttp: {{listen: ''}}\nsources:\n  - {{name: t, file: {{path: {tape}}}}}\n"
                      "topics:\n  - {name: a, any: [Company1 Group]}\n")
    times = []
    for _ in range(args.runs):
        address = str(directory / "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(address)
        began = time.time()
        process = subprocess.Popen([BELLWETHER, "run", "--config", str(config)], stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, NOTIFY_SOCKET=address))
        while b"READY=1" not in listener.recv(4096):
            pass
        times.append(time.time() - began)
        process.terminate()
        process.wait()
        listener.close()
    times.sort()
    print(f"start to ready (exec to READY=1): median {times[len(times) // 2] * 1000:.0f} ms, worst {times[-1] * 1000:.0f} ms of {len(times)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["throughput", "latency", "memory", "start"])
    parser.add_argument("--documents", type=int, default=0)
    parser.add_argument("--alerts", type=int, default=100)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--model", help="memory: of this model alone")
    args = parser.parse_args()
    args.documents = args.documents or {"throughput": 600000, "memory": 1000000}.get(args.what, 0)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bellwether-bench-", dir="/var/tmp"))
    try:
        globals()[args.what](args, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
