"""`m2v-lite download`: downloads a model from the hub to the cache, and copies or packs it on request."""

from __future__ import annotations

import argparse
from typing import Any

from m2v_lite.commands.loaded import described, files_of, reduced
from m2v_lite.commands.options import cache_place, reductions, replacement, revisions
from m2v_lite.commands.replacing import check_folder, check_packed_model
from m2v_lite.errors import InputValueError
from m2v_lite.model import StaticModel
from m2v_lite.progress import printable


def add(commands: Any) -> None:
    """Add this command to the parser."""
    download = commands.add_parser(
        "download",
        parents=[revisions(), cache_place(), reductions(), replacement()],
        help="download a model from the Hugging Face Hub",
        description="Download the files that a model needs into the hub's cache on this machine, unless they "
        "are already there. To take the model to another machine, copy it to a folder with --output, or pack "
        "it into one file with --pack.",
    )
    download.add_argument("model", metavar="MODEL", help="name on the hub, such as minishlab/potion-base-8M")
    places = download.add_mutually_exclusive_group()
    places.add_argument("--output", metavar="DIR", help="copy the model's files to this folder, too")
    places.add_argument(
        "--pack", metavar="FILE", help="pack the model into this file, too, as m2v-lite pack does"
    )
    download.add_argument(
        "--token", help="access token for the hub (default: from HF_TOKEN or hf auth login)"
    )
    download.add_argument(
        "--force-download", action="store_true", help="ask the hub even if the model is in the cache"
    )
    download.set_defaults(run=_download, wrong_usage=_wrong_usage, parser=download)


def _download(options: argparse.Namespace) -> None:
    """Fetch a model from the hub into the cache, and on request write it as a folder or as one file."""
    from m2v_lite.hub.cache import commit_of
    from m2v_lite.hub.fetching import fetch_model, is_repository_id

    name = options.model
    if not is_repository_id(name):
        raise InputValueError(f"{name}: not the name of a model on the hub; give owner/name")
    if options.output is not None:
        check_folder(options.output, options.force)
    elif options.pack is not None:
        check_packed_model(options.pack, options.force)
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

        copy_model(files_of(model), options.output, options.force)
        place = options.output
    elif options.pack is not None:
        from m2v_lite.hub.cache import source_of

        model = reduced(model, options)
        model.save_packed(options.pack, source_of(name, folder))
        place = options.pack
    print(printable(f"{place}: {name} at revision {commit_of(folder)}, {described(model)}"))


def _wrong_usage(options: argparse.Namespace) -> str | None:
    if options.pack is None and (options.dtype or options.dimensionality):
        return "--dtype and --dim are for --pack; also give --pack FILE"
    if options.force and options.output is None and options.pack is None:
        return "--force is for --output and --pack; to ask the hub again, give --force-download"
    return None
