"""Draw speed, start-up and memory beside the peers.

    make plots             # draws your own results, in benchmarks/local-results
    make plots RECORD=1    # draws the committed results, in benchmarks/results

The script reads speed-1-core.json and footprint.json, and writes speed.svg and footprint.svg beside them.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")  # draw to files, also without a screen

from matplotlib import pyplot as plt
from results_folder import add_out_option

BASELINE = "numpy alone"
LABELS = {
    "m2v_lite": "m2v_lite",
    "m2v_lite, packed": "m2v_lite, packed",
    "laghu_rs": "laghu with laghu-rs",
    "model2vec": "model2vec",
    "laghu": "laghu",
    "fastembed": "fastembed",
    "static_embed_runner": "static-embed-runner",
    BASELINE: BASELINE,
}
COLOURS = {
    "m2v_lite": "#0072b2",
    "m2v_lite, packed": "#56b4e9",
    "laghu_rs": "#e69f00",
    "model2vec": "#d55e00",
    "laghu": "#cc79a7",
    "fastembed": "#009e73",
    "static_embed_runner": "#f0e442",
    BASELINE: "#999999",
}
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text, which keeps the file small
    "svg.hashsalt": "m2v_lite",  # the same results make the same file
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
}


def draw_speed(results: dict[str, Any], out: Path) -> None:
    """Draw how many times as fast as model2vec each contender is in a first pass, by kind of text."""
    contenders = [name for name in LABELS if name in results["versions"]]
    seconds = {corpus: measures["first"] for corpus, measures in results["seconds"].items()}
    many = len(seconds) > 8
    figure, axes = plt.subplots(figsize=(12, 4.2) if many else (7.5, 3.2), layout="constrained")
    width = 0.8 / len(contenders)
    for number, name in enumerate(contenders):
        ratios = [
            statistics.median(
                theirs / own for theirs, own in zip(by_name["model2vec"], by_name[name], strict=True)
            )
            for by_name in seconds.values()
        ]
        places = [corpus + (number - (len(contenders) - 1) / 2) * width for corpus in range(len(seconds))]
        axes.bar(places, ratios, width * 0.92, label=LABELS[name], color=COLOURS[name])
    axes.set_xticks(range(len(seconds)), list(seconds))
    if many:
        axes.tick_params("x", rotation=20)
    axes.set_ylabel("times as fast as model2vec")
    axes.set_title("Batches on one core, first pass of a fresh model: higher is faster")
    axes.legend(
        frameon=False,
        ncols=len(contenders),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.25 if many else -0.1),
    )
    _save(figure, out)


def draw_footprint(results: dict[str, Any], out: Path) -> None:
    """Draw start-up, private memory, and the memory of several processes that share a model."""
    measured = results["fresh processes"]
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.9), layout="constrained", width_ratios=(1, 1, 1.05))
    for place, (column, title) in zip(
        axes[:2],
        [
            ("start to first vector, ms", "Process start to first vector, ms"),
            ("private, MB", "Private memory after that, MB"),
        ],
        strict=True,
    ):
        medians = {name: statistics.median(values) for name, values in measured[column].items()}
        names = sorted((name for name in medians if name != BASELINE), key=medians.__getitem__, reverse=True)
        baseline = medians[BASELINE]
        bars = place.barh(
            [LABELS[name] for name in names],
            [medians[name] - baseline for name in names],
            left=baseline,
            color=[COLOURS[name] for name in names],
        )
        place.barh([LABELS[name] for name in names], baseline, color=COLOURS[BASELINE], label=BASELINE)
        place.bar_label(bars, [f"{medians[name]:.0f}" for name in names], padding=3)
        place.margins(x=0.12)
        place.set_title(title)
    axes[0].legend(frameon=False, loc="upper right")
    by_name = next(reversed(results["processes with one model"].values()))
    for name, by_number in by_name.items():
        numbers = [int(number) for number in by_number]
        sums = [figures["sum of Pss, MB"] for figures in by_number.values()]
        axes[2].plot(numbers, sums, marker="o", markersize=3, color=COLOURS[name], label=LABELS[name])
    axes[2].set_xticks(numbers)
    axes[2].set_ylim(bottom=0)
    axes[2].set_title("Pss of 1 to 8 processes, MB")
    axes[2].legend(frameon=False, loc="upper left")
    _save(figure, out)


def _save(figure: Any, out: Path) -> None:
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None, facecolor="white", dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--format", default="svg", choices=["svg", "png"])
    add_out_option(parser)
    options = parser.parse_args()
    missing = []
    with plt.rc_context(STYLE):
        for draw, name, target in (
            (draw_speed, "speed-1-core", "compare"),
            (draw_footprint, "footprint", "footprint"),
        ):
            results = options.out / f"{name}.json"
            if not results.exists():
                missing.append(f"{results} is missing: make {target} writes it")
                continue
            picture = options.out / f"{name.partition('-')[0]}.{options.format}"
            draw(json.loads(results.read_text()), picture)
            print(f"wrote {picture}")
    raise SystemExit("\n".join(missing) or None)


if __name__ == "__main__":
    main()
