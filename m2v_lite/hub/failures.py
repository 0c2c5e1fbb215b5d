"""An error of a download -> whether to try again, and the error of the family that says what to do."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

from m2v_lite.errors import DownloadError, M2VLiteError, ModelNotFoundError
from m2v_lite.hub.cache import Asked, entry_folder

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
UNREACHABLE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}


class DamagedFileError(Exception):
    """A file is not what the hub lists."""


def may_pass(error: BaseException) -> bool:
    """Say whether another attempt may do better: the hub is busy, a connection broke, a file came damaged."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    for cause in _causes(error):
        status = _status(cause)
        if status is not None:
            return status == 429 or status >= 500
        if isinstance(cause, OfflineModeIsEnabled) or _is_unreachable(cause):
            return False
    return not any(getattr(cause, "errno", None) in FULL | NOT_WRITABLE for cause in _causes(error))


def explained(error: Exception, asked: Asked, cache: str, endpoint: str, state: str) -> M2VLiteError:
    """Return the error of the family that says what is wrong and what to do.

    Args:
        error: what the download has raised.
        asked: the repository, revision and subfolder.
        cache: the folder of the hub's cache.
        endpoint: the hub's address.
        state: what the cache has.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    causes = list(_causes(error))

    def is_a(kind: type[BaseException]) -> bool:
        return any(isinstance(cause, kind) for cause in causes)

    if is_a(GatedRepoError):
        return DownloadError(
            f"{asked}: access to this model is restricted. Ask for it on {endpoint}/{asked.repository}, and "
            "give a token that has it: token=, HF_TOKEN, or hf auth login"
        )
    if is_a(RepositoryNotFoundError):
        return ModelNotFoundError(
            f"{asked}: there is no folder of this name here, and on {endpoint} no such repository, or none "
            "that this token may see. Check the name; for a private model give a token: token=, HF_TOKEN, or "
            "hf auth login"
        )
    if is_a(RevisionNotFoundError):
        return ModelNotFoundError(
            f"{asked}: the repository has no such branch, tag or commit (of 40 digits); "
            f"{endpoint}/{asked.repository}/tree/main shows which it has"
        )
    if any(getattr(cause, "errno", None) in FULL for cause in causes):
        return DownloadError(
            f"{asked}: the disk of {cache} is full. Free some space, or name a cache elsewhere: cache_dir=, "
            "HF_HOME. What has been downloaded so far is kept, and the rest is fetched next time"
        )
    if any(_is_about(cause, cache) for cause in causes):
        return DownloadError(
            f"{asked}: {state}, and nothing can be written to {cache}. Change its permissions, or name a "
            "cache elsewhere: cache_dir=, HF_HOME"
        )
    if is_a(DamagedFileError):
        return DownloadError(f"{asked}: {error}. Nothing of it is kept; try again later")
    status = next((status for cause in causes if (status := _status(cause)) is not None), None)
    line = " ".join(str(error).split())[:300]
    if status == 401:
        return DownloadError(
            f"{asked}: {state}, and {endpoint} refuses the token ({line}). Renew it (token=, HF_TOKEN, or hf "
            "auth login), or use none: token=False"
        )
    if is_a(OfflineModeIsEnabled):
        reason = "HF_HUB_OFFLINE is set"
    elif status is not None:
        reason = f"{endpoint} answers {status} ({line})"
    elif any(map(_is_unreachable, causes)):
        reason = f"{endpoint} cannot be reached ({line})"
    else:
        return DownloadError(
            f"{asked}: {state}, and its download has failed ({type(error).__name__}: {line}). Try again; if "
            f"that is of no use, remove {entry_folder(cache, asked.repository)} first"
        )
    return DownloadError(
        f"{asked}: {state}, and {reason}. Check the name and the network; or run elsewhere: {asked.command} "
        "--output FOLDER, copy the folder here and give its path"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    """Return the status of the answer that an error is about."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _is_unreachable(error: BaseException) -> bool:
    """Say whether no connection was had at all; requests and httpx have one name for a timeout of that."""
    return (
        isinstance(error, socket.gaierror)
        or getattr(error, "errno", None) in UNREACHABLE
        or type(error).__name__ == "ConnectTimeout"
    )


def _is_about(error: BaseException, cache: str) -> bool:
    """Say whether a file of the cache cannot be written."""
    if not isinstance(error, OSError) or error.errno not in NOT_WRITABLE or error.filename is None:
        return False
    place = os.path.realpath(str(error.filename))
    return place.startswith(os.path.realpath(cache)) or os.path.realpath(cache).startswith(place)
