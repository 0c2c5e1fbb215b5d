"""Compare packed models of smaller dtypes and fewer columns with the float32 model: size and quality.

    make quality MODEL=FOLDER

FOLDER holds minishlab/potion-base-8M in float32. The script measures quality on sentences of Python's own
documentation. It prints the Spearman correlation of the cosine similarities of random pairs, and recall@10:
how many of a sentence's ten nearest sentences are the same with both models.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path

import numpy as np
from footprint import OURS, REFERENCE, TEXT, check
from numpy.typing import NDArray
from prose import sentences
from results_folder import add_out_option, write_results
from scipy.stats import spearmanr

from m2v_lite import StaticModel

PAIRS = 200_000
NEAREST = 10
DTYPES = ("float32", "float16", "int8")
COLUMNS = (256, 128, 64)


def spearman(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the rank correlation of the cosine similarities of random pairs of unit vectors."""
    # Few sentences have fewer pairs than that.
    left, right = np.random.default_rng(0).integers(0, len(one), (2, min(PAIRS, len(one) ** 2)))
    cosines = [np.einsum("ij,ij->i", vectors[left], vectors[right]) for vectors in (one, other)]
    return float(spearmanr(*cosines).statistic)


def recall(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the share of the ten nearest neighbours of each unit vector that are the same: the mean."""
    found = []
    for vectors in (one, other):
        similarities = vectors @ vectors.T
        np.fill_diagonal(similarities, -np.inf)
        found.append(np.argpartition(-similarities, NEAREST, axis=1)[:, :NEAREST])
    shared = [len(np.intersect1d(*pair)) for pair in zip(*found, strict=True)]
    return float(np.mean(shared)) / NEAREST


def measure(folder: Path, texts: list[str]) -> list[dict[str, str | int | float]]:
    """Return the size and quality for each dtype and number of columns."""
    reference = StaticModel.from_pretrained(folder)
    check(OURS, reference.encode(TEXT).tolist(), np.load(REFERENCE))
    expected = reference.encode(texts)
    rows: list[dict[str, str | int | float]] = []
    with tempfile.TemporaryDirectory() as temporary:
        packed = Path(temporary) / "packed.safetensors"
        for dtype in DTYPES:
            for columns in COLUMNS:
                model = StaticModel.from_pretrained(folder, quantize_to=dtype, dimensionality=columns)
                model.save_packed(packed)
                vectors = StaticModel.from_pretrained(packed).encode(texts).astype(np.float32)
                rows.append(
                    {
                        "dtype": dtype,
                        "columns": columns,
                        "bytes": packed.stat().st_size,
                        "spearman": spearman(expected, vectors),
                        "recall": recall(expected, vectors),
                    }
                )
    return rows


def table(rows: list[dict[str, str | int | float]]) -> str:
    lines = [
        f"| dtype | columns | packed, MB | Spearman | recall@{NEAREST} |",
        "|---|---|---|---|---|",
        *(
            f"| {row['dtype']} | {row['columns']} | {float(row['bytes']) / 1e6:.1f} "
            f"| {row['spearman']:.4f} | {row['recall']:.3f} |"
            for row in rows
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of potion-base-8M in float32")
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N sentences")
    add_out_option(parser)
    options = parser.parse_args()
    texts = sentences()[: options.limit]
    rows = measure(options.model, texts)
    heading = (
        f"potion-base-8M against itself in float32 with 256 columns, over {len(texts):,} sentences of "
        f"the documentation of Python {platform.python_version()}"
    )
    text = f"{heading}\n\n{table(rows)}"
    print(text)
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    result = {**versions, "sentences": len(texts), "rows": rows}
    write_results(options.out, "quality", result, text)


if __name__ == "__main__":
    main()
