"""`m2v-lite list`: lists the models and kept tokenizers in the hub's cache, or recommended models."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from m2v_lite.commands.options import cache_place
from m2v_lite.commands.printing import print_table
from m2v_lite.progress import printable

if TYPE_CHECKING:
    from m2v_lite.files.kept_tokenizers import KeptTokenizer
    from m2v_lite.hub.listing import CachedModel

KEPT = ("tokenizer kept for", "size", "file")


def add(commands: Any) -> None:
    """Add this command to the parser."""
    listing = commands.add_parser(
        "list",
        parents=[cache_place()],
        help="list cached or recommended models",
        description="List the static models in the hub's cache, with revision and size, and the prepared "
        "tokenizers that are kept for large vocabularies.",
    )
    what = listing.add_mutually_exclusive_group()
    what.add_argument("--known", action="store_true", help="list recommended models on the hub")
    what.add_argument(
        "--prune", action="store_true", help="remove kept tokenizers that no model on this machine needs"
    )
    listing.set_defaults(run=_list, parser=listing)


def _list(options: argparse.Namespace) -> None:
    """Print what is in the caches, or recommended models; or remove what is not needed."""
    if options.known:
        from m2v_lite.hub.known_models import HEADINGS, known_rows

        print_table([HEADINGS, *known_rows()])
        return
    from m2v_lite.hub.cache import cache_folder
    from m2v_lite.hub.listing import cached_models

    cache = cache_folder(options.cache_dir)
    models = cached_models(cache)
    if options.prune:
        _prune(models)
        return
    if models:
        print_table([("model", "revision", "table", "size"), *map(_row, models)])
    else:
        print(
            printable(f"no static model in the cache {cache}; m2v-lite list --known shows what to download")
        )
    from m2v_lite.files.kept_tokenizers import kept_tokenizers

    kept = kept_tokenizers()
    if kept:
        print()
        print_table([KEPT, *map(_row_of_kept, kept)])


def _prune(models: Sequence[CachedModel]) -> None:
    """Remove the kept tokenizers that no model needs, and print what was removed."""
    from m2v_lite.files.kept_tokenizers import checksum_of, prune

    removed = prune({checksum_of(model.tokenizer) for model in models})
    if removed:
        print("removed:")
        print_table([KEPT, *map(_row_of_kept, removed)])
    else:
        print("nothing to remove: no tokenizer is kept that no model needs")


def _row(model: CachedModel) -> tuple[str, ...]:
    return (
        f"{model.repository} {model.subfolder}".rstrip(),
        f"{', '.join(model.revisions)} ({model.commit})".lstrip(),
        model.table,
        _size(model.size),
    )


def _row_of_kept(kept: KeptTokenizer) -> tuple[str, ...]:
    return kept.made_from or "unknown", _size(kept.size), kept.path


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
