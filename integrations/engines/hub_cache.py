"""A model in a cache of the hub, as the hub's client lays it out."""

from __future__ import annotations

from pathlib import Path

from m2v_lite import StaticModel

NAME = "owner/small-model"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def make_hub_cache(folder: Path) -> str:
    """Put the bundled model into a new cache of the hub, and return its name there."""
    entry = folder / f"models--{NAME.replace('/', '--')}"
    snapshot, blobs = entry / "snapshots" / COMMIT, entry / "blobs"
    StaticModel.from_pretrained().save_pretrained(snapshot)
    blobs.mkdir()
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text(COMMIT, encoding="ascii")
    for number, path in enumerate(sorted(path for path in snapshot.rglob("*") if path.is_file())):
        blob = blobs / f"{number:040x}"
        path.rename(blob)
        path.symlink_to(blob)
    return NAME
