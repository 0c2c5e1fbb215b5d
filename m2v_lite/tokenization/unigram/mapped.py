"""Makes a Unigram tokenizer from the arrays of a packed model, and checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.added_tokens import TOKEN_FLAGS
from m2v_lite.tokenization.character_entries import (
    CODE_MASK,
    END,
    FIRST_PLANE,
    MARK,
    ODD,
    REMOVED,
    SPACE,
    SURROGATES,
    classes_of,
    entry,
)
from m2v_lite.tokenization.unigram.double_array import BASE_MASK, NO_PIECE, ROOT
from m2v_lite.tokenization.unigram.tokenizer import DTYPES, UnigramTokenizer
from m2v_lite.tokenization.unigram.word_rule import WordRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from m2v_lite.tokenization.protocols import TokenizerSource

# How much is checked at once: fresh memory costs more than the work.
AT_ONCE = 1 << 15
BYTES, MOST_CHARACTERS = 256, 0x110000


def mapped_tokenizer(
    settings: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    figures: Mapping[str, int],
    source: TokenizerSource,
    memo_bytes: int,
) -> UnigramTokenizer:
    """Return the tokenizer that lies in arrays, which are used in place.

    Args:
        settings, arrays, figures, source, memo_bytes: as for `UnigramTokenizer`.

    Raises:
        KeyError: a part is missing.
        TypeError: a part is of another kind.
        ValueError: the parts are not sound, or do not fit together.
    """
    for name, dtype in DTYPES.items():
        if arrays[name].ndim != 1 or arrays[name].dtype != dtype:
            raise ValueError(f"{name} is not an array of one dimension in {np.dtype(dtype)}")
    _check_settings(settings, len(arrays["scores"]))
    _check_pieces(arrays, min(figures["highest_id"] + 1, len(arrays["scores"])))
    characters = arrays["characters"]
    if len(characters) != FIRST_PLANE:
        raise ValueError(f"characters has {len(characters)} entries, not {FIRST_PLANE}")
    classes, codes = classes_of(characters), characters & CODE_MASK
    is_visible = (classes != REMOVED) & (classes != ODD)
    if (
        classes.min() < SPACE
        or classes.max() > ODD
        or codes.max() >= MOST_CHARACTERS
        or characters[0] != entry(MARK, ord(END))
        or (codes[1:][is_visible[1:]] == ord(END)).any()  # nothing else stands between texts
        or ((codes >= SURROGATES.start) & (codes < SURROGATES.stop) & is_visible).any()
    ):
        raise ValueError("an entry of characters does not describe a character")
    if not len(arrays["charsmap"]):
        raise ValueError("the charsmap is empty")
    return UnigramTokenizer(settings, arrays, figures, source, memo_bytes)


def _check_pieces(arrays: Mapping[str, NDArray[Any]], pieces: int) -> None:
    links, ids, codes = arrays["links"], arrays["ids"], arrays["codes"]
    if not len(links) or len(links) != len(ids) or not len(codes):
        raise ValueError("links and ids do not have the same number of slots")
    most = len(links) - 1 - int(codes.max())
    for start in range(0, len(links), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        if (links[some] & BASE_MASK).max() > most:
            raise ValueError("a link points outside the double array")
        if ids[some].min() < NO_PIECE or ids[some].max() >= pieces:
            raise ValueError("a piece has an id that is not in the vocabulary")
    if ids[ROOT] != NO_PIECE:
        raise ValueError("the root is a piece")


def _check_settings(settings: Mapping[str, Any], pieces: int) -> None:
    """Check that each setting has the right type."""
    rule = WordRule(**settings["rule"])
    added = settings["added_tokens"]
    switches = [settings["strips"], rule.first, rule.others, rule.is_joined, rule.only_at_start]
    switches += [token[flag] for token in added for flag in TOKEN_FLAGS]
    texts = [settings["spaced"], rule.lefts, rule.rights, *(token["content"] for token in added)]
    bytes_of = settings["bytes"]
    own_ids = [settings["unknown"], *(bytes_of or [])]
    if not (
        all(type(switch) is bool for switch in switches)
        and all(type(text) is str for text in texts)
        and all(type(token["id"]) is int and token["id"] >= 0 and token["content"] for token in added)
        and all(type(token_id) is int and 0 <= token_id < pieces for token_id in own_ids)
        and (bytes_of is None or len(bytes_of) == BYTES)
        and type(settings["lowest_score"]) is float
    ):
        raise ValueError("a setting has the wrong type")
