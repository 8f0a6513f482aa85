#!/usr/bin/env python3
"""Does it matter where a company comes from?  The same sentences with names, forms and currencies of four regions.

    groups.py --model DIR [--count 1500] [--seed 7]

The sentences are of the held-out templates and, for each region, the same choices but for the company.  A line for each
region and kind of text: how many there are, the accuracy, and the mean of positive less negative probability.
"""

import argparse
import json
import os
import random
import subprocess

import sentences

REGIONS = {"fi": "Nordic", "in": "India", "us": "United States", "uk": "United Kingdom"}


def rows_of(region, kind, count, seed):
    """Each sentence has a seed of its own, so that a region's other names shift nothing after them."""
    _, held_out = sentences.templates_read(kind)
    made = []
    for number in range(count):
        choose = random.Random(f"{seed} {kind} {number}")
        label = choose.choice([label for label in sentences.LABELS if held_out[label]])
        template = choose.choice(held_out[label])
        sentence = sentences.Sentence(choose, kind)
        sentence.group = region
        text = sentence.fill(template)
        made.append((sentence.label() if label == "direction" else label, text))
    return made


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--model", required=True)
    parse.add_argument("--count", type=int, default=1500)
    parse.add_argument("--seed", type=int, default=7)
    options = parse.parse_args()
    print("| region | text | sentences | accuracy | mean score |\n|---|---|---|---|---|")
    for region, name in REGIONS.items():
        for kind in ("reports", "headlines"):
            rows = rows_of(region, kind, options.count, options.seed)
            told = subprocess.run([os.environ.get("BELLWETHER", "build/bellwether"), "score", "--model", options.model],
                                  input="".join(text + "\n" for _, text in rows), text=True, check=True, stdout=subprocess.PIPE)
            scores = [json.loads(line) for line in told.stdout.splitlines()]
            right = sum(score["polarity"] == label for score, (label, _) in zip(scores, rows))
            mean = sum(score["score"] or 0 for score in scores) / len(scores)
            print(f"| {name} | {kind} | {len(rows)} | {right / len(rows):.3f} | {mean:+.3f} |")


if __name__ == "__main__":
    main()
