#!/usr/bin/env python3
"""How far a student's hidden states are from those of a teacher of the same width: states_apart.py TEACHER STUDENT < IDS

IDS are lines of token ids, as `bellwether tokenize` prints them.  Prints the share of the teacher's states that the student misses:
|s - t|^2 / |t|^2, the mean over lines, states and tokens.  State i of L is held against state i T // L of T.  The last state
is the first token's alone, as a CLS model has it.  Both models are F32, of Hugging Face's names, and small: this is plain Python.
"""
import json
import math
import pathlib
import struct
import sys


def model_read(path):
    config = json.loads((path / "config.json").read_text())
    data = (path / "model.safetensors").read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, said in json.loads(data[8:start]).items():
        if name != "__metadata__" and said["dtype"] == "F32":
            first, last = said["data_offsets"]
            values = struct.unpack(f"<{(last - first) // 4}f", data[start + first:start + last])
            width = said["shape"][-1]
            rows = [values[i:i + width] for i in range(0, len(values), width)]
            tensors[name.removeprefix("bert.")] = rows if len(said["shape"]) > 1 else rows[0]
    return config, tensors


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def linear(rows, tensors, name):
    weight, bias = tensors[name + ".weight"], tensors[name + ".bias"]
    return [[dot(row, w) + b for w, b in zip(weight, bias)] for row in rows]


def add_norm(a, b, tensors, name):
    out = []
    for row in ([x + y for x, y in zip(p, q)] for p, q in zip(a, b)):
        mean = sum(row) / len(row)
        scale = 1 / math.sqrt(sum((x - mean) ** 2 for x in row) / len(row) + 1e-12)
        out.append([(x - mean) * scale * g + s for x, g, s in
                    zip(row, tensors[name + ".LayerNorm.weight"], tensors[name + ".LayerNorm.bias"])])
    return out


def attend(rows, tensors, layer, heads):
    query, key, value = (linear(rows, tensors, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
    size = len(rows[0]) // heads
    out = [[] for _ in rows]
    for part in (slice(i * size, (i + 1) * size) for i in range(heads)):
        for row, q in zip(out, query):
            weights = [math.exp(dot(q[part], k[part]) / math.sqrt(size)) for k in key]
            row += [dot(weights, column) / sum(weights) for column in zip(*(v[part] for v in value))]
    return out


def states(model, ids):
    config, tensors = model
    words = [tensors["embeddings.word_embeddings.weight"][i] for i in ids]
    places = [[x + y for x, y in zip(place, tensors["embeddings.token_type_embeddings.weight"][0])]
              for place in tensors["embeddings.position_embeddings.weight"]]
    rows = add_norm(words, places, tensors, "embeddings")
    all_states = [rows]
    for i in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{i}"
        seen = attend(rows, tensors, layer, config["num_attention_heads"])
        rows = add_norm(linear(seen, tensors, layer + ".attention.output.dense"), rows, tensors, layer + ".attention.output")
        inner = [[x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in row]
                 for row in linear(rows, tensors, layer + ".intermediate.dense")]
        rows = add_norm(linear(inner, tensors, layer + ".output.dense"), rows, tensors, layer + ".output")
        all_states.append(rows)
    all_states[-1] = all_states[-1][:1]
    return all_states


teacher, student = (model_read(pathlib.Path(path)) for path in sys.argv[1:3])
apart = []
for line in sys.stdin:
    wanted, own = (states(model, [int(x) for x in line.split()]) for model in (teacher, student))
    for i, rows in enumerate(own):
        aim = wanted[i * (len(wanted) - 1) // (len(own) - 1)]
        shares = [sum((x - y) ** 2 for x, y in zip(s, t)) / dot(t, t) for s, t in zip(rows, aim)]
        apart.append(sum(shares) / len(shares))
print(f"{sum(apart) / len(apart):.4f}")
