"""Lists the static models in the hub's cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from m2v_lite.disk import names_in, warn_left_out
from m2v_lite.errors import M2VLiteError
from m2v_lite.files.layouts import NESTED_FOLDER, find_model_files
from m2v_lite.files.reading import table_in
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.hub.cache import COMMIT, commit_in, defect_of


class CachedModel(NamedTuple):
    """One model in one snapshot.

    Attributes:
        repository: the id of the model's repository.
        subfolder: the model's folder in the repository, or "".
        revisions: the branches and tags that name the commit in this cache.
        commit: the commit.
        table: the rows, columns and dtype of the table.
        size: the size of the table, the tokenizer and the config together, in bytes.
        tokenizer: the path of the tokenizer's file.
    """

    repository: str
    subfolder: str
    revisions: tuple[str, ...]
    commit: str
    table: str
    size: int
    tokenizer: str


def cached_models(cache: str) -> list[CachedModel]:
    """Return all complete static models in the cache, sorted by name."""
    return sorted(
        model
        for entry in names_in(cache)
        if entry.startswith("models--")
        for commit in names_in(os.path.join(cache, entry, "snapshots"))
        if COMMIT.fullmatch(commit)
        for model in _models_in(os.path.join(cache, entry), commit)
    )


def _models_in(entry: str, commit: str) -> Iterator[CachedModel]:
    repository = os.path.basename(entry).removeprefix("models--").replace("--", "/")
    snapshot = os.path.join(entry, "snapshots", commit)
    revisions = tuple(sorted(_revisions(entry, commit)))
    for folder, _, _ in os.walk(snapshot, onerror=warn_left_out):
        # If the model of a nested folder is complete, its parent folder is listed as the model.
        if os.path.basename(folder) == NESTED_FOLDER or defect_of(folder, entry):
            continue
        try:
            files = find_model_files(folder)
            table = table_in(SafetensorsFile(files.table), files.tensor)
            size = sum(os.path.getsize(path) for path in (files.table, files.tokenizer, files.config))
        except (M2VLiteError, OSError):
            continue  # the table cannot be used, or a file has just gone
        subfolder = os.path.relpath(folder, snapshot).replace(os.sep, "/").removeprefix(".")
        rows, columns = table.embedding.shape
        described = f"{rows:,} x {columns} {table.dtype_name}"
        yield CachedModel(repository, subfolder, revisions, commit, described, size, files.tokenizer)


def _revisions(entry: str, commit: str) -> Iterator[str]:
    """Yield the branches and tags that name a commit."""
    references = os.path.join(entry, "refs")
    for folder, _, names in os.walk(references):
        for name in names:
            path = os.path.join(folder, name)
            if commit_in(path) == commit:
                yield os.path.relpath(path, references).replace(os.sep, "/")
