"""What `pack`, `unpack` and `download` replace, and what they leave alone unless `--force` is given."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import Hub
from st_folders import build, dense
from time_limit import LONGEST
from tiny_models import TinyModel

from m2v_lite import InputValueError, StaticModel
from m2v_lite.commands import replacing
from m2v_lite.commands.main import main
from m2v_lite.commands.replacing import check_folder, check_packed_model
from m2v_lite.disk import open_regular
from m2v_lite.files import saving
from m2v_lite.files.layouts import find_model_files
from m2v_lite.files.packed_file import write_packed
from m2v_lite.files.safetensors import SafetensorsFile, read_header, write_safetensors
from m2v_lite.files.saving import copy_model, foreign_entries

NAME = "owner/name"
LEFTOVER = ".m2v-lite-0123abcd.tmp"
TENSORS = {"embeddings": np.ones((2, 3), np.float32)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return TinyModel().build(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module")
def packed(folder: Path) -> Path:
    path = folder.parent / "packed.safetensors"
    StaticModel.from_pretrained(folder).save_packed(path)
    return path


@pytest.fixture
def saved(folder: Path, tmp_path: Path) -> Path:
    StaticModel.from_pretrained(folder).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def hub(hub_server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    hub_server.clear()
    yield hub_server
    hub_server.clear()


def state_of(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return the mode, the time of the last change and the content of all that is in a folder."""
    return {
        path.relative_to(place).as_posix(): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in [place, *sorted(place.rglob("*"))]
    }


def write_tensors(path: Path, metadata: dict[str, str] | None = None) -> None:
    with path.open("wb") as file:
        write_safetensors(file, TENSORS, metadata)


def as_version(packed: Path, version: str, path: Path) -> None:
    """Write a packed model as another release would have written it."""
    file = SafetensorsFile(packed)
    metadata = {**file.metadata, "m2v_lite.version": version}
    with path.open("wb") as written:
        write_safetensors(written, {name: file.view(name) for name in file.tensors}, metadata)


# Files

FOREIGN: dict[str, bytes] = {
    "a text": b"notes of mine\n",
    "one byte": b"\n",
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "an array": b"\x93NUMPY\x01\x00" + bytes(100),
    "zeros": bytes(1000),
    "JSON": b'{"__metadata__": {"m2v_lite.version": "2", "m2v_lite.config": "{}"}}',
    "a header that claims more than there is": struct.pack("<Q", 1000) + b"{}",
    "a header that is a list": struct.pack("<Q", 2) + b"[]",
    "a header that is nested too deeply": struct.pack("<Q", 10**5) + b"[" * 10**5,
    "metadata that are a list": struct.pack("<Q", 20) + b'{"__metadata__":[1]} ',
    "a header of another library": struct.pack("<Q", 34) + b'{"__metadata__":{"format":"pt"}}  ',
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind_is_not_replaced(kind: str, tmp_path: Path) -> None:
    """There is no model that could be loaded: the check comes first."""
    (tmp_path / "notes.txt").write_bytes(FOREIGN[kind])
    before = state_of(tmp_path)
    with pytest.raises(InputValueError) as error:
        check_packed_model(str(tmp_path / "notes.txt"), force=False)
    assert str(error.value) == (
        f"{tmp_path / 'notes.txt'}: this is not a packed model, so it is not replaced; give another name, or "
        "--force"
    )
    check_packed_model(str(tmp_path / "notes.txt"), force=True)
    assert state_of(tmp_path) == before


def test_another_safetensors_file_is_not_replaced(tmp_path: Path, folder: Path) -> None:
    write_tensors(tmp_path / "plain")
    write_tensors(tmp_path / "version", {"m2v_lite.version": "2"})
    write_tensors(tmp_path / "config", {"m2v_lite.config": "{}"})
    write_packed(str(tmp_path / "tokenizer"), TENSORS, {"tokenizer": "{}", "made_from": "{}"})  # a kept one
    for path in (*sorted(tmp_path.iterdir()), folder / "model.safetensors"):
        with pytest.raises(InputValueError, match=rf"{path.name}: this is not a packed model"):
            check_packed_model(str(path), force=False)


def test_a_packed_model_of_any_version_is_replaced(tmp_path: Path, packed: Path) -> None:
    for version in ("1", "2", "3", "17", ""):
        as_version(packed, version, tmp_path / "model")
        check_packed_model(str(tmp_path / "model"), force=False)
    modules = build(tmp_path / "modules", [dense(24, 5), None])
    StaticModel.from_sentence_transformers(modules).save_packed(tmp_path / "with-modules")
    check_packed_model(str(tmp_path / "with-modules"), force=False)


def test_a_packed_model_that_was_cut_short_is_replaced(tmp_path: Path, packed: Path) -> None:
    content = packed.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    for length in (len(content) - 1, header):
        (tmp_path / "model").write_bytes(content[:length])
        check_packed_model(str(tmp_path / "model"), force=False)
    for length in (header - 1, 8, 7):
        (tmp_path / "model").write_bytes(content[:length])
        with pytest.raises(InputValueError, match="not a packed model"):
            check_packed_model(str(tmp_path / "model"), force=False)


def test_the_table_is_not_read(tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a file cannot be mapped, because it is larger than the address space."""
    monkeypatch.setattr(np, "memmap", None)
    with packed.open("rb") as file:
        header = file.read(8 + int.from_bytes(file.read(8), "little"))
    with (tmp_path / "large").open("wb") as file:
        file.write(packed.read_bytes()[: len(header) + 8])
        file.truncate(1 << 40)  # without holes, no disk would hold it
    check_packed_model(str(tmp_path / "large"), force=False)


def test_nothing_and_an_empty_file_are_replaced(tmp_path: Path) -> None:
    check_packed_model(str(tmp_path / "new"), force=False)
    check_packed_model(str(tmp_path / "no" / "folder" / "new"), force=False)  # the writer says what is wrong
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").touch()
    check_packed_model(str(tmp_path / "empty"), force=False)


def test_links_are_followed(tmp_path: Path, packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "model").write_bytes(packed.read_bytes())
    links = {"to-notes": "notes.txt", "to-model": "model", "to-nothing": "new", "to-link": "to-notes"}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    before = state_of(tmp_path)
    for name in ("to-notes", "to-link"):
        assert main(["pack", str(packed), str(tmp_path / name)]) == 1
        assert f"{name}: this is not a packed model" in capsys.readouterr().err
    assert state_of(tmp_path) == before
    for name in ("to-model", "to-nothing"):
        assert main(["pack", str(packed), str(tmp_path / name)]) == 0
    assert main(["pack", str(packed), str(tmp_path / "to-link"), "--force"]) == 0
    assert all(os.readlink(tmp_path / name) == target for name, target in links.items())  # noqa: PTH115
    assert (tmp_path / "notes.txt").read_bytes() == (tmp_path / "new").read_bytes() == packed.read_bytes()


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_file_is_never_replaced(force: bool, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    places = {str(tmp_path / "empty"): "a folder", str(tmp_path / "link"): "a folder", os.devnull: "a device"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        places[str(tmp_path / "pipe")] = "a pipe"
    for place, kind in places.items():
        with pytest.raises(InputValueError) as error:
            check_packed_model(place, force)
        assert str(error.value) == (
            f"{place}: this is {kind}, not a file, so it is not replaced; give another name"
        )


def test_a_file_that_cannot_be_read(
    tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "model"
    target.write_bytes(packed.read_bytes())

    def refusing(path: Any) -> Any:
        if os.fspath(path) == str(target):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return open_regular(path)

    monkeypatch.setattr("m2v_lite.files.safetensors.open_regular", refusing)
    before = state_of(tmp_path)
    assert main(["pack", str(packed), str(target)]) == 1
    assert capsys.readouterr().err == (
        f"m2v-lite: {target}: cannot be read (Permission denied), so it is not replaced; give another name, "
        "or --force\n"
    )
    assert state_of(tmp_path) == before
    assert main(["pack", str(packed), str(target), "--force"]) == 0
    assert state_of(tmp_path) != before


def test_pack_refuses_before_it_looks_for_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    before = state_of(tmp_path)
    for options in ([], ["--sentence-transformers"], ["--dtype", "int8"]):
        assert main(["pack", "/no/such/model", str(tmp_path / "notes.txt"), *options]) == 1
        assert "notes.txt: this is not a packed model" in capsys.readouterr().err
    assert main(["pack", "/no/such/model", str(tmp_path / "notes.txt"), "--force"]) == 1
    assert "/no/such/model" in capsys.readouterr().err
    assert state_of(tmp_path) == before
    own = state_of(folder)
    assert main(["pack", str(folder), str(folder / "model.safetensors")]) == 1
    assert "model.safetensors: this is not a packed model" in capsys.readouterr().err
    assert state_of(folder) == own


def test_pack_in_a_process(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    before = state_of(tmp_path)
    command = [sys.executable, "-m", "m2v_lite", "pack", str(packed), "notes.txt"]

    def run(*options: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*command, *options], cwd=tmp_path, capture_output=True, check=False, timeout=LONGEST
        )

    refused = run()
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        1,
        b"",
        b"m2v-lite: notes.txt: this is not a packed model, so it is not replaced; give another name, or "
        b"--force\n",
    )
    assert state_of(tmp_path) == before
    assert run("--force").returncode == 0
    assert (tmp_path / "notes.txt").read_bytes() == packed.read_bytes()
    assert run().returncode == 0  # over the packed model


def test_methods_replace_as_ever(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    model = StaticModel.from_pretrained(packed)
    model.save_packed(tmp_path / "notes.txt")
    model.save_pretrained(tmp_path)
    assert foreign_entries(str(tmp_path)) == ["notes.txt"]


# Headers


def test_a_header_is_read_without_a_look_at_the_tensors(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"a": "b"}, "one": {"dtype": "of another release"}, "two": 5})
    (tmp_path / "file").write_bytes(struct.pack("<Q", len(header)) + header.encode())
    assert read_header(tmp_path / "file") == ({"a": "b"}, ["one", "two"])
    write_tensors(tmp_path / "plain")
    assert read_header(tmp_path / "plain") == ({}, ["embeddings"])
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "none")


# Folders


def test_a_folder_with_a_model_or_with_nothing_is_used(
    folder: Path, packed: Path, saved: Path, tmp_path: Path
) -> None:
    check_folder(str(tmp_path / "new"), force=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "half" / "1_Dense").mkdir(parents=True)  # of a writer that was killed
    (tmp_path / "half" / LEFTOVER).write_text("half")
    (tmp_path / "half" / "1_Dense" / LEFTOVER).write_text("half")
    chain = [dense(24, 8), None, dense(8, 5)]
    StaticModel.from_sentence_transformers(build(tmp_path / "st", chain)).save_pretrained(
        tmp_path / "modules"
    )
    TinyModel(layout=2).build(tmp_path / "nested")
    copy_model(find_model_files(str(tmp_path / "nested")), str(tmp_path / "copied"))
    (saved / LEFTOVER).write_text("half")
    (tmp_path / "link").symlink_to("saved")
    for name in ("empty", "half", "st", "modules", "nested", "copied", "saved", "link"):
        assert foreign_entries(str(tmp_path / name)) == []
        check_folder(str(tmp_path / name), force=False)
    for name in ("half", "link", "new"):
        assert main(["unpack", str(packed), str(tmp_path / name)]) == 0
        assert StaticModel.from_pretrained(tmp_path / name).dim == 24
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "half" / LEFTOVER).exists()


@pytest.mark.parametrize("has_head", [False, True])
def test_what_is_saved_is_known(has_head: bool, folder: Path, tmp_path: Path) -> None:
    """What a writer makes is never foreign, whatever it is."""
    parts = StaticModel.from_pretrained(folder)
    head = {"head.0.weight": np.ones((2, 24), np.float32)} if has_head else None
    saving.save_model(parts, str(tmp_path / "saved"), head=head)
    assert (tmp_path / "saved" / "head.safetensors").exists() == has_head
    assert foreign_entries(str(tmp_path / "saved")) == []


def test_other_entries_of_a_folder_are_found(saved: Path) -> None:
    (saved / "diary.txt").write_text("mine")
    (saved / "photos").mkdir()
    (saved / "photos" / "one.jpg").write_text("mine")
    (saved / "pipeline.skops").write_text("of model2vec")
    (saved / ".git").mkdir()
    for name in ("1_Dense", "0_Dense", "1_Normalize", "12_Dense"):
        (saved / name).mkdir()
    for name in ("config.json", "model.safetensors", "diary.txt", LEFTOVER, "README.md"):
        (saved / "1_Dense" / name).write_text("")
    (saved / "1_Dense" / "12_Dense").mkdir()
    (saved / ".m2v-lite-4567cdef.tmp").symlink_to("diary.txt")  # no writer makes links
    assert foreign_entries(str(saved)) == [
        ".git/",
        ".m2v-lite-4567cdef.tmp",
        "0_Dense/",
        "1_Dense/12_Dense/",
        "1_Dense/README.md",
        "1_Dense/diary.txt",
        "1_Normalize/",
        "diary.txt",
        "photos/",
        "pipeline.skops",
    ]


def test_names_in_the_place_of_others_are_foreign(saved: Path) -> None:
    (saved / "README.md").unlink()
    (saved / "README.md").mkdir()
    (saved / "1_Dense").write_text("mine")
    assert foreign_entries(str(saved)) == ["1_Dense", "README.md/"]


@pytest.mark.parametrize("table", ["none", "a text", "of another library", "a folder"])
def test_without_a_table_the_names_of_a_model_prove_nothing(table: str, tmp_path: Path) -> None:
    """As in a project that has no more than a README, or a model of another library."""
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "config.json").write_text("{}")
    expected = ["README.md", "config.json"]
    if table == "a text":
        (tmp_path / "model.safetensors").write_text("mine")
    elif table == "of another library":
        with (tmp_path / "model.safetensors").open("wb") as file:
            write_safetensors(file, {"embeddings.word_embeddings.weight": TENSORS["embeddings"]})
    elif table == "a folder":
        (tmp_path / "model.safetensors").mkdir()
    if table != "none":
        expected.append("model.safetensors" + "/" * (table == "a folder"))
    assert foreign_entries(str(tmp_path)) == expected


def test_unpack_refuses_a_folder_that_holds_something_else(
    packed: Path, saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "dbca":
        (saved / name).write_text(name)
    before = state_of(saved)
    for file in (str(packed), "/no/such/file"):
        assert main(["unpack", file, str(saved)]) == 1
        assert capsys.readouterr().err == (
            f"m2v-lite: {saved}: this folder holds other files, for example 'a', 'b', 'c', so no model is "
            "written there; name a new folder, or give --force\n"
        )
    assert state_of(saved) == before
    assert main(["unpack", str(packed), str(saved), "--force"]) == 0
    after = state_of(saved)
    assert {name: after[name] for name in "abcd"} == {name: before[name] for name in "abcd"}
    assert after["config.json"] != before["config.json"]


def test_unpack_in_a_process(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "diary\x1b.txt").write_text("mine")
    command = [sys.executable, "-m", "m2v_lite", "unpack", str(packed), "."]
    before = state_of(tmp_path)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=LONGEST)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b".: this folder holds other files, for example 'diary\\x1b.txt', so no model" in done.stderr
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_folder_is_never_replaced(
    force: bool, tmp_path: Path, packed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to("notes.txt")
    before = state_of(tmp_path)
    options = ["--force"] if force else []
    for place, kind in {
        tmp_path / "notes.txt": "a file",
        tmp_path / "link": "a file",
        Path(os.devnull): "a device",
    }.items():
        assert main(["unpack", str(packed), str(place), *options]) == 1
        assert f"{place}: this is {kind}, not a folder; name a folder\n" in capsys.readouterr().err
    assert state_of(tmp_path) == before


def test_a_folder_that_cannot_be_read(
    saved: Path, packed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(folder: str) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)

    monkeypatch.setattr(saving, "foreign_entries", refusing)
    before = state_of(saved)
    assert main(["unpack", str(packed), str(saved)]) == 1
    assert (
        "saved: cannot be read (Permission denied), so no model is written there; name a new folder, or give --force"
        in (capsys.readouterr().err)
    )
    assert state_of(saved) == before
    assert main(["unpack", str(packed), str(saved), "--force"]) == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_permissions(saved: Path, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(packed.read_bytes())
    (tmp_path / "model").chmod(0)
    saved.chmod(0o300)
    try:
        with pytest.raises(InputValueError, match=r"model: cannot be read \(Permission denied\)"):
            check_packed_model(str(tmp_path / "model"), force=False)
        with pytest.raises(InputValueError, match=r"saved: cannot be read \(Permission denied\)"):
            check_folder(str(saved), force=False)
    finally:
        saved.chmod(0o700)


# Copies


def test_a_copy_beside_other_files(folder: Path, saved: Path, tmp_path: Path) -> None:
    files = find_model_files(str(folder))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "diary.txt").write_text("mine")
    with pytest.raises(InputValueError, match=r"holds other files, for example 'diary\.txt'"):
        copy_model(files, str(tmp_path / "other"))
    copy_model(files, str(tmp_path / "other"), force=True)
    assert StaticModel.from_pretrained(tmp_path / "other").dim == 24
    assert (tmp_path / "other" / "diary.txt").read_text() == "mine"
    with pytest.raises(InputValueError, match=r"diary.txt: this is a file; name a folder, or use --pack"):
        copy_model(files, str(tmp_path / "other" / "diary.txt"), force=True)


@pytest.mark.parametrize("name", ["head.safetensors", "config_sentence_transformers.json", "1_Dense/"])
def test_a_copy_never_lies_beside_parts_of_another_model(name: str, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / name
    place.mkdir() if name.endswith("/") else place.write_text("of another model")
    before = state_of(tmp_path)
    for force in (False, True):
        with pytest.raises(InputValueError, match=f"{name.strip('/')}', which could be mistaken for parts"):
            copy_model(find_model_files(str(folder)), str(tmp_path), force)
    assert state_of(tmp_path) == before


# Downloads


def test_download_refuses_before_it_asks_the_hub(
    hub: Hub, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, {path.name: path.read_bytes() for path in folder.iterdir()})
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "diary.txt").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    before = state_of(tmp_path)
    command = ["download", NAME, "--cache-dir", str(tmp_path / "cache")]
    refused = [("--output", "folder", "'diary.txt'"), ("--pack", "notes.txt", "not a packed model")]
    for option, name, message in refused:
        assert main([*command, option, str(tmp_path / name)]) == 1
        assert message in capsys.readouterr().err
    assert not hub.requests
    assert state_of(tmp_path) == before
    for option, name, _ in refused:
        for _ in range(2):
            assert main([*command, option, str(tmp_path / name), "--force"]) == 0
        assert StaticModel.from_pretrained(tmp_path / name).dim == 24
    assert (tmp_path / "folder" / "diary.txt").read_text() == "mine"
    assert main([*command, "--output", str(tmp_path / "folder")]) == 1  # the diary is still there
    for option, name in (("--pack", "notes.txt"), ("--output", "copy"), ("--output", "copy")):
        assert main([*command, option, str(tmp_path / name)]) == 0


def test_force_needs_something_to_replace(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["download", NAME, "--force"])
    assert "--force is for --output and --pack" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["pack", "unpack", "download"])
def test_help_names_force(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert "--force " in capsys.readouterr().out


def test_at_most_so_many_entries_are_named(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"file-{number:02}").touch()
    with pytest.raises(InputValueError) as error:
        check_folder(str(tmp_path), force=False)
    assert str(error.value).count("file-") == replacing.MOST_NAMED == 3
