"""Repository id and revision -> the folder of its snapshot in the hub's cache.

The cache's layout is documented (https://huggingface.co/docs/huggingface_hub/guides/manage-cache): in
`models--OWNER--NAME`, `refs/REVISION` holds the commit that a branch or tag named when it was last asked for,
`snapshots/COMMIT` the files, and `.no_exist/COMMIT` empty files where the hub has none. A file that is still
being downloaded is not in a snapshot. Nothing is written here, and of `huggingface_hub` only the module is
imported that reads its environment variables: its functions for the same take 90 ms and 12 MB more.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from m2v_lite.arguments import PathLike
from m2v_lite.errors import M2VLiteError, MissingPackageError
from m2v_lite.files.layouts import LAYOUTS, find_model_files, joined
from m2v_lite.files.safetensors import SafetensorsFile

MAIN = "main"
COMMIT = re.compile("[0-9a-f]{40}")


class Asked(NamedTuple):
    """What is asked of the hub: a repository, a branch, tag or commit, and the model's folder in it."""

    repository: str
    revision: str | None = None
    subfolder: str = ""

    def __str__(self) -> str:
        revision = f" at revision {self.revision}" if self.revision else ""
        return f"{self.repository}{revision}{f', folder {self.subfolder}' if self.subfolder else ''}"

    @property
    def command(self) -> str:
        """The command line that downloads it.

        Example:
            >>> Asked("owner/name", "v2").command
            'm2v-lite download owner/name --revision v2'
        """
        revision = f" --revision {self.revision}" if self.revision else ""
        subfolder = f" --subfolder '{self.subfolder}'" if self.subfolder else ""
        return f"m2v-lite download {self.repository}{revision}{subfolder}"


def cache_folder(cache_dir: PathLike | None = None) -> str:
    """Return the folder of the hub's cache: the one given, or that of `HF_HUB_CACHE`, `HF_HOME` and so on.

    Raises:
        MissingPackageError: none is given, and huggingface_hub, which knows, is not installed.

    Example:
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
    """Return the folder that the cache has for a repository.

    Example:
        >>> entry_folder("/cache", "owner/name")
        '/cache/models--owner--name'
    """
    return os.path.join(cache, "--".join(["models", *repository.split("/")]))


def cached_snapshot(cache: str, asked: Asked) -> str | None:
    """Return the folder of the snapshot that a repository's branch, tag or commit names, or None.

    Example:
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
    """Return the commit that a file in `refs` holds, or None if it holds none."""
    try:
        with open(reference, encoding="ascii") as file:
            commit = file.read().strip()
    except (OSError, ValueError):
        return None
    return commit if COMMIT.fullmatch(commit) else None


def commit_of(folder: str) -> str | None:
    """Return the commit that a folder is a snapshot of, or None if it is none of the cache.

    Example:
        >>> commit_of("/cache/models--owner--name/snapshots/0123456789012345678901234567890123456789")
        '0123456789012345678901234567890123456789'
        >>> commit_of("/home/me/models/small") is None
        True
    """
    parent, commit = os.path.split(folder)
    return commit if os.path.basename(parent) == "snapshots" and COMMIT.fullmatch(commit) else None


def source_of(name: str, folder: str) -> str:
    """Name a model and, if its folder is in the hub's cache, the revision that it is of.

    Example:
        >>> source_of("owner/model", "/cache/snapshots/1234567890123456789012345678901234567890")
        'owner/model at revision 1234567890123456789012345678901234567890'
        >>> source_of("models/small", "/home/me/models/small")
        'small'
    """
    commit = commit_of(folder)
    return f"{name} at revision {commit}" if commit else os.path.basename(folder)


def what_is_wrong(folder: str) -> str | None:
    """Say why a folder of a snapshot cannot be loaded as it is, or return None if it seems complete.

    Here is looked at what costs little: the files are there, the table's length is that of its header, the
    config can be read, and the tokenizer ends as JSON does.
    """
    from m2v_lite.files.config import read_config

    try:
        files = find_model_files(folder)
        table = SafetensorsFile(files.table)
        read_config(files.config)
    except M2VLiteError as error:
        return str(error)
    with open(files.tokenizer, "rb") as file:
        file.seek(max(os.path.getsize(files.tokenizer) - 64, 0))
        if not file.read().rstrip().endswith(b"}"):
            return f"{files.tokenizer}: it has no end"
    # Without the config of a model2vec model, its other files may look like another layout.
    if files.layout != LAYOUTS[0].name and files.tensor not in table.tensors:
        return f"{files.table}: no tensor {files.tensor!r} in it"
    return None


def is_first_choice(snapshot: str, subfolder: str) -> bool:
    """Say whether no layout can go before the one that a snapshot has, as the cache knows it.

    Another program may have downloaded a part of the repository that looks like another layout.
    """
    first = joined(subfolder, LAYOUTS[0].config)
    if os.path.exists(os.path.join(snapshot, first)):
        return True
    entry, commit = os.path.dirname(os.path.dirname(snapshot)), os.path.basename(snapshot)
    return os.path.exists(os.path.join(entry, ".no_exist", commit, first))
