"""Classifiers by name: the head comes with its model, or is said to be missing, damaged or in the old format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_server import Answer, Hub, instead, sha256, status
from reference import GOLDEN
from test_hub import NAME, cache as cache, damaged, files_of, hub as hub, load, run, snapshot_of

from m2v_lite import DownloadError, InvalidModelError, ModelNotFoundError
from m2v_lite.inference import StaticModelPipeline

TRAINED = GOLDEN / "trained-heads" / "one-topic"
TEXTS = ["rain and snow", "bread", ""]
HEAD = "head.safetensors"
LEGACY = "pipeline.skops"


@pytest.fixture
def files() -> dict[str, bytes]:
    return files_of(TRAINED)


def without_head(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name != HEAD}


def load_pipeline(cache: Path, **options: Any) -> StaticModelPipeline:
    return StaticModelPipeline.from_pretrained(NAME, cache_dir=cache, **options)


def assert_trained(pipeline: StaticModelPipeline) -> None:
    expected = StaticModelPipeline.from_pretrained(TRAINED).predict_proba(TEXTS)
    np.testing.assert_array_equal(pipeline.predict_proba(TEXTS), expected)


def drop_head(cache: Path) -> None:
    """Leave a snapshot as a program leaves it that does not know of heads."""
    path = snapshot_of(cache) / HEAD
    path.resolve().unlink()
    path.unlink(missing_ok=True)


@pytest.mark.parametrize("subfolder", [None, "classifiers/topics"])
def test_the_head_is_downloaded_with_the_model(
    subfolder: str | None, hub: Hub, cache: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, {f"{subfolder}/{name}" if subfolder else name: files[name] for name in files})
    assert_trained(load_pipeline(cache, subfolder=subfolder))
    hub.requests.clear()
    assert_trained(load_pipeline(cache, subfolder=subfolder))
    assert_trained(load_pipeline(cache, subfolder=subfolder, local_files_only=True))
    assert not hub.requests


def test_a_head_comes_with_a_model_that_is_only_encoded_with(
    hub: Hub, cache: Path, files: dict[str, bytes]
) -> None:
    hub.add(NAME, files)
    load(cache)
    hub.requests.clear()
    assert_trained(load_pipeline(cache))
    assert not hub.requests


def test_a_head_that_the_cache_lacks_is_downloaded(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    load(cache)
    drop_head(cache)
    hub.requests.clear()
    load(cache)
    assert not hub.requests  # it is not needed for vectors
    with pytest.raises(
        DownloadError,
        match=rf"not complete in the cache \(.*there is no {HEAD}\), and local_files_only is set\. .*: "
        rf"m2v-lite download {NAME} --force-download$",
    ):
        load_pipeline(cache, local_files_only=True)
    assert not hub.requests
    hub.fail("", status(503), 99)
    with pytest.raises(DownloadError, match=rf"not complete in the cache .*{HEAD}.*answers 503"):
        load_pipeline(cache)
    hub.faults.clear()
    assert_trained(load_pipeline(cache))
    table = f"GET /store/{sha256(files['model.safetensors'])}"
    assert table not in hub.requests  # the rest is there


def test_the_command_of_that_error(
    hub: Hub, cache: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    load(cache)
    drop_head(cache)
    run(capsys, "download", NAME, "--cache-dir", cache, "--force-download")
    assert_trained(load_pipeline(cache, local_files_only=True))


def test_a_copied_or_packed_download_has_the_head(
    hub: Hub, cache: Path, files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    run(capsys, "download", NAME, "--cache-dir", cache, "--output", tmp_path / "copy")
    run(capsys, "download", NAME, "--cache-dir", cache, "--pack", tmp_path / "packed.safetensors")
    for name in ("copy", "packed.safetensors"):
        assert_trained(StaticModelPipeline.from_pretrained(tmp_path / name))


def test_a_model_without_a_head(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    config = files["config.json"].replace(b'"head_config"', b'"another_config"')
    hub.add(NAME, {**without_head(files), "config.json": config})
    for _ in range(2):
        with pytest.raises(ModelNotFoundError, match=r"this model has no classifier head .*StaticModel"):
            load_pipeline(cache)


@pytest.mark.parametrize(
    ("options", "converted"),
    [({}, NAME), ({"revision": "v1"}, "DOWNLOADED_FOLDER"), ({"subfolder": "a"}, "DOWNLOADED_FOLDER")],
)
def test_a_head_in_the_old_format(
    options: dict[str, str], converted: str, hub: Hub, cache: Path, files: dict[str, bytes]
) -> None:
    old = {**without_head(files), LEGACY: b"PK"}
    hub.add(NAME, {**old, **{f"a/{name}": old[name] for name in old}}, "main", "v1")
    with pytest.raises(
        InvalidModelError,
        match=rf"^{NAME}.*: this head is in {LEGACY}, .*convert_legacy_pipeline as convert; "
        rf"new = convert\('{converted}'\); .*new\.save_pretrained\('NEW_FOLDER'\)",
    ):
        load_pipeline(cache, **options)
    assert not list(cache.rglob("*.safetensors"))  # nothing is downloaded to find that out
    assert load(cache, **options).encode("rain").shape == (6,)  # the vectors are of use all the same


def test_an_old_head_beside_a_new_one_is_ignored(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, {**files, LEGACY: b"PK"})
    assert_trained(load_pipeline(cache))
    assert not (snapshot_of(cache) / LEGACY).exists()


def test_a_damaged_head_is_refused(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    hub.add(NAME, files)
    wrong = damaged(files[HEAD])

    def fault(answer: Answer) -> bool:
        return bool(answer.command != "HEAD" and instead(wrong)(answer))

    hub.fail(f"GET /store/{sha256(files[HEAD])}", fault, 99)
    with pytest.raises(
        DownloadError, match=rf"{HEAD} arrived with .* the checksum .*No damaged file is kept"
    ):
        load_pipeline(cache)
    assert wrong not in files_of(cache).values()
    hub.faults.clear()
    hub.fail(f"GET /store/{sha256(files[HEAD])}", fault)  # once
    assert_trained(load_pipeline(cache))


def test_a_git_lfs_pointer_in_place_of_the_head(hub: Hub, cache: Path, files: dict[str, bytes]) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 500\n"
    hub.add(NAME, {**files, HEAD: pointer})
    with pytest.raises(InvalidModelError, match=rf"{HEAD}: this is a git-lfs pointer, not the file itself"):
        load_pipeline(cache)
    assert load(cache).encode("rain").shape == (6,)


def test_the_checksum_of_a_head_is_verified(
    hub: Hub, cache: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    hub.add(NAME, files)
    load_pipeline(cache)
    snapshot = snapshot_of(cache)
    assert "all 5 agree" in run(capsys, "info", snapshot, "--verify")
    (snapshot / HEAD).resolve().write_bytes(damaged(files[HEAD]))
    assert f"{HEAD}: the file is damaged" in run(capsys, "info", snapshot, "--verify", wanted=1)
