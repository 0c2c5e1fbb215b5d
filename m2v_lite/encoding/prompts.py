"""Encodes texts with a prompt before each one. The option names are the same as in sentence-transformers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import described, switch
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from typing import Protocol

    from numpy.typing import NDArray

    class Encodes(Protocol):
        """A model with settings that encodes texts."""

        config: dict[str, Any]
        default_prompt_name: str | None

        def encode(self, sentences: str | Iterable[str], **options: Any) -> NDArray[Any]:
            """Encode texts; see `StaticModel.encode`."""
            ...


# The usual names of a prompt in a config, best first.
QUERY = ("query",)
DOCUMENT = ("document", "passage", "corpus")


def chosen_prompt(
    config: Mapping[str, Any], name: str | None, prompt: str | None, usual: Sequence[str]
) -> str:
    """Return the prompt to put before each text; "" means no prompt.

    Args:
        config: the settings. Its `prompts`, as sentence-transformers writes them, map names to texts.
        name: the name of a prompt, or None for the first name of `usual` that the config has.
        prompt: the prompt itself, or None to take it from the config.
        usual: the usual names, best first.

    Raises:
        InputTypeError: the prompt is not a text.
        InputValueError: the config has no prompt of this name.

    Examples:
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
        prompt = "" if name is None or prompts[name] is None else prompts[name]
    if not isinstance(prompt, str):
        raise InputTypeError(f"the prompt is {described(prompt)}; give a str")
    return prompt


def encode_prompted(
    model: Encodes,
    sentences: str | Iterable[str],
    which: tuple[str | None, str | None, Sequence[str]],
    unit: bool,
    options: dict[str, Any],
) -> NDArray[Any]:
    """Encode texts with a prompt before each; see `MoreMethods.encode_query`.

    Args:
        model: the model.
        sentences: the texts.
        which: the name of the prompt, the prompt itself, and the usual names; see `chosen_prompt`.
        unit: whether to scale vectors to length 1, whatever the model's setting.
        options: the other arguments of `encode`.
    """
    prompt = chosen_prompt(model.config, *which)
    if switch("normalize_embeddings", unit):
        options["normalize"] = True
    if prompt or model.default_prompt_name is not None:
        options["prompt"] = prompt
    return model.encode(sentences, **options)
