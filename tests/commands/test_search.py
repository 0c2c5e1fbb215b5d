"""`m2v-lite index` and `m2v-lite search`."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from time_limit import LONGEST, await_end, started, wait_for

from m2v_lite import StaticModel
from m2v_lite.commands import search as searching
from m2v_lite.commands.index_file import default_index
from m2v_lite.commands.main import main
from m2v_lite.commands.watching import changes
from m2v_lite.search import Index, splitting, updating
from m2v_lite.search.chunking import Chunk

TEA = "# Tea\n\nPour boiling water on the leaves.\n\n\n# Cake\n\nA cake with plums.\n"


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notes, which is the current one; the index is elsewhere."""
    folder = tmp_path / "notes"
    (folder / "travel").mkdir(parents=True)
    (folder / "kitchen.md").write_text(TEA)
    (folder / "travel" / "log.txt").write_text("The train to Nantes was late.\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    return folder


def test_files_are_indexed_and_found(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", "."]) == 0
    told = capsys.readouterr()
    assert told.out.endswith("index.db: files: 2 added; 3 chunks encoded\n")
    assert told.err == ""
    assert sorted(path.name for path in notes.rglob("*")) == ["kitchen.md", "log.txt", "travel"]
    assert main(["search", "boiling water for tea", "-n", "2"]) == 0
    first, second = capsys.readouterr().out.split("\n\n\n")[0], None
    assert second is None
    assert re.match(
        r"kitchen.md:1-3  \d+\.\d{3}\n1:# Tea\n2:\n3:Pour boiling water on the leaves.\n\n", first
    )
    assert main(["search", "railway", "-n", "1"]) == 0
    place = Path("travel", "log.txt")
    assert re.match(
        rf"{re.escape(str(place))}:1  \d+\.\d{{3}}\n1:The train to Nantes was late.\n",
        capsys.readouterr().out,
    )
    (notes / "kitchen.md").write_text(TEA.replace("plums", "apples"))
    assert main(["index", "."]) == 0
    assert capsys.readouterr().out.endswith("files: 1 changed, 1 unchanged; 2 chunks encoded\n")
    assert main(["search", "apples", "--mode", "text"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["6:# Cake", "7:", "8:A cake with apples."]


def test_a_query_of_several_words_needs_no_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "."])
    capsys.readouterr()
    assert main(["search", "boiling water on leaves", "--json"]) == 0
    quoted = capsys.readouterr().out
    assert main(["search", "boiling", "water", "on", "leaves", "--json"]) == 0
    assert capsys.readouterr().out == quoted
    assert main(["search", "--json", "boiling", "water on", "leaves"]) == 0
    assert capsys.readouterr().out == quoted
    with pytest.raises(SystemExit):
        main(["search"])
    assert "QUERY" in capsys.readouterr().err


def test_the_paragraph_that_fits_is_shown(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / "long.md").write_text(
        "# Boat\n\nThe hull is red.\n\nThe engine needs oil.\n\nSails are white.\n"
    )
    main(["index", "long.md"])
    capsys.readouterr()
    assert main(["search", "motor fuel"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["5:The engine needs oil."]
    main(["search", "motor fuel", "--whole"])
    place, *lines = capsys.readouterr().out.splitlines()
    assert place.startswith("long.md:1-7  ")
    assert lines[0] == "1:# Boat"
    assert lines[-1] == "7:Sails are white."
    main(["search", "motor fuel", "--json"])
    assert json.loads(capsys.readouterr().out)["last_line"] == 7


def test_nothing_found(capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "."])
    capsys.readouterr()
    assert main(["search", "xylophone", "solo", "--mode", "text"]) == 1
    assert capsys.readouterr() == ("", "m2v-lite: nothing matches 'xylophone solo'\n")
    assert main(["search", "tea", "--path", "*.rst"]) == 1
    assert capsys.readouterr() == ("", "m2v-lite: no indexed file matches --path '*.rst'\n")
    assert main(["search", "xylophone", "--mode", "text", "--path", "*.md", "--json"]) == 1
    assert capsys.readouterr() == ("", "m2v-lite: nothing matches 'xylophone'\n")


def test_nothing_found_in_an_empty_index(capsys: pytest.CaptureFixture[str]) -> None:
    why = "the index is empty; index files with: m2v-lite index PATH"
    for path, choice in ((default_index(), ""), ("own.db", " --index own.db")):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Index(path).close()
        assert main(["search", "tea", "--path", "*.rst", "--index", path]) == 1
        assert capsys.readouterr() == ("", f"m2v-lite: {path}: {why}{choice}\n")


def test_json(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", ".", "--index", "own.db"])
    with Index("own.db") as index:
        index.add(["Tea is served at five."], ids=["five"], metadata=[{"shelf": 1}])
    capsys.readouterr()
    assert main(["search", "tea", "--json", "--index", "own.db", "--mode", "text"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_text = {each["text"]: each for each in found}
    note = by_text["# Tea\n\nPour boiling water on the leaves."]
    assert list(note) == ["path", "first_line", "last_line", "score", "text"]
    assert (note["path"], note["first_line"], note["last_line"]) == (str(notes / "kitchen.md"), 1, 3)
    given = by_text["Tea is served at five."]
    assert (given["path"], given["id"], given["metadata"]) == (None, "five", {"shelf": 1})
    assert main(["search", "five o'clock", "--index", "own.db", "-n", "1"]) == 0
    assert re.match(r"five  \d+\.\d{3}\nTea is served at five.\n", capsys.readouterr().out)


def test_the_index_is_looked_after(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", ".", "--precision", "float32"])
    capsys.readouterr()
    assert main(["index", "--status"]) == 0
    status = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert {name: value.strip() for name, value in status.items() if name != "size"} == {
        "index": default_index(),
        "files": "2",
        "chunks": "3",
        "model": "the bundled potion-base-8M in int8",
        "vectors": "256 columns, float32",
        "search by words": "yes",
    }
    assert main(["index", "--remove", "travel", "unknown"]) == 0
    assert capsys.readouterr().out.endswith("index.db: 1 file removed\n")
    assert main(["index", "--remove", "travel"]) == 1
    assert capsys.readouterr().out.endswith("index.db: 0 files removed\n")
    assert main(["search", "train", "--mode", "text"]) == 1
    assert main(["index", "--vacuum"]) == 0
    assert capsys.readouterr().out == ""


def test_patterns_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", ".", "--glob", "*.md", "--glob", "*.txt", "--exclude", "travel", "--chunk", "lines"])
    assert capsys.readouterr().out.endswith("files: 1 added; 4 chunks encoded\n")
    main(["index", ".", "--chunk", "2"])
    assert capsys.readouterr().out.endswith("files: 1 added, 1 changed; 5 chunks encoded\n")


def test_what_is_skipped_is_told(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        (notes / f"{number:02}.bin").write_bytes(b"\x7fELF" + bytes(90))
    assert main(["index", "."]) == 0
    told = capsys.readouterr()
    assert "2 added, 12 skipped; 3 chunks" in told.out
    lines = told.err.splitlines()
    assert len(lines) == 11
    assert lines[0] == f"m2v-lite: skipped: {notes / '00.bin'}: this is an executable, not text"
    assert lines[-1] == "m2v-lite: skipped: 2 more"


def test_tables_of_other_kinds(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / "semi.csv").write_text("id;body\n1;the kettle is on\n")
    assert main(["index", "semi.csv", "--column", "body"]) == 1
    assert "give --delimiter ';'" in capsys.readouterr().err
    assert main(["index", "semi.csv", "--column", "body", "--delimiter", ";"]) == 0
    assert "1 added; 1 chunk encoded" in capsys.readouterr().out
    assert main(["index", "semi.csv", "--column", "2", "--delimiter", ";", "--no-header"]) == 0
    assert "1 changed; 2 chunks encoded" in capsys.readouterr().out
    assert main(["index", "semi.csv", "--column", "2", "--delimiter", ";", "--no-header"]) == 0
    assert "1 unchanged; 0 chunks" in capsys.readouterr().out


def test_a_file_with_an_error_is_told_and_fails(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / "image.bin").write_bytes(b"\x7fELF" + bytes(90))
    assert main(["index", ".", "--quiet"]) == 0, "what is not text in a folder is no error"
    assert capsys.readouterr() == ("", "")
    with (notes / "kitchen.md").open("ab") as file:
        file.write(b"\xe9\n")
    for _ in range(2):
        assert main(["index", ".", "--quiet"]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert re.fullmatch(
            r"m2v-lite: skipped: \S+kitchen.md, line 9.*: not UTF-8: the byte 0xE9 .*; "
            r"its earlier contents stay in the index\n",
            told.err,
        )
    assert main(["search", "plums", "--mode", "text"]) == 0
    capsys.readouterr()
    assert main(["index", "."]) == 1
    told = capsys.readouterr()
    assert "files: 1 unchanged, 2 skipped; 0 chunks" in told.out
    assert [("kitchen.md" in line, "image.bin" in line) for line in told.err.splitlines()] == [
        (True, False),
        (False, True),
    ], "errors come first"
    main(["index", "--status"])
    assert re.search(r"^files +2$", capsys.readouterr().out, re.MULTILINE)
    assert main(["index", "image.bin", "--quiet"]) == 1, "who names a file wants it"
    assert "image.bin: this is an executable, not text" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["index"], "give files or folders to index"),
        (
            ["index", ".", "--status"],
            "give paths to index, or --status, --remove, --export or --vacuum, not both",
        ),
        (["index", "--watch"], "give files or folders to index"),
        (["index", ".", "--delimiter", ";;"], "';;' cannot be a delimiter; give one character such as ';'"),
        (["index", ".", "--no-header", "--format", "json"], "--no-header is for CSV and TSV, not for"),
        (["index", ".", "--chunk", "words"], "'words' is not a whole number"),
        (["search"], "the following arguments are required: QUERY"),
        (["search", "a", "-n", "0"], "'0' is not a whole number of at least 1"),
        (["search", "a", "--mode", "exact"], "invalid choice: 'exact'"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_failures_are_told(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "tea"]) == 1
    assert f"there is no index; make one with: m2v-lite index PATH --index {default_index()}" in (
        capsys.readouterr().err
    )
    assert main(["index", "--status"]) == 1
    assert main(["index", "missing"]) == 1
    assert main(["index", "missing", "--index", "new.db"]) == 1
    assert not Path("new.db").exists()
    assert "missing: there is no such file or folder; check the path" in capsys.readouterr().err
    assert main(["index", ".", "--index", "kitchen.md"]) == 1
    assert "kitchen.md: not an m2v_lite index, or damaged" in capsys.readouterr().err
    assert (notes / "kitchen.md").read_text() == TEA


def test_export(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "."])
    capsys.readouterr()
    assert main(["index", "--export", "vectors.npy"]) == 0
    assert capsys.readouterr().out == "vectors.npy: 3 chunks\n"
    assert np.load("vectors.npy").shape == (3, 256)
    assert main(["index", "--export", "vectors.csv"]) == 1
    assert "vectors.csv: give a file that ends in .npy or .parquet" in capsys.readouterr().err
    Path("other.npy").write_text("other\n")
    assert main(["index", "--export", "other.npy"]) == 1
    assert "this is not a file of vectors, so it is not replaced; give another name, or --force" in (
        capsys.readouterr().err
    )
    assert main(["index", "--export", "other.npy", "--force"]) == 0
    assert np.load("other.npy").shape == (3, 256)


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", ".", "--progress"]) == 0
    told = capsys.readouterr()
    assert "3 texts" in told.err
    assert "100%" in told.err
    assert main(["index", ".", "--quiet", "--chunk", "lines"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_keeps_the_finished_files(
    number: signal.Signals, notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    class Stopped(splitting.FileChunks):
        def some(self, most: int) -> list[Chunk]:
            read.append("")
            if len(read) == 2:
                os.kill(os.getpid(), number)
            return super().some(most)

    (notes / "more.md").write_text("More.\n")
    with monkeypatch.context() as patch:
        patch.setattr(updating, "FileChunks", Stopped)
        if number == signal.SIGINT:
            assert main(["index", ".", "--index", "own.db"]) == 130
        else:
            with pytest.raises(SystemExit) as caught:
                main(["index", ".", "--index", "own.db"])
            assert caught.value.code == 143
    assert capsys.readouterr() == (
        "",
        "m2v-lite: stopped; the finished files are kept in own.db. To continue, run the same command again\n",
    )
    assert main(["index", ".", "--index", "own.db"]) == 0
    assert "1 added, 2 unchanged" in capsys.readouterr().out


def test_only_folders_are_watched(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["index", "kitchen.md", "--watch"]) == 1
    assert "kitchen.md: only folders can be watched; give its folder, and --glob NAME" in (
        capsys.readouterr().err
    )
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    assert main(["index", ".", "--watch"]) == 1
    assert "pip install 'm2v-lite[watch]'" in capsys.readouterr().err


def test_a_folder_that_is_made_again_is_watched_again(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles")
    folder, stop = tmp_path / "watched", threading.Event()
    folder.mkdir()
    looks: list[int] = []

    def look() -> None:
        for _ in changes([str(folder)], [], stop):  # type: ignore[arg-type]
            looks.append(len(list(folder.glob("*"))) if folder.exists() else -1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        wait_for(lambda: looks == [0])
        folder.rmdir()
        wait_for(lambda: looks[-1] == -1)
        folder.mkdir()
        wait_for(lambda: looks[-1] == 0)
        (folder / "new.md").write_text("new")
        wait_for(lambda: looks[-1] == 1)
    finally:
        stop.set()
        await_end(thread)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_folder_is_watched(number: signal.Signals, notes: Path) -> None:
    pytest.importorskip("watchfiles")
    command = [sys.executable, "-m", "m2v_lite", "index", ".", "--watch", "--index", "own.db"]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "files: 2 added; 3 chunks" in process.stdout.readline()
        (notes / "new.md").write_text("# New\n")
        assert "files: 1 added, 2 unchanged; 1 chunk" in process.stdout.readline()
        (notes / "new.md").unlink()
        assert "1 removed" in process.stdout.readline()
        shutil.rmtree(notes / "travel")
        assert "1 removed" in process.stdout.readline()
        (notes / "travel").mkdir()
        (notes / "travel" / "again.md").write_text("# Again\n")
        assert "1 added" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(LONGEST) == 128 + number
        assert "Traceback" not in process.stderr.read()
    with Index("own.db") as index:
        assert len(index) == 3


def test_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    main(["index", "."])
    capsys.readouterr()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["search", "plums", "-n", "1"])
    shown = re.sub(r"\d+\.\d{3}", "1.000", capsys.readouterr().out)
    assert shown.startswith(
        "\x1b[35mkitchen.md\x1b[0m:\x1b[32m6-8\x1b[0m  \x1b[2m1.000\x1b[0m\n\x1b[32m6\x1b[0m:# Cake\n"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    main(["search", "plums", "-n", "1"])
    assert "\x1b" not in capsys.readouterr().out


def test_a_text_cannot_command_the_terminal(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / "evil.txt").write_text("red \x1b[31m alert\n")
    main(["index", "."])
    capsys.readouterr()
    main(["search", "red alert", "-n", "1"])
    assert "1:red \\x1b[31m alert\n" in capsys.readouterr().out


def test_standard_input(notes: Path, bundled: StaticModel) -> None:
    command = [sys.executable, "-m", "m2v_lite", "index", "-", "--index", "own.db", "--chunk", "lines"]
    for text in ("one\ntwo\n", "three\n"):
        done = subprocess.run(
            command, input=text, text=True, capture_output=True, check=True, timeout=LONGEST
        )
        assert "files: 1 " in done.stdout
    with Index("own.db", bundled) as index:
        assert [(hit.path, hit.text) for hit in index.search("three")] == [("-", "three")]


def test_json_where_the_output_has_a_code_page(notes: Path) -> None:
    """As on Windows, where the output is a pipe or a file."""
    text = "Tea 茶 🍵, na\u0308ive"
    (notes / "kitchen.md").write_text(f"{text}\n", encoding="utf-8")
    main(["index", ".", "--index", "own.db"])
    command = [sys.executable, "-m", "m2v_lite", "search", "tea", "-n", "1", "--index", "own.db"]
    coded = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([*command, "--json"], capture_output=True, check=True, env=coded, timeout=LONGEST)
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["text"] == text
    done = subprocess.run(command, capture_output=True, check=True, env=coded, timeout=LONGEST)
    assert b"1:Tea \\u8336 \\U0001f375, na\\u0308ive" in done.stdout
    coded["PYTHONIOENCODING"] = "utf-8"
    done = subprocess.run([*command, "--json"], capture_output=True, check=True, env=coded, timeout=LONGEST)
    assert text in done.stdout.decode()


def test_where_an_index_is_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("XDG")
    assert default_index() == str(tmp_path / "data" / "m2v-lite" / "index.db")
    monkeypatch.setenv("HOME", str(tmp_path))
    for other in ("", "relative"):
        monkeypatch.setenv("XDG_DATA_HOME", other)
        assert default_index() == str(tmp_path / ".local" / "share" / "m2v-lite" / "index.db")
    main(["index", "."])
    if os.name == "posix":
        assert (tmp_path / ".local" / "share" / "m2v-lite").stat().st_mode & 0o777 == 0o700


def test_lines_without_numbers() -> None:
    """Where the text is not all of its lines, as in a record of a table."""
    from m2v_lite.search import Hit

    assert searching._lines(Hit(1, 0.25, "a\nb", {}, "/x/t.csv", 7, 7), False) == [
        "/x/t.csv:7  0.250",
        "a",
        "b",
    ]
