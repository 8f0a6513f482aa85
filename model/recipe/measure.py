#!/usr/bin/env python3
"""A table of models by judged sets: accuracy and macro F1 of `bellwether eval`, a line for each model.

    measure.py --rows DIR [--precision fp32] [--naive-bayes] MODEL...

DIR is what prepare.py wrote.  The last columns: the mean accuracy over the sets of other origins (fpb, fiqa, sentfin), and
the expected calibration error on posts of both tasks (tfns, topic) and elsewhere (fpb).
--naive-bayes adds the baseline: words and pairs of words, counted in the rows to learn from.
"""

import argparse
import collections
import csv
import json
import math
import os
import pathlib
import re
import subprocess

SETS = ["tfns", "topic", "fpb", "fiqa", "sentfin", "semeval17", "pyfin", "made-up"]
ELSEWHERE = ["fpb", "fiqa", "sentfin"]


def eval_model(model, task, path, options):
    command = [os.environ.get("BELLWETHER", "build/bellwether"), "eval", "--model", model, "--task", task, "--json",
               "--bootstrap", "0", "--precision", options.precision, "--threads", str(options.threads), str(path)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [(row["label"], row["text"]) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


class NaiveBayes:
    """Multinomial, over words and pairs of neighbours, every count one higher (Laplace)."""

    def __init__(self, rows):
        self.counts, self.labels = collections.defaultdict(collections.Counter), collections.Counter()
        for label, text in rows:
            self.labels[label] += 1
            self.counts[label].update(self.words(text))
        self.known = len(set().union(*self.counts.values()))
        self.sums = {label: sum(counts.values()) + self.known for label, counts in self.counts.items()}

    @staticmethod
    def words(text):
        words = re.findall(r"[a-z]+|[0-9]+|[$%#@+-]", re.sub(r"https?://\S+", "", text.lower()))
        return words + [a + " " + b for a, b in zip(words, words[1:])]

    def label(self, text):
        words = self.words(text)
        score = {label: math.log(self.labels[label]) +
                 sum(math.log((self.counts[label][word] + 1) / self.sums[label]) for word in words) for label in self.labels}
        return max(score, key=score.get)

    def eval(self, rows):
        told = [(truth, self.label(text)) for truth, text in rows]
        f1 = []
        for label in {truth for truth, _ in told}:
            both = sum(t == p == label for t, p in told)
            either = sum(t == label for t, _ in told) + sum(p == label for _, p in told)
            f1.append(2 * both / either)
        return {"accuracy": sum(t == p for t, p in told) / len(told), "macro_f1": sum(f1) / len(f1), "ece": math.nan}


def line_print(name, found):
    means = [sum(found[s][key] for s in ELSEWHERE) / len(ELSEWHERE) for key in ("accuracy", "macro_f1")]
    cells = [f"{found[s]['accuracy']:.3f} / {found[s]['macro_f1']:.3f}" for s in SETS]
    ece = " ".join(f"{found[s]['ece']:.3f}" for s in ("tfns", "topic", "fpb"))
    print("| " + " | ".join([name, *cells, f"{means[0]:.3f} / {means[1]:.3f}", ece]) + " |", flush=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--rows", type=pathlib.Path, required=True)
    parse.add_argument("--precision", default="fp32")
    parse.add_argument("--threads", type=int, default=2)
    parse.add_argument("--naive-bayes", action="store_true")
    parse.add_argument("models", nargs="*")
    options = parse.parse_args()
    task_of = lambda name: "topic" if name == "topic" else "polarity"
    path_of = lambda name: options.rows / f"judge-{name}.tsv"
    print("| model | " + " | ".join(SETS) + " | fpb, fiqa, sentfin | ECE tfns, topic, fpb |\n" + "|---" * (len(SETS) + 3) + "|")
    if options.naive_bayes:
        of_task = {task: NaiveBayes(rows_of(options.rows / f"{task}.tsv")) for task in ("polarity", "topic")}
        line_print("naive Bayes", {name: of_task[task_of(name)].eval(rows_of(path_of(name))) for name in SETS})
    for model in options.models:
        line_print(model, {name: eval_model(model, task_of(name), path_of(name), options) for name in SETS})


if __name__ == "__main__":
    main()
