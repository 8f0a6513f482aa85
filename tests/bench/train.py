#!/usr/bin/env python3
"""Training beside PyTorch and Hugging Face's BertModel, in one run on this machine: ./dev bench train

Steps of AdamW over the same batches of 32 texts from the shipped model, with dropout and both heads, in fp32:

  headlines    tweets and headlines as they come; PyTorch pads a batch to its longest text, as Hugging Face's trainers do
  by length    the same texts sorted by their length, so that nobody pads
  128 tokens   texts of 128 tokens each

Before them: how far losses and norms of gradients of the same steps are from PyTorch's, without dropout.

PyTorch's AdamW is the faster of `fused` and the default here.  Rounds of both take turns.  Tokens are the texts' own, so
padding counts for nothing.  The peer lives in an environment of its own (encoder_env.py); real texts come from --data or
BELLWETHER_DATA, else they are made up.  --quick takes a few steps and shows only that all works.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import encoder_env

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH, WARM, GOAL = 32, 3, 1.5


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BELLWETHER_DATA", ""))
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "model/weights")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bench_train")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peer", metavar="TEXTS", help=argparse.SUPPRESS)
    parser.add_argument("--fused", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--exact", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.steps = 1, 2
    return options


def peer(options):
    """One round of PyTorch, in a process of its own: a line of JSON."""
    import torch
    from safetensors.torch import load_file
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    said = json.loads((options.model / "config.json").read_text())
    topics = len(said.get("topic_labels", []))
    share = 0.0 if options.exact else 0.1
    model = BertModel(BertConfig.from_pretrained(options.model, hidden_dropout_prob=share, attention_probs_dropout_prob=share))
    tensors = {k[5:]: v.float() for k, v in load_file(options.model / "model.safetensors").items() if k.startswith("bert.")}
    model.load_state_dict(tensors, strict=False)
    heads = torch.nn.ModuleList([torch.nn.Linear(said["hidden_size"], 3), torch.nn.Linear(said["hidden_size"], topics or 1)])
    if options.exact:
        every = load_file(options.model / "model.safetensors")
        for head, name in zip(heads, ("classifier", "topic_classifier")):
            head.load_state_dict({part: every[f"{name}.{part}"].float() for part in ("weight", "bias")})
    drop = torch.nn.Dropout(share)
    model.train()
    parameters = list(model.parameters()) + list(heads.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
              {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=2e-5, fused=options.fused or None)
    tokenizer = BertWordPieceTokenizer(str(options.model / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(128)
    ids = [e.ids for e in tokenizer.encode_batch(pathlib.Path(options.peer).read_text(encoding="utf-8").splitlines())]
    at = tokens = texts = 0
    for step in range(options.steps + WARM):
        if step == WARM:
            began, busy, tokens, texts = time.monotonic(), time.process_time(), 0, 0
        if at + BATCH > len(ids):
            at = 0
        rows = ids[at:at + BATCH]
        longest = max(len(r) for r in rows)
        padded = torch.tensor([r + [0] * (longest - len(r)) for r in rows])
        mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows])
        pooled = drop(model(padded, attention_mask=mask).pooler_output)
        labels = torch.arange(at, at + BATCH)
        loss = torch.nn.functional.cross_entropy(heads[0](pooled), labels % 3)
        if topics:
            loss = (loss + torch.nn.functional.cross_entropy(heads[1](pooled), labels % topics)) / 2
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if options.exact:
            print(f"{loss.item():.7f}\t{norm.item():.7f}")
        at += BATCH
        texts += BATCH
        tokens += sum(len(r) for r in rows)
    seconds, busy = time.monotonic() - began, time.process_time() - busy
    print(json.dumps({"tokens": tokens, "rate": tokens / seconds, "cpu_rate": tokens / busy,
                      "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": loss.item()}))


def run_peer(options, path, fused):
    command = [sys.executable, __file__, "--peer", str(path), "--model", str(options.model), "--steps", str(options.steps),
               "--threads", str(options.threads)] + (["--fused"] if fused else [])
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "TRANSFORMERS_VERBOSITY": "error"}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()[-1])


def run_ours(options, path):
    with open(path, encoding="utf-8") as file:
        line = subprocess.run([options.program, "--model", options.model, "--threads", str(options.threads), "--batch",
                               str(BATCH), "--steps", str(options.steps)], check=True, capture_output=True, text=True,
                              stdin=file).stdout.split()
    return {"tokens": int(line[1]), "rate": float(line[3]), "cpu_rate": float(line[4]), "mb": float(line[5])}


def agreement(options, path):
    """The largest relative difference of losses and of norms, and the number of steps."""
    both = []
    for command in ([options.program, "--model", options.model, "--threads", str(options.threads), "--exact"],
                    [sys.executable, __file__, "--peer", str(path), "--model", str(options.model), "--exact",
                     "--threads", str(options.threads)]):
        with open(path, encoding="utf-8") as file:
            out = subprocess.run([*command, "--steps", str(options.steps)], check=True, capture_output=True, text=True, stdin=file)
        both.append([tuple(map(float, line.split())) for line in out.stdout.splitlines()[:options.steps + WARM]])
    apart = [max(abs(a[i] / b[i] - 1) for a, b in zip(*both)) for i in range(2)]
    return (*apart, len(both[0]))


def cases_make(options, scratch):
    from encoder_texts import Texts, joined
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(options.model / "vocab.txt"), lowercase=True)
    texts = Texts(options.data, options.model)
    varied = [t.replace("\n", " ") for t in texts.varied(BATCH * (options.steps + WARM) * 2)]
    length = {t: len(tokenizer.encode(t).ids) for t in varied}
    cases = {"headlines": varied, "by length": sorted(varied, key=length.get)[len(varied) // 4:],
             "128 tokens": joined(varied, 128, BATCH * 4, tokenizer)}
    paths = {}
    for name, lines in cases.items():
        paths[name] = scratch / (name.replace(" ", "-") + ".txt")
        paths[name].write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return texts.real, paths


def main():
    options = arguments()
    encoder_env.enter("encoder")
    if options.peer:
        return peer(options)
    options.out.mkdir(parents=True, exist_ok=True)
    real, paths = cases_make(options, options.out)
    print(f"{'real' if real else 'made-up'} texts, batches of {BATCH}, {options.threads} threads, {options.rounds} rounds of "
          f"{options.steps} steps; load {os.getloadavg()[0]:.1f}")
    loss, norm, steps = agreement(options, paths["headlines"])
    print(f"{steps} steps without dropout: losses at most {loss:.1e} apart, norms of gradients {norm:.1e}", flush=True)
    print(f"{'':12} {'bellwether':>28} {'PyTorch':>28} {'':>8}\n{'':12} " + f"{'tokens/s':>9} {'/CPU s':>9} {'MB':>8} " * 2 +
          f"{'ratio':>7} {'CPU':>6}")
    for name, path in paths.items():
        fused = run_peer(options, path, True)["cpu_rate"] > run_peer(options, path, False)["cpu_rate"]
        rounds = [(run_ours(options, path), run_peer(options, path, fused)) for _ in range(options.rounds)]
        ours, theirs = ({key: statistics.median(r[i][key] for r in rounds) for key in ("rate", "cpu_rate", "mb")}
                        for i in range(2))
        ratio, cpu = ours["rate"] / theirs["rate"], ours["cpu_rate"] / theirs["cpu_rate"]
        print(f"{name:12} " + "".join(f"{r['rate']:9.0f} {r['cpu_rate']:9.0f} {r['mb']:8.0f} " for r in (ours, theirs)) +
              f"{ratio:7.2f} {cpu:6.2f}   goal {GOAL}: {'met' if ratio >= GOAL else 'missed'}", flush=True)
    return 0


sys.exit(main())
