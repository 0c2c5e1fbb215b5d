"""The general path: tokenizes texts with the `tokenizers` library, which is imported only when needed.

The library's tokenizer never truncates or pads here, whatever its `tokenizer.json` says. The token limit is
applied to the ids afterwards. The ids are the same, and the tokenizer is safe to use from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.errors import InvalidModelError, MissingPackageError, TokenizationError
from m2v_lite.tokenization.flat_ids import flatten, known_ids
from m2v_lite.tokenization.vocabulary import in_order

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.protocols import TokenizerSource


class LibraryTokenizer:
    """A tokenizer of the `tokenizers` library; see `TextTokenizer` for its attributes.

    Args:
        tokenizer: the library's object. It is not copied, so do not change it afterwards.
        unk_token_id: the id to drop from every text, or None.
        source: reads the text of the tokenizer's `tokenizer.json`.

    Attributes:
        reason: why it is not one of those that are done in arrays; "" if that was not asked.
    """

    asks_for = "whole texts"

    def __init__(self, tokenizer: Tokenizer, unk_token_id: int | None, source: TokenizerSource) -> None:
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
        self.reason = ""

    @property
    def route(self) -> str:
        reason = f", because {self.reason}" if self.reason else ""
        return f"by the tokenizers library, {self.asks_for}{reason}"

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        return flatten(self.lists_of_ids(texts))

    def token_ids(self, texts: Sequence[str], max_length: int | None) -> FlatIds:
        return known_ids(*self.all_ids(texts), max_length, self.unk_token_id)

    def lists_of_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return all ids of each text, unknown tokens included."""
        try:
            # The fast form leaves out the offsets, which nothing here reads.
            encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        except BaseException as error:
            raise_unless_failure(error)
            raise self._tokenization_error(texts, error) from error
        return [encoding.ids for encoding in encodings]

    def token_ids_of_one(self, text: str, max_length: int | None) -> Ids:
        return self.token_ids([text], max_length)[0]

    @property
    def tokens(self) -> tuple[str, ...]:
        return in_order(self._tokenizer.get_vocab(with_added_tokens=True))

    def definition(self) -> str:
        return self._source.read()

    def _tokenization_error(self, texts: Sequence[str], error: BaseException) -> TokenizationError:
        for text in texts:
            try:
                self._tokenizer.encode(text)
            except BaseException as cause:
                raise_unless_failure(cause)
                return TokenizationError(
                    f"the model's {self.kind} tokenizer cannot tokenize {text[:60]!r}: {cause}; leave "
                    "this text out, or fix the model's tokenizer.json"
                )
        return TokenizationError(f"the model's {self.kind} tokenizer fails: {error}")


def library_tokenizer(definition: str, place: object) -> Tokenizer:
    """Return a new `tokenizers.Tokenizer` made from the text of a `tokenizer.json`.

    Args:
        definition: the text.
        place: the origin of the text, for error messages.

    Raises:
        InvalidModelError: the library cannot read the text.
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
    except BaseException as error:
        raise_unless_failure(error)
        raise InvalidModelError(
            f"{place}: tokenizers cannot read this file ({error}); fetch it again, or upgrade "
            "tokenizers if the file is of a newer kind"
        ) from error


def unk_token_id(tokenizer: Tokenizer, definition: dict[str, Any]) -> int | None:
    """Return the id to drop: the id of the unknown token, or None. For Unigram, the definition names it."""
    if hasattr(tokenizer.model, "unk_token"):
        unk_token = tokenizer.model.unk_token
        return None if unk_token is None else tokenizer.token_to_id(unk_token)
    unk_id: int | None = definition["model"].get("unk_id")  # Unigram
    return unk_id


def raise_unless_failure(error: BaseException) -> None:
    """Raise `error` again, unless it reports a failure of the library.

    The library raises bare Exceptions. If its Rust code panics, it raises PanicException, which is not a
    subclass of Exception.
    """
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
