"""`m2v-lite download`: a model from the hub into its cache, a folder or one file."""

from __future__ import annotations

import argparse
from typing import Any

from m2v_lite.commands.loaded import described, files_of, reduced
from m2v_lite.commands.options import cache_place, reductions, revisions
from m2v_lite.errors import InputValueError
from m2v_lite.model import StaticModel


def add(commands: Any) -> None:
    """Add the command to the parser's."""
    download = commands.add_parser(
        "download",
        parents=[revisions(), cache_place(), reductions()],
        help="a model from the hub",
        description="Download a model from the hub into its cache, only the files that are needed, unless it "
        "is there already. Then copy it to a folder or write it as one file, to be taken to another machine.",
    )
    download.add_argument("model", metavar="MODEL", help="its name on the hub, minishlab/potion-base-8M")
    places = download.add_mutually_exclusive_group()
    places.add_argument("--output", metavar="DIR", help="copy the model's files to this folder")
    places.add_argument("--pack", metavar="FILE", help="write the model as this one file, as pack does")
    download.add_argument("--token", help="the hub's access token (default: HF_TOKEN, or of hf auth login)")
    download.add_argument(
        "--force-download", action="store_true", help="ask the hub even if the model is in the cache"
    )
    download.set_defaults(run=_download, wrong_usage=_wrong_usage, parser=download)


def _download(options: argparse.Namespace) -> None:
    """Fetch a model from the hub into the cache, and write it as a folder or as one file if asked to."""
    from m2v_lite.hub.cache import commit_of
    from m2v_lite.hub.fetching import fetch_model, is_repository_id

    name = options.model
    if not is_repository_id(name):
        raise InputValueError(f"{name}: not the name of a model on the hub, which is owner/name")
    folder = fetch_model(
        name,
        subfolder=options.subfolder,
        revision=options.revision,
        token=options.token,
        cache_dir=options.cache_dir,
        force_download=options.force_download,
    )
    model = StaticModel.from_pretrained(folder, subfolder=options.subfolder)
    place = files_of(model).folder
    if options.output is not None:
        from m2v_lite.files.saving import copy_model

        copy_model(files_of(model), options.output)
        place = options.output
    elif options.pack is not None:
        from m2v_lite.hub.cache import source_of

        model = reduced(model, options)
        model.save_packed(options.pack, source_of(name, folder))
        place = options.pack
    print(f"{place}: {name} at revision {commit_of(folder)}, {described(model)}")


def _wrong_usage(options: argparse.Namespace) -> str | None:
    if options.pack is None and (options.dtype or options.dimensionality):
        return "--dtype and --dim are for --pack"
    return None
