"""An error of a download -> whether to try again, and the error of the family that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from m2v_lite.errors import DownloadError, M2VLiteError, ModelNotFoundError
from m2v_lite.hub_cache import entry_folder


class DamagedFileError(Exception):
    """A file is not what the hub lists."""


def may_pass(error: BaseException) -> bool:
    """Say whether another attempt may do better: the hub is busy, a connection broke, a file came damaged."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    for cause in _causes(error):
        status = _status(cause)
        if status is not None:
            return status == 429 or status >= 500
        if isinstance(cause, OfflineModeIsEnabled):
            return False
    # What has an error number is the disk's or the network's: it is said at once.
    return not any(getattr(cause, "errno", None) or _is_unreachable(cause) for cause in _causes(error))


def _is_unreachable(error: BaseException) -> bool:
    """Say whether no connection was had, by the names that requests and httpx have for it."""
    return type(error).__name__ in ("ConnectionError", "ConnectError", "ConnectTimeout", "ProxyError")


def explained(
    error: Exception, asked: str, repository: str, cache: str, endpoint: str, lacks: str | None
) -> M2VLiteError:
    """Return the error of the family that says what is wrong and what to do.

    Args:
        error: what the download has raised.
        asked: the repository, and the revision if one was asked for.
        repository: its id.
        cache: the folder of the hub's cache.
        endpoint: the hub's address.
        lacks: what the cache lacks of the model, if it has a part.
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
            f"{asked}: access to this model is restricted. Ask for it on {endpoint}/{repository}, and give "
            "a token that has it: token=, HF_TOKEN, or hf auth login"
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
            f"{endpoint}/{repository}/tree/main shows which it has"
        )
    numbers = {getattr(cause, "errno", None) for cause in causes}
    if numbers & {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DownloadError(
            f"{asked}: the disk of {cache} is full. Free some space, or name a cache elsewhere: cache_dir=, "
            "HF_HOME. What has been downloaded so far is kept, and the rest is fetched next time"
        )
    if numbers & {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}:
        return DownloadError(
            f"{asked}: not complete in the cache, and nothing can be written to {cache}. Change its "
            "permissions, or name a cache elsewhere: cache_dir=, HF_HOME"
        )
    if is_a(DamagedFileError):
        return DownloadError(f"{asked}: {error}. Nothing of it is kept; try again later")
    state = f"is not complete in the cache ({lacks})" if lacks else f"is not in the cache {cache}"
    status = next((status for cause in causes if (status := _status(cause)) is not None), None)
    line = (str(error).strip().splitlines() or [""])[0]
    if is_a(OfflineModeIsEnabled):
        reason = "HF_HUB_OFFLINE is set"
    elif status is not None:
        reason = f"{endpoint} answers {status} ({line})"
    elif any(map(_is_unreachable, causes)):
        reason = f"{endpoint} cannot be reached ({line})"
    else:
        return DownloadError(
            f"{asked}: the model {state}, and its download has failed ({type(error).__name__}: {line}). Try "
            f"again; if that is of no use, remove {entry_folder(cache, repository)} first"
        )
    return DownloadError(
        f"{asked}: there is no folder of this name here, the model {state}, and {reason}. Check the name and "
        f"the network; or run elsewhere: m2v-lite download {repository} --output FOLDER, copy the folder "
        "here and give its path"
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _status(error: BaseException) -> int | None:
    """Return the status of the answer that an error is about."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
