#!/usr/bin/env python3
"""Compare `bellwether tokenize` with the reference tokeniser, on generated text of all Unicode and on files.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tokenizers
    /tmp/venv/bin/python tests/lib/compare_tokenizer.py --model DIR [--program build/bellwether] [--generated 200000]
                                                        [--seed 1] [FILE...]

Every line of the FILEs (text; .gz is unpacked) is a text.  Prints counts and the first differences; exit status 1 where
there is one.  The model's tokenizer_config.json decides the case.
"""
import argparse
import gzip
import json
import pathlib
import random
import subprocess
import sys
import unicodedata

from tokenizers import BertWordPieceTokenizer

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and c != 10]
MARKS = [c for c in CODE_POINTS if unicodedata.category(chr(c))[0] == "M"]
ORDERED = [c for c in CODE_POINTS if unicodedata.combining(chr(c))]
JAMO = [*range(0x1100, 0x1200), *range(0xAC00, 0xD7A4, 7)]
EMOJI = [*range(0x1F300, 0x1FAFF), 0x200D, 0xFE0F, 0x1F3FB, 0x20E3]
BLOCKS = [range(a, b) for a, b in (
    (0x20, 0x7F), (0xA0, 0x250), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00), (0xE00, 0x1200), (0x1E00, 0x2000),
    (0x2000, 0x2C00), (0x3000, 0x3200), (0x3400, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A4), (0xF900, 0xFB50),
    (0xFE00, 0x10000), (0x10000, 0x12000), (0x16000, 0x17000), (0x1D000, 0x1F000), (0x1F000, 0x20000), (0x20000, 0x30000),
    (0xE0000, 0xE01F0))]
WORDS = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[cls]", "[CLS", "[[SEP]]", "##", "[unused1]", "naïve", "İstanbul",
         "ΣΑΣ", "straße", "ﬁ", "Việt Nam", "don’t", "U.S.-led", "$ZRVX", "№", "½", "한국어", "日本語カナ", "हिन्दी", "العَرَبِيَّة"]


def part(rnd):
    pick = rnd.randrange(12)
    some = lambda points, most: "".join(map(chr, rnd.choices(points, k=rnd.randrange(1, most))))
    if pick < 5:
        return some((CODE_POINTS, MARKS, ORDERED, JAMO, EMOJI)[pick], 8)
    if pick == 5:
        return rnd.choice(WORDS)
    if pick == 6:
        return chr(rnd.choice(CODE_POINTS)) * rnd.choice((2, 50, 99, 100, 101))
    if pick == 7:
        return rnd.choice(" \t\r\0\x0b\x85\xa0\u200b\u2028\ufffd\u00ad\u200d")
    return some(rnd.choice(BLOCKS), 12)


def generated(count, seed):
    rnd = random.Random(seed)
    for _ in range(count):
        text = bytearray("".join(part(rnd) for _ in range(rnd.randrange(1, 9))).encode("utf-8", "replace"))
        if text and rnd.random() < 0.15:  # break it
            text[rnd.randrange(len(text))] = rnd.randrange(128, 256)
        yield bytes(text)


def lines_of(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        yield from (line.rstrip(b"\n") for line in file)


def compare(name, texts, program, model, reference):
    out = subprocess.run([program, "tokenize", "--model", str(model)], input=b"".join(t + b"\n" for t in texts),
                         stdout=subprocess.PIPE, check=True).stdout.split(b"\n")[:-1]
    if len(out) != len(texts):
        sys.exit(f"{name}: {len(texts)} texts, {len(out)} lines")
    expected = reference.encode_batch([t.decode("utf-8", "replace") for t in texts])
    wrong = [(t, mine, e.ids) for t, mine, e in zip(texts, out, expected) if [int(i) for i in mine.split()] != e.ids]
    for text, mine, ids in wrong[:5]:
        print(f"differs: {text!r}\n  {mine.decode()}\n  {' '.join(map(str, ids))}")
    print(f"{name}: {len(texts)} texts, {len(wrong)} different")
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description="Compare bellwether tokenize with the reference")
    parser.add_argument("--program", default="build/bellwether")
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--generated", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()

    config = args.model / "tokenizer_config.json"
    lower = json.loads(config.read_text()).get("do_lower_case", True) if config.exists() else True
    reference = BertWordPieceTokenizer(str(args.model / "vocab.txt"), lowercase=lower)
    wrong = compare("generated", list(generated(args.generated, args.seed)), args.program, args.model, reference)
    for path in args.files:
        wrong += compare(path, list(lines_of(path)), args.program, args.model, reference)
    sys.exit(1 if wrong else 0)


main()
