"""Defines the packed model: one file with the table, the vocabulary as arrays, and all settings.

A packed model is an ordinary safetensors file. It has the tensors of a model and also:

- `vocabulary.entries`, `vocabulary.displacements`, `vocabulary.values`, `vocabulary.parents` and
  `vocabulary.lengths`: the tables that find tokens, as `mapped_tables` lays them out, if the tokenizer is of
  the BERT kind. Loading the model only maps them, without parsing a vocabulary or building a table;
- `pieces.links`, `pieces.ids`, `pieces.codes`, `pieces.scores`, `pieces.charsmap`, `pieces.values` and
  `pieces.characters`: the same for a tokenizer of the XLM-R kind, as `unigram.tokenizer` lists them;
- `modules.N.linear.weight`, `modules.N.linear.bias` and `modules.N.residual.weight`: the arrays of the Dense
  modules of a model of sentence-transformers;
- `head.N.weight` and `head.N.bias`: the layers of a classifier head, if the model has one;
- `tokenizer.json`, `README.md`: these files, deflated (https://www.rfc-editor.org/rfc/rfc1950). Inflated,
  they have at most 256 MB and 4 MB, and at most fifty times their deflated size plus 64 KB.

The metadata has these entries. Each name has the prefix `m2v_lite.`:

- `version`: the version of this format: 3 with the entry `modules`, which older releases cannot read, else 2;
- `config`: the config, JSON;
- `card`: the known entries of the model card, JSON;
- `source`: the model's origin, for example its name on the hub;
- `tokenizer`: the tokenizer's settings without its vocabulary, JSON;
- `figures`: numbers that describe the vocabulary, JSON;
- `tables`: the description of the tables that find tokens, JSON, if they are in the file;
- `modules`: the modules after the table of a sentence-transformers model, in which unknown tokens count, and
  the name of its default prompt, JSON; model2vec's models do not have this entry;
- `checksums`: the SHA-256 of each tensor and of all other metadata, JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import PathLike
from m2v_lite.disk import MOST_BYTES
from m2v_lite.errors import InvalidModelError
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.tokenization.added_tokens import TOKEN_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from m2v_lite.tokenization.protocols import TextTokenizer, TokenizerSource
    from m2v_lite.tokenization.unigram.tokenizer import UnigramTokenizer
    from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

VERSION, VERSION_WITH_MODULES = "2", "3"
PREFIX = "m2v_lite."
# How the names of the tensors begin that hold the vocabulary of a WordPiece and of a Unigram model.
VOCABULARY, PIECES = "vocabulary.", "pieces."
MODULES = "modules"
FIGURES = ("median_token_length", "vocabulary_size", "highest_id")
TOKENIZER = "tokenizer.json"
MODEL_CARD = "README.md"
# How many times as large as its deflated form an inflated file may be, within `MOST_BYTES`. The 20 MB of half
# a million pieces are five times their deflated form. Without bounds, a small broken file could fill the
# memory.
MOST_TIMES, SMALL = 50, 1 << 16


class PackedTokenizer:
    """The text of the tokenizer.json in a packed model; see `protocols.TokenizerSource`."""

    def __init__(self, file: SafetensorsFile) -> None:
        self._file = file

    def read(self) -> str:
        return packed_text(self._file, TOKENIZER)


def is_packed(file: SafetensorsFile) -> bool:
    """Return whether a safetensors file is a packed model."""
    return f"{PREFIX}version" in file.metadata


def states_packed(metadata: Mapping[str, str]) -> bool:
    """Return whether a header's metadata are those of a packed model, in any version of this format.

    A kept tokenizer has a version, too, but no config.

    Examples:
        >>> states_packed({"m2v_lite.version": "1", "m2v_lite.config": "{}"})
        True
        >>> states_packed({"m2v_lite.version": "2", "m2v_lite.made_from": "{}"}), states_packed({})
        (False, False)
    """
    return f"{PREFIX}version" in metadata and f"{PREFIX}config" in metadata


def check_version(file: SafetensorsFile) -> None:
    """Check that this version of m2v_lite can read a packed model."""
    version = file.metadata[f"{PREFIX}version"]
    expected = VERSION_WITH_MODULES if PREFIX + MODULES in file.metadata else VERSION
    if version != expected:
        raise InvalidModelError(
            f"{file.path}: this packed model uses version {version!r:.20} of the format, but this m2v_lite "
            f"reads version {expected}; upgrade m2v_lite, or pack the model again: "
            "m2v-lite pack"
        )


def setting(file: SafetensorsFile, name: str) -> Any:
    """Return one JSON object of the metadata.

    Raises:
        InvalidModelError: the entry is missing, or is not a JSON object.
    """
    try:
        value = json.loads(file.metadata[PREFIX + name])
    except (KeyError, ValueError, RecursionError) as error:
        raise broken(file.path, f"its metadata {PREFIX}{name} cannot be read ({error!r:.100})") from error
    if not isinstance(value, dict):
        raise broken(file.path, f"its metadata {PREFIX}{name} is not a JSON object")
    return value


def read_packed_tokenizer(file: SafetensorsFile, memo_bytes: int) -> TextTokenizer:
    """Return the tokenizer of a packed model.

    Raises:
        InvalidModelError: the tokenizer is broken.
        MissingPackageError: the tokenizer needs the package tokenizers, which is not installed.
    """
    source = PackedTokenizer(file)
    own = tokenizer_in_arrays(file, source, memo_bytes)
    if own is not None:
        return own
    from m2v_lite.tokenization.kinds import tokenizer_of_content

    return tokenizer_of_content(source.read().encode(), source, file.path, memo_bytes)


def tokenizer_in_arrays(
    file: SafetensorsFile, source: TokenizerSource, memo_bytes: int
) -> WordPieceTokenizer | UnigramTokenizer | None:
    """Return the tokenizer whose arrays a packed file holds, or None if it holds none.

    Args:
        file: the file.
        source: reads the text of the tokenizer.json.
        memo_bytes: as for `read_tokenizer`.

    Raises:
        InvalidModelError: the tokenizer is broken.
    """
    tokenizer: WordPieceTokenizer | UnigramTokenizer | None = None
    if any(name.startswith(VOCABULARY) for name in file.tensors):
        tokenizer = _wordpiece(file, source, memo_bytes)
    elif any(name.startswith(PIECES) for name in file.tensors):
        tokenizer = _unigram(file, source, memo_bytes)
    if tokenizer is not None:
        tokenizer.mapped_from = file.path
    return tokenizer


def _wordpiece(file: SafetensorsFile, source: TokenizerSource, memo_bytes: int) -> WordPieceTokenizer:
    """Return the tokenizer of the BERT kind in a packed file."""
    from m2v_lite.tokenization.wordpiece.mapped_tables import DTYPES, tables_of
    from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

    arrays = _arrays(file, VOCABULARY, DTYPES)
    settings, figures = setting(file, "tokenizer"), setting(file, "figures")
    try:
        _check_settings(settings)
        numbers = _checked_figures(figures, settings)
        tables = tables_of(arrays, setting(file, "tables")["tables"], numbers["highest_id"])
        return WordPieceTokenizer(settings, tables, numbers, source, memo_bytes)
    except (KeyError, TypeError, ValueError) as error:
        raise broken(file.path, f"its tokenizer cannot be read ({error!r:.200})") from error


def _unigram(file: SafetensorsFile, source: TokenizerSource, memo_bytes: int) -> UnigramTokenizer:
    """Return the tokenizer of the XLM-R kind in a packed file."""
    from m2v_lite.tokenization.unigram.mapped import mapped_tokenizer
    from m2v_lite.tokenization.unigram.tokenizer import DTYPES

    arrays = _arrays(file, PIECES, DTYPES)
    settings, figures = setting(file, "tokenizer"), setting(file, "figures")
    try:
        return mapped_tokenizer(settings, arrays, _checked_figures(figures, settings), source, memo_bytes)
    except (KeyError, TypeError, ValueError) as error:
        raise broken(file.path, f"its tokenizer cannot be read ({error!r:.200})") from error


def _arrays(file: SafetensorsFile, prefix: str, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a vocabulary by their names.

    Arrays at odd places, which other writers may leave, are copied: a memory view cannot read them.
    """
    for name in names:
        if prefix + name not in file.tensors:
            raise broken(file.path, f"it has no tensor {prefix}{name}")
    return {name: np.require(np.asarray(file.view(prefix + name)), requirements="A") for name in names}


def _checked_figures(figures: dict[str, Any], settings: dict[str, Any]) -> dict[str, int]:
    """Return the figures of the vocabulary, if they and the ids of added tokens are sound."""
    numbers = {name: _natural_number(figures[name]) for name in FIGURES}
    for token in settings["added_tokens"]:
        if token["id"] > numbers["highest_id"]:
            raise ValueError(f"the added token {token['content']!r:.60} has an id that is too high")
    return numbers


def _natural_number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.60} is not a natural number")
    return value


def _check_settings(settings: dict[str, Any]) -> None:
    """Check that each setting has the right type."""
    normalizer, model, added = settings["normalizer"], settings["model"], settings["added_tokens"]
    strip = normalizer["strip_accents"]
    switches = [normalizer[name] for name in ("clean_text", "handle_chinese_chars", "lowercase")]
    switches += [False if strip is None else strip]
    switches += [token[flag] for token in added for flag in TOKEN_FLAGS]
    numbers = [model["max_input_chars_per_word"], *(token["id"] for token in added)]
    texts = [model["continuing_subword_prefix"], model["unk_token"], *(token["content"] for token in added)]
    if not (
        all(type(switch) is bool for switch in switches)
        and all(type(number) is int and number >= 0 for number in numbers)
        and all(type(text) is str for text in texts)
        and all(token["content"] for token in added)
    ):
        raise ValueError("a setting has the wrong type")


def deflated(name: str, text: str) -> NDArray[np.uint8]:
    """Return a file's text as `packed_text` reads it.

    Raises:
        InvalidModelError: the text is larger than the format allows.
    """
    import zlib

    content = text.encode()
    if len(content) > MOST_BYTES[name]:
        raise too_large(name, len(content))
    compressed = zlib.compress(content, 9)
    if len(content) > _most_bytes(name, len(compressed)):
        compressed = zlib.compress(content, 0)
    return np.frombuffer(compressed, np.uint8)


def too_large(name: str, size: int) -> InvalidModelError:
    return InvalidModelError(
        f"{name} has {size} bytes, but a packed model holds at most {MOST_BYTES[name]}, so shorten it"
    )


def _most_bytes(name: str, deflated_bytes: int) -> int:
    """Return how large an inflated file may be."""
    return min(MOST_BYTES[name], MOST_TIMES * deflated_bytes + SMALL)


def packed_text(file: SafetensorsFile, name: str) -> str:
    """Return the text of a deflated file in a packed model.

    Raises:
        InvalidModelError: the file is missing or broken.
    """
    if name not in file.tensors:
        raise broken(file.path, f"it has no tensor {name}")
    import zlib  # a model is loaded without it

    compressed = file.view(name)
    most = _most_bytes(name, compressed.nbytes)
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(compressed.data, most).decode()
    except (zlib.error, ValueError, NotImplementedError) as error:
        raise broken(file.path, f"{name} cannot be decompressed ({error})") from error
    if not decompressor.eof:
        raise broken(file.path, f"{name} is cut short, or is larger than {most} bytes")
    return text


def broken(path: PathLike, fact: str) -> InvalidModelError:
    return InvalidModelError(f"{path}: not a valid packed model: {fact}. Fetch or pack it again")
