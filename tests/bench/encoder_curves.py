"""How the cost grows: with the texts of a call, with a text's length, with the model's size.

One thread, so seconds are the CPU's: others on the machine disturb those least.  Bellwether's side is bench_encoder, which calls
the classifier and tokenises; ONNX Runtime's is what it needs without tokenising, sorted by length.
"""
import json
import pathlib
import shutil

import numpy

import encoder_bellwether as bellwether
import encoder_cost as cost
import encoder_peers as peers
from encoder_results import table
from encoder_texts import as_lines, joined

CALLS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
LENGTHS = [8, 16, 32, 64, 128, 256, 512]
TOKENS_A_CALL = 4096
BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}


def base_model(model, folder):
    """A directory of BERT-base's shape over the model's own vocabulary and labels, with random weights."""
    model, made = pathlib.Path(model), folder / "bert-base"
    if (made / "model.safetensors").exists():
        return made
    from safetensors.numpy import save_file
    made.mkdir(parents=True, exist_ok=True)
    config = json.loads((model / "config.json").read_text())
    config.update(BASE)
    (made / "config.json").write_text(json.dumps(config))
    for name in ("vocab.txt", "tokenizer_config.json"):
        if (model / name).exists():
            shutil.copy(model / name, made / name)
    save_file(base_tensors(config), made / "model.safetensors")
    return made


def base_tensors(config):
    rnd, h, wide = numpy.random.default_rng(1), config["hidden_size"], config["intermediate_size"]
    tensors = {}

    def dense(name, rows, columns):
        tensors[f"{name}.weight"] = (rnd.standard_normal((rows, columns), numpy.float32) * 0.02).astype(numpy.float16)
        tensors[f"{name}.bias"] = numpy.zeros(rows, numpy.float16)

    def norm(name):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = numpy.ones(h, numpy.float16), numpy.zeros(h, numpy.float16)

    for table_name, rows in (("word", config["vocab_size"]), ("position", config["max_position_embeddings"]),
                             ("token_type", config["type_vocab_size"])):
        dense(f"bert.embeddings.{table_name}_embeddings", rows, h)
        del tensors[f"bert.embeddings.{table_name}_embeddings.bias"]
    norm("bert.embeddings.LayerNorm")
    for i in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{i}."
        for part in ("query", "key", "value"):
            dense(f"{layer}attention.self.{part}", h, h)
        dense(f"{layer}attention.output.dense", h, h)
        norm(f"{layer}attention.output.LayerNorm")
        dense(f"{layer}intermediate.dense", wide, h)
        dense(f"{layer}output.dense", h, wide)
        norm(f"{layer}output.LayerNorm")
    dense("bert.pooler.dense", h, h)
    dense("classifier", 3, h)
    if "topic_labels" in config:
        dense("topic_classifier", len(config["topic_labels"]), h)
    return tensors


def runtime_rate(peer, session, texts, batch):
    took = min((peer("run", session=session, texts=texts, batch=batch) for _ in range(2)), key=lambda t: t["cpu encode"])
    return took["texts"] / took["cpu encode"]


def load_runtime(bench, peer):
    for precision, forms in bench.onnx.items():
        peer("load", name=precision, path=str(forms["plain"]))


def single_add(bench, name, median, best, cpu):
    for metric, seconds in (("median ms", median), ("best ms", best), ("CPU ms", cpu)):
        bench.results.add("single", "", 1, name, metric, 1000 * seconds)


def batch_curve(bench, peer):
    texts = bench.cases["headlines"][:512]
    bench.write_texts("curve", texts)
    for precision in bench.different():
        _, rates = bellwether.per_call(as_lines(texts), precision, 1, bench.model, CALLS, bench.seconds)
        for size, calls in rates.items():
            bench.results.add("texts a call", size, 1, f"bellwether {precision}", "texts/s", calls.cpu_rate)
        single_add(bench, f"bellwether {precision}", rates[1].median_us / 1e6, rates[1].best_us / 1e6, 1 / rates[1].cpu_rate)
    for precision in bench.onnx:
        for size in CALLS:
            rate = runtime_rate(peer, precision, "curve", size)
            bench.results.add("texts a call", size, 1, f"ONNX Runtime {precision}", "texts/s", rate)
        took = peer("single", session=precision, texts="curve", count=200)
        single_add(bench, f"ONNX Runtime {precision}", took["median"], took["best"], took["cpu"])


def length_curve(bench, peer):
    for length in LENGTHS:
        call = TOKENS_A_CALL // length
        texts = joined(bench.cases["headlines"], length, call, bench.tokenizer)
        bench.write_texts("curve", texts)
        tokens = sum(len(bench.tokenizer.encode(text).ids) for text in texts) / len(texts)
        for precision in bench.different():
            _, rates = bellwether.per_call(as_lines(texts), precision, 1, bench.model, [call], bench.seconds)
            bench.results.add("tokens a text", length, 1, f"bellwether {precision}", "tokens/s", tokens * rates[call].cpu_rate)
        for precision in bench.onnx:
            rate = runtime_rate(peer, precision, "curve", max(1, min(32, 2048 // length)))
            bench.results.add("tokens a text", length, 1, f"ONNX Runtime {precision}", "tokens/s", tokens * rate)


def size_curve(bench, peer):
    texts = bench.cases["headlines"][:128]
    bench.write_texts("curve", texts)
    base = base_model(bench.model, bench.scratch)
    lengths = [len(bench.tokenizer.encode(text).ids) for text in texts]
    exported = {"as given": bench.onnx, "BERT-base shape": peers.export(base, bench.scratch / "onnx-base")}
    for size, model in (("as given", bench.model), ("BERT-base shape", base)):
        work = cost.operations(model, lengths) / len(lengths)
        found = {}
        for precision in bench.different():
            _, rates = bellwether.per_call(as_lines(texts), precision, 1, model, [len(texts)], 2 * bench.seconds)
            found[f"bellwether {precision}"] = rates[len(texts)].cpu_rate
        for precision, forms in exported[size].items():
            peer("load", name="size", path=str(forms["plain"]))
            found[f"ONNX Runtime {precision}"] = runtime_rate(peer, "size", "curve", 32)
        for name, rate in found.items():
            bench.results.add("model", size, 1, name, "texts/s", rate)
            bench.results.add("model", size, 1, name, "GOP/s", rate * work * 1e-9)


def measure(bench):
    peer = bench.peer(1)
    load_runtime(bench, peer)
    batch_curve(bench, peer)
    length_curve(bench, peer)
    size_curve(bench, peer)


def show(bench):
    for section, metric, form in (("texts a call", "texts/s", ".0f"), ("tokens a text", "tokens/s", ".0f"),
                                  ("model", "texts/s", ".1f"), ("model", "GOP/s", ".1f")):
        series = bench.results.series(section, metric)
        cases = [case for case, _ in next(iter(series.values()))]
        print(f"\n{metric} by {section}, one thread, seconds of the CPU")
        table(["", *cases], [[name, *(format(value, form) for _, value in points)] for name, points in series.items()])
    print("\none headline alone, one core, tokenised too")
    metrics = ["median ms", "best ms", "CPU ms"]
    table(["", *metrics], [[name, *(f"{bench.results.find('single', '', 1, name, metric):.2f}" for metric in metrics)]
                           for name in bench.results.series("single", "median ms")])


def goals(bench):
    singles = bench.results.series("single", "median ms")
    mine = {name: points[0][1] for name, points in singles.items() if name.startswith("bellwether")}
    if mine:
        name = min(mine, key=mine.get)
        bench.results.goal(f"one headline on one core: {name}", mine[name], most=3, unit=" ms")
