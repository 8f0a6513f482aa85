"""The bench's figures as pictures."""
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

COLOURS = {"bellwether fp32": "#1f4e79", "bellwether bf16": "#2e8b57", "bellwether int8": "#c0392b",
           "bellwether auto": "#e67e22", "ONNX Runtime fp32": "#8fa7bf", "ONNX Runtime int8": "#dba9a3"}


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    print(f"plot: {path}")


def throughput(bench):
    figure, axes = pyplot.subplots(1, len(bench.cases), figsize=(6.5 * len(bench.cases), 4.5), squeeze=False)
    for axis, case in zip(axes[0], bench.cases):
        names = [name for name in COLOURS if any(bench.results.find("throughput", case, threads, name, "texts/s")
                                                 for threads in bench.threads)]
        width = 0.8 / len(bench.threads)
        for i, threads in enumerate(bench.threads):
            rates = [bench.results.find("throughput", case, threads, name, "texts/s") or 0 for name in names]
            places = [place + (i - (len(bench.threads) - 1) / 2) * width for place in range(len(names))]
            bars = axis.barh(places, rates, width * 0.92, color=[COLOURS[name] for name in names], alpha=0.6 + 0.4 * i)
            axis.bar_label(bars, [f" {rate:,.0f}  ({threads} thread{'s' if threads > 1 else ''})" for rate in rates], fontsize=8)
        axis.set_yticks(range(len(names)), names)
        axis.invert_yaxis()
        axis.margins(x=0.25)
        axis.set_title(f"{case}: {bench.mean_tokens(case):.1f} tokens a text")
        axis.set_xlabel("texts a second, tokenised too")
        axis.spines[["top", "right"]].set_visible(False)
    save(figure, bench.out / "encoder-throughput.png")


def lines(axis, series, title, x, y):
    for name, points in series.items():
        axis.plot(*zip(*points), marker="o", markersize=4, label=name, color=COLOURS.get(name),
                  linestyle="-" if name.startswith("bellwether") else "--")
    axis.set_xscale("log", base=2)
    ticks = sorted({place for points in series.values() for place, _ in points})
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.set_ylim(0, 1.4 * max(value for points in series.values() for _, value in points))  # the legend's place
    axis.set_title(title)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False, loc="upper left", ncols=2)


def curves(bench):
    figure, axes = pyplot.subplots(1, 3, figsize=(18, 5))
    results = bench.results
    lines(axes[0], results.series("texts a call", "texts/s"), "Texts of one call (headlines)",
          "texts a call (ONNX Runtime: batch, sorted by length)", "texts a CPU second")
    lines(axes[1], results.series("tokens a text", "tokens/s"), "Length of a text", "tokens a text",
          "tokens a CPU second")
    series = results.series("model", "GOP/s")
    sizes = [size for size, _ in next(iter(series.values()))]
    width = 0.8 / len(series)
    for i, (name, points) in enumerate(series.items()):
        places = [place + (i - (len(series) - 1) / 2) * width for place in range(len(sizes))]
        bars = axes[2].bar(places, [value for _, value in points], width * 0.92, label=name, color=COLOURS.get(name))
        rates = [f"{rate:,.0f}/s" for _, rate in results.series("model", "texts/s")[name]]
        axes[2].bar_label(bars, rates, fontsize=8, padding=2)
    axes[2].set_xticks(range(len(sizes)), sizes)
    axes[2].set_title("Size of the model (on the bars: headlines a second)")
    axes[2].set_ylabel("GOP of the matrix products a CPU second")
    axes[2].spines[["top", "right"]].set_visible(False)
    axes[2].legend(fontsize=8, frameon=False)
    save(figure, bench.out / "encoder-curves.png")
