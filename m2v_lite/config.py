"""Config file and model card -> settings: normalisation, length limit, licence, base model, languages."""

from __future__ import annotations

import json
import sys
from typing import Any

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InvalidModelError

DEFAULT_MAX_LENGTH = 512
DEFAULT_NORMALIZE = False


def read_config(path: PathLike) -> dict[str, Any]:
    """Read a model's config and check the two settings that change its vectors.

    Raises:
        InvalidModelError: not JSON, not an object, or `normalize` or `max_length` of a wrong kind.
    """
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidModelError(
            f"{path}: the config cannot be read as JSON ({error}); fetch or write it again"
        ) from error
    if not isinstance(config, dict):
        raise InvalidModelError(f"{path}: the config is not a JSON object; fetch or write it again")
    check_config(path, config)
    return config


def check_config(path: PathLike, config: dict[str, Any]) -> None:
    """Check the two settings that change a model's vectors; see `read_config`."""
    normalize = config.get("normalize")
    if normalize is not None and not isinstance(normalize, bool):
        raise InvalidModelError(f"{path}: 'normalize' is {normalize!r:.60}; write true, false or null there")
    max_length = config.get("max_length")
    if max_length is not None and (type(max_length) is not int or not 1 <= max_length <= sys.maxsize):
        raise InvalidModelError(
            f"{path}: 'max_length' is {max_length!r:.60}; write a number of tokens from 1 up, or null "
            "for no limit"
        )


def read_model_card(path: PathLike) -> dict[str, Any]:
    """Read the front matter of a model card: `key: text` and lists of texts, the rest left out.

    Model cards open with a block of YAML between two `---` lines
    (https://huggingface.co/docs/hub/model-cards). The keys wanted here are texts or flat lists of texts,
    so this reads no more than these.

    Returns:
        The entries by key, each a text, a list of texts or None; none if there is no such file or no front
        matter.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "README.md"
        >>> _ = path.write_text("---\\nlicense: mit\\nlanguage:\\n- en\\n---\\n# Model")
        >>> read_model_card(path)
        {'license': 'mit', 'language': ['en']}
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    if not lines or lines[0].strip() != "---":
        return {}
    card: dict[str, Any] = {}
    key = ""
    for line in lines[1:]:
        if line.strip() == "---":
            return {name: entry or None for name, entry in card.items()}
        if line.lstrip().startswith("- "):
            if isinstance(card.get(key), list):
                card[key].append(_scalar(line.lstrip()[2:]))
        elif line[:1] not in ("", " ", "#") and ":" in line:
            name, _, value = line.partition(":")
            key = _scalar(name) or ""
            card[key] = _value(value.strip())
    return {}  # a block that never closes is no front matter


def _value(text: str) -> str | list[str | None] | None:
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(item) for item in text[1:-1].split(",") if item.strip()]
    return _scalar(text) if text else []


def _scalar(text: str) -> str | None:
    """Return a plain or quoted YAML text, without a comment; None for null."""
    text = text.strip()
    for quote in ("'", '"'):
        if text.startswith(quote) and text.endswith(quote) and len(text) > 1:
            return text[1:-1].replace("''", "'") if quote == "'" else text[1:-1]
    text = text.partition(" #")[0].rstrip()
    return None if text in ("", "~", "null") else text
