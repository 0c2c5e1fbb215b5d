"""Loads the parts of a model from a path or a hub name, and checks the arguments of `from_pretrained`."""

from __future__ import annotations

import os
import warnings
from typing import Any

from m2v_lite.arguments import (
    UNSET,
    PathLike,
    Unset,
    checked_path,
    described,
    is_unset,
    natural_number,
    switch,
    token_limit,
)
from m2v_lite.errors import InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.files.config import DEFAULT_MAX_LENGTH, DEFAULT_NORMALIZE
from m2v_lite.files.layouts import LAYOUTS, MODULES, ModelFiles
from m2v_lite.files.model_parts import ModelParts
from m2v_lite.files.reading import read_model

# How many pages of each file are looked at to tell models apart, and their size.
PAGES, PAGE = 64, 4096

BUNDLED_MODEL = os.path.join(os.path.dirname(__file__), "bundled", "potion-base-8M-int8", "model.safetensors")


def load_parts(
    path: PathLike | None,
    *,
    token: str | bool | None,
    normalize: bool | None,
    subfolder: str | None,
    quantize_to: str | None,
    dimensionality: int | None,
    max_length: int | Unset | None,
    force_download: bool,
    revision: str | None,
    cache_dir: PathLike | None,
    local_files_only: bool,
    memo_bytes: int,
    vocabulary_quantization: None,
    needs: str | None = None,
) -> ModelParts:
    """Return the parts of a model, with the given settings; see `StaticModel.from_pretrained`.

    With `needs`, a model in the hub's cache that lacks that is downloaded again; see `fetch_model`.
    """
    if vocabulary_quantization is not None:
        raise InputValueError(
            "vocabulary_quantization: m2v_lite does not cluster vocabularies; do it once with "
            "model2vec, save the model and load it here"
        )
    limit = UNSET if is_unset(max_length) else token_limit(max_length)
    memo_bytes = natural_number("memo_bytes", memo_bytes)
    if normalize is not None:
        normalize = switch("normalize", normalize)
    if subfolder is not None:
        subfolder = checked_path("subfolder", subfolder)
    force_download = switch("force_download", force_download)
    local_files_only = switch("local_files_only", local_files_only)
    if cache_dir is not None and not checked_path("cache_dir", cache_dir):
        raise InputValueError("cache_dir is empty; give a folder, or None for the default")
    if force_download and local_files_only:
        raise InputValueError("force_download and local_files_only contradict each other; choose one")
    if path is None:
        place = BUNDLED_MODEL
    else:
        place = _resolve(
            path,
            token=token,
            subfolder=subfolder,
            force_download=force_download,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            needs=needs,
        )
    parts = _read(place, subfolder, quantize_to, dimensionality, memo_bytes)
    if parts.files and not parts.files.config:
        _warn_of_defaults(parts.files.folder, normalize, limit)
    if normalize is not None:
        parts.normalize = normalize
    if not isinstance(limit, Unset):
        parts.max_length = limit
    return parts


def load_sentence_transformer(
    path: PathLike,
    *,
    truncate_dim: int | None,
    subfolder: str | None,
    memo_bytes: int,
    **hub_options: Any,
) -> ModelParts:
    """Return the parts of a model; see `StaticModel.from_sentence_transformers`."""
    from m2v_lite.files.sentence_transformers import read_sentence_transformer

    memo_bytes = natural_number("memo_bytes", memo_bytes)
    subfolder = None if subfolder is None else checked_path("subfolder", subfolder)
    place = _resolve(path, subfolder=subfolder, needs="modules", **hub_options)
    if os.path.isfile(place):
        raise InputValueError(
            f"{place}: this is a file; give a folder of sentence-transformers. A model that was packed from "
            "one loads with from_pretrained"
        )
    return read_sentence_transformer(os.path.join(place, subfolder or ""), truncate_dim, memo_bytes)


def warn_of_difference(parts: ModelParts, normalize: bool | None, max_length: int | Unset | None) -> None:
    """Say once if sentence-transformers would give other vectors for a model read as one of model2vec.

    Args:
        parts: the model.
        normalize, max_length: what the caller of `from_pretrained` gave; what was chosen is no surprise.
    """
    files = parts.files
    if files is None or files.layout == "packed":
        return
    folder = os.path.dirname(files.config or files.table)
    if folder in _warned or not os.path.exists(os.path.join(folder, MODULES)):
        return
    reasons = _differences(parts, files, folder, normalize is None, is_unset(max_length))
    if reasons:
        _warned.add(folder)
        warnings.warn(
            f"{folder}: these are model2vec's vectors; sentence-transformers makes other vectors of this "
            f"model: {'; '.join(reasons)}. For those, use StaticModel.from_sentence_transformers",
            stacklevel=3,  # the caller of `StaticModel.from_pretrained`
        )


def _differences(
    parts: ModelParts, files: ModelFiles, folder: str, usual_scale: bool, usual_limit: bool
) -> list[str]:
    """Return why sentence-transformers would give other vectors for a model.

    That it knows no limit and no unknown tokens, and the settings, count for its own folders alone: those of
    model2vec are meant for model2vec.
    """
    from m2v_lite.files.modules_json import SCALES, TABLE, read_entries

    try:
        kinds = [entry.kind for entry in read_entries(folder)]
    except (InvalidModelError, ModelNotFoundError):
        return []
    if kinds[0] != TABLE:
        return []
    reasons = [f"it applies {kind}" for kind in dict.fromkeys(kinds[1:]) if kind != SCALES]
    if usual_scale and (SCALES in kinds) != parts.normalize:
        reasons.append(f"it scales vectors to length 1{'' if SCALES in kinds else ' only when asked'}")
    if not files.layout.startswith(LAYOUTS[1].name):
        return reasons
    if usual_limit and parts.max_length is not None:
        reasons.append(f"it does not cut texts at {parts.max_length} tokens")
    if parts.unk_token_id is not None:
        reasons.append("it counts unknown tokens")
    if parts.config.get("truncate_dim") is not None:
        reasons.append(f"it keeps {described(parts.config['truncate_dim'])} columns")
    if parts.config.get("default_prompt_name") is not None:
        reasons.append("it puts a prompt before texts")
    return reasons


# The folders of which `warn_of_difference` has warned.
_warned: set[str] = set()


def _resolve(path: PathLike, *, subfolder: str | None, **hub_options: Any) -> str:
    """Return the folder or file at `path`, or else the folder of the hub's repository of this name."""
    name = checked_path("path", path)
    folder = os.path.expanduser(name)
    if name and os.path.exists(folder):
        return os.path.abspath(folder)  # the working directory may change later
    from m2v_lite.hub.fetching import fetch_model, is_repository_id

    if not isinstance(path, str):
        name = name.replace(os.sep, "/")
    if name.endswith(".safetensors"):
        raise ModelNotFoundError(f"{name[:200]!r}: no such file; check the path")
    if not is_repository_id(name):
        from m2v_lite.hub.nearest import hint

        remedy = "; give only the owner/name of a repository" if "://" in name else "; check the path"
        raise ModelNotFoundError(
            f"{name[:200]!r}: no such folder, and not the name of a model on the hub (owner/name)"
            f"{hint(name, None)}{remedy}"
        )
    return fetch_model(name, subfolder=subfolder, **hub_options)


def _warn_of_defaults(folder: str, normalize: bool | None, limit: int | Unset | None) -> None:
    """Say which defaults apply to a model without a config, unless the caller has given all settings."""
    defaults = []
    if normalize is None:
        defaults.append(f"normalize={DEFAULT_NORMALIZE}")
    if isinstance(limit, Unset):
        defaults.append(f"max_length={DEFAULT_MAX_LENGTH}")
    if defaults:
        warnings.warn(
            f"{folder}: there is no config.json, so model2vec's defaults apply: {', '.join(defaults)}; give "
            "these settings to from_pretrained, or add a config.json",
            stacklevel=4,  # the caller of `StaticModel.from_pretrained`
        )


def _read(place: str, *options: Any) -> ModelParts:
    """Read the model at `place`. If it is in the hub's cache, but broken or not complete, say what to do."""
    try:
        parts = read_model(place, *options)
    except InvalidModelError as error:
        from m2v_lite.hub.cache import commit_of

        if commit_of(place) is None:
            raise
        raise InvalidModelError(
            f"{error}. If the file in the hub's cache is damaged, download it again: force_download=True, or "
            "m2v-lite download NAME --force-download"
        ) from error
    if parts.files and not parts.files.config:
        from m2v_lite.hub.cache import commit_of

        if commit_of(place) is not None:
            raise ModelNotFoundError(
                f"{parts.files.folder}: there is no config.json, so the download to the hub's cache is not "
                "complete; run: m2v-lite download NAME. If the repository has no config.json, copy the table "
                "and the tokenizer to another folder"
            )
    return parts


def fingerprint(files: ModelFiles) -> str:
    """Return what tells a model from others, without reading all of its table.

    It is a checksum of the sizes of its files and of pages of 4 KB that are spread over each.
    """
    import zlib  # a model is loaded without it

    checksum = 0
    for path in (files.table, files.tokenizer, files.config):
        if not path:
            continue
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            checksum = zlib.crc32(f"{size}\n".encode(), checksum)
            for number in range(PAGES):
                file.seek(max(0, size - PAGE) * number // (PAGES - 1))
                checksum = zlib.crc32(file.read(PAGE), checksum)
    return f"{checksum:08x}"
