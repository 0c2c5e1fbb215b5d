"""Every writer, with each of its operations failing in turn: files are old or new, and nothing else is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tiny_models import TinyModel, wordpiece
from unigram_models import joined

from m2v_lite import StaticModel
from m2v_lite.commands import inputs
from m2v_lite.commands.main import main
from m2v_lite.files import reading
from m2v_lite.files.atomic_write import is_temporary
from m2v_lite.files.kept_tokenizers import LOCK, prune
from m2v_lite.files.packing import pack
from m2v_lite.files.saving import copy_model
from m2v_lite.records.writing import partial_file

if not hasattr(os, "fork"):
    pytest.skip("needs fork", allow_module_level=True)

from faults import KINDS, Ending, Kind, endings

Files = dict[str, bytes]
# To prepare a tokenizer takes longest.
STEP = 1 if os.environ.get("M2V_LITE_EXHAUSTIVE") else 4


class Model(NamedTuple):
    """One model in the forms that writers take: loaded, as a folder, packed, and as texts to encode."""

    loaded: StaticModel
    folder: str
    packed: str
    texts: str

    @classmethod
    def build(cls, folder: Path, dim: int) -> Model:
        built = TinyModel(dim=dim, config={"normalize": True, "max_length": dim}).build(folder / "model")
        loaded = StaticModel.from_pretrained(built)
        pack(loaded, str(folder / "packed"), None)
        (folder / "texts").write_text("".join(f"the cat {number}\n" for number in range(10 * dim)))
        return cls(loaded, str(built), str(folder / "packed"), str(folder / "texts"))


def _save(model: Model, place: Path) -> None:
    model.loaded.save_pretrained(place)


def _copy(model: Model, place: Path) -> None:
    assert model.loaded.files is not None
    copy_model(model.loaded.files, str(place))


def _unpack(model: Model, place: Path) -> int:
    return main(["unpack", model.packed, str(place)])


def _pack(model: Model, place: Path) -> int:
    return main(["pack", model.folder, str(place)])


def _encode(model: Model, place: Path, *options: str) -> int:
    command = ["encode", "--model", model.packed, "--input", model.texts, "--output", str(place)]
    return main([*command, *options])


# Each with the place that it writes to. Folders end in a slash.
WRITERS: list[tuple[Callable[[Model, Path], int | None], str]] = [
    (_save, "a/folder/"),
    (_copy, "a/folder/"),
    (_unpack, "a/folder/"),
    (_pack, "packed.safetensors"),
]


def files_in(folder: Path) -> Files:
    """Return the content of all files below a folder, and its empty folders, each as its path with a slash."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[f"{name}/"] = b""
    return found


def kept_in(folder: Path) -> Files:
    """Return the kept tokenizer of tokenizers, and empty folders beside it."""
    found = files_in(folder / "assets" / "m2v_lite" / "tokenizers")
    return {name: content for name, content in found.items() if name != LOCK}


def without_leftovers(files: Files) -> Files:
    """Return what is left without what a killed process may leave."""
    return {n: c for n, c in files.items() if not n.endswith("/") and not is_temporary(Path(n).name)}


def assert_old_or_new(found: Files, old: Files, new: Files, ending: Ending) -> None:
    """Assert that each file is whole, that none is missing, and that the last is new only if all are."""
    if ending.is_done or len(new) == 1:
        assert found == (old if ending.is_refused else new) or (ending.is_killed and found == old)
        return
    for name, content in found.items():
        assert content in (old.get(name), new.get(name)), f"{name} is neither old nor new"
    assert set(found) >= set(old)
    (last,) = (name for name in new if name.endswith("config.json"))
    if found.get(last) == new[last]:
        assert ending.is_killed
        assert found == new


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "old"])
@pytest.mark.parametrize(("write", "place"), WRITERS, ids=[f"{w.__name__[1:]}-{p}" for w, p in WRITERS])
def test_a_fault_leaves_old_files_or_new_ones(
    write: Callable[[Model, Path], int | None], place: str, is_there: bool, kind: Kind, tmp_path: Path
) -> None:
    older, newer = Model.build(tmp_path / "8", 8), Model.build(tmp_path / "40", 40)
    written = {}
    for model in (older, newer):
        target = tmp_path / "expected" / place
        target.parent.mkdir(parents=True)
        assert not write(model, target)
        written[model] = files_in(tmp_path / "expected")
        shutil.rmtree(tmp_path / "expected")
    old, new = written[older] if is_there else {}, written[newer]
    assert not any(set(old.values()) & {new[name]} for name in new if name.endswith("config.json"))

    def prepare() -> None:
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        (tmp_path / "work").mkdir()
        for name, content in old.items():
            (tmp_path / "work" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "work" / name).write_bytes(content)

    seen = []
    for ending in endings(prepare, lambda: write(newer, tmp_path / "work" / place), kind):
        found = files_in(tmp_path / "work")
        if ending.is_killed:
            found = without_leftovers(found)
        assert_old_or_new(found, old, new, ending)
        assert not write(newer, tmp_path / "work" / place)
        assert files_in(tmp_path / "work") == new
        seen.append(ending)
    assert len(seen) > 3
    assert any(ending.is_refused or ending.is_killed for ending in seen)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resume", [True, False], ids=["resumed", "begun again"])
@pytest.mark.parametrize("place", ["vectors.npy", "vectors.jsonl", "vectors.parquet"])
def test_vectors_after_a_fault_are_those_of_an_undisturbed_run(
    place: str, resume: bool, kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(inputs, "BATCH_TEXTS", 100)
    monkeypatch.setattr(partial_file, "SAVE_AFTER", 0)
    monkeypatch.setattr(partial_file, "SAVES_TAKE", 1e9)
    model = Model.build(tmp_path / "model", 40)
    (tmp_path / "expected").mkdir()
    assert _encode(model, tmp_path / "expected" / place) == 0
    new = files_in(tmp_path / "expected")
    work = tmp_path / "work"

    def prepare() -> None:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()

    kept = 0
    for ending in endings(prepare, lambda: _encode(model, work / place), kind):
        found = without_leftovers(files_in(work))
        assert found.get(place) in (None, new[place])
        assert ending.is_killed or f"{place}.partial" not in found or f"{place}.partial.json" in found
        kept += f"{place}.partial" in found
        assert _encode(model, work / place, *["--resume"] * resume) == 0
        assert files_in(work) == new
    assert kept > 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_that_cannot_be_kept_is_used_all_the_same(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", 1)
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    folder = TinyModel(joined()).build(tmp_path / "folder")
    expected = StaticModel.from_pretrained(folder).encode(["the cat"])
    (kept,) = kept_in(tmp_path).items()

    def load() -> None:
        np.testing.assert_array_equal(StaticModel.from_pretrained(folder).encode(["the cat"]), expected)

    seen = []
    for ending in endings(lambda: shutil.rmtree(tmp_path / "assets"), load, kind, STEP):
        found = kept_in(tmp_path)
        if ending.is_killed:
            found = without_leftovers(found)
        assert found in ({}, dict([kept]))
        assert ending.is_done or kind != "disk is full"  # the model's own files cannot be read otherwise
        load()
        assert kept_in(tmp_path) == dict([kept])
        seen.append(ending)
    assert len(seen) > 5 // STEP


@pytest.mark.parametrize("kind", ["one fails", "killed"])  # a full disk does not matter
def test_what_is_pruned_is_there_or_gone(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGE", 1)
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    for name, definition in (("one", joined()), ("two", wordpiece())):
        StaticModel.from_pretrained(TinyModel(definition).build(tmp_path / name))
        shutil.rmtree(tmp_path / name)
    kept = files_in(tmp_path / "assets")
    assert len(kept) == 3

    def prepare() -> None:
        for name, content in kept.items():
            (tmp_path / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "assets" / name).write_bytes(content)

    numbers = set()
    for ending in endings(prepare, lambda: prune([]), kind):
        found = {name: content for name, content in files_in(tmp_path / "assets").items() if content}
        assert found.items() <= kept.items()
        assert ending.is_refused <= bool(found)
        numbers.add(len(found))
    assert numbers == {0, 1, 2}
