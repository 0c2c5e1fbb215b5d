"""Pipes, devices, sockets and folders in the place of a model's files: an error at once, or no difference."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import TinyModel

from m2v_lite import InvalidModelError, M2VLiteError, ModelNotFoundError, StaticModel
from m2v_lite.commands.main import main
from m2v_lite.disk import MOST_BYTES, NotRegularError, open_regular, read_regular
from m2v_lite.files.config import read_config
from m2v_lite.files.model_card import read_model_card
from m2v_lite.hub.cache import commit_in
from m2v_lite.hub.checksums import checksum
from m2v_lite.tokenization import definition

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes in folders")

SECONDS = 20.0
CARD = "---\nlicense: mit\nlanguage: [en, de]\n---\n"


def in_time(function: Callable[[], None]) -> None:
    """Run a function in a process that is killed if it waits for ever."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join(SECONDS)
    waited = process.is_alive()
    process.kill()
    process.join(SECONDS)
    assert not waited, "it waited for ever"
    assert process.exitcode == 0


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def unix_socket(path: Path) -> None:
    """Bind by a relative name, because the names of sockets may not be long."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)


SPECIAL = {"a pipe": pipe, "a device": endless, "a folder": folder, "a socket": unix_socket}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = TinyModel().build(tmp_path / "model")
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_in_the_place_of_a_file_that_is_needed(name: str, kind: str, model: Path) -> None:
    (model / name).unlink()
    SPECIAL[kind](model / name)

    def load() -> None:
        with pytest.raises(ModelNotFoundError, match=rf"{name} \(this is {kind}, not a file\)"):
            StaticModel.from_pretrained(model)

    in_time(load)


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a socket"])
def test_in_the_place_of_a_packed_model(kind: str, tmp_path: Path) -> None:
    SPECIAL[kind](tmp_path / "packed.safetensors")

    def load() -> None:
        with pytest.raises(ModelNotFoundError, match=f"this is {kind}"):
            StaticModel.from_pretrained(tmp_path / "packed.safetensors")

    in_time(load)


@pytest.mark.parametrize("kind", SPECIAL)
def test_in_the_place_of_a_model_card(kind: str, model: Path, tmp_path: Path) -> None:
    (model / "README.md").unlink()
    SPECIAL[kind](model / "README.md")

    def use() -> None:
        loaded = StaticModel.from_pretrained(model)
        assert loaded.encode("the cat").any()
        assert (loaded.license, loaded.language, loaded.base_model_name) == (None, None, None)
        loaded.save_packed(tmp_path / "packed.safetensors")
        loaded.save_pretrained(tmp_path / "saved")
        assert StaticModel.from_pretrained(tmp_path / "packed.safetensors").license is None
        assert main(["info", str(model)]) == 0

    in_time(use)


def test_a_pipe_that_takes_the_place_between_looking_and_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    regular = os.stat(tmp_path / "file")  # noqa: PTH116
    pipe(tmp_path / "pipe")

    def open_it() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", lambda path, **options: regular)
            with pytest.raises(NotRegularError, match="this is a pipe"):
                open_regular(tmp_path / "pipe")

    in_time(open_it)


def test_a_device_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda *arguments: opened.append(arguments))
        with pytest.raises(NotRegularError, match="this is a device"):
            open_regular("/dev/zero")
    assert not opened


@pytest.mark.parametrize("kind", SPECIAL)
def test_all_readers_refuse_what_is_not_regular(kind: str, tmp_path: Path) -> None:
    """Also where a check of the folder has passed a moment ago."""
    SPECIAL[kind](tmp_path / "file")
    path = str(tmp_path / "file")

    def read() -> None:
        for reader in (read_config, definition.map_content, checksum):
            with pytest.raises(InvalidModelError, match=f"file: this is {kind}, not a file; put"):
                reader(path)
        assert read_model_card(path) == {}
        assert commit_in(path) is None

    in_time(read)


def test_no_descriptor_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    regular = os.stat(__file__)  # noqa: PTH116
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path, **options: regular)
        with pytest.raises(NotRegularError):
            open_regular(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# Limits


def test_files_are_read_with_a_limit(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model / "file").write_bytes(b"12345")
    assert read_regular(model / "file", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(model / "file", 4)
    most = MOST_BYTES["config.json"]
    with (model / "config.json").open("wb") as file:
        file.truncate(1 << 40)  # without holes, no disk would hold it
    with pytest.raises(InvalidModelError, match=f"config.json: .*more than {most} bytes"):
        StaticModel.from_pretrained(model)
    (model / "config.json").write_text("{}" + " " * (most - 2))
    assert StaticModel.from_pretrained(model).dim == 24
    with (model / "tokenizer.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InvalidModelError, match=r"tokenizer.json: .*it has 1099511627776 bytes"):
        StaticModel.from_pretrained(model)
    (model / "ref").write_text("a" * 40 + " " * 1000)
    assert commit_in(str(model / "ref")) is None


def test_of_a_large_card_only_the_beginning_is_read(model: Path, tmp_path: Path) -> None:
    with (model / "README.md").open("ab") as file:
        file.truncate(1 << 40)
    loaded = StaticModel.from_pretrained(model)
    assert loaded.license == "mit"
    with pytest.raises(
        InvalidModelError,
        match=r"README.md has 1099511627776 bytes, but a packed model holds .* so shorten it",
    ):
        loaded.save_packed(tmp_path / "packed.safetensors")


# The card is read when it is asked for


def test_loading_does_not_read_the_card(model: Path) -> None:
    loaded = StaticModel.from_pretrained(model)
    (model / "README.md").write_text(CARD.replace("mit", "apache-2.0"))
    assert loaded.license == "apache-2.0"
    (model / "README.md").unlink()
    assert (loaded.license, loaded.language) == ("apache-2.0", ["en", "de"])  # read once


@pytest.mark.parametrize("asked", [False, True])
def test_the_card_of_a_pickled_and_of_a_saved_model(asked: bool, model: Path, tmp_path: Path) -> None:
    loaded = StaticModel.from_pretrained(model)
    if asked:
        assert loaded.license == "mit"
    again = pickle.loads(pickle.dumps(loaded))
    loaded.save_packed(tmp_path / "packed.safetensors")
    loaded.save_pretrained(tmp_path / "saved")
    places = [tmp_path / "packed.safetensors", tmp_path / "saved"]
    for one in (again, *map(StaticModel.from_pretrained, places)):
        assert (one.license, one.language, one.base_model_name) == ("mit", ["en", "de"], None)


def test_a_card_that_states_nothing_among_other_languages(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stated, shown in {"[en, null]": "en", "[null]": "not stated", "[null, de, fr]": "de, fr"}.items():
        (model / "README.md").write_text(f"---\nlanguage: {stated}\n---\n")
        assert main(["info", str(model)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(maxsplit=1)[1] for line in lines if line.startswith("language:")] == [shown]
    loaded = StaticModel.from_pretrained(model)
    loaded._card = {"license": 5, "language": {"en": 1}, "base_model": False}
    loaded.save_packed(tmp_path / "packed.safetensors")
    assert main(["info", str(tmp_path / "packed.safetensors")]) == 0


def test_an_error_of_what_is_not_regular_is_of_the_family() -> None:
    assert issubclass(NotRegularError, M2VLiteError)
    assert issubclass(NotRegularError, OSError)
