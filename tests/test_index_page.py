"""What a package index shows has links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hatchling")

from index_page import IndexPage, with_links

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "https://example.org/m2v_lite"


def links_of(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", text)


def metadata(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    for name in ("M2V_LITE_REPOSITORY", "M2V_LITE_SITE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found: dict[str, Any] = {}
    IndexPage(str(ROOT), {}).update(found)
    return found


def test_links_lead_to_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    found = metadata(monkeypatch, M2V_LITE_REPOSITORY=f"{ADDRESS}/", M2V_LITE_SITE="https://example.org/site")
    links = links_of(found["readme"]["text"])
    assert len(links) == len(links_of(README))
    assert f"{ADDRESS}/blob/main/docs/search.md" in links
    assert all(link.startswith(("https://", "#")) for link in links)
    assert found["urls"]["Source"] == ADDRESS
    assert found["urls"]["Documentation"] == "https://example.org/site"


def test_without_a_repository_they_are_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    found = metadata(monkeypatch)
    assert found["urls"] == {}
    text = found["readme"]["text"]
    assert all(link.startswith(("https://", "#")) for link in links_of(text))
    assert "Search your notes explains how." in text


def test_other_links_stay() -> None:
    text = "[here](#there) [site](https://example.org) [page](docs/a.md)"
    assert with_links(text, ADDRESS) == text.replace("docs/a.md", f"{ADDRESS}/blob/main/docs/a.md")
