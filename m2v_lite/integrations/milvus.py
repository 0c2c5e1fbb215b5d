"""Texts -> lists of vectors, as the embedding function of Milvus' Python client gives them.

Nothing of pymilvus is imported here: `pymilvus.model` alone takes a second and 50 MB.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import PathLike, checked_path
from m2v_lite.errors import InputTypeError
from m2v_lite.model import StaticModel
from m2v_lite.texts import as_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = list[NDArray[np.float32]]


class Model2VecEmbeddingFunction:
    """What `pymilvus.model.dense.Model2VecEmbeddingFunction` does, without pymilvus, torch and model2vec.

    An instance is one of `pymilvus.model.base.BaseEmbeddingFunction`, too, in a program that has imported
    that; the class itself is not derived from it. One function may be used by many threads at once.

    Args:
        model_source: a model folder, a packed model, or a name on the hub, as for
            `StaticModel.from_pretrained`; None for the bundled model, which needs no network.
        **kwargs: the other arguments of `StaticModel.from_pretrained`, wherever the model comes from.

    Attributes:
        model_source: what was given.
        model: the `StaticModel`.

    Raises:
        InputTypeError: `model_source` is not a `str`, a `pathlib.Path` or None.
        M2VLiteError: as `StaticModel.from_pretrained` does.

    Example:
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
        """Encode texts that are to be found.

        Args:
            documents: a list, generator, numpy array or other iterable of texts.

        Returns:
            The vector of each text, (dim,) and float32 whatever the table's dtype; none for no texts. They
            are rows of one array.

        Raises:
            InputTypeError: a text by itself, or something that is not a text.
            InputValueError, TokenizationError: as `StaticModel.encode` does.
        """
        return self._encode(documents)

    def encode_queries(self, queries: Iterable[str]) -> Vectors:
        """Encode texts that say what is looked for, which these models do as `encode_documents` does."""
        return self._encode(queries)

    def __call__(self, texts: Iterable[str]) -> Vectors:
        """Do what `encode_documents` does."""
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

    # What `isinstance` asks for: only a program that has imported pymilvus' base can ask about it.
    __class__ = property(_class_with_base)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # As Python does it, but for the function: pickle refuses Python's own if `__class__` is not the type.
        reduced: Any = object.__reduce_ex__(self, 2)
        return _new, *reduced[1:]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model!r}>"


@cache
def _derived_also_from(base: type, cls: type) -> type:
    return cls if issubclass(cls, base) else type(cls.__name__, (cls, base), {"__module__": cls.__module__})


def _new(cls: type, *arguments: Any) -> Any:
    return cls.__new__(cls, *arguments)
