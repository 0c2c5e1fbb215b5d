"""Text to vectors with model2vec static-embedding models: numpy and a memory-mapped table.

>>> from m2v_lite import StaticModel
>>> StaticModel.from_pretrained().encode("hello").shape
(256,)
"""

from typing import TYPE_CHECKING

from m2v_lite.errors import (
    DownloadError as DownloadError,
    InputTypeError as InputTypeError,
    InputValueError as InputValueError,
    InvalidModelError as InvalidModelError,
    M2VLiteError as M2VLiteError,
    MissingPackageError as MissingPackageError,
    ModelNotFoundError as ModelNotFoundError,
    TokenizationError as TokenizationError,
    WorkerError as WorkerError,
)
from m2v_lite.model import StaticModel as StaticModel

if TYPE_CHECKING:
    from m2v_lite.milvus import Model2VecEmbeddingFunction as Model2VecEmbeddingFunction
else:

    def __getattr__(name: str) -> type:
        """Import what few programs need when it is asked for."""
        if name == "Model2VecEmbeddingFunction":
            from m2v_lite.milvus import Model2VecEmbeddingFunction

            return Model2VecEmbeddingFunction
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0"
