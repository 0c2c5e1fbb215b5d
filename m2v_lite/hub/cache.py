"""Finds the folder of a snapshot in the hub's cache from a repository id and a revision.

The cache has a documented layout (https://huggingface.co/docs/huggingface_hub/guides/manage-cache). In
`models--OWNER--NAME`, `refs/REVISION` has the commit that a branch or tag named at the last request.
`snapshots/COMMIT` has the files. `.no_exist/COMMIT` has an empty file for each file that the hub does not
have. A file is not in a snapshot while it is being downloaded.

This module only reads. It imports only the module of `huggingface_hub` that reads environment variables,
because the package's own cache functions take 90 ms and 12 MB more.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from m2v_lite.arguments import PathLike
from m2v_lite.disk import open_regular, read_regular
from m2v_lite.errors import M2VLiteError, MissingPackageError
from m2v_lite.files.heads import HEAD, head_file
from m2v_lite.files.layouts import LAYOUTS, MODULES, find_model_files, joined
from m2v_lite.files.safetensors import SafetensorsFile

MAIN = "main"
COMMIT = re.compile("[0-9a-f]{40}")
MOST_REFERENCE_BYTES = 256


class Asked(NamedTuple):
    """A request to the hub: a repository, its branch, tag or commit, and the model's folder in it."""

    repository: str
    revision: str | None = None
    subfolder: str = ""

    def __str__(self) -> str:
        revision = f" at revision {self.revision}" if self.revision else ""
        return f"{self.repository}{revision}{f', folder {self.subfolder}' if self.subfolder else ''}"

    @property
    def command(self) -> str:
        """The command line that downloads the model.

        Examples:
            >>> Asked("owner/name", "v2").command
            'm2v-lite download owner/name --revision v2'
        """
        revision = f" --revision {self.revision}" if self.revision else ""
        subfolder = f" --subfolder '{self.subfolder}'" if self.subfolder else ""
        return f"m2v-lite download {self.repository}{revision}{subfolder}"


def cache_folder(cache_dir: PathLike | None = None) -> str:
    """Return the folder of the hub's cache.

    Args:
        cache_dir: the folder, or None for the folder that `HF_HUB_CACHE`, `HF_HOME` and so on name.

    Raises:
        MissingPackageError: `cache_dir` is None, and huggingface_hub, which reads those, is not installed.

    Examples:
        >>> cache_folder("/srv/models")
        '/srv/models'
    """
    if cache_dir is not None:
        return os.path.abspath(os.path.expanduser(os.fspath(cache_dir)))
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ImportError as error:
        raise MissingPackageError(
            "models on the hub need the package huggingface_hub; install it with: pip install "
            "huggingface_hub. Or give the path of a model folder or packed model"
        ) from error
    return os.path.abspath(HF_HUB_CACHE)


def entry_folder(cache: str, repository: str) -> str:
    """Return the cache's folder for a repository.

    Examples:
        >>> entry_folder("/cache", "owner/name")
        '/cache/models--owner--name'
    """
    return os.path.join(cache, "--".join(["models", *repository.split("/")]))


def stray_file(folder: str, entry: str) -> str | None:
    """Return a file of the model in a snapshot that lies outside the hub's cache, or None.

    `huggingface_hub` (seen in 2.4.0) joins the ETag that a hub sends to the path of the cache, and does not
    check it. So a hostile hub can make it write or link anywhere with an ETag such as `../../../x`. That is
    the fault of `huggingface_hub`, and it has happened before the file can be looked at here. But a file
    elsewhere does not count.

    Args:
        folder: the folder of the model.
        entry: the cache's folder for its repository.

    Raises:
        ModelNotFoundError: a file of the model is missing.
        InvalidModelError: a file of the model is a git-lfs pointer, or cannot be read.
    """
    files = find_model_files(folder)
    others = [os.path.join(folder, name) for name in (HEAD, LAYOUTS[1].config, MODULES)]
    paths = [files.config, files.tokenizer, files.table, files.model_card, *others]
    stray = _first_outside(paths, entry)
    if stray or not os.path.isfile(others[-1]):
        return stray
    from m2v_lite.files.modules_json import files_of, read_entries

    try:
        names = files_of(read_entries(folder))
    except M2VLiteError:
        return None  # who needs the modules will see why they cannot be read
    return _first_outside([os.path.join(folder, name) for name in names], entry)


def _first_outside(paths: Iterable[str], entry: str) -> str | None:
    return next((path for path in paths if os.path.lexists(path) and not is_inside(path, entry)), None)


def is_inside(path: str, entry: str) -> bool:
    """Return whether a file lies where the cache keeps files of a repository, all links followed.

    Args:
        path: the file, in a snapshot.
        entry: the cache's folder for the repository. Next to it is the store that repositories share.
    """
    stores = (
        os.path.join(entry, "blobs"),
        os.path.join(entry, "snapshots"),
        os.path.join(entry, "..", "blobs"),
    )
    place = os.path.realpath(path)
    return any(place.startswith(os.path.join(os.path.realpath(store), "")) for store in stores)


def cached_snapshot(cache: str, asked: Asked) -> str | None:
    """Return the folder of a cached snapshot, or None if the cache lacks it.

    Examples:
        >>> cached_snapshot("/no/cache", Asked("owner/name")) is None
        True
    """
    folder = entry_folder(cache, asked.repository)
    commit: str | None = asked.revision or MAIN
    if commit is not None and not COMMIT.fullmatch(commit):
        commit = commit_in(os.path.join(folder, "refs", *commit.split("/")))
    snapshot = os.path.join(folder, "snapshots", commit or "none")
    return snapshot if os.path.isdir(snapshot) else None


def commit_in(reference: str) -> str | None:
    """Return the commit that a file in `refs` holds, or None if the file is missing or broken."""
    try:
        commit = read_regular(reference, MOST_REFERENCE_BYTES).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return commit if COMMIT.fullmatch(commit) else None


def commit_of(folder: str) -> str | None:
    """Return the commit of a snapshot's folder, or None if the folder is not a snapshot.

    Examples:
        >>> commit_of("/cache/models--owner--name/snapshots/0123456789012345678901234567890123456789")
        '0123456789012345678901234567890123456789'
        >>> commit_of("/home/me/models/small") is None
        True
    """
    parent, commit = os.path.split(folder)
    return commit if os.path.basename(parent) == "snapshots" and COMMIT.fullmatch(commit) else None


def source_of(name: str, folder: str) -> str:
    """Return a name for a model: with its revision if `folder` is a snapshot, otherwise the folder's name.

    Examples:
        >>> source_of("owner/model", "/cache/snapshots/1234567890123456789012345678901234567890")
        'owner/model at revision 1234567890123456789012345678901234567890'
        >>> source_of("models/small", "/home/me/models/small")
        'small'
    """
    commit = commit_of(folder)
    return f"{name} at revision {commit}" if commit else os.path.basename(folder)


def defect_of(folder: str, entry: str, needs: str | None = None) -> str | None:
    """Return why the model in a snapshot's folder cannot be loaded, or None if it seems complete.

    The checks are quick: the files are there and in the cache, the table is as long as its header says, the
    config can be read, and the tokenizer ends like a JSON object.

    Args:
        folder: the folder of the model.
        entry: the cache's folder for its repository.
        needs: as for `fetch_model`.
    """
    from m2v_lite.files.config import read_config

    try:
        stray = stray_file(folder, entry)
        if stray:
            return f"{stray}: points outside the cache, to {os.path.realpath(stray)}"
        files = find_model_files(folder)
        if needs == "head" and head_file(files) is None:
            return f"{folder}: there is no {HEAD}"
        if needs == "modules":
            from m2v_lite.files.modules_json import files_of, read_entries

            for name in files_of(read_entries(folder)):
                if not os.path.isfile(os.path.join(folder, name)):
                    return f"{folder}: there is no {name}"
        table = SafetensorsFile(files.table)
        read_config(files.config)
        with open_regular(files.tokenizer) as file:
            file.seek(max(os.fstat(file.fileno()).st_size - 64, 0))
            end = file.read(64).rstrip()
    except (M2VLiteError, OSError) as error:
        return str(error)
    if not end.endswith(b"}"):
        return f"{files.tokenizer}: the file is incomplete"
    # Without its config, a model2vec model may look like another layout.
    if files.layout != LAYOUTS[0].name and files.tensor not in table.tensors:
        return f"{files.table}: the file has no tensor {files.tensor!r}"
    return None


def is_first_choice(snapshot: str, subfolder: str) -> bool:
    """Return whether the layout in a snapshot is certainly the repository's first layout.

    Another program may have downloaded only a part of the repository, which may look like another layout.
    """
    first = joined(subfolder, LAYOUTS[0].config)
    if os.path.exists(os.path.join(snapshot, first)):
        return True
    entry, commit = os.path.dirname(os.path.dirname(snapshot)), os.path.basename(snapshot)
    return os.path.exists(os.path.join(entry, ".no_exist", commit, first))
