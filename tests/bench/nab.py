#!/usr/bin/env python3
"""`bellwether detect` on the Numenta Anomaly Benchmark's tweet volumes, scored as the benchmark scores.

The series are not part of the project; their folder is given with --data or in BELLWETHER_DATA (it holds nab/ with the CSV
files and combined_windows.json), and without it the bench says so and ends.  --peers names the folder results/ of the
benchmark's repository: the published detectors are then scored on the same files, and the scores that were published for
each file are worked out again, so that the scorer itself is checked.

Scoring (Lavin and Ahmad, ICMLA 2015): the first 15 % of a file, 750 rows at most, are not scored.  The first detection in a
labelled window earns up to 1, by how early it is, along 2 / (1 + exp(5 y)) - 1 with y from -1 at the window's beginning to 0 at
its end, scaled to 1 for the earliest; later ones in it earn nothing.  A detection outside costs the profile's weight times the
same curve, continued behind the window before it (full cost from three window widths on, and before the first window).
A missed window costs the profile's weight.  0 is a detector that is silent, 100 a perfect one.

A detection is a row whose score reaches a threshold, one for all files.  "tuned" is the best threshold on these files, which is
how the benchmark's own figures are made.  "left out" chooses for each file on the others alone: the threshold, or, with --grid
(which takes build/bench_series), the detector's constants, or both.  Constants are chosen by the best mean over thresholds whose
numbers of detections differ by a factor of three.  A threshold is chosen as the benchmark does it, the best one ("best"), or as
the middle of those thresholds ("middle"): the best single one lies at the edge of losing a window.
"""
import argparse
import bisect
import csv
import datetime
import itertools
import json
import math
import os
import subprocess
import sys

PROFILES = {"standard": (0.11, 1), "low_FP": (0.22, 1), "low_FN": (0.11, 2)}  # cost of a false alarm, of a miss
PUBLISHED = {"standard": "standard", "low_FP": "reward_low_FP_rate", "low_FN": "reward_low_FN_rate"}  # in file names
NOTHING = 1.1  # a threshold that no score reaches
STEP = 1.1     # from one number of detections to the next that is looked at
USUAL = ((0.25, 1, 6), 28, 0.5, 4, 1.5)  # series_usual: windows in hours, days, prior deviation, prior days, told again
GRID = (((1, 1, 1), (0.25, 1, 6), (0.0833, 1, 6), (0.25, 1, 4)), (14, 28, 42), (0.3, 0.5), (2, 4), (1.5, 2))


def parse_time(text):
    return datetime.datetime.fromisoformat(text.split(".")[0])


def curve(y):
    return 2 / (1 + math.exp(5 * y)) - 1


class Series:
    """A file of the benchmark: what a detection in each row is worth."""

    def __init__(self, path, labels):
        self.path, self.name = path, os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            times = [parse_time(row["timestamp"]) for row in csv.DictReader(file)]
        self.rows, self.first = len(times), min(int(0.15 * len(times)), 750)
        self.windows = [(bisect.bisect_left(times, parse_time(a)), bisect.bisect_right(times, parse_time(b)) - 1)
                        for a, b in labels]
        self.worth = [self.worth_of(i) for i in range(self.rows)]

    def worth_of(self, i):
        """(window or None, what a detection there earns, or costs before its weight)"""
        before = None
        for first, last in self.windows:
            if first <= i <= last:
                return (self.name, first), curve(-(last - i + 1) / (last - first + 1)) / curve(-1)
            if last < i:
                before = first, last
        past = (i - before[1]) / (before[1] - before[0]) if before else math.inf
        return None, -1 if past > 3 else curve(past)


def sweep(pairs, profile):
    """[(threshold, points, detections)] from the highest threshold down; pairs: (series, scores of its rows).  A score of 0
    is no detection at any threshold."""
    false_cost, miss_cost = PROFILES[profile]
    rows = sorted(((score,) + worth for series, scores in pairs
                   for score, worth in zip(scores[series.first:], series.worth[series.first:]) if score), key=lambda row: -row[0])
    points, earned, count = -miss_cost * windows_in(pairs), {}, 0
    swept = [(NOTHING, points, 0)]
    for score, group in itertools.groupby(rows, key=lambda row: row[0]):
        for _, window, worth in group:
            count += 1
            if window is None:
                points += false_cost * worth
            elif worth > earned.get(window, -miss_cost):
                points += worth - earned.get(window, -miss_cost)
                earned[window] = worth
        swept.append((score, points, count))
    return swept


def windows_in(pairs):
    return sum(len(series.windows) for series, _ in pairs)


def points_at(swept, threshold):
    """Of the last entry that still reaches the threshold."""
    return swept[bisect.bisect_right(swept, -threshold, key=lambda entry: -entry[0]) - 1][1]


def normalised(points, windows, profile):
    miss_cost = PROFILES[profile][1]
    return 100 * (points + miss_cost * windows) / (windows * (1 + miss_cost))


def middle(pairs, profile):
    """(score, threshold): the best mean score over thresholds whose detections differ by a factor of three; their middle."""
    swept = sweep(pairs, profile)
    counts = [entry[2] for entry in swept]
    steps = [bisect.bisect_left(counts, STEP ** k) for k in range(int(math.log(counts[-1], STEP)))]
    scores = [normalised(swept[i][1], windows_in(pairs), profile) for i in steps]
    reach = round(math.log(3, STEP) / 2)
    return max((sum(scores[k - reach:k + reach + 1]) / (2 * reach + 1), swept[steps[k]][0])
               for k in range(reach, len(steps) - reach))


def best(pairs, profile):
    """(score, threshold)"""
    entry = max(sweep(pairs, profile), key=lambda entry: entry[1])
    return normalised(entry[1], windows_in(pairs), profile), entry[0]


def left_out(choices, profile, rule):
    """([points of each file], [index of the choice made for it]); choices: pairs for each setting of the constants"""
    points, made = [], []
    for i, pair in enumerate(choices[0]):
        others = [middle(pairs[:i] + pairs[i + 1:], profile) if len(choices) > 1 else (0, 0) for pairs in choices]
        made.append(max(range(len(choices)), key=lambda c: others[c][0]))
        chosen = choices[made[-1]]
        points.append(points_at(sweep([chosen[i]], profile), rule(chosen[:i] + chosen[i + 1:], profile)[1]))
    return points, made


def total(points, pairs, profile):
    return normalised(sum(points), windows_in(pairs), profile)


def read_column(text, column):
    return [float(row[column]) for row in csv.DictReader(text.splitlines())]


def detect(series, program):
    with open(series.path, "rb") as file:
        done = subprocess.run([program, "detect"], stdin=file, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def try_constants(files, program, constants):
    hours, *others = constants
    arguments = [program] + [str(value) for value in (*hours, *others)]
    pairs = []
    for series in files:
        with open(series.path, encoding="utf-8") as file:
            values = "".join(row["value"] + "\n" for row in csv.DictReader(file))
        done = subprocess.run(arguments, input=values.encode(), stdout=subprocess.PIPE, check=True)
        scores = [float(line) for line in done.stdout.split()]
        pairs.append((series, [score if score > 0.5 else 0.0 for score in scores]))
    return pairs


def print_line(name, scores, more=""):
    print(f"{name:30} " + " ".join(f"{score:8.1f}" for score in scores) + more)


def print_left_out(name, files, choices, rule):
    """Returns the choices made for the standard profile."""
    out = {p: left_out(choices, p, rule) for p in PROFILES}
    print_line(name, [total(out[p][0], choices[0], p) for p in PROFILES])
    for i, series in enumerate(files):
        print_line("  " + series.name[15:-4], [normalised(out[p][0][i], len(series.windows), p) for p in PROFILES])
    return out["standard"][1]


def print_tuned(name, pairs):
    found = {p: best(pairs, p) for p in PROFILES}
    print_line(name, [found[p][0] for p in PROFILES], "   thresholds " + " ".join(f"{found[p][1]:.4f}" for p in PROFILES))
    for pair in pairs:
        print_line("  " + pair[0].name[15:-4], [normalised(points_at(sweep([pair], p), found[p][1]),
                                                          len(pair[0].windows), p) for p in PROFILES])


def print_ours(files, program):
    output = [detect(series, program) for series in files]
    pairs = list(zip(files, [read_column(text, "score") for text in output]))
    alerts = list(zip(files, [read_column(text, "alert") for text in output]))
    days = sum(series.rows for series in files) / 288
    print(f"{len(files)} files, {windows_in(pairs)} windows, {days:.0f} days, "
          f"{sum(sum(column) for _, column in alerts):.0f} alerts at the default --false-alarms\n")
    print(f"{'':30} " + " ".join(f"{p:>8}" for p in PROFILES))
    print_tuned("tuned", pairs)
    print_left_out("left out: threshold, best", files, [pairs], best)
    print_left_out("left out: threshold, middle", files, [pairs], middle)
    print_line("alerts as they are", [normalised(points_at(sweep(alerts, p), 1), windows_in(alerts), p) for p in PROFILES])


def print_grid(files, program):
    settings = [USUAL] + [constants for constants in itertools.product(*GRID) if constants != USUAL]
    choices = [try_constants(files, program, constants) for constants in settings]
    scores = sorted(best(pairs, "standard")[0] for pairs in choices)
    print(f"\n{len(settings)} settings of the constants, standard, tuned: lowest {scores[0]:.1f}, median "
          f"{scores[len(scores) // 2]:.1f}, highest {scores[-1]:.1f}")
    made = print_left_out("left out: constants, threshold", files, choices, middle)
    print_tuned("left out: constants", [choices[c][i] for i, c in enumerate(made)])
    for series, c in zip(files, made):
        print(f"  without {series.name[15:-4]}: {settings[c]}")


def peers_of(folder, files):
    """{detector: [(series, scores)]}: those that have results for every file"""
    peers = {}
    for name in sorted(os.listdir(folder)):
        paths = [os.path.join(folder, name, "realTweets", f"{name}_{series.name}") for series in files]
        if name not in ("null", "random") and all(os.path.exists(path) for path in paths):
            peers[name] = []
            for series, path in zip(files, paths):
                with open(path, encoding="utf-8") as file:
                    peers[name].append((series, read_column(file.read(), "anomaly_score")))
    return peers


def check_scorer(folder, peers):
    """The points published for each file, at the published thresholds, against ours."""
    checked, worst = 0, 0.0
    for name, pairs in peers.items():
        for profile, label in PUBLISHED.items():
            path = os.path.join(folder, name, f"{name}_{label}_scores.csv")
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8") as file:
                published = {os.path.basename(row["File"] or ""): row for row in csv.DictReader(file)}
            for pair in pairs:
                row = published.get(pair[0].name)
                if row:
                    checked += 1
                    worst = max(worst, abs(points_at(sweep([pair], profile), float(row["Threshold"])) - float(row["Score"])))
    print(f"\n{checked} published scores of single files worked out again: largest difference {worst:.1e}")


def print_peers(folder, files):
    peers = peers_of(folder, files)
    check_scorer(folder, peers)
    print(f"\n{'published detectors':30} {'tuned':^26}   {'left out: best threshold':^26}   {'left out: middle':^26}")
    print(f"{'':30} " + "   ".join(" ".join(f"{p:>8}" for p in PROFILES) for _ in range(3)))
    table = {name: [[best(pairs, p)[0] for p in PROFILES]] +
             [[total(left_out([pairs], p, rule)[0], pairs, p) for p in PROFILES] for rule in (best, middle)]
             for name, pairs in peers.items()}
    for name, (first, *others) in sorted(table.items(), key=lambda entry: -entry[1][0][0]):
        print_line(name, first, "".join("   " + " ".join(f"{score:8.1f}" for score in scores) for scores in others))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA"), help="folder that holds nab/")
    parser.add_argument("--peers", help="folder results/ of the benchmark's repository")
    parser.add_argument("--grid", action="store_true", help="also choose the constants; takes minutes")
    parser.add_argument("--program", default="build/bellwether")
    options = parser.parse_args()
    folder = os.path.join(options.data, "nab") if options.data else None
    if not folder or not os.path.isdir(folder):
        print("SKIP nab: no data (--data FOLDER or BELLWETHER_DATA)")
        return 0
    with open(os.path.join(folder, "combined_windows.json"), encoding="utf-8") as file:
        labels = json.load(file)
    files = [Series(path, windows) for name, windows in labels.items()
             if os.path.exists(path := os.path.join(folder, os.path.basename(name)))]
    print_ours(files, options.program)
    if options.grid:
        print_grid(files, os.path.join(os.path.dirname(options.program), "bench_series"))
    if options.peers:
        print_peers(options.peers, files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
