"""What the classes for other libraries share: the error of a missing library, and the model they load."""

from __future__ import annotations

from typing import Any

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InputValueError, MissingPackageError
from m2v_lite.model import StaticModel


def missing(library: str, extra: str) -> MissingPackageError:
    """Return an error that says how to install a library.

    Args:
        library: the usual name of the library.
        extra: the extra of m2v-lite that installs it.

    Examples:
        >>> print(missing("LangChain", "langchain"))
        LangChain is not installed; install it with: pip install 'm2v-lite[langchain]'
    """
    return MissingPackageError(
        f"{library} is not installed; install it with: pip install 'm2v-lite[{extra}]'"
    )


def model_of(source: StaticModel | PathLike | None, **options: Any) -> StaticModel:
    """Return a loaded model unchanged, or load a model.

    Args:
        source: a `StaticModel`, or what `StaticModel.from_pretrained` takes. None means the bundled model.
        options: the other arguments of `StaticModel.from_pretrained`.

    Raises:
        InputValueError: the model is loaded already, and options are given.
        M2VLiteError: the model cannot be loaded.

    Examples:
        >>> model = model_of(None)
        >>> model_of(model) is model
        True
    """
    if not isinstance(source, StaticModel):
        return StaticModel.from_pretrained(source, **options)
    if given := [name for name, value in options.items() if value is not None]:
        raise InputValueError(
            f"the model is already loaded, so {', '.join(sorted(given))} would come too late; give such "
            "options to StaticModel.from_pretrained"
        )
    return source
