"""Texts for the benchmark of engines: millions of different ones, in many languages, in Parquet files.

Three of five are runs of words of Python's documentation, one is a title or a line of a log, and one is a
sentence of a translation catalog, or two of one language. So they are real words in a real order.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from corpora import terse_texts
from prose import all_words

FILES = 16
GROUPS = 2  # row groups of a file
LINES = 20_000  # different titles and lines, to which a number is added
PRIMES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
HASHED_AT_A_TIME = 16_384  # rows: so much memory is quick


def endless_texts(sentences: dict[str, list[str]], seed: int = 0) -> Iterator[str]:
    """Give texts without end. The same seed and sentences give the same texts.

    Args:
        sentences: sentences by language.
        seed: of the choice.
    """
    generator = random.Random(seed)
    words = list(all_words())
    lines = terse_texts(LINES, generator)
    languages = list(sentences)
    sizes = [len(sentences[language]) for language in languages]
    while True:
        for _ in range(3):
            start = generator.randrange(len(words) - 20)
            yield " ".join(words[start : start + generator.randint(6, 19)])
        yield f"{generator.choice(lines)} #{generator.randrange(100_000)}"
        [language] = generator.choices(languages, sizes)
        yield " ".join(generator.choices(sentences[language], k=generator.randint(1, 2)))


def different_texts(number: int, sentences: dict[str, list[str]]) -> list[str]:
    """Return so many different texts.

    Example:
        >>> len(different_texts(1000, {"de": ["Der Kessel pfeift.", "Es regnet."], "ja": ["お湯が沸いた。"]}))
        1000
    """
    texts: dict[str, None] = {}
    for text in endless_texts(sentences):
        texts[text] = None
        if len(texts) == number:
            break
    return list(texts)


def write_rows(texts: Sequence[str], folder: Path) -> None:
    """Write numbered texts to Parquet files, all of the same size: 16 files with 2 row groups each."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    size = -(-len(texts) // FILES)
    for file in range(FILES):
        ids = range(file * size, min((file + 1) * size, len(texts)))
        table = pa.table({"id": pa.array(ids, pa.int64()), "text": texts[ids.start : ids.stop]})
        pq.write_table(table, unfinished / f"{file:02}.parquet", row_group_size=-(-size // GROUPS))
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def sum_of_rows(batches: Iterator[Any]) -> tuple[int, int]:
    """Return how many rows there are, and a sum that tells their ids and vectors, in any order.

    Args:
        batches: of pyarrow, with the columns id and embedding, in lists of any kind.

    Example:
        >>> table = pa.table({"id": [1, 2], "embedding": [[0.5, 1.0], [0.25, 2.0]]})
        >>> other = table.take([1, 0])
        >>> sum_of_rows(table.to_batches()) == sum_of_rows(other.to_batches())
        True
        >>> swapped = other.set_column(0, "id", table["id"])
        >>> sum_of_rows(table.to_batches()) == sum_of_rows(swapped.to_batches())
        False
    """
    rows, added = 0, 0
    for batch in batches:
        for start in range(0, len(batch), HASHED_AT_A_TIME):
            part = batch.slice(start, HASHED_AT_A_TIME)
            ids = part.column("id").to_numpy(zero_copy_only=False)
            added += int(hashed(ids, matrix_of(part.column("embedding"))).sum(dtype=np.uint64))
        rows += len(batch)
    return rows, added % 2**64


def matrix_of(column: Any) -> np.ndarray[Any, Any]:
    """Return a column of lists, all of one length and none null, as (rows, length) in float32."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    assert column.null_count == 0, "there are rows without a vector"
    numbers = column.flatten()
    assert numbers.null_count == 0, "there are vectors with missing numbers"
    matrix = numbers.to_numpy(zero_copy_only=False).reshape(len(column), -1)
    return np.asarray(matrix, np.float32)


def hashed(ids: np.ndarray[Any, Any], matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a number for each row, which depends on its id and on each bit of its vector."""
    weights = np.random.default_rng(0).integers(2**63, size=matrix.shape[1], dtype=np.uint64)
    bits = np.ascontiguousarray(matrix).view(np.uint32).astype(np.uint64)
    first, second, third = (np.uint64(prime) for prime in PRIMES)
    # Products are taken modulo 2**64.
    numbers = bits @ (weights * np.uint64(2) + np.uint64(1)) * first
    numbers ^= ids.astype(np.uint64) * second
    numbers ^= numbers >> np.uint64(29)
    return np.asarray(numbers * third)
