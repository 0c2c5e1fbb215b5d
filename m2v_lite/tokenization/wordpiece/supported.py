"""The content of a `tokenizer.json` -> a tokenizer of the WordPiece path, if that path supports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.vocabulary import DictVocabulary
from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
from m2v_lite.tokenization.wordpiece.one_text import TOKEN_FLAGS, word_splitter
from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import TokenizerSource

MOST_ADDED = 100  # added tokens are looked for one by one
MOST_TOKENS = 1 << 31  # ids are kept in 32 bits
MOST_WORD_CHARACTERS = 1 << 20  # a piece has at least one character, and 20 bits hold the number of pieces


def read_wordpiece(
    definition: dict[str, Any], source: TokenizerSource, memo_bytes: int = DEFAULT_MEMO_BYTES
) -> WordPieceTokenizer:
    """Return the tokenizer for a `tokenizer.json` whose content `is_supported` accepts."""
    ids = definition["model"]["vocab"]
    figures = figures_of(ids, definition["added_tokens"])
    return WordPieceTokenizer(definition, DictVocabulary(ids), figures, source, memo_bytes)


def figures_of(ids: Mapping[str, int], added: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the figures of a vocabulary and added tokens."""
    new = [token for token in added if token["content"] not in ids]
    tokens = [*ids, *(token["content"] for token in new)]
    return {
        "median_token_length": int(np.median(np.fromiter(map(len, tokens), np.intp, len(tokens)))),
        "vocabulary_size": len(tokens),
        "highest_id": max(max(ids.values()), *(token["id"] for token in new), 0),
    }


def is_supported(definition: dict[str, Any]) -> bool:
    """Return whether `WordPieceTokenizer` gives the ids that `tokenizers` gives for a `tokenizer.json`.

    Anything odd in the content is left to the library, which tokenizes or refuses.
    """
    normalizer, model = definition.get("normalizer"), definition.get("model")
    if not isinstance(normalizer, dict) or not isinstance(model, dict):
        return False
    flags = ("clean_text", "handle_chinese_chars", "lowercase")
    strip, vocabulary, most = (
        normalizer.get("strip_accents"), model.get("vocab"), model.get("max_input_chars_per_word")
    )  # fmt: skip
    return (
        definition.get("version") == "1.0"
        and normalizer.get("type") == "BertNormalizer"
        and all(type(normalizer.get(name)) is bool for name in flags)
        and (strip is None or type(strip) is bool)
        and definition.get("pre_tokenizer") == {"type": "BertPreTokenizer"}
        and model.get("type") == "WordPiece"
        and isinstance(model.get("continuing_subword_prefix"), str)
        and type(most) is int
        and 0 <= most < MOST_WORD_CHARACTERS
        and isinstance(vocabulary, dict)
        and set(map(type, vocabulary.values())) == {int}
        and 0 <= min(vocabulary.values()) <= max(vocabulary.values()) < MOST_TOKENS
        and _is_unicode("".join(vocabulary))
        and isinstance(model.get("unk_token"), str)
        and model["unk_token"] in vocabulary
        and _can_be_added(definition.get("added_tokens"), vocabulary, word_splitter(normalizer))
    )


def _can_be_added(entries: Any, vocabulary: Mapping[str, int], splitter: WordSplitter) -> bool:
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
    if not all(content and content == content.strip() for content in looked_for):
        return False
    # Whatever the file says, the library gives a token the id of its content in the vocabulary, or else the
    # next free id.
    new = [entry["id"] for entry in entries if entry["content"] not in vocabulary]
    known = [entry for entry in entries if entry["content"] in vocabulary]
    if new and sorted(vocabulary.values()) != list(range(len(vocabulary))):
        return False
    return new == list(range(len(vocabulary), len(vocabulary) + len(new))) and all(
        entry["id"] == vocabulary[entry["content"]] for entry in known
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
