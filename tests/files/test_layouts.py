"""Model folders without a config, such as one made of wordllama's two files."""

from __future__ import annotations

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS
from tiny_models import TinyModel, bpe

from m2v_lite import InvalidModelError, ModelNotFoundError, StaticModel
from m2v_lite.files.layouts import find_model_files

RECIPES = {
    "model2vec": TinyModel(config={}),
    "sentence-transformers": TinyModel(layout=1, config={}),
    "wordllama": TinyModel(bpe("<unk>"), dtype="float16", layout=1, config={}),
}


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> TinyModel:
    return RECIPES[request.param]


@pytest.fixture
def folder(recipe: TinyModel, tmp_path: Path) -> Path:
    """A folder of a table and a tokenizer only."""
    folder = recipe.build(tmp_path / "model")
    for config in folder.glob("config*.json"):
        config.unlink()
    return folder


def load_quietly(folder: Path, **options: Any) -> StaticModel:
    """Load a model. The settings are those that model2vec has by default, so there is nothing to warn of."""
    return StaticModel.from_pretrained(folder, **{"normalize": False, "max_length": 512, **options})


def test_the_defaults_are_those_of_an_empty_config(folder: Path, recipe: TinyModel, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="no config"):
        model = StaticModel.from_pretrained(folder)
    expected = StaticModel.from_pretrained(recipe.build(tmp_path / "with"))
    assert model.config == expected.config == {"normalize": False, "max_length": 512}
    np.testing.assert_array_equal(model.encode(SAMPLE_TEXTS), expected.encode(SAMPLE_TEXTS))


def test_one_warning_at_the_line_of_the_caller(folder: Path) -> None:
    with pytest.warns(UserWarning, match="no config") as caught:
        StaticModel.from_pretrained(folder)
    (warning,) = caught
    assert str(warning.message) == (
        f"{folder}: there is no config.json, so model2vec's defaults apply: normalize=False, max_length=512; "
        "give these settings to from_pretrained, or add a config.json"
    )
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("given", "defaults"),
    [({"normalize": True}, ": max_length=512;"), ({"max_length": None}, ": normalize=False;")],
)
def test_only_the_defaults_that_apply_are_named(given: dict[str, Any], defaults: str, folder: Path) -> None:
    with pytest.warns(UserWarning, match=defaults):
        StaticModel.from_pretrained(folder, **given)


def test_given_settings_apply_without_a_warning(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = StaticModel.from_pretrained(folder, normalize=True, max_length=3)
    assert (model.normalize, model.max_length) == (True, 3)


def test_a_saved_or_packed_copy_has_the_settings(folder: Path, tmp_path: Path) -> None:
    model = load_quietly(folder, normalize=True, max_length=5)
    model.save_pretrained(tmp_path / "saved")
    model.save_packed(tmp_path / "packed.safetensors")
    for place in ("saved", "packed.safetensors"):
        again = StaticModel.from_pretrained(tmp_path / place)
        assert (again.normalize, again.max_length) == (True, 5)
        np.testing.assert_array_equal(again.encode(SAMPLE_TEXTS), model.encode(SAMPLE_TEXTS))


def test_a_pickled_model_keeps_its_settings_without_a_warning(folder: Path) -> None:
    model = load_quietly(folder, normalize=True, max_length=5)
    again = pickle.loads(pickle.dumps(model))
    assert again.config == model.config
    np.testing.assert_array_equal(again.encode(SAMPLE_TEXTS), model.encode(SAMPLE_TEXTS))


def test_in_a_subfolder(folder: Path) -> None:
    assert load_quietly(folder.parent, subfolder=folder.name).dim == 24


def test_the_nested_folder_without_its_parent(tmp_path: Path) -> None:
    TinyModel(layout=2).build(tmp_path)
    (tmp_path / "config_sentence_transformers.json").unlink()
    assert load_quietly(tmp_path / "0_StaticEmbedding").dim == 24
    with pytest.raises(ModelNotFoundError, match=r"nested\): config_sentence_transformers\.json\."):
        StaticModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_no_other_file_may_be_missing(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelNotFoundError, match=rf"\(model2vec\): config\.json.*{name}\. Layouts tried"):
        StaticModel.from_pretrained(folder)


def test_a_link_that_leads_nowhere_is_no_missing_config(folder: Path) -> None:
    (folder / "config.json").symlink_to("gone")
    with pytest.raises(ModelNotFoundError, match=r"\(model2vec\): config\.json\. Layouts tried"):
        StaticModel.from_pretrained(folder)


def test_a_file_that_git_has_not_fetched(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(InvalidModelError, match=r"tokenizer\.json: this is a git-lfs pointer"):
        StaticModel.from_pretrained(folder)


def test_a_config_goes_before_the_defaults(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"normalize": True}))
    model = StaticModel.from_pretrained(folder)
    assert (model.normalize, model.max_length) == (True, 512)


def test_the_hub_wants_a_config(folder: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"config\.json"):
        find_model_files(str(folder))


def test_a_file_in_place_of_the_folder(folder: Path) -> None:
    for path, kind in ((folder / "model.safetensors", "a file"), (Path(os.devnull), "a device")):
        with pytest.raises(ModelNotFoundError, match=f"this is {kind}; give the folder that holds the table"):
            find_model_files(str(path))
