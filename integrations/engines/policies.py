"""Texts of which some are missing or not UTF-8, and the vectors that an `Embedder` should give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from m2v_lite import StaticModel

MISSING: list[str | None] = ["The kettle is on.", None, "湯が沸いた", None, ""]
NOT_UTF8 = [b"The kettle is on.", b"caf\xe9 au lait", b"The train was late."]
# What a message says of the second row of each.
SAYS_MISSING = r"row 1 of the (column|batch, column 'text'): the text is missing \(None\); give null='empty'"
SAYS_NOT_UTF8 = (
    r"row 1 of the (column|batch, column 'text'): the text is not valid Unicode at character 3; give errors="
)
# What it says if rows are to be left out of a column alone, whose table keeps its rows.
KEEPS_ROWS = "a single column must keep all of its rows"

Vectors = dict[int, list[float] | None]


def missing() -> pa.Table:
    """Return numbered texts, some of them missing."""
    return pa.table({"id": range(len(MISSING)), "text": pa.array(MISSING)})


def not_utf8() -> pa.Table:
    """Return numbered texts, the second of which is none. Arrow does not look at the bytes of its strings."""
    bytes_ = pa.array(NOT_UTF8)
    return pa.table({"id": range(len(NOT_UTF8)), "text": bytes_.view(pa.string())})


def written(table: pa.Table, folder: Path) -> Path:
    """Write a Parquet file, and return its path."""
    path = folder / "texts.parquet"
    pyarrow.parquet.write_table(table, path)
    return path


def expected(policy: str, texts: list[str | None] | None = None) -> Vectors:
    """Return the vectors of the rows that stay, by number.

    Args:
        policy: what becomes of missing texts.
        texts: the texts, `MISSING` by default.
    """
    texts = MISSING if texts is None else texts
    vectors = StaticModel.from_pretrained().encode(["" if text is None else text for text in texts]).tolist()
    if policy in ("null", "skip"):
        vectors = [None if text is None else row for text, row in zip(texts, vectors, strict=True)]
    return {row: vector for row, vector in enumerate(vectors) if vector is not None or policy != "skip"}


def expected_of_not_utf8(policy: str) -> Vectors:
    """Return the same for the texts of which one is not UTF-8."""
    if policy == "replace":
        return expected(policy, [text.decode(errors="replace") for text in NOT_UTF8])
    return expected(policy, [None if b"\xe9" in text else text.decode() for text in NOT_UTF8])


def found(table: Any) -> Vectors:
    """Return the vectors in a table of Arrow, by number."""
    numbers = table["id"].to_pylist()
    vectors = dict(zip(numbers, table["embedding"].to_pylist(), strict=True))
    assert len(vectors) == len(numbers)
    return vectors
