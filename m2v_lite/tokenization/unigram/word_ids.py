"""Turns the words of a batch into flat token ids, all words at once.

Each distinct word is split once. Some tokenizers split a complete text as one long word. Even then, a word is
split by itself, unless a piece could join it to the next word, or its best split is so close to another that
the text before it could decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from m2v_lite.tokenization.character_entries import END
from m2v_lite.tokenization.code_points import as_text
from m2v_lite.tokenization.distinct import one_of_equal
from m2v_lite.tokenization.flat_ids import flatten, merge
from m2v_lite.tokenization.runs import positions
from m2v_lite.tokenization.unigram.word_rule import BAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.unigram.batch_words import Words
    from m2v_lite.tokenization.unigram.viterbi import Viterbi
    from m2v_lite.tokenization.unigram.word_rule import WordRule

# So many codes of 16 bits are compared at once, and so many times.
CODES_AT_ONCE, WINDOWS = 4, 4
MASKS = np.array([(1 << 16 * length) - 1 for length in range(CODES_AT_ONCE + 1)], np.uint64)
# Odd factors for the hash that finds equal words.
FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64
)
# A longer word is divided by itself, unless there are so many of them: a step takes as long for one place of
# one word as for hundreds. Even longer ones always are.
MOST_CHARACTERS, FEW_AT_ONCE, MOST_PLACES = 200, 8, 1 << 16
# How much to divide at once: the arrays of a step then fit the cache, and a step has some words to do.
CHARACTERS_AT_ONCE, WORDS_AT_ONCE = 1 << 16, 256


class Spelled(NamedTuple):
    """Words without the marks between texts, and which of them get a bar.

    Attributes:
        characters: (characters,) code points.
        starts, lengths: (words,) where each word begins, and how many characters it has.
        has_bar: (words,) whether a bar goes before it.
    """

    characters: NDArray[np.uint32]
    starts: Ids
    lengths: Ids
    has_bar: NDArray[np.bool_]

    def take(self, words: Ids) -> Spelled:
        """Return some of the words."""
        return Spelled(
            self.characters, self.starts.take(words), self.lengths.take(words), self.has_bar.take(words)
        )


class Divided(NamedTuple):
    """Words divided into pieces.

    Attributes:
        ids, bounds: the ids of all words, and the bounds (words + 1,) of each.
        is_close: (words,), see `Viterbi.of_many`.
    """

    ids: Ids
    bounds: Ids
    is_close: NDArray[np.bool_]


def ids_of_words(viterbi: Viterbi, words: Words, rule: WordRule) -> FlatIds:
    """Return the ids of all texts, and their bounds.

    Args:
        viterbi: divides words.
        words: the words of the texts.
        rule: which words get a bar, and which are divided together.
    """
    is_end = words.characters.take(words.starts) == ord(END)
    has_bar = np.full(len(is_end), rule.others)
    if rule.first != rule.others or words.begins_visibly is not None:
        begins_text = np.ones(len(is_end), bool)
        begins_text[1:] = is_end[:-1]
        has_bar[begins_text] = rule.first if words.begins_visibly is None else words.begins_visibly
    real, texts = np.flatnonzero(~is_end), int(np.count_nonzero(is_end))
    text_of = np.cumsum(is_end).take(real)
    spelled = Spelled(words.characters, words.starts, words.lengths, has_bar).take(real)
    joins = _joins(spelled, text_of, rule)
    firsts = np.flatnonzero(~joins)
    sizes = np.diff(np.append(firsts, len(joins)))
    alone, together = firsts[sizes == 1], firsts[sizes > 1]
    distinct, word_of = one_of_each(viterbi, spelled.take(alone))
    ones = divide(viterbi, spelled.take(alone[distinct]))
    found = [(alone, ones, word_of)]
    if rule.is_joined:
        several = divide(viterbi, *_units(spelled, together, sizes[sizes > 1]))
        found.append((together, several, np.arange(len(together))))
        close = [at[divided.is_close.take(own)] for at, divided, own in found]
        whole = np.unique(text_of.take(np.concatenate(close)))
        if len(whole):
            is_whole = np.isin(text_of, whole)
            found = [(at[~is_whole[at]], divided, own[~is_whole[at]]) for at, divided, own in found]
            starts = np.searchsorted(text_of, whole)
            counts = np.searchsorted(text_of, whole, side="right") - starts
            found.append((starts, divide(viterbi, *_units(spelled, starts, counts)), np.arange(len(whole))))
    return _in_order(found, text_of, texts)


def _joins(spelled: Spelled, text_of: Ids, rule: WordRule) -> NDArray[np.bool_]:
    """Return which words a piece may join to the word before them."""
    joins = np.zeros(len(text_of), bool)
    if rule.is_joined and rule.lefts and len(joins):
        lasts = spelled.characters.take((spelled.starts + spelled.lengths - 1)[:-1])
        joins[1:] = np.isin(lasts, [*map(ord, rule.lefts)])
        joins[1:] &= np.isin(spelled.characters.take(spelled.starts[1:]), [*map(ord, rule.rights)])
        joins[1:] &= text_of[1:] == text_of[:-1]
    return joins


def _units(spelled: Spelled, firsts: Ids, sizes: Ids) -> tuple[Spelled, Ids]:
    """Return the words of units of several words, and how many words each unit has."""
    return spelled.take(positions(firsts, sizes)), sizes


def _in_order(found: Sequence[tuple[Ids, Divided, Ids]], text_of: Ids, texts: int) -> FlatIds:
    """Return the ids of all texts in order.

    Args:
        found: for each kind of unit, the first words of the units, what was divided, and which of it each
            unit is.
        text_of: (words,) the text of each word.
        texts: the number of texts.
    """
    ids = np.concatenate([divided.ids for _, divided, _ in found])
    offset, starts, counts = 0, [], []
    for _, divided, own in found:
        starts.append(divided.bounds.take(own) + offset)
        counts.append(np.diff(divided.bounds).take(own))
        offset += len(divided.ids)
    words, all_starts, all_counts = (
        np.concatenate(parts) for parts in ([at for at, _, _ in found], starts, counts)
    )
    if len(found) > 1:
        order = np.argsort(words, kind="stable")
        words, all_starts, all_counts = words[order], all_starts[order], all_counts[order]
    flat = ids.take(positions(all_starts, all_counts))
    of_texts = np.bincount(text_of.take(words), weights=all_counts, minlength=texts).astype(np.intp)
    return flat, np.concatenate([[0], np.cumsum(of_texts)])


def one_of_each(viterbi: Viterbi, spelled: Spelled) -> tuple[Ids, Ids]:
    """Pick one index for each distinct word. Hash clashes and long words leave duplicates.

    Args:
        viterbi: knows which characters make a difference.
        spelled: the words.

    Returns:
        distinct (distinct,), the indexes; and word_of (words,), where in `distinct` each word is.
    """
    characters, starts, lengths, has_bar = spelled
    codes = viterbi.pieces.codes_of(characters)
    number = len(starts)
    units = np.append(codes.astype("<u2"), np.zeros(CODES_AT_ONCE, "<u2"))
    window = np.ndarray(len(codes) + 1, "<u8", units, strides=(2,))
    same = lengths <= CODES_AT_ONCE * WINDOWS
    keys = np.zeros((WINDOWS, number), np.uint64)
    hashes = lengths.astype(np.uint64)
    hashes += has_bar
    for key, factor, done in zip(
        keys, FACTORS, range(0, CODES_AT_ONCE * WINDOWS, CODES_AT_ONCE), strict=True
    ):
        some = np.flatnonzero(lengths > done)
        if not len(some):
            break
        left = np.minimum(lengths[some] - done, CODES_AT_ONCE)
        key[some] = window[starts[some] + done] & MASKS.take(left)
        hashes[some] += key[some] * factor
    hashes *= FACTORS[0]
    if viterbi.tells_unknown_apart:
        before = np.concatenate([[0], np.cumsum(codes == 0)])
        same &= before.take(starts + lengths) == before.take(starts)
    return one_of_equal(hashes, (lengths, has_bar, *keys), same)


def divide(viterbi: Viterbi, spelled: Spelled, sizes: Ids | None = None) -> Divided:
    """Divide words, or units of several words.

    Args:
        viterbi: divides them.
        spelled: the words.
        sizes: (units,) how many words each unit has, if not one each.
    """
    lengths = spelled.lengths + spelled.has_bar
    flat = spelled.characters.take(positions(spelled.starts - spelled.has_bar, lengths), mode="clip")
    ends = np.cumsum(lengths)
    flat[(ends - lengths)[spelled.has_bar]] = ord(BAR)
    bounds = np.append(0, ends if sizes is None else ends.take(np.cumsum(sizes) - 1))
    lengths = np.diff(bounds)
    is_long = lengths > MOST_CHARACTERS
    if is_long.any() and (
        lengths[is_long].sum() < FEW_AT_ONCE * lengths.max() or lengths.max() >= MOST_PLACES
    ):
        short = _divide_short(viterbi, flat[~np.repeat(is_long, lengths)], lengths[~is_long])
        long = _divide_long(viterbi, flat, bounds[:-1][is_long], bounds[1:][is_long])
        is_close = np.zeros(len(lengths), bool)
        is_close[is_long], is_close[~is_long] = long.is_close, short.is_close
        return Divided(*merge(is_long, long[:2], short[:2]), is_close)
    return _divide_short(viterbi, flat, lengths)


def _divide_long(viterbi: Viterbi, characters: NDArray[np.uint32], starts: Ids, ends: Ids) -> Divided:
    lists, is_close = [], []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        word = as_text(characters[start:end])
        ids, close = viterbi.of_one(word)
        lists.append(ids)
        is_close.append(close)
    return Divided(*flatten(lists), np.array(is_close, bool))


def _divide_short(viterbi: Viterbi, characters: NDArray[np.uint32], lengths: Ids) -> Divided:
    """Divide words that lie one after the other, some at a time."""
    limits = np.append(0, np.cumsum(lengths))
    at_once = max(CHARACTERS_AT_ONCE, WORDS_AT_ONCE * int(lengths.max(initial=0)))
    parts, first = [], 0
    while first < len(lengths):
        start = int(limits[first])
        last = max(first + 1, int(np.searchsorted(limits, start + at_once, side="right")) - 1)
        own = characters[start : limits[last]].astype(np.intp)
        parts.append(viterbi.of_many(own, limits[first : last + 1] - start))
        first = last
    if not parts:
        return Divided(np.zeros(0, np.intp), np.zeros(1, np.intp), np.zeros(0, bool))
    ids, bounds, is_close = zip(*parts, strict=True)
    counts = np.concatenate([np.diff(some) for some in bounds])
    return Divided(np.concatenate(ids), np.append(0, np.cumsum(counts)), np.concatenate(is_close))
