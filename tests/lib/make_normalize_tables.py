#!/usr/bin/env python3
"""Write model/normalize_tables.c: what the reference tokeniser does with each code point.

The reference is the PyPI package `tokenizers`.  It is asked, code point by
code point, what its BERT normaliser and pre-tokeniser do; the answers are
compressed into ranges.  Run it when the reference changes its Unicode tables:

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install tokenizers
    /tmp/venv/bin/python tests/lib/make_normalize_tables.py > model/normalize_tables.c
"""
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)


def bert(**on):
    steps = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**(steps | on)).normalize_str


clean, spaced, stripped = bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True)
lowered, nfd = normalizers.Lowercase().normalize_str, normalizers.NFD().normalize_str
split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str


def ranges(code_points):
    out = []
    for c in code_points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


# One character of each combining class (U+0345 has the highest, 240) that the reference knows as well.
CLASSES = {240: "\u0345"}
for c in range(0x300, 0x1E000):
    if unicodedata.combining(chr(c)) and nfd("\u0345" + chr(c)) != "\u0345" + chr(c):
        CLASSES.setdefault(unicodedata.combining(chr(c)), chr(c))


def combining(c):
    """The reference's own combining class of a character that decomposes to itself."""
    below = [v for v, mark in CLASSES.items() if nfd(chr(c) + mark) != chr(c) + mark]
    above = [v for v, mark in CLASSES.items() if nfd(mark + chr(c)) != mark + chr(c)]
    if not below and not above:
        return 0
    return next(v for v in CLASSES if v not in below and v not in above)


def lower_runs(pairs):
    """(first, last, stride, delta): every stride-th code point from first to last moves by delta."""
    runs = []
    for c, to in pairs:
        if runs and runs[-1][3] == to - c and (
            c - runs[-1][1] == runs[-1][2] or (runs[-1][0] == runs[-1][1] and c - runs[-1][1] <= 2)
        ):
            runs[-1][2] = c - runs[-1][1]
            runs[-1][1] = c
        else:
            runs.append([c, c, 1, to - c])
    return runs


def merged(exact):
    """Join ranges over gaps of assigned characters: their decompositions can never change."""
    out = []
    for first, last in exact:
        if out and all(unicodedata.category(chr(c)) != "Cn" for c in range(out[-1][1], first)):
            out[-1][1] = last
        else:
            out.append([first, last])
    return out


def emit(type_, name, comment, rows):
    print(f"\n/* {comment} */\nconst struct {type_} {name}[] = {{")
    line = "\t"
    for row in rows:
        cell = "{" + ", ".join(str(v) if i >= 2 else f"0x{v:x}" for i, v in enumerate(row)) + "}, "
        if len(line) + len(cell) > 112:
            print(line.rstrip())
            line = "\t"
        line += cell
    print(line.rstrip())
    print(f"}};\nconst size_t {name}_count = sizeof {name} / sizeof {name}[0];")


def main():
    around = lambda step, c: step("a" + chr(c) + "b")
    own = [c for c in CODE_POINTS if nfd(chr(c)) == chr(c)]
    marks = [c for c in own if around(stripped, c) == "ab"]
    classes = {c: combining(c) for c in own if unicodedata.category(chr(c))[0] in "MC" or c in marks}
    is_mark = set(marks)
    decomposed = [c for c in CODE_POINTS if nfd(chr(c)) != chr(c) and c not in HANGUL]
    pairs = [(c, lowered(chr(c))) for c in CODE_POINTS if lowered(chr(c)) != chr(c)]
    assert [(c, t) for c, t in pairs if len(t) > 1] == [(0x130, "i\u0307")]

    print(
        "/*\n * What the reference tokeniser does with each code point, as ranges.  Its parts follow different versions of\n"
        " * Unicode, older and newer than any one library's, so the tables are its own.\n *\n"
        f" * Written by tests/lib/make_normalize_tables.py from tokenizers {tokenizers.__version__}; do not edit.\n */\n"
        '#include "model/normalize_tables.h"'
    )
    emit("code_range", "normalize_dropped", "Control, format and private characters, NUL, U+FFFD.",
         ranges(c for c in CODE_POINTS if around(clean, c) == "ab"))
    emit("code_range", "normalize_spaces", "Read as a blank.",
         ranges(c for c in CODE_POINTS if around(clean, c) == "a b"))
    emit("code_range", "normalize_ideographs", "Words of their own.",
         ranges(c for c in CODE_POINTS if around(spaced, c) != "a" + chr(c) + "b"))
    emit("code_range", "normalize_punctuation", "Words of their own, too.",
         ranges(c for c in CODE_POINTS if len(around(split, c)) == 3))
    emit("code_range", "normalize_marks", "Accents that stripping removes: combining class not 0.",
         ranges(c for c in marks if classes.get(c, 0)))
    emit("code_range", "normalize_starter_marks", "Accents that stripping removes: combining class 0.",
         ranges(c for c in marks if not classes.get(c, 0)))
    emit("order_range", "normalize_orders", "Marks that stay, and their combining class.",
         [[first, last, v] for v in sorted(set(classes.values()) - {0})
          for first, last in ranges(c for c in classes if classes[c] == v and c not in is_mark)])
    emit("code_range", "normalize_decomposed", "Where canonical decompositions lie, without Hangul syllables.",
         merged(ranges(decomposed)))
    emit("lower_run", "normalize_lower", "Lower case by char::to_lowercase: first, last, stride, delta; without U+0130.",
         lower_runs([(c, ord(t)) for c, t in pairs if len(t) == 1]))


main()
