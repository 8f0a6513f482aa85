#!/usr/bin/env python3
"""Changes every barrier, wait, mask and bound of the kernels in turn and says which of the changes the tests catch.

    mutate.py BUILD [WORD...]    BUILD: a built tree (test_gpu_ops, test_gpu_attention); only changes whose line has a word

A change is caught where it does not compile or a test fails; what survives is listed.  A plain build goes first; what
survives it may still be seen by the sanitizers, whose trees can be given as BUILD too.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARIES = subprocess.run(["pkg-config", "--libs", "check"], capture_output=True, text=True, check=True).stdout.split()
KERNELS = ROOT / "gpu/kernels"
FILES = {"attention_tensor.cuh": "gpu_attention", "attention.cuh": "gpu_attention", "exact.cuh": "gpu_ops", "rows.cuh": "gpu_ops",
         "elements.cuh": "gpu_ops", "device.cuh": "gpu_ops"}

# what, pattern, replacement; a line may match several, and at several places
CHANGES = [
    ("no barrier", r"__syncthreads\(\);", ";"),
    ("no wait", r"copy_wait\(\);", ";"),
    ("bound <=", r"(?<=[\w\])]) < (?=[\w(])", " <= "),
    ("bound >", r" >= ", " > "),
    ("bound >=", r"(?<=[\w)]) > (?=\w)", " >= "),
    ("no padding", r"\(count \+ 15\) / 16 \* 16", "count"),
    ("no mask", r"\? value \* scale : -INFINITY", "? value * scale : value * scale"),
    ("no mask", r"inside \? ", "true ? "),
    ("no fade", r" \* fade", ""),
    ("half the warp", r"WARP / 2", "WARP / 4"),
]


def changes():
    for name in FILES:
        for number, line in enumerate((KERNELS / name).read_text().splitlines()):
            code = re.sub(r"/\*.*?\*/|^ \*.*|#define.*|template <.*?>", lambda found: " " * len(found[0]), line)
            for what, pattern, replacement in CHANGES:
                for found in re.finditer(pattern, code):
                    yield name, number, what, line[:found.start()] + replacement + line[found.end():]


def run(build, command, name, number, changed, work):
    lines = (KERNELS / name).read_text().splitlines()
    lines[number] = changed
    overlay = work / "gpu/kernels"
    overlay.mkdir(parents=True, exist_ok=True)
    for other in overlay.iterdir():
        other.unlink()
    (overlay / name).write_text("\n".join(lines) + "\n")
    compiled = subprocess.run(command + ["-I", str(work), "-I", str(ROOT), "-I", str(ROOT / "tests/cuda/include"), "-c",
                                         str(ROOT / "tests/cuda/kernels.cpp"), "-o", str(work / "kernels.o")], capture_output=True)
    if compiled.returncode != 0:
        return "does not compile"
    test = FILES[name]
    objects = [path for path in (build / "CMakeFiles/gpu_emulated.dir").rglob("*.o") if path.name != "kernels.cpp.o"]
    linked = subprocess.run(command + [*map(str, objects), str(work / "kernels.o"),
                                       str(build / f"CMakeFiles/test_{test}.dir/tests/unit/test_{test}.c.o"),
                                       str(build / "libbase.a"), *LIBRARIES, "-lm", "-lpthread", "-lrt",
                                       "-o", str(work / "test")], capture_output=True, text=True)
    if linked.returncode != 0:
        sys.exit(linked.stderr)
    try:
        ran = subprocess.run([str(work / "test")], capture_output=True, timeout=300, env={**os.environ, "CK_FORK": "no"}, check=False)
    except subprocess.TimeoutExpired:
        return "hangs"
    return "fails" if ran.returncode != 0 else None


def compiler(build):
    """The compiler and its flags, as the tree has them for the kernels."""
    said = subprocess.run(["ninja", "-C", str(build), "-t", "commands", "CMakeFiles/gpu_emulated.dir/tests/cuda/kernels.cpp.o"],
                          capture_output=True, text=True, check=True).stdout.split("\n")
    words = next(line for line in said if "kernels.cpp" in line).split()
    keep = [word for word in words if re.match(r"-(O|g|D|f|std|W)", word) and not word.startswith("-Werror")]
    return [words[0], *keep]


def main():
    build, words = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    command = compiler(build)
    caught, survived = 0, []
    with tempfile.TemporaryDirectory() as work:
        for name, number, what, changed in changes():
            text = f"{name}:{number + 1}: {what}: {changed.strip()}"
            if words and not any(word in text for word in words):
                continue
            result = run(build, command, name, number, changed, pathlib.Path(work))
            print(f"{result or 'SURVIVES':<18} {text}", flush=True)
            if result:
                caught += 1
            else:
                survived.append(text)
    print(f"{caught} of {caught + len(survived)} changes are caught")


main()
