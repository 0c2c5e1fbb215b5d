"""Index the lines of a file, search for some of them, and save which lines were found.

    python benchmarks/index_and_search.py NAME LINES.txt - RESULT.npy

These are the arguments of encode_texts.py. The hits are written to hits.json beside RESULT.npy, and the index
is there while it is needed. NAME is always m2v_lite.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path

from m2v_lite.search import Index

EVERY = 2500  # the lines that are searched for


def main() -> None:
    _, lines, _, result = sys.argv[1:]
    path = Path(result).with_name("index.db")
    with Index(path) as index:
        index.update(lines, chunk="lines")
        with open(lines, encoding="utf-8") as file:  # noqa: PTH123  # pathlib would read it whole
            queries = [line.rstrip("\n") for line in islice(file, 0, None, EVERY)]
        found = {
            mode: [[hit.first_line for hit in index.search(query, mode=mode)] for query in queries]
            for mode in ("hybrid", "vector", "text")
        }
        size = len(index)
    hits = {"chunks": size, "MB": path.stat().st_size / 1e6, "found": found}
    Path(result).with_name("hits.json").write_text(json.dumps(hits), encoding="utf-8")
    path.unlink()


if __name__ == "__main__":
    main()
