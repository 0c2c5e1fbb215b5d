"""Repository on the hub -> its model's files in the cache, and no others, each checked against its checksum.

Requests, caching, resuming and tokens are the business of `huggingface_hub`. It does not check what it has
downloaded beyond the length, so that is done here, with the checksums that the hub lists.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from m2v_lite import __version__
from m2v_lite.errors import DownloadError, M2VLiteError, MissingPackageError, ModelNotFoundError
from m2v_lite.hub_cache import entry_folder
from m2v_lite.layout import LAYOUTS, MODEL_CARD, joined, layout_in

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# Seconds before each further attempt, when the hub is busy or a file came damaged.
PAUSES = (1.0, 4.0)
SHOWN_FILES = 12
CHUNK_BYTES = 1 << 20


class _DamagedFileError(Exception):
    """A file is not what the hub lists."""


def download_model(
    repository: str,
    subfolder: str | None,
    revision: str | None,
    token: str | bool | None,
    cache: str,
    force: bool,
    lacks: str | None = None,
) -> str:
    """Download what is missing of a model, and return the folder of the snapshot.

    Args:
        repository, subfolder, revision, token: see `m2v_lite.hub.fetch_model`.
        cache: the folder of the hub's cache.
        force: whether to download also what is in the cache.
        lacks: what the cache lacks of it, if it has a part, for an error's message.

    Raises:
        ModelNotFoundError: the hub has no such repository or revision, or no static model in it.
        DownloadError: the model cannot be fetched.
        MissingPackageError: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise MissingPackageError(
            f"{repository}: it is not in the cache {cache}, and fetching it from the hub needs the package "
            "huggingface_hub; install it with: pip install huggingface_hub. Or give the path of a model"
        ) from error
    api = HfApi(token=token, library_name="m2v_lite", library_version=__version__)
    for pause in (*PAUSES, None):
        try:
            return _download(api, repository, subfolder or "", revision, cache, force)
        except M2VLiteError:
            raise
        except Exception as error:
            if pause is None or not _may_pass(error):
                asked = f"{repository} at revision {revision}" if revision else repository
                raise _explained(error, asked, repository, cache, api.endpoint, lacks) from error
            # A file that has come too long is never resumed rightly, so it is fetched anew.
            force = force or type(error) is OSError
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _download(
    api: HfApi, repository: str, subfolder: str, revision: str | None, cache: str, force: bool
) -> str:
    listing = api.model_info(repository, revision=revision, files_metadata=True)
    listed = {file.rfilename: file for file in listing.siblings or ()}
    layout = layout_in(subfolder, listed)
    if layout is None:
        raise ModelNotFoundError(
            f"{joined(repository, subfolder)}: no static model in this repository, which would have "
            f"{' + '.join(LAYOUTS[0].files())}; there is: {_shown(listed)}"
        )
    _check_table(api, repository, listing.sha, joined(subfolder, layout.table), layout.tensor)
    wanted = [joined(subfolder, name) for name in (*layout.files(), MODEL_CARD)]
    folder: str = api.snapshot_download(
        repository,
        revision=revision,
        cache_dir=cache,
        allow_patterns=[glob.escape(name) for name in wanted],
        force_download=force,
    )
    if os.path.basename(folder) != listing.sha:
        raise _DamagedFileError(f"{revision} has moved from {listing.sha} to {os.path.basename(folder)}")
    for name in wanted:
        if name in listed:
            _check_file(os.path.join(folder, *name.split("/")), listed[name])
    return folder


def _check_table(api: HfApi, repository: str, commit: str | None, table: str, tensor: str) -> None:
    """Check by its header, which a short request gives, that a table is there before all is downloaded."""
    from huggingface_hub.errors import SafetensorsParsingError

    try:
        tensors = api.parse_safetensors_file_metadata(repository, table, revision=commit).tensors
    except SafetensorsParsingError as error:
        raise _DamagedFileError(f"{table} does not begin as a safetensors file does ({error})") from error
    if tensor not in tensors:
        raise ModelNotFoundError(
            f"{repository}: this is not a static model: {table} has no tensor {tensor!r}; there is: "
            f"{_shown(tensors)}. Distil it with model2vec, or choose another: m2v-lite list --known"
        )


def _check_file(path: str, listed: Any) -> None:
    """Check a file's length and checksum, where the hub lists them; remove a damaged file from the cache.

    Files in git-lfs are listed with their SHA-256, others with the hash that git gives them, a SHA-1 over
    a header and the content (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
    """
    size = os.path.getsize(path)
    if listed.lfs is not None:
        checksum, wanted = hashlib.sha256(), listed.lfs.sha256
    else:
        checksum, wanted = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False), listed.blob_id
    with open(path, "rb") as file:
        while part := file.read(CHUNK_BYTES):
            checksum.update(part)
    if listed.size in (None, size) and wanted in (None, checksum.hexdigest()):
        return
    for place in (os.path.realpath(path), path):
        with suppress(FileNotFoundError):
            os.remove(place)
    raise _DamagedFileError(
        f"{listed.rfilename} came as {size:,} bytes with the checksum {checksum.hexdigest()}, and the hub "
        f"lists {listed.size:,} bytes with {wanted}"
    )


def _may_pass(error: BaseException) -> bool:
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


def _explained(
    error: Exception, asked: str, repository: str, cache: str, endpoint: str, lacks: str | None
) -> M2VLiteError:
    """Return the error of the family that says what is wrong and what to do."""
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
    if is_a(_DamagedFileError):
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


def _shown(names: Any) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN_FILES} more" if len(listed) > SHOWN_FILES else ""
    return ", ".join(listed[:SHOWN_FILES]) + more if listed else "nothing"
