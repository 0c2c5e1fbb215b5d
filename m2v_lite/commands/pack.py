"""`m2v-lite pack` and `m2v-lite unpack`: pack a model into one file, and unpack it into a folder."""

from __future__ import annotations

import argparse
import os
from typing import Any

from m2v_lite.commands.loaded import described, files_of, load_named, reduced
from m2v_lite.commands.options import reductions, replacement, revisions, wrong_revision
from m2v_lite.commands.replacing import check_folder, check_packed_model
from m2v_lite.model import StaticModel
from m2v_lite.progress import printable


def add(commands: Any) -> None:
    """Add both commands to the parser."""
    pack = commands.add_parser(
        "pack",
        parents=[revisions(), reductions(), replacement()],
        help="pack a model into one file",
        description="Pack a model into one file, which loads fastest and takes the least memory. It is an "
        "ordinary safetensors file that also holds the vocabulary, the settings and checksums.",
    )
    pack.add_argument("model", metavar="MODEL", help="a model folder, packed model or name on the hub")
    pack.add_argument("output", metavar="OUT", help="the file to write")
    pack.add_argument(
        "--sentence-transformers",
        action="store_true",
        help="for a sentence-transformers model: make the packed model give that library's vectors, not "
        "model2vec's",
    )
    pack.set_defaults(run=_pack, wrong_usage=_wrong_usage, parser=pack)

    unpack = commands.add_parser(
        "unpack",
        parents=[replacement()],
        help="unpack a packed model into a folder",
        description="Unpack a packed model into a model folder, for model2vec and other programs.",
    )
    unpack.add_argument("model", metavar="FILE", help="a packed model")
    unpack.add_argument("output", metavar="FOLDER", help="the folder to write")
    unpack.set_defaults(run=_unpack, parser=unpack)


def _pack(options: argparse.Namespace) -> None:
    """Write a model as one file."""
    from m2v_lite.hub.cache import source_of

    check_packed_model(options.output, options.force)
    if options.sentence_transformers:
        model = StaticModel.from_sentence_transformers(
            options.model,
            revision=options.revision,
            subfolder=options.subfolder,
            truncate_dim=options.dimensionality,
        )
    else:
        model = reduced(load_named(options.model, options), options)
    files = files_of(model)
    source = None if files.layout == "packed" else source_of(options.model, files.folder)
    model.save_packed(options.output, source)
    print(printable(f"{options.output}: {described(model)}, {os.path.getsize(options.output):,} bytes"))


def _wrong_usage(options: argparse.Namespace) -> str | None:
    if options.sentence_transformers and options.dtype is not None:
        return (
            "--dtype cannot be used with --sentence-transformers; pack without it, then pack the result again"
        )
    return wrong_revision(options)


def _unpack(options: argparse.Namespace) -> None:
    """Write the model folder that was packed."""
    from m2v_lite.files.packing import unpack

    check_folder(options.output, options.force)
    unpack(options.model, options.output)
