"""A process that encodes texts and then holds the model while footprint.py reads its memory.

    python benchmarks/hold_model.py ADAPTER.py MODEL TEXTS.json

It prints a line once it has encoded the texts, and ends when its standard input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from first_vector import run_adapter


def main() -> None:
    path, folder, texts = sys.argv[1:]
    adapter = run_adapter(path)
    model = adapter["load"](folder)
    adapter["encode"](model, json.loads(Path(texts).read_text(encoding="utf-8")))
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
