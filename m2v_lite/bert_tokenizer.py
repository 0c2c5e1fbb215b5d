"""The WordPiece path: texts -> words -> token ids, without the `tokenizers` library.

It takes tokenizers of BertNormalizer, BertPreTokenizer and WordPiece, with any options. White space always
divides words and no step looks across it, so a word's ids do not depend on its neighbours, and the memo may
keep them. Added tokens are cut out first; the words of a text that holds one are told apart by a mark that
no text can hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from m2v_lite.added_tokens import AddedToken, AddedTokens
from m2v_lite.memo import DEFAULT_MEMO_BYTES, Memo
from m2v_lite.wordpiece import WordPiece
from m2v_lite.words import WordSplitter

if TYPE_CHECKING:
    from m2v_lite.bert_batches import BertBatches
    from m2v_lite.flat_ids import FlatIds
    from m2v_lite.protocols import TokenizerSource, Vocabulary

# What stands before an added token's id: a lone surrogate, which no text holds.
ADDED = "\udffe"

TOKEN_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


class VocabularyFigures(NamedTuple):
    """What is known of all tokens, added ones included; see `protocols.TextTokenizer`."""

    median_token_length: int
    vocabulary_size: int
    highest_id: int


class SingleTexts:
    """Tokenizes texts one by one.

    Attributes:
        splitter: text to words.
        model: word to pieces.

    Args:
        definition: as for `BertTokenizer`.
        vocabulary: as for `BertTokenizer`.
        memory: the bytes that the memo may take, about.
    """

    def __init__(self, definition: Mapping[str, Any], vocabulary: Vocabulary, memory: int) -> None:
        model = definition["model"]
        self.splitter = word_splitter(definition["normalizer"])
        self.model = WordPiece(
            vocabulary,
            model["unk_token"],
            model["continuing_subword_prefix"],
            model["max_input_chars_per_word"],
        )
        added = [_added_token(entry) for entry in definition["added_tokens"]]
        self.added_ids = {token.content: token.token_id for token in added}
        self._raw = AddedTokens([token for token in added if not token.normalized])
        self._normalized = AddedTokens(
            [
                token._replace(content=self.splitter.normalize(token.content))
                for token in added
                if token.normalized
            ]
        )
        self._memory = memory
        self._memo = self._new_memo()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the memo behind: a copy fills its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_memo"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._memo = self._new_memo()

    def token_ids(self, text: str) -> list[int]:
        """Return the ids of a text, unknown ones included."""
        if self._normalized or self._raw.occur_in(text):
            words = self._divided(self._words_with_tokens(text))
        elif self.splitter.is_plain(text):
            words = self.splitter.plain_words(text)
        else:
            words = self._divided(self.splitter.words(text))
        memo = self._memo
        if memo.is_full():  # a full one is left to those who are using it
            memo = self._memo = self._new_memo()
        return memo.token_ids(words)

    def may_hold_token(self, text: str) -> bool:
        """Say whether the content of an added token occurs in a text."""
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
        # Words may hold control characters that Python takes for white space.
        return [word for word in words.split(" ") if word]

    def _new_memo(self) -> Memo:
        known = {f"{ADDED}{token_id}": token_id for token_id in self.added_ids.values()}
        return Memo(self.model.find_whole, self.model.pieces, known, self._memory)


class BertTokenizer:
    """Texts to token ids; see `protocols.TextTokenizer` for what attributes and methods mean.

    Args:
        definition: the content of a `tokenizer.json` that `is_bert` takes; its vocabulary is not needed.
        vocabulary: the tokens, without added ones that are not in the vocabulary.
        figures: what is known of all tokens.
        source: where the whole definition was read.
        memo_bytes: the memory that the memos may take, about: half of it that of batches, half that of single
            texts.
    """

    kind = "WordPiece"

    def __init__(
        self,
        definition: Mapping[str, Any],
        vocabulary: Vocabulary,
        figures: VocabularyFigures,
        source: TokenizerSource,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
    ) -> None:
        self._single = SingleTexts(definition, vocabulary, memo_bytes // 2)
        self._vocabulary = vocabulary
        self.unk_token_id: int | None = self._single.model.unknown
        self.median_token_length, self.vocabulary_size, self.highest_id = figures
        self._source = source
        self._memo_bytes = memo_bytes

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made for the first batch."""
        return {name: value for name, value in self.__dict__.items() if name != "_batches"}

    @property
    def tokens(self) -> tuple[str, ...]:
        vocabulary = {**dict(self._vocabulary.items()), **self._single.added_ids}
        return tuple(sorted(vocabulary, key=vocabulary.__getitem__))

    def definition(self) -> str:
        return self._source.read()

    def token_ids(self, texts: Sequence[str], max_length: int | None) -> FlatIds:
        return self._batches.token_ids(texts, max_length, self.unk_token_id)

    def token_ids_of_one(self, text: str, max_length: int | None) -> list[int]:
        ids = self._single.token_ids(text)[:max_length]
        if self.unk_token_id in ids:
            return [token_id for token_id in ids if token_id != self.unk_token_id]
        return ids

    @cached_property
    def _batches(self) -> BertBatches:
        """What batches need, made for the first one. Threads that make two at once do no harm."""
        from m2v_lite.bert_batches import BertBatches

        return BertBatches(self._single, self._memo_bytes // 2)


def word_splitter(normalizer: Mapping[str, Any]) -> WordSplitter:
    """Return what a BertNormalizer of these settings, and BertPreTokenizer, do."""
    strip = normalizer.get("strip_accents")
    return WordSplitter(
        clean_text=normalizer["clean_text"],
        handle_chinese_chars=normalizer["handle_chinese_chars"],
        strip_accents=normalizer["lowercase"] if strip is None else strip,
        lowercase=normalizer["lowercase"],
    )


def _added_token(entry: dict[str, Any]) -> AddedToken:
    return AddedToken(entry["content"], entry["id"], **{flag: entry[flag] for flag in TOKEN_FLAGS})
