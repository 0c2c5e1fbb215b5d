"""Encode texts with one contender in this process, and save the vectors.

python benchmarks/encode_texts.py NAME MODEL_FOLDER TEXTS.json VECTORS.npy
"""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    name, folder, texts, vectors = sys.argv[1:]
    # By its path: the adapter has the name of the package it adapts.
    path = Path(__file__).parent / "contenders" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(f"contender_{name}", path)
    assert specification is not None
    assert specification.loader is not None
    adapter = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(adapter)
    model = adapter.load(folder)
    encoded = adapter.encode(model, json.loads(Path(texts).read_text(encoding="utf-8")))
    np.save(vectors, np.asarray(encoded, np.float32))


if __name__ == "__main__":
    main()
