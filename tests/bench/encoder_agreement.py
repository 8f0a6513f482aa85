"""Does each precision say the same as fp32, and fp32 the same as Hugging Face?"""
import numpy

import encoder_bellwether as bellwether
import encoder_peers as peers
from encoder_results import table

POLARITIES = 3
LEAST = {"bf16": 99.9, "int8": 99.5}  # per cent of labels
MOST_CHANGE = 0.005


def softmax(logits):
    powers = numpy.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def compare(mine, reference):
    """Per cent of equal labels and the mean absolute change of a probability, of each head; the largest logit difference."""
    heads = {"polarity": slice(0, POLARITIES), "topic": slice(POLARITIES, None)}
    found = {}
    for head, columns in heads.items():
        a, b = mine[:, columns], reference[:, columns]
        if a.shape[1] == 0:
            continue
        found[head, "equal %"] = 100 * (a.argmax(1) == b.argmax(1)).mean()
        found[head, "change"] = numpy.abs(softmax(a) - softmax(b)).mean()
    found["both", "largest"] = numpy.abs(mine - reference).max()
    return found


def hugging_face(texts, model):
    """Hugging Face's own logits, in batches of similar length."""
    import torch
    classifier, tokenizer = peers.load_torch(model), peers.make_tokenizer(model)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    found = [None] * len(ids)
    with torch.no_grad():
        for i in range(0, len(order), 16):
            part = order[i:i + 16]
            rows, mask = peers.padded([ids[j] for j in part])
            for place, row in zip(part, classifier(torch.from_numpy(rows), torch.from_numpy(mask)).numpy()):
                found[place] = row
    return numpy.array(found)


def row_of(name, found, texts):
    cell = lambda key, form: format(found[key], form) if key in found else "-"
    return [name, texts, cell(("polarity", "equal %"), ".3f"), cell(("topic", "equal %"), ".3f"),
            cell(("polarity", "change"), ".6f"), cell(("topic", "change"), ".6f"), cell(("both", "largest"), ".2g")]


def measure_tables(bench, texts, logits, note):
    """Each table that BELLWETHER_CPU can ask for, against the one that the program chose, on few texts: plain C is slow."""
    for precision, chosen in logits.items():
        if precision == "auto":
            continue
        seen = {bench.runs[precision][2]}
        for level in bellwether.LEVELS:
            try:
                (_, _, kernels), _ = bellwether.per_call(b"Ready\n", precision, 1, bench.model, [1], 0.001, level)
                if kernels not in seen:
                    seen.add(kernels)
                    mine = numpy.array(bellwether.logits(texts, precision, max(bench.threads), bench.model, level))
                    note(f"{precision} of {kernels}", mine, chosen[:len(texts)], bench.runs[precision][2])
            except bellwether.NotHere as why:
                print(f"not here: {precision}, {level}: {why}")


def measure(bench):
    texts = bench.texts.varied(bench.agreement_texts)
    few = texts[:bench.reference_texts]
    logits, rows = {}, []
    for precision in bench.different():
        try:
            logits[precision] = numpy.array(bellwether.logits(texts, precision, max(bench.threads), bench.model))
        except bellwether.NotHere as why:
            print(f"not here: {precision}: {why}")
    reference = hugging_face(few, bench.model)

    def note(name, mine, other, against):
        found = compare(mine, other)
        rows.append(row_of(f"{name} against {against}", found, len(mine)))
        for (head, metric), value in found.items():
            bench.results.add("agreement", f"{head} against {against}", "", name, metric, float(value))
        return found

    for precision, mine in logits.items():
        note(f"bellwether {precision}", mine[:len(few)], reference, "Hugging Face")
        if precision == "fp32":
            continue
        found = note(f"bellwether {precision}", mine, logits["fp32"], "fp32")
        for head in ("polarity", "topic"):
            least = LEAST.get(bench.runs[precision][1], min(LEAST.values()))
            bench.results.goal(f"{precision}: labels equal to fp32's, {head}", found.get((head, "equal %")), least, unit=" %")
            bench.results.goal(f"{precision}: mean change of probability, {head}, thousandths",
                               1000 * found[head, "change"] if (head, "change") in found else None, most=1000 * MOST_CHANGE)
    bench.write_texts("agreement", few)
    peer = bench.peer(max(bench.threads))
    for precision, forms in bench.onnx.items():
        peer("load", name="agreement", path=str(forms["plain"]))
        note(f"ONNX Runtime {precision}", numpy.array(peer("logits", session="agreement", texts="agreement")), reference,
             "Hugging Face")
    measure_tables(bench, few[:bench.table_texts], logits, note)
    table(["", "texts", "polarity equal %", "topic equal %", "polarity change", "topic change", "largest logit"], rows)
