"""Hooks of MkDocs, which mkdocs.yml names: links that fit the site, and docstrings that must be there.

People read the pages of docs/ on the site and in the repository. So their links lead to files of the
repository. On the site, the committed results and the changelog are pages, too, and links to code lead to the
repository, or are plain text if mkdocs.yml knows no address of it.

A class or function of the API reference without a docstring ends the build.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
RESULTS = "benchmarks/results/"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
REFERENCE = re.compile(r"^::: (\S+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the changelog and the results, which lie outside of docs/."""
    outside = {"changelog.md": ROOT / "CHANGELOG.md"}
    for path in sorted((ROOT / RESULTS).iterdir()):
        if path.suffix in (".md", ".svg"):
            outside[f"results/{path.name}"] = path
    for name, path in outside.items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to pages of the site, or else to the repository."""
    for name in REFERENCE.findall(markdown):
        for missing in without_docstring(name):
            raise PluginError(f"{page.file.src_uri}: {missing} has no docstring")
    parts = FENCED.split(markdown)
    parts[::2] = [
        LINK.sub(lambda link: moved(link, page.file.src_uri, config.repo_url or ""), part)
        for part in parts[::2]
    ]
    return "".join(parts)


def moved(link: re.Match[str], page: str, repository: str) -> str:
    """Return a link as it must be on a page of the site."""
    picture, text, target = link.groups()
    path, mark, fragment = target.partition("#")
    if not path or re.match(r"[a-z]+:", path):
        return link[0]
    source = posixpath.normpath(posixpath.join(posixpath.dirname(in_repository(page)), path))
    on_site = in_site(source)
    if on_site is not None:
        return f"{picture}[{text}]({posixpath.relpath(on_site, posixpath.dirname(page))}{mark}{fragment})"
    if not (ROOT / source).exists():
        raise PluginError(f"{page} links to {target}, which does not exist")
    return f"[{text}]({repository.rstrip('/')}/blob/main/{source}{mark}{fragment})" if repository else text


def in_repository(page: str) -> str:
    """Return where the source of a page is.

    >>> in_repository("libraries/llm.md"), in_repository("results/speed.md"), in_repository("changelog.md")
    ('docs/libraries/llm.md', 'benchmarks/results/speed.md', 'CHANGELOG.md')
    """
    if page == "changelog.md":
        return "CHANGELOG.md"
    return RESULTS + page.removeprefix("results/") if page.startswith("results/") else f"docs/{page}"


def in_site(source: str) -> str | None:
    """Return the name on the site of a file of the repository, or None if it is not on the site.

    >>> in_site("docs/search.md"), in_site("CHANGELOG.md"), in_site("tests/test_docs.py")
    ('search.md', 'changelog.md', None)
    """
    if source == "CHANGELOG.md":
        return "changelog.md"
    if source == "README.md":
        return "index.md"
    if source.startswith(RESULTS) and source.endswith((".md", ".svg")):
        return "results/" + source.removeprefix(RESULTS)
    return source.removeprefix("docs/") if source.startswith("docs/") else None


def without_docstring(name: str) -> Iterator[str]:
    """Yield the names of an object and of its public members, also inherited ones, without a docstring."""
    modules = griffe.ModulesCollection()
    loader = griffe.GriffeLoader(search_paths=[ROOT], modules_collection=modules)
    loader.load("m2v_lite", try_relative_path=False)
    loader.resolve_aliases()
    yield from _without_docstring(modules[name])


def _without_docstring(found: Any) -> Iterator[str]:
    if found.is_alias:
        found = found.final_target
    is_plain = found.is_attribute and "property" not in found.labels  # described with its class
    if not found.has_docstring and not is_plain:
        yield found.path
    if found.is_class:
        for name, member in found.all_members.items():
            if not name.startswith("_"):
                yield from _without_docstring(member)
    elif found.is_module:
        for member in found.members.values():
            if member.is_public and not member.is_alias:
                yield from _without_docstring(member)
