"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from time_limit import LONGEST, started, wait_for

from m2v_lite import OutputError, StaticModel
from m2v_lite.files import atomic_write as module
from m2v_lite.files.atomic_write import atomic_write, atomic_writes, is_temporary


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
    with pytest.raises(OutputError, match="not an ordinary file"), atomic_write(Path("/dev/null")):
        pass


def test_the_folder_of_a_file_must_be_there(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"there is no folder .*; create it"),
        atomic_write(tmp_path / "a/b"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["notes.txt", "notes.txt/model/more"])
def test_a_file_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_bytes(b"milk")
    with pytest.raises(OutputError, match=r"notes\.txt: this is a file, so it cannot be a folder"):
        StaticModel.from_pretrained().save_pretrained(tmp_path / name)
    assert (tmp_path / "notes.txt").read_bytes() == b"milk"


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


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, bytes]]:
    """What reaches the disk, in order: files with their content at that moment, names and folders."""
    noted: list[tuple[str, str, bytes]] = []
    fsync, replace = os.fsync, os.replace

    def synchronize(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            noted.append(("folder", path.name, b""))
        else:
            noted.append(("file", "", Path(f"/proc/self/fd/{descriptor}").read_bytes()))
        fsync(descriptor)

    def rename(source: str, target: str) -> None:
        noted.append(("name", Path(target).name, b""))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synchronize)
    monkeypatch.setattr(os, "replace", rename)
    return noted


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@needs_proc
def test_a_file_is_whole_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, events: list[tuple[str, str, bytes]]
) -> None:
    write(tmp_path / "new", b"all of it")  # less than a buffer
    assert events == [("file", "", b"all of it"), ("name", "new", b""), ("folder", tmp_path.name, b"")]


@needs_proc
def test_the_last_name_comes_when_all_others_are_on_the_disk(
    tmp_path: Path, events: list[tuple[str, str, bytes]]
) -> None:
    (tmp_path / "a").mkdir()
    with atomic_writes([tmp_path / "a" / "1", tmp_path / "2", tmp_path / "3"]) as files:
        for number, file in enumerate(files):
            file.write(b"%d" % number)
    folders = [("folder", "a", b""), ("folder", tmp_path.name, b"")]
    assert events == [
        *[("file", "", b"%d" % number) for number in range(3)],
        ("name", "1", b""),
        ("name", "2", b""),
        *folders,
        ("name", "3", b""),
        *folders,
    ]


@needs_proc
def test_a_new_folder_is_on_the_disk_too(tmp_path: Path, events: list[tuple[str, str, bytes]]) -> None:
    with module.new_folders([str(tmp_path / "a" / "b" / "c")]):
        assert [name for _, name, _ in events] == ["b", "a", tmp_path.name]
    assert (tmp_path / "a" / "b" / "c").is_dir()
    with module.new_folders([str(tmp_path / "a")]):
        pass
    assert len(events) == 3


def test_new_folders_go_if_what_follows_fails(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    paths = [str(tmp_path / name) for name in ("old/new", "a/b", "a/c/d", "filled")]

    def fail() -> None:
        with module.new_folders(paths):
            assert all(map(os.path.isdir, paths))
            (tmp_path / "filled" / "kept").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["filled", "kept", "old"]


def test_folders_that_cannot_all_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), module.new_folders([f"{tmp_path}/a/b", f"{tmp_path}/file/c"]):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOTSUP])
def test_a_file_system_that_cannot_synchronize_folders(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write(tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"whole"


def test_a_system_that_cannot_open_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_DIRECTORY")
    write(tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"whole"


WRITER = """
import sys
from m2v_lite.files.atomic_write import atomic_write
with atomic_write(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that has begun to write a file. It goes on when its standard input ends."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        yield process


def temporaries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if is_temporary(path.name))


def write(path: Path, content: bytes = b"whole") -> None:
    with atomic_write(path) as file:
        file.write(content)


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    with writing(tmp_path / "new") as process:
        process.kill()
    assert len(temporaries(tmp_path)) == 1
    write(tmp_path / "another")
    assert [path.name for path in tmp_path.iterdir()] == ["another"]


def test_the_file_of_a_live_writer_stays(tmp_path: Path) -> None:
    with writing(tmp_path / "new") as process:
        (before,) = temporaries(tmp_path)
        write(tmp_path / "another")
        assert temporaries(tmp_path) == [before]
        process.communicate(timeout=LONGEST)
    assert process.returncode == 0
    assert (tmp_path / "new").read_bytes() == b"half"
    assert temporaries(tmp_path) == []


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals")
def test_a_stopped_writer_is_alive(tmp_path: Path) -> None:
    with writing(tmp_path / "new") as process:
        process.send_signal(signal.SIGSTOP)
        write(tmp_path / "another")
        assert len(temporaries(tmp_path)) == 1
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=LONGEST)
    assert (tmp_path / "new").read_bytes() == b"half"


def test_a_file_that_is_closed_and_not_yet_renamed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def late(source: str, target: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            write(tmp_path / f"beside {Path(target).name}")
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    with atomic_writes([tmp_path / "first", tmp_path / "second"]) as (first, second):
        first.write(b"1")
        second.write(b"2")
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert contents == {"first": b"1", "second": b"2", "beside first": b"whole", "beside second": b"whole"}


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counts its own descriptor both times
    write(tmp_path / "new")
    with pytest.raises(OutputError):
        write(tmp_path / "no folder" / "new")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize("lacking", [OSError(errno.ENOLCK, "No locks available"), None])
def test_where_files_cannot_be_locked_leftovers_stay(
    lacking: OSError | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".m2v-lite-0123abcd.tmp").touch()

    def lock(file: object) -> bool:
        if lacking is not None:
            raise lacking
        return False

    monkeypatch.setattr(module, "lock", lock)
    write(tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"whole"
    assert temporaries(tmp_path) == [".m2v-lite-0123abcd.tmp"]


def test_a_writer_whose_new_file_is_taken_for_a_leftover_takes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its making and its locking, another writer removes the file, or is about to."""
    lock = module.lock
    calls = []

    def interfered(file: BinaryIO) -> bool:
        calls.append(file.name)
        if len(calls) == 1:
            os.remove(file.name)  # noqa: PTH107
            return lock(file)
        if len(calls) == 2:
            raise BlockingIOError
        return lock(file)

    monkeypatch.setattr(module, "lock", interfered)
    write(tmp_path / "new")
    assert len(calls) == 3
    assert (tmp_path / "new").read_bytes() == b"whole"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_only_looks_like_a_leftover_stays(tmp_path: Path) -> None:
    (tmp_path / ".m2v-lite-folder.tmp").mkdir()
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / ".m2v-lite-link.tmp").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / ".m2v-lite-fifo.tmp")
    write(tmp_path / "new")
    assert len(temporaries(tmp_path)) == 3
    assert (tmp_path / "kept").read_bytes() == b"kept"


def test_many_writers_of_one_file_of_which_some_are_killed(tmp_path: Path) -> None:
    program = """
import os, sys
from m2v_lite.files.atomic_write import atomic_write
for number in range(10_000):
    with atomic_write(sys.argv[1]) as file:
        file.write(b"%d " % os.getpid() * 1000)
"""
    command = [sys.executable, "-c", program, str(tmp_path / "new")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    wait_for((tmp_path / "new").exists)
    time.sleep(1.5)
    for process in processes:
        process.kill()
    for process in processes:
        assert process.communicate(timeout=LONGEST)[1] == b""
    numbers = set((tmp_path / "new").read_bytes().split())
    assert len(numbers) == 1
    write(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
