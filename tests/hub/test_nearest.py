"""Misspelt names of models: which model is meant, and which errors ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from m2v_lite import DownloadError, M2VLiteError, ModelNotFoundError, StaticModel
from m2v_lite.hub.known_models import KNOWN_MODELS
from m2v_lite.hub.nearest import hint


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("minishlab/potion-base-8m", "minishlab/potion-base-8M"),
        ("minishlab/potion-base8M", "minishlab/potion-base-8M"),
        ("MinishLab/potion-base-32M", "minishlab/potion-base-32M"),
        ("potion-retrieval-32M", "minishlab/potion-retrieval-32M"),
        ("potion-multilingual-128", "minishlab/potion-multilingual-128M"),
        ("minishlabs/potion-code-16M-v2", "minishlab/potion-code-16M-v2"),
        ("static-retrieval-mrl-en", "sentence-transformers/static-retrieval-mrl-en-v1"),
        ("me/my-notes-modle", "me/my-notes-model"),
    ],
)
def test_what_is_meant(name: str, meant: str, tmp_path: Path) -> None:
    for entry in ("models--me--my-notes-model", "datasets--me--my-notes-modle", ".locks"):
        (tmp_path / entry).mkdir()
    assert hint(name, str(tmp_path)) == f" (did you mean {meant!r}?)"


def test_no_other_model_is_meant(tmp_path: Path) -> None:
    for name in [*(model.name for model in KNOWN_MODELS if "/" in model.name), "somebody/else", "x", ""]:
        assert hint(name, str(tmp_path)) == hint(name, None) == hint(name, str(tmp_path / "none")) == ""


@pytest.mark.parametrize(
    ("name", "error", "options"),
    [
        ("minishlab/potion-base-8N", DownloadError, {"local_files_only": True}),
        ("potion-base-8M", DownloadError, {"local_files_only": True}),
        ("./potion-base-8M", ModelNotFoundError, {}),
        ("https://huggingface.co/minishlab/potion-base-8M", ModelNotFoundError, {}),
    ],
)
def test_errors_ask(name: str, error: type[M2VLiteError], options: dict[str, bool], tmp_path: Path) -> None:
    with pytest.raises(error, match=r"\(did you mean 'minishlab/potion-base-8M'\?\)"):
        StaticModel.from_pretrained(
            name, cache_dir=tmp_path, local_files_only=options.get("local_files_only", False)
        )
    with pytest.raises(M2VLiteError) as caught:
        StaticModel.from_pretrained("minishlab/potion-base-8M", cache_dir=tmp_path, local_files_only=True)
    assert "did you mean" not in str(caught.value)
