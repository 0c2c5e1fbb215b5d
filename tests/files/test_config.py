"""The front matter of model cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from m2v_lite.files.model_card import read_model_card


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("---\nlicense: mit\nbase_model: a/b\n---\n# x", {"license": "mit", "base_model": "a/b"}),
        ("---\nlanguage:\n- en\n- 'de'\n---\n", {"language": ["en", "de"]}),
        ("---\nlanguage:\n  - en\ntags:\n  - a\n---\n", {"language": ["en"], "tags": ["a"]}),
        ('---\nlanguage: [en, "fr"]\nlicense: "mit"\n---\n', {"language": ["en", "fr"], "license": "mit"}),
        ("---\r\nlicense: mit\r\n---\r\n", {"license": "mit"}),
        ("---\nmodel-index:\n- name: x\n  results: 3\nlicense: mit\n---\n", {"model-index": ["name: x"], "license": "mit"}),
        ("---\nlanguage: en\n---\n", {"language": "en"}),
        ("---\nbase_model: a/b # c\n---\n", {"base_model": "a/b"}),
        ("---\nlanguage: null\nlicense:\n---\n", {"language": None, "license": None}),
        ("---\nbase_model:\n- a/b\n---\n", {"base_model": ["a/b"]}),
        ("---\nname: 'it''s'\n\"base_model\": q\n---\n", {"name": "it's", "base_model": "q"}),
        ("---\nlicense: mit\n", {}),
        ("# No front matter\nlicense: mit\n---\n", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_front_matter(text: str, card: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(text.encode())
    assert read_model_card(tmp_path / "README.md") == card


def test_no_model_card(tmp_path: Path) -> None:
    assert read_model_card(tmp_path / "README.md") == {}
