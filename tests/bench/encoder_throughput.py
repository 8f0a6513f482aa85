"""Texts a second: bellwether at every precision against ONNX Runtime, by turns in one run.

Bellwether's figures hold everything that `score` does: reading lines, tokenising, encoding, writing.  ONNX Runtime's are given
with tokenising by Hugging Face's tokenizers, which is what the ratios are against, and without.  It sorts texts by length and
has the batch size that was best for it just before.  Texts a CPU second are what a busy machine disturbs least: compare those of
one thread where others run.
"""
import statistics

import encoder_bellwether as bellwether
import encoder_peers as peers
from encoder_results import table
from encoder_texts import as_lines

BATCHES = [1, 8, 16, 32, 64, 128]
PASS_SECONDS = 2, 20  # of bellwether's: a pass ends with up to 20 ms of waiting for more lines, and must end some time


class Bellwether:
    def __init__(self, precision, threads, model):
        self.name, self.threads = f"bellwether {precision}", threads
        self.score = bellwether.Score(precision, threads, model)
        self.passes = {}

    def plan(self, texts):
        """What one pass scores: the texts several times, or the first of them where they take too long."""
        shortest, longest = PASS_SECONDS
        few = texts[:512]
        speed = len(few) / self.score.seconds(as_lines(few), len(few))
        if len(texts) / speed > longest:
            return texts[:max(len(few), round(longest * speed))]
        return texts * max(1, round(shortest * speed / len(texts)))

    def rate(self, case, bench):
        if case not in self.passes:
            self.passes[case] = self.plan(bench.cases[case])
        texts = self.passes[case]
        cpu = self.score.cpu_seconds()
        took = self.score.seconds(as_lines(texts), len(texts))
        return {"texts/s": len(texts) / took, "texts/CPU s": len(texts) / (self.score.cpu_seconds() - cpu)}

    def close(self):
        self.score.close()


class Runtime:
    """ONNX Runtime; the process may be shared by several."""

    def __init__(self, precision, threads, peer, forms):
        self.precision, self.threads, self.peer = precision, threads, peer
        self.name = f"ONNX Runtime {precision}"
        self.sessions = {form: f"{precision} {form}" for form in forms}
        for form, path in forms.items():
            peer("load", name=self.sessions[form], path=str(path))
        self.best = {}

    def seconds(self, form, case, batch, limit):
        took = self.peer("run", session=self.sessions[form], texts=case, batch=batch, limit=limit)
        return took["cpu encode" if self.threads == 1 else "encode"]

    def tune(self, case, limit):
        """The faster form, then its best batch size: {batch: texts a second}."""
        form = min(self.sessions, key=lambda f: min(self.seconds(f, case, 32, limit) for _ in range(2)))
        took = {batch: min(self.seconds(form, case, batch, limit) for _ in range(2)) for batch in BATCHES}
        self.best[case] = form, min(took, key=took.get)
        return took

    def rate(self, case, bench):
        form, batch = self.best[case]
        took = self.peer("run", session=self.sessions[form], texts=case, batch=batch)
        return {"texts/s": took["texts"] / (took["tokenise"] + took["encode"]),
                "texts/s without tokenising": took["texts"] / took["encode"], "texts/CPU s": took["texts"] / took["cpu"]}

    def close(self):
        pass


def contestants(bench, threads):
    """Bellwether's that are here, and ONNX Runtime's two."""
    found = []
    for precision in bench.different():
        try:
            found.append(Bellwether(precision, threads, bench.model))
        except bellwether.NotHere as why:
            print(f"not here: bellwether {precision}, {threads} threads: {why}")
    return found + [Runtime(precision, threads, bench.peer(threads), forms) for precision, forms in bench.onnx.items()]


def tune_all(bench, runtimes):
    for runtime in runtimes:
        for case, texts in bench.cases.items():
            limit = min(len(texts), bench.tuning[case])
            took = runtime.tune(case, limit)
            form, batch = runtime.best[case]
            print(f"{runtime.name}, {runtime.threads} threads, {case}: {form}, batches of {batch} are best (" +
                  ", ".join(f"{size}: {limit / seconds:.0f}/s" for size, seconds in took.items()) + ")", flush=True)
            for size, seconds in took.items():
                bench.results.add("tuning", f"{case}, batch {size}", runtime.threads, runtime.name, "texts/s", limit / seconds)


def measure(bench):
    everyone = [one for threads in bench.threads for one in contestants(bench, threads)]
    tune_all(bench, [one for one in everyone if isinstance(one, Runtime)])
    for case in bench.cases:
        found = {}
        for _ in range(bench.rounds):
            for one in everyone:
                for metric, rate in one.rate(case, bench).items():
                    found.setdefault((one.threads, one.name, metric), []).append(rate)
        for (threads, name, metric), rates in found.items():
            bench.results.add("throughput", case, threads, name, metric, max(rates))
            bench.results.add("throughput", case, threads, name, f"{metric}, median", statistics.median(rates))
    for one in everyone:
        if isinstance(one, Bellwether) and one.threads == 1:
            bench.results.add("memory", "", one.threads, one.name, "peak MB", one.score.peak_memory())
        one.close()
    bench.repeat_for_auto()


def show(bench):
    for case, texts in bench.cases.items():
        print(f"\n{case}: {len(texts)} texts of {bench.mean_tokens(case):.1f} tokens, best of {bench.rounds} rounds (median)")
        rows = []
        for threads in bench.threads:
            find = lambda name, metric: bench.results.find("throughput", case, threads, name, metric)
            fp32, int8 = (find(f"ONNX Runtime {precision}", "texts/s") for precision in ("fp32", "int8"))
            cpu_fp32, cpu_int8 = (find(f"ONNX Runtime {precision}", "texts/CPU s") for precision in ("fp32", "int8"))
            names = [f"bellwether {precision}" for precision in bellwether.PRECISIONS]
            for name in names + ["ONNX Runtime fp32", "ONNX Runtime int8"]:
                rate, bare = find(name, "texts/s"), find(name, "texts/s without tokenising")
                if rate is None:
                    continue
                cpu = find(name, "texts/CPU s")
                rows.append([name, threads, f"{rate:.0f}", f"{find(name, 'texts/s, median'):.0f}", f"{bare:.0f}" if bare else "",
                             f"{rate / fp32:.2f}", f"{rate / int8:.2f}", f"{cpu:.0f}", f"{cpu / cpu_fp32:.2f}",
                             f"{cpu / cpu_int8:.2f}"])
        table(["", "threads", "texts/s", "(median)", "not tokenising", "x ORT fp32", "x ORT int8", "texts/CPU s", "x ORT fp32",
               "x ORT int8"], rows)


def goals(bench):
    def ratio(case, threads, name, other, other_threads=None):
        a = bench.results.find("throughput", case, threads, name, "texts/s")
        b = bench.results.find("throughput", case, other_threads or threads, other, "texts/s")
        return None if a is None or b is None else a / b
    most = max(bench.threads)
    for case in bench.cases:
        for threads in bench.threads:
            where = f"{case}, {threads} thread{'s' if threads > 1 else ''}"
            bench.results.goal(f"fp32 / ORT fp32: {where}", ratio(case, threads, "bellwether fp32", "ONNX Runtime fp32"), 1.4)
            bench.results.goal(f"auto / ORT fp32: {where}", ratio(case, threads, "bellwether auto", "ONNX Runtime fp32"), 5)
            bench.results.goal(f"auto / ORT int8: {where}", ratio(case, threads, "bellwether auto", "ONNX Runtime int8"), 2.5)
        if most == 2:
            for precision in bellwether.PRECISIONS:
                name = f"bellwether {precision}"
                bench.results.goal(f"two threads / one: {precision}, {case}", ratio(case, 2, name, name, 1), 1.9)
