"""Text to vectors with model2vec static-embedding models: numpy and a memory-mapped table.

>>> from m2v_lite import StaticModel
>>> StaticModel.from_pretrained().encode("hello").shape
(256,)
"""

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

__version__ = "0.1.0"
