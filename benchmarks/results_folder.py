"""Where the benchmarks write their results: to an untracked folder, unless you ask make to record them.

    make compare MODEL=FOLDER             # writes to benchmarks/local-results, which git ignores
    make compare MODEL=FOLDER RECORD=1    # writes to benchmarks/results, which is committed

The README quotes the committed results, and the tests compare them with the README.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORDED = HERE / "results"
LOCAL = HERE / "local-results"


def add_out_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the folder for the results; with RECORD=1, make sets it to `RECORDED`."""
    parser.add_argument(
        "--out",
        type=Path,
        default=LOCAL,
        metavar="FOLDER",
        help="write the results to this folder (default: %(default)s)",
    )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what another model than potion-base-8M is."""
    parser.add_argument("--name", metavar="NAME", help="add this to the names of the results")
    parser.add_argument(
        "--about",
        default="potion-base-8M in float32",
        metavar="TEXT",
        help="what the model is, for the report (default: %(default)s)",
    )


def write_results(folder: Path, name: str, result: dict[str, Any], report: str | None = None) -> None:
    """Write name.json and, if there is a report, name.md, and print where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {f"{name}.json": json.dumps(result, indent=1) + "\n"}
    if report is not None:
        contents[f"{name}.md"] = report
    for file, content in contents.items():
        (folder / file).write_text(content, encoding="utf-8")
        print(f"wrote {folder / file}")
