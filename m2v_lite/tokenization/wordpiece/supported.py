"""The content of a `tokenizer.json` -> a tokenizer of the WordPiece path, if that path supports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.vocabulary import Vocabulary
from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
from m2v_lite.tokenization.wordpiece.one_text import TOKEN_FLAGS, word_splitter
from m2v_lite.tokenization.wordpiece.token_tree import token_tables
from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import TokenizerSource

MOST_ADDED = 100  # added tokens are looked for one by one
MOST_WORD_CHARACTERS = 1 << 20  # a piece has at least one character, and 20 bits hold the number of pieces


def wordpiece_tokenizer(
    definition: Any, source: TokenizerSource, memo_bytes: int = DEFAULT_MEMO_BYTES
) -> WordPieceTokenizer | None:
    """Return the tokenizer for a `tokenizer.json`; None if it might not give the ids that `tokenizers` gives.

    Anything odd in the content is left to the library, which tokenizes or refuses.

    Args:
        definition: the content of the file, from `tokenizer_json.parse`.
        source: reads the text of the file again.
        memo_bytes: as for `WordPieceTokenizer`.
    """
    if not isinstance(definition, dict) or not _has_known_settings(definition):
        return None
    vocabulary: Vocabulary = definition["model"]["vocab"]
    model = {name: value for name, value in definition["model"].items() if name != "vocab"}
    settings = {**definition, "model": model}
    try:
        tables = token_tables(vocabulary, model["continuing_subword_prefix"].encode())
    except ValueError:
        return None
    added = definition["added_tokens"]
    ids = {content: tables.find_one(content) for content in [entry["content"] for entry in added]}
    if tables.find_one(model["unk_token"]) is None or not _have_right_ids(added, ids, vocabulary):
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
        and _is_unicode(prefix)
        and type(most) is int
        and 0 <= most < MOST_WORD_CHARACTERS
        and isinstance(model.get("vocab"), Vocabulary)
        and isinstance(unknown, str)
        and _is_unicode(unknown)
        and _can_be_found(definition.get("added_tokens"), word_splitter(normalizer))
    )


def _can_be_found(entries: Any, splitter: WordSplitter) -> bool:
    """Return whether added tokens are plain enough to be found as `tokenizers` finds them."""
    if not isinstance(entries, list) or len(entries) > MOST_ADDED:
        return False
    if not all(isinstance(entry, dict) and _is_sound(entry) for entry in entries):
        return False
    contents = [entry["content"] for entry in entries]
    looked_for = [
        splitter.normalize(entry["content"]) if entry["normalized"] else entry["content"] for entry in entries
    ]
    if len(set(contents)) < len(contents) or len(set(looked_for)) < len(looked_for):
        return False
    return all(content and content == content.strip() for content in looked_for)


def _have_right_ids(
    entries: Sequence[Mapping[str, Any]], ids: Mapping[str, int | None], vocabulary: Vocabulary
) -> bool:
    """Return whether added tokens have the ids that the library gives them.

    Whatever the file says, a token gets the id of its content in the vocabulary, or else the next free id.

    Args:
        entries: the added tokens.
        ids: the ids of their contents in the vocabulary.
        vocabulary: the tokens.
    """
    new = [entry["id"] for entry in entries if ids[entry["content"]] is None]
    if new and not vocabulary.is_dense():
        return False
    next_id = len(vocabulary.ids)
    return new == list(range(next_id, next_id + len(new))) and all(
        ids[entry["content"]] in (None, entry["id"]) for entry in entries
    )


def _is_sound(entry: dict[str, Any]) -> bool:
    content = entry.get("content")
    flags = (*TOKEN_FLAGS, "special")
    return (
        type(entry.get("id")) is int
        and all(type(entry.get(flag)) is bool for flag in flags)
        and isinstance(content, str)
        and _is_unicode(content)
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
