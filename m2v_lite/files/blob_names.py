"""Finds the checksum of a file in the hub's cache, which is the name of its blob."""

from __future__ import annotations

import os
import re

# A git hash or a SHA-256.
CHECKSUM = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
BLOBS = "blobs"
MOST_LINKS = 40  # as Linux allows


def blob_name(path: str) -> str | None:
    """Return the name under which the cache keeps a file, or None if the file is not in a cache.

    The links are followed one by one: the last may lead on to the store that repositories share, where a
    file has a name of another kind.

    Examples:
        >>> blob_name("/cache/models--owner--name/blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
        'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
        >>> blob_name("/home/me/tokenizer.json") is None
        True
    """
    for _ in range(MOST_LINKS):
        folder, name = os.path.split(path)
        if os.path.basename(folder) == BLOBS and CHECKSUM.fullmatch(name):
            return name
        try:
            path = os.path.join(folder, os.readlink(path))
        except OSError:
            return None
    return None
