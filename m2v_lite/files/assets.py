"""Finds the hub's assets cache, the folder where libraries keep files derived from downloads.

The layout is documented (https://huggingface.co/docs/huggingface_hub/guides/manage-cache#cache-assets): a
folder for each library, which contains a folder for each namespace, which contains a folder for each asset.
"""

from __future__ import annotations

import os

LIBRARY = "m2v_lite"


def assets_folder(namespace: str) -> str:
    """Return the folder of this library's assets of one kind, without importing huggingface_hub.

    The same environment variables name it: `HF_ASSETS_CACHE`, or else `HF_HOME` or `XDG_CACHE_HOME`.

    Examples:
        >>> assets_folder("tokenizers").replace(os.sep, "/").endswith("/m2v_lite/tokenizers")
        True
    """
    environ = os.environ
    caches = environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache"))
    home = _expanded(environ.get("HF_HOME", os.path.join(caches, "huggingface")))
    older = environ.get("HUGGINGFACE_ASSETS_CACHE", os.path.join(home, "assets"))
    return os.path.join(os.path.abspath(_expanded(environ.get("HF_ASSETS_CACHE", older))), LIBRARY, namespace)


def _expanded(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))
