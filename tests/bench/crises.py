#!/usr/bin/env python3
"""Real crises, headline by headline: is each found, how soon, and how often did the rule cry wolf before?

The data (crises.tsv and a file of headlines for each crisis) is not part of the project; its folder is given with --data or
in BELLWETHER_DATA, and without it the bench says so and ends.  Each crisis goes through `bellwether replay` with one topic
and one rule; two common rules are run beside it on the same negative headlines, tuned on them as well as they can be:

  EARS C2     a day's count against mean and deviation of seven days that end two days before (Hutwagner et al. 2003)
  ratio       the count in a window against the window before it, as ElastAlert2's spike rule has it

Found: an alert from 24 h before to 72 h after the event's first headline (the first on or after the event day, UTC).
Delay: hours after that headline, 0 for an earlier alert, 72 for a miss.  Calm: alerts in the days 90 to 7 before, those
within 24 h of each other counted once, for each topic and month.
"""
import argparse
import bisect
import csv
import datetime
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile

HOUR, DAY = 3600, 86400


def parse_time(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def read_crises(folder):
    with open(os.path.join(folder, "crises.tsv"), encoding="utf-8") as file:
        crises = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for crisis in crises:
        with gzip.open(os.path.join(folder, crisis["id"] + ".tsv.gz"), "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")[1:]
        rows = [line.split("\t", 2) for line in lines if line]
        crisis["headlines"] = sorted((parse_time(utc), text) for utc, _, text in rows)
        crisis["day"] = parse_time(crisis["event_day_utc"] + "T00:00:00Z")
        crisis["start"] = next((t for t, _ in crisis["headlines"] if t >= crisis["day"]), crisis["day"])
        crisis["control"] = crisis["id"].startswith("ctl")
    return crises


def judge(crises, program):
    """The polarity of every headline, by the model."""
    texts = sorted({text for crisis in crises for _, text in crisis["headlines"]})
    done = subprocess.run([program, "score", "--format", "tsv"], input="\n".join(texts) + "\n", text=True,
                          encoding="utf-8", stdout=subprocess.PIPE, check=True)
    return dict(zip(texts, (line.split("\t")[0] for line in done.stdout.splitlines())))


def yaml_text(value):
    return "'" + value.replace("'", "''") + "'"


def configuration(crisis, options):
    rule = f"{{name: spike, topics: all, metric: {options.metric}, false_alarms: {options.budget}{options.rule}}}"
    return (f"sources: []\nreceivers: []\ntopics:\n  - name: {crisis['id']}\n    regex: {yaml_text(crisis['regex'])}\n"
            f"rules:\n  - {rule}\n")


def replay(headlines, polarity, config, program):
    """Times at which `bellwether replay` says that the rule fires."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(config)
        file.flush()
        lines = (json.dumps({"published": time, "source": "wire", "title": text, "polarity": polarity[text]})
                 for time, text in headlines)
        done = subprocess.run([program, "replay", "--config", file.name, "--input", "-"], input="\n".join(lines),
                              text=True, encoding="utf-8", stdout=subprocess.PIPE, check=True)
    changes = map(json.loads, done.stdout.splitlines())
    # An alert that grows, or whose group does, is told again and is no other alert.
    return [parse_time(change["at"]) for change in changes if change["change"] == "fired"]


def ears_c2(times, threshold, least):
    """Every time at which the statistic is above the threshold; `times` of the headlines that count."""
    fired = []
    for i, now in enumerate(times):
        count = i + 1 - bisect.bisect_right(times, now - DAY)
        edges = [bisect.bisect_right(times, now - 3 * DAY - d * DAY) for d in range(8)]
        days = [edges[d] - edges[d + 1] for d in range(7)]
        mean = sum(days) / 7
        deviation = math.sqrt(sum((x - mean) ** 2 for x in days) / 6)
        if count >= least and (count - mean) / max(deviation, 0.5) > threshold:
            fired.append(now)
    return fired


def spike_ratio(times, window, height, least):
    fired = []
    for i, now in enumerate(times):
        begin = bisect.bisect_right(times, now - window)
        count, before = i + 1 - begin, begin - bisect.bisect_right(times, now - 2 * window)
        if count >= least and count >= height * max(before, 1):
            fired.append(now)
    return fired


def measure(crises, fired):
    """(found in 24 h, found in 72 h, mean delay, calm alerts a topic-month, [(crisis, delay or None, calm)])"""
    rows, months = [], 0
    for crisis, times in zip(crises, fired):
        begin, end = crisis["day"] - 90 * DAY, crisis["day"] - 7 * DAY
        calm, last = 0, -math.inf
        for time in times:
            if begin <= time < end:
                calm += time - last > DAY
                last = time
        months += (end - begin) / (30.4375 * DAY)
        hits = [t for t in times if crisis["start"] - DAY <= t <= crisis["start"] + 72 * HOUR]
        delay = max(0, (hits[0] - crisis["start"]) / HOUR) if hits else 72
        rows.append((crisis, None if crisis["control"] else delay, calm))
    delays = [delay for _, delay, _ in rows if delay is not None]
    found = [crisis_delay for crisis_delay in delays if crisis_delay < 72]
    return (sum(d <= 24 for d in found), len(found), sum(delays) / len(delays),
            sum(calm for _, _, calm in rows) / months, rows)


def tuned(crises, candidates, chosen, most_calm):
    """The best mean delay on the chosen crises among the candidates {parameters: [times of alerts of each crisis]} that stay
    within the calm alerts, and those parameters."""
    best = None
    for parameters, fired in candidates.items():
        result = measure([crises[i] for i in chosen], [fired[i] for i in chosen])
        if result[3] <= most_calm and (best is None or result[2] < best[0][2]):
            best = (result, parameters)
    return best


def left_out(crises, candidates, most_calm):
    """Each crisis by the parameters that are best on the others."""
    fired = []
    for i in range(len(crises)):
        best = tuned(crises, candidates, [j for j in range(len(crises)) if j != i], most_calm)
        fired.append(candidates[best[1]][i] if best else [])
    return measure(crises, fired)


def print_row(name, result):
    print(f"{name:46} {result[0]:5} {result[1]:5} {result[2]:9.1f} {result[3]:7.2f}")


def print_tuned(name, crises, candidates, most_calm):
    best = tuned(crises, candidates, range(len(crises)), most_calm)
    if best is None:
        print(f"{name}: nothing within {most_calm:.2f} calm alerts")
        return
    print_row(f"{name}, tuned to {most_calm:.2f} calm {best[1]}", best[0])
    print_row(f"{name}, each crisis by the others", left_out(crises, candidates, most_calm))


def floors(negatives):
    ears_grid = [(t, n) for t in (2, 2.5, 3, 4, 5, 6, 8) for n in (2, 3, 4, 5)]
    ratio_grid = [(w * HOUR, h, n) for w in (6, 12, 24, 48) for h in (2, 3, 4, 6) for n in (2, 3, 4, 5, 6)]
    return {"EARS C2": {p: [ears_c2(times, *p) for times in negatives] for p in ears_grid},
            "ratio": {p: [spike_ratio(times, *p) for times in negatives] for p in ratio_grid}}


def settings_of_the_rule(crises, polarity, options):
    """The rule with what a user may write: budget and least count.  Nothing inside it is fitted to a crisis."""
    candidates = {}
    for budget in ("1 per year", "2 per year", "1 per quarter", "1 per month", "1 per week"):
        for least in (2, 3, 4):
            chosen = argparse.Namespace(**{**vars(options), "budget": budget, "rule": f", min_count: {least}"})
            candidates[(budget, least)] = [replay(c["headlines"], polarity, configuration(c, chosen), options.program)
                                           for c in crises]
    return candidates


def check_calm_day(folder, crises, polarity, options):
    """All news of sixteen days with the crisis taken out: the topic must not fire."""
    path = os.path.join(folder, "all_news_2015-09-10_to_25.tsv.gz")
    crisis = next((c for c in crises if c["id"] == "volkswagen"), None)
    if crisis is None or not os.path.exists(path):
        return
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.split("\t", 2) for line in file.read().split("\n")[1:] if line]
    calm = [(t, text) for t, text in crisis["headlines"] if t < crisis["day"] - DAY]
    own = {text for _, text in crisis["headlines"]}
    others = [(parse_time(utc), text) for utc, _, text in rows if text not in own]
    stream = sorted(calm + others)
    known = dict(polarity)
    for _, text in others:
        known.setdefault(text, "neutral")
    fired = replay(stream, known, configuration(crisis, options), options.program)
    late = [t for t in fired if t >= crisis["day"] - 8 * DAY]
    print(f"\nall news of 10 to 25 September 2015 without the crisis: {len(stream)} headlines, "
          f"{crisis['id']} fired {len(late)} times")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA"), help="folder that holds crises/")
    parser.add_argument("--program", default="build/bellwether")
    parser.add_argument("--budget", default="1 per quarter", help="false_alarms")
    parser.add_argument("--metric", default="negative_count")
    parser.add_argument("--rule", default="", help="more keys of the rule, as ', min_count: 3'")
    parser.add_argument("--tuned", action="store_true", help="the rule's settings tuned to the crises too, and each by the others")
    parser.add_argument("--verbose", action="store_true", help="a line for each crisis")
    parser.add_argument("--polarity-cache", help="keep the headlines' polarities in this file")
    options = parser.parse_args()
    folder = os.path.join(options.data, "crises") if options.data else None
    if not folder or not os.path.isdir(folder):
        print("SKIP crises: no data (--data FOLDER or BELLWETHER_DATA)")
        return 0
    crises = read_crises(folder)
    if options.polarity_cache and os.path.exists(options.polarity_cache):
        with open(options.polarity_cache, encoding="utf-8") as file:
            polarity = json.load(file)
    else:
        polarity = judge(crises, options.program)
        if options.polarity_cache:
            with open(options.polarity_cache, "w", encoding="utf-8") as file:
                json.dump(polarity, file)
    fired = [replay(c["headlines"], polarity, configuration(c, options), options.program) for c in crises]
    result = measure(crises, fired)
    print(f"{'rule':46} {'24 h':>5} {'72 h':>5} {'delay, h':>9} {'calm':>7}")
    print_row(f"bellwether, {options.metric}, {options.budget}", result)
    negatives = [[t for t, text in c["headlines"] if polarity[text] == "negative"] for c in crises]
    candidates = {"bellwether": settings_of_the_rule(crises, polarity, options)} if options.tuned else {}
    candidates.update(floors(negatives))
    for most_calm in (result[3] + 0.005, 0.5, 1.0): # the first: at calm alerts equal to the rule's
        for name, tried in candidates.items():
            print_tuned(name, crises, tried, most_calm)
    if options.verbose:
        print()
        for crisis, delay, calm in result[4]:
            shown = "control" if delay is None else "missed" if delay >= 72 else f"{delay:.1f} h"
            print(f"{crisis['id']:20} {shown:>9} {calm} calm")
    check_calm_day(folder, crises, polarity, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
