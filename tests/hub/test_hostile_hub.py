"""A hub that lies, revisions that are paths, and secrets in errors."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from hub_server import Answer, Fault, Hub, git_hash, invalid_credentials, status
from test_hub import (
    NAME,
    NO_PAUSES,
    NOT_IN_THE_CACHE,
    assert_same,
    cache as cache,
    files as files,
    hub as hub,
    in_a_process,
    load,
    run,
    snapshot_of,
)

from m2v_lite import DownloadError, InputValueError, M2VLiteError, StaticModel
from m2v_lite.hub.failures import without_secrets

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links")

LOAD = """
import json, sys
from m2v_lite import StaticModel
from m2v_lite.hub import download
download.PAUSES = (0.0, 0.0)
StaticModel.from_pretrained(sys.argv[1], **json.loads(sys.argv[2]))
"""


def with_headers(**headers: str) -> Fault:
    """Let the next answer pass, with other headers; `_` stands for `-`."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}

    def fault(answer: Answer) -> bool:
        send = answer.send

        def sent(number: int, content: bytes, sound: Any = None) -> None:
            answer.send = send  # type: ignore[method-assign]  # the object answers more requests
            send(number, content, {**(sound or {}), **changed})

        answer.send = sent  # type: ignore[method-assign,assignment]
        return False

    return fault


# Files outside the cache


@pytest.mark.parametrize(
    ("name", "header"),
    [("config.json", "ETag"), ("tokenizer.json", "ETag"), ("model.safetensors", "X_Linked_Etag")],
)
def test_a_checksum_that_is_a_path(
    name: str, header: str, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    hub.fail(f"HEAD /{NAME}/resolve/{hub.repositories[NAME].revisions['main']}/{name}",
             with_headers(**{header: '"../../../x"'}), 9)  # fmt: skip
    with pytest.raises(DownloadError, match=rf"{name} points outside the cache, to {tmp_path}/x; check"):
        load(cache)
    with pytest.raises(DownloadError, match=NOT_IN_THE_CACHE):
        load(cache, local_files_only=True)
    hub.faults.clear()
    assert_same(load(cache), files, tmp_path)
    assert all(path.resolve().is_relative_to(cache) for path in snapshot_of(cache).iterdir())


@pytest.mark.parametrize("is_right", [False, True])
def test_a_file_of_the_user_stays_and_is_not_loaded(
    is_right: bool, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """A damaged file is removed, but not if a link in the cache leads to another place."""
    hub.add(NAME, files)
    mine = files["config.json"] if is_right else b"my diary"
    (tmp_path / "mine").write_bytes(mine)
    hub.fail("/config.json", with_headers(ETag='"../../../mine"'), 9)
    with pytest.raises(DownloadError, match=r"config\.json points outside the cache"):
        load(cache)
    assert (tmp_path / "mine").read_bytes() == mine


def test_a_file_of_another_repository_is_not_reached(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add("owner/other", files)
    load(cache, "owner/other")
    hub.add(NAME, {**files, "config.json": b'{"normalize": false}'})
    place = f"../../models--owner--other/blobs/{git_hash(files['config.json'])}"
    hub.fail(f"/{NAME}/resolve", with_headers(ETag=f'"{place}"'), 9)
    with pytest.raises(DownloadError, match="points outside the cache"):
        load(cache)
    assert_same(load(cache, "owner/other", local_files_only=True), files, tmp_path)


@pytest.mark.parametrize("commit", ["../../../x", "main", "", "f" * 39, "F" * 40])
def test_a_commit_that_is_none(commit: str, hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    repository = hub.add(NAME, files)
    repository.revisions["main"] = commit
    repository.commits[commit] = files
    with pytest.raises(DownloadError, match=r"the hub names the commit .*, which is not a commit"):
        load(cache)
    assert not cache.exists()


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors", "README.md"])
def test_a_link_in_the_cache_that_leads_elsewhere(
    name: str,
    hub: Hub,
    cache: Path,
    tmp_path: Path,
    files: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything = {**files, "README.md": b"---\nlicense: mit\n---\n"}
    hub.add(NAME, everything)
    load(cache)
    (tmp_path / name).write_bytes(everything[name])
    (snapshot_of(cache) / name).unlink()
    (snapshot_of(cache) / name).symlink_to(tmp_path / name)
    with pytest.raises(DownloadError, match=rf"{name}: points outside the cache, to {tmp_path}"):
        load(cache, local_files_only=True)
    assert "no static model in the cache" in run(capsys, "list", "--cache-dir", cache)
    assert_same(load(cache), everything, tmp_path)
    assert_same(load(cache, local_files_only=True), everything, tmp_path)
    assert (tmp_path / name).read_bytes() == everything[name]


def test_links_inside_the_cache_and_of_the_cache_count(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """Newer versions of huggingface_hub keep what repositories share in `blobs`, next to the repositories."""
    hub.add(NAME, files)
    load(cache)
    blob = (snapshot_of(cache) / "model.safetensors").resolve()
    shared = cache / "blobs" / "ab" / ("ab" * 32)
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(os.path.relpath(shared, blob.parent))
    assert_same(load(cache, local_files_only=True), files, tmp_path)
    (cache / "models--owner--name").rename(tmp_path / "elsewhere")
    (cache / "models--owner--name").symlink_to(tmp_path / "elsewhere")
    shutil.copy(shared, tmp_path / "elsewhere" / "blobs" / "copy")
    (tmp_path / "elsewhere" / "blobs" / blob.name).unlink()
    (tmp_path / "elsewhere" / "blobs" / "copy").rename(tmp_path / "elsewhere" / "blobs" / blob.name)
    assert_same(load(cache, local_files_only=True), files, tmp_path)
    (tmp_path / "link").symlink_to(cache)
    assert_same(load(tmp_path / "link", local_files_only=True), files, tmp_path)


def test_copies_in_place_of_links_count(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """So it is on Windows."""
    hub.add(NAME, files)
    load(cache)
    for name, content in files.items():
        (snapshot_of(cache) / name).unlink()
        (snapshot_of(cache) / name).write_bytes(content)
    assert_same(load(cache, local_files_only=True), files, tmp_path)


# Revisions


@pytest.mark.parametrize(
    "revision",
    [
        "../" * 12 + "dev/zero",
        "..",
        ".",
        "a/../b",
        "a/./b",
        "a//b",
        "/etc/passwd",
        "a/",
        ".hidden",
        "a/.b",
        "a..b",
        "v1.",
        "a b",
        "a\\b",
        "C:x",
        "a\0b",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "a\ud800",
        "v?",
        "*",
    ],
)
def test_revisions_are_names(revision: str, hub: Hub, cache: Path) -> None:
    with pytest.raises(InputValueError, match=r"revision is .*, which cannot be a branch, tag or commit"):
        load(cache, revision=revision)
    assert not hub.requests


@pytest.mark.parametrize("revision", ["refs/pr/1", "v1.0", "feature/a-b_c", "größer", "v1.0.0-rc.1", "@me"])
def test_names_of_revisions(
    revision: str, hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files, revision)
    assert_same(load(cache, revision=revision), files, tmp_path)
    hub.requests.clear()
    assert_same(load(cache, revision=revision), files, tmp_path)
    assert not hub.requests


def test_a_reference_without_end(hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    load(cache)
    reference = cache / "models--owner--name" / "refs" / "main"
    reference.unlink()
    reference.symlink_to("/dev/zero")
    with pytest.raises(DownloadError, match="not in the cache"):
        load(cache, local_files_only=True)


def test_a_reference_is_short(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    """Spaces at its end do no harm, but a long file is no reference."""
    hub.add(NAME, files)
    load(cache)
    reference = cache / "models--owner--name" / "refs" / "main"
    commit = reference.read_text()
    reference.write_text(commit.ljust(256))
    load(cache, local_files_only=True)
    reference.write_text(commit.ljust(257))
    with pytest.raises(DownloadError, match="not in the cache"):
        load(cache, local_files_only=True)


# Secrets


@pytest.mark.parametrize("token", ["hf_secret\nX-Evil: 1", "hf_sec ret", "hf_secret\x00", "hf_secrét", "hf_\udce9secret"])  # fmt: skip
def test_a_token_that_is_none_is_not_shown(token: str, hub: Hub, cache: Path) -> None:
    with pytest.raises(InputValueError, match=r"token holds white space or another character") as caught:
        load(cache, token=token)
    shown = "".join(traceback.format_exception(caught.value))
    assert "hf_" not in shown.replace("hf_hub", "")
    assert "secr" not in shown.replace("it is secret", "")
    assert not hub.requests


# Not Latin-1: huggingface_hub before 1.0 sends what is.
@pytest.mark.parametrize("secret", ["hf_sećret of mine", "hf_secreť"])
def test_a_token_of_the_environment_is_not_shown(
    secret: str, hub: Hub, cache: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    done = in_a_process({"HF_TOKEN": secret, "HF_HUB_CACHE": str(cache)}, NO_PAUSES + LOAD)
    assert done.returncode == 1
    assert "m2v_lite.errors." in done.stderr.splitlines()[-1]
    assert "hf_s" not in done.stderr
    assert "of mine" not in done.stderr


@pytest.mark.parametrize("scheme", ["Bearer ", ""])
def test_a_token_that_a_hub_sends_back_is_not_shown(
    scheme: str, hub: Hub, cache: Path, files: dict[str, bytes]
) -> None:
    def echo(answer: Answer) -> bool:
        token = answer.headers["Authorization"].removeprefix("Bearer ")
        answer.send(401, b"", {"X-Error-Message": f"bad: {scheme}{token}"})
        return True

    hub.add(NAME, files)
    hub.fail("/api/models", echo, 9)
    with pytest.raises(M2VLiteError, match=r"\*\*\*") as caught:
        load(cache, token="hf_secret")
    shown = [line for line in traceback.format_exception(caught.value) if "load(cache" not in line]
    assert "hf_secret" not in "".join(shown)


@pytest.mark.parametrize("fault", ["refused", "busy", "unauthorized"])
def test_a_password_in_the_address_of_the_hub_is_not_shown(
    fault: str, hub: Hub, cache: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    address = hub.url.partition("//")[2] if fault != "refused" else "127.0.0.1:1"
    hub.fail("/api/models", invalid_credentials if fault == "unauthorized" else status(503), 99)
    environment = {"HF_ENDPOINT": f"http://me:pa55word@{address}", "HF_HUB_CACHE": str(cache)}
    done = in_a_process(environment, NO_PAUSES + LOAD)
    assert "pa55word" not in done.stderr
    assert "http://***" in done.stderr.splitlines()[-1]


def test_what_holds_no_secret_keeps_its_cause(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    hub.fail("/api/models", status(503), 99)
    with pytest.raises(DownloadError) as caught:
        load(cache, token="hf_other")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pa/ss@hub/x and", "https://***/x and"),
        ("at 'https://me@hub/x'", "at 'https://***hub/x'"),
        ("b'Bearer hf_a\\nb c'", "b'Bearer ***'"),
        ("hf_known is wrong", "*** is wrong"),
        ("https://hub/owner/name", "https://hub/owner/name"),
    ],
)
def test_without_secrets(text: str, shown: str) -> None:
    assert without_secrets(text, "hf_known") == shown.replace("***/x and", "***hub/x and")


def test_the_model_of_an_honest_hub_with_a_token(
    hub: Hub, cache: Path, tmp_path: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files).token = "hf_good-1.2"
    assert_same(load(cache, token=" hf_good-1.2\n"), files, tmp_path)
    assert isinstance(load(cache), StaticModel)
    assert json.loads((snapshot_of(cache) / "config.json").read_bytes())
