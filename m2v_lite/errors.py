"""The error family: every error that m2v_lite raises on purpose is an `M2VLiteError`.

Each class also derives from the built-in exception that a caller would expect in its place, so that
`except ValueError` or `except FileNotFoundError` keep working.
"""


class M2VLiteError(Exception):
    """Base of the family: catch this to catch everything that m2v_lite raises on purpose."""


class ModelNotFoundError(M2VLiteError, FileNotFoundError):
    """There is no model at the given place: no such path, a file missing, not in the cache."""


class InvalidModelError(M2VLiteError, ValueError):
    """A model's files are there, but broken, unsupported or at odds with one another."""


class InputTypeError(M2VLiteError, TypeError):
    """An argument has the wrong type, such as `bytes` where a text is wanted."""


class InputValueError(M2VLiteError, ValueError):
    """An argument has the right type and an impossible value, such as `max_length=0`."""


class TokenizationError(M2VLiteError, ValueError):
    """The model's tokenizer cannot tokenize a text."""


class DownloadError(M2VLiteError, OSError):
    """A model could not be fetched from the hub."""


class MissingPackageError(M2VLiteError, ImportError):
    """An optional package is needed for what was asked; the message says how to install it."""


class WorkerError(M2VLiteError, RuntimeError):
    """A worker process could not be started, or ended before its work was done."""
