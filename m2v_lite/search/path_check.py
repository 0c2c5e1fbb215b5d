"""Checks whether a pattern of paths matches any file in an index."""

from __future__ import annotations

import os

from m2v_lite.search.filters import allowed_chunks
from m2v_lite.search.index import Index
from m2v_lite.search.path_patterns import whole_pattern


def has_chunks_at(index: Index, path: str) -> bool:
    """Return whether an index has chunks of a file that a pattern stands for, as `Index.search` reads it."""
    with index._database.reading() as connection:
        allowed = allowed_chunks(connection, None, whole_pattern(path, os.getcwd()))
    return allowed is None or len(allowed) > 0
