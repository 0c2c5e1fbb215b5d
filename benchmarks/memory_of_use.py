"""Measure how much private memory a packed model takes beyond its first text, after many texts.

    make memory-of-use

The packed model is that of multilingual_model.py. Fresh processes encode one text and then
10,000 others in many languages, either one by one or as one batch, with the memo of the default size. Each
reads its `Private_Dirty` before and after, which leaves out the table's mapped pages, and once more after
malloc_trim, which gives back what the C library keeps free for later. What is left then may be 12 MB at most.
The first 500 vectors must be the same both ways, bit for bit, and with --model2vec FOLDER those of model2vec.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from corpora import translations
from first_vector import own_memory
from results_folder import HERE, add_model_options, add_out_option, write_results
from ten_languages import vectors_of_model2vec

sys.path[:0] = [str(HERE.parent / "tests")]

from catalogs import sentences_by_language

from m2v_lite import StaticModel

NUMBER = 10_000
CHECKED = 500
MOST = 12  # MB; the memo alone has 8
USED = "more after malloc_trim, MB"
WAYS = ["one by one", "as one batch"]
SECONDS = 600


def process(model: str, texts: list[str], way: str, vectors: str) -> dict[str, float]:
    """Encode the texts in this process, save the first vectors, and return the memory in MB."""
    loaded = StaticModel.from_pretrained(model)
    loaded.encode(texts[0])
    gc.collect()
    before = own_memory()["Private_Dirty"]
    if way == WAYS[0]:
        np.save(vectors, np.array([loaded.encode(text) for text in texts[:CHECKED]]))
        for text in texts[CHECKED:]:
            loaded.encode(text)
    else:
        np.save(vectors, loaded.encode(texts)[:CHECKED])
    gc.collect()
    after = own_memory()["Private_Dirty"]
    ctypes.CDLL(None).malloc_trim(0)
    trimmed = own_memory()["Private_Dirty"]
    return {
        "before, MB": before / 1024,
        "more after, MB": (after - before) / 1024,
        USED: (trimmed - before) / 1024,
    }


def measure(model: Path, texts: list[str], folder: Path) -> dict[str, dict[str, float]]:
    """Return the memory of a fresh process for each way, and check that their vectors are the same.

    Raises:
        AssertionError: the vectors differ.
        SystemExit: the memory in use grows by more than `MOST`.
    """
    texts_file = folder / "texts.json"
    texts_file.write_text(json.dumps(texts), encoding="utf-8")
    measured = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--process", way, str(model), "--texts", str(texts_file)]
        command += ["--vectors", str(folder / f"{way}.npy")]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=SECONDS)
        measured[way] = json.loads(done.stdout)
    found = [np.load(folder / f"{way}.npy") for way in WAYS]
    np.testing.assert_array_equal(*found)
    for way, figures in measured.items():
        if figures[USED] > MOST:
            raise SystemExit(f"{way}: {figures[USED]:.1f} MB more, which is more than {MOST}")
    return measured


def table(measured: dict[str, dict[str, float]]) -> str:
    figures = list(measured[WAYS[0]])
    lines = ["| private memory | " + " | ".join(figures) + " |", "|---|" + "---|" * len(figures)]
    lines += [
        f"| {way} | " + " | ".join(f"{of[figure]:.1f}" for figure in figures) + " |"
        for way, of in measured.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, help="the file of a packed model")
    parser.add_argument("--texts", type=Path, required=True, help="the environment with the translations")
    parser.add_argument("--model2vec", type=Path, metavar="FOLDER", help="also compare with model2vec")
    parser.add_argument("--peers-python", type=Path, help="the Python of the environment of `make peers`")
    parser.add_argument("--process", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--vectors", help=argparse.SUPPRESS)
    add_model_options(parser)
    add_out_option(parser)
    options = parser.parse_args()
    if options.process is not None:
        texts = json.loads(options.texts.read_text(encoding="utf-8"))
        print(json.dumps(process(str(options.model), texts, options.process, options.vectors)))
        return
    sentences = sentences_by_language(options.texts)
    texts = translations(sentences, list(sentences))[:NUMBER]
    with tempfile.TemporaryDirectory() as temporary:
        measured = measure(options.model, texts, Path(temporary))
        if options.model2vec is not None:
            expected = vectors_of_model2vec(options.peers_python, None, options.model2vec, texts[:CHECKED])
            np.testing.assert_array_equal(np.load(Path(temporary) / f"{WAYS[0]}.npy"), expected)
    result: dict[str, Any] = {"model": options.about, "texts": len(texts), "MB": measured}
    shown = (
        f"{len(texts):,} texts in {len(sentences)} languages, after a first one; {options.about}, packed; a "
        f"memo of the default size; `Private_Dirty`\n\n{table(measured)}"
    )
    print(shown)
    suffix = "" if options.name is None else f"-{options.name}"
    write_results(options.out, f"memory-of-use{suffix}", result, shown)


if __name__ == "__main__":
    main()
