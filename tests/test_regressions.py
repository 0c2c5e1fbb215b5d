"""What a fuzzer once found wrong stays right: the files in `regressions`, as the fuzzers write them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("the fuzzers fork, and limit memory", allow_module_level=True)

import fuzz_models
import fuzz_texts

REGRESSIONS = Path(__file__).parent / "regressions"
MODELS = sorted((REGRESSIONS / "models").iterdir())
TEXTS = sorted((REGRESSIONS / "texts").iterdir())


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.name)
def test_models(model: Path, tmp_path: Path) -> None:
    outcome, told = fuzz_models.in_a_child(model, tmp_path / "vectors.npy", True)
    assert outcome in fuzz_models.RIGHT, told
    peers = os.environ.get("M2V_LITE_PEERS")
    if peers and outcome == fuzz_models.WORKS and not (model / "packed.safetensors").exists():
        reference = fuzz_models.Reference(peers)
        try:
            assert not reference.differs(model, tmp_path / "vectors.npy")
        finally:
            reference.end()


@pytest.mark.parametrize("case", TEXTS, ids=lambda path: path.stem)
def test_texts(case: Path) -> None:
    kept = json.loads(case.read_text(encoding="utf-8"))
    random = np.random.default_rng(0)
    assert fuzz_texts.differences(kept["definition"], kept["texts"], random) == []
