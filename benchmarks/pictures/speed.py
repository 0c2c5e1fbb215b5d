"""Speed beside the peers: batches, and one text at a time."""

from __future__ import annotations

from typing import Any

from matplotlib import pyplot as plt
from ratios import median_ratio, rounded_down

from pictures.schemes import LABELS, WIDTH, Scheme

COMPARED_WITH = "model2vec"
KINDS = ["short ASCII", "long", "accented Latin", "Cyrillic", "CJK", "other scripts"]
MULTILINGUAL_KINDS = ["short ASCII", "Cyrillic", "CJK", "other scripts", "mixed scripts"]
SINGLE_KINDS = ["short ASCII", "terse ASCII", "mixed scripts"]
FASTER = f"times as fast as {COMPARED_WITH}"


def draw_batches(results: dict[str, Any], scheme: Scheme) -> Any:
    """Draw the speed of batches, by kind of text."""
    figure, panels = plt.subplots(2, 1, figsize=(WIDTH, 5.6), layout="constrained", sharey=True)
    _panels(panels, results, scheme, KINDS, {
        "unseen": f"Batches of unseen texts, one core: {FASTER}",
        "first": f"First pass of a fresh model, one core: {FASTER}",
    })  # fmt: skip
    return figure


def draw_single_texts(results: dict[str, Any], scheme: Scheme) -> Any:
    """Draw the speed of texts that come one by one, by kind of text."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), layout="constrained", sharey=True)
    _panels(panels, results, scheme, SINGLE_KINDS, {
        "one": f"One new text at a time:\n{FASTER}",
        "one again": f"One text at a time, words seen:\n{FASTER}",
    })  # fmt: skip
    return figure


def draw_multilingual(results: dict[str, Any], scheme: Scheme) -> Any:
    """Draw the speed of batches with a multilingual model, by kind of text."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), layout="constrained", sharey=True)
    _panels(panels, results, scheme, MULTILINGUAL_KINDS, {
        "unseen": f"Multilingual, batches of unseen texts:\n{FASTER}",
        "first": f"Multilingual, first pass of a fresh model:\n{FASTER}",
    })  # fmt: skip
    return figure


def _panels(
    panels: Any, results: dict[str, Any], scheme: Scheme, wanted: list[str], titles: dict[str, str]
) -> None:
    """Draw a panel for each way to encode, with a group of bars for each kind of text that was measured."""
    contenders = [name for name in LABELS if name in results["versions"] and name != COMPARED_WITH]
    width = 0.86 / len(contenders)
    for panel, (how, title) in zip(panels, titles.items(), strict=True):
        kinds = [kind for kind in wanted if how in results["seconds"].get(kind, {})]
        for number, name in enumerate(contenders):
            heights = [median_ratio(results["seconds"][kind][how], COMPARED_WITH, name) for kind in kinds]
            places = [place + (number - (len(contenders) - 1) / 2) * width for place in range(len(kinds))]
            colour = scheme.contenders[name]
            panel.bar(places, heights, width * 0.9, label=LABELS[name], color=colour)
            for place, height in zip(places, heights, strict=True):  # above the bar and the line of model2vec
                panel.annotate(
                    rounded_down(height), (place, max(height, 1)), (0, 2), textcoords="offset points",
                    ha="center", fontsize=7.5,
                )  # fmt: skip
        baseline = panel.axhline(1, color=scheme.text, linewidth=1, linestyle=(0, (3, 2)), zorder=3)
        panel.set_xticks(range(len(kinds)), [kind.replace(" ", "\n", 1) for kind in kinds])
        panel.tick_params("x", length=0)
        panel.grid(axis="y")
        panel.margins(x=0.01, y=0.08)
        panel.set_title(title)
    handles, labels = panels[0].get_legend_handles_labels()
    panels[0].figure.legend(
        [*handles, baseline], [*labels, COMPARED_WITH], loc="outside lower center", ncols=3, fontsize=9
    )
