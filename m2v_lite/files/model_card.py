"""Model card -> what it says of the model: licence, language, base model; and back to a new card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import PathLike

if TYPE_CHECKING:
    from m2v_lite.files.parts import ModelParts


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


def card_of(parts: ModelParts) -> dict[str, Any]:
    """Return what is known of a model that its card says."""
    return {"base_model": parts.base_model_name, "language": parts.language, "license": parts.license}


def new_model_card(parts: ModelParts, model_name: str) -> str:
    """Return a short model card, with what is known of the model in its front matter."""
    front = "".join(f"{key}: {json.dumps(entry)}\n" for key, entry in card_of(parts).items() if entry)
    return (
        f"---\n{front}library_name: model2vec\n---\n\n# {model_name}\n\n"
        f"A static-embedding model of {parts.dim} dimensions in {parts.embedding_dtype}, for model2vec "
        "and m2v_lite.\n"
    )
