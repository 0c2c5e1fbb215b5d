"""A model in a cache of the hub, as the hub's client lays it out."""

from __future__ import annotations

import hashlib
from pathlib import Path

from m2v_lite import StaticModel

NAME = "owner/name"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def make_hub_cache(cache: Path, model: StaticModel) -> str:
    """Put a model into a new cache of the hub, and return its name there."""
    entry = cache / f"models--{NAME.replace('/', '--')}"
    snapshot, blobs = entry / "snapshots" / COMMIT, entry / "blobs"
    model.save_pretrained(snapshot)
    blobs.mkdir()
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text(COMMIT, encoding="ascii")
    for path in list(snapshot.iterdir()):
        blob = blobs / hashlib.sha256(path.read_bytes()).hexdigest()
        path.rename(blob)
        path.symlink_to(f"../../blobs/{blob.name}")
    return NAME
