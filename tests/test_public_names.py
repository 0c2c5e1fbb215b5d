"""What `import m2v_lite` shows: the public names, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from time_limit import LONGEST

import m2v_lite


def test_what_completion_shows() -> None:
    assert dir(m2v_lite) == sorted(m2v_lite.__all__)
    assert "Model2VecEmbeddingFunction" in dir(m2v_lite)
    assert {name for name in dir(m2v_lite) if name.endswith("Error")} == {
        name for name in dir(m2v_lite.errors) if name.endswith("Error")
    }


NAMES = [name for name in m2v_lite.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(m2v_lite, name).__doc__


def test_a_star_import() -> None:
    program = "from m2v_lite import *; print(sorted(name for name in dir() if name[:2] != '__'))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=LONGEST
    )
    assert eval(done.stdout) == sorted(NAMES)


def test_no_other_name() -> None:
    with pytest.raises(AttributeError, match="module 'm2v_lite' has no attribute 'StaticModels'"):
        m2v_lite.StaticModels  # noqa: B018
