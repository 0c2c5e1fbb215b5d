"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from m2v_lite.files.atomic_write import atomic_write


def test_a_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    with atomic_write(tmp_path / "new") as file:
        file.write(b"content")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_permissions_of_an_old_file_stay(tmp_path: Path) -> None:
    (tmp_path / "old").touch(0o600)
    with atomic_write(tmp_path / "old") as file:
        file.write(b"content")
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o600


def test_a_reader_keeps_what_it_opened(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    with (tmp_path / "old").open() as reader:
        with atomic_write(tmp_path / "old") as file:
            file.write(b"new")
        assert reader.read() == "old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_all_as_it_was(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")

    def write_half() -> None:
        with atomic_write(tmp_path / "old") as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old", "old")]


def test_a_device_is_not_replaced() -> None:
    with pytest.raises(OSError, match="not an ordinary file"), atomic_write(Path("/dev/null")):
        pass


def test_two_writers_at_once(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "new") as one, atomic_write(tmp_path / "new") as other:
        one.write(b"one")
        other.write(b"other")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new", b"one")]


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    with atomic_write(tmp_path / ("x" * 255)) as file:
        file.write(b"content")


def test_what_does_not_reach_the_disk_is_not_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").write_text("old")

    def fsync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)

    def write() -> None:
        with atomic_write(tmp_path / "old") as file:
            file.write(b"new")

    with pytest.raises(OSError, match=r"No space left on device: '.*/old'"):
        write()
    assert (tmp_path / "old").read_text() == "old"
