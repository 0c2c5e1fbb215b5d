"""An index goes into files for other libraries, whole and in order."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from m2v_lite import InputValueError, InvalidIndexError, StaticModel
from m2v_lite.errors import MissingPackageError
from m2v_lite.search import Index, vector_blocks


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_blocks, "PAGES", 2)
    monkeypatch.setattr(vector_blocks, "PAGE_BYTES", 1100)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_vectors_are_those_of_the_texts(
    precision: str, path: Path, bundled: StaticModel, small_blocks: None
) -> None:
    texts = [f"text {number} of many" for number in range(50)]
    with Index(path, bundled, precision=precision) as index:
        numbers = index.add(texts)
        index.remove([*numbers[3:7], *numbers[8:16], numbers[-1]])
        assert index.export(path.parent / "vectors.npy") == 37
    left = [text for place, text in enumerate(texts) if place not in {*range(3, 7), *range(8, 16), 49}]
    found = np.load(path.parent / "vectors.npy")
    assert found.dtype == np.float32
    tolerance = 0.002 if precision == "int8" else 0
    np.testing.assert_allclose(found, bundled.encode(left, normalize=True), atol=tolerance)


def test_a_table_has_the_chunks_with_their_vectors(
    path: Path, bundled: StaticModel, small_blocks: None
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = path.parent / "tea.md"
    file.write_text("# Tea\n\nHot.\n\n# Cake\n\nSweet.\n")
    with Index(path, bundled) as index:
        index.update(file)
        index.add([f"more {number}" for number in range(20)])
        index.export(path.parent / "chunks.parquet")
        first = parquet.read_table(path.parent / "chunks.parquet")
        index.add(["named"], ids=["the name"], metadata=[{"shelf": 1}])
        assert index.export(path.parent / "CHUNKS.PARQUET") == 23
        index.export(path.parent / "vectors.npy")
    assert str(first.schema.field("id").type) == "int64"
    rows = parquet.read_table(path.parent / "CHUNKS.PARQUET").to_pylist()
    vectors = np.array([row.pop("embedding") for row in rows], np.float32)
    np.testing.assert_array_equal(vectors, np.load(path.parent / "vectors.npy"))
    assert rows[1] == {
        "id": "2",
        "path": os.fspath(file),
        "first_line": 5,
        "last_line": 7,
        "text": "# Cake\n\nSweet.",
        "metadata": None,
    }
    assert [row["text"] for row in rows[2:22]] == [f"more {number}" for number in range(20)]
    assert (rows[-1]["id"], json.loads(rows[-1]["metadata"])) == ("the name", {"shelf": 1})


def test_an_index_without_texts(path: Path, bundled: StaticModel) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with Index(path, bundled) as index:
        assert index.export(path.parent / "a.npy") == index.export(path.parent / "a.parquet") == 0
    assert np.load(path.parent / "a.npy").shape == (0, 256)
    assert parquet.read_table(path.parent / "a.parquet").num_rows == 0


def test_failures_leave_no_file(path: Path, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path.parent / "old.npy"
    old.write_bytes(b"old")
    with Index(path, bundled) as index:
        index.add(["tea"])
        with pytest.raises(InputValueError, match=r"vectors.csv: give a file that ends in .npy or .parquet"):
            index.export(path.parent / "vectors.csv")
        with pytest.raises(OSError, match="missing"):
            index.export(path.parent / "missing" / "vectors.npy")
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(MissingPackageError, match=r"pip install 'm2v-lite\[files\]'"):
            index.export(path.parent / "chunks.parquet")
        with index._database.writing() as connection:
            connection.execute("UPDATE pages SET rows = x'00'")
        with pytest.raises(InvalidIndexError, match="block 0 of the vectors is incomplete"):
            index.export(old)
    assert old.read_bytes() == b"old"
    assert sorted(file.name for file in path.parent.iterdir()) == ["notes.db", "old.npy"]
