#!/usr/bin/env python3
"""The encoder beside ONNX Runtime and Hugging Face, in one run on this machine: ./dev bench encoder

  throughput   texts a second at 1 and 2 threads, headlines and 128 tokens, every precision; start and memory
  peak         the share of what the machine's instructions could do
  profile      where the time goes
  agreement    labels, probabilities and logits against fp32 and against Hugging Face
  curves       cost against texts a call, length of a text, size of the model

Real texts come from the folder --data or BELLWETHER_DATA; without it they are made up, and the bench says so.  The peers live in
an environment of their own (encoder_env.py).  Tables and goals go to standard output, encoder.csv and pictures to --out.
--quick takes few texts and one round: it shows that all works, and no figure that counts.
"""
import argparse
import os
import pathlib
import sys

import encoder_env

BUSY = "the machine was busy at the start: figures of a second mean little, those of a CPU second more"
PARTS = ["throughput", "peak", "profile", "agreement", "curves"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA", ""))
    parser.add_argument("--model", type=pathlib.Path, default=root / "model/weights")
    parser.add_argument("--out", type=pathlib.Path, default=root / "build/bench")
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, comma separated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.parts = options.parts.split(",")
    if not set(options.parts) <= set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    return options


class Bench:
    """What the parts share."""

    def __init__(self, options):
        quick = options.quick
        self.model, self.out, self.rounds = options.model.resolve(), options.out, 1 if quick else options.rounds
        self.scratch = encoder_env.folder() / "models"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(parents=True, exist_ok=True)
        self.threads = [1, 2] if len(os.sched_getaffinity(0)) > 1 else [1]
        self.seconds = 0.3 if quick else 2.0
        self.agreement_texts, self.reference_texts = (512, 128) if quick else (20000, 2000)
        self.table_texts = 32 if quick else 512
        self.tuning = {"headlines": 128 if quick else 1024, "128 tokens": 32 if quick else 128}
        self.results, self.peaks, self.peers, self.files = Results(), cost.Peaks(), {}, {}
        self.texts = Texts(options.data, self.model)
        self.tokenizer = peers.make_tokenizer(self.model)
        headlines = self.texts.headlines(512 if quick else 4096)
        self.cases = {"headlines": headlines,
                      "128 tokens": joined(headlines, 128, 64 if quick else 512, self.tokenizer)}
        self.lengths = {case: [len(encoding.ids) for encoding in self.tokenizer.encode_batch(texts)]
                        for case, texts in self.cases.items()}
        for case, texts in self.cases.items():
            self.write_texts(case, texts)
        self.onnx = peers.export(self.model, self.scratch / "onnx")
        self.runs = self.find_runs()  # {precision: [version, precision, kernels]}

    def find_runs(self):
        found = {}
        for precision in bellwether.PRECISIONS:
            try:
                found[precision], _ = bellwether.per_call(b"Ready\n", precision, 1, self.model, [1], 0.01)
            except bellwether.NotHere as why:
                print(f"not here: {precision}: {why}")
        return found

    def different(self):
        """Precisions that are here; auto only where it is none of the others."""
        others = [run[1:] for name, run in self.runs.items() if name != "auto"]
        return [name for name, run in self.runs.items() if name != "auto" or run[1:] not in others]

    def repeat_for_auto(self):
        """Where auto is another precision, it has that one's figures."""
        if "auto" not in self.runs or "auto" in self.different():
            return
        same = f"bellwether {self.runs['auto'][1]}"
        for section, case, threads, name, metric, value in list(self.results.rows):
            if section in ("throughput", "memory") and name == same:
                self.results.add(section, case, threads, "bellwether auto", metric, value)

    def mean_tokens(self, case):
        return sum(self.lengths[case]) / len(self.lengths[case])

    def write_texts(self, name, texts):
        """For all peers, those that start later too."""
        self.files[name] = self.scratch / f"{name.replace(' ', '-')}.txt"
        self.files[name].write_bytes(as_lines(texts))
        for peer in self.peers.values():
            peer("read", name=name, path=str(self.files[name]))

    def peer(self, threads):
        if threads not in self.peers:
            self.peers[threads] = peers.Peer(self.model, threads)
            for name, path in self.files.items():
                self.peers[threads]("read", name=name, path=str(path))
        return self.peers[threads]

    def close(self):
        for peer in self.peers.values():
            peer.close()


def heading(text):
    print(f"\n-- {text}", flush=True)


def run_throughput(bench):
    throughput.measure(bench)
    throughput.show(bench)
    plot.throughput(bench)
    print()
    rows = []
    for precision in bench.runs:
        start = bellwether.start_seconds(precision, bench.model, 10)
        memory = bench.results.find("memory", "", 1, f"bellwether {precision}", "peak MB")
        bench.results.add("start", "", 1, f"bellwether {precision}", "seconds", start)
        rows.append([f"bellwether {precision}", f"{start:.3f}", f"{memory:.0f}"])
    table(["score, one thread", "start to end of one line, s", "resident at most, MB"], rows)
    throughput.goals(bench)
    bench.results.goal("start of score, auto", bench.results.find("start", "", 1, "bellwether auto", "seconds"), most=0.2, unit=" s")
    bench.results.goal("memory of score, int8", bench.results.find("memory", "", 1, "bellwether int8", "peak MB"), most=80,
                       unit=" MB")


def run_peak(bench):
    """From the throughput's figures, so that reading, tokenising and writing count against the share."""
    if not bench.peaks.loops:
        print("skipped: no loops for this architecture")
        return
    print(f"clock {bench.peaks.clock:.2f} GHz, {bench.peaks.cores} cores; GOP/s of loops over registers:")
    table(["instruction", "for", "one core", "all cores", "of one core a cycle"],
          [[" ".join(name), kind, f"{one:.0f}", f"{every:.0f}", f"{one / bench.peaks.clock:.1f}"]
           for name, (kind, one, every) in bench.peaks.loops.items()])
    for why in bench.peaks.skipped:
        print(f"skipped: {why}")
    for name in bench.peaks.disturbed():
        print(f"the machine was busy: all cores never ran {name} together; shares at several threads are too high")
    print()
    rows = []
    for case in bench.cases:
        work = cost.operations(bench.model, bench.lengths[case]) / len(bench.lengths[case])
        for precision, (_, chosen, kernels) in bench.runs.items():
            for threads in bench.threads:
                rate = bench.results.find("throughput", case, threads, f"bellwether {precision}", "texts/s")
                name, peak = bench.peaks.of(chosen, threads)
                if rate is None or peak is None:
                    continue
                cpu_rate = bench.results.find("throughput", case, threads, f"bellwether {precision}", "texts/CPU s")
                share, cpu_share = (100 * r * work * 1e-9 / peak for r in (rate, cpu_rate * threads))
                rows.append([f"{precision} ({kernels})", case, threads, f"{work * 1e-6:.1f}", f"{rate * work * 1e-9:.1f}",
                             f"{peak:.0f}", name, f"{share:.1f}", f"{cpu_share:.1f}"])
                bench.results.add("peak", case, threads, f"bellwether {precision}", "% of peak", share)
                bench.results.goal(f"share of peak: {precision}, {case}, {threads} thread{'s' * (threads > 1)}", share, 60, unit=" %")
    table(["forward pass", "texts", "threads", "MOP/text", "GOP/s", "peak", "of", "% of peak",
           "by CPU seconds"], rows)


def run_curves(bench):
    curves.measure(bench)
    curves.show(bench)
    curves.goals(bench)
    plot.curves(bench)


def main():
    options = arguments()
    bench = Bench(options)
    print(f"{len(os.sched_getaffinity(0))} CPUs, load {os.getloadavg()[0]:.2f}; "
          f"texts: {'real' if bench.texts.real else 'made up (no --data)'}, " +
          ", ".join(f"{len(texts)} {case} of {bench.mean_tokens(case):.1f} tokens" for case, texts in bench.cases.items()))
    busy = os.getloadavg()[0] > 0.5
    if busy:
        print(BUSY)
    for precision, (version, chosen, kernels) in bench.runs.items():
        print(f"bellwether {precision}: {version}, {chosen}, {kernels}")
    bench.peaks.measure()
    parts = {"throughput": run_throughput, "peak": run_peak, "profile": profile.measure, "agreement": agreement.measure,
             "curves": run_curves}
    for name in PARTS:
        if name in options.parts:
            if name == "peak":
                bench.peaks.measure()  # again: a busy machine shows its peak seldom
            heading(name)
            parts[name](bench)
    heading("goals")
    if busy:
        print(BUSY)
    bench.results.print_goals()
    bench.results.write_csv(bench.out / "encoder.csv")
    print(f"figures: {bench.out / 'encoder.csv'}; load at the end {os.getloadavg()[0]:.2f}")
    bench.close()


if __name__ == "__main__":
    asked = arguments()
    encoder_env.enter("encoder")

import encoder_agreement as agreement  # noqa: E402
import encoder_bellwether as bellwether  # noqa: E402
import encoder_cost as cost  # noqa: E402
import encoder_curves as curves  # noqa: E402
import encoder_peers as peers  # noqa: E402
import encoder_plot as plot  # noqa: E402
import encoder_profile as profile  # noqa: E402
import encoder_throughput as throughput  # noqa: E402
from encoder_results import Results, table  # noqa: E402
from encoder_texts import Texts, as_lines, joined  # noqa: E402

if __name__ == "__main__":
    main()
