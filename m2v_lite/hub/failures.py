"""Decides whether to retry after a download error, and tells the user what to do."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Iterator

from m2v_lite.errors import DownloadError, M2VLiteError, ModelNotFoundError
from m2v_lite.hub.cache import Asked, entry_folder
from m2v_lite.hub.nearest import hint

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR}
UNREACHABLE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}

# A user's name and password in an address, and a token in a header.
SECRETS = re.compile(r"""(?<=://)[^\s'"]*@|(?<=Bearer )[^'"]+""")


class DamagedFileError(Exception):
    """A file differs from what the hub lists."""


def may_pass(error: BaseException) -> bool:
    """Return whether to try again: the hub was busy, a connection broke or a file arrived damaged."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    for cause in _causes(error):
        status = _status(cause)
        if status is not None:
            return status == 429 or status >= 500
        if isinstance(cause, OfflineModeIsEnabled) or _is_unreachable(cause):
            return False
    return not any(getattr(cause, "errno", None) in FULL | NOT_WRITABLE for cause in _causes(error))


def explained(error: Exception, asked: Asked, cache: str, endpoint: str, state: str) -> M2VLiteError:
    """Return an `M2VLiteError` that says what went wrong and what to do.

    Args:
        error: the exception that the download raised.
        asked: the repository, revision and subfolder.
        cache: the folder of the hub's cache.
        endpoint: the hub's address.
        state: what the cache holds of the model.
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
            f"{asked}: access to this model is restricted. Request access at {endpoint}/{asked.repository}, "
            "then give your token: token=, HF_TOKEN, or hf auth login"
        )
    if is_a(RepositoryNotFoundError):
        return ModelNotFoundError(
            f"{asked}: no such folder here, and no such repository on {endpoint}, or your token has no "
            f"access to it{hint(asked.repository, cache)}. Check the name. For a private model, give a "
            "token: token=, HF_TOKEN, or hf auth login"
        )
    if is_a(RevisionNotFoundError):
        return ModelNotFoundError(
            f"{asked}: the repository has no such branch, tag or commit (a commit needs all 40 digits); "
            f"choose one at {endpoint}/{asked.repository}/tree/main"
        )
    if any(getattr(cause, "errno", None) in FULL for cause in causes):
        return DownloadError(
            f"{asked}: the disk of {cache} is full. Free some space, or put the cache elsewhere with "
            "cache_dir= or HF_HOME. Then try again: finished files are kept"
        )
    if any(_is_unwritable(cause, cache) for cause in causes):
        return DownloadError(
            f"{asked}: {state}, and {cache} cannot be written to. Change its permissions, or put the cache "
            "elsewhere with cache_dir= or HF_HOME"
        )
    if is_a(DamagedFileError):
        return DownloadError(f"{asked}: {error}. No damaged file is kept; try again later")
    status = next((status for cause in causes if (status := _status(cause)) is not None), None)
    line = " ".join(str(error).split())[:300]
    if status == 401:
        return DownloadError(
            f"{asked}: {state}, and {endpoint} refuses the token ({line}). Give a new token: token=, "
            "HF_TOKEN, or hf auth login. Or use no token: token=False"
        )
    if is_a(OfflineModeIsEnabled):
        reason = "HF_HUB_OFFLINE is set"
    elif status is not None:
        reason = f"{endpoint} answers {status} ({line})"
    elif any(map(_is_unreachable, causes)):
        reason = f"{endpoint} cannot be reached ({line})"
    else:
        return DownloadError(
            f"{asked}: {state}, and the download failed ({type(error).__name__}: {line}). Try again. If "
            f"it fails again, remove {entry_folder(cache, asked.repository)} first"
        )
    return DownloadError(
        f"{asked}: {state}, and {reason}. Check the name and the network. Or run this on another machine: "
        f"{asked.command} --output FOLDER; then copy the folder here and give its path"
    )


def without_secrets(text: str, token: str | None) -> str:
    """Return a text of which what may be secret is replaced by `***`.

    Args:
        text: the text.
        token: the access token, if it is known.

    Examples:
        >>> without_secrets("https://me:password@hub.example/x answers 401 to hf_abc", "hf_abc")
        'https://***hub.example/x answers 401 to ***'
    """
    if token:
        text = text.replace(token, "***")
    return SECRETS.sub("***", text)


def holds_secrets(error: BaseException, token: str | None) -> bool:
    """Return whether the text of an error or of its causes holds what may be secret."""
    return any(without_secrets(str(cause), token) != str(cause) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of an error's response, or None if it has no response."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _is_unreachable(error: BaseException) -> bool:
    """Return whether no connection was made. requests and httpx both name that timeout `ConnectTimeout`."""
    return (
        isinstance(error, socket.gaierror)
        or getattr(error, "errno", None) in UNREACHABLE
        or type(error).__name__ == "ConnectTimeout"
    )


def _is_unwritable(error: BaseException, cache: str) -> bool:
    """Return whether an error says that the cache cannot be written to."""
    if not isinstance(error, OSError) or error.errno not in NOT_WRITABLE or error.filename is None:
        return False
    place = os.path.realpath(str(error.filename))
    return place.startswith(os.path.realpath(cache)) or os.path.realpath(cache).startswith(place)
