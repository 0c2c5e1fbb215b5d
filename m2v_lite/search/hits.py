"""`Hit`, a search result, and the function that builds hits from chunk numbers."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from m2v_lite.search.database import selected
from m2v_lite.search.nearest import Found


class Hit(NamedTuple):
    """A search result, as a named tuple.

    Attributes:
        id: the id of the text: the one passed to `Index.add` or returned by it. For a chunk of a file, it is
            a number.
        score: how well the text matches. Higher is better. It is the cosine for search by vector, BM25 for
            search by words, and BM25 plus six times the cosine for hybrid search.
        text: the text.
        metadata: the metadata passed to `Index.add`; {} if there is none.
        path: the path of the file that the text comes from, or None if it was added with `Index.add`.
        first_line: the number of its first line in the file, starting at 1, or None.
        last_line: the number of its last line in the file, or None.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from m2v_lite.search import Index
        >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
        ...     ids = index.add(["The kettle is on."], ids=["tea"], metadata=[{"room": "kitchen"}])
        ...     hit, = index.search("boiling water", mode="vector")
        ...     hit.id, round(hit.score, 2), hit.text, hit.metadata
        ('tea', 0.45, 'The kettle is on.', {'room': 'kitchen'})
    """

    id: int | str
    score: float
    text: str
    metadata: dict[str, Any]
    path: str | None = None
    first_line: int | None = None
    last_line: int | None = None


def hits_of(connection: sqlite3.Connection, found: Found) -> list[Hit]:
    """Return a hit for each chunk that was found, with all that the index stores about it."""
    numbers = found.chunks.tolist()
    query = (
        "SELECT chunks.id, name, text, metadata, path, first_line, last_line FROM chunks "
        "LEFT JOIN sources ON sources.id = chunks.source WHERE chunks.id IN ({values})"
    )
    rows = {number: row for number, *row in selected(connection, query, numbers)}
    hits = []
    for number, score in zip(numbers, found.scores.tolist(), strict=True):
        try:
            name, text, metadata, path, first, last = rows[number]
            mapping = json.loads(metadata) if metadata else {}
        except (KeyError, TypeError, ValueError) as error:
            raise sqlite3.DatabaseError(f"chunk {number} or its metadata is missing") from error
        hits.append(Hit(number if name is None else name, score, text, mapping, path, first, last))
    return hits
