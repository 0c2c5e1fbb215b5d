"""The plugin of llm, Simon Willison's command line tool: embedding models and the command `llm m2v-lite`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from m2v_lite.errors import InputValueError, InvalidModelError, M2VLiteError
from m2v_lite.integrations.optional import missing
from m2v_lite.integrations.stored import stored_source
from m2v_lite.model import StaticModel

try:
    import click
    import llm
except ImportError as error:
    raise missing("llm", "llm") from error

# The models that `llm m2v-lite register` has added: a list of objects with a model and its aliases.
REGISTERED = "m2v-lite.json"


class M2VLiteModel(llm.EmbeddingModel):
    """An embedding model for llm. It is loaded on first use, and many threads can use it.

    Args:
        source: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.

    Attributes:
        model_id: its name in llm: m2v-lite for the bundled model, m2v-lite/SOURCE for another.
        source: the path or the name of the model; None for the bundled one.
        model: the `StaticModel`, loaded on first use.
        batch_size: how many texts llm embeds at once by default.

    Examples:
        >>> len(M2VLiteModel().embed("The kettle is on."))
        256
    """

    batch_size = 1000

    def __init__(self, source: str | None = None) -> None:
        self.source = source
        self.model_id = "m2v-lite" if source is None else f"m2v-lite/{source}"

    @cached_property
    def model(self) -> StaticModel:
        """The loaded model.

        Raises:
            M2VLiteError: the model cannot be loaded.
        """
        return StaticModel.from_pretrained(self.source)

    def embed_batch(self, items: Iterable[str | bytes], *, key: str | None = None) -> Iterator[list[float]]:
        """Encode texts, for `embed` and `embed_multi`.

        Args:
            items: a list or other iterable of texts. llm never passes bytes here.
            key: an API key from llm; ignored.

        Returns:
            The vector of each text, as a list of `dim` floats.

        Raises:
            InputTypeError: something in `items` is not a text.
            InputValueError: a text is not valid Unicode, or the model knows none of its tokens. Such a text
                has a vector of zeros. With that in a collection, every search would fail, because llm divides
                by the vector's length.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            M2VLiteError: the model cannot be loaded.

        Examples:
            >>> [len(vector) for vector in M2VLiteModel().embed_batch(["The kettle is on.", "boiling water"])]
            [256, 256]
        """
        texts: list[Any] = list(items)
        vectors = self.model.encode(texts)
        for text, vector in zip(texts, vectors, strict=True):
            if not vector.any():
                raise InputValueError(
                    f"the model knows no token of the text {text!r:.60}, and llm cannot compare its "
                    "vector of zeros; leave the text out"
                )
        yield from vectors.tolist()


@llm.hookimpl
def register_embedding_models(register: Callable[..., None]) -> None:
    """Register the bundled model with llm, and the models that the user has registered."""
    register(M2VLiteModel())
    for entry in _registered():
        register(M2VLiteModel(entry["model"]), aliases=entry["aliases"])


@llm.hookimpl
def register_commands(cli: click.Group) -> None:
    """Add the command `llm m2v-lite`."""

    @cli.group(name="m2v-lite")
    def group() -> None:
        "Embedding models of m2v-lite, other than the bundled one"

    @group.command()
    @click.argument("model")
    @click.option("aliases", "-a", "--alias", multiple=True, help="Another name, such as potion")
    def register(model: str, aliases: tuple[str, ...]) -> None:
        "Register MODEL: a model folder, a packed model or a name on the hub"
        try:
            source = stored_source("model", model)
            StaticModel.from_pretrained(source)  # downloads it, if need be
            others = [entry for entry in _registered() if entry["model"] != source]
        except M2VLiteError as error:
            raise click.ClickException(str(error)) from error
        _write([*others, {"model": source, "aliases": list(aliases)}])
        click.echo(f"Registered m2v-lite/{source}")

    @group.command()
    @click.argument("model")
    def unregister(model: str) -> None:
        "Forget MODEL, given as it was registered, or by an alias. Its files stay"
        entries, source = _registered(), stored_source("model", model)
        others = [entry for entry in entries if source != entry["model"] and model not in entry["aliases"]]
        if len(others) == len(entries):
            shown = ", ".join(entry["model"] for entry in entries)
            raise click.ClickException(f"{model}: no such model; registered: {shown or 'none'}")
        _write(others)


def _file() -> Path:
    return Path(llm.user_dir()) / REGISTERED


def _registered() -> list[dict[str, Any]]:
    """Return the models that the user has registered.

    Raises:
        InvalidModelError: the file has other contents.
    """
    file = _file()
    if not file.exists():
        return []
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return [{"model": str(entry["model"]), "aliases": list(entry["aliases"])} for entry in entries]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidModelError(f"{file}: not a list of models; delete it and register them again") from error


def _write(entries: list[dict[str, Any]]) -> None:
    """Replace the file in one step, so other processes never read half of it."""
    new = _file().with_suffix(".new")
    new.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    new.replace(_file())
