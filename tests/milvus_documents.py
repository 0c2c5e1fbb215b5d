"""The examples of Milvus' documentation for model2vec, and the numbers that it prints for potion-base-8M.

https://milvus.io/docs/embed-with-model2vec.md
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DOCUMENTS = [
    "Artificial intelligence was founded as an academic discipline in 1956.",
    "Alan Turing was the first person to conduct substantial research in AI.",
    "Born in Maida Vale, London, Turing was raised in southern England.",
]
QUERIES = ["When was artificial intelligence founded", "Where was Alan Turing born?"]
DIM = 256

# fmt: off
FIRST_DOCUMENT_BEGINS = [
    0.02220882,  0.11436888, -0.15094341,  0.08149259,  0.20425692,
    -0.15727402, -0.25320682, -0.00669029,  0.03157463,  0.08974048,
    -0.00148778, -0.01803541,  0.00230828, -0.0137875 , -0.19242321,
]
LAST_DOCUMENT_ENDS = [
    -7.29782460e-03, -2.15345751e-02, -4.13905866e-02,  3.70773636e-02,
    5.45082428e-02,  1.36436718e-02,  1.38598625e-02,  3.91175086e-03,
]
FIRST_QUERY_BEGINS = [
    -1.87109038e-02, -2.81724217e-03, -1.67356253e-01, -5.30372337e-02,
    1.08304240e-01, -1.09269567e-01, -2.53464818e-01, -1.77880954e-02,
    3.05427872e-02,  1.68244764e-01, -7.25950347e-03, -2.52178032e-02,
]
LAST_QUERY_ENDS = [
    8.60440824e-03,  2.12906860e-03,  1.50156394e-02, -1.29304864e-02,
    -3.66544276e-02,  5.01735881e-03, -1.53137008e-02,  9.57900891e-04,
]
# fmt: on


def assert_as_printed(documents: list[NDArray[np.float32]], queries: list[NDArray[np.float32]]) -> None:
    """Assert that vectors are those of the documentation, to the last digit that it prints."""
    for vectors, number in ((documents, 3), (queries, 2)):
        assert type(vectors) is list
        assert len(vectors) == number
        for vector in vectors:
            assert type(vector) is np.ndarray
            assert (vector.dtype.name, vector.shape) == ("float32", (DIM,))
    for numbers, printed, precision in (
        (documents[0][:15], FIRST_DOCUMENT_BEGINS, "f"),
        (documents[-1][-8:], LAST_DOCUMENT_ENDS, "e"),
        (queries[0][:12], FIRST_QUERY_BEGINS, "e"),
        (queries[-1][-8:], LAST_QUERY_ENDS, "e"),
    ):
        assert [float(f"{number:.8{precision}}") for number in numbers] == printed
