"""Finds the lines of a chunk that match a query best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from m2v_lite.model import StaticModel
from m2v_lite.search.chunking import is_heading
from m2v_lite.search.folding import folded

WORD = re.compile(r"\w+")


class Passage(NamedTuple):
    """Lines that follow each other.

    Attributes:
        start: the place of the first in the text, from 0 up.
        lines: the lines.
    """

    start: int
    lines: list[str]


def best_passage(model: StaticModel, query: str, text: str) -> Passage:
    """Return the paragraph that is nearest to a query and has its words.

    Examples:
        >>> text = "Tea is ready.\\n\\nThe kettle is on.\\n\\nThe saw is in the shed."
        >>> best_passage(StaticModel.from_pretrained(), "boiling water", text)
        Passage(start=2, lines=['The kettle is on.'])
    """
    passages = passages_of(text.split("\n"))
    if len(passages) < 2:
        return Passage(0, text.split("\n"))
    texts = ["\n".join(passage.lines) for passage in passages]
    words = sorted(_words_of(query))
    # Models give common words short vectors, and rare ones long ones.
    weights = np.linalg.norm(model.encode(["", *words], normalize=False), axis=1)
    scores = model.encode_document(texts, normalize=True) @ model.encode_query(query, normalize=True)
    for number, one in enumerate(texts):
        there = _words_of(one)
        has = np.array([False, *(word in there for word in words)])
        scores[number] += weights[has].sum() / max(float(weights.sum()), 1e-12)
    return passages[int(np.argmax(scores))]


def _words_of(text: str) -> set[str]:
    return set(WORD.findall(folded(text).lower()))


def passages_of(lines: Sequence[str]) -> list[Passage]:
    """Return the paragraphs of some lines: what stands between blank ones. A heading goes with what follows.

    Examples:
        >>> passages_of(["# Tea", "", "Hot.", "Green.", "", "", "Black."])
        [Passage(start=0, lines=['# Tea', '', 'Hot.', 'Green.']), Passage(start=6, lines=['Black.'])]
    """
    passages: list[Passage] = []
    for place, line in enumerate(lines):
        if not line.strip():
            continue
        last = passages[-1] if passages else None
        if last and (lines[place - 1].strip() or is_heading(last.lines)):
            last.lines.extend(lines[last.start + len(last.lines) : place + 1])
        else:
            passages.append(Passage(place, [line]))
    return passages
