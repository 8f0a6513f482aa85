"""Texts for the benches: real ones where the data's folder is there, else made up of the model's own words.

Real texts are not part of the project: polarity_train.tsv.gz (columns source, label, text) and topic_train_dedup.tsv.gz
(label, id, text) in the folder `labelled` of BELLWETHER_DATA.  Its headlines are the rows whose source is sentfin.
"""
import gzip
import pathlib
import random

HEADLINES = "sentfin"


def read_rows(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
        names = file.readline().rstrip("\n").split("\t")
        for line in file:
            row = dict(zip(names, line.rstrip("\n").split("\t")))
            if row.get("text", "").strip() and "\r" not in row["text"]:
                yield row


class Texts:
    def __init__(self, data, model):
        folder = pathlib.Path(data or "/nonexistent") / "labelled"
        self.real = (folder / "polarity_train.tsv.gz").exists()
        self.folder, self.model = folder, pathlib.Path(model)

    def headlines(self, count):
        """`count` texts of about 15 tokens, shuffled, so that the first some are like all."""
        if not self.real:
            return self.made_up(count, 5, 18)
        found = [row["text"] for row in read_rows(self.folder / "polarity_train.tsv.gz") if row["source"] == HEADLINES]
        found = found[:count]
        random.Random(1).shuffle(found)
        return found

    def varied(self, count):
        """`count` different texts of all sources, in an order that is always the same."""
        if not self.real:
            return self.made_up(count, 4, 60)
        found = {row["text"] for name in ("polarity_train.tsv.gz", "topic_train_dedup.tsv.gz")
                 for row in read_rows(self.folder / name)}
        found = sorted(found)
        random.Random(1).shuffle(found)
        return found[:count]

    def made_up(self, count, fewest, most):
        """Words of the vocabulary, frequent ones often: lower ids are the more frequent in BERT's vocabularies."""
        vocabulary = (self.model / "vocab.txt").read_text(encoding="utf-8").split("\n")
        words = [word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 1]
        rnd = random.Random(1)
        return [" ".join(words[int(len(words) * rnd.random() ** 3)] for _ in range(rnd.randrange(fewest, most))).capitalize()
                for _ in range(count)]


def joined(texts, tokens, count, tokenizer):
    """`count` texts of `tokens` tokens or a few less, with [CLS] and [SEP]: texts joined, and cut after a whole word."""
    result, i = [], 0
    while len(result) < count:
        text = ""
        while True:
            text = f"{text} {texts[i % len(texts)]}".lstrip()
            i += 1
            encoding = tokenizer.encode(text)
            if len(encoding.ids) >= tokens:
                break
        # The word that holds the token at which [SEP] must stand is the first one too many.
        word = encoding.word_ids[tokens - 1]
        if len(encoding.ids) > tokens and word is not None:
            text = text[:encoding.offsets[encoding.word_ids.index(word)][0]].rstrip()
        result.append(text or texts[i % len(texts)])
    return result


def as_lines(texts):
    return "".join(text.replace("\n", " ") + "\n" for text in texts).encode("utf-8")
