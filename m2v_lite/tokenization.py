"""Texts -> flat token ids and bounds: what the rest of the package knows of tokenization."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InvalidModelError
from m2v_lite.flat_ids import FlatIds
from m2v_lite.memo import DEFAULT_MEMO_BYTES
from m2v_lite.tokenizer_file import TokenizerFile, TokenizerSource, TokenizerText, checksum, read_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class TextTokenizer(Protocol):
    """What a model needs of its tokenizer.

    Attributes:
        kind: the tokenizer's model: WordPiece, Unigram, BPE or WordLevel.
        unk_token_id: the id that is dropped from every text, or None.
        median_token_length: the median length of the vocabulary's tokens, in characters, rounded down.
        vocabulary_size: how many different tokens there are, added ones included.
        highest_id: the highest id that a token has.
    """

    kind: str
    unk_token_id: int | None
    median_token_length: int
    vocabulary_size: int
    highest_id: int

    def token_ids(self, texts: Sequence[str], max_length: int | None) -> FlatIds:
        """Tokenize texts, cut each to `max_length` tokens, then drop unknown ones.

        Returns:
            ids (tokens,) of all texts one after the other, and bounds (texts + 1,): text i owns
            `ids[bounds[i]:bounds[i + 1]]`.
        """
        ...

    def token_ids_of_one(self, text: str, max_length: int | None) -> list[int]:
        """Do the same for one text, without the preparations that pay for many."""
        ...

    @property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary, in the order of its ids."""
        ...

    def definition(self) -> str:
        """Return the tokenizer as the text of a `tokenizer.json`."""
        ...


def read_tokenizer(path: PathLike, memo_bytes: int = DEFAULT_MEMO_BYTES) -> TextTokenizer:
    """Read the tokenizer in a `tokenizer.json`.

    Args:
        path: the file.
        memo_bytes: the memory that the ids of words may take that it has seen, about.

    Raises:
        InvalidModelError: it cannot be read.
        MissingPackageError: it needs the package tokenizers, which is not installed.
    """
    text = read_text(path)
    return _tokenizer(text, TokenizerFile(path, checksum(text)), path, memo_bytes)


def wrap_tokenizer(tokenizer: Tokenizer) -> TextTokenizer:
    """Use a copy of a `tokenizers.Tokenizer` that a caller already has."""
    text = tokenizer.to_str()
    return _tokenizer(text, TokenizerText(text), "tokenizer", DEFAULT_MEMO_BYTES)


def _tokenizer(text: str, source: TokenizerSource, place: object, memo_bytes: int) -> TextTokenizer:
    from m2v_lite.bert import is_bert, read_bert

    try:
        definition = json.loads(text)
        supported = isinstance(definition, dict) and is_bert(definition)
    except (ValueError, RecursionError) as error:
        raise InvalidModelError(f"{place}: not a sound tokenizer.json ({error}); fetch it again") from error
    if supported:
        return read_bert(definition, source, memo_bytes)
    from m2v_lite.chunks import chunk_tokenizer
    from m2v_lite.library import LibraryTokenizer, library_tokenizer, unk_token_id

    tokenizer = library_tokenizer(text, place)
    unknown = unk_token_id(tokenizer, definition)
    return chunk_tokenizer(tokenizer, unknown, source, definition, memo_bytes) or LibraryTokenizer(
        tokenizer, unknown, source
    )
