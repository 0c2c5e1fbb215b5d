"""The error family: every error that m2v_lite raises on purpose is an `M2VLiteError`.

Each class also derives from the built-in exception that a caller would expect, so that `except ValueError`
and `except FileNotFoundError` keep working.
"""


class M2VLiteError(Exception):
    """The base of the family: catch it to catch every error that m2v_lite raises on purpose."""


class ModelNotFoundError(M2VLiteError, FileNotFoundError, ValueError):
    """No model was found: the path does not exist, a file is missing, or the hub has no such model.

    It is a ValueError as well, which model2vec raises for a folder that lacks a file.
    """


class InvalidModelError(M2VLiteError, ValueError):
    """A model's files are broken or not supported, or do not fit together."""


class InvalidIndexError(M2VLiteError, ValueError):
    """The file of an index is missing, broken or of another program, or its vectors are of another model."""


class InputTypeError(M2VLiteError, TypeError):
    """An argument has the wrong type, such as `bytes` instead of a text."""


class InputValueError(M2VLiteError, ValueError):
    """An argument has the right type but an impossible value, such as `max_length=0`."""


class TokenizationError(M2VLiteError, ValueError):
    """The model's tokenizer cannot tokenize a text."""


class DownloadError(M2VLiteError, OSError):
    """A model could not be downloaded from the hub."""


class MissingPackageError(M2VLiteError, ImportError):
    """The call needs an optional package; the message says how to install it."""


class WorkerError(M2VLiteError, RuntimeError):
    """A worker process did not start, or ended before its work was done."""
