"""The peers: Hugging Face's model in PyTorch, and ONNX Runtime as its users run it, fp32 and dynamic int8.

The export is the shipped model with both heads.  ONNX Runtime gets it in two forms, plain and fused by its own optimiser for
Transformers (attention, layer norm, GELU and the embedding as one operation each); the bench takes the faster one for each
precision.  int8 is quantize_dynamic with one scale per channel.

A Peer is a process of its own, pinned to as many cores as it has threads, that takes orders on standard input; the tokenizers
library's threads are counted by the environment, so they too are set there.
"""
import json
import os
import pathlib
import subprocess
import sys
import time
import warnings

FORMS = ["plain", "fused"]
LONGEST = 512


def load_torch(model):
    """Hugging Face's classifier with the second head beside it: ids and mask in, all logits out."""
    import torch
    import transformers
    from safetensors.torch import load_file
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    class TwoHeads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.base = transformers.BertForSequenceClassification.from_pretrained(model, dtype=torch.float32,
                                                                                   attn_implementation="eager")
            stored = load_file(pathlib.Path(model) / "model.safetensors")
            self.topic = None
            if "topic_classifier.weight" in stored:
                rows, width = stored["topic_classifier.weight"].shape
                self.topic = torch.nn.Linear(width, rows)
                self.topic.load_state_dict({name: stored[f"topic_classifier.{name}"].float() for name in ("weight", "bias")})

        def forward(self, input_ids, attention_mask):
            pooled = self.base.bert(input_ids=input_ids, attention_mask=attention_mask).pooler_output
            polarity = self.base.classifier(pooled)
            return polarity if self.topic is None else torch.cat([polarity, self.topic(pooled)], 1)

    return TwoHeads().eval()


def export(model, folder):
    """ONNX files of the model: {precision: {form: path}}.  Made again where the model is newer."""
    paths = {precision: {form: folder / f"{form}-{precision}.onnx" for form in FORMS} for precision in ("fp32", "int8")}
    made = [path for forms in paths.values() for path in forms.values()]
    newest = max(path.stat().st_mtime for path in pathlib.Path(model).iterdir())
    if all(path.exists() and path.stat().st_mtime > newest for path in made):
        return paths
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((pathlib.Path(model) / "config.json").read_text())
    ids = torch.randint(1000, 2000, (2, 16))
    free = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The exporter of TorchScript: ONNX Runtime's optimiser knows its patterns, and not yet those of the newer one.
        torch.onnx.export(load_torch(model), (ids, torch.ones_like(ids)), str(paths["fp32"]["plain"]), dynamo=False,
                          opset_version=17, input_names=["input_ids", "attention_mask"], output_names=["logits"],
                          dynamic_axes={"input_ids": free, "attention_mask": free})
    fused = optimizer.optimize_model(str(paths["fp32"]["plain"]), model_type="bert", num_heads=config["num_attention_heads"],
                                     hidden_size=config["hidden_size"], opt_level=0)
    fused.save_model_to_file(str(paths["fp32"]["fused"]))
    for form in FORMS:
        quantize_dynamic(str(paths["fp32"][form]), str(paths["int8"][form]), per_channel=True, weight_type=QuantType.QInt8,
                         extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})  # it knows no fused operation's type
    return paths


def make_tokenizer(model):
    from tokenizers import BertWordPieceTokenizer, Tokenizer
    config = pathlib.Path(model) / "tokenizer_config.json"
    lower = json.loads(config.read_text()).get("do_lower_case", True) if config.exists() else True
    bert = BertWordPieceTokenizer(str(pathlib.Path(model) / "vocab.txt"), lowercase=lower)
    tokenizer = Tokenizer.from_str(bert.to_str())  # which offers encode_batch_fast
    tokenizer.enable_truncation(LONGEST)
    return tokenizer


def padded(ids):
    """One batch: (input_ids, attention_mask) as wide as its longest text."""
    import numpy
    width = max(map(len, ids))
    rows = numpy.zeros((len(ids), width), numpy.int64)
    mask = numpy.zeros((len(ids), width), numpy.int64)
    for i, row in enumerate(ids):
        rows[i, :len(row)] = row
        mask[i, :len(row)] = 1
    return rows, mask


class Worker:
    """The process behind a Peer."""

    def __init__(self, model, threads):
        import onnxruntime
        self.runtime, self.threads = onnxruntime, threads
        self.tokenizer = make_tokenizer(model)
        self.sessions, self.texts = {}, {}

    def load(self, name, path):
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # Threads that spin after a run would take the core from who is measured next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        session = self.runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        # An optimised graph may have its inputs as int32.
        kinds = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
        self.sessions[name] = session, {i.name: kinds[i.type] for i in session.get_inputs()}

    def read(self, name, path):
        self.texts[name] = pathlib.Path(path).read_text(encoding="utf-8").split("\n")[:-1]

    def infer(self, session, ids):
        run, kinds = self.sessions[session]
        rows, mask = padded(ids)
        values = {"input_ids": rows, "attention_mask": mask}
        return run.run(None, {name: values[name].astype(kind, copy=False) for name, kind in kinds.items()})[0]

    def run(self, session, texts, batch, limit=None):
        """Seconds of tokenising and of the rest, sorted by length, in batches; and of the CPU for both."""
        chosen = self.texts[texts][:limit]
        began, cpu = time.perf_counter(), time.process_time()
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(chosen)]
        tokenised, cpu_tokenised = time.perf_counter(), time.process_time()
        ids.sort(key=len)
        for i in range(0, len(ids), batch):
            self.infer(session, ids[i:i + batch])
        ended = time.process_time()
        return {"tokenise": tokenised - began, "encode": time.perf_counter() - tokenised, "cpu": ended - cpu,
                "cpu encode": ended - cpu_tokenised, "texts": len(chosen)}

    def single(self, session, texts, count):
        """Seconds of one text alone, tokenised too: the median and the fastest of `count`, and the mean of the CPU's."""
        took, cpu = [], time.process_time()
        for text in self.texts[texts][:count]:
            began = time.perf_counter()
            self.infer(session, [self.tokenizer.encode(text).ids])
            took.append(time.perf_counter() - began)
        took.sort()
        return {"median": took[len(took) // 2], "best": took[0], "cpu": (time.process_time() - cpu) / len(took)}

    def logits(self, session, texts):
        """In the texts' order."""
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(self.texts[texts])]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        result = [None] * len(ids)
        for i in range(0, len(order), 32):
            part = order[i:i + 32]
            for place, row in zip(part, self.infer(session, [ids[j] for j in part])):
                result[place] = row.tolist()
        return result

    def serve(self):
        for line in sys.stdin:
            order = json.loads(line)
            print(json.dumps(getattr(self, order.pop("do"))(**order)), flush=True)


class Peer:
    def __init__(self, model, threads):
        cpus = sorted(os.sched_getaffinity(0))[:threads]
        environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true")
        self.process = subprocess.Popen([sys.executable, __file__, str(model), str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def __call__(self, do, **arguments):
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peer ended in {do} {arguments}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


if __name__ == "__main__":
    Worker(sys.argv[1], int(sys.argv[2])).serve()
