#!/usr/bin/env python3
"""The rows that the shipped model learns from, and those that it is judged by, as `bellwether train` and `eval` read them.

    prepare.py --data DIR --out DIR [--held-out 0.1] [--made-up 6000] [--most '{"tfns": 3500, "topic": 2500}']

DIR holds the labelled sets under the names below.  Rows to learn from are of permissive licences alone: Twitter financial
news sentiment and topic (MIT), FinEntity (ODC-By), and sentences of our own making (sentences.py).  Rows to judge by are a
share of those, which then is not learnt from, and sets from elsewhere whose licences let them measure and not be learnt.

Written: polarity.tsv, topic.tsv; judge-NAME.tsv.  All is a matter of the rows' bytes and the seed.
"""

import argparse
import csv
import gzip
import hashlib
import json
import pathlib
import re
import sys

import sentences

LINK = re.compile(r"\s*https?://\S+")
CODE = re.compile(r"\s*(\[[^\]]*\]|<[^>]*>|\(\([^)]*\)+|\(Reporting by.*$)")
END = re.compile(r"(?<=[a-z0-9)%\"][.!?])\s+(?=[A-Z\"])")
ELSEWHERE = {"fpb": 1500, "fiqa": 1000, "sentfin": 1200, "semeval17": 600, "pyfin": 800}  # rows at most


def chance(text, salt):
    """In [0, 1), of the text without its links, so that a post that stands there twice is on one side."""
    key = salt + LINK.sub("", text).strip().lower()
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2 ** 48


def rows_of(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)


def unlinked(text):
    """Half of the posts lose their links, so that a link is no sign of what is said."""
    bare = LINK.sub("", text).strip()
    return bare if bare and chance(text, "link") < 0.5 else text


def finentity(path):
    """(text, label) of paragraphs and of their sentences, where all the companies that are named fare alike."""
    seen = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            text, places = row["text"], [0]
            places += [m.end() for m in END.finditer(text)] + [len(text)]
            spans = [(0, len(text))] + (list(zip(places, places[1:])) if len(places) > 2 else [])
            for first, last in spans:
                labels = {t["label"] for t in row["targets"] if first <= t["start"] and t["end"] <= last}
                bare = " ".join(CODE.sub("", text[first:last]).split())
                if len(labels) == 1 and len(bare) > 25:
                    seen.setdefault(bare, labels.pop().lower())
    return seen.items()


class Table:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.file.write("source\tlabel\ttext\n")
        self.count = 0

    def add(self, source, label, text):
        self.file.write(f"{source}\t{label}\t{' '.join(text.split())}\n")
        self.count += 1


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--data", type=pathlib.Path, required=True)
    parse.add_argument("--out", type=pathlib.Path, required=True)
    parse.add_argument("--held-out", type=float, default=0.1)
    parse.add_argument("--made-up", type=int, default=6000)
    parse.add_argument("--most", type=json.loads, default={}, help='rows of a source to learn from: {"tfns": 3500}')
    parse.add_argument("--seed", type=int, default=1)
    options = parse.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    names = ["polarity", "topic"] + [f"judge-{name}" for name in ["tfns", "topic", "made-up", *ELSEWHERE]]
    tables = {name: Table(options.out / f"{name}.tsv") for name in names}

    learnt = {"polarity": [], "topic": []}

    def learn_or_judge(task, source, label, text):
        if chance(text, "held out") < options.held_out:
            tables[f"judge-{source}"].add(source, label, text)
        else:
            learnt[task].append((source, label, text))

    elsewhere = {name: [] for name in ELSEWHERE}
    for row in rows_of(options.data / "polarity_train.tsv.gz"):
        if row["source"] == "tfns":
            learn_or_judge("polarity", "tfns", row["label"], row["text"])
        else:
            elsewhere[row["source"].partition("_")[0]].append(row)
    for row in rows_of(options.data / "topic_train_dedup.tsv.gz"):
        learn_or_judge("topic", "topic", row["label"], row["text"])
    for task, rows in learnt.items():
        most = options.most.get(rows[0][0])
        if most is not None:
            rows = sorted(rows, key=lambda row: chance(row[2], "most" * options.seed))[:most]
        for source, label, text in rows:
            tables[task].add(source, label, unlinked(text))
    for text, label in finentity(options.data / "finentity_train.jsonl.gz"):
        tables["polarity"].add("finentity", label, text)
    made = sentences.write(options.made_up, options.seed)
    for place, name in zip(made, ("polarity", "judge-made-up")):
        for source, label, text in place:
            tables[name].add(source, label, text)
    for name, rows in elsewhere.items():
        rows.sort(key=lambda row: chance(row["text"], "order"))
        for row in rows[:ELSEWHERE[name]]:
            tables[f"judge-{name}"].add(row["source"], row["label"], row["text"])
    for name, table in tables.items():
        print(f"{table.count:7} {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
