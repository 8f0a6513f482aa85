#!/usr/bin/env python3
"""Changes every barrier, wait, exchange, mask and bound of the kernels in turn and says which of the changes the tests catch.

    mutate.py BUILD... [--only WORD...]    BUILD: trees of cmake, a plain one first; --only: changes whose line has a word

All changes are compiled into one program, and each run has one of them in force (mutant.h).  A change is caught where a
test fails, ends by the emulation's word or hangs.  What survives a tree goes on to the next one: the sanitizers' trees see
races and reads that a plain one does not.  What survives must be explained in EXPLAINED.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / "gpu/kernels"
LIBRARIES = subprocess.run(["pkg-config", "--libs", "check"], capture_output=True, text=True, check=True).stdout.split()

# The programs and their cases that are to catch a file's changes.
TENSOR, PLAIN = ("gpu_attention", "tensor"), ("gpu_attention", "plain")
PRODUCTS, ROWS = ("gpu_ops", "products"), ("gpu_ops", "rows")
TESTS = {"attention_tensor.cuh": [TENSOR], "attention.cuh": [PLAIN], "exact.cuh": [PRODUCTS], "rows.cuh": [ROWS],
         "elements.cuh": [ROWS, PRODUCTS], "device.cuh": [ROWS, PRODUCTS, PLAIN]}

SOME, ALL = 35, 1  # how much of their loops the tests run: tests/lib/one_in.h

# A place; what can be changed there (one thing or two), and into what; and how the place is written so that the number in force
# decides: {0} for the first thing, {1} for the second.  Of comparisons mutant.h does what is only shown here.
CHANGES = [
    (r"\bif \(", {"always": "if (true || ", "never": "if (false && "}, "if (mutant({0}) || !mutant({1}) && "),
    (r"__syncthreads\(\);", {"no barrier": ";"}, r"if (!mutant({0})) \g<0>"),
    (r"copy_wait\(\);", {"no wait": ";"}, r"if (!mutant({0})) \g<0>"),
    (r" < ", {"bound late": " <= ", "bound early": " < -1 + "}, " <below{{{0}}}> "),
    (r" > ", {"bound late": " >= ", "bound early": " > 1 + "}, " <above{{{0}}}> "),
    (r" >= ", {"bound late": " > ", "bound early": " >= -1 + "}, " <not_below{{{0}}}> "),
    (r" <= ", {"bound late": " <= 1 + ", "bound early": " < "}, " <not_above{{{0}}}> "),
    (r"min\((.+), \(int\)\w+\)", {"no least": r"(\1)"}, r"(mutant({0}) ? \1 : \g<0>)"),
    (r"\(count \+ 15\) / 16 \* 16", {"no padding": "count"}, r"(mutant({0}) ? count : \g<0>)"),
    (r"make_uint4\(0, 0, 0, 0\)", {"no zeros": "make_uint4(~0u, ~0u, ~0u, ~0u)"},
     r"(mutant({0}) ? make_uint4(~0u, ~0u, ~0u, ~0u) : \g<0>)"),
    (r"(?<=\] = )0(?=;)", {"no zeros": "~0u"}, r"(mutant({0}) ? ~0u : 0u)"),
    (r": -INFINITY", {"no mask": ": value * scale"}, r": mutant({0}) ? value * scale \g<0>"),
    (r"score = -INFINITY", {"no mask": "score = 0.0f"}, "score = mutant({0}) ? 0.0f : -INFINITY"),
    (r"inside \? ", {"no mask": "true ? "}, r"inside | mutant({0}) ? "),
    (r" \* fade", {"no fade": ""}, r" * (mutant({0}) ? 1.0f : fade)"),
    (r"\*= fade", {"no fade": "*= 1.0f"}, "*= mutant({0}) ? 1.0f : fade"),
    (r"WARP / 2", {"half the warp": "WARP / 4"}, r"(mutant({0}) ? WARP / 4 : \g<0>)"),
    (r"__shfl(_xor)?_sync\(0xffffffffu, (\w+), \w+\)", {"no exchange": r"\2"}, r"(mutant({0}) ? \2 : \g<0>)"),
    (r"0xffffffffu", {"not all lanes": "0x7fffffffu"}, r"(mutant({0}) ? 0x7fffffffu : \g<0>)"),
    (r"warp_(sum|max)\((\w+)\)", {"no exchange": r"\2"}, r"(mutant({0}) ? \2 : \g<0>)"),
]

# Changes that no result can show: of which file and why; then each with its line as it would be, after its function
# where the same line stands in others.
TIME_ALONE = "what is done besides is not used: it costs time alone"
SAME_STEPS = "the steps are the same ones"
EXPLAINED = {
    ("attention_tensor.cuh", "rows past the text's end are not stored, and a row of a product knows no other"): [
        ("no zeros", "s.query[step][i] = ~0u;"),
    ],
    ("attention_tensor.cuh", "the scores of keys past the end are replaced, whatever they are"): [
        ("no zeros", "*(uint4 *)(key + row * PITCH + column) = make_uint4(~0u, ~0u, ~0u, ~0u);"),
        ("never", "if (false && 8 * tile >= count)"),
        ("bound late", "if (8 * tile > count)"),
    ],
    ("attention_tensor.cuh", SAME_STEPS + ", or the next line ends them"): [
        ("bound late", "for (int tile = 0; tile <= tensor_shape<SIZE>::KEYS; tile += 2) {"),
        ("bound early", "for (int tile = 0; tile < -1 + tensor_shape<SIZE>::KEYS; tile += 2) {"),
        ("bound early", "for (int column = 0; column < -1 + tensor_shape<SIZE>::COLUMNS; column += 2) {"),
        ("bound early", "for (int step = 1; step < -1 + 4; step *= 2)"),
        ("bound early", "if (at > 1 + 0)"),
    ],
    ("attention_tensor.cuh", "a barrier more changes nothing"): [
        ("always", "if (true || at > 0)"),
        ("bound late", "if (at >= 0)"),
    ],
    ("attention_tensor.cuh", "a block or warp without a query loads, computes and stores nothing of it: " + TIME_ALONE): [
        ("never", "if (false && block_query >= length)"),
        ("bound late", "if (block_query > length)"),
        ("always", "if (true || left > 0)"),
        ("bound late", "if (left >= 0)"),
        ("never", "if (false && left <= 0)"),
        ("bound early", "if (left < 0)"),
    ],
    ("attention_tensor.cuh", "a tile without a key has no weight and lets nothing fade: " + TIME_ALONE): [
        ("bound late", "for (int at = 0; at <= length; at += TENSOR_KEYS) {"),
    ],
    ("attention.cuh", "the bound in the loop holds there too"): [
        ("bound late", "for (int j = 0; j <= LANE_COLUMNS; j++)"),
        ("bound late", "for (int i = 0; i <= WARP_QUERIES; i++) {"),
        ("bound late", "for (int i = 0; i <= WARP_QUERIES; i++)"),
    ],
    ("attention.cuh", "what is computed without a query is not stored: " + TIME_ALONE): [
        ("never", "if (false && block_query >= queries)"),
        ("bound late", "if (block_query > queries)"),
        ("always", "if (true || q < held)"),
        ("bound late", "if (q <= held)"),
    ],
    ("attention.cuh", "a step without a key has no weight and lets nothing fade: " + TIME_ALONE): [
        ("bound late", "for (int at = 0; at <= length; at += PLAIN_KEYS) {"),
    ],
    ("exact.cuh", "past the inputs the squares are zero: " + TIME_ALONE): [
        ("bound late", "for (int first = 0; first <= a.inputs; first += EXACT_TILE) {"),
    ],
    ("exact.cuh", SAME_STEPS + ": layers are multiples of 8 values"): [
        ("bound early", "for (int first = 0; first < -1 + a.inputs; first += EXACT_TILE) {"),
    ],
    ("rows.cuh", "the bound in the loop holds there too: a row has 64 values for each of PAIRS at most"): [
        ("bound late", "norm_store: for (int j = 0; j <= PAIRS; j++) {"),
    ],
    ("rows.cuh", "columns and widths are even"): [
        ("bound early", "if (pair_column(j) < -1 + width) {"),
        ("bound early", "if (column < -1 + width) {"),
        ("bound early", "if (column < -1 + a.width) {"),
    ],
    ("elements.cuh", "columns and widths are even"): [
        ("bound early", "if (column >= -1 + a.width)"),
    ],
    ("device.cuh", "zero is zero, by either way"): [
        ("bound late", "return x >= 0.0f ? x : 0.0f;"),
    ],
}
REASONS = {(file, what, text): why for (file, why), places in EXPLAINED.items() for what, text in places}


@dataclasses.dataclass
class Change:
    number: int
    file: str
    line: int
    function: str
    what: str
    text: str  # the line with it

    def __str__(self):
        return f"{self.file}:{self.line}: {self.what}: {self.text}"

    @property
    def why(self):
        return REASONS.get(self.key)

    @property
    def key(self):
        """Of REASONS; with the function's name where the table has it so."""
        exact = self.file, self.what, f"{self.function}: {self.text}"
        return exact if exact in REASONS else (self.file, self.what, self.text)


def rewrite(name, changes):
    """The file with every change in it; they are added to `changes`."""
    out, function = [], ""
    for number, line in enumerate((KERNELS / name).read_text().splitlines(), 1):
        code = "" if re.match(r" \*|/\*", line) else re.sub(r"/\*.*?\*/", "", line)
        named = re.search(r"DEVICE .*?(\w+)\(", code)
        function, plain = named[1] if named else function, code
        for pattern, kinds, schema in [] if code.startswith("#") else CHANGES:
            places = list(re.finditer(pattern, plain))

            def write(found):
                place = places.pop(0)
                first = len(changes)
                for what, new in kinds.items():
                    text = plain[:place.start()] + place.expand(new) + plain[place.end():]
                    changes.append(Change(len(changes), name, number, function, what, text.strip()))
                return found.expand(schema.format(first, first + 1))

            code = re.sub(pattern, write, code)
            assert not places, (name, number, pattern)
        out.append(code)
    return "\n".join(out) + "\n"


class Tree:
    """A build with the changes in it: its tests as programs."""

    def __init__(self, build, texts, work):
        self.name, self.work = build.name, work / build.name
        sources = self.work / "gpu/kernels"
        sources.mkdir(parents=True)
        for name, text in texts.items():
            (sources / name).write_text(f'#include "tests/cuda/mutant.h"\n#line 1 "{name}"\n{text}')
        objects_of = build / "CMakeFiles/gpu_emulated.dir"
        programs = sorted({program for tests in TESTS.values() for program, _ in tests})
        subprocess.run(["ninja", "-C", str(build), *(f"test_{name}" for name in programs)], check=True, stdout=sys.stderr)
        command = self.command(build)
        self.sanitized = any("-fsanitize=" in word for word in command)
        subprocess.run(command + ["-w", *self.traps(command), "-I", str(self.work), "-I", str(ROOT), "-I",
                                  str(ROOT / "tests/cuda/include"), "-c", str(ROOT / "tests/cuda/kernels.cpp"), "-o",
                                  str(self.work / "kernels.o")], check=True)
        # A test ends at its first failure.
        subprocess.run(command + ["-x", "c++", "-", "-c", "-o", str(self.work / "stop.o")], check=True, text=True,
                       input='#include <unistd.h>\nextern "C" void __wrap__ck_assert_failed() { _exit(1); }\n')
        objects = [path for path in objects_of.rglob("*.o") if path.name != "kernels.cpp.o"]
        for test in programs:
            subprocess.run(command + [*map(str, objects), str(self.work / "kernels.o"), str(self.work / "stop.o"),
                                      str(build / f"CMakeFiles/test_{test}.dir/tests/unit/test_{test}.c.o"),
                                      str(build / "libbase.a"), *LIBRARIES, "-lm", "-lpthread", "-lrt",
                                      "-Wl,--wrap=_ck_assert_failed", "-o", str(self.work / test)], check=True)

    @staticmethod
    def command(build):
        """The compiler and its flags, as the tree has them for the kernels."""
        said = subprocess.run(["ninja", "-C", str(build), "-t", "commands",
                               "CMakeFiles/gpu_emulated.dir/tests/cuda/kernels.cpp.o"], capture_output=True, text=True,
                              check=True).stdout.split("\n")
        words = next(line for line in said if "kernels.cpp" in line).split()
        return [words[0], *(word for word in words if re.match(r"-(O|g|D|f|std)", word))]

    @staticmethod
    def traps(command):
        """An index past its array ends the program in every tree."""
        if any("undefined" in word for word in command):
            return []
        return ["-fsanitize=bounds", "-fsanitize-trap=bounds" if "clang" in command[0] else "-fsanitize-undefined-trap-on-error"]

    def run(self, test, one_in, number=None, seconds=600):
        """How the test fails, or None.  What uses more of the CPU than so many seconds hangs."""
        program, case = test
        environment = {**os.environ, "CK_FORK": "no", "CK_RUN_CASE": case, "BELLWETHER_TEST_ONE_IN": str(one_in),
                       **({} if number is None else {"MUTANT": str(number)})}
        ran = subprocess.run([*(["setarch", "-R"] if self.sanitized else []), "prlimit", f"--cpu={seconds}", "--core=0",
                              str(self.work / program)], capture_output=True, env=environment, check=False)
        if ran.returncode == -signal.SIGXCPU:
            return "hangs"
        return "fails" if ran.returncode > 0 else "ends" if ran.returncode < 0 else None

    def measure(self, chosen):
        """The tests pass without a change; how long each takes decides what hangs."""
        self.seconds = {}
        for test in sorted({test for change in chosen for test in TESTS[change.file]}):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            if self.run(test, SOME):
                sys.exit(f"{self.name}: {test} fails without any change")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            self.seconds[test, SOME], self.seconds[test, ALL] = 3 + int(3 * used), 600
            print(f"{self.name}: {'/'.join(test)}: {used:.1f} s", file=sys.stderr, flush=True)

    def catches(self, change):
        """The short tests catch most; the long ones are for what has no explanation."""
        for one_in in [SOME] if self.sanitized or change.why else [SOME, ALL]:
            for test in TESTS[change.file]:
                result = self.run(test, one_in, change.number, self.seconds[test, one_in])
                if result:
                    return f"{result} {self.name}"
        return None


def report(caught, survivors):
    unexplained = [change for change in survivors if not change.why]
    for change in survivors:
        if change.why:
            print(f"explained: {change}\n    {change.why}")
    for change in unexplained:
        print(f"SURVIVES: {change}")
    print(f"{caught + len(survivors)} changes, {caught} caught, {len(survivors) - len(unexplained)} explained, "
          f"{len(unexplained)} unexplained")
    return bool(unexplained)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("builds", nargs="+", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--only", nargs="+", default=[""])
    options = parser.parse_args()
    changes = []
    texts = {name: rewrite(name, changes) for name in TESTS}
    for key in set(REASONS) - {change.key for change in changes}:
        sys.exit(f"there is no such change, but it is explained: {key}")
    chosen = [change for change in changes if any(word in str(change) for word in options.only)]
    tried, survivors = chosen, []
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for build in options.builds:
            tree, left = Tree(build, texts, pathlib.Path(work)), []
            tree.measure(tried)
            for change, result in zip(tried, pool.map(tree.catches, tried)):
                print(f"{result or 'survives ' + tree.name:<20} {change}", flush=True)
                if not result:
                    (survivors if change.why else left).append(change)
            tried = left
    survivors += tried
    sys.exit(report(len(chosen) - len(survivors), survivors))


main()
