"""Finds the kind of an output file from its name."""

from __future__ import annotations

import os

TABLES = (".parquet", ".arrow", ".feather")
SUFFIXES = (".npy", ".jsonl", ".ndjson", *TABLES)


def suffix_of(path: str) -> str | None:
    """Return the suffix of a file that can be written, or None.

    Examples:
        >>> suffix_of("a/vectors.NPY"), suffix_of("vectors.txt")
        ('.npy', None)
    """
    suffix = os.path.splitext(path.lower())[1]
    return suffix if suffix in SUFFIXES else None
