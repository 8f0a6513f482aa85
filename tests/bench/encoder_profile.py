"""Where the time of `bellwether score` goes, by symbol."""
import re
import shutil
import subprocess

import encoder_bellwether as bellwether
from encoder_results import table
from encoder_texts import as_lines

SHOWN = 15


def by_perf(command, lines, scratch):
    """[(per cent, symbol)], or None where perf cannot measure here."""
    data = scratch / "perf.data"
    done = subprocess.run(["perf", "record", "-q", "-F", "997", "-o", data, "--", *command], input=lines,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        print(f"perf does not work here: {done.stderr.decode().strip().splitlines()[-1:]}")
        return None
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-s", "symbol", "-F", "overhead,symbol",
                             "--percent-limit", "0.3"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [(float(share), symbol if place == "." else f"{symbol} (kernel)") for share, place, symbol in
            re.findall(r"^\s*([\d.]+)%\s+\[(.)\]\s+(\S+)", report, re.M)]


def by_callgrind(command, lines, scratch):
    """The same of instructions instead of time."""
    data = scratch / "callgrind.out"
    done = subprocess.run(["valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={data}", *command], input=lines,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        return None  # it knows fewer instructions than the newest CPUs
    report = subprocess.run(["callgrind_annotate", "--threshold=99", data], stdout=subprocess.PIPE, text=True).stdout
    return [(float(share), symbol) for share, symbol in re.findall(r"^\s*[\d,]+ \(\s*([\d.]+)%\)\s+\S*?:(\S+)", report, re.M)]


def measure(bench):
    lines = as_lines(bench.cases["headlines"][:2048])
    for precision in bench.different():
        command = [bellwether.PROGRAM, "score", "--model", bench.model, "--device", "cpu", "--precision", precision,
                   "--threads", "1", "--format", "tsv"]
        found = by_perf(command, lines, bench.scratch) if shutil.which("perf") else None
        kind = "time"
        if not found and shutil.which("valgrind"):
            found, kind = by_callgrind(command, lines[:20000], bench.scratch), "instructions"
        if not found:
            print(f"skipped: {precision}: neither perf nor callgrind can profile here")
            continue
        found.sort(reverse=True)
        print(f"\n{precision}, one thread, start included: per cent of {kind}")
        table(["symbol", "%"], [[symbol[:70], f"{share:.1f}"] for share, symbol in found[:SHOWN]])
        for share, symbol in found:
            bench.results.add("profile", symbol, 1, f"bellwether {precision}", f"% of {kind}", share)
