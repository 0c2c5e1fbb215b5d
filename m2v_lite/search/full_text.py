"""The words of a query -> the chunks that match them best, by BM25 in SQLite's index of words (FTS5)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from itertools import accumulate
from unicodedata import combining, normalize

import numpy as np
from numpy.typing import NDArray

from m2v_lite.search.nearest import NOTHING, Found

# What FTS5 takes for a word, nearly: also where it divides otherwise, the index is asked for the same.
WORD = re.compile(r"[^\W_]+")
# A query of more words is cut, for each costs time.
MOST_WORDS = 64
# So many matches are scored, unless the rarest word has more. Common words tell little and take much time.
MOST_MATCHES = 20_000


def add_words(connection: sqlite3.Connection, chunks: Sequence[int], texts: Sequence[str]) -> None:
    """Add the words of some chunks.

    Args:
        connection: one that writes.
        chunks: the numbers of the chunks.
        texts: their texts.
    """
    connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", zip(chunks, texts, strict=True))


def drop_words(connection: sqlite3.Connection, chunks: Sequence[int]) -> None:
    """Take out the words of some chunks, which are still in the table of chunks."""
    connection.executemany(
        "INSERT INTO words (words, rowid, text) SELECT 'delete', id, text FROM chunks WHERE id = ?",
        ((chunk,) for chunk in chunks),
    )


def matching(
    connection: sqlite3.Connection, query: str, limit: int, allowed: NDArray[np.int64] | None = None
) -> Found:
    """Return the chunks that hold words of a query; the more and the rarer, the better.

    The most common words are left out where there are rarer ones.

    Args:
        connection: one that reads, or writes.
        query: any text. It has no operators.
        limit: how many chunks to return at most.
        allowed: the numbers of the chunks to choose from, sorted; None for all.

    Returns:
        The chunks and how well they match: BM25 as SQLite gives it, with the sign turned.
    """
    words = _rare_words(connection, list(dict.fromkeys(map(_folded, WORD.findall(query))))[:MOST_WORDS])
    if not words:
        return NOTHING
    expression = " OR ".join(f'"{word}"' for word in words)
    condition = ""
    if allowed is not None:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS allowed (id INTEGER PRIMARY KEY)")
        connection.execute("DELETE FROM temp.allowed")
        connection.executemany("INSERT INTO temp.allowed VALUES (?)", ((int(one),) for one in allowed))
        condition = "AND rowid IN temp.allowed"
    found = connection.execute(
        f"SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? {condition} ORDER BY rank LIMIT ?",
        (expression, limit),
    ).fetchall()
    if not found:
        return NOTHING
    chunks, scores = zip(*found, strict=True)
    return Found(np.array(chunks, np.int64), np.array(scores, np.float32))


def _rare_words(connection: sqlite3.Connection, words: Sequence[str]) -> list[str]:
    """Return the rarest words, whose matches are at most `MOST_MATCHES` together, but one at least."""
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.known_words USING fts5vocab(main, words, row)"
    )
    matches = {}
    for word in words:
        found = connection.execute("SELECT doc FROM temp.known_words WHERE term = ?", (word,)).fetchone()
        matches[word] = found[0] if found else 0
    by_matches = sorted(words, key=matches.__getitem__)
    together = accumulate(matches[word] for word in by_matches)
    return [
        word
        for number, (word, total) in enumerate(zip(by_matches, together, strict=True))
        if total <= MOST_MATCHES or not number
    ]


def _folded(word: str) -> str:
    """Return a word without case and marks, as FTS5 keeps it."""
    return "".join(character for character in normalize("NFD", word.casefold()) if not combining(character))
