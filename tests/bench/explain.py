#!/usr/bin/env python3
"""Do the words that `bellwether explain` names matter?  The deletion test: ./dev bench explain

The k words of most weight are left out of a headline, and it is scored again: how far does the probability of the class
that was predicted fall?  AOPC is the mean fall over k = 0 ... K (Samek et al., "Evaluating the visualization of what a deep
neural network has learned", IEEE TNNLS 28, 2017, there for pixels).  Methods are compared over the same headlines, words and
model; the goal for the default method is twice what words by chance give, and more than raw attention gives.

Real headlines come from --data or BELLWETHER_DATA, else texts are made up, of which figures say little.
"""
import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

from encoder_texts import Texts

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = {  # name: arguments
    "leave-out": ["--method", "leave-out"],
    "integrated, [MASK]": ["--method", "integrated", "--baseline", "mask"],
    "integrated, [PAD]": ["--method", "integrated", "--baseline", "pad"],
    "integrated, zero": ["--method", "integrated", "--baseline", "zero"],
    "gradient x input": ["--method", "gradient", "--baseline", "zero"],
    "gradient x (input - [MASK])": ["--method", "gradient", "--baseline", "mask"],
    "attention roll-out": ["--method", "rollout"],
    "raw attention": ["--method", "attention"],
}
CHANCE, DRAWS = "words by chance", 5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA", ""))
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "model/weights")
    parser.add_argument("--program", type=pathlib.Path, default=os.environ.get("BELLWETHER", ROOT / "build/bellwether"))
    parser.add_argument("--out", type=pathlib.Path, help="a folder for explain.tsv")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--words", type=int, default=5, help="K: words left out at most")
    parser.add_argument("--topic", action="store_true", help="of the topic, not the polarity")
    return parser.parse_args()


def run(options, command, lines):
    done = subprocess.run([options.program, *command, "--model", options.model], input="".join(line + "\n" for line in lines),
                          capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def without(text, tokens, left_out):
    """The text without some of its words."""
    parts, at = [], 0
    for i in sorted(left_out):
        parts.append(text[at:tokens[i]["start"]])
        at = tokens[i]["end"]
    return "".join(parts) + text[at:]


def probability(options, topics, row, name):
    """Of a class, from what `score --logits` says; an even share where the model cannot judge what is left."""
    classes = topics if options.topic else ["negative", "neutral", "positive"]
    if row["polarity"] is None:
        return 1 / len(classes)
    logits = row["logits"]["topic" if options.topic else "polarity"]
    return math.exp(logits[classes.index(name)] - max(logits)) / sum(math.exp(z - max(logits)) for z in logits)


def falls(options, texts, explained, orders):
    """For each text: how far the class's probability falls when the first k words of its order are left out, k = 0 ... K."""
    lines = [without(text, row["tokens"], order[:k])
             for text, row, order in zip(texts, explained, orders) for k in range(options.words + 1)]
    topics = json.loads((options.model / "config.json").read_text(encoding="utf-8")).get("topic_labels", [])
    size = options.words + 1
    p = [probability(options, topics, row, explained[i // size]["class"])
         for i, row in enumerate(run(options, ["score", "--precision", "fp32", "--logits"], lines))]
    return [[p[i * size] - p[i * size + k] for k in range(size)] for i in range(len(texts))]


def interval(values, seed=1, samples=1000):
    """95 % of the means of samples drawn anew."""
    rnd = random.Random(seed)
    means = sorted(statistics.fmean(rnd.choices(values, k=len(values))) for _ in range(samples))
    return means[samples // 40], means[-samples // 40]


def main():
    options = arguments()
    source = Texts(options.data, options.model)
    texts = [" ".join(t.split()) for t in source.headlines(2 * options.texts)]
    head = ["--topic"] if options.topic else []
    first = run(options, ["explain", *METHODS["leave-out"], *head], texts)
    kept = [(t, row) for t, row in zip(texts, first) if len(row["tokens"]) > options.words][:options.texts]
    texts = [t for t, _ in kept]
    print(f"{len(texts)} {'real' if source.real else 'made-up'} headlines, {statistics.fmean(len(r['tokens']) for _, r in kept):.1f} "
          f"words each; up to {options.words} left out; {'topic' if options.topic else 'polarity'}")
    print(f"{'':28} {'AOPC':>7} {'95 %':>15} {'/chance':>8}  " + " ".join(f"k={k:<5}" for k in range(1, options.words + 1)) +
          "  ms/text")
    rnd, found, rows = random.Random(1), {}, []
    for name in [CHANCE, *METHODS]:
        began = time.monotonic()
        if name == CHANCE:
            explained = [row for _, row in kept]
        else:
            explained = run(options, ["explain", *METHODS[name], *head], texts)
        seconds = time.monotonic() - began
        each = []
        for _ in range(DRAWS if name == CHANCE else 1):
            orders = [sorted(range(len(row["tokens"])), key=(lambda i: rnd.random()) if name == CHANCE
                             else (lambda i, row=row: -row["tokens"][i]["weight"])) for row in explained]
            each.append(falls(options, texts, explained, orders))
        mean = [[statistics.fmean(draw[i][k] for draw in each) for k in range(options.words + 1)] for i in range(len(texts))]
        aopc = [statistics.fmean(row) for row in mean]
        found[name] = statistics.fmean(aopc)
        low, high = interval(aopc)
        curve = [statistics.fmean(row[k] for row in mean) for k in range(1, options.words + 1)]
        rows.append([name, found[name], low, high, *curve])
        print(f"{name:28} {found[name]:7.4f} {low:7.4f}-{high:.4f} {found[name] / found[CHANCE]:8.2f}  " +
              " ".join(f"{c:.4f} " for c in curve) + (f" {1000 * seconds / len(texts):7.1f}" if name != CHANCE else ""), flush=True)
    ours = found["leave-out"]
    met = ours >= 2 * found[CHANCE] and ours > found["raw attention"]
    print(f"default method: {ours / found[CHANCE]:.2f} times chance, {ours / found['raw attention']:.2f} times raw attention; "
          f"goal (2 times, and more): {'met' if met else 'missed'}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out / "explain.tsv", "w", encoding="utf-8") as out:
            out.write("\t".join(["method", "aopc", "low", "high", *(f"k{k}" for k in range(1, options.words + 1))]) + "\n")
            out.writelines("\t".join(str(v) for v in row) + "\n" for row in rows)
    return 0


sys.exit(main())
