"""An index in a place where this process cannot write."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from time_limit import LONGEST

from m2v_lite.commands.main import main
from m2v_lite.errors import InvalidIndexError
from m2v_lite.search import Index
from m2v_lite.search.read_only import fixed_address, fixed_state, unwritable

TEXTS = ["Pour boiling water on the leaves.", "The train to Nantes was late."]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an index, in which this process believes that it cannot write. Others can."""
    path = tmp_path / "disk"
    path.mkdir()
    with Index(path / "idx.db") as index:
        index.add(TEXTS)
    may: Callable[..., bool] = os.access

    def access(place: str, mode: int) -> bool:
        return may(place, mode) and not (mode & os.W_OK and str(place).startswith(str(path)))

    monkeypatch.setattr(os, "access", access)
    return path


def change(path: Path, text: str) -> None:
    """Change the texts of an index, as another process does that may."""
    time.sleep(0.05)  # the times of files have steps of some milliseconds
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE chunks SET text = ?", (text,))


def test_it_is_searched_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("idx.db", "100% a?b#c é.db" if sys.platform != "win32" else "100% b#c é.db"):
        if name != "idx.db":
            shutil.copy(folder / "idx.db", folder / name)
        before = sorted(folder.iterdir())
        with Index(folder / name, create=False) as index:
            assert index.search("tea", limit=1)[0].text == TEXTS[0]
            assert index.search("railway", limit=1, mode="vector")[0].text == TEXTS[1]
            assert [hit.text for hit in index.search("train", mode="text")] == TEXTS[1:]
            assert sorted(folder.iterdir()) == before
            assert index.status().chunks == len(index) == 2
        assert sorted(folder.iterdir()) == before
        assert main(["search", "boiling water", "-n", "1", "--index", str(folder / name)]) == 0
        assert TEXTS[0] in capsys.readouterr().out


def test_an_empty_log_is_no_log(folder: Path) -> None:
    (folder / "idx.db-wal").touch()
    with Index(folder / "idx.db") as index:
        assert len(index.search("tea")) == 2
    assert not (folder / "idx.db-shm").exists()


def test_what_another_process_writes_is_seen(folder: Path) -> None:
    with Index(folder / "idx.db") as index:
        assert index.search("tea", limit=1)[0].text == TEXTS[0]
        change(folder / "idx.db", "new")
        assert index.search("tea", limit=1)[0].text == "new"
        with closing(sqlite3.connect(folder / "idx.db")) as connection:
            connection.execute("UPDATE chunks SET text = 'newer'")
            connection.commit()
            assert (folder / "idx.db-wal").stat().st_size  # the file alone is not all
            assert index.search("tea", limit=1)[0].text == "newer"
        assert index.search("tea", limit=1)[0].text == "newer"


def test_a_change_during_a_search_is_an_error(folder: Path) -> None:
    message = "another process has changed this index while it was read; try again"
    with Index(folder / "idx.db") as index:
        for query in ("SELECT count(*) FROM chunks", "SELECT * FROM what_is_gone"):

            def read(query: str) -> None:
                with index._database.reading() as connection:
                    change(folder / "idx.db", query)
                    connection.execute(query).fetchall()

            with pytest.raises(InvalidIndexError, match=message):
                read(query)
        assert index.search("tea", limit=1)[0].text == query


def test_it_cannot_be_changed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = re.escape(
        f"idx.db: this index cannot be changed, because {folder} is read-only; copy the index to a folder "
        "that you may write"
    )
    (tmp_path / "note.txt").write_text("A note.")
    with Index(folder / "idx.db") as index:
        for work in (
            lambda: index.add(["more"]),
            lambda: index.update(tmp_path / "note.txt"),
            lambda: index.remove([1]),
            lambda: index.remove_paths(tmp_path),
            index.vacuum,
        ):
            with pytest.raises(InvalidIndexError, match=message):
                work()
        assert len(index.search("tea")) == 2
    assert main(["index", str(tmp_path / "note.txt"), "--index", str(folder / "idx.db")]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert [path.name for path in folder.iterdir()] == ["idx.db"]


def test_none_is_made_there(folder: Path, tmp_path: Path) -> None:
    message = re.escape(f"new.db: the folder {folder} is read-only, so no index can be made there; give anot")
    with pytest.raises(InvalidIndexError, match=message):
        Index(folder / "new.db")
    assert not (folder / "new.db").exists()


def test_a_file_that_can_be_written_is_opened_as_usual(tmp_path: Path) -> None:
    with Index(tmp_path / "idx.db") as index:
        index.add(TEXTS)
        assert unwritable(str(tmp_path / "idx.db")) is None
        assert fixed_state(str(tmp_path / "idx.db")) is None
        assert fixed_state(str(tmp_path / "missing.db")) is None


def test_the_address_of_a_file_on_windows() -> None:
    options = "?mode=ro&immutable=1"
    assert fixed_address(r"C:\my notes\a.db", "win32") == f"file:///C%3A/my%20notes/a.db{options}"
    assert fixed_address(r"\\server\notes\a.db", "win32") == f"file:////server/notes/a.db{options}"


# Works on an index as a user who may not write: root may write everywhere.
AS_ANOTHER_USER = """
import os, sys
from m2v_lite import StaticModel
from m2v_lite.errors import InvalidIndexError
from m2v_lite.search import Index

model = StaticModel.from_pretrained()
with Index(sys.argv[1], model) as index:
    index.search("tea")
os.chdir(sys.argv[2])
if os.geteuid() == 0:
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    except OSError:
        sys.exit("cannot become another user")
with Index("idx.db", model) as index:
    print(len(index.search("tea")))
    for work in (lambda: index.add(["more"]), lambda: Index("log.db", model), lambda: Index("secret.db")):
        try:
            work()
        except InvalidIndexError as error:
            print(error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are other ones on Windows")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    """Here, SQLite is really kept from writing."""
    with tempfile.TemporaryDirectory() as outer:  # pytest's own folders are closed to other users
        Path(outer).chmod(0o755)
        folder = Path(outer).resolve() / "disk"
        folder.mkdir()
        with Index(tmp_path / "own.db") as index:
            index.add(TEXTS)
            for suffix in ("", "-wal"):  # as after a crash: what was added is in the log alone
                shutil.copy(tmp_path / f"own.db{suffix}", folder / f"log.db{suffix}")
        for name in ("idx.db", "secret.db"):
            shutil.copy(tmp_path / "own.db", folder / name)
        (folder / "secret.db").chmod(0)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER, tmp_path / "own.db", folder],
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        folder.chmod(0o755)
    if "cannot become another user" in done.stderr:
        pytest.skip("cannot become another user")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "2",
        f"idx.db: this index cannot be changed, because {folder} is read-only; copy the index to a folder "
        "that you may write, or get the right to write there",
        f"log.db: this index cannot be read, because {folder} is read-only and log.db-wal has changes that "
        "are not in the index yet; copy both files to a folder that you may write, and use the copy",
        "secret.db: you may not read this index; get the right to read it",
    ]
