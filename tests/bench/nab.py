#!/usr/bin/env python3
"""`bellwether detect` on the Numenta Anomaly Benchmark's tweet volumes, scored as the benchmark scores.

The series are not part of the project; their folder is given with --data or in BELLWETHER_DATA (it holds nab/ with the CSV
files and combined_windows.json), and without it the bench says so and ends.

Scoring (Lavin and Ahmad, ICMLA 2015): the first 15 % of a file, 750 rows at most, are not scored.  The first detection in a
labelled window earns up to 1, by how early it is, along 2 / (1 + exp(5 y)) - 1 with y from -1 at the window's beginning to 0 at
its end, scaled to 1 for the earliest; later ones in it earn nothing.  A detection outside costs the profile's weight times the
same curve, continued behind the window before it (full cost from three window widths on, and before the first window).
A missed window costs the profile's weight.  0 is a detector that is silent, 100 a perfect one.
"""
import argparse
import csv
import datetime
import json
import math
import os
import subprocess
import sys

PROFILES = {"standard": (0.11, 1), "low_FP": (0.22, 1), "low_FN": (0.11, 2)}  # cost of a false alarm, of a miss


def parse_time(text):
    return datetime.datetime.fromisoformat(text.split(".")[0])


def curve(y):
    return 2 / (1 + math.exp(5 * y)) - 1


def detect(path, program):
    with open(path, "rb") as file:
        done = subprocess.run([program, "detect"], stdin=file, stdout=subprocess.PIPE, check=True)
    rows = list(csv.DictReader(done.stdout.decode().splitlines()))
    return [parse_time(row["timestamp"]) for row in rows], rows


def windows_of(times, labels):
    windows = []
    for begin, end in labels:
        inside = [i for i, t in enumerate(times) if parse_time(begin) <= t <= parse_time(end)]
        windows.append((inside[0], inside[-1]))
    return windows


def score_file(detections, rows, windows):
    """(earned, false alarms' curve, missed windows) of one file; detections are row numbers."""
    earned, false_alarms, hit = 0.0, 0.0, set()
    for i in detections:
        if i < min(int(0.15 * rows), 750):
            continue
        window = next((w for w in windows if w[0] <= i <= w[1]), None)
        if window:
            if window not in hit:
                hit.add(window)
                earned += curve(-(window[1] - i + 1) / (window[1] - window[0] + 1)) / curve(-1)
            continue
        before = [w for w in windows if w[1] < i]
        if not before:
            false_alarms -= 1
            continue
        position = (i - before[-1][1]) / (before[-1][1] - before[-1][0])
        false_alarms += -1 if position > 3 else curve(position)
    return earned, false_alarms, len(windows) - len(hit)


def score(files, choose):
    """Normalised score for each profile; `choose` gives the detections of a file."""
    results = {}
    for name, (false_cost, miss_cost) in PROFILES.items():
        total, windows = 0.0, 0
        for file in files:
            earned, false_alarms, missed = score_file(choose(file), len(file["rows"]), file["windows"])
            total += earned + false_cost * false_alarms - miss_cost * missed
            windows += len(file["windows"])
        results[name] = 100 * (total + miss_cost * windows) / (windows * (1 + miss_cost))
    return results


def above(threshold):
    return lambda file: [i for i, row in enumerate(file["rows"]) if float(row["score"]) >= threshold]


def alerts(file):
    return [i for i, row in enumerate(file["rows"]) if row["alert"] == "1"]


def best_threshold(files, profile):
    values = sorted({float(row["score"]) for file in files for row in file["rows"]}, reverse=True)
    candidates = [v for v in values if v >= 0.5][::100] + [float(row["score"]) for f in files for row in f["rows"]
                                                            if row["alert"] == "1"]
    return max(candidates, key=lambda threshold: score(files, above(threshold))[profile])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA"), help="folder that holds nab/")
    parser.add_argument("--program", default="build/bellwether")
    parser.add_argument("--sweep", action="store_true", help="also the best threshold on the score for each profile")
    options = parser.parse_args()
    folder = os.path.join(options.data, "nab") if options.data else None
    if not folder or not os.path.isdir(folder):
        print("SKIP nab: no data (--data FOLDER or BELLWETHER_DATA)")
        return 0
    with open(os.path.join(folder, "combined_windows.json"), encoding="utf-8") as file:
        labels = json.load(file)
    files = []
    for name, windows in labels.items():
        path = os.path.join(folder, os.path.basename(name))
        if os.path.exists(path):
            times, rows = detect(path, options.program)
            files.append({"name": name, "rows": rows, "windows": windows_of(times, windows)})
    print(f"{len(files)} files, {sum(len(f['windows']) for f in files)} windows, "
          f"{sum(len(alerts(f)) for f in files)} alerts")
    print(f"{'':28} {'standard':>8} {'low_FP':>8} {'low_FN':>8}")
    result = score(files, alerts)
    print(f"{'alerts as they are':28} " + " ".join(f"{result[p]:8.1f}" for p in PROFILES))
    for file in files:
        result = score([file], alerts)
        print(f"  {os.path.basename(file['name'])[15:-4]:26} " + " ".join(f"{result[p]:8.1f}" for p in PROFILES))
    if options.sweep:
        result = {p: score(files, above(best_threshold(files, p)))[p] for p in PROFILES}
        print(f"{'best threshold on score':28} " + " ".join(f"{result[p]:8.1f}" for p in PROFILES))
    return 0


if __name__ == "__main__":
    sys.exit(main())
