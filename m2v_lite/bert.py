"""The WordPiece path: texts -> words -> token ids, without the `tokenizers` library.

It takes tokenizers of BertNormalizer, BertPreTokenizer and WordPiece, with any options. White space always
divides words and no step looks across it, so a word's ids do not depend on its neighbours, and the memo may
keep them. Added tokens are cut out first; the words of a text that holds one are told apart by a mark that
no text can hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.added_tokens import AddedToken, AddedTokens
from m2v_lite.codepage import END as PAGE_END, Codepage
from m2v_lite.flat_ids import drop, merge, shorten
from m2v_lite.memo import END_OF_TEXT, LENGTH_MASK, Memo
from m2v_lite.tokenizer_file import TokenizerSource
from m2v_lite.wordpiece import WordPiece
from m2v_lite.words import WordSplitter

# Lone surrogates, which no text holds: the end of a text, and what stands before an added token's id.
END = "\udfff"
ADDED = "\udffe"

FlatIds = tuple[NDArray[np.intp], NDArray[np.intp]]

DEFAULT_MEMO_BYTES = 8 << 20
MOST_REPLACED = 4  # the most characters that normalizing makes of one, spaces aside
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
        self._page = self._with_codes(Codepage(self._splitter))
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
        return {name: value for name, value in self.__dict__.items() if name not in ("_memo", "_page")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._page = self._with_codes(Codepage(self._splitter))
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
        all_ascii = all(map(str.isascii, texts))
        flat = (self._paged_ids(texts) if all_ascii else None) or self._mixed_ids(texts)
        return drop(*shorten(*flat, max_length), self.unk_token_id)

    def token_ids_of_one(self, text: str, max_length: int | None) -> list[int]:
        if self._splitter.is_plain(text) and not self._raw.occur_in(text) and not self._normalized:
            words = self._splitter.plain_words(text)
        else:
            words = self._divided(*self._special_words([text]))
        ids = self._memo_for(len(text) * MOST_REPLACED).token_ids_of_one(words)[:max_length]
        if self.unk_token_id in ids:
            return [token_id for token_id in ids if token_id != self.unk_token_id]
        return ids

    def _paged_ids(self, texts: Sequence[str]) -> FlatIds | None:
        """Return the ids of texts of few different characters and without added tokens; else return None."""
        joined = PAGE_END.join(texts) + PAGE_END
        if not (self._splitter.clean_text and joined.count(PAGE_END) == len(texts)):
            return None
        if self._raw.occur_in(joined):
            return None
        if self._normalized and self._normalized.occur_in(self._splitter.normalize(joined)):
            return None
        page, mark_codes = self._page
        try:
            encoded = page.encode(joined)
        except UnicodeEncodeError:
            wider = page.with_others(self._splitter, joined)
            if wider is None:
                return None
            page, mark_codes = self._page = self._with_codes(wider)
            encoded = page.encode(joined)
        divided = page.divide(encoded)
        memo = self._memo_for(len(joined))
        codes = mark_codes[divided.first]
        codes[divided.is_word] = memo.codes(divided.words)
        return memo.expand(codes)

    def _with_codes(self, page: Codepage) -> tuple[Codepage, NDArray[np.int64]]:
        """Return a page, and the code of each of its bytes that is a mark."""
        codes = np.full(256, END_OF_TEXT)
        for byte, mark in page.marks.items():
            (codes[byte],) = self._model.pieces(mark)
        return page, codes

    def _mixed_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of any texts: those of ASCII together, and the others together."""
        is_ascii = [text.isascii() for text in texts]
        groups = [_chosen(texts, is_ascii), _chosen(texts, [not chosen for chosen in is_ascii])]
        ones, others = (self._paged_ids(group) or self._special_ids(group) for group in groups)
        return merge(np.array(is_ascii, bool), ones, others)

    def _special_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of any texts, in more steps."""
        words = "".join(f"{text_words} {END} " for text_words in self._special_words(texts))
        memo = self._memo_for(len(words))
        return memo.expand(memo.codes(self._divided(words)))

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

    def _memo_for(self, characters: int) -> Memo:
        """Return a memo with room for a batch; one that is full is left to those who are using it."""
        memo = self._memo
        if not memo.has_room(characters):
            memo = self._memo = self._new_memo(characters)
        return memo

    def _divided(self, words: str) -> list[str]:
        """Divide words at the spaces between them."""
        if self._splitter.clean_text:
            return words.split()
        # Words may hold control characters that Python takes for white space.
        return [word for word in words.split(" ") if word]

    def _new_memo(self, room: int) -> Memo:
        known = {f"{ADDED}{token_id}": token_id for token_id in self._added_ids.values()}
        return Memo(self._model.pieces, {**known, END: END_OF_TEXT}, self._memo_bytes, room)


def _chosen(texts: Sequence[str], flags: Sequence[bool]) -> list[str]:
    return list(compress(texts, flags))


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
