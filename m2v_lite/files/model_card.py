"""Reads the text of a model card and its entries: licence, language, base model."""

from __future__ import annotations

from typing import Any

from m2v_lite.arguments import PathLike
from m2v_lite.disk import MOST_BYTES, open_regular


def read_model_card(path: PathLike) -> dict[str, Any]:
    """Read the texts and the flat lists of texts in the front matter of a model card.

    The front matter is a block of YAML between two `---` lines at the start
    (https://huggingface.co/docs/hub/model-cards). The entries that m2v_lite needs are texts or flat lists of
    texts, so this function reads no other YAML.

    Returns:
        The entries by key. Each is a text, a list of texts or None. If there is no file or no front matter,
        or something else than a file, the result is empty.

    Examples:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "README.md"
        >>> _ = path.write_text("---\\nlicense: mit\\nlanguage:\\n- en\\n---\\n# Model")
        >>> read_model_card(path)
        {'license': 'mit', 'language': ['en']}
    """
    try:
        with open_regular(path) as file:
            lines = file.read(MOST_BYTES["README.md"]).decode("utf-8", "replace").splitlines()
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
    return {}  # a block without an end is not front matter


def _value(text: str) -> str | list[str | None] | None:
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(item) for item in text[1:-1].split(",") if item.strip()]
    return _scalar(text) if text else []


def _scalar(text: str) -> str | None:
    """Return a plain or quoted YAML text without its comment, or None for null."""
    text = text.strip()
    for quote in ("'", '"'):
        if text.startswith(quote) and text.endswith(quote) and len(text) > 1:
            return text[1:-1].replace("''", "'") if quote == "'" else text[1:-1]
    text = text.partition(" #")[0].rstrip()
    return None if text in ("", "~", "null") else text
