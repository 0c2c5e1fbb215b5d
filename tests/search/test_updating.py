"""`Index.update` reads what is new or has changed, and nothing else."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from test_index import check_integrity
from time_limit import LONGEST, started

from m2v_lite import InputTypeError, InputValueError, InvalidIndexError, StaticModel
from m2v_lite.search import Index, Progress, Update, updating
from m2v_lite.search.contents import Entry


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "tea.md").write_text("# Tea\n\nPour the water.\n\n# Cake\n\nWith plums.\n")
    (folder / "deep" / "train.txt").write_text("The train to Nantes was late.\n")
    (folder / ".hidden.md").write_text("hidden\n")
    return folder


@pytest.fixture
def index(tmp_path: Path, bundled: StaticModel) -> Iterator[Index]:
    with Index(tmp_path / "notes.db", bundled) as opened:
        yield opened


def chunks(index: Index) -> set[tuple[str, int | None, int | None, str]]:
    hits = index.search("tea", limit=1000, mode="vector")
    assert len(hits) == len(index)
    return {(Path(hit.path or "").name, hit.first_line, hit.last_line, hit.text) for hit in hits}


TEA = ("tea.md", 1, 3, "# Tea\n\nPour the water.")
CAKE = ("tea.md", 5, 7, "# Cake\n\nWith plums.")
TRAIN = ("train.txt", 1, 1, "The train to Nantes was late.")


def test_files_come_change_move_and_go(index: Index, notes: Path) -> None:
    read: list[Progress] = []
    assert index.update(notes, told=read.append) == Update(added=2, chunks=3)
    assert chunks(index) == {TEA, CAKE, TRAIN}
    assert {hit.text for hit in index.search("tea", mode="text")} == {TEA[3], CAKE[3]}
    assert index.search("md txt", mode="text") == []
    assert {Path(progress.path).name for progress in read} == {"tea.md", "train.txt"}
    read.clear()
    assert index.update(notes, told=read.append) == Update(unchanged=2)
    assert read == []

    (notes / "tea.md").write_text("# Tea\n\nPour the milk.\n")
    (notes / "new.md").write_text("New.\n")
    assert index.update(notes) == Update(added=1, changed=1, unchanged=1, chunks=2)
    changed = ("tea.md", 1, 3, "# Tea\n\nPour the milk.")
    assert chunks(index) == {changed, TRAIN, ("new.md", 1, 1, "New.")}
    assert index.search("plums", mode="text") == []

    (notes / "blank.md").write_text("\n \n")
    assert index.update(notes).added == 1
    (notes / "blank.md").rename(notes / "empty.md")
    assert index.update(notes) == Update(moved=1, unchanged=3)
    (notes / "empty.md").unlink()
    index.update(notes)
    read.clear()
    (notes / "deep" / "train.txt").rename(notes / "moved.txt")
    assert index.update(notes, told=read.append) == Update(moved=1, unchanged=2)
    assert read == []
    assert ("moved.txt", *TRAIN[1:]) in chunks(index)
    assert [hit.text for hit in index.search("moved", mode="text")] == [TRAIN[3]], (
        "the name is among the words"
    )
    assert [hit.text for hit in index.search("Nantes", mode="text")] == [TRAIN[3]]

    (notes / "moved.txt").unlink()
    (notes / "new.md").unlink()
    assert index.update(notes) == Update(removed=2, unchanged=1)
    assert chunks(index) == {changed}


def test_only_what_the_paths_stand_for_goes(index: Index, notes: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes-2"
    other.mkdir()
    (other / "a.txt").write_text("a\n")
    index.update([notes, other])
    for path in (notes / "tea.md", notes / "deep" / "train.txt", other / "a.txt"):
        path.unlink()
    assert index.update(notes / "deep") == Update(removed=1)
    assert index.update(notes) == Update(removed=1)
    assert {path for path, *_ in chunks(index)} == {"a.txt"}
    other.rmdir()
    assert index.update(other) == Update(removed=1)
    with pytest.raises(InputValueError, match="notes-2: there is no such file or folder; check the path"):
        index.update(other)  # nothing was ever indexed there


def test_a_touched_file_is_not_encoded_again(index: Index, notes: Path) -> None:
    index.update(notes)
    os.utime(notes / "tea.md", ns=(1, 1))
    assert index.update(notes) == Update(unchanged=2)
    os.utime(notes / "tea.md", ns=(1, 1))
    read: list[Progress] = []
    index.update(notes, told=read.append)
    assert read == []


def test_progress_counts_bytes_and_chunks(index: Index, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating, "ENCODED_CHUNKS", 2)
    (notes / "tea.md").write_text("# a\n\n# b\n\n# c\n")
    (notes / "empty.md").write_text("")
    (notes / "broken.json").write_text("{")
    size = sum(path.stat().st_size for path in notes.rglob("[!.]*.*"))
    told: list[Progress] = []
    index.update(notes, told=told.append)
    assert {progress.size for progress in told} == {size}
    assert [progress.position for progress in told] == sorted(progress.position for progress in told)
    assert told[0][1:] == (0, size, 0)
    assert told[-1][1:] == (size, size, 4)
    assert sum(Path(progress.path).name == "tea.md" for progress in told) == 3  # before, and after each part


def test_small_files_are_encoded_together(
    tmp_path: Path, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number:02}.md").write_text(f"note {number}\n\n# more {number}\n")
    (folder / "25.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n{')  # what was read of it does not count
    (folder / "26.log").write_text("".join(f"line {number}\n" for number in range(30)))
    (folder / "27.jsonl").write_text("".join(f'{{"text": "line {number}"}}\n' for number in range(30)) + "{")
    monkeypatch.setattr(updating, "COMMIT_CHUNKS", 20)
    monkeypatch.setattr(updating, "ENCODED_CHUNKS", 7)
    encoded: list[int] = []
    with Index(tmp_path / "notes.db", bundled) as index:
        vectors_of = index._vectors

        def counted(entries: Sequence[Entry]) -> NDArray[np.float32]:
            encoded.append(len(entries))
            return vectors_of(entries)

        monkeypatch.setattr(index, "_vectors", counted)
        done = index.update(folder)
        assert (done.added, len(done.skipped), done.chunks, len(index)) == (51, 2, 130, 130)
        assert len(encoded) < 40
        assert index.update(folder) == Update(unchanged=51, skipped=done.skipped, failed=done.failed)
        for number in range(50):
            hit = index.search(f"more {number}", 1, mode="text")[0]
            assert (Path(hit.path or "").name, hit.text) == (f"{number:02}.md", f"# more {number}")
        connection = sqlite3.connect(tmp_path / "notes.db")
        assert connection.execute("SELECT count(*) FROM chunks").fetchone() == (130,)
        connection.close()


def test_a_copy_is_a_file_of_its_own(index: Index, notes: Path) -> None:
    (notes / "copy.md").write_bytes((notes / "tea.md").read_bytes())
    assert index.update(notes).added == 3
    (notes / "tea.md").rename(notes / "again.md")
    assert index.update(notes) == Update(moved=1, unchanged=2)
    assert {path for path, *_ in chunks(index)} == {"again.md", "copy.md", "train.txt"}


def test_formats(index: Index, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_bytes(b'id,text\n1,"one\ntwo"\n2,three\n')
    (folder / "b.jsonl").write_text(
        json.dumps({"text": "four"}) + "\n\n" + json.dumps({"text": "five"}) + "\n"
    )
    (folder / "c.log").write_text("six\n\nseven\n")
    (folder / "d.txt.gz").write_bytes(gzip.compress(b"eight\nnine\n"))
    (folder / "e.py").write_text("# ten\n\n# eleven\n")
    (folder / "empty.txt").write_text("\n")
    assert index.update(folder) == Update(added=6, chunks=8)
    assert chunks(index) == {
        ("a.csv", 2, 2, "one\ntwo"),
        ("a.csv", 4, 4, "three"),
        ("b.jsonl", 1, 1, "four"),
        ("b.jsonl", 3, 3, "five"),
        ("c.log", 1, 1, "six"),
        ("c.log", 3, 3, "seven"),
        ("d.txt.gz", 1, 2, "eight\nnine"),
        ("e.py", 1, 3, "# ten\n\n# eleven"),
    }


def test_what_is_not_text_is_skipped_once(index: Index, notes: Path) -> None:
    (notes / "image.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (notes / "latin.md").write_bytes(b"good\n\nna\xefve\n")
    (notes / "broken.jsonl").write_text('{"text": "fine"}\n{\n')
    done = index.update(notes)
    assert (done.added, done.chunks) == (2, 3)
    told = {Path(path).name: why for path, why in done.skipped}
    assert {*told} == {"image.txt", "latin.md", "broken.jsonl"}
    assert "this is a PNG image, not text" in told["image.txt"]
    assert "line 3" in told["latin.md"]
    assert chunks(index) == {TEA, CAKE, TRAIN}, "a file is there as a whole or not at all"
    assert {Path(path).name for path in done.failed} == {"latin.md", "broken.jsonl"}, "not what is no text"
    assert index.status().files == 2
    told_again = Update(unchanged=2, skipped=done.skipped, failed=done.failed)
    assert index.update(notes) == told_again, "told again, but not read"
    os.utime(notes / "latin.md", ns=(1, 1))
    assert sorted(index.update(notes).skipped) == sorted(done.skipped)
    (notes / "latin.md").write_text("mended\n")
    again = index.update(notes)
    assert (again.added, again.unchanged, again.chunks) == (1, 2, 1)
    assert {Path(path).name for path, _ in again.skipped} == {"image.txt", "broken.jsonl"}
    named = index.update(notes / "image.txt")
    assert named.failed == (str(notes / "image.txt"),), "who names a file wants it"
    assert named.skipped == ((*named.failed, told["image.txt"]),)
    (notes / "other.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(90))
    assert index.update(notes / "other.txt").failed == (str(notes / "other.txt"),)
    (notes / "other.txt").rename(notes / "moved.txt")
    (notes / "image.txt").unlink()
    assert (index.update(notes).moved, index.update(notes).removed) == (0, 0), "they were never there"
    assert index.status().files == 3
    assert index.remove_paths(notes / "broken.jsonl") == 0


SHORT, LONG = "Pour the milk.\n", "".join(f"# {number}\n\nmilk\n\n" for number in range(9))


@pytest.mark.parametrize("before", [SHORT, LONG])
@pytest.mark.parametrize("now", [SHORT, LONG])
def test_what_was_indexed_stays_if_a_file_becomes_unreadable(
    index: Index, notes: Path, before: str, now: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "ENCODED_CHUNKS", 3)
    file = notes / "milk.md"
    file.write_text(before)
    index.update(notes)
    there = chunks(index)
    found = {hit.text for hit in index.search("milk", 50, mode="text")}
    file.write_bytes(now.encode() + b"\xe9\n")
    for _ in range(2):  # it is tried again
        read: list[Progress] = []
        done = index.update(notes, told=read.append)
        assert (done.changed, done.unchanged, done.chunks, done.failed) == (0, 2, 0, (str(file),))
        ((path, why),) = done.skipped
        assert path == str(file)
        assert "0xE9" in why
        assert why.endswith("; its earlier contents stay in the index")
        assert read
        assert chunks(index) == there
        assert {hit.text for hit in index.search("milk", 50, mode="text")} == found
        assert index.status().files == 3
    with monkeypatch.context() as patch:
        patch.setattr(updating, "ENCODED_CHUNKS", 1024)
        file.write_text(before)
        assert index.update(notes) == Update(unchanged=3), "it is as it was indexed"
    file.write_bytes(b"\xe9\n")
    index.update(notes)
    file.write_text("Mended.\n")
    assert index.update(notes) == Update(changed=1, unchanged=2, chunks=1)
    assert chunks(index) == {TEA, CAKE, TRAIN, ("milk.md", 1, 1, "Mended.")}
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(90))
    assert index.update(notes).failed == (str(file),), "it was text"
    file.unlink()
    assert index.update(notes) == Update(removed=1, unchanged=2)
    assert chunks(index) == {TEA, CAKE, TRAIN}


def test_a_wrong_column_removes_nothing(index: Index, notes: Path) -> None:
    table = notes / "table.csv"
    table.write_text("id,body\n1,the kettle is on\n")
    index.update(table, column="body")
    done = index.update(table, column="nope")
    assert done.failed == (str(table),)
    assert "no column is named 'nope'; give --column; there are: id, body; its earlier" in done.skipped[0][1]
    assert [text for *_, text in chunks(index)] == ["the kettle is on"]
    assert index.update(table, column="body") == Update(unchanged=1)
    table.rename(notes / "moved.csv")
    assert index.update(notes / "moved.csv", column="nope").failed
    assert index.update(notes, glob="*.csv", column="body") == Update(added=1, removed=1, chunks=1)
    table.write_text("id,body\n1,the kettle is on\n")
    (notes / "moved.csv").unlink()
    assert index.update(notes, glob="*.csv", column="body").moved == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all files")
def test_a_file_that_may_not_be_read_stays(index: Index, notes: Path) -> None:
    index.update(notes)
    (notes / "tea.md").chmod(0)
    os.utime(notes / "tea.md", ns=(1, 1))
    assert index.update(notes).skipped[0][1] == "Permission denied; its earlier contents stay in the index"
    assert chunks(index) == {TEA, CAKE, TRAIN}


def test_another_manner_reads_files_again(index: Index, notes: Path) -> None:
    (notes / "table.csv").write_text("id,body\n1,the kettle is on\n2,\n")
    (notes / "latin.txt").write_bytes(b"na\xefve\n")
    assert "give --column" in index.update(notes / "table.csv").skipped[0][1]
    assert index.update(notes / "table.csv", column="body").chunks == 1
    assert index.update(notes / "table.csv", column="body") == Update(unchanged=1)
    assert index.update(notes / "table.csv", column="id").changed == 1
    assert len(index.update(notes / "latin.txt").skipped) == 1
    assert index.update(notes / "latin.txt", errors="replace").chunks == 1
    assert index.update(notes / "latin.txt", encoding="latin-1").chunks == 1
    assert index.search("naïve", 1, mode="text")[0].text == "naïve"
    (notes / "nulls.jsonl").write_text('{"text": null}\n{"text": "tea"}\n')
    assert "--on-missing" in index.update(notes / "nulls.jsonl").skipped[0][1]
    assert index.update(notes / "nulls.jsonl", on_missing="skip").chunks == 1
    for wrong in ({"errors": "ignore"}, {"on_missing": "drop"}):
        with pytest.raises(InputValueError, match="give one of"):
            index.update(notes, **wrong)  # type: ignore[arg-type]


def test_a_pattern_stands_for_what_it_matches_alone(index: Index, notes: Path) -> None:
    (notes / "a[1].txt").write_text("one\n")
    (notes / "a1.txt").write_text("other\n")
    index.update(notes)
    assert index.update(str(notes / "*.md")) == Update(unchanged=1), "* does not stand for /"
    assert index.update(str(notes / "a[1].txt")) == Update(unchanged=1), "a file that is there is no pattern"
    assert index.update(str(notes / "**" / "train.txt")) == Update(unchanged=1)
    assert len(index) == 5
    assert index.remove_paths(str(notes / "d*")) == 1
    for wrong in ("", ["a", ""]):
        with pytest.raises(InputValueError, match="one of paths is empty"):
            index.update(wrong)
        with pytest.raises(InputValueError, match="one of paths is empty"):
            index.remove_paths(wrong)
    with pytest.raises(InputTypeError, match="paths is int 5"):
        index.update(5)  # type: ignore[arg-type]


def test_patterns_leave_folders_out_and_take_files(index: Index, notes: Path) -> None:
    (notes / "folder.md").mkdir()
    (notes / "folder.md" / "a.txt").write_text("a\n")
    assert index.update(notes, glob="*.md").added == 1
    assert index.update(str(notes.parent / "note?"), exclude="deep") == Update(added=1, unchanged=1, chunks=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_not_waited_for(index: Index, notes: Path) -> None:
    os.mkfifo(notes / "pipe.md")
    done = index.update([str(notes / "pipe.md"), notes])
    assert [why for _, why in done.skipped] == ["this is a pipe; pass it as standard input, and give '-'"]
    assert done.added == 2


def test_a_moved_file_of_another_kind_is_read_again(index: Index, notes: Path) -> None:
    (notes / "table.txt").write_text("text\nthe kettle is on\n")
    index.update(notes)
    (notes / "table.txt").rename(notes / "table.csv")
    done = index.update(notes)
    assert (done.moved, done.added, done.removed) == (0, 1, 1)
    assert "the kettle is on" in {text for *_, text in chunks(index)}


def test_an_error_of_the_caller_is_not_one_of_the_file(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "ENCODED_CHUNKS", 2)
    (tmp_path / "a.log").write_text("a\nb\nc\n")

    def broken(progress: Progress) -> None:
        if progress.chunks:
            raise OSError("bar broken")

    with pytest.raises(OSError, match="bar broken"):
        index.update(tmp_path / "a.log", told=broken)
    assert len(index) == 0
    with pytest.raises(InvalidIndexError, match="this index is being changed; wait"):
        index.update(tmp_path / "a.log", told=lambda progress: index.add(["a"]))
    assert index.update(tmp_path / "a.log").chunks == 3


def test_another_process_has_indexed_the_same_meanwhile(
    notes: Path, tmp_path: Path, bundled: StaticModel
) -> None:
    """Numbers of files are not given again, and what has moved is looked for where nobody else writes."""
    with Index(tmp_path / "notes.db", bundled) as one, Index(tmp_path / "notes.db", bundled) as other:
        one.update(notes)
        (notes / "deep" / "train.txt").rename(notes / "moved.txt")
        assert other.update(notes).moved == 1
        assert one.update(notes) == Update(unchanged=2)
        (notes / "moved.txt").unlink()
        assert other.update(notes).removed == 1
        (notes / "more.txt").write_text("more\n")
        assert other.update(notes).added == 1
        assert one.update(notes) == Update(unchanged=2)


def test_patterns(index: Index, notes: Path) -> None:
    assert index.update(notes, glob="*.txt").added == 1
    assert chunks(index) == {TRAIN}
    assert index.update(notes, glob=["*.md", "*.txt"], exclude="deep") == Update(added=1, removed=1, chunks=2)
    assert chunks(index) == {TEA, CAKE}
    assert index.update(str(notes / "*" / "*.txt")).added == 1
    assert {hit.text for hit in index.search("tea", path="*/deep/*")} == {TRAIN[3]}
    assert {hit.text for hit in index.search("tea", path="*.md", mode="text")} == {TEA[3], CAKE[3]}
    assert index.search("water", path="*.txt", mode="text") == []


def test_what_lies_above_the_folder_is_not_matched(index: Index, notes: Path) -> None:
    above = notes.parent.name
    assert index.update(notes, glob="*.md", exclude=[above, "notes"]).added == 1
    assert index.update(notes, glob=above) == Update(removed=1)


def test_what_a_pattern_stood_for_goes(index: Index, notes: Path) -> None:
    pattern = str(notes / "*.md")
    assert index.update(pattern).added == 1
    (notes / "other.md").write_text("other\n")
    (notes / "tea.md").unlink()
    assert index.update(pattern) == Update(added=1, removed=1, chunks=1)
    assert index.remove_paths(pattern) == 1


def test_a_file_that_needs_a_package_is_tried_again(
    index: Index, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pytest.importorskip("pyarrow").table({"text": ["a row about tea"]}), notes / "t.parquet")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        done = index.update(notes)
        assert done.added == 2
        assert "parquet files need the package pyarrow" in done.skipped[0][1]
    assert index.update(notes) == Update(added=1, unchanged=2, chunks=1)
    assert ("t.parquet", 1, 1, "a row about tea") in chunks(index)


def test_how_files_are_read(index: Index, tmp_path: Path) -> None:
    file = tmp_path / "in.txt"
    file.write_bytes('{"body": "na\xefve"}\n'.encode("latin-1"))
    assert index.update(file, format="jsonl", column="body", encoding="latin-1").added == 1
    assert index.search("naïve", mode="text")[0].text == "naïve"
    with pytest.raises(InputValueError, match="format is str 'doc'; give one of text, csv"):
        index.update(file, format="doc")
    with pytest.raises(InputValueError, match="encoding: there is no encoding 'utf-9'"):
        index.update(file, encoding="utf-9")
    file.write_text("1;the kettle is on\n")
    assert index.update(file, column="2", has_header=False, delimiter=";").chunks == 1
    for wrong in (";;", "\n", 5):
        with pytest.raises(InputValueError, match=r"delimiter is .*; give one character such as ';'"):
            index.update(file, delimiter=wrong)  # type: ignore[arg-type]


def test_how_text_is_divided(index: Index, notes: Path) -> None:
    index.update(notes)
    assert index.update(notes, chunk="lines") == Update(changed=2, chunks=5)
    assert len(index) == 5
    assert index.update(notes, chunk=2) == Update(changed=2, chunks=5)
    assert index.update(notes, chunk=2) == Update(unchanged=2)
    assert index.update(notes) == Update(changed=2, chunks=3)
    for wrong in ("words", 0):
        with pytest.raises(InputValueError, match="chunk is"):
            index.update(notes, chunk=wrong)


def test_paths_are_removed(index: Index, notes: Path) -> None:
    index.add(["kept"])
    index.update(notes)
    assert index.remove_paths(notes / "deep") == 1
    assert index.remove_paths([notes, notes / "unknown"]) == 1
    assert chunks(index) == {("", None, None, "kept")}


def test_the_index_does_not_index_itself(notes: Path, bundled: StaticModel) -> None:
    with Index(notes / "index.txt", bundled) as index:
        assert index.update(notes).added == 2
        assert index.update(notes) == Update(unchanged=2)


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
def test_a_name_that_is_no_unicode_is_skipped(index: Index, notes: Path) -> None:
    Path(os.fsdecode(os.fsencode(notes) + b"/na\xefve.txt")).write_text("text\n")
    done = index.update(notes)
    assert (done.added, [why for _, why in done.skipped]) == (2, ["its name is not valid Unicode"])


def test_a_large_file_is_read_in_parts(index: Index, tmp_path: Path) -> None:
    large = tmp_path / "large.log"
    large.write_text("".join(f"line {number} of a log\n" for number in range(10_000)))
    assert index.update(large) == Update(added=1, chunks=10_000)
    hit = index.search("line 7777 of a log", limit=1)[0]
    assert (hit.first_line, hit.text) == (7778, "line 7777 of a log")


def test_small_files_are_committed_before_a_large_one(
    index: Index, notes: Path, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updating, "LARGE_BYTES", 100)
    (notes / "x.log").write_text("line\n" * 20)
    (notes / "y.md").write_text("Small.\n")
    there: dict[str, int] = {}

    def look(progress: Progress) -> None:
        with Index(index.path, bundled) as other:
            there.setdefault(Path(progress.path).name, other.status().files)

    paths = [notes / name for name in ("tea.md", "deep/train.txt", "x.log", "y.md")]
    index.update(paths, told=look)
    assert there == {"tea.md": 0, "train.txt": 0, "x.log": 2, "y.md": 2}
    assert index.status().files == 4


def test_finished_files_stay_if_an_update_is_stopped_between_two(index: Index, notes: Path) -> None:
    def stop(progress: Progress) -> None:
        if Path(progress.path).name == "tea.md":
            raise KeyboardInterrupt

    (notes / "a.md").write_text("First.\n")
    with pytest.raises(KeyboardInterrupt):
        index.update([notes / "a.md", notes], told=stop)
    assert index.status().files == len(index) >= 1
    assert {path for path, *_ in chunks(index)} == {"a.md"}
    assert index.update(notes) == Update(added=2, unchanged=1, chunks=3)


UPDATE = """
import sys
from m2v_lite.search import Index, updating
updating.COMMIT_CHUNKS, updating.ENCODED_CHUNKS = 3, 2
with Index(sys.argv[1]) as index:
    index.update(sys.argv[2], told=lambda progress: print(progress.path, flush=True))
"""
KILLS = 200 if os.environ.get("M2V_LITE_EXHAUSTIVE") else 5


def found_in(index: Index) -> list[list[tuple[str | None, str, float]]]:
    """Return what some searches find, whatever the numbers of the chunks."""
    return [
        sorted((hit.path, hit.text, round(hit.score, 4)) for hit in index.search(query, 200, mode=mode))
        for query in ("one", "two 7", "note")
        for mode in ("vector", "text")
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_what_was_committed_stays_when_an_update_is_killed(tmp_path: Path, bundled: StaticModel) -> None:
    folder, path, fresh = tmp_path / "notes", tmp_path / "notes.db", tmp_path / "fresh.db"
    folder.mkdir()
    texts = {f"note{number:03}.md": f"one {number}\n\n# two {number}\n" for number in range(60)}
    for name, text in texts.items():
        (folder / name).write_text(text)
    generator = random.Random(2)
    for _ in range(KILLS):
        for file in tmp_path.glob("*.db*"):
            file.unlink()
        with started(
            [sys.executable, "-c", UPDATE, str(path), str(folder)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(generator.randrange(1, 100)):
                process.stdout.readline()
            time.sleep(generator.random() * 0.002)
            process.send_signal(signal.SIGKILL)
            process.wait(LONGEST)
        check_integrity(path)
        with Index(path, bundled) as index, Index(fresh, bundled) as other:
            connection = sqlite3.connect(path)
            there = {name for (name,) in connection.execute("SELECT path FROM sources")}
            connection.close()
            if there:
                other.update(there)
            assert chunks(index) == chunks(other)
            assert len(index) == 2 * len(there)
            assert found_in(index) == found_in(other)
            done = index.update(folder)
            assert (done.added, done.unchanged) == (60 - len(there), len(there))
            assert len(index) == 120
