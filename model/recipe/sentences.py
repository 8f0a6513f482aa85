#!/usr/bin/env python3
"""Made-up sentences with a polarity, to train on: what company reports, headlines and posts say of companies that do not exist.

    sentences.py --count 6000 --seed 1 --out weak.tsv --held-out weak-held-out.tsv

The templates stand in reports.txt, headlines.txt and posts.txt beside this program.  Whole templates, one in ten, go to the
held-out file alone, so that it tells what was learnt from what was learnt by heart.  Columns: source, label, text.

A template is a line "label | text".  In the text [a|b] is one of a and b (either may be empty), and {slot} is what fill()
makes of it.  The label `direction` stands for a sentence of a measure that moves: better or worse, by which measure it is
and where it goes.  The same seed writes the same files everywhere.
"""

import argparse
import hashlib
import pathlib
import random
import re

HERE = pathlib.Path(__file__).resolve().parent
# source: (templates, share of the sentences, shares of positive, negative, neutral, direction)
KINDS = {
    "reports": (0.42, (0.20, 0.14, 0.40, 0.26)),
    "headlines": (0.36, (0.30, 0.28, 0.28, 0.14)),
    "posts": (0.22, (0.40, 0.34, 0.20, 0.06)),
}
LABELS = ("positive", "negative", "neutral", "direction")
HELD_OUT = 10  # one template in so many

ONSETS = "b br c ch d dr f fl g gr h j k kl l m n p pr qu r s sh st t th tr v w z".split()
VOWELS = "a e i o u a e o ai ea ie oa".split()
CODAS = "l n r s th nd rn lt ck m x v ng rk".split() + [""] * 6
ENDS = "a o ex on is en ia um ane or iva ent ora eth ari".split()

GROUPS = {
    "fi": "Oyj|Oy|Group|Corporation|Plc|Abp|AB||||".split("|"),
    "in": "Industries|Ltd|Motors|Cements|Pharma|Bank|Infra|Steel|Power|Finance|Labs|Textiles||||".split("|"),
    "us": "Inc|Corp|Holdings|Therapeutics|Energy|Brands|Software|Airlines|Semiconductor||||||".split("|"),
    "uk": "plc|Group|Stores|Foods|Resources|Insurance|Homes||||||".split("|"),
}
CURRENCIES = {
    "fi": ("EUR {} mn", "EUR {}mn", "EUR {}m", "{} million euros", "EUR {} million", "{} mln euros", "EUR{}m"),
    "in": ("Rs {} crore", "Rs {} cr", "Rs {}-cr", "Rs. {} crore"),
    "us": ("${} million", "${}M", "USD {} mn", "${} bln", "${} billion", "${}B"),
    "uk": ("£{}m", "GBP {} mn", "£{} million", "£{}bn"),
}

# A measure with a star is no sum of money: the slot {m} takes any, {sum} those without.
GOOD = {
    "reports": """net sales|operating profit|net profit|pre-tax profit|profit before taxes|turnover|revenue|order intake|the order book
        |earnings per share*|EPS*|comparable operating profit|cash flow from operations|gross margin*|operating margin*|sales volumes*
        |diluted earnings per share*|profit for the period|EBITDA|EBIT|rental income|net interest income|deliveries*|the number of subscribers*
        |exports|market share*|the equity ratio*|passenger numbers*|return on capital*|production*|profitability*|capacity utilisation*|net asset value
        |like-for-like sales|advertising sales|the value of new orders|fee income|customer satisfaction*""",
    "headlines": """Q1 net|Q2 profit|Q3 net profit|Q4 net|quarterly profit|sales|revenue|margins*|earnings|exports|passenger traffic*|order book
        |deposits|loan growth*|same-store sales*|half-year profit|full-year earnings|bookings*|output*|user numbers*|standalone profit|EBITDA""",
    "posts": """revenue|EPS*|subs*|deliveries*|gross margin*|free cash flow|guidance|active users*|bookings*|same store sales""",
}
BAD = {
    "reports": """the operating loss|the net loss|the loss before taxes|the pre-tax loss|raw material costs|operating expenses|net debt
        |impairment losses|loan losses|credit losses|personnel expenses|restructuring costs|the number of unemployed*|interest expenses
        |energy costs|gearing*|the loss for the period|loss per share*|the vacancy rate*|warranty costs|days lost to accidents*|customer churn*""",
    "headlines": """Q1 loss|Q2 net loss|Q3 loss|bad loans|gross NPAs|debt|unemployment*|jobless claims*|inflation*|input costs|provisions|net loss
        |fuel costs|complaints*|defaults|insolvencies*|borrowing costs|slippages""",
    "posts": """cash burn|churn*|net loss|inventory|debt|short interest*|SG&A""",
}
UP = {
    "reports": """rose|increased|grew|climbed|went up|was up|improved|edged up|surged|jumped|advanced""",
    "headlines": """rises|up|jumps|climbs|surges|soars|grows|swells|zooms|gains|leaps|edges up""",
    "posts": """up|growing|rising|accelerating|higher|climbing""",
}
DOWN = {
    "reports": """fell|decreased|declined|dropped|went down|was down|shrank|slipped|diminished|contracted|sank""",
    "headlines": """falls|down|drops|slips|declines|plunges|slumps|dips|shrinks|tumbles|sinks|eases|slides""",
    "posts": """down|shrinking|falling|decelerating|lower|dropping""",
}
LISTS = {
    "city": "Tampere|Oulu|Turku|Espoo|Vantaa|Lahti|Riga|Tallinn|Gothenburg|Aarhus|Leeds|Pune|Chennai|Austin|Lodz|Bergen|Porto|Ghent",
    "country": "Finland|Sweden|Estonia|Poland|India|Brazil|Norway|Germany|China|Russia|Lithuania|Canada|Turkey|Spain|Chile|Vietnam",
    "sector": "bank|IT|auto|metal|pharma|FMCG|realty|oil & gas|telecom|energy|retail|mining|capital goods|chip|airline|power|cement|sugar",
    "business": """forest machinery|paper|lifts|pumps|steel products|food packaging|mobile software|fibre networks|construction|timber houses
        |dairy products|newspapers|sports watches|fishing gear|wind turbines|crane systems|medical lasers|office furniture|fertilisers|ship engines
        |payment services|bakery products|elevators|IT services|real estate|stainless steel|tyres|radio equipment|outdoor clothing""",
    "product": """generators|base stations|crane hooks|filters|paper machines|control systems|buses|boilers|containers|sensors|ferries|harvesters
        |diagnostic tests|turbines|log houses|payment terminals|conveyor lines|rolling stock|transformers|navigation maps|cement mills|lifts""",
    "commodity": "Gold|Silver|Copper|Crude|Natural gas|Zinc|Nickel|Lead|Cotton|Soybean|Turmeric|Jeera|Cardamom|Sugar|Wheat|Aluminium|Guar|Mentha oil|Chana|Rubber|Brent|Coffee",
    "index": "Sensex|Nifty|the FTSE|OMX Helsinki|the Dow|the S&P 500|the Nasdaq|the DAX|BSE Midcap index|Bank Nifty|the Nikkei|the Stoxx 600|the Hang Seng|Kospi",
    "period": """in the first quarter|in the second quarter|in the third quarter|in Q4|in January-March|in the first half|in 2009|in the fiscal year
        |in the review period|in the April-June period|in the first nine months|during the quarter|for the full year|in the October-December period|in July""",
    "earlier": """a year earlier|in the corresponding period|in the same period last year|a year ago|in the comparison period|the year before
        |in the corresponding quarter of 2008|in the previous quarter|in the prior-year period""",
    "before": """a year earlier|a year ago|the year before|the comparison period|the corresponding period|the previous quarter
        |the corresponding quarter of 2008|the prior-year period|the same period last year|the third quarter of 2009""",
    "broker": "Halcombe Securities|Merrin & Vale|Tarrow Capital|Isleworth Partners|Kestrane|Dunmere|Bhavnesh Broking|Oakhythe|Arvind Sethi|Motivane Research|Pellworth",
    "person": "Anneli Korvu|Mika Saarto|R. K. Bhandare|Ilkka Puronen|Susan Terrell|Vikram Dastane|Petra Lindvik|Tom Ashgrove|Jari Hemmilo|Meera Kolwal|Owen Strake",
    "title": "Chief Executive Officer|CEO|Chairman|Chief Financial Officer|President|Managing Director|Head of Investor Relations|Senior Vice President",
    "month": "January|February|March|April|May|June|July|August|September|October|November|December",
    "weekday": "Monday|Tuesday|Wednesday|Thursday|Friday",
    "agency": "Crestline Ratings|the rating agency|Fairmark|Ostrander Ratings",
    "unit": "division|subsidiary|business unit|segment|plant|mill|unit|arm",
    "link": "http://stks.co/{x}|http://chart.ly/{x}|https://t.co/{x}||||||",
}


def lists_of(table):
    return {kind: [word.strip() for word in words.split("|")] for kind, words in table.items()}


GOOD, BAD, UP, DOWN, LISTS = (lists_of(table) for table in (GOOD, BAD, UP, DOWN, LISTS))


class Sentence:
    """The choices of one sentence: a name or an amount that is told twice is the same both times."""

    def __init__(self, choose, kind):
        self.choose, self.kind = choose, kind
        self.group = choose.choice({"reports": ["fi", "fi", "fi", "us", "uk"], "headlines": ["in", "in", "us", "uk"],
                                    "posts": ["us"]}[kind])
        self.made, self.up, self.better = {}, choose.random() < 0.55, choose.random() < 0.72

    def label(self):
        return "positive" if self.up == self.better else "negative"

    def name(self):
        part = lambda: self.choose.choice(ONSETS) + self.choose.choice(VOWELS) + self.choose.choice(CODAS)
        return (part() + (part() if self.choose.random() < 0.4 else "") + self.choose.choice(ENDS)).capitalize()

    def company(self):
        form = self.choose.choice(GROUPS[self.group])
        return (self.name() + " " + form).strip()

    def money(self, value):
        if "currency" not in self.made:
            self.made["currency"] = self.choose.choice(CURRENCIES[self.group])
        form = self.made["currency"]
        if "cr" in form or value >= 1000:
            return form.format(f"{value:,.0f}")
        return form.format(f"{value:.1f}" if value < 300 else f"{value:.0f}")

    def amounts(self):
        if "least" not in self.made:
            self.made["least"] = 10 ** self.choose.uniform(0.2, 3)
            self.made["most"] = self.made["least"] * self.choose.uniform(1.04, 2.2)
        return self.made["least"], self.made["most"]

    def fresh(self, slot):
        choose, (low, high) = self.choose, self.amounts()
        stem = slot.rstrip("2")
        if stem in LISTS:
            return choose.choice(LISTS[stem])
        makers = {
            "co": self.company,
            "name": self.name,
            "tag": lambda: "$" + (re.sub("[aeiou]", "", self.name().lower())[:3] + choose.choice("qxvz")).upper(),
            "m": lambda: choose.choice((GOOD if self.better else BAD)[self.kind]).rstrip("*"),
            "sum": lambda: choose.choice([m for m in (GOOD if self.better else BAD)[self.kind] if not m.endswith("*")]),
            "good": lambda: choose.choice(GOOD[self.kind]).rstrip("*"),
            "bad": lambda: choose.choice(BAD[self.kind]).rstrip("*"),
            "moved": lambda: choose.choice((UP if self.up else DOWN)[self.kind]),
            "up": lambda: choose.choice(UP[self.kind]),
            "down": lambda: choose.choice(DOWN[self.kind]),
            "new": lambda: self.money(high if self.up else low),
            "old": lambda: self.money(low if self.up else high),
            "hi": lambda: self.money(high),
            "lo": lambda: self.money(low),
            "amount": lambda: self.money(10 ** choose.uniform(0.2, 2.7)),
            "pct": lambda: (f"{choose.uniform(0.3, 45):.1f}" if choose.random() < 0.5 else str(choose.randrange(2, 60)))
            + choose.choice(["%", "%", " %", " percent", " per cent"]),
            "few": lambda: f"{choose.uniform(0.1, 6):.1f}%",
            "n": lambda: f"{choose.randrange(2, 40) * choose.choice([1, 5, 10, 50, 100]):,}",
            "small": lambda: str(choose.randrange(2, 30)),
            "points": lambda: str(choose.randrange(20, 600)),
            "level": lambda: f"{choose.choice([5000, 7500, 8000, 10500, 17000, 18500, 25000, 28000, 34000]):,}",
            "price": lambda: str(choose.randrange(11, 900)),
            "day": lambda: str(choose.randrange(1, 29)),
            "year": lambda: str(choose.randrange(2005, 2027)),
            "x": lambda: "".join(choose.choice("abcdefghkmnpqrstuvwxyzABCDEFGH123456789") for _ in range(4)),
            "shares": lambda: f"{choose.randrange(1000, 90000000):,}",
        }
        return makers[stem]()

    def fill(self, template):
        text = re.sub(r"\[([^\[\]]*)\]", lambda found: self.choose.choice(found[1].split("|")), template)
        while "{" in text:
            text = re.sub(r"\{(\w+)\}", lambda found: self.slot(found[1]), text)
        text = re.sub(r" +", " ", text).strip()
        return text[:1].upper() + text[1:]

    def slot(self, slot):
        if slot in ("n", "pct", "few", "amount", "day", "x", "points", "price", "shares"):
            return self.fresh(slot)
        if slot not in self.made:
            self.made[slot] = self.fresh(slot)
        return self.made[slot]


def templates_read(kind):
    """{label: [templates]} to learn from, and the same of those that are held out."""
    learnt, held = {label: [] for label in LABELS}, {label: [] for label in LABELS}
    for number, line in enumerate((HERE / f"{kind}.txt").read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        label, bar, text = line.partition(" | ")
        if label not in LABELS or not bar:
            raise SystemExit(f"{kind}.txt:{number}: a line is \"label | text\"")
        digest = int(hashlib.sha256(text.encode()).hexdigest(), 16)
        (held if digest % HELD_OUT == 0 else learnt)[label].append(text)
    return learnt, held


def spaced(text):
    """As corpora that were cut into words write it: "EUR 3.1 mn , up 4 % ." """
    return re.sub(r"([,;:.!?)]|'s)(?= |$)", r" \1", text).replace("(", "( ").replace("%", " %").replace("  ", " ")


def sentences(choose, templates, kind, shares, count):
    made, tries = {}, 0
    while len(made) < count and tries < 20 * count:
        tries += 1
        label = choose.choices(LABELS, shares)[0]
        if not templates[label]:
            continue
        sentence = Sentence(choose, kind)
        text = sentence.fill(choose.choice(templates[label]))
        if kind == "reports":
            text += "" if text.endswith(".") else choose.choice([".", ".", ".", ""])
            text = spaced(text) if choose.random() < 0.4 else text
        made[text] = sentence.label() if label == "direction" else label
    return made


def write(count, seed):
    """Rows (source, label, text): those to learn from, and a tenth as many of the templates that are held out."""
    choose, learnt, held_out = random.Random(seed), [], []
    for kind, (share, shares) in KINDS.items():
        for rows, templates, part in zip((learnt, held_out), templates_read(kind), (1, HELD_OUT)):
            made = sentences(choose, templates, kind, shares, int(count * share / part))
            rows.extend((f"made-{kind}", label, text) for text, label in made.items())
    return learnt, held_out


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--count", type=int, default=6000)
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--out", required=True)
    parse.add_argument("--held-out", required=True)
    options = parse.parse_args()
    for path, rows in zip((options.out, options.held_out), write(options.count, options.seed)):
        with open(path, "w", encoding="utf-8") as out:
            out.write("source\tlabel\ttext\n")
            out.writelines("\t".join(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
