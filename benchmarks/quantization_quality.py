"""How near the bundled int8 model is to the float32 model it was made from.

    python benchmarks/quantization_quality.py MODELS_FOLDER/potion-base-8M

Over sentences of Python's own documentation: the Spearman correlation of the cosine similarities of random
pairs, and recall@10, the share of each sentence's ten nearest others that both models agree on.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from prose import sentences
from scipy.stats import spearmanr

from m2v_lite import StaticModel

PAIRS = 200_000
NEAREST = 10


def spearman(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the rank correlation of the cosine similarities of random pairs of unit vectors."""
    left, right = np.random.default_rng(0).integers(0, len(one), (2, PAIRS))
    cosines = [np.einsum("ij,ij->i", vectors[left], vectors[right]) for vectors in (one, other)]
    return float(spearmanr(*cosines).statistic)


def recall(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the mean share of the ten nearest others of each unit vector that are the same."""
    found = []
    for vectors in (one, other):
        similarities = vectors @ vectors.T
        np.fill_diagonal(similarities, -np.inf)
        found.append(np.argpartition(-similarities, NEAREST, axis=1)[:, :NEAREST])
    shared = [len(np.intersect1d(*pair)) for pair in zip(*found, strict=True)]
    return float(np.mean(shared)) / NEAREST


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="the folder of potion-base-8M in float32")
    reference = StaticModel.from_pretrained(parser.parse_args().model)
    texts = sentences()
    one, other = reference.encode(texts), StaticModel.from_pretrained().encode(texts)
    print(f"{len(texts)} sentences")
    print(f"Spearman of cosine similarities  {spearman(one, other):.4f}")
    print(f"recall@{NEAREST}                        {recall(one, other):.3f}")


if __name__ == "__main__":
    main()
