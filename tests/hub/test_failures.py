"""Which failures of a download may pass, and which ones the cache's folder explains."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from m2v_lite.hub.cache import Asked
from m2v_lite.hub.failures import DamagedFileError, explained, may_pass


class AnswerError(Exception):
    """An error with a response, as the client raises it."""

    def __init__(self, status: object) -> None:
        super().__init__(f"the hub answers {status}")
        self.response = SimpleNamespace(status_code=status)


@pytest.mark.parametrize(
    ("status", "passes"),
    [
        (400, False),
        (404, False),
        (428, False),
        (429, True),
        (430, False),
        (499, False),
        (500, True),
        (503, True),
    ],
)
def test_a_busy_hub_is_asked_again(status: int, passes: bool) -> None:
    assert may_pass(AnswerError(status)) is passes
    with pytest.raises(ValueError, match="wrapped") as caught:
        raise ValueError("wrapped") from AnswerError(status)
    assert may_pass(caught.value) is passes


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionResetError(errno.ECONNRESET, "reset"), True),
        (DamagedFileError("other bytes"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), False),
        (socket.gaierror(-2, "unknown"), False),
        (OSError(errno.ENOSPC, "full"), False),
        (OSError(errno.EDQUOT, "no quota"), False),
        (PermissionError(errno.EACCES, "not allowed"), False),
        (OSError(errno.EROFS, "read-only"), False),
        (AnswerError(None), True),
    ],
)
def test_what_else_may_pass(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes
    with pytest.raises(RuntimeError, match="wrapped") as caught:
        raise RuntimeError("wrapped") from error
    assert may_pass(caught.value) is passes


@pytest.mark.parametrize(
    ("number", "place", "is_about_the_cache"),
    [
        (errno.EACCES, "cache", True),
        (errno.EROFS, "cache/models--owner--name/blobs", True),
        (errno.ENOTDIR, "", True),  # the cache would be made in it
        (errno.EACCES, "elsewhere", False),
        (errno.EACCES, None, False),
        (errno.ECONNRESET, "cache", False),
    ],
)
def test_a_cache_that_cannot_be_written_is_named(
    number: int, place: str | None, is_about_the_cache: bool, tmp_path: Path
) -> None:
    error = OSError(number, "no", None if place is None else str(tmp_path / place))
    told = str(explained(error, Asked("owner/name"), str(tmp_path / "cache"), "https://hub", "not there"))
    assert ("cannot be written to" in told) is is_about_the_cache
    assert ("the download failed" in told) is not is_about_the_cache
