#!/usr/bin/env python3
"""Rows and a model of its own for the tests of transfer: transfer_rows.py DIRECTORY BASE

polarity.tsv (240 rows), few.tsv (24), validation.tsv (150), texts.txt (300 without labels), and `big`, a BERT of the base's
vocabulary with more of everything and values by chance.
"""
import json
import pathlib
import random
import struct
import sys

out, base = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
choose = random.Random(9)
KINDS = {"negative": ["fell", "warning", "cut"], "positive": ["rose", "raised", "profit"], "neutral": ["and", "of", "after"]}


def row():
    label = choose.choice(list(KINDS))
    words = [choose.choice(["orvane", "the bank", "a bank"]), choose.choice(KINDS[label]),
             choose.choice(["the", "a", "to", "in", "shares", "outlook"])]
    return label, " ".join(words)


def write(name, count):
    lines = ["label\ttext"] + ["\t".join(row()) for _ in range(count)]
    (out / name).write_text("\n".join(lines) + "\n")


write("polarity.tsv", 240)
write("few.tsv", 24)
write("validation.tsv", 150)
(out / "texts.txt").write_text("".join(row()[1] + "\n" for _ in range(300)))

WIDE, INNER, LAYERS = 48, 96, 3
words = len((base / "vocab.txt").read_text().splitlines())
shapes = {"embeddings.word_embeddings.weight": [words, WIDE], "embeddings.position_embeddings.weight": [16, WIDE],
          "embeddings.token_type_embeddings.weight": [2, WIDE], "pooler.dense.weight": [WIDE, WIDE], "pooler.dense.bias": [WIDE]}
norms = ["embeddings.LayerNorm"]
for i in range(LAYERS):
    layer = f"encoder.layer.{i}."
    for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
        shapes |= {layer + name + ".weight": [WIDE, WIDE], layer + name + ".bias": [WIDE]}
    shapes |= {layer + "intermediate.dense.weight": [INNER, WIDE], layer + "intermediate.dense.bias": [INNER],
               layer + "output.dense.weight": [WIDE, INNER], layer + "output.dense.bias": [WIDE]}
    norms += [layer + "attention.output.LayerNorm", layer + "output.LayerNorm"]
for name in norms:
    shapes |= {name + ".weight": [WIDE], name + ".bias": [WIDE]}
header, values = {}, []
for name, shape in shapes.items():
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    header["bert." + name] = {"dtype": "F32", "shape": shape, "data_offsets": [4 * len(values), 4 * (len(values) + count)]}
    middle = 1.0 if name.endswith("LayerNorm.weight") else 0.0
    values += [middle + choose.gauss(0, 0.08 if len(shape) > 1 else 0) for _ in range(count)]
big = out / "big"
big.mkdir()
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(big / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + struct.pack(f"<{len(values)}f", *values))
config = {"model_type": "bert", "hidden_size": WIDE, "num_hidden_layers": LAYERS, "num_attention_heads": 4,
          "intermediate_size": INNER, "vocab_size": words, "max_position_embeddings": 16, "type_vocab_size": 2,
          "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
(big / "config.json").write_text(json.dumps(config))
(big / "vocab.txt").write_bytes((base / "vocab.txt").read_bytes())
