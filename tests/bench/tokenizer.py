#!/usr/bin/env python3
"""The tokeniser beside Hugging Face's tokenizers, in one run on this machine: ./dev bench tokenizer

MB/s of UTF-8 at one and two threads on headlines, Chinese text and random Unicode, ids kept in memory on both sides: bench_tokenizer
through model/tokenizer.h, and encode_batch_fast of the Python package with its own threads; then `bellwether tokenize`, whose reading
and printing cost too.  With one thread the seconds are the CPU's: others on the machine disturb those least.  And: are the ids equal
on --strings generated strings of all Unicode?

Headlines come from --data or BELLWETHER_DATA, else they are made up; Chinese text and random Unicode are generated.
"""
import argparse
import os
import pathlib
import random
import resource
import subprocess
import sys
import time

import encoder_env

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("BELLWETHER", ROOT / "build/bellwether"))
GOAL = 100  # MB/s of one core, on headlines
PASSES = 10
KINDS = ["headlines", "Chinese", "random Unicode"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA", ""))
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "model/weights")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--strings", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few texts, one round: shows that all works")
    # What the bench starts itself with, once for each number of threads.
    parser.add_argument("--peer", nargs=3, metavar=("FILE", "THREADS", "SECONDS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.strings = 1, min(options.strings, 20000)
    return options


def chinese(count):
    """Sentences of common ideographs and Chinese punctuation, with a number or a Latin word here and there."""
    rnd, texts = random.Random(1), []
    for _ in range(count):
        parts = []
        for _ in range(rnd.randrange(1, 4)):
            parts.append("".join(chr(0x4E00 + int(5000 * rnd.random() ** 2)) for _ in range(rnd.randrange(6, 20))))
            if rnd.random() < 0.2:
                parts.append(rnd.choice(["2026", "3.5%", "GDP", "IPO", "10"]))
            parts.append(rnd.choice("，。、：！"))
        texts.append("".join(parts))
    return texts


def random_unicode(count):
    rnd = random.Random(1)
    points = [point for point in range(0x20, 0x30000) if not 0xD800 <= point < 0xE000]
    return ["".join(map(chr, rnd.choices(points, k=rnd.randrange(5, 60)))) for _ in range(count)]


def on_cores(count):
    cpus = sorted(os.sched_getaffinity(0))[:count]
    return lambda: os.sched_setaffinity(0, cpus)


def by_library(path, threads, options, seconds):
    """Passes a second of bench_tokenizer, and the ids of one pass."""
    with open(path, "rb") as texts:
        done = subprocess.run([PROGRAM.parent / "bench_tokenizer", options.model, str(threads), str(seconds)], stdin=texts,
                              stdout=subprocess.PIPE, text=True, check=True, preexec_fn=on_cores(threads))
    rate, ids = done.stdout.split()
    return float(rate), int(ids)


def by_program(path, options):
    """Of a run over the texts PASSES times, so that its start does not matter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROGRAM, "tokenize", "--model", options.model], input=path.read_bytes() * PASSES, stdout=subprocess.DEVNULL,
                   check=True, preexec_fn=on_cores(1))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return PASSES / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def by_peer(path, threads, options, seconds):
    """A process of its own: the package reads the number of its threads once."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true" if threads > 1 else "false")
    done = subprocess.run([sys.executable, __file__, "--model", options.model, "--peer", path, str(threads), str(seconds)],
                          stdout=subprocess.PIPE, text=True, check=True, env=environment, preexec_fn=on_cores(threads))
    rate, ids = done.stdout.split()
    return float(rate), int(ids)


def run_peer(options):
    from encoder_peers import make_tokenizer
    path, threads, seconds = options.peer
    now = time.process_time if threads == "1" else time.perf_counter
    tokenizer, best, total = make_tokenizer(options.model), 1e9, 0
    tokenizer.no_truncation()
    texts = pathlib.Path(path).read_text(encoding="utf-8").split("\n")[:-1]
    while total < float(seconds):
        began = now()
        encodings = tokenizer.encode_batch_fast(texts)
        took = now() - began
        best, total = min(best, took), total + took
    print(1 / best, sum(len(encoding.ids) for encoding in encodings))


def make_files(options, folder):
    """{kind: path}"""
    from encoder_texts import Texts, as_lines
    source = Texts(options.data, options.model)
    count = 5000 if options.quick else 20000  # the CPU would learn fewer by heart
    texts = {"headlines": source.varied(count), "Chinese": chinese(count), "random Unicode": random_unicode(count)}
    print(f"headlines: {'real' if source.real else 'made up (no --data)'}")
    files = {}
    for kind in KINDS:
        files[kind] = folder / f"tokenizer-{kind.replace(' ', '-')}.txt"
        files[kind].write_bytes(as_lines(texts[kind]))
    return files


def measure(files, options):
    """{(kind, threads, contestant): MB/s}; the ids' number must agree."""
    found, seconds = {}, 0.2 if options.quick else 2
    threads = [1, 2] if len(os.sched_getaffinity(0)) > 1 else [1]
    for _ in range(options.rounds):
        for kind, path in files.items():
            size = path.stat().st_size / 1e6
            for count in threads:
                mine, ids = by_library(path, count, options, seconds)
                peer, peer_ids = by_peer(path, count, options, seconds)
                if ids != peer_ids:
                    print(f"DIFFERENT: {kind}: {ids} ids, Hugging Face's are {peer_ids}")
                for name, rate in (("bellwether", mine), ("Hugging Face", peer)):
                    key = kind, count, name
                    found[key] = max(found.get(key, 0), rate * size)
            key = kind, 1, "bellwether tokenize"
            found[key] = max(found.get(key, 0), by_program(path, options) * size)
    return found


def show(found, options):
    from encoder_results import Results, table
    results, rows = Results(), []
    for (kind, threads, name), rate in sorted(found.items(), key=lambda item: (KINDS.index(item[0][0]), item[0][1:])):
        peer = found.get((kind, threads, "Hugging Face"))
        rows.append([name, kind, threads, f"{rate:.1f}", f"{rate / peer:.1f}"])
        results.add("tokenizer", kind, threads, name, "MB/s", rate)
    table(["", "texts", "threads", "MB/s", "x Hugging Face"], rows)
    results.goal("MB/s of one core, headlines", found["headlines", 1, "bellwether"], GOAL)
    results.write_csv(options.out / "tokenizer.csv")
    return results


def equal_ids(options):
    """On generated strings; in parts, so that memory holds."""
    part, different, done = 200000, 0, 0
    while done < options.strings:
        count = min(part, options.strings - done)
        run = subprocess.run([sys.executable, ROOT / "tests/lib/compare_tokenizer.py", "--model", options.model, "--program",
                              PROGRAM, "--generated", str(count), "--seed", str(1000 + done // part)],
                             stdout=subprocess.PIPE, text=True)
        print(run.stdout.strip().replace("generated:", f"generated strings from {done}:"), flush=True)
        different += run.returncode != 0
        done += count
    return different == 0


def main():
    options = arguments()
    if options.peer:
        return run_peer(options)
    options.out.mkdir(parents=True, exist_ok=True)
    files = make_files(options, options.out)
    results = show(measure(files, options), options)
    for path in files.values():
        path.unlink()
    same = equal_ids(options)
    results.goals.append(["ids equal to Hugging Face's", f"{options.strings} strings", "all", "met" if same else "NOT MET"])
    print()
    results.print_goals()
    return 0 if same else 1


if __name__ == "__main__":
    arguments()
    encoder_env.enter("tokenizer")
    sys.exit(main())
