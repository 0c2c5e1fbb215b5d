"""What a database or a config file stores about a model: its path or name, and options, not its weights."""

from __future__ import annotations

import os
from typing import Any

from m2v_lite.arguments import PathLike, checked_path, described
from m2v_lite.errors import InputTypeError, InputValueError


def stored_source(argument: str, source: PathLike | None) -> str | None:
    """Return a path or name that finds the model again, even from another working directory.

    Args:
        argument: the name of the argument, for the error.
        source: a folder, a packed model, a name on the hub, or None for the bundled model.

    Raises:
        InputTypeError: `source` is something else.

    Examples:
        >>> stored_source("model", "minishlab/potion-base-8M")
        'minishlab/potion-base-8M'
    """
    if source is None:
        return None
    path = checked_path(argument, source)
    folder = os.path.expanduser(path)
    return os.path.abspath(folder) if path and os.path.exists(folder) else path


def stored_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `from_pretrained` in types that JSON supports.

    Raises:
        InputTypeError: a value is not a text, a number, True, False or None.
        InputValueError: a `token` is given; anyone could read it.

    Examples:
        >>> stored_options({"dimensionality": 64})
        {'dimensionality': 64}
    """
    stored = dict(options)
    if stored.get("token") is not None:
        raise InputValueError("token would be stored where anyone can read it; set HF_TOKEN instead")
    if stored.get("cache_dir") is not None:
        stored["cache_dir"] = os.path.abspath(
            os.path.expanduser(checked_path("cache_dir", stored["cache_dir"]))
        )
    for name, value in stored.items():
        if not (value is None or isinstance(value, (str, int, float))):
            raise InputTypeError(f"{name} is {described(value)}; give a text, a number, True, False or None")
    return stored
