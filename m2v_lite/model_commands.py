"""The commands that are about models: info, pack, unpack, download and list."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from m2v_lite.errors import InputValueError
from m2v_lite.layout import ModelFiles
from m2v_lite.model import StaticModel


def info(options: argparse.Namespace) -> None:
    """Print what is known of a model."""
    model = _load(options.model_option if options.model is None else options.model, options)
    files = _files(model)
    sizes = [os.path.getsize(path) for path in (files.table, files.tokenizer, files.config)]
    is_packed = files.layout == "packed"
    limit = model.max_length
    entries = {
        "model": files.folder,
        "layout": files.layout,
        "table": f"{len(model.embedding):,} rows x {model.dim} columns",
        "dtype": model.embedding_dtype,
        "size on disk": f"{sizes[0]:,} bytes, one file"
        if is_packed
        else f"{sum(sizes):,} bytes (table {sizes[0]:,}, tokenizer {sizes[1]:,})",
        "tokenizer": f"{model.tokenizer_kind}, {len(model.tokens):,} tokens",
        "token weights": "no" if model.weights is None else str(model.weights.dtype),
        "shared rows": "no" if model.token_mapping is None else f"mapping in {model.token_mapping.dtype}",
        "normalisation": "vectors have length 1" if model.normalize else "none",
        "max length": "no limit" if limit is None else f"{limit} tokens",
        "base model": _listed(model.base_model_name),
        "language": _listed(model.language),
        "licence": _listed(model.license),
    }
    if is_packed or options.verify:
        from m2v_lite.hub_checksums import verify_cached
        from m2v_lite.packing import source_of, verify

        if is_packed:
            entries["source"] = source_of(model) or "not stated"
        if options.verify:
            checked = verify(files.folder) if is_packed else verify_cached(_paths(files))
            entries["checksums"] = f"all {checked} agree"
    for name, value in entries.items():
        print(f"{name + ':':<15}{value}")


def pack(options: argparse.Namespace) -> None:
    """Write a model as one file."""
    from m2v_lite.packing import hub_source

    model = _load(options.model, options)
    files = _files(model)
    source = None if files.layout == "packed" else hub_source(options.model, files.folder)
    model = _reduced(model, options)
    model.save_packed(options.output, source)
    print(f"{options.output}: {_described(model)}, {os.path.getsize(options.output):,} bytes")


def _reduced(model: StaticModel, options: argparse.Namespace) -> StaticModel:
    """Return the model with the dtype and the columns that are asked for."""
    if options.dtype == "int8" != model.embedding_dtype and not model.normalize:
        raise InputValueError(
            f"{options.model}: int8 rows are kept without their scale, so they are right only for vectors "
            "that are scaled to length 1, which this model does not do; choose float16"
        )
    if options.dtype is not None or options.dimensionality is not None:
        model = StaticModel.from_pretrained(
            _files(model).folder, quantize_to=options.dtype, dimensionality=options.dimensionality
        )
    return model


def unpack(options: argparse.Namespace) -> None:
    """Write the folder that was packed."""
    from m2v_lite.packing import unpack

    unpack(options.model, options.output)


def download(options: argparse.Namespace) -> None:
    """Fetch a model from the hub into the cache, and write it as a folder or as one file if asked to."""
    from m2v_lite.hub import fetch_model, is_repository_id
    from m2v_lite.hub_cache import commit_of

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
    place = _files(model).folder
    if options.output is not None:
        from m2v_lite.saving import copy_model

        copy_model(_files(model), options.output)
        place = options.output
    elif options.pack is not None:
        from m2v_lite.packing import hub_source

        model = _reduced(model, options)
        model.save_packed(options.pack, hub_source(name, folder))
        place = options.pack
    print(f"{place}: {name} at revision {commit_of(folder)}, {_described(model)}")


def list_models(options: argparse.Namespace) -> None:
    """Print the static models that are in the hub's cache, or those worth knowing."""
    if options.known:
        from m2v_lite.known_models import HEADINGS, known_rows

        _print_table([HEADINGS, *known_rows()])
        return
    from m2v_lite.cached_models import cached_models
    from m2v_lite.hub_cache import cache_folder

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
    _print_table([("model", "revision", "table", "size"), *rows])


def wrong_revision(options: argparse.Namespace) -> str | None:
    """Say what is wrong if a revision or a subfolder is asked of something that has none."""
    names = [getattr(options, "model", None), getattr(options, "model_option", None)]
    name = next((name for name in names if name is not None), None)
    if options.revision is not None and (name is None or os.path.exists(name)):
        return f"--revision is for models on the hub, and {name or 'the bundled model'} is here"
    if options.subfolder is not None and name is None:
        return "--subfolder is not for the bundled model; give --model"
    return None


def _load(name: str | None, options: argparse.Namespace) -> StaticModel:
    return StaticModel.from_pretrained(name, revision=options.revision, subfolder=options.subfolder)


def _files(model: StaticModel) -> ModelFiles:
    assert model.files is not None  # a model that was loaded has files
    return model.files


def _paths(files: ModelFiles) -> list[str]:
    paths = [files.config, files.table, files.tokenizer, files.model_card]
    return [path for path in paths if os.path.exists(path)]


def _described(model: StaticModel) -> str:
    return f"{len(model.embedding):,} x {model.dim} {model.embedding_dtype}"


def _listed(stated: str | list[str] | None) -> str:
    return ", ".join([stated] if isinstance(stated, str) else stated or ["not stated"])


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
