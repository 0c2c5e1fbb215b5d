"""Reads and writes `modules.json`, the list of modules in a sentence-transformers folder.

The format is that of sentence-transformers 6.2 (https://github.com/huggingface/sentence-transformers,
`base/model.py`). Older releases use the same format: a list of modules, each with its class and its folder.
Loading any folder with such a list reads it, so this module imports little.
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterable
from typing import Any, NamedTuple

from m2v_lite.arguments import described
from m2v_lite.disk import MOST_BYTES, NotRegularError, read_regular
from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.layouts import LAYOUTS, MODULES, check_fetched

SETTINGS, ARRAYS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
TABLE, SCALES, LINEAR = "StaticEmbedding", "Normalize", "Dense"
NO_LIST = (
    f"there is no {MODULES}, so this is not a sentence-transformers model; load it with "
    "StaticModel.from_pretrained"
)


class Entry(NamedTuple):
    """A module of the list: its class, without what stands before it, and its folder."""

    kind: str
    path: str


def read_entries(folder: str) -> list[Entry]:
    """Read the list of modules of a folder.

    Raises:
        ModelNotFoundError: there is no list.
        InvalidModelError: it cannot be read, or names a module of another library.
    """
    place = os.path.join(folder, MODULES)
    if not os.path.exists(place):
        raise ModelNotFoundError(f"{folder}: {NO_LIST}")
    check_fetched(place)
    found = read_json(place)
    if not isinstance(found, list) or not found:
        raise broken(place, "it is not a list of modules")
    return [_entry(place, item) for item in found]


def _entry(place: str, item: Any) -> Entry:
    kind, path = (item.get(key) if isinstance(item, dict) else None for key in ("type", "path"))
    if not isinstance(kind, str) or not isinstance(path, str):
        raise broken(place, f"{described(item)} does not have a type and a path")
    path = posixpath.normpath(path or ".")
    if posixpath.isabs(path) or path.split("/")[0] == ".." or "\\" in path:
        raise broken(place, f"the path {path!r:.60} points outside the folder")
    package, _, name = kind.rpartition(".")
    if package.partition(".")[0] != "sentence_transformers":
        raise InvalidModelError(
            f"{place}: the module {kind!r:.100} is not one of sentence-transformers, and m2v_lite cannot run "
            "it; use sentence-transformers for this model"
        )
    return Entry(name, "" if path == "." else path)


def files_of(entries: Iterable[Entry], with_table: bool = True) -> list[str]:
    """Return the files of modules, with forward slashes; on request without those of the table."""
    names = {LINEAR: (SETTINGS, ARRAYS), **({TABLE: (TOKENIZER, ARRAYS)} if with_table else {})}
    return [posixpath.join(path, name) for kind, path in entries for name in names.get(kind, ())]


def files_beside(folder: str) -> list[str]:
    """Return the files in a folder that only sentence-transformers needs, with forward slashes."""
    try:
        names = [LAYOUTS[1].config, MODULES, *files_of(read_entries(folder), with_table=False)]
    except (InvalidModelError, ModelNotFoundError):
        return []
    return [name for name in names if os.path.isfile(os.path.join(folder, name))]


def text_of(kinds: Iterable[str]) -> str:
    """Return the content of a list: a table in the folder itself, with modules of these kinds behind it.

    The names of the classes are those that all releases of sentence-transformers know.
    """
    paths = [(TABLE, "."), *((kind, f"{place}_{kind}") for place, kind in enumerate(kinds, 1))]
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for place, (kind, path) in enumerate(paths)
    ]
    return json.dumps(modules, indent=4)


def read_json(place: str) -> Any:
    """Return the content of a small JSON file; broken or too large, it is an InvalidModelError."""
    try:
        return json.loads(read_regular(place, MOST_BYTES["config.json"]).decode())
    except NotRegularError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise broken(place, f"it cannot be read as JSON ({error})") from error


def broken(place: object, fact: str) -> InvalidModelError:
    """Return the error that says what is wrong with a file."""
    return InvalidModelError(f"{place}: {fact}; fetch or save the model again")
