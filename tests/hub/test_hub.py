"""Models by name, with the real client and a hub of our own: downloads, the cache, what goes wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hub_server import (
    Answer,
    Fault,
    Hub,
    cut_after,
    instead,
    invalid_credentials,
    reset,
    sha256,
    stall_after,
    status,
)
from time_limit import LONGEST, started, wait_for
from tiny_models import TinyModel, wordpiece

from m2v_lite import (
    DownloadError,
    InputValueError,
    InvalidModelError,
    M2VLiteError,
    MissingPackageError,
    ModelNotFoundError,
    StaticModel,
)
from m2v_lite.commands.main import main
from m2v_lite.files.blob_names import blob_name
from m2v_lite.hub import download
from m2v_lite.hub.cache import Asked
from m2v_lite.hub.fetching import is_repository_id
from m2v_lite.hub.known_models import HEADINGS, known_rows

NAME = "owner/name"
TEXTS = ["the cat sat", "on a mat", ""]
LAYOUTS = ["wordpiece-float32", "wordlevel-sentence-transformers", "unigram-nested"]

# For a process of its own: nothing is waited for before a further attempt.
NO_PAUSES = "import time\ntime.sleep = lambda seconds: None\n"
SMALL_PARTS = "import huggingface_hub.constants\nhuggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 1000\n"
NOT_IN_THE_CACHE = "the model is not in the cache .*, and local_files_only is set"
FIRST_VECTOR = """
import json, os, sys
written = []
def watch(event, arguments):
    # Python's own cache of compiled code is not what this is about.
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(arguments[0]))
    if event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.utime", "os.chmod"):
        written.append(f"{event} {arguments[0]}")
    if event in ("socket.connect", "socket.getaddrinfo"):
        written.append(event)
sys.addaudithook(watch)
from m2v_lite import StaticModel
vector = StaticModel.from_pretrained(sys.argv[1], **json.loads(sys.argv[2])).encode("the cat sat")
print(json.dumps({"vector": vector.tolist(), "written": written, "modules": [*sys.modules]}))
"""


class Impatient:
    """The module `time`, but that `sleep` does not wait: the client's attempts come at once, and as many."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        pass


@pytest.fixture
def hub(hub_server: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    for module in ("utils._http", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time", Impatient())
    hub_server.clear()
    yield hub_server
    hub_server.clear()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty hub's cache; nothing is kept beside it."""
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    return tmp_path / "cache"


@pytest.fixture
def files(tiny: Callable[[str], Path]) -> dict[str, bytes]:
    return files_of(tiny("wordpiece-float32"))


@pytest.fixture
def others(tmp_path: Path) -> dict[str, bytes]:
    """The files of another model with the same vocabulary."""
    TinyModel(wordpiece(), dtype="float16").build(tmp_path / "other")
    return files_of(tmp_path / "other")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client write a file by the kilobyte, so that a part of a small one is kept."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def load(cache: Path, name: str = NAME, **options: Any) -> StaticModel:
    return StaticModel.from_pretrained(name, cache_dir=cache, **options)


def snapshot_of(cache: Path, name: str = NAME) -> Path:
    (snapshot,) = (cache / f"models--{name.replace('/', '--')}" / "snapshots").iterdir()
    return snapshot


def assert_same(model: StaticModel, files: dict[str, bytes], tmp_path: Path) -> None:
    """Assert that a model is that of these files."""
    for name, content in files.items():
        (tmp_path / "expected" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "expected" / name).write_bytes(content)
    expected = StaticModel.from_pretrained(tmp_path / "expected").encode(TEXTS)
    np.testing.assert_array_equal(model.encode(TEXTS), expected)
    shutil.rmtree(tmp_path / "expected")


def in_a_process(
    environment: dict[str, str], program: str = FIRST_VECTOR, **options: Any
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, NAME, json.dumps(options)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )


# What is downloaded


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_the_files_that_are_needed(
    layout: str, hub: Hub, cache: Path, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    needed = {
        **files_of(tiny(layout)),
        "README.md": b"---\nlicense: mit\n---\n",
        "modules.json": b"[]",
    }
    others = {
        "pytorch_model.bin": b"x" * 9999,
        "onnx/model.onnx": b"y",
        ".gitattributes": b"",
    }
    if layout == LAYOUTS[0]:  # a folder of another layout in the same repository
        others["0_StaticEmbedding/model.safetensors"] = b"z" * 99
    hub.add(NAME, {**others, **needed})
    model = load(cache)
    assert_same(model, needed, tmp_path)
    assert model.license == "mit"
    assert set(files_of(snapshot_of(cache))) == set(needed)
    assert not any(sha256(content) in "".join(hub.requests) for name, content in others.items())


@pytest.mark.parametrize("subfolder", ["small", "small/", "models/a b [1]", "0_StaticEmbedding"])
def test_a_subfolder(
    subfolder: str,
    hub: Hub,
    cache: Path,
    tmp_path: Path,
    tiny: Callable[[str], Path],
    files: dict[str, bytes],
) -> None:
    if subfolder == "0_StaticEmbedding":
        needed = files_of(tiny("unigram-nested"))
        hub.add(NAME, needed)
    else:
        needed = files
        hub.add(NAME, {f"{subfolder.rstrip('/')}/{name}": content for name, content in files.items()})
    assert_same(load(cache, subfolder=subfolder), needed, tmp_path)
    hub.requests.clear()
    assert_same(load(cache, subfolder=subfolder), needed, tmp_path)
    assert not hub.requests


def test_branches_tags_and_commits(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    repository = hub.add(NAME, files, "main", "v1")
    newer = repository.commit(others, "dev", "refs/pr/1")
    for revision, expected in {
        None: files,
        "v1": files,
        "dev": others,
        "refs/pr/1": others,
        newer: others,
    }.items():
        assert_same(load(cache, revision=revision), expected, tmp_path)
    hub.requests.clear()
    for revision, expected in {newer: others, "dev": others, "main": files, "v1": files}.items():
        assert_same(load(cache, revision=revision), expected, tmp_path)
    assert not hub.requests


def test_the_snapshot_is_the_one_that_the_branch_names(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    """Not the newest by date: another program may have taken an older commit later."""
    repository = hub.add(NAME, others)
    older = repository.commit(files, "old")
    load(cache)
    load(cache, revision=older)
    for path in (cache / "models--owner--name" / "snapshots" / older).iterdir():
        os.utime(path)
    assert_same(load(cache), others, tmp_path)


def test_force_download_asks_the_hub(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    repository = hub.add(NAME, files)
    load(cache)
    repository.commit(others)
    assert_same(load(cache), files, tmp_path)
    assert_same(load(cache, force_download=True), others, tmp_path)
    assert_same(load(cache), others, tmp_path)
    hub.requests.clear()
    load(cache, force_download=True)
    assert f"GET /store/{sha256(others['model.safetensors'])}" in hub.requests  # also what has not changed


# The cache first


def test_a_cached_model_sends_and_writes_nothing(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, {**files, "README.md": b""})
    expected = load(cache).encode("the cat sat")
    hub.requests.clear()
    for options in ({}, {"revision": "main"}, {"local_files_only": True}):
        done = in_a_process({"HF_HUB_CACHE": str(cache)}, **options)
        answer = json.loads(done.stdout)
        np.testing.assert_array_equal(np.array(answer["vector"], np.float32), expected)
        assert answer["written"] == []
        assert [name for name in answer["modules"] if name.startswith("huggingface_hub")] == [
            "huggingface_hub", "huggingface_hub.constants",
        ]  # fmt: skip
    assert not hub.requests


def test_the_control_of_that(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    answer = json.loads(in_a_process({"HF_HUB_CACHE": str(cache)}).stdout)
    assert any(str(cache) in written for written in answer["written"])
    assert "socket.connect" in answer["written"]
    assert "huggingface_hub.file_download" in answer["modules"]
    assert hub.requests


@pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")
def test_a_read_only_cache_and_home(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    load(cache)
    hub.requests.clear()
    folders = [cache, *(path for path in cache.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = in_a_process({"HF_HUB_CACHE": str(cache), "HOME": os.devnull, "HF_HOME": ""})
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert json.loads(done.stdout)["written"] == []
    assert not hub.requests


@pytest.mark.parametrize(
    ("variable", "inside"), [("HF_HOME", "hub"), ("HF_HUB_CACHE", ""), ("XDG_CACHE_HOME", "huggingface/hub")]
)
def test_where_the_cache_is(
    variable: str,
    inside: str,
    hub: Hub,
    tmp_path: Path,
    files: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.add(NAME, files)
    monkeypatch.delenv("HF_HOME")
    done = in_a_process({variable: str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert set(files_of(snapshot_of(tmp_path / inside))) == set(files)


def test_local_files_only_asks_nobody(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    with pytest.raises(
        DownloadError, match=r"owner/name: .*is not in the cache .*local_files_only.*m2v-lite download"
    ):
        load(cache, local_files_only=True)
    with pytest.raises(InputValueError, match="contradict"):
        load(cache, local_files_only=True, force_download=True)
    assert not hub.requests
    assert not cache.exists()


@pytest.mark.parametrize("options", [{}, {"force_download": True}, {"revision": "v2"}])
def test_offline_asks_nobody(options: dict[str, Any], hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files, "main", "v2")
    done = in_a_process({"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}, **options)
    message = done.stderr.splitlines()[-1]
    assert re.search(
        r"DownloadError: owner/name.*is not in the cache .*HF_HUB_OFFLINE is set.*--output FOLDER", message
    )
    assert not hub.requests


def test_a_folder_goes_before_the_hub(
    hub: Hub, cache: Path, tmp_path: Path, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "name").symlink_to(tiny("wordpiece-int8"))
    monkeypatch.chdir(tmp_path)
    assert load(cache).embedding_dtype == "int8"
    assert not hub.requests


# Integrity


@pytest.mark.parametrize("request_", ["GET /api/models", "HEAD ", "GET /store", "resolve"])
def test_a_hub_that_is_busy_twice(
    request_: str, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    hub.fail(request_, status(500), 2)
    assert_same(load(cache), files, tmp_path)
    assert not hub.faults


def test_a_hub_that_stays_busy(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.fail("/api/models", status(503), 99)
    with pytest.raises(DownloadError, match="answers 503") as caught:
        load(cache)
    assert caught.value.__cause__ is not None
    assert len(hub.requests) < 12


def test_a_connection_that_is_cut_once(
    small_parts: None, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    hub.fail("GET /store", after_the_header(cut_after(3000)))
    assert_same(load(cache), files, tmp_path)
    assert any("bytes=3000-" in line for line in hub.requests)  # resumed


def test_a_connection_that_is_cut_always(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    hub.fail("GET /store", after_the_header(cut_after(1000)))
    hub.fail("GET /store", cut_after(0), 99)
    with pytest.raises(DownloadError, match=r"owner/name: .*the download failed \(.*Try again"):
        load(cache)
    with pytest.raises(DownloadError, match=NOT_IN_THE_CACHE):
        load(cache, local_files_only=True)
    hub.faults.clear()
    assert_same(load(cache), files, tmp_path)


def after_the_header(fault: Fault) -> Fault:
    """Let the short request for the table's header pass, and put the fault off to the next."""

    def put_off(answer: Answer) -> bool:
        if "bytes=0-" in (answer.headers["Range"] or ""):
            answer.hub.fail("GET /store", put_off)
            return False
        return fault(answer)

    return put_off


@pytest.mark.parametrize("wrong", [b"x" * 500, b"", b"x" * 99_999], ids=["short", "empty", "long"])
def test_a_wrong_length(wrong: bytes, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.fail("GET /store", after_the_header(instead(wrong)))
    assert_same(load(cache), files, tmp_path)


@pytest.mark.parametrize(
    ("error", "forced"),
    [(OSError("Consistency check failed: file should be of size 5 but has size 9"), True), (ConnectionResetError(), False)],
)  # fmt: skip
def test_what_is_too_long_is_downloaded_from_the_start(
    error: OSError, forced: bool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older versions of huggingface_hub go on after the end of what they have; others need not be told."""
    attempts: list[bool] = []

    def attempt(api: object, asked: object, cache: str, force: bool, needs: str | None) -> str:
        attempts.append(force)
        if len(attempts) == 1:
            raise error
        return "folder"

    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(download, "_download", attempt)
    assert download.download_model(Asked(NAME), None, str(cache), False, "") == "folder"
    assert attempts == [False, forced]


def test_a_wrong_checksum_once(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.fail("GET /store", after_the_header(instead(damaged(files["model.safetensors"]))))
    assert_same(load(cache), files, tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_wrong_checksum_always(
    name: str, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    wrong = damaged(files[name])
    address = f"GET /store/{sha256(files[name])}" if name == "model.safetensors" else f"{name}"

    def fault(answer: Answer) -> bool:
        if answer.command == "HEAD" or "bytes=0-" in (answer.headers["Range"] or ""):
            return False
        return instead(wrong)(answer)

    hub.fail(address, fault, 99)
    with pytest.raises(
        DownloadError, match=rf"{name} arrived with [0-9,]+ bytes and the checksum .*No damaged file is kept"
    ):
        load(cache)
    assert wrong not in files_of(cache).values()
    with pytest.raises(DownloadError, match="not in the cache"):
        load(cache, local_files_only=True)
    hub.faults.clear()
    assert_same(load(cache), files, tmp_path)


def test_the_table_is_downloaded_last(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    """Small files that are wrong are found before a large one is downloaded."""
    everything = {**files, "README.md": b"---\nlicense: mit\n---\n"}
    hub.add(NAME, everything)
    load(cache)
    downloads = [line for line in hub.requests if line.startswith("GET ") and "bytes=0-" not in line]
    table = f"GET /store/{sha256(files['model.safetensors'])}"
    places = {
        name: next(place for place, line in enumerate(downloads) if line.endswith(f"/{name}"))
        for name in everything
        if name != "model.safetensors"
    }
    assert downloads.index(table) > max(places.values())


def damaged(content: bytes) -> bytes:
    """Return a file of the same length that differs in its last bytes but one."""
    return content[:-5] + bytes(byte ^ 1 for byte in content[-5:-1]) + content[-1:]


def test_what_a_snapshot_lacks_is_completed(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    load(cache)
    (snapshot_of(cache) / "tokenizer.json").unlink()
    with pytest.raises(DownloadError, match=r"not complete in the cache .*tokenizer.json.*local_files_only"):
        load(cache, local_files_only=True)
    hub.fail("", status(503), 99)
    with pytest.raises(DownloadError, match=r"not complete in the cache .*tokenizer.json.*answers 503"):
        load(cache)
    hub.faults.clear()
    assert_same(load(cache), files, tmp_path)


def test_what_another_program_has_downloaded(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """sentence-transformers takes other files, which look like another layout without the config."""
    everything = {**files, "config_sentence_transformers.json": b"{}"}
    hub.add(NAME, everything)
    load(cache)
    snapshot = snapshot_of(cache)
    (snapshot / "config.json").unlink()
    (snapshot / "config_sentence_transformers.json").write_bytes(b"{}")
    with pytest.raises(DownloadError, match=r"no tensor 'embedding\.weight'"):
        load(cache, local_files_only=True)
    assert_same(load(cache), files, tmp_path)


def test_a_snapshot_without_a_config_is_not_complete(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """In any other folder, defaults would take its place."""
    hub.add(NAME, files)
    load(cache)
    snapshot = snapshot_of(cache)
    (snapshot / "config.json").unlink()
    with pytest.raises(DownloadError, match=r"not complete in the cache .*config\.json.*local_files_only"):
        load(cache, local_files_only=True)
    with pytest.raises(ModelNotFoundError, match=r"no config\.json, so the download .* is not complete; run"):
        StaticModel.from_pretrained(snapshot)
    assert "no static model in the cache" in run(capsys, "list", "--cache-dir", cache)
    assert_same(load(cache), files, tmp_path)


@pytest.mark.parametrize("harm", ["ref", "garbage", "snapshot", "blob"])
def test_a_broken_cache_entry(
    harm: str, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    load(cache)
    snapshot = snapshot_of(cache)
    reference = cache / "models--owner--name" / "refs" / "main"
    if harm == "ref":
        reference.write_text("")
    elif harm == "garbage":
        reference.write_bytes(b"\xff\xfe")
    elif harm == "snapshot":
        shutil.rmtree(snapshot)
    else:
        (snapshot / "config.json").resolve().unlink()
    missing = "the model is not complete in the cache" if harm == "blob" else NOT_IN_THE_CACHE
    with pytest.raises(DownloadError, match=missing):
        load(cache, local_files_only=True)
    if harm == "garbage":
        try:
            load(cache)  # what huggingface_hub 0.25 mends
        except DownloadError as error:
            if not re.search(r"download failed \(.*remove .*cache/models--owner--name first", str(error)):
                raise
            shutil.rmtree(cache / "models--owner--name")
    assert_same(load(cache), files, tmp_path)


def test_a_file_that_was_damaged_in_the_cache(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    load(cache)
    (snapshot_of(cache) / "tokenizer.json").resolve().write_bytes(files["tokenizer.json"][:100] + b"}")
    with pytest.raises(
        InvalidModelError, match=r"tokenizer.json.*hub's cache is damaged.*force_download=True"
    ):
        load(cache)
    assert_same(load(cache, force_download=True), files, tmp_path)
    (snapshot_of(cache) / "model.safetensors").resolve().write_bytes(files["model.safetensors"][:-100])
    assert_same(load(cache), files, tmp_path)  # the table's length is looked at, so this is repaired at once
    for name in ("tokenizer.json", "config.json"):
        for content in (b"", files[name][:-9], bytes(len(files[name]))):
            (snapshot_of(cache) / name).resolve().write_bytes(content)
            assert_same(load(cache), files, tmp_path)  # and these


def test_a_branch_that_moves_meanwhile(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    repository = hub.add(NAME, files)

    def move(answer: Answer) -> bool:
        repository.commit(others)
        return False

    hub.fail("GET /store", move)  # between the listing and the download
    assert_same(load(cache), others, tmp_path)
    assert hub.requests.count(f"GET /store/{sha256(others['model.safetensors'])}") == 1  # and kept


def test_two_processes_at_once(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    go_on = threading.Event()
    hub.fail("GET /store", after_the_header(stall_after(9500, go_on)))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_VECTOR, NAME, "{}"],
            env={**os.environ, "HF_HUB_CACHE": str(cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    wait_for(lambda: sum("blobs" in line for line in hub.requests) == 2 and not hub.faults)
    go_on.set()
    answers = [process.communicate(timeout=LONGEST) for process in processes]
    assert all(process.returncode == 0 for process in processes), answers
    first, second = (json.loads(out)["vector"] for out, _ in answers)
    assert first == second


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_download_that_was_killed(
    small_parts: None, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    go_on = threading.Event()
    hub.fail("GET /store", after_the_header(stall_after(9500, go_on)))

    def some_has_come() -> bool:
        try:
            return any(path.stat().st_size for path in cache.rglob("*.incomplete"))
        except FileNotFoundError:  # files and folders come and go while we look
            return False

    with started(
        [sys.executable, "-c", SMALL_PARTS + FIRST_VECTOR, NAME, "{}"],
        env={**os.environ, "HF_HUB_CACHE": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for(some_has_come, process)
    go_on.set()
    with pytest.raises(DownloadError, match=NOT_IN_THE_CACHE):
        load(cache, local_files_only=True)
    assert_same(load(cache), files, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    big = {**files, "README.md": b"a line\n" * 30_000}
    hub.add(NAME, big)
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    )
    unshared = subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True, check=False, timeout=LONGEST
    )
    may_mount = unshared.returncode == 0
    cache.mkdir()
    program = [sys.executable, "-c", FIRST_VECTOR if may_mount else limited + FIRST_VECTOR, NAME, "{}"]
    if may_mount:  # a disk of 100 kB of our own
        program = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            f"mount -t tmpfs -o size=100k none '{cache}' && exec \"$@\"",
            "sh",
            *program,
        ]
    environment = {**os.environ, "HF_HUB_CACHE": str(cache)}
    done = subprocess.run(
        program, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST
    )
    assert re.search(r"DownloadError: owner/name: the disk of .*cache is full.*HF_HOME", done.stderr), (
        done.stderr
    )
    assert_same(load(cache), files, tmp_path)


def test_nothing_counts_before_all_is_checked(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, {**files, "README.md": b"---\nlicense: mit\n---\n"})
    wrong = damaged(files["model.safetensors"])
    hub.fail("GET /store", after_the_header(instead(wrong)))
    for name in ("README.md", "tokenizer.json"):
        hub.fail(name, status(503), 99)
        with pytest.raises(DownloadError, match="503"):
            load(cache)
        hub.faults = [(line, fault) for line, fault in hub.faults if line != name]
        with pytest.raises(DownloadError, match="not in the cache"):
            load(cache, local_files_only=True)
    model = load(cache)
    assert_same(model, files, tmp_path)
    assert model.license == "mit"


def test_an_update_that_fails_leaves_what_was_there(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    repository = hub.add(NAME, files)
    load(cache)
    repository.commit(others)
    hub.fail("GET /store", after_the_header(status(503)))
    hub.fail("GET /store", status(503), 99)
    with pytest.raises(
        DownloadError, match=r"is in the cache, but force_download asks the hub for it, and .* 503"
    ):
        load(cache, force_download=True)
    assert_same(load(cache, local_files_only=True), files, tmp_path)
    hub.faults.clear()
    assert_same(load(cache, force_download=True), others, tmp_path)


def test_a_connection_that_is_reset(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    for request_ in ("GET /api/models", "GET /store", "resolve"):
        hub.fail(request_, reset)
        assert_same(load(cache, force_download=True), files, tmp_path)
        assert not hub.faults


def test_a_hub_that_never_answers(cache: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        environment = {
            "HF_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "HF_HUB_ETAG_TIMEOUT": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "1",
            "HF_HUB_CACHE": str(cache),
        }
        done = in_a_process(environment, NO_PAUSES + FIRST_VECTOR)
    assert "DownloadError: owner/name: " in done.stderr


def test_two_layouts_in_one_repository(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], tiny: Callable[[str], Path]
) -> None:
    """What another program has downloaded of the one is not taken for the whole."""
    nested = files_of(tiny("unigram-nested"))
    repository = hub.add(NAME, nested)
    load(cache)
    hub.requests.clear()
    assert_same(load(cache), nested, tmp_path)
    assert not hub.requests  # it is known that there is no other
    mark = next(cache.rglob(".no_exist"))
    shutil.rmtree(mark)
    assert_same(load(cache, local_files_only=True), nested, tmp_path)
    hub.fail("", status(503), 99)
    assert_same(load(cache), nested, tmp_path)
    hub.faults.clear()
    repository.commits[repository.revisions["main"]].update(files)
    assert_same(load(cache), files, tmp_path)


def test_a_branch_with_another_layout_is_known_to_be_complete(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], tiny: Callable[[str], Path]
) -> None:
    """That there is no first layout is asked of the commit, not of the branch main, which may have one."""
    nested = files_of(tiny("unigram-nested"))
    hub.add(NAME, files)
    hub.add(NAME, nested, "v2")
    load(cache, revision="v2")
    hub.requests.clear()
    assert_same(load(cache, revision="v2"), nested, tmp_path)
    assert not hub.requests


def test_a_table_of_the_other_name(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    table = files["model.safetensors"].replace(b'{"embeddings":', b'{"embedding.weight":')
    length = int.from_bytes(table[:8], "little") + len("embedding.weight") - len("embeddings")
    renamed = {**files, "model.safetensors": length.to_bytes(8, "little") + table[8:]}
    hub.add(NAME, renamed)
    assert_same(load(cache), renamed, tmp_path)
    hub.requests.clear()
    assert_same(load(cache), renamed, tmp_path)
    assert not hub.requests


# Errors


def test_no_such_repository(hub: Hub, cache: Path) -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"owner/none: no such folder .*no such repository.*HF_TOKEN"
    ) as caught:
        load(cache, "owner/none")
    assert type(caught.value.__cause__).__name__ == "RepositoryNotFoundError"
    with pytest.raises(
        ModelNotFoundError, match=r"or your token has no access to it \(did you mean 'minishlab/potion"
    ):
        load(cache, "minishlab/potion-base-8N")


def test_a_private_repository(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files).token = "hf_right"
    for token in (None, False, "hf_wrong"):
        with pytest.raises(ModelNotFoundError, match="or your token has no access to it"):
            load(cache, token=token)
    assert_same(load(cache, token="hf_right"), files, tmp_path)
    shutil.rmtree(cache)
    done = in_a_process({"HF_TOKEN": "hf_right", "HF_HUB_CACHE": str(cache)})
    assert done.returncode == 0, done.stderr
    shutil.rmtree(cache)
    done = in_a_process({"HF_TOKEN": "hf_right", "HF_HUB_CACHE": str(cache)}, token=False)
    assert "your token has no access to it" in done.stderr


def test_a_gated_repository(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    repository = hub.add(NAME, files)
    repository.gated, repository.token = True, "hf_right"
    for token in (False, "hf_wrong"):
        with pytest.raises(DownloadError, match=rf"restricted. .* at {hub.url}/owner/name, .*token="):
            load(cache, token=token)
    assert_same(load(cache, token="hf_right"), files, tmp_path)


def test_no_such_revision(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    with pytest.raises(
        ModelNotFoundError, match=rf"name at revision v9: .*no such branch, tag or commit .*{hub.url}"
    ):
        load(cache, revision="v9")
    assert sum("v9" in line for line in hub.requests) == 1  # another attempt is of no use


def test_no_network(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_CACHE": str(cache)}
    start = time.monotonic()
    done = in_a_process(environment)
    assert time.monotonic() - start < 30
    assert re.search(
        r"DownloadError: owner/name: .*is not in the cache .*127.0.0.1:9 cannot be reached .*m2v-lite download owner/name",
        done.stderr,
    )


def test_not_a_static_model(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add("owner/data", {"README.md": b"", **{f"{number}.csv": b"" for number in range(20)}})
    with pytest.raises(ModelNotFoundError, match=r"no static model found; .*found: 0.csv, .* and 9 more"):
        load(cache, "owner/data")
    with pytest.raises(ModelNotFoundError, match="owner/data, folder a: no static model"):
        load(cache, "owner/data", subfolder="a")
    hub.add("owner/empty", {})
    with pytest.raises(ModelNotFoundError, match="Files found: none"):
        load(cache, "owner/empty")
    header = json.dumps({"bert.embeddings": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    transformer = len(header).to_bytes(8, "little") + header + b"0000"
    hub.add("owner/bert", {**files, "model.safetensors": transformer})
    with pytest.raises(
        ModelNotFoundError, match=r"not a static model: .*'embeddings' or .*; tensors found: bert.embeddings"
    ):
        load(cache, "owner/bert")
    assert not list(cache.rglob("*.safetensors"))  # it is not downloaded to find that out


def test_a_table_that_is_broken_on_the_hub(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, {**files, "model.safetensors": b"garbage" * 9})
    with pytest.raises(DownloadError, match="does not look like a safetensors file"):
        load(cache)
    hub.add(NAME, {**files, "model.safetensors": files["model.safetensors"][:-100]})
    with pytest.raises(InvalidModelError, match=r"model.safetensors.*force_download"):
        load(cache)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
def test_a_cache_that_may_not_be_written(hub: Hub, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    with pytest.raises(DownloadError, match=r"cannot be written to.*cache_dir= or HF_HOME"):
        load(Path("/proc/sys/m2v-lite"))


def test_a_token_that_is_refused(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.fail("/api/models/", invalid_credentials)
    with pytest.raises(DownloadError, match=r"refuses the token .*token=False"):
        load(cache, token="hf_expired")
    assert_same(load(cache, token=" \n"), files, tmp_path)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"revision": 5}, TypeError),
        ({"revision": b"main"}, TypeError),
        ({"revision": ""}, ValueError),
        ({"revision": " "}, ValueError),
        ({"token": 5}, TypeError),
        ({"local_files_only": "no"}, TypeError),
        ({"force_download": 1}, TypeError),
        ({"subfolder": "/etc"}, ValueError),
        ({"subfolder": "a/../../b"}, ValueError),
        ({"cache_dir": 5}, TypeError),
        ({"cache_dir": ""}, ValueError),
    ],
)
def test_impossible_arguments(options: dict[str, Any], error: type[Exception], hub: Hub, cache: Path) -> None:
    with pytest.raises(error, match=f"^{next(iter(options))} ") as caught:
        load(cache, **options) if "cache_dir" not in options else StaticModel.from_pretrained(NAME, **options)
    assert isinstance(caught.value, M2VLiteError)
    assert not hub.requests


@pytest.mark.parametrize("revision", ["", " ", "\n"])
def test_an_empty_revision_is_called_empty(revision: str, cache: Path) -> None:
    with pytest.raises(
        InputValueError, match="revision is empty; give a branch, tag or commit, or None for main"
    ):
        load(cache, revision=revision)


def test_advice_that_names_all_that_was_asked_for(hub: Hub, cache: Path) -> None:
    with pytest.raises(
        DownloadError, match=r"m2v-lite download owner/name --revision v2 --subfolder 'a b'\Z"
    ):
        load(cache, revision="v2", subfolder="a b/", local_files_only=True)


def test_a_packed_model_that_is_not_there(hub: Hub, cache: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"'potion.safetensors': no such file; check the path"):
        load(cache, "potion.safetensors")
    assert not hub.requests


def test_without_the_package(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for options in ({}, {"cache_dir": cache}):
        with pytest.raises(MissingPackageError, match="pip install huggingface_hub"):
            StaticModel.from_pretrained(NAME, **options)  # type: ignore[arg-type]


def test_a_copied_cache_needs_no_package(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(NAME, files)
    load(cache)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert_same(load(cache), files, tmp_path)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("minishlab/potion-base-8M", True),
        ("gpt2", True),
        ("a/b/c", False),
        ("/a", False),
        ("../a", False),
        ("~/a", False),
        ("a b", False),
        ("ä/b", False),
        ("", False),
        ("a/" + "b" * 94, True),
        ("a/" + "b" * 95, False),
        ("a/b--c", False),
        ("a/b..c", False),
        ("a/b.git", False),
        ("a/b.gitx", True),
        ("-a/b", False),
        ("a/b-", False),
        ("a/-b", False),
    ],
)
def test_names_of_repositories(name: str, is_one: bool) -> None:
    assert is_repository_id(name) is is_one


# The command line


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path, wanted: int = 0) -> str:
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == wanted
    captured = capsys.readouterr()
    return captured.err if wanted else captured.out


def test_download(
    hub: Hub,
    cache: Path,
    tmp_path: Path,
    files: dict[str, bytes],
    others: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    repository = hub.add(NAME, {**files, "README.md": b"---\nlicense: mit\n---\n"}, "main", "v1")
    out = run(capsys, "download", NAME, "--cache-dir", cache)
    commit = repository.revisions["main"]
    assert out == f"{snapshot_of(cache)}: owner/name at revision {commit}, 102 x 24 float32\n"
    hub.requests.clear()
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", tmp_path / "folder")
    run(capsys, "download", NAME, "--cache-dir", cache, "--pack", tmp_path / "model.safetensors")
    assert not hub.requests
    assert files_of(tmp_path / "folder") == {**files, "README.md": b"---\nlicense: mit\n---\n"}
    assert not any(path.is_symlink() for path in (tmp_path / "folder").iterdir())
    for place in ("folder", "model.safetensors"):
        assert_same(StaticModel.from_pretrained(tmp_path / place), files, tmp_path)
    assert f"owner/name at revision {commit}" in run(
        capsys, "info", tmp_path / "model.safetensors", "--verify"
    )
    repository.commit(others, "main")
    out = run(capsys, "download", NAME, "--revision", "v1", "--cache-dir", cache, "--force-download")
    assert commit in out
    out = run(
        capsys, "download", NAME, "--force-download", "--cache-dir", cache, "--output", tmp_path / "folder"
    )
    assert repository.revisions["main"] in out
    assert "README.md" not in repository.commits[repository.revisions["main"]]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_of_each_layout(
    layout: str,
    hub: Hub,
    cache: Path,
    tmp_path: Path,
    tiny: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub.add(NAME, files_of(tiny(layout)))
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", tmp_path / "folder")
    assert files_of(tmp_path / "folder") == files_of(tiny(layout))
    if layout == "unigram-nested":
        arguments = ["--subfolder", "0_StaticEmbedding", "--output", str(tmp_path / "flat")]
        run(capsys, "download", NAME, "--cache-dir", cache, *arguments)
        assert_same(StaticModel.from_pretrained(tmp_path / "flat"), files_of(tiny(layout)), tmp_path)


def test_a_folder_that_holds_something_else(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "diary.txt").write_text("mine")
    err = run(capsys, "download", NAME, "--cache-dir", cache, "--output", tmp_path / "folder", wanted=1)
    assert re.search(r"folder: this folder holds other files, for example 'diary.txt'", err)
    assert files_of(tmp_path / "folder") == {"diary.txt": b"mine"}
    file = tmp_path / "folder" / "diary.txt"
    err = run(capsys, "download", NAME, "--cache-dir", cache, "--output", file, wanted=1)
    assert "diary.txt: this is a file, not a folder; name a folder" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["./folder"], "not the name of a model on the hub"),
        (["owner/none"], "no such repository"),
    ],
)
def test_wrong_downloads(
    arguments: list[str], message: str, hub: Hub, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in run(capsys, "download", *arguments, "--cache-dir", cache, wanted=1)


def test_a_folder_and_a_packed_file_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["download", NAME, "--output", "a", "--pack", "b"])
    assert "argument --pack: not allowed with argument --output" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_the_progress_bar(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    import fcntl
    import termios

    hub.add(NAME, files)
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "m2v_lite", "download", NAME, "--cache-dir", str(cache)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=LONGEST)
        shown = os.read(ours, 100_000)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"100%" in shown
    assert b"9.87k/9.87k" in shown
    assert b"%" not in done.stdout


def test_list(
    hub: Hub,
    cache: Path,
    files: dict[str, bytes],
    tiny: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "no static model in the cache" in run(capsys, "list", "--cache-dir", cache)
    repository = hub.add(NAME, files, "main", "v1")
    nested = files_of(tiny("unigram-nested"))
    hub.add("a/other", {**{f"small/{name}": content for name, content in files.items()}, **nested})
    load(cache)
    load(cache, revision="v1")
    load(cache, "a/other")
    load(cache, "a/other", subfolder="small")
    other = cache / "models--owner--bert" / "snapshots" / ("0" * 40)
    shutil.copytree(snapshot_of(cache), other)
    (other / "model.safetensors").unlink()
    (other / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    lines = run(capsys, "list", "--cache-dir", cache).splitlines()
    size = sum(len(files[name]) for name in ("model.safetensors", "tokenizer.json", "config.json"))
    assert lines[0].split() == ["model", "revision", "table", "size"]
    assert [line.split()[0] for line in lines[1:]] == ["a/other", "a/other", "owner/name"]
    assert lines[2].split()[1] == "small"
    commit = repository.revisions["main"]
    columns = ["owner/name", f"main, v1 ({commit})", "102 x 24 float32", f"{size / 1e6:.1f} MB"]
    assert re.split("  +", lines[3]) == columns


def test_list_of_a_cache_with_oddities(
    hub: Hub,
    cache: Path,
    files: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.add(NAME, files)
    load(cache)
    entry = cache / "models--owner--name"
    (entry / "refs" / "broken").write_bytes(b"\xff\xfe")
    (entry / "refs" / "lost").write_text("f" * 40)
    (entry / "snapshots" / "stray").write_text("")
    (entry / "snapshots" / ("e" * 40)).mkdir()
    (entry / "snapshots" / ("e" * 40) / "config.json").symlink_to("nowhere")
    (cache / "models--a--file").write_text("")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert len(run(capsys, "list", "--cache-dir", cache).splitlines()) == 2
    assert "no static model" in run(capsys, "list", "--cache-dir", cache / "models--a--file")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another user")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("part", ["", "snapshots", "snapshots/*"])
def test_list_leaves_out_what_cannot_be_read(
    part: str, hub: Hub, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    hub.add("owner/secret", files)
    with TemporaryDirectory() as place:  # unlike those of pytest, other users may enter it
        cache = Path(place) / "cache"
        load(cache)
        load(cache, "owner/secret")
        Path(place).chmod(0o755)
        (secret,) = (
            (cache / "models--owner--secret").glob(part) if part else (cache / "models--owner--secret",)
        )
        secret.chmod(0)
        os.seteuid(65534)
        try:
            out = run(capsys, "list", "--cache-dir", cache)
        finally:
            os.seteuid(0)
    assert [line.split()[0] for line in out.splitlines()] == ["model", NAME]


@pytest.mark.filterwarnings("default")
def test_list_says_what_it_leaves_out(
    hub: Hub,
    cache: Path,
    files: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.add(NAME, files)
    hub.add("owner/secret", files)
    load(cache)
    load(cache, "owner/secret")
    (assets := cache.parent / "assets" / "m2v_lite" / "tokenizers" / "secret").mkdir(parents=True)
    (assets / "format-2.safetensors").write_bytes(b"")
    hidden = [str(cache / "models--owner--secret" / "snapshots"), str(assets)]
    listed = os.listdir

    def listdir(folder: str) -> list[str]:
        if folder in hidden:
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    assert main(["list", "--cache-dir", str(cache)]) == 0
    captured = capsys.readouterr()
    assert [line.split()[0] for line in captured.out.splitlines()] == ["model", NAME]
    assert captured.err.splitlines() == [
        f"m2v-lite: {folder}: skipped, because it cannot be read (Permission denied); check its permissions"
        for folder in hidden
    ]


def test_verify_what_is_cached(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    load(cache)
    snapshot = snapshot_of(cache)
    assert "all 3 agree" in run(capsys, "info", snapshot, "--verify")
    for name in files:
        (snapshot / name).resolve().write_bytes(
            damaged(files[name]) if name == "model.safetensors" else files[name] + b"\n"
        )
        err = run(capsys, "info", snapshot, "--verify", wanted=1)
        assert re.search(rf"{name}: the file is damaged; .*--force-download", err)
        (snapshot / name).resolve().write_bytes(files[name])
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", tmp_path / "copy")
    assert "no checksum to compare with" in run(capsys, "info", tmp_path / "copy", "--verify", wanted=1)


def test_verify_what_lies_in_the_store_that_repositories_share(
    hub: Hub, cache: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """As huggingface_hub 2.4 keeps large files: their name there is no SHA-256."""
    hub.add(NAME, files)
    load(cache)
    snapshot = snapshot_of(cache)
    shared = cache / "blobs" / "ab" / ("ab" * 32)
    shared.parent.mkdir(parents=True)
    blob = (snapshot / "model.safetensors").resolve()
    blob.rename(shared)
    blob.symlink_to(os.path.relpath(shared, blob.parent))
    assert "all 3 agree" in run(capsys, "info", snapshot, "--verify")
    shared.write_bytes(damaged(files["model.safetensors"]))
    assert "model.safetensors: the file is damaged" in run(capsys, "info", snapshot, "--verify", wanted=1)


def test_a_link_to_itself_is_in_no_cache(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert blob_name(str(tmp_path / "loop")) is None


def test_what_a_copy_replaces(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    repository = hub.add(NAME, {**files, "README.md": b"---\nlicense: mit\n---\n"})
    repository.commit(files, "without")
    copy = tmp_path / "copy"
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", copy)
    (copy / ".m2v-lite-0123abcd.tmp").write_text("of a killed process")
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", copy, "--revision", "without")
    assert "not stated" in next(line for line in run(capsys, "info", copy).splitlines() if "licence" in line)


def test_download_of_a_smaller_dtype(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    packed = tmp_path / "model.safetensors"
    out = run(
        capsys, "download", NAME, "--cache-dir", cache, "--pack", packed, "--dtype", "int8", "--dim", "8"
    )
    assert out.endswith("102 x 8 int8\n")
    assert StaticModel.from_pretrained(packed).embedding.shape == (102, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["download", NAME, "--dim", "8"], "--dtype and --dim are for --pack"),
        (
            ["info", "--revision", "v2"],
            "--revision is for models on the hub, but the bundled model is on this machine; leave",
        ),
        (
            ["pack", ".", "out", "--revision", "v2"],
            "--revision is for models on the hub, but . is on this machine; leave",
        ),
        (["encode", "a", "--revision", "v2"], "--revision is for models on the hub"),
        (["similarity", "a", "b", "--subfolder", "c"], "--subfolder is not for the bundled model"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_known_models(capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(capsys, "list", "--known").splitlines()
    assert [re.split("  +", line) for line in lines] == [list(HEADINGS), *map(list, known_rows())]


def test_encode_at_a_revision(
    hub: Hub, files: dict[str, bytes], others: dict[str, bytes], tmp_path: Path
) -> None:
    hub.add(NAME, files).commit(others, "dev")
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "cache")}
    for revision, expected in {"main": files, "dev": others}.items():
        command = [
            sys.executable,
            "-m",
            "m2v_lite",
            "encode",
            "--model",
            NAME,
            "--revision",
            revision,
            "the cat sat",
        ]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=LONGEST
        )
        numbers = json.loads(done.stdout)["embedding"]
        for name, content in expected.items():
            (tmp_path / "expected").mkdir(exist_ok=True)
            (tmp_path / "expected" / name).write_bytes(content)
        vector = StaticModel.from_pretrained(tmp_path / "expected").encode("the cat sat")
        np.testing.assert_array_equal(np.array(numbers, vector.dtype), vector)
