"""Makes a tokenizer of the WordPiece path from a `tokenizer.json`, if that path supports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.added_entries import (
    UNUSUAL_TOKENS,
    WRONG_IDS,
    can_be_found,
    have_right_ids,
    is_unicode,
)
from m2v_lite.tokenization.left_to_library import LeftToLibrary, require, shown
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.vocabulary import Vocabulary
from m2v_lite.tokenization.wordpiece.one_text import word_splitter
from m2v_lite.tokenization.wordpiece.token_tree import token_tables
from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import TokenizerSource

MOST_WORD_CHARACTERS = 1 << 20  # a piece has at least one character, and 20 bits hold the number of pieces


def wordpiece_tokenizer(
    definition: Any,
    source: TokenizerSource,
    memo_bytes: int = DEFAULT_MEMO_BYTES,
    before_building: Callable[[], None] | None = None,
) -> WordPieceTokenizer:
    """Return the tokenizer for a `tokenizer.json`.

    Anything odd in the content is left to the library, which tokenizes or refuses.

    Args:
        definition: the content of the file, from `tokenizer_json.parse`.
        source: reads the text of the file again.
        memo_bytes: as for `WordPieceTokenizer`.
        before_building: as for `own_tokenizer`.

    Raises:
        LeftToLibrary: it might not give the ids that `tokenizers` gives.
    """
    _check_settings(definition)
    vocabulary: Vocabulary = definition["model"]["vocab"]
    model = {name: value for name, value in definition["model"].items() if name != "vocab"}
    settings = {**definition, "model": model}
    if before_building:
        before_building()
    try:
        tables = token_tables(vocabulary, model["continuing_subword_prefix"].encode())
    except ValueError as error:
        raise LeftToLibrary(f"its vocabulary is unusual ({error})") from error
    added = definition["added_tokens"]
    ids = {content: tables.find_one(content) for content in [entry["content"] for entry in added]}
    next_id = len(vocabulary.ids) if vocabulary.is_dense() else None
    require(tables.find_one(model["unk_token"]) is not None, "its unknown token is not in the vocabulary")
    require(have_right_ids(added, ids, next_id), WRONG_IDS)
    new = [entry for entry in added if ids[entry["content"]] is None]
    return WordPieceTokenizer(settings, tables, _figures(vocabulary, new), source, memo_bytes)


def _figures(vocabulary: Vocabulary, new: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the figures of a vocabulary and new tokens."""
    lengths = np.append(vocabulary.characters(), [len(token["content"]) for token in new]).astype(np.intp)
    middle = (len(lengths) - 1) // 2, len(lengths) // 2
    return {
        "median_token_length": int(np.partition(lengths, middle)[[*middle]].sum()) // 2,
        "vocabulary_size": len(lengths),
        "highest_id": max(int(vocabulary.ids.max()), *(token["id"] for token in new), 0),
    }


def _check_settings(definition: dict[str, Any]) -> None:
    normalizer, model = definition.get("normalizer"), definition["model"]
    require(definition.get("version") == "1.0", "the version of its tokenizer.json is not 1.0")
    if not isinstance(normalizer, dict) or normalizer.get("type") != "BertNormalizer":
        raise LeftToLibrary(f"its normalizer is {shown(normalizer)}, not BertNormalizer")
    flags = ("clean_text", "handle_chinese_chars", "lowercase")
    strip, prefix = normalizer.get("strip_accents"), model.get("continuing_subword_prefix")
    unknown, most = model.get("unk_token"), model.get("max_input_chars_per_word")
    require(
        all(type(normalizer.get(name)) is bool for name in flags) and (strip is None or type(strip) is bool),
        "an option of its normalizer is missing or unusual",
    )
    pre_tokenizer = definition.get("pre_tokenizer")
    require(
        pre_tokenizer == {"type": "BertPreTokenizer"},
        f"its pre-tokenizer is {shown(pre_tokenizer)}, not BertPreTokenizer",
    )
    require(
        isinstance(prefix, str)
        and is_unicode(prefix)
        and type(most) is int
        and 0 <= most < MOST_WORD_CHARACTERS
        and isinstance(unknown, str)
        and is_unicode(unknown),
        "an option of its WordPiece model is missing or unusual",
    )
    require(isinstance(model.get("vocab"), Vocabulary), "its vocabulary is unusual")
    require(can_be_found(definition.get("added_tokens"), word_splitter(normalizer).normalize), UNUSUAL_TOKENS)
