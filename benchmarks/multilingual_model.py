"""Make a stand-in of a large multilingual model: a tokenizer of 500,353 pieces, and a random table.

    make multilingual-model                              # in benchmarks/local-results/multilingual-model
    make multilingual-model OUT=FOLDER JOINED=--joined

It is as large as minishlab/potion-multilingual-128M: 500,353 pieces of the XLM-R kind, and as many rows of
256 float32 numbers, 512 MB. Its pieces are those of a real tokenizer and words made of two of them;
scripts/make_unigram_tokenizer.py tells how, and what --joined does. Its rows are random, so its vectors mean
nothing. But encoding takes as long, and all libraries must give the same vectors.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from results_folder import HERE

sys.path[:0] = [str(HERE.parent), str(HERE.parent / "scripts")]

from make_unigram_tokenizer import larger

from m2v_lite.files.safetensors import write_safetensors

PIECES = 500_353
COLUMNS = 256


def make_multilingual_model(
    tokenizer: Path, folder: Path, pieces: int = PIECES, joined: bool = False
) -> Path:
    """Write the folder of a model that has this tokenizer's pieces and more, and return the folder."""
    return write_model(folder, larger(json.loads(tokenizer.read_bytes()), pieces, joined))


def write_model(folder: Path, tokenizer: dict[str, Any]) -> Path:
    """Write the folder of a model with a tokenizer and a random table, and return the folder."""
    shape = (len(tokenizer["model"]["vocab"]), COLUMNS)
    table = np.random.default_rng(0).standard_normal(shape, np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"normalize": true}', encoding="utf-8")
    definition = json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(definition, encoding="utf-8")
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": table})
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenizer", type=Path, help="the tokenizer.json of a multilingual Unigram model")
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--pieces", type=int, default=PIECES, metavar="N")
    parser.add_argument("--joined", action="store_true", help="make each text one long word")
    options = parser.parse_args()
    folder = make_multilingual_model(options.tokenizer, options.out, options.pieces, joined=options.joined)
    print(f"wrote {folder}")


if __name__ == "__main__":
    main()
