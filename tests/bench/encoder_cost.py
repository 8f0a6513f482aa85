"""What a forward pass has to compute, and what the machine could compute at most."""
import json
import pathlib
import subprocess

import encoder_bellwether as bellwether


def operations(model, lengths):
    """Multiplications and additions of the matrix products for texts of these many tokens, as model/encoder.c runs them.

    With [CLS] pooling the last layer needs all tokens for keys and values alone; the rest of it is done for one row a text.
    Softmax, norms and activations are not counted: the share of the peak is that of the products.
    """
    config = json.loads((pathlib.Path(model) / "config.json").read_text())
    hidden, wide, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    outputs = 3 + len(config.get("topic_labels", []))
    square, feed = 2 * hidden * hidden, 2 * 2 * hidden * wide
    total = 0
    for length in lengths:
        attention = 2 * 2 * hidden * length  # of one query: its products with keys, then with values
        row = 4 * square + feed + attention
        if config.get("pooling") == "mean":
            total += layers * length * row
        else:
            total += (layers - 1) * length * row + length * 2 * square + (2 * square + feed + attention) + square
        total += 2 * hidden * outputs
    return total


class Peaks:
    """bench_peak's table, the best of every time it was run: {(instruction, registers): (precision, one core, all cores)}."""

    def __init__(self):
        self.loops, self.skipped, self.cores, self.clock = {}, [], 1, 0

    def measure(self):
        done = subprocess.run([bellwether.PROGRAM.parent / "bench_peak"], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return
        first, _, *lines = done.stdout.splitlines()
        self.clock = max(self.clock, float(first.split(":")[1].split()[0]))
        self.cores = int(first.split(";")[1].split()[0])
        self.skipped = []
        for line in lines:
            instruction, registers, precision, *rest = line.split()
            if rest[0] == "skipped:":
                self.skipped.append(f"{instruction} {registers}: {' '.join(rest[1:])}")
                continue
            one, every = float(rest[0]), float(rest[1])
            _, old_one, old_every = self.loops.get((instruction, registers), (precision, 0, 0))
            self.loops[instruction, registers] = precision, max(one, old_one), max(every, old_every)

    def of(self, precision, threads):
        """(instruction, GOP/s) of the best loop; bf16 may also be widened and multiplied as fp32."""
        kinds = ("bf16", "fp32") if precision == "bf16" else (precision,)
        found = [(one, every, name) for name, (kind, one, every) in self.loops.items() if kind in kinds]
        if not found:
            return None, None
        one, every, name = max(found)
        return " ".join(name), one if threads == 1 else every * threads / self.cores

    def disturbed(self):
        """Loops that all cores together never ran undisturbed; their peak, and so a share of it, means nothing."""
        return [" ".join(name) for name, (_, one, every) in self.loops.items() if every < 0.75 * one * self.cores]
