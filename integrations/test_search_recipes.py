"""What an index exports goes into other software by the programs of docs/search.md, as they stand."""

from __future__ import annotations

import re
import sqlite3
import sys
from pathlib import Path

import pytest

from m2v_lite.search import Hit, Index

PAGE = Path(__file__).parent.parent / "docs" / "search.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```\n", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
NOTES = """\
# Kitchen

The kettle is on.

# Travel

The train was late.

# Garden

Water the tomatoes in the evening.

# Tools

The saw is in the shed.
"""


@pytest.fixture
def hits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Hit]:
    """What an index finds, in a folder with all that it exports."""
    monkeypatch.chdir(tmp_path)
    Path("notes.md").write_text(NOTES, encoding="utf-8")
    with Index("notes.db") as index:
        index.update("notes.md")
        assert index.export("chunks.parquet") == index.export("vectors.npy") == 4
        return index.search("boiling water", 3, mode="vector")


def run(name: str, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """Run the program that imports a module, and return the words of the lines that it prints."""
    (program,) = (program for program in PROGRAMS if f"import {name}" in program or f"from {name}" in program)
    exec(compile(program, f"{PAGE}: {name}", "exec"), {"__name__": "__main__"})
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_milvus(hits: list[Hit], capsys: pytest.CaptureFixture[str]) -> None:
    found = [(path, int(line), float(score)) for path, line, score in run("pymilvus", capsys)]
    assert [(path, line) for path, line, _ in found] == [(hit.path, hit.first_line) for hit in hits]
    assert [score for _, _, score in found] == pytest.approx([hit.score for hit in hits], abs=0.01)


def test_sqlite_vec(
    hits: list[Hit], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(sqlite3.Connection, "enable_load_extension"):  # the Python here was built without it
        monkeypatch.setitem(sys.modules, "sqlite3", pytest.importorskip("pysqlite3"))
    found = [(int(row), 1 - float(distance)) for row, distance in run("sqlite_vec", capsys)]
    assert [row + 1 for row, _ in found] == [hit.id for hit in hits]
    assert [score for _, score in found] == pytest.approx([hit.score for hit in hits], abs=0.01)


def test_usearch(hits: list[Hit], capsys: pytest.CaptureFixture[str]) -> None:
    found = [(int(row), 1 - float(distance)) for row, distance in run("usearch", capsys)]
    assert [row + 1 for row, _ in found] == [hit.id for hit in hits]
    assert [score for _, score in found] == pytest.approx([hit.score for hit in hits], abs=0.01)
