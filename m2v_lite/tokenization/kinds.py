"""The content of a `tokenizer.json` -> a tokenizer of the right kind."""

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
    own, definition = own_tokenizer(content, source, place, memo_bytes)
    return own or tokenizer_by_library(content, definition, source, place, memo_bytes)


def tokenizer_by_library(
    content: bytes | mmap, definition: Any, source: TokenizerSource, place: object, memo_bytes: int
) -> TextTokenizer:
    """Return the tokenizer that asks the library.

    Args:
        content, source, place, memo_bytes: as for `tokenizer_of_content`.
        definition: what `own_tokenizer` returns of the content.
    """
    from m2v_lite.tokenization.chunks import chunk_tokenizer
    from m2v_lite.tokenization.tokenizers_library import LibraryTokenizer, library_tokenizer, unk_token_id

    tokenizer = library_tokenizer(content[:].decode(), place)
    unknown = unk_token_id(tokenizer, definition)
    return chunk_tokenizer(tokenizer, unknown, source, definition, memo_bytes) or LibraryTokenizer(
        tokenizer, unknown, source
    )


def own_tokenizer(
    content: bytes | mmap,
    source: TokenizerSource,
    place: object,
    memo_bytes: int = DEFAULT_MEMO_BYTES,
    before_building: Callable[[], None] | None = None,
) -> tuple[WordPieceTokenizer | UnigramTokenizer | None, Any]:
    """Return the tokenizer that does without the library, if there is one, and the content of the file.

    Args:
        content, source, place, memo_bytes: as for `tokenizer_of_content`.
        before_building: called before the work that takes long, if it is to be done.
    """
    from m2v_lite.tokenization.tokenizer_json import parse
    from m2v_lite.tokenization.wordpiece.supported import wordpiece_tokenizer

    try:
        definition = parse(content)
        own = wordpiece_tokenizer(definition, source, memo_bytes, before_building)
        if own is not None:
            return own, definition
        from m2v_lite.tokenization.unigram.supported import unigram_tokenizer

        return unigram_tokenizer(definition, source, memo_bytes, before_building), definition
    except (ValueError, RecursionError) as error:
        raise InvalidModelError(f"{place}: not a sound tokenizer.json ({error}); fetch it again") from error
