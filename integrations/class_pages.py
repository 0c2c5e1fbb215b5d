"""What the tests of the classes for other libraries share: their pages, and processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from time_limit import LONGEST

PAGES = Path(__file__).parent.parent / "docs" / "libraries"


def run_page(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the python blocks of a page one after the other in a folder, and return what they define."""
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
    return names


def in_a_new_process(program: str, *arguments: str) -> str:
    """Run a program of Python, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from m2v_lite.errors import MissingPackageError
try:
    __import__(sys.argv[2])
except MissingPackageError as error:
    print(error)
"""


def message_without(library: str, module: str) -> str:
    """Return the error of a module of ours when a library is not installed."""
    return in_a_new_process(WITHOUT, library, f"m2v_lite.integrations.{module}")


IMPORTED = """
import sys
__import__(sys.argv[1])
print(*{name.partition(".")[0] for name in sys.modules})
"""


def imported_by(module: str) -> set[str]:
    """Return the packages that a module imports."""
    return set(in_a_new_process(IMPORTED, module).split())
