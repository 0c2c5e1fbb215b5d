"""`ModelParts`, the parts of a model. Reading returns them; saving and packing take them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import switch, token_limit
from m2v_lite.files.config import DEFAULT_MAX_LENGTH, DEFAULT_NORMALIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from typing_extensions import Self

    from m2v_lite.embedding.modules import Module
    from m2v_lite.embedding.table import EmbeddingTable
    from m2v_lite.files.layouts import ModelFiles
    from m2v_lite.tokenization.protocols import TextTokenizer


class ModelParts:
    """A table, a tokenizer and settings that fit together, and what callers can read of them.

    Args:
        table: the arrays.
        tokenizer: the tokenizer.
        config: the settings; copied.
        card: the entries of the model card; None to read them from `files` when they are asked for.
        files: the model's files, or None for a model made from arrays.
        read_again: reads the model again; None for a model made from arrays.

    Attributes:
        config: the settings, with the current `normalize` and `max_length`.
        files: the model's files, or None for a model made from arrays.
        default_prompt_name: the name of the prompt to put before texts if a call names none, or None.

    Raises:
        InvalidModelError: the table and the tokenizer do not fit together.
    """

    def __init__(
        self,
        table: EmbeddingTable,
        tokenizer: TextTokenizer,
        config: Mapping[str, Any],
        card: Mapping[str, Any] | None,
        files: ModelFiles | None = None,
        read_again: Callable[[], ModelParts] | None = None,
    ) -> None:
        place = files.folder if files else "vectors"
        table.check_vocabulary(place, tokenizer.vocabulary_size, tokenizer.highest_id)
        self._table = table
        self._tokenizer = tokenizer
        self.files = files
        # The arrays that were assigned after loading, by the names of `EmbeddingTable`.
        self._assigned: dict[str, NDArray[Any] | None] = {}
        if card is not None:
            self._card = card
        self._modules: tuple[Module, ...] | None = None
        self.default_prompt_name: str | None = None
        # A pickle stores the next two instead of the arrays.
        self.read_again = read_again
        self._identity = identity(files.table) if files else None
        self.config = dict(config)
        normalize = config.get("normalize")
        self.normalize = DEFAULT_NORMALIZE if normalize is None else normalize
        self.max_length = config.get("max_length", DEFAULT_MAX_LENGTH)

    @property
    def dim(self) -> int:
        """The number of columns of a vector."""
        columns = int(self._table.embedding.shape[1])
        if self._modules:
            from m2v_lite.embedding.modules import columns_behind

            return columns_behind(self._modules, columns)
        return columns

    @property
    def embedding(self) -> NDArray[Any]:
        """The embedding table, (rows, dim): read-only and memory-mapped, unless `quantize_to` copied it.

        A uint16 table holds bfloat16 codes. You can assign another array here, and to `weights` and
        `token_mapping`. The next use checks that the three arrays and the tokenizer fit together.
        """
        return self._table.embedding

    @embedding.setter
    def embedding(self, array: NDArray[Any]) -> None:
        self._assign("embedding", array)

    @property
    def weights(self) -> NDArray[Any] | None:
        """One factor per token id, (tokens,), or None."""
        return self._table.weights

    @weights.setter
    def weights(self, array: NDArray[Any] | None) -> None:
        self._assign("weights", array)

    @property
    def token_mapping(self) -> NDArray[Any] | None:
        """The row of each token id, (tokens,), or None if they are the same."""
        return self._table.mapping

    @token_mapping.setter
    def token_mapping(self, array: NDArray[Any] | None) -> None:
        self._assign("mapping", array)

    def _assign(self, name: str, array: NDArray[Any] | None) -> None:
        """Put another array into a new table, which this model does not share with its copies."""
        from m2v_lite.embedding.table import with_array

        self._table = with_array(self._table, name, array)
        self._assigned = {**self._assigned, name: array}

    @property
    def modules(self) -> tuple[Module, ...] | None:
        """What happens to the mean if that is done as in sentence-transformers; None for as in model2vec."""
        return self._modules

    @property
    def makes_unit_vectors(self) -> bool:
        """Whether vectors have length 1 if a call does not ask for something else."""
        if self.normalize or not self._modules:
            return self.normalize
        from m2v_lite.embedding.modules import Normalize

        return isinstance(self._modules[-1], Normalize)

    def follow_sentence_transformers(
        self, modules: Sequence[Module], default_prompt_name: str | None, files: Iterable[str] = ()
    ) -> None:
        """Make the vectors of sentence-transformers from now on: unknown tokens count, and modules apply.

        Args:
            modules: what happens to the mean.
            default_prompt_name: the name of the prompt before texts, or None.
            files: the files of the modules. A pickle is of no use if they change.
        """
        self._modules = tuple(modules)
        self.default_prompt_name = default_prompt_name
        self._tokenizer.unk_token_id = None
        if self._identity is not None:
            self._identity += tuple(number for path in files for number in identity(path))

    def rows_of_tokens(self) -> NDArray[Any]:
        """Return the weighted row of each token, (tokens, columns of the table)."""
        import numpy as np

        return self._table.rows(np.arange(self._tokenizer.vocabulary_size))

    def check_assigned(self) -> None:
        """Check that the assigned arrays fit together, and fit the tokenizer.

        Raises:
            InvalidModelError: they do not.
        """
        if not self._assigned:
            return
        from m2v_lite.embedding.table import check_rows

        tokenizer = self._tokenizer
        check_rows("token_mapping", self.embedding, self.token_mapping)
        self._table.check_vocabulary("embedding", tokenizer.vocabulary_size, tokenizer.highest_id)

    @property
    def embedding_dtype(self) -> str:
        """The name of the table's dtype."""
        return self._table.dtype_name

    @property
    def vocabulary_quantization(self) -> int | None:
        """The number of rows that the tokens share, or None if each token has its own row."""
        return None if self.token_mapping is None else len(self.embedding)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The vocabulary in the order of its token ids, built on first use."""
        return self._tokenizer.tokens

    @property
    def unk_token_id(self) -> int | None:
        """The id of the unknown token, or None. This token never contributes to a vector."""
        return self._tokenizer.unk_token_id

    @property
    def median_token_length(self) -> int:
        """The median length of the vocabulary's tokens in characters, rounded down."""
        return self._tokenizer.median_token_length

    @property
    def tokenizer_kind(self) -> str:
        """The kind of the tokenizer's model: WordPiece, Unigram, BPE or WordLevel."""
        return self._tokenizer.kind

    @property
    def tokenizer_route(self) -> str:
        """How texts are tokenized (in numpy or by the `tokenizers` library), and why."""
        return self._tokenizer.route

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """A `tokenizers.Tokenizer` that cuts texts at the model's `max_length`, created on first use.

        The model does not use this object, so changing it does not change the model.
        """
        from m2v_lite.tokenization.tokenizers_library import library_tokenizer

        tokenizer = library_tokenizer(self._tokenizer.definition(), "tokenizer")
        tokenizer.no_padding()
        if self.max_length is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(self.max_length)
        return tokenizer

    @cached_property
    def _card(self) -> Mapping[str, Any]:
        """The entries of the model card, read on first use."""
        from m2v_lite.files.model_card import read_model_card  # most programs do not ask

        return read_model_card(self.files.model_card) if self.files else {}

    @property
    def base_model_name(self) -> str | list[str] | None:
        """The model or models that this model was distilled from, if the model card names them."""
        return self._card.get("base_model")

    @property
    def language(self) -> str | list[str] | None:
        """The language or languages of the model, if the model card names them."""
        return self._card.get("language")

    @property
    def license(self) -> str | list[str] | None:
        """The licence of the model, if the model card names it."""
        return self._card.get("license")

    @property
    def normalize(self) -> bool:
        """Whether vectors are scaled to length 1 by default."""
        return self._normalize

    @normalize.setter
    def normalize(self, value: bool) -> None:
        self._normalize = self.config["normalize"] = switch("normalize", value)

    @property
    def max_length(self) -> int | None:
        """The number of tokens after which texts are cut by default; None for no limit."""
        return self._max_length

    @max_length.setter
    def max_length(self, value: int | None) -> None:
        self._max_length = self.config["max_length"] = token_limit(value)
        self.__dict__.pop("tokenizer", None)  # it has the old limit

    def tokenizer_definition(self) -> str:
        """Return the tokenizer as the text of a `tokenizer.json`, the format of the `tokenizers` library.

        Returns:
            JSON, which `tokenizers.Tokenizer.from_str` can read.

        Raises:
            InvalidModelError: the tokenizer's file has changed since it was read.

        Examples:
            >>> import json
            >>> from m2v_lite import StaticModel
            >>> json.loads(StaticModel.from_pretrained().tokenizer_definition())["model"]["type"]
            'WordPiece'
        """
        return self._tokenizer.definition()

    def __repr__(self) -> str:
        place = f" from {self.files.folder}" if self.files else ""
        return (
            f"<{type(self).__name__} of {len(self.embedding)} x {self.dim} {self.embedding_dtype}, "
            f"{self.tokenizer_kind}{place}>"
        )

    def __copy__(self) -> Self:
        """Copy the settings; share the table and the tokenizer, which never change."""
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied.config = dict(self.config)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.__copy__()


def identity(path: str) -> tuple[int, ...]:
    """Return the size and the time of a file. They show whether another file has taken its place."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns
