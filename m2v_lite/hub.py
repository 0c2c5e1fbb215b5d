"""Repository id -> folder of the hub's cache, downloaded if need be. Only this module knows the hub.

`huggingface_hub` is imported when a function here is called, not before; caching, tokens and environment
variables are its own business.
"""

from __future__ import annotations

import os
import re

from m2v_lite.arguments import PathLike
from m2v_lite.errors import DownloadError, MissingPackageError
from m2v_lite.layout import hub_patterns, is_model_folder

_REPOSITORY_ID = re.compile(r"\w([\w.-]*\w)?(/\w([\w.-]*\w)?)?", re.ASCII)
_MOST_CHARACTERS = 96


def is_repository_id(name: str) -> bool:
    """Say whether `name` has the form of a repository id, `owner/name` or `name`, by the hub's own rules.

    Example:
        >>> is_repository_id("minishlab/potion-base-8M"), is_repository_id("./potion")
        (True, False)
    """
    return (
        _REPOSITORY_ID.fullmatch(name) is not None
        and len(name) <= _MOST_CHARACTERS
        and not any(part in name for part in ("--", ".."))
        and not name.endswith(".git")
    )


def fetch_model(
    repository: str,
    *,
    subfolder: str | None = None,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: PathLike | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> str:
    """Return the folder of a repository's snapshot, from the cache if the model in it is complete.

    Raises:
        DownloadError: the model is not in the cache and cannot be fetched.
        MissingPackageError: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise MissingPackageError(
            f"{repository}: fetching a model from the hub needs the package huggingface_hub; install it "
            "with: pip install huggingface_hub. Or give the path of a model folder"
        ) from error

    def snapshot(offline: bool) -> str:
        folder: str = snapshot_download(
            repository,
            revision=revision,
            token=token,
            cache_dir=None if cache_dir is None else os.fspath(cache_dir),
            allow_patterns=hub_patterns(subfolder),
            force_download=force_download and not offline,
            local_files_only=offline,
        )
        return folder

    if not force_download:
        try:
            cached = snapshot(offline=True)
        except LocalEntryNotFoundError:
            pass
        else:
            if local_files_only or is_model_folder(os.path.join(cached, subfolder or "")):
                return cached
    try:
        return snapshot(offline=local_files_only)
    except Exception as error:
        at = f" at revision {revision}" if revision else ""
        raise DownloadError(
            f"{repository}{at}: there is no folder of this name here, the model is not in the cache, and "
            f"fetching it from the hub failed ({_in_one_line(error)}). Check the name and the "
            "network; or download the model elsewhere, copy its folder here and give its path"
        ) from error


def _in_one_line(error: Exception) -> str:
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first}"
