"""Checks what a command can replace: its own earlier output or, with `--force`, other files too.

Each check runs before any other work. Symbolic links are followed, as the writers do.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from m2v_lite.disk import kind_of
from m2v_lite.errors import InputValueError, InvalidModelError

MOST_NAMED = 3
MOST_BYTES = 1 << 20


def check_packed_model(path: str, force: bool) -> None:
    """Check that a packed model may be written to a path: nothing, an empty file or another one is there.

    Raises:
        InputValueError: something else is there, or, even with `force`, no file.
    """
    _check_file(path, force, _is_packed_model, "a packed model")


def check_vectors(path: str, force: bool) -> None:
    """Check that vectors may be written to a path: nothing, an empty file or a file of vectors is there.

    Raises:
        InputValueError: something else is there, or, even with `force`, no file.
    """
    _check_file(path, force, _holds_vectors, "a file of vectors")


def check_folder(path: str, force: bool) -> None:
    """Check that a model may be written to a folder: it is missing, or holds nothing or only a model.

    Raises:
        InputValueError: other files are there, or, even with `force`, no folder.
    """
    if os.path.exists(path) and not os.path.isdir(path):
        raise InputValueError(f"{path}: this is {kind_of(path) or 'a file'}, not a folder; name a folder")
    if force or not os.path.exists(path):
        return
    from m2v_lite.files.saving import foreign_entries

    try:
        foreign = foreign_entries(path)
    except OSError as error:
        raise InputValueError(
            f"{path}: cannot be read ({error.strerror}), so no model is written there; name a new folder, or "
            "give --force"
        ) from error
    if foreign:
        named = ", ".join(map(repr, foreign[:MOST_NAMED]))
        raise InputValueError(
            f"{path}: this folder holds other files, for example {named}, so no model is written there; name "
            "a new folder, or give --force"
        )


def _check_file(path: str, force: bool, is_ours: Callable[[str], bool], ours: str) -> None:
    """Check that a file may be written to a path.

    Args:
        path: the path.
        force: whether a file of any kind may be replaced.
        is_ours: returns whether a file is of the kind that the command writes.
        ours: what that kind is called.
    """
    kind = kind_of(path)
    if kind:
        raise InputValueError(f"{path}: this is {kind}, not a file, so it is not replaced; give another name")
    if force or not os.path.exists(path):
        return
    try:
        may_be_replaced = os.path.getsize(path) == 0 or is_ours(path)
    except OSError as error:
        raise InputValueError(
            f"{path}: cannot be read ({error.strerror}), so it is not replaced; give another name, or --force"
        ) from error
    if not may_be_replaced:
        raise InputValueError(
            f"{path}: this is not {ours}, so it is not replaced; give another name, or --force"
        )


def _is_packed_model(path: str) -> bool:
    from m2v_lite.files.packed_format import states_packed
    from m2v_lite.files.safetensors import read_header

    try:
        metadata, _ = read_header(path)
    except InvalidModelError:
        return False
    return states_packed(metadata)


def _holds_vectors(path: str) -> bool:
    """Return whether a file is of the kind that its name says, as `m2v-lite encode` writes it."""
    with open(path, "rb") as file:
        head = file.read(MOST_BYTES)
    if path.lower().endswith((".jsonl", ".ndjson")):
        return b'"embedding": ' in head.partition(b"\n")[0]
    magic = {".npy": b"\x93NUMPY", ".parquet": b"PAR1", ".arrow": b"ARROW1", ".feather": b"ARROW1"}
    return head.startswith(magic[os.path.splitext(path.lower())[1]])
