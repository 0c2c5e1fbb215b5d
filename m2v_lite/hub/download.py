"""Downloads the files of a model from the hub to the cache, and checks each before it is used.

`huggingface_hub` handles requests, caching, resuming and tokens. It checks only the length of a download, so
this module also checks the checksums that the hub lists. It downloads the files of one commit, the table
last. When all files are correct, it records in the cache that the branch is at this commit. Until then, other
processes load the old files.
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
from m2v_lite.files.heads import HEAD, LEGACY_HEAD, legacy_head
from m2v_lite.files.layouts import LAYOUTS, MODEL_CARD, MODULES, joined, layout_in
from m2v_lite.files.modules_json import NO_LIST, files_of, read_entries
from m2v_lite.files.reading import TABLE_NAMES
from m2v_lite.hub.cache import COMMIT, MAIN, Asked, cached_snapshot, entry_folder, is_inside, stray_file
from m2v_lite.hub.checksums import checksum
from m2v_lite.hub.failures import DamagedFileError, explained, holds_secrets, may_pass, without_secrets

if TYPE_CHECKING:
    from huggingface_hub import HfApi

# The seconds before each further attempt, after the hub was busy or a file arrived damaged.
PAUSES = (1.0, 4.0)
SHOWN_FILES = 12


def download_model(
    asked: Asked, token: str | bool | None, cache: str, force: bool, state: str, needs: str | None = None
) -> str:
    """Download the missing files of a model, and return the folder of the snapshot.

    Args:
        asked: the repository, revision and subfolder.
        token: the hub's access token; False for no token, None for the default token.
        cache: the folder of the hub's cache.
        force: whether to download files that are in the cache, too.
        state: what the cache holds of the model, for error messages.
        needs: as for `fetch_model`.

    Raises:
        ModelNotFoundError: the hub has no such repository or revision, or no static model in it.
        InvalidModelError: the head that is needed is in model2vec's old format.
        DownloadError: the model cannot be downloaded.
        MissingPackageError: huggingface_hub is not installed.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise MissingPackageError(
            f"{asked}: {state}, and a download from the hub needs the package huggingface_hub; install it "
            "with: pip install huggingface_hub. Or give the path of a model"
        ) from error
    api = HfApi(token=token, library_name="m2v_lite", library_version=__version__)
    for pause in (*PAUSES, None):
        try:
            return _download(api, asked, cache, force, needs)
        except M2VLiteError:
            raise
        except Exception as error:
            if pause is None or not may_pass(error):
                secret = _known_token(token)
                told = explained(error, asked, cache, api.endpoint, state)
                told = type(told)(without_secrets(str(told), secret))
                # Python prints the cause, too.
                raise told from (None if holds_secrets(error, secret) else error)
            # If a file arrived too long, resuming cannot repair it, so download it from the start.
            force = force or type(error) is OSError
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _download(api: HfApi, asked: Asked, cache: str, force: bool, needs: str | None) -> str:
    from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT
    from huggingface_hub.errors import EntryNotFoundError

    listing = api.model_info(
        asked.repository, revision=asked.revision, files_metadata=True, timeout=HF_HUB_ETAG_TIMEOUT
    )
    if not COMMIT.fullmatch(listing.sha or ""):  # it becomes a part of paths
        raise DamagedFileError(f"the hub names the commit {listing.sha!r:.60}, which is not a commit")
    listed = {file.rfilename: file for file in listing.siblings or ()}
    layout = layout_in(asked.subfolder, listed)
    if layout is None:
        raise ModelNotFoundError(
            f"{asked}: no static model found; it needs {' + '.join(LAYOUTS[0].files())}. Files found: "
            f"{_shown(listed)}. Check the name and the subfolder, or choose from: m2v-lite list --known"
        )
    head, legacy = (joined(asked.subfolder, name) for name in (HEAD, LEGACY_HEAD))
    if needs == "head" and legacy in listed and head not in listed:
        # model2vec converts the branch main of a whole repository, or a folder.
        raise legacy_head(
            str(asked), asked.repository if asked == Asked(asked.repository) else "DOWNLOADED_FOLDER"
        )
    modules, settings = (joined(asked.subfolder, name) for name in (MODULES, LAYOUTS[1].config))
    if needs == "modules" and modules not in listed:
        raise ModelNotFoundError(f"{asked}: {NO_LIST}")
    card, config, table, tokenizer = (joined(asked.subfolder, name) for name in (MODEL_CARD, *layout.files()))
    _check_table(api, asked, listing.sha, table)
    fetch = partial(api.hf_hub_download, asked.repository, cache_dir=cache)
    entry = entry_folder(cache, asked.repository)
    names = [modules, settings, card, config, tokenizer, head, table]
    for name in names:
        if name in listed:
            path = fetch(name, revision=listing.sha, force_download=force)
            _check_file(path, listed[name], entry)
            if name == modules:
                names += [other for other in _named_by(path, asked.subfolder, needs) if other not in names]
    if layout is not LAYOUTS[0]:
        with suppress(EntryNotFoundError):  # the cache now knows that the file does not exist
            fetch(joined(asked.subfolder, LAYOUTS[0].config), revision=listing.sha)
    if asked.revision != listing.sha:
        fetch(config, revision=asked.revision or MAIN)  # the cache now knows the branch's commit
    folder = cached_snapshot(cache, asked)
    if folder is None or os.path.basename(folder) != listing.sha:
        raise DamagedFileError(
            f"{asked.revision or MAIN} changed during the download: it is no longer commit {listing.sha}"
        )
    stray = stray_file(os.path.join(folder, asked.subfolder), entry)
    if stray:
        raise DamagedFileError(_outside(stray))
    return folder


def _named_by(modules: str, subfolder: str, needs: str | None) -> list[str]:
    """Return the files that a list of modules names, by their paths in the repository."""
    try:
        entries = read_entries(os.path.dirname(modules))
    except M2VLiteError:
        if needs == "modules":
            raise
        return []  # model2vec does without it
    return [joined(subfolder, name) for name in files_of(entries, with_table=needs == "modules")]


def _check_table(api: HfApi, asked: Asked, commit: str | None, table: str) -> None:
    """Check before the download that the file holds a table. A short request gets its header."""
    from huggingface_hub.errors import SafetensorsParsingError

    try:
        tensors = api.parse_safetensors_file_metadata(asked.repository, table, revision=commit).tensors
    except SafetensorsParsingError as error:
        raise DamagedFileError(f"{table} does not look like a safetensors file ({error})") from error
    if not any(name in tensors for name in TABLE_NAMES):
        raise ModelNotFoundError(
            f"{asked}: this is not a static model: {table} has no tensor "
            f"{' or '.join(map(repr, TABLE_NAMES))}; tensors found: {_shown(tensors)}. Distil it with "
            "model2vec, or choose from: m2v-lite list --known"
        )


def _check_file(path: str, listed: Any, entry: str) -> None:
    """Check a file's place, and its length and checksum if the hub lists them. Remove a damaged file."""
    if not is_inside(path, entry):
        stray = DamagedFileError(_outside(path))
        if os.path.islink(path):  # what it leads to may be the user's own
            os.remove(path)
        raise stray
    wanted = listed.blob_id if listed.lfs is None else listed.lfs.sha256
    size = os.path.getsize(path)
    found = checksum(path, len(wanted or ""))
    if listed.size in (None, size) and wanted in (None, found):
        return
    for place in (os.path.realpath(path), path):
        with suppress(FileNotFoundError):
            os.remove(place)
    raise DamagedFileError(
        f"{listed.rfilename} arrived with {size} bytes and the checksum {found}, but the hub lists "
        f"{listed.size} bytes and {wanted}"
    )


def _outside(path: str) -> str:
    return (
        f"{path} points outside the cache, to {os.path.realpath(path)}; check that file: the hub may be "
        "hostile"
    )


def _known_token(token: str | bool | None) -> str | None:
    if isinstance(token, str):
        return token
    from huggingface_hub import get_token

    with suppress(Exception):  # this is only for the text of an error
        return get_token()
    return None


def _shown(names: Collection[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - SHOWN_FILES} more" if len(listed) > SHOWN_FILES else ""
    return ", ".join(listed[:SHOWN_FILES]) + more if listed else "none"
