"""Texts -> flat token ids and bounds.

`TextTokenizer` is all that the rest of the package knows of tokenization. `LibraryTokenizer` fulfils it
with the `tokenizers` library, which is imported when a model is loaded, not before.

A tokenizer here never truncates or pads by itself, whatever its `tokenizer.json` asks for. The limit is
applied to the ids after the fact, which gives the same ids and keeps one tokenizer safe under threads.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InvalidModelError, MissingPackageError, TokenizationError

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

    def token_ids(
        self, texts: Sequence[str], max_length: int | None
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Tokenize texts, cut each to `max_length` tokens, then drop unknown ones.

        Returns:
            ids (tokens,) of all texts one after the other, and bounds (texts + 1,): text i owns
            `ids[bounds[i]:bounds[i + 1]]`.
        """
        ...

    @property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary, in the order of its ids."""
        ...

    def definition(self) -> str:
        """Return the tokenizer as the text of a `tokenizer.json`."""
        ...


class LibraryTokenizer:
    """A tokenizer of the `tokenizers` library; see `TextTokenizer` for its attributes.

    Args:
        tokenizer: the library's object, which is used as it is and must not be changed afterwards.
        unk_token_id: the id that is dropped from every text, or None.
        source: the text of its `tokenizer.json`, or the file that holds it.
    """

    def __init__(self, tokenizer: Tokenizer, unk_token_id: int | None, source: str | TokenizerFile) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        self._tokenizer = tokenizer
        self._source = source
        self.kind = type(tokenizer.model).__name__
        self.unk_token_id = unk_token_id
        self.median_token_length = int(np.median([len(token) for token in vocabulary] or [0]))
        self.vocabulary_size = len(vocabulary)
        self.highest_id = max(vocabulary.values(), default=-1)

    def token_ids(
        self, texts: Sequence[str], max_length: int | None
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        try:
            # The fast form spares the offsets, which nobody here reads.
            encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        except Exception as error:  # the library raises bare Exceptions
            raise self._tokenization_error(texts, error) from error
        lists = [encoding.ids for encoding in encodings]
        if max_length is not None:
            lists = [ids[:max_length] for ids in lists]
        return flat_ids(lists, self.unk_token_id)

    @property
    def tokens(self) -> tuple[str, ...]:
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        return tuple(sorted(vocabulary, key=vocabulary.__getitem__))

    def definition(self) -> str:
        return self._source if isinstance(self._source, str) else self._source.read()

    def _tokenization_error(self, texts: Sequence[str], error: Exception) -> TokenizationError:
        for text in texts:
            try:
                self._tokenizer.encode(text)
            except Exception as cause:
                return TokenizationError(
                    f"the model's {self.kind} tokenizer cannot tokenize {text[:60]!r}: {cause}; leave "
                    "this text out, or mend the model's tokenizer.json"
                )
        return TokenizationError(f"the model's {self.kind} tokenizer fails: {error}")


@dataclass(frozen=True)
class TokenizerFile:
    """A `tokenizer.json` that was read once; its text is not kept, but read again when it is wanted."""

    path: Path
    checksum: int

    def read(self) -> str:
        """Return the text.

        Raises:
            InvalidModelError: the file has changed or is gone.
        """
        text = _read(self.path)
        if zlib.crc32(text.encode()) != self.checksum:
            raise InvalidModelError(
                f"{self.path}: the file has changed since the model was loaded; load the model again"
            )
        return text


def read_tokenizer(path: Path) -> TextTokenizer:
    """Read the tokenizer in a `tokenizer.json`.

    Raises:
        InvalidModelError: it cannot be read.
        MissingPackageError: it needs a package that is not installed.
    """
    text = _read(path)
    tokenizer = library_tokenizer(text, path)
    source = TokenizerFile(path, zlib.crc32(text.encode()))
    return LibraryTokenizer(tokenizer, _unk_token_id(tokenizer, text), source)


def wrap_tokenizer(tokenizer: Tokenizer) -> TextTokenizer:
    """Use a copy of a `tokenizers.Tokenizer` that a caller already has."""
    text = tokenizer.to_str()
    copy = library_tokenizer(text, "tokenizer")
    return LibraryTokenizer(copy, _unk_token_id(copy, text), text)


def library_tokenizer(definition: str, place: object) -> Tokenizer:
    """Return a new `tokenizers.Tokenizer` of the text of a `tokenizer.json`.

    Args:
        definition: the text.
        place: what to name in an error.

    Raises:
        InvalidModelError: the library cannot read it.
        MissingPackageError: the library is not installed.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingPackageError(
            f"{place}: this model needs the package tokenizers; install it with: pip install tokenizers"
        ) from error
    try:
        return Tokenizer.from_str(definition)
    except Exception as error:  # the library raises bare Exceptions
        raise InvalidModelError(
            f"{place}: tokenizers cannot read this file ({error}); fetch it again, or upgrade "
            "tokenizers if the file is of a newer kind"
        ) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidModelError(
            f"{path}: the tokenizer cannot be read ({error}); fetch the file again"
        ) from error


def _unk_token_id(tokenizer: Tokenizer, definition: str) -> int | None:
    if hasattr(tokenizer.model, "unk_token"):
        unk_token = tokenizer.model.unk_token
        return None if unk_token is None else tokenizer.token_to_id(unk_token)
    unk_id: int | None = json.loads(definition)["model"].get("unk_id")  # Unigram
    return unk_id


def flat_ids(
    lists: Iterable[Sequence[int]], dropped: int | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Flatten lists of ids into one array and its bounds, leaving out the id `dropped`.

    Example:
        >>> flat_ids([[5, 1, 6], [], [1], [7]], dropped=1)
        (array([5, 6, 7]), array([0, 2, 2, 2, 3]))
    """
    lists = list(lists)
    bounds = np.zeros(len(lists) + 1, np.intp)
    np.cumsum(np.fromiter(map(len, lists), np.intp, len(lists)), out=bounds[1:])
    ids = np.fromiter(chain.from_iterable(lists), np.intp, int(bounds[-1]))
    if dropped is not None:
        kept = ids != dropped
        if not kept.all():
            kept_before = np.zeros(len(ids) + 1, np.intp)
            np.cumsum(kept, out=kept_before[1:])
            ids, bounds = ids[kept], kept_before[bounds]
    return ids, bounds


def ids_of_each_text(ids: NDArray[Any], bounds: NDArray[np.intp]) -> list[NDArray[Any]]:
    """Divide a flat array into one view a text.

    Example:
        >>> [ids.tolist() for ids in ids_of_each_text(np.array([5, 6, 7]), np.array([0, 2, 2, 3]))]
        [[5, 6], [], [7]]
    """
    edges = bounds.tolist()
    return [ids[start:end] for start, end in pairwise(edges)]
