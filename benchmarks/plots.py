"""Draw speed, start-up, memory and search beside the peers, for light and for dark pages.

    make plots             # draws your own results, in benchmarks/local-results
    make plots RECORD=1    # draws the committed results, in benchmarks/results

The script reads the results that PICTURES names, and writes NAME-light.svg and NAME-dark.svg beside them.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import matplotlib as mpl

mpl.use("svg")  # draw to files, also without a screen

from matplotlib import pyplot as plt
from pictures import footprint, search, speed
from pictures.schemes import SCHEMES
from results_folder import add_out_option

# The name of each picture, the result it shows, and the make target that writes this.
PICTURES: dict[str, tuple[Any, str, str]] = {
    "speed-batches": (speed.draw_batches, "speed-1-core", "compare"),
    "speed-one-text": (speed.draw_single_texts, "speed-1-core", "compare"),
    "footprint": (footprint.draw_footprint, "footprint", "footprint"),
    "speed-multilingual": (speed.draw_multilingual, "speed-1-core-multilingual", "compare-multilingual"),
    "footprint-multilingual": (
        footprint.draw_multilingual,
        "footprint-multilingual",
        "footprint-multilingual",
    ),
    "search": (search.draw_search, "search-side-by-side", "search-side-by-side"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--format", default="svg", choices=["svg", "png"])
    add_out_option(parser)
    options = parser.parse_args()
    missing = {}
    for name, (draw, result, target) in PICTURES.items():
        source = options.out / f"{result}.json"
        if not source.exists():
            missing[source] = f"{source} is missing: make {target} writes it"
            continue
        for scheme in SCHEMES:
            picture = options.out / f"{name}-{scheme.name}.{options.format}"
            with plt.rc_context(scheme.style()):
                figure = draw(json.loads(source.read_text()), scheme)
                figure.savefig(picture, metadata={"Date": None} if options.format == "svg" else None, dpi=110)
                plt.close(figure)
            print(f"wrote {picture}")
    raise SystemExit("\n".join(missing.values()) or None)


if __name__ == "__main__":
    main()
