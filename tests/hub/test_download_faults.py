"""Downloads, with each operation on files failing in turn: what the cache holds is loaded right, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hub_server import Hub
from test_hub import (
    NAME,
    TEXTS,
    cache as cache,
    files as files,
    hub as hub,
    load,
    others as others,
)

from m2v_lite import M2VLiteError

if not hasattr(os, "fork"):
    pytest.skip("needs fork", allow_module_level=True)

from faults import KINDS, Kind, endings

# A download is some hundred operations, most of them of huggingface_hub. Fewer need space.
STEPS: dict[Kind, int] = {"one fails": 13, "disk is full": 3, "killed": 13}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_there", [False, True], ids=["empty cache", "older commit"])
def test_a_fault_leaves_a_model_or_none(
    is_there: bool, kind: Kind, hub: Hub, cache: Path, files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    repository = hub.add(NAME, others)
    old = load(cache).encode(TEXTS)
    older = cache.with_name("older")
    cache.rename(older)
    commit = repository.commit(files)
    new = load(cache).encode(TEXTS)
    assert not np.array_equal(old, new)

    def prepare() -> None:
        shutil.rmtree(cache)
        if is_there:
            shutil.copytree(older, cache, symlinks=True)

    step = 1 if os.environ.get("M2V_LITE_EXHAUSTIVE") else STEPS[kind]
    seen = []
    for ending in endings(prepare, lambda: load(cache, force_download=is_there), kind, step):
        try:
            found = load(cache, local_files_only=True).encode(TEXTS)
        except M2VLiteError:
            assert not is_there
            assert not ending.is_done
        else:
            assert np.array_equal(found, new) or (is_there and np.array_equal(found, old))
        np.testing.assert_array_equal(load(cache, force_download=True).encode(TEXTS), new)
        np.testing.assert_array_equal(load(cache, revision=commit, local_files_only=True).encode(TEXTS), new)
        seen.append(ending)
    assert len(seen) > 1
