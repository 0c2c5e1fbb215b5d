"""The WordPiece path: texts -> words -> token ids, without the `tokenizers` library.

It takes tokenizers of BertNormalizer, BertPreTokenizer and WordPiece, with any options. White space always
divides words and no step looks across it, so a word's ids do not depend on its neighbours, and the memo may
keep them. Added tokens are cut out first; the words of a text that holds one are told apart by a mark that
no text can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from m2v_lite.added_tokens import AddedToken, AddedTokens
from m2v_lite.batch_memo import BatchMemo
from m2v_lite.flat_ids import FlatIds, drop, flatten, merge, shorten
from m2v_lite.memo import DEFAULT_MEMO_BYTES, Memo
from m2v_lite.pieces import LENGTH_MASK
from m2v_lite.spans import SEPARATOR, AsciiDivider, Spans, WideDivider
from m2v_lite.tokenizer_file import TokenizerSource
from m2v_lite.vocabulary import DictVocabulary, Vocabulary
from m2v_lite.wordpiece import WordPiece
from m2v_lite.words import WordSplitter

# What stands before an added token's id: a lone surrogate, which no text holds.
ADDED = "\udffe"

IdsOf = Callable[[Sequence[str]], FlatIds]

MOST_ADDED = 100  # they are looked for one by one
TOKEN_FLAGS = ("single_word", "lstrip", "rstrip", "normalized")
MOST_TOKENS = 1 << 31  # ids are kept in 32 bits


class VocabularyFigures(NamedTuple):
    """What is known of all tokens, added ones included; see `tokenization.TextTokenizer`."""

    median_token_length: int
    vocabulary_size: int
    highest_id: int


class BertTokenizer:
    """Texts to token ids; see `tokenization.TextTokenizer` for what attributes and methods mean.

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
        model = definition["model"]
        self._splitter = _splitter(definition["normalizer"])
        self._vocabulary = vocabulary
        self._model = WordPiece(
            vocabulary,
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
        self._ascii, self._wide = AsciiDivider(self._splitter), WideDivider(self._splitter)
        self._added_ids = {token.content: token.token_id for token in added}
        self.unk_token_id: int | None = self._model.unknown
        self.median_token_length, self.vocabulary_size, self.highest_id = figures
        self._source = source
        self._memo_bytes = memo_bytes
        self._memo, self._batch_memo = self._new_memo(), self._new_batch_memo()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the memos behind: a copy fills its own."""
        left = ("_memo", "_batch_memo", "_wide")
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._wide = WideDivider(self._splitter)
        self._memo, self._batch_memo = self._new_memo(), self._new_batch_memo()

    @property
    def tokens(self) -> tuple[str, ...]:
        vocabulary = {**dict(self._vocabulary.items()), **self._added_ids}
        return tuple(sorted(vocabulary, key=vocabulary.__getitem__))

    def definition(self) -> str:
        return self._source.read()

    def token_ids(self, texts: Sequence[str], max_length: int | None) -> FlatIds:
        return drop(*shorten(*self._ids(texts), max_length), self.unk_token_id)

    def token_ids_of_one(self, text: str, max_length: int | None) -> list[int]:
        ids = self._ids_of_one(text)[:max_length]
        if self.unk_token_id in ids:
            return [token_id for token_id in ids if token_id != self.unk_token_id]
        return ids

    def _ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of texts, each group of them in its own way."""
        if not self._splitter.clean_text:
            return self._special_ids(texts)
        joined = " ".join(texts)
        if self._needs_steps(joined):
            is_plain = [not self._needs_steps(text) for text in texts]
            return self._by_groups(texts, is_plain, self._plain_ids, self._special_ids)
        return self._plain_ids(texts)

    def _needs_steps(self, text: str) -> bool:
        """Say whether an added token may be in a text, or what stands between texts."""
        return SEPARATOR in text or self._raw.occur_in(text) or self._normalized_occur_in(text)

    def _normalized_occur_in(self, text: str) -> bool:
        return bool(self._normalized) and self._normalized.occur_in(self._splitter.normalize(text))

    def _plain_ids(self, texts: Sequence[str]) -> FlatIds:
        is_ascii = list(map(str.isascii, texts))
        if all(is_ascii):
            return self._ids_at(self._ascii.divide(texts))
        return self._by_groups(texts, is_ascii, self._plain_ids, self._wide_ids)

    def _wide_ids(self, texts: Sequence[str]) -> FlatIds:
        spans, odd = self._wide.divide(texts)
        flat = self._ids_at(spans)
        if not odd:
            return flat
        chosen = np.ones(len(texts), bool)
        chosen[odd] = False
        return merge(chosen, flat, self._special_ids([texts[index] for index in odd]))

    def _by_groups(
        self, texts: Sequence[str], chosen: list[bool], ids_of_chosen: IdsOf, ids_of_others: IdsOf
    ) -> FlatIds:
        ones = ids_of_chosen(list(compress(texts, chosen)))
        others = ids_of_others([text for text, is_chosen in zip(texts, chosen, strict=True) if not is_chosen])
        return merge(np.array(chosen), ones, others)

    def _ids_at(self, spans: Spans) -> FlatIds:
        memo = self._batch_memo
        if memo.is_full():  # a full one is left to those who are using it
            memo = self._batch_memo = self._new_batch_memo()
        return memo.token_ids(spans)

    def _words_at(self, spans: Spans) -> list[str]:
        """Return the words that lie somewhere, normalized."""
        words = spans.words()
        if spans.units.itemsize == 1:
            return words
        return [self._splitter.words(word).strip(" ") for word in words]

    def _special_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return the ids of any texts, one by one."""
        return flatten([self._ids_of_one(text) for text in texts])

    def _ids_of_one(self, text: str) -> list[int]:
        if self._normalized or self._raw.occur_in(text):
            words = self._divided(self._words_with_tokens(text))
        elif self._splitter.is_plain(text):
            words = self._splitter.plain_words(text)
        else:
            words = self._divided(self._splitter.words(text))
        memo = self._memo
        if memo.is_full():
            memo = self._memo = self._new_memo()
        return memo.token_ids(words)

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

    def _divided(self, words: str) -> list[str]:
        """Divide words at the spaces between them."""
        if self._splitter.clean_text:
            return words.split()
        # Words may hold control characters that Python takes for white space.
        return [word for word in words.split(" ") if word]

    def _new_memo(self) -> Memo:
        known = {f"{ADDED}{token_id}": token_id for token_id in self._added_ids.values()}
        return Memo(self._model.find_whole, self._model.pieces, known, self._memo_bytes // 2)

    def _new_batch_memo(self) -> BatchMemo:
        model = self._model
        return BatchMemo(model.pieces, model.pieces_of_many, self._words_at, self._memo_bytes // 2)


def read_bert(
    definition: dict[str, Any], source: TokenizerSource, memo_bytes: int = DEFAULT_MEMO_BYTES
) -> BertTokenizer:
    """Return the tokenizer of a `tokenizer.json` whose content `is_bert`."""
    ids = definition["model"]["vocab"]
    lengths = [*map(len, ids)]
    highest = max(ids.values())
    for token in definition["added_tokens"]:
        if token["content"] not in ids:
            lengths.append(len(token["content"]))
            highest = max(highest, token["id"])
    figures = VocabularyFigures(int(np.median(lengths)), len(lengths), highest)
    return BertTokenizer(definition, DictVocabulary(ids), figures, source, memo_bytes)


def is_bert(definition: dict[str, Any]) -> bool:
    """Say whether `BertTokenizer` gives what `tokenizers` gives for the content of a `tokenizer.json`.

    What is odd in any way is left to the library, to tokenize or to refuse.
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
        and 0 <= most < LENGTH_MASK
        and isinstance(vocabulary, dict)
        and set(map(type, vocabulary.values())) == {int}
        and 0 <= min(vocabulary.values()) <= max(vocabulary.values()) < MOST_TOKENS
        and _is_unicode("".join(vocabulary))
        and isinstance(model.get("unk_token"), str)
        and model["unk_token"] in vocabulary
        and _can_be_added(definition.get("added_tokens"), vocabulary, _splitter(normalizer))
    )


def _can_be_added(entries: Any, vocabulary: Mapping[str, int], splitter: WordSplitter) -> bool:
    """Say whether added tokens are plain enough to be found as `tokenizers` finds them."""
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
    # The library gives a token the id of its content in the vocabulary, else the next free one, whatever
    # the file says.
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


def _splitter(normalizer: dict[str, Any]) -> WordSplitter:
    strip = normalizer.get("strip_accents")
    return WordSplitter(
        clean_text=normalizer["clean_text"],
        handle_chinese_chars=normalizer["handle_chinese_chars"],
        strip_accents=normalizer["lowercase"] if strip is None else strip,
        lowercase=normalizer["lowercase"],
    )


def _added_token(entry: dict[str, Any]) -> AddedToken:
    return AddedToken(entry["content"], entry["id"], **{flag: entry[flag] for flag in TOKEN_FLAGS})
