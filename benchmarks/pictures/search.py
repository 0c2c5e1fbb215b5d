"""Search beside other software."""

from __future__ import annotations

import statistics
from typing import Any

from matplotlib import pyplot as plt

from pictures.schemes import WIDTH, Scheme

OWN = "m2v_lite"
QUERY = "query, ms"
PRIVATE = "private, MB"
MARKERS = {"vector": "o", "hybrid": "D", "text": "s"}


def draw_search(results: dict[str, Any], scheme: Scheme) -> Any:
    """Draw the time of a query against the private memory, for each software and kind of search."""
    figure, panel = plt.subplots(figsize=(WIDTH, 4.2), layout="constrained")
    for kind, marker in MARKERS.items():
        points = {
            name.removesuffix(f", {kind}"): [
                statistics.median(figures[column]) for column in (PRIVATE, QUERY)
            ]
            for name, figures in results["measured"].items()
            if name.endswith(f", {kind}")
        }
        colours = [scheme.contenders["m2v_lite" if name == OWN else "model2vec"] for name in points]
        memories, times = zip(*points.values(), strict=True)
        panel.scatter(memories, times, s=42, marker=marker, c=colours, zorder=3)
        for name, (memory, time) in points.items():
            panel.annotate(
                f"{name}, {kind}",
                (memory, time), (7, 0), textcoords="offset points", va="center_baseline",
                fontweight="bold" if name == OWN else "normal",
            )  # fmt: skip
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xticks([20, 50, 100, 200, 500], ["20", "50", "100", "200", "500"])
    panel.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    panel.minorticks_off()
    panel.set_xlim(15, 900)
    panel.set_ylim(0.3, 1500)
    panel.grid()
    panel.set_xlabel("private memory, MB")
    panel.set_ylabel("processor time of a query, ms")
    panel.set_title(f"Search in {results['chunks']:,} chunks: further down and left is better")
    return figure
