"""The light and the dark scheme of the pictures, and what all pictures share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

BASELINE = "numpy alone"
LABELS = {
    "m2v_lite": "m2v_lite",
    "m2v_lite, packed": "m2v_lite, packed",
    "m2v_lite, nothing kept": "m2v_lite, nothing kept",
    "laghu_rs": "laghu with laghu-rs",
    "static_embed_runner": "static-embed-runner",
    "model2vec": "model2vec",
    "laghu": "laghu",
    "fastembed": "fastembed",
    BASELINE: BASELINE,
}
WIDTH = 7.5  # inches, for a column of some 700 pixels


@dataclass(frozen=True)
class Scheme:
    """The colours of one picture, for a white or for a dark page.

    The backgrounds are transparent. The colours of contenders have a contrast of at least 3 to 1 with the
    page, and can be told apart by people who see red and green alike.

    Attributes:
        name: what the names of the files end in.
        text: the colour of titles, labels and values.
        faint: the colour of axes.
        grid: the colour of lines behind the bars.
        contenders: the colours of the libraries.
    """

    name: str
    text: str
    faint: str
    grid: str
    contenders: dict[str, str]

    def style(self) -> Any:
        """Return matplotlib's settings."""
        return {
            "svg.fonttype": "none",  # text stays text, which keeps the file small
            "svg.hashsalt": "m2v_lite",  # the same results make the same file
            # The first is matplotlib's own, and wider than the others: what fits with it fits everywhere.
            "font.sans-serif": ["DejaVu Sans", "Helvetica Neue", "Arial", "sans-serif"],
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "axes.titlecolor": self.text,
            "axes.titlepad": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": self.faint,
            "axes.labelcolor": self.text,
            "axes.axisbelow": True,
            "grid.color": self.grid,
            "grid.linewidth": 0.8,
            "text.color": self.text,
            "xtick.color": self.faint,
            "xtick.labelcolor": self.text,
            "ytick.color": self.faint,
            "ytick.labelcolor": self.text,
            "legend.frameon": False,
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
        }


LIGHT = Scheme(
    "light",
    text="#1f2328",
    faint="#6e7781",
    grid="#e3e6ea",
    contenders={
        "m2v_lite": "#0072b2",
        "m2v_lite, packed": "#3a96cf",
        "laghu_rs": "#d55e00",
        "static_embed_runner": "#009068",
        "model2vec": "#6e7781",
        "laghu": "#b65c93",
        "fastembed": "#474d55",
        BASELINE: "#8a929b",
    },
)
DARK = Scheme(
    "dark",
    text="#dfe3ea",
    faint="#8e96a3",
    grid="#353a45",
    contenders={
        "m2v_lite": "#4aa8e8",
        "m2v_lite, packed": "#8accf5",
        "laghu_rs": "#f0843c",
        "static_embed_runner": "#26b98a",
        "model2vec": "#9aa2ae",
        "laghu": "#d98bbd",
        "fastembed": "#d5d9e0",
        BASELINE: "#757d8a",
    },
)
SCHEMES = (LIGHT, DARK)


def apart(heights: Iterable[float], least: float) -> list[float]:
    """Return heights for labels: at least so far from each other, each as near to its own height as can be.

    >>> apart([1, 20, 2], 5)
    [1, 20, 6]
    """
    heights = list(heights)
    places: dict[int, float] = {}
    last = -math.inf
    for number in sorted(range(len(heights)), key=heights.__getitem__):
        last = places[number] = max(heights[number], last + least)
    return [places[number] for number in range(len(heights))]
