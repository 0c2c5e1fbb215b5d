"""Config file and model card -> settings: normalisation, length limit, prompts, licence and others."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from m2v_lite.arguments import PathLike, described
from m2v_lite.errors import InputTypeError, InputValueError, InvalidModelError

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


def chosen_prompt(
    config: Mapping[str, Any], name: str | None, prompt: str | None, usual: Sequence[str]
) -> str:
    """Return the text that goes before each text to be encoded, "" for none.

    Args:
        config: of which `prompts`, as sentence-transformers writes it, has texts by their names.
        name: the name of one of them, or None for the first that is there of `usual`.
        prompt: the prompt itself, or None for one of the config's.

    Raises:
        InputTypeError: the prompt is not a text.
        InputValueError: the config has none of this name.

    Example:
        >>> config = {"prompts": {"query": "look for: ", "passage": ""}}
        >>> chosen_prompt(config, None, None, ["query"]), chosen_prompt({}, None, None, ["query"])
        ('look for: ', '')
    """
    if prompt is None:
        prompts = config.get("prompts")
        if not isinstance(prompts, Mapping):
            prompts = {}
        if name is None:
            name = next((name for name in usual if name in prompts), None)
        elif name not in list(prompts):
            raise InputValueError(
                f"prompt_name is {name!r:.60}, but the prompts in the config are {list(prompts)}; "
                "give one of these names, or the text itself as `prompt`"
            )
        prompt = "" if name is None else prompts[name]
    if not isinstance(prompt, str):
        raise InputTypeError(f"the prompt is {described(prompt)}; give a str")
    return prompt


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
