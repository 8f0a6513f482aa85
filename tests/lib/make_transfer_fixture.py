#!/usr/bin/env python3
"""Writes tests/data/train/transfer.json and .safetensors: what PyTorch makes of targets by another model's answers, of its
last layer's relations, and of masked words, with the small model cls-gelu-f32 of tests/data/parity.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers safetensors
    /tmp/venv/bin/python tests/lib/make_transfer_fixture.py

distil.*, relate.*: the first batch's gradients; masked.start.*, masked.gradient.*, masked.after.*: the head that guesses words, the
first batch's gradients, and all values after five steps.  Dropout is off.
"""
import json
import pathlib
import random

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertModel

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/data/parity/cls-gelu-f32"
SAID = json.loads((MODEL / "config.json").read_text())
TENSORS = {k: v.float() for k, v in load_file(MODEL / "model.safetensors").items()}
CONFIG = BertConfig(**{k: v for k, v in SAID.items() if k not in ("id2label", "topic_labels")}, hidden_dropout_prob=0,
                    attention_probs_dropout_prob=0, tie_word_embeddings=True)
LENGTHS = [5, 16, 3, 9, 13, 7, 4, 16, 11, 6]
STEPS = 5
choose = random.Random("transfer")
torch.manual_seed(3)


def ids_of(length):
    return [2] + [choose.randrange(5, CONFIG.vocab_size) for _ in range(length - 2)] + [3]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.bert = BertModel(CONFIG)
        self.bert.load_state_dict({k[5:]: v for k, v in TENSORS.items() if k.startswith("bert.")}, strict=False)
        self.classifier = torch.nn.Linear(CONFIG.hidden_size, 3)
        self.topic_classifier = torch.nn.Linear(CONFIG.hidden_size, len(SAID["topic_labels"]))
        for name in ("classifier", "topic_classifier"):
            getattr(self, name).load_state_dict({k: TENSORS[f"{name}.{k}"] for k in ("weight", "bias")})

    def forward(self, ids):
        row = self.bert(torch.tensor([ids])).pooler_output
        return self.classifier(row)[0], self.topic_classifier(row)[0]


def target_of(classes):
    return torch.softmax(2 * torch.randn(classes), 0).tolist()


def distil(tensors):
    said = {"temperature": 3.0, "hard": 0.3, "soft": 0.8, "smoothing": 0.1, "weights": [1.5, 0.5, 1.25, 0.5, 1.0, 1.5, 2.0]}
    weights = torch.tensor(said["weights"][:3]), torch.tensor(said["weights"][3:])
    batch = [{"ids": ids_of(length), "polarity": choose.randrange(3) if i % 3 != 1 else None,
              "topic": choose.randrange(4) if i % 3 == 1 else None,
              "polarity_target": target_of(3) if i % 2 == 0 else None,
              "topic_target": target_of(4) if i % 4 != 3 else None} for i, length in enumerate(LENGTHS)]
    net, total, divisor = Net(), 0, 0
    for row in batch:
        for logits, task, own in zip(net(row["ids"]), ("polarity", "topic"), weights):
            label, target = row[task], row[task + "_target"]
            hard = 0 if label is None else 1 if target is None else said["hard"]
            if hard:
                total = total + hard * torch.nn.functional.cross_entropy(
                    logits[None], torch.tensor([label]), weight=own, label_smoothing=said["smoothing"], reduction="sum")
                divisor += hard * own[label].item()
            if target is not None:
                soft = (1 - hard) * said["soft"]
                scaled = torch.log_softmax(logits / said["temperature"], 0)
                total = total - soft * said["temperature"] ** 2 * (torch.tensor(target) * scaled).sum()
                divisor += soft
    loss = total / divisor
    loss.backward()
    for key, value in net.named_parameters():
        tensors["distil." + key] = value.grad.clone() if value.grad is not None else torch.zeros_like(value)
    return said | {"loss": loss.item(), "batch": batch}


def masked_rows():
    rows = []
    for length in LENGTHS:
        ids = ids_of(length)
        places = choose.sample(range(1, length - 1), max(1, (length - 2) // 4))
        words = [ids[i] if i in places else -1 for i in range(length)]
        rows.append({"ids": [4 if i in places and choose.random() < 0.8 else v for i, v in enumerate(ids)], "words": words})
    return rows


def masked_loss(net, rows):
    total, count = 0, 0
    for row in rows:
        labels = torch.tensor([w if w >= 0 else -100 for w in row["words"]])
        logits = net(torch.tensor([row["ids"]])).logits[0]
        total = total + torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
        count += (labels >= 0).sum().item()
    return total / count


def masked(tensors):
    net = BertForMaskedLM(CONFIG)
    net.bert.load_state_dict({k[5:]: v for k, v in TENSORS.items() if k.startswith("bert.")}, strict=False)
    with torch.no_grad():
        for key, value in net.cls.named_parameters():
            if "decoder.weight" not in key:
                value.add_(0.2 * torch.randn_like(value))
    for key, value in net.named_parameters():
        if key.startswith("cls."):
            tensors["masked.start." + key] = value.detach().clone()
    optimizer = torch.optim.AdamW([{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": 0.01},
                                   {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0.0}],
                                  lr=2e-3, betas=(0.9, 0.999), eps=1e-8)
    batches, losses = [masked_rows() for _ in range(STEPS)], []
    for step, rows in enumerate(batches):
        optimizer.zero_grad()
        loss = masked_loss(net, rows)
        loss.backward()
        if step == 0:
            for key, value in net.named_parameters():
                tensors["masked.gradient." + key] = value.grad.clone()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    for key, value in net.named_parameters():
        tensors["masked.after." + key] = value.detach().clone()
    return {"rate": 2e-3, "losses": losses, "batches": batches}


def relations(net, ids):
    """Of each head the log softmax of queries by keys and of values by values, of the last layer."""
    said = net.bert(torch.tensor([ids]), output_hidden_states=True)
    below, own, heads = said.hidden_states[-2][0], net.bert.encoder.layer[-1].attention.self, CONFIG.num_attention_heads
    query, key, value = (part(below).view(len(ids), heads, -1).transpose(0, 1) for part in (own.query, own.key, own.value))
    scale = query.shape[-1] ** -0.5
    return torch.log_softmax(query @ key.transpose(1, 2) * scale, -1), torch.log_softmax(value @ value.transpose(1, 2) * scale, -1)


def relate(tensors, pooling, weight=0.7):
    """The teacher is the model, the student the same with matrices of 0.8 times the size."""
    teacher, net = Net(), Net()
    with torch.no_grad():
        for value in net.parameters():
            if value.dim() > 1:
                value.mul_(0.8)
    batch = [{"ids": ids_of(length), "polarity": choose.randrange(3), "topic": None} for length in LENGTHS]
    total = 0
    for row in batch:
        ids = row["ids"]
        hidden = net.bert(torch.tensor([ids]))
        pooled = hidden.pooler_output[0] if pooling == "cls" else hidden.last_hidden_state[0].mean(0)
        total = total + torch.nn.functional.cross_entropy(net.classifier(pooled)[None], torch.tensor([row["polarity"]])) / len(batch)
        with torch.no_grad():
            wanted = relations(teacher, ids)
        for which, (a, b) in enumerate(zip(wanted, relations(net, ids))):
            if pooling == "cls" and which == 0:
                a, b = a[:, :1], b[:, :1]
            total = total + weight / len(batch) * (a.exp() * (a - b)).sum(-1).mean()
    total.backward()
    for key, value in net.named_parameters():
        tensors[f"relate.{pooling}.{key}"] = value.grad.clone() if value.grad is not None else torch.zeros_like(value)
    return {"weight": weight, "loss": total.item(), "batch": batch}


tensors = {}
said = {"distil": distil(tensors), "masked": masked(tensors), "cls": relate(tensors, "cls"), "mean": relate(tensors, "mean")}
save_file(tensors, ROOT / "tests/data/train/transfer.safetensors")
(ROOT / "tests/data/train/transfer.safetensors").chmod(0o644)
(ROOT / "tests/data/train/transfer.json").write_text(json.dumps(said) + "\n")
print(said["distil"]["loss"], said["masked"]["losses"])
