"""`m2v-lite info`: shows details of a model and verifies its checksums on request."""

from __future__ import annotations

import argparse
import os
from typing import Any

from m2v_lite.commands.loaded import files_of, load_named
from m2v_lite.commands.options import revisions, wrong_revision
from m2v_lite.errors import InvalidModelError
from m2v_lite.files.heads import head_file
from m2v_lite.files.layouts import ModelFiles
from m2v_lite.model import StaticModel
from m2v_lite.progress import printable


def add(commands: Any) -> None:
    """Add this command to the parser."""
    info = commands.add_parser(
        "info",
        parents=[revisions()],
        help="show model details",
        description="Show details of a model: its files, table, tokenizer, settings and licence.",
    )
    info.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a model folder, packed model or name on the hub (default: the bundled model)",
    )
    info.add_argument("--model", dest="model_option", metavar="MODEL", help="the same as MODEL")
    info.add_argument(
        "--verify",
        action="store_true",
        help="verify the checksums of a packed model, or of a model in the hub's cache and its kept "
        "tokenizer; exit with status 1 if one is wrong",
    )
    info.set_defaults(run=_info, wrong_usage=_wrong_usage, parser=info)


def _info(options: argparse.Namespace) -> None:
    """Print details of a model."""
    model = load_named(options.model_option if options.model is None else options.model, options)
    files = files_of(model)
    head = head_file(files)
    parts = [files.table, files.tokenizer, files.config, head]
    sizes = [os.path.getsize(path) for path in parts if path and os.path.isfile(path)]
    is_packed = files.layout == "packed"
    limit = model.max_length
    entries = {
        "model": files.folder,
        "layout": files.layout,
        "table": f"{len(model.embedding):,} rows x {model.embedding.shape[1]} columns",
        "dtype": model.embedding_dtype,
        "size on disk": f"{sizes[0]:,} bytes, one file"
        if is_packed
        else f"{sum(sizes):,} bytes (table {sizes[0]:,}, tokenizer {sizes[1]:,})",
        "tokenizer": f"{model.tokenizer_kind}, {len(model.tokens):,} tokens",
        "tokenized": model.tokenizer_route,
        "token weights": "no" if model.weights is None else str(model.weights.dtype),
        "shared rows": "no" if model.token_mapping is None else f"mapping in {model.token_mapping.dtype}",
        "normalization": "vectors have length 1" if model.makes_unit_vectors else "none",
        "max length": "no limit" if limit is None else f"{limit} tokens",
        **_modules(model),
        **_head(model),
        "base model": _listed(model.base_model_name),
        "language": _listed(model.language),
        "licence": _listed(model.license),
    }
    if is_packed or options.verify:
        from m2v_lite.files.packed_file import verify
        from m2v_lite.files.packing import source_of

        if is_packed:
            entries["source"] = source_of(model) or "not stated"
        if options.verify:
            checked = verify(files.folder) if is_packed else _verify_cached(files)
            entries["checksums"] = f"all {checked} agree"
    for name, value in entries.items():
        print(printable(f"{name + ':':<15}{value}"))


def _verify_cached(files: ModelFiles) -> int:
    """Check a model in the hub's cache and what is kept of its tokenizer; return the number of checksums."""
    from m2v_lite.files.kept_tokenizers import verify_kept
    from m2v_lite.hub.checksums import verify_cached

    paths = [files.config, files.table, files.tokenizer, files.model_card, head_file(files) or ""]
    return verify_cached([path for path in paths if os.path.exists(path)]) + verify_kept(files.tokenizer)


def _modules(model: StaticModel) -> dict[str, str]:
    """Return an entry that says how vectors are made if that is not done as in model2vec."""
    if model.modules is None:
        return {}
    steps = ["mean of all tokens", *map(str, model.modules)]
    return {"vectors": f"as in sentence-transformers: {' -> '.join(steps)}"}


def _head(model: StaticModel) -> dict[str, str]:
    """Return an entry that describes the head or says what is wrong with it; none if there is no head."""
    from m2v_lite.inference.checked_head import head_of

    try:
        head = head_of(model)
    except InvalidModelError as error:
        return {"head": str(error)}
    if head is None:
        return {}
    sizes = [model.dim, *(len(layer.bias) for layer in head.layers)]
    number = {0: "no layers", 1: "1 layer"}.get(len(head.layers), f"{len(head.layers)} layers")
    classes = "no classes" if head.classes_ is None else f"{len(head.classes_)} classes"
    return {"head": f"{number} ({' -> '.join(map(str, sizes))}), {head.activation.value}, {classes}"}


def _listed(stated: object) -> str:
    """Return an entry of a model card, which may be anything, as one text."""
    items = stated if isinstance(stated, list) else [stated]
    return ", ".join(str(item) for item in items if item is not None) or "not stated"


def _wrong_usage(options: argparse.Namespace) -> str | None:
    if None not in (options.model, options.model_option):
        return "give only one model"
    return wrong_revision(options)
