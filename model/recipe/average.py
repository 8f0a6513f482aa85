#!/usr/bin/env python3
"""The mean of models that were tuned from the same start: their weights, number by number.

    average.py --out DIR MODEL[:SHARE]...

The result is float16; all else (config.json, vocab.txt) is the first model's.  Models that were tuned from one start lie in one valley, and their
mean does better there than each, most of all on texts unlike those that they learnt from: Wortsman et al., "Model soups",
arXiv:2203.05482.
"""

import argparse
import array
import json
import math
import pathlib
import shutil
import struct

CHUNK = 1 << 18


def header_of(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        return json.loads(file.read(length)), 8 + length


def numbers(raw, kind):
    if kind == "F32":
        return array.array("f", raw)
    if kind == "F16":
        return struct.unpack(f"<{len(raw) // 2}e", raw)
    raise SystemExit(f"tensors are F32 or F16, not {kind}")


def tensor_mean(files, tensors, shares, out):
    """Of one tensor, [(where it begins, its kind)] in each file; the numbers go out as F16."""
    sizes = [4 if kind == "F32" else 2 for _, kind, _ in tensors]
    for at in range(0, tensors[0][2], CHUNK):
        count = min(CHUNK, tensors[0][2] - at)
        parts = []
        for file, size, (begin, kind, _) in zip(files, sizes, tensors):
            file.seek(begin + at * size)
            parts.append(numbers(file.read(count * size), kind))
        out.write(struct.pack(f"<{count}e", *[sum(s * x for s, x in zip(shares, row)) for row in zip(*parts)]))


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--out", type=pathlib.Path, required=True)
    parse.add_argument("models", nargs="+")
    options = parse.parse_args()
    names, _, shares = zip(*(model.partition(":") for model in options.models))
    shares = [float(share or 1) for share in shares]
    shares = [share / sum(shares) for share in shares]
    options.out.mkdir()
    for path in pathlib.Path(names[0]).iterdir():
        if path.is_file() and path.name not in ("model.safetensors", "run.json", "metrics.csv", "metrics.svg", "README.md"):
            shutil.copy(path, options.out)
    config = json.loads((options.out / "config.json").read_text()) | {"torch_dtype": "float16"}
    (options.out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    paths = [pathlib.Path(name) / "model.safetensors" for name in names]
    headers, begins = zip(*map(header_of, paths))
    order = sorted(headers[0].keys() - {"__metadata__"})
    new, at = {"__metadata__": headers[0].get("__metadata__", {})}, 0
    for name in order:
        shape = headers[0][name]["shape"]
        for path, header in zip(paths, headers):
            if header.get(name, {}).get("shape") != shape:
                raise SystemExit(f"{path}: \"{name}\" is not as in {paths[0]}")
        new[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + 2 * math.prod(shape)]}
        at += 2 * math.prod(shape)
    text = json.dumps(new).encode()
    text += b" " * (-len(text) % 8)
    files = [open(path, "rb") for path in paths]
    with open(options.out / "model.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            tensors = [(begin + header[name]["data_offsets"][0], header[name]["dtype"], math.prod(new[name]["shape"]))
                       for begin, header in zip(begins, headers)]
            tensor_mean(files, tensors, shares, out)


if __name__ == "__main__":
    main()
