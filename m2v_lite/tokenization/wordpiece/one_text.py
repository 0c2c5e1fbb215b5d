"""The WordPiece path for single texts: splits a text into words and tokenizes them, with added tokens.

White space always separates words, and no step looks across it. So the ids of a word do not depend on its
neighbours, and the memo can keep them. Added tokens are cut out first. Each becomes a word of its own: a mark
that cannot occur in a text, and then its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.added_tokens import TOKEN_FLAGS, AddedToken, AddedTokens
from m2v_lite.tokenization.word_memo import ID_BYTES, WordMemo, bytes_of
from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
from m2v_lite.tokenization.wordpiece.pieces import WordPiece

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import Ids
    from m2v_lite.tokenization.wordpiece.token_tables import TokenTables

# The mark before an added token's id: a lone surrogate, which no text holds.
ADDED = "\udffe"


class SingleTextTokenizer:
    """Tokenizes texts one by one.

    Attributes:
        splitter: divides a text into words.
        model: divides a word into pieces.

    Args:
        settings: as for `WordPieceTokenizer`.
        tables: as for `WordPieceTokenizer`.
        memory: about how many bytes the memo may take.

    Raises:
        ValueError: the unknown token is not in the vocabulary.
    """

    def __init__(self, settings: Mapping[str, Any], tables: TokenTables, memory: int) -> None:
        model = settings["model"]
        unknown = tables.find_one(model["unk_token"])
        if unknown is None:
            raise ValueError(f"the unknown token {model['unk_token']!r:.60} is not in the vocabulary")
        self.splitter = word_splitter(settings["normalizer"])
        self.model = WordPiece(tables, unknown, model["max_input_chars_per_word"])
        raw: list[AddedToken] = []
        normalized: list[AddedToken] = []
        self.added_ids: dict[str, int] = {}
        for entry in settings["added_tokens"]:
            token = AddedToken(entry["content"], entry["id"], **{flag: entry[flag] for flag in TOKEN_FLAGS})
            self.added_ids[token.content] = token.token_id
            if token.normalized:
                token.content = self.splitter.normalize(token.content)
            (normalized if token.normalized else raw).append(token)
        self._raw, self._normalized = AddedTokens(raw), AddedTokens(normalized)
        known = {f"{ADDED}{token_id}": token_id for token_id in self.added_ids.values()}
        self._unknown = bytes_of([unknown])
        self._memo = WordMemo(self.model.pieces, known, memory)

    def token_ids(self, text: str, max_length: int | None, drop_unknown: bool) -> Ids:
        """Return the ids of a text, read-only, cut to the limit, and if asked without the unknown token's."""
        if self._normalized or self._raw.occur_in(text):
            words = self._divided(self._words_with_tokens(text))
        elif self.splitter.is_plain(text):
            words = self.splitter.plain_words(text)
        else:
            words = self._divided(self.splitter.words(text))
        self._memo = memo = self._memo.with_room()
        joined = memo.joined(words)
        if max_length is not None:
            joined = joined[: max_length * ID_BYTES]
        ids = np.frombuffer(joined, np.intp)
        if drop_unknown and self._unknown in joined:  # perhaps by chance, across two ids
            ids = ids[ids != self.model.unknown]
        return ids

    def may_hold_token(self, text: str) -> bool:
        """Return whether the content of an added token occurs in a text."""
        return self._raw.occur_in(text) or (
            bool(self._normalized) and self._normalized.occur_in(self.splitter.normalize(text))
        )

    def _words_with_tokens(self, text: str) -> str:
        """Return the words of one text, with each added token as a word of its own."""
        parts: list[str | int] = []
        for part in self._raw.split(text):
            if isinstance(part, str):
                parts += self._normalized.split(self.splitter.normalize(part))
            else:
                parts.append(part)
        return "".join(
            self.splitter.split(part) if isinstance(part, str) else f" {ADDED}{part} " for part in parts
        )

    def _divided(self, words: str) -> list[str]:
        """Divide words at the spaces between them."""
        if self.splitter.clean_text:
            return words.split()
        # Words may hold control characters that `str.split` takes for white space.
        return [word for word in words.split(" ") if word]


def word_splitter(normalizer: Mapping[str, Any]) -> WordSplitter:
    """Return the splitter for a BertNormalizer with these settings, followed by BertPreTokenizer."""
    strip = normalizer.get("strip_accents")
    return WordSplitter(
        clean_text=normalizer["clean_text"],
        handle_chinese_chars=normalizer["handle_chinese_chars"],
        strip_accents=normalizer["lowercase"] if strip is None else strip,
        lowercase=normalizer["lowercase"],
    )
