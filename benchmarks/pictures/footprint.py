"""Start-up and memory beside the peers."""

from __future__ import annotations

import statistics
from typing import Any

from matplotlib import pyplot as plt

from pictures.schemes import BASELINE, LABELS, WIDTH, Scheme, apart

START = "start to first vector, ms"
PRIVATE = "private, MB"
PSS = "sum of Pss, MB"
TITLES = {START: "Process start to first vector, ms", PRIVATE: "Private memory after that, MB"}


def draw_footprint(results: dict[str, Any], scheme: Scheme) -> Any:
    """Draw start-up, private memory, and the memory of several processes that share a model."""
    figure: Any = plt.figure(figsize=(WIDTH, 5.4), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.2, 1))
    _fresh_processes(above, results, scheme)
    _several_processes(below.subplots(), results, scheme)
    return figure


def draw_multilingual(results: dict[str, Any], scheme: Scheme) -> Any:
    """Draw start-up and private memory with a large multilingual model."""
    figure = plt.figure(figsize=(WIDTH, 2.5), layout="constrained")
    _fresh_processes(figure, results, scheme)
    return figure


def _fresh_processes(figure: Any, results: dict[str, Any], scheme: Scheme) -> None:
    measured = results["fresh processes"]
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.07})
    medians = {
        column: {name: statistics.median(values) for name, values in measured[column].items()}
        for column in TITLES
    }
    names = sorted(medians[START].keys() - {BASELINE}, key=medians[START].__getitem__, reverse=True)
    for panel, (column, title) in zip(panels, TITLES.items(), strict=True):
        of = medians[column]
        colours = [scheme.contenders["m2v_lite" if "m2v_lite" in name else "model2vec"] for name in names]
        bars = panel.barh([LABELS[name] for name in names], [of[name] for name in names], color=colours)
        panel.bar_label(bars, [f"{of[name]:,.0f}" for name in names], padding=3)
        line = panel.axvline(of[BASELINE], color=scheme.text, linewidth=1, linestyle=(0, (3, 2)))
        panel.tick_params("y", length=0)
        panel.grid(axis="x")
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.locator_params(axis="x", nbins=4)
        panel.margins(x=0.14)
        panel.set_title(title)
    baseline = f"{BASELINE}: {medians[START][BASELINE]:.0f} ms, {medians[PRIVATE][BASELINE]:.0f} MB"
    figure.legend([line], [baseline], loc="outside lower right")


def _several_processes(panel: Any, results: dict[str, Any], scheme: Scheme) -> None:
    texts, measured = list(results["processes with one model"].items())[-1]
    sums = {
        name: {int(number): figures[PSS] for number, figures in by_number.items()}
        for name, by_number in measured.items()
    }
    for name, by_number in sums.items():
        style = "--" if name == BASELINE else "-"
        colour = scheme.contenders[name]
        panel.plot(by_number.keys(), by_number.values(), style, marker="o", markersize=4, color=colour)
    ends = [max(by_number) for by_number in sums.values()]
    most = [by_number[end] for by_number, end in zip(sums.values(), ends, strict=True)]
    for name, end, value, height in zip(sums, ends, most, apart(most, max(most) * 0.09), strict=True):
        panel.annotate(
            f"{LABELS[name]}: {value:.0f}", (end, value), (end + 0.15, height), va="center_baseline",
            annotation_clip=False,
        )  # fmt: skip
    panel.set_xticks(sorted({number for by_number in sums.values() for number in by_number}))
    panel.set_xlim(right=max(ends) + 0.05)
    panel.set_ylim(bottom=0)
    panel.set_xlabel("processes")
    panel.grid(axis="y")
    panel.set_title(f"Memory of all processes with one model (sum of Pss), MB, after {texts} each")
