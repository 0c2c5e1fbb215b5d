"""What the package declares to need, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PYPROJECT = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
DECLARED = re.findall(r'"([^"]+)"', re.search(r"^dependencies = \[(.*?)^\]", PYPROJECT, re.M | re.S)[1])  # type: ignore[index]
MACHINES_WITH_WHEELS = ["x86_64", "AMD64", "aarch64", "arm64", "armv7l", "i686", "ppc64le", "s390x"]


def needed(machine: str) -> set[str]:
    requirements = map(Requirement, DECLARED)
    return {
        requirement.name
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"platform_machine": machine})
    }


@pytest.mark.parametrize("machine", MACHINES_WITH_WHEELS)
def test_all_is_installed_where_there_are_wheels(machine: str) -> None:
    assert needed(machine) == {"numpy", "tokenizers", "huggingface_hub"}


@pytest.mark.parametrize("machine", ["armv6l", "riscv64"])
def test_tokenizers_is_left_out_where_it_has_no_wheel(machine: str) -> None:
    assert needed(machine) == {"numpy", "huggingface_hub"}
