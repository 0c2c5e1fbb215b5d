"""Repository on the hub -> its model's files in the cache, and no others, each checked against its checksum.

Requests, caching, resuming and tokens are the business of `huggingface_hub`. It does not check what it has
downloaded beyond the length, so that is done here, with the checksums that the hub lists.
"""

from __future__ import annotations

import glob
import hashlib
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from m2v_lite import __version__
from m2v_lite.download_errors import DamagedFileError, explained, may_pass
from m2v_lite.errors import M2VLiteError, MissingPackageError, ModelNotFoundError
from m2v_lite.layout import LAYOUTS, MODEL_CARD, joined, layout_in

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# Seconds before each further attempt, when the hub is busy or a file came damaged.
PAUSES = (1.0, 4.0)
SHOWN_FILES = 12
CHUNK_BYTES = 1 << 20


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
            if pause is None or not may_pass(error):
                asked = f"{repository} at revision {revision}" if revision else repository
                raise explained(error, asked, repository, cache, api.endpoint, lacks) from error
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
        raise DamagedFileError(f"{revision} has moved from {listing.sha} to {os.path.basename(folder)}")
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
        raise DamagedFileError(f"{table} does not begin as a safetensors file does ({error})") from error
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
    raise DamagedFileError(
        f"{listed.rfilename} came as {size:,} bytes with the checksum {checksum.hexdigest()}, and the hub "
        f"lists {listed.size:,} bytes with {wanted}"
    )


def _shown(names: Any) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN_FILES} more" if len(listed) > SHOWN_FILES else ""
    return ", ".join(listed[:SHOWN_FILES]) + more if listed else "nothing"
