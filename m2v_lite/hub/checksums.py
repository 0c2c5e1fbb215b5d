"""Checks files from the hub against the checksums that the hub lists.

For a file in git-lfs, the hub lists the SHA-256. For any other file, it lists git's hash: a SHA-1 of a header
and the content (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects). In the cache, the name of a file
is its checksum.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from m2v_lite.disk import open_regular
from m2v_lite.errors import InputValueError, InvalidModelError
from m2v_lite.files.blob_names import blob_name

SHA256_DIGITS = 64
PART_BYTES = 1 << 20


def checksum(path: str, digits: int = SHA256_DIGITS) -> str:
    """Return a file's SHA-256; or its git hash, if `digits` is 40.

    Examples:
        >>> import pathlib, tempfile
        >>> empty = pathlib.Path(tempfile.mkdtemp()) / "empty"
        >>> empty.touch()
        >>> checksum(str(empty), 40)
        'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    if digits == SHA256_DIGITS:
        found = hashlib.sha256()
    else:
        found = hashlib.sha1(b"blob %d\0" % os.path.getsize(path), usedforsecurity=False)
    with open_regular(path) as file:
        while part := file.read(PART_BYTES):
            found.update(part)
    return found.hexdigest()


def verify_cached(paths: Sequence[str]) -> int:
    """Check files of a snapshot against their names in the hub's cache, and return their number.

    Raises:
        InputValueError: a file is not in the cache.
        InvalidModelError: a file is damaged.
    """
    for path in paths:
        name = blob_name(path)
        if name is None:
            raise InputValueError(
                f"{path}: this file has no checksum to compare with; verify a packed model, or a model in "
                "the hub's cache"
            )
        if checksum(path, len(name)) != name:
            raise InvalidModelError(
                f"{path}: the file is damaged; download it again: m2v-lite download NAME --force-download"
            )
    return len(paths)
