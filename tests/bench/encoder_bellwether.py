"""Bellwether as a contestant: the real program by its command line."""
import json
import os
import pathlib
import subprocess
import threading
import time
import typing

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("BELLWETHER", ROOT / "build/bellwether"))
PRECISIONS = ["fp32", "bf16", "int8", "auto"]
LEVELS = ["plain", "avx2", "avx512", "amx"]  # of BELLWETHER_CPU


class NotHere(Exception):
    """This build or machine has no such precision; the text is the program's own."""


def on_cores(count):
    """For a child: it runs on the first `count` CPUs alone, so that one thread means one core."""
    cpus = sorted(os.sched_getaffinity(0))[:count]
    return lambda: os.sched_setaffinity(0, cpus)


class Score:
    """A running `bellwether score`, so that its start is not in the figures."""

    def __init__(self, precision, threads, model):
        command = [PROGRAM, "score", "--model", model, "--device", "cpu", "--precision", precision, "--threads", str(threads),
                   "--format", "tsv"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=on_cores(threads))
        try:
            self.seconds(b"Ready\n", 1)
        except (BrokenPipeError, EOFError):
            raise NotHere(self.process.stderr.read().decode().strip()) from None

    def write(self, lines):
        try:
            self.process.stdin.write(lines)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the reader sees the end

    def seconds(self, lines, count):
        """From the first byte in to the last of `count` answers out."""
        began = time.perf_counter()
        writer = threading.Thread(target=self.write, args=(lines,))
        writer.start()
        answers = 0
        while answers < count:
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            if not part:
                writer.join()
                raise EOFError
            answers += part.count(b"\n")
        took = time.perf_counter() - began
        writer.join()
        return took

    def cpu_seconds(self):
        """Of all its threads since it began, by the process's own clock (clock_getcpuclockid, which Python lacks)."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def peak_memory(self):
        """Resident at most, in MB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def start_seconds(precision, model, times):
    """From exec to the end of a process that scores one line: the fastest."""
    command = [PROGRAM, "score", "--model", model, "--device", "cpu", "--precision", precision, "--threads", "1"]
    took = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, input=b"Ready\n", stdout=subprocess.DEVNULL, check=True)
        took.append(time.perf_counter() - began)
    return min(took)


def limited(level):
    """The environment in which the program takes no better instructions than of this level."""
    return dict(os.environ, BELLWETHER_CPU=level) if level else None


def logits(texts, precision, threads, model, level=None):
    """[(polarity's three + topics)] of each text."""
    command = [PROGRAM, "score", "--model", model, "--device", "cpu", "--precision", precision, "--threads", str(threads),
               "--logits"]
    done = subprocess.run(command, input="".join(text + "\n" for text in texts).encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=limited(level))
    if done.returncode != 0:
        raise NotHere(done.stderr.decode().strip())
    rows = (json.loads(line)["logits"] for line in done.stdout.splitlines())
    return [row["polarity"] + row.get("topic", []) for row in rows]


class Calls(typing.NamedTuple):
    """Of calls of one size."""
    rate: float  # texts a second
    cpu_rate: float  # texts a second of the CPU's time
    median_us: float  # of a call
    best_us: float


def per_call(texts, precision, threads, model, calls, seconds, level=None):
    """What runs (version, precision, kernels), and {texts a call: Calls}."""
    command = [PROGRAM.parent / "bench_encoder", "--model", model, "--precision", precision, "--threads", str(threads),
               "--calls", ",".join(map(str, calls)), "--seconds", str(seconds)]
    done = subprocess.run(command, input=texts, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=on_cores(threads),
                          env=limited(level))
    if done.returncode != 0:
        raise NotHere(done.stderr.decode().strip())
    first, *rest = done.stdout.decode().splitlines()
    rows = (line.split("\t") for line in rest)
    return first.split("\t"), {int(size): Calls(*map(float, figures)) for size, *figures in rows}
