"""The errors of m2v_lite: every error that it raises on purpose is an `M2VLiteError`.

Each class is also a subclass of the built-in exception that a caller would expect, so `except ValueError` and
`except FileNotFoundError` keep working.
"""


class M2VLiteError(Exception):
    """The base class of all these errors. Catch it to catch every error that m2v_lite raises on purpose.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> try:
        ...     StaticModel.from_pretrained("no/such/folder")
        ... except M2VLiteError as error:
        ...     print(type(error).__name__)
        ModelNotFoundError
    """


class ModelNotFoundError(M2VLiteError, FileNotFoundError, ValueError):
    """No model was found: the path does not exist, a file is missing, or the hub has no such model.

    It is also a ValueError, because model2vec raises a ValueError if a model file is missing.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> try:
        ...     StaticModel.from_pretrained("no/such/folder")
        ... except ModelNotFoundError as error:
        ...     print(type(error).__name__)
        ModelNotFoundError
    """


class InvalidModelError(M2VLiteError, ValueError):
    """A model's files are broken or not supported, or do not fit together.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> model = StaticModel.from_pretrained()
        >>> try:
        ...     StaticModel(model.embedding[:5], model.tokenizer)  # rows for five tokens only
        ... except InvalidModelError as error:
        ...     print(type(error).__name__)
        InvalidModelError
    """


class InvalidIndexError(M2VLiteError, ValueError):
    """An index is missing, broken, read-only or from another program, or its vectors are from another model.

    Examples:
        >>> from m2v_lite.search import Index
        >>> try:
        ...     Index("no-such-file.db", create=False)
        ... except InvalidIndexError as error:
        ...     print(type(error).__name__)
        InvalidIndexError
    """


class InputTypeError(M2VLiteError, TypeError):
    """An argument has the wrong type, such as `bytes` instead of a text.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> model = StaticModel.from_pretrained()
        >>> try:
        ...     model.encode(b"bytes")
        ... except InputTypeError as error:
        ...     print(type(error).__name__)
        InputTypeError
    """


class InputValueError(M2VLiteError, ValueError):
    """An argument has the right type but an invalid value, such as `max_length=0`.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> model = StaticModel.from_pretrained()
        >>> try:
        ...     model.encode("a text", max_length=0)
        ... except InputValueError as error:
        ...     print(type(error).__name__)
        InputValueError
    """


class TokenizationError(M2VLiteError, ValueError):
    """The model's tokenizer cannot tokenize a text.

    Examples:
        >>> import numpy as np
        >>> from tokenizers import Tokenizer, models
        >>> from m2v_lite import StaticModel
        >>> tokenizer = Tokenizer(models.WordLevel({"tea": 0}))  # it has no token for unknown words
        >>> model = StaticModel(np.ones((1, 2), np.float32), tokenizer)
        >>> try:
        ...     model.encode("milk")
        ... except TokenizationError as error:
        ...     print(type(error).__name__)
        TokenizationError
    """


class DownloadError(M2VLiteError, OSError):
    """A model could not be downloaded from the hub.

    Examples:
        >>> import tempfile
        >>> from m2v_lite import StaticModel
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     try:
        ...         StaticModel.from_pretrained("owner/name", cache_dir=folder, local_files_only=True)
        ...     except DownloadError as error:
        ...         print(type(error).__name__)
        DownloadError
    """


class OutputError(M2VLiteError, OSError):
    """A file or folder cannot be written to this path: something is in the way, or its parent is missing.

    If the operating system cannot write, for example because the disk is full, the error is a plain OSError.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> try:
        ...     StaticModel.from_pretrained().save_packed("no-such-folder/model.safetensors")
        ... except OutputError as error:
        ...     print(type(error).__name__)
        OutputError
    """


class MissingPackageError(M2VLiteError, ImportError):
    """The call needs an optional package; the message says how to install it.

    Examples:
        >>> try:
        ...     from m2v_lite.integrations.langchain import M2VLiteEmbeddings
        ... except MissingPackageError:  # LangChain is not installed
        ...     M2VLiteEmbeddings = None
    """


class WorkerError(M2VLiteError, RuntimeError):
    """A worker process did not start or ended early, or a worker pool cannot be used here.

    Examples:
        >>> from m2v_lite import StaticModel
        >>> model = StaticModel.from_pretrained()
        >>> pool = model.pool(workers=2)
        >>> try:
        ...     pool.encode(["outside", "of", "its", "block"])
        ... except WorkerError as error:
        ...     print(type(error).__name__)
        WorkerError
    """
