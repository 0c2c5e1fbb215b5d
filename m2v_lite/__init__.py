"""Turns text into vectors with model2vec static-embedding models, numpy and a memory-mapped table.

>>> from m2v_lite import StaticModel
>>> StaticModel.from_pretrained().encode("hello").shape
(256,)
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from m2v_lite.errors import (
    DownloadError,
    InputTypeError,
    InputValueError,
    InvalidIndexError,
    InvalidModelError,
    M2VLiteError,
    MissingPackageError,
    ModelNotFoundError,
    OutputError,
    TokenizationError,
    WorkerError,
)
from m2v_lite.model import StaticModel

__version__ = "0.1.0"

__all__ = [
    "DownloadError",
    "Embedder",
    "InputTypeError",
    "InputValueError",
    "InvalidIndexError",
    "InvalidModelError",
    "M2VLiteError",
    "MissingPackageError",
    "Model2VecEmbeddingFunction",
    "ModelNotFoundError",
    "OutputError",
    "StaticModel",
    "TokenizationError",
    "WorkerError",
    "__version__",
    "install_as_model2vec",
]

if _TYPE_CHECKING:
    from m2v_lite.integrations.as_model2vec import install_as_model2vec
    from m2v_lite.integrations.embedder import Embedder
    from m2v_lite.integrations.milvus import Model2VecEmbeddingFunction
else:

    def __getattr__(name: str) -> object:
        """Import what few programs need when it is asked for."""
        if name == "Model2VecEmbeddingFunction":
            from m2v_lite.integrations.milvus import Model2VecEmbeddingFunction

            return Model2VecEmbeddingFunction
        if name == "Embedder":
            from m2v_lite.integrations.embedder import Embedder

            return Embedder
        if name == "install_as_model2vec":
            from m2v_lite.integrations.as_model2vec import install_as_model2vec

            return install_as_model2vec
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names only."""
    return __all__
