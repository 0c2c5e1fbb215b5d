"""Finds the chunks that match the words of a query best, by BM25 in SQLite's index of words (FTS5)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from m2v_lite.search.database import TOKENIZE, selected
from m2v_lite.search.folding import folded, is_spaceless
from m2v_lite.search.nearest import NOTHING, Found

# A query of more words is cut, for each costs time.
MOST_WORDS = 64
# So many matches are scored, unless the rarest word has more. Common words tell little and take much time.
MOST_MATCHES = 20_000


def add_words(
    connection: sqlite3.Connection, chunks: Iterable[int], texts: Iterable[str], paths: Iterable[str | None]
) -> None:
    """Add the words of some chunks. Those of a file have its name, too.

    Args:
        connection: one that writes.
        chunks: their numbers.
        texts: their texts.
        paths: the file of each, or None.
    """
    connection.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)", zip(chunks, map(_words, texts, paths), strict=True)
    )


def drop_words(connection: sqlite3.Connection, chunks: Sequence[int]) -> None:
    """Take out the words of some chunks, which are still in the table of chunks, as is their file."""
    query = (
        "SELECT chunks.id, text, path FROM chunks LEFT JOIN sources ON sources.id = chunks.source "
        "WHERE chunks.id IN ({values})"
    )
    connection.executemany(
        "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
        ((number, _words(text, path)) for number, text, path in selected(connection, query, chunks)),
    )


def _words(text: str, path: str | None) -> str:
    """Return what the index of words gets of a chunk."""
    return folded(text if path is None else f"{name_of(path)} {text}")


def name_of(path: str) -> str:
    """Return the name of a file without what tells its format.

    Examples:
        >>> name_of("/notes/kitchen.md")
        'kitchen'
    """
    return os.path.splitext(os.path.basename(path))[0]


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
    phrases = _rare(connection, phrases_of(connection, query))
    if not phrases:
        return NOTHING
    expression = " OR ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
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


def phrases_of(connection: sqlite3.Connection, query: str) -> list[tuple[str, ...]]:
    """Return what to look for: the different words of a query, in order, up to `MOST_WORDS`.

    In scripts without spaces, these are each two characters that follow each other.
    """
    # SQLite itself divides the query, as it has divided the texts.
    connection.execute(
        f'CREATE VIRTUAL TABLE IF NOT EXISTS temp.query USING fts5(text, content="", tokenize="{TOKENIZE}")'
    )
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words_of_query USING fts5vocab(temp, query, instance)"
    )
    connection.execute("INSERT INTO temp.query (query) VALUES ('delete-all')")
    connection.execute("INSERT INTO temp.query (rowid, text) VALUES (1, ?)", (folded(query),))
    found = connection.execute("SELECT term FROM temp.words_of_query ORDER BY offset")
    phrases: dict[tuple[str, ...], None] = {}
    for is_run, words in groupby((word for (word,) in found), is_spaceless):
        run = list(words)
        alone: list[tuple[str, ...]] = [(word,) for word in run]
        phrases.update(dict.fromkeys((is_run and list(pairwise(run))) or alone))
    return list(phrases)[:MOST_WORDS]


def _rare(connection: sqlite3.Connection, phrases: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the rarest phrases, whose matches are at most `MOST_MATCHES` together, but one at least."""
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.known_words USING fts5vocab(main, words, row)"
    )
    matches = {}
    for word in {word for phrase in phrases for word in phrase}:
        found = connection.execute("SELECT doc FROM temp.known_words WHERE term = ?", (word,)).fetchone()
        matches[word] = found[0] if found else 0
    most = {phrase: min(matches[word] for word in phrase) for phrase in phrases}
    # What no chunk has leaves others as they are.
    by_matches = sorted((phrase for phrase in phrases if most[phrase]), key=most.__getitem__)
    together = accumulate(most[phrase] for phrase in by_matches)
    return [
        phrase
        for number, (phrase, total) in enumerate(zip(by_matches, together, strict=True))
        if total <= MOST_MATCHES or not number
    ]
