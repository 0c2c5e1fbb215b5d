"""The WordPiece path: texts -> words -> token ids, without the `tokenizers` library.

It takes tokenizers of BertNormalizer, BertPreTokenizer and WordPiece, with any options. White space always
divides words and no step looks across it, so a word's ids do not depend on its neighbours, and the memo may
keep them. Added tokens are cut out first; the words of a text that holds one are told apart by a mark that
no text can hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.added_tokens import AddedToken, AddedTokens
from m2v_lite.flat_ids import drop, shorten
from m2v_lite.memo import LENGTH_MASK, Memo
from m2v_lite.tokenizer_file import TokenizerSource
from m2v_lite.wordpiece import WordPiece
from m2v_lite.words import WordSplitter

# Lone surrogates, which no text holds: the end of a text, and what stands before an added token's id.
END = "\udfff"
ADDED = "\udffe"
# The end of a text among plain ones, which hold no control characters; ASCII is quicker.
PLAIN_END = "\0"

DEFAULT_MEMO_BYTES = 8 << 20
MOST_TOKENS = 1 << 31  # ids are kept in 32 bits


class BertTokenizer:
    """Texts to token ids; see `tokenization.TextTokenizer` for what attributes and methods mean.

    Args:
        definition: the content of a `tokenizer.json` that `is_bert` takes.
        source: where it was read.
        memo_bytes: the memory that the memo may take, about.
    """

    kind = "WordPiece"

    def __init__(
        self, definition: dict[str, Any], source: TokenizerSource, memo_bytes: int = DEFAULT_MEMO_BYTES
    ) -> None:
        options, model = definition["normalizer"], definition["model"]
        strip = options["strip_accents"]
        self._splitter = WordSplitter(
            clean_text=options["clean_text"],
            handle_chinese_chars=options["handle_chinese_chars"],
            strip_accents=options["lowercase"] if strip is None else strip,
            lowercase=options["lowercase"],
        )
        self._model = WordPiece(
            model["vocab"],
            model["unk_token"],
            model["continuing_subword_prefix"],
            model["max_input_chars_per_word"],
        )
        added = [_added_token(entry) for entry in definition["added_tokens"]]
        self._raw = AddedTokens([token for token in added if not token.normalized])
        self._normalized = AddedTokens(
            [
                replace(token, content=self._splitter.normalize(token.content))
                for token in added
                if token.normalized
            ]
        )
        self._end = PLAIN_END if self._splitter.clean_text else END
        self._added_ids = {token.content: token.token_id for token in added}
        vocabulary = {**model["vocab"], **self._added_ids}
        self.unk_token_id: int | None = vocabulary[model["unk_token"]]
        self.median_token_length = int(np.median([*map(len, vocabulary)]))
        self.vocabulary_size = len(vocabulary)
        self.highest_id = max(vocabulary.values())
        self._source = source
        self._memo_bytes = memo_bytes
        self._memo = self._new_memo(0)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the memo behind: a copy fills its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_memo"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._memo = self._new_memo(0)

    @property
    def tokens(self) -> tuple[str, ...]:
        vocabulary = {**self._model.vocabulary, **self._added_ids}
        return tuple(sorted(vocabulary, key=vocabulary.__getitem__))

    def definition(self) -> str:
        return self._source.read()

    def token_ids(
        self, texts: Sequence[str], max_length: int | None
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        words = self._words(texts)
        ids, bounds = self._memo_for(words).token_ids(self._divided(words))
        return drop(*shorten(ids, bounds, max_length), self.unk_token_id)

    def token_ids_of_one(self, text: str, max_length: int | None) -> list[int]:
        if self._splitter.is_plain(text) and not self._raw.occur_in(text):
            normalized = self._splitter.normalize_plain(text)
            plain = not self._normalized.occur_in(normalized)
            words = self._splitter.split_plain(normalized) if plain else self._words_with_tokens(text)
        else:
            (words,) = self._special_words([text])
        ids = self._memo_for(words).token_ids_of_one(self._divided(words))[:max_length]
        if self.unk_token_id in ids:
            return [token_id for token_id in ids if token_id != self.unk_token_id]
        return ids

    def _words(self, texts: Sequence[str]) -> str:
        """Return the words of all texts, with spaces between them and an end mark after each text."""
        plain = self._plain_words(texts)
        if plain is not None:
            return plain
        end = f" {self._end} "
        ascii_texts = [text for text in texts if text.isascii()]
        plain = self._plain_words(ascii_texts) if len(ascii_texts) < len(texts) else None
        if plain is not None:
            ascii_words = iter(plain.split(self._end))
            others = iter(self._special_words([text for text in texts if not text.isascii()]))
            words = [next(ascii_words if text.isascii() else others) for text in texts]
        else:
            words = self._special_words(texts)
        return end.join(words) + end

    def _plain_words(self, texts: Sequence[str]) -> str | None:
        """Do the same in fewer steps, for texts of plain ASCII without added tokens; else return None."""
        end = f" {PLAIN_END} "
        joined = end.join(texts) + end
        if joined.count(PLAIN_END) != len(texts) or not self._splitter.is_plain(joined, but=PLAIN_END):
            return None
        normalized = self._splitter.normalize_plain(joined)
        if self._raw.occur_in(joined) or self._normalized.occur_in(normalized):
            return None
        return self._splitter.split_plain(normalized)

    def _special_words(self, texts: Sequence[str]) -> list[str]:
        """Return the words of each text, whatever it holds."""
        with_tokens = [self._raw.occur_in(text) or bool(self._normalized) for text in texts]
        joined = END.join(text for text, token in zip(texts, with_tokens, strict=True) if not token)
        others = iter(self._splitter.words(joined, END))
        return [
            self._words_with_tokens(text) if token else next(others)
            for text, token in zip(texts, with_tokens, strict=True)
        ]

    def _words_with_tokens(self, text: str) -> str:
        """Return the words of one text, with each added token as a word of its own."""
        parts: list[str | int] = []
        for part in self._raw.split(text):
            if isinstance(part, str):
                parts += self._normalized.split(self._splitter.normalize(part))
            else:
                parts.append(part)
        return "".join(
            self._splitter.split(part) if isinstance(part, str) else f" {ADDED}{part} " for part in parts
        )

    def _memo_for(self, words: str) -> Memo:
        """Return a memo with room for a batch; one that is full is left to those who are using it."""
        if not self._memo.has_room(len(words)):
            self._memo = self._new_memo(len(words))
        return self._memo

    def _divided(self, words: str) -> list[str]:
        """Divide words at the spaces between them."""
        if self._splitter.clean_text:
            return words.split()
        # Words may hold control characters that Python takes for white space.
        return [word for word in words.split(" ") if word]

    def _pieces(self, word: str) -> list[int]:
        return [int(word[1:])] if word[0] == ADDED else self._model.pieces(word)

    def _new_memo(self, room: int) -> Memo:
        return Memo(self._pieces, self._end, self._memo_bytes, room)


def is_bert(definition: dict[str, Any]) -> bool:
    """Say whether `BertTokenizer` gives what `tokenizers` gives for the content of a `tokenizer.json`."""
    normalizer, model = definition.get("normalizer"), definition.get("model")
    if not isinstance(normalizer, dict) or not isinstance(model, dict):
        return False
    flags = {"clean_text": bool, "handle_chinese_chars": bool, "lowercase": bool}
    strip = normalizer.get("strip_accents")
    return (
        normalizer.get("type") == "BertNormalizer"
        and all(type(normalizer.get(name)) is kind for name, kind in flags.items())
        and (strip is None or isinstance(strip, bool))
        and definition.get("pre_tokenizer") == {"type": "BertPreTokenizer"}
        and model.get("type") == "WordPiece"
        and isinstance(model.get("continuing_subword_prefix"), str)
        and type(model.get("max_input_chars_per_word")) is int
        and model["max_input_chars_per_word"] < LENGTH_MASK
        and isinstance(model.get("vocab"), dict)
        and all(type(token_id) is int and 0 <= token_id < MOST_TOKENS for token_id in model["vocab"].values())
        and model.get("unk_token") in model["vocab"]
        and _can_be_added(definition.get("added_tokens"), model["vocab"])
    )


def _can_be_added(entries: Any, vocabulary: Mapping[str, int]) -> bool:
    """Say whether added tokens are plain enough to be found as `tokenizers` finds them.

    It gives a token the id that its content has in the vocabulary, else the next free one, whatever the file
    says; a file that says something else is left to it.
    """
    if not isinstance(entries, list):
        return False
    contents = set()
    next_id = len(vocabulary)
    for entry in entries:
        content = entry.get("content")
        expected = vocabulary.get(content, next_id)
        next_id += expected == next_id
        if not content or content != content.strip() or content in contents or entry.get("id") != expected:
            return False
        contents.add(content)
    return True


def _added_token(entry: dict[str, Any]) -> AddedToken:
    flags = {name: bool(entry.get(name)) for name in ("single_word", "lstrip", "rstrip", "normalized")}
    return AddedToken(entry["content"], entry["id"], **flags)
