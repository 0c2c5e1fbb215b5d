"""Records which model made the vectors of an index, and checks whether a given model is the same."""

from __future__ import annotations

import os
import sqlite3
from typing import NamedTuple

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InputValueError, InvalidIndexError, M2VLiteError
from m2v_lite.loading import BUNDLED_MODEL, fingerprint
from m2v_lite.model import StaticModel
from m2v_lite.search.compact import PRECISIONS
from m2v_lite.search.database import Database

SNAPSHOTS = "snapshots"  # the folder of the hub's cache whose folders are named by commits


class About(NamedTuple):
    """The model of an index, and how its vectors are kept.

    Attributes:
        model: its name on the hub or its path; "" for the bundled one.
        revision: its commit on the hub, if that is known.
        checksum: what tells it from others.
        columns: how many columns its vectors have.
        precision: one of `compact.PRECISIONS`.
    """

    model: str
    revision: str
    checksum: str
    columns: int
    precision: str


def identified(
    database: Database, model: StaticModel | PathLike | None, precision: str
) -> tuple[StaticModel, About]:
    """Return the model of an index, and what the index says of it. A new index is told of it.

    Args:
        database: the file of the index.
        model: a model, or its name or path. None for the one of the index; of a new index, the bundled one.
        precision: how a new index keeps vectors.

    Raises:
        InvalidIndexError: the index was made with another model.
        InputValueError: the model has no files.
    """
    with database.reading() as connection:
        kept = read_about(connection)
    name = None if model is None or isinstance(model, StaticModel) else os.fspath(model)
    if isinstance(model, StaticModel):
        loaded = model
    elif name is None and kept is not None:
        try:
            loaded = StaticModel.from_pretrained(kept.model or None, revision=kept.revision or None)
        except (M2VLiteError, OSError) as error:
            raise InvalidIndexError(
                f"{database.path}: the model of this index cannot be loaded ({error}); if it has moved, "
                "give its new place as the model"
            ) from error
    else:
        loaded = StaticModel.from_pretrained(name)
    about = about_of(loaded, name, precision)
    if kept is None:
        with database.writing() as connection:
            kept = read_about(connection)  # meanwhile, another process may have made it
            if kept is None:
                write_about(connection, about)
                return loaded, about
    check_same(database.path, kept, about)
    return loaded, kept


def about_of(model: StaticModel, name: str | None, precision: str) -> About:
    """Return what to say of a model.

    Args:
        model: the model.
        name: its name on the hub or its path, as it was given; None if it was not.
        precision: how its vectors are kept.

    Raises:
        InputValueError: the model has no files that could be told from others.
    """
    files = model.files
    if files is None:
        raise InputValueError(
            "an index cannot recognize a model without files; save it with save_pretrained, and load it "
            "from there"
        )
    above, commit = os.path.split(os.path.abspath(files.folder))
    revision = commit if os.path.basename(above) == SNAPSHOTS else ""
    if name is None:
        name = files.folder if files.table != BUNDLED_MODEL else ""
    if name and os.path.exists(name):  # no name on the hub, and to be found from other folders, too
        name, revision = os.path.abspath(name), ""
    return About(name, revision, fingerprint(files), model.dim, precision)


def read_about(connection: sqlite3.Connection) -> About | None:
    """Return what an index says of its model; None if it has none yet."""
    found = dict(connection.execute("SELECT name, value FROM about"))
    if not found:
        return None
    try:
        about = About(**{**found, "columns": int(found["columns"])})
    except (KeyError, TypeError, ValueError) as error:
        raise sqlite3.DatabaseError("what it says about its model cannot be read") from error
    if about.precision not in PRECISIONS:
        raise sqlite3.DatabaseError(f"it says that its vectors are {about.precision:.20}")
    return about


def write_about(connection: sqlite3.Connection, about: About) -> None:
    """Say of the model of an index what `read_about` returns."""
    connection.executemany("INSERT INTO about VALUES (?, ?)", about._asdict().items())


def check_same(path: str, kept: About, given: About) -> None:
    """Check that a model is the one of an index.

    Raises:
        InvalidIndexError: it is another one, or its vectors have other columns.
    """
    if (kept.checksum, kept.columns) == (given.checksum, given.columns):
        return
    name = kept.model or "the bundled model"
    revision = f" at revision {kept.revision}" if kept.revision else ""
    raise InvalidIndexError(
        f"{path}: this index was made with {name}{revision} ({kept.columns} columns), but you gave "
        "another model; give that model, or make a new index"
    )
