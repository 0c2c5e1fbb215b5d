"""`m2v-lite encode` with files as people have them: formats, folders, patterns, policies and outputs."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from time_limit import LONGEST

from m2v_lite import StaticModel
from m2v_lite.commands import encode_job
from m2v_lite.commands.main import main
from m2v_lite.records.sources import size_of, sources_of

TEXTS = ["the kettle is on", "a small board, and a large one", 'say "hello"', "", "été à Nantes"]
ROWS = [{"id": str(number), "text": text} for number, text in enumerate(TEXTS)]
BODIES: dict[str, bytes] = {
    "txt": "".join(f"{text}\n" for text in TEXTS).encode(),
    "csv": b'id,text\n0,the kettle is on\n1,"a small board, and a large one"\n2,"say ""hello"""\n'
    + "3,\r\n4,été à Nantes".encode(),
    "tsv": "".join(f"{row['id']}\t{row['text']}\n" for row in [{"id": "id", "text": "text"}, *ROWS])
    .replace('say "hello"', '"say ""hello"""')
    .encode(),
    "json": json.dumps(ROWS, indent=1).encode(),
    "jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode(),
    "ndjson": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
}
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def encoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what encodes with some options and gives the JSON objects of the output."""

    def run(*options: str | Path, status: int = 0) -> list[dict[str, Any]]:
        output = tmp_path / "output.jsonl"
        arguments = ["encode", "--dim", "4", *map(str, options), "--output", str(output)]
        assert main(arguments) == status
        if status:
            return []
        records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
        output.unlink()
        return records

    return run


def without_vectors(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name != "embedding"} for record in records]


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("suffix", BODIES)
def test_every_format(suffix: str, compression: str, tmp_path: Path, encoded: Run) -> None:
    path = tmp_path / f"in.{suffix}{compression}"
    path.write_bytes(COMPRESSIONS[compression](BODIES[suffix]))
    records = encoded("--input", path)
    expected = [{"text": text} for text in TEXTS] if suffix == "txt" else ROWS
    assert without_vectors(records) == expected
    vectors = np.array([record["embedding"] for record in records], np.float32)
    model = StaticModel.from_pretrained(dimensionality=4)
    np.testing.assert_array_equal(vectors, model.encode(TEXTS))


def test_the_format_can_be_given(tmp_path: Path, encoded: Run) -> None:
    path = tmp_path / "export"
    path.write_bytes(gzip.compress(BODIES["csv"]))
    assert without_vectors(encoded("--input", path, "--format", "csv")) == ROWS
    path.write_bytes(BODIES["jsonl"])
    assert without_vectors(encoded("--input", path, "--column", "text")) == ROWS
    (tmp_path / "lines.json").write_bytes(BODIES["jsonl"])
    assert without_vectors(encoded("--input", tmp_path / "lines.json")) == ROWS
    assert len(encoded("--input", tmp_path / "lines.json", "--format", "text")) == len(ROWS)


def test_columns_of_csv(tmp_path: Path, encoded: Run) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a;b\nc;d\n")
    assert without_vectors(encoded("--input", path, "--delimiter", ";", "--column", "b")) == [
        {"a": "c", "b": "d"}
    ]
    options = ["--delimiter", ";", "--no-header", "--column", "2"]
    assert [record["2"] for record in encoded("--input", path, *options)] == ["b", "d"]
    other = path.rename(tmp_path / "in.txt")  # the options say what it is
    assert [record["2"] for record in encoded("--input", other, *options)] == ["b", "d"]
    assert [record["1"] for record in encoded("--input", other, "--no-header")] == ["a;b", "c;d"]


@pytest.mark.parametrize("option", [("--no-header",), ("--delimiter", ";")])
def test_options_of_csv_and_another_format(
    option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["encode", "--input", "in.jsonl", "--format", "jsonl", *option])
    assert f"{option[0]} is for CSV and TSV, not for --format jsonl" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["parquet", "arrow", "feather"])
def test_tables(kind: str, tmp_path: Path, encoded: Run, bundled: StaticModel) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    columns = {"id": [3, 4], "inner": [{"text": "a cat"}, {"text": "a dog"}], "when": [None, 1.5]}
    source, output = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    if kind == "parquet":
        parquet.write_table(pa.table(columns), source)
    else:
        feather.write_feather(pa.table(columns), source)
    options = ["--input", str(source), "--column", "inner.text"]
    records = encoded(*options)
    assert without_vectors(records) == [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ]
    assert main(["encode", *options, "--output", str(output)]) == 0
    table = parquet.read_table(output) if kind == "parquet" else feather.read_table(output)
    assert table.drop_columns(["embedding"]).to_pydict() == columns
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 256)
    vectors = np.array(table.column("embedding").to_pylist(), np.float32)
    np.testing.assert_array_equal(vectors, bundled.encode(["a cat", "a dog"]))
    assert main(["encode", "new", "--output", str(output)]) == 0  # it is of its own kind


def test_folders_and_patterns(
    tmp_path: Path, encoded: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    (folder / "b" / ".git").mkdir(parents=True)
    (folder / "z.txt").write_text("last\n")
    (folder / "b" / "one.md").write_text("first\nsecond\n")
    (folder / "b" / "rows.csv").write_text("text\nthird\n")
    (folder / ".hidden").write_text("no")
    (folder / "b" / ".git" / "config").write_text("no")
    (folder / "b" / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "b" / "data.bin").write_bytes(bytes(range(256)) * 8)
    monkeypatch.chdir(tmp_path)
    expected = [
        {"path": "notes/z.txt", "line": 1, "text": "last"},
        {"path": "notes/b/one.md", "line": 1, "text": "first"},
        {"path": "notes/b/one.md", "line": 2, "text": "second"},
        {"path": "notes/b/rows.csv", "line": 2, "text": "third"},
    ]
    assert without_vectors(encoded("--input", "notes")) == expected
    assert "2 files skipped (not text)" in capsys.readouterr().err
    assert without_vectors(encoded("--input", "notes/**/*.md", "notes/z.txt")) == [
        *expected[1:3],
        expected[0],
    ]
    assert without_vectors(encoded("--input", "notes", "--no-source")) == [
        {"text": record["text"]} for record in expected
    ]
    assert without_vectors(encoded("--input", "notes/z.txt", "--source")) == expected[:1]
    capsys.readouterr()
    assert main(["encode", "--input", "notes", "--output", "v.npy", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert np.load("v.npy").shape == (4, 256)
    assert size_of(sources_of(["notes/z.txt", "notes/b/one.md"])) == 18
    assert size_of(sources_of(["-", "notes/z.txt"])) is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["missing"], "m2v-lite: missing: No such file or directory"),
        (["missing/*.txt"], r"missing/*.txt: no file matches this pattern"),
        (["empty"], "empty: there are no files in this folder"),
        (["-", "-"], "standard input can be read only once"),
        (["image.txt"], "image.txt: this is a PNG image, not text"),
        (["program"], "program: this is an executable, not text"),
        (["damaged.gz"], "damaged.gz: damaged gzip data"),
        (["names.csv"], "names.csv, line 1 (byte 0): which column holds the texts? give --column; there are: a, b"),
        (["semi.csv"], "semi.csv, line 1 (byte 0): which column holds the texts? give --delimiter ';'"),
        (["wide.csv"], "wide.csv, line 2 (byte 5): 2 fields, but the first row has 1"),
        (["null.jsonl"], "null.jsonl, line 1 (byte 0): field 'text' is missing or null"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(
    names: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("image.txt").write_bytes(b"\x89PNG\r\n\x1a\n")
    Path("program").write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100))
    Path("damaged.gz").write_bytes(gzip.compress(b"text\n" * 1000)[:-20])
    Path("names.csv").write_text("a,b\n1,2\n")
    Path("semi.csv").write_text("id;text\n1;2\n")
    Path("wide.csv").write_bytes(b"text\n1,2\n")
    Path("null.jsonl").write_text('{"text": null}\n')
    before = sorted(Path().iterdir())
    assert main(["encode", "--input", *names, "--output", "v.npy"]) == 1
    assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) in (
        before,
        sorted([*before, Path("v.npy.partial"), Path("v.npy.partial.json")]),
    )


def test_policies_are_counted(tmp_path: Path, encoded: Run, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n{"text": null}\n{"text": "b"}\nbroken\n{"text": 7}\n')
    options = ["--input", path, "--errors", "skip", "--on-missing"]
    assert [record["text"] for record in encoded(*options, "skip")] == ["a", "b"]
    told = "3 records skipped as unreadable, 1 record skipped because the text is missing"
    assert capsys.readouterr().err == f"m2v-lite: {told}\n"
    assert [record["text"] for record in encoded(*options, "empty")] == ["a", None, "b"]
    assert "1 record with a missing text read as empty" in capsys.readouterr().err
    path.write_bytes(b'{"text": "caf\xe9"}\n')
    assert encoded("--input", path, "--errors", "replace")[0]["text"] == "caf\ufffd"
    assert capsys.readouterr().err == "m2v-lite: 1 record with bad bytes replaced\n"
    assert encoded("--input", path, "--encoding", "latin-1")[0]["text"] == "café"


def test_an_encoding_is_told_by_its_mark(tmp_path: Path, encoded: Run) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "in.txt").write_bytes("été\r\n日本\r\n".encode(encoding))
        assert [record["text"] for record in encoded("--input", tmp_path / "in.txt")] == ["été", "日本"]


def test_vectors_as_base64(tmp_path: Path, encoded: Run, bundled: StaticModel) -> None:
    (record,) = encoded("a cat", "--vectors", "base64", "--precision", "int8")
    codes = np.frombuffer(base64.b64decode(record["embedding"]), np.int8)
    np.testing.assert_array_equal(codes, bundled.encode("a cat", truncate_dim=4, precision="int8"))
    (record,) = encoded("a cat", "--vectors", "base64")
    vector = np.frombuffer(base64.b64decode(record["embedding"]), "<f4")
    np.testing.assert_array_equal(vector, StaticModel.from_pretrained(dimensionality=4).encode("a cat"))


@pytest.mark.parametrize("name", ["v.npy", "v.jsonl"])
def test_workers_write_the_same_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "".join(f"{text} {number}\n" for number in range(4000) for text in TEXTS)
    (tmp_path / "in").write_text(lines, encoding="utf-8")
    command = [sys.executable, "-m", "m2v_lite", "encode", "--dim", "8", "--input", str(tmp_path / "in")]
    contents = []
    for workers in ("1", "2", "auto"):
        output = tmp_path / f"{workers}-{name}"
        subprocess.run([*command, "--workers", workers, "--output", output], check=True, timeout=LONGEST)
        contents.append(output.read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_workers_start_once_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2v_lite.encoding.worker_pool.pays_from", lambda: 10)
    batches = iter([["four", "five"], ["more"], ["the", "rest"]])
    assert list(encode_job._until_workers_pay(batches)) == [["four", "five"], ["more"]]
    assert list(batches) == [["the", "rest"]]


def test_a_failure_with_workers_keeps_what_came_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").write_bytes(b"line\n" * 10_000 + b"\xff\n")
    options = ["encode", "--dim", "2", "--input", str(tmp_path / "in"), "--output", str(tmp_path / "v.npy")]
    assert main([*options, "--workers", "2"]) == 1
    assert "holds the vectors of 10,000 texts" in capsys.readouterr().err
    assert main([*options, "--resume", "--errors", "skip"]) == 0
    assert np.load(tmp_path / "v.npy").shape == (10_000, 2)


@pytest.mark.parametrize(
    ("package", "name", "content"),
    [("pyarrow", "in.parquet", b"PAR1"), ("zstandard", "in.zst", b"\x28\xb5\x2f\xfd\0")],
)
def test_the_missing_package_is_named(
    package: str, name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoded: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if package == "zstandard" and sys.version_info >= (3, 14):
        pytest.skip("Python has it")
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / name).write_bytes(content)
    encoded("--input", tmp_path / name, status=1)
    assert "pip install 'm2v-lite[files]'" in capsys.readouterr().err
    if package == "pyarrow":
        assert main(["encode", "a", "--output", str(tmp_path / "v.parquet")]) == 1
        assert "pip install 'm2v-lite[files]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("v.npy", b"notes"),
        ("v.jsonl", b'{"text": "mine"}\n'),
        ("v.jsonl", b"notes\n"),
        ("v.parquet", b"notes"),
        ("v.arrow", b"PAR1"),
    ],
)
def test_other_files_are_not_replaced(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["encode", "a", "--output", str(path)]) == 1
    assert "this is not a file of vectors, so it is not replaced" in capsys.readouterr().err
    assert path.read_bytes() == content
    if path.suffix in (".npy", ".jsonl"):
        assert main(["encode", "a", "--output", str(path), "--force"]) == 0
        assert main(["encode", "b", "--output", str(path)]) == 0
    path.write_bytes(b"")
    if path.suffix in (".npy", ".jsonl"):
        assert main(["encode", "b", "--output", str(path)]) == 0
