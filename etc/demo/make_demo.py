#!/usr/bin/env python3
"""Writes history.jsonl and day.jsonl: two quiet weeks and a day with a crisis, among companies that do not exist.

    make_demo.py            writes both beside itself
    make_demo.py --check    exit 1 where the committed files differ from what this writes

Everything is drawn from a seeded generator, so the files are the same on every machine.
"""

import datetime
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
DAY = datetime.datetime(2026, 3, 17, tzinfo=datetime.timezone.utc)

WIRES = ["Meridian Wire", "The Harbour Ledger", "Northgate Business", "Capital Dispatch", "Evening Courier"]
PEOPLE = ["@ledgerlines", "@quietbear", "@yieldhound", "@marina_trades", "@tapewatcher", "@oldbroker", "@coupon_clip",
          "@deskside", "@halfpastnine", "@smallcapsue"]

# name, cashtag, what it makes
COMPANIES = [
    ("Halberd Bank", "$HLBD", "lender"), ("Northwind Airlines", "$NWND", "carrier"),
    ("Corvane Motors", "$CRVN", "carmaker"), ("Lumenta Energy", "$LMTA", "utility"),
    ("Tessaly Foods", "$TSSF", "food maker"), ("Orrin Semiconductors", "$ORRN", "chipmaker"),
    ("Pallister Retail", "$PLST", "retailer"), ("Grayline Logistics", "$GRLN", "shipper"),
]

NEUTRAL = [
    "{name} to report quarterly results on {weekday}", "{name} names new head of investor relations",
    "{name} schedules annual meeting for May", "{name} files prospectus for {amount} million notes",
    "{name} to present at spring industry conference", "{name} keeps full-year outlook unchanged",
    "{name} opens second office in the harbour district", "{name} board to vote on auditor next month",
    "{name} completes move to new headquarters", "{name} and union to hold second round of talks",
    "The {kind} {name} publishes its sustainability report", "{name} appoints two directors to the board",
    "{tag} trading in a narrow range this morning", "Anyone following {tag} into the print on {weekday}?",
    "{tag} conference call moved to {weekday} 10am", "Reading the {name} annual report so you do not have to",
]
POSITIVE = [
    "{name} profit rises {percent} percent as costs fall", "{name} raises dividend for the third year",
    "{name} wins {amount} million contract", "{name} lifts full-year forecast after strong quarter",
    "Analysts upgrade {name} to buy on improving margins", "{name} shares climb after record sales",
    "{name} beats estimates, announces buyback", "{tag} breaking out, great quarter and the guide was even better",
    "Added more {tag} today, balance sheet keeps getting stronger", "{tag} up {percent}% on the contract win, well deserved",
]
NEGATIVE = [
    "{name} shares slip after cautious broker note", "{name} profit falls {percent} percent on weak demand",
    "{name} cuts outlook, citing higher costs", "{name} recalls product line over labelling fault",
    "Broker downgrades {name} to sell", "{name} to close plant, {amount} jobs at risk",
    "{tag} down {percent}% and no buyers in sight", "Sold my {tag}, the numbers were a disappointment",
]
MARKET = [
    "Stocks end mixed as traders await inflation figures", "Central bank leaves rates unchanged, signals patience",
    "Oil slips on larger inventories", "Gold steady ahead of jobs report", "Treasury yields edge higher in quiet trade",
    "Exporters gain as currency weakens", "Small caps outperform for a fourth session", "Copper climbs on supply worries",
    "Bond sale draws strong demand", "Manufacturing survey points to modest growth", "Volatility index near a yearly low",
    "What are you all watching today?", "Slow tape. Coffee.", "Earnings season starts in earnest on {weekday}",
]

# The crisis: minutes after midnight of the day, and what was written.
CRISIS = [
    (761, "@quietbear", "Hearing that Halberd Bank is refusing withdrawals at two branches. Not good. $HLBD"),
    (768, "Northgate Business", "Halberd Bank customers report failed withdrawals, shares drop"),
    (771, "@tapewatcher", "$HLBD down 9% in ten minutes, something is badly wrong there"),
    (775, "Meridian Wire", "Halberd Bank halts withdrawals at some branches, citing system failure"),
    (777, "The Harbour Ledger", "Halberd Bank halts withdrawals at some branches, citing system failure"),
    (779, "Capital Dispatch", "Halberd Bank halts withdrawals at some branches citing system failure"),
    (784, "@marina_trades", "System failure my foot. $HLBD is in serious trouble"),
    (790, "Meridian Wire", "Halberd Bank shares plunge 21 percent on liquidity fears"),
    (793, "@oldbroker", "Queues outside Halberd Bank on Mill Street, people want their money out $HLBD"),
    (801, "Evening Courier", "Queues form outside Halberd Bank branches as savers fear losses"),
    (806, "Northgate Business", "Regulator says it is in urgent contact with Halberd Bank over liquidity"),
    (812, "Meridian Wire", "Halberd Bank sought emergency loan last week, sources say"),
    (815, "Capital Dispatch", "Exclusive: Halberd Bank hid losses on property loans for two years"),
    (818, "@yieldhound", "If Halberd hid property losses this goes to zero. $HLBD"),
    (825, "Meridian Wire", "Rating agency cuts Halberd Bank to junk, warns of further downgrade"),
    (829, "@deskside", "Junk. $HLBD bonds at 61 and falling"),
    (836, "The Harbour Ledger", "Halberd Bank finance chief resigns amid probe into loan losses"),
    (841, "Evening Courier", "Prosecutors open fraud investigation into Halberd Bank"),
    (848, "Northgate Business", "Trading in Halberd Bank shares suspended after 34 percent collapse"),
    (855, "@coupon_clip", "Suspended. Never seen a lender fall apart this fast $HLBD"),
    (870, "Meridian Wire", "Rival lenders slide on fears of contagion from Halberd Bank"),
    (884, "Capital Dispatch", "Halberd Bank faces class action over concealed losses"),
    (903, "Evening Courier", "Savers' group accuses Halberd Bank of misleading customers"),
    (931, "Meridian Wire", "Halberd Bank warns of material loss in first quarter"),
    (958, "Northgate Business", "Ministers criticise Halberd Bank board over failed oversight"),
    (1002, "The Harbour Ledger", "Central bank offers Halberd Bank liquidity line"),
    (1046, "Meridian Wire", "Halberd Bank says all withdrawals restored, deposits guaranteed"),
    (1110, "Capital Dispatch", "Deposit insurer: Halberd Bank savers will be paid in full"),
]


def fill(rng, text, company):
    name, tag, kind = company
    return text.format(name=name, tag=tag, kind=kind, weekday=rng.choice(["Monday", "Tuesday", "Wednesday", "Thursday"]),
                       amount=rng.choice([40, 75, 120, 180, 250, 310]), percent=rng.randint(2, 14))


def background(rng, day, per_day, last_bad):
    """Documents of one day: few at night, most in business hours.  A company's bad news comes days apart."""
    for _ in range(per_day):
        hour = rng.choices(range(24), weights=[1] * 6 + [3, 6, 10, 12, 11, 10, 9, 10, 11, 11, 9, 7, 5, 3, 2, 2, 1, 1])[0]
        at = day + datetime.timedelta(hours=hour, minutes=rng.randrange(60), seconds=rng.randrange(60))
        company = rng.choice(COMPANIES)
        kind = rng.choices(["market", "neutral", "positive", "negative"], weights=[30, 38, 22, 10])[0]
        if kind == "negative" and abs((at - last_bad.get(company, DAY - datetime.timedelta(days=99))).days) < 2:
            kind = "neutral"
        elif kind == "negative":
            last_bad[company] = at
        text = {"market": MARKET, "neutral": NEUTRAL, "positive": POSITIVE, "negative": NEGATIVE}[kind]
        title = fill(rng, rng.choice(text), company)
        social = title.startswith("$") or "$" in title or title[0].islower() or rng.random() < 0.2
        yield at, rng.choice(PEOPLE if social else WIRES), title


def write(path, rows, check):
    rows.sort(key=lambda row: row[0])
    lines = []
    for number, (at, publisher, title) in enumerate(rows):
        slug = f"{path.stem}-{number:04d}"
        lines.append(json.dumps({"id": slug, "published": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "source": publisher,
                                 "title": title, "url": f"https://news.example/{slug}"}, ensure_ascii=False))
    text = "\n".join(lines) + "\n"
    if check:
        return path.exists() and path.read_text(encoding="utf-8") == text
    path.write_text(text, encoding="utf-8")
    print(f"{path.name}: {len(lines)} documents")
    return True


def main():
    check = "--check" in sys.argv[1:]
    rng = random.Random(20260317)
    last_bad = {}
    week = [row for back in range(14, 0, -1) for row in background(rng, DAY - datetime.timedelta(days=back), 160, last_bad)]
    day = list(background(rng, DAY, 220, last_bad))
    day += [(DAY + datetime.timedelta(minutes=minute, seconds=rng.randrange(60)), who, text) for minute, who, text in CRISIS]
    same = [write(HERE / "history.jsonl", week, check), write(HERE / "day.jsonl", day, check)]
    return 0 if all(same) else 1


sys.exit(main())
