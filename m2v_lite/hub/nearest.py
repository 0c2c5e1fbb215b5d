"""Suggests the names of models that a misspelled name resembles."""

from __future__ import annotations

from difflib import get_close_matches

from m2v_lite.disk import names_in
from m2v_lite.hub.known_models import KNOWN_MODELS

ENTRY = "models--"
# How alike two names must be, from 0 to 1; see difflib.
CUTOFF = 0.75


def hint(name: str, cache: str | None) -> str:
    """Return the question whether another model is meant, or "" if none has a similar name.

    Args:
        name: what the caller gave; perhaps without the owner.
        cache: the folder of the hub's cache, or None for the models that are well known alone.

    Examples:
        >>> hint("minishlab/potion-base-8N", None)
        " (did you mean 'minishlab/potion-base-8M'?)"
        >>> hint("potion-base-2m", None), hint("minishlab/potion-base-2M", None), hint("my/model", None)
        (" (did you mean 'minishlab/potion-base-2M'?)", '', '')
    """
    names = [model.name for model in KNOWN_MODELS if "/" in model.name]
    if cache is not None:
        entries = [entry for entry in names_in(cache) if entry.startswith(ENTRY)]
        names += [entry.removeprefix(ENTRY).replace("--", "/") for entry in entries]
    if name in names:
        return ""
    name = "/".join(name.split("/")[-2:])  # of a path or an address
    # The forms that people type, in lower case, and what each stands for.
    forms = {form.lower(): full for full in names for form in (full.partition("/")[2], full) if form}
    nearest = get_close_matches(name.lower(), forms, 1, CUTOFF)
    return f" (did you mean {forms[nearest[0]]!r}?)" if nearest else ""
