#!/usr/bin/env python3
"""Every test, one line each as it ends, and a count at the end.

    test_all.py [NAME...]   only the tests whose name contains one of the words: "unit/window", "asan", "e2e/30"

A test is a command: exit 0 passes, 77 is a skip whose last line says why, anything else fails and shows its output.  A
test that leaves a process behind fails too, and the process is ended.

Builds compute and most tests wait: so one build at a time runs below the tests at low priority, and the tests of a tree
begin when it is there, the longest first.  Trees stay between runs (build-*/), so that a second run is quick.
"""

import dataclasses
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOTS = os.cpu_count() + 3
SECONDS = 600  # for what hangs
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

# Where what has threads is, and what reads bytes of others (valgrind sees uninitialised memory, which ASan does not).
THREADED = "base workers encoder classifier kafka file_source rss topics writer webhook webhook_command " \
           "webhook_mail webhook_heartbeats gpu_attention gpu_ops gpu_several".split()
PARSERS = "base config feed html_text json message payload story tokenizer watch weights".split()
# These decide when the whole is done: they start first.
LONG = "soak-kafka 20-kafka kafka_broker soak-rss 37-package store_core encoder rss_faults tokenizer topics_random " \
       "webhook writer_crash feed watch".split()


@dataclasses.dataclass
class Tree:
    """A build: what is shipped, by gcc; by clang with the sanitizers.  Warnings are errors in all of them."""
    name: str
    options: list
    targets: set = dataclasses.field(default_factory=set)  # what the chosen tests need; "all" where it is all
    state: str = "waiting"  # built, broken

    @property
    def path(self):
        return ROOT / f"build-{self.name}"


@dataclasses.dataclass
class Test:
    name: str
    tree: str  # or None
    command: list
    targets: list  # of the tree
    one_in: int = 1  # how much of its long loops it does: tests/lib/one_in.h


TREES = {tree.name: tree for tree in (
    Tree("gcc", ["-DCMAKE_C_COMPILER=gcc"]),
    Tree("asan", ["-DCMAKE_C_COMPILER=clang", "-DBELLWETHER_SANITIZE=address,undefined", "-DBELLWETHER_FUZZ=ON"]),
    Tree("tsan", ["-DCMAKE_C_COMPILER=clang", "-DBELLWETHER_SANITIZE=thread"]),
)}


def modules(pattern):
    return sorted(path.stem.split("_", 1)[1] for path in ROOT.glob(pattern))


def fuzz_command(name):
    """A fixed number of mutations of the seeds; FUZZ_RUNS and FUZZ_SECONDS make it a long run."""
    dictionary = ROOT / f"tests/fuzz/{name}.dict"
    return ["bash", "-c", 'cp -r "tests/fuzz/seeds/$1/." "$TMPDIR" && exec "build-asan/fuzz_$1" "${@:2}" '
            '-artifact_prefix="$TMPDIR/crash-" "$TMPDIR"', "fuzz", name,
            f"-runs={os.environ.get('FUZZ_RUNS', '20000')}", f"-max_total_time={os.environ.get('FUZZ_SECONDS', '60')}",
            "-timeout=10", "-rss_limit_mb=2048", "-seed=1", "-print_funcs=0", *([f"-dict={dictionary}"] if dictionary.exists() else [])]


def gpu_share(unit):
    """An emulated GPU is slow: the long loops are for `./dev test unit/gpu_...` of one's own, with BELLWETHER_TEST_ALL=1."""
    return 5 if unit.startswith("gpu_") and not os.environ.get("BELLWETHER_TEST_ALL") else 1


def all_tests():
    units = modules("tests/unit/test_*.c")
    yield Test("check/includes", None, ["tests/check_includes.sh"], [])
    yield Test("check/cuda", None, ["tests/check_cuda.sh"], [])
    for script in sorted(glob.glob("tests/e2e/[0-9]*.sh")):
        yield Test(f"e2e/{pathlib.Path(script).stem}", "gcc", ["bash", script], ["bellwether", "produce"])
    for unit in units:
        yield Test(f"unit/{unit}", "gcc", [f"build-gcc/test_{unit}"], [f"test_{unit}"], one_in=gpu_share(unit))
    for unit in PARSERS:
        yield Test(f"valgrind/{unit}", "gcc", [
            "env", "CK_FORK=no", "valgrind", "-q", "--fair-sched=try", "--suppressions=tests/lib/valgrind.supp", "--error-exitcode=9",
            "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
            f"build-gcc/test_{unit}"], [f"test_{unit}"], one_in=61)
    # The sanitizers of this clang give up where addresses are too random, so they are not where the kernel lets us choose.
    fixed = ["setarch", "-R"] if subprocess.run(["setarch", "-R", "true"], capture_output=True).returncode == 0 else []
    for unit in units:
        yield Test(f"asan/{unit}", "asan", fixed + [f"build-asan/test_{unit}"], [f"test_{unit}"], one_in=7 * gpu_share(unit))
    for fuzzer in modules("tests/fuzz/fuzz_*.c"):
        yield Test(f"fuzz/{fuzzer}", "asan", fixed + fuzz_command(fuzzer), [f"fuzz_{fuzzer}"])
    for unit in THREADED:
        yield Test(f"tsan/{unit}", "tsan", fixed + [f"build-tsan/test_{unit}"], [f"test_{unit}"], one_in=7 * gpu_share(unit))


def needs_broker(test):
    return "kafka_broker" in test.name or ("e2e" in test.name and "kafka" in test.name)


def choose(words):
    """The tests that are wanted, the longest first; the trees learn what to build for them."""
    def wanted(name):
        return not words or any(word in name for word in words)

    chosen = [test for test in all_tests() if wanted(test.name)]
    for test in chosen:
        if test.tree:
            TREES[test.tree].targets.update(test.targets)
    for tree in ("gcc", "asan"):  # what no test runs is to compile as well
        if wanted(f"build/{tree}"):
            TREES[tree].targets.add("all")
    chosen.sort(key=lambda test: next((place for place, word in enumerate(LONG) if word in test.name), len(LONG)))
    return chosen


# ---- running them ----

class Job:
    """A command in the background, with a directory of its own for what it writes."""

    def __init__(self, name, command, directory, test=None, tree=None):
        self.name, self.test, self.tree = name, test, tree
        self.reason = None  # of a skip
        self.directory = directory
        self.directory.mkdir(mode=0o755)
        self.log = self.directory.with_suffix(".log")
        self.mark = f"BELLWETHER_TEST={self.directory}"
        scratch = self.directory if test else pathlib.Path(tempfile.gettempdir())
        environment = {**os.environ, "BELLWETHER_TEST": str(self.directory), "TMPDIR": str(scratch),
                       "BELLWETHER_TEST_ONE_IN": str(test.one_in if test else 1)}
        self.began = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)

    def finish(self, status, cpu_seconds, count):
        """Says how it went; returns whether it went well."""
        code = os.waitstatus_to_exitcode(status)
        lines = self.log.read_text(errors="replace").splitlines()
        stray = end_processes(self.mark)
        if stray and code in (0, 77):
            lines.append(f"left behind: {', '.join(stray)}")
            code = 1
        if code == 77:
            count["skipped"] += 1
            self.reason = lines[-1] if lines else "without a reason"
            print(f"skip  {self.name:<32} {self.reason}", flush=True)
        else:
            good = code == 0
            count["passed" if good else "failed"] += 1
            seconds = time.monotonic() - self.began
            print(f"{'ok  ' if good else 'FAIL'}  {self.name:<32} {seconds:5.0f} s {cpu_seconds:5.0f} s of CPU" +
                  ("" if good else f", exit {code}"), flush=True)
            for line in [] if good else lines[-40:]:
                print("      " + line, flush=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        return code in (0, 77)


def processes(mark):
    """(pid, name) of everything whose environment holds the mark, wherever it went."""
    for entry in glob.glob("/proc/[0-9]*"):
        pid = int(entry[6:])
        try:
            with open(f"{entry}/environ", "rb") as environment:
                if mark.encode() not in environment.read().split(b"\0") or pid == os.getpid():
                    continue
            with open(f"{entry}/comm", encoding="utf-8", errors="replace") as name:
                yield pid, name.read().strip()
        except OSError:
            pass  # it has gone, or is somebody else's


def end_processes(mark, grace=2):
    """End what is still there after the grace (helpers that end with their parent need a moment); returns the names."""
    deadline = time.monotonic() + grace
    while left := list(processes(mark)):
        if time.monotonic() >= deadline:
            break
        time.sleep(0.05)
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return [name for _, name in left]


def build_command(tree):
    """One line for the shell, below everything else: tests must not wait for a compiler."""
    targets = [] if "all" in tree.targets else sorted(tree.targets)
    return ["nice", "-n", "5", "bash", "-c", 'cmake -S . -B "$0" -G Ninja -DBELLWETHER_WERROR=ON "${@:2:$1}" && '
            'exec ninja -C "$0" "${@:$1+2}"', str(tree.path), str(len(tree.options)), *tree.options, *targets]


def run_all(chosen, work):
    count = dict.fromkeys(("passed", "failed", "skipped"), 0)
    fetching = any(map(needs_broker, chosen))
    builds = [tree for tree in TREES.values() if tree.targets]
    waiting, running, number = list(chosen), {}, 0

    def start(**what):
        nonlocal number
        number += 1
        job = Job(directory=work / str(number), **what)
        running[job.process.pid] = job

    if fetching:
        start(name="fetch/kafka", command=["tests/lib/broker.sh", "fetch"])
    while True:
        if builds and not any(job.tree for job in running.values()):
            tree = builds.pop(0)
            start(name=f"build/{tree.name}", command=build_command(tree), tree=tree)
        for test in list(waiting):
            state = TREES[test.tree].state if test.tree else "built"
            if fetching and needs_broker(test):
                continue
            if state == "broken":
                waiting.remove(test)
                count["failed"] += 1
                print(f"FAIL  {test.name:<32} was not built", flush=True)
            elif state == "built" and sum(job.test is not None for job in running.values()) < SLOTS:
                waiting.remove(test)
                start(name=test.name, command=["timeout", "-k", "20", str(SECONDS), *test.command], test=test)
        if not running:
            return count
        pid, status, usage = os.wait4(-1, 0)
        job = running.pop(pid, None)
        if job is None:
            continue
        good = job.finish(status, usage.ru_utime + usage.ru_stime, count)
        if job.tree:
            job.tree.state = "built" if good else "broken"
        if job.name == "fetch/kafka":
            fetching = False
            if job.reason:  # asking again for each test takes minutes
                os.environ["BELLWETHER_WITHOUT_KAFKA"] = job.reason


def leave(number, frame):
    for other in ENDINGS:  # the second of two must not stop the cleaning up
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def main():
    os.chdir(ROOT)
    for number in ENDINGS:
        signal.signal(number, leave)
    chosen = choose(sys.argv[1:])
    if not chosen and not any(tree.targets for tree in TREES.values()):
        sys.exit(f"there is no test whose name contains: {' '.join(sys.argv[1:])}")
    work = pathlib.Path(tempfile.mkdtemp(prefix="bellwether-tests-"))
    work.chmod(0o755)  # some tests look at their files as another user
    os.environ.update({
        "BELLWETHER": str(TREES["gcc"].path / "bellwether"), "PRODUCE": str(TREES["gcc"].path / "produce"),
        "BELLWETHER_TEST_RUN": str(work),
        "TSAN_OPTIONS": f"suppressions={ROOT}/tests/lib/tsan.supp halt_on_error=1 second_deadlock_stack=1",
        "CK_TIMEOUT_MULTIPLIER": "10",  # a time-out is for what hangs, not for what waits on a busy machine
    })
    began = time.monotonic()
    try:
        count = run_all(chosen, work)
    finally:
        end_processes(f"BELLWETHER_TEST_RUN={work}", grace=0)
        shutil.rmtree(work, ignore_errors=True)
    print(f"\nin {time.monotonic() - began:.0f} s:\n{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    sys.exit(1 if count["failed"] else 0)


main()
