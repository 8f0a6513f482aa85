#!/usr/bin/env python3
"""Write tests/data/tokenizer: texts and the ids that the reference gives them.

The reference is BertWordPieceTokenizer of the PyPI package `tokenizers`:

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tokenizers
    /tmp/venv/bin/python tests/lib/make_tokenizer_fixture.py tests/data/tokenizer

vocab.txt     a small vocabulary, with the oddities that such files have
cases.tsv     text in hex TAB ids in lower case TAB ids as written
points.tsv    every code point between a prefix and a suffix, under a vocabulary
              of all single characters: CRC-32 of the ids (little-endian int32)
"""
import array
import pathlib
import random
import sys
import tempfile
import unicodedata
import zlib

from tokenizers import BertWordPieceTokenizer, normalizers

CODE_POINTS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

WORDS = """the of and to in profit rose fell shares plunge ##d ##s ##ing ##er after warning Zorvex zorvex zor ##vex
quarter ##ly un ##aff ##able strasse ##e cafe naive Tokio i istanbul 中 国 ##国 株 か カ 한 ##ᅡ ᄒ don ll 2024 20 ##24 $ ## ##x
aaaa ##aaaa a ##a résumé Résumé ##é""".split()

TEXTS = [
    "", " ", "\t\n\r", "\0", "\ufffd", "[CLS]", "[SEP] [MASK]", "a[MASK]b", "[mask]", "[[SEP]]", "[CLS", "[C\0LS]", "[UNK][PAD]",
    "The profit of Zorvex fell after warning.", "ZORVEX shares plunged", "unaffable", "quarterly", "don't we'll", "$ZRVX -12.5%",
    "résumé Résumé RÉSUMÉ", "re\u0301sume\u0301", "caf\u00e9\u0301", "naïve", "İstanbul Istanbul ı", "Straße STRASSE", "ΣΑΣ ς", "ﬁ ﬂ",
    "中国株かカ한하", "中国 株式", "日本a語", "한국", "\u1112\u1161", "\u1112\u1161\u11ab", "か\u3099 カ\u3099", "\u30ab\uff9e",
    "a\u00adb", "a\u200bb", "a\u200db", "a\u2028b", "a\u00a0b", "a\u3000b", "a\u0085b", "a\x0bb", "a\ufeffb", "a\u2060b",
    "a\u0301\u0323", "a\u0323\u0301", "\u0301", "\u302e\u302f", "a\U0001d165\u302e\u0334", "x\u0bcd\u0b95", "\u1e9b\u0323",
    "\u2260 \u226e \u037e \u0387 \u1fef \u2329", "€ £ ¥ ¢ ₿ ∑ ≤", "— – … ‘ ’ “ ” « »", "👨‍👩‍👧 🇩🇪 👍🏽 ❤️", "𝗕𝗥𝗘𝗔𝗞𝗜𝗡𝗚", "Ａ１！",
    "a" * 99, "a" * 100, "a" * 101, "é" * 100, "é" * 101, "e\u0301" * 100, "a" * 100 + "\u0301", "한" * 34, "a" * 100 + "\u200b" + "a", "a" * 5000,
    "\u302e" * 100, "\u302e" * 101, "\u302f" * 60 + "\u302e" * 41, "## ##x #x", "zorvexzorvex zorvexq", "2024 2025",
]
BYTES = [
    b"\xff", b"a\xffb", b"caf\xe9", b"\xc3", b"\xe2\x82", b"\xe2\x82A", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80",
    b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"a\x80\x80b", b"[CL\xffS]", b"a\xcc", b"\xf0\x9f\x98[MASK]", b"e\xcc\x81\xff\xcc\xa3",
]
AROUND = [("", ""), ("a", "b"), ("a\u302e\U0001d165", "\u302e\u3099\U0001d16d\u0327b"), ("\u00c9", "\u1100\u1161[SEP]")]


def generated(count):
    rnd = random.Random(7)
    marks = [c for c in CODE_POINTS if unicodedata.category(c)[0] == "M"]
    blocks = [range(a, b) for a, b in (
        (0x20, 0x7F), (0xA0, 0x250), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00), (0xE00, 0x1200), (0x1E00, 0x2000),
        (0x2000, 0x2C00), (0x3000, 0x3200), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xF900, 0xFB50), (0xFE00, 0x10000),
        (0x10000, 0x12000), (0x1D000, 0x1E000), (0x1F300, 0x1FB00), (0x20000, 0x30000), (0xE0000, 0xE01F0))]
    parts = [
        lambda: "".join(rnd.choice(CODE_POINTS) for _ in range(rnd.randrange(1, 5))),
        lambda: "".join(rnd.choice(marks) for _ in range(rnd.randrange(1, 5))),
        lambda: rnd.choice(SPECIALS + WORDS),
        lambda: " ",
        lambda: "".join(map(chr, rnd.choices(rnd.choice(blocks), k=rnd.randrange(1, 7)))),
    ]
    for _ in range(count):
        text = bytearray("".join(rnd.choice(parts)() for _ in range(rnd.randrange(1, 6))).encode("utf-8", "replace"))
        if rnd.random() < 0.2:
            text.insert(rnd.randrange(len(text) + 1), rnd.randrange(128, 256))
        yield bytes(text)


def make_vocab(texts):
    """Words, then every character that the normalisers leave of half of the texts, so that the ids tell them apart."""
    seen = {}
    for lower in (True, False):
        normal = normalizers.BertNormalizer(lowercase=lower)
        for text in texts[::2]:
            seen.update(dict.fromkeys(normal.normalize_str(text.decode("utf-8", "replace"))))
    lines = SPECIALS + WORDS + [p + c for c in sorted(seen) if not c.isspace() for p in ("", "##")]
    lines[8] += "\r"          # lines that end as on Windows
    lines[9] += " \t\u3000"   # blanks at the end
    lines.insert(20, "")      # an empty line
    lines.append("profit")    # a word that stands twice
    return "\n".join(lines) + "\n"


def points(tokenizers_):
    for prefix, suffix in AROUND:
        sums = []
        for tokenizer in tokenizers_:
            ids = array.array("i")
            for at in range(0, len(CODE_POINTS), 20000):
                for e in tokenizer.encode_batch([prefix + c + suffix for c in CODE_POINTS[at:at + 20000]]):
                    ids.extend(e.ids)
            sums.append(f"{zlib.crc32(ids.tobytes()):08x}")
        yield "\t".join([prefix.encode().hex(), suffix.encode().hex()] + sums)


def main():
    folder = pathlib.Path(sys.argv[1])
    texts = [t.encode() for t in TEXTS] + BYTES + list(generated(400))
    (folder / "vocab.txt").write_text(make_vocab(texts), encoding="utf-8", newline="")
    both = [BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=lower) for lower in (True, False)]
    with open(folder / "cases.tsv", "w") as out:
        for text in texts:
            ids = [" ".join(map(str, t.encode(text.decode("utf-8", "replace")).ids)) for t in both]
            print(text.hex(), *ids, sep="\t", file=out)

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="") as all_:
        all_.write("\n".join(SPECIALS + [c + "\n##" + c for c in CODE_POINTS if c != "\n"]) + "\n")
        all_.flush()
        both = [BertWordPieceTokenizer(all_.name, lowercase=lower) for lower in (True, False)]
        (folder / "points.tsv").write_text("\n".join(points(both)) + "\n")


main()
