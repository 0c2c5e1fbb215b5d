"""Encode texts with one contender and save the vectors.

python benchmarks/encode_texts.py NAME MODEL_FOLDER TEXTS.json VECTORS.npy
"""

import json
import sys
from pathlib import Path

import numpy as np
from first_vector import run_adapter


def main() -> None:
    name, folder, texts, vectors = sys.argv[1:]
    adapter = run_adapter(str(Path(__file__).parent / "contenders" / f"{name}.py"))
    model = adapter["load"](folder)
    encoded = adapter["encode"](model, json.loads(Path(texts).read_text(encoding="utf-8")))
    np.save(vectors, np.asarray(encoded, np.float32))


if __name__ == "__main__":
    main()
