"""Repository id -> folder of its snapshot: from the hub's cache if it is there, else from the hub."""

from __future__ import annotations

import os
import re

from m2v_lite.arguments import PathLike
from m2v_lite.errors import DownloadError
from m2v_lite.hub_cache import cache_folder, cached_snapshot, what_is_wrong

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
    token: str | bool | None = None,
    cache_dir: PathLike | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> str:
    """Return the folder of a repository's snapshot, from the cache if the model in it is complete.

    If it is, no request is sent and nothing is written.

    Args:
        repository: its id on the hub, owner/name.
        subfolder: the folder of the model in the repository.
        revision: a branch, tag or commit; by default the branch main.
        token: the hub's access token; False for none; by default `HF_TOKEN`, or that of `hf auth login`.
        cache_dir: the hub's cache, if not the usual one.
        force_download: whether to ask the hub even if the model is in the cache.
        local_files_only: whether to fail rather than ask the hub.

    Raises:
        ModelNotFoundError: the hub has no such repository or revision, or no static model in it.
        DownloadError: the model is not in the cache and cannot be fetched.
        MissingPackageError: huggingface_hub is not installed.
    """
    cache = cache_folder(cache_dir)
    snapshot = cached_snapshot(cache, repository, revision)
    lacks = what_is_wrong(os.path.join(snapshot, subfolder or "")) if snapshot else None
    if snapshot and not lacks and not force_download:
        return snapshot
    if local_files_only:
        asked = f"{repository} at revision {revision}" if revision else repository
        state = f"is not complete in the cache ({lacks})" if lacks else f"is not in the cache {cache}"
        raise DownloadError(
            f"{asked}: there is no folder of this name here, the model {state}, and local_files_only is set. "
            f"Leave it out, or run where there is a network: m2v-lite download {repository}"
        )
    from m2v_lite.download import download_model

    return download_model(repository, subfolder, revision, token, cache, force_download, lacks)
