"""`m2v-lite list`: lists the static models in the hub's cache, or models worth knowing."""

from __future__ import annotations

import argparse
from typing import Any

from m2v_lite.commands.options import cache_place
from m2v_lite.commands.printing import print_table


def add(commands: Any) -> None:
    """Add this command to the parser."""
    listing = commands.add_parser(
        "list",
        parents=[cache_place()],
        help="list the models in the hub's cache, or models worth knowing",
        description="List the static models in the hub's cache, with revision and size.",
    )
    listing.add_argument("--known", action="store_true", help="list models on the hub that are worth knowing")
    listing.set_defaults(run=_list, parser=listing)


def _list(options: argparse.Namespace) -> None:
    """Print the static models in the hub's cache, or models worth knowing."""
    if options.known:
        from m2v_lite.hub.known_models import HEADINGS, known_rows

        print_table([HEADINGS, *known_rows()])
        return
    from m2v_lite.hub.cache import cache_folder
    from m2v_lite.hub.listing import cached_models

    cache = cache_folder(options.cache_dir)
    rows = [
        (
            f"{model.repository} {model.subfolder}".rstrip(),
            f"{', '.join(model.revisions)} ({model.commit})".lstrip(),
            model.table,
            f"{model.size / 1e6:.1f} MB",
        )
        for model in cached_models(cache)
    ]
    if not rows:
        print(f"no static model in the cache {cache}; m2v-lite list --known shows what to download")
        return
    print_table([("model", "revision", "table", "size"), *rows])
