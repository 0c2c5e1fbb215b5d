"""Finds the snapshot folder of a repository in the hub's cache, or downloads it from the hub."""

from __future__ import annotations

import os
import posixpath
import re

from m2v_lite.arguments import PathLike, described
from m2v_lite.errors import DownloadError, InputTypeError, InputValueError, MissingPackageError
from m2v_lite.hub.cache import Asked, cache_folder, cached_snapshot, defect_of, entry_folder, is_first_choice

_REPOSITORY_ID = re.compile(r"\w([\w.-]*\w)?(/\w([\w.-]*\w)?)?", re.ASCII)
_LONGEST_ID = 96
# What no name of a branch or tag holds (https://git-scm.com/docs/git-check-ref-format).
_NOT_IN_REVISIONS = re.compile(r"[\s~^:?*\[\\]|\.\.")
# The characters of a header's value, without white space (https://www.rfc-editor.org/rfc/rfc9110#section-5.5).
_TOKEN = re.compile("[!-~]+")


def is_repository_id(name: str) -> bool:
    """Return whether `name` has the form of a repository id, `owner/name` or `name`, by the hub's own rules.

    Examples:
        >>> is_repository_id("minishlab/potion-base-8M"), is_repository_id("./potion")
        (True, False)
    """
    return (
        _REPOSITORY_ID.fullmatch(name) is not None
        and len(name) <= _LONGEST_ID
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
    needs: str | None = None,
) -> str:
    """Return the folder of a repository's snapshot.

    If the cache holds the complete model, this sends no request and writes nothing.

    Args:
        repository: the repository's id on the hub, owner/name.
        subfolder: the folder of the model in the repository.
        revision: a branch, tag or commit; by default the branch main.
        token: the hub's access token; False for no token; by default `HF_TOKEN` or that of `hf auth login`.
        cache_dir: the hub's cache, or None for the default.
        force_download: whether to ask the hub even if the model is in the cache.
        local_files_only: whether to fail instead of asking the hub.
        needs: what a complete snapshot has besides the model: "head", the head of a classifier, or "modules",
            the modules of sentence-transformers; None for nothing.

    Raises:
        ModelNotFoundError: the hub has no such repository or revision, or no static model in it.
        DownloadError: the model is not in the cache and cannot be downloaded.
        InvalidModelError: the head that is needed is in model2vec's old format.
        MissingPackageError: huggingface_hub is not installed.
        InputTypeError: an argument has a wrong type.
        InputValueError: an argument has an impossible value.
    """
    asked = Asked(repository, _revision(revision), _subfolder(subfolder))
    token = _token(token)
    try:
        cache = cache_folder(cache_dir)
    except MissingPackageError as error:
        raise MissingPackageError(f"{repository}: no such file or folder here, and {error}") from error
    snapshot = cached_snapshot(cache, asked)
    entry = entry_folder(cache, repository)
    lacks = defect_of(os.path.join(snapshot, asked.subfolder), entry, needs) if snapshot else None
    usable = None if lacks or force_download else snapshot
    if usable and (local_files_only or is_first_choice(usable, asked.subfolder)):
        return usable
    if lacks:
        state = f"the model is not complete in the cache ({lacks})"
    elif snapshot and force_download:
        state = "the model is in the cache, but force_download asks the hub for it"
    else:
        from m2v_lite.hub.nearest import hint

        state = f"no such folder here, the model is not in the cache {cache}{hint(repository, cache)}"
    if local_files_only:
        raise DownloadError(
            f"{asked}: {state}, and local_files_only is set. Leave it out, or run this with a network: "
            f"{asked.command}{' --force-download' if lacks else ''}"
        )
    from m2v_lite.hub.download import download_model

    try:
        return download_model(asked, token, cache, force_download, state, needs)
    except DownloadError:
        if usable:
            return usable
        raise


def _revision(revision: object) -> str | None:
    if revision is not None and not isinstance(revision, str):
        raise InputTypeError(f"revision is {described(revision)}; give a branch, tag or commit as a str")
    if revision is not None and not revision.strip():
        raise InputValueError("revision is empty; give a branch, tag or commit, or None for main")
    if revision is not None and not _is_name(revision):
        raise InputValueError(
            f"revision is {revision!r:.60}, which cannot be a branch, tag or commit; give one, such as "
            "v1 or refs/pr/1"
        )
    return revision


def _is_name(revision: str) -> bool:
    """Return whether a revision may be a name or a commit. It becomes a part of paths and addresses."""
    parts = revision.split("/")
    return (
        revision.isprintable()
        and not _NOT_IN_REVISIONS.search(revision)
        and all(part and not part.startswith(".") and not part.endswith(".") for part in parts)
    )


def _subfolder(subfolder: str | None) -> str:
    """Return the path of a folder of the repository, with forward slashes; "" for the repository itself."""
    path = posixpath.normpath((subfolder or ".").replace(os.sep, "/"))
    if os.path.isabs(path) or path.split("/")[0] == "..":
        raise InputValueError(f"subfolder is {subfolder!r:.60}; give a folder inside the repository")
    return "" if path == "." else path


def _token(token: object) -> str | bool | None:
    if token is not None and not isinstance(token, (str, bool)):
        raise InputTypeError("token is not a str, a bool or None; give your access token for the hub")
    if not isinstance(token, str):
        return token
    token = token.strip()
    if token and not _TOKEN.fullmatch(token):
        raise InputValueError(
            "token holds white space or another character that no token has (it is secret, so it is not "
            "shown); give only your access token for the hub"
        )
    return token or None
