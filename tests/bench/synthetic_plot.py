#!/usr/bin/env python3
"""Pictures of bench_synthetic's figures, as SVG: synthetic_plot.py FIGURES.tsv FOLDER

  synthetic-power.svg   share of topics found in time, by the factor of the change, beside the floors
  synthetic-budget.svg  alarms over the budget's, by kind of stream and rate
"""
import math
import os
import sys

COLOURS = {"bellwether": "#1f6f8b", "EARS C2": "#c0392b", "ratio": "#8e7cc3"}
WIDTH, HEIGHT, MARGIN = 260, 180, 42


def read(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def text(x, y, words, anchor="middle", size=11):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def page(width, height, parts):
    style = ("text{font-family:sans-serif;fill:#333}.axis{stroke:#999;stroke-width:1}"
             "@media(prefers-color-scheme:dark){text{fill:#ddd}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><style>{style}</style>'
            + "\n".join(parts) + "</svg>\n")


def frame(left, top, title):
    return [f'<path class="axis" fill="none" d="M{left},{top}v{HEIGHT}h{WIDTH}"/>',
            text(left + WIDTH / 2, top - 8, title, size=13)]


def power(rows):
    changes = {}
    for _, change, rate, detector, factor, share in rows:
        changes.setdefault(change, {}).setdefault(float(rate), {}).setdefault(detector, []).append((float(factor), float(share)))
    parts, columns, top = [], 3, 0
    for change, points in changes.items():
        top += 30
        parts.append(text(MARGIN, top, f"share of topics found, at one false alarm a month: {change}", "start", 15))
        top += 36
        for i, (rate, detectors) in enumerate(sorted(points.items())):
            parts += power_of_rate(MARGIN + i % columns * (WIDTH + MARGIN), top + i // columns * (HEIGHT + 60), rate, detectors, i == 0)
        top += (len(points) + columns - 1) // columns * (HEIGHT + 60)
    return page(MARGIN + columns * (WIDTH + MARGIN), top + 10, parts)


def power_of_rate(left, top, rate, detectors, legend):
    factors = [factor for factor, _ in next(iter(detectors.values()))]
    low, high = math.log(factors[0]), math.log(factors[-1])

    def place(factor):
        return left + WIDTH * (math.log(factor) - low) / (high - low)

    parts = frame(left, top, f"{rate:g} stories an hour")
    parts += [text(place(factor), top + HEIGHT + 16, f"{factor:g}x") for factor, before in zip(factors, [0, *factors])
              if not before or place(factor) - place(before) > 20]
    parts += [text(left - 6, top + HEIGHT * (1 - y) + 4, f"{y:g}", "end") for y in (0, 0.5, 1)]
    for n, (detector, series) in enumerate(detectors.items()):
        colour = COLOURS.get(detector, "#777")
        line = " ".join(f"{place(factor):.1f},{top + HEIGHT * (1 - share):.1f}" for factor, share in series)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{line}"/>')
        if legend:
            parts.append(f'<text x="{left + 8}" y="{top + 14 + 15 * n}" font-size="12" style="fill:{colour}">{detector}</text>')
    return parts


def budget(rows):
    points, columns = {}, 3
    parts = [text(MARGIN, 22, "alarms over the budget's, by stories an hour; budget: one a quarter (thick), a month, a week (thin)", "start", 15)]
    for _, kind, rate, days, ratio in sorted(rows, key=lambda row: float(row[2])):
        points.setdefault(kind, {}).setdefault(float(days), []).append((float(rate), float(ratio)))
    for i, (kind, lines) in enumerate(points.items()):
        left = MARGIN + i % columns * (WIDTH + MARGIN)
        top = 66 + i // columns * (HEIGHT + 70)
        rates = sorted({rate for series in lines.values() for rate, _ in series})
        place = {rate: left + WIDTH * (n + 0.5) / len(rates) for n, rate in enumerate(rates)}
        height = {y: top + HEIGHT * (1 - min(y, 2) / 2) for y in (0, 0.5, 1, 1.5, 2)}
        parts += frame(left, top, kind)
        parts += [text(x, top + HEIGHT + 16, f"{rate:g}", size=10) for rate, x in place.items()]
        parts += [text(left - 6, y + 4, f"{value:g}", "end") for value, y in height.items()]
        parts.append(f'<rect x="{left}" y="{height[1.5]}" width="{WIDTH}" height="{height[0.5] - height[1.5]}" '
                     'fill="#1f6f8b" opacity="0.12"/>')
        for n, (days, series) in enumerate(sorted(lines.items(), reverse=True)):
            line = " ".join(f"{place[rate]:.1f},{top + HEIGHT * (1 - min(ratio, 2) / 2):.1f}" for rate, ratio in series)
            parts.append(f'<polyline fill="none" stroke="#1f6f8b" stroke-width="{3 - n}" opacity="{1 - 0.25 * n}" points="{line}">'
                         f'<title>one alarm in {days:.0f} days</title></polyline>')
    rows_of_plots = (len(points) + columns - 1) // columns
    return page(MARGIN + columns * (WIDTH + MARGIN), rows_of_plots * (HEIGHT + 70) + 46, parts)


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    rows = read(sys.argv[1])
    for name, draw in (("power", power), ("budget", budget)):
        chosen = [row for row in rows if row[0] == name]
        if not chosen:
            continue
        path = os.path.join(sys.argv[2], f"synthetic-{name}.svg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(draw(chosen))
        print(f"plot: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
