"""The command line, as a person uses it: real processes, files and pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS
from time_limit import LONGEST, started, wait_for
from tiny_models import TinyModel, random_table, vocabulary_size, wordpiece

from m2v_lite import StaticModel, __version__
from m2v_lite.commands.main import main
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.files.safetensors import write_safetensors

LINES = [text for text in SAMPLE_TEXTS if len((text + ".").splitlines()) == 1 and "\x1c" not in text]


def run(*arguments: str | Path, stdin: bytes = b"", status: int = 0) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "m2v_lite", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=LONGEST)
    assert done.returncode == status, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return done


def json_lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def test_texts_on_the_command_line(bundled: StaticModel) -> None:
    records = json_lines(run("encode", "the cat", "le café").stdout)
    assert [record["text"] for record in records] == ["the cat", "le café"]
    vectors = np.array([record["embedding"] for record in records], np.float32)
    np.testing.assert_array_equal(vectors, bundled.encode(["the cat", "le café"]))


def test_how_many_texts_were_cut() -> None:
    lines = ["a", "a b", "a b c", "", "x" * 1000]
    told = b"m2v-lite: %d of 5 texts were cut at %d tokens; to embed them in full, give --max-length none"
    for limit, cut in ((2, 2), (1, 3)):
        done = run("encode", "--max-length", str(limit), stdin="\n".join(lines).encode())
        assert done.stderr.splitlines() == [told % (cut, limit)]
        assert len(done.stdout.splitlines()) == len(lines)
    for arguments in (["--max-length", "none"], []):
        assert run("encode", *arguments, stdin="\n".join(lines).encode()).stderr == b""
    long = " ".join(["word"] * 513)
    assert (told % (1, 512)).replace(b"5 texts", b"2 texts") in run("encode", long, long[5:]).stderr


def test_lines_of_standard_input(bundled: StaticModel) -> None:
    done = run("encode", stdin=b"\xef\xbb\xbfthe cat\r\n\nsat\xe2\x80\xa8on\nlast")
    records = json_lines(done.stdout)
    assert [record["text"] for record in records] == ["the cat", "", "sat\u2028on", "last"]
    assert not any(records[1]["embedding"])
    assert json_lines(run("encode", "--input", "-", stdin=b"last").stdout) == records[-1:]


def test_a_file_to_an_array(tmp_path: Path, bundled: StaticModel) -> None:
    (tmp_path / "texts.txt").write_bytes("\n".join(LINES).encode())
    run("encode", "--input", tmp_path / "texts.txt", "--output", tmp_path / "v.npy")
    vectors = np.load(tmp_path / "v.npy")
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, bundled.encode(LINES))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["texts.txt", "v.npy"]


@pytest.mark.parametrize("precision", ["float32", "int8", "uint8", "binary", "ubinary"])
def test_precision(precision: str, tmp_path: Path, bundled: StaticModel) -> None:
    (tmp_path / "texts.txt").write_bytes("\n".join(LINES).encode())
    expected = bundled.encode(LINES, precision=precision, truncate_dim=100)
    options: list[str | Path] = [
        "encode",
        "--input",
        tmp_path / "texts.txt",
        "--precision",
        precision,
        "--dim",
        "100",
    ]
    run(*options, "--output", tmp_path / "v.npy")
    vectors = np.load(tmp_path / "v.npy")
    assert vectors.dtype == expected.dtype
    np.testing.assert_array_equal(vectors, expected)
    numbers = [record["embedding"] for record in json_lines(run(*options).stdout)]
    np.testing.assert_array_equal(np.array(numbers, expected.dtype), expected)
    if precision.endswith("int8"):
        done = run(*options, "--no-normalize", status=1)
        assert "give normalize=True (on the command line, --normalize)" in done.stderr.decode()


def test_many_batches(tmp_path: Path, bundled: StaticModel) -> None:
    lines = [f"line {number} of a long file" for number in range(5000)]
    (tmp_path / "texts.txt").write_text("\n".join(lines) + "\n")
    run("encode", "--input", tmp_path / "texts.txt", "--output", tmp_path / "v.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), bundled.encode(lines))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    run("encode", "--input", tmp_path / "empty", "--output", tmp_path / "v.npy")
    assert np.load(tmp_path / "v.npy").shape == (0, 256)
    run("encode", "--input", tmp_path / "empty", "--output", tmp_path / "v.jsonl")
    assert (tmp_path / "v.jsonl").read_bytes() == b""


def test_json_lines_keep_their_fields(tmp_path: Path, bundled: StaticModel) -> None:
    records = [{"id": 1, "body": "the cat"}, {"id": 2, "body": "sät", "tags": ["\ud800"]}]
    lines = [json.dumps(record) for record in records]
    (tmp_path / "d.jsonl").write_text("\n \n".join(lines) + "  \r\n")
    done = run("encode", "--input", tmp_path / "d.jsonl", "--field", "body", "--output", tmp_path / "v.jsonl")
    assert done.stdout == b""
    encoded = json_lines((tmp_path / "v.jsonl").read_bytes())
    vectors = np.array([record.pop("embedding") for record in encoded], np.float32)
    assert encoded == records
    np.testing.assert_array_equal(vectors, bundled.encode(["the cat", "sät"]))


@pytest.mark.parametrize("name", ["wordpiece-float16", "wordpiece-float64", "wordpiece-int8"])
def test_numbers_survive_json(name: str, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny(name))
    done = run("encode", "--model", tiny(name), "--no-normalize", "the kettle, raining")
    numbers = json_lines(done.stdout)[0]["embedding"]
    expected = model.encode("the kettle, raining", normalize=False)
    np.testing.assert_array_equal(np.array(numbers, expected.dtype), expected)


def test_options(bundled: StaticModel) -> None:
    text = "the cat sat on the mat"
    cases: list[tuple[list[str], dict[str, Any]]] = [
        (["--no-normalize"], {"normalize": False}),
        (["--normalize"], {"normalize": True}),
        (["--max-length", "2"], {"max_length": 2}),
        (["--max-length", "none"], {"max_length": None}),
    ]
    for arguments, options in cases:
        record = json_lines(run("encode", *arguments, text).stdout)[0]
        vector = np.array(record["embedding"], np.float32)
        np.testing.assert_array_equal(vector, bundled.encode(text, **options))
    assert len(json_lines(run("encode", "--dim", "8", text).stdout)[0]["embedding"]) == 8


def test_progress(tmp_path: Path) -> None:
    options: list[str | Path] = ["encode", "--progress", "--output", tmp_path / "v.npy"]
    assert b"2 texts" in run(*options, stdin=b"a\nb\n").stderr
    (tmp_path / "texts").write_bytes(b"a\nbc\n")
    told = run(*options, "--input", tmp_path / "texts").stderr
    assert b"5.00/5.00" in told
    assert b"2 texts" in told
    assert run(*options, "--quiet", stdin=b"a\n", status=2).stdout == b""
    assert run("encode", "--output", tmp_path / "v.npy", stdin=b"a\n").stderr == b""


def test_similarity() -> None:
    output = run("similarity", "a cat", "a\nkitten", "x" * 100).stdout.decode()
    heading, *rows = output.splitlines()
    assert heading.split() == ["1", "2", "3"]
    assert rows[0].startswith("  1  a cat ")
    assert rows[1].startswith("  2  a kitten ")
    assert "x" * 39 + "…" in rows[2]
    matrix = np.array([row.split()[-3:] for row in rows], float)
    np.testing.assert_array_equal(np.diag(matrix), 1)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix[0, 1] > 0.5 > matrix[0, 2]


def test_info() -> None:
    output = run("info").stdout.decode()
    for fact in (
        "29,528 rows x 256 columns",
        "int8",
        "WordPiece, 29,528 tokens",
        "512 tokens",
        "mit",
        "length 1",
    ):
        assert fact in output


def test_info_of_a_folder(tiny: Callable[[str], Path]) -> None:
    folder = tiny("unigram-int8-shared-weights")
    output = run("info", folder).stdout.decode()
    for fact in ("32 rows x 24 columns", "Unigram", "float64", "mapping in int64", "not stated", str(folder)):
        assert fact in output
    assert run("info", "--model", folder).stdout.decode() == output
    assert "no limit" in run("info", tiny("wordpiece-no-limit")).stdout.decode()


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("wordpiece-float32", "in numpy, prepared at loading"),
        ("xlmr-joined-int8", "in numpy, prepared at loading"),
        ("bpe", "by the tokenizers library, whole texts, because its model is BPE"),
        (
            "bpe-words",
            "by the tokenizers library, each chunk between white space once, because its model is BPE",
        ),
        ("unigram-nested", "because its first normalizer is NFKC, not Precompiled"),
    ],
)
def test_info_tells_how_texts_are_tokenized(
    name: str, route: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    assert f"{route}\n" in run("info", tiny(name)).stdout.decode()
    packed = tmp_path / "packed.safetensors"
    run("pack", tiny(name), packed)
    expected = f"in numpy, mapped from {packed}" if "prepared" in route else route
    assert f"{expected}\n" in run("info", packed).stdout.decode()


def test_a_folder_without_a_config(tmp_path: Path) -> None:
    folder = TinyModel(layout=1).build(tmp_path / "model")
    (folder / "config_sentence_transformers.json").unlink()
    sizes = [(folder / name).stat().st_size for name in ("model.safetensors", "tokenizer.json")]
    done = run("info", folder)
    output = done.stdout.decode()
    assert "model2vec, without its config" in output
    assert f"{sum(sizes):,} bytes (table {sizes[0]:,}, tokenizer {sizes[1]:,})" in output
    packed = tmp_path / "packed.safetensors"
    for process in (done, run("pack", folder, packed, "--dtype", "float16")):  # pack loads it twice
        assert process.stderr.decode().count("there is no config.json") == 1
    assert run("info", packed).stderr == b""
    assert run("encode", "--model", folder, "--normalize", "cat").stderr.count(b"max_length=512") == 1


def test_what_comes_from_outside_commands_no_terminal(tmp_path: Path) -> None:
    """Model cards, names of folders and tensors, and settings, in output and in errors."""
    escape = "\x1b]0;owned\x07"
    folder = TinyModel().build(tmp_path / f"model{escape}")
    (folder / "README.md").write_text(f"---\nlicense: mit{escape}\nlanguage: [en{escape}]\n---\n")
    done = run("info", folder)
    assert "mit\\x1b]0;owned\\x07" in done.stdout.decode()
    packed = tmp_path / f"{escape}.safetensors"
    outputs = [done.stdout, run("pack", folder, packed).stdout, run("info", packed).stdout]
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, {f"odd{escape}": np.zeros(3, np.float32)})
    for command in (["info", folder], ["encode", "a", "--model", folder], ["info", f"no{escape}"]):
        failed = run(*command, status=1)
        assert b"\\x1b" in failed.stderr
        outputs += [failed.stdout, failed.stderr]
    assert not any(control in output for output in outputs for control in (b"\x1b", b"\x07"))


def test_an_error_without_standard_error_is_not_output() -> None:
    command = f"{sys.executable} -m m2v_lite info no/such/folder 2>&-"
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, timeout=LONGEST)
    assert (done.returncode, done.stdout) == (1, b"")


def test_help_and_version() -> None:
    assert run("--version").stdout.decode() == f"m2v-lite {__version__}\n"
    overview = run("--help").stdout.decode()
    for word in ("encode", "similarity", "info", "examples:", "notes.txt"):
        assert word in overview
    for command in ("encode", "similarity", "info"):
        assert "--model" in run(command, "--help").stdout.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["nope"], "invalid choice"),
        (["encode", "--output", "v.txt", "a"], "must end in .npy, .jsonl"),
        (["encode", "a", "--input", "b"], "not both"),
        (["encode", "--dim", "0", "a"], "'0' is not a whole number of at least 1"),
        (["encode", "--dim", "x", "a"], "'x' is not a whole number"),
        (["encode", "--max-length", "many", "a"], "'many' is not a whole number"),
        (["encode", "--encoding", "utf-9", "a"], "there is no encoding 'utf-9'"),
        (["encode", "--delimiter", "ab", "a"], "'ab' cannot be a delimiter; give one character"),
        (["encode", "--workers", "0", "a"], "'0' is not a whole number of at least 1"),
        (["encode", "--resume", "a"], "also give --output FILE"),
        (["encode", "--vectors", "base64", "--output", "v.npy", "a"], "--vectors base64 is for JSON"),
        (["encode", "--source", "--output", "v.npy", "a"], "--source needs columns"),
        (["encode", "--max-length", "-3", "a"], "not a whole number"),
        (["encode", "--unknown", "a"], "unrecognized"),
        (["similarity", "one"], "two texts or more"),
        (["info", "a", "--model", "b"], "give only one model"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    done = run(*arguments, status=2)
    assert message in done.stderr.decode()
    assert done.stdout == b""


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["encode", "a", "--model", "/no/such/model"], b"", "/no/such/model'?: no such folder"),
        (["encode", "--input", "missing.txt"], b"", "missing.txt: No such file or directory"),
        (["encode", "--output", "no/such/folder/v.npy"], b"a", "create it first"),
        (["encode", "--dim", "300", "a"], b"", "the model has 256 columns"),
        (["encode"], b"fine\n\xff\xfe\n", r"standard input, line 2 \(byte 5\): not UTF-8: the byte 0xFF"),
        (["encode", "--field", "t"], b'{"t": "a"}\nnope', "standard input, line 2 .*: not JSON"),
        (["encode", "--field", "t"], b'["a"]', "line 1 .*: not a JSON object"),
        (
            ["encode", "--field", "t"],
            b'{"u": "a", "n": 1}',
            "field 't' is missing or null; .* with texts: u; to go on, give --on-missing",
        ),
        (["encode", "--field", "t"], b'{"t": null}', "field 't' is missing"),
        (
            ["encode", "--field", "t"],
            b'{"t": "a", "embedding": 1}',
            "line 1 .*already has a field 'embedding'",
        ),
        (
            ["encode", "--field", "t"],
            b'{"t": "a"}\n{"t": "\\ud800"}',
            "standard input, line 2 .* lone surrogate",
        ),
        (["encode", "a", "\udcff"], b"", "text 2: not UTF-8: the byte 0xFF"),
        (["info", ""], b"", "no such folder"),
        (["info", "."], b"", "not a complete model folder"),
    ],
)
def test_failures(
    arguments: list[str], stdin: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, stdin=stdin, status=1)
    error = done.stderr.decode().strip()
    assert error.startswith("m2v-lite: ")
    assert re.search(message, error), error
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_old_file(tmp_path: Path) -> None:
    run("encode", "--output", tmp_path / "v.npy", "old")
    old = (tmp_path / "v.npy").read_bytes()
    run("encode", "--output", tmp_path / "v.npy", stdin=b"\xff", status=1)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("v.npy", old)]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_run_leaves_what_it_has_written(name: str, tmp_path: Path) -> None:
    """It is interrupted when it has written a batch and wants more.

    Not earlier, while it imports modules: there Python may lose the exception of a signal, or end by itself
    as the signal would end it (https://github.com/python/cpython/blob/3.11/Lib/importlib/_bootstrap.py, in
    the callback of a module's lock).
    """
    number = signal.Signals[name]
    command = [sys.executable, "-m", "m2v_lite", "encode", "--output", str(tmp_path / "v.npy")]
    with started(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where the tests themselves run with SIGINT ignored, the command would ignore it, too.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"some text\n" * (BATCH_TEXTS + 1000))
        process.stdin.flush()
        size = 128 + (BATCH_TEXTS + 1000) * 1024
        partial = tmp_path / "v.npy.partial"
        wait_for(lambda: partial.exists() and partial.stat().st_size == size, process)
        process.stdin.write(b"half a line")
        process.stdin.flush()
        process.send_signal(number)
        _, errors = process.communicate(timeout=LONGEST)
        assert process.returncode == 128 + number
        told = f"{partial} holds the vectors of 5,096 texts; to continue, repeat the command with --resume"
        assert errors.decode() == f"m2v-lite: {told}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.npy.partial", "v.npy.partial.json"]
    command.append("--resume")
    subprocess.run(command, input=b"some text\n" * (BATCH_TEXTS + 1001), check=True, timeout=LONGEST)
    assert np.load(tmp_path / "v.npy").shape == (BATCH_TEXTS + 1001, 256)
    assert [path.name for path in tmp_path.iterdir()] == ["v.npy"]


def test_a_reader_that_goes_away() -> None:
    command = f"yes some text | head -20000 | {sys.executable} -m m2v_lite encode | head -1 | cut -c1-20"
    command += "; echo ${PIPESTATUS[2]}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=LONGEST)
    assert done.stdout == b'{"text": "some text"\n1\n'
    assert done.stderr == b""


def test_devices_and_links_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    done = run("encode", "--output", tmp_path / "folder.npy", "a", status=1)
    assert b"this is a folder, not a file" in done.stderr
    (tmp_path / "link.npy").symlink_to(tmp_path / "target.npy")
    run("encode", "--output", tmp_path / "link.npy", "a")
    assert (tmp_path / "link.npy").is_symlink()
    assert np.load(tmp_path / "target.npy").shape == (1, 256)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc of Linux")
def test_input_is_streamed(tmp_path: Path) -> None:
    """Forty times the texts must not take more memory."""
    # Not ru_maxrss, which begins with what the parent has.
    program = """
import re, sys
from m2v_lite.commands.main import main
assert main(["encode", "--input", sys.argv[1], "--output", sys.argv[2], "--dim", "2"]) == 0
print(re.search("VmHWM:[^0-9]*([0-9]+) kB", open("/proc/self/status").read())[1])
"""
    peaks = []
    for lines in (5_000, 200_000):
        (tmp_path / "texts").write_text("a line of text that is some hundred characters long " * 2 + "\n")
        (tmp_path / "texts").write_bytes((tmp_path / "texts").read_bytes() * lines)
        command = [sys.executable, "-c", program, str(tmp_path / "texts"), str(tmp_path / "v.npy")]
        done = subprocess.run(command, capture_output=True, check=True, timeout=LONGEST)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 8_000  # kilobytes; the larger file has 21,000


def test_main_can_be_called_from_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["similarity", "a", "b"]) == 0
    assert main(["info", "/no/such/model"]) == 1
    assert "no such folder" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["similarity", "a"])


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As under `nohup`: a hang-up does not end the run."""
    command = [sys.executable, "-m", "m2v_lite", "encode", "--output", str(tmp_path / "v.npy")]
    ignored = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    with started(command, stdin=subprocess.PIPE, preexec_fn=ignored) as process:
        wait_for(lambda: any(tmp_path.iterdir()), process)
        process.send_signal(signal.SIGHUP)
        process.communicate(b"a text\n", timeout=LONGEST)
        assert process.returncode == 0
    assert np.load(tmp_path / "v.npy").shape == (1, 256)


def test_signal_handlers_and_warnings_are_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM), warnings.showwarning
    assert main(["info"]) == 0
    assert (signal.getsignal(signal.SIGTERM), warnings.showwarning) == before
    capsys.readouterr()


@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [
        ("encode <&-", 1, "standard input is closed"),
        ("encode hi >&-", 1, "standard output is closed"),
        ("info >&-", 0, ""),
        ("similarity a b >&-", 0, ""),
    ],
)
def test_closed_streams(redirection: str, status: int, message: str) -> None:
    command = f"{sys.executable} -m m2v_lite {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=LONGEST)
    assert done.returncode == status
    assert message in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8:strict"])
def test_a_terminal_of_another_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    run("similarity", "été", "日本", "x" * 60)
    run("info", "/no/such/\udcff", status=1)


def test_similarity_shows_texts_safely_and_in_line() -> None:
    rows = run("similarity", "a\x1b[31mred", "你好世界", "plain").stdout.decode().splitlines()[1:]
    assert "\x1b" not in rows[0]
    assert rows[1].index("0.") + 4 == rows[2].index("0.")  # four characters of two columns each
    assert len(rows) == 3


def test_similarity_takes_sizes(bundled: StaticModel) -> None:
    output = run("similarity", "--dim", "2", "--max-length", "1", "cat mat", "kettle hat").stdout.decode()
    part = StaticModel.from_pretrained(dimensionality=2)
    one, other = part.encode(["cat mat", "kettle hat"], max_length=1)
    assert output.splitlines()[1].split()[-1] == f"{one @ other:.3f}"


def test_similarity_of_float16(tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float16"))
    one, other = model.encode(["the cat", "hello world"]).astype(np.float32)
    output = run("similarity", "--model", tiny("wordpiece-float16"), "the cat", "hello world").stdout.decode()
    assert output.splitlines()[1].split()[-1] == f"{one @ other:.3f}"


@pytest.mark.parametrize("name", ["wordpiece-float16", "wordpiece-float64"])
def test_arrays_of_other_dtypes(name: str, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    run("encode", "--model", tiny(name), "--output", tmp_path / "v.npy", "the cat", "sat")
    vectors = np.load(tmp_path / "v.npy")
    expected = StaticModel.from_pretrained(tiny(name)).encode(["the cat", "sat"])
    assert vectors.dtype == expected.dtype
    np.testing.assert_array_equal(vectors, expected)


def test_the_size_on_disk(tiny: Callable[[str], Path]) -> None:
    size = sum(path.stat().st_size for path in tiny("wordpiece-int8").iterdir())
    assert f"{size:,} bytes" in run("info", tiny("wordpiece-int8")).stdout.decode()


def test_numbers_that_json_has_no_name_for(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    TinyModel().build(tmp_path)
    table = random_table(vocabulary_size(wordpiece()), 4, "float32")
    table[:, 0], table[:, 1] = np.nan, np.inf
    with (tmp_path / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": table})
    record = json_lines(run("encode", "--model", tmp_path, "--no-normalize", "the cat").stdout)[0]
    assert record["embedding"][:2] == [None, None]
    assert None not in record["embedding"][2:]


def test_the_name_of_a_file_given_as_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_bytes(b"milk\n")
    done = run("encode", "notes.txt", "milk")
    assert len(done.stdout.splitlines()) == 2
    told = b"m2v-lite: 'notes.txt' is taken as a text; to read the file, give --input notes.txt\n"
    assert done.stderr == told
