"""Paths and patterns of POSIX and of Windows, both tested on any system."""

from __future__ import annotations

import fnmatch
import ntpath
import os
import posixpath
import sqlite3
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import ModuleType

import pytest
from hypothesis import given, strategies as st

from m2v_lite.search.filters import allowed_chunks
from m2v_lite.search.path_patterns import (
    Spellings,
    comparable,
    fits,
    is_at_or_in,
    matches,
    plain_part,
    seen_from,
    whole_pattern,
)

# Names that both systems take, and patterns of them. Capitals count on one of them alone.
LETTERS = "abz0.é日 -ı"
NAMES = st.text(LETTERS, min_size=1, max_size=4).filter(lambda name: bool(name.strip(".")))
PATTERNS = (
    NAMES
    | st.text(LETTERS[:4] + "*?", min_size=1, max_size=4)
    | st.sampled_from(["*", "[ab]*", "[!a]?", "*.z"])
)
PARTS = st.lists(NAMES, min_size=1, max_size=4)
PATTERN_PARTS = st.lists(PATTERNS | st.just("**"), min_size=1, max_size=4)


@given(PARTS, PATTERN_PARTS, st.booleans(), st.sampled_from("/\\"))
def test_a_pattern_of_names_fits_the_same_files_in_both_flavours(
    parts: list[str], patterns: list[str], by_folders: bool, separator: str
) -> None:
    there, here = str(PureWindowsPath(*parts)), str(PurePosixPath(*parts))
    pattern = "/".join(patterns)
    expected = matches(here, [pattern], by_folders, posixpath)
    for path in (there, there.replace("\\", "/")):
        assert matches(path, [separator.join(patterns)], by_folders, ntpath) == expected
        assert matches(path.upper(), [pattern], by_folders, ntpath) == matches(
            comparable(path.upper(), ntpath), [pattern], by_folders, posixpath
        )
    if by_folders:
        assert expected or not any(fnmatch.fnmatchcase(name, pattern) for name in PurePosixPath(here).parts)


@given(PARTS, PATTERN_PARTS, st.sampled_from(["C:\\", "\\\\server\\share\\"]), st.sampled_from("/\\"))
def test_a_pattern_of_whole_paths_fits_the_same_files_in_both_flavours(
    parts: list[str], patterns: list[str], anchor: str, separator: str
) -> None:
    there = str(PureWindowsPath(anchor, *parts))
    pattern = anchor + separator.join(patterns)
    assert fits(there, pattern, ntpath) == fits("/" + "/".join(parts), "/" + "/".join(patterns), posixpath)
    folder = plain_part(pattern, ntpath)
    assert PureWindowsPath(folder).is_absolute()
    assert folder == str(PureWindowsPath(folder))
    assert not fits(there, pattern, ntpath) or is_at_or_in(there, folder, ntpath)
    expected = plain_part("/" + "/".join(patterns), posixpath)
    assert PureWindowsPath(folder).parts[1:] == PurePosixPath(expected).parts[1:]


@given(PARTS, PARTS, st.sampled_from(["C:\\", "\\\\server\\share\\"]))
def test_what_is_in_a_folder(parts: list[str], folder: list[str], anchor: str) -> None:
    for flavour, kind, root in ((posixpath, PurePosixPath, "/"), (ntpath, PureWindowsPath, anchor)):
        whole, above = kind(root, *parts), kind(root, *folder)
        assert is_at_or_in(str(whole), str(above), flavour) == whole.is_relative_to(above)
        assert is_at_or_in(str(whole), root, flavour)
        inner = str(above.joinpath(*parts))
        assert seen_from(inner, str(above), flavour) == flavour.relpath(inner, str(above))
        assert seen_from(str(above), inner, flavour) == str(above)


@given(st.text(max_size=8))
def test_a_character_remains_one(text: str) -> None:
    assert len(comparable(text, ntpath)) == len(text)
    assert comparable(comparable(text, ntpath), ntpath) == comparable(text, ntpath)
    assert comparable(text, posixpath) == text


def test_a_backslash_is_a_character_outside_windows() -> None:
    assert not matches("notes/tea.md", ["notes\\*"], flavour=posixpath)
    assert matches("notes\\tea.md", ["notes\\*"], flavour=posixpath)
    assert not matches("notes\\tea.md", ["notes/*"], flavour=posixpath)
    assert not matches("TEA.MD", ["*.md"], flavour=posixpath)
    assert not is_at_or_in("/notes\\tea.md", "/notes", posixpath)


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        (r"C:\*.md", "C:\\"),
        (r"C:\notes\*.md", r"C:\notes"),
        ("C:/notes/*/a.md", r"C:\notes"),
        (r"\\server\share\*.md", "\\\\server\\share\\"),
        (r"\\server\share\notes\**\*.md", r"\\server\share\notes"),
        (r"\\server\sh[a]re\notes", r"\\server\sh[a]re\notes"),  # magic of the share alone stands for itself
    ],
)
def test_the_plain_part_of_a_pattern_on_windows(pattern: str, folder: str) -> None:
    assert plain_part(pattern, ntpath) == folder


@pytest.mark.parametrize(
    ("pattern", "here", "whole"),
    [
        ("*.md", r"C:\me", "*.md"),
        (r"notes\*", r"C:\me", r"C:\me\notes\*"),
        (r"notes\*", r"C:\[me]", r"C:\[[]me]\notes\*"),
        (r"D:\notes\*", r"C:\me", r"D:\notes\*"),
        ("D:/notes/*", r"C:\me", "D:/notes/*"),
        (r"\notes\*", r"C:\me", r"C:\notes\*"),
        (r"\\server\share\*", r"C:\me", r"\\server\share\*"),
        ("a*", r"\\server\share", r"\\server\share\a*"),
    ],
)
def test_a_whole_pattern_on_windows(pattern: str, here: str, whole: str) -> None:
    assert whole_pattern(pattern, here, ntpath) == whole


@pytest.mark.parametrize(
    ("flavour", "paths", "pattern", "found"),
    [
        (posixpath, ["/me/notes/tea.md", "/me/Notes/a.md"], "/me/notes/*", [1]),
        (posixpath, ["/me/notes\\tea.md", "/me/notes/tea.md"], "/me/notes\\*", [1]),
        (ntpath, [r"C:\me\notes\tea.md", r"C:\me\Notes\A.MD", r"C:\me\b.md"], "c:/me/notes/*.md", [1, 2]),
        (ntpath, [r"C:\me\notes\tea.md", r"C:\me\b.md"], r"C:\me\NOTES\*", [1]),
        (ntpath, [r"C:\me\notes\tea.md", r"C:\me\b.md"], r"*\notes\[^a]*", [1]),
        (ntpath, [r"\\server\share\É.md", r"\\server\other\É.md"], "//SERVER/share/é*", [1]),
    ],
)
def test_a_pattern_in_a_search(flavour: ModuleType, paths: list[str], pattern: str, found: list[int]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE sources (id INTEGER PRIMARY KEY, path TEXT)")
    connection.execute("CREATE TABLE chunks (id INTEGER PRIMARY KEY, source INTEGER, metadata TEXT)")
    connection.executemany("INSERT INTO sources (path) VALUES (?)", [(path,) for path in paths])
    connection.executemany("INSERT INTO chunks (source) VALUES (?)", [(n + 1,) for n in range(len(paths))])
    allowed = allowed_chunks(connection, None, pattern, flavour)
    connection.close()
    assert allowed is not None
    assert allowed.tolist() == found


def test_a_file_keeps_the_spelling_in_which_it_came_first(tmp_path: Path) -> None:
    """Where capitals count, as here, hard links stand for the spellings of one file."""
    first, again, other = (str(tmp_path / name) for name in ("tea.md", "TEA.md", "Tea.MD"))
    Path(first).write_text("tea", encoding="utf-8")
    capitals_count = not Path(again).exists()
    if capitals_count:
        os.link(first, again)
        Path(other).write_text(
            "another file of that name, as case-sensitive folders of Windows allow", "utf-8"
        )
        assert Spellings([first], ntpath).of(other) == other
    spellings = Spellings([first], ntpath)
    assert spellings.of(again) == first
    assert spellings.of(first) == first
    assert spellings.of(str(tmp_path / "new.md")) == str(tmp_path / "new.md")
    gone = str(tmp_path / "NEW.md")
    assert spellings.of(gone) == gone  # neither is there, so nothing says that they are one
    if capitals_count:
        assert Spellings([first]).of(again) == again  # on POSIX, two files
