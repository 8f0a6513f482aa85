#!/usr/bin/env python3
"""Writes tests/data/parity: small models, and logits that Hugging Face transformers computes from them.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers tokenizers safetensors
    /tmp/venv/bin/python tests/lib/make_parity.py

Each case holds the ids of a text and its logits, polarity in the model's own order, then topics.  For the shipped
model the texts stand there too; the small ones have random weights and random ids.
"""
import json
import pathlib
import random

import torch
from safetensors.torch import load_file, save_file
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForSequenceClassification

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/data/parity"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + sorted(
    "shares of orvane rose fell after profit warning the and bank cut raised ##s ##ing ##ed outlook to a in".split())

SMALL = {
    # name: (config, type of the stored weights, labels by row, topics)
    "cls-gelu-f32": (dict(hidden_act="gelu", num_hidden_layers=2), torch.float32,
                     ["Positive", "NEGATIVE", "neutral"], ["Earnings", "Mergers", "Macro", "Other"]),
    "mean-relu-bf16": (dict(hidden_act="relu", num_hidden_layers=2, pooling="mean"), torch.bfloat16,
                       ["negative", "neutral", "positive"], []),
    "cls-gelu_new-f16": (dict(hidden_act="gelu_new", num_hidden_layers=1), torch.float16,
                         ["neutral", "positive", "negative"], ["One"]),
}

TEXTS = [
    "",
    "Orvane",
    "Shares of Orvane plunge 38% after the chipmaker cuts its outlook for a third time",
    "Tessel Foods lifts full-year guidance, raises dividend by 12%",
    "Halden Bank names Ines Okafor chief financial officer from 1 March",
    "Quarrite Mining suspends its Norte pit; union calls the accident avoidable",
    "$ORVN calls look rich here, IV at 140 into earnings https://t.example/x9",
    "Café chain Brûlerie Maréchal to list in Zürich at CHF 21–24 a share",
    "Policy makers left the key rate unchanged at 4.25% and dropped the word 'patient' from their statement.",
    "Regulator fines Lumen & Pike $90 million over mis-sold notes, bars two former managers",
    "Oil slips as Castellan restarts its pipeline; gold little changed",
    "Velmora agrees to buy rival Ostrava Tools for €2.3 billion in cash and stock",
    "UPDATE 3-Norwick recalls 410,000 heaters, sees no material effect",
    "the the the the the the the the",
    "\u0130stanbul exchange \uff21\uff22\uff23 halted \U0001f4c9",
    " ".join("Orvane said it would close plant number %d." % i for i in range(80)),
]


def logits(model, ids, pooling, heads):
    x = torch.tensor([ids])
    with torch.no_grad():
        out = model.bert(x, attention_mask=torch.ones_like(x))
        row = out.last_hidden_state.mean(dim=1) if pooling == "mean" else out.pooler_output
        return [round(v, 7) for weight, bias in heads for v in (row @ weight.T + bias)[0].tolist()]


def write_cases(name, pooling, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / (name + ".json")).write_text('{"pooling": "%s", "cases": [\n%s\n]}\n' % (pooling, lines))


def make_small(name):
    kind, dtype, labels, topics = SMALL[name]
    torch.manual_seed(len(name))
    config = BertConfig(vocab_size=len(WORDS), hidden_size=24, num_attention_heads=3, intermediate_size=40,
                        max_position_embeddings=16, initializer_range=0.4, num_labels=3,
                        id2label=dict(enumerate(labels)), label2id={l: i for i, l in enumerate(labels)}, **kind)
    model = BertForSequenceClassification(config).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith("bias"):
                value.normal_(0, 0.3)
            elif "LayerNorm" in key:
                value.normal_(1, 0.3)
            value.copy_(value.to(dtype).float())
    tensors = {k: v.contiguous() for k, v in model.state_dict().items() if not k.endswith(("position_ids", "token_type_ids"))}
    heads = [(tensors["classifier.weight"], tensors["classifier.bias"])]
    if topics:
        tensors["topic_classifier.weight"] = torch.randn(len(topics), 24).to(dtype).float()
        tensors["topic_classifier.bias"] = torch.randn(len(topics)).to(dtype).float()
        heads.append((tensors["topic_classifier.weight"], tensors["topic_classifier.bias"]))

    directory = OUT / name
    directory.mkdir(parents=True, exist_ok=True)
    save_file({k: v.to(dtype) for k, v in tensors.items()}, directory / "model.safetensors", {"format": "pt"})
    (directory / "model.safetensors").chmod(0o644)
    said = config.to_dict()
    keep = ["model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
            "max_position_embeddings", "type_vocab_size", "layer_norm_eps", "hidden_act", "pooling"]
    said = {k: said[k] for k in keep if k in said}
    said["id2label"] = {str(i): label for i, label in enumerate(labels)}
    if topics:
        said["topic_labels"] = topics
    (directory / "config.json").write_text(json.dumps(said, indent=1) + "\n")
    (directory / "vocab.txt").write_text("".join(w + "\n" for w in WORDS))
    choose = random.Random(name)
    pooling = kind.get("pooling", "cls")
    cases = []
    for length in [2, 3, 16, 7, 12, 5, 16, 2]:
        ids = [2] + [choose.randrange(len(WORDS)) for _ in range(length - 2)] + [3]
        cases.append({"ids": ids, "logits": logits(model, ids, pooling, heads)})
    write_cases(name, pooling, cases)


def make_shipped():
    directory = ROOT / "model/weights"
    tokenizer = BertWordPieceTokenizer(str(directory / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(512)
    model = BertForSequenceClassification.from_pretrained(directory, dtype=torch.float32).eval()
    tensors = {k: v.float() for k, v in load_file(directory / "model.safetensors").items()}
    heads = [(tensors[h + ".weight"], tensors[h + ".bias"]) for h in ("classifier", "topic_classifier")]
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        cases.append({"text": text, "ids": ids, "logits": logits(model, ids, "cls", heads)})
    write_cases("shipped", "cls", cases)


for small in SMALL:
    make_small(small)
make_shipped()
