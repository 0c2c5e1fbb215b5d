"""Answer with model2vec 0.10.0, the reference: vectors and ids of texts for model folders.

Run in the environment that `make peers` sets up, from the root of the checkout:

    .venv-peers/bin/python tests/golden/make_golden.py

writes the golden files beside this one, for the bundled model and the tiny ones, and

    .venv-peers/bin/python tests/golden/make_golden.py TEXTS.json OUT_FOLDER MODEL_FOLDER ...

writes OUT_FOLDER/NAME.npz for each model folder of that name.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def answers(folder: Path, texts: list[str]) -> dict[str, Any]:
    """Return what model2vec says of `texts`."""
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(folder)
    ids = model.tokenize(texts)
    rows = model.encode_as_sequence(texts)
    rows_cut = model.encode_as_sequence(texts, max_length=5)
    with_tokens = [row for row in rows if len(row)]
    return {
        "vectors": model.encode(texts),
        "vectors_raw": model.encode(texts, normalize=False),
        "vectors_max8": model.encode(texts, max_length=8),
        "vectors_no_limit": model.encode(texts, max_length=None),
        "single": model.encode(texts[4]),
        "ids": np.array([i for text in ids for i in text], np.int64),
        "bounds": np.cumsum([0] + [len(text) for text in ids]),
        "row_counts": [len(row) for row in rows],
        # Some rows are enough; all of them would be megabytes.
        "rows": np.concatenate(with_tokens[:20]),
        "rows_cut": np.concatenate([row for row in rows_cut if len(row)]),
        "unk_token_id": -1 if model.unk_token_id is None else model.unk_token_id,
        "median_token_length": model.median_token_length,
        "tokens": np.array(json.dumps(model.tokens[:50])),
        "model2vec": importlib.metadata.version("model2vec"),
        "tokenizers": importlib.metadata.version("tokenizers"),
    }


def write_answers(folder: Path, texts: list[str], out: Path) -> None:
    np.savez_compressed(out / f"{folder.name}.npz", **answers(folder, texts))


def main() -> None:
    if len(sys.argv) > 1:
        texts = json.loads(Path(sys.argv[1]).read_text())
        for folder in map(Path, sys.argv[3:]):
            np.savez(Path(sys.argv[2]) / f"{folder.name}.npz", **answers(folder, texts))  # soon read and gone
        return
    sys.path[:0] = [str(ROOT), str(HERE.parent)]
    from sample_texts import SAMPLE_TEXTS
    from tiny_models import TINY_MODELS

    from m2v_lite.files.packing import unpack
    from m2v_lite.loading import BUNDLED_MODEL

    with tempfile.TemporaryDirectory() as temporary:
        unpack(BUNDLED_MODEL, f"{temporary}/potion-base-8M-int8")
        write_answers(Path(temporary) / "potion-base-8M-int8", SAMPLE_TEXTS, HERE)
        for name, recipe in TINY_MODELS.items():
            write_answers(recipe.build(Path(temporary) / name), SAMPLE_TEXTS, HERE)


if __name__ == "__main__":
    main()
