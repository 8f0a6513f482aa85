#!/usr/bin/env python3
"""Writes tests/data/train: what PyTorch makes of the small models of tests/data/parity in training.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers safetensors
    /tmp/venv/bin/python tests/lib/make_train_fixture.py

NAME.json holds a batch of ids with labels (null: none), the options, and the loss of each of ten steps; NAME.safetensors
the first batch's gradients (gradient.TENSOR) and all values after ten steps of AdamW (after.TENSOR).  Dropout is off.
"""
import json
import pathlib
import random

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/data/train"
STEPS = 10
CASES = {  # name: (label smoothing, class weights?)
    "cls-gelu-f32": (0.1, True),
    "mean-relu-bf16": (0.0, False),
    "cls-gelu_new-f16": (0.05, False),
}


class Net(torch.nn.Module):
    def __init__(self, directory):
        super().__init__()
        said = json.loads((directory / "config.json").read_text())
        tensors = {k: v.float() for k, v in load_file(directory / "model.safetensors").items()}
        self.mean = said.get("pooling") == "mean"
        config = BertConfig(**{k: v for k, v in said.items() if k not in ("id2label", "topic_labels", "pooling")},
                            hidden_dropout_prob=0, attention_probs_dropout_prob=0)
        self.bert = BertModel(config, add_pooling_layer=not self.mean)
        self.bert.load_state_dict({k[5:]: v for k, v in tensors.items() if k.startswith("bert.")}, strict=False)
        topics = len(said.get("topic_labels", []))
        self.classifier = torch.nn.Linear(config.hidden_size, 3)
        self.classifier.load_state_dict({k: tensors["classifier." + k] for k in ("weight", "bias")})
        self.topics = topics
        if topics:
            self.topic_classifier = torch.nn.Linear(config.hidden_size, topics)
            self.topic_classifier.load_state_dict({k: tensors["topic_classifier." + k] for k in ("weight", "bias")})

    def forward(self, ids):
        out = self.bert(torch.tensor([ids]))
        row = out.last_hidden_state.mean(dim=1) if self.mean else out.pooler_output
        return self.classifier(row)[0], self.topic_classifier(row)[0] if self.topics else None


def batch_make(choose, words, topics):
    batch = []
    for i, length in enumerate([5, 16, 2, 9, 13, 7, 3, 16, 11, 4]):
        kind = i % 3 if topics else 0
        batch.append({"ids": [2] + [choose.randrange(5, words) for _ in range(length - 2)] + [3],
                      "polarity": choose.randrange(3) if kind != 1 else None,
                      "topic": choose.randrange(topics) if topics and kind != 0 else None})
    return batch


def batch_loss(net, batch, smoothing, weights):
    total, divisor = 0, 0
    for row in batch:
        for logits, label, own in zip(net(row["ids"]), (row["polarity"], row["topic"]), weights):
            if label is None:
                continue
            total = total + torch.nn.functional.cross_entropy(logits[None], torch.tensor([label]), weight=own,
                                                              label_smoothing=smoothing, reduction="sum")
            divisor += own[label].item()
    return total / divisor


def make(name):
    smoothing, weighted = CASES[name]
    torch.manual_seed(1)
    # A gradient of 1e-8 has a sign of chance and Adam a first step of full length: these batches have none such.
    choose = random.Random(name + " 2")
    net = Net(ROOT / "tests/data/parity" / name)
    words = net.bert.config.vocab_size
    classes = [torch.ones(3), torch.ones(max(net.topics, 1))]
    if weighted:
        classes = [torch.tensor([1.5, 0.5, 1.25]), torch.linspace(0.5, 2, net.topics)]
    batches = [batch_make(choose, words, net.topics) for _ in range(STEPS)]
    decaying = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
                                  lr=1.0, betas=(0.9, 0.999), eps=1e-8)
    tensors, losses, norms = {}, [], []
    rates = [0.002 * min((i + 1) / 3, (STEPS - i) / (STEPS - 3)) for i in range(STEPS)]
    for step, batch in enumerate(batches):
        optimizer.zero_grad()
        loss = batch_loss(net, batch, smoothing, classes)
        loss.backward()
        if step == 0:
            for key, value in net.named_parameters():
                tensors["gradient." + key] = value.grad.clone() if value.grad is not None else torch.zeros_like(value)
        norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0).item())
        for group in optimizer.param_groups:
            group["lr"] = rates[step]
        optimizer.step()
        losses.append(loss.item())
    for key, value in net.named_parameters():
        tensors["after." + key] = value.detach().clone()
    OUT.mkdir(parents=True, exist_ok=True)
    save_file(tensors, OUT / (name + ".safetensors"))
    (OUT / (name + ".safetensors")).chmod(0o644)
    said = {"smoothing": smoothing, "weights": [w for own in classes for w in own.tolist()] if weighted else None,
            "rates": rates, "losses": losses, "norms": norms, "batches": batches}
    (OUT / (name + ".json")).write_text(json.dumps(said) + "\n")
    print(name, [round(v, 4) for v in losses], [round(v, 3) for v in norms])


for case in CASES:
    make(case)
