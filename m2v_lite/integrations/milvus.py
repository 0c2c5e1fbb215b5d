"""Texts -> lists of vectors, as the embedding function of Milvus' Python client returns them.

This module imports nothing of pymilvus: `pymilvus.model` takes a second and 50 MB by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import PathLike, checked_path
from m2v_lite.encoding.texts import as_texts
from m2v_lite.errors import InputTypeError
from m2v_lite.model import StaticModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = list[NDArray[np.float32]]


class Model2VecEmbeddingFunction:
    """Like `pymilvus.model.dense.Model2VecEmbeddingFunction`, but without pymilvus, torch or model2vec.

    The class is not a subclass of `pymilvus.model.base.BaseEmbeddingFunction`. But once a program has
    imported that class, `isinstance` treats these functions as instances of it. Many threads can use one
    function at once.

    Args:
        model_source: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        **kwargs: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], for any model source:
            `token`, `normalize`, `subfolder`, `quantize_to`, `dimensionality`, `max_length`,
            `force_download`, `revision`, `cache_dir`, `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        model_source: the path or the name of the model, as given; None for the bundled one.
        model: the loaded `StaticModel`.

    Raises:
        InputTypeError: `model_source` is not a `str`, a `pathlib.Path` or None.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

    Examples:
        >>> function = Model2VecEmbeddingFunction(None)
        >>> documents = function.encode_documents(["The kettle is on.", "The train was late."])
        >>> (query,) = function.encode_queries(["boiling water"])
        >>> [round(float(query @ document), 2) for document in documents]
        [0.45, 0.03]
        >>> function.dim, query.shape, query.dtype
        (256, (256,), dtype('float32'))
    """

    def __init__(self, model_source: PathLike | None = "minishlab/potion-base-8M", **kwargs: Any) -> None:
        if model_source is not None:
            checked_path("model_source", model_source)
        self.model_source = model_source
        self.model = StaticModel.from_pretrained(model_source, **kwargs)

    @property
    def dim(self) -> int:
        """The number of columns of a vector."""
        return self.model.dim

    def encode_documents(self, documents: Iterable[str]) -> Vectors:
        """Encode the documents to search.

        Args:
            documents: a list, generator, numpy array or other iterable of texts.

        Returns:
            A list with one vector per text, (dim,) float32 whatever the table's dtype. The vectors are rows
            of one array. If there are no texts, the list is empty.

        Raises:
            InputTypeError: `documents` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> function = Model2VecEmbeddingFunction(None)  # the bundled model
            >>> [vector.shape for vector in function.encode_documents(["The kettle is on.", "It is late."])]
            [(256,), (256,)]
        """
        return self._encode(documents)

    def encode_queries(self, queries: Iterable[str]) -> Vectors:
        """Encode search queries. Queries and documents are encoded in the same way.

        Args:
            queries: a list, generator, numpy array or other iterable of texts.

        Returns:
            A list with one vector per text, (dim,) float32 whatever the table's dtype. The vectors are rows
            of one array. If there are no texts, the list is empty.

        Raises:
            InputTypeError: `queries` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> function = Model2VecEmbeddingFunction(None)  # the bundled model
            >>> [vector.shape for vector in function.encode_queries(["boiling water"])]
            [(256,)]
        """
        return self._encode(queries)

    def __call__(self, texts: Iterable[str]) -> Vectors:
        """Encode texts as `encode_documents` does.

        Args:
            texts: a list, generator, numpy array or other iterable of texts.

        Returns:
            A list with one vector per text, (dim,) float32 whatever the table's dtype. The vectors are rows
            of one array. If there are no texts, the list is empty.

        Raises:
            InputTypeError: `texts` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> function = Model2VecEmbeddingFunction(None)  # the bundled model
            >>> [vector.shape for vector in function(["The kettle is on."])]
            [(256,)]
        """
        return self._encode(texts)

    def _encode_document(self, document: str) -> NDArray[np.float32]:
        return self._encode([document])[0]

    def _encode_query(self, query: str) -> NDArray[np.float32]:
        return self._encode([query])[0]

    def _encode(self, texts: Iterable[str]) -> Vectors:
        listed, is_one = as_texts(texts)
        if is_one:
            raise InputTypeError(f"expected a list of texts, got the text {texts!r:.60}; pass it in a list")
        return list(self.model.encode(listed).astype(np.float32, copy=False))

    def _class_with_base(self) -> type:
        cls: type = type(self)
        base = getattr(sys.modules.get("pymilvus.model.base"), "BaseEmbeddingFunction", None)
        return cls if base is None else _derived_also_from(base, cls)

    # `isinstance` asks for `__class__`. Only a program that has imported pymilvus' base can ask about it.
    __class__ = property(_class_with_base)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # As Python does it, with another function: pickle refuses Python's own if `__class__` differs.
        reduced: Any = object.__reduce_ex__(self, 2)
        return _new, *reduced[1:]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model!r}>"


@cache
def _derived_also_from(base: type, cls: type) -> type:
    return cls if issubclass(cls, base) else type(cls.__name__, (cls, base), {"__module__": cls.__module__})


def _new(cls: type, *arguments: Any) -> Any:
    return cls.__new__(cls, *arguments)
