"""Links of pages fit the site, and the API reference has docstrings and readable signatures.

`make docs` runs this; it needs MkDocs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mkdocs")
pytest.importorskip("griffe")

import griffe
import readable_signatures
import site_hooks
from mkdocs.exceptions import PluginError

ADDRESS = "https://example.org/m2v_lite"


def link(text: str, page: str, repository: str = "") -> str:
    return site_hooks.LINK.sub(lambda found: site_hooks.moved(found, page, repository), text)


@pytest.mark.parametrize(
    ("text", "page", "expected"),
    [
        ("[a](search.md#in-python)", "start.md", "[a](search.md#in-python)"),
        ("[a](../milvus.md)", "libraries/llm.md", "[a](../milvus.md)"),
        (
            "[a](../../benchmarks/results/speed-1-core.md)",
            "libraries/llm.md",
            "[a](../results/speed-1-core.md)",
        ),
        ("[a](docs/search.md)", "changelog.md", "[a](search.md)"),
        ("[a](../CHANGELOG.md)", "start.md", "[a](changelog.md)"),
        ("[a](../README.md)", "start.md", "[a](index.md)"),
        (
            "![a](../benchmarks/results/search-dark.svg#gh-dark-mode-only)",
            "search.md",
            "![a](results/search-dark.svg#gh-dark-mode-only)",
        ),
        ("[a](https://example.org) [b](#c)", "start.md", "[a](https://example.org) [b](#c)"),
        ("[`a`](../tests/test_docs.py)", "start.md", "`a`"),
    ],
)
def test_a_link_fits_the_site(text: str, page: str, expected: str) -> None:
    assert link(text, page) == expected


def test_a_link_to_code_leads_to_the_repository() -> None:
    found = link("[a](../tests/test_docs.py)", "start.md", f"{ADDRESS}/")
    assert found == f"[a]({ADDRESS}/blob/main/tests/test_docs.py)"


def test_a_dead_link_ends_the_build() -> None:
    with pytest.raises(PluginError, match=r"start\.md links to \.\./nothing\.py, which does not exist"):
        link("[a](../nothing.py)", "start.md")


PACKAGE = '''
"""A package."""
from m2v_lite.inner import Public
'''
INNER = '''
class Base:
    """A base."""

    def inherited(self): ...


class Public(Base):
    """A class."""

    plain: int = 1

    def described(self):
        """Described."""

    def own(self): ...

    @property
    def value(self): ...

    def _private(self): ...
'''


def test_a_missing_docstring_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m2v_lite").mkdir()
    (tmp_path / "m2v_lite" / "__init__.py").write_text(PACKAGE)
    (tmp_path / "m2v_lite" / "inner.py").write_text(INNER)
    monkeypatch.setattr(site_hooks, "ROOT", tmp_path)
    found = sorted(site_hooks.without_docstring("m2v_lite.Public"))
    names = ["m2v_lite.inner.Base.inherited", "m2v_lite.inner.Public.own", "m2v_lite.inner.Public.value"]
    assert found == names


CONSTANTS = """
from os import PathLike
from typing import TYPE_CHECKING

Name = str | PathLike[str]
NUMBER = 1 << 12
UNSET = object()

if TYPE_CHECKING:
    Names = list[Name]
"""
SIGNATURES = """
from typing import TYPE_CHECKING
from m2v_lite.constants import NUMBER, UNSET, Name

if TYPE_CHECKING:
    from m2v_lite.constants import Names

class Public:
    def method(self, name: int | Name | None = None, size: int = NUMBER, limit: int = UNSET, **more: int) -> Names: ...
"""


def test_a_signature_shows_values(tmp_path: Path) -> None:
    (tmp_path / "m2v_lite").mkdir()
    for name, text in (("__init__", ""), ("constants", CONSTANTS), ("public", SIGNATURES)):
        (tmp_path / "m2v_lite" / f"{name}.py").write_text(text)
    extensions = griffe.load_extensions(readable_signatures.ReadableSignatures)
    package = griffe.load("m2v_lite", search_paths=[tmp_path], extensions=extensions, try_relative_path=False)
    method = package["public.Public.method"]
    shown = [f"{one.name}: {one.annotation} = {one.default}" for one in method.parameters][1:]
    assert shown == [
        "name: int | str | PathLike[str] | None = None",
        "size: int = 1 << 12",
        "limit: int = UNSET",
        "more: int = {}",
    ]
    assert str(method.returns) == "list[str | PathLike[str]]"
