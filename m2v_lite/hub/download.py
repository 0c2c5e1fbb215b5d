"""Repository on the hub -> its model's files in the cache, and no others, each checked before it counts.

Requests, caching, resuming and tokens are the business of `huggingface_hub`. It does not check what it has
downloaded beyond the length, so that is done here, with the checksums that the hub lists. Files are fetched
by their commit, the table last, and only when all are right, the cache is told that the branch is at this
commit: until then, another process loads what was there before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from m2v_lite import __version__
from m2v_lite.errors import M2VLiteError, MissingPackageError, ModelNotFoundError
from m2v_lite.files.layouts import LAYOUTS, MODEL_CARD, joined, layout_in
from m2v_lite.files.reading import TABLE_NAMES
from m2v_lite.hub.cache import MAIN, Asked, cached_snapshot
from m2v_lite.hub.checksums import checksum
from m2v_lite.hub.failures import DamagedFileError, explained, may_pass

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# Seconds before each further attempt, when the hub is busy or a file came damaged.
PAUSES = (1.0, 4.0)
SHOWN_FILES = 12


def download_model(asked: Asked, token: str | bool | None, cache: str, force: bool, state: str) -> str:
    """Download what is missing of a model, and return the folder of the snapshot.

    Args:
        asked: the repository, revision and subfolder.
        token: the hub's access token; False for none, None for the usual one.
        cache: the folder of the hub's cache.
        force: whether to download also what is in the cache.
        state: what the cache has, for an error's message.

    Raises:
        ModelNotFoundError: the hub has no such repository or revision, or no static model in it.
        DownloadError: the model cannot be fetched.
        MissingPackageError: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise MissingPackageError(
            f"{asked}: {state}, and fetching it from the hub needs the package huggingface_hub; install it "
            "with: pip install huggingface_hub. Or give the path of a model"
        ) from error
    api = HfApi(token=token, library_name="m2v_lite", library_version=__version__)
    for pause in (*PAUSES, None):
        try:
            return _download(api, asked, cache, force)
        except M2VLiteError:
            raise
        except Exception as error:
            if pause is None or not may_pass(error):
                raise explained(error, asked, cache, api.endpoint, state) from error
            # A file that has come too long is never resumed rightly, so it is fetched anew.
            force = force or type(error) is OSError
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _download(api: HfApi, asked: Asked, cache: str, force: bool) -> str:
    from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT
    from huggingface_hub.errors import EntryNotFoundError

    listing = api.model_info(
        asked.repository, revision=asked.revision, files_metadata=True, timeout=HF_HUB_ETAG_TIMEOUT
    )
    listed = {file.rfilename: file for file in listing.siblings or ()}
    layout = layout_in(asked.subfolder, listed)
    if layout is None:
        raise ModelNotFoundError(
            f"{asked}: no static model there, which would be {' + '.join(LAYOUTS[0].files())}; there is: "
            f"{_shown(listed)}"
        )
    card, config, table, tokenizer = (joined(asked.subfolder, name) for name in (MODEL_CARD, *layout.files()))
    _check_table(api, asked, listing.sha, table)
    fetch = partial(api.hf_hub_download, asked.repository, cache_dir=cache)
    for name in (card, config, tokenizer, table):
        if name in listed:
            _check_file(fetch(name, revision=listing.sha, force_download=force), listed[name])
    if layout is not LAYOUTS[0]:
        with suppress(EntryNotFoundError):  # the cache then knows that there is none
            fetch(joined(asked.subfolder, LAYOUTS[0].config), revision=listing.sha)
    if asked.revision != listing.sha:
        fetch(config, revision=asked.revision or MAIN)  # the cache then knows the branch's commit
    folder = cached_snapshot(cache, asked)
    if folder is None or os.path.basename(folder) != listing.sha:
        raise DamagedFileError(f"{asked.revision or MAIN} has moved away from {listing.sha}")
    return folder


def _check_table(api: HfApi, asked: Asked, commit: str | None, table: str) -> None:
    """Check by its header, which a short request gives, that a table is there before all is downloaded."""
    from huggingface_hub.errors import SafetensorsParsingError

    try:
        tensors = api.parse_safetensors_file_metadata(asked.repository, table, revision=commit).tensors
    except SafetensorsParsingError as error:
        raise DamagedFileError(f"{table} does not begin as a safetensors file does ({error})") from error
    if not any(name in tensors for name in TABLE_NAMES):
        raise ModelNotFoundError(
            f"{asked}: this is not a static model: {table} has no tensor "
            f"{' or '.join(map(repr, TABLE_NAMES))}; there is: {_shown(tensors)}. Distil it with model2vec, "
            "or choose another: m2v-lite list --known"
        )


def _check_file(path: str, listed: Any) -> None:
    """Check a file's length and checksum, where the hub lists them; remove a damaged file from the cache."""
    wanted = listed.blob_id if listed.lfs is None else listed.lfs.sha256
    size = os.path.getsize(path)
    found = checksum(path, len(wanted or ""))
    if listed.size in (None, size) and wanted in (None, found):
        return
    for place in (os.path.realpath(path), path):
        with suppress(FileNotFoundError):
            os.remove(place)
    raise DamagedFileError(
        f"{listed.rfilename} came as {size:,} bytes with the checksum {found}, and the hub lists "
        f"{listed.size:,} bytes with {wanted}"
    )


def _shown(names: Collection[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN_FILES} more" if len(listed) > SHOWN_FILES else ""
    return ", ".join(listed[:SHOWN_FILES]) + more if listed else "nothing"
