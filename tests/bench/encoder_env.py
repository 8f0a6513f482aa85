"""The Python that the benches compare with: a throw-away environment of its own, made once.

Its folder is $BELLWETHER_BENCH_ENV, else bellwether-bench in the user's cache folder.  enter("tokenizer") is a few megabytes;
enter("encoder") brings PyTorch, which from PyPI comes with CUDA's libraries, 6 GB on disk.  Where pip is told of PyTorch's own
index for CPUs (PIP_EXTRA_INDEX_URL), it takes the build without them, 1 GB.
"""
import os
import pathlib
import shutil
import subprocess
import sys

PACKAGES = {
    "tokenizer": ["numpy==2.4.6", "tokenizers==0.23.3", "matplotlib==3.11.2"],
    "encoder": ["numpy==2.4.6", "tokenizers==0.23.3", "matplotlib==3.11.2", "onnx==1.23.2", "onnxruntime==1.31.1",
                "safetensors==0.8.0", "torch==2.15.0", "transformers==5.23.0"],
}
ROOM = {"tokenizer": 1, "encoder": 8}  # GB


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def folder():
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(os.environ.get("BELLWETHER_BENCH_ENV") or pathlib.Path(cache) / "bellwether-bench").absolute()


def install(place, group):
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free / 1e9
    if free < ROOM[group]:
        skip(f"{place} has {free:.1f} GB free and the peers want {ROOM[group]} (BELLWETHER_BENCH_ENV names another folder)")
    print(f"installing {', '.join(PACKAGES[group])} in {place}: up to {ROOM[group]} GB, minutes", flush=True)
    log = place / "pip.log"
    with open(log, "w") as out:
        for command in ([sys.executable, "-m", "venv", place], [place / "bin/python", "-m", "pip", "install", *PACKAGES[group]]):
            if subprocess.run(command, stdout=out, stderr=subprocess.STDOUT).returncode != 0:
                skip(f"the peers could not be installed: {log}")


def enter(group):
    """Goes on in the environment's Python, with the same arguments."""
    place = folder()
    if pathlib.Path(sys.prefix) == place:
        return
    stamp = place / f"{group}.installed"
    wanted = "\n".join(PACKAGES[group]) + "\n"
    if not stamp.exists() or stamp.read_text() != wanted:
        install(place, group)
        stamp.write_text(wanted)
    os.execv(place / "bin/python", [str(place / "bin/python"), *sys.argv])
