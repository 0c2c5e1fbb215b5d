"""The content of a `tokenizer.json` -> a tokenizer of the WordPiece path, if that path supports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.added_entries import can_be_found, have_right_ids, is_unicode
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
) -> WordPieceTokenizer | None:
    """Return the tokenizer for a `tokenizer.json`; None if it might not give the ids that `tokenizers` gives.

    Anything odd in the content is left to the library, which tokenizes or refuses.

    Args:
        definition: the content of the file, from `tokenizer_json.parse`.
        source: reads the text of the file again.
        memo_bytes: as for `WordPieceTokenizer`.
        before_building: as for `own_tokenizer`.
    """
    if not isinstance(definition, dict) or not _has_known_settings(definition):
        return None
    vocabulary: Vocabulary = definition["model"]["vocab"]
    model = {name: value for name, value in definition["model"].items() if name != "vocab"}
    settings = {**definition, "model": model}
    if before_building:
        before_building()
    try:
        tables = token_tables(vocabulary, model["continuing_subword_prefix"].encode())
    except ValueError:
        return None
    added = definition["added_tokens"]
    ids = {content: tables.find_one(content) for content in [entry["content"] for entry in added]}
    next_id = len(vocabulary.ids) if vocabulary.is_dense() else None
    if tables.find_one(model["unk_token"]) is None or not have_right_ids(added, ids, next_id):
        return None
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


def _has_known_settings(definition: dict[str, Any]) -> bool:
    normalizer, model = definition.get("normalizer"), definition.get("model")
    if not isinstance(normalizer, dict) or not isinstance(model, dict):
        return False
    flags = ("clean_text", "handle_chinese_chars", "lowercase")
    strip, prefix = normalizer.get("strip_accents"), model.get("continuing_subword_prefix")
    unknown, most = model.get("unk_token"), model.get("max_input_chars_per_word")
    return (
        definition.get("version") == "1.0"
        and normalizer.get("type") == "BertNormalizer"
        and all(type(normalizer.get(name)) is bool for name in flags)
        and (strip is None or type(strip) is bool)
        and definition.get("pre_tokenizer") == {"type": "BertPreTokenizer"}
        and model.get("type") == "WordPiece"
        and isinstance(prefix, str)
        and is_unicode(prefix)
        and type(most) is int
        and 0 <= most < MOST_WORD_CHARACTERS
        and isinstance(model.get("vocab"), Vocabulary)
        and isinstance(unknown, str)
        and is_unicode(unknown)
        and can_be_found(definition.get("added_tokens"), word_splitter(normalizer).normalize)
    )
