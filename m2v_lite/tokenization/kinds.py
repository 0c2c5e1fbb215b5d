"""Makes the right kind of tokenizer for a `tokenizer.json`."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InputTypeError, InvalidModelError
from m2v_lite.tokenization.definition import TokenizerFile, TokenizerText, map_content
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

    from tokenizers import Tokenizer

    from m2v_lite.tokenization.protocols import TextTokenizer, TokenizerSource
    from m2v_lite.tokenization.unigram.tokenizer import UnigramTokenizer
    from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer


class Left:
    """A tokenizer that is left to the library.

    A plain class, because defining a NamedTuple would slow start-up.

    Attributes:
        definition: the content of its `tokenizer.json`.
        reason: why it is left.
    """

    def __init__(self, definition: Any, reason: str) -> None:
        self.definition, self.reason = definition, reason


def read_tokenizer(path: PathLike, memo_bytes: int = DEFAULT_MEMO_BYTES) -> TextTokenizer:
    """Read the tokenizer in a `tokenizer.json`.

    Args:
        path: the file.
        memo_bytes: about how much memory the tokenizer may take to remember the ids of words.

    Raises:
        InvalidModelError: the file cannot be read.
        MissingPackageError: the tokenizer needs the package tokenizers, which is not installed.
    """
    content = map_content(path)
    return tokenizer_of_content(content, TokenizerFile(path, zlib.crc32(content)), path, memo_bytes)


def wrap_tokenizer(tokenizer: Tokenizer) -> TextTokenizer:
    """Return a tokenizer made from a copy of a caller's `tokenizers.Tokenizer`.

    Raises:
        InputTypeError: `tokenizer` is something else.
    """
    if not hasattr(tokenizer, "to_str"):
        raise InputTypeError(f"tokenizer is of type {type(tokenizer).__name__}; give a tokenizers.Tokenizer")
    text = tokenizer.to_str()
    return tokenizer_of_content(text.encode(), TokenizerText(text), "tokenizer")


def tokenizer_of_content(
    content: bytes | mmap, source: TokenizerSource, place: object, memo_bytes: int = DEFAULT_MEMO_BYTES
) -> TextTokenizer:
    """Return the tokenizer for the bytes of a `tokenizer.json`; see `read_tokenizer`.

    Args:
        content: the bytes.
        source: reads them again.
        place: their origin, for error messages.
        memo_bytes: as for `read_tokenizer`.
    """
    own = own_tokenizer(content, source, place, memo_bytes)
    return by_library(content, own, source, place, memo_bytes) if isinstance(own, Left) else own


def by_library(
    content: bytes | mmap, left: Left, source: TokenizerSource, place: object, memo_bytes: int
) -> TextTokenizer:
    """Return the tokenizer that asks the library.

    Args:
        content, source, place, memo_bytes: as for `tokenizer_of_content`.
        left: what `own_tokenizer` returns.
    """
    from m2v_lite.tokenization.chunks import chunk_tokenizer
    from m2v_lite.tokenization.tokenizers_library import LibraryTokenizer, library_tokenizer, unk_token_id

    tokenizer = library_tokenizer(content[:].decode(), place)
    unknown = unk_token_id(tokenizer, left.definition)
    found = chunk_tokenizer(tokenizer, unknown, source, left.definition, memo_bytes) or LibraryTokenizer(
        tokenizer, unknown, source
    )
    found.reason = left.reason
    return found


def own_tokenizer(
    content: bytes | mmap,
    source: TokenizerSource,
    place: object,
    memo_bytes: int = DEFAULT_MEMO_BYTES,
    before_building: Callable[[], None] | None = None,
) -> WordPieceTokenizer | UnigramTokenizer | Left:
    """Return the tokenizer that does without the library, if there is one.

    Args:
        content, source, place, memo_bytes: as for `tokenizer_of_content`.
        before_building: called before the work that takes long, if it is to be done.
    """
    from m2v_lite.tokenization.left_to_library import LeftToLibrary, require, shown
    from m2v_lite.tokenization.tokenizer_json import parse

    try:
        definition = parse(content)
        try:
            model = definition.get("model") if isinstance(definition, dict) else None
            kind = model.get("type") if isinstance(model, dict) else None
            require(kind in ("WordPiece", "Unigram"), f"its model is {shown(kind)}")
            if kind == "WordPiece":
                from m2v_lite.tokenization.wordpiece.supported import wordpiece_tokenizer

                return wordpiece_tokenizer(definition, source, memo_bytes, before_building)
            from m2v_lite.tokenization.unigram.supported import unigram_tokenizer

            return unigram_tokenizer(definition, source, memo_bytes, before_building)
        except LeftToLibrary as reason:
            return Left(definition, str(reason))
    except (ValueError, RecursionError) as error:
        raise InvalidModelError(f"{place}: not a valid tokenizer.json ({error}); fetch it again") from error
