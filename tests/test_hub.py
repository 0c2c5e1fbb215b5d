"""Models by name: what the hub's cache holds is loaded without a request; errors help. No test asks a hub."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest

from m2v_lite import DownloadError, MissingPackageError, ModelNotFoundError, StaticModel
from m2v_lite.hub import is_repository_id
from m2v_lite.layout import hub_patterns

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _no_hub_beyond_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def cache(tmp_path: Path, tiny: Callable[[str], Path]) -> Path:
    """A cache that holds owner/name at main, in the documented layout of huggingface_hub."""
    repository = tmp_path / "models--owner--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for path in tiny("wordpiece-float32").iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    "options", [{}, {"local_files_only": True}, {"revision": "main"}, {"revision": COMMIT}]
)
def test_a_cached_model(options: dict[str, object], cache: Path, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained("owner/name", cache_dir=cache, **options)  # type: ignore[arg-type]
    expected = StaticModel.from_pretrained(tiny("wordpiece-float32")).encode("the cat")
    np.testing.assert_array_equal(model.encode("the cat"), expected)


def test_a_folder_goes_before_the_hub(
    cache: Path, tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "name").symlink_to(tiny("wordpiece-int8"))
    monkeypatch.chdir(tmp_path)
    assert StaticModel.from_pretrained("owner/name", cache_dir=cache).embedding_dtype == "int8"


@pytest.mark.parametrize("options", [{}, {"local_files_only": True}, {"force_download": True}])
def test_a_model_that_cannot_be_had(options: dict[str, bool], tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"owner/name: .*not in the cache.*copy its folder") as caught:
        StaticModel.from_pretrained("owner/name", cache_dir=tmp_path, **options)  # type: ignore[arg-type]
    assert caught.value.__cause__ is not None
    assert isinstance(caught.value, OSError)


def test_another_revision_than_the_cached(cache: Path) -> None:
    with pytest.raises(DownloadError, match="owner/name at revision v2: "):
        StaticModel.from_pretrained("owner/name", cache_dir=cache, revision="v2")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingPackageError, match="pip install huggingface_hub"):
        StaticModel.from_pretrained("owner/name")


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
    ],
)
def test_names_of_repositories(name: str, is_one: bool) -> None:
    assert is_repository_id(name) is is_one


def test_an_incomplete_snapshot_is_not_loaded(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "models--owner--name" / "snapshots" / COMMIT / "tokenizer.json").unlink()
    asked: list[bool] = []
    download = huggingface_hub.snapshot_download

    def noted(*arguments: Any, **options: Any) -> str:
        asked.append(options["local_files_only"])
        return str(download(*arguments, **options))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", noted)
    with pytest.raises(
        ModelNotFoundError, match=r"missing for the nearest layout \(model2vec\): tokenizer.json"
    ):
        StaticModel.from_pretrained("owner/name", cache_dir=cache)
    assert asked == [True, False]  # the hub is asked for what the cache lacks


def test_what_is_asked_of_the_hub() -> None:
    assert "config.json" in hub_patterns()
    assert "0_StaticEmbedding/model.safetensors" in hub_patterns()
    assert "some/model.safetensors" in hub_patterns("some/")
    assert "a/config_sentence_transformers.json" in hub_patterns("a/0_StaticEmbedding")
