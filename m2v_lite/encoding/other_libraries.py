"""Handles the `encode` options of other libraries: applies, ignores or rejects each one by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from m2v_lite.arguments import described, switch
from m2v_lite.encoding.prompts import chosen_prompt
from m2v_lite.errors import InputTypeError, InputValueError

HONOURED = ("prompt", "prompt_name", "normalize_embeddings")
ARRAYS = "m2v_lite returns numpy arrays; for a tensor, use torch.from_numpy(model.encode(texts))"
# The value that means what is done here anyway, and what to say of others. None is fine as well.
ONE_VALUE: dict[str, tuple[Any, str]] = {
    "convert_to_numpy": (True, ARRAYS),
    "convert_to_tensor": (False, ARRAYS),
    "output_value": ("sentence_embedding", "for token vectors, use encode_as_sequence"),
    "pool": (None, "to use a pool, make one with model.pool(workers=N), and call its own `encode`"),
}
# Any value is fine: numpy has one device, the size of a share of the work changes no vector, and a static
# model has one task.
ANY_VALUE = ("chunk_size", "device", "task")


def honoured(
    given: Mapping[str, Any],
    method: str,
    own: Collection[str],
    config: Mapping[str, Any],
    usual: Sequence[str] = (),
) -> tuple[str, bool | None]:
    """Return what the options of other libraries ask for: a prompt, "" for none; and True to scale vectors.

    Args:
        given: the options by name.
        method: the name of the method that has been called.
        own: the names of its own options, for the remedy.
        config: the model's settings, which may hold prompts.
        usual: the names of prompts to try if none is given.

    Raises:
        InputTypeError: nobody knows an option of this name, or its value has a wrong type.
        InputValueError: what it asks for is not done here, or there is no such prompt.

    Examples:
        >>> honoured({"prompt": "query: ", "convert_to_numpy": True, "device": "cpu"}, "encode", [], {})
        ('query: ', None)
    """
    for name, value in given.items():
        if name in ONE_VALUE:
            expected, remedy = ONE_VALUE[name]
            if value is not None and value != expected:
                raise InputValueError(f"{name} is {described(value)}; {remedy}")
        elif name not in HONOURED and name not in ANY_VALUE:
            raise InputTypeError(_unknown(method, name, [*own, *HONOURED, *ONE_VALUE, *ANY_VALUE]))
    prompt = chosen_prompt(config, given.get("prompt_name"), given.get("prompt"), usual)
    unit = given.get("normalize_embeddings")
    return prompt, None if unit is None or not switch("normalize_embeddings", unit) else True


def _unknown(method: str, name: str, names: Collection[str]) -> str:
    from difflib import get_close_matches

    nearest = get_close_matches(name, names, 1)
    return f"{method} has no option {name!r:.60}; " + (
        f"did you mean {nearest[0]!r}?" if nearest else f"see help(StaticModel.{method}) for its options"
    )
