"""Models of sentence-transformers by name: the files of their modules come with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import Hub, sha256
from st_folders import build, dense
from test_hub import NAME, TEXTS, cache as cache, files_of, hub as hub, load, run, snapshot_of
from tiny_models import TINY_MODELS, TinyModel, unigram, wordpiece

from m2v_lite import DownloadError, InvalidModelError, ModelNotFoundError, StaticModel

MODULES = [None, dense(24, 7), dense(7, 5)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build(tmp_path / "model", MODULES, prompts={"title": "of "}, default_prompt_name="title")


def load_with_modules(cache: Path, **options: Any) -> StaticModel:
    return StaticModel.from_sentence_transformers(NAME, cache_dir=cache, **options)


def assert_same(model: StaticModel, folder: Path) -> None:
    expected = StaticModel.from_sentence_transformers(folder).encode(TEXTS)
    np.testing.assert_array_equal(model.encode(TEXTS), expected)


@pytest.mark.parametrize("subfolder", [None, "models/a b"])
def test_the_modules_are_downloaded(subfolder: str | None, hub: Hub, cache: Path, folder: Path) -> None:
    files = files_of(folder)
    hub.add(NAME, {f"{subfolder}/{name}" if subfolder else name: files[name] for name in files})
    assert_same(load_with_modules(cache, subfolder=subfolder), folder)
    hub.requests.clear()
    assert_same(load_with_modules(cache, subfolder=subfolder), folder)
    assert_same(load_with_modules(cache, subfolder=subfolder, local_files_only=True), folder)
    assert not hub.requests


def test_a_table_in_a_folder_of_its_own(hub: Hub, cache: Path, tmp_path: Path) -> None:
    """The list names another table than the one that model2vec takes first."""
    recipe = TinyModel(unigram(), layout=2, config={})
    folder = build(tmp_path / "model", [None], recipe)
    listed = (folder / "modules.json").read_text()
    (folder / "modules.json").write_text(listed.replace('"path": ""', '"path": "0_StaticEmbedding"'))
    expected = StaticModel.from_sentence_transformers(folder).encode(TEXTS)
    hub.add(
        NAME, {**files_of(TINY_MODELS["wordpiece-float32"].build(tmp_path / "other")), **files_of(folder)}
    )
    np.testing.assert_array_equal(load_with_modules(cache).encode(TEXTS), expected)


def test_a_snapshot_without_them_is_completed(hub: Hub, cache: Path, folder: Path) -> None:
    """Other programs may leave one."""
    hub.add(NAME, files_of(folder))
    with pytest.warns(UserWarning, match="it applies Dense"):
        load(cache)
    hub.requests.clear()
    assert_same(load_with_modules(cache), folder)
    assert not hub.requests
    for name in ("2_Dense/config.json", "modules.json"):
        path = snapshot_of(cache) / name
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        with pytest.raises(
            DownloadError, match=rf"there is no {name}.*: m2v-lite download {NAME} --force-download$"
        ):
            load_with_modules(cache, local_files_only=True)
        assert_same(load_with_modules(cache), folder)


@pytest.mark.filterwarnings("ignore:.*it applies Dense:UserWarning")
def test_copies_have_them(
    hub: Hub, cache: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files_of(folder))
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", tmp_path / "copy")
    assert_same(StaticModel.from_sentence_transformers(tmp_path / "copy"), folder)


def test_a_model_of_model2vec_is_refused_before_its_table_comes(
    hub: Hub, cache: Path, tmp_path: Path
) -> None:
    files = files_of(TinyModel(wordpiece()).build(tmp_path / "model"))
    hub.add(NAME, files)
    with pytest.raises(ModelNotFoundError, match=rf"{NAME}: there is no modules\.json.*from_pretrained"):
        load_with_modules(cache)
    assert sha256(files["model.safetensors"]) not in "".join(hub.requests)


def test_a_list_that_cannot_be_read(hub: Hub, cache: Path, folder: Path) -> None:
    hub.add(NAME, {**files_of(folder), "modules.json": b"["})
    with pytest.raises(InvalidModelError, match=r"modules\.json: it cannot be read as JSON"):
        load_with_modules(cache)


def test_a_module_that_leads_outside_the_cache(hub: Hub, cache: Path, folder: Path, tmp_path: Path) -> None:
    hub.add(NAME, files_of(folder))
    load_with_modules(cache)
    path = snapshot_of(cache) / "2_Dense" / "config.json"
    (tmp_path / "elsewhere").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DownloadError, match="points outside the cache"):
        load_with_modules(cache, local_files_only=True)
